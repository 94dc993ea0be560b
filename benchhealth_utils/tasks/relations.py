"""Relations of two things in a sentence: DDI's types of interaction, and GAD's yes or no."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import partial

from .. import replies
from ..metrics import Metric, confusion, macro_f1, per_label, right, set_sums
from ..schema import Example, digest
from .base import WORDS, Task
from .files import Place, members, tsv_lines, tsv_table

TYPES = ("mechanism", "effect", "advise", "int")
SHOWN = {kind: kind for kind in TYPES} | {"advise": "advice", "false": "None"}  # as Table 4 says
MARK = "@DRUGS"
ANSWERS = {"1": "yes", "0": "no"}
_FOLDERS = {"test": "Test/Test for DDI Extraction task/", "train": "Train/"}

# The files


def ddi(spec, split, root) -> Iterator[Example]:
    """All drug pairs of the extraction task; documents are the groups.

    The two mentions of a pair are each replaced by ``@DRUGS`` in the sentence
    the model sees. A positive pair without a type is passed over in the
    training part, which has one; the test part has none.
    """
    archive, start = root / spec.folder / "DDICorpus-2013.zip", f"DDICorpus/{_FOLDERS[split]}"
    found = members(archive, "DDICorpus", ".xml")
    found = {name: raw for name, raw in found.items() if name.startswith(start)}
    Place(archive).expect(found, f"no member under '{start}'.")
    seen: set[str] = set()
    for name, raw in found.items():
        member = Place(archive, name)
        document = member.xml(raw)
        group = document.get("id")
        member.expect(document.tag == "document" and group, "the root is not <document id=...>.")
        for sentence in document.iter("sentence"):
            for identifier, shown, gold in _pairs(sentence, member, split):
                member.within(f"pair {identifier}").once(seen, identifier)
                yield Example(identifier, spec.key, {"sentence": shown}, gold, group)


def _pairs(sentence, member: Place, split: str) -> Iterator[tuple[str, str, str]]:
    """Id, sentence with both drugs masked, and type of each pair."""
    text = sentence.get("text")
    spans = {x.get("id"): _span(x, text, member) for x in sentence.iter("entity")}
    for pair in sentence.iter("pair"):
        identifier, kind, positive = pair.get("id"), pair.get("type"), pair.get("ddi")
        member.expect(identifier, "a pair has no id.")
        place, ends = member.within(f"pair {identifier}"), [pair.get("e1"), pair.get("e2")]
        two = len(set(ends) & spans.keys()) == 2
        place.expect(two, f"{ends} are not two mentions of the sentence.")
        place.expect(positive in ("true", "false"), f"ddi is '{positive}'; expected true or false.")
        if positive == "true" and kind is None and split == "train":
            continue
        right = kind in (TYPES if positive == "true" else [None])
        place.expect(right, f"type is '{kind}' where ddi is '{positive}'.")
        yield identifier, mark(text, *(spans[end] for end in ends)), kind or "false"


def _span(entity, text, member: Place) -> tuple[int, int]:
    """Character span, end exclusive; a discontinuous one from first to last."""
    place, given = member.within(f"entity {entity.get('id')}"), entity.get("charOffset")
    ends = re.fullmatch(r"(\d+)-(?:\d+;\d+-)*(\d+)", str(given))
    place.expect(ends, f"charOffset is '{given}'; expected a-b.")
    start, end = int(ends[1]), int(ends[2]) + 1
    inside = text and start < end <= len(text)
    place.expect(inside, "charOffset lies outside the sentence, or it is empty.")
    there = ";" in given or text[start:end] == entity.get("text")
    place.expect(there, f"the sentence does not have '{entity.get('text')}' there.")
    return start, end


def mark(text: str, one: tuple[int, int], two: tuple[int, int]) -> str:
    """The sentence with both mentions replaced by ``@DRUGS``.

    Mentions that overlap are replaced together by ``@DRUGS/@DRUGS``.

    >>> mark("Aspirin raises warfarin levels.", (0, 7), (15, 23))
    '@DRUGS raises @DRUGS levels.'
    """
    (start, first), (second, last) = sorted((one, two))
    between = "/" if second < first else text[first:second]
    return f"{text[:start]}{MARK}{between}{MARK}{text[max(first, last) :]}".strip()


def gad(spec, split, root) -> Iterator[Example]:
    """GAD's first fold: ``test.tsv`` with a header, ``train.tsv`` without.

    Versions of one source sentence, with other words masked, are one group, so that resampling
    keeps them together: those whose digests ``gad_sources.tsv`` lists, and exact copies.
    """
    path, prefix, sources = root / spec.folder / f"{split}.tsv", f"{spec.key}-train", {}
    rows = (row for row in tsv_lines(path, columns=2) if row[1])
    if split == "test":
        rows, prefix = tsv_table(path, ["index", "sentence", "label"]), spec.key
        listed = tsv_table(spec.split_file(root, "gad_sources.tsv"), ["sentence", "source"])
        sources = {row[0]: row[1] for _, row in listed}
    first: dict[str, str] = {}
    for number, (place, (*index, sentence, label)) in enumerate(rows):
        problem = f"index is '{''.join(index)}'; expected {number} (repeated or lost row)."
        place.expect(index in ([], [str(number)]), problem)
        place.expect(label in ANSWERS, f"label is '{label}'; expected 0 or 1.")
        marked = "@GENE$" in sentence and "@DISEASE$" in sentence
        place.expect(marked, "the sentence lacks the marks @GENE$ and @DISEASE$.")
        sentence, identifier = sentence.strip(), f"{prefix}-{number}"
        group = first.setdefault(sources.get(digest(sentence), sentence), identifier)
        yield Example(identifier, spec.key, {"sentence": sentence}, ANSWERS[label], group)


# The prompts


def _shown(example: Example) -> dict[str, str]:
    sentence = example.inputs["sentence"]
    return {"sentence": sentence.replace("@GENE$", "@GENES").replace("@DISEASE$", "@DISEASES")}


# The metrics: of DDI's labels the four types count, of GAD's "yes"; the others are no label. An
# answer that was not read is a miss where there was something to find, and no false positive.


def _relation_extra(gold, readings, rows) -> dict:
    any_type = [["any" if label in TYPES else None for label in x] for x in (gold, readings)]
    detected = per_label(*any_type, ["any"])["any"]
    types = per_label(gold, readings, TYPES)
    return {
        **{f"detection_{name}": detected[name] for name in ("precision", "recall", "f1")},
        "macro_f1": macro_f1(types),
        "types": types,
        "accuracy": right(gold, readings),
        "all_false_accuracy": right(gold, ["false"] * len(gold)),
        "confusion": confusion(gold, readings, SHOWN),
    }


def _positive_extra(gold, readings, rows) -> dict:
    classes = per_label(gold, readings, ("yes", "no"))
    return {
        "accuracy": right(gold, readings),
        "macro_f1": macro_f1(classes),
        "classes": classes,
        "all_yes_f1": per_label(gold, ["yes"] * len(gold), ["yes"])["yes"]["f1"],
        "confusion": confusion(gold, readings, ("yes", "no")),
    }


RELATION_F1 = Metric(
    "micro F1 over the four positive types",
    partial(set_sums, among=TYPES), extra=_relation_extra, labels=tuple(SHOWN),
)  # fmt: skip
POSITIVE_F1 = Metric(
    "F1 of the positive class",
    partial(set_sums, among=["yes"]), extra=_positive_extra, labels=("yes", "no"),
)  # fmt: skip

# The replies

REPLY = replies.Words("relations")
_labels = partial(replies.labels, "relations")


def parse_ddi(example: Example, text: str) -> str | None:
    """The type of interaction a reply chooses, "false" for the prompt's "None".

    Examples
    --------
    >>> one = Example("1", "ddi", {"sentence": ""}, "", "1")
    >>> parse_ddi(one, "No mechanism is given, so this is <advice>.")
    'advise'
    >>> parse_ddi(one, "@DRUGS has an effect on the level of @DRUGS.") is None
    True
    """
    reply = _reply(text, REPLY.type_nouns, REPLY.type_signs, REPLY.type_item)
    types, marked = _labels("types"), _marked(reply)
    reply = REPLY.mark.sub(r"\1", reply)
    reading, cued = replies.choose([*replies.statements(reply), *marked], types.named)
    none = "false" if REPLY.no_tie.match(replies.sentence(reply)) else None
    return reading if cued else types.opens(reply) or none


def parse_gad(example: Example, text: str) -> str | None:
    """Whether a reply says that gene and disease are related: "yes", "no", or None.

    Examples
    --------
    >>> one = Example("1", "gad", {"sentence": ""}, "", "1")
    >>> parse_gad(one, "Not only is @GENES related to @DISEASES, it is well known.")
    'yes'
    """
    reply = _reply(text, REPLY.label_nouns, REPLY.label_signs, REPLY.label_item)
    reply = REPLY.condition.sub("", REPLY.mark.sub(r"\1", reply))
    reading, cued = replies.choose(replies.statements(reply), _labels("labels").named)
    return reading if cued else _labels("labels").opens(reply) or _claimed(reply)


def _reply(text: str, nouns: re.Pattern, signs: list, item: re.Pattern) -> str:
    """The model's own words: words for the answer are "answer", angle brackets ⟨⟩."""

    def prepare(said: str) -> str:
        said = replies.rewritten(re.sub("[⟨⟩]", " ", said), signs)
        return replies.unwrapped(replies.as_answer(said, nouns), "⟨", "⟩")

    return replies.own_item(replies.own_words(text, prepare) or "", item)


def _marked(reply: str) -> list[replies.Statement]:
    """What the marks of a reply state, and weakly what they deny."""
    said, end = [], 0
    for mark in REPLY.mark.finditer(reply):
        here, rest = _labels("types").leading(REPLY.lead.sub("", mark[1], count=1))
        if not here or not re.match(r"[\W_]*\Z|\s*[:(–—]|\s+-", rest):
            continue
        text, kind = " or ".join(sorted(here)), "firm"
        if REPLY.aside.search(reply[: mark.start()]) or REPLY.against.match(reply, mark.end()):
            text, kind = f"not {text}", "weak"
        elif said and said[-1].kind == "firm" and REPLY.joins.fullmatch(reply, end, mark.start()):
            text = f"{said.pop().text} or {text}"
        said.append(replies.Statement(text, kind))
        end = mark.end()
    return said


def _claimed(reply: str) -> str | None:
    """What the sentences of a reply claim of gene and disease, if they agree."""
    found = set()
    for said in re.split(r"(?<=[.!?])\s+|\n", reply):
        claim = REPLY.claim.search(said)
        if claim and (REPLY.pair.search(said) or len(said.split()) < 7):
            clause = re.split(r"[,;]|\bbut\b", said[: claim.end()])[-1]
            denied = "no" if REPLY.denies.search(clause) else "yes"
            found.add("open" if REPLY.open.search(said) else denied)
    return found.pop() if len(found) == 1 and "open" not in found else None


# The tasks

DDI = Task(
    **WORDS["ddi"],
    read_file=ddi,
    said=lambda gold, example: SHOWN[gold],
    parse=parse_ddi,
    metric=RELATION_F1,
    labels=lambda example: tuple(f" {label}" for label in SHOWN.values()),
)
GAD = Task(
    **WORDS["gad"],
    read_file=gad,
    shown=_shown,
    said=lambda gold, example: gold.capitalize(),
    parse=parse_gad,
    metric=POSITIVE_F1,
    labels=lambda example: (" Yes", " No"),
)
