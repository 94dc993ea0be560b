"""Disease mentions in a sentence: BC5-disease and NCBI-disease, one token with its tag a line.

Gold is a frozenset of spans ``(start, end)``, characters of the sentence, end exclusive. A
model names strings, so a reading is a frozenset of the spans where its strings were found,
each occurrence used once, and of one other pair for each string that was not, such as
``("spurious", 0)``, unlike every other in the set: a frozenset of such members counts as the
multiset of the strings. Every member that is not in gold is a false positive.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from ..metrics import Metric, f1, precision_recall, set_sums
from ..schema import Example
from .base import WORDS, Task, parse_as_before
from .files import tsv_lines

TAGS = ("B-Disease", "I-Disease", "O")
BLOCK = 10  # sentences; a document has 9.4 (NCBI) or 9.6 (BC5) on average

_CLOSING = frozenset(".,;:!?%)]}'")
_OPENING = frozenset("([{")
_JOINING = frozenset("-/")

# The file


def bio_tags(spec, split, root) -> Iterator[Example]:
    """One example a sentence; gold is the set of mention spans in it.

    The file carries no document marks, though documents follow one another in
    it, so blocks of ten consecutive sentences stand in as groups.
    """
    prefix = spec.key if split == "test" else f"{spec.key}-{split}"
    sentences = _sentences(root / spec.folder / f"{split}.tsv")
    for number, (tokens, mentions) in enumerate(sentences):
        sentence, offsets = detokenise(tokens)
        spans = frozenset((offsets[first][0], offsets[last][1]) for first, last in mentions)
        inputs = {"sentence": sentence, "tokens": tuple(tokens)}
        group = f"{prefix}-block-{number // BLOCK}"
        yield Example(f"{prefix}-{number}", spec.key, inputs, spans, group)


def _sentences(path) -> Iterator[tuple[list[str], list[tuple[int, int]]]]:
    """Tokens of each sentence, and the first and last token of each mention."""
    tokens: list[str] = []
    mentions: list[tuple[int, int]] = []
    inside = False
    for place, cells in tsv_lines(path, columns=2):
        if not cells:
            if tokens:
                yield tokens, mentions
            tokens, mentions, inside = [], [], False
            continue
        token, tag = cells
        if not token.strip():
            place.reject("the token is empty.")
        if tag not in TAGS:
            place.reject(f"tag is '{tag}'; expected {', '.join(TAGS)}.")
        if tag == "I-Disease" and not inside:
            place.reject("I-Disease does not continue any mention.")
        if inside := tag != "O":
            first = mentions.pop()[0] if tag[0] == "I" else len(tokens)
            mentions.append((first, len(tokens)))
        tokens.append(token)
    if tokens:
        yield tokens, mentions


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
        offsets.append((len(sentence), len(sentence) + len(token)))
        sentence += token
        quoted ^= token == '"'
        glue = token in _OPENING or token in _JOINING or (token == '"' and quoted)
    return sentence, offsets


# The prompt


def _answer(gold: frozenset, example: Example) -> str:
    sentence = example.inputs["sentence"]
    names = [sentence[start:end] for start, end in sorted(gold)]
    listed = "; ".join(names) or "none"
    # A semicolon closes what could be taken apart: a single name with "and", a last comma.
    if listed.endswith(",") or (len(names) == 1 and re.search(r",|\b(?:and|or)\b", listed)):
        listed += ";"
    return f"{example.id} | {listed}"


# The metric


def is_span(member) -> bool:
    """Whether a member of a reading is a place in the sentence.

    >>> is_span((0, 7)), is_span(("spurious", 0))
    (True, False)
    """
    start, end = member
    return isinstance(start, int) and isinstance(end, int) and 0 <= start < end


def _kind(member: tuple, gold: frozenset) -> str:
    """What is wrong with a false positive."""
    if not is_span(member):
        return "not_in_sentence"
    start, end = member
    return "boundary" if any(start < b and a < end for a, b in gold) else "spurious"


def _extra(gold, readings, rows) -> dict:
    pairs = list(zip(gold, readings, strict=True))
    wrong = [_kind(member, g) for g, r in pairs for member in (r or frozenset()) - g]
    return {
        "hits": int(rows[:, 0].sum()),
        "missed": int(rows[:, 2].sum()),
        **{kind: wrong.count(kind) for kind in ("boundary", "spurious", "not_in_sentence")},
        "sentences": {
            "with_mentions": sum(bool(g) for g in gold),
            "right": sum(g == r for g, r in pairs),
            "right_and_empty": sum(g == r and not g for g, r in pairs),
            "false_alarm": sum(bool(r) and not g for g, r in pairs),
            "silent": sum(bool(g) and r == frozenset() for g, r in pairs),
            "not_read": sum(r is None for r in readings),
        },
    }


_NAME = "entity-level micro F1 over exact spans"

# The replies

parse = parse_as_before

# The task

ENTITIES = Task(
    **WORDS["entities"],
    read_file=bio_tags,
    question=lambda example: f"Paragraph: {example.id} | {example.inputs['sentence']}",
    answer=_answer,
    parse=parse,
    metric=Metric(_NAME, set_sums, f1, precision_recall, _extra),
    max_tokens=256,
    document=lambda example: example.inputs["sentence"],
)
