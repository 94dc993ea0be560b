"""What in a reply tells who wrote it, by stated rules.

The rules look for words, so a rater may still guess from style; the report of a
study says so. Names that are also ordinary words (Claude, Alpaca, Gemini) count
only where the reply speaks of itself. A rule takes in the telling words and nothing
after them, since what follows may be advice.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from ..models import MODELS

REMOVED = "[removed]"
PHYSICIAN = "physician"

_AI = (
    r"(?:AI|A\.I\.|(?i:artificial intelligence|(?:large )?language model|LLM|chat ?bot"
    r"|virtual (?:assistant|doctor)|(?:computer|software) program))"
)
_NOUN = (
    rf"{_AI}(?:[ -](?i:based|powered|driven|large|language|models?|assistant|chat ?bot|program"
    r"|system|tool|bot|doctor|physician|service|companion))*\b"
)
_SELF = r"(?i:\bas|\bI am|\bI['’]m|\bI was|\bbeing|\bmy name is|\bthis is|\bcalled)"
_NAMES = (
    r"chat ?gpt|gpt-[345][\w.-]*|open ?ai\b|anthropic|deep ?mind|chat ?doctor|i ?cliniq"
    r"|health ?care ?magic|med-?alpaca|chat-?glm|doctor-?glm|huatuo|bentsao|smollm\w*"
    r"|llama-?[234]|vicuna-|baize-|med-?palm|mi[sx]tral ai|mixtral|qwen|deep ?seek|hugging ?face"
)
PERSONS = (
    r"(?:Claude|L[Ll]a[Mm][Aa]|Alpaca|Vicuna|Baize|Gemini|Bard|Mistral|Grok|Copilot|Phi|Zephyr)"
)

# Who made it: a name, or a team of some kind with or without one.
_NAME = (
    r"(?!(?:I|Dr|Prof|You|Your|The|My|We)\b)[A-Z][\w&-]*"
    r"(?: (?:AI|Cloud|Face|DeepMind|Research|Brain|Labs?|Inc|Platforms|University)\b)*"
)
_GROUP = (
    r"(?i:(?:an?|the) (?:[\w-]+ )??(?:team|company|group|lab|start-?up|researchers|engineers"
    r"|developers)(?: of (?:researchers|engineers|developers|scientists))?)"
)
_BY = (
    r"(?i:developed|trained|created|made|built|designed) by "
    rf"(?:{_GROUP}(?: (?:at|of|from) {_NAME})?|{_NAME})"
)

# In the order in which they are looked for; where two overlap the first is kept.
RULES = {
    "marks": re.compile(
        r"<\|[^|>\n]{1,40}\|>|</?s>|\[\|(?:AI|Human)\|\]|\[/?INST\]|<</?SYS>>|^#{2,3} ?"
        r"(?:Human|Assistant|Response|Instruction|Input)\b:?",
        re.M,
    ),
    "greeting": re.compile(
        r"\bWelcome to (?:the )?(?:[^.!?\n]{0,40}\bforum\b|\w+\.com\b|i?Chat ?Doctor\b)[.,!]? ?",
        re.I,
    ),
    "is_ai": re.compile(
        rf"{_SELF} (?i:(?:just|only|simply|merely|actually|not|also|but) )*"
        rf"(?:(?i:an?|the|your) (?:[\w-]+ ){{0,2}}?)?{_NOUN}"
        rf"(?:,? (?i:(?:that|which|who) (?:is|was) )?{_BY})?,?"
    ),
    "made_by": re.compile(
        r"\b[Ii](?: am| was| have been|['’]m|['’]ve been)(?: originally| specially)? "
        rf"{_BY}"
    ),
    "not_a_doctor": re.compile(
        r"\bI(?: am|['’]m) not an? (?:\w+ ){0,3}?(?:doctor|physician|professional)\b", re.I
    ),
    "name": re.compile(rf"\b(?i:{_NAMES})[\w.-]*|{_SELF} (?:[\w-]+ ){{0,2}}?{PERSONS}\b(?![’'-])"),
}
WHAT = {
    "marks": "marks of a model's own chat format",
    "greeting": "the greeting of the forum that physicians wrote for",
    "is_ai": "the reply says that it comes from a program",
    "made_by": "the reply says who made it",
    "not_a_doctor": "the reply says that it is not from a doctor",
    "name": "the name of a model, a maker or the forum",
}
GONE = ("marks", "greeting")  # left out without a trace when redacting


@dataclass(frozen=True)
class Telling:
    """A place in a reply that tells who wrote it: the rule, and where."""

    rule: str
    start: int
    end: int


def telling(text: str, models: Iterable[str] = ()) -> list[Telling]:
    """Places that tell who wrote a reply, in order, none overlapping.

    Parameters
    ----------
    text : str
    models : iterable of str
        Names of the models compared, looked for beside those that everyone knows.

    Examples
    --------
    >>> [place.rule for place in telling("As an AI language model, I cannot say. Rest.")]
    ['is_ai']
    >>> telling("Your GPT and SGPT are raised; ask your doctor.")
    []
    """
    found: list[Telling] = []
    patterns = list(RULES.items())
    if own := own_names(models):
        patterns.append(("name", own))
    for rule, pattern in patterns:
        for match in pattern.finditer(text):
            start, end = match.span()
            if all(end <= other.start or start >= other.end for other in found):
                found.append(Telling(rule, start, end))
    return sorted(found, key=lambda place: place.start)


def own_names(models: Iterable[str]) -> re.Pattern | None:
    """A pattern of the names of these models: key, registered name, last part of a path."""
    names = set()
    for model in models:
        if model == PHYSICIAN or (model in MODELS and MODELS[model].published == "baseline"):
            continue
        last = re.split(r"[/:\\]", model.partition("#")[0])[-1]
        names |= {last, MODELS[model].name if model in MODELS else last}
    # a name without a digit or hyphen may be a word of the reply's own
    names = {name for name in names if len(name) > 3 and re.search(r"[\d-]", name)}
    if not names:
        return None
    words = "|".join(map(re.escape, sorted(names, key=len, reverse=True)))
    return re.compile(rf"(?<![\w-])(?:{words})(?![\w-])", re.I)


def redacted(text: str, places: Iterable[Telling]) -> str:
    """The reply without those places; a mark stands where words were.

    >>> text = "As an AI language model, I cannot say. Rest."
    >>> redacted(text, telling(text))
    '[removed] I cannot say. Rest.'
    """
    for place in sorted(places, key=lambda place: place.start, reverse=True):
        mark = "" if place.rule in GONE else REMOVED
        text = text[: place.start] + mark + text[place.end :]
    return text.strip()


def words_in(text: str, places: Iterable[Telling]) -> int:
    """How many words of a reply are at those places.

    >>> words_in("As an AI language model, I cannot say.", [Telling("is_ai", 0, 24)])
    5
    """
    return sum(len(text[place.start : place.end].split()) for place in places)
