"""Clinical usefulness on a page: its tables, and what they say."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from ..datasets import DATASETS
from ..evaluation import Evaluation
from ..models import MODELS
from .combined import MARK
from .old_usefulness import SPREAD_TASKS, Measure, by_task, common, robustness, usefulness
from .recording import paper_scores, publish
from .sources import data_note
from .style import measure, points, span, table
from .usefulness_entries import Entry, measured_entry, printed_entries, usefulness_entries


def usefulness_table(runs: Sequence[Evaluation], caption: str, uuid: str, *folders: Path):
    """The four measures of every model measured here, and what they are over."""
    rows = []
    for entry in usefulness_entries(runs, *folders):
        for each in () if entry.printed else entry.measures.values():
            rows.append(
                {
                    "Model": entry.name,
                    "Measure": each.name.capitalize(),
                    "Value (95 % interval)": value_text(each, entry.mark),
                    "By sampling alone": "" if each.sampling is None else points(each.sampling),
                    "Over": over(each),
                    "Remark": each.note,
                }
            )
    title = (
        f"{caption} In points: sums of 0-100 for each task, a mean of 0-100, and for robustness "
        f"a sum of standard deviations (lower is better). {MARK} marks what is not of the full "
        "official data and may not be compared with the paper."
    )
    return table(pd.DataFrame(rows), title, uuid)


def task_table(runs: Sequence[Evaluation], caption: str, uuid: str):
    """What each task adds to faithfulness and to comprehensiveness."""
    scores = measured_entry(runs).scores
    rows = [
        _task_row(task.capitalize(), {key: scores[key] for key in keys})
        for task, keys in by_task(scores).items()
    ]
    rows.append(_task_row(f"Sum of {len(rows)} tasks", scores) | {"Data sets (n)": ""})
    return table(pd.DataFrame(rows), f"{caption} {data_note(runs)}", uuid)


def spread_table(runs: Sequence[Evaluation], caption: str, uuid: str):
    """What each task adds to robustness: its data sets' scores and their spread."""
    entry = measured_entry(runs)
    rows = []
    for task, keys in by_task(entry.scores).items():
        if task not in SPREAD_TASKS:
            continue
        values = [entry.scores[key]["value"] for key in keys]
        rows.append(
            {
                "Task": task.capitalize(),
                "Scores": ", ".join(
                    f"{DATASETS[key].name} {points(value)}"
                    for key, value in zip(keys, values, strict=True)
                ),
                "Standard deviation": "none" if len(keys) < 2 else points(np.std(values, ddof=1)),
            }
        )
    total = entry.measures["robustness"]
    rows.append({"Task": "Robustness (sum)", "Scores": "", "Standard deviation": value_text(total)})
    return table(pd.DataFrame(rows), f"{caption} {data_note(runs)}", uuid)


def same_sets_table(runs: Sequence[Evaluation], caption: str, uuid: str):
    """The paper's models beside the model of these runs, over the same data sets."""
    own, rows = measured_entry(runs), []
    for entry in printed_entries():
        theirs, ours = (usefulness(scores) for scores in common(entry.scores, own.scores))
        row = {"Model of the paper": entry.name, "Type": entry.kind}
        for name in ("generalizability", "robustness"):
            row[name.capitalize()] = value_text(theirs[name])
            row[f"{name.capitalize()} of {own.name}"] = value_text(ours[name], own.mark)
        rows.append(row | {"Over": over(theirs["generalizability"])})
    return table(pd.DataFrame(rows), f"{caption} {data_note(runs)}", uuid, sortable=True)


def usefulness_reading(runs: Sequence[Evaluation]):
    """What the measures of these runs say, and Table 5's, worked out from them."""
    from IPython.display import Markdown

    own = measured_entry(runs)
    lines = [_sum_line(own, name) for name in ("faithfulness", "comprehensiveness")]
    mean, spread = own.measures["generalizability"], own.measures["robustness"]
    lines.append(f"**Generalizability** {value_text(mean, own.mark)}, over {over(mean)}.")
    lines.append(f"**Robustness** {value_text(spread, own.mark)}. {_spread_line(spread)}")
    lines += [_paper_line(name) for name in ("generalizability", "robustness")]
    lines.append(
        f"Each data set's mean score over the sixteen models has a robustness of {_shared():.1f}: "
        "this much belongs to the data sets, which are not equally hard, and to no model."
    )
    return Markdown("\n".join(f"- {line}" for line in lines))


def _sum_line(entry: Entry, name: str) -> str:
    each = entry.measures[name]
    parts = {
        task: usefulness({key: entry.scores[key] for key in keys})[name].value
        for task, keys in by_task(each.datasets).items()
    }
    ordered = sorted(parts, key=parts.get)
    return (
        f"**{name.capitalize()}** {value_text(each, entry.mark)} of at most {100 * len(parts)}: "
        f"{points(parts[ordered[-1]])} from {ordered[-1]}, the most, and "
        f"{points(parts[ordered[0]])} from {ordered[0]}, the least."
    )


def _spread_line(each: Measure) -> str:
    if each.interval is None:
        return f"{each.note[:1].upper()}{each.note[1:].rstrip('.')}."
    text = f"Sampling items alone would show {points(each.sampling)} on average"
    if each.interval[0] == 0:
        return f"{text}: no difference between data sets is shown."
    return f"{text}; at least {points(each.interval[0])} is difference between the data sets."


def _shared() -> float:
    """Robustness, in points, of a model that scores what the sixteen do on average."""
    return float(robustness(paper_scores().drop(index="sota").mean().to_dict()))


def _paper_line(name: str) -> str:
    """General against medical among the paper's public models, as Table 5 has them."""
    ranges = []
    for kind in ("general", "medical"):
        found = [
            entry.measures[name].value
            for entry in printed_entries()
            if entry.kind == kind and MODELS[entry.model].published != "api"
        ]
        ranges.append(f"{kind} models {span(found)} (mean {points(np.mean(found))})")
    better = "lower" if name == "robustness" else "higher"
    return f"In the paper, among public models, {name} ({better} is better): {'; '.join(ranges)}."


def publish_usefulness(runs: Sequence[Evaluation]) -> None:
    """Publish the four measures as ``<model>.<measure>``, with ``.low`` and ``.high``.

    They are rates, like all published scores. One that cannot be computed is
    published as text that says why. ``.official`` is 1 where it may stand beside the
    paper's, else 0, as for scores.
    """
    entry = measured_entry(runs)
    for name, each in entry.measures.items():
        publish(f"{entry.model}.{name}", f"none: {each.note}" if each.value is None else each.value)
        for end, value in zip(("low", "high"), each.interval or (), strict=False):
            publish(f"{entry.model}.{name}.{end}", value)
        publish(f"{entry.model}.{name}.official", int(not entry.mark))


def value_text(each: Measure, mark: str = "") -> str:
    """A measure in points with its interval."""
    return measure(each.value, each.interval, mark)


def over(each: Measure) -> str:
    """Over how many data sets and tasks a measure was computed, and which it lacks."""
    if each.value is None:
        return "nothing"
    whole = [k for k, s in DATASETS.items() if each.name != "robustness" or s.task in SPREAD_TASKS]
    lacking = [DATASETS[key].name for key in whole if key not in each.datasets]
    text = f"{len(each.datasets)} data sets, {len(each.tasks)} tasks"
    return f"{text}; without {', '.join(lacking)}" if lacking else text


def _task_row(name: str, scores: Mapping[str, Mapping]) -> dict:
    found = usefulness(scores)
    sizes = ", ".join(f"{DATASETS[key].name} ({row['n']:,})" for key, row in scores.items())
    return {
        "Task": name,
        "Data sets (n)": sizes,
        "Precision (95 % interval)": value_text(found["faithfulness"]),
        "Recall (95 % interval)": value_text(found["comprehensiveness"]),
    }
