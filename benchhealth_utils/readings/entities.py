"""Names of diseases: what a reply lists, aligned with the sentence.

The rules, in the order in which they apply:

1. `clean`; JSON becomes a plain list; the sentence itself, where it is repeated, goes.
2. The first of these that names anything, or says none, counts: lines with a bar behind
   an id, as the prompt asks; lists below or behind a heading ("Diseases:", "The entities
   are"); a reply that is a list and nothing more. Of several, the last; but lines right
   below each other with one name each are one list, and what stands behind another id,
   or below another kind's heading ("Genes:"), is not read.
3. Semicolons, bars, bullets, numbers and line breaks part names. Commas and "and" do so
   where nothing else does, as `disease_names` says; but a single name that occurs and
   that a semicolon ends is one.
4. From a name go quotes, brackets around it and signs at its end, save a comma before a
   semicolon. If it does not occur in the sentence: what explains it, its type, its article.
5. "None", "no diseases", "[]" say that there is none. Sentences are no names. If nothing
   is left, or the reply is prose, it is not read.
6. `mentions` aligns the names, in their order if they can be; what does not occur is
   spurious.
"""

from __future__ import annotations

import re

from .clean import fold, own_answer, own_turn, without_marks, without_thoughts
from .entity_items import is_prose, items_of, names_in, parts_of, says_none
from .entity_lists import Group, groups
from .json_lists import as_lines
from .lists import BULLET
from .marks import unwrapped
from .mentions import Sentence, sentence_of

# Between names that are each in brackets or quotes.
WRAPPED = re.compile(r"(?<=[>\]\"'])\s*,\s*(?=[<\[\"'])")


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
    if not reply:
        return None
    reply = WRAPPED.sub("; ", as_lines(own_turn(reply)))
    reply = without_marks(unwrapped(reply))
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
    if not _counts(found):
        found = [group for group in found if _same(group.id, found[0].id)]
    together: list[Group] = []
    for group in found:
        if _names(group, known) is not None:
            together = [group] if group.apart else [*together, group]
    if not together:
        return None
    lines = [line for group in together for line in group.lines]
    if len(set(lines)) > 1 and all(len(_names(group, known)) < 2 for group in together):
        return _names(Group(together[0].kind, lines), known)
    return _names(together[-1], known)


def _same(one: str, other: str) -> bool:
    """Whether two ids may be the same one: "12" and "ncbi_disease-12"."""
    tails = [re.findall(r"\d+\Z", name) for name in (one, other)]
    return [] in tails or tails[0] == tails[1]


def _counts(found: list[Group]) -> bool:
    """Whether the ids are 1, 2, 3, ...: numbers of names, and no ids."""
    return [group.id for group in found] == [str(k) for k in range(1, len(found) + 1)]


def _names(group: Group, known: Sentence) -> list[str] | None:
    """The names in a group; "the diseases are ..." may also be prose that goes on."""
    names = names_in(group.lines, known)
    return None if names and group.kind == "tells" and not any(map(known.has, names)) else names


def _is_list(group: Group, known: Sentence) -> bool:
    """Whether lines without bar or heading are a list and nothing more."""
    if all(map(BULLET.match, group.lines)) or says_none(group.lines[0]):
        return True
    parts = parts_of(group.lines)
    pieces = parts if len(parts) > 1 else items_of(group.lines, known)
    if any(is_prose(piece, known) for piece in pieces):
        return False
    names = names_in(group.lines, known) or []
    short = len(names) > 1 and all(len(name.split()) < 4 for name in names)
    return short or any(map(known.has, names))
