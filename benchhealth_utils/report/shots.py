"""What exemplars change: scores, gains and tokens by number of shots.

A `Level` is a data set, or the mean over the sets of a scenario, at one number
of shots. Scores are means over exemplar seeds, on the same items throughout.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from math import hypot
from statistics import fmean

import numpy as np

from ..datasets import DATASETS
from ..evaluation import Evaluation
from ..metrics import sufficient
from ..schema import BenchHealthError
from ..stats import Comparison, bootstrap, compare, wilson
from .results import tokens

Runs = Mapping[tuple[int, int], Sequence[Evaluation]]  # by (shots, exemplar seed)
Interval = tuple[float, float] | None  # None: not estimable


@dataclass(frozen=True)
class Level:
    """Scores at one number of shots.

    Attributes
    ----------
    datasets : tuple of str
        One key, or those of a scenario whose scores are averaged.
    shots, n : int
        Exemplars before each item, and items.
    values : tuple of float
        A score in [0, 1] for each exemplar seed; one at zero shots.
    interval : tuple of float or None
        95 % interval of their mean over items, the exemplars held fixed.
    coverage : float
        Share of answers that were read.
    gain : float
        The mean less the zero-shot score.
    gain_interval : tuple of float or None
        Its paired 95 % interval.
    cost : mapping
        Tokens per item: ``prompt`` and ``completion``; None if not counted.
    comparison : Comparison or None
        With zero-shot, of a single data set.
    """

    datasets: tuple[str, ...]
    shots: int
    n: int
    values: tuple[float, ...]
    interval: Interval
    coverage: float
    gain: float = 0.0
    gain_interval: Interval = None
    cost: Mapping[str, float | None] = field(default_factory=dict)
    comparison: Comparison | None = None

    @property
    def value(self) -> float:
        """Mean over exemplar seeds."""
        return fmean(self.values)

    @property
    def scenario(self) -> str:
        """The scenario of its data sets."""
        return DATASETS[self.datasets[0]].scenario

    @property
    def gained(self) -> bool:
        """Whether the whole interval of the gain lies above zero."""
        return self.gain_interval is not None and self.gain_interval[0] > 0

    @property
    def total(self) -> float | None:
        """Tokens per item, prompt and completion."""
        counts = list(self.cost.values())
        return sum(counts) if counts and None not in counts else None


def shot_grid(counts: Sequence[int], seeds: Sequence[int]) -> list[tuple[int, int]]:
    """Pairs of shots and exemplar seed to run; zero-shot has no exemplars to vary.

    >>> shot_grid([0, 1, 3], [0, 1])
    [(0, 0), (1, 0), (1, 1), (3, 0), (3, 1)]
    """
    return [(k, seed) for k in counts for seed in (seeds if k else seeds[:1])]


def shot_levels(runs: Runs) -> list[Level]:
    """Levels of each data set, from evaluations on the same items.

    Parameters
    ----------
    runs : mapping of (shots, exemplar seed) to sequence of Evaluation
        One for each data set, in the same order everywhere; 0 shots among them.

    Returns
    -------
    list of Level
        By data set, then by shots.

    Raises
    ------
    BenchHealthError
        If there is no zero-shot run, or items or data sets differ.

    Notes
    -----
    Gains are tested by `stats.compare`. With several seeds the statistic is the
    mean of the seeds' scores, and all answers to an item are drawn together.
    """
    by_shots: dict[int, list[Sequence[Evaluation]]] = {}
    for (shots, _), each in sorted(runs.items()):
        by_shots.setdefault(shots, []).append(each)
    if 0 not in by_shots:
        raise BenchHealthError("There is no zero-shot run to measure gains from.")
    levels = []
    for place, base in enumerate(by_shots[0][0]):
        for shots, seeds in by_shots.items():
            repeats = [each[place] for each in seeds]
            for run in repeats:
                if _asked(run) != _asked(base):
                    raise BenchHealthError(
                        f"{run.dataset}: the items at {shots} shots are not those asked "
                        "without. Run all with the same limit and seed."
                    )
            levels.append(_level(shots, repeats, base))
    return levels


def _asked(run: Evaluation) -> list[str]:
    return [run.dataset, *(example.id for example in run.examples)]


def _level(shots: int, repeats: Sequence[Evaluation], base: Evaluation) -> Level:
    groups = [example.group for example in base.examples]
    counted = [tokens(run) for run in repeats]
    level = Level(
        datasets=(base.dataset,),
        shots=shots,
        n=len(groups),
        values=tuple(run.scores.value for run in repeats),
        interval=known_interval(base.scores.interval),
        coverage=fmean(run.scores.coverage for run in repeats),
        cost={
            name: _mean([each[name] for each in counted], len(groups))
            for name in ("prompt", "completion")
        },
    )
    if not shots:
        return level
    sums, statistic = _side_by_side(repeats)
    zero, _ = _side_by_side([base])
    found = compare(sums, np.tile(zero, (1, len(repeats))), statistic, groups)
    if len(repeats) == 1:
        interval = repeats[0].scores.interval
    elif repeats[0].scores.interval_method == "Wilson":
        interval = wilson(level.value * level.n, level.n)
    else:
        interval = bootstrap(sums, statistic, groups)
    return replace(
        level,
        interval=known_interval(interval),
        gain=found.difference,
        gain_interval=known_interval(found.interval),
        comparison=found,
    )


def _side_by_side(repeats: Sequence[Evaluation]) -> tuple[np.ndarray, Callable]:
    """Sums of all repeats in one row an item, and the mean of their statistics."""
    gold = [example.gold for example in repeats[0].examples]
    found = [sufficient(run.dataset, gold, run.readings) for run in repeats]
    statistic = found[0][1]
    if len(found) == 1:
        return found[0]

    def mean_over_seeds(totals):
        apart = totals.reshape(*totals.shape[:-1], len(found), -1)
        return statistic(apart).mean(axis=-1)

    return np.hstack([sums for sums, _ in found]), mean_over_seeds


def known_interval(interval: tuple[float, float]) -> Interval:
    """A bootstrap without any spread says nothing."""
    return interval if interval[0] < interval[1] else None


def _mean(counts: Sequence[float | None], n: int = 1) -> float | None:
    return None if None in counts else fmean(counts) / n


def scenario_levels(levels: Sequence[Level]) -> list[Level]:
    """Means over the data sets of each scenario, one level for each number of shots.

    Every set weighs the same, however many items it has. `n` is the sum over
    sets; intervals are those of `mean_interval`.
    """
    parts: dict[tuple[str, int], list[Level]] = {}
    for level in levels:
        parts.setdefault((level.scenario, level.shots), []).append(level)
    means = []
    for (_, shots), own in parts.items():
        gains = [each.gain for each in own]
        costs = [each.cost for each in own]
        means.append(
            Level(
                datasets=tuple(key for each in own for key in each.datasets),
                shots=shots,
                n=sum(each.n for each in own),
                values=tuple(map(fmean, zip(*(each.values for each in own), strict=True))),
                interval=mean_interval([x.value for x in own], [x.interval for x in own]),
                coverage=fmean(each.coverage for each in own),
                gain=fmean(gains),
                gain_interval=mean_interval(gains, [x.gain_interval for x in own]),
                cost={name: _mean([cost[name] for cost in costs]) for name in costs[0]},
            )
        )
    return means


def mean_interval(values: Sequence[float], intervals: Sequence[Interval]) -> Interval:
    """Interval of the mean of independent estimates, from the interval of each.

    The distances from value to limit are added in squares (the method of
    variance estimates recovery), so each set keeps the interval that suits its
    metric, and no limit leaves the metric's range. None if one is not known.

    References
    ----------
    Zou GY, Donner A. Stat Med 2008;27:1693-1702.

    Examples
    --------
    >>> mean_interval([0.5, 0.5], [(0.2, 0.6), (0.1, 0.5)])
    (0.25, 0.55)
    """
    if None in intervals:
        return None
    pairs = list(zip(values, intervals, strict=True))
    low = hypot(*(max(0.0, value - ends[0]) for value, ends in pairs))
    high = hypot(*(max(0.0, ends[1] - value) for value, ends in pairs))
    return fmean(values) - low / len(values), fmean(values) + high / len(values)
