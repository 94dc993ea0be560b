"""The results page: what follows from the printed scores, and ours beside them."""

import json

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchhealth_utils import report
from benchhealth_utils.answers import file_name
from benchhealth_utils.datasets import DATASETS
from benchhealth_utils.report import derived
from benchhealth_utils.report.combined import MARK
from benchhealth_utils.report.figures import results_figure
from benchhealth_utils.stats import accuracy_interval

# Worked out apart from this code: robustness, generalizability, and the means of
# reasoning, of generation without MIMIC-III, and of understanding.
EXPECTED = {
    "claude-2": (16.8, 46.3, 56.8, 11.4, 53.8),
    "gpt-3.5-turbo": (13.9, 45.3, 54.3, 12.2, 53.0),
    "gpt-4": (17.3, 55.4, 67.4, 13.3, 65.2),
    "chatglm-6b": (21.1, 28.2, 27.9, 10.4, 37.5),
    "alpaca-7b": (21.8, 32.3, 34.8, 10.6, 40.9),
    "vicuna-7b": (23.8, 33.8, 35.7, 11.0, 43.2),
    "llama-2-7b": (21.3, 31.9, 34.5, 10.4, 40.1),
    "llama-2-13b": (22.1, 35.0, 38.2, 10.6, 44.3),
    "llama-2-70b": (19.7, 38.7, 43.1, 10.9, 48.6),
    "chatglm-med": (22.4, 27.6, 30.1, 7.1, 36.7),
    "doctorglm": (21.3, 28.1, 29.3, 5.0, 38.7),
    "huatuo": (24.4, 30.0, 29.9, 6.2, 41.9),
    "chatdoctor-7b": (21.7, 33.2, 34.8, 6.6, 44.7),
    "baize-healthcare": (22.8, 33.5, 35.4, 7.1, 45.0),
    "medalpaca-7b": (21.5, 35.1, 36.7, 9.0, 46.5),
    "medalpaca-13b": (21.6, 36.8, 39.0, 10.1, 47.8),
}


def toy(**models):
    """Scores of models on the first data sets, in order."""
    frame = pd.DataFrame.from_dict(models, orient="index")
    return frame.set_axis(list(DATASETS)[: frame.shape[1]], axis="columns")


@pytest.mark.parametrize("model", EXPECTED)
def test_usefulness_and_scenarios_of_the_printed_scores(model):
    scores = derived.llm_scores()
    assert set(scores.index) == set(EXPECTED)
    useful = derived.usefulness_of(scores).loc[model]
    means = derived.scenario_means(scores).loc[model]
    found = (
        useful["robustness"],
        useful["generalizability"],
        means["reasoning"],
        means["figure_1_generation"],
        means["understanding"],
    )
    # half a unit of the last digit, and the printed scores' own binary error
    assert found == pytest.approx(EXPECTED[model], abs=0.05 + 1e-9)
    assert useful["n"] == (12 if model == "chatglm-med" else 13)


def test_generation_with_and_without_discharge_instructions():
    scores = derived.llm_scores()
    means = derived.scenario_means(scores).loc["gpt-4"]
    assert means["generation"] == pytest.approx((15.2 + 11.4 + 30.1) / 3)
    assert means["figure_1_generation"] == pytest.approx((15.2 + 11.4) / 2)


def test_robustness_is_missing_where_a_task_has_one_score():
    scores = derived.llm_scores()
    scores.loc["gpt-4", "iu_xray"] = float("nan")
    useful = derived.usefulness_of(scores)
    assert pd.isna(useful.loc["gpt-4", "robustness"])
    assert useful.loc["gpt-4", "n"] == 12 and useful["robustness"].notna().sum() == 15
    # three of four are another spread than four of four: not comparable, so not given
    scores.loc["claude-2", "medqa"] = float("nan")
    assert pd.isna(derived.usefulness_of(scores).loc["claude-2", "robustness"])
    assert derived.usefulness_of(scores.drop(columns="iu_xray"))["robustness"].isna().all()


def test_ranks_share_ties_and_leave_out_what_is_missing():
    ranks = derived.ranks(toy(a=[10.0, 5.0], b=[30.0, None], c=[10.0, 7.0]))
    assert ranks["medqa"].tolist() == [2.5, 1.0, 2.5]
    assert ranks["medmcqa"].tolist()[::2] == [2.0, 1.0] and pd.isna(ranks.loc["b", "medmcqa"])


def test_gaps_keep_the_order_of_the_sets_and_drop_those_without_a_reference():
    scores = toy(a=[10.0, 5.0, 1.0], b=[30.0, None, 2.0])
    sota = pd.Series({"medqa": 20.0, "medmcqa": 4.0, "mmlu_medicine": None})
    found = derived.gaps(scores, sota)
    assert list(found) == ["medqa", "medmcqa"]
    assert found["medqa"].tolist() == [-10, 10]
    assert found.loc["a", "medmcqa"] == 1 and pd.isna(found.loc["b", "medmcqa"])


def test_gaps_of_the_printed_scores():
    found = derived.gaps(derived.llm_scores(), report.paper_scores().loc["sota"])
    assert list(found) == [k for k in DATASETS if k not in ("mmlu_medicine", "chatdoctor")]
    assert found.loc["gpt-4", "medqa"] == pytest.approx(36.6)
    assert found.loc["gpt-4", "mimic_iii"] == pytest.approx(-0.4)
    said = report.gaps_reading().data
    assert "MedQA (USMLE) (4 of 16), MedMCQA (3 of 16), PubMedQA (13 of 16)" in said
    assert "the other 8 sets all are behind" in said


def test_the_interval_of_a_printed_accuracy():
    # p = 0.5 at n = 272: plus and minus 5.9 points
    low, high = accuracy_interval(50.0, 272)
    assert (low, high) == pytest.approx((44.1, 55.9), abs=0.05)
    assert accuracy_interval(0.0, 10)[0] == 0
    assert accuracy_interval(100.0, 10)[1] == pytest.approx(100)


def test_neighbours_are_told_apart_by_the_interval_of_their_difference():
    # at n = 100 Wilson's interval of 50 % is 40.4 to 59.6, of 39 % 30.0 to 48.8: 39 lies
    # outside the first, but the difference is 11 - sqrt(9.6^2 + 9.8^2) = -2.7 at the least
    scores = pd.Series({"a": 50.0, "b": 39.0, "c": 10.0, "d": 10.0, "e": None})
    pairs = derived.neighbours(scores, "medqa", 100)
    assert [(p.higher, p.lower, p.apart) for p in pairs] == [
        ("a", "b", False),
        ("b", "c", True),
        ("c", "d", False),
    ]
    assert [p.gap for p in pairs] == pytest.approx([11, 29, 0])
    assert pairs[0].low == pytest.approx(-2.7, abs=0.1)
    assert derived.neighbours(scores.loc[["a", "e"]], "medqa", 100) == []


def test_whole_items_are_counted_only_where_a_score_could_fail():
    shown = report.neighbours_table().data.set_index("Data set")
    sizes = {DATASETS[key].name: DATASETS[key].size for key in derived.ACCURACIES}
    for name, n in sizes.items():
        tenths = [round(step / 10, 1) for step in range(1001)]
        can_fail = not all(derived.whole_items(score, n) for score in tenths)
        assert (shown.loc[name, "Whole items"] != "") == can_fail == derived.coarse(n), name
    assert set(shown["Whole items"]) == {"", "16 of 16"}


def test_the_order_of_neighbours_shows_who_is_told_apart():
    said = report.neighbours_reading().data
    scores = derived.llm_scores()
    pairs = [
        pair
        for key in derived.ACCURACIES
        for pair in derived.neighbours(scores[key], key, DATASETS[key].size)
    ]
    apart = sum(pair.apart for pair in pairs)
    orders = [line for line in said.splitlines() if line.startswith("- **")]
    assert f"Of {len(pairs)} pairs of neighbours, {apart} are told apart" in said
    assert sum(line.count(" > ") for line in orders) == apart > 0
    assert sum(line.count(" ~ ") for line in orders) == len(pairs) - apart > 0


def test_printed_accuracies_are_whole_numbers_of_the_printed_sizes():
    scores = derived.llm_scores()
    for key in derived.ACCURACIES:
        assert all(derived.whole_items(x, DATASETS[key].size) for x in scores[key]), key
    # the other reading of "professional & college medicine" is not possible
    both = [derived.whole_items(x, derived.MMLU_WITH_COLLEGE) for x in scores["mmlu_medicine"]]
    assert sum(both) == 9
    assert "16 are those of a whole number of 272" in report.neighbours_reading().data


@given(st.integers(1, 300), st.data())
def test_a_whole_number_of_items_is_always_recognized(n, data):
    hits = data.draw(st.integers(0, n))
    assert derived.whole_items(round(100 * hits / n, 1), n)


def test_tables_of_the_page_have_their_ids_and_every_model():
    for table, uuid in (
        (report.derived_table(), "results-derived"),
        (report.ranks_table(), "results-ranks"),
        (report.gaps_table(), "results-gaps"),
    ):
        html = table.to_html()
        assert f'id="T_{uuid}"' in html and "sortable" in html
        assert len(table.data) == 16 and (table.data != "").any(axis=None)
    row = report.derived_table().data.set_index("Model").loc["ChatGLM-Med"]
    assert row["Generalizability (mean of 13)"] == "27.6 (of 12)"
    assert row["Understanding (5)"] == "36.7 (of 4)"
    ranks = report.ranks_table().data.set_index("Model")
    assert ranks.loc["GPT-4", "Mean rank"] == "1.0"
    assert ranks.loc["ChatGLM-Med", "HoC"] == ""


def test_the_reading_leaves_out_a_model_whose_mean_lacks_a_score():
    said = report.derived_reading().data
    assert "from 28.1 (DoctorGLM) to 55.4 (GPT-4), which is first on 13 of the 13" in said
    assert "Left out for a missing score: ChatGLM-Med" in said


def written(folder, **changes):
    """A recorded result, as a file."""
    row = {
        "model": "supervised",
        "dataset": "pubmedqa",
        "value": 0.5,
        "interval": [0.45, 0.55],
        "n": 500,
        "coverage": 0.98,
        "official": True,
        "complete": True,
    } | {key: value for key, value in changes.items() if key != "signature"}
    row["signature"] = {
        "shots": 0,
        "mode": "generate",
        "data": {"source": "official", "limit": 0},
    } | changes.get("signature", {})
    place = folder / file_name(row["model"])
    place.mkdir(parents=True, exist_ok=True)
    (place / f"{len(list(place.iterdir()))}.json").write_text(json.dumps(row))


def test_only_plain_zero_shot_results_enter(tmp_path):
    written(tmp_path, signature={"rewording": "synonyms"})
    written(tmp_path, signature={"shots": 5, "exemplar_seed": 0})
    written(tmp_path, signature={"mode": "likelihood"})
    written(tmp_path, signature={"shots": 1, "exemplar_seed": 3})
    assert report.results(tmp_path) == []
    written(tmp_path, n=500, value=0.25, signature={"rewording": None})
    written(tmp_path, n=9000, official=False)
    (row,) = report.results(tmp_path)  # the official one, though smaller
    assert row["value"] == 0.25


def test_what_is_not_official_stands_in_a_table_of_its_own(tmp_path):
    data = {"data": {"source": "samples", "limit": 24}}
    written(tmp_path, official=False, n=24, signature=data)
    written(tmp_path, model="majority", official=False, n=24, signature=data)
    written(tmp_path, dataset="gad", complete=False)
    written(tmp_path, dataset="hoc", value=0.0, interval=[0.0, 0.0])
    written(tmp_path, dataset="ddi", value=0.75)
    written(tmp_path, dataset="ddi", official=False, n=2, signature=data)
    (row,) = report.table5_frame(tmp_path).query("Source == 'ours'").to_dict("records")
    assert (row["Model"], row["HoC"], row["DDI"]) == ("Supervised", "0.0", "75.0")
    assert row["PubMedQA"] == row["GAD"] == ""
    ours = report.ours_frame(tmp_path).set_index("Data set")
    assert set(ours.index) == {"DDI", "HoC"}
    assert ours.loc["HoC", "Score (95 % interval)"] == "0.0 (interval not estimable)"
    assert ours.loc["DDI", "Task-specific"] == report.table5_frame(tmp_path).iloc[0]["DDI"]
    parts = report.parts_frame(tmp_path).set_index(["Model", "Data set"])
    assert len(parts) == 3 and ("Supervised", "DDI") not in parts.index  # it has a full one
    sample = parts.loc["Supervised", "PubMedQA"]
    assert sample["Score (95 % interval)"] == "50.0 (45.0 to 55.0)"
    assert (sample["n"], sample["Coverage"]) == ("24", "98.0")
    assert sample["Measured on"] == "synthetic samples, a part"
    assert parts.loc[("Supervised", "GAD"), "Measured on"] == "official data, with errors"
    assert not any("paper" in name for name in parts)
    said = report.reading_of_results(tmp_path).data
    assert "official results on 2 of 13 sets" in said and "PubMedQA" not in said
    tables = (report.table5(tmp_path), report.ours_table(tmp_path))
    assert not any(MARK in shown.to_html() for shown in tables)
    assert "not comparable" in report.parts_table(tmp_path).caption


def test_a_model_of_the_paper_stands_beside_its_printed_score(tmp_path):
    written(tmp_path, model="llama-2-7b")
    written(tmp_path, model="hf:org/other")
    frame = report.ours_frame(tmp_path).set_index("Model")
    assert frame.loc["LLaMA-2-7B", "This model in the paper"] == "63.4"
    assert frame.loc["hf:org/other", "This model in the paper"] == "none"


@pytest.mark.parametrize(
    ("interval", "place"),
    [
        ((0.80, 0.85), "Above all sixteen printed scores: PubMedQA; above the task-specific"),
        ((0.70, 0.80), "Above the task-specific score: PubMedQA; among the sixteen"),
        ((0.53, 0.60), "Among the sixteen"),
        ((0.40, 0.52), "Below all sixteen: PubMedQA"),
    ],
)
def test_where_a_result_lies(tmp_path, interval, place):
    written(tmp_path, value=sum(interval) / 2, interval=list(interval))
    assert place in report.reading_of_results(tmp_path).data


def test_without_results_the_page_still_builds(tmp_path):
    assert len(report.table5_frame(tmp_path)) == 17
    assert report.ours_table(tmp_path).to_html()
    assert report.parts_frame(tmp_path).to_dict("records") == [{"Model": "none"}]
    assert "Nothing has been measured" in report.reading_of_results(tmp_path).data
    assert results_figure(tmp_path).axes


def test_the_figure_shows_every_score_once_and_none_that_is_not_official(tmp_path):
    import matplotlib.pyplot as plt

    written(tmp_path)
    written(tmp_path, dataset="gad", official=False)
    written(tmp_path, model="majority", official=False)
    figure = results_figure(tmp_path)
    lines = figure.axes[0].get_lines()
    printed = sum(
        pd.notna(line.get_xdata()).sum() for line in lines if line.get_marker() in ("D", "o", "x")
    )
    assert printed == 16 * 13 - 1
    stars = [line for line in lines if line.get_marker() == "*"]
    assert sum(pd.notna(line.get_xdata()[0]) for line in stars) == 11
    ours = [line for line in lines if line.get_marker() == "s"]
    assert [line.get_xdata()[0] for line in ours] == [50]  # PubMedQA, not GAD
    legend = [text.get_text() for text in figure.legends[0].get_texts()]
    assert "Supervised" in legend and "Majority" not in legend
    assert len({text.get_text() for text in figure.axes[0].texts}) == 13
    plt.close(figure)
