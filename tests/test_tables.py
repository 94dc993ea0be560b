"""Tables of a chapter: on which data, beside which constant answer, against which model."""

from __future__ import annotations

import json
import shutil
from collections import Counter
from dataclasses import replace

import pytest

from benchhealth_utils import DATASETS, load, report, score
from benchhealth_utils.evaluation import evaluate, evaluate_all
from benchhealth_utils.report.constant import FROM_TRAINING, constant_answer
from benchhealth_utils.report.sources import data_note
from benchhealth_utils.schema import ROOT


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """The supervised baseline on all items of every sample set."""
    store = tmp_path_factory.mktemp("answers")
    found = evaluate_all("supervised", list(DATASETS), store=store, progress=False)
    return {run.dataset: run for run in found}


def commonest(values):
    """The mode; of equally frequent values the first in sorted order."""
    tally = Counter(values)
    return min(tally, key=lambda value: (-tally[value], value))


def test_the_constant_answer_of_hoc_and_iu_xray_by_an_independent_count(runs):
    hallmark = commonest([name for item in load("hoc", "train") for name in item.gold])
    hits = sum(hallmark in item.gold for item in load("hoc"))
    named = sum(len(item.gold) for item in load("hoc"))
    found = constant_answer(runs["hoc"])
    assert found.value == pytest.approx(2 * hits / (len(load("hoc")) + named))
    assert 0 < found.value < 1 and found.what == "the commonest hallmark"
    impression = commonest([item.gold for item in load("iu_xray", "train")])
    gold = [item.gold for item in load("iu_xray")]
    expected = score("iu_xray", gold, [impression] * len(gold)).value
    assert constant_answer(runs["iu_xray"]).value == pytest.approx(expected) != 0


@pytest.mark.parametrize("key", FROM_TRAINING)
def test_it_is_the_score_of_the_majority_baseline_on_the_same_items(key, runs, tmp_path):
    same = evaluate("majority", key, store=tmp_path, progress=False)
    assert constant_answer(runs[key]).value == pytest.approx(same.scores.value)
    if DATASETS[key].task in ("named entity recognition", "relation extraction"):
        assert str(constant_answer(runs[key])).startswith("0.0 (no ")


@pytest.mark.parametrize("key", ["medqa", "medmcqa", "mmlu_medicine", "pubmedqa"])
def test_of_a_closed_question_it_is_the_items_own_mode(key, runs):
    gold = Counter(item.gold for item in load(key))
    found = constant_answer(runs[key])
    assert found.value == max(gold.values()) / len(load(key))
    assert gold[found.what.removeprefix("always ")] == max(gold.values())


def test_instructions_and_sets_without_a_training_part_have_none(runs, tmp_path, monkeypatch):
    assert constant_answer(runs["mimic_iii"]) is None
    assert str(constant_answer(runs["gad"])).endswith("(always yes)")
    shutil.copytree(ROOT / "data" / "samples" / "hoc", tmp_path / "hoc")
    monkeypatch.setenv("BENCHHEALTH_DATA", str(tmp_path))
    assert constant_answer(runs["hoc"]) is None


@pytest.mark.parametrize("key", ["iu_xray", "hoc", "chatdoctor"])
def test_on_the_official_data_it_is_the_recorded_result(key, real_data, tmp_path, monkeypatch):
    monkeypatch.setenv("BENCHHEALTH_DATA", str(real_data))
    run = evaluate("supervised", key, store=tmp_path, progress=False)
    path = ROOT / "data" / "results" / "majority" / f"{key}-0shot-generate.json"
    assert constant_answer(run).value == pytest.approx(json.loads(path.read_text())["value"])


def test_the_table_of_scores_leaves_empty_columns_out(runs):
    generation = [runs[key] for key in ("mimic_cxr", "iu_xray", "mimic_iii")]
    frame = report.scores_table(generation, "c").data
    assert "Chance" not in frame and "This model in the paper" not in frame
    constant = frame["Constant answer"].tolist()
    assert constant[1].endswith("(the commonest impression)") and constant[2] == "none"
    exams = [runs["medqa"], runs["chatdoctor"]]
    assert report.scores_table(exams, "c").data["Chance"].tolist() == ["25.0", ""]


def test_the_papers_scores_stand_in_columns_of_their_own(runs):
    paper = report.paper_scores()
    own = replace(runs["hoc"], model="gpt-4")
    (row,) = report.scores_table([own], "c").data.to_dict("records")
    llms = paper.drop(index="sota")["hoc"]
    assert row["The paper's 16"] == f"{llms.min():.1f} to {llms.max():.1f}"
    assert row["This model in the paper"] == f"{paper.loc['gpt-4', 'hoc']:.1f}"


def test_the_reading_and_the_figure_have_the_constant_answer_too(runs):
    import matplotlib.pyplot as plt

    text = report.reading_of([runs["hoc"]]).data
    assert f"a constant answer, {constant_answer(runs['hoc'])};" in text
    figure = report.scores_figure([runs["hoc"]])
    ticks = [line for line in figure.axes[0].lines if line.get_marker() == "|"]
    assert ticks[0].get_xdata()[0] == pytest.approx(100 * constant_answer(runs["hoc"]).value)
    plt.close(figure)


def test_a_model_is_not_compared_with_itself(runs):
    table = report.comparison_table([runs["gad"]], [runs["gad"]], "c", "u")
    (text,) = table.data["No comparison"]
    assert "supervised is the model on both sides" in text and "-p against majority" in text
    same = [replace(runs["gad"], model="majority")]
    assert "against supervised" in report.comparison_table(same, same, "c", "u").data.iloc[0, 0]


def of(run, source, limit=0, n=None):
    """A run as if on data of this kind."""
    data = run.signature["data"] | {"source": source, "limit": limit}
    scores = run.scores if n is None else replace(run.scores, n=n)
    return replace(run, scores=scores, signature=run.signature | {"data": data})


def test_the_note_says_of_each_set_what_data_it_was(runs):
    official, sample = of(runs["iu_xray"], "official"), runs["mimic_cxr"]
    assert data_note([sample]) == "Measured on synthetic samples: not comparable with the paper."
    assert data_note([official]) == "Measured on official data: comparable with the paper."
    assert data_note([sample, official]) == (
        "Measured on official data (IU-Xray) and synthetic samples (MIMIC-CXR): comparable "
        "with the paper only for IU-Xray."
    )


def test_a_subset_is_said_of_those_sets_that_have_more(runs):
    cut, whole = of(runs["ddi"], "samples", 50, 50), runs["gad"]
    note = data_note([cut, whole])
    assert "a random subset of 50 items of each set that has more: not" in note
    assert "a random subset of 50 items of each set: not" in data_note([cut])
    assert "subset" not in data_note([whole])


def test_the_table_of_sources_names_every_set(runs):
    shown = report.sources_table(
        [of(runs["ddi"], "official", 50, 50), of(runs["gad"], "other"), runs["hoc"]], "c", "u"
    )
    rows = shown.data.to_dict("records")
    assert [row["Data"] for row in rows] == [
        "official data",
        "data that differ from the official",
        "synthetic samples",
    ]
    assert rows[0]["Asked"] == "50" and rows[0]["Items in the paper"] == "5,716"
    assert rows[1]["Items here"] == str(len(load("gad")))
    assert runs["hoc"].signature["data"]["fingerprint"].startswith(rows[2]["Fingerprint"])
