"""Names of diseases: what a reply lists, aligned with the sentence.

The rules, in the order in which they apply:

1. `clean`; JSON becomes a plain list; the sentence itself, where it is repeated, goes.
2. The first of these that names anything, or says none, counts: lines with a bar behind
   an id, as the prompt asks; lists below or behind a heading ("Diseases:", "The entities
   are"); a reply that is a list and nothing more. Of several, the last; but lines right
   below each other with one name each are one list, and what stands behind another id,
   or below another kind's heading ("Genes:"), is not read.
3. Semicolons, bars, bullets, numbers and line breaks part names. Commas and "and" do so
   where nothing else does, as `disease_names` says.
4. From a name go quotes, brackets around it and the point at its end. If it does not
   occur in the sentence: what explains it, its type, its article.
5. "None", "no diseases", "[]" say that there is none. Sentences are no names. If nothing
   is left, or the reply is prose, it is not read.
6. `mentions` aligns the names; one that does not occur is spurious.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from .clean import fold, own_answer, own_turn, without_marks, without_thoughts
from .disease_names import named_in
from .entity_lists import Group, groups
from .json_lists import as_lines
from .lists import BULLET
from .marks import unwrapped
from .mentions import Sentence, sentence_of

_DISEASES = (
    r"(?:any\s+)?(?:\w+\s+){0,2}?(?:diseases?|disorders?|entit(?:y|ies)|mentions?|conditions?)"
    r"(?:\s+(?:names?|entities|mentions?))?"
)
_FOUND = (
    r"(?:\s+(?:(?:is|are|was|were|has|have|been|explicitly|specifically)\s+)*(?:mentioned|found"
    r"|identified|recogni[sz]ed|present|detected|listed|named|reported))?"
    r"(?:\s+(?:in|from|within)\s+[\w\s]{1,40})?"
)
NONE = re.compile(
    rf"\W*(?:none{_FOUND}|nil|null|nothing|empty|n\s?/\s?a|not\s+(?:applicable|mentioned|found)"
    rf"|(?:there\s+(?:is|are|were|was)\s+)?(?:no|not)\s+{_DISEASES}{_FOUND}"
    rf"|(?:the|this)\s+\w+\s+(?:does\s+not|doesn't|did\s+not)\s+\w+\s+{_DISEASES}{_FOUND}"
    rf"|(?:the|this)\s+\w+\s+(?:contains?|mentions?|names?|includes?|has)\s+no\s+{_DISEASES}{_FOUND}"
    r"|无|没有(?:疾病)?|无疾病)\W*",
    re.I,
)
PROSE = re.compile(
    r"\b(?:is|are|was|were|be|been|has|have|had|does|did|do|which|who|that|this|these|those|it|they"
    r"|you|we|I|I'm|my|me|cannot|can't|can|may|should|would|sorry|please|mentions?|there|here|if"
    r"|goes|points?|shows?)\b|抱歉|无法|不能",
    re.I,
)
MOST_WORDS = 8
# What parts names for certain.
STRONG = re.compile(r"\s*[;•|]\s*")
NUMBERED = re.compile(r"(?:^|\s)\(?\d{1,2}[.)]\s+")
# What is cut from a name that does not occur: its explanation or type, what stands in
# brackets after it, a further sentence, its article.
EXPLAINS = re.compile(r"(?::\s|\s-+\s|\s?[–—]\s?|\s=\s).*", re.S)
BRACKETED = re.compile(r"\s*(?:\([^()]*\)?|\[[^][]*\]?)\s*\Z")
SENTENCE = re.compile(r"[.!?](?=\s+[A-Z\"(]|\s*\Z).*|。.*", re.S)
ARTICLE = re.compile(r"\A(?:the|an?|his|her|their|and|or|also)\s+", re.I)
QUOTES = "\"'`"
BRACKETS = {"(": ")", "[": "]", "<": ">", "{": "}"}


def read_entities(text: str, sentence: str) -> frozenset | None:
    """The mentions of diseases that a reply gives.

    Parameters
    ----------
    text, sentence : str

    Returns
    -------
    frozenset or None
        Of spans ``(start, end)`` in the sentence, and of ``("spurious", k)``, k = 0, 1,
        ..., for names with no (unused) place in it; empty if the reply says that there
        is none; None if it gives no list.

    Examples
    --------
    >>> sentence = "Fever and renal failure were seen."
    >>> sorted(read_entities("x-1 | fever; renal failure (disease)", sentence))
    [(0, 5), (10, 23)]
    >>> read_entities("Diseases: gout", sentence), read_entities("x-1 | none", sentence)
    (frozenset({('spurious', 0)}), frozenset())
    >>> read_entities("Fever was seen.", sentence) is None
    True
    """
    known = sentence_of(sentence)
    reply = without_thoughts(fold(text))
    if not reply or not known:
        return None
    reply = without_marks(as_lines(unwrapped(own_turn(reply))))
    found = groups(known.without_echo(own_answer(reply)))
    for kind in ("bar", "heading", "tells", "paragraph", "bare"):
        names = _chosen([group for group in found if group.kind == kind], known)
        if names is not None:
            return known.align(names)
    return None


def _chosen(found: list[Group], known: Sentence) -> list[str] | None:
    """The names of the last of some groups, or of those that are one list with it."""
    if found and found[0].kind == "bare":
        found = [group for group in (found[0], found[-1]) if _is_list(group, known)][:1]
    if found and found[0].kind == "bar":
        first = next((group.id for group in found if "id" not in group.id), "")
        found = [group for group in found if _same(group.id, first) or _counts(found)]
    named = [(group, _names(group, known)) for group in found]
    named = [(group, names) for group, names in named if names is not None]
    if not named:
        return None
    together: list[list[str]] = []
    for group, names in named:
        if group.apart:
            together = []
        together.append(names)
    different = len({tuple(names) for names in together}) > 1
    if different and all(len(names) == 1 for names in together):
        return [name for names in together for name in names]
    return together[-1]


def _same(one: str, other: str) -> bool:
    """Whether two ids may be the same one: "12" and "ncbi_disease-12"."""
    tails = [re.findall(r"\d+\Z", name) for name in (one, other)]
    return one == other or [] in tails or tails[0] == tails[1]


def _counts(found: list[Group]) -> bool:
    """Whether the ids are 1, 2, 3, ...: numbers of names, and no ids."""
    return len(found) > 1 and [group.id for group in found] == [
        str(number) for number in range(1, len(found) + 1)
    ]


def _names(group: Group, known: Sentence) -> list[str] | None:
    """The names in the lines of a group; none of them prose; None if there is no name."""
    names = []
    none = False
    for item in _items(group.lines, known):
        name = _trim(item, known)
        if NONE.fullmatch(name) or not re.search(r"\w", name):
            none = none or bool(re.search(r"\w|^[\W_]*[-–—]+[\W_]*$|\[\s*\]", item))
        elif known.has(name) or not _is_prose(name):
            names.append(name)
    if group.kind == "tells" and not any(map(known.has, names)):
        return [] if none else None
    return names if names or none else None


def _items(lines: list[str], known: Sentence) -> Iterator[str]:
    """What parts the lines: strong signs, or else commas."""
    parts = []
    for line in lines:
        line = BULLET.sub("", line, count=1) if BULLET.match(line) else line
        line = _open(line)
        if NUMBERED.match(line) or NUMBERED.search(line) and re.match(r"\(?1[.)]\s", line):
            line = NUMBERED.sub(" • ", line)
        parts += [part for part in _outside(STRONG, line) if part.strip()]
    if len(parts) > 1 or not parts:
        yield from parts
    elif known.has(_trim(parts[0], known)) and not re.search(",| and | or ", parts[0]):
        yield parts[0]
    elif NONE.fullmatch(first := _first_sentence(parts[0])):
        yield first
    else:
        yield from named_in(first if not known.has(parts[0]) else parts[0], known.has)


def _outside(sign: re.Pattern, line: str) -> Iterator[str]:
    """What a sign parts, but not within brackets."""
    start = 0
    for found in sign.finditer(line):
        before = line[start : found.start()]
        if any(before.count(left) > before.count(right) for left, right in BRACKETS.items()):
            continue
        yield before
        start = found.end()
    yield line[start:]


def _open(name: str) -> str:
    """A name without white space, quotes and brackets around it, and its last point."""
    before = None
    while name != before:
        before = name
        name = re.sub(r"\A[\s,:;•–—-]+|[\s.,:;!。、]+\Z", "", name)
        if name[:1] in BRACKETS and name[-1:] == BRACKETS[name[0]]:
            inner = name[1:-1]
            name = name if BRACKETS[name[0]] in inner.split(name[0])[0] else inner
        elif len(name) > 1 and name[0] == name[-1] and name[0] in QUOTES:
            name = name[1:-1]
        else:
            for quote in QUOTES:
                if name.count(quote) % 2:
                    name = name.strip(quote)
    return name


def _trim(item: str, known: Sentence) -> str:
    """The name in an item, cut only as far as needed for it to occur."""
    name = _open(item)
    for cut in (EXPLAINS, BRACKETED, SENTENCE, ARTICLE):
        if known.has(name):
            break
        name = _open(cut.sub("", name, count=1))
    return name


def _first_sentence(line: str) -> str:
    return SENTENCE.sub("", line, count=1)


def _is_prose(name: str) -> bool:
    return len(name.split()) > MOST_WORDS or bool(PROSE.search(name))


def _is_list(group: Group, known: Sentence) -> bool:
    """Whether lines without bar or heading are a list and nothing more."""
    if all(map(BULLET.match, group.lines)) or NONE.fullmatch(_first_sentence(group.lines[0])):
        return True
    names = [_trim(item, known) for item in _items(group.lines, known)]
    found = [known.has(name) for name in names]
    if any(_is_prose(name) and not has for name, has in zip(names, found, strict=True)):
        return False
    return any(found) or (len(names) > 1 and all(len(name.split()) < 4 for name in names))
