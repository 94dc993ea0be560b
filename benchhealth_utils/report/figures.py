"""Figures of a chapter."""

from __future__ import annotations

from collections.abc import Sequence

from ..datasets import DATASETS
from ..evaluation import Evaluation
from ..models import MODELS
from .results import paper_scores
from .style import reference


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
        if (same := reference(scores)) is not None:
            axes.plot(100 * same, row, **constant)
        metric = scores.metric.split(" over")[0]
        labels.append(f"{DATASETS[run.dataset].name}\n{metric}, n={scores.n}")
    axes.set_yticks(range(len(labels)), labels)
    axes.set_ylim(-0.6, len(labels) - 0.4)
    axes.set_xlim(0, 100)
    axes.set_xlabel("Score (points, 0-100)")
    model = evaluations[0].model
    name = MODELS[model].name if model in MODELS else model
    handles = [
        plt.Line2D([], [], **measured, label=f"{name}, 95 % interval"),
        plt.Line2D([], [], **published, label="the paper's 16 models"),
        plt.Line2D([], [], **constant, label="a constant answer"),
    ]
    figure.legend(handles=handles, loc="upper center", ncols=3, frameon=False, fontsize="small")
    figure.tight_layout(rect=(0, 0, 1, 0.93))
    return figure
