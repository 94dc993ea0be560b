"""The options of an exam question in another order, gold with them."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping
from itertools import permutations

from ..schema import Example
from .edits import draw

_SAID = r"(?:true|correct|right|false|incorrect|wrong|possible|equal(?:ly)?|(?:the\s+)?same|common)"
# Options that speak of the others, such as "All of the above"; not ALL, the leukaemia.
ABOUT_OTHERS = re.compile(
    r"\W*(?:(?!(?-i:ALL\b))(?:all|none|any|both|neither|either)\b(?:\s+of)?"
    r"(?:\s+(?:the|these|those|them))?(?:\s+(?:above|options?|choices?|answers?))*"
    rf"(?:\s+(?:are|is))?(?:\s+{_SAID})?"
    r"|.*\bof\s+(?:the\s+)?above\b(?!\s+\d).*|all\s+of\s+the\s+following|can(?:'|no)t\s+say)\W*",
    re.I | re.S,
)
# Options that name others ("Both A and C", "Both AB", "Option 1 and 2"), or are letters.
NAMES_OTHERS = re.compile(
    r"\W*(?:(?:both|only|all|none|either|neither|options?|of|but\s+not|not)\s+)*"
    r"(?:[a-e]\b|(?-i:[A-E]{2}\b))"
    r"(?:\W*(?:and|or|nor|with|but\s+not|not|only)?\W*\b[a-e]\b)*"
    rf"(?:\s+(?:both|only|above|(?:are\s+)?{_SAID}))*\W*"
    r"|\W*(?:(?:both|either|neither|options?)\s+)+\d(?:\W*(?:and|or|nor)?\W*\d)*\W*",
    re.I,
)


def order(example: Example, seed: int) -> dict[str, str]:
    """Which option stands behind each letter after the change.

    An order other than the given one, each as likely, over the options before the
    first that speaks of others ("All of the above"): it, and what follows it, stays.
    Where fewer than two are left, or an option names another by its letter, all stay.

    Parameters
    ----------
    example : Example
        Of an exam.
    seed : int

    Returns
    -------
    dict of str to str
        New letter to old letter, in the order shown.

    Examples
    --------
    >>> options = {"A": "Gout", "B": "Flu", "C": "None of the above"}
    >>> order(Example("1", "medqa", {"options": options}, "A", "1"), 0)
    {'A': 'B', 'B': 'A', 'C': 'C'}
    """
    options: Mapping[str, str] = example.inputs["options"]
    letters = list(options)
    fixed = [i for i, letter in enumerate(letters) if ABOUT_OTHERS.fullmatch(options[letter])]
    free = letters[: min(fixed, default=len(letters))]
    if len(free) < 2 or any(NAMES_OTHERS.fullmatch(text) for text in options.values()):
        return dict(zip(letters, letters, strict=True))
    others = list(permutations(free))[1:]  # the first is the given order
    drawn = others[draw("option_order", seed, example.id) % len(others)]
    return dict(zip(letters, [*drawn, *letters[len(free) :]], strict=True))


def reordered(example: Example, seed: int) -> Example:
    """The item with its options in that order; gold names the same option as before."""
    options, olds = example.inputs["options"], order(example, seed)
    if all(new == old for new, old in olds.items()):
        return example
    inputs = {**example.inputs, "options": {new: options[old] for new, old in olds.items()}}
    gold = {old: new for new, old in olds.items()}.get(example.gold, example.gold)
    return dataclasses.replace(example, inputs=inputs, gold=gold, original=example.inputs)
