"""The names in the lines of a list of diseases: what parts them, and what is cut off."""

from __future__ import annotations

import re

from .disease_names import BRACKETS, named_in, parted
from .lists import BULLET
from .mentions import VERB, Sentence

_DISEASES = r"(?:\w+\s+){0,3}?(?:diseases?|disorders?|conditions?|entit(?:y|ies)|mentions?|names?)"
_FOUND = (
    r"(?:\s+(?:(?:is|are|was|were|has|have|been|explicitly|specifically)\s+)*(?:mentioned|found"
    r"|identified|recogni[sz]ed|present|detected|listed|named|reported))?"
    r"(?:\s+(?:in|from|within)\s+[\w\s]{1,40})?"
)
NONE = re.compile(
    rf"\W*(?:none{_FOUND}|nil|null|nothing|empty|n\s?/\s?a|not\s+(?:applicable|mentioned|found)"
    r"|(?:(?:there\s+(?:is|are|were|was)\s+)?(?:no|not)"
    r"|(?:the|this)\s+\w+\s+(?:does\s+not|doesn't|did\s+not)\s+\w+"
    r"|(?:the|this)\s+\w+\s+(?:contains?|mentions?|names?|includes?|has)\s+no"
    rf"|I\s+(?:could|can|did)\s*(?:not|n't)\s+\w+\s+any)\s+{_DISEASES}{_FOUND}"
    r"|there\s+(?:is|are)\s+none|(?:无|没有)(?:疾病)?)\W*",
    re.I,
)
NOTHING = re.compile(r"\s*(?:[-–—]+|\[\s*\]|\(\s*\)|/)\s*")
PROSE = re.compile(
    rf"{VERB.pattern}|\b(?:which|who|that|this|these|those|it|they|you|we|I|my|me|cannot|sorry"
    r"|please|mentions?|there|here|if|goes|points?)\b|抱歉|无法|不能",
    re.I,
)
# Most words of a name that does not occur, and of one that occurs and has a verb.
MOST_WORDS, MOST_WITH_VERB = 8, 6
# What parts names for certain; of numbers, only in a line that begins with the first.
STRONG = re.compile(r"\s*[;•|]\s*|\s/\s")
NUMBERED = re.compile(r"(?:^|\s)\(?\d{1,2}[.)]\s+")
# "lithium: chemical", "valproate (drug)": no disease.
OTHER_TYPE = re.compile(
    r"(?::|\(|\s-|–|—)\s*(?:chemicals?|drugs?|medications?|genes?|proteins?|species|treatments?)"
    r"\W*\Z",
    re.I,
)
# What is cut from a name that does not occur: its explanation or type, what stands in
# brackets after it, a further sentence, its article.
EXPLANATION = re.compile(r":\s|\s-+\s|\s?[–—]\s?|\s=\s")
EXPLAINED = re.compile(rf"(?:{EXPLANATION.pattern}).*", re.S)
BRACKETED = re.compile(r"\s*(?:\([^()]*\)?|\[[^][]*\]?)\s*\Z")
SENTENCE = re.compile(r"[.!?](?=\s+[A-Z\"(]|\s*\Z).*|。.*", re.S)
ARTICLE = re.compile(r"\A(?:the|an?|his|her|their|and|or|also)\s+", re.I)
THE = re.compile(r"\Athe\s+", re.I)
# In "cancer,;" the comma is the name's own. `fold` leaves no other full-width one.
OWN_COMMA = "，"
LAST_COMMA = re.compile(rf"{OWN_COMMA}\Z")
QUOTES = "\"'`"


def names_in(lines: list[str], known: Sentence) -> list[str] | None:
    """The names in the lines of a list; sentences are none.

    Parameters
    ----------
    lines : list of str
    known : Sentence

    Returns
    -------
    list of str or None
        Empty if the lines say that there is none; None if there is no name in them.

    Examples
    --------
    >>> known = Sentence("Fever and heart failure, congestive, were seen.")
    >>> names_in(["fever, heart failure, congestive, gout"], known)
    ['fever', 'heart failure, congestive', 'gout']
    >>> names_in(["None mentioned."], known), names_in(["It was seen."], known)
    ([], None)
    """
    names = []
    none = any(map(NOTHING.fullmatch, lines))
    for item in items_of(lines, known):
        name = trimmed(item, known)
        if says_none(item):
            none = True
        elif re.search(r"[^\W\d_]", name) and not OTHER_TYPE.search(item):
            names += [] if is_prose(name, known) else [name]
    return names if names or none else None


def says_none(line: str) -> bool:
    """Whether the first sentence of a line says that there is no disease."""
    return bool(NONE.fullmatch(SENTENCE.sub("", line, count=1)))


def is_prose(part: str, known: Sentence) -> bool:
    """Whether words are a sentence, or a part of one, and no name."""
    if len(part.split()) <= MOST_WORDS and not PROSE.search(part):
        return False
    name = trimmed(part, known)
    return not known.has(name) or (len(name.split()) > MOST_WITH_VERB and bool(VERB.search(name)))


def trimmed(item: str, known: Sentence) -> str:
    """The name in an item, cut only as far as needed for it to occur."""
    name = _open(item)
    if known.has(without := THE.sub("", name)):
        return without
    for cut in (LAST_COMMA, EXPLAINED, BRACKETED, SENTENCE, ARTICLE):
        if known.has(name):
            break
        name = _open(cut.sub("", name, count=1))
    return name


def parts_of(lines: list[str]) -> list[str]:
    """What strong signs part in lines."""
    parts: list[str] = []
    for line in lines:
        if re.match(r"\(?1[.)]\s", line):
            line = NUMBERED.sub(" • ", line)
        line = line.replace(",;", OWN_COMMA + ";")
        line = _open(BULLET.sub("", line, count=1) if BULLET.match(line) else line)
        parts += [line[start:end] for start, end in parted(line, STRONG)]
    return parts


def items_of(lines: list[str], known: Sentence) -> list[str]:
    """What strong signs part in lines; if they part nothing, what commas do."""
    parts = parts_of(lines)
    parts = [part for part in parts if not is_prose(part, known)] or parts
    if len(parts) != 1:
        return parts
    (whole,) = parts
    explained = _open(EXPLAINED.sub("", whole, count=1))
    if not known.has(whole) and known.has(explained) and len(EXPLANATION.findall(whole)) == 1:
        whole = explained
    # "a and b;": the semicolon says that this is one name.
    if says_none(whole) or (known.has(whole) and lines[0].endswith(";")):
        return [whole]
    return named_in(whole if known.has(whole) else SENTENCE.sub("", whole, count=1), known.has)


def _open(name: str) -> str:
    """A name without white space, quotes and brackets around it, and its last point."""
    before = None
    while name != before:
        before = name
        name = re.sub(r"\A[\s,:;•–—-]+|[\s.,:;!。、]+\Z", "", name)
        for left, right in BRACKETS.items():
            inner = name[1:-1]
            if name.startswith(left) and name.endswith(right):
                name = name if right in inner.split(left)[0] else inner
            elif name.startswith(left) and right not in name:
                name = name[1:]
            elif name.endswith(right) and left not in name:
                name = name[:-1]
        for quote in QUOTES:
            if len(name) > 1 and name[0] == name[-1] == quote:
                name = name[1:-1]
            elif name.count(quote) % 2:
                name = name.strip(quote)
    return name
