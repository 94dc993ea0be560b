"""Hallmarks of cancer: which of the ten a reply names.

The rules, in the order in which they apply:

1. `clean`; an echo of the document, and invented documents, go.
2. The last answer cue that names anything counts ("categories", "hallmarks" are words
   for the answer); what stands before it does not.
3. Else the list that the reply begins with. Else, in prose, its sentences.
4. In a list, what a colon, a dash or a bracket follows is the name and the rest its
   description; verdicts ("...: Yes", "...: No") choose and deny. Numbers and letters in
   front of names mean nothing, for the prompt has none.
5. A name is official, up to spelling ("tumour", "signalling"), or, as an item of a list
   only, one of `SHORT`. Names that are invented are ignored.
6. Names after "not" or "rather than" are denied. In prose without a cue that denies a
   name, nothing is read.
7. All ten without a verdict are an echo of the prompt and not an answer; so are lines
   with the prompt's own descriptions from its first name on.
8. "None of these", "no hallmark", "[]", or "No" for all ten say that there is none.
"""

from __future__ import annotations

import re

from ..tasks.hallmarks import HALLMARKS, MEANINGS
from .clean import clean, fold
from .cues import answer_cues
from .hallmark_names import MARK, masked, short
from .lists import BULLET, first_sentence, lines, segments
from .marks import as_answer, own_item, unwrapped

NOUNS = r"(?:answer[ \t]+)?categor(?:y|ies)|hallmarks?|labels?|class(?:es|ification)?|target"
ITEM = r"document\s*:"

NOT = re.compile(
    r"(?:\b(?:not|no|nor|neither|never|without|cannot|unlike|lacks?|rather\s+than|instead\s+of"
    r"|except|exclud\w+|rul\w+\s+out)\b|n't\b)[^.;\n]*\Z",
    re.I,
)
AGAINST = re.compile(
    r"[\W_]*(?:(?:is|was|are|were|does|do|did)\s*(?:not\b|n't)|(?:is|was)\s+(?:absent|never)\b)",
    re.I,
)
BUT = re.compile(r"\b(?:but|rather(?!\s+than)|instead(?!\s+of)|however|yet)\b|[.;\n]", re.I)
REASON = re.compile(r"\b(?:because|since|as\s+(?:it|the)|which)\b", re.I)
# What parts a name from its description, and a description that is a verdict.
DESCRIBES = re.compile(r"\s*(?::|=|\s-+\s|–|—|\|)\s*")
VERDICT = re.compile(
    r"[\W_]*(?:(?P<yes>yes|true|present|1|applies|applicable|relevant)"
    r"|(?P<no>no(?:ne)?|no\s+evidence|false|absent|0|n\s?/\s?a|not(?:\s+\w+){0,2}))"
    r"(?=\s*(?:\Z|[,;:()\]}–—-]|\.(?!\d)))",
    re.I,
)
BRACKETED = re.compile(r"\(\s*(yes|no|true|false|present|absent)\s*\)", re.I)
_ANY = r"(?:\w+\s+){0,2}(?:hallmarks?|categor(?:y|ies)|labels?)(?:\s+of\s+cancer)?"
NONE = re.compile(
    rf"\W*(?:none(?:\s+of\s+(?:these|them|the\s+(?:above|ten|given|listed|{_ANY})))?"
    r"(?:\s+(?:apply|applies|is|are)\b[^.;]*)?|null|nil|n\s?/\s?a|\[\s*\]|无"
    rf"|(?:there\s+(?:is|are)\s+)?no\s+{_ANY}(?:\s+(?:appl\w+|is|are|was|were|in|for)\b[^.;]*)?"
    rf"|[^.;]*(?:\bnot|n't)\s[^.;]*\bany\s+(?:of\s+the\s+)?{_ANY}\b[^.;]*)\W*",
    re.I,
)
# What may follow a name that is an item and no part of a sentence.
FOLLOWS = re.compile(r"[\"')\]}.]*\s*(?:\Z|[,;:(=|/&–—]|-+\s|and\s+⟦)", re.I)

PROSE = re.compile(r"\b(?:which|who|is|are|was|were|has|have|had|may|can)\b", re.I)
# The prompt's list said again, word by word from its beginning.
_FIRST = [f"{name}: {meaning}" for name, meaning in list(MEANINGS.items())[:3]]
ECHO = re.compile(r"\s+".join(r"\s+".join(map(re.escape, line.split())) for line in _FIRST), re.I)
TABLE_HEAD = re.compile(r"^[^\n]*\|[^\n]*\n[ \t|:-]*--[ \t|:-]*$\n?", re.M)


def read_hallmarks(text: str) -> frozenset[str] | None:
    """The hallmarks of cancer that a reply names.

    Parameters
    ----------
    text : str

    Returns
    -------
    frozenset of str or None
        Official names; empty if the reply says that none applies; None if it names
        none.

    Examples
    --------
    >>> sorted(read_hallmarks("1. Angiogenesis (new vessels)\\n2. Resisting cell death"))
    ['Inducing angiogenesis', 'Resisting cell death']
    >>> read_hallmarks("None of these")
    frozenset()
    >>> read_hallmarks("The drug slowed metastasis in mice.") is None
    True
    """
    text = as_answer(re.sub("[⟦⟧]", " ", fold(text)), NOUNS)
    reply = TABLE_HEAD.sub("", own_item(clean(unwrapped(text)) or "", ITEM))
    echo = ECHO.search(reply)
    reply = masked(reply)
    if echo:
        reply = re.sub(r"^\W*⟦\d⟧:.*\n?", "", reply, flags=re.M)
    cues = [cue for cue in answer_cues(reply) if not reply[cue.end :].lstrip().startswith("?")]
    for cue in reversed(cues):
        stated = reply[cue.end :]
        found = _listed(lines(f"not {stated.lstrip()}" if cue.negated else stated))
        if found is not None:
            return found
    return None if cues else _uncued(reply)


def _uncued(reply: str) -> frozenset[str] | None:
    """The list that a reply begins with, or its last line; else names in its prose."""
    block = [line.strip() for line in reply.splitlines() if line.strip()]
    if block and block[0].endswith(":") and not MARK.search(block[0]):
        block = block[1:]
    if not block:
        return None
    if NONE.fullmatch(first_sentence(block[0])):
        return frozenset()
    found = []
    for line in block:
        if not (_is_item(line) or (found and BULLET.match(line))):
            break
        found.append(line)
    if not found and _is_item(block[-1]):
        found = block[-1:]
    return _listed(found) if found else _told(reply)


def _is_item(line: str) -> bool:
    """Whether a line begins with a name that is no part of a sentence."""
    part = next(iter(_parts(line)), "").lstrip(" \"'[{|")
    mark = MARK.match(part)
    if mark:
        return bool(FOLLOWS.match(part, mark.end()))
    first, *others = re.split(r"[,|]", DESCRIBES.split(part)[0])
    return bool(short(first)) and not any(PROSE.search(other) for other in others)


def _told(reply: str) -> frozenset[str] | None:
    """The official names in prose that denies none of them and asks nothing."""
    names = set()
    for said in re.split(r"(?<=[.!?])\s+|\n", reply):
        for mark in MARK.finditer(said):
            if said.endswith("?") or _is_denied(said, mark):
                return None
            names.add(HALLMARKS[int(mark[1])])
    return frozenset(names) if 0 < len(names) < len(HALLMARKS) else None


def _is_denied(text: str, mark: re.Match) -> bool:
    clause = BUT.split(text[: mark.start()])[-1]
    return bool(NOT.search(clause) or AGAINST.match(text, mark.end()))


def _listed(found: list[str]) -> frozenset[str] | None:
    """The names that the lines of a list choose."""
    chosen: set[str] = set()
    denied: set[str] = set()
    verdicts = 0
    for part in (part for line in found for part in _parts(line)):
        head, rest = (DESCRIBES.split(part, maxsplit=1) + [""])[:2]
        here, against = _in_head(head)
        if not here | against and MARK.match(rest):
            here, against = _in_head(DESCRIBES.split(rest)[0])
        verdict = VERDICT.match(rest)
        verdicts += bool(verdict)
        if verdict and verdict["no"]:
            here, against = set(), here | against
        chosen |= here
        denied |= against
    if verdicts and len(denied) == len(HALLMARKS):
        return frozenset()
    if len(chosen) == len(HALLMARKS) and not verdicts:
        return None
    none = any(NONE.fullmatch(first_sentence(line)) for line in found)
    return frozenset(chosen - denied) or (frozenset() if none and not chosen else None)


def _parts(line: str) -> list[str]:
    """What semicolons, numbers, and commas before an official name part in a line."""
    parts = segments(BRACKETED.sub(r": \1", line.strip(" \t|")))
    return [item for part in parts for item in re.split(r",\s*(?=⟦)", first_sentence(part))]


def _in_head(head: str) -> tuple[set[str], set[str]]:
    """The names in an item before its description: the chosen and the denied ones."""
    chosen: set[str] = set()
    denied: set[str] = set()
    for item in re.split(r"[,、/]", REASON.split(head)[0]):
        for mark in MARK.finditer(item):
            (denied if _is_denied(item, mark) else chosen).add(HALLMARKS[int(mark[1])])
        if not MARK.search(item):
            chosen |= short(re.sub(r"\A\s*(?:and|or)\s", "", item))
    return chosen, denied
