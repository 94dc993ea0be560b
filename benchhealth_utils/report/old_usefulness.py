"""Clinical usefulness: four measures made of one model's scores on many data sets.

The formulas (`faithfulness`, `comprehensiveness`, `robustness`,
`generalizability`) take ``{data set: number}`` and are linear in its unit: of
rates in [0, 1] they give rates, of points points. Numbers may be arrays of draws.

`usefulness` takes ``{data set: row}``, with what `schema.Scores` and recorded
results hold: ``value``, ``precision``, ``recall``, and ``distribution``, from
which come the intervals. The paper's rows have a value alone, hence no interval.

Measures over different data sets do not compare: see `common`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np
from scipy.optimize import bisect

from ..datasets import DATASETS, dataset
from ..schema import BenchHealthError
from ..stats import LEVEL

DRAWS = 10_000
CLEAR = 0.005  # a spread that chance alone shows so seldom is one
SPREAD_TASKS = (
    "question answering",
    "radiology report summarization",
    "named entity recognition",
)


@dataclass(frozen=True)
class Measure:
    """One measure of one model, and what it was computed over.

    Attributes
    ----------
    name : str
    value : float or None
        None if it cannot be computed; `note` says why.
    interval : tuple of float, or None
        95 % interval, see `usefulness`; None if there is nothing to take it from.
    datasets, tasks : tuple of str
        What entered, in Table 1's order.
    note : str
        Why a value or an interval is missing, or why the interval is too narrow.
    sampling : float or None
        Of robustness: what the draw of items alone would show, on average, if
        the data sets of each task were equally hard for the model.
    """

    name: str
    value: float | None
    interval: tuple[float, float] | None
    datasets: tuple[str, ...]
    tasks: tuple[str, ...]
    note: str = ""
    sampling: float | None = None


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

    Higher is better; rates of all seven tasks give 0 to 7. The paper does not
    say which tasks it sums, nor how several data sets of one enter.
    """
    return sum(np.mean(columns, axis=0) for columns in _columns(precision).values())


def comprehensiveness(recall: Mapping[str, Any]):
    """Sum over tasks of the mean recall over the task's data sets; see `faithfulness`."""
    return faithfulness(recall)


def generalizability(scores: Mapping[str, Any]):
    """Mean of the scores over data sets, each counted once; higher is better.

    >>> float(generalizability({"medqa": 30.0, "gad": 50.0}))
    40.0
    """
    return np.mean(sum(_columns(scores).values(), start=[]), axis=0)


def robustness(scores: Mapping[str, Any]):
    """Sum over three tasks of the spread of the score between the task's data sets.

    The tasks are `SPREAD_TASKS`, other data sets are left out. The spread is the
    sample standard deviation (n - 1): the paper says variance, but only this
    gives its printed values. Of two data sets it is their gap divided by the
    square root of two. Lower is better, 0 is the least.

    Raises
    ------
    BenchHealthError
        If one of the tasks has fewer than two data sets.
    """
    groups, found = by_task(scores), _columns(scores)
    few = [task for task in SPREAD_TASKS if len(found.get(task, ())) < 2]
    if few:
        lacking = "; ".join(f"{task}: {_names(groups.get(task, ())) or 'none'}" for task in few)
        raise BenchHealthError(
            f"Robustness needs two data sets of each of its tasks; there are {lacking}."
        )
    return sum(np.std(found[task], axis=0, ddof=1) for task in SPREAD_TASKS)


MEASURES = {
    "faithfulness": ("precision", faithfulness),
    "comprehensiveness": ("recall", comprehensiveness),
    "generalizability": ("value", generalizability),
    "robustness": ("value", robustness),
}


def usefulness(scores: Mapping[str, Mapping[str, Any]], *, seed: int = 0) -> dict[str, Measure]:
    """The four measures of one model with intervals, in Figure 2's order.

    Data sets are independent: each one's figure is drawn from its own bootstrap
    distribution, 10,000 times, and every draw of all is combined by the formula.
    Of the sums and the mean, the interval is that of the draws' percentiles. Of
    robustness, which noise raises, it is that of `stats.inverted`, tried also with
    the tasks' spreads equal, and with none in tasks where none is shown; with few
    items it may lie below the value. In simulations of 24 and of 400 items a set it
    covered the truth in 94 to 98 of 100 cases.

    Parameters
    ----------
    scores : mapping of data set to row
        Rates in [0, 1]. Leave a data set without a score out.
    seed : int
        Of the draws. A set's draws do not depend on which others there are.

    Raises
    ------
    BenchHealthError
        For a data set that does not exist, or a figure that is no rate.

    Examples
    --------
    >>> found = usefulness({"medqa": {"value": 0.3}, "gad": {"value": 0.5}})
    >>> found["generalizability"].value, found["generalizability"].note
    (0.4, 'no interval: only point values are known')
    >>> found["faithfulness"].note
    'precision is not known of MedQA (USMLE), GAD'
    """
    rows = _checked(scores)
    return {name: _measure(name, rows, seed) for name in MEASURES}


def common(*models: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The models' scores on the data sets that all of them have, in Table 1's order.

    Raises
    ------
    BenchHealthError
        If no data set is common to all.
    """
    shared = [key for key in DATASETS if models and all(key in scores for scores in models)]
    if not shared:
        raise BenchHealthError(
            "No data set is common to all models, so nothing can be compared. They have: "
            + "; ".join(" ".join(scores) or "none" for scores in models)
            + ". Evaluate them on the same sets."
        )
    return [{key: scores[key] for key in shared} for scores in models]


def _columns(figures: Mapping[str, Any]) -> dict[str, list]:
    """Numbers, or arrays of draws, of each task's data sets."""
    if not figures:
        raise BenchHealthError("There is no score to compute a measure from.")
    return {task: [figures[key] for key in keys] for task, keys in by_task(figures).items()}


def _measure(name: str, rows: dict[str, Mapping], seed: int) -> Measure:
    figure, formula = MEASURES[name]
    if name == "robustness":
        rows = {key: row for key, row in rows.items() if DATASETS[key].task in SPREAD_TASKS}
    if lacking := [key for key, row in rows.items() if row.get(figure) is None]:
        return Measure(name, None, None, (), (), f"{figure} is not known of {_names(lacking)}")
    values = {key: float(row[figure]) for key, row in rows.items()}
    try:
        value = float(formula(values))
    except BenchHealthError as error:
        return Measure(name, None, None, (), (), f"{error}")
    over = tuple(rows), tuple(by_task(rows))
    draws, note = _draws(rows, figure, seed)
    if not draws:
        return Measure(name, value, None, *over, f"no interval: {note}")
    if name != "robustness":
        ends = np.quantile(formula(draws), [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
        return Measure(name, value, tuple(map(float, ends)), *over, note)
    middle = np.array(list(values.values()))
    noise = np.array(list(draws.values())) - middle[:, None]

    def spread(columns):
        return formula(dict(zip(rows, columns, strict=True)))

    interval = inverted(middle, noise, spread, _patterns(rows, middle, noise))
    note = note if interval else "no interval: the data sets of each task score the same"
    return Measure(name, value, interval, *over, note, float(spread(noise).mean()))


def _patterns(rows, middle: np.ndarray, noise: np.ndarray) -> list[np.ndarray]:
    """Equal spreads in the tasks where one is shown, and in any of the others or not."""
    keys, sizes, units = list(rows), [], []
    for own in by_task(rows).values():
        at = [keys.index(key) for key in own]
        spread = np.std(middle[at], ddof=1)
        # of equal scores any differences will do
        apart = middle[at] - middle[at].mean() if spread > 1e-9 else np.linspace(-1, 1, len(at))
        unit = np.zeros(len(keys))
        unit[at] = apart / np.std(apart, ddof=1)
        by_chance = (np.std(noise[at], axis=0, ddof=1) >= spread).mean()
        sizes.append((0, 1) if by_chance > CLEAR else (1,))
        units.append(unit)
    return [np.dot(each, units) for each in product(*sizes) if any(each)]


def _draws(rows, figure: str, seed: int) -> tuple[dict[str, np.ndarray], str]:
    """Draws of each set's figure, or none at all, and a remark on them."""
    draws, still = {}, []
    for key, row in rows.items():
        stored = (row.get("distribution") or {}).get(figure)
        if stored is None:
            return {}, _why_not(key, row)
        draws[key] = redraw(stored, DRAWS, [seed, list(DATASETS).index(key)])
        if stored[0] == stored[-1]:
            still.append(key)
    if len(still) == len(draws):
        return {}, "resampling items changes nothing"
    note = f"too narrow: resampling items changes nothing on {_names(still)}"
    return draws, note if still else ""


def _why_not(key: str, row: Mapping) -> str:
    if "distribution" in row:
        return f"{_names([key])} has one group of items, which cannot be resampled"
    if "interval" in row:
        return (
            f"{_names([key])} was recorded before bootstrap distributions were kept; "
            "record it again"
        )
    return "only point values are known"


def _names(keys: Iterable[str]) -> str:
    return ", ".join(DATASETS[key].name for key in keys)


def _checked(scores: Mapping[str, Mapping]) -> dict[str, Mapping]:
    """In Table 1's order; refuses unknown data sets and figures that are no rates."""
    for key, row in scores.items():
        dataset(key)
        for figure in ("value", "precision", "recall"):
            number = row.get(figure)
            known = number is not None or figure == "value"
            if known and not (isinstance(number, (int, float)) and 0 <= number <= 1):
                raise BenchHealthError(
                    f"{key}: {figure} is {number!r}; expected a rate from 0 to 1. Divide "
                    "points by 100, and leave a data set without a score out."
                )
    return {key: scores[key] for key in DATASETS if key in scores}


def redraw(stored: np.ndarray, draws: int, seed) -> np.ndarray:
    """Draws from a distribution of which `percentiles` were kept, shape (draws,).

    A draw lies on the line between two neighbouring percentiles; `seed` is what
    ``numpy.random.default_rng`` takes.
    """
    at = np.random.default_rng(seed).uniform(0, 100, draws)
    return np.interp(at, np.arange(101), stored)


def inverted(
    values: np.ndarray,
    noise: np.ndarray,
    spread: Callable[[np.ndarray], np.ndarray],
    patterns: Sequence[np.ndarray] = (),
) -> tuple[float, float] | None:
    """Interval of a measure of spread, by inverting a test.

    Noise makes even equal values differ, so a measured spread lies above the
    true one, and that of resampled values higher still: of eight equal shares
    of 24 items each, a percentile interval never covers the true spread, 0. So
    the true differences are taken as a multiple of those measured, with noise
    added; the interval holds the multiples under which the measured spread is
    not in either outer tail. With much noise it may lie below `spread(values)`.

    Of a sum of spreads noise adds most to the small ones, and which are small the
    measured values show badly. True differences of other `patterns` are therefore
    tried as well, and the interval holds what any of them allows.

    Parameters
    ----------
    values : ndarray, shape (k,)
    noise : ndarray, shape (k, draws)
        Independent draws of the error of each value.
    spread : callable
        Takes arrays of shape (k, ...), gives shape (...); a seminorm, such as a
        standard deviation or a sum of them.
    patterns : sequence of ndarray, shape (k,)
        Differences of any size, not all 0, to take multiples of.

    Returns
    -------
    tuple of float, or None
        None if the measured spread is 0: there is nothing to take multiples of.

    References
    ----------
    Davison AC, Hinkley DV. Bootstrap Methods and their Application. 1997, ch. 5.
    """
    measured = float(spread(values))
    if measured == 0:
        return None
    tail = (1 - LEVEL) / 2

    most = 1.01 + spread(noise).max() / measured  # beyond it no noise can hide a seminorm

    def ends(true):
        def above(times):
            return (spread(times * true + noise) >= measured - 1e-12).mean() - tail

        def below(times):
            return tail - (spread(times * true + noise) <= measured + 1e-12).mean()

        return [0.0 if f(0.0) >= 0 else bisect(f, 0.0, most, xtol=1e-4) for f in (above, below)]

    alike = [pattern * (measured / float(spread(pattern))) for pattern in patterns]
    lows, highs = zip(*(ends(true[:, None]) for true in (values, *alike)), strict=True)
    return min(lows) * measured, max(highs) * measured
