"""The nouns of BenchHealth: what travels from one room to the next."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

Message = dict[str, str]
Gold = str | frozenset
Reading = str | frozenset

STATUSES = ("ok", "empty", "truncated", "refused", "unparsed", "error")

ROOT = Path(__file__).resolve().parent.parent


class BenchHealthError(Exception):
    """Something the user can mend; the message says what, where and how."""

    def _render_traceback_(self) -> list[str]:
        """What IPython shows in a notebook: the message, which a traceback would bury."""
        return [f"{type(self).__name__}: {self}"]


class DataError(BenchHealthError, ValueError):
    """A data file is not what its layout promises.

    Parameters
    ----------
    path : path-like
        The file at fault.
    where : str
        The row, line, record or member; empty for the whole file.
    problem : str
        What was found and what was expected.
    advice : str, optional
        What to do next.
    """

    def __init__(self, path, where: str, problem: str, advice: str = ""):
        place = f"{path}, {where}" if where else f"{path}"
        advice = advice or (
            "Restore the official file, for instance with `python -m benchhealth_utils.download`."
        )
        super().__init__(f"{place}: {problem} {advice}")
        self.path, self.where, self.problem, self.advice = path, where, problem, advice


class ModelError(BenchHealthError):
    """A model cannot be had or cannot go on; the message says what to do."""


def equal_fields(one, other) -> bool:
    """The ``__eq__`` of a dataclass whose fields may hold credentialed text.

    It is the generated one, written out: pytest takes an object with a generated one apart
    where an assertion fails, and prints what differs.
    """
    if other.__class__ is not one.__class__:
        return NotImplemented
    return all(getattr(one, each.name) == getattr(other, each.name) for each in fields(one))


@dataclass(frozen=True)
class Example:
    """One item of a data set; printed without its text if that is credentialed.

    Attributes
    ----------
    id : str
        Stable across machines; the data set's own where it has one.
    dataset : str
        Key in ``DATASETS``.
    inputs : Mapping
        What a model may see; the keys depend on the task (see ``design`` page).
    gold : str or frozenset
        What a reading is compared with; never shown to a model.
    group : str
        Unit for resampling: document, abstract, patient, or the item itself.
    instruction : str, optional
        What a reworded item is asked with, in place of its data set's own instruction.
    original : Mapping, optional
        The inputs of a reworded item before they were changed.
    """

    id: str
    dataset: str
    inputs: Mapping[str, Any]
    gold: Gold
    group: str
    instruction: str | None = None
    original: Mapping[str, Any] | None = None

    __eq__ = equal_fields

    def __repr__(self) -> str:
        from .privacy import is_credentialed

        if is_credentialed(self.dataset):
            sizes = {name: len(value) for name, value in self.inputs.items()}
            return (
                f"Example(id={self.id!r}, dataset={self.dataset!r}, group={self.group!r}, "
                f"characters={sizes | {'gold': len(self.gold)}})"
            )
        each = (f"{part.name}={getattr(self, part.name)!r}" for part in fields(self))
        return f"Example({', '.join(each)})"


@dataclass(frozen=True)
class LeftOut:
    """A report that a reader finds in its files but cannot make an item of.

    Attributes
    ----------
    id : str
        The data set's own, or what names the row.
    reason : str
        What is amiss, as it stands after "with"; no text of the report.
    """

    id: str
    reason: str


@dataclass(frozen=True)
class Answer:
    """What a model said about one example, as it is stored.

    It is printed without its text, since it does not know whether that is credentialed.

    Attributes
    ----------
    id : str
        The example's id; answers are joined by it, never by position.
    status : str
        ``ok``, ``empty``, ``truncated``, ``refused``, or ``error``;
        ``unparsed`` is found later, when an ``ok`` text cannot be read.
    text : str
        The reply, without prompt or special tokens.
    key : str
        Hash of everything that can change the answer.
    detail : str
        Why it is not ``ok``.
    usage : Mapping
        Tokens and other counts, such as ``prompt_tokens``.
    """

    id: str
    status: str
    text: str
    key: str = ""
    detail: str = ""
    usage: Mapping[str, Any] = field(default_factory=dict)

    __eq__ = equal_fields

    def __repr__(self) -> str:
        return f"Answer(id={self.id!r}, status={self.status!r}, characters={len(self.text)})"


@dataclass(frozen=True)
class Scores:
    """Scores of one model on one data set; every rate lies in [0, 1].

    Attributes
    ----------
    value : float
        The paper's metric for the data set.
    precision, recall : float
        Of the same predictions.
    n : int
        Items scored, read or not.
    coverage : float
        Share of items whose answer was ``ok`` and could be read.
    interval : tuple of float
        95 % interval of ``value``.
    metric : str
        Name of the metric, with its variant.
    interval_method : str
        How the interval was found.
    extra : Mapping
        Further figures of the task.
    distribution : Mapping
        Bootstrap distribution over groups of ``value``, ``precision`` and
        ``recall``, each as its 0th, 1st, ..., 100th percentile, rounded to five
        decimals; empty where there is but one group to resample.
    """

    value: float
    precision: float
    recall: float
    n: int
    coverage: float
    interval: tuple[float, float]
    metric: str
    interval_method: str
    extra: Mapping[str, Any] = field(default_factory=dict)
    distribution: Mapping[str, tuple[float, ...]] = field(default_factory=dict)


def runs_folder() -> Path:
    """Where runs leave their answers: ``BENCHHEALTH_RUNS`` if set, else ``runs/``."""
    named = os.environ.get("BENCHHEALTH_RUNS")
    return Path(named).expanduser() if named else ROOT / "runs"


def shown(path: Path) -> str:
    """A path for a page or a message, without the part that names a machine."""
    if path.is_relative_to(ROOT):
        return path.relative_to(ROOT).as_posix()
    return f".../{path.name}"


def canonical(value) -> str:
    """JSON text that is the same for equal values on every machine."""

    def plain(item):
        if isinstance(item, (set, frozenset)):
            return sorted((list(x) if isinstance(x, tuple) else x) for x in item)
        if isinstance(item, Mapping):
            return dict(item)
        raise TypeError(f"cannot write {type(item).__name__} as JSON")

    return json.dumps(value, default=plain, sort_keys=True, ensure_ascii=False)


def digest(value) -> str:
    """SHA-256, in hexadecimal, of ``canonical(value)``."""
    return hashlib.sha256(canonical(value).encode()).hexdigest()
