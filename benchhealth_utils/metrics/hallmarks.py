"""Labels of a document: the hallmarks of cancer (HoC)."""

from __future__ import annotations

from ..readers.hoc import HALLMARKS
from ..schema import Scores
from .counting import (
    f1,
    macro_f1,
    per_label,
    precision_recall,
    ratio,
    set_rows,
)
from .scoring import Metric, scored


def label_f1(gold, readings, groups=None, seed=0) -> Scores:
    """Micro F1 over label decisions: hits and errors of all documents and labels.

    There is no label "none": an answer that names no hallmark, or that was not
    read, is an empty set and has only misses.

    ``extra`` holds BLUE's example-based figures, which are another metric:
    precision and recall of each document (precision 0 if no label was given),
    their means over documents, and the harmonic mean of the two means. Beside
    them macro F1 (mean of the ten labels) and the figures of each label.

    References
    ----------
    Baker S et al. Bioinformatics 2016;32:432-440; example-based: Peng Y et al.
    BioNLP 2019:58-65, code ncbi-nlp/BLUE_Benchmark ``blue/eval_hoc.py``, which
    prints precision under the name of recall and the reverse.
    """
    return scored(LABEL_F1, gold, readings, groups, seed)


def _extra(gold, readings, rows) -> dict:
    precision, recall = (float(each.mean()) for each in precision_recall(rows))
    labels = per_label(gold, [r or frozenset() for r in readings], HALLMARKS)
    return {
        "example_based_precision": precision,
        "example_based_recall": recall,
        "example_based_f1": float(ratio(2 * precision * recall, precision + recall)),
        "macro_f1": macro_f1(labels),
        "labels": labels,
    }


LABEL_F1 = Metric(
    "micro F1 over label decisions", set_rows, f1, precision_recall, _extra, HALLMARKS
)
