"""What a model is asked: turns, and the exemplars it is shown before the item.

The first user turn carries the instruction, and exemplars are alternating turns, so
that every model gets the same messages; its own chat template may add marks and a
system text. The words are in ``data/prompts.yaml``, the rest of a prompt with its task.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import islice

from .data import shuffled
from .schema import BenchHealthError, Example, Message, of_kind
from .tasks import task


def build(example: Example, shots: Sequence[Example] = ()) -> list[Message]:
    """Messages that put an example, after its exemplars, to a model.

    Parameters
    ----------
    example : Example
    shots : sequence of Example
        Exemplars, in the order they are shown; see `exemplars`.

    Returns
    -------
    list of Message
        Alternating user and assistant turns, the last one the user's.

    Raises
    ------
    BenchHealthError
        If an exemplar is of another data set or is the test item itself.
    """
    of_kind(Example, example=example)
    asked = task(example.dataset)
    messages: list[Message] = []
    for shot in shots:
        if shot.dataset != example.dataset:
            sets = f"is of {shot.dataset}, the item of {example.dataset}."
            raise BenchHealthError(f"Exemplar {shot.id} {sets}")
        if same_item(shot, example):
            raise BenchHealthError(f"Exemplar {shot.id} is the test item {example.id}.")
        messages.append({"role": "user", "content": asked.question(shot)})
        messages.append({"role": "assistant", "content": asked.answer(shot.gold, shot)})
    messages.append({"role": "user", "content": asked.question(example)})
    parts = [example.instruction or asked.instruction, messages[0]["content"]]
    messages[0]["content"] = "\n\n".join(reversed(parts) if asked.after else parts)
    return messages


def exemplar_order(pool: Sequence[Example], seed: int = 0) -> list[Example]:
    """The training part in the order, fixed by `seed`, that exemplars are taken."""
    return shuffled(pool, f"exemplar:{seed}")


def exemplars(example: Example, ordered: Sequence[Example], shots: int) -> list[Example]:
    """The first exemplars in the order that are not the item itself.

    All items of a data set get the same exemplars, save that an item which is
    itself an exemplar, by id or by normalised text, gets the next one in its
    place.

    Parameters
    ----------
    example : Example
        The test item.
    ordered : sequence of Example
        From `exemplar_order`.
    shots : int
        How many, at least 0.

    Returns
    -------
    list of Example, length `shots`

    Raises
    ------
    BenchHealthError
        If there are not enough.
    """
    others = (other for other in ordered if not same_item(other, example))
    chosen = list(islice(others, shots))
    if len(chosen) < shots:
        counts = f"{shots} exemplars asked for, {len(chosen)} to be had."
        raise BenchHealthError(f"{example.dataset}: {counts}")
    return chosen


def same_item(one: Example, two: Example) -> bool:
    """Whether two examples are one item, by id or by normalised text."""
    return one.id == two.id or normalised(one) == normalised(two)


def normalised(example: Example) -> str:
    """An example's main text with everything but letters and digits dropped.

    A perturbed item goes by the text it had before, so that it gets the same exemplars.
    """
    inputs = example.original or example.inputs
    names = ("question", "disease", "findings", "record", "sentence", "text")
    text = next(str(inputs[name]) for name in names if name in inputs)
    return re.sub(r"[\W_]+", "", text).casefold()
