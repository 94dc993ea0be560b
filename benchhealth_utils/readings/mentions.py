"""Where the names that a reply gives occur in the sentence they are said to be from."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache

from .clean import fold

# A sentence of few words and without one of these may be a title, which is a name.
TITLE = 10
VERB = re.compile(
    r"\b(?:is|are|was|were|be|been|has|have|had|do|does|did|may|might|can|could|will|would|should"
    r"|show(?:s|ed)?|cause[sd]?|develop(?:s|ed)?|occurs?|occurred|received?|results?|remain(?:s|ed)?"
    r"|fell|rose|underwent|suggest(?:s|ed)?)\b"
)
# What may stand around a sentence that is repeated.
LEAD = re.compile(r"(?P<paragraph>\bparagraph\b[^|\n]*?)?(?:[\w.-]+\s*\|\s*)?[\"']?\Z", re.I)
AFTER = re.compile(r"[.\"']*")
# Signs that cleaning a reply may have taken off.
TAKEN = "*_`$"


class Sentence:
    """A sentence, and what occurs in it.

    White space beside a sign does not count, for the sentence was put together from
    tokens; nor do case and typographic signs, but an abbreviation in capitals is not the
    word it spells.

    Parameters
    ----------
    text : str

    Examples
    --------
    >>> sentence = Sentence("In all children with leukaemia (ALL), ALL was treated.")
    >>> sentence.spans("ALL"), sentence.spans("Leukaemia ( all )")
    ([(32, 35), (38, 41)], [(21, 36)])
    """

    def __init__(self, text: str):
        self._key, self._places = _key(text)
        self._low = _lower(self._key)
        words = len(text.split())
        self._is_title = words <= TITLE and not VERB.search(text)
        self._is_long = words > 3

    def spans(self, name: str) -> list[tuple[int, int]]:
        """Places of a name as a whole word, the likeliest first.

        Those in its very case come before others, and those by themselves before those
        that a hyphen or slash joins to another word ("VHL-negative").
        """
        key = _key(name)[0]
        places = self._find(_lower(key), self._low)
        found = [place for place in places if not self._is_word(key, place)]
        found.sort(key=lambda place: (not self._is(key, place), self._is_joined(place)))
        return [(self._places[first], self._places[last - 1] + 1) for first, last in found]

    def has(self, name: str) -> bool:
        """Whether a name occurs."""
        return bool(self.spans(name))

    def align(self, names: Iterable[str]) -> frozenset[tuple]:
        """A reading of names: each takes a place of its own, or is spurious.

        In the order of the list if that finds a place for each name that occurs, each
        after the one before it; else longer names first, so that a name which is part of
        another one gets another place.

        Examples
        --------
        >>> sorted(Sentence("Breast cancer is a cancer.").align(["cancer", "breast cancer"]))
        [(0, 13), (19, 25)]
        >>> Sentence("Gout is old.").align(["gout", "gout"]) == {(0, 4), ("spurious", 0)}
        True
        """
        names = list(names)
        places = {name: self.spans(name) for name in names}
        occurring = [name for name in names if places[name]]
        taken: list[tuple[int, int]] = []
        for name in occurring:
            last = taken[-1][1] if taken else 0
            taken += [place for place in places[name] if place[0] >= last][:1]
        if len(taken) < len(occurring):
            taken = []
            for name in sorted(occurring, key=len, reverse=True):
                free = [
                    (start, end)
                    for start, end in places[name]
                    if all(end <= first or last <= start for first, last in taken)
                ]
                taken += free[:1]
        missing = range(len(names) - len(taken))
        return frozenset(taken) | {("spurious", number) for number in missing}

    def without_echo(self, reply: str) -> str:
        """The reply without the sentence, where it is repeated and is no name.

        >>> Sentence("He was ill, of gout.").without_echo("x-1 | He was ill , of gout. x-1 | gout")
        ' x-1 | gout'
        """
        key, places = _key(reply)
        kept, place = "", 0
        for first, last in self._find(self._low.rstrip("."), _lower(key)):
            start, end = places[first], places[last - 1] + 1
            if start < place:
                continue
            lead, after = LEAD.search(reply, place, start), AFTER.match(reply, end)
            # A title counts as repeated after "Paragraph:", or if its full stop is there.
            if not self._is_title or lead["paragraph"] or (self._is_long and "." in after[0]):
                kept += reply[place : lead.start()]
                place = after.end()
        return kept + reply[place:]

    def _find(self, part: str, whole: str):
        place = whole.find(part) if part else -1
        while place >= 0:
            end = place + len(part)
            begins = not (place and whole[place - 1].isalnum() and part[0].isalnum())
            if begins and not (end < len(whole) and whole[end].isalnum() and part[-1].isalnum()):
                yield place, end
            place = whole.find(part, place + 1)

    def _is(self, key: str, place: tuple[int, int]) -> bool:
        return self._key[place[0] : place[1]] == key

    def _is_joined(self, place: tuple[int, int]) -> bool:
        beside = self._key[max(place[0] - 1, 0) : place[0]] + self._key[place[1] : place[1] + 1]
        return "-" in beside or "/" in beside

    def _is_word(self, key: str, place: tuple[int, int]) -> bool:
        """Whether "ALL" has met "all"."""
        capitals = sum(letter.isupper() for letter in key)
        return len(key) < 4 and capitals > 1 and self._key[place[0] : place[1]].islower()


@lru_cache(maxsize=4)
def sentence_of(text: str) -> Sentence:
    """`Sentence`, kept for the next reply about it."""
    return Sentence(text)


def _key(text: str) -> tuple[str, list[int]]:
    """Characters that count, and the place of each in the text."""
    signs = [
        (sign, place)
        for place, one in enumerate(text)
        for sign in (one if one.isascii() else fold(one))
        if sign not in TAKEN
    ]
    key: list[str] = []
    places: list[int] = []
    space = None
    for sign, place in signs:
        if sign.isspace():
            space = place
            continue
        if space is not None and key and key[-1].isalnum() and sign.isalnum():
            key.append(" ")
            places.append(space)
        space = None
        key.append(sign)
        places.append(place)
    return "".join(key), places


def _lower(text: str) -> str:
    """Lower case, character by character, so that places stay."""
    return "".join(low if len(low := sign.lower()) == 1 else sign for sign in text)
