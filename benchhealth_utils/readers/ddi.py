"""DDI 2013: the relation of two drugs in a sentence, from XML in a zip."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Iterator

from ..schema import DataError, Example
from .archives import members
from .files import once

TYPES = ("mechanism", "effect", "advise", "int")
TEST_FOLDER = "DDICorpus/Test/Test for DDI Extraction task/"
TRAIN_FOLDER = "DDICorpus/Train/"
MARK = "@DRUGS"


def ddi(spec, split, root) -> Iterator[Example]:
    """All drug pairs of the extraction task; documents are the groups.

    The two mentions of a pair are each replaced by ``@DRUGS`` in the sentence
    the model sees. A positive pair without a type is passed over in the
    training part, which has one; the test part has none.
    """
    archive = root / spec.folder / "DDICorpus-2013.zip"
    start = TEST_FOLDER if split == "test" else TRAIN_FOLDER
    found = {
        name: raw
        for name, raw in members(archive, "DDICorpus", ".xml").items()
        if name.startswith(start)
    }
    if not found:
        raise DataError(archive, "", f"no member under '{start}'.")
    seen: set[str] = set()
    for name, raw in found.items():
        try:
            document = ET.fromstring(raw())
        except (ET.ParseError, LookupError, ValueError) as error:
            raise DataError(archive, name, f"not whole XML ({error}).") from None
        group = document.get("id")
        if document.tag != "document" or not group:
            raise DataError(archive, name, "the root is not <document id=...>.")
        for sentence in document.iter("sentence"):
            for example in _pairs(spec.key, sentence, group, archive, name):
                once(seen, example.id, archive, f"{name}, pair {example.id}")
                yield example


def _pairs(key, sentence, group, archive, name) -> Iterator[Example]:
    spans = {}
    text = sentence.get("text")
    for entity in sentence.iter("entity"):
        spans[entity.get("id")] = _span(entity, text, archive, name)
    for pair in sentence.iter("pair"):
        identifier = pair.get("id")
        where = f"{name}, pair {identifier}"
        if not identifier:
            raise DataError(archive, name, "a pair has no id.")
        ends = [pair.get("e1"), pair.get("e2")]
        if not all(end in spans for end in ends) or ends[0] == ends[1]:
            raise DataError(archive, where, f"{ends} are not two mentions of the sentence.")
        kind, positive = pair.get("type"), pair.get("ddi")
        if positive not in ("true", "false"):
            raise DataError(archive, where, f"ddi is '{positive}'; expected true or false.")
        if positive == "false" and kind is not None:
            raise DataError(archive, where, f"type is '{kind}' though ddi is 'false'.")
        if positive == "true" and kind is None and name.startswith(TRAIN_FOLDER):
            continue
        gold = kind if positive == "true" else "false"
        if positive == "true" and gold not in TYPES:
            raise DataError(archive, where, f"type is '{gold}'; expected {', '.join(TYPES)}.")
        shown = mark(text, *(spans[end] for end in ends))
        yield Example(identifier, key, {"sentence": shown}, gold, group)


def _span(entity, text, archive, name) -> tuple[int, int]:
    """Character span, end exclusive; a discontinuous one from first to last."""
    where = f"{name}, entity {entity.get('id')}"
    try:
        parts = [part.split("-") for part in entity.get("charOffset").split(";")]
        ends = [(int(first), int(last) + 1) for first, last in parts]
    except (AttributeError, ValueError):
        raise DataError(
            archive, where, f"charOffset is '{entity.get('charOffset')}'; expected a-b."
        ) from None
    start, end = ends[0][0], ends[-1][1]
    if not text or not 0 <= start < end <= len(text):
        raise DataError(archive, where, "charOffset lies outside the sentence, or it is empty.")
    if len(parts) == 1 and text[start:end] != entity.get("text"):
        raise DataError(archive, where, f"the sentence does not have '{entity.get('text')}' there.")
    return start, end


def mark(text: str, one: tuple[int, int], two: tuple[int, int]) -> str:
    """The sentence with both mentions replaced by ``@DRUGS``.

    Mentions that overlap are replaced together by ``@DRUGS/@DRUGS``.

    >>> mark("Aspirin raises warfarin levels.", (0, 7), (15, 23))
    '@DRUGS raises @DRUGS levels.'
    """
    one, two = sorted((one, two))
    if two[0] < one[1]:
        spans = [((one[0], max(one[1], two[1])), f"{MARK}/{MARK}")]
    else:
        spans = [(one, MARK), (two, MARK)]
    for (start, end), put in reversed(spans):
        text = text[:start] + put + text[end:]
    return text.strip()
