"""Each rater alone: repeats, attention checks, and a liking for one side."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from scipy.stats import binomtest

from ..stats import LEVEL, Interval, group_sums, holm, wilson
from .estimates import Estimate, check_votes, estimate, item_weights

PAIR = ["item", "model_a", "model_b", "criterion"]


@dataclass(frozen=True)
class Side:
    """How often a rater's cards leaned left.

    A card leans to the side that was better on more criteria; ``even`` ones lean
    nowhere. ``share`` is left / (left + right), with Clopper and Pearson's exact
    95 % interval; `p_value` is that of an even chance, `p_adjusted` after Holm's
    correction over raters. All three are None without a card that leans.
    """

    left: int
    right: int
    even: int
    share: float | None
    interval: Interval
    p_value: float | None
    p_adjusted: float | None = None


@dataclass(frozen=True)
class Rater:
    """What the votes say of one rater.

    Attributes
    ----------
    name, role : str
    cards : int
        Pairs rated, without repeats and checks.
    difficult : int
        Of these, how many were marked as difficult.
    kept : Estimate
        Share of verdicts on repeated cards that stayed the same model's, or a
        tie, though the sides were swapped; interval over items.
    repeats : mapping of str to int
        These verdicts: ``kept``, ``softened`` (to a tie or from one), ``reversed``.
    attention : Estimate
        Share of verdicts on identical replies that were a tie; interval over items.
    side : Side
        Over pairs, not over repeats, whose sides are swapped on purpose.
    """

    name: str
    role: str
    cards: int
    difficult: int
    kept: Estimate
    repeats: Mapping[str, int]
    attention: Estimate
    side: Side


def each_rater(
    votes: pd.DataFrame, *, replicates: int = 10_000, seed: int = 0, level: float = LEVEL
) -> list[Rater]:
    """Repeats, attention checks and position bias of each rater, in order of name.

    The senior is among them, though adjudicated cards are a choice of hard ones.

    Parameters
    ----------
    votes : pandas.DataFrame
        Unblinded votes.
    replicates, seed : int
        Of the bootstrap.

    Raises
    ------
    BenchHealthError
        As in `estimates.check_votes`.
    """
    check_votes(votes)
    options = {"replicates": replicates, "seed": seed, "level": level}
    found = []
    for (name, role), own in votes.groupby(["rater", "role"]):
        pairs = own[own["kind"] == "pair"]
        moves = repeated(own)
        counts = {move: int((moves["move"] == move).sum()) for move in ("kept", *_CHANGED)}
        checks = own[own["kind"] == "check"]
        found.append(
            Rater(
                name,
                role,
                pairs["card"].nunique(),
                int(pairs.groupby("card")["difficult"].any().sum()),
                share_over_items(moves["item"], moves["move"] == "kept", **options),
                counts,
                share_over_items(checks["item"], checks["choice"] == "tie", **options),
                side(pairs, level),
            )
        )
    tested = [rater for rater in found if rater.side.p_value is not None]
    adjusted = iter(holm([rater.side.p_value for rater in tested]))
    return [
        replace(rater, side=replace(rater.side, p_adjusted=next(adjusted)))
        if rater.side.p_value is not None
        else rater
        for rater in found
    ]


_CHANGED = ("softened", "reversed")


def repeated(votes: pd.DataFrame) -> pd.DataFrame:
    """Verdicts of one rater that were asked twice, and how each moved.

    Outcomes are compared, which name models, so that swapped sides are undone.
    Columns ``item, model_a, model_b, criterion, first, again, move``, with a move
    ``kept``, ``softened`` (to a tie or from one) or ``reversed``.
    """
    first, again = votes[votes["kind"] == "pair"], votes[votes["kind"] == "repeat"]
    both = first[[*PAIR, "outcome"]].merge(again[[*PAIR, "outcome"]], on=PAIR)
    both = both.rename(columns={"outcome_x": "first", "outcome_y": "again"})
    tied = (both["first"] == "tie") | (both["again"] == "tie")
    moved = np.where(tied, *_CHANGED)
    return both.assign(move=np.where(both["first"] == both["again"], "kept", moved))


def share_over_items(
    items: pd.Series,
    hits: pd.Series,
    *,
    replicates: int = 10_000,
    seed: int = 0,
    level: float = LEVEL,
) -> Estimate:
    """Share of hits, with a bootstrap interval over items; ``n`` counts verdicts.

    Where all verdicts count alike the bootstrap has no spread; the interval is
    then Wilson's with items for trials, since verdicts on one are not independent.
    """
    n, names = len(items), pd.unique(items)
    if not n:
        return Estimate(None, None, 0, "none were given")
    rows = np.stack([hits, np.ones(n)], axis=1)
    if hits.all() or not hits.any():
        count = len(names) * int(hits.all())
        note = "Wilson's interval over items, since all verdicts count alike"
        return Estimate(float(hits.all()), wilson(count, len(names), level), n, note)
    weights = item_weights(len(names), replicates, seed)
    sums = group_sums(rows, items, names)
    return estimate(sums, lambda totals: totals[..., 0] / totals[..., 1], weights, n, level=level)


def side(pairs: pd.DataFrame, level: float = LEVEL) -> Side:
    """Whether one rater's cards lean to a side more often than sides drawn at random do."""
    signs = pairs["choice"].map({"left": 1, "tie": 0, "right": -1})
    lean = np.sign(signs.groupby(pairs["card"]).sum())
    left, right, even = (int((lean == sign).sum()) for sign in (1, -1, 0))
    if left + right == 0:
        return Side(left, right, even, None, None, None)
    test = binomtest(left, left + right)
    ends = test.proportion_ci(level, method="exact")
    interval = (float(ends.low), float(ends.high))
    return Side(left, right, even, float(test.statistic), interval, float(test.pvalue))
