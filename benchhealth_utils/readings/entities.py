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

_DISEASES = r"(?:\w+\s+){0,2}(?:diseases?|disorders?|entit(?:y|ies)|mentions?|conditions?)(?:\s+(?:names?|entities|mentions?))?"
_FOUND = r"(?:\s+(?:(?:is|are|was|were|has|have|been|explicitly|specifically)\s+)*(?:mentioned|found|identified|recogni[sz]ed|present|detected|listed|named|reported))?"
_WHERE = r"(?:\s+(?:in|from|within)\s+[\w\s]{1,40})?"
NONE = re.compile(
    rf"\W*(?:none{_FOUND}{_WHERE}|nil|null|nothing|n\s?/\s?a|not\s+(?:applicable|mentioned|found)|empty"
    rf"|no(?:t\s+any)?\s+{_DISEASES}{_FOUND}{_WHERE}"
    rf"|there\s+(?:is|are|were|was)\s+(?:no|not\s+any)\s+{_DISEASES}{_FOUND}{_WHERE}"
    rf"|(?:the|this)\s+\w+\s+(?:does\s+not|doesn't|did\s+not)\s+\w+\s+(?:any\s+)?{_DISEASES}{_WHERE}"
    rf"|(?:the|this)\s+\w+\s+(?:contains?|mentions?|names?|includes?|has)\s+no\s+{_DISEASES}{_WHERE}"
    r"|无|没有(?:疾病)?|无疾病)\W*",
    re.I,
)
PROSE = re.compile(
    r"\b(?:is|are|was|were|be|been|has|have|had|does|did|do|which|who|that|this|these|those|it|they"
    r"|you|we|I|I'm|my|me|cannot|can't|can|may|should|would|sorry|please|mentions?|there|here|if"
    r"|goes|points?|shows?)\b|[抱歉无法]",
    re.I,
)
MOST_WORDS = 8
# What parts names for certain.
STRONG = re.compile(r"\s*[;•|]\s*")
NUMBERED = re.compile(r"(?:^|\s)\(?\d{1,2}[.)]\s+")
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
