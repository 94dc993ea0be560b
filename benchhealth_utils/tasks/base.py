"""What a task is: how its file is read, asked about, and how its replies are parsed and scored."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import yaml

from ..metrics import Metric
from ..schema import DATA, Example, Gold, LeftOut, Reading

with (DATA / "prompts.yaml").open(encoding="utf-8") as _stream:
    WORDS = yaml.safe_load(_stream)


@dataclass(frozen=True)
class Task:
    """One data set's way from file to score; what it shares with others is shared by value.

    Attributes
    ----------
    read_file : callable
        ``read_file(spec, split, root)``: the registry's entry, ``"test"`` or ``"train"``, and
        the folder of all data sets, to `Example` and `LeftOut`, in file order.
    question : callable
        Example to the text of its turn.
    answer : callable
        ``answer(gold, example)``: the reply that says `gold`, as an exemplar shows it.
    parse : callable
        ``parse(example, text)``: what a reply says, or None.
    metric : Metric
    max_tokens : int
        Most tokens a reply may have.
    instruction, reworded : str
        Table 4's words, and ours for the measure of robustness.
    after : bool
        Whether the instruction follows the item, as Table 4 has it, or heads it.
    version : int
        Rises with every change that alters the text of a prompt.
    source : str
        Where Table 4 says the wording is from (bibliography key).
    document : callable
        Example to the part of the question that may be shortened.
    keep_end : bool
        Whether its end is kept then, rather than its beginning.
    labels : callable, optional
        Example to the continuations compared in likelihood mode; None where there is no list.
    cue : str
        What comes before a label.
    """

    read_file: Callable[..., Iterator[Example | LeftOut]]
    question: Callable[[Example], str]
    answer: Callable[[Gold, Example], str]
    parse: Callable[[Example, str], Reading | None]
    metric: Metric
    max_tokens: int
    instruction: str
    reworded: str = ""
    after: bool = False
    version: int = 1
    source: str = ""
    document: Callable[[Example], str] = lambda example: ""
    keep_end: bool = False
    labels: Callable[[Example], tuple[str, ...]] | None = None
    cue: str = ""
