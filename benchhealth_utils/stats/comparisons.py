"""Paired comparisons: two models on the same items."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np
from statsmodels.stats.contingency_tables import mcnemar as mcnemar_test
from statsmodels.stats.multitest import multipletests

from ..schema import BenchHealthError
from .detectable import detectable_difference, detectable_share
from .intervals import LEVEL, batch, group_sums, resample, share


@dataclass(frozen=True)
class Comparison:
    """Two models on the same items.

    ``difference`` is the first model's score minus the second's, ``interval``
    its paired bootstrap interval; ``p_value`` is two-sided and not corrected
    for other tests; ``groups`` counts the units that were resampled. A true
    difference of ``detectable`` is found with power 0.8 at level 0.05 (None:
    no spread to tell it from).
    """

    difference: float
    interval: tuple[float, float]
    p_value: float
    test: str
    n: int
    groups: int
    detectable: float | None


def mcnemar(only_first: int, only_second: int) -> float:
    """Two-sided p-value of McNemar's exact test.

    `only_first` items are right for the first model alone, `only_second` for
    the second alone; the others do not matter.

    References
    ----------
    McNemar Q. Psychometrika 1947;12:153-157.

    Examples
    --------
    >>> round(mcnemar(5, 15), 4), mcnemar(0, 0)
    (0.0414, 1.0)
    """
    if only_first + only_second == 0:
        return 1.0
    table = [[0, only_first], [only_second, 0]]
    return min(1.0, float(mcnemar_test(table, exact=True).pvalue))


def sign_flip(
    first: np.ndarray,
    second: np.ndarray,
    statistic: Callable[[np.ndarray], np.ndarray],
    groups: Sequence[str] | None = None,
    *,
    replicates: int = 10_000,
    seed: int = 0,
) -> float:
    """Two-sided p-value of the paired permutation test of a difference.

    If two models are alike, their answers to a group can change places. The
    sums of each group are swapped or not, at random, and the statistics of both
    totals taken anew; groups on which the models agree do not matter. With few
    others every swap is tried and the p-value is exact; else it is
    (1 + as extreme) / (1 + replicates), hence never 0. Parameters are those of
    `compare`.

    Alike is more than equally good: of two models with one F1 but precision and
    recall 0.47 and 0.75 against 0.80 and 0.45, about 7 in 100 are told apart at
    level 0.05. The interval of `compare` speaks of the difference alone.

    References
    ----------
    Yeh A. More accurate tests for the statistical significance of result
    differences. COLING 2000:947-953.
    Phipson B, Smyth GK. Stat Appl Genet Mol Biol 2010;9:39.
    """
    one, two = group_sums(first, groups), group_sums(second, groups)
    observed = abs(statistic(one.sum(axis=0)) - statistic(two.sum(axis=0)))
    middle = (one + two).sum(axis=0) / 2
    half = (one - two) / 2
    half = half[half.any(axis=1)]
    if not len(half):
        return 1.0

    def as_extreme(signs):
        swing = signs @ half
        differences = statistic(middle + swing) - statistic(middle - swing)
        return int((np.abs(differences) >= observed - 1e-12).sum())

    if 2 ** len(half) <= replicates:
        every = np.array(list(product((1, -1), repeat=len(half))))
        return as_extreme(every) / len(every)
    rng = np.random.default_rng(seed)
    extreme, size = 0, batch(len(half))
    for start in range(0, replicates, size):
        shape = (min(size, replicates - start), len(half))
        extreme += as_extreme(1 - 2 * rng.integers(0, 2, shape))
    return (1 + extreme) / (1 + replicates)


def compare(
    first: np.ndarray,
    second: np.ndarray,
    statistic: Callable[[np.ndarray], np.ndarray],
    groups: Sequence[str] | None = None,
    *,
    replicates: int = 10_000,
    seed: int = 0,
    level: float = LEVEL,
) -> Comparison:
    """Compare two models on the same items.

    The test is McNemar's exact one if the statistic is `share` and no items
    share a group, else the sign-flip permutation test; the interval is the
    paired bootstrap's. Hold a p-value against 0.05 only after `holm`.

    Parameters
    ----------
    first, second : array-like, shape (items, quantities)
        Sufficient statistics of the two models, items in the same order, with
        their `statistic`, as `metrics.sufficient` gives them.
    statistic, groups, replicates, seed, level
        As in `bootstrap`.

    References
    ----------
    Koehn P. Statistical significance tests for machine translation evaluation.
    EMNLP 2004:388-395 (paired bootstrap).

    Examples
    --------
    >>> right, wrong = [1, 1], [0, 1]  # hits, items
    >>> found = compare([right] * 15 + [wrong] * 5, [wrong] * 15 + [right] * 5, share)
    >>> found.difference, round(found.p_value, 4), found.test
    (0.5, 0.0414, 'exact McNemar')
    """
    first, second = np.asarray(first, dtype=float), np.asarray(second, dtype=float)
    if first.shape != second.shape or (groups is not None and len(groups) != len(first)):
        raise BenchHealthError(
            f"sums of shape {first.shape} and {second.shape} with "
            f"{'no' if groups is None else len(groups)} groups; expected the same items for both."
        )
    n, width = first.shape
    pairs = group_sums(np.hstack([first, second]), groups)

    def gap(totals):
        return statistic(totals[..., :width]) - statistic(totals[..., width:])

    drawn = resample(pairs, gap, replicates=replicates, seed=seed, level=level)
    if statistic is share and len(pairs) == n:
        only_first = int((first[:, 0] > second[:, 0]).sum())
        only_second = int((first[:, 0] < second[:, 0]).sum())
        test, p_value = "exact McNemar", mcnemar(only_first, only_second)
        detectable = detectable_share(n, (only_first + only_second) / n)
    else:
        test = "sign-flip permutation over " + ("items" if len(pairs) == n else "groups")
        p_value = sign_flip(first, second, statistic, groups, replicates=replicates, seed=seed)
        detectable = detectable_difference(float(drawn.error))
    difference = float(gap(pairs.sum(axis=0)))
    interval = tuple(map(float, drawn.interval))
    return Comparison(difference, interval, p_value, test, n, len(pairs), detectable)


def holm(p_values: Sequence[float]) -> list[float]:
    """P-values of a family of tests, adjusted by Holm's step-down method.

    With those up to 0.05 called significant, the chance of any false one in
    the family is at most 5 %.

    References
    ----------
    Holm S. Scand J Stat 1979;6:65-70.

    Examples
    --------
    >>> [round(p, 2) for p in holm([0.01, 0.04, 0.03])]
    [0.03, 0.06, 0.06]
    """
    if not len(p_values):
        return []
    return multipletests(p_values, method="holm")[1].tolist()
