"""What a study found, as a picture and in words."""

from __future__ import annotations

from ..human_eval.adjudication import PATHS
from .combined import model_name
from .human_study import whose
from .recording import publish
from .style import plain, points


def study_figure(analysis, planted=None):
    """Win+tie rates and their mirrors with intervals: a panel a criterion.

    Shapes tell them apart, not colour: a filled circle is the first model's rate, a
    hollow square the second's, a vertical tick what was planted. The picture itself
    says where raters were simulated.
    """
    import matplotlib.pyplot as plt
    import seaborn as sns

    sns.set_theme(style="whitegrid", context="paper", font_scale=1.25)
    blue, orange = sns.color_palette("colorblind")[:2]
    first = {"color": blue, "marker": "o", "ms": 7, "lw": 2}
    second = {"color": orange, "marker": "s", "ms": 7, "lw": 2, "mfc": "white"}
    true = {"color": "black", "marker": "|", "ms": 15, "mew": 2, "ls": ""}
    criteria = list(dict.fromkeys(rate.criterion for rate in analysis.rates))
    pairs = list(dict.fromkeys((rate.model_a, rate.model_b) for rate in analysis.rates))
    height = len(criteria) * (0.75 * len(pairs) + 0.6) + 1.6
    figure, panels = plt.subplots(len(criteria), 1, figsize=(6, height), sharex=True, squeeze=False)
    for rate in analysis.rates:
        panel = panels[criteria.index(rate.criterion), 0]
        row = pairs.index((rate.model_a, rate.model_b))
        for shift, found, look in ((-0.17, rate.win_tie, first), (0.17, rate.mirror, second)):
            if found.interval:
                ends = [100 * end for end in found.interval]
                panel.plot(ends, [row + shift] * 2, color=look["color"], lw=2)
            if found.value is not None:
                panel.plot(100 * found.value, row + shift, **look, clip_on=False, zorder=3)
        if planted is not None:
            won, tied, lost = planted.chances(rate.criterion, rate.model_a, rate.model_b)
            panel.plot([100 * (won + tied)], [row - 0.17], **true, zorder=4)
            panel.plot([100 * (lost + tied)], [row + 0.17], **true, zorder=4)
    for panel, criterion in zip(panels[:, 0], criteria, strict=True):
        panel.axvline(50, color="black", lw=1, ls="--")
        labels = [f"{model_name(a)}\nagainst {model_name(b)}" for a, b in pairs]
        panel.set_yticks(range(len(pairs)), labels)
        panel.set_ylim(len(pairs) - 0.5, -0.5)
        panel.set_title(criterion.capitalize(), loc="left")
        panel.grid(axis="y", visible=False)
        panel.tick_params(labelbottom=True)
    panels[-1, 0].set_xlim(0, 100)
    panels[-1, 0].set_xlabel("Win+tie rate (%), with 95 % intervals")
    handles = [
        plt.Line2D([], [], **first, label="of the first model"),
        plt.Line2D([], [], **second, label="mirror: of the second"),
    ]
    if planted is not None:
        handles.append(plt.Line2D([], [], **true, label="planted"))
    title = whose(analysis).strip() or None
    figure.legend(
        handles=handles, title=title, loc="upper center", ncols=3, frameon=False, fontsize="small"
    )
    figure.tight_layout(rect=(0, 0, 1, 1 - 0.65 / height))
    return figure


def study_reading(analysis):
    """What the tables allow to say, a line each."""
    rates = analysis.rates
    cells = f"{len(rates)} comparisons on a criterion"
    decided = [rate for rate in rates if rate.p_adjusted is not None and rate.p_adjusted < 0.05]
    high = [
        rate
        for rate in rates
        if rate.win_tie.value is not None and min(rate.win_tie.value, rate.mirror.value) > 0.5
    ]
    ties = [rate.ties / rate.n for rate in rates if rate.n]
    lines = [
        f"- **Who is ahead**: in {len(decided)} of {cells} one model won more often than chance "
        "gives (sign test, p below 0.05 after Holm's correction).",
        f"- **Both high**: in {len(high)} of {len(rates)} both win+tie rates lie above 50 %.",
    ]
    if ties:
        lines.append(f"- **Ties**: {points(min(ties))} to {points(max(ties))} % of verdicts.")
    ways = {path: sum(each[path] for each in analysis.paths.values()) for path in PATHS}
    lines.append(
        f"- **Settled**: of {sum(ways.values())} final verdicts, {ways['agreed']} are the raters' "
        f"own, {ways['senior']} the senior's, and {ways['open']} are open."
    )
    alphas = [row.alphas["ordinal"] for row in analysis.reliability]
    if known := [one for one in alphas if one.interval]:
        values, ends = [one.value for one in known], [one.interval[0] for one in known]
        lines.append(
            f"- **Agreement**: Krippendorff's ordinal alpha is {plain(min(values))} to "
            f"{plain(max(values))}; the lowest end of an interval is {plain(min(ends))}."
        )
    people = [rater for rater in analysis.raters if rater.role == "rater"]
    left = [
        rater.name
        for rater in people
        if rater.side.p_adjusted is not None and rater.side.p_adjusted < 0.05
    ]
    lines.append(
        f"- **Position**: a liking for one side shows in {len(left)} of {len(people)} "
        f"raters{': ' if left else ''}{', '.join(left)}."
    )
    return listed(lines, whose(analysis))


def listed(lines, mark: str):
    """Lines of a list, headed by what `whose` says."""
    from IPython.display import Markdown

    return Markdown((f"{mark.strip()}\n\n" if mark else "") + "\n".join(lines))


def publish_study(analysis) -> None:
    """Publish rates and agreement under ``study.``, or ``simulated.`` where they are that."""
    kind = "simulated" if analysis.simulated else "study"
    for rate in analysis.rates:
        name = f"{kind}.{rate.criterion}.{rate.model_a}.{rate.model_b}"
        publish(f"{name}.n", rate.n)
        _publish(f"{name}.win_tie", rate.win_tie)
        _publish(f"{name}.mirror", rate.mirror)
    for row in analysis.reliability:
        _publish(f"{kind}.{row.criterion}.alpha", row.alphas["ordinal"])


def _publish(name: str, found) -> None:
    if found.value is not None:
        publish(name, found.value)
    if found.interval:
        publish(f"{name}.low", found.interval[0])
        publish(f"{name}.high", found.interval[1])
