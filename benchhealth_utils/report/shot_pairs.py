"""What the test of a gain is of: the same items, with exemplars and without."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.linalg import block_diag

from ..evaluation import Evaluation
from ..tasks import sufficient


@dataclass(frozen=True)
class Pairs:
    """Sufficient statistics with exemplars and without, on the same items.

    ``few`` and ``zero`` have shape (items, quantities); ``groups`` names the unit
    of resampling of each item.
    """

    few: np.ndarray
    zero: np.ndarray
    statistic: Callable[[np.ndarray], np.ndarray]
    groups: Sequence[str]


def side_by_side(repeats: Sequence[Evaluation]) -> tuple[np.ndarray, Callable]:
    """Sums of all repeats in one row an item, and the mean of their statistics."""
    gold = [example.gold for example in repeats[0].examples]
    found = [sufficient(run.dataset, gold, run.readings) for run in repeats]
    statistic = found[0][1]
    if len(found) == 1:
        return found[0]

    def mean_over_seeds(totals):
        apart = totals.reshape(*totals.shape[:-1], len(found), -1)
        return statistic(apart).mean(axis=-1)

    return np.hstack([sums for sums, _ in found]), mean_over_seeds


def together(parts: Mapping[str, Pairs]) -> Pairs:
    """All data sets' items in one matrix, and the mean of the sets' statistics."""
    edges = np.cumsum([part.few.shape[1] for part in parts.values()])[:-1]

    def mean_over_sets(totals):
        each = zip(parts.values(), np.split(totals, edges, axis=-1), strict=True)
        return np.mean([part.statistic(own_totals) for part, own_totals in each], axis=0)

    return Pairs(
        few=block_diag(*(part.few for part in parts.values())),
        zero=block_diag(*(part.zero for part in parts.values())),
        statistic=mean_over_sets,
        groups=[f"{key} {group}" for key, part in parts.items() for group in part.groups],
    )
