"""Tables of a study of one's own: the paper's Table 6, with what the paper leaves out.

Each takes an `Analysis`, and its caption says so where the raters were simulated.
"""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from .combined import model_name
from .style import estimate, p_text, plain, points, table

SIMULATED = "Simulated raters, not people."
JUDGED = {"same": "Same in both orders", "changed": "Changed with the order"}


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
    """Win+tie rates in the shape of the paper's Table 6, with intervals."""
    rows: dict[tuple[str, str], dict] = {}
    for rate in analysis.rates:
        row = rows.setdefault(
            (rate.model_a, rate.model_b),
            {"Model": model_name(rate.model_a), "Opponent": model_name(rate.model_b)},
        )
        row[rate.criterion.capitalize()] = in_words(rate.win_tie)
    caption = (
        f"{_whose(analysis)}Win+tie rates of the model against its opponent, in %, with 95 % "
        f"bootstrap intervals over items, {_range(rate.n for rate in analysis.rates)} items a cell."
        f"{_unsettled(analysis)}"
    )
    return table(pd.DataFrame(list(rows.values())), caption, uuid, sortable=True)


def verdicts_table(analysis, uuid: str = "study-verdicts"):
    """Wins, ties and losses, the mirror of win+tie, the lead, and the sign test."""
    rows = [
        {
            "Criterion": rate.criterion.capitalize(),
            "Comparison": f"{model_name(rate.model_a)} against {model_name(rate.model_b)}",
            "Won": rate.wins,
            "Tied": rate.ties,
            "Lost": rate.losses,
            "Open": _open(rate),
            "Win+tie": in_words(rate.win_tie),
            "Mirror": in_words(rate.mirror),
            "Lead": in_words(rate.lead, sign="+"),
            "Sign test, p": _p(rate.p_value),
            "p, Holm": _p(rate.p_adjusted),
        }
        for rate in analysis.rates
    ]
    tests = sum(rate.p_value is not None for rate in analysis.rates)
    caption = (
        f"{_whose(analysis)}Final verdicts. Win+tie of the first model, its mirror, the win+tie of "
        "the second, and the lead, wins less losses, in % of settled items with 95 % bootstrap "
        f"intervals over items. Sign test: exact, of wins against losses; Holm over {tests} tests."
        f"{_unsettled(analysis)}"
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
        f"{_whose(analysis)}How final verdicts came about, n = "
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
        f"{_whose(analysis)}Agreement before adjudication: Cohen's kappa of two raters, "
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
        f"{_whose(analysis)}Each rater. Repeats: verdicts kept when a card came again with its "
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
        f"{_whose(analysis)}Strengths by Davidson's model, which add up to 0, with 95 % bootstrap "
        f"intervals over items, {_range(ranking.n for ranking in analysis.rankings)} verdicts a "
        "criterion. Clearly above: the interval of the difference leaves out 0."
    )
    return table(pd.DataFrame(rows), caption, uuid)


def judge_table(rows: Sequence, judge: str, analysis, uuid: str = "study-judge"):
    """A judge's verdicts beside those of people, from `judge_agreement`."""
    frame = [
        {
            "Criterion": row.criterion.capitalize(),
            "Cards": row.cards,
            **{head: row.paths[path] for path, head in JUDGED.items()},
            "To the first, to the second": f"{row.first}, {row.second}",
            "Abstained": row.paths["abstained"],
            "Same as the raters, %": in_words(row.same),
            "Kappa": in_words(row.kappa, plain),
            "Alpha, ordinal": in_words(row.alpha, plain),
            "Alpha among raters": in_words(row.people, plain),
        }
        for row in rows
    ]
    caption = (
        f"{_whose(analysis)}The judge {judge} beside the final verdicts, over cards on which it "
        "said the same in both orders, with 95 % bootstrap intervals over items."
    )
    return table(pd.DataFrame(frame), caption, uuid)


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


def _whose(analysis) -> str:
    return f"{SIMULATED} " if analysis.simulated else ""


def _unsettled(analysis) -> str:
    """A warning where verdicts are open: those that are settled were the easy ones."""
    left = sum(rate.open for rate in analysis.rates)
    if not left:
        return ""
    return (
        f" {left} verdicts are open and not counted. They are those in dispute, so the figures "
        "will move when they are settled."
    )


def _range(numbers) -> str:
    found = sorted(set(numbers))
    return str(found[0]) if len(found) == 1 else f"{found[0]} to {found[-1]}"


def _p(value: float | None) -> str:
    return "no test: no side won" if value is None else p_text(value)
