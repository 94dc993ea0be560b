"""What a chapter does first: its parameters, checked and shown."""

from __future__ import annotations

from collections.abc import Sequence

from .answers import MODES
from .data import data_root
from .models import check_name
from .registry import DATASETS, known
from .results import published
from .schema import BenchHealthError, Run, shown, whole_number


def check(**parameters) -> None:
    """Check a chapter's parameters, and print those in force and where the data lie.

    Parameters
    ----------
    **parameters
        By name. Known are ``model``, ``against`` (as for `open_model`); ``shots``,
        ``limit``, ``seed`` (0 or more); ``mode``; others are printed as they are.

    Raises
    ------
    BenchHealthError
        For a value of the wrong kind; the message says what is expected.
    """
    for name, value in parameters.items():
        if name in ("model", "against"):
            if not isinstance(value, str):
                raise BenchHealthError(f"{name} is {value!r}; expected a model's name.")
            check_name(value)
        elif name in ("shots", "limit", "seed"):
            whole_number(name, value)
        elif name == "mode":
            known("mode", value, MODES)
    lines = [f"{name} = {value!r}" for name, value in parameters.items()]
    print(*lines, f"data = {shown(data_root())}", sep="\n")


def data_sets(text: str = "all", *, scenario: str = "", without: Sequence[str] = ()) -> list[str]:
    """Keys of data sets in Table 1's order.

    Parameters
    ----------
    text : str
        ``"all"``, for those that the data folder has, or keys with blanks between them.
    scenario : str, optional
        Only its sets.
    without : sequence of str
        Sets that are not part of the chapter.

    Raises
    ------
    BenchHealthError
        For a key that is not known, not part of the chapter, or named twice.
    """
    chosen = [key for key, spec in DATASETS.items() if scenario in ("", spec.scenario)]
    chosen = [key for key in chosen if key not in without]
    named = text.split() if isinstance(text, str) else []
    if named != ["all"]:
        if not named or len(set(named)) < len(named):
            keys = f"'all', or different keys with blanks between them: {', '.join(chosen)}."
            raise BenchHealthError(f"datasets is {text!r}; expected {keys}")
        for key in named:
            known("data set", key, chosen)
    wanted = [key for key in chosen if named == ["all"] or key in named]
    found = [key for key in wanted if (data_root() / DATASETS[key].folder).is_dir()]
    if absent := [DATASETS[key].name for key in wanted if key not in found]:
        print(f"Not in the data folder, so left out: {', '.join(absent)}.")
    return found


def numbers(text: str | int, name: str) -> list[int]:
    """Distinct whole numbers in ascending order from a parameter such as ``"0 1 3 5"``.

    papermill hands over a single number as an int, so that is taken too.

    Examples
    --------
    >>> numbers("0 5 1", "shot_counts"), numbers(3, "seeds")
    ([0, 1, 5], [3])
    """
    parts = str(text).split()
    whole = not isinstance(text, bool) and all(part.isdecimal() for part in parts)
    if not parts or not whole or len(set(parts)) < len(parts):
        raise BenchHealthError(f"{name} is {text!r}; expected different numbers such as '0 1 3'.")
    return sorted(map(int, parts))


def measured(model: str, runs: Sequence[Run], scenario: str) -> list[Run]:
    """What a chapter shows as measured: real data, in hand or published.

    Parameters
    ----------
    model : str
    runs : sequence of Run
        Those in hand. A run on the full official data is taken as it is; one on another
        real data set if nothing is published for it; one on samples only if there is
        nothing else at all.
    scenario : str
        Whose published results.

    Returns
    -------
    list of Run
        At most one a data set, in Table 1's order; published ones are zero-shot.

    Raises
    ------
    BenchHealthError
        If there is neither a run nor a published result.
    """
    found = {run.dataset: run for run in runs if run.signature["data"]["source"] != "samples"}
    kept = [run for run in published(model) if run.comparable]
    found |= {run.dataset: run for run in kept if DATASETS[run.dataset].scenario == scenario}
    found |= {run.dataset: run for run in runs if run.official}
    if not (shown := list(found.values()) or list(runs)):
        lack = f"none of its data sets is in the data folder, and no result of {model} is published"
        raise BenchHealthError(f"{scenario}: {lack}. Add data, or name a published model.")
    return sorted(shown, key=lambda run: list(DATASETS).index(run.dataset))
