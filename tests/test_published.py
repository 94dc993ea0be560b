"""Published results follow from published answers, and hold nothing they should not."""

import json
from pathlib import Path

import pytest

from benchhealth_utils import DATASETS, load, score
from benchhealth_utils.datasets import fingerprint
from benchhealth_utils.evaluation import evaluate, read_all
from benchhealth_utils.report.published import FOLDER, publish_answers, published_answers
from benchhealth_utils.schema import BenchHealthError

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
    assert {tuple(line) for line in lines} == {("id", "status", "text")}
    assert len({line["id"] for line in lines}) == len(lines) == row["n"]
    assert DATASETS[row["dataset"]].tier == "open" and row["official"]


@pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_the_published_score_follows_from_the_published_answers(path, real_data):
    row = result_of(path)
    examples = load(row["dataset"], root=real_data)
    assert fingerprint(examples) == row["signature"]["data"]["fingerprint"]
    readings, statuses = read_all(examples, published_answers(path))
    found = score(
        row["dataset"],
        [example.gold for example in examples],
        readings,
        groups=[example.group for example in examples],
    )
    assert found.value == pytest.approx(row["value"], abs=1e-12)
    assert (found.n, found.coverage) == (row["n"], pytest.approx(row["coverage"]))
    assert {name: statuses.count(name) for name in set(statuses)} == row["statuses"]


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
        published_answers(path)
