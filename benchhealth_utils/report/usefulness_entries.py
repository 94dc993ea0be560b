"""The models that a page on clinical usefulness shows, with their measures."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from ..datasets import DATASETS, data_root
from ..evaluation import Evaluation
from ..models import MODELS
from .combined import MARK, model_name, publishable, results
from .old_usefulness import Measure, usefulness
from .recording import paper_scores


@dataclass(frozen=True)
class Entry:
    """A model with its measures.

    ``kind`` is general, medical or other; ``printed`` is whether its scores are
    the paper's; ``mark`` is an asterisk on what may not be compared with them.
    """

    model: str
    name: str
    kind: str
    printed: bool
    mark: str
    scores: Mapping[str, Mapping]
    measures: Mapping[str, Measure]


def present_sets(scenario: str = "") -> list[str]:
    """Keys of the data sets that the data folder has, in Table 1's order.

    Of one scenario, if named; then what is left out is printed. Without an
    agreement with PhysioNet, the two MIMIC sets are.
    """
    wanted = {k: s for k, s in DATASETS.items() if scenario in ("", s.scenario)}
    found = [key for key, spec in wanted.items() if (data_root() / spec.folder).is_dir()]
    absent = [spec.name for key, spec in wanted.items() if key not in found]
    if scenario and absent:
        print(f"Left out, since the data folder does not have them: {', '.join(absent)}.")
    return found


def printed_entries() -> list[Entry]:
    """The sixteen models of the paper in Table 3's order, from its Table 5."""
    rows = paper_scores()
    return [
        _entry(key, model_name(key), True, "", _rates(rows.loc[key]))
        for key in MODELS
        if key in rows.index
    ]


def recorded_entries(*folders: Path) -> list[Entry]:
    """Models with recorded zero-shot results.

    Official results and others are never mixed: a model that has any of the full
    official data enters with those alone. Folders are those of `results`.
    """
    found: dict[str, list[dict]] = {}
    for row in results(*folders):
        found.setdefault(row["model"], []).append(row)
    entries = []
    for model, rows in found.items():
        official = [row for row in rows if publishable(row)]
        scores = {row["dataset"]: row for row in official or rows}
        entries.append(_entry(model, model_name(model), False, "" if official else MARK, scores))
    return entries


def measured_entry(runs: Sequence[Evaluation], name: str | None = None) -> Entry:
    """The model of these runs."""
    model = runs[0].model
    mark = "" if all(run.comparable for run in runs) else MARK
    scores = {run.dataset: dataclasses.asdict(run.scores) for run in runs}
    return _entry(model, name or model_name(model), False, mark, scores)


def usefulness_entries(runs: Sequence[Evaluation], *folders: Path) -> list[Entry]:
    """The paper's models, those with recorded results, and the model of these runs.

    Recorded results of the same model stay only if they may be compared with the
    paper and the runs may not.
    """
    own = measured_entry(runs)
    others = [
        entry
        for entry in recorded_entries(*folders)
        if entry.model != own.model or (own.mark and not entry.mark)
    ]
    if any(entry.model == own.model for entry in others):
        own = dataclasses.replace(own, name=f"{own.name}, this run")
    return [*printed_entries(), *others, own]


def _entry(model, name, printed, mark, scores) -> Entry:
    kind = MODELS[model].type if model in MODELS else "other"
    kind = kind if kind in ("general", "medical") else "other"
    return Entry(model, name, kind, printed, mark, scores, usefulness(scores))


def _rates(printed: pd.Series) -> dict[str, dict]:
    return {key: {"value": value / 100} for key, value in printed.dropna().items()}
