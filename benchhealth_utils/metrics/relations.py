"""Relations of two things in a sentence: DDI's types and GAD's yes or no."""

from __future__ import annotations

import numpy as np

from ..readers.ddi import TYPES
from ..schema import Scores
from .counting import (
    as_set,
    confusion,
    f1,
    macro_f1,
    per_label,
    precision_recall,
    precision_recall_f1,
    set_rows,
)
from .scoring import Metric, scored


def relation_f1(gold, readings, groups=None, seed=0) -> Scores:
    """Micro F1 over DDI's four positive types: mechanism, effect, advise, int.

    The right type is a hit. A wrong type on an interaction is both spurious and
    missed, a type on a pair without one is spurious, and "false" on an
    interaction is a miss; "false" on a pair without one counts for nothing.

    An answer that was not read is not a prediction of "false". On an interaction
    it is a miss. On a pair without one it names no type, so it is no false
    positive and F1 does not see it; it is an error in ``accuracy``, it has its
    own column in ``confusion``, and it lowers the coverage.

    ``extra`` holds detection F1 (any type against "false"), macro F1 (mean of
    the four), the figures of each type, accuracy over all five labels beside
    that of always saying "false", and the confusion counts.

    References
    ----------
    Segura-Bedmar I et al. SemEval-2013 Task 9:341-350; without "false", as in
    Peng Y et al. BioNLP 2019:58-65 (BLUE) and Gu Y et al. ACM Trans Comput
    Healthc 2021;3(1):1-23 (BLURB).
    """
    return scored(RELATION_F1, gold, readings, groups, seed)


def positive_f1(gold, readings, groups=None, seed=0) -> Scores:
    """F1 of GAD's positive class, "yes": what BLURB calls micro F1.

    "yes" on a related pair is a hit, on another spurious; "no" on a related pair
    is a miss. An answer that was not read is a miss on a related pair; on another
    it is no false positive, but an error in ``accuracy`` and in the coverage.
    Micro F1 over both classes would be the accuracy, if all answers are read.

    ``extra`` holds accuracy, macro F1 (mean of "yes" and "no"), the figures of
    each class, the confusion counts, and the F1 of always saying "yes".

    References
    ----------
    Gu Y et al. ACM Trans Comput Healthc 2021;3(1):1-23 (BLURB).
    """
    return scored(POSITIVE_F1, gold, readings, groups, seed)


DDI_LABELS = (*TYPES, "false")
GAD_LABELS = ("yes", "no")


def _sets(labels, among) -> list[frozenset]:
    return [as_set(label, among) for label in labels]


def _type_rows(gold, readings) -> np.ndarray:
    return set_rows(_sets(gold, TYPES), _sets(readings, TYPES))


def _yes_rows(gold, readings) -> np.ndarray:
    return set_rows(_sets(gold, ("yes",)), _sets(readings, ("yes",)))


def _accuracy(gold, readings) -> float:
    return sum(g == r for g, r in zip(gold, readings, strict=True)) / len(gold)


def _relation_extra(gold, readings, rows) -> dict:
    def any_type(labels):
        return [frozenset({"any"} if label in TYPES else ()) for label in labels]

    detected = set_rows(any_type(gold), any_type(readings)).sum(axis=0)
    precision, recall, detection = map(float, precision_recall_f1(detected))
    types = per_label(_sets(gold, TYPES), _sets(readings, TYPES), TYPES)
    return {
        "detection_precision": precision,
        "detection_recall": recall,
        "detection_f1": detection,
        "macro_f1": macro_f1(types),
        "types": types,
        "accuracy": _accuracy(gold, readings),
        "all_false_accuracy": sum(g == "false" for g in gold) / len(gold),
        "confusion": confusion(gold, readings, DDI_LABELS),
    }


def _positive_extra(gold, readings, rows) -> dict:
    classes = per_label(_sets(gold, GAD_LABELS), _sets(readings, GAD_LABELS), GAD_LABELS)
    return {
        "accuracy": _accuracy(gold, readings),
        "macro_f1": macro_f1(classes),
        "classes": classes,
        "all_yes_f1": float(f1(_yes_rows(gold, ["yes"] * len(gold)).sum(axis=0))),
        "confusion": confusion(gold, readings, GAD_LABELS),
    }


RELATION_F1 = Metric(
    "micro F1 over the four positive types",
    _type_rows, f1, precision_recall, _relation_extra, DDI_LABELS,
)  # fmt: skip
POSITIVE_F1 = Metric(
    "F1 of the positive class", _yes_rows, f1, precision_recall, _positive_extra, GAD_LABELS
)
