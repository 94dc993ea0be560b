"""Few-shot: scores, gains and tokens by number of shots, and the chapter itself."""

import dataclasses
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchhealth_utils import DATASETS, load, report, score
from benchhealth_utils.evaluation import Evaluation, evaluate
from benchhealth_utils.models.local import TOO_LONG
from benchhealth_utils.parameters import data_sets, numbers, start
from benchhealth_utils.report.recording import tokens
from benchhealth_utils.schema import Answer, BenchHealthError, Example
from benchhealth_utils.stats import compare, holm, share, wilson, wilson_of_share

ROOT = Path(__file__).parent.parent
FEW = [key for key in DATASETS if key != "mimic_iii"]


def hand_made(gold, readings, *, key="medqa", usage=None, shots=0, exemplars=()):
    """An evaluation of items 0, 1, ... with these readings."""
    examples = [Example(str(i), key, {"question": f"q{i}"}, g, str(i)) for i, g in enumerate(gold)]
    return Evaluation(
        model="made",
        dataset=key,
        examples=examples,
        answers=[Answer(item.id, "ok", "", usage=usage or {}) for item in examples],
        readings=readings,
        statuses=["ok"] * len(gold),
        scores=score(key, gold, readings),
        signature={
            "mode": "generate",
            "shots": shots,
            "seed": 0,
            "data": {"source": "samples", "limit": len(gold)},
            "exemplars": {"ids": list(exemplars), "except": {}},
        },
    )


def usage(prompt, completion, cut=0):
    return {"prompt_tokens": prompt, "completion_tokens": completion, "cut_tokens": cut}


@pytest.fixture
def runs():
    """1 of 4 right without exemplars; with one, 2 or 3 of 4, by seed."""
    gold = ["A", "B", "C", "D"]
    return {
        (0, 0): [hand_made(gold, ["A", "A", None, "A"], usage=usage(10, 2))],
        (1, 0): [hand_made(gold, ["A", "B", "A", "A"], usage=usage(30, 1), shots=1)],
        (1, 1): [hand_made(gold, ["A", "B", "C", "A"], usage=usage(32, 1, 4), shots=1)],
    }


def rows_of(table):
    return table.data.to_dict("records")


# ---- levels, by hand


def test_a_level_is_what_one_works_out_by_hand(runs):
    zero, one = report.shot_levels(runs)
    assert (zero.shots, zero.n, zero.values, zero.coverage) == (0, 4, (0.25,), 0.75)
    assert zero.interval == wilson(1, 4) and zero.corrected is None
    assert (one.shots, one.values, one.value, one.coverage) == (1, (0.5, 0.75), 0.625, 1)
    assert one.interval == wilson_of_share(2.5 / 4, 4)
    assert one.gain == 0.375
    # gains of the items are 0, 1, 0.5, 0: of four sign patterns of the two that
    # differ, two are as extreme; P(sum 0) = 1/16 and P(sum > 3) = 5/256 of resamples
    assert one.p_value == one.corrected == 0.5
    assert one.gain_interval == pytest.approx((0, 0.75))
    # four items changed alike: 2 / 2 ** 4
    assert (one.least, one.verdict) == (0.125, "too few items to tell")
    assert one.cost == {"prompt": 31, "completion": 1} and one.total - zero.total == 20


def test_the_tables_say_what_the_levels_are(runs):
    levels = report.shot_levels(runs)
    table = report.shots_table(levels, runs, "Caption.", "t")
    assert "Tests: sign-flip permutation over items. Measured on synthetic" in table.caption
    zero, one = rows_of(table)
    assert zero["Score (95 % interval)"].startswith("25.0 (4.6 to 69.9")
    assert zero["Gain (95 % interval)"] == zero["p (Holm)"] == ""
    assert one["Data set"] == "MedQA (USMLE)" and one["n"] == "4" and one["Coverage"] == "100.0"
    assert one["Over seeds: range (SD)"] == "50.0 to 75.0 (17.7)"
    assert one["Gain (95 % interval)"] == "+37.5 (+0.0 to +75.0)"
    assert one["p (Holm)"] == "0.500 (too few items to tell)"
    table = report.cost_table(report.scenario_levels(levels), runs, "c", "t")
    assert table.caption == (
        "c Measured on synthetic samples, a random subset of 4 items of each set: "
        "not comparable with the paper."
    )
    zero, one = rows_of(table)
    assert zero["Prompt tokens per item"] == "10" and zero["More than zero-shot"] == ""
    assert one["Prompt tokens per item"] == "31" and one["Completion tokens per item"] == "1"
    assert one["More than zero-shot"] == "+20"
    assert one["Tokens per point gained"] == "too few items to tell"


def test_one_seed_is_compared_by_mcnemar_and_has_no_spread(runs):
    del runs[1, 0]
    table = report.shots_table(report.shot_levels(runs), runs, "", "t")
    assert "exact McNemar" in table.caption
    one = rows_of(table)[1]
    assert one["Over seeds: range (SD)"] == "one seed"
    assert one["p (Holm)"].startswith(
        "0.500 ("
    )  # two items differ, both for the exemplar: 2 / 2 ** 2


def test_only_the_zero_shot_rows_are_comparable_with_the_paper(runs):
    for run in (run for each in runs.values() for run in each):
        run.signature["data"].update(source="official", limit=0)
    caption = report.shots_table(report.shot_levels(runs), runs, "", "t").caption
    assert caption.endswith(
        "official data: comparable with the paper. It printed zero-shot scores only."
    )


def test_p_values_are_corrected_over_the_whole_table():
    gold = ["A"] * 8
    wrong, right = ["B"] * 8, ["A"] * 8
    runs = {
        (0, 0): [hand_made(gold, wrong), hand_made(gold, wrong, key="medmcqa")],
        (1, 0): [hand_made(gold, right), hand_made(gold, right, key="medmcqa")],
    }
    levels = report.shot_levels(runs)
    assert [each.p_value for each in levels if each.shots] == [2 / 2**8] * 2
    assert [each.least for each in levels if each.shots] == [4 / 2**8] * 2
    assert [each.verdict for each in levels if each.shots] == ["gain"] * 2
    found = [row["p (Holm)"] for row in rows_of(report.shots_table(levels, runs, "", "t"))]
    assert found == ["", "0.016", "", "0.016"]


def test_a_bootstrap_without_spread_is_not_an_interval():
    runs = {(k, 0): [hand_made(["no", "yes"], ["no", "no"], key="gad")] for k in (0, 1)}
    one = report.shot_levels(runs)[1]
    assert one.interval is one.gain_interval is None and one.gain == 0
    row = rows_of(report.shots_table([one], runs, "", "t"))[0]
    assert row["Score (95 % interval)"] == "0.0 (interval not estimable)"
    assert row["Gain (95 % interval)"] == "+0.0 (interval not estimable)"


def test_what_cannot_be_compared_is_refused(runs):
    with pytest.raises(BenchHealthError, match="no zero-shot run"):
        report.shot_levels({key: each for key, each in runs.items() if key[0]})
    runs[1, 1] = [hand_made(["A", "B", "C"], ["A", "B", "C"])]
    with pytest.raises(BenchHealthError, match="items at 1 shots are not those"):
        report.shot_levels(runs)


# ---- scenarios


def level(key, value, interval, *, shots=0, n=10, **more):
    return report.Level((key,), shots, n, (value,), interval, 1.0, **more)


def test_a_scenario_is_the_plain_mean_of_its_sets():
    levels = [
        level("medqa", 0.5, (0.2, 0.6), n=100, cost={"prompt": 10, "completion": None}),
        level("medmcqa", 0.3, (0.0, 0.7), n=4, cost={"prompt": 20, "completion": 6}),
        level("gad", 0.9, None),
    ]
    reasoning, understanding = report.scenario_levels(levels)
    assert reasoning.value == pytest.approx(0.4) and reasoning.n == 104
    assert reasoning.datasets == ("medqa", "medmcqa")
    low, high = (0.3**2 + 0.3**2) ** 0.5 / 2, (0.1**2 + 0.4**2) ** 0.5 / 2
    assert reasoning.interval == pytest.approx((0.4 - low, 0.4 + high))
    assert reasoning.cost == {"prompt": 15, "completion": None} and reasoning.total is None
    assert understanding.value == 0.9 and understanding.interval is None


rates = st.tuples(*[st.floats(0, 1)] * 3).map(sorted)


def test_a_price_is_given_only_for_a_gain_that_is_shown(runs):
    def priced(gain, corrected, prompt, **more):
        cost = {"prompt": prompt, "completion": 2}
        few = level(
            "gad", 0.5 + gain, None, shots=3, gain=gain, gain_interval=(0.1, 0.3),
            corrected=corrected, cost=cost, **more,
        )  # fmt: skip
        levels = [level("gad", 0.5, None, cost={"prompt": 40, "completion": 2}), few]
        return rows_of(report.cost_table(levels, runs, "", "t"))[1]["Tokens per point gained"]

    assert priced(0.2, 0.05, 100) == "3"  # 60 tokens for 20 points
    assert priced(0.2, 0.051, 100) == "no gain shown"  # though its interval is above zero
    assert priced(0.2, None, 100) == priced(-0.2, 0.01, 100) == "no gain shown"
    assert priced(0.2, 0.2, 100, least=0.06) == "too few items to tell"
    assert priced(0.2, 0.01, None) == "not counted"
    assert priced(0.2, 0.01, 39) == "saves tokens" and priced(0.2, 0.01, 40) == "0"


def test_the_reading_tells_gains_from_losses():
    def said(*gains):
        levels = [level("gad", 0.5, None)] + [
            level("gad", 0.5, None, shots=k, gain=gain, corrected=p, least=least)
            for k, (gain, p, least) in enumerate(gains, 1)
        ]
        return report.reading_of_shots(levels).data

    gains = said((0.15, 0.01, 0), (0.1, 0.06, 0), (0.1, 0.05, 0))
    assert "Gains are shown at 1, 3 shots. The" in gains
    assert "Losses are shown at 1 shots. The largest change is -15.0" in said((-0.15, 0.01, 0))
    assert "Neither a gain nor a loss is shown." in said((-0.2, 0.3, 0))
    assert "At 1, 2 shots there are too few items to tell." in said(*[(0.5, 0.25, 0.125)] * 2)
    assert "seeds" not in said((-0.2, 0.3, 0))


def test_an_interval_above_zero_does_not_show_a_gain_of_three_items_in_four():
    gold = ["A"] * 4
    runs = {
        (0, 0): [hand_made(gold, ["B"] * 4, usage=usage(10, 2))],
        (1, 0): [hand_made(gold, ["A", "A", "A", "B"], usage=usage(30, 2))],
    }
    for levels in (report.shot_levels(runs), report.scenario_levels(report.shot_levels(runs))):
        one = levels[1]
        assert one.gain_interval[0] > 0 and one.corrected == 0.25  # McNemar: 2 / 2 ** 3
        assert one.verdict == "too few items to tell"
    text = report.reading_of_shots(levels).data
    assert "too few items to tell" in text and "Gains" not in text


def test_the_gain_of_a_mean_is_tested_within_its_sets():
    """Medqa gains 3 of 4 items, medmcqa 2 of 4 and loses none: means of 16 and 4 patterns."""
    gold, wrong = ["A"] * 4, ["B"] * 4
    runs = {
        (0, 0): [hand_made(gold, wrong), hand_made(gold, wrong, key="medmcqa")],
        (1, 0): [
            hand_made(gold, ["A", "A", "A", "B"]),
            hand_made(gold, ["A", "A", "B", "B"], key="medmcqa"),
        ],
    }
    _, one = report.scenario_levels(report.shot_levels(runs))
    # five items changed, all for the exemplar: the pattern and its mirror, of 2 ** 5
    assert one.p_value == one.corrected == 2 / 2**5 and one.gain == 0.625
    assert one.least == 2 / 2**8 and one.verdict == "neither"
    row = rows_of(report.shots_table([one], runs, "", "t"))[0]
    assert (row["Mean of"], row["p (Holm)"]) == ("2 data sets", "0.062")
    runs[1, 0][1] = hand_made(gold, gold, key="medmcqa")
    assert report.scenario_levels(report.shot_levels(runs))[1].p_value == 2 / 2**7


changes = st.lists(st.sampled_from([-1, 0, 1]), min_size=1, max_size=9)


@settings(max_examples=30)
@given(st.lists(changes, min_size=1, max_size=3))
def test_what_is_shown_has_a_corrected_p_value_up_to_the_limit(sets):
    keys = ["medqa", "gad", "medmcqa"][: len(sets)]
    runs = {(0, 0): [], (1, 0): []}
    for key, each in zip(keys, sets, strict=True):
        right, wrong = ("yes", "no") if key == "gad" else ("A", "B")
        gold = [right] * len(each)
        runs[0, 0].append(hand_made(gold, [right if x < 0 else wrong for x in each], key=key))
        runs[1, 0].append(hand_made(gold, [right if x > 0 else wrong for x in each], key=key))
    levels = report.shot_levels(runs)
    for family in (levels, report.scenario_levels(levels)):
        tested = [one for one in family if one.shots]
        assert [one.corrected for one in tested] == holm([one.p_value for one in tested])
        for one in tested:
            assert one.least <= one.corrected + 1e-12 or one.least == 1
            assert (one.corrected <= 0.05) == (one.verdict in ("gain", "loss"))
            if one.verdict in ("gain", "loss"):
                assert (one.gain > 0) == (one.verdict == "gain")


def test_the_mean_of_one_set_has_its_test():
    gold = ["A"] * 9
    runs = {(k, 0): [hand_made(gold, gold if k else ["B"] * 9)] for k in (0, 1)}
    one, mean = report.shot_levels(runs)[1], report.scenario_levels(report.shot_levels(runs))[1]
    assert (mean.test, mean.p_value) == (one.test, one.p_value) == ("exact McNemar", 2 / 2**9)
    assert mean.is_mean and not one.is_mean
    hits = np.array([[1, 1]] * 9)
    assert one.p_value == compare(hits, hits * [0, 1], share).p_value


# ---- tokens, fit


def test_tokens_are_totals_and_none_where_nothing_counts(runs):
    run = runs[1, 1][0]
    assert tokens(run) == {"prompt": 128, "completion": 4, "cut": 16}
    assert report.result(run)["tokens"] == tokens(run)
    api = hand_made(["A"], ["A"], usage={"prompt_tokens": 7, "completion_tokens": 1})
    assert tokens(api) == {"prompt": 7, "completion": 1, "cut": None}
    assert tokens(hand_made(["A"], ["A"])) == dict.fromkeys(("prompt", "completion", "cut"))


def test_cut_documents_and_prompts_that_did_not_fit_are_counted(runs):
    run = runs[1, 0][0]
    long = Answer("3", TOO_LONG.status, TOO_LONG.text, usage=TOO_LONG.usage)
    runs[1, 0] = [dataclasses.replace(run, answers=[*run.answers[:3], long])]
    table = report.fit_table(runs, "Fit.", "t", 2048)
    assert "2,048 tokens" in table.caption
    zero, one = rows_of(table)
    assert (zero["Prompts"], zero["Longest (tokens)"], zero["Did not fit"]) == (4, "10", 0)
    assert (one["Prompts"], one["Longest (tokens)"]) == (8, "32")
    assert (one["Documents cut"], one["Tokens cut"], one["Did not fit"]) == (4, "16", 1)
    nothing = rows_of(report.fit_table({(0, 0): [hand_made(["A"], ["A"])]}, "", "t"))[0]
    assert nothing["Longest (tokens)"] == nothing["Tokens cut"] == "not counted"


# ---- exemplars


def test_exemplar_seeds_change_the_exemplars_and_nothing_else(tmp_path):
    def run(**options):
        return evaluate("majority", "medqa", limit=5, store=tmp_path, progress=False, **options)

    plain, same, other = run(shots=3), run(shots=3, exemplar_seed=0), run(shots=3, exemplar_seed=1)
    assert same.signature == plain.signature and plain.signature["exemplar_seed"] == 0
    assert "exemplar_seed" not in run().signature
    assert [a.key for a in same.answers] == [a.key for a in plain.answers]
    assert other.signature["exemplar_seed"] == 1 and other.signature["seed"] == 0
    assert [e.id for e in other.examples] == [e.id for e in plain.examples]
    assert other.signature["exemplars"] == run(shots=3, seed=1).signature["exemplars"]
    assert other.signature["exemplars"] != plain.signature["exemplars"]
    assert not {a.key for a in other.answers} & {a.key for a in plain.answers}
    assert run(exemplar_seed=1).signature == run().signature  # nothing to draw at zero shots
    first = run(shots=1, exemplar_seed=1).signature["exemplars"]["ids"]
    assert first == other.signature["exemplars"]["ids"][:1]
    names = {report.record(each, tmp_path).name for each in (plain, same, other)}
    assert names == {
        "medqa-3shot-generate-exemplars0-samples-5-seed0.json",
        "medqa-3shot-generate-exemplars1-samples-5-seed0.json",
    }


@pytest.fixture
def on_official(monkeypatch, tmp_path):
    """Evaluations that pass for full official data, kept in a folder."""
    provenance = {"fingerprint": "made", "source": "official", "items": 24}
    monkeypatch.setattr("benchhealth_utils.evaluation.provenance", lambda *_: provenance)

    def run(**options):
        options = {"store": tmp_path / "answers", "progress": False} | options
        made = evaluate("majority", "gad", **options)
        assert made.official
        return report.record(made, tmp_path / "results")

    return run


def test_official_results_of_other_exemplars_are_not_recorded_over_each_other(
    on_official, tmp_path
):
    names = [on_official(shots=2, seed=seed).name for seed in (0, 1)]
    names += [on_official(shots=2, exemplar_seed=2).name, on_official().name]
    assert names == [
        *(f"gad-2shot-generate-exemplars{seed}.json" for seed in (0, 1, 2)),
        "gad-0shot-generate.json",
    ]
    rows = report.results(tmp_path / "results", shots=2)
    assert [row["signature"]["exemplar_seed"] for row in rows] == [0, 1, 2]
    (zero,) = report.results(tmp_path / "results")
    assert zero["signature"]["shots"] == 0 and "exemplar_seed" not in zero["signature"]
    levels = report.recorded_levels("majority", ["gad"], [0, 2], folder=tmp_path / "results")
    assert [each.interval is None for each in levels] == [
        zero["interval"][0] == zero["interval"][1],
        True,
    ]
    assert levels[1].value == pytest.approx(sum(row["value"] for row in rows) / 3)


def test_an_item_among_its_own_exemplars_would_be_seen():
    items = load("chatdoctor")[:2]  # whose training part is the same table
    gold = [item.gold for item in items]
    made = dataclasses.replace(
        hand_made(gold, gold, key="chatdoctor", shots=1, exemplars=[items[0].id]), examples=items
    )
    (row,) = rows_of(report.exemplar_table({(1, 0): [made]}, "", "t"))
    assert row["Own exemplar"] == 1 and row["Exemplars, in order"] == items[0].id
    made.signature["exemplars"]["except"][items[0].id] = [load("chatdoctor")[2].id]
    (row,) = rows_of(report.exemplar_table({(1, 0): [made]}, "", "t"))
    assert (row["Own exemplar"], row["Items given others"]) == (0, 1)


def test_answers_stand_together_by_item_and_credentialed_ones_are_not_shown(runs):
    table = report.shot_answers_table(runs, 2, "", "t")
    found = [(row["Item"], row["Shots"], row["Reading"]) for row in rows_of(table)]
    assert found == [("0", 0, "A"), ("0", 1, "A"), ("1", 0, "A"), ("1", 1, "B")]
    text = {(0, 0): [hand_made(["secret"], ["secret"], key="mimic_cxr")]}
    (row,) = rows_of(report.shot_answers_table(text, 2, "", "t"))
    assert row == {"Item": "credentialed, so not shown"}
    (row,) = rows_of(report.example_table([], "One item of each open data set.", "items"))
    assert row == {"Item": "credentialed text is not shown"}


# ---- the paper, recorded results, figure


def test_the_papers_means_follow_from_its_table_5():
    scenarios = {}
    for key in FEW:
        scenarios.setdefault(DATASETS[key].scenario, []).append(key)
    found = {name: report.paper_means(keys) for name, keys in scenarios.items()}
    assert {name: round(max(each), 1) for name, each in found.items()} == {
        "reasoning": 67.4,  # GPT-4 throughout
        "generation": 13.3,
        "understanding": 65.2,
    }
    # ChatGLM-Med has no HoC score
    assert {name: len(each) for name, each in found.items()} == {
        "reasoning": 16,
        "generation": 16,
        "understanding": 15,
    }


def write(folder, key, shots, value, *, seed=0, mode="generate", rewording=None):
    name = f"{key}-{shots}shot-{mode}-{rewording}-exemplars{seed}.json"
    signature = {"shots": shots, "mode": mode, "seed": seed, "rewording": rewording}
    row = {
        "model": "made",
        "dataset": key,
        "official": True,
        "complete": True,
        "value": value,
        "n": 100,
        "coverage": 1.0,
        "interval": [value - 0.1, value + 0.1],
        "signature": signature | {"exemplar_seed": seed, "data": {"source": "official"}},
    }
    (folder / "made").mkdir(exist_ok=True)
    (folder / "made" / name).write_text(json.dumps(row))


def test_recorded_results_enter_where_every_number_of_shots_is_there(tmp_path, runs):
    write(tmp_path, "medqa", 0, 0.3)
    write(tmp_path, "medqa", 1, 0.4)
    write(tmp_path, "medqa", 1, 0.6, seed=1)
    write(tmp_path, "medqa", 1, 0.9, mode="likelihood")
    write(tmp_path, "medqa", 1, 0.1, rewording="plain")
    write(tmp_path, "pubmedqa", 1, 0.6)  # no zero-shot result
    zero, one = report.recorded_levels("made", FEW, [0, 1], folder=tmp_path)
    assert (zero.datasets, zero.shots, zero.value, zero.n) == (("medqa",), 0, 0.3, 100)
    assert zero.interval == pytest.approx((0.2, 0.4))
    assert one.value == pytest.approx(0.5) and one.interval is None  # of two seeds
    assert report.recorded_levels("made", ["medqa"], [0, 5], folder=tmp_path) == []
    write(tmp_path, "medqa", 5, 0.7, seed=2)
    (_, alone) = report.recorded_levels("made", ["medqa"], [0, 5], folder=tmp_path)
    assert alone.interval == pytest.approx((0.6, 0.8))
    assert report.recorded_levels("made", ["gad"], [0, 1], folder=tmp_path) == []
    assert report.recorded_levels("made", FEW, [0], folder=tmp_path) == []
    assert report.recorded_levels("made", FEW, [0, 1], "likelihood", tmp_path) == []
    assert report.recorded_levels("nobody", FEW, [0, 1], folder=tmp_path) == []

    means = report.scenario_levels(report.shot_levels(runs))
    figure = report.shots_figure(means, [zero, one])
    (axes,) = figure.axes
    drawn = {line.get_marker(): line for line in axes.lines if line.get_marker() in ("s", "x")}
    assert list(drawn["s"].get_ydata()) == pytest.approx([30, 50])
    assert axes.get_title(loc="left") == "Reasoning (MedQA (USMLE))"
    crosses = [line.get_ydata()[0] for line in axes.lines if line.get_marker() == "x"]
    assert crosses == [50, 75]
    bars = [list(line.get_ydata()) for line in axes.lines if line.get_linewidth() == 2.5]
    assert [100 * end for end in wilson(1, 4)] in bars
    assert len(bars) == 3  # two measured, and the recorded one that is not averaged
    open_circles = next(x for x in axes.lines if x.get_markerfacecolor() == "none")
    assert len(open_circles.get_ydata()) == 16 and set(open_circles.get_xdata()) == {-0.28}
    assert "Recorded on official data, reasoning: MedQA" in (
        report.reading_of_shots(means, [zero, one]).data
    )


def test_of_several_recorded_results_real_data_come_before_more_items(tmp_path):
    def record(name, value, **changes):
        source = {"source": changes.pop("source", "official")}
        row = {"model": "made", "dataset": "gad", "value": value, "n": 8, "official": False}
        row |= {"complete": True, "signature": {"shots": 0, "mode": "generate", "data": source}}
        (tmp_path / "made").mkdir(exist_ok=True)
        path = tmp_path / "made" / f"{name}.json"
        path.write_text(json.dumps(row | changes))
        return path

    def kept():
        (row,) = report.results(tmp_path)
        return row["value"]

    record("a", 0.1, source="samples", n=26)
    record("b", 0.2)
    assert kept() == 0.2  # 8 official items before 26 synthetic ones
    record("c", 0.3, complete=False, n=20)
    assert kept() == 0.2
    newer = record("d", 0.4)
    os.utime(newer, (2e9, 2e9))
    assert kept() == 0.4
    os.utime(newer, (1e9, 1e9))
    assert kept() == 0.2
    record("e", 0.5, n=9)
    assert kept() == 0.5
    record("f", 0.6, n=5, official=True)
    assert kept() == 0.6


# ---- parameters

GIVEN = {"model": "majority", "shot_counts": "0 1", "seeds": 0, "datasets": "all"}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"shot_counts": "1 3"}, "must have a 0"),
        ({"shot_counts": "0,1"}, "shot_counts is '0,1'; expected whole numbers with blanks"),
        ({"shot_counts": "0 -1"}, "expected whole numbers"),
        ({"seeds": ""}, "seeds is ''; expected whole numbers"),
        ({"seeds": True}, "expected whole numbers"),
        ({"seeds": "1 1"}, "a number occurs twice"),
        ({"datasets": "medqa foo"}, "names foo, which this chapter does not have. It has: medqa,"),
        ({"datasets": "medqa medqa"}, "different keys"),
        ({"datasets": 3}, "expected 'all'"),
    ],
)
def test_bad_lists_are_refused(change, message):
    with pytest.raises(BenchHealthError, match=message):
        start({**GIVEN, **change}, *GIVEN)


def test_lists_are_taken_as_papermill_gives_them(capsys):
    start(GIVEN, *GIVEN)
    assert "seeds = 0" in capsys.readouterr().out
    assert numbers("5 0 3", "shot_counts") == [0, 3, 5] and numbers(3, "seeds") == [3]
    assert data_sets("all", without=["mimic_iii"]) == FEW
    assert data_sets("gad iu_xray") == ["iu_xray", "gad"]
    with pytest.raises(BenchHealthError, match="names mimic_iii"):
        data_sets("mimic_iii", without=["mimic_iii"])


# ---- the chapter


@pytest.fixture(scope="module")
def chapter(tmp_path_factory):
    path = tmp_path_factory.mktemp("run") / "few_shot.ipynb"
    parameters = {"model": "majority", "limit": 3, "datasets": "all", "shot_counts": "0 1 5"}
    done = subprocess.run(
        [sys.executable, "-m", "papermill", "notebooks/few_shot.ipynb", str(path)]
        + [part for name, value in parameters.items() for part in ("-p", name, str(value))],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=600,
        env={**os.environ, "BENCHHEALTH_RUNS": str(path.parent)},
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return path


def outputs(path):
    for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]:
        yield from cell.get("outputs", ())


def test_a_model_that_reads_no_exemplar_has_a_flat_curve(chapter):
    values = {}
    for output in outputs(chapter):
        if book := output.get("metadata", {}).get("scrapbook"):
            values[book["name"]] = float(
                "".join(output["data"][book["mime_prefix"] + "text/plain"])
            )
    for scenario in ("reasoning", "generation", "understanding"):
        curve = [values[f"majority.{scenario}.{shots}shot"] for shots in (0, 1, 5)]
        assert curve == [pytest.approx(curve[0])] * 3
    expected = [
        evaluate("majority", key, limit=3, store=chapter.parent, progress=False).scores.value
        for key in FEW
        if DATASETS[key].scenario == "reasoning"
    ]
    assert values["majority.reasoning.5shot"] == pytest.approx(sum(expected) / 5) != 0


def test_every_run_of_the_chapter_has_a_result_of_its_own(chapter):
    files = list((chapter.parent / "results" / "majority").glob("*.json"))
    assert len(files) == len(FEW) * (1 + 2 * 3)
    rows = [json.loads(path.read_text()) for path in files]
    items = {}
    for row in rows:
        assert row["tokens"] == dict.fromkeys(("prompt", "completion", "cut"))
        items.setdefault(row["dataset"], set()).add((row["n"], row["value"]))
    assert set(items) == set(FEW) and all(len(each) == 1 for each in items.values())


def test_the_chapter_shows_what_it_promises_and_no_credentialed_text(chapter):
    text = chapter.read_text(encoding="utf-8")
    for part in ("not comparable with the paper", "shot_counts = '0 1 5'", "image/png"):
        assert part in text
    html = " ".join("".join(x.get("data", {}).get("text/html", "")) for x in outputs(chapter))
    for part in (
        "T_few-shot-sources",
        "T_exemplars",
        "T_few-shot-scores",
        "T_few-shot-scenarios",
        "T_few-shot-cost",
        "T_shot-answers",
        "T_few-shot-fit",
        "too few items to tell",
    ):
        assert part in html
    captions = re.findall(r"<caption>(.*?)</caption>", html)
    assert len(captions) >= 6
    for caption in captions:
        shows = caption.startswith(("One item of each", "The same items at every", "The data of"))
        assert shows or "Measured on synthetic samples" in caption, caption
    for item in load("mimic_cxr"):
        assert item.inputs["findings"][:60] not in html
