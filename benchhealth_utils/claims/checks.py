"""The questions that a claim can put to the tables.

A check takes the tables (`Paper`) and the parameters that stand in
``data/paper/claims.yaml``, and returns a `Result`. It knows no claim, no group
and no data set by name. `CHECKS` lists them.
"""

from __future__ import annotations

from itertools import product
from math import isnan

import pandas as pd

from ..schema import BenchHealthError
from ..stats import accuracy_interval
from .comparisons import better, same_direction
from .verdicts import (
    FAILS,
    HOLDS,
    UNCHECKED,
    Case,
    Result,
    decide,
    listed,
    one_of,
)


def unpublished(paper, what: str) -> Result:
    """Nothing printed decides the claim; the reason stands in the file."""
    return Result(UNCHECKED, paper.missing[one_of("what", what, paper.missing)])


def printed(paper, numbers: list[str]) -> Result:
    """Numbers of the running text agree with the tables that give them too."""
    cases, missing = [], []
    for quote in numbers:
        row = paper.number(quote)
        if pd.isna(row["where"]):
            missing.append(f"{row['what']} ({row['value']:g}) is in no table")
            continue
        found = paper.look_up(row["where"])
        gap = round(row["value"] - found, 6)
        holds = gap > 0 if row["relation"] == "<" else gap == 0
        said = f"{row['relation']} {row['value']:g}".removeprefix("= ")
        text = f"{row['what']}: {said} in the text, {found:g} in the tables"
        cases.append(Case(holds, abs(gap) if holds else -abs(gap), text))
    return decide(cases, missing)


def reaches(
    paper,
    these,
    of,
    measures,
    at_least: float | None = None,
    below: float | None = None,
    take="each",
) -> Result:
    """Scores as shares of a reference model's: all at least, or all below, a share.

    `take`: ``each`` model, or only the ``best`` on each data set.
    """
    one_of("take", take, ("each", "best"))
    if (at_least is None) == (below is None):
        raise BenchHealthError("reaches takes one of at_least and below.")
    cases, missing = [], []
    for share, text in _shares(paper, these, of, measures, take):
        if isnan(share):
            missing.append(text)
            continue
        margin = round(share - at_least if below is None else below - share, 6)
        cases.append(Case(margin >= 0 if below is None else margin > 0, margin, text))
    return decide(cases, missing)


def _shares(paper, these, of, measures, take):
    """Share of the reference's score, with a text, for each model and data set."""
    models, (reference,) = paper.models_of(these), paper.models_of(of)
    for column, values in paper.table(measures, [*models, reference]).items():
        bar, known = values[reference], [m for m in models if not isnan(values[m])]
        chosen = [max(known, key=values.get)] if take == "best" and known else models
        for model in chosen:
            share = values[model] / bar
            if isnan(share):
                lacking = paper.name(reference if isnan(bar) else model)
                yield share, f"{lacking} ({paper.label(column)})"
                continue
            text = f"{paper.name(model)} {values[model]:.1f} of {bar:.1f}, {100 * share:.1f} %"
            yield share, f"{paper.label(column)}: {text}"


def only_there(paper, these, of, tasks: list[str], at_least: float) -> Result:
    """The best of a group reaches a share of a reference in these tasks and no others.

    A task counts if that is so on each of its data sets with a reference value.
    """
    for task in tasks:
        one_of("tasks", task, list(paper.datasets["task"].unique()))
    lowest, missing = {}, []
    for task, members in paper.datasets.groupby("task", sort=False):
        shares = [share for share, _ in _shares(paper, these, of, list(members.index), "best")]
        known = [share for share in shares if not isnan(share)]
        if known:
            lowest[task] = min(known)
        else:
            missing.append(task)
    reached = {task for task, share in lowest.items() if share >= at_least}
    ranked = sorted(lowest.items(), key=lambda item: -item[1])
    numbers = "Lowest share of the reference in a task: "
    numbers += "; ".join(f"{task} {100 * share:.1f} %" for task, share in ranked) + "."
    numbers += f" No value: {listed(missing)}." if missing else ""
    as_said = [(task in reached) == (task in tasks) for task in lowest]
    if not set(tasks) & set(lowest):
        return Result(UNCHECKED, numbers)
    return Result(HOLDS if all(as_said) else FAILS, numbers, sum(as_said), len(as_said))


def against_level(paper, values: list[str], level: str, dataset: str, relation: str) -> Result:
    """Accuracies named in the text against one fixed figure, such as the experts'.

    `relation`: ``above`` the figure as it stands; or ``not below`` it by more
    than the sampling uncertainty of an accuracy over the items of `dataset`.
    """
    one_of("relation", relation, ("above", "not below"))
    bar, n = paper.number(level), paper.accuracy_items(dataset)
    cases = []
    for quote in values:
        row = paper.number(quote)
        low, high = accuracy_interval(row["value"], n)
        above = relation == "above"
        margin = (row["value"] if above else high) - bar["value"]
        spread = "" if above else f" ({low:.1f} to {high:.1f} with n = {n:,})"
        text = (
            f"{row['what']} {row['value']:.1f}{spread} against {bar['value']:.1f} ({bar['what']})"
        )
        cases.append(Case(margin > 0 if above else margin >= 0, margin, text))
    return decide(cases, [])


def above_guessing(paper, these, options: dict[str, int], beyond="none") -> Result:
    """Accuracies above that of guessing, one in `options`.

    `beyond`: ``none``, or ``sampling``, with which the whole interval of the
    accuracy has to be above it; one that is not, of a higher score, is open.
    """
    one_of("beyond", beyond, ("none", "sampling"))
    models = paper.models_of(these)
    table, cases, missing = paper.table(list(options), models), [], []
    for column, model in product(table, models):
        value, chance = table[column][model], 100 / options[column]
        if isnan(value):
            missing.append(f"{paper.name(model)} ({paper.label(column)})")
            continue
        margin, text = value - chance, f"{paper.label(column)}: {paper.name(model)} {value:.1f}"
        holds: bool | None = margin > 0
        low, high = accuracy_interval(value, paper.accuracy_items(column))
        if beyond == "sampling":
            margin, text = low - chance, f"{text} ({low:.1f} to {high:.1f})"
            holds = None if holds and margin <= 0 else holds
        cases.append(Case(holds, margin, f"{text}, guessing {chance:.1f}"))
    return decide(cases, missing)


def in_steps_of(paper, items: int) -> Result:
    """Every rate of Table 6 is a whole number of wins and ties out of `items`.

    That can speak against a number of items, and never shows that it is right.
    """
    rates = paper.tables["table6"]["win_tie"].dropna()
    counts = (rates * items / 100).round(6)
    whole = int((counts % 1 == 0).sum())
    numbers = f"{whole} of {len(rates)} rates are consistent with {items} items"
    if whole < len(rates):
        return Result(FAILS, f"{numbers}.", whole, len(rates))
    numbers += f", but also with any multiple of {items}; the counts are not published."
    return Result(UNCHECKED, numbers, whole, len(rates))


CHECKS = {
    check.__name__: check
    for check in (
        *(better, reaches, only_there, above_guessing, against_level),
        *(printed, same_direction, in_steps_of, unpublished),
    )
}
