"""Ratings made elsewhere: what they must be before any of them is taken.

A file says something of one rater's cards. All of it is checked first; then it is
written in one piece, or refused with the row that is wrong.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from ..schema import DataError
from .adjudication import standing
from .folder import StudyError
from .folder_study import Card, Study
from .ratings import FIELDS, Judgement, checked
from .sessions import CLOSED_NOTE, Session

ADVICE = "Mend it and import the file again; nothing was taken from it."
SHOWN = ("question", "left", "right")


@dataclass(frozen=True)
class Row:
    """What a file says of one card.

    Attributes
    ----------
    where : str
        The place in the file, for messages.
    card : str
    said : Mapping
        Field to value; what is missing leaves what the study has.
    shown : Mapping
        ``question``, ``left`` and ``right`` as the file has them, to be compared.
    rater : str
        Whose row it says it is; empty if it does not say.
    """

    where: str
    card: str
    said: Mapping[str, object]
    shown: Mapping[str, str] = field(default_factory=dict)
    rater: str = ""


def session_of(study: Study, rater: str) -> Session:
    """What this rater may rate, without a code: for whoever has the folder itself."""
    role = "senior" if rater in study.seniors else "rater"
    return Session(study, rater, role)


def rows_of(study: Study, rater: str) -> list[tuple[Card, Judgement]]:
    """A rater's cards in the rater's order, with what was said of them so far."""
    said = study.ratings(rater).judgements()
    return [(card, said.get(card.id, Judgement())) for card in session_of(study, rater).cards]


def raters_said(study: Study, rater: str) -> dict[str, str]:
    """Card to what the raters said of it, for a senior who may see that; for others empty.

    A line a criterion, such as ``Faithfulness: left, tie``, in the order of the raters.
    """
    if rater not in study.seniors or study.senior_sees != "both":
        return {}
    said = standing(study)
    own = [said[name] for name in study.raters]
    cards = [card.id for card in session_of(study, rater).cards]
    return {card: _in_words(study, [one.get(card, Judgement()) for one in own]) for card in cards}


def _in_words(study: Study, judged: list[Judgement]) -> str:
    lines = [
        f"{item.name}: {', '.join(one.choices.get(item.key, 'nothing') for one in judged)}"
        for item in study.criteria
    ]
    lines.append(f"Difficult: {', '.join('yes' if one.difficult else 'no' for one in judged)}")
    lines += [f"Comment: {one.comment}" for one in judged if one.comment]
    return "\n".join(lines)


def said_of(judgement: Judgement) -> dict[str, object]:
    """Fields that say something: choices made, a mark as difficult, a comment."""
    said: dict[str, object] = dict(judgement.choices)
    if judgement.difficult:
        said["difficult"] = True
    if judgement.comment:
        said["comment"] = judgement.comment
    return said


def take_in(
    study: Study, rater: str | None, rows: Iterable[Row], path, *, replace: bool = False
) -> Counter:
    """Check all rows, then write them to the rater's file.

    Parameters
    ----------
    study : Study
    rater : str, optional
        Whose they are; by default whom the rows name.
    rows : iterable of Row
    path : path-like
        For messages.
    replace : bool
        Whether the file's word counts where the study has another one.

    Returns
    -------
    Counter
        Values that were ``new``, ``changed``, and the ``same`` as before.

    Raises
    ------
    DataError
        With the first row that is wrong; nothing is written then.
    StudyError
        If the study is closed.
    """
    if study.closed:
        raise StudyError(CLOSED_NOTE)
    rows = list(rows)
    if not rows:
        raise DataError(path, "", "no rating in it.", ADVICE)
    rater = rater or next((row.rater for row in rows if row.rater), "")
    if not rater:
        raise DataError(path, "", "it does not say whose ratings these are.", "Name the rater.")
    # of the senior's any, for raters may have come to agree while a file was away
    cards = {card.id: card for card in study.cards_of(rater)}
    ratings = study.ratings(rater)
    known = ratings.judgements()
    events, counts, seen = [], Counter(), {}
    for row in rows:
        if row.rater and row.rater != rater:
            raise DataError(path, row.where, f"it is {row.rater}'s, not {rater}'s.", ADVICE)
        if row.card not in cards:
            problem = f"{row.card!r} is not one of {rater}'s cards in this study."
            raise DataError(path, row.where, problem, ADVICE)
        if row.card in seen:
            problem = f"card {row.card!r} stands at {seen[row.card]} already."
            raise DataError(path, row.where, problem, ADVICE)
        seen[row.card] = row.where
        _check_shown(row, cards[row.card], path)
        now = said_of(known.get(row.card, Judgement()))
        for name in FIELDS:
            if name not in row.said:
                continue
            try:
                value = checked(name, row.said[name])
            except StudyError as error:
                raise DataError(path, row.where, str(error), ADVICE) from None
            before = now.get(name, {"difficult": False, "comment": ""}.get(name))
            if value == before:
                counts["same"] += 1
                continue
            if name in now and not replace:
                what = "another comment" if name == "comment" else f"{name} as {before!r}"
                raise DataError(
                    path,
                    row.where,
                    f"the study has {what} of card {row.card!r} by now.",
                    "If the file is right, import it with leave to replace; nothing was taken.",
                )
            counts["changed" if name in now else "new"] += 1
            events.append((row.card, name, value))
    ratings.append(events)
    return counts


def _check_shown(row: Row, card: Card, path) -> None:
    """A row whose texts are another card's was sorted in part, or damaged."""
    for name in SHOWN:
        if name in row.shown:
            if row.shown[name].split() != getattr(card, name).split():
                raise DataError(
                    path,
                    row.where,
                    f"the text under '{name}' is not that of card {row.card!r}; was one column "
                    "sorted without the others, or a text changed?",
                    ADVICE,
                )


def verdict(text: str) -> str:
    """A choice as people write it: case and spaces around it do not matter."""
    return text.strip().lower()


def new_file(path: str | Path) -> Path:
    """A path to write to; a file that is there is refused."""
    path = Path(path).expanduser()
    if path.exists():
        raise StudyError(f"{path} is there already. Name another file, or remove it first.")
    path.parent.mkdir(parents=True, exist_ok=True)
    return path
