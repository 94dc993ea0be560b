"""What one statement names: the answers at its start, what it denies, its doubts.

An answer is a word of its own and not the article, the determiner or the initial of
what follows: not in "A 45-year-old", "No evidence", "B12", "E. coli".
"""

from __future__ import annotations

import re
from dataclasses import dataclass

# Words that may stand before an answer: "indeed", "most likely option". The Chinese "is"
# is also "yes", if nothing follows it.
FILLER = (
    r"(?:(?:the|indeed|most|likely|probably|possibly|perhaps|clearly|definitely|certainly|surely"
    r"|simply|just|also|thus|therefore|hence|then|still|be|is|it's|it|that|would|and|but|so|final"
    r"|correct|best|options?|choices?|letters?|answers?|both|either|less|more"
    r"|a\ (?:clear|definite))\b[\s,:]*"
    r"|(?:选项?|为|应该?|是(?![否的或和/]|[\"'」]?\s*(?:\Z|[.,:;!?。、])))[\s,:]*){0,8}"
)
BEFORE = re.compile(rf"[-\s]{{0,3}}[\"'(\[{{<「]{{0,3}}{FILLER}[\"'(\[{{「]{{0,3}}\s?", re.I)
CLOSES = re.compile(r"(?:\s?[\"')\]}」](?!\w)){0,4}")
# What may stand between two answers of one statement: "B), (D", "A and C", "A B".
_SIGNS = r"[\s)\](\[{}\"']{0,4}"
JOIN = re.compile(
    rf"{_SIGNS}(?:(?:[,/&+、|?]|;(?![^;]*\b(?:is|are)\b)|[和或及与]"
    rf"|\b(?:and|or|as\ well\ as|plus|versus|vs)\b){_SIGNS}){{1,3}}"
    r"|(?<=[A-Z])\s+(?=[A-Z](?:\s|\Z|[.,]))",
    re.I,
)
# What follows an answer: a sign, or a word that no article or determiner precedes.
# A full stop and a small letter make a germ of it, "E. coli", or a number, "5.5".
FOLLOW = re.compile(
    r"(?=[\"'](?!\w)|\s*(?:\Z|[\n:,;!?)\]}=|(\[/&+–—。、\u4e00-\u9fff⟦]|-+\s|-⟦)"
    r"|\s*\.(?!\d|\s*(?-i:[a-z]{3}))"
    r"|\s*\.?\s*\b(?:because|since|as|is|was|are|due\ to|based\ on|given\ (?:the|that)|and|or|nor"
    r"|which|but|not|rather|instead|over|though|although|while|however|with|from|here|there|it"
    r"|they|this|these|the|we|if|when|depending|explanation|reason(?:ing)?|rationale)\b"
    r"|(?-i:(?:\s+[A-Z])+\s*(?:\Z|[.,\n])))",  # A B C D
    re.I,
)

# "not A but C": what is denied, and what is put in its place.
NOT = re.compile(rf"{FILLER}(?:\b(?:not|neither|never|none\ of)\b|不是?)\s*", re.I)
BUT = re.compile(r"\bbut\b|\brather\b(?! than)|\binstead\b(?! of)|\bit(?:'s| is)\b|而是", re.I)
# "D is incorrect", "(A) Warfarin: wrong": a verdict against what was named.
AGAINST = re.compile(
    r"[\s).:,\"'\]–—-]*(?:⟦[^⟧]*⟧[\s).:,(–—-]*)?(?:(?:this|it)\s+)?(?:(?:is|are|was)\s*(?:not|n't)"
    r"|(?:(?:is|are|was)\s+)?(?:incorrect|wrong|false|contraindicated))\b",
    re.I,
)
# Where a reason, or an alternative that is set aside, begins.
ASIDE = re.compile(
    r"(?<=\S)(?:,?\s(?:and\s)?not\s(?=⟦|\(?(?-i:[A-Z])\b|option)|\s(?:because|since|rather than"
    r"|instead of|over|unlike|than|whereas|while|although|though|compared|as opposed)\b)",
    re.I,
)
# "The answer is unclear": nothing is chosen.
UNSURE = re.compile(
    r"\b(?:none|neither|nothing|un(?:clear|known|certain|sure|determined|decided|able)|ambiguous"
    r"|impossible|inconclusive|cannot|not|missing|debatable|depends)\b|n't\b|[不无]",
    re.I,
)
# Sentences in which an option is mentioned, not chosen.
DENIES = re.compile(
    rf"{UNSURE.pattern}|\b(?:avoid|incorrect|wrong|contraindicated|unlikely|except|sorry|never"
    r"|ruled?\s+out|excluded?|no|if|whether)\b",
    re.I,
)


@dataclass(frozen=True)
class Said:
    """What one statement names, and what it denies."""

    chosen: frozenset[str] = frozenset()
    denied: frozenset[str] = frozenset()


def opening(text: str, name: re.Pattern, follow: re.Pattern = FOLLOW) -> tuple[list[str], str]:
    """The answers that a text begins with, and what comes after them.

    Parameters
    ----------
    text : str
    name, follow : re.Pattern
        Of one answer, and of what must come after it.

    Examples
    --------
    >>> opening("most likely (A) or b, since", re.compile("[A-Za-z]"))
    (['A', 'b'], ', since')
    >>> opening("a beta blocker", re.compile("[A-Za-z]"))
    ([], 'a beta blocker')
    """
    found, end, place = [], 0, 0
    while match := name.match(text, BEFORE.match(text, place).end()):
        if not follow.match(text, match.end()):
            break
        found.append(match[0])
        end = CLOSES.match(text, match.end()).end()
        joined = JOIN.match(text, end)
        if not joined:
            break
        place = joined.end()
    return found, text[end:]
