"""The same items in other words: a paired test of robustness.

An item is perturbed so that its meaning and its answer stay; a robust model then answers as
before. Only the test item changes, and for ``template`` the instruction; exemplars are those
the item has without a change. What is drawn, is drawn from the item's identifier and a seed.
The words are in ``data/perturbations.yaml``.
"""

from __future__ import annotations

import dataclasses
import hashlib
import re
from collections import namedtuple
from collections.abc import Sequence
from itertools import islice, permutations

from .registry import DATASETS, dataset, known
from .schema import BenchHealthError, Example, Reading, read_yaml
from .tasks import TASKS

RATE = 0.1  # of the words that may have a slip; at least one an item
SHORTEST = 6  # letters: a slip in a short word too often gives another word
TRIES = 20
WITH_SPANS = ("bc5_disease", "ncbi_disease")  # gold is a set of spans in the sentence
# The inputs that are prose. Options are not: a reply is read by them.
PROSE = ("question", "context", "disease", "symptoms", "findings", "record", "sentence", "text")

WORDS = read_yaml("perturbations.yaml")
PERTURBATIONS = WORDS["kinds"]  # what is changed, version, and where it applies, if not everywhere
KINDS = PERTURBATIONS | WORDS["variants"]  # with other wordings and exemplars, asked the same way
SLIPS = WORDS["typos"]
SPARED, REAL_WORDS = (frozenset(SLIPS[name].split()) for name in ("spared", "real_words"))
DRUG = re.compile(SLIPS["drugs"], re.X)
# Words in lower case on their own: no acronym, name, mark, id, compound or code, and
# not the unit after a number.
WORD = re.compile(
    rf"(?<![^\s(\[\"'])(?<!\d\s)[a-z]{{{SHORTEST},}}(?=[)\]\"']*(?:[,;:.!?][)\]\"']*)?(?:\s|\Z))"
)
MASKED = re.compile(r"\[\*\*.*?\*\*\]", re.S)  # de-identified places: "[**Hospital 1**]"

DISEASES = WORDS["abbreviations"]["diseases"]
EXPANSIONS = DISEASES | WORDS["abbreviations"]["others"]
EXPANSIONS |= {f"{short}s": f"{EXPANSIONS[short]}s" for short in WORDS["abbreviations"]["counted"]}
_ANY = "|".join(sorted(map(re.escape, EXPANSIONS), key=len, reverse=True))
# Whole words in capitals; no part of a compound, a code or a mark.
SHORT = re.compile(rf"(?<![\w@$/.&+-])(?:{_ANY})(?![\w$/&+(\['’-]|\.\w)")
ARTICLE = re.compile(r"\b[Aa]n?(?=\s+\Z)")
OPTIONS = {name: re.compile(p, re.I | re.S | re.X) for name, p in WORDS["options"].items()}

Edit = namedtuple("Edit", "place start end text")  # place: an input's name, and where in it


def applies(kind: str, key: str) -> bool:
    """Whether a perturbation can be asked of a data set; unknown names list the known ones.

    >>> applies("option_order", "medqa"), applies("option_order", "ddi")
    (True, False)
    """
    fits = KINDS[known("perturbation", kind, KINDS)].get("datasets", DATASETS)
    return dataset(key).key in fits and (kind != "template" or TASKS[key].reworded != "")


def check_applies(kind: str, key: str) -> None:
    """Refuse a perturbation that is unknown, or that a data set has no place for."""
    if not applies(kind, key):
        fit = ", ".join(name for name in DATASETS if applies(kind, name))
        raise BenchHealthError(f"'{kind}' does not apply to {key}; it does to {fit}.")


def perturb(example: Example, kind: str, seed: int = 0) -> Example:
    """An item in other words; its meaning, id and group stay. Or an exemplar with its steps.

    Parameters
    ----------
    example : Example
        As the data have it.
    kind : str
        Key in ``KINDS``.
    seed : int

    Returns
    -------
    Example
        The item itself where there is nothing to change. Gold says the same as before: the
        letter where the option now stands, the spans where the mentions now stand.

    Raises
    ------
    BenchHealthError
        If the kind does not apply to the data set, or the item is perturbed already.
    """
    check_applies(kind, example.dataset)
    if example.original is not None or example.instruction is not None:
        raise BenchHealthError(f"{example.id} of {example.dataset} is perturbed already.")
    task = TASKS[example.dataset]
    if wording := {"template": task.reworded, **task.variants}.get(kind):
        return dataclasses.replace(example, instruction=wording)
    if kind == "worked_steps":  # of an exemplar; a test item has no explanation
        steps = [f"{text}\n\n" for name, text in example.inputs.items() if name == "explanation"]
        return dataclasses.replace(example, inputs={**example.inputs, "steps": "".join(steps)})
    if kind == "option_order":
        olds = order(example, seed)
        return example if list(olds) == list(olds.values()) else _reordered(example, olds)
    return _rewritten(example, EDITS[kind](example, seed))


def restored(reading: Reading | None, example: Example, kind: str, seed: int = 0) -> Reading | None:
    """A reading of the perturbed item in the terms of the item itself.

    A letter becomes that of the same option in the given order, a span that of the same
    words in the given sentence; a span that ends within a change has no such place and
    counts as a name that is not in the sentence. So readings before and after are compared
    as they are, and scored by the item's own gold.

    Parameters
    ----------
    reading : Reading or None
    example : Example
        The item before it was perturbed.
    kind, seed
        As they were given to `perturb`.
    """
    if reading is None:
        return None
    if kind == "option_order":
        return order(example, seed)[reading]
    if kind not in EDITS or example.dataset not in WITH_SPANS:
        return reading
    edits = EDITS[kind](example, seed)
    spans = (member for member in reading if isinstance(member[0], int))
    places = (tuple(_moved_back(end, edits) for end in span) for span in spans)
    known = {place for place in places if None not in place}
    return frozenset(known) | {("spurious", number) for number in range(len(reading) - len(known))}


def perturbation_signature(kind: str, examples: Sequence[Example], seed: int = 0) -> dict:
    """What a run's signature says of its perturbation: kind and version.

    Of ``option_order`` also, by id, the old letters of the options in the order shown.
    """
    found = {"perturbation": kind, "perturbation_version": KINDS[kind]["version"]}
    if kind == "option_order":
        found["option_order"] = {item.id: "".join(order(item, seed).values()) for item in examples}
    return found


def _draw(*parts) -> int:
    """A number, uniform below 2**64, that only the parts decide."""
    return int.from_bytes(hashlib.sha256(":".join(map(str, parts)).encode()).digest()[:8])


# ---- Edits of the texts of an item


def _texts(example: Example) -> dict[tuple[str, int], str]:
    """The prose of an item, by place: an input's name, and the position in it if it is a list."""
    values = {name: example.inputs[name] for name in PROSE if name in example.inputs}
    parts = {name: [v] if isinstance(v, str) else v for name, v in values.items()}
    return {(name, i): text for name, texts in parts.items() for i, text in enumerate(texts)}


def _may_change(example: Example, text: str, start: int, end: int) -> bool:
    """Whether an edit there spares the mentions, and their words wherever they stand."""
    spans = example.gold if example.dataset in WITH_SPANS else ()
    kept = {word for a, b in spans for word in re.findall(r"\w+", text[a:b].casefold())}
    meets = any(a < end and start < b for a, b in spans)
    return not meets and kept.isdisjoint(re.findall(r"\w+", text[start:end].casefold()))


def _rewritten(example: Example, edits: Sequence[Edit]) -> Example:
    """The item with its texts edited, the spans of its gold moved along, tokens gone."""
    if not edits:
        return example
    texts, inputs, gold = _texts(example), dict(example.inputs), example.gold
    inputs.pop("tokens", None)
    for edit in sorted(edits, key=lambda edit: edit.start, reverse=True):
        text = texts[edit.place]
        texts[edit.place] = text[: edit.start] + edit.text + text[edit.end :]
    for name in {name for name, _ in texts}:
        parts = tuple(text for (own, _), text in texts.items() if own == name)
        inputs[name] = parts[0] if isinstance(inputs[name], str) else parts
    if example.dataset in WITH_SPANS:
        gold = frozenset(tuple(_moved(end, edits) for end in span) for span in gold)
    return dataclasses.replace(example, inputs=inputs, gold=gold, original=example.inputs)


def _moved(place: int, edits: Sequence[Edit]) -> int:
    """Where a place outside the edits stands after them."""
    return place + sum(len(e.text) - (e.end - e.start) for e in edits if e.end <= place)


def _moved_back(place: int, edits: Sequence[Edit]) -> int | None:
    """Where a place after the edits stood before them; None within an edit."""
    shift = 0
    for edit in sorted(edits, key=lambda edit: edit.start):
        start = edit.start + shift
        if place <= start:
            break
        if place < start + len(edit.text):
            return None
        shift += len(edit.text) - (edit.end - edit.start)
    return place - shift


# ---- Slips of the keyboard


def typos(example: Example, seed: int) -> list[Edit]:
    """The slips of an item: one letter in a tenth of its words, at least in one.

    Words of `SHORTEST` letters and more, in lower case and on their own, may have one. Left
    alone are numbers, units after them, marks, names with a capital, compounds, drug names
    that show themselves as such, and the words of gold mentions.
    """
    open_to_it = []
    for place, text in _texts(example).items():
        for word in WORD.finditer(MASKED.sub(lambda mark: "*" * len(mark[0]), text)):
            kept = word[0] in SPARED or DRUG.fullmatch(word[0])
            if not kept and _may_change(example, text, *word.span()):
                open_to_it.append((place, word.start(), word[0]))
    open_to_it.sort(key=lambda one: _draw("typos", seed, example.id, *one))
    slips = ((*one, _slip(one[2], _draw("slip", seed, example.id, *one[:2]))) for one in open_to_it)
    edits = (Edit(place, at, at + len(word), new) for place, at, word, new in slips if new)
    return list(islice(edits, max(1, round(RATE * len(open_to_it)))))


def _slip(word: str, number: int) -> str | None:
    """A word with one slip, which the number decides; None if all give real words.

    A letter is exchanged for its neighbour on the keyboard, exchanged with the next, dropped,
    or doubled. The first and the last letter stay.
    """
    for attempt in range(number, number + TRIES):
        rest = _draw("letter", number, attempt)
        at = 1 + rest % (len(word) - 2)
        keys, swap = SLIPS["beside"][word[at]], min(at, len(word) - 3)
        before, letter, after = word[:at], word[at], word[at + 1 :]
        beside = before + keys[rest // len(word) % len(keys)] + after
        swapped = word[:swap] + word[swap + 1] + word[swap] + word[swap + 2 :]
        slips = beside, swapped, before + after, before + 2 * letter + after
        new = slips[attempt % len(slips)]
        if new != word and new not in REAL_WORDS:
            return new
    return None


# ---- Abbreviations of the clinic, written out


def abbreviations(example: Example, seed: int = 0) -> list[Edit]:
    """Every known abbreviation of an item, written out; nothing is drawn.

    One that the item itself explains is written out only if the item means the same by it,
    and stays where it stands in brackets. "An MI" becomes "a myocardial ...". In sentences
    whose diseases are gold, those of diseases and the words of mentions stay.
    """
    parts = _texts(example)
    whole = "\n".join(parts.values())
    spared = DISEASES if example.dataset in WITH_SPANS else {}
    edits = []
    for place, text in parts.items():
        for found in SHORT.finditer(text):
            start, end = found.span()
            before, after = text[:start], text[end:]
            article = ARTICLE.search(before)
            bracketed = re.search(r"[(\[]\s*\Z", before) and re.match(r"\s*[)\],;]", after)
            first = article.start() if article else start
            kept = bracketed or found[0].removesuffix("s") in spared
            if kept or not (_agrees(found[0], whole) and _may_change(example, text, first, end)):
                continue
            long = EXPANSIONS[found[0]]
            if re.search(r"(?:\A|[.!?]\s+|\n\s*)\Z", before):
                long = long[0].upper() + long[1:]
            edits.append(Edit(place, start, end, long))
            if article:
                right = article[0][0] + ("n" if long[0].lower() in "aeio" else "")
                edits += [Edit(place, *article.span(), right)] if right != article[0] else []
    return edits


def _agrees(short: str, whole: str) -> bool:
    """Whether an item does not explain an abbreviation, or as here."""
    singular = short.removesuffix("s") if short.removesuffix("s") in EXPANSIONS else short
    said, long = re.escape(singular), _letters(EXPANSIONS[singular])
    if re.search(rf"(?<!\w){said}s?\s*(?:[(\[]|=|, or )\s*[A-Za-z]", whole):
        return False  # words in brackets after it
    explained = re.finditer(rf"[(\[]\s*[\"']?{said}s?[\"']?\s*[)\],;:=]", whole)
    words = (_letters(whole[: found.start()]) for found in explained)
    return all(before.removesuffix("s").endswith(long) for before in words)


def _letters(text: str) -> str:
    return re.sub(r"[\W\d_]+", "", text[-200:]).lower()


# ---- The options of an exam question in another order


def order(example: Example, seed: int) -> dict[str, str]:
    """Which option stands behind each letter after the change: new letter to old letter.

    An order other than the given one, each as likely, over the options before the first
    that speaks of others ("All of the above"): it, and what follows it, stays. Where fewer
    than two are left, or an option names another by its letter, all stay.

    Examples
    --------
    >>> options = {"A": "Gout", "B": "Flu", "C": "None of the above"}
    >>> order(Example("1", "medqa", {"options": options}, "A", "1"), 0)
    {'A': 'B', 'B': 'A', 'C': 'C'}
    """
    options, (about, named) = example.inputs["options"], OPTIONS.values()
    letters = list(options)
    fixed = [i for i, letter in enumerate(letters) if about.fullmatch(options[letter])]
    free = letters[: min(fixed, default=len(letters))]
    if len(free) < 2 or any(named.fullmatch(text) for text in options.values()):
        return dict(zip(letters, letters, strict=True))
    others = list(permutations(free))[1:]  # the first is the given order
    drawn = others[_draw("option_order", seed, example.id) % len(others)]
    return dict(zip(letters, [*drawn, *letters[len(free) :]], strict=True))


def _reordered(example: Example, olds: dict[str, str]) -> Example:
    options = {new: example.inputs["options"][old] for new, old in olds.items()}
    gold = {old: new for new, old in olds.items()}.get(example.gold, example.gold)
    inputs = {**example.inputs, "options": options}
    return dataclasses.replace(example, inputs=inputs, gold=gold, original=example.inputs)


EDITS = {"typos": typos, "abbreviations": abbreviations}
