"""Labels that a reply writes in words of its own: what it names, and what opens it."""

from __future__ import annotations

import re
from collections.abc import Mapping

from .cues import Statement
from .naming import BUT, FOLLOW, NOT, Said, opening

# After a label by itself: the end, or a sign. "Effect on", "mechanism is" are prose.
_SIGN = r"(?![\w'-])[\"')\]}]*\s*(?:\Z|\n|[.:;,(–—]|-+\s)"

ANYTHING = re.compile("")


class Words:
    """Labels, and the words that stand for them.

    Parameters
    ----------
    names : mapping of str to str
        Each label to the pattern, without groups that capture, of what stands for it.
        Where two fit, the longer is to come first in its own pattern.

    Examples
    --------
    >>> words = Words({"yes": "yes|related", "no": "no(?: relation)?|not related"})
    >>> sorted(words.named(Statement("not no but yes", "answer")).chosen)
    ['yes']
    >>> words.opens("Related. It is said twice."), words.opens("Related genes were seen.")
    ('yes', None)
    """

    def __init__(self, names: Mapping[str, str]):
        self._names = {key: re.compile(name, re.I) for key, name in names.items()}
        name = f"(?:{'|'.join(names.values())})"
        self._word = re.compile(rf"{name}(?![\w'-])", re.I)
        # "Yes" is no determiner: any word may follow it.
        loose = r"|yes(?![\w'-])" if "yes" in names else ""
        self._followed = re.compile(rf"{name}{FOLLOW.pattern}{loose}", re.I)
        self._by_itself = re.compile(rf"\A[\"'(\[{{⟨\s-]*{name}{_SIGN}", re.I)
        self._alone = re.compile(rf"[\W_]*{name}[\W_]*", re.I)

    def labels(self, found: list[str]) -> frozenset[str]:
        """The labels of words."""
        return frozenset(
            next(key for key, name in self._names.items() if name.fullmatch(word)) for word in found
        )

    def leading(self, text: str) -> tuple[frozenset[str], str]:
        """The labels that a text begins with, whatever follows; and the rest of it."""
        found, rest = opening(text, self._word, ANYTHING)
        return self.labels(found), rest

    def at(self, text: str) -> frozenset[str]:
        """The labels that a text begins with and that are no part of a phrase."""
        return self.labels(opening(text, self._followed, ANYTHING)[0])

    def named(self, statement: Statement) -> Said:
        """What a statement names; "not A but B" names B and denies A."""
        here = self.at(statement.text)
        denial = None if here else NOT.match(statement.text)
        if not denial:
            return Said(here)
        denied, _, instead = BUT.sub("\n", statement.text[denial.end() :], count=1).partition("\n")
        chosen = self.at(instead)
        return Said(chosen, self.at(denied) - chosen)

    def opens(self, reply: str) -> str | None:
        """What opens a reply before a sign, or is all of its last line.

        None if lines of the reply begin with different labels.
        """
        lines = [line for line in reply.splitlines() if line.strip()]
        if not lines or not (self._by_itself.match(lines[0]) or self._alone.fullmatch(lines[-1])):
            return None
        begin = [self.at(line) for line in lines if self._by_itself.match(line)]
        found = frozenset().union(*begin)
        return (*found,)[0] if len(found) == 1 else None
