"""MIMIC-III discharge instructions: the record in, the instruction out.

Errors name the row but repeat no cell of it: the text is credentialed.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from itertools import dropwhile, groupby

from .. import replies
from ..metrics import BLEU_4
from ..schema import Example, LeftOut
from .base import NOTES, WORDS, Task
from .files import Place, assigned, csv_table, either

PARTS = ("train", "val", "test")
_RULES = NOTES["discharge"]
COLUMNS = _RULES["columns"]
_HEADER = re.compile(_RULES["header"])
_ERROR = re.compile(_RULES["error"], re.I)

# The file


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
    for number, note in _notes(path):
        subject = note["SUBJECT_ID"]
        if number in unused:
            if subject in chosen or subject not in patients:
                yield LeftOut(f"ROW_ID {note['ROW_ID']}", unused[number])
        elif subject in chosen:
            record, target = instruction(note["TEXT"])
            identifier = f"{subject}_{note['HADM_ID']}"
            yield Example(identifier, spec.key, {"record": record}, target, subject)


def _sorted_out(path) -> tuple[set[str], dict[int, str]]:
    """Patients with an instruction, and why each other note, by number, gives none.

    Of a patient's notes with the same text the earliest counts, then of an
    admission's notes the latest, and that only if it can be used.
    """
    notes, unused = [], {}
    for number, note in _notes(path):
        if not _HEADER.search(note["TEXT"].lower()):
            unused[number] = "no 'Discharge Instructions:'"
            continue
        date, subject, admission = note["CHARTDATE"], note["SUBJECT_ID"], note["HADM_ID"]
        body = hashlib.sha256(note["TEXT"].encode()).digest()
        notes.append((date, number, subject, admission, body, _fault(*instruction(note["TEXT"]))))
    first: dict[tuple[str, bytes], int] = {}
    latest: dict[tuple[str, str], tuple[int, str]] = {}
    for _, number, subject, admission, body, fault in sorted(notes):
        if first.setdefault((subject, body), number) != number:
            unused[number] = "the text of an earlier one"
            continue
        if before := latest.get((subject, admission)):
            unused[before[0]] = "a later one of the admission"
        latest[subject, admission] = number, fault
    unused |= {number: fault for number, fault in latest.values() if fault}
    return {subject for (subject, _), (_, fault) in latest.items() if not fault}, unused


def _notes(path) -> Iterator[tuple[int, dict[str, str]]]:
    """Every discharge summary, by number; without an instruction it may lack an admission."""
    seen: set[int] = set()
    for number, row in enumerate(csv_table(path, COLUMNS)):
        note = row.values
        for name in ("ROW_ID", "SUBJECT_ID"):
            row.expect(note[name].isdecimal(), f"{name} is not a number.")
        row.within("ROW_ID").once(seen, int(note["ROW_ID"]))
        kind = [note[name].strip().lower() for name in ("CATEGORY", "DESCRIPTION")]
        if kind == ["discharge summary", "report"] and not _ERROR.fullmatch(note["ISERROR"]):
            row.expect(note["TEXT"].strip(), "TEXT is empty.")
            dated = re.match(r"\d{4}-\d\d-\d\d", note["CHARTDATE"])
            row.expect(dated, "CHARTDATE is not a date (YYYY-MM-DD).")
            there = note["HADM_ID"].isdecimal() or not _HEADER.search(note["TEXT"].lower())
            row.expect(there, "HADM_ID is not a number.")
            yield number, note


def instruction(note: str) -> tuple[str, str]:
    """Record and instruction of a discharge summary, tokens joined by spaces."""
    low = note.lower()
    header = _HEADER.search(low)
    record, target = low[: header.start()], low[header.end() :]
    starts = (re.search(f"^.*?{x}", record, re.DOTALL) for x in _RULES["starts"])
    start = next((found.end() for found in starts if found), 0)
    ends = (re.search(x, target) for x in _RULES["ends"])
    end = next((found.start() for found in ends if found), None)
    return _tokens(record[start:]), _tokens(target[:end])


def _tokens(body: str) -> str:
    body = re.sub(r"\[\*\*(.*?)\*\*\]", _label, body, flags=re.DOTALL)
    tokens = re.findall(r"\[[a-z]+\]|[^\W_]+|[^\w\s]|_", body)
    from_first_word = dropwhile(lambda token: not token.strip("[]").isalnum(), tokens)
    return " ".join(token for token, _ in groupby(from_first_word))


def _label(bracket: re.Match) -> str:
    kinds = _RULES["brackets"].items()
    return f" [{next((label for label, x in kinds if re.search(x, bracket[1])), 'info')}] "


def _fault(record: str, target: str) -> str:
    """Why a note cannot be asked and scored; empty if it can."""
    if len(target.split()) < 5:
        return "an instruction of fewer than five words"
    if not record:
        return "nothing before the instruction"
    return "an addendum" if "addendum" in record else ""


def _listed(path, split) -> set[str]:
    """The patients that a list of one's own assigns to a split."""
    rows = [(row, *row.values.values()) for row in csv_table(path, ["subject_id", "split"])]
    for row, subject, _ in rows:
        row.expect(subject.isdecimal(), f"subject_id is '{subject}'; expected a number.")
    return set(assigned(rows, split, PARTS))


def _drawn(patients: set[str], split, folder) -> set[str]:
    problem = f"{len(patients)} patients with an instruction; too few to split."
    Place(folder).expect(len(patients) >= 10, problem)
    from sklearn.model_selection import train_test_split

    train, held_out = train_test_split(sorted(patients, key=int), test_size=0.2, random_state=0)
    _, test = train_test_split(held_out, test_size=0.5, random_state=0)
    return set(train if split == "train" else test)


# The task

REPLY = replies.Words("discharge")
MIMIC_III = Task(
    **WORDS["discharge"],
    read_file=mimic_iii,
    parse=lambda example, text: replies.free_text(text, REPLY),
    metric=BLEU_4,
)
