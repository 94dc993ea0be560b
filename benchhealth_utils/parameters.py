"""The parameters of a notebook: shown, checked, and refused if unknown.

papermill only warns of a mistyped ``-p`` name and goes on with the default, so
every chapter starts with `start`, before it reads anything.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import ModuleType
from typing import Any

from .answers import MODES
from .datasets import DATASETS, data_root
from .models import check_name
from .schema import BenchHealthError, shown

_KINDS = {
    "model": str,
    "shots": int,
    "limit": int,
    "seed": int,
    "mode": str,
    "against": str,
    "budget": float,
}
_OURS = frozenset(("In", "Out", "exit", "quit", "open", "get_ipython", "start"))


def start(namespace: Mapping[str, Any], *names: str) -> None:
    """Check the parameters in force and print them.

    Parameters
    ----------
    namespace : Mapping
        The notebook's ``globals()``, with nothing imported but this function.
    *names : str
        The parameters the notebook has.

    Raises
    ------
    BenchHealthError
        For a name the notebook does not have, or a value of the wrong kind.
    """
    given = {
        name: value
        for name, value in namespace.items()
        if not name.startswith(("_", "papermill"))
        and name not in _OURS
        and not isinstance(value, ModuleType)
    }
    if unknown := sorted(set(given) - set(names)):
        raise BenchHealthError(
            f"This notebook has no parameter {', '.join(unknown)}. It has: {', '.join(names)}."
        )
    for name in names:
        if name not in given:
            raise BenchHealthError(f"The parameter {name} has no value.")
        kind = _KINDS.get(name)
        fits = (int, float) if kind is float else kind
        if kind and (not isinstance(given[name], fits) or isinstance(given[name], bool)):
            raise BenchHealthError(
                f"The parameter {name} is {given[name]!r}; expected {kind.__name__}."
            )
    for name in ("shots", "limit", "seed", "budget"):
        if given.get(name, 0) < 0:
            raise BenchHealthError(f"The parameter {name} is {given[name]}; expected 0 or more.")
    if given.get("mode", MODES[0]) not in MODES:
        raise BenchHealthError(
            f"The parameter mode is '{given['mode']}'; expected one of: {', '.join(MODES)}."
        )
    for name in ("model", "against"):
        if name in given:
            check_name(given[name])
    for name in ("shot_counts", "seeds"):
        if name in given:
            numbers(given[name], name)
    if 0 not in numbers(given.get("shot_counts", 0), "shot_counts"):
        raise BenchHealthError(
            f"The parameter shot_counts is {given['shot_counts']!r}; it must have a 0, since "
            "every gain is measured from zero-shot."
        )
    if "datasets" in given:
        data_sets(given["datasets"])
    for name in names:
        print(f"{name} = {given[name]!r}")
    print(f"data = {shown(data_root())}")


def numbers(text: str | int, name: str) -> list[int]:
    """Distinct whole numbers, in ascending order, from a parameter such as ``"0 1 3 5"``.

    papermill hands over a single number as an int, so that is taken too.

    Raises
    ------
    BenchHealthError
        For anything else.

    Examples
    --------
    >>> numbers("0 5 1", "shot_counts"), numbers(3, "seeds")
    ([0, 1, 5], [3])
    """
    parts = str(text).split()
    if not parts or isinstance(text, bool) or not all(part.isdecimal() for part in parts):
        raise BenchHealthError(
            f"The parameter {name} is {text!r}; expected whole numbers with blanks "
            "between them, such as '0 1 3'."
        )
    found = sorted(map(int, parts))
    if len(set(found)) < len(found):
        raise BenchHealthError(f"The parameter {name} is {text!r}; a number occurs twice.")
    return found


def data_sets(text: str, without: Sequence[str] = ()) -> list[str]:
    """Keys of data sets, in Table 1's order, from ``"all"`` or keys with blanks between.

    Those in `without` are not part of the chapter; naming one is refused.

    Raises
    ------
    BenchHealthError
        For a key that is not known, not part of the chapter, or named twice.

    Examples
    --------
    >>> data_sets("gad medqa")
    ['medqa', 'gad']
    """
    known = [key for key in DATASETS if key not in without]
    named = text.split() if isinstance(text, str) else []
    if named == ["all"]:
        return known
    if not named or len(set(named)) < len(named):
        raise BenchHealthError(
            f"The parameter datasets is {text!r}; expected 'all', or different keys with "
            f"blanks between them: {', '.join(known)}."
        )
    if odd := [key for key in named if key not in known]:
        raise BenchHealthError(
            f"The parameter datasets names {', '.join(odd)}, which this chapter does not "
            f"have. It has: {', '.join(known)}."
        )
    return [key for key in known if key in named]
