"""Every published number follows from what the repository holds."""

import dataclasses

import pytest
import study
import verify
from scripted import Scripted

from benchhealth_utils import evaluate, published
from benchhealth_utils.results import recorded
from benchhealth_utils.schema import BenchHealthError


@pytest.fixture(scope="module")
def runs():
    return published()


def test_each_published_number_follows_from_its_items(runs, samples):
    table = verify.verify(runs)
    assert len(table) == len(runs) > 20
    assert table[table["outcome"] != "equal"].empty


TEXTS = ("iu_xray", "smollm2-135m")


def test_answers_and_official_data_give_the_published_numbers(runs, real_data, monkeypatch):
    monkeypatch.setenv("BENCHHEALTH_DATA", str(real_data))
    light = [r for r in runs if r.dataset == "gad" or (r.dataset, r.model) == TEXTS]
    table = verify.verify(light)
    assert table[table["outcome"] != "equal"].empty
    assert (table["n from data"] > 0).eq(table["model"] != verify.FITTED).all()
    audit = verify.audit([run for run in light if run.dataset == "gad"])
    assert (audit["changed"] < audit["n"] - audit["cut"]).all()


STUDIES = sorted(verify.STUDIES.glob("*/"))


@pytest.mark.parametrize("folder", STUDIES, ids=lambda path: path.name)
def test_a_study_follows_from_its_items(folder):
    assert set(verify.verify(recorded(folder), folder)["outcome"]) == {"equal"}


def test_answers_of_a_study_are_read_and_scored_again(tmp_path, real_data, monkeypatch):
    monkeypatch.setenv("BENCHHEALTH_DATA", str(real_data))
    asked = {"limit": 9, "store": tmp_path / "store", "progress": False}
    (run,) = evaluate(Scripted("Answer: yes"), "gad", **asked)
    study.keep(run, tmp_path)
    (kept,) = recorded(tmp_path)
    (row,) = verify.verify([kept], tmp_path).to_dict("records")
    assert row["outcome"] == "equal" and row["n"] == row["n from data"] == 9
    assert verify.audit([kept], tmp_path)["changed"].tolist() == [0]
    path = verify.answers_of(kept, tmp_path)
    whole, line = path.read_text(), path.read_text().splitlines(keepends=True)[0]
    path.write_text(whole.replace('"yes"', '"no"'))
    assert "value" in verify.verify([kept], tmp_path)["outcome"][0]
    path.write_text(whole.replace("Answer: yes", "Answer: no"))
    assert verify.audit([kept], tmp_path)["changed"].tolist() == [9]
    for other in (whole.removeprefix(line), whole.replace('"gad-', '"dag-', 1)):
        path.write_text(other)
        assert verify.verify([kept], tmp_path)["outcome"][0] == "answers"
    path.write_text(whole + line)
    with pytest.raises(BenchHealthError, match="line 10: not a published answer"):
        verify.verify([kept], tmp_path)
    path.unlink()
    assert verify.verify([kept], tmp_path)["outcome"][0] == "answers"
    path.write_text(whole)
    other = dataclasses.replace(kept, rows=kept.rows.assign(group="0"))
    assert "items" in verify.verify([other], tmp_path)["outcome"][0]


def test_letters_in_another_order_are_read_again(tmp_path, real_data, monkeypatch):
    monkeypatch.setenv("BENCHHEALTH_DATA", str(real_data))
    how = {"mode": "likelihood", "perturbation": "option_order", "limit": 9}
    (run,) = evaluate(Scripted("Answer: A"), "medqa", store=tmp_path / "s", progress=False, **how)
    study.keep(run, tmp_path)
    (row,) = verify.audit(recorded(tmp_path), tmp_path).to_dict("records")
    assert row["changed"] == 0 and row["n"] == 9
    assert set(verify.verify(recorded(tmp_path), tmp_path)["outcome"]) == {"equal"}


def test_a_published_number_that_was_changed_is_named(runs, samples):
    run = runs[0]
    rows = run.rows.copy()
    rows.loc[0, "status"] = "truncated" if rows.loc[0, "status"] == "ok" else "ok"
    assert "coverage" in verify.verify([dataclasses.replace(run, rows=rows)])["outcome"][0]
    scores = dataclasses.replace(run.scores, interval=(0.1, 0.2))
    assert "interval" in verify.verify([dataclasses.replace(run, scores=scores)])["outcome"][0]
