"""Multiple choice: MedQA, MedMCQA, MMLU professional medicine, and PubMedQA's yes, no, maybe."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

from .. import replies
from ..metrics import accuracy
from ..schema import Example
from .base import WORDS, Task
from .files import Place, Row, csv_table, filled_lines, json_document, json_lines

LETTERS = "ABCD"
ANSWERS = ("yes", "no", "maybe")

# The files


def medqa(spec, split, root) -> Iterator[Example]:
    """MedQA (USMLE), four options, JSON Lines without ids.

    ``train`` is the official training file where it is present, else a public
    partial copy in another layout.
    """
    path = root / spec.folder / f"phrases_no_exclude_{split}.jsonl"
    if split == "train" and not path.exists():
        yield from _partial_copy(path.with_name("med_qa_train.json"), spec.key)
        return
    prefix = spec.key if split == "test" else f"{spec.key}-train"
    for number, row in enumerate(json_lines(path)):
        given = row.inside("options")
        names = sorted(given.values)
        row.expect(names == list(LETTERS), f"options are {names}; expected A, B, C and D.")
        options = {x: given.field(x) for x in LETTERS}
        gold = row.field("answer_idx")
        problem = f"answer_idx '{gold}' does not name the option whose text is 'answer'."
        row.expect(options.get(gold) == row.field("answer"), problem)
        yield _item(spec.key, f"{prefix}-{number}", row.field("question"), options, gold)


def medmcqa(spec, split, root) -> Iterator[Example]:
    """MedMCQA, JSON Lines; ``cop`` counts the correct option from 1.

    ``test`` is the official development set (the test set has no public
    answers), as in the paper.
    """
    path = root / spec.folder / ("dev.json" if split == "test" else "train.json")
    if split == "train" and not path.exists():
        yield from _partial_copy(path.with_name("medmc_qa_train.json"), spec.key)
        return
    seen: set[str] = set()
    for row in json_lines(path):
        options = {x: row.field(f"op{x.lower()}") for x in LETTERS}
        gold, identifier = row.field("cop", int), row.field("id")
        row.expect(1 <= gold <= 4, f"cop is {gold}; expected 1 to 4 (1 is option A).")
        row.once(seen, identifier)
        item = _item(spec.key, identifier, row.field("question"), options, LETTERS[gold - 1])
        if split == "train" and (told := str(row.values.get("exp") or "").strip()):
            item = replace(item, inputs={**item.inputs, "explanation": told})
        yield item


def mmlu(spec, split, root) -> Iterator[Example]:
    """MMLU professional medicine, CSV without header: question, A to D, answer.

    ``train`` is the official development file of five items.
    """
    part, prefix = ("test", spec.key) if split == "test" else ("dev", f"{spec.key}-dev")
    path = root / spec.folder / part / f"professional_medicine_{part}.csv"
    columns = ["question", *LETTERS, "answer"]
    for number, row in enumerate(csv_table(path, columns, headed=False)):
        options, gold = {x: row.field(x) for x in LETTERS}, row.field("answer")
        row.expect(gold in options, f"answer is '{gold}'; expected A, B, C or D.")
        yield _item(spec.key, f"{prefix}-{number}", row.field("question"), options, gold)


def _partial_copy(path, key) -> Iterator[Example]:
    """The public partial copies: question and options in one string.

    Items that do not have exactly four options are passed over (MedQA's copy
    has five-option items among them).
    """
    is_list = next(filled_lines(path))[1].startswith("[")
    values = json_document(path) if is_list else [row.values for row in json_lines(path)]
    for number, value in enumerate(values):
        item = Row(path, f"item {number + 1}", value)
        case = Row(path, item.where, item.field("instances", dict))
        question, *rest = re.split(r"\n?Option ([A-E]):", case.field("input"))
        question = re.sub(r"^question:\s*", "", question.strip(), flags=re.I)
        options = {x: text.strip() for x, text in zip(rest[::2], rest[1::2], strict=True)}
        if list(options) != list(LETTERS):
            continue
        item.expect(question and all(options.values()), "the question or an option is empty.")
        output = case.field("output").strip()
        cue = re.fullmatch(r"Answer: \(([A-D])\)", output)
        matches = [cue[1]] if cue else [x for x in LETTERS if options[x] == output]
        item.expect(len(matches) == 1, "'output' names none of the four options.")
        yield _item(key, f"{key}-train-{number}", question, options, matches[0])


def _item(key, identifier, question, options, gold) -> Example:
    inputs = {"question": question.strip(), "options": options}
    return Example(identifier, key, inputs, gold, identifier)


def pubmedqa(spec, split, root) -> Iterator[Example]:
    """PubMedQA's 500 test ids; the other 500 labelled items are ``train``.

    Each section of the abstract is headed by its label.
    """
    folder = root / spec.folder
    path, truth_path = folder / "ori_pqal.json", folder / "test_ground_truth.json"
    items, truth = (Row(each, "", json_document(each)).values for each in (path, truth_path))
    Place(truth_path).expect(truth, "there is no PMID in it.")
    absent = [pmid for pmid in truth if pmid not in items]
    problem = f"{len(absent)} test ids are missing, {', '.join(absent[:1])} the first."
    Place(path).expect(not absent, problem)
    for pmid in (pmid for pmid in items if (pmid in truth) == (split == "test")):
        row = Row(path, f"record {pmid}", items[pmid])
        gold, question = row.field("final_decision"), row.field("QUESTION")
        row.expect(gold in ANSWERS, f"final_decision is '{gold}'; expected yes, no or maybe.")
        problem = f"says '{truth.get(pmid)}' where {path.name} says '{gold}'."
        Place(truth_path, row.where).expect(truth.get(pmid, gold) == gold, problem)
        labels, parts = row.field("LABELS", list), row.field("CONTEXTS", list)
        texts = all(isinstance(part, str) and part.strip() for part in (*labels, *parts))
        counts = f"{len(labels)} LABELS for {len(parts)} CONTEXTS, or a blank one"
        row.expect(texts and len(labels) == len(parts), f"{counts}; expected one label a section.")
        context = "\n".join(f"{x}: {part}" for x, part in zip(labels, parts, strict=True))
        yield Example(pmid, spec.key, {"question": question, "context": context}, gold, pmid)


# The prompts


def _shown(example: Example) -> dict[str, str]:
    options = " ".join(f"({x}) {text}" for x, text in example.inputs["options"].items())
    return {"steps": "", **example.inputs, "options": options}


# The replies


REPLY = replies.Words("exams")


def parse_exam(example: Example, text: str) -> str | None:
    """The letter of the option that a reply chooses.

    Examples
    --------
    >>> options = {"A": "Warfarin", "B": "Amoxicillin", "C": "Metformin"}
    >>> example = Example("1", "medqa", {"options": options}, "C", "1")
    >>> parse_exam(example, "Option A is tempting, but the answer is metformin.")
    'C'
    """
    options, question = example.inputs["options"], str(example.inputs.get("question", ""))
    return replies.Options(options, question).read(text)


def parse_pubmedqa(example: Example, text: str) -> str | None:
    """The label that a reply chooses: "yes", "no" or "maybe"."""

    def prepare(said: str) -> str:
        return replies.rewritten(replies.as_answer(said, REPLY.nouns), REPLY.signs)

    return replies.labels("exams").read(replies.own_words(text, prepare) or "")


# The tasks

MEDQA = Task(
    **WORDS["exams"],
    read_file=medqa,
    shown=_shown,
    parse=parse_exam,
    metric=accuracy(LETTERS),
    labels=lambda example: tuple(f" {x}" for x in example.inputs["options"]),
)
MEDMCQA = replace(MEDQA, read_file=medmcqa)
MMLU = replace(MEDQA, read_file=mmlu)
PUBMEDQA = Task(
    **WORDS["pubmedqa"],
    read_file=pubmedqa,
    parse=parse_pubmedqa,
    metric=accuracy(ANSWERS),
    labels=lambda example: tuple(f" {answer}" for answer in ANSWERS),
)
