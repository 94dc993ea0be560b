"""HoC: the hallmarks of cancer that an abstract gives evidence of."""

from __future__ import annotations

import re
from collections.abc import Iterator

from ..schema import DataError, Example
from .archives import members
from .files import once, row_lines, text

ARCHIVE = "Hallmarks-of-Cancer-3bc6e6deb90cf5bc4f9988c493fe2c32e9b3cf2a"
HALLMARKS = (
    "Sustaining proliferative signaling",
    "Evading growth suppressors",
    "Resisting cell death",
    "Enabling replicative immortality",
    "Inducing angiogenesis",
    "Activating invasion and metastasis",
    "Genomic instability and mutation",
    "Tumor promoting inflammation",
    "Cellular energetics",
    "Avoiding immune destruction",
)


def hoc(spec, split, root) -> Iterator[Example]:
    """BLUE's document split of HoC; labels are united over the sentences."""
    archive = root / spec.folder / f"{ARCHIVE}.zip"
    found = members(archive, ARCHIVE, ".txt")
    listed = spec.split_file(root, f"hoc_blue_{split}.txt")
    seen: set[str] = set()
    for pmid in row_lines(listed):
        once(seen, pmid, listed, f"PMID {pmid}")
        parts = {}
        for part in ("labels", "text"):
            name = f"{ARCHIVE}/{part}/{pmid}.txt"
            if name not in found:
                raise DataError(archive, name, f"the member is missing; {listed.name} names it.")
            parts[part] = text(found[name](), f"{archive}, {name}")
        labels = labels_of(parts["labels"], archive, f"labels/{pmid}.txt")
        if not labels:
            raise DataError(
                archive,
                f"labels/{pmid}.txt",
                "no hallmark; the split has only documents with one.",
            )
        body = "\n".join(line.strip() for line in parts["text"].strip().split("\n"))
        yield Example(pmid, spec.key, {"text": body}, labels, pmid)


def labels_of(line: str, path="labels", where="") -> frozenset[str]:
    """Hallmarks named in a label file.

    A segment per sentence is opened by ``<``; labels are joined by ``AND``,
    sub-labels follow ``--``, and ``NULL`` or nothing means none.

    >>> sorted(labels_of("< <NULL <Inducing angiogenesis--X AND Cellular energetics"))
    ['Cellular energetics', 'Inducing angiogenesis']
    """
    names = set()
    for segment in line.split("<"):
        for label in re.split(r"\bAND(?=[A-Z ])", segment):
            name = label.split("--")[0].strip()
            if name in ("", "NULL"):
                continue
            if name not in HALLMARKS:
                raise DataError(path, where, f"'{name}' is not one of the ten hallmarks.")
            names.add(name)
    return frozenset(names)
