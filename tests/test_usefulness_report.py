"""Figure 2 and its tables: which models enter, with what, and how they are told apart."""

import dataclasses
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from benchhealth_utils import report
from benchhealth_utils.datasets import DATASETS
from benchhealth_utils.evaluation import evaluate_all
from benchhealth_utils.models import MODELS
from benchhealth_utils.report.usefulness import over, value_text
from benchhealth_utils.report.usefulness_entries import (
    measured_entry,
    printed_entries,
    recorded_entries,
    usefulness_entries,
)
from benchhealth_utils.reproduce import published
from benchhealth_utils.usefulness import Measure, faithfulness

ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """A constant answer on six items of every sample set."""
    store = tmp_path_factory.mktemp("answers")
    return evaluate_all("majority", list(DATASETS), limit=6, store=store, progress=False)


def written(folder, model, dataset, value, official=True):
    """A recorded result, as the folder of results has it."""
    row = {
        "model": model,
        "dataset": dataset,
        **{"value": value, "precision": value, "recall": value, "interval": [0, 1]},
        **{"n": 100, "official": official, "complete": True},
        "signature": {"shots": 0, "mode": "generate", "data": {"source": "official"}},
    }
    path = folder / model / f"{dataset}-{official}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(row))


def test_the_papers_models_stand_in_the_order_of_table_3():
    entries = printed_entries()
    assert [entry.model for entry in entries] == list(MODELS)[:16]
    assert [entry.kind for entry in entries] == ["general"] * 9 + ["medical"] * 7
    for entry in entries:
        assert entry.printed and not entry.mark
        assert entry.measures["faithfulness"].value is entry.measures["comprehensiveness"].value
        assert entry.measures["robustness"].interval is None
        assert entry.measures["generalizability"].note == "no interval: only point values are known"


def test_official_results_are_not_mixed_with_others(tmp_path):
    written(tmp_path, "supervised", "medqa", 0.3)
    written(tmp_path, "supervised", "gad", 0.9, official=False)
    written(tmp_path, "vicuna-7b", "gad", 0.5, official=False)
    vicuna, supervised = recorded_entries(tmp_path)
    assert (supervised.kind, supervised.mark, set(supervised.scores)) == ("other", "", {"medqa"})
    assert (vicuna.kind, vicuna.mark, set(vicuna.scores)) == ("general", "*", {"gad"})
    assert "record it again" in supervised.measures["generalizability"].note


def test_recorded_results_of_the_same_model_stay_if_they_are_better(runs, tmp_path):
    written(tmp_path, "majority", "medqa", 0.3, official=False)
    written(tmp_path, "supervised", "medqa", 0.3)
    names = [e.name + e.mark for e in usefulness_entries(runs, tmp_path) if not e.printed]
    assert names == ["Supervised", "Majority*"]
    written(tmp_path, "majority", "medqa", 0.25)
    names = [e.name + e.mark for e in usefulness_entries(runs, tmp_path) if not e.printed]
    assert names == ["Majority", "Supervised", "Majority, this run*"]


def test_tables_add_up(runs, tmp_path):
    tasks = report.task_table(runs, "Tasks.", "t").data
    assert len(tasks) == 8 and tasks["Task"].iloc[-1] == "Sum of 7 tasks"
    parts = tasks["Precision (95 % interval)"].str.split().str[0].astype(float)
    assert parts[:-1].sum() == pytest.approx(parts.iloc[-1], abs=0.4)
    precision = {run.dataset: run.scores.precision for run in runs}
    assert parts.iloc[-1] == pytest.approx(100 * faithfulness(precision), abs=0.05)
    spread = report.spread_table(runs, "Spread.", "s").data
    assert list(spread["Task"])[:3] == [
        "Question answering",
        "Radiology report summarization",
        "Named entity recognition",
    ]
    deviations = spread["Standard deviation"].str.split().str[0].astype(float)
    assert deviations[:-1].sum() == pytest.approx(deviations.iloc[-1], abs=0.2)
    assert "ChatDoctor" not in " ".join(spread["Scores"])


def test_the_table_of_measures_says_over_what_they_are(runs, tmp_path):
    frame = report.usefulness_table(runs, "Usefulness.", "u", tmp_path).data
    assert list(frame["Measure"]) == [
        *("Faithfulness", "Comprehensiveness", "Generalizability", "Robustness")
    ]
    assert set(frame["Over"][:3]) == {"13 data sets, 7 tasks"}
    assert frame["Over"][3] == "8 data sets, 3 tasks"
    assert all("*" in text for text in frame["Value (95 % interval)"])


def test_both_models_are_taken_over_the_sets_that_both_have(runs):
    open_sets = [run for run in runs if DATASETS[run.dataset].tier == "open"]
    frame = report.same_sets_table(open_sets, "Same.", "s").data.set_index("Model of the paper")
    assert len(frame) == 16
    assert frame.loc["GPT-4", "Over"] == "11 data sets, 6 tasks; without MIMIC-CXR, MIMIC-III"
    assert frame.loc["ChatGLM-Med", "Over"].startswith("10 data sets, 5 tasks; without MIMIC-CXR")
    # the mean of GPT-4's Table 5 scores without 15.2 and 30.1, by hand: 674.4 / 11
    assert frame.loc["GPT-4", "Generalizability"] == "61.3"
    assert set(frame["Robustness"]) == set(frame["Robustness of Majority"]) == {"none"}


def test_a_measure_as_text():
    each = Measure("robustness", 0.2109, None, ("medqa",), ("question answering",))
    assert value_text(each) == "21.1" and value_text(each, "*") == "21.1*"
    drawn = dataclasses.replace(each, interval=(0.1, 0.3))
    assert value_text(drawn, "*") == "21.1* (10.0 to 30.0)"
    nothing = dataclasses.replace(each, interval=(0.0, 0.0))
    assert value_text(nothing, "*") == "21.1* (below what sampling shows)"
    assert over(each).startswith("1 data sets, 1 tasks; without MedMCQA, MMLU-Medicine, PubMedQA")
    none = Measure("robustness", None, None, (), (), "why")
    assert (value_text(none), over(none)) == ("none", "nothing")


def test_the_figure_tells_models_apart_without_colour(runs, tmp_path):
    import matplotlib.pyplot as plt

    written(tmp_path, "medalpaca-7b", "medqa", 0.35)
    figure = report.usefulness_figure(runs, tmp_path)
    shapes = {}
    for panel in figure.axes:
        points = [line for line in panel.lines if line.get_marker() not in (None, "None", "")]
        shapes[panel.get_title(loc="left")] = sorted(
            (str(line.get_marker()), line.get_markerfacecolor() == "white") for line in points
        )
    here = [("^", False), ("s", False)]
    assert shapes["(a) Faithfulness"] == shapes["(b) Comprehensiveness"] == here
    sixteen = [("o", True)] * 9 + [("s", True)] * 7
    assert shapes["(c) Generalizability"] == sorted(here + sixteen)
    assert shapes["(d) Robustness"] == sorted([("^", False), *sixteen])
    notes = [text.get_text() for panel in figure.axes for text in panel.texts]
    assert notes.count("12 of 13 sets") == 1 and notes.count("1 of 13 sets") == 1
    assert notes.count("1 of 7 tasks") == 2 and notes.count("no value") == 1
    plt.close(figure)


def test_the_reading_is_worked_out(runs):
    text = report.usefulness_reading(runs).data
    entry = measured_entry(runs)
    assert f"**Robustness** {value_text(entry.measures['robustness'], '*')}" in text
    # means over 6 and 7 public models of the hand-checked table in test_usefulness.py
    assert "general models 28.2 to 38.7 (mean 33.3); medical models 27.6 to 36.8" in text
    assert "general models 19.7 to 23.8 (mean 21.6); medical models 21.3 to 24.4" in text
    assert "has a robustness of 20.0" in text
    without = report.usefulness_reading([r for r in runs if r.dataset != "iu_xray"]).data
    assert "**Robustness** none. Robustness needs two data sets" in without
    assert ".." not in without


def test_only_sets_in_the_data_folder_are_evaluated(fresh, monkeypatch):
    monkeypatch.setenv("BENCHHEALTH_DATA", str(fresh("gad")))
    assert report.present_sets() == ["gad"]


def test_the_chapter_publishes_the_four_measures_of_what_it_records(tmp_path):
    path = tmp_path / "clinical_usefulness.ipynb"
    arguments = ["notebooks/clinical_usefulness.ipynb", path, "-p", "model", "majority"]
    done = subprocess.run(
        [sys.executable, "-m", "papermill", *map(str, arguments), "-p", "limit", "6"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=600,
        env={**os.environ, "BENCHHEALTH_RUNS": str(tmp_path)},
    )
    assert done.returncode == 0, done.stderr[-3000:]
    values = published(path)
    rows = {}
    for name in (tmp_path / "results" / "majority").glob("*-samples-6-seed0.json"):
        row = json.loads(name.read_text())
        if not row["signature"].get("rewording"):
            rows[row["dataset"]] = row
    assert set(rows) == set(DATASETS)
    means = [row["value"] for row in rows.values()]
    assert values["majority.generalizability"] == pytest.approx(sum(means) / 13)
    precision = {key: row["precision"] for key, row in rows.items()}
    assert values["majority.faithfulness"] == pytest.approx(faithfulness(precision))
    low, high = (values[f"majority.generalizability.{end}"] for end in ("low", "high"))
    assert low <= values["majority.generalizability"] <= high
    assert {"majority.comprehensiveness", "majority.robustness"} <= set(values)
    text = path.read_text(encoding="utf-8")
    assert "image/png" in text and "The same items, reworded." in text
