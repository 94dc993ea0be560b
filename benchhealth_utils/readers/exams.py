"""Multiple-choice exams: MedQA, MedMCQA and MMLU professional medicine."""

from __future__ import annotations

import re
from collections.abc import Iterator

from ..schema import DataError, Example
from .files import csv_lines, field, json_document, json_lines, once, read_text

LETTERS = "ABCD"


def medqa(spec, split, root) -> Iterator[Example]:
    """MedQA (USMLE), four options, JSON Lines without ids.

    ``train`` is the official training file where it is present, else a public
    partial copy in another layout.
    """
    folder = root / spec.folder
    if split == "test":
        path, prefix = folder / "phrases_no_exclude_test.jsonl", spec.key
    else:
        path, prefix = folder / "phrases_no_exclude_train.jsonl", f"{spec.key}-train"
        if not path.exists():
            yield from _instructions(folder / "med_qa_train.json", spec.key)
            return
    for row, (line, item) in enumerate(json_lines(path)):
        where = f"line {line}"
        options = field(item, "options", path, where, dict)
        if sorted(options) != list(LETTERS):
            raise DataError(path, where, f"options are {sorted(options)}; expected A, B, C and D.")
        options = {x: field(options, x, path, f"{where}, options") for x in LETTERS}
        gold = field(item, "answer_idx", path, where)
        if gold not in options or field(item, "answer", path, where) != options[gold]:
            raise DataError(
                path,
                where,
                f"answer_idx '{gold}' does not name the option whose text is 'answer'.",
            )
        question = field(item, "question", path, where)
        yield _exam(spec.key, f"{prefix}-{row}", question, options, gold)


def medmcqa(spec, split, root) -> Iterator[Example]:
    """MedMCQA, JSON Lines; ``cop`` counts the correct option from 1.

    ``test`` is the official development set (the test set has no public
    answers), as in the paper.
    """
    folder = root / spec.folder
    path = folder / ("dev.json" if split == "test" else "train.json")
    if split == "train" and not path.exists():
        yield from _instructions(folder / "medmc_qa_train.json", spec.key)
        return
    seen = set()
    for line, item in json_lines(path):
        where = f"line {line}"
        options = {x: field(item, f"op{x.lower()}", path, where) for x in LETTERS}
        gold = field(item, "cop", path, where, int)
        if not 1 <= gold <= 4:
            raise DataError(path, where, f"cop is {gold}; expected 1 to 4 (1 is option A).")
        question = field(item, "question", path, where)
        identifier = field(item, "id", path, where)
        once(seen, identifier, path, where)
        yield _exam(spec.key, identifier, question, options, LETTERS[gold - 1])


def mmlu(spec, split, root) -> Iterator[Example]:
    """MMLU professional medicine, CSV without header: question, A to D, answer.

    ``train`` is the official development file of five items.
    """
    part, prefix = ("test", spec.key) if split == "test" else ("dev", f"{spec.key}-dev")
    path = root / spec.folder / part / f"professional_medicine_{part}.csv"
    for row, (line, cells) in enumerate(csv_lines(path)):
        where = f"line {line}"
        if len(cells) != 6:
            raise DataError(
                path,
                where,
                f"{len(cells)} cells; expected 6: question, A, B, C, D, answer.",
            )
        names = ("question", *LETTERS, "answer")
        item = dict(zip(names, cells, strict=True))
        options = {x: field(item, x, path, where) for x in LETTERS}
        gold = field(item, "answer", path, where)
        if gold not in options:
            raise DataError(path, where, f"answer is '{gold}'; expected A, B, C or D.")
        question = field(item, "question", path, where)
        yield _exam(spec.key, f"{prefix}-{row}", question, options, gold)


def _instructions(path, key) -> Iterator[Example]:
    """The public partial copies: question and options in one string.

    Items that do not have exactly four options are passed over (MedQA's copy
    has five-option items among them).
    """
    first = read_text(path).lstrip()[:1]
    rows = enumerate(json_document(path), 1) if first == "[" else json_lines(path)
    for row, item in rows:
        where = f"item {row}"
        case = field(item, "instances", path, where, dict)
        parts = re.split(r"\n?Option ([A-E]):", field(case, "input", path, where))
        question = re.sub(r"^question:\s*", "", parts[0].strip(), flags=re.I)
        options = dict(zip(parts[1::2], (x.strip() for x in parts[2::2]), strict=True))
        if list(options) != list(LETTERS):
            continue
        if not question or not all(options.values()):
            raise DataError(path, where, "the question or an option is empty.")
        output = field(case, "output", path, where).strip()
        cue = re.fullmatch(r"Answer: \(([A-D])\)", output)
        matches = [x for x in LETTERS if options[x] == output]
        if not cue and len(matches) != 1:
            raise DataError(path, where, "'output' names none of the four options.")
        gold = cue[1] if cue else matches[0]
        yield _exam(key, f"{key}-train-{row - 1}", question, options, gold)


def _exam(key, identifier, question, options, gold) -> Example:
    inputs = {"question": question.strip(), "options": options}
    return Example(identifier, key, inputs, gold, identifier)
