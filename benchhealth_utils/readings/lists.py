"""Where in a reply a list stands, and what parts its items.

1. The list begins after the last answer cue that has words after it; if there is no
   answer cue, after the last heading the task names ("Medications:"). A template
   ("[list of medications]") is not a list.
2. It is the rest of the cue's line, or, if that line is empty or leads on ("... are:",
   a comma, a bullet), also the lines below it. If it holds one item, the short lines
   right below it are more. Headings inside are skipped, and so is prose below a bullet.
   A blank line ends the list unless a bullet, a heading or, further down, the next
   number follows; so does a section such as "Explanation:".
3. Quoted items ("["a, b", "c"]") are taken as they are. In a line, semicolons, bullets
   and numbers part items; what else does is for the task to say.
4. Of each, round brackets go, and all after the first sentence; what follows a colon or
   a spaced dash explains the item.
"""

from __future__ import annotations

import re

from .cues import answer_cues

BULLET = re.compile(r"(?:(?:[-•]|\(?(?:\d{1,2}[.)]|[a-z]\)))\s+)+|•", re.I)
TEMPLATE = re.compile(
    r"\[[^][\"']*\b(?:list|names?|medications?|drugs?|entit\w+|insert|here)\b[^][\"']*\]", re.I
)
# The list goes on below: "The recommended drugs are", "ibuprofen,".
LEADS_ON = re.compile(r"(?:[:,;]|\b(?:and|are|is|includes?|following))\Z", re.I)
# One item, if it is not "none", "no drugs" or "not applicable".
ONE_ITEM = re.compile(r"(?!no(?:ne|t|thing)?\b|n/a)[^.!?:,;。、]+", re.I)
# A section or a sentence after the list.
ENDS = re.compile(
    r"(?:explanation|notes?|rationale|reason(?:s|ing)?|analysis|disclaimer|warnings?|cautions?"
    r"|important|remember|please|avoid|contraindicat\w+|not\ recommended|references?|follow-?up"
    r"|monitoring|lifestyle|non-?(?:pharmac|drug)\S*|side\ effects?|symptoms?|risks?)\b",
    re.I,
)
EXPLAINS = re.compile(r":(?:\s|\Z)|\s-+\s|\s*[–—]\s*")
_SENTENCE = re.compile(r"(?<!\bSt)[.!?](?=\s|\Z)|。")
_QUOTED = re.compile(r"\"([^\"\n]+)\"|(?<!\w)'((?:[^'\n]|(?<=\w)'(?=\w))+)'")


def stated(reply: str, heading: re.Pattern) -> list[str] | None:
    """The lines of the list that a cleaned reply states; None if it has no cue.

    Examples
    --------
    >>> stated("It is a cold. Final Answer:\\n- rest\\n- tea", re.compile("Drugs:"))
    ['- rest', '- tea']
    """
    reply = TEMPLATE.sub("", reply)
    ends = [cue.end for cue in answer_cues(reply)]
    ends = ends or [match.end() for match in heading.finditer(reply)]
    for end in reversed(ends):
        if found := lines(reply[end:]):
            return found
    return [] if ends else None


def lines(text: str) -> list[str]:
    """The lines of the list that a text begins with; its first line is the cue's."""
    if array := re.match(r"\s*\[[^]]*\]", text):
        return [array[0].strip()]
    first, _, below = text.partition("\n")
    first = first.strip(" \t\"'").lstrip(": ")
    if first and not LEADS_ON.search(first) and not BULLET.match(first):
        return [first, *_short(below)] if ONE_ITEM.fullmatch(first) else [first]
    found = [first] if first else []
    blank, below = False, below.splitlines()
    for number, line in enumerate(map(str.strip, below)):
        bullet, heading = bool(BULLET.match(line)), line.endswith(":")
        parted = line and blank and found and not bullet and not heading
        if ENDS.match(line) or (parted and not _counts_on(found[-1], below[number:])):
            break
        blank = not line or (blank and parted)
        below_bullet = found and BULLET.match(found[-1]) and not bullet
        if line and not heading and not below_bullet:
            found.append(line)
    return found


def _counts_on(item: str, below: list[str]) -> bool:
    """Whether the number after that of an item begins a line below."""
    count = re.match(r"(\d{1,2})[.)]\s", item)
    return bool(count) and any(re.match(rf"\s*{int(count[1]) + 1}[.)]\s", line) for line in below)


def _short(text: str) -> list[str]:
    """The lines at the start of a text that may be items: few words, no stops."""
    found = []
    for line in map(str.strip, text.splitlines()):
        if ENDS.match(line) or not ONE_ITEM.fullmatch(line) or len(line.split()) > 4:
            break
        found.append(line)
    return found


def quoted(line: str) -> list[str]:
    """The quoted items of an array; of objects, only their names.

    >>> quoted("['Estrogens, Conjugated', 'Aspirin']")
    ['Estrogens, Conjugated', 'Aspirin']
    """
    if not line.startswith("["):
        return []
    named = re.findall(r"^(?:\w+ )?(?:name|drug|medication|entity):(.*)", line, re.I | re.M)
    text = "\n".join(named) or line
    return [one or two for one, two in _QUOTED.findall(text)]


def segments(line: str) -> list[str]:
    """What semicolons, bullets and numbers part in a line, without brackets.

    >>> segments("1. Iron (Feosol, oral) 2. Aspirin; zinc")
    ['Iron', 'Aspirin', 'zinc']
    """
    for first, following in ((r"\(?1[.)]\s", r"\d{1,2}[.)]"), (r"\(?a\)\s", r"[a-z]\)")):
        if re.match(first, line):
            line = re.sub(rf"(?:^|\s)\(?{following}\s+", " • ", line)
    line = without_brackets(BULLET.sub("", line, count=1) if BULLET.match(line) else line)
    parts = [part.strip() for part in re.split(r"[;•]|\s/\s", line)]
    return [part for part in parts if part]


def without_brackets(text: str) -> str:
    """The text without round brackets, also those that are never closed."""
    while (shorter := re.sub(r"\s*\([^()]*\)", "", text)) != text:
        text = shorter
    return re.sub(r"\s*\(.*", "", text)


def first_sentence(text: str) -> str:
    """The first sentence; a point inside a number or after "St" does not end it."""
    end = _SENTENCE.search(text)
    return text[: end.start()] if end else text
