"""One rater's file: events appended one by one, the last of each kind counts.

A line is ``{"at", "card", "field", "value"}``. It is written in one piece under
a lock and is on disk before the call returns. What a killed process left of a
line is cut off before the next is written, so no whole line is ever lost.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from filelock import FileLock

from .criteria import CHOICES, CRITERIA
from .folder import StudyError, plain

LONGEST_COMMENT = 10_000  # characters
FIELDS = (*CRITERIA, "difficult", "comment")


@dataclass(frozen=True)
class Judgement:
    """What one rater says of one card.

    Attributes
    ----------
    choices : Mapping
        Criterion key to ``left``, ``tie`` or ``right``; those not made are missing.
    difficult : bool
        Whether the rater would have the senior decide.
    comment : str
    at : Mapping
        When each was last said: criterion key, ``difficult`` or ``comment`` to an
        ISO time in UTC.
    """

    choices: Mapping[str, str] = field(default_factory=dict)
    difficult: bool = False
    comment: str = ""
    at: Mapping[str, str] = field(default_factory=dict, compare=False, repr=False)

    @property
    def judged(self) -> bool:
        """Whether all criteria are judged."""
        return len(self.choices) == len(CRITERIA)

    @property
    def complete(self) -> bool:
        """Whether a rater is done: all criteria are judged, or a senior is to judge them."""
        return self.judged or self.difficult


def checked(name: str, value):
    """A field's value as it is kept.

    Raises
    ------
    StudyError
        For an unknown field, or a value that it cannot have.
    """
    if name in CRITERIA:
        if value not in CHOICES:
            raise StudyError(f"{name} is {value!r}; expected one of: {', '.join(CHOICES)}.")
    elif name == "difficult":
        if not isinstance(value, bool):
            raise StudyError(f"difficult is {value!r}; expected true or false.")
    elif name == "comment":
        if not isinstance(value, str):
            raise StudyError(f"A comment is {type(value).__name__}; expected text.")
        value = plain(value).strip()
        if len(value) > LONGEST_COMMENT:
            raise StudyError(
                f"The comment has {len(value):,} characters; at most {LONGEST_COMMENT:,} are "
                "kept. Shorten it."
            )
    else:
        raise StudyError(f"There is no field {name!r}. Known: {', '.join(FIELDS)}.")
    return value


class Ratings:
    """The append-only file of one rater.

    Parameters
    ----------
    path : Path
        Made with the first event.
    """

    def __init__(self, path: Path):
        self.path = path
        self._start()

    def _start(self) -> None:
        self._read, self._line = 0, 0  # bytes and lines taken in so far
        self._said: dict[str, list[tuple[str, object, datetime]]] = {}

    def append(self, events: Iterable[tuple[str, str, object]]) -> None:
        """Write (card, field, value) events in one piece; on disk when this returns."""
        events = [(card, name, checked(name, value)) for card, name, value in events]
        if not events:
            return
        at = datetime.now(UTC).isoformat(timespec="microseconds")
        # ASCII alone: no character in a comment can look like the end of a line
        lines = "".join(
            json.dumps({"at": at, "card": card, "field": name, "value": value}) + "\n"
            for card, name, value in events
        )
        try:
            with FileLock(f"{self.path}.lock"):
                self._write(lines.encode("ascii"))
        except OSError as error:
            raise StudyError(
                f"{self.path} could not be written ({error.strerror}); nothing was kept. Is the "
                "disk full, or the folder read-only?"
            ) from None

    def _write(self, lines: bytes) -> None:
        is_new = not self.path.exists()
        handle = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o644)
        try:
            mend(handle)
            size = os.fstat(handle).st_size
            try:
                left = memoryview(lines)
                while left:
                    left = left[os.write(handle, left) :]
                os.fsync(handle)
            except OSError:
                os.ftruncate(handle, size)
                raise
        finally:
            os.close(handle)
        if is_new:
            _sync_folder(self.path.parent)

    def judgement(self, card: str, until: datetime | None = None) -> Judgement:
        """What is said of a card by now or was by then, by whichever process."""
        self._take_in()
        return _judgement(self._said.get(card, ()), until)

    def judgements(self) -> dict[str, Judgement]:
        """Cards to judgements, of the cards that anything is said of."""
        self._take_in()
        return {card: _judgement(said) for card, said in self._said.items()}

    def verdicts_at(self, card: str) -> list[datetime]:
        """When a verdict on a criterion of this card was given, in the file's order."""
        self._take_in()
        return [at for name, _, at in self._said.get(card, ()) if name in CRITERIA]

    def _take_in(self) -> None:
        """Read what was added since the last time; a line not yet whole is left."""
        try:
            with self.path.open("rb") as stream:
                if stream.seek(0, os.SEEK_END) < self._read:  # restored from an older copy
                    self._start()
                stream.seek(self._read)
                added = stream.read()
        except FileNotFoundError:
            self._start()
            return
        whole = added[: added.rfind(b"\n") + 1]
        for line in whole.split(b"\n")[:-1]:
            self._line += 1
            self._read += len(line) + 1
            if not line.strip():
                continue
            try:
                event = json.loads(line)
                card, name = event["card"], event["field"]
                value = checked(name, event["value"])
                at = datetime.fromisoformat(event["at"])
                at = at if at.tzinfo else at.replace(tzinfo=UTC)
                if not isinstance(card, str):
                    raise ValueError
            except (ValueError, TypeError, KeyError, StudyError):
                number = self._line
                self._start()
                raise StudyError(
                    f"{self.path}, line {number}: not a rating. Restore the file from a copy, "
                    "or delete the line; what it said is then asked again."
                ) from None
            self._said.setdefault(card, []).append((name, value, at))


def _judgement(events: Iterable[tuple], until: datetime | None = None) -> Judgement:
    """The last of each kind, or the last by then."""
    said = {name: (value, at) for name, value, at in events if until is None or at <= until}
    return Judgement(
        choices={key: said[key][0] for key in CRITERIA if key in said},
        difficult=said.get("difficult", (False,))[0],
        comment=said.get("comment", ("",))[0],
        at={name: at.isoformat() for name, (_, at) in said.items()},
    )


def mend(handle: int) -> None:
    """Cut off a last line that is not whole, or end it if only its end is missing.

    The caller holds the lock, so whoever was writing it is gone.
    """
    size = os.fstat(handle).st_size
    start = size
    tail = b""
    while start > 0 and b"\n" not in tail:
        step = min(4096, start)
        start -= step
        tail = os.pread(handle, step, start) + tail
    torn = tail[tail.rfind(b"\n") + 1 :]
    if not torn:
        return
    try:
        is_whole = isinstance(json.loads(torn), dict)
    except ValueError:
        is_whole = False
    if is_whole:
        os.write(handle, b"\n")
    else:
        os.ftruncate(handle, size - len(torn))


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
