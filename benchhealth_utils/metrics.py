"""The paper's metrics, each with precision and recall and an interval.

Metrics know gold values and readings; they know nothing of text or models.
A reading of ``None`` is an abstention: never a hit, and counted in ``n``.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np

from .datasets import dataset as registered
from .schema import BenchHealthError, Gold, Reading, Scores
from .stats import bootstrap, wilson


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
    metric = registered(dataset).metric
    if metric not in METRICS or dataset not in METRICS[metric][0]:
        raise BenchHealthError(f"{dataset}: no scorer for {metric}.")
    if len(gold) != len(readings) or not gold:
        raise BenchHealthError(
            f"{len(gold)} gold values and {len(readings)} readings; expected as many "
            "of both, and at least one."
        )
    if groups is not None and len(groups) != len(gold):
        raise BenchHealthError(f"{len(groups)} groups for {len(gold)} items.")
    return METRICS[metric][1](gold, readings, groups, seed)


def accuracy(gold, readings, groups=None, seed=0) -> Scores:
    """Accuracy: the share of items whose reading equals gold.

    Precision is the share among the items that were read, recall the share
    among all items (hence equal to accuracy); each answer counts as a list of
    one. The interval is Wilson's, or a bootstrap over groups where items share
    one. ``extra`` holds macro F1 over the gold classes and, as reference rows,
    chance and the majority class.
    """
    hits = np.array([g == r for g, r in zip(gold, readings, strict=True)], dtype=float)
    n, read = len(gold), sum(r is not None for r in readings)
    if groups is not None and len(set(groups)) < n:
        sums = np.column_stack([hits, np.ones(n)])
        interval = bootstrap(sums, lambda t: t[..., 0] / t[..., 1], groups, seed=seed)
        method = "percentile bootstrap over groups"
    else:
        interval, method = wilson(int(hits.sum()), n), "Wilson"
    classes = Counter(gold)
    return Scores(
        value=float(hits.mean()),
        precision=float(hits.sum() / read) if read else 0.0,
        recall=float(hits.mean()),
        n=n,
        coverage=read / n,
        interval=interval,
        metric="accuracy",
        interval_method=method,
        extra={
            "majority_class": max(classes, key=lambda c: (classes[c], c)),
            "majority_accuracy": max(classes.values()) / n,
            "gold_counts": dict(sorted(classes.items())),
            "reading_counts": dict(sorted(Counter(map(str, readings)).items())),
        },
    )


def counts(gold: frozenset, reading: frozenset | None) -> tuple[int, int, int]:
    """Hits, spurious and missed members of one predicted set.

    >>> counts(frozenset({"a", "b"}), frozenset({"b", "c", "d"}))
    (1, 2, 1)
    """
    reading = reading or frozenset()
    return len(gold & reading), len(reading - gold), len(gold - reading)


def precision_recall_f1(
    totals: np.ndarray,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Precision, recall and F1 from hits, spurious and missed.

    Parameters
    ----------
    totals : array-like, shape (..., 3)

    Returns
    -------
    tuple of ndarray, shape (...)
        In this order, in [0, 1]; a ratio without a denominator is 0.
    """
    hits, spurious, missed = np.moveaxis(np.asarray(totals, dtype=float), -1, 0)

    def ratio(top, bottom):
        return np.divide(top, bottom, out=np.zeros_like(top), where=bottom > 0)

    return (
        ratio(hits, hits + spurious),
        ratio(hits, hits + missed),
        ratio(2 * hits, 2 * hits + spurious + missed),
    )


def set_f1(gold, readings, groups=None, seed=0) -> Scores:
    """Micro F1 over set members, from hits, spurious and missed of all items.

    An empty or unread answer has only misses. ``extra`` holds the mean of the
    per-item F1, which some published code reports under the same name.
    """
    rows = np.array([counts(g, r) for g, r in zip(gold, readings, strict=True)], dtype=float)
    precision, recall, f1 = map(float, precision_recall_f1(rows.sum(axis=0)))
    return Scores(
        value=f1,
        precision=precision,
        recall=recall,
        n=len(rows),
        coverage=sum(r is not None for r in readings) / len(rows),
        interval=bootstrap(rows, lambda t: precision_recall_f1(t)[2], groups, seed=seed),
        metric="micro F1 over set members",
        interval_method="percentile bootstrap over "
        + ("items" if groups is None or len(set(groups)) == len(rows) else "groups"),
        extra={
            "mean_item_f1": float(precision_recall_f1(rows)[2].mean()),
            "hits": int(rows[:, 0].sum()),
            "spurious": int(rows[:, 1].sum()),
            "missed": int(rows[:, 2].sum()),
        },
    )


EXAMS = ("medqa", "medmcqa", "mmlu_medicine")
METRICS = {
    "accuracy": ((*EXAMS, "pubmedqa"), accuracy),
    "micro F1": (("chatdoctor",), set_f1),
}
