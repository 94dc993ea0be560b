"""Intervals that follow from a printed percentage and its number of items."""

from __future__ import annotations

from statsmodels.stats.proportion import confint_proportions_2indep

from .intervals import LEVEL, wilson


def accuracy_interval(score: float, n: int) -> tuple[float, float]:
    """Wilson's 95 % interval of a percentage over `n` items.

    Parameters
    ----------
    score : float
        In points, 0 to 100; taken for the nearest whole number of items.
    n : int

    Returns
    -------
    tuple of float
        Lower and upper end in points.

    Examples
    --------
    >>> [round(end, 1) for end in accuracy_interval(81.2, 1273)]
    [79.0, 83.3]
    """
    low, high = wilson(round(score * n / 100), n)
    return 100 * low, 100 * high


def difference_interval(first: float, second: float, n: int) -> tuple[float, float]:
    """95 % interval of the difference of two percentages over `n` items each.

    Newcombe's, made of the two Wilson intervals, for independent samples. Of two
    models on the same items it is a makeshift: what was printed does not say
    which items both had right. With the answers, a paired test (`compare`)
    would mostly find smaller differences.

    Parameters
    ----------
    first, second : float
        In points, 0 to 100.
    n : int
        Above 0.

    Returns
    -------
    tuple of float
        Ends of the interval of ``first - second``, in points.

    References
    ----------
    Newcombe RG. Stat Med 1998;17:873-890, method 10.

    Examples
    --------
    >>> [round(end, 1) for end in difference_interval(70.2, 67.4, 500)]
    [-2.9, 8.5]
    """
    counts = (round(first * n / 100), n, round(second * n / 100), n)
    low, high = confint_proportions_2indep(
        *counts, compare="diff", method="newcomb", alpha=1 - LEVEL
    )
    return 100 * float(low), 100 * float(high)
