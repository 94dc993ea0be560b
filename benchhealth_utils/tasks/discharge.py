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

from .. import replies
from ..metrics import BLEU_4
from ..schema import Example, LeftOut
from .base import WORDS, Task
from .files import Place, csv_stream, csv_table, either

COLUMNS = [
    "ROW_ID", "SUBJECT_ID", "HADM_ID", "CHARTDATE", "CHARTTIME", "STORETIME",
    "CATEGORY", "DESCRIPTION", "CGID", "ISERROR", "TEXT",
]  # fmt: skip
PARTS = ("train", "val", "test")

# The file


class _Note(NamedTuple):
    """A discharge summary; one without the header of an instruction may lack an admission."""

    number: int
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
    path = either(root / spec.folder / "NOTEEVENTS.csv")
    patients, unused = _sorted_out(path)
    listed = root / "splits" / "mimic_iii_subjects.csv"
    chosen = _listed(listed, split) if listed.exists() else _drawn(patients, split, path.parent)
    for note in _notes(path):
        if note.number in unused:
            if note.subject in chosen or note.subject not in patients:
                yield LeftOut(f"ROW_ID {note.id}", unused[note.number])
        elif note.subject in chosen:
            record, target = instruction(note.text)
            identifier = f"{note.subject}_{note.admission}"
            yield Example(identifier, spec.key, {"record": record}, target, note.subject)


def _sorted_out(path) -> tuple[set[str], dict[int, str]]:
    """Patients with an instruction, and why each other note, by number, gives none.

    Of a patient's notes with the same text the earliest counts, then of an
    admission's notes the latest, and that only if it can be used.
    """
    notes, unused = [], {}
    for note in _notes(path):
        if not _HEADER.search(note.text.lower()):
            unused[note.number] = "no 'Discharge Instructions:'"
            continue
        body = hashlib.sha256(note.text.encode()).digest()
        fault = _fault(*instruction(note.text))
        notes.append((note.date, note.number, note.subject, note.admission, body, fault))
    seen: set[tuple[str, bytes]] = set()
    latest: dict[tuple[str, str], tuple[int, str]] = {}
    for _, number, subject, admission, body, fault in sorted(notes):
        if (subject, body) in seen:
            unused[number] = "the text of an earlier one"
            continue
        seen.add((subject, body))
        if before := latest.get((subject, admission)):
            unused[before[0]] = "a later one of the admission"
        latest[subject, admission] = number, fault
    unused |= {number: fault for number, fault in latest.values() if fault}
    return {subject for (subject, _), (_, fault) in latest.items() if not fault}, unused


def _notes(path) -> Iterator[_Note]:
    """Every discharge summary, with or without an instruction."""
    opened = gzip.open if path.suffix == ".gz" else open
    seen: set[int] = set()
    place = None
    try:
        with opened(path, "rt", encoding="utf-8", newline="") as stream:
            for number, (place, cells) in enumerate(csv_stream(stream, path)):
                if number:
                    yield from _discharge_report(number, cells, place, seen)
                elif [cell.upper() for cell in cells] != COLUMNS:
                    place.reject(f"the first row is not the header; expected {', '.join(COLUMNS)}.")
    except FileNotFoundError:
        Place(path).reject("the file is missing.")
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        Place(path, _after(place)).reject(f"not a whole gzip file ({error}).")
    except UnicodeDecodeError as error:
        Place(path, _after(place)).reject(f"not UTF-8 ({error.reason}).")
    if place is None:
        Place(path).reject("the file is empty.")


def _after(place) -> str:
    return f"after {place.where.removeprefix('row ending at ') if place else 'line 0'}"


def _discharge_report(number, cells, place, seen) -> Iterator[_Note]:
    """The discharge summary that a row is; nothing if the row is another note."""
    if len(cells) != len(COLUMNS):
        place.reject(f"{len(cells)} cells; expected {len(COLUMNS)}.")
    row, subject, admission, date, _, _, category, description, _, error, text = cells
    for name, cell in (("ROW_ID", row), ("SUBJECT_ID", subject)):
        if not cell.isdecimal():
            place.reject(f"{name} is not a number.")
    Place(place.path, f"{place.where}, ROW_ID").once(seen, int(row))
    kind = category.strip().lower(), description.strip().lower()
    if kind != ("discharge summary", "report") or error == "1":
        return
    if not text.strip():
        place.reject("TEXT is empty.")
    if not re.match(r"\d{4}-\d\d-\d\d", date):
        place.reject("CHARTDATE is not a date (YYYY-MM-DD).")
    if _HEADER.search(text.lower()) and not admission.isdecimal():
        place.reject("HADM_ID is not a number.")
    yield _Note(number, row, subject, admission, date, text)


_HEADER = re.compile(r"discharge\s*instructions.{0,30}:")
_ENDS = [
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
]
_STARTS = [
    re.compile(rf"^.*?{pattern}", re.DOTALL)
    for pattern in (
        r"\bsex:[^\n]*\n",
        r"(?=\bservice:)",
        r"(?=\ballergies:)",
        r"(?=\bchief complaint)",
        r"(?=\bhistory of)",
    )
]
_KINDS = {  # label of a bracket, in the order in which they are tried
    "holiday": r"holiday",
    "date": r"^[\d\s/-]+$|date|month|day|year",
    "hospital": r"hospital|ward|clinic",
    "contact": r"telephone|fax|pager|contact|e-?mail",
    "name": r"name|initials|dictator|attending",
    "address": r"location|address|street|apartment|zip|po box",
    "country": r"country",
    "university": r"university|college",
    "company": r"company",
    "provider": r"provider|md number",
    "url": r"url",
    "state": r"state",
    "age": r"age",
    "clip": r"clip",
    "identifier": r"identifier|medical record|social security|ssn",
    "number": r"number|numeric|unit",
}


def instruction(note: str) -> tuple[str, str]:
    """Record and instruction of a discharge summary, tokens joined by spaces."""
    low = note.lower()
    header = _HEADER.search(low)
    record, target = low[: header.start()], low[header.end() :]
    end = next(filter(None, (pattern.search(target) for pattern in _ENDS)), None)
    start = next(filter(None, (pattern.search(record) for pattern in _STARTS)), None)
    return _tokens(record[start.end() if start else 0 :]), _tokens(
        target[: end.start() if end else None]
    )


def _tokens(body: str) -> str:
    body = re.sub(r"\[\*\*(.*?)\*\*\]", _label, body, flags=re.DOTALL)
    tokens: list[str] = []
    for token in re.findall(r"\[[a-z]+\]|[^\W_]+|[^\w\s]|_", body):
        if token != tokens[-1] if tokens else token.strip("[]").isalnum():
            tokens.append(token)
    return " ".join(tokens)


def _label(bracket: re.Match) -> str:
    found = (label for label, pattern in _KINDS.items() if re.search(pattern, bracket[1]))
    return f" [{next(found, 'info')}] "


def _fault(record: str, target: str) -> str:
    """Why a note cannot be asked and scored; empty if it can."""
    if len(target.split()) < 5:
        return "an instruction of fewer than five words"
    if not record:
        return "nothing before the instruction"
    return "an addendum" if "addendum" in record else ""


def _listed(path, split) -> set[str]:
    """The patients that a list of one's own assigns to a split."""
    seen: set[str] = set()
    chosen: set[str] = set()
    for row in csv_table(path, ["subject_id", "split"]):
        subject, part = row.values["subject_id"], row.values["split"]
        if part not in PARTS:
            row.reject(f"split is '{part}'; expected train, val or test.")
        if not subject.isdecimal():
            row.reject(f"subject_id is '{subject}'; expected a number.")
        row.once(seen, subject)
        if part == split:
            chosen.add(subject)
    return chosen


def _drawn(patients: set[str], split, folder) -> set[str]:
    if len(patients) < 10:
        Place(folder).reject(f"{len(patients)} patients with an instruction; too few to split.")
    from sklearn.model_selection import train_test_split

    train, held_out = train_test_split(sorted(patients, key=int), test_size=0.2, random_state=0)
    _, test = train_test_split(held_out, test_size=0.5, random_state=0)
    return set(train if split == "train" else test)


# The replies

REPLY = replies.Words("discharge")


def parse(example: Example, text: str) -> str | None:
    """The text that is scored, in one line; None if the model refused."""
    return replies.free_text(text, REPLY)


# The task

MIMIC_III = Task(
    **WORDS["discharge"],
    read_file=mimic_iii,
    question=lambda example: f"Health records: {example.inputs['record']}",
    answer=lambda gold, example: gold,
    parse=parse,
    metric=BLEU_4,
    max_tokens=512,
    document=lambda example: example.inputs["record"],
)
