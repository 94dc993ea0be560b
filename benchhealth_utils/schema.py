"""The nouns of BenchHealth: what travels from one room to the next."""

from __future__ import annotations

import hashlib
import json
import os
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

import yaml

Message = dict[str, str]
Gold = str | frozenset
Reading = str | frozenset

STATUSES = ("ok", "empty", "truncated", "refused", "unparsed", "error")

ROOT = Path(__file__).resolve().parent.parent
# registries, samples and the paper's tables: of the clone, else as packaged
_CLONED = (ROOT / "data" / "datasets.yaml").exists()
DATA = ROOT / ("data" if _CLONED else "benchhealth_utils/_data")


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
        command = "`python -m benchhealth_utils download`"
        advice = advice or f"Restore the official file, for instance with {command}."
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
    """One item of a data set; printed with the sizes of its inputs, never with their text.

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
        sizes = {name: len(value) for name, value in self.inputs.items()}
        return f"Example(id={self.id!r}, dataset={self.dataset!r}, group={self.group!r}, {sizes=})"


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


@dataclass(frozen=True, repr=False)
class Scores:
    """Scores of one model on one data set; every rate lies in [0, 1].

    Attributes
    ----------
    value : float
        The paper's metric for the data set; NaN, like the other rates and the interval, where
        there was nothing to find and nothing was found.
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

    def __repr__(self) -> str:
        rates = ("precision", "recall", "coverage")
        rest = ", ".join(f"{name}={getattr(self, name):.3f}" for name in rates)
        return f"Scores({self._brief()}, {rest})"

    def _brief(self) -> str:
        low, high = self.interval
        return f"{self.metric} {self.value:.3f} ({low:.3f} to {high:.3f}), n={self.n}"


@dataclass(frozen=True, eq=False, repr=False)
class Run:
    """One model on one data set: what came out, item by item, and its scores.

    Attributes
    ----------
    model, dataset : str
    scores : Scores
    signature : Mapping
        What the scores depend on: model, data, prompt, exemplars, versions.
    rows : DataFrame
        A row an item: id, group, status, the metric's sums, tokens of prompt and reply.
    usage : Mapping
        Tokens over all requests (equal prompts once), cut ones, and dollars.
    examples, asked, answers, readings : sequences of equal length
        Items, the items as they were put (perturbed or not), answers, and what was read;
        empty for a published run, which holds no text.
    """

    model: str
    dataset: str
    scores: Scores
    signature: Mapping[str, Any]
    rows: Any
    usage: Mapping[str, Any]
    examples: Sequence[Example] = ()
    asked: Sequence[Example] = ()
    answers: Sequence[Answer] = ()
    readings: Sequence[Reading | None] = ()

    def __repr__(self) -> str:
        return f"Run({self.model} on {self.dataset}: {self.scores._brief()}, {self.counts})"

    @property
    def counts(self) -> dict[str, int]:
        """Items per status, those with none left out."""
        found = Counter(self.rows["status"])
        return {status: found[status] for status in STATUSES if found[status]}

    @property
    def complete(self) -> bool:
        """Whether no answer is an error."""
        return "error" not in self.counts

    @property
    def official(self) -> bool:
        """Whether it is of the full official data."""
        data = self.signature["data"]
        return data["source"] == "official" and not data["limit"]

    @property
    def imported(self) -> bool:
        """Whether the answers came from files, of a model that was declared, not seen."""
        return self.signature["model"].get("backend") == "imported"

    @property
    def comparable(self) -> bool:
        """Whether the paper's zero-shot score may stand beside it."""
        asked = self.signature
        plain = asked["shots"] == 0 and asked["mode"] == "generate"
        plain = plain and not asked["model"].get("prompts", "ours").startswith("those")
        return self.official and self.complete and plain and not asked.get("perturbation")


def runs_folder() -> Path:
    """Where runs leave answers and results: ``BENCHHEALTH_RUNS``, else ``runs/``.

    The latter lies in the working folder, or at the top of the clone that this is in.
    """
    if named := os.environ.get("BENCHHEALTH_RUNS"):
        return Path(named).expanduser()
    here = Path.cwd()
    return (ROOT if here.is_relative_to(ROOT) else here) / "runs"


def read_yaml(name: str) -> dict:
    """A YAML file of ``data/``; one that cannot be read is named."""
    try:
        text = (DATA / name).read_text(encoding="utf-8")
        return yaml.load(text, getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    except yaml.YAMLError as error:
        raise DataError(name, "", f"cannot be read: {error}.", "Mend or restore it.") from None


def write_atomic(path: Path, text: str | bytes) -> Path:
    """Write a file whole or not at all; returns its path."""
    path.parent.mkdir(parents=True, exist_ok=True)
    scratch = path.with_name(f"{path.name}.part")
    scratch.write_bytes(text.encode() if isinstance(text, str) else text)
    scratch.replace(path)
    return path


def of_kind(*kinds: type, **given) -> None:
    """Refuse an argument of a public name, by its own name, that is of another kind."""
    for name, value in given.items():
        if not isinstance(value, kinds):
            wanted = " or ".join(kind.__name__ for kind in kinds)
            raise BenchHealthError(f"{name} is of type {type(value).__name__}; expected {wanted}.")


def whole_number(name: str, value, least: int = 0) -> int:
    """A count that a user gave; anything else is refused by name."""
    if isinstance(value, bool) or not isinstance(value, int) or value < least:
        raise BenchHealthError(f"{name} is {value!r}; expected a whole number, {least} or more.")
    return value


def shown(path: Path) -> str:
    """A path for a page or a message, without the part that names a machine."""
    inside = path.is_relative_to(ROOT)
    return path.relative_to(ROOT).as_posix() if inside else f".../{path.name}"


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
