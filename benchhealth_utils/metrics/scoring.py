"""From a metric and readings to `Scores`: the same way for every data set."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from ..schema import BenchHealthError, Gold, Reading, Scores
from ..stats import percentiles, resample, share, wilson

FIGURES = ("value", "precision", "recall")


@dataclass(frozen=True)
class Metric:
    """What a metric is made of.

    Attributes
    ----------
    name : str
        With its variant.
    sums : callable
        Takes gold and readings, gives sufficient statistics, (items, quantities).
    statistic : callable
        Takes totals of shape (..., quantities), gives values of shape (...).
    precision_recall : callable
        Takes the same totals, gives a pair.
    extra : callable
        Takes gold, readings and sums, gives the further figures.
    labels : tuple of str, optional
        What a label may be; None where there is no list.
    columns : tuple of str
        Names of the quantities that are summed.
    """

    name: str
    sums: Callable
    statistic: Callable
    precision_recall: Callable
    extra: Callable
    labels: tuple[str, ...] | None = None
    columns: tuple[str, ...] = ("tp", "fp", "fn")

    def figures(self, totals: np.ndarray) -> np.ndarray:
        """Value, precision and recall, shape (3, ...), from totals."""
        return np.stack([self.statistic(totals), *self.precision_recall(totals)])


def scored(
    metric: Metric,
    gold: Sequence[Gold],
    readings: Sequence[Reading | None],
    groups: Sequence[str] | None = None,
    seed: int = 0,
) -> Scores:
    """Scores by a metric, with the interval that suits its statistic.

    Value, precision and recall are taken of the same 10,000 resamples. Each is
    what the metric defines for every resample, also where a ratio has nothing
    beneath it: 0. With a single group there is nothing to resample, and no
    ``distribution``.
    """
    check(metric, gold, readings, groups)
    rows = metric.sums(gold, readings)
    totals = rows.sum(axis=0)
    n = len(rows)
    precision, recall = map(float, metric.precision_recall(totals))
    units = n if groups is None else len(set(groups))
    drawn = resample(rows, metric.figures, groups, seed=seed)
    if metric.statistic is share and units == n:
        interval, method = wilson(int(totals[0]), n), "Wilson"
    else:
        interval = tuple(map(float, drawn.interval[0]))
        method = "percentile bootstrap over " + ("items" if units == n else f"{units} groups")
        if units == 1:
            method = "none: one group cannot be resampled"
    return Scores(
        value=float(metric.statistic(totals)),
        precision=precision,
        recall=recall,
        n=n,
        coverage=sum(reading is not None for reading in readings) / n,
        interval=interval,
        metric=metric.name,
        interval_method=method,
        extra=metric.extra(gold, readings, rows),
        distribution={
            name: tuple(percentiles(replicates).round(5).tolist())
            for name, replicates in zip(FIGURES, drawn.replicates, strict=True)
            if units > 1
        },
    )


def check(metric: Metric, gold: Sequence, readings: Sequence, groups=None) -> None:
    """Refuse what cannot be scored, before anything is counted."""
    if len(gold) != len(readings) or not len(gold):
        raise BenchHealthError(
            f"{len(gold)} gold values and {len(readings)} readings; expected as many "
            "of both, and at least one."
        )
    if groups is not None and len(groups) != len(gold):
        raise BenchHealthError(f"{len(groups)} groups for {len(gold)} items.")
    kind = frozenset if isinstance(gold[0], frozenset) else str
    for row, pair in enumerate(zip(gold, readings, strict=True)):
        for name, value in zip(("gold", "reading"), pair, strict=True):
            if value is None and name == "reading":
                continue
            if not isinstance(value, kind):
                raise BenchHealthError(
                    f"item {row}: {name} is of type {type(value).__name__}; expected "
                    f"{kind.__name__}, and only a reading may be None."
                )
            members = value if kind is frozenset else {value}
            if metric.labels and (odd := members - set(metric.labels)):
                raise BenchHealthError(
                    f"item {row}: {name} has {', '.join(sorted(map(str, odd)))}; "
                    f"known: {', '.join(metric.labels)}."
                )


def column(index: int) -> Callable[[np.ndarray], np.ndarray]:
    """The statistic that is the mean over items of one column; the last counts them."""
    return lambda totals: totals[..., index] / totals[..., -1]
