"""Figure 2: four panels, a row a model."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from textwrap import wrap

from ..datasets import DATASETS
from ..evaluation import Evaluation
from .old_usefulness import SPREAD_TASKS, Measure, by_task
from .usefulness_entries import Entry, usefulness_entries

SHAPES = {"general": "o", "medical": "s", "other": "^"}
HEADINGS = {
    "general": "General, Table 5",
    "medical": "Medical, Table 5",
    "measured": "Measured here",
}
PANELS = {
    "faithfulness": "(a) Faithfulness",
    "comprehensiveness": "(b) Comprehensiveness",
    "generalizability": "(c) Generalizability",
    "robustness": "(d) Robustness",
}
DARK = "#0072B2"


def usefulness_figure(runs: Sequence[Evaluation], *folders: Path):
    """The four measures of the paper's models, of recorded ones, and of these runs.

    Shapes tell kinds of models apart, filling tells where a value is from: a
    circle is a general model, a square a medical one, a triangle any other; open
    ones follow from the paper's Table 5, filled ones with a bar are measured
    here. A value over fewer data sets or tasks than the definition has says so.
    """
    import matplotlib.pyplot as plt
    import seaborn as sns

    sns.set_theme(style="whitegrid", context="paper", font_scale=1.2)
    entries = usefulness_entries(runs, *folders)
    measured = _rows([entry for entry in entries if not entry.printed])
    every = _rows(entries)
    heights = [len(measured) + 1.5, len(every) + 1.5]
    figure, axes = plt.subplots(
        2,
        2,
        figsize=(5.0, 0.235 * sum(heights) + 2.0),
        height_ratios=heights,
    )
    for panel, (name, title) in zip(axes.flat, PANELS.items(), strict=True):
        rows = measured if name in ("faithfulness", "comprehensiveness") else every
        _draw(panel, rows, name)
        _label(panel, rows if panel in axes[:, 0] else [])
        panel.set_title(title, loc="left", fontsize="small", fontweight="bold")
        better = "lower" if name == "robustness" else "higher"
        panel.set_xlabel(f"points ({better} is better)", fontsize="small")
    handles = _legend(entries)
    figure.legend(handles=handles, loc="upper left", ncols=2, frameon=False, fontsize="small")
    top = 0.15 + 0.2 * ((len(handles) + 1) // 2)
    figure.tight_layout(rect=(0, 0, 1, 1 - top / figure.get_figheight()), h_pad=1.2, w_pad=0.6)
    return figure


def _rows(entries: list[Entry]) -> list[Entry | str]:
    """Entries under their headings, from above."""
    groups = {
        "general": [e for e in entries if e.printed and e.kind == "general"],
        "medical": [e for e in entries if e.printed and e.kind == "medical"],
        "measured": [e for e in entries if not e.printed],
    }
    return [row for name, group in groups.items() if group for row in (HEADINGS[name], *group)]


def _draw(panel, rows: list[Entry | str], name: str) -> None:
    found = [r.measures[name] for r in rows if not isinstance(r, str)]
    ends = [end for m in found if m.value is not None for end in (m.value, *(m.interval or ()))]
    limit = 108 * max(ends, default=1)
    inside = {"transform": panel.get_yaxis_transform(), "va": "center", "fontsize": "small"}
    for y, row in enumerate(rows):
        if isinstance(row, str):
            panel.text(0.02, y, row, fontweight="bold", **inside)
            continue
        each = row.measures[name]
        if each.value is None:
            panel.text(0.02, y, "no value", style="italic", **inside)
            continue
        value = 100 * each.value
        if each.interval is not None:
            panel.plot([100 * end for end in each.interval], [y, y], color=DARK, lw=2)
        panel.plot(value, y, clip_on=False, zorder=3, **_look(row.kind, row.printed))
        if short := _short_of(each):
            side = {"xytext": (7, 0), "ha": "left"} if value < limit / 2 else {"xytext": (-7, 0)}
            panel.annotate(
                short,
                (value, y),
                textcoords="offset points",
                fontsize="x-small",
                **{"ha": "right", "va": "center"} | side,
            )
    panel.set_ylim(len(rows) - 0.4, -0.6)
    panel.set_xlim(0, limit)


def _label(panel, rows: list[Entry | str]) -> None:
    """Names of the models, on the left panel of two."""
    names = {
        y: "\n".join(wrap(f"{row.name}{row.mark}", 19))
        for y, row in enumerate(rows)
        if not isinstance(row, str)
    }
    panel.set_yticks(list(names), list(names.values()), fontsize="small", linespacing=0.9)


def _look(kind: str, printed: bool) -> dict:
    face = "white" if printed else DARK
    edge = "0.25" if printed else DARK
    return {"ls": "", "marker": SHAPES[kind], "ms": 6, "mfc": face, "mec": edge, "mew": 1.2}


def _short_of(each: Measure) -> str:
    """What a measure is over, if not over all that its definition has."""
    if each.name in ("faithfulness", "comprehensiveness"):
        whole = len(by_task(DATASETS))
        return "" if len(each.tasks) == whole else f"{len(each.tasks)} of {whole} tasks"
    keys = [k for k, s in DATASETS.items() if each.name != "robustness" or s.task in SPREAD_TASKS]
    found = len(each.datasets)
    return "" if found == len(keys) else f"{found} of {len(keys)} sets"


def _legend(entries: list[Entry]) -> list:
    """An entry for each shape in the figure, those of the paper first."""
    import matplotlib.pyplot as plt

    handles = []
    for kind, printed in sorted({(e.kind, e.printed) for e in entries}, key=_legend_order):
        text = "from Table 5" if printed else "measured here, 95 % interval"
        look = _look(kind, printed) | ({} if printed else {"ls": "-", "lw": 2, "color": DARK})
        handles.append(plt.Line2D([], [], **look, label=f"{kind}, {text}"))
    return handles


def _legend_order(shape: tuple[str, bool]) -> tuple[bool, int]:
    return not shape[1], list(SHAPES).index(shape[0])
