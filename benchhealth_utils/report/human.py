"""The paper's human evaluation (its Table 6): what it prints and what that can say.

A cell is a win+tie rate: the share of conversations in which the reply of a
public model was judged better than, or as good as, that of a commercial one.
Ties were not published apart, so wins + ties + losses = 100 % gives the losses
exactly and leaves the wins anywhere from 0 to the rate.
"""

from __future__ import annotations

from itertools import combinations
from pathlib import Path

import pandas as pd

from ..models import MODELS
from ..schema import ROOT
from ..stats import accuracy_interval, difference_interval
from .combined import model_name
from .derived import whole_items
from .style import estimate, printed, span, table

PAPER_CRITERIA = ("faithfulness", "comprehensiveness", "generalizability", "robustness")
PAPER = ROOT / "data" / "paper"


def printed_rates(folder: Path = PAPER) -> pd.DataFrame:
    """Table 6 in per cent: a row a public model, columns (criterion, opponent)."""
    long = pd.read_csv(folder / "table6.csv")
    wide = long.pivot(index="model", columns=["criterion", "opponent"], values="win_tie")
    return wide.loc[[model for model in MODELS if model in wide.index]]


def conversations(folder: Path = PAPER) -> int:
    """Conversations behind each cell, from the paper's section 5.6."""
    numbers = pd.read_csv(folder / "text_numbers.csv").set_index("quote")
    return int(numbers.loc["s5.6-4", "value"])


def table6():
    """Table 6 as printed."""
    rates = printed_rates()
    rows = [
        {("", "Model"): model_name(model), ("", "Type"): MODELS[model].type}
        | {
            (criterion.capitalize(), model_name(opponent)): f"{rate:.1f}"
            for (criterion, opponent), rate in rates.loc[model].items()
        }
        for model in rates.index
    ]
    frame = pd.DataFrame(rows)
    frame.columns = pd.MultiIndex.from_tuples(frame.columns)  # criteria over opponents
    caption = (
        "Table 6. Human evaluation as printed: win+tie rates, in %, of nine public models "
        f"against three commercial ones, {conversations()} conversations a cell. Higher is better."
    )
    return table(frame, caption, "table-6", sortable=True)


def rates_table():
    """Each rate with its Wilson interval, a row a model and criterion."""
    rates, n = printed_rates(), conversations()
    rows = []
    for criterion in PAPER_CRITERIA:
        for model in rates.index:
            row = {"Criterion": criterion.capitalize(), "Model": model_name(model)}
            for opponent, rate in rates.loc[model, criterion].items():
                ends = [end / 100 for end in accuracy_interval(rate, n)]
                row[f"Against {model_name(opponent)}"] = estimate(rate / 100, ends)
            rows.append(row)
    caption = f"Win+tie rates in % with 95 % Wilson intervals, n = {n} conversations each."
    return table(pd.DataFrame(rows), caption, "human-rates", sortable=True)


def bounds_table():
    """Who is ahead: decided only where the whole interval lies below one half."""
    rates, n = printed_rates(), conversations()
    rows = []
    for criterion in PAPER_CRITERIA:
        for opponent, column in rates[criterion].items():
            ends = [accuracy_interval(rate, n) for rate in column]
            rows.append(
                {
                    "Criterion": criterion.capitalize(),
                    "Opponent": model_name(opponent),
                    "Win+tie": span(column, printed),
                    "Losses": span(100 - column, printed),
                    "Opponent ahead": sum(high < 50 for _, high in ends),
                    "Open": sum(high >= 50 for _, high in ends),
                    "Open, with all of the interval above 50": sum(low > 50 for low, _ in ends),
                }
            )
    caption = (
        f"What win+tie decides, n = {n} a cell. Win+tie and losses: range over the "
        f"{len(rates)} public models, in %. Opponent ahead: for so many of them the whole 95 % "
        "interval is below 50, so that they lost more often than they won. Open: for so "
        "many it is not, and who won more often hangs on the ties."
    )
    return table(pd.DataFrame(rows), caption, "human-bounds", sortable=True)


def bounds_reading():
    """The best and the commonest case of Table 6, worked out from it."""
    from IPython.display import Markdown

    rates, n = printed_rates(), conversations()
    cells = rates.stack(["criterion", "opponent"])
    (model, criterion, opponent), best = cells.idxmax(), cells.max()
    whole = sum(whole_items(rate, n) for rate in cells)
    behind = sum(accuracy_interval(rate, n)[1] < 50 for rate in cells)
    us, them = model_name(model), model_name(opponent)
    return Markdown(
        f"- The highest of the {len(cells)} rates is {best:.1f}: {us} against {them} in "
        f"{criterion}. So {us} lost {100 - best:.1f} %. It won somewhere between 0 and "
        f"{best:.1f} %, and {them}, read the same way, has a win+tie rate between "
        f"{100 - best:.1f} and 100 %: both may look good at once.\n"
        f"- In {behind} of {len(cells)} cells the interval lies wholly below 50 %: there the "
        "public model lost more often than it won, whatever the ties.\n"
        f"- {whole} of {len(cells)} rates are those of a whole number of {n} conversations, "
        "as one final verdict on each gives; the mean of two raters' rates would often be "
        "half a conversation off."
    )


def pair_counts() -> pd.DataFrame:
    """For each pair of public models, opponents against whom one is told apart.

    Columns ``first``, ``second`` and, for each criterion, ``(ahead, behind)``:
    against how many opponents the first model's rate is above, and below, the
    second's by more than the interval of their difference.
    """
    rates, n = printed_rates(), conversations()
    rows = []
    for one, two in combinations(rates.index, 2):
        row: dict = {"first": one, "second": two}
        for criterion in PAPER_CRITERIA:
            ends = [
                difference_interval(rates.loc[one, column], rates.loc[two, column], n)
                for column in rates
                if column[0] == criterion
            ]
            row[criterion] = sum(low > 0 for low, _ in ends), sum(high < 0 for _, high in ends)
        rows.append(row)
    return pd.DataFrame(rows)


def pairs_table():
    """Which public models differ by more than the interval of their difference."""
    rows = [
        {"Model": model_name(row["first"]), "Other model": model_name(row["second"])}
        | {criterion.capitalize(): _signs(*row[criterion]) for criterion in PAPER_CRITERIA}
        for row in pair_counts().to_dict("records")
    ]
    caption = (
        f"Pairs of public models, n = {conversations()} a rate. +2: against two of the three "
        "opponents the model's rate is above the other's and the 95 % interval (Newcombe) of the "
        "difference leaves out 0; -1: against one it is below; 0: not told apart."
    )
    return table(pd.DataFrame(rows), caption, "human-pairs", sortable=True)


def pairs_reading():
    """How many pairs are told apart, a line a criterion."""
    from IPython.display import Markdown

    counts = pair_counts()
    opponents = len(printed_rates().columns) // len(PAPER_CRITERIA)
    lines, total = [], opponents * len(PAPER_CRITERIA) * len(counts)
    for criterion in PAPER_CRITERIA:
        ahead, behind = counts[criterion].str[0], counts[criterion].str[1]
        everywhere = int(((ahead == opponents) | (behind == opponents)).sum())
        never = int(((ahead == 0) & (behind == 0)).sum())
        lines.append(
            f"- **{criterion.capitalize()}**: of {len(counts)} pairs, {everywhere} are told "
            f"apart against all {opponents} opponents, {never} against none."
        )
    lines.append(
        f"\nThat is {total} comparisons. If no two models differed at all, about "
        f"{0.05 * total:.0f} of them would still be told apart by chance; a pair told apart "
        f"against a single opponent is weak evidence."
    )
    return Markdown("\n".join(lines))


def human_figure():
    """Every rate of Table 6 with its interval: a panel a criterion, a row a model."""
    import matplotlib.pyplot as plt
    import seaborn as sns

    sns.set_theme(style="whitegrid", context="paper", font_scale=1.25)
    rates, n = printed_rates(), conversations()
    palette = sns.color_palette("colorblind")
    figure, panels = plt.subplots(len(PAPER_CRITERIA), 1, figsize=(5.2, 15), sharex=True)
    for panel, criterion in zip(panels, PAPER_CRITERIA, strict=True):
        looks = zip(rates[criterion], "os^", (-0.25, 0, 0.25), palette, strict=False)
        for opponent, shape, shift, colour in looks:
            column = rates[criterion][opponent]
            for place, rate in enumerate(column):
                ends = accuracy_interval(rate, n)
                panel.plot(ends, [place + shift] * 2, color=colour, lw=1.5)
            places = [place + shift for place in range(len(column))]
            label = f"against {model_name(opponent)}"
            panel.plot(column, places, shape, color=colour, ms=5.5, label=label)
        panel.axvline(50, color="black", lw=1, ls="--")
        panel.set_yticks(range(len(rates)), [model_name(model) for model in rates.index])
        panel.set_ylim(len(rates) - 0.5, -0.5)
        panel.set_title(criterion.capitalize(), loc="left")
        panel.grid(axis="y", visible=False)
        panel.tick_params(labelbottom=True)
    panels[-1].set_xlim(0, 100)
    panels[-1].set_xlabel("Win+tie rate (%)")
    handles, labels = panels[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="upper left", ncols=2, frameon=False, fontsize="small")
    figure.tight_layout(rect=(0, 0, 1, 0.965))
    return figure


def _signs(ahead: int, behind: int) -> str:
    return ", ".join([f"+{ahead}"] * bool(ahead) + [f"-{behind}"] * bool(behind)) or "0"
