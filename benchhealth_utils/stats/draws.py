"""Draws from stored bootstrap distributions, and an interval where they mislead."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from scipy.optimize import bisect

from .intervals import LEVEL


def percentiles(replicates: np.ndarray) -> np.ndarray:
    """The 0th, 1st, ..., 100th percentile, shape (101,), of one statistic."""
    return np.percentile(replicates, np.arange(101))


def redraw(stored: np.ndarray, draws: int, seed) -> np.ndarray:
    """Draws from a distribution of which `percentiles` were kept, shape (draws,).

    A draw lies on the line between two neighbouring percentiles; `seed` is what
    ``numpy.random.default_rng`` takes.
    """
    at = np.random.default_rng(seed).uniform(0, 100, draws)
    return np.interp(at, np.arange(101), stored)


def inverted(
    values: np.ndarray,
    noise: np.ndarray,
    spread: Callable[[np.ndarray], np.ndarray],
    patterns: Sequence[np.ndarray] = (),
    level: float = LEVEL,
) -> tuple[float, float] | None:
    """Interval of a measure of spread, by inverting a test.

    Noise makes even equal values differ, so a measured spread lies above the
    true one, and that of resampled values higher still: of eight equal shares
    of 24 items each, a percentile interval never covers the true spread, 0. So
    the true differences are taken as a multiple of those measured, with noise
    added; the interval holds the multiples under which the measured spread is
    not in either outer tail. With much noise it may lie below `spread(values)`.

    Of a sum of spreads noise adds most to the small ones, and which are small the
    measured values show badly. True differences of other `patterns` are therefore
    tried as well, and the interval holds what any of them allows.

    Parameters
    ----------
    values : ndarray, shape (k,)
    noise : ndarray, shape (k, draws)
        Independent draws of the error of each value.
    spread : callable
        Takes arrays of shape (k, ...), gives shape (...); a seminorm, such as a
        standard deviation or a sum of them.
    patterns : sequence of ndarray, shape (k,)
        Differences of any size, not all 0, to take multiples of.
    level : float

    Returns
    -------
    tuple of float, or None
        None if the measured spread is 0: there is nothing to take multiples of.

    References
    ----------
    Davison AC, Hinkley DV. Bootstrap Methods and their Application. 1997, ch. 5.
    """
    measured = float(spread(values))
    if measured == 0:
        return None
    tail = (1 - level) / 2

    most = 1.01 + spread(noise).max() / measured  # beyond it no noise can hide a seminorm

    def ends(true):
        def above(times):
            return (spread(times * true + noise) >= measured - 1e-12).mean() - tail

        def below(times):
            return tail - (spread(times * true + noise) <= measured + 1e-12).mean()

        return [0.0 if f(0.0) >= 0 else bisect(f, 0.0, most, xtol=1e-4) for f in (above, below)]

    alike = [pattern * (measured / float(spread(pattern))) for pattern in patterns]
    lows, highs = zip(*(ends(true[:, None]) for true in (values, *alike)), strict=True)
    return min(lows) * measured, max(highs) * measured
