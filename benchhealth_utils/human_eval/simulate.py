"""One study of simulated raters whose every preference is known, to try an analysis on.

The raters are called ``simulated-...``, which the analysis and the guard of the published data go
by. What they show is how an analysis behaves, nothing of any model.
"""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pandas as pd

from ..schema import BenchHealthError
from .analysis import CHOICES, is_simulated

PLANTED = pd.DataFrame(  # log-strengths: a clear order, a slight one, and none
    {
        "faithfulness": {"physician": 0.8, "first-half": 0.2, "other-patient": -1.0},
        "comprehensiveness": {"physician": 1.0, "first-half": -0.2, "other-patient": -0.8},
        "generalizability": {"physician": 0.4, "first-half": 0.0, "other-patient": -0.4},
        "robustness": {"physician": 0.0, "first-half": 0.0, "other-patient": 0.0},
    }
)
RATERS = {"simulated-1": {"guesses": 0.2}, "simulated-2": {"guesses": 0.2}}
HABITS = ("left", "ties", "guesses")
SENIOR = "simulated-senior"
MARKS = 0.2  # chance that a card with a verdict given without looking is marked as difficult


def chances(a: str, b: str, strengths=PLANTED, log_nu: float = 0.0) -> pd.DataFrame:
    """Chances of each outcome of `a` against `b`: a row a criterion, columns ``a, tie, b``.

    In Davidson's model; with ``log_nu`` 0 equal models tie in a third of all cases.
    """
    one, two = strengths.loc[a], strengths.loc[b]
    weights = np.exp(pd.DataFrame({"a": one, "tie": log_nu + (one + two) / 2, "b": two}))
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
        often, and ``left`` and ``ties`` are always that, whatever the replies are.
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
        odd = set(habits) - set(HABITS) or min(habits.values(), default=0) < 0
        if not is_simulated([rater]) or odd or sum(habits.values()) > 1:
            problem = f"{rater}: {habits}. Simulated raters are called simulated-1 and so on; their"
            known = ", ".join(HABITS)
            raise BenchHealthError(f"{problem} habits are {known}: shares, together at most 1.")
    rng = np.random.default_rng(seed)
    pairs = list(combinations(strengths.index, 2))
    ends = np.array([chances(*pair, strengths).cumsum(axis=1) for pair in pairs])[..., :2]
    shape = items, len(pairs), strengths.shape[1]
    at = np.where(rng.random(shape) < shared, rng.random((items, 1, 1)), rng.random(shape))
    true = (at[..., None] >= ends).sum(axis=-1).reshape(-1, shape[2])  # 0 a, 1 tie, 2 b
    first = pd.DataFrame({"row": np.arange(len(true)), "kind": "pair"})
    first["a_side"] = rng.choice(["left", "right"], len(first))
    again = first.sample(round(0.1 * len(first)), random_state=rng).assign(kind="repeat")
    again["a_side"] = again["a_side"].map({"left": "right", "right": "left"})
    same = first.sample(round(0.05 * len(first)), random_state=rng).assign(kind="check")
    cards = pd.concat([first, again, same.assign(a_side="left")], ignore_index=True)
    row, alike = cards.pop("row").to_numpy(), cards["kind"].eq("check").to_numpy()
    a, b = np.array(pairs)[row % len(pairs)].T
    cards["card"] = "card-" + cards.index.astype(str)
    cards["item"] = [f"item-{number}" for number in row // len(pairs)]
    cards = cards.assign(model_a=a, model_b=np.where(alike, a, b), equal=alike)
    cards["flags"] = [()] * len(cards)
    true = np.where(alike[:, None], 1, true[row])
    true = np.where(cards[["a_side"]] == "left", true, 2 - true)  # by the side, not the model
    said, marked = {}, {}
    for rater, habits in raters.items():
        shares = np.cumsum([habits.get(name, 0) for name in HABITS])
        how, guess = rng.random(true.shape), rng.integers(0, 3, true.shape)
        said[rater] = np.select([how < share for share in shares], [0, 1, guess], true)
        marked[rater] = (how < shares[-1]).any(axis=1) & (rng.random(len(true)) < MARKS)
    every = np.array([*said.values()])
    due = (every != every[0]).any(axis=(0, 2)) | np.any([*marked.values()], axis=0)
    said[SENIOR], marked[SENIOR] = true, np.zeros(len(true), dtype=bool)
    votes, marks = [], []
    for rater, verdicts in said.items():
        role = "senior" if rater == SENIOR else "rater"
        own = due & cards["kind"].eq("pair") if rater == SENIOR else due | True
        wide = pd.DataFrame(np.array(CHOICES)[verdicts], columns=strengths.columns)
        about = cards[["card"]].assign(rater=rater, role=role, difficult=marked[rater])
        marks.append(about[own])
        votes.append(about.drop(columns="difficult").join(wide)[own])
    long = pd.concat(votes).melt(["card", "rater", "role"], None, "criterion", "verdict")
    return long, pd.concat(marks), cards
