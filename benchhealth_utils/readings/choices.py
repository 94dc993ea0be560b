"""Letters and labels: which one of a few allowed answers a reply chooses.

The rules, in the order in which they apply:

1. `clean`; a reply cut off inside a thought is not read.
2. Statements at cues (see `cues`) are followed in their order; the last that names
   an answer wins. Two answers in one statement, a firm statement that cannot be
   read, and "the answer is unclear" take back what was said before; "the answer is
   not B" takes back B. If the reply has an answer cue, nothing else is looked at.
3. Else the reply opens with its answer ("B) ...", "No, ..."), or its last line is
   nothing but the answer; not if it lists the options or the two differ.
4. Letters only: else the text of exactly one option stands in the reply, in
   sentences that deny nothing.
5. Else None. There is no default.

In one statement the first of these that is there counts:

a. the answer at its start, after words such as "indeed" or "most likely option",
   with others joined to it by "and", "or", a comma, a slash;
b. letters in brackets or after "option";
c. the text of an option: whole words, the longest match; a text of fewer than five
   letters ("5 mg", "None") only at the start.

An answer is a word of its own and not the article, the determiner or the initial of
what follows: "A 45-year-old", "No evidence", "B12", "E. coli". An option's text
hides the letters in it ("Vitamin C"); otherwise a letter is preferred to a text.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache

from .clean import clean
from .cues import Statement, sentence, statements
from .naming import AGAINST, BUT, DENIES, FOLLOW, NOT, UNSURE, Said, opening
from .options import MARK, Options

# Chinese words for the labels; they count between signs only.
CHINESE = {"是": "yes", "是的": "yes", "否": "no", "可能": "maybe"}
CHINESE_FOLLOW = r"(?=\s*(?:\Z|[.,:;!?)\]\"'。、」或和/\n]))"
# Labels that are no determiner: after a cue any word may follow them. At the start of
# a reply "maybe" is an adverb ("Maybe it works") unless a sign follows.
LOOSE, ADVERBS = {"yes", "maybe"}, {"maybe"}
ANYTHING = re.compile("")
SIGN_OR_REASON = re.compile(r"\s*(?:\Z|[^\w\s]|(?:because|since|as)\b)", re.I)
# What may follow in a weak statement: the option's text, then the end or a reason. Not
# in "Therefore, B is unlikely".
AT_ONCE = re.compile(
    rf"[\s)\].,:\"'(–—-]*(?:{MARK.pattern})?[\s)\].,!?\"']*"
    r"(?:\Z|\(|\b(?:because|since|as|not|rather|over|instead|in\ this)\b)",
    re.I,
)


def read_letter(text: str, options: Mapping[str, str]) -> str | None:
    """The letter of the option a reply chooses.

    Parameters
    ----------
    text : str
    options : mapping of str to str
        Capital letters to texts.

    Returns
    -------
    str or None
        A key of `options`, or None if the reply does not choose one.

    Examples
    --------
    >>> options = {"A": "Warfarin", "B": "Amoxicillin", "C": "Metformin"}
    >>> read_letter("Option A is tempting, but the answer is metformin.", options)
    'C'
    >>> read_letter("The answer is a beta blocker.", options) is None
    True
    """
    known = _known(tuple(options.items()))
    reply = known.mask(clean(text) or "").strip()
    reading, cued = follow(statements(reply), lambda said: _letters(said, known))
    if reply and not cued:
        reading = _bare_letter(reply, known) or _only_text(reply, known)
    return reading if reading in known.letters else None


def read_label(text: str, labels: Iterable[str]) -> str | None:
    """The label a reply chooses.

    Parameters
    ----------
    text : str
    labels : iterable of str
        Such as ``("yes", "no", "maybe")``; lower case.

    Returns
    -------
    str or None
        One of `labels`, or None if the reply does not choose one.

    Examples
    --------
    >>> read_label("No evidence was found. The answer is: Maybe.", ("yes", "no", "maybe"))
    'maybe'
    >>> read_label("No evidence was found.", ("yes", "no", "maybe")) is None
    True
    """
    labels = tuple(labels)
    reply = clean(text) or ""
    reading, cued = follow(statements(reply), lambda said: _labels(said, labels))
    return _bare_label(reply, labels) if reply and not cued else reading


def follow(said: Iterable[Statement], names: Callable) -> tuple[str | None, bool]:
    """The answer that stands after all statements, and whether there was a cue.

    Parameters
    ----------
    said : iterable of Statement
    names : callable
        From a statement to `Said`.
    """
    answer, cued = None, False
    for statement in said:
        found = names(statement)
        weak = statement.kind == "weak"
        cued = cued or not weak or len(found.chosen) == 1
        if len(found.chosen) == 1:
            (answer,) = found.chosen
        elif answer in found.denied:
            answer = None
        elif weak or not statement.text or found.denied:
            continue
        elif found.chosen or statement.kind == "firm" or UNSURE.search(statement.text):
            answer = None
    return answer, cued


@lru_cache(maxsize=16)
def _known(options: tuple[tuple[str, str], ...]) -> Options:
    return Options(dict(options))


def _letters(statement: Statement, known: Options) -> Said:
    text = statement.text
    denial = NOT.match(text)
    if denial:
        denied, _, instead = BUT.sub("\n", text[denial.end() :], count=1).partition("\n")
        chosen = known.named(instead).chosen
        return Said(chosen, known.named(denied).chosen - chosen)
    found = known.named(text)
    if statement.kind == "weak" and not AT_ONCE.match(known.opens(text)[1]):
        return Said(denied=found.denied)
    return found


def _bare_letter(reply: str, known: Options) -> str | None:
    """The letter that opens the reply, or that is all of its last line."""
    lines = [line for line in reply.splitlines() if line.strip()]
    listed = re.findall(r"(?:^|(?<=\s))\W?([A-Z])(?:[).:]\s*(?=⟦)|[).:]\s)", reply, re.M)
    found = set()
    opens, rest = known.opens(lines[0])
    reviews = len(listed) > 1 and ord(listed[1]) == ord(listed[0]) + 1
    # "B", "B) ...", "B because ..."; not "A is for airway", "D. ... is wrong".
    if not reviews and re.match(
        r"\s?(?:\Z|[^\w\s,])|,?\s*(?:because|since|as|not|rather than)\b", rest, re.I
    ):
        if AGAINST.match(rest):
            return None
        found |= opens
    opens, rest = known.opens(lines[-1])
    if not re.search(r"\w", rest) or (not reviews and re.fullmatch(r"\W*⟦\w+⟧\W*", rest)):
        found |= opens
    return found.pop() if len(found) == 1 else None


def _only_text(reply: str, known: Options) -> str | None:
    """The option whose text the reply begins with or, alone, has in it."""
    first = re.fullmatch(r"\W*⟦([A-Z])⟧\W*", sentence(reply))
    if first:
        return first[1]
    found = {letter for mark in MARK.findall(reply) for letter in mark}
    sentences = re.split(r"(?<=[.!?。])\s|\n", reply)
    if len(found) != 1 or any(MARK.search(one) and DENIES.search(one) for one in sentences):
        return None
    return found.pop()


def _labels(statement: Statement, labels: tuple[str, ...]) -> Said:
    denial = NOT.match(statement.text)
    if denial:
        return Said(denied=_labels_at(statement.text[denial.end() :], labels)[0])
    return Said(_labels_at(statement.text, labels)[0])


def _labels_at(text: str, labels: tuple[str, ...]) -> tuple[frozenset[str], str]:
    """The labels at the very start of a text, and the rest of it."""
    found, rest = opening(text, _words(labels), ANYTHING)
    return frozenset(CHINESE.get(word, word.lower()) for word in found), rest


@lru_cache
def _words(labels: tuple[str, ...]) -> re.Pattern:
    """Any of the labels, in English or Chinese, with what must follow it."""
    words = [
        re.escape(label) + (r"(?![\w'-])" if label in LOOSE else FOLLOW.pattern) for label in labels
    ]
    words += [word + CHINESE_FOLLOW for word, label in CHINESE.items() if label in labels]
    return re.compile("|".join(words), re.I)


def _bare_label(reply: str, labels: tuple[str, ...]) -> str | None:
    """The label that opens the reply before a sign, or is all of its last line."""
    lines = [line for line in reply.splitlines() if line.strip()]
    opens, rest = _labels_at(lines[0], labels)
    found = set(opens) if SIGN_OR_REASON.match(rest) or not opens & ADVERBS else set()
    ends, rest = _labels_at(lines[-1], labels)
    if not re.search(r"\w", rest):
        found |= ends
    return found.pop() if len(found) == 1 else None
