"""The analysis of a human evaluation, by hand, by libraries, and on simulated raters."""

import json
import os
import subprocess
import sys
import warnings
from dataclasses import replace
from itertools import product

import krippendorff
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import cohen_kappa_score
from statsmodels.stats.contingency_tables import mcnemar

from benchhealth_utils import report
from benchhealth_utils.human_eval import create_study, estimates, planning, simulation
from benchhealth_utils.human_eval.__main__ import main
from benchhealth_utils.human_eval.adjudication import settle
from benchhealth_utils.human_eval.analysis import analyse, analyse_study, read_study, write_analysis
from benchhealth_utils.human_eval.criteria import CHOICES, CRITERIA, OUTCOMES
from benchhealth_utils.human_eval.dialogues import Dialogue
from benchhealth_utils.human_eval.judge import LongerReply, judge_cards
from benchhealth_utils.human_eval.judged import judge_agreement
from benchhealth_utils.human_eval.planted import EXAMPLE, RATERS, Planted, SimulatedRater
from benchhealth_utils.human_eval.ranking import Davidson, rankings
from benchhealth_utils.human_eval.raters import each_rater, repeated, side
from benchhealth_utils.human_eval.rates import cell_rates, sign_test, win_tie_rates
from benchhealth_utils.human_eval.recovery import (
    RATE,
    STRENGTH,
    coverage,
    first_rater,
    recover,
)
from benchhealth_utils.human_eval.reliability import (
    agreement,
    alpha_of_coincidences,
    kappa_of_counts,
)
from benchhealth_utils.human_eval.votes import load_votes, unblind
from benchhealth_utils.schema import ROOT, BenchHealthError
from benchhealth_utils.stats import wilson

FEW = {"replicates": 200}


@pytest.fixture(autouse=True)
def no_warnings():
    """A division by zero or a mean of nothing would show up as one."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield


def finals(outcomes, a="x", b="y", criterion="faithfulness", start=0):
    """Final verdicts of one comparison on items numbered from `start`."""
    rows = [
        (f"item-{start + at}", a, b, criterion, outcome, "agreed" if outcome else "open")
        for at, outcome in enumerate(outcomes)
    ]
    columns = "item model_a model_b criterion outcome path".split()
    return pd.DataFrame(rows, columns=columns)


def votes_of(choices, criterion="faithfulness", kind="pair", role="rater", cards=None):
    """Votes of raters on cards a-left: ``{rater: [choice or None, ...]}``."""
    rows = []
    for rater, chosen in choices.items():
        for at, choice in enumerate(chosen):
            if choice is not None:
                rows.append(
                    {
                        "rater": rater,
                        "role": role,
                        "card": cards[at] if cards else f"card-{at}",
                        "criterion": criterion,
                        "choice": choice,
                        "difficult": False,
                        "comment": "",
                        "at": pd.NaT,
                        "item": f"item-{at}",
                        "kind": kind,
                        "model_a": "x",
                        "model_b": "y",
                        "outcome": OUTCOMES[CHOICES.index(choice)],
                        "a_side": "left",
                    }
                )
    return pd.DataFrame(rows)


# Draws


def test_draws_without_a_value_take_the_interval_away_once_they_are_a_tail():
    draws = np.linspace(0, 1, 1000)
    few, many = draws.copy(), draws.copy()
    few[:25], many[:26] = np.nan, np.nan
    assert estimates.from_draws(0.5, few, 9).interval is not None
    lost = estimates.from_draws(0.5, many, 9)
    assert lost.interval is None and "not defined in 3 % of draws" in lost.note
    alike = estimates.from_draws(0.5, np.full(9, 0.5), 9)
    assert alike.interval is None and "alike" in alike.note


@pytest.mark.parametrize("number", [0, -1, 2.5, "100"])
def test_a_bootstrap_without_draws_is_refused(number):
    with pytest.raises(BenchHealthError, match="expected a whole number above 0"):
        win_tie_rates(finals("aab".replace("", " ").split()), replicates=number)


# Rates


def test_rates_by_hand():
    outcomes = ["a"] * 5 + ["tie"] * 2 + ["b"] * 3 + [None] * 2
    (rate,) = win_tie_rates(finals(outcomes), **FEW)
    assert (rate.wins, rate.ties, rate.losses, rate.open, rate.n) == (5, 2, 3, 2, 10)
    assert rate.win_tie.value == 0.7 and rate.mirror.value == 0.5
    assert rate.lead.value == pytest.approx(0.2)
    assert rate.bounds == (7 / 12, 9 / 12)
    # 5 or more of 8, either way: 2 (56 + 28 + 8 + 1) / 256
    assert rate.p_value == rate.p_adjusted == pytest.approx(186 / 256)
    low, high = rate.win_tie.interval
    assert 0.3 < low < 0.7 < high <= 1


def test_verdicts_that_are_all_alike():
    (won,) = win_tie_rates(finals(["a"] * 8), **FEW)
    assert won.win_tie.interval == wilson(8, 8) and "Wilson" in won.win_tie.note
    assert won.mirror.value == 0 and won.mirror.interval == wilson(0, 8)
    assert won.lead.value == 1 and won.lead.interval is None
    assert won.p_value == 2 / 2**8
    (tied,) = win_tie_rates(finals(["tie"] * 8), **FEW)
    assert tied.win_tie.value == tied.mirror.value == 1 and tied.lead.value == 0
    assert tied.p_value is None and tied.p_adjusted is None
    (none,) = win_tie_rates(finals([None] * 3), **FEW)
    assert none.n == 0 and none.open == 3 and none.bounds == (0, 1)
    for found in (none.win_tie, none.mirror, none.lead):
        assert found.value is found.interval is None and found.note == "no verdict is settled"


@given(st.integers(0, 40), st.integers(0, 40))
def test_the_sign_test_is_mcnemars(wins, losses):
    if wins + losses == 0:
        assert sign_test(wins, losses) is None
        return
    expected = min(1.0, mcnemar([[0, wins], [losses, 0]], exact=True).pvalue)
    assert sign_test(wins, losses) == pytest.approx(expected)


@settings(max_examples=30)
@given(st.lists(st.sampled_from([*OUTCOMES, None]), min_size=1, max_size=12))
def test_the_mirror_is_the_other_side_of_the_same_verdicts(outcomes):
    turned = [{"a": "b", "b": "a"}.get(outcome, outcome) for outcome in outcomes]
    (rate,), (back,) = (cell_rates(finals(x), replicates=50) for x in (outcomes, turned))
    assert rate.mirror == back.win_tie and rate.win_tie == back.mirror
    assert rate.p_value == back.p_value and rate.open == back.open
    assert rate.wins + rate.ties + rate.losses + rate.open == len(outcomes)
    if rate.n:
        assert rate.win_tie.value == pytest.approx(1 - rate.losses / rate.n)
        assert rate.win_tie.value - rate.mirror.value == pytest.approx(rate.lead.value)
        assert rate.bounds[0] - 1e-9 <= rate.win_tie.value <= rate.bounds[1] + 1e-9


def test_holm_is_over_all_tests_of_the_study():
    parts = [
        finals(["a"] * 9, criterion="faithfulness"),  # p = 2 / 512
        finals(["a"] * 6, criterion="robustness"),  # p = 2 / 64
        finals(["a"] * 3 + ["b"] * 3, "x", "z"),  # p = 1
        finals(["tie"] * 5, "y", "z"),  # not tested
    ]
    found = win_tie_rates(pd.concat(parts), **FEW)
    assert [rate.p_adjusted for rate in found] == pytest.approx([6 / 512, 4 / 64, 1, None])


def test_frames_that_cannot_be_right_are_refused():
    final = finals(["a", "b"])
    with pytest.raises(BenchHealthError, match="two of item item-0"):
        win_tie_rates(pd.concat([final, final]))
    with pytest.raises(BenchHealthError, match="'better' is none of a, tie, b"):
        win_tie_rates(final.assign(outcome="better"))
    with pytest.raises(BenchHealthError, match="no column outcome"):
        win_tie_rates(final.drop(columns="outcome"))
    with pytest.raises(BenchHealthError, match="There are no final verdicts"):
        win_tie_rates(final[:0])


def test_votes_that_may_not_be_analysed_are_refused():
    people = votes_of({"anna": ["left"], "ben": ["tie"]})
    machine = people[:1].assign(rater="gpt-4", role="judge")
    with pytest.raises(BenchHealthError, match="those of gpt-4, a language model"):
        agreement(pd.concat([people, machine]))
    faked = people[:1].assign(rater="simulated-1")
    with pytest.raises(BenchHealthError, match="simulated-1 are simulated, others are not"):
        each_rater(pd.concat([people, faked]))
    with pytest.raises(BenchHealthError, match="two of rater anna, card card-0"):
        agreement(pd.concat([people, people]))
    with pytest.raises(BenchHealthError, match="no column outcome"):
        analyse(people.drop(columns="outcome"), finals(["a"]))
    with pytest.raises(BenchHealthError, match="There are no votes"):
        agreement(people[:0])


# Agreement


def test_agreement_by_hand():
    choices = {
        "anna": ["left", "tie", "right", "left"],
        "ben": ["left", "tie", "right", "right"],
    }
    (found,) = agreement(votes_of(choices), **FEW)
    assert found.same.value == 0.75 and found.same.n == 4
    # expected by chance: (2 x 1 + 1 x 1 + 1 x 2) / 16
    (kappa,) = found.kappas.values()
    assert kappa.value == pytest.approx((3 / 4 - 5 / 16) / (1 - 5 / 16))
    # 8 choices: 3 left, 2 tie, 3 right; one card differs
    assert found.alphas["nominal"].value == pytest.approx(1 - 7 * 2 / (64 - 22))
    # ranks 1.5, 4 and 6.5, so distances 6.25, 6.25 and 25
    assert found.alphas["ordinal"].value == pytest.approx(1 - 7 * 50 / 600)


def test_left_against_right_is_worse_than_left_against_tie_for_the_ordinal_alpha_alone():
    same = ["left", "tie", "right"] * 4
    near = agreement(votes_of({"a": [*same, "left"], "b": [*same, "tie"]}), **FEW)[0]
    far = agreement(votes_of({"a": [*same, "left"], "b": [*same, "right"]}), **FEW)[0]
    assert near.alphas["ordinal"].value > far.alphas["ordinal"].value + 0.05
    assert near.alphas["nominal"].value == pytest.approx(far.alphas["nominal"].value)


@pytest.mark.parametrize(
    ("one", "two", "note"),
    [
        (["tie"] * 4, ["left", "tie", "right", "tie"], "anna always chose tie"),
        (["tie"] * 4, ["tie"] * 4, "anna always chose tie"),
        (["tie", None], [None, "tie"], "no card in common"),
    ],
)
def test_an_undefined_kappa_is_said_in_words(one, two, note):
    (found,) = agreement(votes_of({"anna": one, "ben": two}), **FEW)
    (kappa,) = found.kappas.values()
    assert kappa.value is kappa.interval is None and note in kappa.note


def test_an_undefined_alpha_is_said_in_words():
    (alike,) = agreement(votes_of({"anna": ["tie"] * 3, "ben": ["tie"] * 3}), **FEW)
    assert alike.same.value == 1
    assert {x.note for x in alike.alphas.values()} == {"not defined: all chose tie"}
    (apart,) = agreement(votes_of({"anna": ["tie", None], "ben": [None, "tie"]}), **FEW)
    for found in (apart.same, *apart.alphas.values()):
        assert found.value is None and "no card that two raters rated" in found.note


rated = st.lists(st.tuples(*[st.sampled_from([0, 1, 2, None])] * 3), min_size=2, max_size=9)


@given(rated, st.sampled_from(["nominal", "ordinal"]), st.integers(0, 3))
def test_alpha_of_a_draw_is_the_librarys(cards, scale, seed):
    drawn = np.random.default_rng(seed).integers(0, len(cards), len(cards))
    counts = np.array([[card.count(value) for value in range(3)] for card in cards])[drawn]
    counts = counts[counts.sum(axis=1) > 1]
    if not len(counts):
        return
    pairs = counts[:, :, None] * counts[:, None, :] - counts[:, :, None] * np.eye(3)
    totals = (pairs / (counts.sum(axis=1) - 1)[:, None, None]).sum(axis=0).reshape(9)
    found = alpha_of_coincidences(totals, scale)
    if (counts.sum(axis=0) > 0).sum() < 2:
        assert np.isnan(found)
        return
    expected = krippendorff.alpha(
        value_counts=counts, value_domain=[0, 1, 2], level_of_measurement=scale
    )
    assert found == pytest.approx(expected)


@given(st.lists(st.tuples(*[st.integers(0, 2)] * 2), min_size=2, max_size=9))
def test_kappa_of_a_draw_is_the_librarys(cards):
    one, two = np.array(cards).T
    totals = np.zeros((3, 3))
    np.add.at(totals, (one, two), 1)
    found = kappa_of_counts(totals.reshape(9))
    if min(len(set(one)), len(set(two))) == 1:
        assert np.isnan(found)
        return
    assert found == pytest.approx(cohen_kappa_score(one, two, labels=[0, 1, 2]))


def test_repeats_checks_and_the_senior_are_left_out_of_agreement():
    rng = np.random.default_rng(0)
    pairs = votes_of({x: list(rng.choice(CHOICES, 30)) for x in ("anna", "ben")})
    names = [f"again-{at}" for at in range(30)]
    extra = [
        votes_of({"anna": ["left"] * 30, "ben": ["right"] * 30}, kind="repeat", cards=names),
        votes_of({"clara": ["left"] * 30}, role="senior"),
    ]
    assert agreement(pd.concat([pairs, *extra]), **FEW) == agreement(pairs, **FEW)


def test_a_card_that_is_there_twice_under_one_item_makes_no_interval_narrower():
    rng = np.random.default_rng(1)
    once = votes_of({x: list(rng.choice(CHOICES, 40)) for x in ("anna", "ben")})
    twice = pd.concat([once, once.assign(card=once["card"] + "-too", model_b="z")])
    apart = twice.assign(item=twice["item"] + twice["model_b"])
    one, same, wrong = (agreement(x, replicates=2000)[0].same for x in (once, twice, apart))
    assert same.value == one.value and same.n == 2 * one.n
    assert same.interval == one.interval
    widths = [np.diff(x.interval)[0] for x in (same, wrong)]
    assert widths[1] < 0.8 * widths[0]


# Each rater


def test_a_repeat_is_compared_after_its_sides_are_put_back():
    first = votes_of({"anna": ["left", "left", "left", "tie"]})
    names = [f"again-{at}" for at in range(4)]
    again = votes_of({"anna": ["right", "left", "tie", "tie"]}, kind="repeat", cards=names)
    again["outcome"] = ["a", "b", "tie", "tie"]  # the sides are swapped
    moves = repeated(pd.concat([first, again]))
    assert list(moves["move"]) == ["kept", "reversed", "softened", "kept"]
    (anna,) = each_rater(pd.concat([first, again]), **FEW)
    assert anna.repeats == {"kept": 2, "softened": 1, "reversed": 1}
    assert anna.kept.value == 0.5 and anna.kept.n == 4
    assert anna.attention.value is None and anna.attention.note == "none were given"


def test_attention_checks_and_difficult_cards_are_counted():
    pairs = votes_of({"anna": ["left", "right", "tie"]})
    pairs.loc[1, "difficult"] = True
    names = [f"check-{at}" for at in range(4)]
    checks = votes_of({"anna": ["tie", "tie", "tie", "left"]}, kind="check", cards=names)
    (anna,) = each_rater(pd.concat([pairs, checks]), **FEW)
    assert (anna.cards, anna.difficult) == (3, 1)
    assert anna.attention.value == 0.75 and anna.attention.n == 4
    (sure,) = each_rater(pd.concat([pairs, checks[:3]]), **FEW)
    assert sure.attention.interval == wilson(3, 3)


def test_a_card_leans_to_the_side_of_more_criteria():
    verdicts = {
        "faithfulness": ["left", "left", "tie", "right", "left"],
        "robustness": ["left", "right", "tie", "right", "tie"],
        "generalizability": ["right", "tie", "tie", "left", "tie"],
    }
    parts = [votes_of({"anna": x}, criterion=name) for name, x in verdicts.items()]
    found = side(pd.concat(parts))
    assert (found.left, found.right, found.even) == (2, 1, 2)
    assert found.share == pytest.approx(2 / 3) and found.p_value == 1
    all_left = side(votes_of({"anna": ["left"] * 5}))
    assert all_left.interval == pytest.approx((0.025 ** (1 / 5), 1))  # Clopper and Pearson
    assert all_left.p_value == pytest.approx(2 / 32)
    nowhere = side(votes_of({"anna": ["tie"] * 5}))
    assert nowhere.share is nowhere.interval is nowhere.p_value is None


def test_a_position_bias_is_found_and_an_honest_rater_is_not_blamed():
    crooked = replace(RATERS[0], name="simulated-left", left=0.3)
    votes = simulation.simulate(EXAMPLE, 100, [crooked, *RATERS[1:]], seed=2)
    found = {rater.name: rater.side for rater in each_rater(votes, **FEW)}
    assert found["simulated-left"].p_adjusted < 0.001 and found["simulated-left"].interval[0] > 0.5
    assert found["simulated-2"].p_adjusted > 0.05


# Strengths


def counted(planted, criterion, n):
    """Final verdicts with each outcome as often as planted, times n."""
    parts, start = [], 0
    for a, b in planted.comparisons:
        times = np.round(n * planted.chances(criterion, a, b)).astype(int)
        outcomes = [x for x, many in zip(OUTCOMES, times, strict=True) for _ in range(many)]
        parts.append(finals(outcomes, a, b, criterion, start))
        start += len(outcomes)
    return pd.concat(parts)


def test_strengths_are_recovered_from_the_verdicts_they_predict():
    planted = Planted({"faithfulness": {"x": 0.9, "y": -0.2, "z": -0.7}}, log_nu=-0.5)
    (found,) = rankings(counted(planted, "faithfulness", 20_000), replicates=20)
    assert list(found.strengths) == ["x", "y", "z"]
    values = [strength.value for strength in found.strengths.values()]
    assert values == pytest.approx([0.9, -0.2, -0.7], abs=2e-3)
    assert found.ties.value == pytest.approx(np.exp(-0.5) / (2 + np.exp(-0.5)), abs=1e-3)
    assert found.differences["x", "z"].value == pytest.approx(1.6, abs=3e-3)


def test_at_the_maximum_each_model_has_the_points_that_it_is_expected_to_have():
    counts = np.array([[9, 4, 2], [3, 6, 7], [8, 1, 5], [4, 4, 4]])
    sides = [(0, 1), (1, 2), (0, 2), (2, 3)]
    model = Davidson(sides, 4, counts)
    theta = model.fit(counts)
    strengths, nu = np.exp(model.strengths(theta)), np.exp(theta[-1])
    points, expected, ties = np.zeros(4), np.zeros(4), 0.0
    for (i, j), row in zip(sides, counts, strict=True):
        p, q = strengths[i], strengths[j]
        chances = np.array([p, nu * np.sqrt(p * q), q]) / (p + q + nu * np.sqrt(p * q))
        for at, share in ((i, (1, 0.5, 0)), (j, (0, 0.5, 1))):
            points[at] += row @ share
            expected[at] += row.sum() * chances @ share
        ties += row.sum() * chances[1]
    assert expected == pytest.approx(points, abs=1e-5)
    assert ties == pytest.approx(counts[:, 1].sum(), abs=1e-5)
    assert np.log(strengths).sum() == pytest.approx(0, abs=1e-9)


def test_without_ties_it_is_a_logistic_regression():
    import statsmodels.api as sm

    counts = np.array([[9, 0, 2], [3, 0, 7], [8, 0, 5]])
    sides = [(0, 1), (1, 2), (0, 2)]
    found = Davidson(sides, 3, counts)
    design = np.zeros((3, 3))
    for row, (i, j) in enumerate(sides):
        design[row, i], design[row, j] = 1, -1
    fitted = sm.GLM(counts[:, [0, 2]], design[:, :2], family=sm.families.Binomial()).fit()
    assert found.fit(counts) == pytest.approx(fitted.params, abs=1e-6)
    final = pd.concat(
        finals(["a"] * w + ["b"] * lost, *pair, start=20 * at)
        for at, ((w, _, lost), pair) in enumerate(zip(counts, ["xy", "yz", "xz"], strict=True))
    )
    (ranking,) = rankings(final, **FEW)
    assert ranking.ties.value == 0 and ranking.ties.note == "no verdict was a tie"


@settings(max_examples=15)
@given(st.integers(0, 500))
def test_a_draw_is_fitted_as_one_table_is(seed):
    rng = np.random.default_rng(seed)
    counts = rng.integers(1, 12, (3, 3))
    model = Davidson([(0, 1), (1, 2), (0, 2)], 3, counts)
    draws = rng.multinomial(counts.sum(), counts.ravel() / counts.sum(), size=4).reshape(-1, 3, 3)
    each = model.fit_draws(draws, model.fit(counts))
    for draw, theta in zip(draws, each, strict=True):
        if model.unbounded(draw, "xyz") or not draw[:, 1].any():
            assert np.isnan(theta).all()
        else:
            assert theta == pytest.approx(model.fit(draw), abs=1e-4)


@pytest.mark.parametrize(
    ("rows", "note"),
    [
        ([(5, 0, 0), (4, 0, 0), (3, 2, 3)], "put x above y, z without any limit"),
        ([(3, 2, 3), (6, 0, 0), (7, 0, 0)], "put x, y above z without any limit"),
        # x never loses, and y and z only tie: nothing says how readily ties are called
        ([(5, 3, 0), (4, 2, 0), (0, 2, 0)], "put x above y, z without any limit"),
        # where y and z do say it, x has a strength
        ([(5, 3, 0), (4, 2, 0), (3, 2, 3)], ""),
        ([(5, 3, 0), (4, 2, 0), (3, 2, 0)], ""),
        ([(0, 5, 0), (0, 4, 0), (0, 3, 0)], "every verdict is a tie"),
        ([(0, 0, 0), (4, 2, 3), (0, 0, 0)], "some models were never compared"),
        ([(0, 0, 0)] * 3, "no verdict is settled"),
        ([(5, 0, 0), (4, 0, 0), (6, 0, 0)], "above z without any limit"),
    ],
)
def test_strengths_without_limit_are_said_in_words(rows, note):
    outcomes = [
        [x for x, many in zip(OUTCOMES, row, strict=True) for _ in range(many)] or [None]
        for row in rows
    ]
    pairs = ["xy", "xz", "yz"]
    final = pd.concat(
        finals(x, *pair, start=20 * at)
        for at, (x, pair) in enumerate(zip(outcomes, pairs, strict=True))
    )
    (found,) = rankings(final, **FEW)
    if note:
        assert note in found.note and found.strengths == found.differences == {}
        shown = report.strengths_table(_analysis(found)).data
        assert note in shown.iloc[0]["Log-strength"]
    else:
        assert list(found.strengths)[0] == "x" and found.note == ""
        assert sum(x.value for x in found.strengths.values()) == pytest.approx(0, abs=1e-6)
        assert all("in" in x.note for x in found.strengths.values() if x.interval is None)


def test_models_that_beat_each_other_in_a_ring_are_equal():
    final = pd.concat(
        finals(["a"] * 4, *pair, start=9 * at) for at, pair in enumerate(["xy", "yz", "zx"])
    )
    (found,) = rankings(final, **FEW)
    assert [x.value for x in found.strengths.values()] == pytest.approx([0, 0, 0], abs=1e-6)


def _analysis(*found):
    from benchhealth_utils.human_eval.analysis import Analysis

    return Analysis(False, 1, {}, [], [], [], list(found))


def test_two_models_have_no_ranking():
    with pytest.raises(BenchHealthError, match="only 2 models"):
        rankings(finals(["a", "b"]))


def test_comparisons_of_one_item_are_drawn_together():
    planted = Planted({"faithfulness": EXAMPLE.strengths["faithfulness"]}, shared=1.0)
    final = settle(simulation.simulate(planted, 300, seed=5))
    apart = final.assign(item=final["item"] + final["model_a"] + final["model_b"])
    together, alone = (
        rankings(x, replicates=1000)[0].strengths["physician"].interval for x in (final, apart)
    )
    assert np.diff(together)[0] > 1.1 * np.diff(alone)[0]


# Planning


@pytest.mark.parametrize(
    ("items", "ahead", "behind"), [(100, 0.5, 0.3), (60, 0.65, 0.35), (40, 0.3, 0.05)]
)
def test_power_is_that_of_simulated_studies(items, ahead, behind):
    rng = np.random.default_rng(3)
    drawn = rng.multinomial(items, [ahead, 1 - ahead - behind, behind], size=40_000)
    wins, losses = drawn[:, 0], drawn[:, 2]
    pairs, each = np.unique(np.stack([wins, losses], axis=1), axis=0, return_inverse=True)
    p = np.array([sign_test(*map(int, pair)) or 1.0 for pair in pairs])[each.ravel()]
    found = planning.sign_test_power(items, ahead, behind)
    assert found == pytest.approx((p <= 0.05).mean(), abs=0.01)


def test_power_without_a_difference_is_at_most_the_level():
    for items, share in product((10, 57, 200), (0.1, 0.3, 0.5)):
        assert 0 < planning.sign_test_power(items, share, share) <= 0.05


@pytest.mark.parametrize("tests", [1, 12])
@pytest.mark.parametrize("chances", [(0.5, 0.3), (0.65, 0.35), (0.3, 0.1), (1, 0)])
def test_the_items_needed_are_the_first_after_which_power_stays(chances, tests):
    found = planning.items_needed(*chances, tests=tests)
    power = [planning.sign_test_power(n, *chances, alpha=0.05 / tests) for n in range(1, 2 * found)]
    below = [n for n, one in enumerate(power, start=1) if one < 0.8]
    assert max(below) == found - 1


def test_the_smallest_lead_found_has_just_the_power():
    lead = planning.detectable_lead(200, 0.4, tests=12)
    chances = planning.chances(lead, 0.4)
    assert planning.sign_test_power(200, *chances, alpha=0.05 / 12) == pytest.approx(0.8, abs=1e-4)
    assert planning.detectable_lead(3, 0.0) is None
    assert sum(chances) == pytest.approx(0.6)


def test_rates_against_one_opponent_are_planned_as_discordant_pairs():
    assert planning.discordant(0.5, 0.4) == pytest.approx((0.3, 0.2))  # 0.5 x 0.6, 0.4 x 0.5
    assert planning.discordant(0.5, 0.4, 0.2) == pytest.approx((0.15, 0.05))


def test_what_cannot_be_planned_is_refused():
    for chances in ((-0.1, 0.5), (0.7, 0.4), (0, 0)):
        with pytest.raises(BenchHealthError, match="not those of a win and a loss"):
            planning.sign_test_power(50, *chances)
    with pytest.raises(BenchHealthError, match="chances are equal"):
        planning.items_needed(0.3, 0.3)
    with pytest.raises(BenchHealthError, match="Over 20,000 items"):
        planning.items_needed(0.501, 0.499)


# Simulated raters


def test_planted_chances_by_hand():
    planted = Planted({"robustness": {"x": 0.0, "y": 0.0, "z": np.log(4)}})
    assert planted.chances("robustness", "x", "y") == pytest.approx([1 / 3] * 3)
    assert planted.chances("robustness", "z", "x") == pytest.approx([4 / 7, 2 / 7, 1 / 7])


@pytest.mark.parametrize("shared", [0.0, 0.5, 1.0])
def test_verdicts_that_go_together_occur_as_often_as_others(shared):
    planted = replace(EXAMPLE, shared=shared)
    truths = planted.truths(20_000, planted.comparisons, np.random.default_rng(0))
    for at, pair in enumerate(planted.comparisons):
        for column, criterion in enumerate(planted.strengths):
            seen = np.bincount(truths[:, at, column], minlength=3) / 20_000
            assert seen == pytest.approx(planted.chances(criterion, *pair), abs=0.015)
    together = np.corrcoef(truths[:, 0, 3], truths[:, 1, 3])[0, 1]
    assert together == pytest.approx(shared**2, abs=0.03)


def test_raters_who_do_not_err_give_the_truth_on_every_card():
    sure = [replace(rater, guesses=0.0) for rater in RATERS]
    votes = simulation.simulate(EXAMPLE, 50, sure, seed=1)
    assert set(votes["rater"]) == {"simulated-1", "simulated-2"}  # nothing for the senior
    assert (votes["choice"][votes["kind"] == "check"] == "tie").all()
    for rater in each_rater(votes, **FEW):
        assert rater.kept.value == rater.attention.value == 1
    left = votes["choice"] == "left"
    assert ((votes["outcome"] == "a") == (left == (votes["a_side"] == "left")))[
        votes["choice"] != "tie"
    ].all()


def test_a_simulated_rater_cannot_have_the_name_of_a_person():
    with pytest.raises(BenchHealthError, match="cannot be called 'anna'"):
        SimulatedRater("anna")


@pytest.fixture
def dialogues():
    return [
        Dialogue(f"d-{at}", f"Question {at}?", f"Answer {at}. More of {at}. And the end of {at}.")
        for at in range(8)
    ]


def made(folder, dialogues, raters=("simulated-1", "simulated-2"), senior="simulated-senior"):
    replies = simulation.stand_ins(dialogues)
    return create_study(
        folder, dialogues, replies, raters=raters, senior=senior, blinding=4
    ), replies


def test_stand_ins_are_made_of_the_answers_alone(dialogues):
    replies = simulation.stand_ins(dialogues)
    assert replies["physician"]["d-1"] == dialogues[1].answer
    assert replies["first-half"]["d-1"] == "Answer 1. More of 1."
    assert replies["other-patient"]["d-7"] == dialogues[0].answer


def test_raters_go_through_the_sessions_of_a_real_study(dialogues, tmp_path):
    study, replies = made(tmp_path / "study", dialogues)
    sure = [replace(rater, guesses=0.0) for rater in RATERS]
    rated = simulation.rate_all(study, EXAMPLE, dialogues, replies, sure, seed=6)
    counts = study.design["counts"]
    assert rated == {"simulated-1": counts["cards"], "simulated-2": counts["cards"]} | {
        "simulated-senior": 0
    }
    votes = unblind(load_votes(study.folder), study.folder)
    truths = EXAMPLE.truths(8, EXAMPLE.comparisons, np.random.default_rng(6))
    pairs = votes[votes["kind"] != "check"]
    criteria = list(EXAMPLE.strengths)
    orders = list(EXAMPLE.comparisons)
    for row in pairs.itertuples():
        true = truths[int(row.item[2:]), orders.index((row.model_a, row.model_b))]
        assert row.outcome == OUTCOMES[true[criteria.index(row.criterion)]]
    found = analyse_study(study.folder, **FEW)
    assert found.simulated and {x["agreed"] for x in found.paths.values()} == {24}
    assert all(rater.kept.value == 1 for rater in found.raters)


def test_raters_who_err_leave_disputes_to_the_senior(dialogues, tmp_path):
    study, replies = made(tmp_path / "study", dialogues)
    rated = simulation.rate_all(study, EXAMPLE, dialogues, replies, seed=6)
    assert 0 < rated["simulated-senior"] < study.design["counts"]["pairs"]
    found = analyse_study(study.folder, **FEW)
    assert sum(paths["senior"] for paths in found.paths.values()) > 0
    assert all(paths["open"] == 0 for paths in found.paths.values())
    assert {rate.n for rate in found.rates} == {8}
    assert [name for name in CRITERIA] == list(found.paths)


def test_nobody_is_simulated_in_a_study_of_people(dialogues, tmp_path):
    study, replies = made(tmp_path / "study", dialogues, ("anna", "ben"), "clara")
    lines = (study.folder / "codes.csv").read_text().splitlines()[1:]
    code = dict(line.split(",") for line in lines)["anna"]
    with pytest.raises(BenchHealthError, match="anna is not a simulated rater"):
        simulation.rate(study.log_in(code), EXAMPLE, dialogues, replies, RATERS[0])
    assert not len(load_votes(study.folder))


def test_a_reply_that_was_not_given_is_refused(dialogues, tmp_path):
    study, replies = made(tmp_path / "study", dialogues)
    replies["physician"]["d-0"] = "Something else."
    with pytest.raises(BenchHealthError, match="shows a reply that is not among those given"):
        simulation.rate_all(study, EXAMPLE, dialogues, replies)


def test_each_simulated_study_has_a_folder_of_its_own_that_does_not_stay(tmp_path):
    made = (
        "from benchhealth_utils.human_eval.simulation import new_folder\n"
        "folders = [new_folder() for _ in range(3)]\n"
        "for folder in folders:\n    folder.mkdir()\n    print(folder)"
    )
    environment = {
        **os.environ,
        "TMPDIR": str(tmp_path),
        "BENCHHEALTH_RUNS": str(tmp_path / "runs"),
    }
    done = subprocess.run(
        [sys.executable, "-c", made], capture_output=True, text=True, check=True, env=environment
    )
    assert len(set(done.stdout.split())) == 3
    assert not any(tmp_path.iterdir())


# What is simulated says so, and stays out of the published data


@pytest.fixture(scope="module")
def simulated():
    votes = simulation.simulate(EXAMPLE, 40, seed=0)
    return votes, analyse(votes, settle(votes), **FEW)


TABLES = (
    report.study_table6,
    report.verdicts_table,
    report.paths_table,
    report.reliability_table,
    report.raters_table,
    report.strengths_table,
    report.own_planning_table,
)


@pytest.mark.parametrize("table", TABLES)
def test_a_table_says_whether_its_raters_were_simulated(table, simulated):
    votes, analysis = simulated
    assert table(analysis).caption.startswith("Simulated raters, not people. ")
    votes = votes.assign(rater=votes["rater"].str.replace("simulated", "rater"))
    people = analyse(votes, settle(votes), **FEW)
    assert not people.simulated and "imulated" not in table(people).caption
    shown = table(people).data
    assert not shown.astype(str).isin(["nan", "None", "inf"]).any().any()


def test_the_picture_says_it_too(simulated):
    import matplotlib.pyplot as plt

    _, analysis = simulated
    figure = report.study_figure(analysis, EXAMPLE)
    assert figure.legends[0].get_title().get_text() == "Simulated raters, not people."
    plt.close(figure)


@pytest.mark.parametrize("place", ["results", "results/gpt-4", "answers", "paper", "../data"])
def test_a_simulated_number_is_not_written_among_published_data(place, simulated):
    path = ROOT / "data" / place / "human.json"
    with pytest.raises(BenchHealthError, match="these raters are simulated: nothing was written"):
        write_analysis(simulated[1], path)
    assert not path.exists()


def test_an_analysis_is_written_elsewhere_and_names_its_raters(simulated, tmp_path):
    path = write_analysis(simulated[1], tmp_path / "a" / "analysis.json")
    written = json.loads(path.read_text())
    assert written["simulated"] is True and written["items"] == 40
    assert written["rates"][0]["win_tie"]["value"] == simulated[1].rates[0].win_tie.value
    assert {x["name"] for x in written["raters"]} == {x.name for x in RATERS}
    assert "simulated-1 / simulated-2" in written["reliability"][0]["kappas"]


def test_the_page_of_a_study_is_one_file_that_needs_nothing_else(simulated, tmp_path):
    votes, analysis = simulated
    html = report.write_study_page(analysis, tmp_path / "a" / "study.html").read_text()
    assert html.count("<table") == 7 and html.count("<li>") == 6
    assert html.count("Simulated raters, not people.") == 8
    assert "http" not in html and "<script" not in html and "**" not in html
    assert 'src="data:image/png;base64,' in html
    with pytest.raises(BenchHealthError, match="these raters are simulated"):
        report.write_study_page(analysis, ROOT / "data" / "results" / "study.html")
    people = votes.assign(rater=votes["rater"].str.replace("simulated", "<b>rater"))
    html = report.write_study_page(
        analyse(people, settle(people), **FEW), tmp_path / "people.html", "A & B"
    ).read_text()
    assert "imulated" not in html and "<b>" not in html and "<h1>A &amp; B</h1>" in html


def test_open_verdicts_are_shown_with_what_they_could_make_of_the_rate():
    final = finals(["a"] * 5 + ["b"] * 3 + [None] * 2)
    votes = votes_of({"anna": ["left", "tie"]})
    shown = report.verdicts_table(analyse(votes, final, **FEW)).data
    caption = report.study_table6(analyse(votes, final, **FEW)).caption
    assert "2 verdicts are open and not counted" in caption
    assert shown.iloc[0]["Open"] == "2: win+tie could be 50.0 to 70.0"
    assert shown.iloc[0]["p, Holm"] == "0.727"
    none = report.verdicts_table(analyse(votes, finals(["tie"] * 4), **FEW)).data.iloc[0]
    assert none["Sign test, p"] == "no test: no side won"


def test_the_reading_counts_what_the_tables_show(simulated):
    analysis = simulated[1]
    text = report.study_reading(analysis).data
    ahead = sum(rate.p_adjusted < 0.05 for rate in analysis.rates)
    assert f"in {ahead} of 12 comparisons" in text and 0 < ahead < 12
    both = sum(min(x.win_tie.value, x.mirror.value) > 0.5 for x in analysis.rates)
    assert f"in {both} of 12 both win+tie rates" in text and both > 0
    found = report.planted_reading(analysis, EXAMPLE).data
    assert found.count("Of 12 planted") == 2
    turned = {
        name: dict(zip(own, reversed(own.values()), strict=True))
        for name, own in EXAMPLE.strengths.items()
    }
    missed = report.planted_reading(analysis, Planted(turned)).data
    assert "other-patient in faithfulness: 0.80 planted, -" in missed


def test_every_reading_says_whether_its_raters_were_simulated(simulated):
    votes, analysis = simulated
    people = votes.assign(rater=votes["rater"].str.replace("simulated", "rater"))
    real = analyse(people, settle(people), **FEW)
    for read in (report.study_reading, lambda x: report.planted_reading(x, EXAMPLE)):
        lines = read(analysis).data.splitlines()
        assert lines[:2] == ["Simulated raters, not people.", ""] and lines[2].startswith("- ")
        assert "imulated raters" not in read(real).data


def test_the_senior_is_no_rater_of_the_position_count(simulated):
    raters = [
        replace(rater, side=replace(rater.side, p_adjusted=0.001))
        if rater.role == "senior"
        else rater
        for rater in simulated[1].raters
    ]
    text = report.study_reading(replace(simulated[1], raters=raters)).data
    assert "one side shows in 0 of 2 raters." in text


def test_the_strengths_say_that_pairs_are_not_corrected_for(simulated):
    assert "not corrected for the number of pairs" in report.strengths_table(simulated[1]).caption


# The shape of Table 6


def test_table_6_has_opponents_below_criteria_and_the_mirror_beside_the_rate():
    parts = [
        finals(["a"] * 3 + ["tie"] * 2 + ["b"] * 5, one, two, name)
        for name in ("faithfulness", "robustness")
        for one, two in (("zeta", "gpt-4"), ("zeta", "claude-2"), ("alpha", "gpt-4"))
    ]
    votes = votes_of({"anna": ["left", "tie"]})
    shown = report.study_table6(analyse(votes, pd.concat(parts), **FEW)).data
    assert list(shown.columns) == [
        ("", "Model"),
        *((name, two) for name in ("Faithfulness", "Robustness") for two in ("GPT-4", "Claude-2")),
    ]
    assert list(shown["", "Model"]) == ["zeta", "alpha"]  # not by the alphabet
    cell = shown.loc[0, ("Robustness", "GPT-4")]
    first, second = cell.split(" / ")
    assert first.startswith("50.0 (") and second.startswith("70.0 (")
    assert pd.isna(shown.loc[1, ("Robustness", "Claude-2")])


def test_table_6_of_a_study_has_the_order_of_its_comparisons(dialogues, tmp_path):
    replies = simulation.stand_ins(dialogues)
    pairs = [("physician", "other-patient"), ("first-half", "other-patient")]
    raters = ["simulated-1", "simulated-2"]
    study = create_study(
        tmp_path / "study", dialogues, replies, comparisons=pairs, raters=raters, senior=None
    )
    for rater in raters:
        study.ratings(rater).append(
            (card.id, name, "tie") for card in study.cards_of(rater) for name in CRITERIA
        )
    shown = report.study_table6(analyse_study(study.folder, **FEW)).data
    assert [x[:5] for x in shown["", "Model"].str.lower()] == ["physi", "first"]


# What the key notes


def noted_votes(**columns):
    votes = votes_of({x: ["left", "tie", "right", "left"] for x in ("anna", "ben")})
    return votes.assign(**{name: values * 2 for name, values in columns.items()})


def test_noted_pairs_are_counted_and_the_rates_given_without_them():
    flags = [("lost_words",), ("x: cut", "z: cut"), (), ()]
    votes = noted_votes(equal=[False, True, False, False], flags=flags)
    found = analyse(votes, settle(votes), **FEW)
    # z is not compared here, so what was noted of its reply does not count
    assert found.noted == {"lost_words": 1, "equal": 1, "cut": 1}
    assert (found.pairs, found.noted_pairs) == (4, 2)
    (rate,), (clean,) = found.rates, found.rates_unnoted
    assert (rate.wins, rate.ties, rate.losses) == (2, 1, 1)
    assert (clean.wins, clean.ties, clean.losses) == (1, 0, 1) and clean.p_adjusted is None
    shown = report.study_table6(found)
    assert (
        "Something is noted of 2 of 4 pairs (lost_words: 1; replies that are equal: 1; cut: 1)"
        in (shown.caption)
    )
    assert list(shown.data["", "Model"]) == ["x", "x, without noted pairs"]
    assert shown.data["Faithfulness", "y"].iloc[1].startswith("50.0 (")


def test_where_nothing_is_noted_nothing_is_said():
    nothing = noted_votes(equal=[False] * 4, flags=[()] * 4)
    for votes in (nothing, nothing.drop(columns=["equal", "flags"])):
        found = analyse(votes, settle(votes), **FEW)
        assert found.noted == {} and found.rates_unnoted == [] and found.noted_pairs == 0
        assert "noted" not in report.study_table6(found).caption
    every = noted_votes(equal=[True] * 4, flags=[()] * 4)
    found = analyse(every, settle(every), **FEW)
    assert found.noted == {"equal": 4} and found.rates_unnoted == []
    assert "; ".join(("pairs (replies that are equal: 4)", "no others.")) in (
        report.study_table6(found).caption
    )


def test_notes_come_from_the_key_of_a_real_study(dialogues, tmp_path):
    replies = simulation.stand_ins(dialogues)
    replies["first-half"]["d-0"] = replies["physician"]["d-0"]
    raters = ["simulated-1", "simulated-2"]
    study = create_study(
        tmp_path / "study",
        dialogues,
        replies,
        raters=raters,
        senior=None,
        flags={"d-1": ["first-half: cut"], "d-2": ["lost_words"]},
    )
    for rater in raters:
        study.ratings(rater).append(
            (card.id, name, "tie") for card in study.cards_of(rater) for name in CRITERIA
        )
    found = analyse_study(study.folder, **FEW)
    assert dict(sorted(found.noted.items())) == {"cut": 2, "equal": 1, "lost_words": 3}
    assert found.noted_pairs == 6 and found.pairs == 24
    # of eight questions d-2 goes everywhere, d-1 with first-half, d-0 where it is equal
    assert {(x.model_a, x.model_b): x.n for x in found.rates_unnoted} == {
        ("physician", "first-half"): 5,
        ("physician", "other-patient"): 7,
        ("first-half", "other-patient"): 6,
    }


# The commands


def ran(capsys, *arguments):
    status = main([str(argument) for argument in arguments])
    out, err = capsys.readouterr()
    return status, out, err


def test_the_analyse_command_leads_to_table_6_and_the_final_labels(dialogues, tmp_path, capsys):
    study, replies = made(tmp_path / "study", dialogues)
    simulation.rate_all(study, EXAMPLE, dialogues, replies, seed=6)
    (study.folder / "key.json").rename(tmp_path / "key.json")
    to = tmp_path / "out"
    status, _, err = ran(capsys, "analyse", study.folder, "--to", to)
    assert status == 1 and "There is no key" in err and not (to / "final.csv").exists()
    command = ["analyse", study.folder, "--key", tmp_path / "key.json", "--to", to]
    status, out, _ = ran(capsys, *command)
    assert status == 0 and out.startswith("Simulated raters, not people.")
    assert {path.name for path in to.iterdir()} == {"study.html", "analysis.json", "final.csv"}
    final = pd.read_csv(to / "final.csv")
    names = ["item", "model_a", "model_b", "criterion", "outcome", "path"]
    assert list(final.columns) == names and len(final) == 8 * 3 * 4
    assert set(final["path"]) == {"agreed", "senior"}
    written = json.loads((to / "analysis.json").read_text())
    rate = written["rates"][0]
    own = final[(final[names[1:4]] == [rate[name] for name in names[1:4]]).all(axis=1)]
    assert (own["outcome"] == "a").sum() == rate["wins"]
    html = (to / "study.html").read_text()
    assert 'id="T_study-table-6"' in html and 'id="T_study-own-planning"' in html
    status, _, err = ran(capsys, *command[:-1], ROOT / "data" / "results" / "mine")
    assert status == 1 and "these raters are simulated" in err
    assert not (ROOT / "data" / "results" / "mine").exists()
    (tmp_path / "taken").write_text("")
    status, _, err = ran(capsys, *command[:-1], tmp_path / "taken")
    assert status == 1 and "Nothing can be written to" in err


def test_the_analyse_command_says_what_is_open(dialogues, tmp_path, capsys):
    study, replies = made(tmp_path / "study", dialogues)
    simulation.rate_all(study, EXAMPLE, dialogues, replies, RATERS[:2], seed=6)
    status, out, _ = ran(capsys, "analyse", study.folder, "--to", tmp_path / "out")
    left = pd.read_csv(tmp_path / "out" / "final.csv")["path"].eq("open").sum()
    assert status == 0 and f"{left} of 96 verdicts are open" in out and left > 0


# Recovery


def test_planted_values_are_found_within_their_intervals():
    rows = recover(EXAMPLE, 40, 60, replicates=250, seed=1)
    assert len(rows) == 24 and all(row.studies + row.without == 40 for row in rows)
    for quantity in (RATE, STRENGTH):
        own = [row for row in rows if row.quantity == quantity]
        share, (low, high), given = coverage(own)
        assert 0.9 <= share <= 0.985 and low < share < high and given > 470
        assert all(abs(row.mean - row.planted) < 0.12 for row in own)
    shown = report.recovery_table(rows, 60)
    assert shown.caption.startswith("Simulated raters, not people. 40 studies of 60 items")
    assert len(shown.data) == 8


LEANS = ({"ties": 0.25}, {"left": 0.25})


@pytest.mark.parametrize("lean", LEANS)
def test_intervals_collapse_where_the_senior_is_not_heard(lean):
    """Raters who lean and a senior who does not: what settling them is for."""
    raters = [*(replace(rater, guesses=0.0, **lean) for rater in RATERS[:2]), RATERS[2]]
    settled, alone = (
        coverage([row for row in rows if row.quantity == RATE])[0]
        for rows in (
            recover(EXAMPLE, 10, 200, raters, replicates=150, seed=1),
            recover(EXAMPLE, 10, 200, raters, settling=first_rater, replicates=150, seed=1),
        )
    )
    assert settled > 0.85 and alone < 0.6


def test_guessing_alone_needs_the_senior_too():
    """A guess is no draw from the truth: where models differ, too many values are missed."""
    heard, alone = (
        recover(EXAMPLE, 14, 200, settling=how, replicates=150, seed=1)
        for how in (settle, first_rater)
    )
    shares = {}
    for name, rows in (("heard", heard), ("alone", alone)):
        clear = [row for row in rows if row.criterion in ("faithfulness", "comprehensiveness")]
        shares[name] = coverage([row for row in clear if row.quantity == STRENGTH])[0]
    assert shares["heard"] > 0.85 and shares["alone"] < 0.75
    text = report.settling_reading(heard, alone).data
    assert text.startswith("Simulated raters, not people.\n\n- **Win+tie rates**: ")
    all_heard = coverage([row for row in heard if row.quantity == RATE])[0]
    assert f"{100 * all_heard:.1f} (" in text


def test_a_guess_is_any_of_the_three_verdicts_equally_often():
    blind = replace(RATERS[0], guesses=1.0)
    sure = np.zeros((6_000, 4), dtype=int)  # the first reply wins, always
    found, _ = blind.verdicts(sure, np.ones(6_000, dtype=bool), np.random.default_rng(0))
    assert np.bincount(found.ravel(), minlength=3) / found.size == pytest.approx(1 / 3, abs=0.01)


def test_habits_come_as_often_as_they_are_asked_for():
    rater = replace(RATERS[0], guesses=0.0, left=0.3, ties=0.5)
    sure = np.full((6_000, 4), 2)
    a_left = np.arange(6_000) % 2 == 0
    found, difficult = rater.verdicts(sure, a_left, np.random.default_rng(0))
    assert (found == 1).mean() == pytest.approx(0.5, abs=0.01)
    assert (found[a_left] == 0).mean() == pytest.approx(0.3, abs=0.02)
    assert (found[~a_left] == 0).sum() == 0
    assert difficult.mean() == pytest.approx(0.2 * (1 - 0.2**4), abs=0.02)
    with pytest.raises(BenchHealthError, match="together at most 1"):
        replace(rater, guesses=0.3)


def test_the_first_raters_verdicts_are_those_of_one_rater():
    votes = simulation.simulate(EXAMPLE, 30, seed=3)
    alone, settled = first_rater(votes), settle(votes)
    own = votes[(votes["rater"] == "simulated-1") & (votes["kind"] == "pair")]
    assert list(alone["outcome"]) == list(own["outcome"]) and len(alone) == len(settled)
    assert set(alone.columns) == set(settled.columns)


@pytest.mark.slow
def test_two_hundred_studies_of_two_hundred_items_hold_what_was_planted():
    rows = recover(EXAMPLE, 200, 200, replicates=1000)
    for quantity in (RATE, STRENGTH):
        own = [row for row in rows if row.quantity == quantity]
        assert 0.93 <= coverage(own)[0] <= 0.97
        assert all(0.9 <= row.held / row.studies <= 0.99 for row in own)


# The size of a study


def test_the_table_of_sizes_is_what_the_calculation_gives():
    shown = report.planning_table(12, leads=[0.2]).data.set_index("Lead, points")
    one, all_ = (planning.items_needed(0.4, 0.2, tests=tests) for tests in (1, 12))
    assert shown.loc["20.0", "40 % ties"] == f"{one} / {all_}" == "124 / 210"
    text = report.planning_reading(200, 12).data
    lead = planning.detectable_lead(200, 0.2, tests=12)
    assert f"{100 * lead:.1f} points with 20 % ties" in text


def test_a_study_plans_the_next_one_by_its_own_ties():
    votes = votes_of({"anna": ["left", "tie"]})
    final = pd.concat(
        [
            finals(["a"] * 70 + ["tie"] * 80 + ["b"] * 50),
            finals(["tie"] * 20, criterion="robustness"),
            finals(["a", "b"] + ["tie"] * 18, criterion="generalizability"),
            finals([None] * 5, criterion="comprehensiveness"),
        ]
    )
    shown = report.own_planning_table(analyse(votes, final, **FEW)).data.set_index("Criterion")
    row = shown.loc["Faithfulness"]
    assert row["Ties, %"] == "40.0" and row["Items"] == 200
    assert row["Items for a lead of 20.0"] == str(planning.items_needed(0.4, 0.2, tests=2))
    lead = planning.detectable_lead(200, 0.4, tests=2)
    assert row["Smallest lead found, points"] == f"{100 * lead:.1f}"
    for name, said in (
        ("Robustness", "cannot be: too many ties"),
        ("Generalizability", "cannot be: too many ties"),
        ("Comprehensiveness", ""),
    ):
        assert shown.loc[name, "Items for a lead of 20.0"] == said
        assert shown.loc[name, "Smallest lead found, points"] == "none"


def test_everything_said_of_made_up_questions_says_so(tmp_path, capsys):
    """Real raters, synthetic questions: a table like any other would be taken for one."""
    texts = [f"reply {n}" for n in range(12)]
    dialogues = [Dialogue(f"d-{n}", f"question {n}", texts[n]) for n in range(12)]
    replies = {"one": texts, "two": texts[::-1]}
    found = {}
    for synthetic in (True, False):
        folder = tmp_path / f"study-{synthetic}"
        study = create_study(folder, dialogues, replies, raters=["ann", "ben"], synthetic=synthetic)
        for rater in study.raters:
            for card in study.cards_of(rater):
                study.ratings(rater).append((card.id, name, "left") for name in CRITERIA)
        analysis = analyse_study(folder, replicates=50)
        assert analysis.synthetic is synthetic
        page = report.write_study_page(analysis, tmp_path / f"{synthetic}.html")
        said = judge_cards(folder, LongerReply(), progress=False)
        rows = judge_agreement(said, *read_study(folder), folder, replicates=50)
        capsys.readouterr()
        assert main(["analyse", str(folder), "--to", str(tmp_path / f"to-{synthetic}")]) == 0
        shown = [
            report.study_table6(analysis).caption,
            report.verdicts_table(analysis).caption,
            report.reliability_table(analysis).caption,
            report.raters_table(analysis).caption,
            report.study_reading(analysis).data,
            page.read_text(encoding="utf-8"),
            report.judge_table(rows, "words").caption,
            capsys.readouterr().out,
            (tmp_path / f"to-{synthetic}" / "study.html").read_text(encoding="utf-8"),
        ]
        found[synthetic] = ["Made-up questions, for trying out." in text for text in shown]
    assert all(found[True]) and not any(found[False])
