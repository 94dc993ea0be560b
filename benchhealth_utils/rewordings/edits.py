"""Edits of the texts of an item, and places before and after them."""

from __future__ import annotations

import dataclasses
import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass

from ..schema import Example

# The inputs that are prose. Options are not: a reply is read by them.
PROSE = ("question", "context", "disease", "symptoms", "findings", "record", "sentence", "text")
# Where gold is a set of spans in the sentence.
WITH_SPANS = ("bc5_disease", "ncbi_disease")
Place = tuple[str, int]  # an input's name, and the position in it if it is a list


@dataclass(frozen=True)
class Edit:
    """Characters ``start`` to ``end`` of the text at ``place`` become ``text``."""

    place: Place
    start: int
    end: int
    text: str


def texts(example: Example) -> dict[Place, str]:
    """The prose of an item, by place."""
    found = {}
    for name in PROSE:
        value = example.inputs.get(name, ())
        for position, text in enumerate([value] if isinstance(value, str) else value):
            found[name, position] = text
    return found


def mentions(example: Example) -> list[tuple[int, int]]:
    """Gold spans in the sentence, where gold is spans."""
    return sorted(example.gold) if example.dataset in WITH_SPANS else []


def may_change(example: Example, text: str, start: int, end: int) -> bool:
    """Whether an edit there spares the mentions, and their words wherever they stand."""
    spans = mentions(example)
    kept = {word for a, b in spans for word in _words(text[a:b])}
    meets = any(a < end and start < b for a, b in spans)
    return not meets and kept.isdisjoint(_words(text[start:end]))


def _words(text: str) -> list[str]:
    return re.findall(r"\w+", text.casefold())


def rewritten(example: Example, edits: Sequence[Edit]) -> Example:
    """The item with its texts edited, and the spans of its gold moved along.

    Without edits it is the item itself. Tokens are those of the old sentence, and go.
    """
    if not edits:
        return example
    inputs = {name: value for name, value in example.inputs.items() if name != "tokens"}
    for name in {edit.place[0] for edit in edits}:
        value = inputs[name]
        parts = [value] if isinstance(value, str) else value
        parts = [
            edited(part, [edit for edit in edits if edit.place == (name, position)])
            for position, part in enumerate(parts)
        ]
        inputs[name] = parts[0] if isinstance(value, str) else tuple(parts)
    gold = example.gold
    if spans := mentions(example):
        gold = frozenset((moved(start, edits), moved(end, edits)) for start, end in spans)
    return dataclasses.replace(example, inputs=inputs, gold=gold, original=example.inputs)


def edited(text: str, edits: Sequence[Edit]) -> str:
    """A text with edits applied; they do not overlap.

    >>> edited("BP is low.", [Edit(("sentence", 0), 0, 2, "blood pressure")])
    'blood pressure is low.'
    """
    for edit in sorted(edits, key=lambda edit: edit.start, reverse=True):
        text = text[: edit.start] + edit.text + text[edit.end :]
    return text


def moved(place: int, edits: Sequence[Edit]) -> int:
    """Where a place outside the edits stands after them.

    >>> moved(6, [Edit(("sentence", 0), 0, 2, "blood pressure")])
    18
    """
    return place + sum(_growth(edit) for edit in edits if edit.end <= place)


def moved_back(place: int, edits: Sequence[Edit]) -> int | None:
    """Where a place after the edits stood before them; None within an edit.

    >>> edits = [Edit(("sentence", 0), 0, 2, "blood pressure")]
    >>> moved_back(18, edits), moved_back(6, edits)
    (6, None)
    """
    shift = 0
    for edit in sorted(edits, key=lambda edit: edit.start):
        start = edit.start + shift
        if place <= start:
            break
        if place < start + len(edit.text):
            return None
        shift += _growth(edit)
    return place - shift


def _growth(edit: Edit) -> int:
    return len(edit.text) - (edit.end - edit.start)


def draw(*parts) -> int:
    """A number, uniform below 2**64, that only the parts decide."""
    return int.from_bytes(hashlib.sha256(":".join(map(str, parts)).encode()).digest()[:8])
