"""One study of simulated raters whose every preference is known, to try an analysis on.

The raters are called ``simulated-...``, which the analysis and the guard of the published data go
by. What they show is how an analysis behaves, nothing of any model.
"""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pandas as pd

from ..schema import BenchHealthError
from .sample import CHOICES, is_simulated
from .study import deal

PLANTED = pd.DataFrame(  # log-strengths: a clear order, a slight one, and none
    {
        "faithfulness": {"physician": 0.8, "first-half": 0.2, "other-patient": -1.0},
        "comprehensiveness": {"physician": 1.0, "first-half": -0.2, "other-patient": -0.8},
        "generalizability": {"physician": 0.4, "first-half": 0.0, "other-patient": -0.4},
        "robustness": {"physician": 0.0, "first-half": 0.0, "other-patient": 0.0},
    }
)
RATERS = {"simulated-1": {"guesses": 0.2}, "simulated-2": {"guesses": 0.2}}
HABITS = ("left", "guesses")
SENIOR = "simulated-senior"
MARKS = 0.2  # chance that a card with a verdict given without looking is marked as difficult


def chances(a: str, b: str, strengths=PLANTED) -> pd.DataFrame:
    """Chances of each outcome of `a` against `b`: a row a criterion, columns ``a, tie, b``.

    In Davidson's model, where equal models tie in a third of all cases.
    """
    one, two = strengths.loc[a], strengths.loc[b]
    weights = np.exp(pd.DataFrame({"a": one, "tie": (one + two) / 2, "b": two}))
    return weights.div(weights.sum(axis=1), axis=0)


def simulate(items: int = 200, *, strengths=PLANTED, raters=RATERS, shared=0.5, seed=0) -> tuple:
    """Votes, marks and cards, as a study of people gives them.

    Every rater judges every card, and a senior who does not err those pairs on which they differ
    or that one of them marked as difficult.

    Parameters
    ----------
    items : int
        Questions; each is a card for every two models.
    strengths : DataFrame
        Log-strengths, models by criteria.
    raters : mapping of str to mapping
        How each errs, as shares of the verdicts: ``guesses`` are left, tie or right, each equally
        often, and ``left`` are always that, whatever the replies are.
    shared : float
        Chance that a true verdict follows a draw of the whole question, not one of its own. It
        makes verdicts on one question go together and changes no rate.
    seed : int or sequence of int

    Returns
    -------
    tuple of DataFrame
        As `Study.votes`, `Study.marks` and `Study.unblinded`. A tenth of the pairs come again as
        repeats, a twentieth are checks.
    """
    for rater, habits in raters.items():
        odd = {*habits} - {*HABITS} or min(habits.values(), default=0) < 0
        if not is_simulated([rater]) or odd or sum(habits.values()) > 1:
            raise BenchHealthError(
                f"{rater}: {habits}. Simulated raters are called simulated-1 and so on; their "
                f"habits are {', '.join(HABITS)}: shares, together at most 1."
            )
    rng, names = np.random.default_rng(seed), [f"item-{number}" for number in range(items)]
    pairs = list(combinations(strengths.index, 2))
    ends = np.array([chances(*pair, strengths).cumsum(axis=1) for pair in pairs])[:, None, :, :2]
    shape = len(pairs), items, strengths.shape[1]
    at = np.where(rng.random(shape) < shared, rng.random((1, items, 1)), rng.random(shape))
    true = (at[..., None] >= ends).sum(axis=-1).reshape(-1, shape[2])  # 0 a, 1 tie, 2 b
    cards = deal(names, names, pairs, 0.1, 0.05, rng)
    alike, is_pair = cards["kind"] == "check", cards["kind"] == "pair"
    cards = cards.assign(equal=alike, flags=[()] * len(cards))
    row = pd.Series(range(len(true)), cards["card"][is_pair])
    row = cards["repeat_of"].fillna(cards["card"]).map(row).fillna(0).astype(int)
    true = np.where(alike.to_numpy()[:, None], 1, true[row])
    true = np.where(cards[["a_side"]] == "left", true, 2 - true)  # by the side, not the model

    def sheet(rater, role, verdicts, difficult):
        wide = pd.DataFrame(np.array(CHOICES)[verdicts], columns=strengths.columns)
        return wide.assign(card=cards["card"], rater=rater, role=role, difficult=difficult)

    sheets = []
    for rater, habits in raters.items():
        shares = np.cumsum([habits.get(name, 0) for name in HABITS])
        how, guess = rng.random(true.shape), rng.integers(0, 3, true.shape)
        said = np.select([how < share for share in shares], [0, guess], true)
        hard = (how < shares[-1]).any(axis=1) & (rng.random(len(true)) < MARKS)
        sheets.append(sheet(rater, "rater", said, hard))
    own = pd.concat(sheets).groupby("card")
    due = own[list(strengths)].nunique().gt(1).any(axis=1) | own["difficult"].any()
    sheets.append(sheet(SENIOR, "senior", true, False)[is_pair & cards["card"].map(due)])
    told, about = pd.concat(sheets), ["card", "rater", "role"]
    votes = told.melt(about, list(strengths), "criterion", "verdict")
    return votes, told[[*about, "difficult"]], cards
