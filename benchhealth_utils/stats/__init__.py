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
    Interval,
    Resample,
    bootstrap,
    group_sums,
    known_interval,
    mean_interval,
    resample,
    share,
    wilson,
    wilson_of_share,
)
from .proportions import accuracy_interval, difference_interval

__all__ = [
    "CELLS",
    "LEVEL",
    "POWER",
    "Comparison",
    "Interval",
    "Resample",
    "accuracy_interval",
    "bootstrap",
    "compare",
    "detectable_difference",
    "detectable_share",
    "difference_interval",
    "group_sums",
    "holm",
    "inverted",
    "known_interval",
    "mcnemar",
    "mean_interval",
    "percentiles",
    "redraw",
    "resample",
    "share",
    "sign_flip",
    "wilson",
    "wilson_of_share",
]
