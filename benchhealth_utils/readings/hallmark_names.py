"""What the ten hallmarks of cancer are called, officially and for short."""

from __future__ import annotations

import re

from ..tasks.hallmarks import HALLMARKS

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

# An official name in a reply is written so: ⟦4⟧.
MARK = re.compile(r"⟦(\d)⟧")


def masked(reply: str) -> str:
    """The reply with a mark in place of every official name.

    >>> masked("Tumour-promoting inflammation, not inflammation")
    '⟦7⟧, not inflammation'
    """
    for number, name in enumerate(OFFICIAL.values()):
        reply = re.sub(rf"(?<!\w)(?:{name})(?!\w)", f"⟦{number}⟧", reply, flags=re.I)
    return reply


def short(item: str) -> set[str]:
    """The hallmarks whose short names, or marks, an item consists of; no other word.

    >>> sorted(short("angiogenesis and metastasis")), short("slower metastasis")
    (['Activating invasion and metastasis', 'Inducing angiogenesis'], set())
    """
    found = set()
    whole = _short(item)
    parts = [item] if whole else re.split(r"\s+(?:and|or|as well as|&|\+)\s+", item)
    for part in parts:
        name = _short(part)
        if not name:
            return set()
        found.add(name)
    return found


def _short(item: str) -> str | None:
    item = item.strip(" \t\"'()[]{}<>.,;:-")
    fits = (name for name, pattern in SHORT.items() if re.fullmatch(pattern, item, re.I))
    return next(fits, None)
