"""Wins, ties and losses, the win+tie rate of the paper's Table 6, and a sign test.

A win+tie rate counts a tie for both sides, so two models can both have a high
one: the mirror, the other model's rate, always goes with it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from scipy.stats import binomtest

from ..schema import BenchHealthError
from ..stats import LEVEL, group_sums, holm, wilson
from .criteria import OUTCOMES
from .estimates import Estimate, check_frame, estimate, item_weights

UNSETTLED = "no verdict is settled"
CELL = ["model_a", "model_b", "criterion"]


@dataclass(frozen=True)
class Rate:
    """Settled verdicts of one comparison on one criterion.

    Attributes
    ----------
    model_a, model_b, criterion : str
    wins, ties, losses : int
        Of ``model_a``, over settled items; they add up to ``n``.
    open : int
        Items without a final verdict; in none of the rates.
    win_tie, mirror : Estimate
        (wins + ties) / n, and (losses + ties) / n, which is the other model's.
    lead : Estimate
        (wins - losses) / n, from -1 to 1: what a tie cannot blur.
    bounds : tuple of float
        The win+tie rate if every open item were lost, and if none were.
    p_value : float or None
        Exact two-sided sign test of wins against losses; None without either.
    p_adjusted : float or None
        The same after Holm's correction over all tests of the study.
    """

    model_a: str
    model_b: str
    criterion: str
    wins: int
    ties: int
    losses: int
    open: int
    win_tie: Estimate
    mirror: Estimate
    lead: Estimate
    bounds: tuple[float, float]
    p_value: float | None
    p_adjusted: float | None = None

    @property
    def n(self) -> int:
        """Settled items."""
        return self.wins + self.ties + self.losses


def sign_test(wins: int, losses: int) -> float | None:
    """Exact two-sided p-value of as many wins as losses; ties say nothing here.

    None if there is neither: then nothing is tested.

    Examples
    --------
    >>> round(sign_test(15, 5), 4), sign_test(0, 0)
    (0.0414, None)
    """
    if wins + losses == 0:
        return None
    return float(binomtest(wins, wins + losses).pvalue)


def win_tie_rates(
    final: pd.DataFrame, *, replicates: int = 10_000, seed: int = 0, level: float = LEVEL
) -> list[Rate]:
    """Rates of each comparison and criterion, in order of appearance.

    The intervals are the bootstrap's over items, and Wilson's where all verdicts
    count alike, for there a draw has no spread.

    Parameters
    ----------
    final : pandas.DataFrame
        One row per item, comparison and criterion, as `settle` gives them:
        ``item, model_a, model_b, criterion, outcome`` (``a``, ``tie``, ``b``, or
        missing where it is open).
    replicates, seed : int
        Of the bootstrap.

    Raises
    ------
    BenchHealthError
        If a column is missing, an outcome unknown, or an item has two verdicts.
    """
    found = cell_rates(final, replicates=replicates, seed=seed, level=level)
    tested = [rate for rate in found if rate.p_value is not None]
    adjusted = iter(holm([rate.p_value for rate in tested]))
    return [
        replace(rate, p_adjusted=None if rate.p_value is None else next(adjusted)) for rate in found
    ]


def cell_rates(
    final: pd.DataFrame, *, replicates: int = 10_000, seed: int = 0, level: float = LEVEL
) -> list[Rate]:
    """As `win_tie_rates`, without Holm's correction: for where no test is read."""
    check_frame(final, ["item", *CELL, "outcome"], "final verdicts", ["item", *CELL])
    known = final["outcome"].isin(OUTCOMES) | final["outcome"].isna()
    if not known.all():
        raise BenchHealthError(
            f"The outcome {final['outcome'][~known].iloc[0]!r} is none of {', '.join(OUTCOMES)}."
        )
    items = pd.unique(final["item"])
    weights = item_weights(len(items), replicates, seed)
    found = []
    for (first, second, criterion), cell in final.groupby(CELL, sort=False):
        hits = np.stack([cell["outcome"] == outcome for outcome in OUTCOMES], axis=1)
        sums = group_sums(hits, cell["item"], items)
        wins, ties, losses = map(int, sums.sum(axis=0))
        n, left = wins + ties + losses, len(cell) - wins - ties - losses
        shares = {
            "win_tie": _share(sums, (1, 1, 0), weights, level),
            "mirror": _share(sums, (0, 1, 1), weights, level),
            "lead": _share(sums, (1, 0, -1), weights, level),
        }
        least, most = (wins + ties) / (n + left), (wins + ties + left) / (n + left)
        counts = (wins, ties, losses, left)
        found.append(
            Rate(
                *(first, second, criterion, *counts),
                **shares,
                bounds=(least, most),
                p_value=sign_test(wins, losses),
            )
        )
    return found


def _weighted(*signs: int):
    """Share of wins, ties and losses that these signs add up; NaN without any."""

    def statistic(totals):
        n = totals.sum(axis=-1)
        return np.divide(
            totals @ np.array(signs, float), n, out=np.full(n.shape, np.nan), where=n > 0
        )

    return statistic


def _share(sums: np.ndarray, signs, weights: np.ndarray, level: float) -> Estimate:
    hits, n = int(sums.sum(axis=0) @ signs), int(sums.sum())
    if n and hits in (0, n) and min(signs) == 0:
        note = "Wilson's interval, since all verdicts count alike"
        return Estimate(hits / n, wilson(hits, n, level), n, note)
    return estimate(sums, _weighted(*signs), weights, n, level=level, undefined=UNSETTLED)
