"""Results in the forms that others read."""

import json
import os
from pathlib import Path

import pandas as pd
import pytest

from benchhealth_utils import cli, evaluate, frame, items, published
from benchhealth_utils.reports import write_results
from benchhealth_utils.schema import BenchHealthError


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    keys = ["medqa", "ncbi_disease", "chatdoctor"]
    return evaluate("majority", keys, store=tmp_path_factory.mktemp("store"), progress=False)


def schemas():
    """The published ones: of the package, or of a folder that is named."""
    if folder := os.environ.get("BENCHHEALTH_EEE_SCHEMAS"):
        return Path(folder)
    package = pytest.importorskip("every_eval_ever", reason="the published schema")
    return Path(package.__file__).parent / "schemas"


def test_tables_hold_what_frame_and_items_give(runs, tmp_path):
    one, two = write_results(runs, tmp_path)
    table = pd.read_csv(one)
    assert table["value"].tolist() == pytest.approx(frame(runs)["value"].tolist())
    rows = pd.read_csv(two, keep_default_na=False, dtype={"id": str})
    assert len(rows) == sum(run.scores.n for run in runs)
    medqa = rows[rows["dataset"] == "medqa"]
    assert medqa["gold"].tolist() == items(runs[0])["gold"].tolist()
    spans = rows[rows["dataset"] == "ncbi_disease"]["gold"].map(json.loads)
    assert spans.tolist() == [sorted(map(list, e.gold)) for e in runs[1].examples]


def test_parquet_holds_the_same(runs, tmp_path):
    pytest.importorskip("pyarrow")
    for csv, path in zip(
        write_results(runs, tmp_path), write_results(runs, tmp_path, "parquet"), strict=True
    ):
        assert len(pd.read_parquet(path)) == len(pd.read_csv(csv)) > 0


def test_the_form_of_lm_eval(runs, tmp_path):
    (path,) = write_results(runs, tmp_path, "lm-eval")
    whole = json.loads(path.read_text())
    task = whole["results"]["medqa_0shot"]
    assert task[f"{runs[0].scores.metric},none"] == runs[0].scores.value
    assert whole["n-samples"]["medqa_0shot"] == {"original": 24, "effective": 24}
    assert whole["n-shot"]["medqa_0shot"] == 0 and whole["config"]["model"] == "majority"
    assert {"alias", "coverage,none"} <= set(task)


def test_every_eval_ever_has_aggregates_and_items(runs, tmp_path):
    paths = write_results(runs, tmp_path, "eee")
    assert [path.suffix for path in paths] == [".json", ".jsonl"] * 3
    whole = json.loads(paths[0].read_text())
    score = whole["evaluation_results"][0]["score_details"]
    assert score["score"] == runs[0].scores.value
    assert score["uncertainty"]["confidence_interval"]["upper"] == runs[0].scores.interval[1]
    lines = [json.loads(line) for line in paths[1].read_text().splitlines()]
    assert [line["sample_id"] for line in lines] == [e.id for e in runs[0].examples]
    right = [line["evaluation"]["is_correct"] for line in lines]
    assert sum(right) / len(right) == pytest.approx(runs[0].scores.value)


def test_every_eval_ever_is_of_its_published_schema(runs, tmp_path):
    jsonschema = pytest.importorskip("jsonschema")
    kinds = {
        ".json": jsonschema.Draft7Validator(
            json.loads((schemas() / "eval.schema.json").read_text())
        ),
        ".jsonl": jsonschema.Draft7Validator(
            json.loads((schemas() / "instance_level_eval.schema.json").read_text())
        ),
    }
    paths = write_results([*runs, *published("smollm2-135m")], tmp_path, "eee")
    assert len(paths) > len(runs) * 2
    for path in paths:
        texts = path.read_text().splitlines() if path.suffix == ".jsonl" else [path.read_text()]
        for text in texts:
            kinds[path.suffix].validate(json.loads(text))


def test_credentialed_items_and_texts_stay(tmp_path):
    run = evaluate("majority", "mimic_cxr", store=tmp_path / "store", progress=False)
    found = write_results(run, tmp_path / "eee", "eee") + write_results(run, tmp_path)
    assert not any(path.suffix == ".jsonl" for path in found)
    words = [run[0].examples[0].inputs["findings"][:50], run[0].examples[0].gold[:50]]
    assert not any(word in path.read_text() for path in found for word in words)


@pytest.mark.parametrize(
    "which, form, said",
    [(slice(None), "xml", "no format 'xml'"), (slice(0), "csv", "there are no runs")],
)
def test_what_cannot_be_written_is_refused(which, form, said, runs, tmp_path):
    with pytest.raises(BenchHealthError, match=said):
        write_results(runs[which], tmp_path / "out", form)
    assert not (tmp_path / "out").exists()


def test_the_verb(tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("BENCHHEALTH_RUNS", str(tmp_path / "runs"))
    assert cli.main(["results", "majority", "--to", str(tmp_path), "--format", "eee"]) == 0
    assert len(list(tmp_path.rglob("*.json"))) == len(published("majority"))
    assert cli.main(["results", "nobody", "--to", str(tmp_path)]) == 1
