"""GAD: does the sentence state a relation of gene and disease?"""

from __future__ import annotations

from collections.abc import Iterator

from ..schema import DataError, Example
from .files import tsv_lines

ANSWERS = {"1": "yes", "0": "no"}


def gad(spec, split, root) -> Iterator[Example]:
    """GAD's first fold: ``test.tsv`` with a header, ``train.tsv`` without.

    A sentence that occurs more than once is one group, so that resampling
    keeps the copies together.
    """
    path = root / spec.folder / f"{split}.tsv"
    first: dict[str, str] = {}
    row = 0
    for line, cells in tsv_lines(path, columns=3 if split == "test" else 2):
        if not cells:
            continue
        where = f"line {line}"
        if split == "test":
            if line == 1:
                if cells != ["index", "sentence", "label"]:
                    raise DataError(path, where, "the header is not 'index', 'sentence', 'label'.")
                continue
            if cells[0] != str(row):
                raise DataError(
                    path,
                    where,
                    f"index is '{cells[0]}'; expected {row} (repeated or lost row).",
                )
        sentence, label = cells[-2].strip(), cells[-1]
        if label not in ANSWERS:
            raise DataError(path, where, f"label is '{label}'; expected 0 or 1.")
        if "@GENE$" not in sentence or "@DISEASE$" not in sentence:
            raise DataError(path, where, "the sentence lacks the marks @GENE$ and @DISEASE$.")
        identifier = f"{spec.key}-{row}" if split == "test" else f"{spec.key}-train-{row}"
        group = first.setdefault(sentence, identifier)
        yield Example(identifier, spec.key, {"sentence": sentence}, ANSWERS[label], group)
        row += 1
