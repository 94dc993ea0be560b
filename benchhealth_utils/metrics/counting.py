"""Hits, spurious and missed: what every F1 of the benchmark is made of.

Gold and reading are brought to sets: of drug names, mentions, labels. A member
of both is a hit, one of the reading alone is spurious, one of gold alone is
missed. An answer that could not be read is an empty set: it only misses.
"""

from __future__ import annotations

from collections import Counter

import numpy as np


def counts(gold: frozenset, reading: frozenset | None) -> tuple[int, int, int]:
    """Hits, spurious and missed members of one predicted set.

    >>> counts(frozenset({"a", "b"}), frozenset({"b", "c", "d"}))
    (1, 2, 1)
    """
    reading = reading or frozenset()
    return len(gold & reading), len(reading - gold), len(gold - reading)


def set_rows(gold, readings) -> np.ndarray:
    """`counts` of every item, shape (items, 3)."""
    return np.array([counts(g, r) for g, r in zip(gold, readings, strict=True)], dtype=float)


def ratio(top, bottom) -> np.ndarray:
    """``top / bottom``, and 0 where `bottom` is 0."""
    top, bottom = np.broadcast_arrays(np.asarray(top, float), np.asarray(bottom, float))
    return np.divide(top, bottom, out=np.zeros(top.shape), where=bottom > 0)


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

    References
    ----------
    van Rijsbergen CJ. Information Retrieval. 2nd ed. 1979, ch. 7.
    """
    hits, spurious, missed = np.moveaxis(np.asarray(totals, dtype=float), -1, 0)
    return (
        ratio(hits, hits + spurious),
        ratio(hits, hits + missed),
        ratio(2 * hits, 2 * hits + spurious + missed),
    )


def f1(totals: np.ndarray) -> np.ndarray:
    """F1 from hits, spurious and missed, shape (..., 3)."""
    return precision_recall_f1(totals)[2]


def precision_recall(totals: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Precision and recall from hits, spurious and missed, shape (..., 3)."""
    return precision_recall_f1(totals)[:2]


def as_set(label: str | None, among) -> frozenset:
    """One label as a set; empty if it is None or not `among` those that count."""
    return frozenset({label} if label in among else ())


def per_label(gold, readings, labels) -> dict[str, dict[str, float]]:
    """Precision, recall, F1 and number in gold of each label.

    Parameters
    ----------
    gold, readings : sequences of frozenset
    labels : sequence of str
    """
    found = {}
    for label in labels:
        only = frozenset({label})
        rows = set_rows([g & only for g in gold], [r & only for r in readings])
        hits, spurious, missed = rows.sum(axis=0)
        precision, recall, value = map(float, precision_recall_f1([hits, spurious, missed]))
        found[label] = {
            "precision": precision,
            "recall": recall,
            "f1": value,
            "gold": int(hits + missed),
        }
    return found


def macro_f1(each: dict[str, dict[str, float]]) -> float:
    """Mean of the labels' F1, as in scikit-learn; not the F1 of mean P and R."""
    return sum(row["f1"] for row in each.values()) / len(each)


def confusion(gold, readings, labels) -> dict[str, dict[str, int]]:
    """Items by gold label and, within it, by what was read."""
    columns = {label: label for label in labels} | {None: "not read"}
    seen = Counter(zip(gold, readings, strict=True))
    return {g: {name: seen[g, r] for r, name in columns.items()} for g in labels}
