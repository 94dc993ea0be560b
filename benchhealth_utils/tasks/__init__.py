"""The paper's seven tasks, a file each: from the data file to prompt, parsed reply and score."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from ..schema import BenchHealthError, Gold, Reading, Scores
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


def task(dataset: str) -> Task:
    """The task of a data set; an unknown key lists the known ones."""
    if dataset not in TASKS:
        raise BenchHealthError(f"There is no data set '{dataset}'. Known: {', '.join(TASKS)}.")
    return TASKS[dataset]


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
