"""One choice of several: the exams and PubMedQA."""

from __future__ import annotations

from collections import Counter
from functools import partial

import numpy as np

from ..schema import Scores
from ..stats import share
from .counting import as_set, macro_f1, per_label, ratio
from .scoring import Metric, scored


def accuracy(gold, readings, groups=None, seed=0) -> Scores:
    """Accuracy: the share of items whose reading equals gold.

    Precision is the share among the items that were read, recall the share
    among all items (hence equal to accuracy); each answer counts as a list of
    one, and one that was not read is an empty list. The interval is Wilson's,
    or a bootstrap over groups where items share one.

    ``extra`` holds macro F1 over the gold classes and, as reference rows,
    ``chance`` (uniform guessing among the possible answers, or among those in
    gold when called without a data set) and the majority class, which takes
    the answers' distribution from gold itself.

    References
    ----------
    Jin D et al. Appl Sci 2021;11:6421 (MedQA); Pal A et al. CHIL 2022
    (MedMCQA); Hendrycks D et al. arXiv:2009.03300 (MMLU); Jin Q et al. EMNLP
    2019 (PubMedQA, which also reports macro F1).
    """
    return scored(one_of(sorted(set(gold)), known=False), gold, readings, groups, seed)


def one_of(classes, known: bool = True) -> Metric:
    """Accuracy among these answers; any other is refused if they are `known`."""
    return Metric(
        name="accuracy",
        sums=_rows,
        statistic=share,
        precision_recall=lambda t: (ratio(t[..., 0], t[..., 2]), share(t)),
        extra=partial(_reference, len(classes)),
        labels=tuple(classes) if known else None,
        columns=("right", "items", "read"),
    )


def _rows(gold, readings) -> np.ndarray:
    """Correct, item, read."""
    pairs = zip(gold, readings, strict=True)
    return np.array([(g == r, 1, r is not None) for g, r in pairs], dtype=float)


def _reference(choices: int, gold, readings, rows) -> dict:
    classes = Counter(gold)
    most = max(classes, key=lambda c: (classes[c], c))
    sets = [[as_set(label, classes) for label in labels] for labels in (gold, readings)]
    return {
        "macro_f1": macro_f1(per_label(*sets, sorted(classes))),
        "chance": 1 / choices,
        "majority_class": most,
        "majority_accuracy": classes[most] / len(gold),
        "gold_counts": dict(sorted(classes.items())),
        "reading_counts": dict(sorted(Counter(map(str, readings)).items())),
    }
