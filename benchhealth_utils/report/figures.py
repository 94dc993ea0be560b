"""Figures of a chapter."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ..datasets import DATASETS
from ..evaluation import Evaluation
from ..models import MODELS
from .combined import model_name, publishable, results
from .constant import constant_answer
from .recording import paper_scores

OURS = "s^vP<>ph"  # a shape for each of our models, in the order of the registry


def scores_figure(evaluations: Sequence[Evaluation]):
    """Scores with intervals, the paper's sixteen models, and a constant answer.

    Shapes tell them apart, not colour: a filled circle with a bar is measured
    here, open circles are the paper's models, a vertical tick is the score of
    always giving the same answer.
    """
    import matplotlib.pyplot as plt
    import seaborn as sns

    sns.set_theme(style="whitegrid", context="notebook")
    dark, light = sns.color_palette("colorblind")[0], "0.45"
    measured = {"color": dark, "marker": "o", "ms": 9, "lw": 2.5}
    published = {"ls": "", "marker": "o", "mfc": "none", "mec": light, "ms": 5}
    constant = {"ls": "", "marker": "|", "color": "black", "ms": 16, "mew": 2}
    models = paper_scores().drop(index="sota")
    figure, axes = plt.subplots(figsize=(7.5, 0.75 * len(evaluations) + 1.6))
    labels = []
    for row, run in enumerate(reversed(evaluations)):
        scores = run.scores
        axes.plot(models[run.dataset], [row + 0.2] * len(models), **published)
        axes.plot([100 * end for end in scores.interval], [row, row], color=dark, lw=2.5)
        axes.plot(100 * scores.value, row, **measured)
        if same := constant_answer(run):
            axes.plot(100 * same.value, row, **constant)
        metric = scores.metric.split(" over")[0]
        labels.append(f"{DATASETS[run.dataset].name}\n{metric}, n={scores.n}")
    axes.set_yticks(range(len(labels)), labels)
    axes.set_ylim(-0.6, len(labels) - 0.4)
    axes.set_xlim(0, 100)
    axes.set_xlabel("Score (points, 0-100)")
    handles = [
        plt.Line2D([], [], **measured, label=f"{model_name(evaluations[0].model)}, 95 % interval"),
        plt.Line2D([], [], **published, label="the paper's 16 models"),
        plt.Line2D([], [], **constant, label="a constant answer"),
    ]
    figure.legend(handles=handles, loc="upper center", ncols=3, frameon=False, fontsize="small")
    figure.tight_layout(rect=(0, 0, 1, 0.93))
    return figure


def results_figure(*folders: Path):
    """Every printed score and every full official one of ours: a row a data set.

    Above, the sixteen models in three lanes and the task-specific ones as a star;
    below, a lane with intervals for each of ours.

    Parameters
    ----------
    *folders : Path
        As in `results`.
    """
    import matplotlib.pyplot as plt
    import seaborn as sns

    sns.set_theme(style="whitegrid", context="paper", font_scale=1.25)
    rows = list(filter(publishable, results(*folders)))
    ours = list(dict.fromkeys(row["model"] for row in rows))
    height = 0.84 + 0.17 * len(ours)  # of a row, in inches
    figure, axes = plt.subplots(figsize=(5.2, height * len(DATASETS) + 2.2))
    handles = _printed_rows(axes, height)
    palette = sns.color_palette("colorblind")
    for lane, model in enumerate(ours):
        look = {"color": palette[lane % len(palette)], "marker": OURS[lane % len(OURS)], "ms": 7}
        for row in (row for row in rows if row["model"] == model):
            y = _top(row["dataset"], height) - 0.73 - 0.17 * lane
            axes.plot([100 * end for end in row["interval"]], [y, y], color=look["color"], lw=2)
            axes.plot(100 * row["value"], y, clip_on=False, zorder=3, **look)
        handles.append(plt.Line2D([], [], lw=2, label=model_name(model), **look))
    axes.set_ylim(-height * len(DATASETS) - 0.05, 0)
    axes.set_xlim(0, 100)
    axes.set_yticks([])
    axes.tick_params(labeltop=True)
    axes.set_xlabel("Score (points, 0-100), with 95 % intervals")
    figure.legend(handles=handles, loc="upper left", ncols=2, frameon=False, fontsize="small")
    figure.tight_layout(rect=(0, 0, 1, 1 - 0.21 * (len(handles) + 3) / 2 / figure.get_figheight()))
    return figure


def _top(dataset: str, height: float) -> float:
    """Where the row of a data set begins, in inches below the first."""
    return -height * list(DATASETS).index(dataset)


def _printed_rows(axes, height: float) -> list:
    """Names and printed scores of all data sets; returns the legend's entries."""
    import matplotlib.pyplot as plt

    paper = paper_scores()
    open_shape = {"ls": "", "mfc": "none", "mec": "0.3", "color": "0.3", "ms": 5}
    lanes = {
        "commercial": dict(open_shape, marker="D", label="paper: commercial"),
        "general": dict(open_shape, marker="o", label="paper: general, public"),
        "medical": dict(open_shape, marker="x", label="paper: medical"),
    }
    star = {"ls": "", "marker": "*", "color": "black", "ms": 11, "label": "paper: task-specific"}
    for key, spec in DATASETS.items():
        top = _top(key, height)
        axes.axhline(top, color="0.8", lw=1)
        axes.text(0.8, top - 0.07, f"{spec.name}, {spec.metric}, n = {spec.size:,}", va="top")
        for step, (lane, look) in enumerate(lanes.items()):
            models = [model for model in paper.index if _lane(model) == lane]
            axes.plot(paper.loc[models, key], [top - 0.32 - 0.09 * step] * len(models), **look)
        axes.plot(paper.loc["sota", key], top - 0.57, **star)
    return [plt.Line2D([], [], **look) for look in (*lanes.values(), star)]


def _lane(model: str) -> str:
    if model == "sota":
        return "sota"
    spec = MODELS[model]
    return "commercial" if spec.published == "api" else spec.type
