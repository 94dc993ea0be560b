"""The combined table: the paper's Table 5 with the project's own rows beneath."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd

from ..datasets import DATASETS
from ..models import MODELS
from ..schema import ROOT, runs_folder
from .results import paper_scores
from .style import points, table

MARK = "*"  # on every result that is not of the full official data


def results(*folders: Path, shots: int = 0, mode: str = "generate") -> list[dict]:
    """Recorded results; of several for a model and data set the weightiest.

    Official ones come before others, then the larger.

    Parameters
    ----------
    *folders : Path
        By default ``data/results/``, then ``runs/results/``.
    shots, mode
        Which runs.

    Returns
    -------
    list of dict
        As `result` makes them, one for each model and data set.
    """
    folders = folders or (ROOT / "data" / "results", runs_folder() / "results")
    found: dict[tuple[str, str], dict] = {}
    for folder in folders:
        for path in sorted(folder.glob("*/*.json")):
            row = json.loads(path.read_text(encoding="utf-8"))
            signature = row["signature"]
            if (signature["shots"], signature["mode"]) == (shots, mode):
                key = row["model"], row["dataset"]
                if key not in found or _weight(row) > _weight(found[key]):
                    found[key] = row
    order = list(MODELS)
    return sorted(
        found.values(),
        key=lambda row: (
            order.index(row["model"]) if row["model"] in order else len(order),
            row["model"],
            list(DATASETS).index(row["dataset"]),
        ),
    )


def _weight(row: dict) -> tuple:
    return row["official"] and row["complete"], row["n"]


def table5_frame(*folders: Path) -> pd.DataFrame:
    """The paper's rows and ours as text, a column a data set.

    Ours read ``score (low to high), n, coverage``, with an asterisk where the
    result is not of the full official data or has errors in it.
    """
    paper = paper_scores()
    names = {"sota": "Task-specific SOTA", **{key: spec.name for key, spec in MODELS.items()}}
    columns = {key: spec.name for key, spec in DATASETS.items()}
    rows = [
        {"Source": "paper", "Model": names[key]}
        | {
            columns[name]: "" if pd.isna(paper.loc[key, name]) else f"{paper.loc[key, name]:.1f}"
            for name in columns
        }
        for key in ["sota", *(key for key in MODELS if key in paper.index)]
    ]
    ours: dict[str, dict] = {}
    for row in results(*folders):
        line = ours.setdefault(
            row["model"], {"Source": "ours", "Model": names.get(row["model"], row["model"])}
        )
        line[columns[row["dataset"]]] = _cell(row)
    return pd.DataFrame([*rows, *ours.values()]).fillna("")


def _cell(row: dict) -> str:
    low, high = row["interval"]
    mark = "" if row["official"] and row["complete"] else MARK
    return (
        f"{points(row['value'])}{mark} ({points(low)} to {points(high)}), "
        f"n = {row['n']:,}, {points(row['coverage'])} % read"
    )


def table5(*folders: Path):
    """The combined Table 5, for a page."""
    caption = (
        "Table 5. Zero-shot scores: the paper's, and ours with 95 % intervals, number of "
        f"items and share of answers that were read. {MARK} marks a result that is not of "
        "the full official data, or has errors in it; it may not be compared."
    )
    return table(table5_frame(*folders), caption, "table-5")
