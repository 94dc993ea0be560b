"""How far the raters agree with each other, before anyone settles their differences.

What is compared is what a rater chose: left, tie or right. Raters are blind, so
chance agreement has to follow from how often they choose a side, not from how
often a model wins. Two coefficients: Cohen's kappa for each pair of raters, in
which any two different choices are equally far apart, and Krippendorff's alpha
for all raters together. Alpha is given twice: ordinal, since left against right
is a worse disagreement than left against tie, which is the one to quote; and
nominal, to be held beside kappa.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import pandas as pd

from ..stats import LEVEL, group_sums
from .criteria import CHOICES
from .estimates import Estimate, check_frame, check_votes, estimate, item_weights

LEVELS = ("ordinal", "nominal")


@dataclass(frozen=True)
class Reliability:
    """Agreement of raters on one criterion.

    ``same`` is the share of pairs of verdicts on one card that are equal,
    ``kappas`` Cohen's kappa of each pair of raters, ``alphas`` Krippendorff's
    alpha as ``ordinal`` and ``nominal``.
    """

    criterion: str
    raters: tuple[str, ...]
    same: Estimate
    kappas: Mapping[tuple[str, str], Estimate]
    alphas: Mapping[str, Estimate]


def agreement(
    votes: pd.DataFrame, *, replicates: int = 10_000, seed: int = 0, level: float = LEVEL
) -> list[Reliability]:
    """Agreement of the raters on each criterion, in order of appearance.

    Only first verdicts of raters count: no repeats, no attention checks, and not
    the senior, who may have seen what others chose. Intervals draw items.

    Parameters
    ----------
    votes : pandas.DataFrame
        Unblinded votes, with ``rater, role, card, criterion, choice, item, kind``.
    replicates, seed : int
        Of the bootstrap.

    Raises
    ------
    BenchHealthError
        If a column is missing, or votes of a judge or of simulated raters are
        mixed with those of people.
    """
    check_votes(votes)
    first = votes[(votes["kind"] == "pair") & (votes["role"] == "rater")]
    check_frame(first, (), "votes of raters on pairs")
    items = pd.unique(first["item"])
    weights = item_weights(len(items), replicates, seed)
    found = []
    for criterion, group in first.groupby("criterion", sort=False):
        table = choice_table(group)
        place = group.groupby("card", sort=False)["item"].first().loc[table.index]
        found.append(
            Reliability(
                criterion,
                tuple(table.columns),
                same_share(table, place, items, weights, level),
                {
                    pair: kappa(*(table[rater] for rater in pair), place, items, weights, level)
                    for pair in combinations(table.columns, 2)
                },
                {name: alpha(table, place, items, weights, name, level) for name in LEVELS},
            )
        )
    return found


def choice_table(votes: pd.DataFrame) -> pd.DataFrame:
    """Choices of one criterion: a row a card, a column a rater; missing is missing."""
    wide = votes.pivot(index="card", columns="rater", values="choice")
    return wide.loc[pd.unique(votes["card"]), sorted(wide.columns)]


def kappa(
    one: pd.Series, two: pd.Series, place: pd.Series, items, weights, level: float = LEVEL
) -> Estimate:
    """Cohen's kappa of two raters over the cards that both rated.

    Not defined where a rater made one choice throughout: the formula then gives
    0, or 0 / 0, whatever the other did.

    Parameters
    ----------
    one, two : pandas.Series
        Choices by card.
    place : pandas.Series
        The item of each card.
    items : sequence
        All items, in the order of the columns of `weights`.
    weights : ndarray, shape (replicates, items)

    References
    ----------
    Cohen J. Educ Psychol Meas 1960;20:37-46.
    """
    from sklearn.metrics import cohen_kappa_score

    both = one.notna() & two.notna()
    one, two, n = one[both], two[both], int(both.sum())
    if not n:
        return Estimate(None, None, 0, "not defined: no card in common")
    for column in (one, two):
        if column.nunique() == 1:
            note = f"not defined: {column.name} always chose {column.iloc[0]}"
            return Estimate(None, None, n, note)
    value = float(cohen_kappa_score(one, two, labels=list(CHOICES)))
    cells = _one_hot(one)[:, :, None] * _one_hot(two)[:, None, :]
    sums = group_sums(cells.reshape(n, 9), place[one.index], items)
    return estimate(sums, kappa_of_counts, weights, n, value=value, level=level)


def kappa_of_counts(totals: np.ndarray) -> np.ndarray:
    """Cohen's kappa of tables of counts, shape (..., 9); NaN if a rater never varied.

    scikit-learn takes one table at a time, and a bootstrap has thousands.
    """
    table = totals.reshape(*totals.shape[:-1], 3, 3)
    n = table.sum(axis=(-1, -2))
    one, two = table.sum(axis=-1), table.sum(axis=-2)
    varied = (one.max(axis=-1) < n) & (two.max(axis=-1) < n)
    seen, chance = n * np.trace(table, axis1=-2, axis2=-1), (one * two).sum(axis=-1)
    return _divided(seen - chance, n**2 - chance, varied)


def alpha(
    table: pd.DataFrame, place: pd.Series, items, weights, scale: str, level: float = LEVEL
) -> Estimate:
    """Krippendorff's alpha of all raters; cards that one rater rated count for nothing.

    Not defined without a card that two rated, or where all chose the same.

    Parameters
    ----------
    table : pandas.DataFrame
        As `choice_table` gives it.
    place, items, weights
        As in `kappa`.
    scale : {"ordinal", "nominal"}

    References
    ----------
    Krippendorff K. Content Analysis, 2nd ed. Sage 2004, ch. 11.
    """
    import krippendorff

    counts = np.stack([(table == choice).sum(axis=1) for choice in CHOICES], axis=1)
    pairable = counts.sum(axis=1) > 1
    counts, cards = counts[pairable], table.index[pairable]
    if not len(counts):
        return Estimate(None, None, 0, "not defined: no card that two raters rated")
    if (counts.sum(axis=0) > 0).sum() == 1:
        chosen = CHOICES[int(counts.sum(axis=0).argmax())]
        return Estimate(None, None, len(counts), f"not defined: all chose {chosen}")
    value = krippendorff.alpha(
        value_counts=counts, value_domain=[0, 1, 2], level_of_measurement=scale
    )
    sums = group_sums(_coincidences(counts), place[cards], items)

    def statistic(totals):
        return alpha_of_coincidences(totals, scale)

    return estimate(sums, statistic, weights, len(counts), value=float(value), level=level)


def alpha_of_coincidences(totals: np.ndarray, scale: str) -> np.ndarray:
    """Krippendorff's alpha of coincidence matrices, shape (..., 9); NaN if all chose alike."""
    seen = totals.reshape(*totals.shape[:-1], 3, 3)
    values = seen.sum(axis=-1)
    n = values.sum(axis=-1)
    outer = values[..., :, None] * values[..., None, :]
    by_chance = outer - values[..., None] * np.eye(3)
    apart = np.broadcast_to(1.0 - np.eye(3), seen.shape)
    if scale == "ordinal":
        rank = np.cumsum(values, axis=-1) - values / 2  # the mean rank of each choice
        apart = (rank[..., :, None] - rank[..., None, :]) ** 2
    observed = (seen * apart).sum(axis=(-1, -2)) * (n - 1)
    expected = (by_chance * apart).sum(axis=(-1, -2))
    return 1 - _divided(observed, expected, expected > 0)


def _coincidences(counts: np.ndarray) -> np.ndarray:
    """Pairs of choices on each card, each card weighing as many as it has ratings."""
    pairs = counts[:, :, None] * counts[:, None, :] - counts[:, :, None] * np.eye(3)
    return (pairs / (counts.sum(axis=1) - 1)[:, None, None]).reshape(len(counts), 9)


def same_share(table, place, items, weights, level) -> Estimate:
    """Share of pairs of verdicts on one card that are equal."""
    counts = np.stack([(table == choice).sum(axis=1) for choice in CHOICES], axis=1)
    given = counts.sum(axis=1)
    rows = np.stack([(counts * (counts - 1)).sum(axis=1), given * (given - 1)], axis=1) / 2
    n = int((given > 1).sum())
    if not n:
        return Estimate(None, None, 0, "not defined: no card that two raters rated")

    def statistic(totals):
        return _divided(totals[..., 0], totals[..., 1], totals[..., 1] > 0)

    return estimate(group_sums(rows, place[table.index], items), statistic, weights, n, level=level)


def _one_hot(choices: pd.Series) -> np.ndarray:
    return np.stack([choices == choice for choice in CHOICES], axis=1).astype(float)


def _divided(above: np.ndarray, below: np.ndarray, where: np.ndarray) -> np.ndarray:
    where = where & (below != 0)
    return np.divide(above, below, out=np.full(np.shape(below), np.nan), where=where)
