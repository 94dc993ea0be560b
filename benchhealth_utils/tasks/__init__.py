"""The paper's seven tasks, a file each: from the data file to prompt, parsed reply and score."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Sequence

import numpy as np

from .. import replies
from ..registry import known
from ..schema import Answer, Example, Gold, Reading, Scores, of_kind
from .base import Task
from .discharge import MIMIC_III
from .entities import ENTITIES
from .exams import MEDMCQA, MEDQA, MMLU, PUBMEDQA
from .hallmarks import HOC
from .radiology import IU_XRAY, MIMIC_CXR
from .relations import DDI, GAD
from .treatment import CHATDOCTOR

TASKS: dict[str, Task] = {
    "medqa": MEDQA,
    "medmcqa": MEDMCQA,
    "mmlu_medicine": MMLU,
    "pubmedqa": PUBMEDQA,
    "chatdoctor": CHATDOCTOR,
    "mimic_cxr": MIMIC_CXR,
    "iu_xray": IU_XRAY,
    "mimic_iii": MIMIC_III,
    "bc5_disease": ENTITIES,
    "ncbi_disease": ENTITIES,
    "ddi": DDI,
    "gad": GAD,
    "hoc": HOC,
}


ECHOED = ("mimic_cxr", "iu_xray", "mimic_iii", "ddi", "gad", "hoc")


def task(dataset: str) -> Task:
    """The task of a data set; an unknown key lists the known ones."""
    return TASKS[known("data set", dataset, TASKS)]


def read(example: Example, reply: Answer | str) -> Reading | None:
    """What a model's reply to an example says.

    Parameters
    ----------
    example : Example
        Its data set says what is looked for; its gold value is not used.
    reply : Answer or str
        The prompt, if the model repeats it word by word, is no part of it.

    Returns
    -------
    Reading or None
        Of the gold value's kind: an option's letter; a label; the text; a set of drug names,
        hallmarks or spans in the sentence (beside ``("spurious", k)`` for names that are not in
        it), empty if the reply says that there are none. None if the reply does not state an
        answer, or if the `Answer` is not ``ok``.

    Raises
    ------
    BenchHealthError
        If the data set is unknown.

    Examples
    --------
    >>> options = {"A": "Warfarin", "B": "Amoxicillin", "C": "Metformin"}
    >>> example = Example("1", "medqa", {"question": "?", "options": options}, "C", "1")
    >>> read(example, "The glucose is high. **Answer: (c)** Metformin")
    'C'
    >>> read(example, "A patient with high glucose should be examined.") is None
    True
    """
    of_kind(Example, example=example)
    of_kind(str, Answer, reply=reply)
    asked = task(example.dataset)
    if isinstance(reply, Answer):
        if reply.status != "ok":
            return None
        reply = reply.text
    text = replies.without(reply, example.instruction or asked.instruction)
    own = re.escape(str(example.inputs.get("question", ""))[:40])
    if own:  # a "Question:" that opens another question is where a reply runs on
        text = re.sub(rf"\bQuestion:\s*(?={own})", "", text)
    if example.dataset in ECHOED:
        text = replies.without(text, asked.question(example))
    return asked.parse(example, text)


def score(
    dataset: str,
    gold: Sequence[Gold],
    readings: Sequence[Reading | None],
    *,
    groups: Sequence[str] | None = None,
    seed: int = 0,
) -> Scores:
    """Score readings by the paper's metric of the data set.

    Parameters
    ----------
    dataset : str
        Key in ``DATASETS``.
    gold, readings : sequences of equal length
        In the same order; join them by id first. A reading of None counts in n, never as a hit.
    groups : sequence of str, optional
        Unit of resampling of each item.
    seed : int
        Of the bootstrap.

    Returns
    -------
    Scores

    Raises
    ------
    BenchHealthError
        If they are of unequal length, or one is not what the data set's answers are.

    Examples
    --------
    >>> result = score("medqa", ["A", "B", "C", "D"], ["A", "B", "A", None])
    >>> result.value, round(result.precision, 3), result.recall, result.coverage
    (0.5, 0.667, 0.5, 0.75)
    """
    of_kind(Collection, gold=gold, readings=readings)
    return task(dataset).metric.score(gold, readings, groups, seed)


def sufficient(
    dataset: str, gold: Sequence[Gold], readings: Sequence[Reading | None]
) -> tuple[np.ndarray, Callable[[np.ndarray], np.ndarray]]:
    """Per-item sums of the data set's metric, and the statistic of their totals.

    They are what `score` itself is computed from, and what `stats.compare` takes.

    Parameters
    ----------
    dataset, gold, readings
        As in `score`.

    Returns
    -------
    sums : ndarray, shape (items, quantities)
    statistic : callable
        Takes totals of shape (..., quantities), gives values of shape (...).

    Examples
    --------
    >>> sums, statistic = sufficient("gad", ["yes", "no", "yes"], ["yes", "yes", None])
    >>> sums.tolist()  # hits, spurious, missed
    [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]]
    >>> float(statistic(sums.sum(axis=0)))
    0.5
    """
    metric = task(dataset).metric
    metric.check(gold, readings)
    return metric.sums(gold, readings), metric.statistic
