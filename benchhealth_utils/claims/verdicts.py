"""What a check gives: a verdict, and the numbers that decide it."""

from __future__ import annotations

from dataclasses import dataclass

from ..schema import BenchHealthError

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

    ``holds`` is None where the tables have no case for it and none against it,
    as where sampling alone could give a difference. ``margin`` says by how much
    it holds, and is 0 or less where it does not; it orders the cases.
    """

    holds: bool | None
    margin: float
    text: str


def decide(cases: list[Case], missing: list[str], needed: str = "all") -> Result:
    """Verdict over comparisons: all of them, or more than half (``needed="most"``).

    It fails only with a case against it. A comparison without a value decides
    nothing; if there are no others, or if the verdict hangs on comparisons that
    are open, the claim cannot be checked. A few comparisons are all shown; of many the
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
    possible = held + sum(case.holds is None for case in cases)
    verdict = FAILS
    for count, found in ((possible, UNCHECKED), (held, HOLDS)):
        if count == len(cases) if needed == "all" else 2 * count > len(cases):
            verdict = found
    return Result(verdict, f"{told} {lacking}".strip(), held, len(cases))


def listed(texts: list[str]) -> str:
    """The first few texts, and how many more there are."""
    more = len(texts) - SHOWN
    return "; ".join(texts[:SHOWN]) + (f"; and {more} more" if more > 0 else "")


def one_of(name: str, value, known):
    """The value, if it is a known one; else an error that lists those."""
    if value not in known:
        raise BenchHealthError(f"{name}: no '{value}'. Known: {', '.join(map(str, known))}.")
    return value
