"""Intervals for scores, on statsmodels and scipy.

A score is always a function of sums over items (hits, misses, ...). Resampling
therefore draws groups of items and adds up their sums; no text is scored
twice, and items that share a document stay together.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from scipy import stats
from statsmodels.stats.proportion import proportion_confint

LEVEL = 0.95


def wilson(successes: int, n: int, level: float = LEVEL) -> tuple[float, float]:
    """Wilson's score interval of a proportion.

    Parameters
    ----------
    successes, n : int
        ``0 <= successes <= n``.
    level : float
        Confidence level in (0, 1).

    Returns
    -------
    tuple of float
        Lower and upper end in [0, 1]; (0, 1) when `n` is 0.

    References
    ----------
    Wilson EB. J Am Stat Assoc 1927;22:209-212.

    Examples
    --------
    >>> [round(end, 3) for end in wilson(136, 272)]
    [0.441, 0.559]
    """
    if n == 0:
        return 0.0, 1.0
    low, high = proportion_confint(successes, n, alpha=1 - level, method="wilson")
    return max(0.0, float(low)), min(1.0, float(high))


def group_sums(sums: np.ndarray, groups: Sequence[str]) -> np.ndarray:
    """Add up per-item sums within groups.

    Parameters
    ----------
    sums : ndarray, shape (items, quantities)
    groups : sequence of str, length items

    Returns
    -------
    ndarray, shape (groups, quantities)
        In order of first appearance.
    """
    position = {name: row for row, name in enumerate(dict.fromkeys(groups))}
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
    sums = np.asarray(sums, dtype=float)
    if groups is not None:
        sums = group_sums(sums, groups)
    if len(sums) < 2:
        value = float(statistic(sums.sum(axis=0)))
        return value, value
    if (sums == sums[0]).all():
        value = float(statistic(sums.sum(axis=0)))
        return value, value

    def totals(rows, axis=-1):
        return statistic(sums[rows].sum(axis=-2))

    result = stats.bootstrap(
        (np.arange(len(sums)),),
        totals,
        n_resamples=replicates,
        batch=max(1, 2_000_000 // (len(sums) * sums.shape[1])),
        confidence_level=level,
        method="percentile",
        vectorized=True,
        rng=np.random.default_rng(seed),
    )
    interval = result.confidence_interval
    return float(interval.low), float(interval.high)
