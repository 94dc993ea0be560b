"""Whether the analysis found what was planted, in one simulated study and in many."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from .human_reading import listed
from .human_study import SIMULATED_RATERS, in_words, whose
from .style import estimate, plain, points, table


def planted_reading(analysis, planted):
    """How many planted values lie in their intervals, and which do not."""
    lines = []
    for what, pairs in (
        ("win+tie rates", _rates(analysis, planted)),
        ("log-strengths", _strengths(analysis, planted)),
    ):
        known = [(name, true, found) for name, true, found in pairs if found.interval]
        missed = [row for row in known if not row[2].interval[0] <= row[1] <= row[2].interval[1]]
        number = points if what == "win+tie rates" else plain
        line = f"- Of {len(pairs)} planted {what}, {len(known) - len(missed)} lie in their interval"
        if len(known) < len(pairs):
            line += f", and {len(pairs) - len(known)} have no interval"
        for name, true, found in missed:
            line += f"; {name}: {number(true)} planted, {in_words(found, number)} found"
        lines.append(f"{line}.")
    return listed(lines, whose(analysis))


def _rates(analysis, planted):
    return [
        (
            f"{rate.model_a} against {rate.model_b} in {rate.criterion}",
            float(planted.chances(rate.criterion, rate.model_a, rate.model_b)[:2].sum()),
            rate.win_tie,
        )
        for rate in analysis.rates
    ]


def _strengths(analysis, planted):
    found = []
    for ranking in analysis.rankings:
        own = planted.strengths[ranking.criterion]
        middle = sum(own.values()) / len(own)
        for model, strength in ranking.strengths.items():
            found.append((f"{model} in {ranking.criterion}", own[model] - middle, strength))
    return found


def recovery_table(rows: Sequence, items: int, uuid: str = "study-recovery"):
    """Of many simulated studies, how many intervals hold what was planted."""
    from ..human_eval.recovery import RATE, STRENGTH, coverage

    frame = []
    for quantity, number in ((RATE, points), (STRENGTH, plain)):
        for criterion in dict.fromkeys(row.criterion for row in rows):
            own = [row for row in rows if (row.quantity, row.criterion) == (quantity, criterion)]
            held, interval, given = coverage(own)
            off = max((row.mean - row.planted for row in own), key=abs)
            frame.append(
                {
                    "Quantity": quantity,
                    "Criterion": criterion.capitalize(),
                    "Intervals": given,
                    "None": sum(row.without for row in own),
                    "Hold what was planted, %": estimate(held, interval),
                    "Mean width": number(sum(row.width for row in own) / len(own)),
                    "Largest error of the mean": number(off, "+"),
                }
            )
    studies = max(row.studies + row.without for row in rows)
    caption = (
        f"{SIMULATED_RATERS} {studies} studies of {items} items: 95 % intervals that hold the "
        "planted value, with Wilson's interval over studies, their mean width, and how far the "
        "mean of all estimates is off, at the worst. Rates in points, log-strengths as they are."
    )
    return table(pd.DataFrame(frame), caption, uuid)


def settling_reading(settled: Sequence, alone: Sequence):
    """What the senior is for: intervals that hold with disputes settled, and without.

    Parameters
    ----------
    settled, alone : sequence of Recovery
        Of the same studies; final verdicts as `settle` makes them, and those of the
        first rater alone.
    """
    from ..human_eval.recovery import RATE, STRENGTH, coverage

    lines = []
    for quantity, number in ((RATE, points), (STRENGTH, plain)):
        found = []
        for rows in (settled, alone):
            own = [row for row in rows if row.quantity == quantity]
            off = max((row.mean - row.planted for row in own), key=abs)
            held, interval, _ = coverage(own)
            found.append((estimate(held, interval), number(off, "+")))
        (first, error), (second, worse) = found
        lines.append(
            f"- **{quantity.capitalize()}s**: {first} % of the intervals hold what was planted "
            f"where the senior settles disputes, {second} % where the first rater's verdict "
            f"stands. The mean is off by {error} at the worst, and by {worse}."
        )
    return listed(lines, SIMULATED_RATERS)
