"""HoC: the hallmarks of cancer that an abstract gives evidence of."""

from __future__ import annotations

import re
from collections.abc import Iterator

from ..metrics import (
    Metric,
    f1,
    macro_f1,
    per_label,
    precision_recall,
    ratio,
    set_sums,
)
from ..schema import Example
from .base import WORDS, Task, parse_as_before
from .files import Place, lines, members, text

ARCHIVE = "Hallmarks-of-Cancer-3bc6e6deb90cf5bc4f9988c493fe2c32e9b3cf2a"
MEANINGS: dict[str, str] = WORDS["meanings"]
HALLMARKS = tuple(MEANINGS)  # as in the corpus
_LINES = "\n".join(f"{name}: {meaning}" for name, meaning in MEANINGS.items())
_WORDS = WORDS["hallmarks"] | {
    name: WORDS["hallmarks"][name].replace("{meanings}", _LINES)
    for name in ("instruction", "reworded")
}

# The file


def hoc(spec, split, root) -> Iterator[Example]:
    """BLUE's document split of HoC; labels are united over the sentences."""
    archive = root / spec.folder / f"{ARCHIVE}.zip"
    found = members(archive, ARCHIVE, ".txt")
    listed = spec.split_file(root, f"hoc_blue_{split}.txt")
    seen: set[str] = set()
    for _, line in lines(listed):
        pmid = line.strip()
        Place(listed, f"PMID {pmid}").once(seen, pmid)
        parts = []
        for part in ("labels", "text"):
            name = f"{ARCHIVE}/{part}/{pmid}.txt"
            if name not in found:
                place = Place(archive, name)
                place.reject(f"the member is missing; {listed.name} names it.")
            parts.append(text(found[name](), f"{archive}, {name}"))
        place = Place(archive, f"labels/{pmid}.txt")
        labels = labels_of(parts[0], place)
        if not labels:
            place.reject("no hallmark; the split has only documents with one.")
        body = "\n".join(line.strip() for line in parts[1].strip().split("\n"))
        yield Example(pmid, spec.key, {"text": body}, labels, pmid)


def labels_of(line: str, place: Place) -> frozenset[str]:
    """Hallmarks named in a label file.

    A segment per sentence is opened by ``<``; labels are joined by ``AND``,
    sub-labels follow ``--``, and ``NULL`` or nothing means none.

    >>> line = "< <NULL <Inducing angiogenesis--X AND Cellular energetics"
    >>> sorted(labels_of(line, Place("labels.txt")))
    ['Cellular energetics', 'Inducing angiogenesis']
    """
    labels = re.split(r"<|\bAND(?=[A-Z ])", line)
    names = {label.split("--")[0].strip() for label in labels} - {"", "NULL"}
    for name in sorted(names - set(HALLMARKS)):
        place.reject(f"'{name}' is not one of the ten hallmarks.")
    return frozenset(names)


# The metric


def _extra(gold, readings, rows) -> dict:
    """BLUE's example-based figures, which are another metric, and each label's."""
    precision, recall = (float(each.mean()) for each in precision_recall(rows))
    labels = per_label(gold, [r or frozenset() for r in readings], HALLMARKS)
    return {
        "example_based_precision": precision,
        "example_based_recall": recall,
        "example_based_f1": float(ratio(2 * precision * recall, precision + recall)),
        "macro_f1": macro_f1(labels),
        "labels": labels,
    }


LABEL_F1 = Metric(
    "micro F1 over label decisions", set_sums, f1, precision_recall, _extra, HALLMARKS
)

# The replies

parse = parse_as_before

# The task

HOC = Task(
    **_WORDS,
    read_file=hoc,
    question=lambda example: f"document: {example.inputs['text']}",
    answer=lambda gold, example: "; ".join(sorted(gold)),
    parse=parse,
    metric=LABEL_F1,
    max_tokens=256,
    document=lambda example: example.inputs["text"],
)
