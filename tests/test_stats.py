"""Intervals and paired tests: values worked by hand, exact enumeration, and simulation.

The tests marked slow are the evidence that intervals and tests hold what they promise.
"""

import itertools
from math import comb

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import kendalltau, norm

from benchhealth_utils import stats
from benchhealth_utils.schema import BenchHealthError
from benchhealth_utils.stats import (
    compare,
    detectable_share,
    holm,
    kendall,
    mcnemar,
    newcombe,
    resample,
    share,
    sign_flip,
    wilson,
)
from benchhealth_utils.tasks import sufficient


def table(both, first, second, neither):
    """Hits and items of two models, from a fourfold table."""
    right = [(1, 1)] * both + [(1, 0)] * first + [(0, 1)] * second + [(0, 0)] * neither
    one, two = zip(*right, strict=True)
    return tuple(np.column_stack([hits, np.ones(len(hits))]) for hits in (one, two))


def f1(totals):
    hits, spurious, missed = np.moveaxis(np.asarray(totals, dtype=float), -1, 0)
    return 2 * hits / np.maximum(2 * hits + spurious + missed, 1)


def random_counts(n, seed, values=4):
    """Hits, spurious and missed of two models."""
    rng = np.random.default_rng(seed)
    return rng.integers(0, values, (2, n, 3)).astype(float)


# ---- McNemar and Holm -------------------------------------------------------


@pytest.mark.parametrize(
    ("first", "second", "p_value"),
    [
        (5, 15, 2 * sum(comb(20, k) for k in range(6)) / 2**20),
        (0, 5, 2 / 32),
        (0, 6, 2 / 64),
        (1, 7, 2 * 9 / 256),
        (10, 10, 1),
        (0, 1, 1),
        (0, 0, 1),
    ],
)
def test_mcnemar_by_hand(first, second, p_value):
    assert mcnemar(first, second) == pytest.approx(p_value)
    assert mcnemar(second, first) == pytest.approx(p_value)


@pytest.mark.parametrize(
    ("p_values", "adjusted"),
    [
        ([0.01, 0.04, 0.03, 0.005], [0.03, 0.06, 0.06, 0.02]),
        ([0.02, 0.02, 0.02], [0.06, 0.06, 0.06]),
        ([0.5, 0.9], [1, 1]),
        ([0.04], [0.04]),
        ([], []),
    ],
)
def test_holm_by_hand(p_values, adjusted):
    assert holm(p_values) == pytest.approx(adjusted)
    assert holm(np.array(p_values)) == pytest.approx(adjusted)


# ---- The sign-flip test -----------------------------------------------------


def enumerated(one, two, statistic):
    """The p-value over all swaps, in the plainest way."""
    observed = abs(statistic(one.sum(axis=0)) - statistic(two.sum(axis=0)))
    extreme = 0
    for swaps in itertools.product([False, True], repeat=len(one)):
        keep = ~np.array(swaps)[:, None]
        a, b = np.where(keep, one, two).sum(axis=0), np.where(keep, two, one).sum(axis=0)
        extreme += abs(statistic(a) - statistic(b)) >= observed - 1e-12
    return extreme / 2 ** len(one)


@pytest.mark.parametrize("seed", range(6))
def test_few_items_are_enumerated_exactly(seed):
    one, two = random_counts(8, seed)
    assert sign_flip(one, two, f1) == pytest.approx(enumerated(one, two, f1))


@pytest.mark.parametrize("seed", range(4))
def test_drawn_swaps_agree_with_all_swaps(seed):
    one, two = random_counts(12, seed)
    exact, drawn = (sign_flip(one, two, f1, replicates=r, seed=seed) for r in (10_000, 1_000))
    assert exact * 2**12 % 1 == 0  # every swap was tried once
    assert drawn * 1_001 == pytest.approx(round(drawn * 1_001))
    assert drawn == pytest.approx(exact, abs=4 * (exact * (1 - exact) / 1_000) ** 0.5 + 1e-3)


# ---- compare ----------------------------------------------------------------


def test_compare_right_and_wrong_by_hand():
    one, two = table(40, 15, 5, 40)
    found = compare(one, two, share)
    assert (found.difference, found.n, found.groups) == (pytest.approx(0.1), 100, 100)
    assert found.test == "exact McNemar"
    assert found.p_value == pytest.approx(0.041389, abs=1e-6)
    half = 1.96 * (0.2 - 0.1**2) ** 0.5 / 10
    assert found.interval == pytest.approx((0.1 - half, 0.1 + half), abs=0.011)
    assert found.detectable == detectable_share(100, 0.2)


@pytest.mark.parametrize("groups", [None, [str(i // 5) for i in range(40)]])
def test_identical_models_do_not_differ(groups):
    counts = random_counts(40, 1)[0]
    hits = table(20, 0, 0, 20)[0]
    for sums, statistic in ((counts, f1), (hits, share)):
        found = compare(sums, sums, statistic, groups)
        assert (found.difference, found.interval, found.p_value) == (0, (0, 0), 1)
        assert found.detectable is None


@pytest.mark.parametrize("groups", [None, [str(i // 4) for i in range(60)]])
def test_changing_the_models_round_changes_only_the_sign(groups):
    for one, two, statistic in ((*random_counts(60, 2), f1), (*table(20, 12, 5, 23), share)):
        there, back = compare(one, two, statistic, groups), compare(two, one, statistic, groups)
        assert there.difference == -back.difference
        assert there.interval == pytest.approx((-back.interval[1], -back.interval[0]))
        assert (there.p_value, there.test) == (back.p_value, back.test)
        assert there.detectable == pytest.approx(back.detectable)


def test_the_test_suits_the_metric_and_the_groups():
    gold, one, two = ["yes", "no"] * 10, ["yes"] * 20, ["no"] * 20
    pairs = [str(i // 2) for i in range(20)]

    def named(key, groups):
        (first, statistic), (second, _) = (sufficient(key, gold, x) for x in (one, two))
        return compare(first, second, statistic, groups).test

    assert named("pubmedqa", None) == "exact McNemar"
    assert named("pubmedqa", pairs) == "sign-flip permutation over groups"
    assert named("gad", None) == "sign-flip permutation over items"


def test_results_depend_on_the_seed_and_not_on_the_batches(monkeypatch):
    one, two = random_counts(90, 4)
    found = compare(one, two, f1, seed=1, replicates=500)
    assert found != compare(one, two, f1, seed=2, replicates=500)
    monkeypatch.setattr(stats, "CELLS", 1_000)
    assert found == compare(one, two, f1, seed=1, replicates=500)


def test_bootstrap_totals_are_those_of_the_drawn_groups():
    """A replicate is the statistic of some n groups: with two groups, one of three."""
    sums = np.array([[1.0, 2], [5, 3]])
    seen = set()

    def watched(totals):
        seen.update(map(tuple, np.atleast_2d(totals)))
        return share(totals)

    resample(sums, watched, replicates=200)
    assert seen == {(2, 4), (6, 5), (10, 6)}


@pytest.mark.parametrize(("rows", "groups"), [(3, None), (4, ["a"] * 3)])
def test_other_items_are_refused(rows, groups):
    with pytest.raises(BenchHealthError, match="same items"):
        compare(np.ones((rows, 2)), np.ones((4, 2)), share, groups)


# ---- Replicates of several statistics, and draws from what is kept of them ---


def test_statistics_of_one_resample_belong_together():
    counts = random_counts(50, 6)[0]
    found = resample(counts, lambda totals: np.stack([f1(totals), share(totals)]), replicates=400)
    assert found.replicates.shape == (2, 400) and found.interval.shape == (2, 2)
    assert (found.interval[0] == resample(counts, f1, replicates=400).interval).all()
    assert found.error == pytest.approx(found.replicates.std(axis=1, ddof=1))


# ---- Intervals of scores that were only printed, of means, of orders ---------


@given(st.integers(1, 500), st.integers(1, 500), st.data())
def test_newcombe_is_made_of_wilsons(n, m, data):
    one, two = (data.draw(st.integers(0, k)) for k in (n, m))
    low, high = newcombe(one, n, two, m)
    a, b = one / n, two / m
    (al, ah), (bl, bh) = wilson(one, n), wilson(two, m)
    assert low == pytest.approx(a - b - ((a - al) ** 2 + (bh - b) ** 2) ** 0.5)
    assert high == pytest.approx(a - b + ((ah - a) ** 2 + (b - bl) ** 2) ** 0.5)


def test_kendall_against_scipy_draw_by_draw():
    one, two = np.random.default_rng(0).integers(0, 5, (2, 9)).astype(float)
    tau, low, high = kendall(one, two, replicates=300)
    assert tau == pytest.approx(kendalltau(one, two).statistic)
    draws = np.random.default_rng(0).multinomial(9, [1 / 9] * 9, size=300)
    each = [kendalltau(one.repeat(d), two.repeat(d)).statistic for d in draws]
    assert (low, high) == pytest.approx(np.nanpercentile(each, [2.5, 97.5]))


def test_kendall_at_its_limits():
    assert kendall([1, 2, 3], [2, 4, 9]) == (1, 1, 1)
    assert np.isnan(kendall([1, 2, 3], [5, 5, 5])).all()
    for lists in (([1, 2], [1]), ([1, np.nan], [1, 2])):
        with pytest.raises(BenchHealthError, match="two lists of 2 finite values"):
            kendall(*lists)


# ---- The smallest detectable difference -------------------------------------


@given(st.integers(5, 6_000), st.floats(0.001, 1))
def test_detectable_share_solves_its_equation(n, discordance):
    found = detectable_share(n, discordance)
    z_level, z_power = norm.ppf([0.975, 0.8])

    def excess(d):
        noise = z_level * discordance**0.5 + z_power * max(0, discordance - d**2) ** 0.5
        return d * n**0.5 - noise

    if found is None:
        assert excess(discordance) < 0
    else:
        assert 0 < found <= discordance
        assert excess(found) == pytest.approx(0, abs=1e-6)


# ---- Simulation -------------------------------------------------------------

GROUPS, SENTENCES = 100, 8
RECALL, SPURIOUS, GOLD = (4, 3), 0.35, 0.9  # beta; Poisson means per sentence


def clustered(rng, recall, spurious=SPURIOUS):
    """Hits, spurious and missed by sentence; a document has its own recall."""
    gold = rng.poisson(GOLD, (GROUPS, SENTENCES))
    hits = rng.binomial(gold, recall[:, None])
    wrong = rng.poisson(spurious, (GROUPS, SENTENCES))
    return np.stack([hits, wrong, gold - hits], axis=-1).astype(float)


def true_f1(spurious=SPURIOUS):
    hits = GOLD * RECALL[0] / sum(RECALL)
    return 2 * hits / (hits + spurious + GOLD)


@pytest.mark.slow
def test_intervals_cover_the_truth():
    """Micro F1 over groups and over items, and its difference, 1,000 corpora of 100 documents."""
    names = [str(i // SENTENCES) for i in range(GROUPS * SENTENCES)]
    truth, gap = true_f1(), true_f1() - true_f1(0.5)
    rng, covered = np.random.default_rng(0), np.zeros(3)
    for run in range(1_000):
        recall = rng.beta(*RECALL, GROUPS)
        one, two = clustered(rng, recall), clustered(rng, recall, 0.5)
        pairs = np.concatenate([one, two], axis=-1).sum(axis=1)
        draws, flat = {"replicates": 1_000, "seed": run}, one.reshape(-1, 3)
        ends = (
            (truth, resample(flat, f1, names, **draws)),
            (truth, resample(flat, f1, **draws)),
            (gap, resample(pairs, lambda t: f1(t[..., :3]) - f1(t[..., 3:]), **draws)),
        )
        covered += [x.interval[0] <= true <= x.interval[1] for true, x in ends]
    by_group, by_item, difference = covered / 1_000
    assert 0.93 <= by_group <= 0.97 and 0.93 <= difference <= 0.97
    assert by_item < by_group - 0.02
