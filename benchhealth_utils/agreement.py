"""Agreement of two orders or two raters; knows numbers, not what they are of."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.stats import kendalltau

from .schema import BenchHealthError
from .stats import LEVEL


@dataclass(frozen=True)
class Agreement:
    """How far two lists agree.

    ``value`` is None where the coefficient is not defined, and so is
    ``interval``; ``undefined`` is the share of bootstrap replicates without a
    value, which the interval leaves out; ``n`` counts the units.
    """

    value: float | None
    interval: tuple[float, float] | None
    n: int
    undefined: float

    @property
    def decided(self) -> bool:
        """Whether the interval leaves out 0."""
        return self.interval is not None and (self.interval[0] > 0 or self.interval[1] < 0)


def kendall(
    first: Sequence[float],
    second: Sequence[float],
    *,
    replicates: int = 10_000,
    seed: int = 0,
    level: float = LEVEL,
) -> Agreement:
    """Kendall's tau-b of two lists, with a percentile bootstrap interval.

    Units are drawn with replacement. A unit drawn twice is tied with itself,
    which tau-b leaves out of both numerator and denominator.

    Parameters
    ----------
    first, second : sequence of float, length n
        Values of the same units in the same order; finite.
    replicates, seed : int
        Of the bootstrap; at least one replicate.
    level : float
        Confidence level in (0, 1).

    Returns
    -------
    Agreement
        ``value`` in [-1, 1]; None if a list has fewer than two different
        values, for then there is no order to agree with.

    Raises
    ------
    BenchHealthError
        If the lists differ in length, hold a value that is not finite, or no
        replicate is asked for.

    Notes
    -----
    Of 9 units from a bivariate normal distribution with tau 0, 0.2, 0.4 and 0.65
    the interval held the true value in 94 to 98 % of 600 samples. At tau 1 and
    -1 it shrinks to a point, for every draw has the same tau.

    References
    ----------
    Kendall MG. A new measure of rank correlation. Biometrika 1938;30:81-93.
    Kendall MG. The treatment of ties in ranking problems. Biometrika
    1945;33:239-251 (tau-b).

    Examples
    --------
    >>> round(kendall([1, 2, 3, 4], [1, 2, 4, 3]).value, 3)
    0.667
    >>> kendall([1, 2, 3], [5, 5, 5]).value is None
    True
    """
    one, two = np.asarray(first, dtype=float), np.asarray(second, dtype=float)
    if one.ndim != 1 or one.shape != two.shape:
        raise BenchHealthError(
            f"Lists of shape {one.shape} and {two.shape}; expected two lists of equal length."
        )
    if not (np.isfinite(one).all() and np.isfinite(two).all()):
        raise BenchHealthError("A list holds a value that is not finite; leave that unit out.")
    if not isinstance(replicates, int) or replicates < 1:
        raise BenchHealthError(f"replicates is {replicates!r}; expected a whole number above 0.")
    n = len(one)
    if min(len(np.unique(one)), len(np.unique(two))) < 2:
        return Agreement(None, None, n, 1.0)
    value = float(kendalltau(one, two, variant="b").statistic)
    draws = np.random.default_rng(seed).multinomial(n, np.full(n, 1 / n), size=replicates)
    taus = _tau_of_draws(one, two, draws)
    kept = taus[~np.isnan(taus)]
    undefined = 1 - len(kept) / replicates
    if not len(kept):
        return Agreement(value, None, n, undefined)
    low, high = np.quantile(kept, [(1 - level) / 2, (1 + level) / 2])
    return Agreement(value, (float(low), float(high)), n, undefined)


def _tau_of_draws(one: np.ndarray, two: np.ndarray, draws: np.ndarray) -> np.ndarray:
    """Tau-b of each draw, from how often it holds each unit; NaN if undefined.

    scipy has no tau-b for many samples at once, and one at a time takes
    seconds. A pair of units weighs as much as the product of their counts.
    """
    order_one = np.sign(one[:, None] - one)
    order_two = np.sign(two[:, None] - two)

    def over_pairs(weights):
        return ((draws @ weights) * draws).sum(axis=1)

    untied = over_pairs(order_one**2) * over_pairs(order_two**2)
    concordant = over_pairs(order_one * order_two)
    return np.divide(concordant, np.sqrt(untied), out=np.full(len(draws), np.nan), where=untied > 0)
