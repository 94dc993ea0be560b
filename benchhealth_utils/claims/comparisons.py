"""Checks that hold one group of models against another."""

from __future__ import annotations

from itertools import product
from math import isnan, nan
from statistics import fmean

from ..stats import difference_interval
from .verdicts import Case, Result, decide, one_of


def better(
    paper,
    these,
    measures,
    than="",
    over="data set",
    take="each",
    match="none",
    needed="all",
    beyond="none",
) -> Result:
    """Models of one group do better than models of another; a tie is not better.

    Parameters
    ----------
    these, than : str or list of str
        Groups of the file, or keys of models.
    measures : str or list of str
        Data sets, tasks or scenarios of Table 1 (or ``all``), ``robustness``
        (lower is better), ``generalizability``, or ``human`` and a criterion
        of Table 6.
    over : {"data set", "task", "scenario"}
        Of what a mean is taken first; it leaves out data sets for which one of
        the models compared has no value, so that both sides have the same.
    take : {"each", "mean", "best"}
        Every pair of models, the means of both groups, or the best of each.
    match : {"none", "size", "family"}
        Within each stated size; or the larger models of a family against its
        smaller ones (then without `than`).
    needed : {"all", "most"}
        How many comparisons have to hold.
    beyond : {"none", "sampling"}
        With the second, a difference of accuracies holds only if it exceeds
        the sampling uncertainty of independent samples; a smaller one in the
        same direction is open, since a paired test would need the answers.
    """
    one_of("beyond", beyond, ("none", "sampling"))
    first, second = paper.models_of(these), paper.models_of(than or these)
    columns, cases, missing = paper.columns_of(measures), [], []
    for ours, theirs in sides(paper, first, second, take, match):
        table = paper.table(columns, [*ours, *theirs], over)
        for column, values in table.items():
            sign, label = -1 if paper.lower_is_better(column) else 1, paper.label(column)
            one, a = _side(paper, ours, values, take, sign)
            two, b = _side(paper, theirs, values, take, sign)
            if isnan(a) or isnan(b):
                missing.append(f"{one if isnan(a) else two} ({label})")
                continue
            margin, text = sign * round(a - b, 6), f"{label}: {one} {a:.1f}, {two} {b:.1f}"
            holds: bool | None = margin > 0
            if beyond == "sampling":
                margin, high = difference_interval(a, b, paper.accuracy_items(column))
                text += f", difference {margin:+.1f} to {high:+.1f}"
                holds = None if holds and margin <= 0 else holds
            cases.append(Case(holds, margin, text))
    return decide(cases, missing, needed)


def sides(paper, first, second, take, match) -> list[tuple[list, list]]:
    """The lists of models that are held against each other."""
    one_of("take", take, ("each", "mean", "best"))
    blocks = [(first, second)]
    if one_of("match", match, ("none", "size", "family")) == "size":
        common = {paper.size(m) for m in first} & {paper.size(m) for m in second}
        blocks = [
            tuple([m for m in group if paper.size(m) == size] for group in (first, second))
            for size in sorted(common)
        ]
    if take != "each":
        return blocks
    pairs = [(a, b) for block in blocks for a, b in product(*block) if a != b]
    if match == "family":
        pairs = [(a, b) for a, b in pairs if paper.family(a) == paper.family(b)]
        pairs = [(a, b) for a, b in pairs if paper.size(a) > paper.size(b)]
    return [([a], [b]) for a, b in pairs]


def _side(paper, models, values, take, sign) -> tuple[str, float]:
    """Name and value; of a mean or a best with a member missing there is none."""
    if lacking := [model for model in models if isnan(values[model])]:
        return paper.name(lacking[0]), nan
    if take == "mean" and len(models) > 1:
        names = [paper.name(model) for model in models]
        shown = ", ".join(names) if len(names) < 4 else f"{names[0]} to {names[-1]}"
        return f"mean of {len(names)} ({shown})", fmean(values[model] for model in models)
    best = max(models, key=lambda model: sign * values[model])
    return paper.name(best), values[best]


def same_direction(paper, these, than, criteria: list[str]) -> Result:
    """At each size, experts and metric prefer the same group, on the mean.

    The experts' preference is the mean over the opponents of Table 6.
    """
    first, second = paper.models_of(these), paper.models_of(than)
    cases, missing = [], []
    for criterion, both in product(criteria, sides(paper, first, second, "mean", "size")):
        where = f"{criterion} at {paper.size(both[0][0]):g}B"
        by_metric, by_human = (
            _lead(paper, paper.table(measure, sum(both, [])), both)
            for measure in (criterion, f"human {criterion}")
        )
        if isnan(by_metric) or isnan(by_human):
            missing.append(where)
            continue
        agree = by_metric * by_human > 0
        text = f"{where}, {these} ahead by {by_metric:+.1f} (metric), {by_human:+.1f} (experts)"
        cases.append(Case(agree, abs(by_metric) if agree else -abs(by_metric), text))
    return decide(cases, missing)


def _lead(paper, table, both) -> float:
    """By how much the first group's mean is better, on the mean of the measures."""
    leads = []
    for column, values in table.items():
        ours, theirs = (fmean(values[model] for model in group) for group in both)
        leads.append(theirs - ours if paper.lower_is_better(column) else ours - theirs)
    return round(fmean(leads), 6)
