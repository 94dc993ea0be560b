"""Patients' questions with a physician's answer, and which of them are damaged.

They are those of the ChatDoctor release's iCliniq part (Li et al. 2023), from its
own ``iCliniq.json`` or the public copy of its first rows, ``train_2kchat.jsonl``.
The real text stays in the data folder and in study folders; it is never committed.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ..datasets import data_root
from ..schema import DataError
from ..tasks.files import json_document, json_lines
from .folder import StudyError, plain

FILES = ("iCliniq.json", "train_2kchat.jsonl")
ADVICE = "Restore it with `python -m benchhealth_utils download chatdoctor`."


@dataclass(frozen=True)
class Dialogue:
    """One patient's question and the physician's answer.

    ``id`` is ``icliniq-`` and the row in the release, from 0.
    """

    id: str
    question: str
    answer: str


@dataclass(frozen=True)
class Rule:
    """One way in which an item can be damaged, and what is done about it.

    Attributes
    ----------
    what : str
        For a table of what was left out or noted.
    drop : bool
        Whether the item is left out for all models; else it is kept and noted.
    fixed : bool
        Whether that cannot be chosen.
    """

    what: str
    drop: bool
    fixed: bool = False


# Of a question, always; of an answer, where the physician is one of those compared.
QUESTION_RULES = {
    "no_question": Rule("the question is blank", drop=True, fixed=True),
    "same_question": Rule("the question repeats an earlier one", drop=True, fixed=True),
    "attachment": Rule("the question speaks of something attached, which is not here", drop=False),
}
ANSWER_RULES = {
    "no_answer": Rule("the physician's answer is blank", drop=True, fixed=True),
    "swallowed": Rule(
        "'ChatDoctor' stands where the release lost words of the physician's answer", drop=True
    ),
    "attachment_seen": Rule("the physician has seen something attached", drop=False),
}
_ATTACHED = re.compile(r"\battach(?:ed|ing|ments?)?\b", re.I)
_SWALLOWED = re.compile(r"(?<!Welcome to )(?<!Welcome to the )ChatDoctor\b")


@dataclass(frozen=True)
class Selection:
    """Dialogues that can be used, and why others cannot.

    Attributes
    ----------
    dialogues : list of Dialogue
    left_out : Counter
        Rule to the number of dialogues that it left out, each under its first rule.
    flags : dict
        Dialogue id to the rules that it was kept in spite of.
    """

    dialogues: list[Dialogue]
    left_out: Counter = field(default_factory=Counter)
    flags: dict[str, list[str]] = field(default_factory=dict)


def dialogues_file(root: str | Path | None = None) -> Path:
    """The file of dialogues in a data folder, ``iCliniq.json`` before its copy."""
    folder = (Path(root) if root is not None else data_root()) / "chatdoctor"
    found = [folder / name for name in FILES if (folder / name).exists()]
    if not found:
        raise DataError(
            folder,
            "",
            f"no dialogues here; expected {' or '.join(FILES)}.",
            "Fetch them with `python -m benchhealth_utils download chatdoctor`.",
        )
    return found[0]


def load_dialogues(root: str | Path | None = None) -> list[Dialogue]:
    """All dialogues, damaged ones too, in the order of the release.

    Parameters
    ----------
    root : path-like, optional
        Data folder; by default `datasets.data_root()`.

    Returns
    -------
    list of Dialogue

    Raises
    ------
    DataError
        If the file is missing or a row is not what the layout promises.
    """
    path = dialogues_file(root)
    rows = _release(path) if path.suffix == ".json" else _copy(path)
    found = [
        Dialogue(f"icliniq-{number}", plain(question).strip(), plain(answer).strip())
        for number, (question, answer) in enumerate(rows)
    ]
    if not found:
        raise DataError(path, "", "no dialogue in it.", ADVICE)
    return found


def _release(path: Path) -> Iterator[tuple[str, str]]:
    rows = json_document(path)
    if not isinstance(rows, list):
        raise DataError(path, "", "expected a list of dialogues.", ADVICE)
    for number, row in enumerate(rows):
        where = f"dialogue {number}"
        yield _text(row, "input", path, where), _text(row, "answer_icliniq", path, where)


def _copy(path: Path) -> Iterator[tuple[str, str]]:
    for line in json_lines(path):
        where, row = line.where, line.values
        try:
            (turn,) = row["chat"]
            (patient,) = turn["input"]
            is_patient = patient["role"] == "user"
        except (KeyError, TypeError, ValueError):
            is_patient = False
        if not is_patient:
            problem = "expected one chat of one user's question and an 'ideal' answer."
            raise DataError(path, where, problem, ADVICE)
        yield _text(patient, "content", path, where), _text(turn, "ideal", path, where)


def _text(row, name: str, path: Path, where: str) -> str:
    value = row.get(name) if isinstance(row, dict) else None
    if not isinstance(value, str):
        raise DataError(path, where, f"no text under '{name}'.", ADVICE)
    return value


def damage(dialogue: Dialogue, *, physician: bool = False) -> list[str]:
    """Rules that a dialogue falls under by itself, the gravest first.

    >>> damage(Dialogue("1", "I have attached my report.", "Take rest."))
    ['attachment']
    """
    found = []
    if not dialogue.question:
        found.append("no_question")
    if physician and not dialogue.answer:
        found.append("no_answer")
    if physician and _SWALLOWED.search(dialogue.answer):
        found.append("swallowed")
    if _ATTACHED.search(dialogue.question):
        found.append("attachment")
    if physician and _ATTACHED.search(dialogue.answer):
        found.append("attachment_seen")
    return found


def usable(
    dialogues: Sequence[Dialogue],
    *,
    physician: bool = False,
    drop: Collection[str] = (),
    keep: Collection[str] = (),
) -> Selection:
    """Leave out what is too damaged to be rated, and note what else is damaged.

    Parameters
    ----------
    dialogues : sequence of Dialogue
    physician : bool
        Whether the physician's answer is one of the replies compared.
    drop, keep : collections of str
        Rules to apply otherwise than they say: leave out, or only note.

    Returns
    -------
    Selection
    """
    rules = QUESTION_RULES | ANSWER_RULES
    leaving = chosen(rules, drop, keep)
    known: set[str] = set()
    result = Selection([])
    for item in dialogues:
        found = damage(item, physician=physician)
        words = " ".join(item.question.lower().split())
        if words and words in known:
            found.insert(0, "same_question")
        known.add(words)
        why = next((name for name in found if name in leaving), None)
        if why:
            result.left_out[why] += 1
            continue
        result.dialogues.append(item)
        if found:
            result.flags[item.id] = found
    return result


def chosen(rules: dict[str, Rule], drop: Collection[str], keep: Collection[str]) -> set[str]:
    """Names of the rules that leave an item out.

    Raises
    ------
    StudyError
        For an unknown rule, one named twice, or one that cannot be chosen.
    """
    for name in (*drop, *keep):
        if name not in rules or (rules[name].fixed and name in keep):
            free = ", ".join(key for key, rule in rules.items() if not rule.fixed)
            raise StudyError(f"There is no choice about the rule {name!r}. There is for: {free}.")
    if both := set(drop) & set(keep):
        raise StudyError(f"The rule {min(both)!r} is to drop and to keep items; choose one.")
    return ({name for name, rule in rules.items() if rule.drop} | set(drop)) - set(keep)
