"""BC5-disease and NCBI-disease: disease mentions as BIO tags, one token a line."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ..schema import DataError, Example
from .files import tsv_lines

TAGS = ("B-Disease", "I-Disease", "O")
BLOCK = 10  # sentences; a document has 9.4 (NCBI) or 9.6 (BC5) on average

_CLOSING = frozenset(".,;:!?%)]}'")
_OPENING = frozenset("([{")
_JOINING = frozenset("-/")


def bio_tags(spec, split, root) -> Iterator[Example]:
    """One example a sentence; gold is the set of mention spans in it.

    The file carries no document marks, though documents follow one another in
    it, so blocks of ten consecutive sentences stand in as groups.
    """
    path = root / spec.folder / f"{split}.tsv"
    prefix = spec.key if split == "test" else f"{spec.key}-{split}"
    for row, (tokens, tags) in enumerate(_sentences(path)):
        sentence, offsets = detokenise(tokens)
        spans = frozenset((offsets[first][0], offsets[last][1]) for first, last in entities(tags))
        inputs = {"sentence": sentence, "tokens": tuple(tokens)}
        group = f"{prefix}-block-{row // BLOCK}"
        yield Example(f"{prefix}-{row}", spec.key, inputs, spans, group)


def _sentences(path) -> Iterator[tuple[list[str], list[str]]]:
    tokens: list[str] = []
    tags: list[str] = []
    for line, cells in tsv_lines(path, columns=2):
        if not cells:
            if tokens:
                yield tokens, tags
                tokens, tags = [], []
            continue
        token, tag = cells
        where = f"line {line}"
        if not token.strip():
            raise DataError(path, where, "the token is empty.")
        if tag not in TAGS:
            raise DataError(path, where, f"tag is '{tag}'; expected {', '.join(TAGS)}.")
        if tag == "I-Disease" and (not tags or tags[-1] == "O"):
            raise DataError(path, where, "I-Disease does not continue any mention.")
        tokens.append(token)
        tags.append(tag)
    if tokens:
        yield tokens, tags


def entities(tags: Sequence[str]) -> list[tuple[int, int]]:
    """First and last token of each mention.

    >>> entities(["O", "B-Disease", "I-Disease", "B-Disease"])
    [(1, 2), (3, 3)]
    """
    found: list[tuple[int, int]] = []
    for position, tag in enumerate(tags):
        if tag.startswith("B"):
            found.append((position, position))
        elif tag.startswith("I"):
            found[-1] = (found[-1][0], position)
    return found


def detokenise(tokens: Sequence[str]) -> tuple[str, list[tuple[int, int]]]:
    """A sentence as one would write it, and each token's span in it.

    >>> detokenise(["Patients", "(", "56", "-", "year", ")", "."])[0]
    'Patients (56-year).'
    """
    sentence = ""
    offsets = []
    quoted = False
    glue = True  # whether the next token follows without a space
    for position, token in enumerate(tokens):
        closing_quote = token == '"' and quoted
        possessive = token == "s" and tokens[position - 1 : position] == ["'"]
        if not (glue or possessive or closing_quote or token in _JOINING or token in _CLOSING):
            sentence += " "
        start = len(sentence)
        sentence += token
        offsets.append((start, len(sentence)))
        if token == '"':
            quoted = not quoted
        glue = token in _OPENING or token in _JOINING or (token == '"' and quoted)
    return sentence, offsets
