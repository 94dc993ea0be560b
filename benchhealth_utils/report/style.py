"""How tables look: caption, fixed id, escaped text, scores in points."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape

import pandas as pd

from ..stats import Interval


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


def plain(value: float, sign: str = "") -> str:
    """A coefficient such as tau, from -1 to 1, with two decimals."""
    return f"{value:{sign}z.2f}"


def printed(value: float, sign: str = "") -> str:
    """A figure that is in points already, as the paper's are, with one decimal."""
    return f"{value:{sign}z.1f}"


def estimate(
    value: float, interval: Interval, mark: str = "", sign: str = "", number=points
) -> str:
    """A rate in points with its interval; None, or equal ends, are no interval.

    With another `number`, such as `plain`, that is how value and ends are written.

    >>> estimate(0.5521, (0.5, 0.6)), estimate(0.1, (0.1, 0.1), "*")
    ('55.2 (50.0 to 60.0)', '10.0* (interval not estimable)')
    >>> estimate(0.1, (0, 0.2), sign="+"), estimate(0.1, (-0.5, 0.6), number=plain)
    ('+10.0 (+0.0 to +20.0)', '0.10 (-0.50 to 0.60)')
    """
    known, text = known_interval(interval), f"{number(value, sign)}{mark}"
    if known is None:
        return f"{text} (interval not estimable)"
    return f"{text} ({number(known[0], sign)} to {number(known[1], sign)})"


def span(values: Iterable[float], number=points) -> str:
    """The lowest and the highest of some figures.

    >>> span([0.3, 0.1, 0.2]), span([30.0, 10.0], printed)
    ('10.0 to 30.0', '10.0 to 30.0')
    """
    values = list(values)
    return f"{number(min(values))} to {number(max(values))}"


def measure(value: float | None, interval: Interval, mark: str = "", none: str = "none") -> str:
    """A measure of usefulness in points: it may lack a value, or an interval by its nature.

    >>> measure(None, None), measure(0.4, None, "*"), measure(0.4, (0.3, 0.5))
    ('none', '40.0*', '40.0 (30.0 to 50.0)')
    >>> measure(0.1, (0, 0))
    '10.0 (below what sampling shows)'
    """
    if value is None:
        return none
    if interval is None:
        return f"{points(value)}{mark}"
    if value > 0 and tuple(interval) == (0, 0):
        return f"{points(value)}{mark} (below what sampling shows)"
    return estimate(value, interval, mark)


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


def known_interval(interval) -> Interval:
    """The interval, or None if it is not known or has no width."""
    known = interval is not None and interval[0] < interval[1]
    return tuple(interval) if known else None
