"""Tables of a study of one's own: the paper's Table 6, with what the paper leaves out.

Each takes an `Analysis`, and its caption says so where the raters were simulated.
"""

from __future__ import annotations

import pandas as pd

from .combined import model_name
from .style import estimate, p_text, plain, points, table

SIMULATED_RATERS = "Simulated raters, not people."
SYNTHETIC_QUESTIONS = "Made-up questions, for trying out."
WITHOUT = ", without noted pairs"


def design_table(study, caption: str = "A study's cards and raters.", uuid: str = "study-design"):
    """What a study folder holds, from its design; nothing here tells one model from another."""
    counts = study.design["counts"]
    seen = {
        "both": "sees the raters' verdicts",
        "none": "does not see the raters' verdicts",
    }[study.senior_sees]
    rows = [
        ("Questions", counts["items"], "drawn at random, each a card a comparison"),
        ("Comparisons", counts["comparisons"], "of two models each"),
        ("Pairs", counts["pairs"], "cards that enter the rates"),
        ("Repeats", counts["repeats"], "pairs once more, sides swapped"),
        ("Attention checks", counts["checks"], "one reply on both sides"),
        ("Raters", len(study.raters), f"{counts['cards']} cards each, in an order of their own"),
        ("Seniors", len(study.seniors), f"for cards in dispute or difficult; {seen}"),
    ]
    return table(pd.DataFrame(rows, columns=["What", "Number", "Which"]), caption, uuid)


def card_table(card, caption: str, uuid: str = "study-card"):
    """One card as raters see it. For synthetic dialogues: patients' text is not shown."""
    rows = [("Question", card.question), ("Left", card.left), ("Right", card.right)]
    return table(pd.DataFrame(rows, columns=["Part", "Text"]), caption, uuid)


def study_table6(analysis, uuid: str = "study-table-6"):
    """Win+tie rates and mirrors in the shape of the paper's Table 6, with intervals."""
    opponents = list(dict.fromkeys(rate.model_b for rate in analysis.rates))
    criteria = list(dict.fromkeys(rate.criterion for rate in analysis.rates))
    columns = [(one.capitalize(), model_name(two)) for one in criteria for two in opponents]
    frame = pd.DataFrame(
        _table6_rows(analysis.rates, "") + _table6_rows(analysis.rates_unnoted, WITHOUT),
        columns=pd.MultiIndex.from_tuples([("", "Model"), *columns]),
    )
    caption = (
        f"{whose(analysis)}Win+tie rate of the model / its mirror, the opponent's, in %, with "
        f"95 % bootstrap intervals over items, {_range(rate.n for rate in analysis.rates)} items "
        f"a cell.{_unsettled(analysis)}{_noted(analysis)}"
    )
    return table(frame, caption, uuid, sortable=True)


def _table6_rows(rates, suffix: str) -> list[dict]:
    """A row a model in the order of the rates; cells by criterion and opponent."""
    rows: dict[str, dict] = {}
    for rate in rates:
        row = rows.setdefault(rate.model_a, {("", "Model"): model_name(rate.model_a) + suffix})
        both = in_words(rate.win_tie)
        if rate.win_tie.value is not None:
            both += f" / {in_words(rate.mirror)}"
        row[rate.criterion.capitalize(), model_name(rate.model_b)] = both
    return list(rows.values())


def verdicts_table(analysis, uuid: str = "study-verdicts"):
    """Wins, ties and losses, the lead, and the sign test."""
    rows = [
        {
            "Criterion": rate.criterion.capitalize(),
            "Comparison": f"{model_name(rate.model_a)} against {model_name(rate.model_b)}",
            "Won": rate.wins,
            "Tied": rate.ties,
            "Lost": rate.losses,
            "Open": _open(rate),
            "Lead": in_words(rate.lead, sign="+"),
            "Sign test, p": _p(rate.p_value),
            "p, Holm": _p(rate.p_adjusted),
        }
        for rate in analysis.rates
    ]
    tests = sum(rate.p_value is not None for rate in analysis.rates)
    caption = (
        f"{whose(analysis)}Final verdicts, won and lost by the first model. Lead: wins less "
        "losses, in % of settled items with 95 % bootstrap intervals over items. Sign test: "
        f"exact, of wins against losses; Holm over {tests} tests.{_unsettled(analysis)}"
    )
    return table(pd.DataFrame(rows), caption, uuid, sortable=True)


def paths_table(analysis, uuid: str = "study-paths"):
    """How final verdicts came about."""
    rows = [
        {
            "Criterion": criterion.capitalize(),
            "Raters agreed": paths["agreed"],
            "Senior decided": paths["senior"],
            "Open": paths["open"],
        }
        for criterion, paths in analysis.paths.items()
    ]
    caption = (
        f"{whose(analysis)}How final verdicts came about, n = "
        f"{_range(sum(paths.values()) for paths in analysis.paths.values())} a criterion."
    )
    return table(pd.DataFrame(rows), caption, uuid)


def reliability_table(analysis, uuid: str = "study-reliability"):
    """Agreement of the raters before adjudication."""
    rows = []
    for found in analysis.reliability:
        row = {"Criterion": found.criterion.capitalize(), "Cards": found.same.n}
        row["Same verdict, %"] = in_words(found.same)
        for pair, kappa in found.kappas.items():
            row["Kappa" + (f", {' and '.join(pair)}" if len(found.raters) > 2 else "")] = in_words(
                kappa, plain
            )
        row["Alpha, ordinal"] = in_words(found.alphas["ordinal"], plain)
        row["Alpha, nominal"] = in_words(found.alphas["nominal"], plain)
        rows.append(row)
    caption = (
        f"{whose(analysis)}Agreement before adjudication: Cohen's kappa of two raters, "
        "Krippendorff's alpha of all, with 95 % bootstrap intervals over items. 1 is perfect, "
        "0 what chance gives."
    )
    return table(pd.DataFrame(rows), caption, uuid)


def raters_table(analysis, uuid: str = "study-raters"):
    """Each rater: repeats, attention checks, and a liking for one side."""
    rows = [
        {
            "Rater": rater.name,
            "Pairs": rater.cards,
            "Difficult": rater.difficult,
            "Repeats kept, %": in_words(rater.kept),
            "Kept, softened, reversed": ", ".join(map(str, rater.repeats.values()))
            if rater.kept.n
            else "",
            "Attention checks right, %": in_words(rater.attention),
            "Left of those that lean, %": "no card leans"
            if rater.side.share is None
            else estimate(rater.side.share, rater.side.interval),
            "Cards left, even, right": f"{rater.side.left}, {rater.side.even}, {rater.side.right}",
            "p, Holm": _p(rater.side.p_adjusted),
        }
        for rater in analysis.raters
    ]
    caption = (
        f"{whose(analysis)}Each rater. Repeats: verdicts kept when a card came again with its "
        "sides swapped, softened (to a tie or from one), reversed. Attention: identical replies "
        "called a tie. Both with 95 % intervals over items. Left: of cards that lean to a side, "
        "with the exact 95 % interval and test of one half."
    )
    return table(pd.DataFrame(rows), caption, uuid)


def strengths_table(analysis, uuid: str = "study-strengths"):
    """Davidson's strengths, a row a criterion and model; or why there are none."""
    rows = []
    for ranking in analysis.rankings:
        criterion = ranking.criterion.capitalize()
        if not ranking.strengths:
            rows.append({"Criterion": criterion, "Model": "all", "Log-strength": ranking.note})
        for place, (model, strength) in enumerate(ranking.strengths.items(), start=1):
            above = [
                model_name(two)
                for (one, two), gap in ranking.differences.items()
                if one == model and gap.interval and gap.interval[0] > 0
            ]
            rows.append(
                {
                    "Criterion": criterion,
                    "Place": place,
                    "Model": model_name(model),
                    "Log-strength": in_words(strength, plain, "+"),
                    "Clearly above": ", ".join(above) or "none",
                    "Tie of equals, %": in_words(ranking.ties) if place == 1 else "",
                }
            )
    caption = (
        f"{whose(analysis)}Strengths by Davidson's model, which add up to 0, with 95 % bootstrap "
        f"intervals over items, {_range(ranking.n for ranking in analysis.rankings)} verdicts a "
        "criterion. Clearly above: the interval of the difference leaves out 0; not corrected for "
        "the number of pairs, so of many that are equal one in twenty may show by chance."
    )
    return table(pd.DataFrame(rows), caption, uuid)


def in_words(found, number=points, sign: str = "") -> str:
    """An `Estimate` as a cell: value and interval, or why there is none."""
    if found is None or found.value is None:
        return found.note if found else ""
    return estimate(found.value, found.interval, sign=sign, number=number)


def _open(rate) -> str:
    """Items without a verdict, and what they could make of the win+tie rate."""
    if not rate.open:
        return "0"
    low, high = rate.bounds
    return f"{rate.open}: win+tie could be {points(low)} to {points(high)}"


def whose(analysis) -> str:
    """What has to stand before anything of an analysis, or of a judge's agreement.

    Empty, or a sentence or two.

    Simulated raters say nothing about a model, and nor do real ones on made-up questions.
    """
    marks = (
        (SIMULATED_RATERS, analysis.simulated),
        (SYNTHETIC_QUESTIONS, analysis.synthetic),
    )
    return "".join(f"{mark} " for mark, holds in marks if holds)


def _unsettled(analysis) -> str:
    """A warning where verdicts are open: those that are settled were the easy ones."""
    left = sum(rate.open for rate in analysis.rates)
    if not left:
        return ""
    return (
        f" {left} verdicts are open and not counted. They are those in dispute, so the figures "
        "will move when they are settled."
    )


def _noted(analysis) -> str:
    """How many pairs the key notes something of, and where they are left out."""
    if not analysis.noted:
        return ""
    each = "; ".join(
        f"{'replies that are equal' if name == 'equal' else name}: {number}"
        for name, number in analysis.noted.items()
    )
    left = "no others" if not analysis.rates_unnoted else "rows below without them"
    return (
        f" Something is noted of {analysis.noted_pairs} of {analysis.pairs} pairs ({each}); {left}."
    )


def _range(numbers) -> str:
    found = sorted(set(numbers))
    return str(found[0]) if len(found) == 1 else f"{found[0]} to {found[-1]}"


def _p(value: float | None) -> str:
    return "no test: no side won" if value is None else p_text(value)
