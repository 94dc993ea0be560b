"""The paper's claims, held against its own tables.

``data/paper/claims.yaml`` gives each claim an expression that yields margins: by how much
each comparison holds. A claim holds if all of them are above 0. The head of that file says
what an expression may use.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from itertools import product
from math import nan
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import yaml

from .printed import derived, paper
from .schema import DATA, DataError, shown
from .stats import newcombe, wilson

FILE = DATA / "paper" / "claims.yaml"
HOLDS, FAILS, UNCHECKED = ("holds", "fails", "cannot be checked")
PLACE = ["id", "section", "paragraph", "locator", "claim", "kind"]  # each entry has these
READING = ["reading", "check", "needed", "missing", "also", "repeats"]
SHOWN = 3  # comparisons written out


@cache
def _facts() -> SimpleNamespace:
    """Items by data set, stated billions of parameters by model, printed names of both."""
    sets, models = paper(1).set_index("dataset"), paper(3).set_index("model")
    billions = models["parameters"].str.removesuffix("B").astype(float)
    name = dict(sets["name"]) | dict(models["name"]) | {"sota": "task-specific"}
    return SimpleNamespace(items=dict(sets["size"]), billions=billions, name=name)


def _ahead(table, these, than, over, take) -> pd.Series:
    """How far one group is ahead of another on each column, or each mean of columns."""
    if over is not None:
        known = table.loc[[*these, *than]].dropna(axis="columns")
        table = known.T.groupby(over.reindex(known.columns), sort=False).mean().T
    one, two = (getattr(table.loc[group], take)(skipna=False) for group in (these, than))
    return one - two


def each(table, these, than, over=None) -> pd.Series:
    """By how much each model of one group is ahead of each of another."""
    pairs = [(a, b) for a, b in product(these, than) if a != b]
    if over is None:  # the same, faster
        return pd.concat({(a, b): table.loc[a] - table.loc[b] for a, b in pairs})
    return pd.concat({(a, b): _ahead(table, [a], [b], over, "mean") for a, b in pairs})


def mean(table, these, than, over=None, take="mean") -> pd.Series:
    """By how much the mean of one group is ahead of the mean of another."""
    sides = [g[0] if len(g) == 1 else f"{take} of {len(g)}" for g in (these, than)]
    return pd.concat({tuple(sides): _ahead(table, these, than, over, take)})


def by_size(margins, table, these, than, over=None) -> pd.Series:
    """The same within each size that both groups have."""
    size = _facts().billions
    common = sorted({size[m] for m in these} & {size[m] for m in than})
    sides = {f"{s:g}B": [[m for m in g if size[m] == s] for g in (these, than)] for s in common}
    return pd.concat({s: margins(table, *both, over) for s, both in sides.items()})


def larger(table, models, over=None) -> pd.Series:
    """By how much the larger models of a family are ahead of its smaller ones."""
    size, name = _facts().billions, _facts().name
    family = {m: re.sub(r"-\d+B$", "", name[m]) for m in models}
    pairs = [(a, b) for a, b in product(models, models) if size[a] > size[b]]
    alike = [(a, b) for a, b in pairs if family[a] == family[b]]
    return pd.concat([each(table, [a], [b], over) for a, b in alike])


def surely(table, these, than) -> pd.Series:
    """Lower ends of the intervals of `each`, as if the models had answered other items."""
    found = each(table, these, than)
    for a, b, key in found.dropna().index:
        n = _facts().items[key]
        one, two = (round(table.loc[model, key] * n / 100) for model in (a, b))
        found[a, b, key] = 100 * newcombe(one, n, two, n)[0]
    return found


def low(values, key=None, end: int = 0):
    """Lower ends of Wilson's intervals of accuracies on a data set, or on each column's."""
    if isinstance(values, pd.DataFrame):
        return values.apply(lambda column: low(column, column.name, end))
    n = _facts().items[key]
    return values.map(lambda x: 100 * wilson(round(x * n / 100), n)[end], na_action="ignore")


def high(values, key=None):
    """Upper ends of the same."""
    return low(values, key, end=1)


def _known(names: Mapping[str, str], tables: Mapping[str, pd.DataFrame]) -> dict:
    """What an expression may use."""
    t1, t2, t3 = (paper(n).set_index(i) for n, i in enumerate(("dataset", "metric", "model"), 1))
    t6 = paper(6).pivot(index="model", columns=["criterion", "opponent"], values="win_tie")
    text = pd.read_csv(DATA / "paper" / "text_numbers.csv").set_index("quote")
    known = {"t1": t1, "t2": t2, "t3": t3, "t5": paper(5), "t6": t6, "numbers": text["value"]}
    known |= tables
    known["spread"] = derived(known["t5"])[["robustness"]]
    known |= {"__builtins__": {}, "sign": np.sign, "size": _facts().billions}
    helpers = (each, mean, by_size, larger, surely, low, high, len, list)
    known |= {each.__name__: each for each in helpers}

    def printed(*quotes):
        rows, gaps = text.loc[list(quotes)], []
        for quote, row in rows.iterrows():
            there = nan if pd.isna(row["where"]) else eval(row["where"], known)
            gap = known["numbers"][quote] - there
            gaps.append(gap if row["relation"] == "<" else 0.05 - abs(gap))
        return pd.Series(gaps, rows["what"])

    known["printed"] = printed
    for name, expression in names.items():
        known[name] = eval(expression, known)
    return known


def _margins(found) -> pd.Series:
    if isinstance(found, list):
        return pd.concat([_margins(part) for part in found])
    found = found.unstack() if isinstance(found, pd.DataFrame) else found
    return found.astype(float).round(6)


def _check(entry: Mapping, known: dict, missing: Mapping[str, str]) -> dict:
    """The verdict of one reading, how many comparisons hold, and the closest ones."""
    margins = least = pd.Series(dtype=float)
    if "check" in entry:
        found = eval(entry["check"], known)
        margins, least = map(_margins, found if isinstance(found, tuple) else (found, found))
    n, possible, held = (int(x.sum()) for x in (margins.notna(), margins > 0, least > 0))
    needed = {"all": n, "most": n // 2 + 1}[entry.get("needed", "all")]
    verdict = HOLDS if held >= needed else UNCHECKED if possible >= needed else FAILS
    if not n or (verdict == HOLDS and "missing" in entry):
        verdict = UNCHECKED
    closest, name = least.dropna().sort_values(kind="stable")[:SHOWN], _facts().name
    labels = [key if isinstance(key, tuple) else (key,) for key in closest.index]
    labels = [", ".join(name.get(part, part) for part in key) for key in labels]
    row = {"reading": entry.get("reading", ""), "verdict": verdict, "held": held, "n": n}
    row["closest"] = [f"{x} {y:+.2f}" for x, y in zip(labels, closest, strict=True)]
    row |= {"margin": closest.min(), "lacking": len(margins) - n}
    return row | {"missing": missing[entry["missing"]] if "missing" in entry else ""}


def verdicts(
    *, also: bool = False, tables: Mapping[str, pd.DataFrame] | None = None, path: Path = FILE
) -> pd.DataFrame:
    """Put every claim of the file to the paper's tables.

    Parameters
    ----------
    also : bool
        Whether the other readings of a claim follow it, each in its own row.
    tables : mapping of str to DataFrame, optional
        In place of the paper's ``t5`` or ``t6``, in the form that expressions know.
    path : path-like
        The file of claims.

    Returns
    -------
    DataFrame
        In the paper's order. Columns: id, section, paragraph, locator, claim, kind, repeats
        (an earlier claim that says the same), reading, verdict (holds, fails, cannot be
        checked), held and n (comparisons), margin (the smallest, in points: by how much the
        claim fails, or is from failing), closest (list of the comparisons with the smallest
        margins), lacking (comparisons without a value), missing (what would decide it and
        was not published).

    Raises
    ------
    DataError
        For an entry that is not as the head of the file says; the message names it.
    """
    rows, place, seen = [], "its head", set()
    try:
        content = yaml.safe_load(Path(path).read_text(encoding="utf-8"))
        known = _known(content["names"], tables or {})
        for number, entry in enumerate(content["claims"], 1):
            place = f"entry {number} ({entry.get('id')})"
            about = {name: entry[name] for name in PLACE}
            about |= {"kind": content["kinds"][about["kind"]], "repeats": entry.get("repeats", "")}
            readings = [entry, *entry.get("also", [])]
            if odd := set().union(*readings) - {*PLACE, *READING}:
                raise KeyError(", ".join(odd))
            if entry["id"] in seen or not {about["repeats"]} <= {"", *seen}:
                raise ValueError("this id is used twice, or it repeats no earlier one")
            seen.add(entry["id"])
            for reading in readings if also else readings[:1]:
                rows.append(about | _check(reading, known, content["missing"]))
    except Exception as error:  # whatever an expression may do wrong
        what = f"{type(error).__name__}: {error}."
        raise DataError(shown(Path(path)), place, what, "See the head of the file.") from None
    return pd.DataFrame(rows)
