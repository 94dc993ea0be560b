"""A language model as a judge: the same blinded cards, in both orders, kept apart from people.

Models are known to favour a place, so a verdict counts only where both orders give the same;
one that turns with the order is not a tie. Answers are kept in the store that is named, never
among the ratings, and the analysis of ratings refuses them.
"""

from __future__ import annotations

import re
from itertools import combinations, product

import numpy as np
import pandas as pd

from ..guard import check_may_send
from ..models import BUDGET, open_model
from ..replies import own_words
from . import sample
from .analysis import CHOICES, PAIR, UNIT, agreement, share

WORDS = sample.WORDS["judge"]
ORDERS = ("shown", "swapped")
SWAPPED = {"left": "right", "tie": "tie", "right": "left"}


def judge(cards, criteria, model, *, budget=BUDGET, **options) -> pd.DataFrame:
    """Have a model judge cards in both orders. What was answered before is not asked again.

    Parameters
    ----------
    cards : DataFrame
        A study's `cards()`; neither its key nor its votes are needed.
    criteria : mapping of str to str
        Key to definition.
    model : str or backend
    budget : float, optional
        Dollars that a model behind an API may cost, if it is given by its name.
    options
        ``store``, a folder for the answers, and ``progress``, as for `answers.ask`.

    Returns
    -------
    DataFrame
        ``card, criterion, rater`` (the model), ``role`` (``judge``); ``shown`` and ``swapped``,
        the verdict in each order by the card's own sides, or missing; ``path``: ``same`` in both,
        ``first`` or ``second`` (for the reply in that place, whichever it was), ``changed``
        otherwise, ``abstained`` (one is not stated); ``verdict``, where it is the same.

    Raises
    ------
    ModelError
        For a baseline, which reads no replies, or if an answer is an error.
    BenchHealthError
        For a model behind an API, unless its endpoint is declared to retain nothing.
    """
    if isinstance(model, str):
        sample.check_writes(model)
        model = open_model(model, budget=budget)
    check_may_send(model, "cards")  # patients' questions go to no remote judge unasked
    each = product(cards.itertuples(), ORDERS)
    asked = [(f"{card.card}-{order}", prompt(card, criteria, order), "") for card, order in each]
    answers = sample.ask(model, "cards", WORDS["max_tokens"], asked, **options)
    said = [read_verdicts(x.text if x.status == "ok" else "", criteria) for x in answers]
    rows = [
        (card, key, shown[key], SWAPPED.get(swapped[key]))
        for card, shown, swapped in zip(cards["card"], said[::2], said[1::2], strict=True)
        for key in criteria
    ]
    found = pd.DataFrame(rows, columns=["card", "criterion", *ORDERS], dtype=object)
    one, two = found["shown"], found["swapped"]
    ways = [one.isna() | two.isna(), one == two]
    ways += [(one == side) & (two == SWAPPED[side]) for side in ("left", "right")]
    path = np.select(ways, ["abstained", "same", "first", "second"], "changed")
    found = found.assign(rater=model.name, role="judge", path=path)
    return found.assign(verdict=one.where(path == "same", None))


def prompt(card, criteria, order: str = "shown") -> str:
    """What the judge is asked about a card, in one of the two orders."""
    left, right = (card.left, card.right) if order == "shown" else (card.right, card.left)
    asked = "\n".join(f"{key}: {definition}" for key, definition in criteria.items())
    lines = "\n".join(f"{key}: left, tie or right" for key in criteria)
    about = {"question": card.question, "left": left, "right": right}
    return WORDS["prompt"].format(**about, criteria=asked, lines=lines)


def read_verdicts(text: str, criteria) -> dict[str, str | None]:
    """The verdict on each criterion, None where none is stated.

    A verdict is a criterion, a colon (or the next cell of a table), and one of left, tie and
    right, with nothing after it but a reason in brackets or the next criterion. Nothing is guessed
    from other words; two that differ are none.

    Examples
    --------
    >>> read_verdicts("**Robustness:** Left\\nfaithfulness: both", ["robustness", "faithfulness"])
    {'robustness': 'left', 'faithfulness': None}
    """
    own, found = own_words(text) or "", {}
    keys = "|".join(map(re.escape, criteria))
    after = rf"[^\w\n(,;|]*(?=$|\||\((?!or\b)|[,;]\W*(?:\d+\W+)?(?:{keys})\W)"
    for criterion in criteria:
        before = rf"(?:^|[,;|])[^\w\n]*(?:\d+[.):][^\w\n]*)?{re.escape(criterion)}[^\w\n]*[:|]"
        pattern = rf"{before}[^\w\n]*\b({'|'.join(CHOICES)})\b{after}"
        stated = {choice.lower() for choice in re.findall(pattern, own, re.I | re.M)}
        found[criterion] = stated.pop() if len(stated) == 1 else None
    return found


def beside(judged, told, final, *, replicates: int = 10_000, seed: int = 0) -> pd.DataFrame:
    """How far a judge agrees with people, on the terms on which they agree with each other.

    Over pairs that every rater has judged. A settled verdict has fewer errors than a rater's, so
    agreement with it is higher and may not be set beside that of raters.

    Parameters
    ----------
    judged : DataFrame
        As from `judge`.
    told, final : DataFrame
        People's votes from `unblind`, and what `settle` made of them.

    Returns
    -------
    DataFrame
        ``criterion``; ``coefficient``: ``alpha``, Krippendorff's ordinal one of two ``raters``, of
        whom the judge is one, before adjudication, where the judge decided; ``final``, the share
        of settled verdicts that the judge gave too, where it decided, and ``final of all``, where
        what is not decided is not the same; ``value, low, high, n``.
    """
    options, unit = {"replicates": replicates, "seed": seed}, ["card", "criterion"]
    people = told[(told["kind"] == "pair") & (told["role"] == "rater")]
    names = [judged["rater"].iloc[0], *sorted(people["rater"].unique())]
    people = people[people.groupby(unit)["rater"].transform("nunique") == len(names) - 1]
    place = people.drop_duplicates(unit)[[*unit, *PAIR, "kind", "a_side"]]
    both = judged.merge(place, on=unit).merge(final[[*UNIT, "outcome"]], on=UNIT, how="left")
    sample.expect(len(both), "There are no pairs that the judge and all raters have judged.")
    sides = np.where(both["verdict"] == both["a_side"], "a", "b")
    both["hit"] = both["outcome"] == np.where(both["verdict"] == "tie", "tie", sides)
    decided = both.dropna(subset="verdict").assign(role="rater")
    both["hit"] &= both["verdict"].notna()
    voted = pd.concat([people.merge(decided[unit], on=unit), decided])
    rows = []
    for pair in combinations(names, 2) if len(decided) else ():
        found = agreement(voted[voted["rater"].isin(pair)], **options)
        found = found[found["coefficient"] == "alpha"].assign(raters=", ".join(pair))
        rows += found.to_dict("records")
    for criterion, own in both.dropna(subset="outcome").groupby("criterion", sort=False):
        for name, part in (("final", own.dropna(subset="verdict")), ("final of all", own)):
            row = {"criterion": criterion, "coefficient": name, "raters": names[0], "n": len(part)}
            rows.append(row | share(part["hit"], part["item"], **options))
    return pd.DataFrame(rows)
