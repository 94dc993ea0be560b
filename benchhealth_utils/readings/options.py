"""The options of a question, and where a reply names them by letter or by text."""

from __future__ import annotations

import re
from collections.abc import Mapping

from .clean import fold, without_marks
from .naming import AGAINST, ASIDE, Said, opening

# How an option's text is marked in a reply: ⟦C⟧, or ⟦AC⟧ if two options share it.
MARK = re.compile(r"⟦([^⟧]*)⟧")
# One letter. Before a text, A is its article unless it is its own letter.
LETTER = re.compile(r"[A-Z](?!(?<=A)\s+⟦(?![^⟧]*A))", re.I)
# Letters anywhere in a statement: (C), [C], option C; and marked texts.
LABELLED = re.compile(
    r"(?<!\w)[(\[]([A-Z])[)\]](?!\w)|\b(?:[Oo]ption|[Cc]hoice|[Ll]etter)\s+[\"'(]?([A-Z])\b"
)


class Options:
    """Letters, their texts, and what a statement names of them.

    Parameters
    ----------
    options : mapping of str to str
        Capital letters to texts.

    Examples
    --------
    >>> known = Options({"A": "Hepatitis", "B": "Chronic hepatitis", "C": "5 mg"})
    >>> known.mask("Not hepatitis but chronic  hepatitis.")
    'Not ⟦A⟧ but ⟦B⟧.'
    >>> known.named("⟦A⟧ (A)").chosen
    frozenset({'A'})
    """

    def __init__(self, options: Mapping[str, str]):
        self.letters = frozenset(options)
        self._texts: dict[str, str] = {}
        for letter, text in options.items():
            key = _key(without_marks(fold(text)))
            # A text that looks like a letter of this question is none.
            if key and key.upper() not in self.letters:
                self._texts[key] = self._texts.get(key, "") + letter
        self._long = _any_of([text for text in self._texts if not _is_brief(text)])
        self._brief = _any_of([text for text in self._texts if _is_brief(text)])

    def mask(self, text: str) -> str:
        """The text with a mark in place of every option's text.

        Whole words only, the first and longest where two overlap: neither
        "hepatitis" in "chronic hepatitis" nor the C of "vitamin C" is seen. Texts
        of fewer than five letters ("5 mg", "None") are too common to be marked.
        """
        text = re.sub("[⟦⟧]", " ", text)
        return self._long.sub(lambda match: f"⟦{self._texts.get(_key(match[0]), '')}⟧", text)

    def named(self, text: str) -> Said:
        """What a statement names; the first of these that is there.

        Brief texts or letters at its start; letters in brackets or after
        "option"; texts. Not what stands in a reason or is set aside.
        """
        found, rest = self.opens(text)
        if found:
            return Said(denied=found) if AGAINST.match(rest) else Said(found)
        aside = ASIDE.search(text)
        end = aside.start() if aside else len(text)
        for pattern in (LABELLED, MARK):
            chosen, denied = set(), set()
            for match in pattern.finditer(text, 0, end):
                against = AGAINST.match(text, match.end())
                (denied if against else chosen).update("".join(filter(None, match.groups())))
            if chosen or denied:
                return Said(frozenset(chosen), frozenset(denied))
        return Said()

    def opens(self, text: str) -> tuple[frozenset[str], str]:
        """The brief texts, or letters, at the very start of a text; and the rest."""
        found, rest = opening(text, self._brief)
        if found:
            return frozenset("".join(self._texts.get(_key(name), "") for name in found)), rest
        found, rest = opening(text, LETTER)
        return frozenset(letter.upper() for letter in found), rest


def _key(text: str) -> str:
    """An option's text as it is compared."""
    return re.sub(r"\s+", " ", text).strip(" .").lower()


def _is_brief(text: str) -> bool:
    return sum(character.isalpha() for character in text) < 5


def _any_of(texts: list[str]) -> re.Pattern:
    """Any of the texts as whole words and numbers, the longest first."""
    # Chinese has no spaces: its characters may touch a text, other letters not.
    word = r"(?-i:[^\W\u4e00-\u9fff])"
    either = "|".join(
        re.escape(text).replace(r"\ ", r"\s+") for text in sorted(texts, key=len, reverse=True)
    )
    return re.compile(
        rf"(?<!{word})(?<![<>≤≥±-])(?<!\d[.,])(?:{either or '(?!)'})(?!{word}|[-/%]\w|[.,]\d)", re.I
    )
