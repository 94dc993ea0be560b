"""The parameters of a notebook: shown, checked, and refused if unknown.

papermill only warns of a mistyped ``-p`` name and goes on with the default, so
every chapter starts with `start`, before it reads anything.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import ModuleType
from typing import Any

from .answers import MODES
from .datasets import data_root
from .models import check_name
from .schema import BenchHealthError, shown

_KINDS = {"model": str, "shots": int, "limit": int, "seed": int, "mode": str, "against": str}
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
        if kind and (not isinstance(given[name], kind) or isinstance(given[name], bool)):
            raise BenchHealthError(
                f"The parameter {name} is {given[name]!r}; expected {kind.__name__}."
            )
    for name in ("shots", "limit", "seed"):
        if given.get(name, 0) < 0:
            raise BenchHealthError(f"The parameter {name} is {given[name]}; expected 0 or more.")
    if given.get("mode", MODES[0]) not in MODES:
        raise BenchHealthError(
            f"The parameter mode is '{given['mode']}'; expected one of: {', '.join(MODES)}."
        )
    for name in ("model", "against"):
        if name in given:
            check_name(given[name])
    for name in names:
        print(f"{name} = {given[name]!r}")
    print(f"data = {shown(data_root())}")
