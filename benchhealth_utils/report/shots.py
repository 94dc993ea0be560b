"""What exemplars change: scores, gains and tokens by number of shots.

A `Level` is a data set, or the mean over the sets of a scenario, at one number
of shots. Scores are means over exemplar seeds, on the same items throughout.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from statistics import fmean

import numpy as np

from ..datasets import DATASETS
from ..evaluation import Evaluation
from ..schema import BenchHealthError
from ..stats import (
    Interval,
    bootstrap,
    compare,
    holm,
    known_interval,
    mean_interval,
    sign_flip,
    wilson_of_share,
)
from .recording import tokens
from .shot_pairs import Pairs, side_by_side, together

Runs = Mapping[tuple[int, int], Sequence[Evaluation]]  # by (shots, exemplar seed)
ALPHA = 0.05  # a gain is shown by a corrected p-value up to this


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
        Its paired 95 % interval, not corrected for other gains.
    cost : mapping
        Tokens per item: ``prompt`` and ``completion``; None if not counted.
    test : str
        The paired test of the gain.
    p_value, corrected : float or None
        Its two-sided p-value, and the same after Holm's correction over all levels
        that were computed together; None at zero shots.
    least : float
        The smallest corrected p-value that so few items can give.
    is_mean : bool
        Whether it is of a scenario.
    pairs : Pairs or None
        What the test is of.
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
    test: str = ""
    p_value: float | None = None
    corrected: float | None = None
    least: float = 0.0
    is_mean: bool = False
    pairs: Pairs | None = field(default=None, repr=False, compare=False)

    @property
    def value(self) -> float:
        """Mean over exemplar seeds."""
        return fmean(self.values)

    @property
    def scenario(self) -> str:
        """The scenario of its data sets."""
        return DATASETS[self.datasets[0]].scenario

    @property
    def verdict(self) -> str:
        """What the corrected test shows: gain, loss, neither, or too few items to tell.

        Too few are items on which no test could come out, were they all changed alike.
        """
        if self.corrected is not None and self.corrected <= ALPHA:
            return "gain" if self.gain > 0 else "loss"
        return "too few items to tell" if self.least > ALPHA else "neither"

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
    Gains are tested by `stats.compare`, with Holm's correction over all levels. With
    several seeds the statistic is the mean of the seeds' scores, and all answers to
    an item are drawn together.
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
    return _corrected(levels)


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
    sums, statistic = side_by_side(repeats)
    zero = np.tile(side_by_side([base])[0], (1, len(repeats)))
    found = compare(sums, zero, statistic, groups)
    if len(repeats) == 1:
        interval = repeats[0].scores.interval
    elif repeats[0].scores.interval_method == "Wilson":
        interval = wilson_of_share(level.value, level.n)
    else:
        interval = bootstrap(sums, statistic, groups)
    return replace(
        level,
        interval=known_interval(interval),
        gain=found.difference,
        gain_interval=known_interval(found.interval),
        test=found.test,
        p_value=found.p_value,
        pairs=Pairs(sums, zero, statistic, groups),
    )


def _corrected(levels: Sequence[Level]) -> list[Level]:
    """Holm's correction, and the least p-value it leaves possible."""
    tested = [level for level in levels if level.p_value is not None]
    p_values = iter(holm([level.p_value for level in tested]))

    def least(level):  # all groups changed alike: one sign pattern and its mirror
        return min(1.0, len(tested) * 2.0 ** (1 - len(set(level.pairs.groups))))

    return [
        level
        if level.p_value is None
        else replace(level, corrected=next(p_values), least=least(level))
        for level in levels
    ]


def _mean(counts: Sequence[float | None], n: int = 1) -> float | None:
    return None if None in counts else fmean(counts) / n


def scenario_levels(levels: Sequence[Level]) -> list[Level]:
    """Means over the data sets of each scenario, one level for each number of shots.

    Every set weighs the same, however many items it has. `n` is the sum over
    sets; intervals are those of `mean_interval`. The gain of a mean has a test of its
    own: in each set the answers with exemplars and without change places at random
    (`stats.sign_flip`), and the mean over sets is taken anew. Holm's correction is
    over all levels of all scenarios.
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
                interval=known_interval(
                    mean_interval([x.value for x in own], [x.interval for x in own])
                ),
                coverage=fmean(each.coverage for each in own),
                gain=fmean(gains),
                gain_interval=known_interval(mean_interval(gains, [x.gain_interval for x in own])),
                cost={name: _mean([cost[name] for cost in costs]) for name in costs[0]},
                is_mean=True,
                **_tested(own),
            )
        )
    return _corrected(means)


def _tested(own: Sequence[Level]) -> dict:
    """The test of the mean gain over data sets, if there is one for each."""
    if any(level.pairs is None for level in own):
        return {}
    pairs = together({level.datasets[0]: level.pairs for level in own})
    if len(own) == 1:
        return {"test": own[0].test, "p_value": own[0].p_value, "pairs": pairs}
    test = "sign-flip permutation within data sets"
    p_value = sign_flip(pairs.few, pairs.zero, pairs.statistic, pairs.groups)
    return {"test": test, "p_value": p_value, "pairs": pairs}
