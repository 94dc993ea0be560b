"""What a list of diseases is made of: where one name ends and the next begins.

Commas and "and" also stand inside names, of two kinds: before a qualifier ("diabetes
mellitus, type 2"), and where names share a word ("breast and ovarian cancer", "deficits
in learning and memory"). Which words tell was learned from the training sentences of
the two data sets, where the rules decide 228 names and 510 lists as in gold, 80 and 98
in a hundred.
"""

from __future__ import annotations

import re
from collections.abc import Callable

QUALIFIER = re.compile(
    r"(?:(?:type|stage|grade|class|group|phase)\s+\w+|congestive|(?:non-?)?insulin[- ]dependent"
    r"|juvenile|infantile|adult|congenital|acquired|familial|hereditary|idiopathic|essential|primary"
    r"|secondary|acute|chronic|subacute|recurrent|progressive|severe|mild|benign|malignant|metastatic"
    r"|systemic|generali[sz]ed|bilateral|unilateral|x-linked|autosomal|dominant|recessive|sporadic"
    r"|bacterial|viral|unspecified|nos|(?:early|late|adult)[- ]onset)(?:\s+(?=\w)|\Z)",
    re.I,
)
# A name's last word, or an abbreviation: no word before it is needed.
NOUN = re.compile(
    r"(?:itis|osis|asis|lysis|sis|a?emia|omas?|path(?:y|ies)|trophy|plegia|gias?|ias?|ism|o?edema"
    r"|rrh(?:age|o?ea)|phobia|uria|penia|ectasia|plasia|cancers?|tumou?rs?|diseases?|disorders?"
    r"|syndromes?|failure|deficienc(?:y|ies)|infections?|injur(?:y|ies)|pain|fever|nausea|vomiting"
    r"|seizures?|rash|death|defects?|lesions?|dysfunction|toxicity|loss|abnormalit(?:y|ies)"
    r"|tension|arrest|retardation|weakness|ness|headaches?|depression|stroke|gout|lupus|tremor|asthma"
    r"|block|spasm|damage|impairments?|insufficiency|cataracts?|palate|jaundice|(?-i:[A-Z]{2,}\w?))\Z",
    re.I,
)
# A word that waits for another: an adjective, a part of the body, the first of two names.
ADJECTIVE = re.compile(
    r"(?:al|ic|ac|ar|ary|ory|ive|ous|ian|oid|ed|ant|less|able|ible|linked|onset|type|bral|-)\Z",
    re.I,
)
PART = re.compile(
    r"(?:breast|colon|lungs?|liver|kidneys?|heart|skin|head|neck|hand|foot|mouth|ears?|nose|throat"
    r"|eyes?|bone|brain|blood|ovary|bladder|prostate|lip|stomach|bowel|bile|muscle|joint|nerve|hip"
    r"|knee|spine|back|limb|artery|cell|soft|tissue|memory|attention|learning|motor|sensory|gait"
    r"|hearing|vision|speech|male|female|other|another|sudden|complete|duchenne|becker|prader-willi"
    r"|(?-i:[A-Z]\d+))\Z",
    re.I,
)
HEAD_FIRST = re.compile(r"\b(?:of|in|to)\s", re.I)
SEPARATOR = re.compile(
    r",(?!\s?\d{3}\b)\s*(?:(?:and/or|and|or)\s+)?|\s+(?:and/or|and|or|&)\s+|[、和及与]", re.I
)
MOST_PIECES = 8  # of one name
ABBREVIATION = re.compile(r"\b[A-Z]{2,}\d?\Z")


def named_in(line: str, occurs: Callable[[str], bool]) -> list[str]:
    """The names in a line that only commas and "and" part.

    Parameters
    ----------
    line : str
    occurs : callable
        Whether a string stands in the sentence.

    Examples
    --------
    >>> named_in("fever, breast and ovarian cancer, diabetes, type 2", lambda name: True)
    ['fever', 'breast and ovarian cancer', 'diabetes, type 2']
    """
    pieces = _pieces(line)
    names = []
    first = 0
    while first < len(pieces):
        for last in range(min(len(pieces), first + MOST_PIECES) - 1, first - 1, -1):
            whole = line[pieces[first][0] : pieces[last][1]]
            words = [line[start:end] for start, end in pieces[first : last + 1]]
            if last == first or _is_one(words, whole, occurs):
                names.append(whole)
                first = last + 1
                break
    return names


def _pieces(line: str) -> list[tuple[int, int]]:
    """Places of what separators outside brackets part."""
    pieces = []
    start = 0
    for sign in SEPARATOR.finditer(line):
        before = line[start : sign.start()]
        if before.count("(") > before.count(")") and line.count("(") == line.count(")"):
            continue
        if before.strip():
            pieces.append((start, sign.start()))
        start = sign.end()
    return [*pieces, (start, len(line))] if line[start:].strip() else pieces


def _is_one(words: list[str], whole: str, occurs: Callable[[str], bool]) -> bool:
    """Whether neighbours are one name: they say so, and the sentence does not object."""
    rest = [QUALIFIER.sub("", word.strip(), count=1) for word in words[1:]]
    if not any(rest) and "," in whole:
        return True
    if not _shares(words):
        return False
    return occurs(whole) or ("," not in whole and not all(map(occurs, words)))


def _shares(words: list[str]) -> bool:
    """Whether names share a word: the last one's, or the first one's before "of"."""
    *before, last = [re.sub(r"\s*\([^()]*\)\Z", "", word.strip(" .\"'")) for word in words]
    if len(last.split()) > 1 and all(map(_waits, before)):
        return True
    others = [*before[1:], last]
    if not HEAD_FIRST.search(before[0]) or any(len(other.split()) > 3 for other in others):
        return False
    return not any(map(NOUN.search, others)) or all(map(ABBREVIATION.search, [before[0], *others]))


def _waits(name: str) -> bool:
    """Whether a name is no name without another word after it."""
    word = (name.split() or [""])[-1]
    return bool(PART.match(word) or (ADJECTIVE.search(word) and not NOUN.search(word)))
