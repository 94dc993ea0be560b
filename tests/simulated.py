"""Raters whose preferences are known, as frames that an analysis takes."""

from itertools import combinations

import numpy as np
import pandas as pd

from benchhealth_utils.human_eval.analysis import CHOICES, UNIT
from benchhealth_utils.human_eval.study import deal

PLANTED = pd.DataFrame(  # log-strengths: a clear order, a slight one, and none
    {
        "faithfulness": [0.8, 0.2, -1.0],
        "comprehensiveness": [1.0, -0.2, -0.8],
        "generalizability": [0.4, 0.0, -0.4],
        "robustness": [0.0, 0.0, 0.0],
    },
    index=["x", "y", "z"],
)


def chances(a, b):
    """Of each outcome in Davidson's model, where equal models tie in a third of all cases."""
    one, two = PLANTED.loc[a], PLANTED.loc[b]
    weights = np.exp(pd.DataFrame({"a": one, "tie": (one + two) / 2, "b": two}))
    return weights.div(weights.sum(axis=1), axis=0).rename_axis("criterion")


def simulate(items, guesses=(0.2, 0.2), seed=0):
    """Votes, marks and cards of two raters who guess some verdicts, and a senior who does not.

    Half of the true verdicts on a question follow one draw of the whole question.
    """
    rng, names = np.random.default_rng(seed), [f"item-{number}" for number in range(items)]
    pairs = list(combinations(PLANTED.index, 2))
    cards = deal(names, names, pairs, 0.1, 0.05, rng)
    cards = cards.assign(equal=cards["kind"] == "check", flags=[()] * len(cards))
    odds = pd.concat({pair: chances(*pair) for pair in pairs}, names=UNIT[1:3]).reset_index()
    whole = cards.merge(pd.Series(PLANTED.columns, name="criterion"), "cross")
    true = whole[whole["kind"] == "pair"].merge(odds)
    of_item = rng.random(items)[pd.factorize(true["item"])[0]]
    drawn = np.where(rng.random(len(true)) < 0.5, of_item, rng.random(len(true)))
    ways = [drawn < true["a"], drawn < true["a"] + true["tie"]]
    true["outcome"] = np.select(ways, ["a", "tie"], "b")
    whole = whole.merge(true[[*UNIT, "outcome"]], "left", UNIT)
    whole["outcome"] = whole["outcome"].mask(whole["equal"], "tie")
    left = (whole["outcome"] == "a") == (whole["a_side"] == "left")
    verdict = np.select([whole["outcome"] == "tie", left], ["tie", "left"], "right")
    whole = whole.assign(verdict=verdict, role="rater")
    sheets = []
    for number, share in enumerate(guesses, 1):
        guessed, guess = rng.random(len(whole)) < share, rng.choice(CHOICES, len(whole))
        said = whole["verdict"].mask(guessed, guess)
        sheets.append(whole.assign(rater=f"simulated-{number}", verdict=said, guessed=guessed))
    votes = pd.concat(sheets)
    marks = votes.groupby(["card", "rater", "role"])["guessed"].any()
    marks = (marks & (rng.random(len(marks)) < 0.2)).rename("difficult").reset_index()
    differ = votes.groupby(["card", "criterion"])["verdict"].nunique() > 1
    due = {*differ[differ].reset_index()["card"]} | {*marks["card"][marks["difficult"]]}
    senior = whole[whole["card"].isin(due) & (whole["kind"] == "pair")]
    votes = pd.concat([votes, senior.assign(rater="simulated-senior", role="senior")])
    return votes[["card", "criterion", "rater", "role", "verdict"]], marks, cards
