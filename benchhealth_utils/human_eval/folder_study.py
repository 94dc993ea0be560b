"""A study folder of JSON lines, opened; goes with the last module that uses it."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path

from filelock import FileLock

from . import codes
from .criteria import Criterion
from .folder import (
    CARDS,
    CLOSED,
    DESIGN,
    ORDERS,
    RATINGS,
    VERSION,
    StudyError,
    as_json,
    file_digest,
    read_json,
    write_text,
)
from .ratings import Ratings
from .sessions import Session

WRONG_CODE = "This code is not known here. Check it against the one you were given."


@dataclass(frozen=True)
class Card:
    """A patient's question and two replies, as every rater sees them."""

    id: str
    question: str
    left: str
    right: str


class Study:
    """One study folder; see `open_study`.

    Attributes
    ----------
    folder : Path
    design : dict
        ``design.json``.
    title : str
    criteria : tuple of Criterion
    raters, seniors : tuple of str
        Ids by role.
    senior_sees : {"both", "none"}
        Whether the senior is shown the raters' verdicts.
    synthetic : bool
        Whether the questions are made up.
    """

    def __init__(self, folder: Path):
        self.folder = folder
        self.design = design = read_json(folder / DESIGN)
        if design.get("version") != VERSION:
            raise StudyError(
                f"{folder / DESIGN} is of version {design.get('version')!r}; this program knows "
                f"{VERSION}. Use the program that the study was made with."
            )
        self.title: str = design["title"]
        self.criteria = tuple(Criterion(**item) for item in design["criteria"])
        self.senior_sees: str = design["senior_sees"]
        self.synthetic: bool = design["synthetic"]
        self.raters = tuple(x["id"] for x in design["raters"] if x["role"] == "rater")
        self.seniors = tuple(x["id"] for x in design["raters"] if x["role"] == "senior")
        self._orders = read_json(folder / ORDERS)
        path = folder / CARDS
        if not path.exists() or file_digest(path) != design["cards_sha256"]:
            raise StudyError(
                f"{path} is missing, or is not as it was when the study was made. Restore it "
                "from a copy: ratings of other cards would be worth nothing."
            )

    @cached_property
    def cards(self) -> dict[str, Card]:
        """Every card by its id."""
        lines = (self.folder / CARDS).read_text(encoding="utf-8").split("\n")
        rows = (json.loads(line) for line in lines if line)
        return {
            row["card"]: Card(row["card"], row["question"], row["left"], row["right"])
            for row in rows
        }

    def cards_of(self, rater: str) -> tuple[Card, ...]:
        """A rater's cards in the rater's order; for the senior all that may come."""
        self._check_rater(rater)
        return tuple(self.cards[card] for card in self._orders[rater])

    def ratings(self, rater: str) -> Ratings:
        """A rater's file."""
        self._check_rater(rater)
        return Ratings(self.folder / RATINGS / f"{rater}.jsonl")

    def _check_rater(self, rater: str) -> None:
        if rater not in (*self.raters, *self.seniors):
            known = ", ".join((*self.raters, *self.seniors))
            raise StudyError(f"There is no rater {rater!r} in {self.folder}. Known: {known}.")

    @property
    def closed(self) -> bool:
        """Whether nothing may be rated by now."""
        return (self.folder / CLOSED).exists()

    def close(self) -> None:
        """Have every session, open ones too, refuse to write; closing twice is no error."""
        if not self.closed:
            at = datetime.now(UTC).isoformat(timespec="seconds")
            write_text(self.folder / CLOSED, as_json({"closed": at}))

    def reopen(self) -> None:
        """Let raters go on."""
        (self.folder / CLOSED).unlink(missing_ok=True)

    def renew_code(self, rater: str) -> str:
        """A new code for a rater who lost theirs; the old one no longer works."""
        self._check_rater(rater)
        code, path = codes.new_code(), self.folder / DESIGN
        with FileLock(f"{path}.lock"):
            self.design = read_json(path)
            for item in self.design["raters"]:
                if item["id"] == rater:
                    item |= codes.hashed(code)
            beside = path.with_suffix(".partial")
            beside.unlink(missing_ok=True)
            write_text(beside, as_json(self.design))
            os.replace(beside, path)
        return code

    def log_in(self, code: str) -> Session:
        """Begin to rate.

        Parameters
        ----------
        code : str
            As handed out; case, spaces and hyphens do not matter.

        Raises
        ------
        StudyError
            If it is nobody's code by now, for codes may be renewed while a page is
            open. After several wrong ones within ten minutes every attempt waits first,
            five seconds at most.
        """
        codes.wait_after_failures(self.folder)
        rater = codes.owner(str(code), read_json(self.folder / DESIGN)["raters"])
        if rater is None:
            codes.note_failure(self.folder)
            raise StudyError(WRONG_CODE)
        return Session(self, rater["id"], rater["role"])


def open_study(folder: str | Path) -> Study:
    """Open a study folder.

    Raises
    ------
    StudyError
        If it is not one, or its cards are not those it was made with.
    """
    folder = Path(folder).expanduser()
    if not (folder / DESIGN).is_file():
        raise StudyError(
            f"{folder} is not a study folder: it has no {DESIGN}. Make one with "
            "`python -m benchhealth_utils.human_eval create`."
        )
    return Study(folder)
