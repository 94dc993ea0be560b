"""The paper's Figure 1 for one model: scores against shots, a panel a scenario."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from statistics import fmean

from ..datasets import DATASETS
from ..schema import ROOT, shown
from ..stats import known_interval
from ..tasks import TASKS
from .combined import results
from .recording import paper_scores, publish, record
from .shots import Level, Runs, scenario_levels
from .style import points


def recorded_levels(
    model: str,
    datasets: Sequence[str],
    counts: Sequence[int],
    mode: str = "generate",
    folder: Path | None = None,
) -> list[Level]:
    """Scenario means of recorded results, over the sets that have every number of shots.

    Parameters
    ----------
    model : str
    datasets : sequence of str
        Keys of the sets that may enter.
    counts : sequence of int
        Numbers of shots; without one above zero there is nothing to draw.
    mode : str
        As in `evaluate_all`: open questions are always answered in text.
    folder : Path, optional
        By default ``data/results/``, which holds only full official data.

    Returns
    -------
    list of Level
        With several exemplar seeds the score is their mean, which has no interval:
        that follows from the answers, which a result does not hold.
    """
    found: dict[tuple[str, int], list[dict]] = {}
    for shots in counts:
        for asked in {mode, "generate"}:
            for row in results(folder or ROOT / "data" / "results", shots=shots, mode=asked):
                wanted = mode if TASKS[row["dataset"]].labels is not None else "generate"
                if row["model"] == model and asked == wanted:
                    found.setdefault((row["dataset"], shots), []).append(row)
    levels = []
    for key in datasets:
        if any(counts) and all((key, shots) in found for shots in counts):
            levels += [_level(key, shots, found[key, shots]) for shots in counts]
    return scenario_levels(levels)


def _level(key: str, shots: int, rows: Sequence[dict]) -> Level:
    return Level(
        datasets=(key,),
        shots=shots,
        n=rows[0]["n"],
        values=(fmean(row["value"] for row in rows),),
        interval=known_interval(rows[0]["interval"]) if len(rows) == 1 else None,
        coverage=fmean(row["coverage"] for row in rows),
    )


def paper_means(datasets: Sequence[str]) -> list[float]:
    """Zero-shot means over these data sets of the paper's models, in points.

    A model that lacks a value for one of them is left out.
    """
    scores = paper_scores().drop(index="sota")[list(datasets)]
    return scores.dropna().mean(axis=1).tolist()


def shots_figure(levels: Sequence[Level], recorded: Sequence[Level] = ()):
    """Means by number of shots, a panel a scenario, each with its own scale.

    Shapes tell them apart, not colour: filled circles with bars are measured
    here, crosses are single exemplar seeds, squares on a dashed line are
    recorded results, open circles are the paper's models at zero shots.
    """
    import matplotlib.pyplot as plt
    import seaborn as sns

    sns.set_theme(style="whitegrid", context="notebook")
    palette = sns.color_palette("colorblind")
    here = {"color": palette[0], "marker": "o", "ms": 8, "lw": 1.5}
    seeds = {"color": "black", "marker": "x", "ls": "", "ms": 6}
    before = {"color": palette[3], "marker": "s", "ms": 6, "lw": 1.5, "ls": "--"}
    published = {"ls": "", "marker": "o", "mfc": "none", "mec": "0.45", "ms": 5}
    scenarios = list(dict.fromkeys(level.scenario for level in levels))
    size = (5.2, 2.1 * len(scenarios) + 1.1)  # narrow, to be read on a phone
    figure, panels = plt.subplots(
        len(scenarios),
        sharex=True,
        squeeze=False,
        figsize=size,
        dpi=150,
        layout="constrained",
    )
    for axes, scenario in zip(panels[:, 0], scenarios, strict=True):
        own = [level for level in levels if level.scenario == scenario]
        means = paper_means(own[0].datasets)
        axes.plot([-0.28] * len(means), means, **published)
        for level in own:
            for value in level.values if len(level.values) > 1 else ():
                axes.plot(level.shots + 0.16, 100 * value, **seeds)
        _curve(axes, own, here)
        _curve(axes, [level for level in recorded if level.scenario == scenario], before, -0.12)
        names = ", ".join(DATASETS[key].name for key in own[0].datasets)
        if len(own[0].datasets) > 2:
            names = f"mean of {len(own[0].datasets)} data sets"
        axes.set_title(f"{scenario.capitalize()} ({names})", loc="left", fontsize="medium")
        axes.set_ylim(bottom=-0.04 * axes.get_ylim()[1])  # a mark at 0 is whole
        axes.set_ylabel("Points")
    axes.set_xticks(sorted({level.shots for level in levels}))
    figure.align_ylabels()
    axes.set_xlabel("Shots (exemplars before each item)")
    handles = [
        plt.Line2D([], [], **here, label="measured, 95 % interval"),
        plt.Line2D([], [], **seeds, label="one exemplar seed"),
        plt.Line2D([], [], **published, label="the paper's models"),
    ]
    if recorded:
        handles.append(plt.Line2D([], [], **before, label="recorded, official"))
    figure.legend(
        handles=handles, loc="outside upper center", ncols=2, frameon=False, fontsize="small"
    )
    return figure


def _curve(axes, levels: Sequence[Level], style: dict, offset: float = 0.0) -> None:
    places = [level.shots + offset for level in levels]
    axes.plot(places, [100 * x.value for x in levels], **style)
    for level in levels:
        if level.interval:
            ends = [100 * end for end in level.interval]
            axes.plot([level.shots + offset] * 2, ends, color=style["color"], lw=2.5)


def reading_of_shots(levels: Sequence[Level], recorded: Sequence[Level] = ()):
    """What the figure says, computed from the levels: a line a scenario."""
    from IPython.display import Markdown

    lines = []
    for scenario in dict.fromkeys(level.scenario for level in levels):
        own = [level for level in levels if level.scenario == scenario]
        zero, *others = own
        line = f"- **{scenario.capitalize()}**: {points(zero.value)} points at zero shots"
        line += "".join(f", {points(each.value)} at {each.shots}" for each in others)
        if others:
            largest = max((each.gain for each in others), key=abs)
            line += f". {_shown(others)} The largest change is {points(largest, '+')}"
        if any(len(each.values) > 1 for each in others):
            spread = max(max(each.values) - min(each.values) for each in others)
            line += f"; exemplar seeds differ by up to {points(spread)}"
        lines.append(f"{line}.")
    for level in recorded:
        if not level.shots:
            names = ", ".join(DATASETS[key].name for key in level.datasets)
            lines.append(f"- Recorded on official data, {level.scenario}: {names}.")
    return Markdown("\n".join(lines))


def _shown(levels: Sequence[Level]) -> str:
    """At which numbers of shots the corrected test shows a gain or a loss."""
    found: dict[str, list[str]] = {}
    for level in levels:
        found.setdefault(level.verdict, []).append(str(level.shots))
    texts = {
        "gain": "Gains are shown at {} shots.",
        "loss": "Losses are shown at {} shots.",
        "too few items to tell": "At {} shots there are too few items to tell.",
    }
    said = [text.format(", ".join(found[key])) for key, text in texts.items() if key in found]
    return " ".join(said) or "Neither a gain nor a loss is shown."


def record_shots(runs: Runs, means: Sequence[Level]) -> None:
    """Record each run, and publish the scenarios' means.

    Published are ``<model>.<scenario>.<shots>shot`` and, where estimable, the
    same with ``.low`` and ``.high``.
    """
    everything = [run for each in runs.values() for run in each]
    folders = sorted({shown(record(run).parent) for run in everything})
    print(f"{len(everything)} results in {', '.join(folders)}")
    for level in means:
        name = f"{everything[0].model}.{level.scenario}.{level.shots}shot"
        publish(name, level.value)
        if level.interval:
            publish(f"{name}.low", level.interval[0])
            publish(f"{name}.high", level.interval[1])
