"""ChatDoctor's disease table: symptoms in, a set of drug names out."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from ..metrics import Metric, f1, precision_recall, set_sums
from ..schema import Example
from .base import WORDS, Task, parse_as_before
from .files import Row, csv_table

COLUMNS = ["idx", "disease", "Symptom", "reason", "TestsAndProcedures", "commonMedications"]

# The file


def chatdoctor(spec, split, root) -> Iterator[Example]:
    """The 796 diseases, all of them test items.

    The ``reason`` cell is never read: it can name the drug. There is no
    training part, so ``train`` is the table itself, from which exemplars are
    taken with the test item left out.
    """
    seen: set[str] = set()
    for row in csv_table(root / spec.folder / "format_dataset.csv", COLUMNS):
        identifier = row.field("idx").strip()
        if not identifier.isdecimal():
            row.reject(f"idx is '{identifier}'; expected a number.")
        row.once(seen, identifier)
        drugs = frozenset(map(drug_name, _names(row, "commonMedications")))
        if not all(drugs):
            row.reject("a medication has no name.")
        disease = row.field("disease").strip().replace("\\'", "'")
        inputs = {"disease": disease, "symptoms": tuple(_names(row, "Symptom"))}
        yield Example(identifier, spec.key, inputs, drugs, identifier)


def _names(row: Row, column: str) -> list[str]:
    cell = row.field(column)
    try:
        names = ast.literal_eval(cell)
        if isinstance(names, list) and names and all(name.strip() for name in names):
            "".join(names).encode()  # half a surrogate pair is no name
            return [name.strip() for name in names]
    except (ValueError, SyntaxError, TypeError, AttributeError, MemoryError, RecursionError):
        pass
    row.reject(f"'{column}' is not a list of names such as ['Cough', 'Fever'].")


def drug_name(name: str) -> str:
    """A medication as it is compared: no brand in parentheses, lower case.

    The table writes some apostrophes with a backslash, which is dropped.

    >>> drug_name("Insulin, Aspart, Human (Novolog)")
    'insulin, aspart, human'
    """
    name = re.sub(r"\s*\([^()]*\)", "", name.replace("\\'", "'"))
    return re.sub(r"\s+", " ", name).strip().lower()


# The prompt


def _question(example: Example) -> str:
    disease, symptoms = example.inputs["disease"], _symptoms(example)
    asked = f"Question: What are the recommended medications for {disease}?"
    return f"{asked}\nContent: Symptoms of {disease}: {symptoms}."


def _symptoms(example: Example) -> str:
    return ", ".join(example.inputs["symptoms"])


def _answer(gold: frozenset[str], example: Example) -> str:
    told = f"The content describes {example.inputs['disease']} by its symptoms"
    drugs = "; ".join(sorted(gold))
    return f"Analysis: {told}; these medications are used for it.\nFinal Answer: {drugs}"


# The metric


def _extra(gold, readings, rows) -> dict:
    hits, spurious, missed = map(int, rows.sum(axis=0))
    mean = float(f1(rows).mean())  # which some published code reports under the same name
    return {"mean_item_f1": mean, "hits": hits, "spurious": spurious, "missed": missed}


SET_F1 = Metric("micro F1 over set members", set_sums, f1, precision_recall, _extra)

# The replies

parse = parse_as_before

# The task

CHATDOCTOR = Task(
    **WORDS["treatment"],
    read_file=chatdoctor,
    question=_question,
    answer=_answer,
    parse=parse,
    metric=SET_F1,
    max_tokens=512,
    document=_symptoms,
)
