"""The paper's claims, checked against the paper's own tables.

``data/paper/claims.yaml`` holds the claims as plain data. `check_all` puts each
to the CSV files beside it and gives a verdict (``holds``, ``fails``, ``cannot be
checked``) with the numbers that decide it.
"""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from ..schema import BenchHealthError, DataError, shown
from .checks import CHECKS
from .paper import FOLDER, Paper, read_tables
from .verdicts import FAILS, HOLDS, UNCHECKED, VERDICTS, Result, one_of

__all__ = [
    "CHECKS",
    "FAILS",
    "HOLDS",
    "UNCHECKED",
    "VERDICTS",
    "Checked",
    "Claim",
    "Paper",
    "Question",
    "Result",
    "check_all",
    "read_claims",
    "read_tables",
]

FILE = FOLDER / "claims.yaml"
ADVICE = "See the comments at the head of the file."


@dataclass(frozen=True)
class Question:
    """A reading of a claim, and the check that decides it in that reading."""

    reading: str
    check: str
    parameters: Mapping[str, Any]

    def put_to(self, paper: Paper) -> Result:
        return CHECKS[self.check](paper, **self.parameters)


@dataclass(frozen=True)
class Claim:
    """One entry of ``data/paper/claims.yaml``; see the comments there."""

    id: str
    section: str
    paragraph: int
    locator: str
    claim: str
    kind: str
    question: Question
    also: tuple[Question, ...]


@dataclass(frozen=True)
class Checked:
    """A claim with its result, and the results of its other readings."""

    claim: Claim
    kind: str
    result: Result
    also: tuple[Result, ...]


@dataclass(frozen=True)
class ClaimsFile:
    """Claims in the paper's order, with the groups and reasons they refer to."""

    claims: tuple[Claim, ...]
    kinds: Mapping[str, str]
    groups: Mapping[str, Mapping]
    missing: Mapping[str, str]


def read_claims(path: Path = FILE) -> ClaimsFile:
    """Read and check the file of claims.

    Raises
    ------
    DataError
        For an entry that is not as the head of the file says, an unknown check
        or parameter, or an id used twice; the message names the entry.
    """
    name = shown(Path(path))
    try:
        content = yaml.safe_load(Path(path).read_text(encoding="utf-8"))
        parts = [content[part] for part in ("claims", "kinds", "groups", "missing")]
    except (yaml.YAMLError, KeyError, TypeError) as error:
        raise DataError(name, "", f"cannot be read as claims: {error}.", ADVICE) from None
    return ClaimsFile(_claims(name, *parts[:2]), *parts[1:])


def _claims(file: str, entries: list[dict], kinds: Mapping) -> tuple[Claim, ...]:
    claims, seen = [], set()
    for position, entry in enumerate(entries, 1):
        where = f"entry {position}"
        try:
            where += f" ({entry['id']})"
            claims.append(_claim(entry, kinds))
            if entry["id"] in seen:
                raise BenchHealthError("This id is used twice.")
            seen.add(entry["id"])
        except KeyError as error:
            raise DataError(file, where, f"There is no {error}.", ADVICE) from None
        except (BenchHealthError, TypeError) as error:
            raise DataError(file, where, str(error), ADVICE) from None
    return tuple(claims)


def _claim(entry: dict, kinds) -> Claim:
    known = ("id", "section", "paragraph", "locator", "claim", "kind")
    for key in entry:
        one_of("entry", key, (*known, "reading", "check", "with", "also"))
    one_of("kind", entry["kind"], kinds)
    main = _question(entry.get("reading", ""), entry["check"], entry["with"])
    also = [
        _question(other["reading"], other["check"], other["with"])
        if "check" in other
        else _question(other["reading"], main.check, {**main.parameters, **other["with"]})
        for other in entry.get("also", ())
    ]
    return Claim(*(entry[key] for key in known), main, tuple(also))


def _question(reading: str, check: str, parameters: dict) -> Question:
    signature = inspect.signature(CHECKS[one_of("check", check, CHECKS)])
    for name in parameters:
        one_of(f"parameter of {check}", name, list(signature.parameters)[1:])
    signature.bind(None, **parameters)
    return Question(reading, check, parameters)


def check_all(tables: Mapping | None = None, path: Path = FILE) -> list[Checked]:
    """Put every claim of the file to the paper's tables.

    Parameters
    ----------
    tables : mapping of str to DataFrame, optional
        By default the CSV files in ``data/paper/``, as `read_tables` gives them.
    path : path-like
        The file of claims.

    Returns
    -------
    list of Checked
        In the order of the file, which is the paper's.
    """
    file = read_claims(path)
    paper = Paper(read_tables() if tables is None else tables, file.groups, file.missing)
    checked = []
    for claim in file.claims:
        try:
            result, *others = (q.put_to(paper) for q in (claim.question, *claim.also))
        except BenchHealthError as error:
            raise DataError(shown(Path(path)), claim.id, str(error), ADVICE) from None
        checked.append(Checked(claim, file.kinds[claim.kind], result, tuple(others)))
    return checked
