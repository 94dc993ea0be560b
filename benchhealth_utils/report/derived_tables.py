"""Tables and sentences of what follows from the paper's printed scores."""

from __future__ import annotations

import pandas as pd

from ..datasets import DATASETS
from ..models import MODELS
from ..stats import accuracy_interval
from .combined import model_name, one_decimal
from .derived import (
    ACCURACIES,
    FEW_SHOT_GENERATION,
    MMLU_WITH_COLLEGE,
    SCENARIOS,
    coarse,
    gaps,
    llm_scores,
    neighbours,
    ordered,
    ranks,
    scenario_means,
    usefulness_of,
    whole_items,
)
from .recording import paper_scores
from .style import printed, span, table


def derived_table():
    """Means of scenarios, Figure 1's zero-shot bars, and two usefulness metrics."""
    scores = ordered(llm_scores(), MODELS)
    means, useful = scenario_means(scores), usefulness_of(scores)
    sizes = {s: [k for k in scores if DATASETS[k].scenario == s] for s in SCENARIOS}
    rows = []
    for model in scores.index:
        row = {
            "Model": model_name(model),
            f"Generalizability (mean of {scores.shape[1]})": _mean(
                useful.loc[model, "generalizability"], scores.loc[model]
            ),
            "Robustness (lower is better)": one_decimal(useful.loc[model, "robustness"]),
        }
        for scenario, keys in sizes.items():
            head = f"{scenario.capitalize()} ({len(keys)})"
            row[head] = _mean(means.loc[model, scenario], scores.loc[model, keys])
        few = len(FEW_SHOT_GENERATION)
        row[f"Generation in Figure 1 ({few})"] = one_decimal(
            means.loc[model, "figure_1_generation"]
        )
        row["Type"] = _kind(model)
        rows.append(row)
    caption = (
        "What follows from Table 5, in points: means over so many data sets, and robustness, "
        "the sum of the standard deviations within three tasks. Figure 1's zero-shot bars are "
        "the means of reasoning and understanding, and that of generation without MIMIC-III. A "
        "mean that lacks a score says of how many it is. No interval follows from what was "
        "printed."
    )
    return table(pd.DataFrame(rows), caption, "results-derived", sortable=True)


def ranks_table():
    """Rank of each model on each data set, and the mean of its ranks."""
    scores = ordered(llm_scores(), MODELS)
    found = ranks(scores)
    rows = [
        {"Model": model_name(model), "Mean rank": _mean(found.loc[model].mean(), found.loc[model])}
        | {DATASETS[key].name: _rank(found.loc[model, key]) for key in scores}
        for model in scores.index
    ]
    caption = (
        "Rank of each of the sixteen models on each data set, 1 the highest printed score; "
        "equal scores share the mean of their ranks."
    )
    return table(pd.DataFrame(rows), caption, "results-ranks", sortable=True)


def gaps_table():
    """Each printed score minus that of the task-specific models."""
    scores = ordered(llm_scores(), MODELS)
    found = gaps(scores, paper_scores().loc["sota"])
    rows = [
        {"Model": model_name(model)}
        | {DATASETS[key].name: _signed(found.loc[model, key]) for key in found}
        for model in found.index
    ]
    caption = (
        "Distance to the task-specific models in points: printed score minus theirs. The data "
        "sets whose cell is a dash in the paper are left out."
    )
    return table(pd.DataFrame(rows), caption, "results-gaps", sortable=True)


def neighbours_table():
    """Which models next to each other differ by more than sampling alone may give."""
    scores = llm_scores()
    rows = []
    for key in ACCURACIES:
        n = DATASETS[key].size
        pairs = neighbours(scores[key], key, n)
        widths = [(b - a) / 2 for a, b in (accuracy_interval(x, n) for x in scores[key])]
        whole = sum(whole_items(score, n) for score in scores[key])
        rows.append(
            {
                "Data set": DATASETS[key].name,
                "n": f"{n:,}",
                "Half-width": span(widths, printed),
                "Told apart": f"{sum(pair.apart for pair in pairs)} of {len(pairs)}",
                "Whole items": f"{whole} of {len(scores[key])}" if coarse(n) else "",
            }
        )
    caption = (
        "The four data sets scored by accuracy: half-width of the 95 % Wilson interval over the "
        "sixteen scores, in points; how many neighbours are told apart, since the 95 % interval "
        "(Newcombe) of their difference is above 0; and how many printed scores are those of a "
        "whole number of the n items. The last is left out where any score would be, one item "
        "being less than a tenth of a point."
    )
    return table(pd.DataFrame(rows), caption, "results-neighbours", sortable=True)


def derived_reading():
    """What the derived tables say, worked out from them."""
    from IPython.display import Markdown

    scores = ordered(llm_scores(), MODELS)
    useful, found = usefulness_of(scores), ranks(scores)
    whole = useful[useful["n"] == scores.shape[1]]
    mean = whole["generalizability"].sort_values(ascending=False)
    spread = useful["robustness"].sort_values()
    first = (found == 1).sum(axis=1).sort_values(ascending=False)
    lines = [
        f"- **Mean of all data sets**: from {mean.iloc[-1]:.1f} ({model_name(mean.index[-1])}) "
        f"to {mean.iloc[0]:.1f} ({model_name(mean.index[0])}), which is first on "
        f"{first[mean.index[0]]} of the {scores.shape[1]} sets. {_left_out(useful, scores)}",
        f"- **Spread within tasks**: the steadiest is {model_name(spread.index[0])} "
        f"({spread.iloc[0]:.1f}), the least steady {model_name(spread.index[-1])} "
        f"({spread.iloc[-1]:.1f}).",
    ]
    return Markdown("\n".join(lines))


def gaps_reading():
    """On which data sets a language model is ahead of the task-specific ones."""
    from IPython.display import Markdown

    scores = llm_scores()
    found = gaps(scores, paper_scores().loc["sota"])
    above = (found > 0).sum()
    ahead = ", ".join(
        f"{DATASETS[key].name} ({k} of {len(scores)})" for key, k in above.items() if k
    )
    nearest = found.max()[above == 0]
    text = f"Language models are ahead on {ahead or 'no data set'}."
    if len(nearest):
        text += (
            f" On the other {len(nearest)} sets all are behind; the best of them is "
            f"{-nearest.max():.1f} ({DATASETS[nearest.idxmax()].name}) to {-nearest.min():.1f} "
            f"points ({DATASETS[nearest.idxmin()].name}) short."
        )
    return Markdown(text)


def neighbours_reading():
    """The order of the models, how much of it n supports, and which n was meant."""
    from IPython.display import Markdown

    scores = llm_scores()
    pairs = [p for k in ACCURACIES for p in neighbours(scores[k], k, DATASETS[k].size)]
    apart = sum(pair.apart for pair in pairs)
    lines = [
        f"Of {len(pairs)} pairs of neighbours, {apart} are told apart (>): the interval of their "
        "difference is above 0. Of the others (~) the order may be chance.",
        "",
        *(f"- **{DATASETS[key].name}**: {_order(scores[key], key)}." for key in ACCURACIES),
        "",
    ]
    exams = scores["mmlu_medicine"]
    n = DATASETS["mmlu_medicine"].size
    fits, other = (
        sum(whole_items(score, size) for score in exams) for size in (n, MMLU_WITH_COLLEGE)
    )
    lines.append(
        f"MMLU-Medicine is called professional and college medicine. Of its {len(exams)} "
        f"scores, {fits} are those of a whole number of {n} items, the size of professional "
        f"medicine, and {other} those of {MMLU_WITH_COLLEGE}, the size of both."
    )
    return Markdown("\n".join(lines))


def _left_out(useful: pd.DataFrame, scores: pd.DataFrame) -> str:
    partial = useful.index[useful["n"] < scores.shape[1]]
    names = ", ".join(model_name(model) for model in partial)
    return f"Left out for a missing score: {names}." if names else ""


def _order(scores: pd.Series, key: str) -> str:
    pairs = neighbours(scores, key, DATASETS[key].size)
    steps = (f" {'>' if pair.apart else '~'} {model_name(pair.lower)}" for pair in pairs)
    return model_name(pairs[0].higher) + "".join(steps)


def _kind(model: str) -> str:
    spec = MODELS[model]
    return f"{spec.type}, commercial" if spec.published == "api" else spec.type


def _mean(value: float, parts: pd.Series) -> str:
    missing = parts.isna().any()
    return f"{value:.1f}" + (f" (of {parts.notna().sum()})" if missing else "")


def _rank(value: float) -> str:
    return "" if pd.isna(value) else f"{value:g}"


def _signed(value: float) -> str:
    return "" if pd.isna(value) else f"{value:+.1f}"
