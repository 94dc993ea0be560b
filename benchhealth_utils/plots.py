"""How tables and figures look: one palette, one table, the figure that several pages draw.

A frame comes in as `evaluation.frame` and `compare` give it, with rates from 0 to 1; on the
page a rate is in points, 0 to 100. Shapes tell kinds apart, never colour alone. Nothing here
writes a sentence: captions, alt texts and the words under a figure belong to the page.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from html import escape

import pandas as pd
from IPython.display import HTML

# seaborn's "colorblind"; it and matplotlib are loaded where a figure is drawn
PALETTE = "#0173B2 #DE8F05 #029E73 #D55E00 #CC78BC #CA9161 #FBAFE4 #949494 #ECE133 #56B4E9".split()
MARKERS = "osD^vPX*"  # of our models, in the order in which they appear
PAPER = {"ls": "", "marker": "o", "mfc": "none", "mec": "0.45", "ms": 5}  # its models
# one answer to all
CONSTANT = {"ls": "", "marker": "|", "color": "black", "ms": 16, "mew": 2, "clip_on": False}
HEADINGS = {
    "title": "Data set", "dataset": "Data set", "name": "Model", "model": "Model",
    "value": "Score", "low": "from", "high": "to", "value_rival": "Rival's score",
    "constant": "Constant answer", "p_holm": "p (Holm)", "source": "Data", "shots": "Shots",
    "precision": "Precision", "recall": "Recall", "coverage": "Coverage", "test": "Test",
    "difference": "Difference", "detectable": "Detectable", "metric": "Metric",
}  # fmt: skip
RATES = "value value_rival low high precision recall coverage constant difference".split()
RATES += ["detectable"]


def theme() -> None:
    """Set seaborn's theme: white grid, colour-blind palette, figures sharp in print."""
    import seaborn as sns

    sns.set_theme(style="whitegrid", palette=PALETTE, rc={"figure.dpi": 120})


def table(
    frame: pd.DataFrame,
    caption: str,
    name: str,
    *,
    digits: Mapping[str, int] | None = None,
    sortable: bool = False,
):
    """Show a frame as a page does: numbered caption, fixed id, figures to the right.

    Parameters
    ----------
    frame : pandas.DataFrame
        Columns named as those of `frame` and `compare` are known: rates become points,
        p-values have three decimals, headings are words. Other floats have one decimal,
        whole numbers a comma between thousands; missing values are empty cells. A named
        index becomes the first columns, another is not shown.
    caption : str
        Above the table, with its number if it has one.
    name : str
        The table's id in a page is ``T_<name>``, its download ``<name>.csv``.
    digits : Mapping of str to int, optional
        Decimals of further columns, which are then shown as they are.
    sortable : bool
        Whether a reader of the book can sort it by a column.

    Returns
    -------
    pandas.io.formats.style.Styler
        To which a page may add what it stresses, such as ``highlight_max``.
    """
    shown = frame.reset_index() if any(frame.index.names) else frame.reset_index(drop=True)
    digits = digits or {}
    numbers = list(shown.select_dtypes("number"))
    rates = [column for column in numbers if column in RATES and column not in digits]
    shown = shown.assign(**{column: 100 * shown[column] for column in rates})
    places = {column: 3 if column in ("p", "p_holm") else 1 for column in shown} | dict(digits)
    texts = {column: _number(places[column]) for column in numbers}
    right = {"props": "text-align: right; font-variant-numeric: tabular-nums"}
    return (
        shown.style.hide(axis="index")
        .format(texts, escape="html", na_rep="")
        .format_index(lambda name: escape(HEADINGS.get(name, str(name))), axis="columns")
        .set_table_styles({column: [{"selector": "", **right}] for column in numbers})
        .set_caption(escape(caption, quote=False))
        .set_uuid(name)
        .set_table_attributes(f'class="dataframe{" sortable" if sortable else ""}"')
    )


def _number(places: int):
    """How a number is written: whole ones without decimals, a tiny p-value as a bound."""

    def text(value) -> str:
        if isinstance(value, int) or pd.api.types.is_integer(value):
            return f"{value:,}"
        if places >= 3 and 0 < value < 10**-places:
            return f"&lt; {10**-places:.{places}f}"
        return f"{value:z,.{places}f}"

    return text


def cards(answers: pd.DataFrame, name: str, *, letters: int = 400) -> HTML:
    """Show answers as cards: facts, then the reply with the words that were read marked.

    Parameters
    ----------
    answers : DataFrame
        Columns ``reply`` and, if words are to be marked, ``reading`` (a word, a set of words,
        or None), as `items` gives them; every other column is a fact of the card. A row
        without a reply, as in credentialed sets, is not shown.
    name : str
        Fixed id of the group in a page.
    letters : int
        A longer reply is cut in the middle.
    """
    found = []
    for row in answers.dropna(subset=["reply"]).to_dict("records"):
        reply, reading = " ".join(row.pop("reply").split()), row.get("reading")
        if len(reply) > letters:
            reply = f"{reply[: letters // 2]} ... {reply[-letters // 2 :]}"
        words = [reading] if isinstance(reading, str) else reading or ()
        marked = "|".join(re.escape(word) for word in words if isinstance(word, str) and word)
        parts = re.split(rf"(?i)((?<!\w)(?:{marked})(?!\w))", reply) if marked else [reply]
        parts = [f"<mark>{escape(x)}</mark>" if i % 2 else escape(x) for i, x in enumerate(parts)]
        facts = " &middot; ".join(escape(f"{key}: {_said(row[key])}") for key in row)
        text = f"<p>{''.join(parts)}</p><p><small>{facts}</small></p>"
        found.append(f"<blockquote>{text}</blockquote>")
    return HTML(f'<div class="cards" id="{escape(name)}">{"".join(found)}</div>')


def _said(value) -> str:
    """A gold value or a reading as words."""
    if value is None:
        return "not read"
    if isinstance(value, frozenset):
        return "; ".join(sorted(map(str, value))) or "nothing"
    return str(value)


def forest(
    rows: pd.DataFrame,
    printed: pd.DataFrame | None = None,
    constant: Mapping[str, float] | None = None,
    *,
    xlabel: str = "points, with 95 % intervals",
):
    """Draw scores with intervals, a row for each data set, a shape for each model.

    Parameters
    ----------
    rows : DataFrame
        Columns ``title``, ``name``, ``value``, ``low``, ``high``, rates in [0, 1]; a missing
        interval is not drawn. For the two below also ``dataset``.
    printed : DataFrame, models by data sets, optional
        The paper's scores in points: open circles above the row.
    constant : Mapping of data-set key to rate, optional
        What one answer to every item scores: a tick across the row.
    xlabel : str

    Returns
    -------
    matplotlib.figure.Figure
    """
    import matplotlib.pyplot as plt

    labels, names = list(rows["title"].unique()), list(rows["name"].unique())
    figure, axes = plt.subplots(figsize=(7.5, (0.6 + 0.2 * len(names)) * len(labels) + 1.4))
    for y, text in enumerate(labels):
        own = rows[rows["title"] == text]
        key = own["dataset"].iloc[0] if "dataset" in own else None
        if printed is not None and key in printed:
            points = printed[key].dropna()
            axes.plot(points, [y - 0.28] * len(points), **PAPER, label="the paper's models")
        if constant is not None and not pd.isna(constant.get(key)):
            axes.plot(100 * constant[key], y + 0.1, **CONSTANT, label="constant answer")
        for row in own.to_dict("records"):
            at = names.index(row["name"])
            place = y + 0.16 * (at - (len(names) - 1) / 2)
            look = {"color": PALETTE[at % len(PALETTE)], "zorder": 3, "clip_on": False}
            axes.plot([100 * row["low"], 100 * row["high"]], [place] * 2, lw=2.5, **look)
            mark = MARKERS[at % len(MARKERS)]
            axes.plot(100 * row["value"], place, mark, ms=8, **look, label=row["name"])
    axes.set(xlim=(0, 100), ylim=(len(labels) - 0.4, -0.6), xlabel=xlabel)
    axes.set_yticks(range(len(labels)), labels)
    found = dict(zip(*reversed(axes.get_legend_handles_labels()), strict=True))  # each once
    head = {"loc": "upper center", "ncols": 3, "frameon": False, "fontsize": "small"}
    figure.legend(found.values(), found.keys(), **head)
    figure.tight_layout(rect=(0, 0, 1, 1 - 0.28 * -(-len(found) // 3) / figure.get_figheight()))
    return figure
