"""Where a model of ours would stand beside the public models of Table 6."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from ..datasets import DATASETS
from ..models import recorded_name
from .combined import MARK, model_name, publishable, results
from .derived import llm_scores, usefulness_of
from .human import PAPER_CRITERIA
from .human_agreement import mean_rates
from .old_usefulness import Measure, usefulness
from .style import measure, table


def measured(model: str, *folders: Path) -> list[dict]:
    """Recorded zero-shot results of a model: the official ones, or all if there are none."""
    rows = [row for row in results(*folders) if row["model"] == recorded_name(model)]
    return [row for row in rows if publishable(row)] or rows


def placement_table(model: str, *folders: Path):
    """The nine public models and one of ours, by what numbers can say of both.

    Generalizability is taken over the data sets that the model has, for the
    others too; people's judgements exist for the nine alone.
    """
    rows = measured(model, *folders)
    name = model_name(recorded_name(model))
    keys = [row["dataset"] for row in rows] or list(DATASETS)
    head = f"Generalizability ({len(keys)} of {len(DATASETS)} sets)"
    people = mean_rates()
    printed = llm_scores().loc[people.index]
    means, spreads = usefulness_of(printed[keys]), usefulness_of(printed)
    lines = [
        {
            "Model": model_name(key),
            "Source": "paper",
            head: f"{means.loc[key, 'generalizability']:.1f}",
            "Robustness": f"{spreads.loc[key, 'robustness']:.1f}",
        }
        | {f"People: {name}": f"{people.loc[key, name]:.1f}" for name in PAPER_CRITERIA}
        for key in people.index
    ]
    if rows:
        mean, spread = _measures(rows)
        mark = "" if publishable(rows[0]) else MARK
        lines.append(
            {
                "Model": name,
                "Source": "ours",
                head: _points(mean, mark),
                "Robustness": _points(spread, mark),
            }
            | {f"People: {name}": "not rated" for name in PAPER_CRITERIA}
        )
    caption = (
        f"{name} beside the public models of Table 6. Generalizability: mean "
        "score in points, over the same data sets for all; robustness: sum of standard "
        "deviations in points, lower is better; ours with 95 % intervals. People: win+tie in %, "
        f"mean of three opponents. {MARK} marks what is not of the full official data and may "
        "not be compared."
    )
    return table(pd.DataFrame(lines), caption, "human-placement", sortable=True)


def placement_reading(model: str, *folders: Path):
    """Whether the model has a place beside the nine, and where."""
    from IPython.display import Markdown

    rows = measured(model, *folders)
    name = model_name(recorded_name(model))
    if not rows:
        return Markdown(
            f"Nothing of {name} is recorded yet, so it has no place. Run the chapters on "
            "reasoning, generation and understanding for it first."
        )
    if not publishable(rows[0]):
        return Markdown(
            f"What is recorded of {name} is not of the full official data. It shows that the "
            "columns can be filled, and gives no place among the nine."
        )
    mean, spread = _measures(rows)
    lacking = [spec.name for key, spec in DATASETS.items() if key not in mean.datasets]
    without = f", without {', '.join(lacking)}" if lacking else ""
    said = [
        f"- **Generalizability** over {len(mean.datasets)} of {len(DATASETS)} data sets{without}: "
        f"{_points(mean)}. {_place(mean)}"
    ]
    if spread.value is None:
        said.append(f"- **Robustness** cannot be worked out. {spread.note}")
    else:
        said.append(f"- **Robustness**, where low is steady: {_points(spread)}. {_place(spread)}")
    said.append("- **People** have not rated it.")
    return Markdown("\n".join(said))


def _measures(rows: list[dict]) -> tuple[Measure, Measure]:
    found = usefulness({row["dataset"]: row for row in rows})
    return found["generalizability"], found["robustness"]


def _place(found: Measure) -> str:
    """How many of the public models lie above and below a measure of ours."""
    printed = llm_scores().loc[mean_rates().index, list(found.datasets)]
    others = usefulness_of(printed)[found.name] / 100
    low, high = found.interval or (found.value, found.value)
    over, under = sum(value > high for value in others), sum(value < low for value in others)
    text = f"Of the {len(others)} public models, {over} lie above, {under} below"
    if found.interval is None:
        return f"{text}; {found.note}."
    remark = f" The interval is {found.note}." if found.note else ""
    return f"{text}, {len(others) - over - under} within the interval.{remark}"


def _points(found: Measure, mark: str = "") -> str:
    return measure(found.value, found.interval, mark, none="not known")
