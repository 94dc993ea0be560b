"""On which data a chapter runs: official, synthetic or other, set by set."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from ..datasets import DATASETS, data_root
from ..evaluation import Evaluation
from .style import table

SOURCES = {
    "official": "official data",
    "samples": "synthetic samples",
    "credentialed": "credentialed data",
    "other": "data that differ from the official",
}


def sources_table(evaluations: Sequence[Evaluation], caption: str, uuid: str):
    """Each data set of a chapter: what was in the data folder, and how much of it was asked."""
    rows = []
    for run in evaluations:
        spec, data = DATASETS[run.dataset], run.signature["data"]
        rows.append(
            {
                "Data set": spec.name,
                "Data": SOURCES[data["source"]],
                "Items here": f"{data['items']:,}",
                "Items in the paper": f"{spec.size:,}",
                "Asked": f"{run.scores.n:,}",
                "Fingerprint": data["fingerprint"][:8],
            }
        )
    title = (
        f"{caption} Official are data with the published fingerprint; credentialed data have "
        "none that is public; a score on synthetic samples says nothing about a model."
    )
    return table(pd.DataFrame(rows), title, uuid)


def data_note(evaluations: Sequence[Evaluation]) -> str:
    """One or two sentences: on which data, and which scores the paper's may stand beside."""
    by_kind: dict[str, list[str]] = {}
    for run in evaluations:
        kind = SOURCES[run.signature["data"]["source"]]
        by_kind.setdefault(kind, []).append(DATASETS[run.dataset].name)
    kinds = [
        kind if len(by_kind) == 1 else f"{kind} ({', '.join(dict.fromkeys(names))})"
        for kind, names in sorted(by_kind.items())
    ]
    note = f"Measured on {' and '.join(kinds)}"
    if cut := [run for run in evaluations if run.signature["data"]["limit"]]:
        sizes = sorted({run.scores.n for run in cut})
        note += f", a random subset of {' or '.join(map(str, sizes))} items of each set"
        if len(cut) < len(evaluations):
            note += " that has more"
    fit = [run for run in evaluations if run.comparable]
    if len(fit) == len(evaluations):
        return f"{note}: comparable with the paper."
    if fit:
        names = ", ".join(dict.fromkeys(DATASETS[run.dataset].name for run in fit))
        return f"{note}: comparable with the paper only for {names}."
    return f"{note}: not comparable with the paper."


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
