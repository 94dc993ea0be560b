"""The constant answer: what saying the same to every item of a run would score."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from ..datasets import data_root, load
from ..evaluation import Evaluation
from ..models.baselines import majority
from ..schema import DataError
from ..tasks import sufficient
from .style import points

FROM_TRAINING = {
    "chatdoctor": "the ten commonest drugs",
    "mimic_cxr": "the commonest impression",
    "iu_xray": "the commonest impression",
    "bc5_disease": "no disease",
    "ncbi_disease": "no disease",
    "ddi": "no interaction",
    "hoc": "the commonest hallmark",
}


@dataclass(frozen=True)
class Constant:
    """A constant answer: its score in [0, 1], and what is said."""

    value: float
    what: str

    def __str__(self) -> str:
        return f"{points(self.value)} ({self.what})"


def constant_answer(run: Evaluation) -> Constant | None:
    """What always giving the same answer scores on the items of a run.

    For exams and PubMedQA it is the items' own commonest gold answer, for GAD yes.
    Elsewhere it is the training part's commonest, as the baseline ``majority`` gives it.
    None for MIMIC-III, whose instructions are all different, and where there is no
    training part.
    """
    extra = run.scores.extra
    if "majority_accuracy" in extra:
        return Constant(extra["majority_accuracy"], f"always {extra['majority_class']}")
    if "all_yes_f1" in extra:
        return Constant(extra["all_yes_f1"], "always yes")
    if run.dataset not in FROM_TRAINING:
        return None
    try:
        readings = _majority(run.dataset, data_root())(run.examples)
    except DataError:
        return None
    sums, statistic = sufficient(run.dataset, [item.gold for item in run.examples], readings)
    return Constant(float(statistic(sums.sum(axis=0))), FROM_TRAINING[run.dataset])


@cache
def _majority(key: str, root: Path) -> Callable:
    """The baseline of a data set; kept, since MIMIC-CXR's training part takes long to read."""
    return majority(key, load(key, "train", root=root))
