"""Votes of simulated raters, to see that the analysis finds what was planted.

They are called ``simulated-...``, which the analysis, the tables and the guard of
the published data go by. What they show is how the analysis behaves, nothing of
any model.
"""

from __future__ import annotations

import atexit
import csv
import re
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from ..schema import BenchHealthError
from .criteria import CHOICES, OUTCOMES
from .estimates import SIMULATED, is_simulated
from .folder import CODES, plain
from .planted import RATERS, TIE, Planted, SimulatedRater


def simulate(
    planted: Planted,
    items: int = 200,
    raters: Sequence[SimulatedRater] = RATERS,
    *,
    comparisons: Sequence[tuple[str, str]] | None = None,
    repeats: float = 0.1,
    checks: float = 0.05,
    seed=0,
) -> pd.DataFrame:
    """Votes of simulated raters, unblinded, as `votes.unblind` gives those of people.

    Every rater judges every card; the senior those on which the others differ, or
    that one of them marked as difficult.

    Parameters
    ----------
    planted : Planted
    items : int
        Questions; each is one card a comparison.
    raters : sequence of SimulatedRater
    comparisons : sequence of pairs of str, optional
        By default every two models.
    repeats, checks : float
        As shares of the pairs; a repeat has its sides swapped.
    seed : int or sequence of int
    """
    rng = np.random.default_rng(seed)
    pairs = list(comparisons or planted.comparisons)
    truths = planted.truths(items, pairs, rng).reshape(items * len(pairs), -1)
    n = len(truths)
    cards = pd.DataFrame({"row": np.arange(n), "kind": "pair", "a_left": rng.random(n) < 0.5})
    again = cards.iloc[rng.choice(n, round(repeats * n), replace=False)]
    again = again.assign(kind="repeat", a_left=~again["a_left"])
    extra = pd.DataFrame({"row": rng.integers(0, n, int(np.ceil(checks * n)))})
    cards = pd.concat([cards, again, extra.assign(kind="check", a_left=True)], ignore_index=True)
    which = cards["row"] % len(pairs)
    is_check = (cards["kind"] == "check").to_numpy()
    known = pd.DataFrame(
        {
            "card": [f"card-{at}" for at in range(len(cards))],
            "item": [f"item-{row}" for row in cards["row"] // len(pairs)],
            "kind": cards["kind"],
            "model_a": [pairs[at][0] for at in which],
            "model_b": [pairs[at][not check] for at, check in zip(which, is_check, strict=True)],
            "a_side": np.where(cards["a_left"], "left", "right"),
        }
    )
    true = np.where(is_check[:, None], TIE, truths[cards["row"]])
    a_left = cards["a_left"].to_numpy()
    found, due, first = [], np.zeros(len(cards), dtype=bool), None
    for rater in sorted(raters, key=lambda rater: rater.role == "senior"):
        outcomes, difficult = rater.verdicts(true, a_left, rng)
        first = outcomes if first is None else first
        kept = np.ones(len(cards), dtype=bool)
        if rater.role == "senior":
            kept = due & (known["kind"] == "pair").to_numpy()
        else:
            due |= difficult | (outcomes != first).any(axis=1)
        found.append(_frame(rater, known[kept], outcomes[kept], difficult[kept], planted))
    return pd.concat(found, ignore_index=True)


def _frame(rater, known, outcomes, difficult, planted) -> pd.DataFrame:
    """One rater's votes, a row a card and criterion."""
    width = len(planted.strengths)
    long = known.loc[known.index.repeat(width)].reset_index(drop=True)
    flat = outcomes.ravel()
    side = np.where(flat == TIE, 1, np.where((flat == 0) == (long["a_side"] == "left"), 0, 2))
    return long.assign(
        rater=rater.name,
        role=rater.role,
        criterion=np.tile(list(planted.strengths), len(known)),
        choice=np.array(CHOICES)[side],
        outcome=np.array(OUTCOMES)[flat],
        difficult=np.repeat(difficult, width),
        comment="",
        at=pd.NaT,
    )


def rate(
    session,
    planted: Planted,
    dialogues: Sequence,
    replies: Mapping[str, Mapping[str, str]],
    rater: SimulatedRater,
    *,
    seed: int = 0,
) -> int:
    """Rate all cards of a session of a real study folder, as a person would on the page.

    The rater knows who wrote a reply by its text, which people do not.

    Parameters
    ----------
    session : Session
        Of a rater whose id begins with ``simulated-``.
    planted : Planted
    dialogues : sequence of Dialogue
    replies : mapping
        Model to dialogue id to reply, as the study was made from.
    rater : SimulatedRater
    seed : int
        With one seed all raters see the same true outcomes.

    Returns
    -------
    int
        Cards rated.

    Raises
    ------
    BenchHealthError
        If the session is that of a person, or a reply is not among these.
    """
    if not is_simulated([session.rater]):
        raise BenchHealthError(
            f"{session.rater} is not a simulated rater: nothing was rated. Simulate in a study "
            f"whose raters are called {SIMULATED}1, {SIMULATED}2 and so on."
        )
    places = {
        (plain(item.question), plain(replies[model][item.id]).strip()): (row, model)
        for row, item in enumerate(dialogues)
        for model in planted.models
    }
    pairs = list(planted.comparisons)
    truths = planted.truths(len(dialogues), pairs, np.random.default_rng(seed))
    rng = np.random.default_rng([seed, *session.rater.encode()])
    for card in session.cards:
        try:
            (row, left), (_, right) = (places[card.question, x] for x in (card.left, card.right))
        except KeyError:
            raise BenchHealthError(
                f"Card {card.id} shows a reply that is not among those given. Pass the dialogues "
                "and replies that the study was made from."
            ) from None
        a_left = (left, right) in pairs
        pair = (left, right) if a_left or left == right else (right, left)
        true = np.full(len(planted.strengths), TIE)
        if card.left != card.right:
            true = truths[row, pairs.index(pair)]
        outcomes, difficult = rater.verdicts(true[None], np.array([a_left]), rng)
        for criterion, outcome in zip(planted.strengths, outcomes[0], strict=True):
            choice = "tie" if outcome == TIE else "left" if (outcome == 0) == a_left else "right"
            session.choose(card.id, criterion, choice)
        if difficult[0]:
            session.mark_difficult(card.id, True)
    return len(session.cards)


def rate_all(
    study,
    planted: Planted,
    dialogues: Sequence,
    replies: Mapping[str, Mapping[str, str]],
    raters: Sequence[SimulatedRater] = RATERS,
    *,
    seed: int = 0,
) -> dict[str, int]:
    """Log every simulated rater in with the code written for handing out, and rate.

    The senior comes last, when it is known what is in dispute. Parameters are those
    of `rate`; returns how many cards each has rated.
    """
    with (study.folder / CODES).open(encoding="utf-8", newline="") as stream:
        codes = {row["rater"]: row["code"] for row in csv.DictReader(stream)}
    rated = {}
    for rater in sorted(raters, key=lambda rater: rater.role == "senior"):
        session = study.log_in(codes[rater.name])
        rated[rater.name] = rate(session, planted, dialogues, replies, rater, seed=seed)
    return rated


def stand_ins(dialogues: Sequence) -> dict[str, dict[str, str]]:
    """Three replies to each question that need no model: they stand where models' will.

    The physician's own answer; the first half of its sentences; and the answer to
    another patient, the next one in the list.
    """
    answers = [item.answer for item in dialogues]
    halves = []
    for answer in answers:
        sentences = re.split(r"(?<=[.!?])\s+", answer)
        halves.append(" ".join(sentences[: (len(sentences) + 1) // 2]))
    texts = {
        "physician": answers,
        "first-half": halves,
        "other-patient": [*answers[1:], answers[0]],
    }
    ids = [item.id for item in dialogues]
    return {name: dict(zip(ids, given, strict=True)) for name, given in texts.items()}


def new_folder() -> Path:
    """A folder for one simulated study; it does not exist yet, and is gone when Python ends."""
    above = Path(tempfile.mkdtemp(prefix="benchhealth-"))
    atexit.register(shutil.rmtree, above, ignore_errors=True)
    return above / "simulated"
