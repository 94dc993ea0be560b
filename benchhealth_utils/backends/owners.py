"""Whose reply it is: one response id belongs to one item."""

from __future__ import annotations

from collections import Counter

REPEATED = 8  # times that one response id may come again, for another item


class Owners:
    """Which item each response id came for first, and which reply was given out for it."""

    def __init__(self):
        self._first: dict[str, int] = {}
        self._given: dict[int, str | None] = {}
        self._repeated: Counter[str] = Counter()

    def claim(self, position: int, identifier: str | None) -> bool:
        """Whether a reply is this item's; one without an id is taken to be."""
        owner = self._first.setdefault(identifier, position) if identifier else position
        if owner == position:
            self._given[position] = identifier
            return True
        self._repeated[identifier] += 1
        return False

    def take_back(self, identifier: str) -> int | None:
        """The item whose reply had this id, if it was given out; its owner is in doubt now."""
        owner = self._first[identifier]
        if self._given.get(owner) != identifier:
            return None
        del self._given[owner]
        return owner

    def hopeless(self, identifier: str) -> bool:
        """Whether an id has come again too often."""
        return self._repeated[identifier] >= REPEATED
