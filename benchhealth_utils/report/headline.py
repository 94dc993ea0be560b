"""The headline: every model with official results, one mean a scenario."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from ..datasets import DATASETS
from ..models import MODELS
from ..schema import ROOT
from .combined import results
from .results import paper_scores
from .style import points, table

PAPER = "The paper's 16 models, lowest to highest"
SCENARIOS = {
    scenario: [
        key for key, spec in DATASETS.items() if spec.scenario == scenario and spec.tier == "open"
    ]
    for scenario in ("reasoning", "generation", "understanding")
}


def headline_frame(*folders: Path) -> pd.DataFrame:
    """Mean scores over the open data sets of each scenario, as text.

    A mean stands only where all open sets of a scenario have a complete result
    on the full official data; else it is said how many have one. The paper's
    range is that of the means over the same sets; a model with a gap in Table 5
    has no mean.

    Parameters
    ----------
    *folders : Path
        Of recorded results; by default ``data/results/`` alone.

    Returns
    -------
    pandas.DataFrame
        A row for the paper, then a row a model; a column a scenario.
    """
    paper = {_title(keys, name): _range(keys) for name, keys in SCENARIOS.items()}
    rows = [{"Model": PAPER} | paper]
    found: dict[str, dict[str, dict]] = {}
    for row in results(*(folders or (ROOT / "data" / "results",))):
        if row["official"] and row["complete"]:
            found.setdefault(row["model"], {})[row["dataset"]] = row
    for model, scores in found.items():
        line = {"Model": MODELS[model].name if model in MODELS else model}
        for name, keys in SCENARIOS.items():
            line[_title(keys, name)] = _cell([scores[key] for key in keys if key in scores], keys)
        rows.append(line)
    return pd.DataFrame(rows)


def headline(*folders: Path):
    """The headline table, for a page."""
    sets = "; ".join(
        f"{name}: {', '.join(DATASETS[key].name for key in keys)}"
        for name, keys in SCENARIOS.items()
    )
    gaps = "; ".join(
        f"{', '.join(MODELS[key].name for key in missing)} in {name}"
        for name, keys in SCENARIOS.items()
        if (missing := [key for key, mean in _paper_means(keys).items() if pd.isna(mean)])
    )
    caption = (
        "Zero-shot scores on the full official data: mean over the open data sets of each "
        f"scenario, with its 95 % interval. Sets of {sets}."
    )
    if gaps:
        caption += f" Left out of the range, for a score that is not known: {gaps}."
    return table(headline_frame(*folders), caption, "headline")


def mean_interval(
    values: Sequence[float], intervals: Sequence[Sequence[float]]
) -> tuple[float, float]:
    """Interval of the mean of independent scores, from the interval of each.

    Half-widths are added in squares, downwards and upwards apart (the MOVER
    method). The data sets are independent samples; sets of one result that
    could not vary, such as an F1 of 0, add nothing.

    References
    ----------
    Zou GY, Donner A. Stat Med 2008;27:1693-1702.

    Examples
    --------
    >>> [round(end, 3) for end in mean_interval([0.5, 0.7], [(0.4, 0.6), (0.7, 0.7)])]
    [0.55, 0.65]
    """
    values, ends = np.asarray(values), np.asarray(intervals)
    low, high = np.sqrt(((ends - values[:, None]) ** 2).sum(axis=0)) / len(values)
    return float(values.mean() - low), float(values.mean() + high)


def _title(keys: Sequence[str], scenario: str) -> str:
    items = sum(DATASETS[key].size for key in keys)
    return f"{scenario.capitalize()} (n = {items:,})"


def _paper_means(keys: Sequence[str]) -> pd.Series:
    return paper_scores().drop(index="sota")[list(keys)].mean(axis=1, skipna=False)


def _range(keys: Sequence[str]) -> str:
    means = _paper_means(keys)
    return f"{means.min():.1f} to {means.max():.1f}"


def _cell(rows: Sequence[dict], keys: Sequence[str]) -> str:
    if len(rows) < len(keys):
        return f"{len(rows)} of {len(keys)} sets measured"
    values = [row["value"] for row in rows]
    low, high = mean_interval(values, [row["interval"] for row in rows])
    return f"{points(np.mean(values))} ({points(low)} to {points(high)})"
