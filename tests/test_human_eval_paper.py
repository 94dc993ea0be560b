"""The paper's human evaluation, and the agreement of orders."""

import json
import os
import subprocess
import sys
from itertools import pairwise, permutations
from math import isclose
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import kendalltau

from benchhealth_utils import report
from benchhealth_utils.agreement import Agreement, _tau_of_draws, kendall
from benchhealth_utils.datasets import DATASETS
from benchhealth_utils.report import human, human_agreement
from benchhealth_utils.report.human_agreement import OrderAgreement
from benchhealth_utils.report.placement import measured, recorded_name
from benchhealth_utils.schema import BenchHealthError
from benchhealth_utils.stats import accuracy_interval, difference_interval

ROOT = Path(__file__).parent.parent
FEW = {"replicates": 200}


# Kendall's tau


@pytest.mark.parametrize(
    ("first", "second", "tau"),
    [
        ([1, 2, 3, 4], [1, 2, 3, 4], 1.0),
        ([1, 2, 3, 4], [9, 5, 3, 0], -1.0),
        ([1, 2, 3, 4], [1, 2, 4, 3], (5 - 1) / 6),
        # one tie in the second: 5 pairs in order, none against it, sqrt(6 * 5) below
        ([1, 2, 3, 4], [1, 2, 2, 3], 5 / np.sqrt(30)),
        # ties in both: 2 in order, 2 against it, 5 of 6 pairs untied in each
        ([1, 1, 2, 3], [2, 1, 3, 1], (2 - 2) / 5),
    ],
)
def test_tau_b_by_hand(first, second, tau):
    assert kendall(first, second, **FEW).value == pytest.approx(tau)


@pytest.mark.parametrize("flat", [[], [3], [2, 2, 2]])
def test_tau_is_undefined_where_there_is_no_order(flat):
    found = kendall(flat, list(range(len(flat))), **FEW)
    assert found.value is found.interval is None
    assert (found.n, found.undefined, found.decided) == (len(flat), 1.0, False)


def test_bad_lists_are_refused():
    with pytest.raises(BenchHealthError, match="equal length"):
        kendall([1, 2, 3], [1, 2])
    with pytest.raises(BenchHealthError, match="not finite"):
        kendall([1, 2, float("nan")], [1, 2, 3])
    for number in (0, -1, 2.5, "100"):
        with pytest.raises(BenchHealthError, match="expected a whole number above 0"):
            kendall([1, 2], [1, 2], replicates=number)


values = st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5)), min_size=2, max_size=9)


@given(values, st.integers(0, 5))
def test_every_draw_has_scipys_tau(pairs, seed):
    one, two = np.array(pairs, float).T
    n = len(pairs)
    draws = np.random.default_rng(seed).multinomial(n, np.full(n, 1 / n), size=5)
    for draw, found in zip(draws, _tau_of_draws(one, two, draws), strict=True):
        units = np.repeat(np.arange(n), draw)
        expected = kendalltau(one[units], two[units]).statistic
        assert isclose(found, expected, abs_tol=1e-12) or (np.isnan(found) and np.isnan(expected))


@given(values)
def test_tau_is_symmetric_turns_with_an_order_and_lies_in_its_range(pairs):
    one, two = np.array(pairs, float).T
    found, back, turned = (kendall(a, b, **FEW) for a, b in ((one, two), (two, one), (one, -two)))
    if found.value is None:
        assert back.value is turned.value is None
        return
    assert back.value == pytest.approx(found.value)
    assert turned.value == pytest.approx(-found.value)
    assert 0 <= found.undefined <= 1
    if found.interval:
        assert -1 - 1e-9 <= found.interval[0] <= found.interval[1] <= 1 + 1e-9


def test_draws_without_an_order_are_left_out_and_counted():
    # a draw of the same unit twice has no order: one in two of all draws
    found = kendall([1, 2], [1, 2], replicates=4000)
    assert found.undefined == pytest.approx(0.5, abs=0.03)
    assert found.value == pytest.approx(1) and found.interval == pytest.approx((1, 1))
    # with one replicate there may be none left
    alone = [kendall([1, 2], [1, 2], replicates=1, seed=seed).interval for seed in range(20)]
    assert None in alone and any(alone)


def test_the_interval_covers_as_often_as_it_says():
    rng = np.random.default_rng(0)
    held = []
    for seed in range(300):
        x, y = rng.multivariate_normal([0, 0], [[1, 0.6], [0.6, 1]], size=9).T
        low, high = kendall(x, y, replicates=500, seed=seed).interval
        held.append(low <= 2 / np.pi * np.arcsin(0.6) <= high)
    assert 0.91 <= np.mean(held) <= 0.99


def test_the_seed_fixes_the_interval():
    lists = [3, 1, 4, 1, 5, 9], [2, 7, 1, 8, 2, 8]
    assert kendall(*lists, seed=1) == kendall(*lists, seed=1)
    assert kendall(*lists, **FEW).interval != kendall(*lists, seed=1, **FEW).interval


# Table 6


def test_table_6_is_what_was_printed():
    frame = human.table6().data
    assert frame.shape == (9, 14)
    row = frame.set_index(("", "Model")).loc["LLaMA-2-70B"]
    assert row["Robustness", "GPT-3.5-turbo"] == "61.0"
    assert row["Faithfulness", "GPT-4"] == "19.5"
    html = human.table6().to_html()
    assert 'id="T_table-6"' in html and "Table 6." in html and "200 conversations" in html


def test_each_rate_has_the_interval_of_200_conversations():
    assert human.conversations() == 200
    cells = human.rates_table().data.set_index(["Criterion", "Model"])
    assert len(cells) == 36
    # Wilson at 100 of 200 is 43.1 to 56.9; at 101 of 200 half a point higher
    cell = cells.loc[("Faithfulness", "MedAlpaca-13B"), "Against Claude-2"]
    assert cell == "50.5 (43.6 to 57.4)"


def test_bounds_count_what_is_decided():
    frame = human.bounds_table().data
    assert len(frame) == 12
    assert set(frame["Opponent ahead"] + frame["Open"]) == {9}
    # against GPT-4 the best faithfulness is 34.0 (27.8 to 40.8): all nine are behind
    row = frame[(frame["Criterion"] == "Faithfulness") & (frame["Opponent"] == "GPT-4")].iloc[0]
    assert (row["Opponent ahead"], row["Open"]) == (9, 0)
    assert row["Losses"] == "66.0 to 90.5"
    said = human.bounds_reading().data
    assert "61.0: LLaMA-2-70B against GPT-3.5-turbo in robustness" in said
    assert "lost 39.0 %" in said and "between 39.0 and 100 %" in said
    assert "108 of 108 rates are those of a whole number of 200" in said


@pytest.mark.parametrize(
    ("first", "second", "decided"),
    [(50.0, 50.0, False), (50.0, 45.0, False), (50.0, 30.0, True), (100.0, 0.0, True)],
)
def test_the_interval_of_a_difference(first, second, decided):
    low, high = difference_interval(first, second, 200)
    assert low <= first - second <= high
    assert (low > 0) is decided
    back = difference_interval(second, first, 200)
    assert back == pytest.approx((-high, -low))


def test_newcombes_interval_by_hand():
    # 56 of 70 against 48 of 80, the example of Newcombe (1998): 0.0524 to 0.3339
    from statsmodels.stats.proportion import confint_proportions_2indep

    found = confint_proportions_2indep(56, 70, 48, 80, compare="diff", method="newcomb")
    assert found == pytest.approx((0.0524, 0.3339), abs=5e-5)


def test_pairs_count_opponents_on_either_side():
    counts = human.pair_counts()
    assert len(counts) == 36
    pair = counts.set_index(["first", "second"]).loc["alpaca-7b", "llama-2-70b"]
    assert pair["comprehensiveness"] == (0, 3) and pair["generalizability"] == (0, 3)
    shown = human.pairs_table().data.set_index(["Model", "Other model"])
    assert shown.loc[("Alpaca", "LLaMA-2-70B"), "Comprehensiveness"] == "-3"
    assert shown.loc[("MedAlpaca-7B", "MedAlpaca-13B"), "Faithfulness"] == "0"
    assert "432 comparisons" in human.pairs_reading().data


def test_signs_of_both_sides_are_shown():
    assert [human._signs(*x) for x in ((0, 0), (2, 0), (0, 1), (1, 2))] == [
        "0",
        "+2",
        "-1",
        "+1, -2",
    ]


def test_what_the_chapter_says_in_words_of_table_6():
    rates = human.printed_rates()
    for criterion in human.PAPER_CRITERIA:
        block = rates[criterion]
        assert (block["gpt-4"] < block.drop(columns="gpt-4").min(axis=1)).all()
        for family in (
            ("llama-2-7b", "llama-2-13b", "llama-2-70b"),
            ("medalpaca-7b", "medalpaca-13b"),
        ):
            for small, large in pairwise(family):
                assert (block.loc[small] < block.loc[large]).all()
    ends = [accuracy_interval(rate, 200) for rate in rates.stack(["criterion", "opponent"])]
    assert 6.5 < max((high - low) / 2 for low, high in ends) < 7
    among, with_faithfulness = [], []
    for ranking in human_agreement.criterion_rankings(**FEW):
        here = with_faithfulness if ranking.name == "faithfulness" else among
        here.append(ranking.mean.value)
    assert min(among) > max(with_faithfulness)


# People and metrics


def test_people_and_metrics_by_an_independent_count():
    rates, scores = human.printed_rates(), report.paper_scores()
    tasks = (
        ["medqa", "medmcqa", "mmlu_medicine", "pubmedqa"],
        ["mimic_cxr", "iu_xray"],
        ["bc5_disease", "ncbi_disease"],
    )
    scores = scores.loc[rates.index]
    metric = {
        "generalizability": scores.mean(axis=1),
        "robustness": -sum(scores[keys].std(axis=1, ddof=1) for keys in tasks),
    }
    found = {ranking.name: ranking for ranking in human_agreement.metric_rankings(**FEW)}
    for criterion, values_ in metric.items():
        people = rates[criterion].sum(axis=1)
        order = [
            np.sign((people[a] - people[b]) * (values_[a] - values_[b]))
            for a, b in permutations(rates.index, 2)
        ]
        assert 0 not in order  # no ties, so tau is the mean of the signs
        assert found[criterion].mean.value == pytest.approx(np.mean(order))
        assert found[criterion].mean.n == 9 and len(found[criterion].opponents) == 3
    assert found["generalizability"].mean.value == pytest.approx(16 / 36)
    assert found["robustness"].mean.value == pytest.approx(10 / 36)


def written(folder, model, key, value=0.5, **changes):
    row = {
        "model": model,
        "dataset": key,
        "value": value,
        "precision": value,
        "recall": value / 2,
        "interval": [value - 0.05, value + 0.05],
        "distribution": {"value": list(np.linspace(value - 0.05, value + 0.05, 101))},
        "n": 500,
        "coverage": 1.0,
        "official": True,
        "complete": True,
        "signature": {"shots": 0, "mode": "generate", "data": {"source": "official", "limit": 0}},
    } | changes
    (folder / model).mkdir(parents=True, exist_ok=True)
    (folder / model / f"{key}.json").write_text(json.dumps(row))


def test_faithfulness_needs_three_measured_models(tmp_path):
    rows = {ranking.name: ranking for ranking in human_agreement.metric_rankings(tmp_path, **FEW)}
    assert rows["faithfulness"].mean is None and rows["comprehensiveness"].mean is None
    shown = report.rankings_table(list(rows.values()), "Metric", "c", "u").data
    column = "Tau-b (95 % interval), mean of opponents"
    assert list(shown[column][:2]) == ["cannot be computed from the paper"] * 2
    # better faithfulness for the models people found more faithful: one order
    for model, value in (("alpaca-7b", 0.2), ("vicuna-7b", 0.3)):
        written(tmp_path, model, "gad", value)
    assert human_agreement.automatic("faithfulness", tmp_path) is None
    written(tmp_path, "medalpaca-13b", "gad", 0.4)
    written(tmp_path, "medalpaca-13b", "ddi", 0.9)  # the others have none: not used
    found = human_agreement.automatic("faithfulness", tmp_path)
    assert found.to_dict() == {"alpaca-7b": 0.2, "vicuna-7b": 0.3, "medalpaca-13b": 0.4}
    assert human_agreement.automatic("comprehensiveness", tmp_path)["vicuna-7b"] == 0.15
    ranking = human_agreement.metric_rankings(tmp_path, **FEW)[0]
    assert ranking.mean.value == pytest.approx(1) and ranking.mean.n == 3


def test_undefined_and_pointlike_taus_are_said_in_words():
    flat = OrderAgreement("faithfulness", "a flat metric", kendall([1, 1, 1], [1, 2, 3], **FEW), {})
    same = OrderAgreement("robustness", "itself", Agreement(1.0, (1.0, 1.0), 9, 0.0), {})
    none = OrderAgreement("generalizability", "nothing", None, {})
    for_sure = OrderAgreement(
        "comprehensiveness", "its twin", Agreement(0.8, (0.4, 1.0), 9, 0.0), {}
    )
    against = OrderAgreement(
        "comprehensiveness", "its reverse", Agreement(-0.8, (-1, -0.4), 9, 0.0), {}
    )
    rankings = [flat, same, none, for_sure, against]
    said = report.rankings_reading(rankings).data
    assert "Not defined, since all ranks in one are equal**: faithfulness and a flat metric" in said
    assert "No interval can be had**: robustness and itself, 1.00" in said
    assert "Cannot be computed from the paper**: generalizability and nothing" in said
    assert "in the same order than chance gives**: comprehensiveness and its twin" in said
    assert "in opposite orders than chance gives**: comprehensiveness and its reverse" in said
    shown = report.rankings_table(rankings, "Other", "c", "u").data
    assert shown.iloc[0, 3] == "not defined: all ranks equal"
    assert shown.iloc[1, 3] == "1.00 (interval not estimable)"
    assert shown.iloc[2, 2] == "none"


# Where a model would enter


def test_a_model_without_results_has_no_place(tmp_path):
    table = report.placement_table("smollm2-135m", tmp_path)
    assert len(table.data) == 9 and "Generalizability (13 of 13 sets)" in table.data
    assert "has no place" in report.placement_reading("smollm2-135m", tmp_path).data


def test_results_on_samples_fill_the_row_and_give_no_place(tmp_path):
    for key in DATASETS:
        written(tmp_path, "smollm2-135m", key, official=False)
    row = report.placement_table("smollm2-135m", tmp_path).data.iloc[-1]
    assert row["Generalizability (13 of 13 sets)"].startswith("50.0* (")
    assert "*" in row["Robustness"] and row["People: robustness"] == "not rated"
    said = report.placement_reading("smollm2-135m", tmp_path).data
    assert "gives no place" in said and "lie above" not in said


def test_official_results_give_a_place_among_the_same_sets(tmp_path):
    open_sets = [key for key, spec in DATASETS.items() if spec.tier == "open"]
    for key in open_sets:
        written(tmp_path, "majority", key, 0.38)
    written(tmp_path, "majority", "mimic_cxr", 0.9, official=False)  # not mixed in
    data = report.placement_table("majority", tmp_path).data.set_index("Model")
    head = "Generalizability (11 of 13 sets)"
    scores = report.paper_scores()[open_sets]
    assert data.loc["LLaMA-2-70B", head] == f"{scores.loc['llama-2-70b'].mean():.1f}"
    assert data.loc["Majority", head].startswith("38.0 (")
    assert data.loc["Majority", "Robustness"] == "not known"
    said = report.placement_reading("majority", tmp_path).data
    assert "without MIMIC-CXR, MIMIC-III" in said and "Robustness** cannot be worked out" in said
    low, high = 36.5, 39.5  # the interval of the mean lies within these
    public = scores.loc[human.printed_rates().index].mean(axis=1)
    over, under = (public > high).sum(), (public < low).sum()
    assert over == 2 and under == 2
    counts = pd.Series([int(word) for word in said.split() if word.isdigit()])
    assert {9, over} <= set(counts)


def test_all_thirteen_sets_give_robustness_too(tmp_path):
    for step, key in enumerate(DATASETS):
        written(tmp_path, "supervised", key, 0.3 + 0.02 * step)
    said = report.placement_reading("supervised", tmp_path).data
    assert "over 13 of 13 data sets: 42.0 (" in said
    # medqa .. pubmedqa, then the two radiology sets, then the two of diseases
    spread = 100 * sum(
        np.std([0.3 + 0.02 * i for i in steps], ddof=1) for steps in (range(4), (5, 6), (8, 9))
    )
    assert f"low is steady: {spread:.1f} (" in said


def test_a_folder_of_weights_is_found_by_its_name_and_not_shown_by_its_path(tmp_path):
    weights = tmp_path / "weights" / "mine"
    weights.mkdir(parents=True)
    assert recorded_name(f"hf:{weights}") == "hf:mine"
    assert recorded_name("hf:owner/name") == "hf:owner/name"
    assert recorded_name("majority") == "majority"
    written(tmp_path / "results", "hf:mine", "gad")
    assert len(measured(f"hf:{weights}", tmp_path / "results")) == 1
    said = report.placement_reading(f"hf:{weights}", tmp_path / "results").data
    assert str(tmp_path) not in said
    assert str(tmp_path) not in report.placement_table(f"hf:{weights}", tmp_path).to_html()


# The chapter


@pytest.fixture(scope="module")
def executed(tmp_path_factory):
    folder = tmp_path_factory.mktemp("human")
    path = folder / "human_eval.ipynb"
    done = subprocess.run(
        [sys.executable, "-m", "papermill", "notebooks/human_eval.ipynb", str(path)]
        + ["-p", "model", "majority", "-p", "replicates", "500", "-p", "studies", "5"],
        cwd=ROOT,
        env={**os.environ, "BENCHHEALTH_RUNS": str(folder / "runs")},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return path


def test_the_chapter_publishes_its_taus(executed):
    from benchhealth_utils.reproduce import published

    found = published(executed)
    assert found["human.generalizability.metric.tau"] == pytest.approx(16 / 36)
    assert found["human.robustness.metric.n"] == 9
    assert "human.faithfulness.metric.tau" not in found
    assert found["human.comprehensiveness.robustness.tau"] == pytest.approx(26 / 36)
    low, high = (found[f"human.generalizability.metric.{end}"] for end in ("low", "high"))
    assert low < 16 / 36 < high


def test_the_chapter_shows_its_tables_and_figure(executed):
    cells = json.loads(executed.read_text(encoding="utf-8"))["cells"]
    outputs = [output for cell in cells for output in cell.get("outputs", ())]
    html = "".join("".join(o.get("data", {}).get("text/html", "")) for o in outputs)
    for name in ("table-6", "human-rates", "human-bounds", "human-pairs", "human-agreement"):
        assert f'id="T_{name}"' in html
    assert 'id="T_human-criteria"' in html and 'id="T_human-placement"' in html
    assert sum("image/png" in output.get("data", {}) for output in outputs) == 2


def test_everything_simulated_in_the_chapter_says_so(executed):
    cells = json.loads(executed.read_text(encoding="utf-8"))["cells"]
    data = [output.get("data", {}) for cell in cells for output in cell.get("outputs", ())]
    html = "".join("".join(each.get("text/html", "")) for each in data)
    for name in ("table-6", "verdicts", "reliability", "raters", "strengths", "recovery"):
        table = html.split(f'id="T_study-{name}"')[1].split("</table>")[0]
        assert "<caption>Simulated raters, not people. " in table
    judge = html.split('id="T_study-judge"')[1].split("</table>")[0]
    assert "<caption>Simulated raters, not people. The judge longer-reply" in judge
    # every list of what a simulated study shows
    said = ["".join(each.get("text/markdown", "")) for each in data]
    readings = [text for text in said if "Who is ahead" in text or "planted" in text]
    assert len(readings) == 3
    assert all(text.startswith("Simulated raters, not people.\n\n- ") for text in readings)
    figures = [cell["metadata"]["mystnb"] for cell in cells if "mystnb" in cell["metadata"]]
    assert "Simulated raters, not people." in figures[0]["figure"]["caption"]
    # the paper's own table does not
    printed = html.split('id="T_table-6"')[1].split("</table>")[0]
    assert "imulated" not in printed


def test_the_chapter_finds_what_it_planted(executed):
    from benchhealth_utils.human_eval.planted import EXAMPLE
    from benchhealth_utils.reproduce import published

    found, inside = published(executed), 0
    names = [name for name in found if name.startswith("simulated.") and name.endswith("win_tie")]
    assert len(names) == 12
    for name in names:
        _, criterion, a, b, _ = name.split(".")
        planted = EXAMPLE.chances(criterion, a, b)[:2].sum()
        low, high = (found.get(f"{name}.{end}", found[name]) for end in ("low", "high"))
        inside += low <= planted <= high
    assert inside >= 9
    assert not any(name.startswith("study.") for name in found)


def test_the_chapter_leaves_nothing_behind(executed):
    runs = executed.parent / "runs"
    assert not runs.exists() or not any(runs.iterdir())


def test_no_name_means_one_thing_for_the_paper_and_another_for_a_study():
    """What a module defines itself, by its source: functions, classes and constants."""
    import ast

    def defined(paths):
        names = set()
        for path in paths:
            for node in ast.parse(path.read_text(encoding="utf-8")).body:
                if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
                    names.add(node.name)
                elif isinstance(node, ast.Assign):
                    names |= {x.id for x in node.targets if isinstance(x, ast.Name)}
        return {name for name in names if not name.startswith("_")}

    package = ROOT / "benchhealth_utils"
    study = defined((package / "human_eval").glob("*.py"))
    shared = defined((package / "report").glob("human*.py")) & study
    assert {"Ranking", "CRITERIA", "win_tie_rates"} <= study
    assert not shared
