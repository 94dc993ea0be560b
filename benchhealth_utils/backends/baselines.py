"""Models that are not language models, for scale: `majority` and `supervised`.

They learn from the training part and answer in text, in the form of an
exemplar's answer, so that they go through the same store, readings and scores
as any model. A number near theirs can then be seen for what it is.
"""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Sequence

from ..datasets import fingerprint, load
from ..prompts import prompt
from ..schema import Example, Gold, ModelError
from . import Reply, Request

Predictor = Callable[[Sequence[Example]], list[Gold]]
LEAD = 160  # tokens; the mean length of a MIMIC-III instruction
EXAMS = ("medqa", "medmcqa", "mmlu_medicine")


class Baseline:
    """A predictor behind the backend interface.

    Parameters
    ----------
    name : str
    fit : callable
        Takes a data set's key and training part, returns a predictor.
    """

    remote = False
    modes = ("generate",)
    max_tokens = None

    def __init__(self, name: str, fit: Callable[[str, Sequence[Example]], Predictor]):
        self.name, self.fit = name, fit
        self.signature = {"backend": "baseline", "name": name, "version": 2}
        self._train: dict[str, Sequence[Example]] = {}

    def prepare(self, dataset: str, pool: Sequence[Example] | None = None) -> dict:
        """Keep the training part; returns what identifies it."""
        part = list(pool) if pool is not None else load(dataset, "train")
        self._train[dataset] = part
        return {"train": fingerprint(part)[:16]}

    def replies(
        self, requests: Sequence[Request], wanted: Collection[int]
    ) -> Iterator[list[tuple[int, Reply]]]:
        """See `benchhealth_utils.backends`; learns only if something is wanted."""
        order = sorted(wanted)
        examples = [requests[i].example for i in order]
        key = examples[0].dataset
        predicted = self.fit(key, self._train[key])(examples)
        yield [
            (i, Reply("ok", _text(example, gold)))
            for i, example, gold in zip(order, examples, predicted, strict=True)
        ]


def _text(example: Example, gold: Gold) -> str:
    return prompt(example.dataset).answer(dataclasses.replace(example, gold=gold))


def most_frequent(values: Sequence) -> Gold:
    """The mode; of equally frequent values the first in sorted order.

    >>> most_frequent(["b", "a", "b", "a"])
    'a'
    """
    tally = Counter(values)
    return min(tally, key=lambda value: (-tally[value], value))


def majority(key: str, train: Sequence[Example]) -> Predictor:
    """The training part's commonest answer, whatever the question.

    Exams, labels: the most frequent one. Drugs: the ten most frequent (the
    mean length of a list), the test item left out. Entities: none. Hallmarks:
    the most frequent one. Impressions: the most frequent one. Discharge
    instructions are all different, so the beginning of the record stands in.
    """
    if key == "chatdoctor":
        return lambda examples: [_common_drugs(train, example.id) for example in examples]
    if key in ("bc5_disease", "ncbi_disease"):
        return lambda examples: [frozenset() for _ in examples]
    if key == "mimic_iii":
        return lambda examples: [
            " ".join(example.inputs["record"].split()[:LEAD]) for example in examples
        ]
    if key == "hoc":
        answer = frozenset({most_frequent([name for item in train for name in item.gold])})
    else:
        answer = most_frequent([item.gold for item in train])
    return lambda examples: [answer] * len(examples)


def _common_drugs(train: Sequence[Example], left_out: str) -> frozenset[str]:
    tally = Counter(name for item in train if item.id != left_out for name in item.gold)
    return frozenset(sorted(tally, key=lambda name: (-tally[name], name))[:10])


def open_baseline(name: str) -> Baseline:
    """The baseline of that name."""
    if name == "majority":
        return Baseline(name, majority)
    if name == "supervised":
        from .supervised import supervised

        return Baseline(name, supervised)
    raise ModelError(f"There is no baseline '{name}'. Known: majority, supervised.")
