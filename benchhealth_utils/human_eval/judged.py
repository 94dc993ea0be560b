"""How far a judge agrees with people; their votes are never put together.

A judge is held to what raters are held to: its verdicts are compared with those of
each single rater, and the raters' with each other's, on the same cards, before
adjudication. A settled verdict has fewer errors than a rater's, so an agreement
with it is higher, and may not be set beside that of raters.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path

import numpy as np
import pandas as pd

from ..stats import LEVEL
from .adjudication import UNIT
from .criteria import CRITERIA
from .estimates import Estimate, check_frame, check_votes, is_simulated, item_weights
from .judge import ORDERS, PATHS
from .raters import share_over_items
from .reliability import alpha
from .study import open_study
from .votes import VOTES, unblind

JUDGE = "the judge"
UNDECIDED = "no verdict is the same in both orders"


@dataclass(frozen=True)
class JudgeAgreement:
    """A judge beside people, on one criterion.

    Attributes
    ----------
    criterion : str
    cards : int
        Pairs that the judge was asked about and that every rater has judged.
    paths : dict
        How many of them are ``same``, ``changed`` and ``abstained``.
    first, second : int
        Changed verdicts for the reply shown first, and second, in both orders.
    with_raters : mapping of str to Estimate
        Ordinal Krippendorff's alpha of the judge and each rater, before adjudication,
        over the cards on which the judge said the same in both orders.
    among_raters : mapping of pair of str to Estimate
        That of each two raters, over the same cards.
    same : Estimate
        Share of these cards, if settled, on which the judge gave the final verdict.
    same_of_all : Estimate
        The same over all settled cards: a verdict that changed with the order, or
        was not stated, is not the final one.
    compared : bool
        Whether the judge is one of the models that it judges.
    simulated, synthetic : bool
        Whether the raters were simulated, and whether the questions are made up.
    """

    criterion: str
    cards: int
    paths: dict[str, int]
    first: int
    second: int
    with_raters: Mapping[str, Estimate]
    among_raters: Mapping[tuple[str, str], Estimate]
    same: Estimate
    same_of_all: Estimate
    compared: bool
    simulated: bool
    synthetic: bool


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
        If the votes are not of people alone, or no card was judged by all.
    """
    check_votes(votes)
    check_frame(judged, ["rater", "role", *ORDERS, "choice", "path"], "verdicts of the judge")
    told = unblind(judged.reindex(columns=VOTES), folder, key=key)
    own = judged.join(told[["item", "kind", "model_a", "model_b", "a_side"]])
    own = own[own["kind"] == "pair"].set_index(["card", "criterion"])
    first = votes[(votes["kind"] == "pair") & (votes["role"] == "rater")]
    people = first.pivot(index=["card", "criterion"], columns="rater", values="choice").dropna()
    both = own.join(people, how="inner").reset_index()
    check_frame(both, [], "cards that the judge and all raters have judged")
    both["final"] = _sides(both.merge(final[[*UNIT, "outcome"]], on=UNIT, how="left"))
    about = {
        "compared": bool(set(judged["rater"]) & {*votes["model_a"], *votes["model_b"]}),
        "simulated": is_simulated(people.columns),
        "synthetic": open_study(folder).synthetic,
    }
    options = {"replicates": replicates, "seed": seed, "level": level}
    return [
        _agreement(criterion, group, sorted(people.columns), about, options)
        for criterion in CRITERIA
        if len(group := both[both["criterion"] == criterion].set_index("card"))
    ]


def _sides(frame: pd.DataFrame) -> np.ndarray:
    """Final verdicts by the card's sides; missing where they are open."""
    a_left, outcome = frame["a_side"] == "left", frame["outcome"]
    winner = np.where((outcome == "a") == a_left, "left", "right")
    return np.where(outcome.isna(), None, np.where(outcome == "tie", "tie", winner))


def _agreement(criterion, group, raters, about, options) -> JudgeAgreement:
    changed, paths = group[group["path"] == "changed"], group["path"].value_counts()
    decided = group[group["choice"].notna()]
    settled = group[group["final"].notna()]
    items = pd.unique(decided["item"])
    weights = item_weights(max(len(items), 1), options["replicates"], options["seed"])
    table = decided.rename(columns={"choice": JUDGE})

    def pair(one: str, two: str) -> Estimate:
        if not len(decided):
            return Estimate(None, None, 0, UNDECIDED)
        place = decided["item"], items, weights
        return alpha(table[[one, two]], *place, "ordinal", options["level"])

    def share(cards: pd.DataFrame, none: str) -> Estimate:
        if not len(cards):
            return Estimate(None, None, 0, none)
        return share_over_items(cards["item"], cards["choice"] == cards["final"], **options)

    return JudgeAgreement(
        criterion,
        len(group),
        {name: int(paths.get(name, 0)) for name in PATHS},
        int(((changed["shown"] == "left") & (changed["swapped"] == "right")).sum()),
        int(((changed["shown"] == "right") & (changed["swapped"] == "left")).sum()),
        {rater: pair(JUDGE, rater) for rater in raters},
        {two: pair(*two) for two in combinations(raters, 2)},
        share(settled[settled["choice"].notna()], UNDECIDED if len(settled) else "none is settled"),
        share(settled, "none is settled"),
        **about,
    )
