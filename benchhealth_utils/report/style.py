"""How tables look: caption, fixed id, escaped text, scores in points."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

import pandas as pd

from ..evaluation import Evaluation
from ..stats import Interval, known_interval

SOURCES = {
    "official": "official data",
    "samples": "synthetic samples",
    "credentialed": "credentialed data",
    "other": "data that differ from the official",
}


def table(frame: pd.DataFrame, caption: str, uuid: str, *, sortable: bool = False):
    """A frame as a page shows it: caption, fixed id, text escaped, no index.

    In the book every such table can be saved as ``<uuid>.csv`` and scrolls within
    itself where it is too wide.

    Parameters
    ----------
    frame : pandas.DataFrame
        Shape (rows, columns); missing values are shown as empty cells.
    caption : str
        Heading of the table.
    uuid : str
        The table's id in the page is ``T_<uuid>``.
    sortable : bool
        Whether a reader can sort by a column. Cells that start with a number
        are compared as numbers, others as text; empty cells come last.

    Returns
    -------
    pandas.io.formats.style.Styler
    """
    classes = "dataframe sortable" if sortable else "dataframe"
    return (
        frame.style.hide(axis="index")
        .format(escape="html", na_rep="")
        .format_index(escape="html", axis="columns")
        .set_caption(escape(caption, quote=False))
        .set_uuid(uuid)
        .set_table_attributes(f'class="{classes}"')
    )


def points(value: float, sign: str = "") -> str:
    """A rate as points: 0-100 with one decimal; a `sign` of "+" is for differences.

    >>> points(0.5521), points(0.5521, "+"), points(-0.0001, "+")
    ('55.2', '+55.2', '+0.0')
    """
    return f"{100 * value:{sign}z.1f}"


def estimate(value: float, interval: Interval, mark: str = "", sign: str = "") -> str:
    """A rate in points with its interval; None, or equal ends, are no interval.

    >>> estimate(0.5521, (0.5, 0.6)), estimate(0.1, (0.1, 0.1), "*")
    ('55.2 (50.0 to 60.0)', '10.0* (interval not estimable)')
    >>> estimate(0.1, (0, 0.2), sign="+")
    '+10.0 (+0.0 to +20.0)'
    """
    known, text = known_interval(interval), f"{points(value, sign)}{mark}"
    if known is None:
        return f"{text} (interval not estimable)"
    return f"{text} ({points(known[0], sign)} to {points(known[1], sign)})"


def p_text(p_value: float) -> str:
    """A p-value as text.

    >>> p_text(0.04), p_text(0.0002)
    ('0.040', '< 0.001')
    """
    return "< 0.001" if p_value < 0.001 else f"{p_value:.3f}"


def members(value, sentence: str = "") -> str:
    """Gold or a reading as one line of text; spans as what stands there."""
    if value is None:
        return "not read"
    if not isinstance(value, frozenset):
        return value
    names = []
    for member in sorted(value, key=str):
        if not isinstance(member, tuple):
            names.append(member)
        elif isinstance(member[0], int):
            names.append(sentence[slice(*member)])
        else:
            names.append("(not in the sentence)")
    return "; ".join(names) or "none"


def with_interval(scores) -> str:
    """A score with its interval, as `estimate` writes them."""
    return estimate(scores.value, scores.interval)


def reference(scores) -> float | None:
    """What always giving the same answer scores, where that is defined."""
    for name in ("majority_accuracy", "all_yes_f1"):
        if name in scores.extra:
            return scores.extra[name]
    return None


def data_note(evaluations: Sequence[Evaluation]) -> str:
    """One sentence: on which data, and whether the paper may be compared."""
    kinds = sorted({SOURCES[run.signature["data"]["source"]] for run in evaluations})
    some = [run for run in evaluations if run.signature["data"]["limit"]]
    note = f"Measured on {' and '.join(kinds)}"
    if some:
        sizes = sorted({run.scores.n for run in some})
        note += f", a random subset of {' or '.join(map(str, sizes))} items of each set"
    if all(run.comparable for run in evaluations):
        return f"{note}: comparable with the paper."
    return f"{note}: not comparable with the paper."
