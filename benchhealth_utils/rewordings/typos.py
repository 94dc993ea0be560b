"""Slips of the keyboard: one letter of some words, as a hasty hand would leave it."""

from __future__ import annotations

import re

from ..schema import Example
from .edits import Edit, draw, may_change, texts
from .real_words import REAL_WORDS

RATE = 0.1  # of the words that may have a slip; at least one an item
SHORTEST = 6  # letters: a slip in a short word too often gives another word
KINDS = ("neighbour", "swap", "drop", "double")
TRIES = 20

# Words in lower case on their own: no acronym, name, mark, id, compound or code, and
# not the unit after a number.
WORD = re.compile(
    rf"(?<![^\s(\[\"'])(?<!\d\s)[a-z]{{{SHORTEST},}}(?=[)\]\"']*(?:[,;:.!?][)\]\"']*)?(?:\s|\Z))"
)
# De-identified places in clinical notes: "[**Hospital 1**]".
MASKED = re.compile(r"\[\*\*.*?\*\*\]", re.S)
# Names of drugs, by the stems of international non-proprietary names; then some
# common names without one.
DRUG = re.compile(
    r"(?:cef|sulfa)\w+|\w+(?:olol|pril|sartan|statin|azoles?|cillins?|mycin|micin|cyclines?"
    r"|oxacin|azepam|azolam|barbital|caine|dipine|thiazides?|semide|tidine|triptan"
    r"|triptyline|pramine|oxetine|mab|nib|vir|parin|gliptin|glitazones?|formin|sone|solone"
    r"|onide|profen|oxicam|coxib|dronate|lukast|phylline|setron|terol|tropium|curium|fibrate"
    r"|penem|zosin|platin|rubicin|taxel|mustine|bactam|fungin|quine|toin|zepine|peridol"
    r"|peridone|apine|codone|orphone|fentanil|limus|trexate|zolid|vudine|citabine|abine"
    r"|poetin|grastim|relin|tocin|thyroxine|amide|idine|azine|amine|oxone|pamil|dilol|prostol"
    r"|pressin|afil|sentan|azodone|gatran|xaban|gliflozin|glutide|domide|poside|relbine)s?"
    r"|allopurinol|amiodarone|aspirin|baclofen|caffeine|cisapride|codeine|colchicine"
    r"|cyclosporine?|ciclosporin|digitalis|digoxin|diltiazem|dopamine|epinephrine"
    r"|estradiol|ethanol|fentanyl|fluorouracil|heparin|insulin|isoniazid|lamotrigine"
    r"|levodopa|lithium|methadone|methyldopa|morphine|naloxone|nicotine|nitroglycerin"
    r"|paracetamol|acetaminophen|phenytoin|probenecid|propofol|pyridoxine|quinine"
    r"|rifampicin|rifampin|tamoxifen|valproate|valproic|verapamil|vincristine|vinblastine"
    r"|warfarin|alcohol"
)
# Words that a slip could make rude.
SPARED = frozenset(
    "bigger clocks counts cramps peeling pooled pooling shifts shirts sicker".split()
)
# Keys beside each other on the common English layout.
BESIDE = {
    "q": "wa", "w": "qes", "e": "wrd", "r": "etf", "t": "ryg", "y": "tuh", "u": "yij",
    "i": "uok", "o": "ipl", "p": "ol", "a": "qsz", "s": "adwx", "d": "sfec", "f": "dgrv",
    "g": "fhtb", "h": "gjyn", "j": "hkum", "k": "jlio", "l": "kop", "z": "asx",
    "x": "zcs", "c": "xvd", "v": "cbf", "b": "vng", "n": "bmh", "m": "njk",
}  # fmt: skip


def typos(example: Example, seed: int) -> list[Edit]:
    """The slips of an item: one letter in a tenth of its words, at least in one.

    Words of `SHORTEST` letters and more, in lower case and on their own, may have one.
    Left alone are numbers, units after them, marks, names with a capital, compounds,
    drug names that show themselves as such, and the words of gold mentions.
    """
    open_to_it = []
    for place, text in texts(example).items():
        masked = [found.span() for found in MASKED.finditer(text)]
        for word in WORD.finditer(text):
            start, end = word.span()
            hidden = any(a < end and start < b for a, b in masked)
            kept = hidden or word[0] in SPARED or DRUG.fullmatch(word[0])
            if not kept and may_change(example, text, start, end):
                open_to_it.append((place, start, word[0]))
    open_to_it.sort(key=lambda one: draw("typos", seed, example.id, *one))
    wanted = max(1, round(RATE * len(open_to_it)))
    edits: list[Edit] = []
    for place, start, word in open_to_it:
        new = slip(word, draw("slip", seed, example.id, place, start))
        if new and len(edits) < wanted:
            edits.append(Edit(place, start, start + len(word), new))
    return edits


def slip(word: str, number: int) -> str | None:
    """A word with one slip, which the number decides; None if all give real words.

    A letter is exchanged for its neighbour on the keyboard, exchanged with the next,
    dropped, or doubled. The first and the last letter stay.

    Examples
    --------
    >>> [slip("patients", number) for number in range(4)]
    ['payients', 'pateints', 'pattients', 'patieents']
    """
    for attempt in range(number, number + TRIES):
        kind = KINDS[attempt % len(KINDS)]
        rest = draw("letter", number, attempt)
        new = _slipped(word, kind, 1 + rest % (len(word) - 2), rest // len(word))
        if new != word and new not in REAL_WORDS:
            return new
    return None


def _slipped(word: str, kind: str, at: int, choice: int) -> str:
    letter = word[at]
    if kind == "neighbour":
        keys = BESIDE[letter]
        return word[:at] + keys[choice % len(keys)] + word[at + 1 :]
    if kind == "drop":
        return word[:at] + word[at + 1 :]
    if kind == "double":
        return word[:at] + letter + word[at:]
    at = min(at, len(word) - 3)
    return word[:at] + word[at + 1] + word[at] + word[at + 2 :]
