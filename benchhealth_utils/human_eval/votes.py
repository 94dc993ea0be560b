"""The votes as a frame, blind; and the frame with the key put to it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from .adjudication import standing
from .folder import StudyError
from .key import read_key
from .study import open_study

if TYPE_CHECKING:
    import pandas as pd

VOTES = ("rater", "role", "card", "criterion", "choice", "difficult", "comment", "at")
UNBLINDED = (*VOTES, "item", "kind", "model_a", "model_b", "outcome", "a_side", "equal", "flags")


def load_votes(folder: str | Path) -> pd.DataFrame:
    """Every verdict of a study that counts, as the rater gave it; the key is not read.

    Of a card that the senior has settled the raters' verdicts are those of that time.

    Parameters
    ----------
    folder : path-like
        A study.

    Returns
    -------
    DataFrame
        A row a rater, card and criterion judged: ``rater``, ``role`` (``rater`` or
        ``senior``), ``card``, ``criterion``, ``choice`` (``left``, ``tie``,
        ``right``), ``difficult`` and ``comment`` (of the card), ``at`` (UTC). In the
        order of the design's raters, their cards and criteria.
    """
    import pandas as pd

    study = open_study(folder)
    rows = []
    for rater, said in standing(study).items():
        role = "rater" if rater in study.raters else "senior"
        foreign = said.keys() - {card.id for card in study.cards_of(rater)}
        if foreign:
            raise StudyError(
                f"{study.ratings(rater).path} has a rating of card {min(foreign)!r}, which is "
                f"not one of {rater}'s. Is it of another study? Restore the file from a copy."
            )
        for card in study.cards_of(rater):
            judged = said.get(card.id)
            for key, choice in judged.choices.items() if judged else ():
                about = (judged.difficult, judged.comment, judged.at[key])
                rows.append((rater, role, card.id, key, choice, *about))
    votes = pd.DataFrame(rows, columns=list(VOTES)).astype({"difficult": bool})
    votes["at"] = pd.to_datetime(votes["at"], utc=True, format="ISO8601")
    return votes


def unblind(
    votes: pd.DataFrame, folder: str | Path, *, key: str | Path | None = None
) -> pd.DataFrame:
    """Votes with what the key says of their cards.

    Parameters
    ----------
    votes : DataFrame
        As from `load_votes`.
    folder : path-like
        The study.
    key : path-like, optional
        The key file, if it is kept elsewhere.

    Returns
    -------
    DataFrame
        With ``item`` (dialogue id), ``kind`` (``pair``, ``repeat``, ``check``),
        ``model_a``, ``model_b`` (the comparison, in the key's order; on a check twice
        the same), ``outcome`` (``a``, ``tie``, ``b``) and ``a_side`` (``left``, ``right``;
        on a check ``left``), ``equal`` (whether both sides show one text) and ``flags``
        (what was noted of the dialogue or a reply to it, a tuple of names) beside.

    Raises
    ------
    StudyError
        If the key is not this study's, or a card is not in it.
    """
    import numpy as np

    found = read_key(folder, key)
    places = {name: place(card, found["comparisons"]) for name, card in found["cards"].items()}
    unknown = set(votes["card"]) - places.keys()
    if unknown:
        raise StudyError(f"Card {min(unknown)!r} is not of {folder}: whose votes are these?")
    told = votes.copy()
    for at, name in enumerate(("item", "kind", "model_a", "model_b", "a_side")):
        told[name] = [places[card][at] for card in votes["card"]]
    noted = [found["cards"][card] for card in votes["card"]]
    told["equal"] = np.array([card["equal"] for card in noted], dtype=bool)
    told["flags"] = [tuple(card["flags"]) for card in noted]
    told["outcome"] = [
        "tie" if choice == "tie" else "a" if choice == side else "b"
        for choice, side in zip(told["choice"], told["a_side"], strict=True)
    ]
    return told[list(UNBLINDED)]


def place(card: dict, comparisons: list) -> tuple[str, str, str, str, str]:
    """What the key's entry of a card comes to: item, kind, model a, model b, side of a."""
    left, right = card["left"], card["right"]
    if left == right or [left, right] in comparisons:
        return card["item"], card["kind"], left, right, "left"
    return card["item"], card["kind"], right, left, "right"
