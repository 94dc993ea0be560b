"""ChatDoctor's disease table: symptoms in, a set of drug names out."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from ..schema import DataError, Example
from .files import csv_table, field, once

COLUMNS = [
    "idx",
    "disease",
    "Symptom",
    "reason",
    "TestsAndProcedures",
    "commonMedications",
]


def drug_name(name: str) -> str:
    """A medication as it is compared: no brand in parentheses, lower case.

    The table writes some apostrophes with a backslash, which is dropped.

    >>> drug_name("Insulin, Aspart, Human (Novolog)")
    'insulin, aspart, human'
    """
    name = re.sub(r"\s*\([^()]*\)", "", name.replace("\\'", "'"))
    return re.sub(r"\s+", " ", name).strip().lower()


def chatdoctor(spec, split, root) -> Iterator[Example]:
    """The 796 diseases, all of them test items.

    The ``reason`` cell is never read: it can name the drug. There is no
    training part, so ``train`` is the table itself, from which exemplars are
    taken with the test item left out.
    """
    path = root / spec.folder / "format_dataset.csv"
    seen: set[str] = set()
    for line, row in csv_table(path, COLUMNS):
        where = f"row ending at line {line}"
        identifier = field(row, "idx", path, where).strip()
        if not identifier.isdecimal():
            raise DataError(path, where, f"idx is '{identifier}'; expected a number.")
        once(seen, identifier, path, where)
        drugs = frozenset(map(drug_name, _names(row, "commonMedications", path, where)))
        if not all(drugs):
            raise DataError(path, where, "a medication has no name.")
        inputs = {
            "disease": field(row, "disease", path, where).strip().replace("\\'", "'"),
            "symptoms": tuple(_names(row, "Symptom", path, where)),
        }
        yield Example(identifier, spec.key, inputs, drugs, identifier)


def _names(row, column, path, where) -> list[str]:
    cell = field(row, column, path, where)
    try:
        names = ast.literal_eval(cell)
    except (ValueError, SyntaxError, TypeError):
        names = None
    if not (
        isinstance(names, list)
        and names
        and all(isinstance(name, str) and name.strip() for name in names)
    ):
        raise DataError(
            path,
            where,
            f"'{column}' is not a list of names such as ['Cough', 'Fever'].",
        )
    return [name.strip() for name in names]
