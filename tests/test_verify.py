"""Every published number follows from what the repository holds."""

import dataclasses

import pytest
import verify

from benchhealth_utils import evaluate, published
from benchhealth_utils.results import record


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
    assert (table["n from data"] > 0).all()
    audit = verify.audit([run for run in light if run.dataset == "gad"])
    assert (audit["changed"] < audit["n"] - audit["cut"]).all()


def test_a_study_follows_from_its_items_which_its_seed_draws(tmp_path, real_data, monkeypatch):
    assert set(verify.verify(verify.studies(), answers=False)["outcome"]) <= {"equal"}
    monkeypatch.setenv("BENCHHEALTH_DATA", str(real_data))
    (run,) = evaluate("majority", "gad", limit=9, store=tmp_path / "store", progress=False)
    record(run, tmp_path / "studies" / "one")
    (kept,) = verify.studies(tmp_path / "studies")
    (row,) = verify.verify([kept], answers=False).to_dict("records")
    assert row["outcome"] == "equal" and row["n"] == 9 and row["n from data"] == 0
    rows = kept.rows.assign(id=["0", *kept.rows["id"][1:]])
    other = dataclasses.replace(kept, rows=rows)
    assert verify.verify([other], answers=False)["outcome"][0] == "items"


def test_a_published_number_that_was_changed_is_named(runs, samples):
    run = runs[0]
    rows = run.rows.copy()
    rows.loc[0, "status"] = "truncated" if rows.loc[0, "status"] == "ok" else "ok"
    assert "coverage" in verify.verify([dataclasses.replace(run, rows=rows)])["outcome"][0]
    scores = dataclasses.replace(run.scores, interval=(0.1, 0.2))
    assert "interval" in verify.verify([dataclasses.replace(run, scores=scores)])["outcome"][0]
