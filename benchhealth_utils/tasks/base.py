"""What a task is: how its file is read, asked about, and how its replies are parsed and scored."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from ..metrics import Metric
from ..schema import Example, Gold, LeftOut, Reading, read_yaml

WORDS: Mapping[str, Any] = read_yaml("prompts.yaml")
NOTES: Mapping[str, Any] = read_yaml("notes.yaml")


def as_text(gold: Gold, example: Example) -> str:
    """A gold value as a reply says it: a text itself, members of a set after one another."""
    return gold if isinstance(gold, str) else "; ".join(sorted(gold))


@dataclass(frozen=True)
class Task:
    """One data set's way from file to score.

    The words, from `instruction` on, are an entry of ``data/prompts.yaml`` and are explained
    there.

    Attributes
    ----------
    read_file : callable
        ``read_file(spec, split, root)``: the registry's entry, ``"test"`` or ``"train"``, and
        the folder of all data sets, to `Example` and `LeftOut`, in file order.
    parse : callable
        ``parse(example, text)``: what a reply says, or None.
    metric : Metric
    shown : callable
        Example to the texts that its turn is made of, by name.
    said : callable
        ``said(gold, example)``: how a reply names a gold value.
    labels : callable, optional
        Example to the continuations compared in likelihood mode; None where there is no list.
    """

    read_file: Callable[..., Iterator[Example | LeftOut]]
    parse: Callable[[Example, str], Reading | None]
    metric: Metric
    instruction: str
    turn: str
    max_tokens: int
    reply: str = "{gold}"
    cut: str = ""
    keep_end: bool = False
    cue: str = ""
    after: bool = False
    version: int = 1
    source: str = ""
    reworded: str = ""
    variants: Mapping[str, str] = field(default_factory=dict)
    shown: Callable[[Example], Mapping[str, str]] = lambda example: example.inputs
    said: Callable[[Gold, Example], str] = as_text
    labels: Callable[[Example], tuple[str, ...]] | None = None

    def question(self, example: Example) -> str:
        """The text of an example's turn, without the instruction."""
        return self.turn.format(id=example.id, **self.shown(example))

    def answer(self, gold: Gold, example: Example) -> str:
        """The reply that says `gold`, as an exemplar shows it."""
        said = self.said(gold, example)
        return self.reply.format(gold=said, id=example.id, **self.shown(example))

    def document(self, example: Example) -> str:
        """The part of the question that may be shortened."""
        return self.shown(example)[self.cut] if self.cut else ""
