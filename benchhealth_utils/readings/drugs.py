"""Drug lists: the names a reply gives as its final answer.

The rules, in the order in which they apply:

1. `clean`; a reply cut off inside a thought is not read.
2. The list is found as `lists` says: after a cue or a heading. Without one, the reply
   must be a list and nothing more: bullets, or two short names or more.
3. "None", "no medications are needed", "[]" say that there are no drugs.
4. Quoted names are taken as they are. Else semicolons, bullets, numbers and line
   breaks part names; so do commas, but not within brackets or a number, and not before
   a qualifier ("Insulin, Aspart, Human"); so do "and", "or", "&" and "+", but not
   between semicolons.
5. From each name go: brackets; the dose (a number and a unit) with all that follows;
   the frequency; the explanation ("for pain", "- reduces fever"). In a line parted by
   commas only explained items count after the first that is explained with a colon or
   a dash. The rest is written by `drug_name`, as the gold names are.
6. An item of more than `MOST_WORDS` words is dropped; the longest gold name has five.
   A sentence is dropped with the rest of its line; if the list is one line that begins
   with it, or has but one item before it, it is not read. If the reply speaks of itself
   ("I cannot"), nothing is read.
7. If nothing is left, the answer is not read.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from ..tasks.treatment import drug_name
from .clean import clean
from .lists import BULLET, ENDS, EXPLAINS, first_sentence, lines, quoted, segments, stated

MOST_WORDS = 6

MEDICATIONS = r"(?:medications?|medicines?|meds|drugs?|treatments?|prescriptions?|pharmac\w+)"
HEADING = re.compile(
    rf"^(?:(?:the|final|recommended|suggested|prescribed|appropriate|common)\s+|list\ of\s+)*"
    rf"{MEDICATIONS}(?:\s+list)?[ \t]*(?::|\n)"
    # I recommend the following medications:
    rf"|^(?!.*\b(?:current|home|past|previous|avoid|allerg\w+|not|stop)\b)[^:\n]*\b{MEDICATIONS}"
    r"\b[^:.\n]*:[ \t]*$"
    # The recommended medications for a cold are
    rf"|\b(?:recommended|suggested|indicated|prescribed)\s+{MEDICATIONS}\b"
    r"(?:\s+for\s[^.:\n]{1,60}?)?\s+(?:are|is|includes?|would\s+be)\b:?"
    r"|(?:推荐|治疗)?(?:药物|用药)\s*[:是为]",
    re.I | re.M,
)
# "The drugs recommended for this are ...", "Medications: ...": no part of the first name.
LEAD = re.compile(
    rf"\A\s*(?:(?!no\b|not\b)[\w']+\s+){{0,5}}?{MEDICATIONS}\b[^:,.;]{{0,80}}?"
    r"\s*(?::|\b(?:are|is|includes?|would\s+be)\b:?)\s*",
    re.I,
)
# "Antibiotics: amoxicillin": a class before a colon heads the names after it.
CLASS = re.compile(
    r"\A[^:,]{0,30}\b(?:anti\w+s|analgesics?|\w+\ relief|(?:cortico)?steroids|diuretics|opioids"
    r"|inhalers?|bronchodilators|blockers|inhibitors|agonists|supplements|laxatives|statins"
    r"|nsaids|(?:first|second)[ -]line|others?|for\ [\w ]+)\s*:\s+(?=\w)",
    re.I,
)
NONE = re.compile(
    rf"(?:none(?: of .*)?|nil|nothing|n\s?/\s?a|not applicable|no(?: \w+){{0,2}} {MEDICATIONS})"
    r"(?: (?:is|are|was|were))?(?: \w+ly)?(?: (?:needed|required|necessary|indicated|recommended"
    r"|warranted|prescribed|given|applicable|available))?(?: at this time)?"
    r"|无|没有|(?:无需|不需要)(?:药物|用药)?",
    re.I,
)
# Words that are left over where a list is headed or cut off, and are no drugs.
NO_NAME = re.compile(
    rf"{MEDICATIONS}(?: name| \d+)?|and|or|etc|others?|names?|list(?: of .*)?", re.I
)

# What follows a comma and still belongs to the name before it.
QUALIFIER = re.compile(
    r"(?:(?:conjugated|esterified|usp|human|bovine|porcine|aspart|glulisine|lispro|glargine|detemir"
    r"|degludec|isophane|nph|regular|inactivated|attenuated|live|recombinant|purified|synthetic"
    r"|concentrated|saccharated|hypertonic|isotonic|h\dn\d|prenatal|adult|pediatric|oral|topical"
    r"|ophthalmic|otic|nasal|intranasal|vaginal|rectal|sublingual|transdermal|inhaled|inhalation"
    r"|intravenous|intramuscular|subcutaneous|injectable|parenteral|liposomal|micronized"
    r"|(?:extended|immediate|delayed|sustained)[ -]release|enteric[ -]coated)(?:\s+|\Z))+",
    re.I,
)
_NUMBER = r"\d+(?:[.,]\d+)*"
DOSE = re.compile(
    rf"(?<![\w.-]){_NUMBER}(?:\s*(?:[-–/x]|to|or)\s*{_NUMBER})*[\s-]*"
    r"(?:(?:mc|m|k|μ|u|n)?gs?|grams?|gm|m?l|cc|dl|units?|iu|u|meq|m?mol|million|billion|tab(?:let)?s?"
    r"|cap(?:sule)?s?|puffs?|drops?|gtts?|sprays?|patch(?:es)?|vials?|amp(?:oule)?s?|doses?"
    r"|lozenges?|tsp|tbsp|teaspoons?|tablespoons?|%)(?![a-z])",
    re.I,
)
FREQUENCY = re.compile(
    r"\b(?:once|twice|thrice|daily|nightly|weekly|monthly|hourly|every|each\s+(?:day|night|morning)"
    r"|\w+\s+times|(?:a|per)\s+(?:day|week)|b\.?i\.?d|t\.?i\.?d|q\.?i\.?d|q[dh]s?|q[ap]m|q\s?\d+\s?h"
    r"|prn|stat|(?:as|when|if)\s+(?:needed|required|directed|necessary)|at\s+(?:bedtime|night)"
    r"|in\s+the\s+(?:morning|evening)|(?:before|after|with)\s+(?:food|meals?|milk|water|breakfast)"
    r"|by\s+mouth|orally|intravenously|intramuscularly|subcutaneously|topically|p\.?o|x\s?\d+)\b"
    r"|\A(?:morning|evening|night|bedtime)\Z|\s(?:iv|im|sc|sq)\b",
    re.I,
)
# Where an explanation begins: "for fever", "to control nausea".
REASON = re.compile(
    r"(?:\A|\s)(?:for|to|which|that|because|due\s+to|in\s+case|if|when|until|such\s+as|via|used"
    r"|as\s+an?)\s",
    re.I,
)
# The lookbehind spares the one gold name that has "and" in it.
AND = re.compile(
    r"(?<!lactobacillus acidophilus)\s(?:and|or|plus|as well as)\s|\s*[&+]\s*|[和或及与]", re.I
)
SPEAKS = re.compile(
    r"(?<![\w-])(?:I|I'm|I've|we|sorry|unable|cannot|can't)(?![\w-])|无法|抱歉", re.I
)
SENTENCE = re.compile(
    r"\A(?:the|this|these|there|it|in|on|as|after|with|without|unfortunately|sadly|given|not?|un\w+ed"
    r"|un(?:known|clear))\b"
    r"|\b(?:you|your|he|she|it|they|patients?|is|are|was|were|be|been|has|have|had|should|would"
    r"|could|can|may|might|must|will|does|did|do|please|consult|see|seek|ask|avoid|recommend\w*"
    r"|however|based|depend\w*|who|take|drink|use|follow|continue|provide)\b",
    re.I,
)


def read_drugs(text: str) -> frozenset[str] | None:
    """The names of the drugs a reply gives as its final answer.

    Parameters
    ----------
    text : str

    Returns
    -------
    frozenset of str or None
        Names as `drug_name` writes them; empty if the reply says that there are none;
        None if it gives no list.

    Examples
    --------
    >>> sorted(read_drugs("Final Answer: Insulin, Aspart, Human (Novolog); Metformin 500 mg"))
    ['insulin, aspart, human', 'metformin']
    >>> read_drugs("Final Answer: None")
    frozenset()
    >>> read_drugs("One could give ibuprofen.") is None
    True
    """
    # A table is a list of its first cells.
    reply = re.sub(r"^\|[\s|:-]+$\n?", "", clean(text) or "", flags=re.M)
    reply = re.sub(r"^\|\s*([^|\n]+)\|.*$", r"- \1", reply, flags=re.M)
    found = stated(reply, HEADING)
    return _bare(reply) if found is None else _names(found)


def _bare(reply: str) -> frozenset[str] | None:
    """A reply without a cue: bullets, or two short names or more, and no sentence."""
    found = lines("\n" + reply)
    more = [line for line in map(str.strip, reply.splitlines()) if line and line not in found]
    names = _names(found)
    if more and not ENDS.match(more[0]):
        return None
    if BULLET.match(reply) or not names:
        return names
    prose = SENTENCE.search(reply) or SPEAKS.search(reply)
    return names if len(names) > 1 and not prose else None


def _names(found: list[str]) -> frozenset[str] | None:
    """The names in the lines of a list, or None."""
    names: list[str] = []
    none = found == ["[]"]
    for line in found:
        several = len(found) > 1 or bool(BULLET.match(line))
        items = quoted(line) or _items(line, several)
        for item in items:
            name = drug_name(_trim(item))
            if NONE.fullmatch(name):
                if not several and not names:
                    return frozenset()
                none = True
            elif SPEAKS.search(name):
                return None
            elif SENTENCE.search(name):
                if not several and len(names) < 2:
                    return None
                break
            elif re.search(r"[^\W\d_]", name) and not NO_NAME.fullmatch(name):
                names += [name] if len(name.split()) <= MOST_WORDS else []
    return frozenset(names) if names or none else None


def _items(line: str, several: bool) -> Iterator[str]:
    """The items of a line; `several` if it is one line, with one item, of many."""
    parts = segments(line)
    for part in map(first_sentence, parts):
        if NONE.fullmatch(part):
            yield part
            continue
        part = CLASS.sub("", LEAD.sub("", part, count=1), count=1)
        if several or len(parts) > 1:
            part = EXPLAINS.split(part)[0]
        yield from _with_qualifiers(_pieces(part), whole=";" in line)


def _pieces(part: str) -> list[str]:
    """What commas part, without explanations."""
    pieces = re.split(r",(?!\d{3}(?!\d))|、", part)
    explained = [bool(EXPLAINS.search(piece)) for piece in pieces]
    if any(explained):
        # "a - lowers pain, fever, b - lowers sugar": fever is no item.
        first = explained.index(True)
        pieces = [piece for i, piece in enumerate(pieces) if i < first or explained[i]]
    return [REASON.split(EXPLAINS.split(piece)[0])[0].strip() for piece in pieces]


def _with_qualifiers(pieces: list[str], whole: bool) -> list[str]:
    """Items, each with the qualifiers after it; `whole` keeps "and" in names."""
    items: list[str] = []
    dosed = False
    for piece in pieces:
        for number, part in enumerate([piece] if whole else AND.split(piece)):
            name = _trim(part)
            if items and number == 0 and QUALIFIER.fullmatch(name):
                # After a dose a route is part of it: "ceftriaxone 1 g, intravenous".
                items[-1] += "" if dosed else f", {name}"
            else:
                items.append(name)
                dosed = False
            dosed = dosed or bool(DOSE.search(part))
    return items


def _trim(item: str) -> str:
    """An item without its dose, its frequency and stray words and signs.

    >>> _trim("2 tablets of ibuprofen 400 mg twice a day.")
    'ibuprofen'
    """
    item = item.strip()
    item = re.sub(r"\A(?:(?:and|or|plus|also|both|either|possibly|an?)\s+)+", "", item, flags=re.I)
    item = re.sub(r"\s(?:and|or)\Z", "", item, flags=re.I)
    if (dose := DOSE.match(item)) and not re.match(r"\W*\Z", item[dose.end() :]):
        item = re.sub(r"\A\s*of\s+", "", item[dose.end() :]).strip()
    for pattern in (DOSE, FREQUENCY):
        if cut := pattern.search(item):
            item = item[: cut.start()]
    return item.strip(" \t.,;:!?\"'[]{}*|–—-")
