"""Clinical usefulness: four measures made of one model's scores on many data sets.

The formulas take ``{data set: number}`` and are linear in its unit: of rates they give
rates, of points points. Numbers may be arrays of draws. Measures over different data sets
do not compare.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from math import nan
from typing import Any

import numpy as np
import pandas as pd

from .registry import DATASETS, dataset
from .schema import BenchHealthError, Run
from .stats import ENDS

DRAWS = 10_000
SPREAD_TASKS = ("question answering", "radiology report summarization", "named entity recognition")


def by_task(keys: Iterable[str]) -> dict[str, list[str]]:
    """Data sets of each task, both in Table 1's order.

    >>> by_task(["gad", "medqa", "ddi"])
    {'question answering': ['medqa'], 'relation extraction': ['ddi', 'gad']}
    """
    tasks: dict[str, list[str]] = {}
    for spec in sorted(map(dataset, keys), key=list(DATASETS.values()).index):
        tasks.setdefault(spec.task, []).append(spec.key)
    return tasks


def faithfulness(precision: Mapping[str, Any]):
    """Sum over tasks of the mean precision over the task's data sets.

    Higher is better; rates of all seven tasks give 0 to 7. The paper does not say which
    tasks it sums, nor how several data sets of one enter.
    """
    if not precision:
        raise BenchHealthError("There is no score to compute a measure from.")
    groups = by_task(precision).values()
    return sum(np.mean([precision[key] for key in keys], axis=0) for keys in groups)


def comprehensiveness(recall: Mapping[str, Any]):
    """Sum over tasks of the mean recall over the task's data sets; see `faithfulness`."""
    return faithfulness(recall)


def generalizability(scores: Mapping[str, Any]):
    """Mean of the scores over data sets, each counted once; higher is better.

    >>> float(generalizability({"medqa": 30.0, "gad": 50.0}))
    40.0
    """
    if not scores:
        raise BenchHealthError("There is no score to compute a measure from.")
    return np.mean([scores[key] for keys in by_task(scores).values() for key in keys], axis=0)


def robustness(scores: Mapping[str, Any]):
    """Sum over three tasks of the spread of the score between the task's data sets.

    The tasks are `SPREAD_TASKS`, other data sets are left out. The spread is the sample
    standard deviation (n - 1): the paper says variance, but only this gives its printed
    values. Of two data sets it is their gap divided by the square root of two. Lower is
    better, 0 is the least.

    Raises
    ------
    BenchHealthError
        If one of the tasks has fewer than two data sets.
    """
    groups = by_task(scores)
    if few := [task for task in SPREAD_TASKS if len(groups.get(task, ())) < 2]:
        raise BenchHealthError(f"Robustness needs two data sets each of: {', '.join(few)}.")
    columns = [[scores[key] for key in groups[task]] for task in SPREAD_TASKS]
    return sum(np.std(column, axis=0, ddof=1) for column in columns)


MEASURES = {
    "faithfulness": ("precision", faithfulness),
    "comprehensiveness": ("recall", comprehensiveness),
    "generalizability": ("value", generalizability),
    "robustness": ("value", robustness),
}


def usefulness(runs: Sequence[Run], *, seed: int = 0) -> pd.DataFrame:
    """The four measures of each model in the runs, in Figure 2's order.

    Data sets are independent: each one's figure is drawn from its own bootstrap
    distribution, and every draw of all is combined by the formula. Robustness has no
    interval, since noise raises it; ``by_sampling`` is what the draw of items alone would
    show, on average, if the data sets of each task were equally hard for the model.

    Parameters
    ----------
    runs : sequence of Run
        At most one for each model and data set.
    seed : int
        Of the draws. A set's draws do not depend on which others there are.

    Returns
    -------
    DataFrame
        Columns: model, measure, value (of rates; NaN where it cannot be computed), low,
        high (95 % interval, or NaN), by_sampling, sets, tasks (how many entered), without
        (data sets of the definition that are not there), still (those whose figure no
        resampling moves: with them an interval is too narrow).

    Raises
    ------
    BenchHealthError
        If there are two runs of a model on a data set.
    """
    rows = []
    for model in dict.fromkeys(run.model for run in runs):
        own = {run.dataset: run.scores for run in runs if run.model == model}
        if len(own) < sum(run.model == model for run in runs):
            raise BenchHealthError(f"Two runs of {model} are on one data set; give one of each.")
        rows += [{"model": model, "measure": name} | _measure(name, own, seed) for name in MEASURES]
    return pd.DataFrame(rows)


def _measure(name: str, own: Mapping, seed: int) -> dict:
    figure, formula = MEASURES[name]
    spread = name == "robustness"
    enter = [key for key, spec in DATASETS.items() if not spread or spec.task in SPREAD_TASKS]
    values = {key: getattr(own[key], figure) for key in enter if key in own}
    draws, still = {}, []
    for key in values:
        stored = own[key].distribution.get(figure, (nan, nan))
        at = np.random.default_rng([seed, list(DATASETS).index(key)]).uniform(0, 100, DRAWS)
        draws[key] = np.interp(at, np.linspace(0, 100, len(stored)), stored)
        still += [DATASETS[key].name] if stored[0] == stored[-1] else []
    row = {"value": nan, "low": nan, "high": nan, "by_sampling": nan}
    if not spread or all(len(by_task(values).get(task, ())) > 1 for task in SPREAD_TASKS):
        row["value"] = float(formula(values))
        if spread:
            noise = {key: draws[key] - value for key, value in values.items()}
            row["by_sampling"] = float(formula(noise).mean())
        elif len(still) < len(values):
            row["low"], row["high"] = map(float, np.quantile(formula(draws), ENDS))
    lacking = ", ".join(DATASETS[key].name for key in enter if key not in values)
    row |= {"sets": len(values), "tasks": len(by_task(values)), "without": lacking}
    return row | {"still": ", ".join(still)}
