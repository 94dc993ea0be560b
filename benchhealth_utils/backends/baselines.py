"""Models that are not language models, for scale.

They answer in text like any model, through the same store, readings and
scores, so that a number near theirs can be seen for what it is.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Sequence

from ..datasets import load
from ..schema import Example, ModelError, digest
from . import Reply, Request


class Majority:
    """Answers every item of a data set with the training part's commonest answer.

    For the exams and PubMedQA that is the most frequent option or label; for
    treatment recommendation, the ten most frequent drugs of the table with the
    test item left out (ten being the mean length of a list).
    """

    name = "majority"
    remote = False
    modes = ("generate",)
    max_tokens = None

    def __init__(self):
        self.signature = {"backend": "baseline", "version": 1}
        self._parts: dict[str, list[Example]] = {}

    def replies(
        self, requests: Sequence[Request], wanted: Collection[int]
    ) -> Iterator[list[tuple[int, Reply]]]:
        """See `benchhealth_utils.backends`."""
        yield [(i, Reply("ok", self._text(requests[i].example))) for i in sorted(wanted)]

    def prepare(self, dataset: str, pool: Sequence[Example] | None = None) -> dict:
        """Learn from the training part; returns what identifies it."""
        self._parts[dataset] = list(pool) if pool is not None else load(dataset, "train")
        return {"train": digest([item.id for item in self._parts[dataset]])[:16]}

    def _text(self, example: Example) -> str:
        part = self._parts[example.dataset]
        if example.dataset == "chatdoctor":
            names = Counter(name for other in part if other.id != example.id for name in other.gold)
            chosen = sorted(names, key=lambda name: (-names[name], name))[:10]
            return f"Final Answer: {'; '.join(chosen)}"
        labels = Counter(other.gold for other in part)
        return f"Answer: {min(labels, key=lambda label: (-labels[label], label))}"


def open_baseline(name: str):
    """The baseline of that name."""
    if name == "majority":
        return Majority()
    raise ModelError(f"There is no baseline '{name}'.")
