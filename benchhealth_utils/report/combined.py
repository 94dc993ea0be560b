"""Our results beside the paper's: the combined Table 5, and where each result lies."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd

from ..datasets import DATASETS
from ..models import MODELS
from ..schema import ROOT, runs_folder
from .recording import paper_scores
from .sources import SOURCES
from .style import estimate, points, printed, span, table

MARK = "*"  # where a result that is not of the full official data stands beside others


def results(*folders: Path, shots: int = 0, mode: str = "generate") -> list[dict]:
    """Recorded results; of several of one kind the weightiest.

    First come those of the full official data, then those without errors, then real
    data before others, then the larger, then the newer file. Runs with exemplars are of
    one kind only if these were drawn with the same seed: `shots` above 0 gives a row
    for each seed, apart. Runs on reworded items are left out.

    Parameters
    ----------
    *folders : Path
        By default ``data/results/``, then ``runs/results/``.
    shots, mode
        Which runs.

    Returns
    -------
    list of dict
        As `result` makes them, by model, data set and exemplar seed.
    """
    folders = folders or (ROOT / "data" / "results", runs_folder() / "results")
    found: dict[tuple, tuple[tuple, dict]] = {}
    for folder in folders:
        for path in sorted(folder.glob("*/*.json")):
            row = json.loads(path.read_text(encoding="utf-8"))
            signature = row["signature"]
            if signature.get("rewording"):
                continue
            if (signature["shots"], signature["mode"]) == (shots, mode):
                kind = row["model"], row["dataset"], _exemplar_seed(row)
                weight = *_weight(row), path.stat().st_mtime
                if kind not in found or weight > found[kind][0]:
                    found[kind] = weight, row
    order = list(MODELS)
    return sorted(
        (row for _, row in found.values()),
        key=lambda row: (
            order.index(row["model"]) if row["model"] in order else len(order),
            row["model"],
            list(DATASETS).index(row["dataset"]),
            _exemplar_seed(row),
        ),
    )


def _exemplar_seed(row: dict) -> int:
    """Of runs with exemplars; without any there is nothing to draw."""
    signature = row["signature"]
    return signature["exemplar_seed"] if signature["shots"] else 0


def _weight(row: dict) -> tuple:
    # credentialed data have no public fingerprint, but are not samples either
    real = row["signature"]["data"]["source"] in ("official", "credentialed")
    return publishable(row), row["complete"], real, row["n"]


def table5_frame(*folders: Path) -> pd.DataFrame:
    """The paper's rows and ours as text, a column a data set, scores in points.

    Ours are results of the full official data, without errors; a model that has none has
    no row. Intervals, n and coverage of ours are in `ours_frame`, all else in `parts_frame`.
    """
    paper = paper_scores()
    columns = {key: spec.name for key, spec in DATASETS.items()}
    rows = [
        {"Model": model_name(key), "Source": "paper"}
        | {columns[dataset]: one_decimal(paper.loc[key, dataset]) for dataset in columns}
        for key in ["sota", *(key for key in MODELS if key in paper.index)]
    ]
    ours: dict[str, dict] = {}
    for row in filter(publishable, results(*folders)):
        line = ours.setdefault(row["model"], {"Model": model_name(row["model"]), "Source": "ours"})
        line[columns[row["dataset"]]] = points(row["value"])
    return pd.DataFrame([*rows, *ours.values()]).fillna("")


def table5(*folders: Path):
    """The combined Table 5, for a page."""
    caption = (
        "Table 5. Zero-shot scores in points (0-100): the paper's as printed, then ours, of the "
        "full official data. An empty cell is a dash in the paper, lost in the text it was "
        "read from, or not measured here on the full official data."
    )
    return table(table5_frame(*folders), caption, "table-5", sortable=True)


def ours_frame(*folders: Path) -> pd.DataFrame:
    """Our full official results as text, a row a model and data set, beside the paper's."""
    paper = paper_scores()
    llms = paper.drop(index="sota")
    rows = []
    for row in filter(publishable, results(*folders)):
        key = row["dataset"]
        rows.append(
            _measured(row)
            | {
                "The paper's 16": span(llms[key], printed),
                "This model in the paper": one_decimal(llms[key].get(row["model"])) or "none",
                "Task-specific": one_decimal(paper.loc["sota", key]) or "none",
            }
        )
    return pd.DataFrame(rows, columns=None if rows else ["Model", "Data set"])


def ours_table(*folders: Path):
    """Every full official result of ours, for a page."""
    caption = (
        "Zero-shot scores measured here on the full official data, in points, with 95 % "
        "intervals, number of items and share of answers that were read (coverage, in %). "
        "Beside them the printed range, the printed score of the same model, and that of the "
        "task-specific models."
    )
    return table(ours_frame(*folders), caption, "results-ours", sortable=True)


def parts_frame(*folders: Path) -> pd.DataFrame:
    """Our other results as text: of samples, of parts, of other data, or with errors.

    Only where the model has no full official result on that data set. No score of the
    paper stands beside them.
    """
    rows = []
    for row in results(*folders):
        if publishable(row):
            continue
        data = row["signature"]["data"]
        kind = SOURCES[data["source"]] + (", a part" if data["limit"] else "")
        kind += "" if row["complete"] else ", with errors"
        rows.append(_measured(row) | {"Measured on": kind})
    return pd.DataFrame(rows or [{"Model": "none"}])


def parts_table(*folders: Path):
    """What was measured on anything but the full official data, for a page."""
    caption = (
        "Measured here on samples or subsets: not comparable. Zero-shot scores in points, with "
        "95 % intervals, number of items, coverage (in %) and the data, where the model has no "
        "result of the full official data without errors. No figure of the paper is of these "
        "items."
    )
    return table(parts_frame(*folders), caption, "results-parts", sortable=True)


def _measured(row: dict) -> dict[str, str]:
    return {
        "Model": model_name(row["model"]),
        "Data set": DATASETS[row["dataset"]].name,
        "Score (95 % interval)": estimate(row["value"], row["interval"]),
        "n": f"{row['n']:,}",
        "Coverage": points(row["coverage"]),
    }


def reading_of_results(*folders: Path):
    """Where our official results lie among the printed scores: one line a model."""
    from IPython.display import Markdown

    by_model: dict[str, list[dict]] = {}
    for row in results(*folders):
        by_model.setdefault(row["model"], []).append(row)
    lines = [_where(model, rows) for model, rows in by_model.items()]
    return Markdown("\n".join(lines) or "Nothing has been measured here yet.")


def _where(model: str, rows: list[dict]) -> str:
    paper = paper_scores()
    llms = paper.drop(index="sota")
    official = [row for row in rows if publishable(row)]
    line = f"- **{model_name(model)}**: official results on {len(official)} of {len(DATASETS)} sets"
    places: dict[str, list[str]] = {}
    for row in official:
        key, name = row["dataset"], DATASETS[row["dataset"]].name
        low, high = (100 * end for end in row["interval"])
        if low > llms[key].max():
            places.setdefault("above all sixteen printed scores", []).append(name)
        elif high < llms[key].min():
            places.setdefault("below all sixteen", []).append(name)
        else:
            places.setdefault("among the sixteen, or not told apart from them", []).append(name)
        if low > paper.loc["sota", key]:
            places.setdefault("above the task-specific score", []).append(name)
    said = "; ".join(f"{place}: {', '.join(names)}" for place, names in sorted(places.items()))
    return f"{line}. {said[:1].upper()}{said[1:]}." if said else f"{line}; nothing to compare."


def one_decimal(value) -> str:
    """A score in points as text; empty if there is none."""
    return "" if pd.isna(value) else f"{value:.1f}"


def model_name(key: str) -> str:
    """How a page calls a model."""
    if key == "sota":
        return "Task-specific SOTA"
    return MODELS[key].name if key in MODELS else key


def publishable(row: dict) -> bool:
    """Whether a result is of the full official data, without errors."""
    return row["official"] and row["complete"]
