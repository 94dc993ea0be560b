"""Sets of drug names: ChatDoctor."""

from __future__ import annotations

from ..schema import Scores
from .counting import f1, precision_recall, set_rows
from .scoring import Metric, scored


def set_f1(gold, readings, groups=None, seed=0) -> Scores:
    """Micro F1 over set members, from hits, spurious and missed of all items.

    An empty or unread answer has only misses. ``extra`` holds the mean of the
    per-item F1, which some published code reports under the same name.

    References
    ----------
    Micro F1 as in the paper's Table 1; the mean over items is what the code of
    DrugGPT (AI-in-Health/DrugGPT, ``notebooks/evaluation.ipynb``) prints.
    """
    return scored(SET_F1, gold, readings, groups, seed)


def _extra(gold, readings, rows) -> dict:
    hits, spurious, missed = map(int, rows.sum(axis=0))
    return {
        "mean_item_f1": float(f1(rows).mean()),
        "hits": hits,
        "spurious": spurious,
        "missed": missed,
    }


SET_F1 = Metric("micro F1 over set members", set_rows, f1, precision_recall, _extra)
