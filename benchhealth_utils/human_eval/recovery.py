"""Does the analysis find what was planted? Many simulated studies, and a count."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from ..stats import wilson_of_share
from .adjudication import UNIT, settle
from .planted import RATERS, Planted, SimulatedRater
from .ranking import rankings
from .rates import cell_rates
from .simulation import simulate

RATE, STRENGTH = "win+tie rate", "log-strength"


@dataclass(frozen=True)
class Recovery:
    """How one planted quantity was found again.

    Attributes
    ----------
    quantity : str
        ``win+tie rate`` or ``log-strength``.
    criterion, of : str
        ``of`` is a model, or a comparison as ``A against B``.
    planted : float
    mean : float
        Mean of the estimates over studies.
    held : int
        Studies whose 95 % interval holds the planted value.
    studies : int
        Studies that gave an interval.
    without : int
        Studies that gave none; in neither count.
    width : float
        Mean width of the intervals.
    """

    quantity: str
    criterion: str
    of: str
    planted: float
    mean: float
    held: int
    studies: int
    without: int
    width: float


def recover(
    planted: Planted,
    studies: int = 200,
    items: int = 200,
    raters: Sequence[SimulatedRater] = RATERS,
    *,
    settling: Callable[[pd.DataFrame], pd.DataFrame] = settle,
    replicates: int = 1_000,
    seed: int = 0,
) -> list[Recovery]:
    """Simulate studies, settle and analyse each, and count the intervals that hold.

    Parameters
    ----------
    planted : Planted
        With three models or more.
    studies, items : int
    raters : sequence of SimulatedRater
    settling : callable
        Makes final verdicts of votes; `first_rater` in its place shows what the
        intervals are worth where disputes are not settled.
    replicates, seed : int
        Of each study's bootstrap, and of everything drawn.

    Returns
    -------
    list of Recovery
        Every win+tie rate, then every log-strength.
    """
    found = defaultdict(list)
    for study in range(studies):
        final = settling(simulate(planted, items, raters, seed=[seed, study]))
        options = {"replicates": replicates, "seed": study}
        for rate in cell_rates(final, **options):
            of = f"{rate.model_a} against {rate.model_b}"
            found[RATE, rate.criterion, of].append(rate.win_tie)
        for ranking in rankings(final, **options):
            for model in planted.models:
                found[STRENGTH, ranking.criterion, model].append(ranking.strengths.get(model))
    truth = _planted_values(planted)
    return [_counted(name, truth[name], found[name]) for name in truth]


def first_rater(votes: pd.DataFrame) -> pd.DataFrame:
    """Final verdicts without a senior: those of the first rater alone, as `settle` has them."""
    rater = votes.loc[votes["role"] == "rater", "rater"].iloc[0]
    alone = votes[(votes["rater"] == rater) & (votes["kind"] == "pair")]
    return alone[[*UNIT, "outcome"]].assign(path="agreed").reset_index(drop=True)


def _planted_values(planted: Planted) -> dict[tuple[str, str, str], float]:
    values = {}
    for criterion in planted.strengths:
        for a, b in planted.comparisons:
            rate = planted.chances(criterion, a, b)[:2].sum()
            values[RATE, criterion, f"{a} against {b}"] = float(rate)
    for criterion, own in planted.strengths.items():
        middle = np.mean(list(own.values()))
        values |= {(STRENGTH, criterion, model): float(own[model] - middle) for model in own}
    return values


def _counted(name, value, estimates) -> Recovery:
    known = [one for one in estimates if one is not None and one.interval is not None]
    ends = np.array([one.interval for one in known]).reshape(-1, 2)
    held = int(((ends[:, 0] <= value) & (value <= ends[:, 1])).sum())
    mean = float(np.mean([one.value for one in known])) if known else float("nan")
    width = float(np.diff(ends).mean()) if known else float("nan")
    return Recovery(*name, value, mean, held, len(known), len(estimates) - len(known), width)


def coverage(rows: Sequence[Recovery]) -> tuple[float, tuple[float, float], int]:
    """Share of intervals that hold, with Wilson's interval over studies, and their number.

    The intervals of one study are not independent, so the interval of the share
    takes as many trials as there are studies.
    """
    held, given = sum(row.held for row in rows), sum(row.studies for row in rows)
    trials = max(row.studies for row in rows)
    return held / given, wilson_of_share(held / given, trials), given
