"""How far a judge agrees with what people settled; their votes are never put together."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from ..stats import LEVEL
from .estimates import Estimate, check_frame, check_votes, item_weights
from .judge import ORDERS, PATHS
from .reliability import agreement, alpha, kappa, same_share
from .votes import VOTES, unblind


@dataclass(frozen=True)
class JudgeAgreement:
    """A judge beside the final verdicts of people, on one criterion.

    Attributes
    ----------
    criterion : str
    cards : int
        Pairs that people have settled and that the judge was asked about.
    paths : dict
        How many of them are ``same``, ``changed`` and ``abstained``; all figures below
        are over the first.
    first, second : int
        Changed verdicts for the reply shown first, and second, in both orders.
    same : Estimate
        Share equal to the verdict of people.
    kappa, alpha : Estimate
        Cohen's kappa and ordinal Krippendorff's alpha of judge and people.
    people : Estimate
        Ordinal alpha of the raters among themselves, before adjudication.
    """

    criterion: str
    cards: int
    paths: dict[str, int]
    first: int
    second: int
    same: Estimate
    kappa: Estimate
    alpha: Estimate
    people: Estimate


def judge_agreement(
    judged: pd.DataFrame,
    votes: pd.DataFrame,
    final: pd.DataFrame,
    folder: str | Path,
    *,
    key: str | Path | None = None,
    replicates: int = 10_000,
    seed: int = 0,
    level: float = LEVEL,
) -> list[JudgeAgreement]:
    """How far a judge agrees with people, on each criterion.

    Parameters
    ----------
    judged : pandas.DataFrame
        As from `judge_cards`.
    votes, final : pandas.DataFrame
        Unblinded votes of people, and what `settle` made of them.
    folder, key : path-like
        The study, and the key file if it is kept elsewhere.
    replicates, seed : int
        Of the bootstrap over items.

    Raises
    ------
    BenchHealthError
        If the votes are not of people alone.
    """
    check_votes(votes)
    check_frame(judged, ["role", *ORDERS, "choice", "path"], "verdicts of the judge")
    told = unblind(judged.reindex(columns=VOTES), folder, key=key)
    own = judged.join(told[["item", "kind", "model_a", "model_b", "a_side"]])
    unit = ["item", "model_a", "model_b", "criterion"]
    settled = final[[*unit, "outcome"]].dropna()
    both = own[own["kind"] == "pair"].merge(settled, on=unit)
    check_frame(both, [], "final verdicts on cards of the judge")
    a_wins = both["outcome"] == "a"
    side = np.where(a_wins == (both["a_side"] == "left"), "left", "right")
    both["people"] = np.where(both["outcome"] == "tie", "tie", side)
    options = {"replicates": replicates, "seed": seed, "level": level}
    among = {row.criterion: row.alphas["ordinal"] for row in agreement(votes, **options)}
    items = pd.unique(both["item"])
    weights = item_weights(len(items), replicates, seed)
    return [
        _agreement(criterion, group.set_index("card"), items, weights, level, among[criterion])
        for criterion, group in both.groupby("criterion", sort=False)
    ]


def _agreement(criterion, group, items, weights, level, among) -> JudgeAgreement:
    changed = group[group["path"] == "changed"]
    paths = group["path"].value_counts()
    decided = group[group["choice"].notna()]
    table = decided[["choice", "people"]].rename(columns={"choice": "the judge"})
    place = (decided["item"], items, weights)
    none = Estimate(None, None, 0, "no verdict is the same in both orders")
    return JudgeAgreement(
        criterion,
        len(group),
        {name: int(paths.get(name, 0)) for name in PATHS},
        int(((changed["shown"] == "left") & (changed["swapped"] == "right")).sum()),
        int(((changed["shown"] == "right") & (changed["swapped"] == "left")).sum()),
        same_share(table, *place, level) if len(decided) else none,
        kappa(table["the judge"], table["people"], *place, level) if len(decided) else none,
        alpha(table, *place, "ordinal", level) if len(decided) else none,
        among,
    )
