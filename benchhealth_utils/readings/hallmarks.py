"""Hallmarks of cancer: which of the ten a reply names.

The rules, in the order in which they apply:

1. `clean`; an echo of the document, and invented documents, go.
2. The last answer cue that names anything counts ("categories", "hallmarks" are words
   for the answer); what stands before it does not.
3. Else the list that the reply begins with. Else, in prose, its sentences.
4. In a list, what a colon, a dash or a bracket follows is the name and the rest its
   description; verdicts ("...: Yes", "...: No") choose and deny. Numbers and letters in
   front of names mean nothing, for the prompt has none.
5. A name is official, up to spelling ("tumour", "signalling"), or, as an item of a list
   only, one of `SHORT`. Names that are invented are ignored.
6. Names after "not" or "rather than" are denied. In prose without a cue that denies a
   name, nothing is read.
7. All ten without a verdict are an echo of the prompt and not an answer.
8. "None of these", "no hallmark", "[]", or "No" for all ten say that there is none.
"""

from __future__ import annotations

import re

from ..readers.hoc import HALLMARKS
from .clean import clean, fold
from .cues import answer_cues
from .lists import BULLET, ENDS, lines
from .marks import as_answer, own_item, unwrapped

# The words of an official name, as others write them.
OFFICIAL = dict(
    zip(
        HALLMARKS,
        (
            r"sustain(?:ing|ed)\s+proliferative\s+signall?ing",
            r"evading\s+growth\s+suppress(?:ors?|ion)",
            r"resist(?:ing|ance\s+to)\s+cell\s+death",
            r"enabling\s+replicative\s+immortality",
            r"inducing\s+angiogenesis",
            r"activating\s+invasion\s+(?:and|&)\s+metastas[ie]s",
            r"genom(?:ic|e)\s+instability\s+(?:and|&)\s+mutations?",
            r"tumou?r[\s-]+promoting\s+inflammation",
            r"(?:deregulat(?:ing|ed)\s+)?cellular\s+energetics",
            r"(?:avoiding|evading)\s+immune\s+destruction",
        ),
        strict=True,
    )
)
# Short names: each the whole of an item.
_AND = r"\s+(?:and|&)\s+"
SHORT = dict(
    zip(
        HALLMARKS,
        (
            r"(?:sustained\s+)?(?:cell\s+)?proliferat(?:ive\s+signall?ing|ion)",
            r"(?:evasion\s+of\s+)?growth\s+suppress(?:ors?|ion)(?:\s+evasion)?",
            r"(?:resisting\s+|evading\s+|evasion\s+of\s+)?(?:apoptosis|cell\s+death)"
            r"(?:\s+(?:resistance|evasion))?|resistance\s+to\s+apoptosis",
            r"(?:replicative\s+|cell(?:ular)?\s+)?immortali[tz](?:y|ation)",
            r"(?:induction\s+of\s+|induced\s+|tumou?r\s+)?angiogenesis",
            rf"(?:activating\s+)?(?:(?:tissue\s+|tumou?r\s+)?invasion(?:{_AND}metastas[ie]s)?"
            rf"|metastas[ie]s(?:{_AND}invasion)?)",
            rf"(?:genom(?:ic|e)\s+)?(?:instability|mutations?)(?:{_AND}mutations?)?",
            r"(?:tumou?r[\s-]+(?:promoting\s+)?|promoting\s+|chronic\s+)?inflammation",
            r"(?:cellular\s+|energy\s+|tumou?r\s+)?(?:energetics|metabolism)(?:\s+reprogramming)?"
            r"|(?:reprogrammed|reprogramming(?:\s+of)?|deregulated)\s+(?:\w+\s+)?"
            r"(?:energetics|metabolism)|metabolic\s+reprogramming",
            r"(?:evad(?:ing|e)\s+|avoid(?:ing|ance\s+of)\s+)?(?:the\s+)?immune\s+(?:system"
            r"|destruction|evasion|escape|surveillance)|evasion\s+of\s+(?:the\s+)?immune\s+\w+",
        ),
        strict=True,
    )
)
NOUNS = r"(?:answer[ \t]+)?categor(?:y|ies)|hallmarks?|labels?|class(?:es|ification)?|target"
ITEM = r"document\s*:"

# An official name in a reply is written so: ⟦4⟧.
NAME = re.compile(r"⟦(\d)⟧")
NOT = re.compile(
    r"(?:\b(?:not|no|nor|neither|never|without|cannot|unlike|lacks?|rather\s+than|instead\s+of"
    r"|except|exclud\w+|rul\w+\s+out)\b|n't\b)[^.;,\n]*\Z",
    re.I,
)
AGAINST = re.compile(
    r"[\W_]*(?:(?:is|was|are|were|does|do|did)\s*(?:not\b|n't)|(?:is|was|are|were)\s+(?:absent|never))",
    re.I,
)
BUT = re.compile(r"\b(?:but|rather(?!\s+than)|instead(?!\s+of)|however|yet)\b|[.;\n]", re.I)
# What parts a name from its description, and a description that is a verdict.
DESCRIBES = re.compile(r"\s*(?::|=|\(|\s-+\s|–|—|\|)\s*")
VERDICT = re.compile(
    r"[\W_]*(?:(?P<yes>yes|true|present|1(?![\d.])|applies|applicable)"
    r"|(?P<no>no(?:ne)?|false|absent|0(?![\d.])|n\s?/\s?a|not(?:\s+\w+)?|no\s+evidence))"
    r"(?=\s*(?:\Z|[.,;:()\]}–—-]))",
    re.I,
)
NONE = re.compile(
    r"\W*(?:none(?:\s+of\s+(?:these|them|the\s+(?:\w+\s+){0,3}\w+))?(?:\s+(?:apply|applies|is|are)"
    r"(?:\s+\w+)?)?|null|nil|no\s+(?:\w+\s+)?(?:hallmarks?|categor(?:y|ies)|labels?)(?:\s+of\s+cancer)?"
    r"(?:\s+(?:apply|applies|is|are|was|were)\b[^.;]*)?|n\s?/\s?a|\[\s*\]|无)\W*",
    re.I,
)
NUMBER = re.compile(r"\A[\W_]*(?:\(?(?:\d{1,2}|[A-Ja-j])[.):]\s+)?[\W_]*")


def read_hallmarks(text: str) -> frozenset[str] | None:
    """The hallmarks of cancer that a reply names.

    Parameters
    ----------
    text : str

    Returns
    -------
    frozenset of str or None
        Official names; empty if the reply says that none applies; None if it names
        none.

    Examples
    --------
    >>> sorted(read_hallmarks("1. Angiogenesis (new vessels)\\n2. Resisting cell death"))
    ['Inducing angiogenesis', 'Resisting cell death']
    >>> read_hallmarks("None of these")
    frozenset()
    >>> read_hallmarks("The drug slowed metastasis in mice.") is None
    True
    """
    text = as_answer(re.sub("[⟦⟧]", " ", fold(text)), NOUNS)
    reply = _masked(own_item(clean(unwrapped(text)) or "", ITEM))
    cues = [cue for cue in answer_cues(reply) if not _question(reply[cue.end :])]
    for cue in reversed(cues):
        found = _listed(lines(reply[cue.end :]), denied="not " * cue.negated)
        if found is not None:
            return found
    return None if cues else _opening(reply)


def _masked(reply: str) -> str:
    for number, name in enumerate(OFFICIAL.values()):
        reply = re.sub(rf"(?<!\w){name}(?!\w)", f"⟦{number}⟧", reply, flags=re.I)
    return reply


def _question(text: str) -> bool:
    """Whether a cue is that of the prompt: "The correct category is ?"."""
    return bool(re.match(r"\s*\?", text))
