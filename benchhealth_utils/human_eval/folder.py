"""The files of a study folder, and how they are read and written."""

from __future__ import annotations

import hashlib
import json
import os
import re
from pathlib import Path

from ..schema import BenchHealthError, canonical, runs_folder

DESIGN, CARDS, ORDERS, KEY = "design.json", "cards.jsonl", "orders.json", "key.json"
CODES, RATINGS, ATTEMPTS = "codes.csv", "ratings", "attempts.log"
CLOSED = "closed.json"  # there while nothing more may be rated
VERSION = 1

# C0 and C1 controls but for line feed and tab, marks that turn text round, and halves of
# characters: none of them can be seen, and files and spreadsheets stumble over them.
UNSEEN = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ufeff]")
HALVES = re.compile("[\ud800-\udfff]")


class StudyError(BenchHealthError):
    """Something about a study folder or what is asked of it; says what to do."""


def place(folder: str) -> Path:
    """A study's folder: a path, or a bare name for one under the runs' folder."""
    is_path = any(mark in folder for mark in (os.sep, "/", "~")) or folder in (".", "..")
    return Path(folder).expanduser() if is_path else runs_folder() / "human_eval" / folder


def plain(text: str) -> str:
    """Text as a study keeps it: line ends as line feeds, no invisible controls.

    >>> plain("a\\r\\nb\\x00c")
    'a\\nbc'
    """
    text = re.sub("\r\n|[\r\x85]", "\n", text)
    return HALVES.sub("\ufffd", UNSEEN.sub("", text))


def read_json(path: Path) -> dict:
    """A JSON object of the study.

    Raises
    ------
    StudyError
        If the file is missing or is not whole JSON.
    """
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise StudyError(
            f"{path} is missing: {path.parent} is not a study folder, or not a whole one. "
            "Make one with `python -m benchhealth_utils.human_eval create`."
        ) from None
    except (OSError, ValueError) as error:
        raise StudyError(f"{path} cannot be read ({error}). Restore it from a copy.") from None
    if not isinstance(found, dict):
        raise StudyError(f"{path} holds {type(found).__name__}; expected an object.")
    return found


def write_text(path: Path, text: str, *, private: bool = False) -> None:
    """Write a new file and wait until it is on disk.

    `private` ones can be read by their owner alone.
    """
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600 if private else 0o644)
    with os.fdopen(handle, "w", encoding="utf-8", newline="") as stream:
        stream.write(text)
        stream.flush()
        os.fsync(stream.fileno())


def as_json(value) -> str:
    """JSON for a file that people open."""
    return json.dumps(value, indent=1, ensure_ascii=False) + "\n"


def design_digest(design: dict) -> str:
    """SHA-256 of a design without the hashes of the codes, which can be handed out anew."""
    raters = [{"id": item["id"], "role": item["role"]} for item in design["raters"]]
    return hashlib.sha256(canonical({**design, "raters": raters}).encode()).hexdigest()


def file_digest(path: Path) -> str:
    """SHA-256 of a file's bytes."""
    return hashlib.sha256(path.read_bytes()).hexdigest()
