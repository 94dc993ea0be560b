"""What rewording changes: the same items before and after, compared in pairs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pandas as pd

from ..datasets import DATASETS
from ..evaluation import Evaluation
from ..schema import BenchHealthError
from ..stats import holm
from .errors import compare_runs
from .sources import data_note
from .style import estimate, p_text, table, with_interval


def rewording_table(
    base: Sequence[Evaluation],
    changed: Mapping[str, Sequence[Evaluation]],
    caption: str,
    uuid: str,
):
    """Scores before and after rewording, on the same items.

    A row for each data set and kind. *Items changed* counts those whose prompt is not
    the same; *change* is the score after minus before, with the interval of the paired
    bootstrap over groups; its p-values are Holm's over the table. *Readings changed*
    is the share of all items that were read otherwise than before, right or wrong: 0
    is a model that answers consistently.

    Parameters
    ----------
    base : sequence of Evaluation
        One model's runs.
    changed : mapping of str to sequence of Evaluation
        For each kind its reworded runs, as `evaluation.evaluate_reworded` gives them;
        data sets to which the kind does not apply are not there.
    caption, uuid : str

    Raises
    ------
    BenchHealthError
        If a reworded run has no base run of the same model, shots, mode and items.
    """
    before = {run.dataset: run for run in base}
    runs = {(run.dataset, kind): run for kind, each in changed.items() for run in each}
    order = [(key, kind) for key in before for kind in changed if (key, kind) in runs]
    if alone := sorted({key for key, _ in runs} - set(before)):
        raise BenchHealthError(f"There is no run before rewording on: {', '.join(alone)}.")
    if not order:
        return table(pd.DataFrame([{"Data set": "no run was reworded"}]), caption, uuid)
    for key, kind in order:
        _check_pair(before[key], runs[key, kind], kind)
    found = [compare_runs(runs[key, kind], before[key]) for key, kind in order]
    corrected = holm([each.p_value for each in found])
    rows = []
    for (key, kind), each, p_value in zip(order, found, corrected, strict=True):
        run, was = runs[key, kind], before[key]
        altered = sum(a != b for a, b in zip(run.asked, run.examples, strict=True))
        other = sum(a != b for a, b in zip(run.readings, was.readings, strict=True))
        rows.append(
            {
                "Data set": DATASETS[key].name,
                "Rewording": kind.replace("_", " "),
                "n": each.n,
                "Items changed": altered,
                "Before (95 % interval)": with_interval(was.scores),
                "After (95 % interval)": with_interval(run.scores),
                "Change (95 % interval)": estimate(each.difference, each.interval, sign="+"),
                "p (Holm)": p_text(p_value),
                "Readings changed (%)": f"{100 * other / each.n:.1f}",
            }
        )
    title = f"{caption} {base[0].model}, change is after minus before. {data_note(base)}"
    return table(pd.DataFrame(rows), title, uuid)


def _check_pair(was: Evaluation, run: Evaluation, kind: str) -> None:
    alike = ("model", "shots", "mode")
    if run.signature.get("rewording") != kind or was.signature.get("rewording") is not None:
        raise BenchHealthError(
            f"{run.dataset}: the runs are reworded by {was.signature.get('rewording')} and "
            f"{run.signature.get('rewording')}; expected none and {kind}."
        )
    for name in alike:
        if was.signature[name] != run.signature[name]:
            raise BenchHealthError(
                f"{run.dataset}: before and after differ in {name}. Run both the same way."
            )
