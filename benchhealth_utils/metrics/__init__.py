"""The paper's metrics, each with precision and recall and an interval.

Metrics know gold values and readings; they know nothing of models. A reading of
``None`` is an abstention: never a hit, and counted in ``n``. Each metric is
defined in the docstring of its function, from `accuracy` to `bleu_4`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from ..datasets import dataset as registered
from ..readers.exams import LETTERS
from ..readers.pubmedqa import ANSWERS
from ..schema import BenchHealthError, Gold, Reading, Scores
from .choices import accuracy, one_of
from .counting import counts, precision_recall_f1
from .drugs import SET_F1, set_f1
from .entities import ENTITY_F1, entity_f1
from .hallmarks import LABEL_F1, label_f1
from .relations import POSITIVE_F1, RELATION_F1, positive_f1, relation_f1
from .scoring import Metric, check, scored
from .texts import BLEU_4, ROUGE_L, bleu_4, rouge_l

METRICS: dict[str, Metric] = {
    "medqa": one_of(LETTERS),
    "medmcqa": one_of(LETTERS),
    "mmlu_medicine": one_of(LETTERS),
    "pubmedqa": one_of(ANSWERS),
    "chatdoctor": SET_F1,
    "mimic_cxr": ROUGE_L,
    "iu_xray": ROUGE_L,
    "mimic_iii": BLEU_4,
    "bc5_disease": ENTITY_F1,
    "ncbi_disease": ENTITY_F1,
    "ddi": RELATION_F1,
    "gad": POSITIVE_F1,
    "hoc": LABEL_F1,
}

__all__ = [
    "METRICS", "accuracy", "bleu_4", "counts", "entity_f1", "label_f1", "positive_f1",
    "precision_recall_f1", "relation_f1", "rouge_l", "score", "set_f1", "sufficient",
]  # fmt: skip


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
        In the same order; join them by id first.
    groups : sequence of str, optional
        Unit of resampling of each item.
    seed : int
        Of the bootstrap.

    Returns
    -------
    Scores

    Examples
    --------
    >>> result = score("medqa", ["A", "B", "C", "D"], ["A", "B", "A", None])
    >>> result.value, round(result.precision, 3), result.recall, result.coverage
    (0.5, 0.667, 0.5, 0.75)
    """
    return scored(_metric(dataset), gold, readings, groups, seed)


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
    metric = _metric(dataset)
    check(metric, gold, readings)
    return metric.sums(gold, readings), metric.statistic


def _metric(dataset: str) -> Metric:
    if registered(dataset).key not in METRICS:
        raise BenchHealthError(f"{dataset}: no metric is defined for it.")
    return METRICS[dataset]
