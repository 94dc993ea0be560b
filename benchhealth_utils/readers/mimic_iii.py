"""MIMIC-III discharge instructions: the record in, the instruction out.

Errors name the row but repeat no cell of it: the text is credentialed.
"""

from __future__ import annotations

import gzip
import hashlib
import re
import zlib
from collections.abc import Iterator
from typing import NamedTuple

from ..schema import DataError, Example, LeftOut
from .files import csv_stream, csv_table, either, once

COLUMNS = [
    "ROW_ID", "SUBJECT_ID", "HADM_ID", "CHARTDATE", "CHARTTIME", "STORETIME",
    "CATEGORY", "DESCRIPTION", "CGID", "ISERROR", "TEXT",
]  # fmt: skip
_HEADER = re.compile(r"discharge\s*instructions.{0,30}:")
_ENDS = tuple(
    re.compile(pattern)
    for pattern in (
        r"followup\s*instruction",
        r"\[\*\*.{0,50}\*\*\][p\s]\s*instruction",
        r"instructions:",
        r" {5,}\[\*\*",
        r" {5,}dr[\s.]\s*\[\*\*",
        r"reviewed\s*by",
        r"completed\s*by",
        r"dictated\s*by",
    )
)
_STARTS = (
    re.compile(r"^.*?\bsex:[^\n]*\n", re.DOTALL),
    re.compile(r"^.*?(?=\bservice:)", re.DOTALL),
    re.compile(r"^.*?(?=\ballergies:)", re.DOTALL),
    re.compile(r"^.*?(?=\bchief complaint)", re.DOTALL),
    re.compile(r"^.*?(?=\bhistory of)", re.DOTALL),
)
_KINDS = (
    (r"holiday", "holiday"),
    (r"^[\d\s/-]+$|date|month|day|year", "date"),
    (r"hospital|ward|clinic", "hospital"),
    (r"telephone|fax|pager|contact|e-?mail", "contact"),
    (r"name|initials|dictator|attending", "name"),
    (r"location|address|street|apartment|zip|po box", "address"),
    (r"country", "country"),
    (r"university|college", "university"),
    (r"company", "company"),
    (r"provider|md number", "provider"),
    (r"url", "url"),
    (r"state", "state"),
    (r"age", "age"),
    (r"clip", "clip"),
    (r"identifier|medical record|social security|ssn", "identifier"),
    (r"number|numeric|unit", "number"),
)


class _Note(NamedTuple):
    """A discharge summary; one without the header of an instruction may lack an admission."""

    row: int
    id: str
    subject: str
    admission: str
    date: str
    text: str


def mimic_iii(spec, split, root) -> Iterator[Example | LeftOut]:
    """Discharge instructions by admission, split by patient.

    The file is streamed twice, so memory holds one split only: first to learn
    which patients have an instruction, then to read those of the split. The
    patients are split 80/10/10 over their sorted numbers with scikit-learn's
    ``train_test_split`` and seed 0, unless ``splits/mimic_iii_subjects.csv``
    in the data folder assigns them. A summary that gives no item is `LeftOut`;
    one of a patient who has no instruction at all is named with every split.
    """
    path = either(*(root / spec.folder / f"NOTEEVENTS.csv{end}" for end in (".gz", "")))
    rows, unused = _rows(path)
    patients = set(rows.values())
    chosen = _subjects(spec, split, root, patients)
    for note in _notes(path):
        if note.row in unused:
            if note.subject in chosen or note.subject not in patients:
                yield LeftOut(f"ROW_ID {note.id}", unused[note.row])
        elif note.subject in chosen:
            record, target = instruction(note.text)
            identifier = f"{note.subject}_{note.admission}"
            yield Example(identifier, spec.key, {"record": record}, target, note.subject)


def _rows(path) -> tuple[dict[int, str], dict[int, str]]:
    """Row of each note that counts to its patient, and of each other to the reason.

    Of a patient's notes with the same text the earliest counts, then of an
    admission's notes the latest, and that only if it can be used.
    """
    notes, unused = [], {}
    for note in _notes(path):
        if not _HEADER.search(note.text.lower()):
            unused[note.row] = "no 'Discharge Instructions:'"
            continue
        body = hashlib.sha256(note.text.encode()).digest()
        fault = _fault(*instruction(note.text))
        key = f"{note.subject}_{note.admission}"
        notes.append((note.date, note.row, note.subject, key, body, fault))
    seen: set[tuple[str, bytes]] = set()
    latest: dict[str, tuple[int, str, str]] = {}
    for _, row, subject, key, body, fault in sorted(notes):
        if (subject, body) in seen:
            unused[row] = "the text of an earlier one"
            continue
        seen.add((subject, body))
        if key in latest:
            unused[latest[key][0]] = "a later one of the admission"
        latest[key] = (row, subject, fault)
    unused |= {row: fault for row, _, fault in latest.values() if fault}
    return {row: subject for row, subject, fault in latest.values() if not fault}, unused


def _notes(path) -> Iterator[_Note]:
    """Every discharge summary, with or without an instruction."""
    opened = gzip.open if path.suffix == ".gz" else open
    seen: set[int] = set()
    line = row = 0
    try:
        with opened(path, "rt", encoding="utf-8", newline="") as stream:
            for row, (line, cells) in enumerate(csv_stream(stream, path), 1):
                if row == 1:
                    _check_header(cells, path)
                elif note := _discharge_report(cells, path, line, row, seen):
                    yield note
    except FileNotFoundError:
        raise DataError(path, "", "the file is missing.") from None
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise DataError(path, f"after line {line}", f"not a whole gzip file ({error}).") from None
    except UnicodeDecodeError as error:
        raise DataError(path, f"after line {line}", f"not UTF-8 ({error.reason}).") from None
    if row == 0:
        raise DataError(path, "", "the file is empty.")


def _check_header(cells, path) -> None:
    if [cell.upper() for cell in cells] != COLUMNS:
        raise DataError(
            path,
            "line 1",
            f"the first row is not the header; expected {', '.join(COLUMNS)}.",
        )


def _discharge_report(cells, path, line, row, seen) -> _Note | None:
    """The discharge summary that a row is; None if the row is another note."""
    where = f"row ending at line {line}"
    if len(cells) != len(COLUMNS):
        raise DataError(path, where, f"{len(cells)} cells; expected {len(COLUMNS)}.")
    note = dict(zip(COLUMNS, cells, strict=True))
    for name in ("ROW_ID", "SUBJECT_ID"):
        if not note[name].isdecimal():
            raise DataError(path, where, f"{name} is not a number.")
    once(seen, int(note["ROW_ID"]), path, f"{where}, ROW_ID")
    if (
        note["CATEGORY"].strip().lower() != "discharge summary"
        or note["DESCRIPTION"].strip().lower() != "report"
        or note["ISERROR"] == "1"
    ):
        return None
    if not note["TEXT"].strip():
        raise DataError(path, where, "TEXT is empty.")
    if not re.match(r"\d{4}-\d\d-\d\d", note["CHARTDATE"]):
        raise DataError(path, where, "CHARTDATE is not a date (YYYY-MM-DD).")
    if _HEADER.search(note["TEXT"].lower()) and not note["HADM_ID"].isdecimal():
        raise DataError(path, where, "HADM_ID is not a number.")
    names = ("ROW_ID", "SUBJECT_ID", "HADM_ID", "CHARTDATE", "TEXT")
    return _Note(row, *(note[name] for name in names))


def instruction(note: str) -> tuple[str, str]:
    """Record and instruction of a discharge summary, tokens joined by spaces."""
    low = note.lower()
    header = _HEADER.search(low)
    target = low[header.end() :]
    for end in _ENDS:
        if found := end.search(target):
            target = target[: found.start()]
            break
    record = low[: header.start()]
    for start in _STARTS:
        record, found = start.subn("", record, count=1)
        if found:
            break
    return _tokens(record), _tokens(target)


def _tokens(body: str) -> str:
    body = re.sub(r"\[\*\*(.*?)\*\*\]", _label, body, flags=re.DOTALL)
    tokens: list[str] = []
    for token in re.findall(r"\[[a-z]+\]|[^\W_]+|[^\w\s]|_", body):
        if tokens or token.strip("[]").isalnum():
            if not tokens or token != tokens[-1]:
                tokens.append(token)
    return " ".join(tokens)


def _label(bracket: re.Match) -> str:
    for pattern, label in _KINDS:
        if re.search(pattern, bracket[1]):
            return f" [{label}] "
    return " [info] "


def _fault(record: str, target: str) -> str:
    """Why a note cannot be asked and scored; empty if it can."""
    if len(target.split()) < 5:
        return "an instruction of fewer than five words"
    if not record:
        return "nothing before the instruction"
    return "an addendum" if "addendum" in record else ""


def _subjects(spec, split, root, subjects: set[str]) -> set[str]:
    listed = root / "splits" / "mimic_iii_subjects.csv"
    if listed.exists():
        chosen: set[str] = set()
        seen: set[str] = set()
        for line, row in csv_table(listed, ["subject_id", "split"]):
            where = f"line {line}"
            if row["split"] not in ("train", "val", "test"):
                raise DataError(
                    listed,
                    where,
                    f"split is '{row['split']}'; expected train, val or test.",
                )
            if not row["subject_id"].isdecimal():
                problem = f"subject_id is '{row['subject_id']}'; expected a number."
                raise DataError(listed, where, problem)
            once(seen, row["subject_id"], listed, where)
            if row["split"] == split:
                chosen.add(row["subject_id"])
        return chosen
    if len(subjects) < 10:
        raise DataError(
            root / spec.folder,
            "",
            f"{len(subjects)} patients with an instruction; too few to split.",
        )
    from sklearn.model_selection import train_test_split

    ordered = sorted(subjects, key=int)
    train, held_out = train_test_split(ordered, test_size=0.2, random_state=0)
    _, test = train_test_split(held_out, test_size=0.5, random_state=0)
    return set(train if split == "train" else test)
