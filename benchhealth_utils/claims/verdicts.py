"""What a check gives: a verdict, and the numbers that decide it."""

from __future__ import annotations

from dataclasses import dataclass

from statsmodels.stats.proportion import confint_proportions_2indep

from ..schema import BenchHealthError
from ..stats import wilson

HOLDS, FAILS, UNCHECKED = VERDICTS = ("holds", "fails", "cannot be checked")
SHOWN = 3  # counterexamples written out; the count always covers all


@dataclass(frozen=True)
class Result:
    """A verdict, its numbers as a sentence, and how many comparisons held."""

    verdict: str
    numbers: str
    held: int = 0
    cases: int = 0


@dataclass(frozen=True)
class Case:
    """One comparison.

    ``margin`` says by how much it holds, and is 0 or less where it does not;
    it orders the cases.
    """

    holds: bool
    margin: float
    text: str


def decide(cases: list[Case], missing: list[str], needed: str = "all") -> Result:
    """Verdict over comparisons: all of them, or more than half (``needed="most"``).

    A comparison without a value decides nothing; if there are no others, the
    claim cannot be checked. A few comparisons are all shown; of many the
    counterexamples, widest first, or if there are none the closest.

    Examples
    --------
    >>> decide([Case(True, 2.0, "A 5.0, B 3.0"), Case(False, -1.0, "A 1.0, B 2.0")], []).numbers
    '1 of 2 comparisons: A 5.0, B 3.0; A 1.0, B 2.0.'
    """
    one_of("needed", needed, ("all", "most"))
    lacking = f"No value: {listed(list(dict.fromkeys(missing)))}." if missing else ""
    if not cases:
        if not missing:
            raise BenchHealthError("There is nothing to compare. Look at the groups of the claim.")
        return Result(UNCHECKED, lacking)
    held = sum(bool(case.holds) for case in cases)
    ranked = sorted(cases, key=lambda case: case.margin)
    against = [case.text for case in ranked if not case.holds]
    told = f"{held} of {len(cases)} comparisons. "
    if len(cases) <= SHOWN:
        told = f"{told[:-2]}: " if len(cases) > 1 else ""
        told += f"{listed([case.text for case in cases])}."
    elif against:
        told += f"Not: {listed(against)}."
    else:
        told += f"Closest: {ranked[0].text}."
    told = told[0].upper() + told[1:]
    enough = held == len(cases) if needed == "all" else 2 * held > len(cases)
    return Result(HOLDS if enough else FAILS, f"{told} {lacking}".strip(), held, len(cases))


def listed(texts: list[str]) -> str:
    """The first few texts, and how many more there are."""
    more = len(texts) - SHOWN
    return "; ".join(texts[:SHOWN]) + (f"; and {more} more" if more > 0 else "")


def one_of(name: str, value, known):
    """The value, if it is a known one; else an error that lists those."""
    if value not in known:
        raise BenchHealthError(f"{name}: no '{value}'. Known: {', '.join(map(str, known))}.")
    return value


def accuracy_interval(value: float, n: int) -> tuple[float, float]:
    """Wilson's 95 % interval of a printed accuracy over `n` items, in points.

    Examples
    --------
    >>> [round(end, 1) for end in accuracy_interval(81.2, 1273)]
    [79.0, 83.3]
    """
    low, high = wilson(round(value * n / 100), n)
    return 100 * low, 100 * high


def difference_interval(a: float, b: float, n: int) -> tuple[float, float]:
    """95 % interval of the difference of two printed accuracies, in points.

    Newcombe's, made of the two Wilson intervals, for independent samples: the
    printed scores do not say which items both models had right. With the
    answers, a paired test would mostly find smaller differences.

    References
    ----------
    Newcombe RG. Stat Med 1998;17:873-890.

    Examples
    --------
    >>> [round(end, 1) for end in difference_interval(70.2, 67.4, 500)]
    [-2.9, 8.5]
    """
    counts = (round(value * n / 100) for value in (a, b))
    first, second = counts
    low, high = confint_proportions_2indep(
        first, n, second, n, compare="diff", method="newcomb", alpha=0.05
    )
    return 100 * float(low), 100 * float(high)
