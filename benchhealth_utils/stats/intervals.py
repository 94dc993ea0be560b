"""Intervals of a score: Wilson's, and the bootstrap over groups of items."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import hypot
from statistics import fmean

import numpy as np
from scipy import stats
from statsmodels.stats.proportion import proportion_confint

from ..schema import BenchHealthError

LEVEL = 0.95
CELLS = 2_000_000  # of one batch of replicates; bounds memory

Interval = tuple[float, float] | None  # None: not estimable


@dataclass(frozen=True)
class Resample:
    """What resampling groups gave for statistics of any shape.

    ``replicates`` has the statistics' shape and one axis more, ``interval``
    that shape and a last axis of two, the ends; ``error`` is the standard error.
    """

    replicates: np.ndarray
    interval: np.ndarray
    error: np.ndarray


def share(totals: np.ndarray) -> np.ndarray:
    """Share of correct items, from totals of shape (..., 2 or more): correct, all.

    The one statistic with a textbook interval (Wilson) and test (McNemar).
    """
    return totals[..., 0] / totals[..., 1]


def wilson(successes: int, n: int, level: float = LEVEL) -> tuple[float, float]:
    """Wilson's score interval of a proportion.

    Parameters
    ----------
    successes, n : int
        ``0 <= successes <= n``, whole numbers. Of a mean share take `wilson_of_share`.
    level : float
        Confidence level in (0, 1).

    Returns
    -------
    tuple of float
        Lower and upper end in [0, 1]; (0, 1) when `n` is 0.

    Raises
    ------
    BenchHealthError
        If a count is not a whole number, or `successes` is not within 0 and `n`.

    References
    ----------
    Wilson EB. J Am Stat Assoc 1927;22:209-212.

    Examples
    --------
    >>> [round(end, 3) for end in wilson(136, 272)]
    [0.441, 0.559]
    """
    whole = all(float(count).is_integer() for count in (successes, n))
    if not (whole and 0 <= successes <= n):
        raise BenchHealthError(
            f"Wilson's interval of {successes} successes in {n}; expected whole numbers, with "
            "successes from 0 to n."
        )
    return wilson_of_share(successes / n if n else 0.0, n, level)


def wilson_of_share(share: float, n: int, level: float = LEVEL) -> tuple[float, float]:
    """Wilson's interval of a share that need not be a whole number of `n`.

    For the mean of several runs on the same `n` items, or of several intervals: the
    `n` says how much is known, the share what was found. Otherwise as `wilson`.

    Parameters
    ----------
    share : float
        In [0, 1].
    n : int
    level : float

    Raises
    ------
    BenchHealthError
        If the share is not in [0, 1].
    """
    if not 0 <= share <= 1:
        raise BenchHealthError(f"Wilson's interval of a share of {share}; expected 0 to 1.")
    if n == 0:
        return 0.0, 1.0
    low, high = proportion_confint(share * n, n, alpha=1 - level, method="wilson")
    return max(0.0, float(low)), min(1.0, float(high))


def group_sums(
    sums: np.ndarray, groups: Sequence[str] | None, order: Sequence[str] | None = None
) -> np.ndarray:
    """Add up per-item sums within groups.

    Parameters
    ----------
    sums : ndarray, shape (items, quantities)
    groups : sequence of str, length items, or None for a group an item
    order : sequence of str, optional
        All groups, also those without an item; by default in order of first appearance.

    Returns
    -------
    ndarray, shape (groups, quantities)
    """
    sums = np.asarray(sums, dtype=float)
    if groups is None:
        return sums
    named = dict.fromkeys(groups) if order is None else order
    position = {name: row for row, name in enumerate(named)}
    added = np.zeros((len(position), sums.shape[1]))
    np.add.at(added, [position[name] for name in groups], sums)
    return added


def bootstrap(
    sums: np.ndarray,
    statistic: Callable[[np.ndarray], np.ndarray],
    groups: Sequence[str] | None = None,
    *,
    replicates: int = 10_000,
    seed: int = 0,
    level: float = LEVEL,
) -> tuple[float, float]:
    """Percentile bootstrap interval over groups, from sufficient statistics.

    Parameters
    ----------
    sums : ndarray, shape (items, quantities)
        Per-item sufficient statistics, such as hits, spurious and missed.
    statistic : callable
        Takes totals of shape (..., quantities) and returns values of shape (...).
    groups : sequence of str, optional
        Unit of resampling of each item; by default the item itself.
    replicates, seed : int
    level : float

    Returns
    -------
    tuple of float
        With a single group there is nothing to resample: both ends are the
        value itself.

    References
    ----------
    Efron B, Tibshirani R. An Introduction to the Bootstrap. 1993, ch. 13.
    """
    drawn = resample(sums, statistic, groups, replicates=replicates, seed=seed, level=level)
    return tuple(map(float, drawn.interval))


def resample(
    sums: np.ndarray,
    statistic: Callable[[np.ndarray], np.ndarray],
    groups: Sequence[str] | None = None,
    *,
    replicates: int = 10_000,
    seed: int = 0,
    level: float = LEVEL,
) -> Resample:
    """Bootstrap replicates over groups, of one statistic or several at once.

    Parameters are those of `bootstrap`, but that `statistic` may return an
    array of shape (k, ...) for k statistics of the same totals. A draw of
    groups is turned into weights of them.
    """
    sums = group_sums(sums, groups)
    n = len(sums)
    if (sums == sums[0]).all():
        value = np.asarray(statistic(sums.sum(axis=0)), dtype=float)[..., None]
        return Resample(value.repeat(replicates, -1), value.repeat(2, -1), 0 * value[..., 0])

    def value_of(drawn, axis=-1):
        cells = drawn.reshape(-1, n) + n * np.arange(drawn.size // n)[:, None]
        weights = np.bincount(cells.ravel(), minlength=drawn.size).reshape(drawn.shape)
        return statistic(weights @ sums)

    found = stats.bootstrap(
        (np.arange(n),),
        value_of,
        n_resamples=replicates,
        batch=batch(n),
        confidence_level=level,
        method="percentile",
        vectorized=True,
        rng=np.random.default_rng(seed),
    )
    ends = found.confidence_interval
    interval = np.stack([ends.low, ends.high], axis=-1)
    return Resample(found.bootstrap_distribution, interval, np.asarray(found.standard_error))


def known_interval(interval: Sequence[float] | None) -> Interval:
    """The interval, or None if its ends are equal: a bootstrap without spread says nothing.

    >>> known_interval([0.2, 0.4]), known_interval((0.3, 0.3)), known_interval(None)
    ((0.2, 0.4), None, None)
    """
    if interval is None or interval[0] == interval[1]:
        return None
    return tuple(interval)


def mean_interval(values: Sequence[float], intervals: Sequence[Interval]) -> Interval:
    """Interval of the mean of independent estimates, from the interval of each.

    The distances from value to limit are added in squares (the method of
    variance estimates recovery), so each set keeps the interval that suits its
    metric, and no limit leaves the metric's range. None if one is not known:
    to count it as free of noise would make the mean look surer than it is.

    References
    ----------
    Zou GY, Donner A. Stat Med 2008;27:1693-1702.

    Examples
    --------
    >>> mean_interval([0.5, 0.5], [(0.2, 0.6), (0.1, 0.5)])
    (0.25, 0.55)
    >>> mean_interval([0.5, 0.7], [(0.4, 0.6), None])
    """
    if None in intervals:
        return None
    pairs = list(zip(values, intervals, strict=True))
    low = hypot(*(max(0.0, value - ends[0]) for value, ends in pairs))
    high = hypot(*(max(0.0, ends[1] - value) for value, ends in pairs))
    return fmean(values) - low / len(values), fmean(values) + high / len(values)


def batch(width: int) -> int:
    """How many replicates of so many cells each are drawn at a time."""
    return max(1, CELLS // width)
