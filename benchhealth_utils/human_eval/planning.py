"""How many items a study needs, by the exact power of its sign test.

One calculation serves two questions. Which of two models do raters prefer: the
verdicts are wins, ties and losses, and the test is the sign test. Which of two
models does better against the same third: an item speaks for the first where
its win+tie verdict alone is favourable, and the same test is McNemar's.
"""

from __future__ import annotations

from math import isqrt

import numpy as np
from scipy.optimize import brentq
from scipy.stats import binom

from ..schema import BenchHealthError
from ..stats import LEVEL, POWER

MOST = 20_000  # items; nobody rates more


def chances(lead: float, ties: float) -> tuple[float, float]:
    """Chances of a win and a loss, from the lead (wins less losses) and the share of ties.

    >>> chances(0.2, 0.4)
    (0.4, 0.2)
    """
    return round((1 - ties + lead) / 2, 12), round((1 - ties - lead) / 2, 12)


def discordant(
    first: float, second: float, discordance: float | None = None
) -> tuple[float, float]:
    """Chances that only the first, and only the second, model's verdict is a win or a tie.

    Parameters
    ----------
    first, second : float
        Their win+tie rates against the same opponent, from 0 to 1.
    discordance : float, optional
        Share of items on which exactly one of them wins or ties; by default that of
        independent verdicts. Verdicts on one question mostly go together: the
        share is then smaller, and so is the study.

    Examples
    --------
    >>> discordant(0.5, 0.4)
    (0.3, 0.2)
    """
    if discordance is None:
        discordance = first * (1 - second) + second * (1 - first)
    return chances(first - second, 1 - discordance)


def sign_test_power(items: int, ahead: float, behind: float, *, alpha: float = 1 - LEVEL) -> float:
    """Exact power of the two-sided sign test.

    Parameters
    ----------
    items : int
    ahead, behind : float
        Chances that an item speaks for the first model and for the second; the
        rest, ``1 - ahead - behind``, is ties.
    alpha : float
        Level of the test.

    Returns
    -------
    float
        Chance, from 0 to 1, that the test finds a difference, of either sign.

    Examples
    --------
    >>> round(sign_test_power(100, 0.5, 0.3), 3)
    0.569
    """
    if min(ahead, behind) < 0 or not 0 < ahead + behind < 1 + 1e-9:
        raise BenchHealthError(
            f"The chances {ahead:g} and {behind:g} are not those of a win and a loss: neither "
            "below 0, and together above 0 and at most 1."
        )
    decided, share = min(1.0, ahead + behind), ahead / (ahead + behind)
    ends = binom.ppf([1e-12, 1 - 1e-12], items, decided)
    n = np.arange(max(0, ends[0]), ends[1] + 1)  # all but hopelessly rare numbers of non-ties
    most = critical(n, alpha)
    found = binom.cdf(most, n, share) + binom.cdf(most, n, 1 - share)
    return float(binom.pmf(n, items, decided) @ found)


def critical(n: np.ndarray, alpha: float = 1 - LEVEL) -> np.ndarray:
    """The most losses among `n` non-ties that are significant; -1 where none would be.

    >>> critical([5, 6, 20]).tolist()
    [-1.0, 0.0, 5.0]
    """
    limit = binom.ppf(alpha / 2, n, 0.5)
    return limit - (binom.cdf(limit, n, 0.5) > alpha / 2)


def items_needed(
    ahead: float, behind: float, *, power: float = POWER, tests: int = 1, level: float = LEVEL
) -> int:
    """Items from which on the sign test has the power asked for.

    Power goes up and down a little with every item; this is the first number
    after which it does not fall below again.

    Parameters
    ----------
    ahead, behind : float
        As for `sign_test_power`; `chances` and `discordant` work them out.
    power : float
        In (0, 1).
    tests : int
        Tests of the family. The level is divided by it, the hardest step of
        Holm's correction, so that the power is no less than asked for.

    Raises
    ------
    BenchHealthError
        If the chances are equal, or over 20,000 items are needed.

    Examples
    --------
    >>> items_needed(0.5, 0.3), items_needed(0.5, 0.3, tests=12)
    (164, 280)
    """
    alpha = (1 - level) / tests

    def found(items):
        return sign_test_power(int(items), ahead, behind, alpha=alpha) >= power

    if ahead == behind:
        raise BenchHealthError("The chances are equal: no number of items finds a difference.")
    low, high = 1, 8
    while not found(high):
        low, high = high, 2 * high
        if high > MOST:
            raise BenchHealthError(
                f"Over {MOST:,} items would be needed to tell {ahead:g} from {behind:g}. Plan "
                "for a larger difference."
            )
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if found(middle) else (middle, high)
    for items in range(high + 20 + 2 * isqrt(high), high, -1):
        if not found(items):
            return items + 1
    return high


def detectable_lead(
    items: int, ties: float, *, power: float = POWER, tests: int = 1, level: float = LEVEL
) -> float | None:
    """Smallest lead, wins less losses, that so many items find with this power.

    None if they find not even a model that never loses.

    Examples
    --------
    >>> round(detectable_lead(200, 0.3), 3), detectable_lead(5, 0.0)
    (0.169, None)
    """

    def short(lead):
        return sign_test_power(items, *chances(lead, ties), alpha=(1 - level) / tests) - power

    if short(1 - ties) < 0:
        return None
    return float(brentq(short, 0, 1 - ties, xtol=1e-6))
