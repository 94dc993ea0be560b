"""Estimates with intervals from draws of items: all that was said of an item goes together.

The unit is the patient's question. Its comparisons, criteria and raters are not
independent, so a draw takes or leaves the question with everything on it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from ..schema import BenchHealthError
from ..stats import LEVEL, Interval

SIMULATED = "simulated-"  # how the name of a simulated rater begins


@dataclass(frozen=True)
class Estimate:
    """A value with its 95 % interval over items.

    ``value`` is None where it is not defined, ``interval`` where there is none;
    ``note`` then says why. ``n`` counts what the value was computed from.
    """

    value: float | None
    interval: Interval
    n: int
    note: str = ""


def item_weights(items: int, replicates: int, seed: int) -> np.ndarray:
    """How often each of `items` is in each bootstrap draw, shape (replicates, items)."""
    if not isinstance(replicates, int) or replicates < 1:
        raise BenchHealthError(f"replicates is {replicates!r}; expected a whole number above 0.")
    rng = np.random.default_rng(seed)
    return rng.multinomial(items, np.full(items, 1 / items), size=replicates).astype(float)


def estimate(
    sums: np.ndarray,
    statistic: Callable[[np.ndarray], np.ndarray],
    weights: np.ndarray,
    n: int,
    *,
    value: float | None = None,
    level: float = LEVEL,
    undefined: str = "not defined",
) -> Estimate:
    """A statistic of sums over items, with a percentile bootstrap interval.

    Parameters
    ----------
    sums : ndarray, shape (items, quantities)
    statistic : callable
        Takes totals of shape (..., quantities), gives shape (...), NaN where it
        is not defined.
    weights : ndarray, shape (replicates, items)
        As `item_weights` gives them.
    n : int
        What to count in the estimate.
    value : float, optional
        The value where a library has computed it.
    undefined : str
        What to note where there is no value.
    """
    if value is None:
        value = float(statistic(sums.sum(axis=0)))
    if np.isnan(value):
        return Estimate(None, None, n, undefined)
    return from_draws(value, statistic(weights @ sums), n, level)


def from_draws(value: float, draws: np.ndarray, n: int, level: float = LEVEL) -> Estimate:
    """A value with the percentile interval of its bootstrap draws.

    Draws without a value (NaN) are left out; where they are more than one tail of
    the interval, its ends are unknown and there is none.
    """
    tail = (1 - level) / 2
    kept = draws[~np.isnan(draws)]
    lost = 1 - len(kept) / len(draws)
    if lost > tail:
        return Estimate(value, None, n, f"no interval: not defined in {100 * lost:.0f} % of draws")
    low, high = np.quantile(kept, [tail, 1 - tail])
    if low == high:
        return Estimate(value, None, n, "no interval: all draws are alike")
    return Estimate(value, (float(low), float(high)), n)


def check_frame(
    frame: pd.DataFrame, columns: Sequence[str], what: str, key: Sequence[str] = ()
) -> None:
    """Refuse a frame without these columns, without rows, or with one `key` twice."""
    if lacking := [name for name in columns if name not in frame]:
        raise BenchHealthError(
            f"The {what} have no column {', '.join(lacking)}. Read them with `load_votes` and "
            "`unblind`, and settle them with `settle`."
        )
    if not len(frame):
        raise BenchHealthError(f"There are no {what}; nothing can be computed yet.")
    if key and (twice := frame.duplicated(list(key))).any():
        row = ", ".join(f"{name} {frame[name][twice].iloc[0]}" for name in key)
        raise BenchHealthError(f"Among the {what} there are two of {row}. One of them must go.")


def check_votes(votes: pd.DataFrame) -> None:
    """Refuse votes that are not unblinded, not of people alone, or given twice.

    Raises
    ------
    BenchHealthError
        For a vote with the role ``judge``, or of some raters that are simulated
        and some that are not; and as in `check_frame`.
    """
    key = ["rater", "card", "criterion"]
    check_frame(votes, ["rater", "role"], "votes")
    if judges := sorted(set(votes["rater"][votes["role"] == "judge"])):
        raise BenchHealthError(
            f"Among the votes are those of {', '.join(judges)}, a language model. Ratings of "
            "people and of a model are never analysed together: leave them out here, and "
            "measure how far they agree with `judge_agreement`."
        )
    check_frame(
        votes, [*key, *"role choice item kind model_a model_b outcome".split()], "votes", key
    )
    kinds = {rater: is_simulated([rater]) for rater in votes["rater"].unique()}
    if len(set(kinds.values())) > 1:
        faked = ", ".join(sorted(rater for rater, fake in kinds.items() if fake))
        raise BenchHealthError(
            f"The votes of {faked} are simulated, others are not. They are never analysed "
            "together: keep simulated raters in a study folder of their own."
        )


def is_simulated(raters: Sequence[str]) -> bool:
    """Whether any of these raters is a simulated one, by the name; case does not matter."""
    return any(str(rater).casefold().startswith(SIMULATED) for rater in raters)
