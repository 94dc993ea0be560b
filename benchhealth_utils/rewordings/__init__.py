"""The same items in other words: a paired test of robustness.

An item is reworded so that its meaning and its answer stay; a robust model then
answers as before. Only the test item changes, and for ``template`` the instruction;
exemplars are those the item has without a change. What is drawn, is drawn from the
item's identifier and a seed.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from ..datasets import DATASETS
from ..datasets import dataset as registered
from ..schema import BenchHealthError, Example, Reading
from ..tasks import TASKS
from .abbreviations import EXPANSIONS, abbreviations
from .edits import WITH_SPANS, Edit, moved_back, rewritten
from .option_order import order, reordered
from .typos import RATE, typos

ALL = tuple(DATASETS)
# ChatDoctor's table writes the names of diseases and symptoms out already.
WITH_ABBREVIATIONS = tuple(key for key in ALL if key != "chatdoctor")
EXAMS = ("medqa", "medmcqa", "mmlu_medicine")


@dataclass(frozen=True)
class Rewording:
    """One way to say an item in other words.

    Attributes
    ----------
    what : str
        What is changed, for a table.
    apply : callable
        Takes an example and a seed, gives the example reworded.
    datasets : tuple of str
        Where it applies.
    version : int
        Rises with every change that alters what is asked.
    """

    what: str
    apply: Callable[[Example, int], Example]
    datasets: tuple[str, ...]
    version: int


def _edited(edits: Callable[[Example, int], list[Edit]]) -> Callable[[Example, int], Example]:
    return lambda example, seed: rewritten(example, edits(example, seed))


def _template(example: Example, seed: int) -> Example:
    words = TASKS[example.dataset].reworded
    return dataclasses.replace(example, instruction=words)


EDITS = {"typos": typos, "abbreviations": abbreviations}
REWORDINGS: Mapping[str, Rewording] = {
    "typos": Rewording(
        f"In {RATE:.0%} of the words that are open to it, at least in one, a letter is exchanged "
        "for its neighbour on the keyboard, exchanged with the next, dropped or doubled.",
        _edited(typos),
        ALL,
        1,
    ),
    "abbreviations": Rewording(
        f"{len(EXPANSIONS)} abbreviations of the clinic are written out.",
        _edited(abbreviations),
        WITH_ABBREVIATIONS,
        1,
    ),
    "option_order": Rewording(
        "The options stand in another order; those that speak of the others stay.",
        reordered,
        EXAMS,
        1,
    ),
    "template": Rewording("The instruction is put in other words.", _template, ALL, 1),
}


def applies(kind: str, dataset: str) -> bool:
    """Whether a rewording can be asked of a data set; unknown names list the known ones.

    >>> applies("option_order", "medqa"), applies("option_order", "ddi")
    (True, False)
    """
    if kind not in REWORDINGS:
        raise BenchHealthError(f"There is no rewording '{kind}'. Known: {', '.join(REWORDINGS)}.")
    return registered(dataset).key in REWORDINGS[kind].datasets


def reword(example: Example, kind: str, seed: int = 0) -> Example:
    """An item in other words; its meaning, id and group stay.

    Parameters
    ----------
    example : Example
        As the data have it.
    kind : str
        Key in ``REWORDINGS``.
    seed : int

    Returns
    -------
    Example
        The item itself where there is nothing to change. Gold says the same as before:
        the letter where the option now stands, the spans where the mentions now stand.

    Raises
    ------
    BenchHealthError
        If the kind does not apply to the data set, or the item is reworded already.
    """
    if not applies(kind, example.dataset):
        known = ", ".join(REWORDINGS[kind].datasets)
        raise BenchHealthError(
            f"The rewording '{kind}' does not apply to {example.dataset}. It does to: {known}."
        )
    if example.original is not None or example.instruction is not None:
        raise BenchHealthError(f"{example.id} of {example.dataset} is reworded already.")
    return REWORDINGS[kind].apply(example, seed)


def restored(reading: Reading | None, example: Example, kind: str, seed: int = 0) -> Reading | None:
    """A reading of the reworded item in the terms of the item itself.

    A letter becomes that of the same option in the given order, a span that of the
    same words in the given sentence; a span that ends within a change has no such
    place and counts as a name that is not in the sentence. So readings before and
    after are compared as they are, and scored by the item's own gold.

    Parameters
    ----------
    reading : Reading or None
    example : Example
        The item before it was reworded.
    kind, seed
        As they were given to `reword`.
    """
    if reading is None:
        return None
    if kind == "option_order":
        return order(example, seed)[reading]
    if kind in EDITS and example.dataset in WITH_SPANS:
        return _moved_back(reading, EDITS[kind](example, seed))
    return reading


def _moved_back(reading: frozenset, edits: Sequence[Edit]) -> frozenset:
    spans = {member for member in reading if isinstance(member[0], int)}
    places = [tuple(moved_back(end, edits) for end in span) for span in spans]
    known = {place for place in places if None not in place}
    return frozenset(known) | {("spurious", number) for number in range(len(reading) - len(known))}


def rewording_signature(kind: str, examples: Sequence[Example], seed: int = 0) -> dict:
    """What a run's signature says of its rewording.

    Kind and version; of ``option_order`` also, by id, the old letters of the options
    in the order in which they were shown.
    """
    found = {"rewording": kind, "rewording_version": REWORDINGS[kind].version}
    if kind == "option_order":
        found["option_order"] = {item.id: "".join(order(item, seed).values()) for item in examples}
    return found
