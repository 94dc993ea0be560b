"""Which cards a study has: sides, repeats, attention checks, and orders.

A card here is a dict with ``item`` (dialogue id), ``kind``, ``repeat_of``, and the
models on its ``left`` and ``right``.
"""

from __future__ import annotations

from collections.abc import Sequence
from random import Random

from ..datasets import subset
from .folder import StudyError

SHUFFLES = 200


def pairs(drawn: Sequence, comparisons: Sequence[tuple[str, str]], random: Random) -> list[dict]:
    """Every drawn dialogue once a comparison, sides drawn.

    The first model is on the left in half of a comparison's pairs; of an odd number
    the one left over is drawn too.
    """
    cards = []
    for pair in comparisons:
        first_left = [i % 2 == 0 for i in range(len(drawn))]
        if len(drawn) % 2 and random.random() < 0.5:
            first_left[-1] = False
        random.shuffle(first_left)
        for item, is_first in zip(drawn, first_left, strict=True):
            left, right = pair if is_first else reversed(pair)
            cards.append(_card(item.id, "pair", left, right))
    return cards


def repeats(originals: Sequence[dict], share: float, random: Random) -> list[dict]:
    """A share of the pairs once more, sides swapped; ``repeat_of`` is the original's place."""
    chosen = sorted(random.sample(range(len(originals)), round(share * len(originals))))
    return [
        _card(originals[i]["item"], "repeat", originals[i]["right"], originals[i]["left"], i)
        for i in chosen
    ]


def checks(
    dialogues: Sequence, drawn: Sequence, number: int, models: Sequence[str], seed
) -> list[dict]:
    """One reply on both sides, from the models in turn.

    Dialogues that were not drawn come first; if there are too few, drawn ones are
    taken, and in the end some twice.
    """
    inside = {item.id for item in drawn}
    outside = [item for item in dialogues if item.id not in inside]
    source = subset(outside, number, f"{seed}:checks") if number else []
    random = Random(f"{seed}:checks")
    while len(source) < number:
        source += random.sample(list(drawn), min(len(drawn), number - len(source)))
    order = random.sample(list(models), len(models))
    return [
        _card(item.id, "check", *[order[i % len(order)]] * 2)
        for i, item in enumerate(source[:number])
    ]


def _card(item: str, kind: str, left: str, right: str, repeat_of: int | None = None) -> dict:
    return {"item": item, "kind": kind, "repeat_of": repeat_of, "left": left, "right": right}


def named(cards: Sequence[dict], random: Random) -> dict[str, dict]:
    """Cards under random ids, in an order that tells nothing; ``repeat_of`` becomes an id."""
    names: list[str] = []
    while len(names) < len(cards):
        name = f"c{random.getrandbits(44):011x}"  # no spreadsheet takes it for a number
        if name not in names:
            names.append(name)
    for card in cards:
        if card["repeat_of"] is not None:
            card["repeat_of"] = names[card["repeat_of"]]
    return {name: card for name, card in sorted(zip(names, cards, strict=True))}


def order(ids: Sequence[str], cards: dict[str, dict], random: Random) -> list[str]:
    """A random order in which repeats are far from their originals, if that can be.

    Far is a twentieth of all cards. Of at most 200 shuffles it is the first in which
    every repeat is, or the one with the fewest that are not.
    """
    ids = sorted(ids)
    again = [(card, cards[card]["repeat_of"]) for card in ids if cards[card]["kind"] == "repeat"]
    far = max(2, len(ids) // 20)
    best, fewest = ids, len(ids) + 1
    for _ in range(SHUFFLES):
        shuffled = random.sample(ids, len(ids))
        place = {card: i for i, card in enumerate(shuffled)}
        near = sum(abs(place[one] - place[other]) < far for one, other in again)
        if near < fewest:
            best, fewest = shuffled, near
        if not near:
            break
    return best


def comparisons(chosen, models: Sequence[str]) -> list[tuple[str, str]]:
    """The pairs of models to compare; by default every two.

    Raises
    ------
    StudyError
        If one is of an unknown model, of a model with itself, or comes twice.
    """
    if chosen is None:
        return [(a, b) for i, a in enumerate(models) for b in models[i + 1 :]]
    found = [tuple(pair) for pair in chosen]
    for pair in found:
        if len(pair) != 2 or pair[0] == pair[1] or not set(pair) <= set(models):
            raise StudyError(f"{pair!r} is no comparison. Name two of: {', '.join(models)}.")
    if not found or len({frozenset(pair) for pair in found}) < len(found):
        raise StudyError("Name each comparison once, and at least one.")
    return found
