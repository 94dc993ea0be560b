"""The headline: every model with official results, one mean a scenario."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from statistics import fmean

import pandas as pd

from ..datasets import DATASETS
from ..models import MODELS
from ..schema import ROOT
from ..stats import mean_interval
from .combined import model_name, results
from .recording import paper_scores
from .style import estimate, known_interval, printed, span, table

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
        line = {"Model": model_name(model)}
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
        f"scenario, with its 95 % interval, which is not estimable where that of one set is not. "
        f"Sets of {sets}."
    )
    if gaps:
        caption += f" Left out of the range, for a score that is not known: {gaps}."
    return table(headline_frame(*folders), caption, "headline")


def _title(keys: Sequence[str], scenario: str) -> str:
    items = sum(DATASETS[key].size for key in keys)
    return f"{scenario.capitalize()} (n = {items:,})"


def _paper_means(keys: Sequence[str]) -> pd.Series:
    return paper_scores().drop(index="sota")[list(keys)].mean(axis=1, skipna=False)


def _range(keys: Sequence[str]) -> str:
    return span(_paper_means(keys).dropna(), printed)


def _cell(rows: Sequence[dict], keys: Sequence[str]) -> str:
    if len(rows) < len(keys):
        return f"{len(rows)} of {len(keys)} sets measured"
    values = [row["value"] for row in rows]
    return estimate(
        fmean(values), mean_interval(values, [known_interval(row["interval"]) for row in rows])
    )
