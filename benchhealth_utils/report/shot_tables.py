"""Tables of the few-shot chapter."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import stdev

import pandas as pd

from ..datasets import DATASETS, load
from ..evaluation import Evaluation
from ..privacy import is_credentialed
from ..prompts import same_item
from .recording import tokens
from .shots import Level, Runs
from .sources import data_note
from .style import estimate, p_text, points, span, table
from .tables import answer_table


def exemplar_table(runs: Runs, caption: str, uuid: str):
    """Ids of the exemplars by data set and seed, in the order they are shown; long ones cut.

    `Own exemplar` counts the items, over all numbers of shots, that were shown
    themselves, by id or by normalised text.
    """
    rows: dict[tuple[str, int], dict] = {}
    pools: dict[str, dict] = {}
    for (shots, seed), each in sorted(runs.items()):
        for run in each if shots else ():
            key = run.dataset
            pools[key] = pools.get(key) or {item.id: item for item in load(key, "train")}
            given = run.signature["exemplars"]
            row = rows.setdefault(
                (key, seed), {"Data set": DATASETS[key].name, "Seed": seed, "Own exemplar": 0}
            )
            row["Exemplars, in order"] = ", ".join(map(_short, given["ids"]))
            row["Items given others"] = len(given["except"])
            row["Own exemplar"] += sum(
                same_item(pools[key][name], item)
                for item in run.examples
                for name in given["except"].get(item.id, given["ids"])
            )
    order = list(DATASETS)
    found = [rows[at] for at in sorted(rows, key=lambda at: (order.index(at[0]), at[1]))]
    names = ["Data set", "Seed", "Exemplars, in order", "Items given others", "Own exemplar"]
    return table(pd.DataFrame(found, columns=names), f"{caption} {_note(runs)}", uuid)


def _short(name: str) -> str:
    """An id as it is, or the first eight characters of one of more than twelve."""
    return name if len(name) <= 12 else f"{name[:8]}\N{HORIZONTAL ELLIPSIS}"


def _note(runs: Runs) -> str:
    return data_note(runs[max(runs)])


def shot_answers_table(runs: Runs, rows: int, caption: str, uuid: str):
    """Answers to a few items at every number of shots, of the first exemplar seed.

    The items are of the first data set whose text may be shown.
    """
    frames: dict[int, pd.DataFrame] = {}
    for (shots, _), each in sorted(runs.items()):
        run = next((run for run in each if not is_credentialed(run.dataset)), None)
        if run is not None and shots not in frames:
            name = DATASETS[run.dataset].name
            frames[shots] = answer_table(run, rows, "", uuid).data
            frames[shots].insert(1, "Shots", shots)
    if not frames:
        return table(pd.DataFrame([{"Item": "credentialed, so not shown"}]), caption, uuid)
    found = pd.concat(frames.values()).sort_index(kind="stable").reset_index(drop=True)
    return table(found, f"{caption} {name}, first exemplar seed.", uuid)


def shots_table(levels: Sequence[Level], runs: Runs, caption: str, uuid: str):
    """Scores and gains by number of shots, of data sets or of scenarios.

    P-values are corrected by Holm's method over all levels computed together.
    """
    rows = []
    for level in levels:
        names = [DATASETS[key].name for key in level.datasets]
        name = {"Data set": names[0]}
        if level.is_mean:
            mean_of = names[0] if len(names) == 1 else f"{len(names)} data sets"
            name = {"Scenario": level.scenario, "Mean of": mean_of}
        row = {
            **name,
            "n": f"{level.n:,}",
            "Shots": level.shots,
            "Score (95 % interval)": estimate(level.value, level.interval),
            "Coverage": points(level.coverage),
            "Over seeds: range (SD)": _spread(level),
            "Gain (95 % interval)": _gain(level),
            "p (Holm)": _p_value(level),
        }
        rows.append(row)
    tests = sorted({level.test for level in levels if level.test})
    title = [caption, *([f"Tests: {'; '.join(tests)}."] if tests else [])]
    zero_shot = next(each for (shots, _), each in sorted(runs.items()) if not shots)
    title.append(data_note(zero_shot))
    if all(run.comparable for run in zero_shot):
        title.append("It printed zero-shot scores only.")
    return table(pd.DataFrame(rows), " ".join(title), uuid)


def _gain(level: Level) -> str:
    return estimate(level.gain, level.gain_interval, sign="+") if level.shots else ""


def _spread(level: Level) -> str:
    if not level.shots:
        return "no exemplars"
    if len(level.values) == 1:
        return "one seed"
    return f"{span(level.values)} ({points(stdev(level.values))})"


def _p_value(level: Level) -> str:
    if level.corrected is None:
        return ""
    too_few = level.verdict == "too few items to tell"
    return p_text(level.corrected) + (" (too few items to tell)" if too_few else "")


def cost_table(levels: Sequence[Level], runs: Runs, caption: str, uuid: str):
    """Tokens per item by number of shots, and what a point gained costs.

    A price is given only where the corrected test shows a gain, and exemplars cost
    tokens at all: replies can become so short that they save some.
    """
    base = {level.datasets: level.total for level in levels if not level.shots}
    rows = []
    for level in levels:
        zero = base[level.datasets]
        counted = level.total is not None and zero is not None
        more = level.total - zero if counted else None
        rows.append(
            {
                "Scenario": level.scenario,
                "Shots": level.shots,
                "Prompt tokens per item": _count(level.cost["prompt"]),
                "Completion tokens per item": _count(level.cost["completion"]),
                "More than zero-shot": (_count(more, "+") if level.shots else ""),
                "Gain (95 % interval)": _gain(level),
                "Tokens per point gained": _price(level, more),
            }
        )
    return table(pd.DataFrame(rows), f"{caption} {_note(runs)}", uuid)


def _price(level: Level, more: float | None) -> str:
    if not level.shots:
        return ""
    if level.verdict != "gain":
        return level.verdict if "too few" in level.verdict else "no gain shown"
    if more is None:
        return "not counted"
    return "saves tokens" if more < 0 else f"{more / (100 * level.gain):,.0f}"


def _count(value: float | None, sign: str = "") -> str:
    return "not counted" if value is None else f"{value:{sign}z,.0f}"


def fit_table(runs: Runs, caption: str, uuid: str, window: int | None = None):
    """How long the prompts were, how many documents were cut, and what did not fit.

    `window` is how many tokens the model attends to, prompt and reply together.
    """
    found: dict[tuple[str, int], list[Evaluation]] = {}
    for (shots, _), each in sorted(runs.items()):
        for run in each:
            found.setdefault((run.dataset, shots), []).append(run)
    order = list(DATASETS)
    rows = []
    for key, shots in sorted(found, key=lambda at: (order.index(at[0]), at[1])):
        answers = [answer for run in found[key, shots] for answer in run.answers]
        lengths = [x.usage["prompt_tokens"] for x in answers if x.usage.get("prompt_tokens")]
        cuts = [x.usage["cut_tokens"] for x in answers if x.usage.get("cut_tokens")]
        counted = any(tokens(run)["cut"] is not None for run in found[key, shots])
        # truncated without a token: the prompt was too long to be sent at all
        unsent = sum(x.status == "truncated" and not x.usage for x in answers)
        rows.append(
            {
                "Data set": DATASETS[key].name,
                "Shots": shots,
                "Prompts": len(answers),
                "Longest (tokens)": _count(max(lengths, default=None)),
                "Documents cut": len(cuts) if counted else "not counted",
                "Tokens cut": f"{sum(cuts):,}" if counted else "not counted",
                "Did not fit": unsent,
            }
        )
    caption = f"{caption} {_note(runs)}"
    if window:
        caption += f" The model attends to {window:,} tokens, prompt and reply together."
    return table(pd.DataFrame(rows), caption, uuid)
