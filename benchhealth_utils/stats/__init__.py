"""Intervals for scores and paired comparisons, on scipy and statsmodels.

A score is always a function of sums over items (hits, misses, ...). Resampling
therefore draws groups of items and adds up their sums; no text is scored
twice, and items that share a document stay together.
"""

from .comparisons import Comparison, compare, holm, mcnemar, sign_flip
from .detectable import POWER, detectable_difference, detectable_share
from .draws import inverted, percentiles, redraw
from .intervals import (
    CELLS,
    LEVEL,
    Resample,
    bootstrap,
    group_sums,
    resample,
    share,
    wilson,
)

__all__ = [
    "CELLS",
    "LEVEL",
    "POWER",
    "Comparison",
    "Resample",
    "bootstrap",
    "compare",
    "detectable_difference",
    "detectable_share",
    "group_sums",
    "holm",
    "inverted",
    "mcnemar",
    "percentiles",
    "redraw",
    "resample",
    "share",
    "sign_flip",
    "wilson",
]
