"""One data set, all the way: load, answer, read, score.

`evaluate` only joins the rooms; each step can be called on its own.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version

from . import __version__
from .answers import answer
from .datasets import data_root, fingerprint, load, provenance, subset
from .models import open_model
from .perturb import PERTURBATIONS as REWORDINGS
from .perturb import applies, perturbation_signature, restored
from .perturb import perturb as reword
from .plan import announce
from .prompts import exemplar_order, exemplars
from .schema import STATUSES, Answer, Example, Reading, Scores, equal_fields
from .tasks import TASKS, read, score

PACKAGES = (
    "torch",
    "transformers",
    "scikit-learn",
    "scipy",
    "statsmodels",
    "rouge-score",
    "sacrebleu",
)


@dataclass(frozen=True)
class Evaluation:
    """Everything about one model on one data set; printed as counts and score.

    Attributes
    ----------
    examples, answers, readings, statuses : sequences of equal length
        In the same order. ``readings`` is None where a status is not ``ok``.
    scores : Scores
    signature : Mapping
        What the scores depend on.
    asked : sequence of Example
        As they were put to the model: ``examples``, or these reworded.
    """

    model: str
    dataset: str
    examples: Sequence[Example]
    answers: Sequence[Answer]
    readings: Sequence[Reading | None]
    statuses: Sequence[str]
    scores: Scores
    signature: Mapping
    asked: Sequence[Example] = ()

    __eq__ = equal_fields

    def __repr__(self) -> str:
        return (
            f"Evaluation(model={self.model!r}, dataset={self.dataset!r}, n={self.scores.n}, "
            f"statuses={self.counts}, {self.scores.metric}={self.scores.value:.3f})"
        )

    @property
    def rows(self) -> list[tuple[Example, Answer, Reading | None, str]]:
        """Item, answer, reading and status, in order."""
        columns = (self.examples, self.answers, self.readings, self.statuses)
        return list(zip(*columns, strict=True))

    @property
    def counts(self) -> dict[str, int]:
        """Items per status, those with none left out."""
        found = Counter(self.statuses)
        return {status: found[status] for status in STATUSES if found[status]}

    @property
    def complete(self) -> bool:
        """Whether no answer is an error."""
        return "error" not in self.statuses

    @property
    def comparable(self) -> bool:
        """Whether the paper's zero-shot score may stand beside it."""
        zero_shot = self.signature["shots"] == 0 and self.signature["mode"] == "generate"
        reworded = self.signature.get("rewording") is not None
        return self.official and self.complete and zero_shot and not reworded

    @property
    def official(self) -> bool:
        """Whether the scores are of the full official data."""
        data = self.signature["data"]
        return data["source"] == "official" and not data["limit"]


def evaluate(
    model,
    dataset: str,
    *,
    shots: int = 0,
    limit: int | None = None,
    seed: int = 0,
    mode: str = "generate",
    exemplar_seed: int | None = None,
    rewording: str | None = None,
    store=None,
    progress: bool = True,
) -> Evaluation:
    """Evaluate a model on a data set.

    Parameters
    ----------
    model : str or backend
        A name for `open_model`, or what it returned.
    dataset : str
        Key in ``DATASETS``.
    shots, limit, seed, mode, store, progress
        As in `load` and `answer`.
    exemplar_seed : int, optional
        Of the exemplars' order, to vary them on the same items; by default `seed`.
    rewording : str, optional
        Ask the same items in other words: a key of ``perturb.PERTURBATIONS``, drawn
        with `seed`. Readings are in the terms of the items as the data have them.

    Returns
    -------
    Evaluation
    """
    model = open_model(model) if isinstance(model, str) else model
    draw = exemplar_seed if shots and exemplar_seed is not None else seed
    root = data_root()
    whole = load(dataset, root=root)
    examples = asked = subset(whole, limit, seed)
    if rewording is not None:
        asked = [reword(example, rewording, seed) for example in examples]
    pool = load(dataset, "train", root=root) if shots or model.learns else None
    answers = answer(
        model,
        asked,
        shots=shots,
        seed=draw,
        mode=mode,
        pool=pool,
        store=store,
        progress=progress,
    )
    readings, statuses = read_all(asked, answers)
    groups = [example.group for example in examples]
    gold = [example.gold for example in examples]
    lenient = [
        reading if reading is not None or reply.status != "truncated" else read(example, reply.text)
        for example, reply, reading in zip(asked, answers, readings, strict=True)
    ]
    if rewording is not None:
        readings, lenient = (
            [restored(r, e, rewording, seed) for r, e in zip(found, examples, strict=True)]
            for found in (readings, lenient)
        )
    scores = score(dataset, gold, readings, groups=groups, seed=seed)
    if lenient != readings:
        scores.extra["value_with_truncated"] = score(
            dataset, gold, lenient, groups=groups, seed=seed
        ).value
    data = provenance(dataset, whole, root) | {
        "limit": len(examples) if len(examples) < len(whole) else 0
    }
    return Evaluation(
        model=model.name,
        dataset=dataset,
        examples=examples,
        answers=answers,
        readings=readings,
        statuses=statuses,
        scores=scores,
        asked=asked,
        signature={
            "model": dict(model.signature),
            "mode": mode,
            "shots": shots,
            "seed": seed,
            **({"exemplar_seed": draw} if shots else {}),
            "prompt_version": TASKS[dataset].version,
            **(rewording_signature(rewording, examples, seed) if rewording else {}),
            "max_tokens": min(filter(None, (TASKS[dataset].max_tokens, model.max_tokens))),
            "exemplars": exemplar_ids(examples, pool, shots, draw),
            "pool": fingerprint(pool) if shots else None,
            "data": data,
            "packages": _versions(),
        },
    )


def evaluate_reworded(
    model, datasets: Sequence[str], kinds: Sequence[str] = tuple(REWORDINGS), **options
) -> dict[str, list[Evaluation]]:
    """Evaluate one model on several data sets, reworded in several ways.

    Returns
    -------
    dict of str to list of Evaluation
        For each kind the data sets that it applies to, in their order.
    """
    model = open_model(model) if isinstance(model, str) else model
    return {
        kind: evaluate_all(
            model, [key for key in datasets if applies(kind, key)], rewording=kind, **options
        )
        for kind in kinds
    }


def evaluate_all(model, datasets: Sequence[str], *, mode: str = "generate", **options):
    """Evaluate one model on several data sets, in their order.

    In likelihood mode the open questions are still answered in text, since
    they have no labels to compare, and so is everything by a model that has no
    such mode. Other options are those of `evaluate`. Before a model behind an
    API is asked, the plan of the run is printed: tokens, dollars, time.
    """
    model = open_model(model) if isinstance(model, str) else model
    known = ("shots", "limit", "seed", "exemplar_seed", "rewording")
    planned = {name: options[name] for name in known if name in options}
    planned["perturbation"] = planned.pop("rewording", None)
    announce(model, datasets, mode=mode, **planned)
    closed = [mode in model.modes and TASKS[key].labels is not None for key in datasets]
    return [
        evaluate(model, key, mode=mode if is_closed else "generate", **options)
        for key, is_closed in zip(datasets, closed, strict=True)
    ]


def read_all(
    examples: Sequence[Example], answers: Sequence[Answer]
) -> tuple[list[Reading | None], list[str]]:
    """Readings and final statuses, joined by id.

    An answer that is not ``ok`` has no reading; an ``ok`` one that cannot be
    read becomes ``unparsed``.
    """
    by_id = {reply.id: reply for reply in answers}
    readings: list[Reading | None] = []
    statuses: list[str] = []
    for example in examples:
        reply = by_id[example.id]
        reading = read(example, reply.text) if reply.status == "ok" else None
        readings.append(reading)
        unread = reply.status == "ok" and reading is None
        statuses.append("unparsed" if unread else reply.status)
    return readings, statuses


def exemplar_ids(examples, pool, shots: int, seed: int) -> dict:
    """The exemplars most items got, and the items that got others."""
    if not shots:
        return {"ids": [], "except": {}}
    ordered = exemplar_order(pool, seed)
    common = [item.id for item in ordered[:shots]]
    each = {item.id: [x.id for x in exemplars(item, ordered, shots)] for item in examples}
    return {
        "ids": common,
        "except": {key: ids for key, ids in each.items() if ids != common},
    }


def _versions() -> dict[str, str]:
    found = {"benchhealth_utils": __version__}
    for name in PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def rewording_signature(kind, examples, seed) -> dict:
    found = perturbation_signature(kind, examples, seed)
    return {name.replace("perturbation", "rewording"): value for name, value in found.items()}
