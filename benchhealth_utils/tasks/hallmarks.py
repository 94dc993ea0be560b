"""HoC: the hallmarks of cancer that an abstract gives evidence of."""

from __future__ import annotations

import re
from collections.abc import Iterator

from .. import replies
from ..metrics import Metric, macro_f1, per_label, precision_recall, ratio
from ..schema import Example
from .base import WORDS, Task
from .files import Place, filled_lines, members, text

ARCHIVE = "Hallmarks-of-Cancer-3bc6e6deb90cf5bc4f9988c493fe2c32e9b3cf2a"
# The last lines of the instruction: the names as in the corpus, with their meanings.
LISTED = WORDS["hallmarks"]["instruction"].split("\n")[-10:]
HALLMARKS = tuple(line.split(": ")[0] for line in LISTED)

# The file


def hoc(spec, split, root) -> Iterator[Example]:
    """BLUE's document split of HoC; labels are united over the sentences."""
    archive = root / spec.folder / f"{ARCHIVE}.zip"
    found = members(archive, ARCHIVE, ".txt")
    listed = spec.split_file(root, f"hoc_blue_{split}.txt")
    seen: set[str] = set()
    for _, pmid in filled_lines(listed):
        Place(listed, f"PMID {pmid}").once(seen, pmid)
        names = [f"{ARCHIVE}/{part}/{pmid}.txt" for part in ("labels", "text")]
        for x in names:
            Place(archive, x).expect(x in found, f"the member is missing; {listed.name} names it.")
        line, body = (text(found[name], f"{archive}, {name}") for name in names)
        place = Place(archive, f"labels/{pmid}.txt")
        labels = labels_of(line, place)
        place.expect(labels, "no hallmark; the split has only documents with one.")
        body = "\n".join(line.strip() for line in body.strip().split("\n"))
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
    odd = ", ".join(sorted(names - set(HALLMARKS)))
    place.expect(not odd, f"'{odd}' is not one of the ten hallmarks.")
    return frozenset(names)


# The metric


def _extra(gold, readings, rows) -> dict:
    """BLUE's example-based figures, which are another metric, and each label's."""
    precision, recall = (float(each.mean()) for each in precision_recall(rows))
    labels = per_label(gold, readings, HALLMARKS)
    return {
        "example_based_precision": precision,
        "example_based_recall": recall,
        "example_based_f1": float(ratio(2 * precision * recall, precision + recall)),
        "macro_f1": macro_f1(labels),
        "labels": labels,
    }


# The replies

REPLY = replies.Words("hallmarks")
MARK = re.compile(r"⟦(\d)⟧")  # an official name in a reply is written so
# The prompt's list said again, word by word from its beginning.
ECHO = re.compile(r"\s+".join(map(re.escape, " ".join(LISTED[:3]).split())), re.I)


def parse(example: Example, text: str) -> frozenset[str] | None:
    """The hallmarks that a reply names; empty if it says that none applies; None if it names none.

    Examples
    --------
    >>> one = Example("1", "hoc", {}, frozenset(), "1")
    >>> sorted(parse(one, "1. Angiogenesis (new vessels)\\n2. Resisting cell death"))
    ['Inducing angiogenesis', 'Resisting cell death']
    >>> parse(one, "The drug slowed metastasis in mice.") is None
    True
    """
    reply = replies.own_words(text, _prepared, ticks=True) or ""
    reply = replies.rewritten(replies.own_item(reply, REPLY.item), REPLY.rows)
    echo = ECHO.search(reply)
    for number, name in enumerate(REPLY.official.values()):
        reply = name.sub(f"⟦{number}⟧", reply)
    if echo:
        reply = re.sub(r"^\W*⟦\d⟧:.*\n?", "", reply, flags=re.M)
    reply = _judged(replies.rewritten(reply, REPLY.beside))
    cues = [x for x in replies.answer_cues(reply) if not reply[x.end :].lstrip().startswith("?")]
    for cue in reversed(cues):
        said = reply[cue.end :]
        found = _listed(replies.lines(f"not {said.lstrip()}" if cue.negated else said))
        if found is not None:
            return found
    return None if cues else _uncued(reply)


def _prepared(said: str) -> str:
    said = REPLY.markdown.sub(r"\1:", replies.as_lines(re.sub("[⟦⟧]", " ", said)))
    said = REPLY.judged.sub(lambda found: f"\n{'Absent' if found['no'] else 'Present'}: ", said)
    return replies.unwrapped(replies.as_answer(said, REPLY.nouns))


def _judged(reply: str) -> str:
    """The reply with a verdict of its own behind each name below "Absent:"."""
    lines, denied = [], False
    for line in reply.splitlines():
        heading, _, rest = line.partition(": ")
        if heading in ("Absent", "Present"):
            denied, line = heading == "Absent", rest
        if denied and line.strip():
            parts = [part for part in _parts(line) if MARK.search(part) or _short(part)]
            line = "; ".join(f"{REPLY.describes.split(part)[0]}: no" for part in parts)
        lines.append(line)
    return "\n".join(lines)


def _uncued(reply: str) -> frozenset[str] | None:
    """The list that a reply begins with, or its last line; else names in its prose."""
    block = [line.strip() for line in reply.splitlines() if line.strip()]
    if block and block[0].endswith(":") and not MARK.search(block[0]):
        block = block[1:]
    if REPLY.none.fullmatch(replies.first_sentence("".join(block[:1]))):
        return frozenset()
    found = []
    for line in block:
        if not (_is_item(line) or (found and replies.LISTS.bullet.match(line))):
            break
        found.append(line)
    found = found or [line for line in block[-1:] if _is_item(line)]
    return _listed(found) if found else _told(reply)


def _is_item(line: str) -> bool:
    """Whether a line begins with a name that is no part of a sentence."""
    part = next(iter(_parts(line)), "").lstrip(" \"'[{|")
    if mark := MARK.match(part):
        return bool(REPLY.follows.match(part, mark.end()))
    first, *others = re.split(r"[,|]", REPLY.describes.split(part)[0])
    return bool(_short(first)) and not any(REPLY.prose.search(other) for other in others)


def _told(reply: str) -> frozenset[str] | None:
    """The official names in prose that denies none of them and asks nothing."""
    names, contrasts = set(), "but not" in reply
    for said in re.split(r"(?<=[.!?])\s+|\n", reply):
        for mark in MARK.finditer(said):
            denied = _is_denied(said, mark)
            if said.endswith("?") or (denied and not contrasts):
                return None
            names |= set() if denied else {HALLMARKS[int(mark[1])]}
    return frozenset(names) if 0 < len(names) < len(HALLMARKS) else None


def _is_denied(text: str, mark: re.Match) -> bool:
    clause = REPLY.but.split(text[: mark.start()])[-1]
    return bool(REPLY.negation.search(clause) or REPLY.against.match(text, mark.end()))


def _listed(found: list[str]) -> frozenset[str] | None:
    """The names that the lines of a list choose."""
    chosen, denied, verdicts = set(), set(), 0
    for part in (part for line in found for part in _parts(line)):
        head, rest = (REPLY.describes.split(part, maxsplit=1) + [""])[:2]
        here, against = _in_head(head)
        if not here | against and MARK.match(rest):
            here, against = _in_head(REPLY.describes.split(rest)[0])
        verdict = REPLY.verdict.match(rest)
        verdicts += bool(verdict)
        if verdict and verdict["no"]:
            here, against = set(), here | against
        chosen |= here
        denied |= against
    if verdicts and len(denied) == len(HALLMARKS):
        return frozenset()
    if len(chosen) == len(HALLMARKS) and not verdicts:
        return None
    none = any(REPLY.none.fullmatch(replies.first_sentence(line)) for line in found)
    return frozenset(chosen - denied) or (frozenset() if none and not chosen else None)


def _parts(line: str) -> list[str]:
    """What semicolons, numbers, and commas before an official name part in a line."""
    parts = replies.segments(REPLY.bracketed.sub(r": \1", line.strip(" \t|")))
    firsts = map(replies.first_sentence, parts)
    return [item for first in firsts for item in re.split(r"[,|]\s*(?=⟦)", first)]


def _in_head(head: str) -> tuple[set[str], set[str]]:
    """The names in an item before its description: the chosen and the denied ones."""
    chosen, denied = set(), set()
    for item in re.split(r"[,、/]", REPLY.reason.split(head)[0]):
        for mark in MARK.finditer(item):
            (denied if _is_denied(item, mark) else chosen).add(HALLMARKS[int(mark[1])])
        chosen |= _short(re.sub(r"\A\s*(?:and|or)\s", "", item))
    return chosen, denied


def _short(item: str) -> set[str]:
    """The hallmarks whose short names, or marks, an item consists of; no other word."""
    parts = [item] if _one(item) else re.split(r"\s+(?:and|or|as well as|&|\+)\s+", item)
    names = set(map(_one, parts))
    return set() if None in names else names


def _one(item: str) -> str | None:
    item = item.strip(" \t\"'()[]{}<>.,;:-")
    return next((name for name, words in REPLY.short.items() if words.fullmatch(item)), None)


# The task

HOC = Task(
    **WORDS["hallmarks"],
    read_file=hoc,
    parse=parse,
    metric=Metric("micro F1 over label decisions", extra=_extra, labels=HALLMARKS),
)
