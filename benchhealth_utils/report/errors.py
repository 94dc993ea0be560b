"""How a model fails: tables of errors, and paired comparisons."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from ..datasets import DATASETS
from ..evaluation import Evaluation
from ..schema import BenchHealthError
from ..stats import Comparison, compare, holm
from ..tasks import sufficient
from .sources import data_note
from .style import estimate, p_text, points, table


def compare_runs(first: Evaluation, second: Evaluation, seed: int = 0) -> Comparison:
    """Two models' runs on the same items of a data set, compared in pairs."""
    if [e.id for e in first.examples] != [e.id for e in second.examples]:
        raise BenchHealthError(
            f"{first.dataset}: {first.model} and {second.model} were not asked the same "
            "items. Run both with the same limit and seed."
        )
    gold = [example.gold for example in first.examples]
    sums, statistic = sufficient(first.dataset, gold, first.readings)
    others, _ = sufficient(first.dataset, gold, second.readings)
    groups = [example.group for example in first.examples]
    return compare(sums, others, statistic, groups, seed=seed)


def comparison_table(
    first: Sequence[Evaluation], second: Sequence[Evaluation], caption: str, uuid: str
):
    """Differences of two models over data sets, Holm-corrected.

    A family of tests is the data sets of one table. *Detectable* is the true
    difference that so many items would show four times in five; without one the cell
    says why. A model is not compared with itself: the table then says so.
    """
    if first[0].model == second[0].model:
        other = "majority" if first[0].model != "majority" else "supervised"
        text = (
            f"{first[0].model} is the model on both sides, so there is nothing to compare. Name "
            f"another one, for instance with -p against {other}."
        )
        return table(pd.DataFrame([{"No comparison": text}]), caption, uuid)
    found = [compare_runs(a, b) for a, b in zip(first, second, strict=True)]
    corrected = holm([each.p_value for each in found])
    rows = []
    for a, b, each, p_value in zip(first, second, found, corrected, strict=True):
        rows.append(
            {
                "Data set": DATASETS[a.dataset].name,
                "n": each.n,
                a.model: points(a.scores.value),
                b.model: points(b.scores.value),
                "Difference (95 % interval)": estimate(each.difference, each.interval, sign="+"),
                "Test": each.test,
                "p (Holm)": p_text(p_value),
                "Detectable": _detectable(each),
            }
        )
    title = f"{caption} {first[0].model} minus {second[0].model}. {data_note(first)}"
    return table(pd.DataFrame(rows), title, uuid)


def _detectable(found: Comparison) -> str:
    """The detectable difference in points, or why there is none.

    Without one the two never differed, or on so few items that not even if all of those
    spoke for one model would the test be likely to tell.
    """
    if found.detectable is not None:
        return points(found.detectable)
    same = found.difference == 0 and tuple(found.interval) == (0, 0)
    return "not known: never differed" if same else "none: too few items"


def entity_errors_table(evaluations: Sequence[Evaluation], caption: str, uuid: str):
    """Disease mentions: exact, half found, invented, missed."""
    rows = []
    for run in evaluations:
        extra = run.scores.extra
        rows.append(
            {
                "Data set": DATASETS[run.dataset].name,
                "Sentences": run.scores.n,
                "Mentions": extra["hits"] + extra["missed"],
                "Found": extra["hits"],
                "Missed": extra["missed"],
                "Wrong ends": extra["boundary"],
                "Elsewhere in the sentence": extra["spurious"],
                "Not in the sentence": extra["not_in_sentence"],
                "False alarms (sentences)": extra["sentences"]["false_alarm"],
                "Silent (sentences)": extra["sentences"]["silent"],
                "Not read (sentences)": extra["sentences"]["not_read"],
            }
        )
    return table(pd.DataFrame(rows), caption, uuid)


def confusion_table(evaluation: Evaluation, caption: str, uuid: str):
    """Gold labels in rows, readings in columns, with what was not read."""
    confusion = evaluation.scores.extra["confusion"]
    frame = pd.DataFrame.from_dict(confusion, orient="index")
    frame.insert(0, "Gold", frame.index)
    return table(frame, caption, uuid)


def label_table(evaluation: Evaluation, caption: str, uuid: str):
    """Precision, recall and F1 of each label, with how often it is gold."""
    gold = [example.gold for example in evaluation.examples]
    rows = [
        {
            "Label": name,
            "In gold": sum(name in labels for labels in gold),
            "Precision": points(each["precision"]),
            "Recall": points(each["recall"]),
            "F1": points(each["f1"]),
        }
        for name, each in evaluation.scores.extra["labels"].items()
    ]
    return table(pd.DataFrame(rows), caption, uuid)


def length_table(evaluations: Sequence[Evaluation], caption: str, uuid: str):
    """Words in what a model was given, in the references, and in its texts."""
    rows = []
    for run in evaluations:
        given = [_words(next(iter(example.inputs.values()))) for example in run.examples]
        written = [_words(text) for text in run.readings if text]
        rows.append(
            {
                "Data set": DATASETS[run.dataset].name,
                "Texts": len(run.examples),
                "Given (median words)": f"{np.median(given):.0f}",
                "Reference": f"{np.median([_words(e.gold) for e in run.examples]):.0f}",
                "Model": f"{np.median(written):.0f}" if written else "none read",
                "Read": len(written),
            }
        )
    return table(pd.DataFrame(rows), caption, uuid)


def extremes_table(evaluations: Sequence[Evaluation], rows: int, caption: str, uuid: str):
    """The shortest and longest texts read: identifiers, lengths, scores; no text."""
    lines = []
    for run in evaluations:
        read = [
            (_words(text), example, text)
            for example, text in zip(run.examples, run.readings, strict=True)
            if text
        ]
        read.sort(key=lambda each: (each[0], each[1].id))
        chosen = read if len(read) <= 2 * rows else [*read[:rows], *read[-rows:]]
        for words, example, text in chosen:
            sums, statistic = sufficient(run.dataset, [example.gold], [text])
            lines.append(
                {
                    "Data set": DATASETS[run.dataset].name,
                    "Item": example.id,
                    "Words": words,
                    "Words in the reference": _words(example.gold),
                    "Score of this text": points(float(statistic(sums.sum(axis=0)))),
                }
            )
    if not lines:
        lines = [{"Data set": "all", "Words": "no text was read"}]
    return table(pd.DataFrame(lines), caption, uuid)


def _words(text: str) -> int:
    return len(text.split())
