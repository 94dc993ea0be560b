"""Published results follow from published answers, and hold nothing they should not."""

import json
import re
from pathlib import Path

import pytest

from benchhealth_utils import DATASETS, load, score
from benchhealth_utils.datasets import fingerprint
from benchhealth_utils.evaluation import evaluate
from benchhealth_utils.report.published import (
    FOLDER,
    publish_answers,
    published_readings,
    without_echo,
)
from benchhealth_utils.schema import BenchHealthError, Example

FILES = sorted(FOLDER.glob("*/*.jsonl"))


def result_of(path: Path) -> dict:
    name = path.relative_to(FOLDER).with_suffix(".json")
    return json.loads((FOLDER.parent / "results" / name).read_text(encoding="utf-8"))


def test_there_are_published_answers_of_a_language_model():
    assert any(path.parent.name == "smollm2-135m" for path in FILES)


@pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_answers_have_an_id_a_status_and_a_text_and_their_result(path):
    row = result_of(path)
    lines = [json.loads(line) for line in path.read_text(encoding="utf-8").strip().split("\n")]
    assert {tuple(line)[:3] for line in lines} == {("id", "status", "text")}
    assert {name for line in lines for name in tuple(line)[3:]} <= {"reading"}
    assert len({line["id"] for line in lines}) == len(lines) == row["n"]
    assert DATASETS[row["dataset"]].tier == "open" and row["official"]


@pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_the_published_score_follows_from_the_published_readings(path, real_data):
    row = result_of(path)
    examples = load(row["dataset"], root=real_data)
    assert fingerprint(examples) == row["signature"]["data"]["fingerprint"]
    readings = published_readings(path)
    found = score(
        row["dataset"],
        [example.gold for example in examples],
        [readings[example.id] for example in examples],
        groups=[example.group for example in examples],
    )
    # a summary that repeats its item is published without those words
    near = 0.05 if isinstance(examples[0].gold, str) and len(examples[0].gold) > 5 else 1e-12
    assert found.value == pytest.approx(row["value"], abs=near)
    assert (found.n, found.coverage) == (row["n"], pytest.approx(row["coverage"]))


@pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_no_published_answer_repeats_its_item(path, real_data):
    def words(value):
        return re.findall(r"\w+", str(value).lower())

    def runs(text):
        return {tuple(text[k : k + 8]) for k in range(len(text) - 7)}

    lines = map(json.loads, path.read_text(encoding="utf-8").strip().split("\n"))
    said = {line["id"]: runs(words(line["text"])) for line in lines}
    for example in load(result_of(path)["dataset"], root=real_data):
        texts = [example.inputs.get("options", {}), *example.inputs.values()]
        parts = [v for x in texts for v in (x.values() if hasattr(x, "values") else [x])]
        assert not said[example.id] & {run for part in parts for run in runs(words(part))}


def test_what_a_reply_repeats_is_left_out_and_counted():
    text = "one two three four five six seven eight nine"
    item = Example("1", "gad", {"sentence": text, "tokens": ("a", "b")}, "yes", "1")
    assert without_echo("", item) == ""
    assert without_echo("one two three four five six seven.", item).endswith("seven.")
    assert without_echo(f"Yes: {text.upper()}. Yes {text}", item) == (
        "Yes: [9 words of the item]. Yes [9 words of the item]"
    )
    assert without_echo(f"x {text} {text} y", item) == (
        "x [9 words of the item] [9 words of the item] y"
    )


def test_samples_baselines_and_credentialed_sets_are_not_published(tmp_path):
    run = evaluate("majority", "gad", store=tmp_path, progress=False)
    with pytest.raises(BenchHealthError, match="only complete runs of the full official data"):
        publish_answers(run, tmp_path)
    run = evaluate("majority", "mimic_cxr", store=tmp_path, progress=False)
    with pytest.raises(BenchHealthError, match="never published"):
        publish_answers(run, tmp_path)


def test_a_baseline_leaves_no_answers(real_data, tmp_path, monkeypatch):
    monkeypatch.setenv("BENCHHEALTH_DATA", str(real_data))
    run = evaluate("majority", "gad", store=tmp_path, progress=False)
    assert publish_answers(run, tmp_path / "answers") is None
    assert not (tmp_path / "answers").exists()


def test_a_damaged_file_names_its_line(tmp_path):
    path = tmp_path / "x.jsonl"
    path.write_text('{"id": "1", "status": "ok", "text": ""}\n{"id": "2"}\n')
    with pytest.raises(BenchHealthError, match="x.jsonl, line 2"):
        published_readings(path)
