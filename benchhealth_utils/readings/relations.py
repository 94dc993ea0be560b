"""Relations: the type of a drug interaction, and whether gene and disease are related.

Drug interactions, the rules in the order in which they apply:

1. `clean`; an echo of the item and invented items go.
2. A type in angle brackets, as the prompt asks: the last such statement wins. Marks
   joined by "and", "or", a comma or nothing are one statement, and one statement with
   two types cannot be read. "not <effect>", "rather than <int>" are set aside; marks
   that hold no type ("<@DRUGS>") are ignored.
3. Else statements at cues, as in `choices`: "category", "type", "relationship" are
   words for the answer.
4. Else the reply opens with its type before a sign ("Effect.", "mechanism: ..."), or
   its last line is nothing but the type; not if it goes through several. Or its first
   statement says that the drugs do not interact.
5. Else None. "mechanism", "effect", "advice" and "interaction" are also ordinary words:
   "an effect on", "interaction of" are no types.

Gene and disease:

1. and 3. as above, with "label", "relation" and "prediction" for the answer; a label is
   "yes", "no", or a phrase that stands for one ("not related", "positive").
4. Else the reply opens with a label before a sign, or its last line is nothing else.
5. Else sentences that say that the two are, or are not, related or associated; if some
   say so and others do not, or only supposes it, it is not read.
"""

from __future__ import annotations

import re

from .choices import follow
from .clean import clean, fold
from .cues import sentence, statements
from .marks import as_answer, own_item, unwrapped
from .words import Words

_TIE = r"(?:relation(?:ship)?s?|associations?|connections?|links?|correlations?|interactions?)"
_KINDS = r"(?:(?:drug-drug|drug|known|clear|direct|significant|explicit|evidence of an?)[ -])*"

# What a reply writes for each word of the data.
TYPES = Words(
    {
        "mechanism": r"mechanism",
        "effect": r"effect",
        "advise": r"advi[cs]e",
        "int": r"int(?:eraction)?",
        # also "no interaction between the two is described"
        "false": rf"none|false|无|no[ -]{_KINDS}{_TIE}"
        r"(?:\s+(?:is|was|exists|between|\w+ed)\b[^.\n]*)?",
    }
)
TYPE_NOUNS = (
    r"(?:(?:relation(?:ship)?|interaction|ddi)[ \t]+)?(?:categor(?:y|ies)|type|class(?:ification)?"
    r"|label)|relation(?:ship)?"
    # "interaction" is also a type; before a colon and a type it is a heading
    r"|interaction(?=[\"']?\s*:\s*[\"']?(?:none|false|mechanism|effect|advi[cs]e|int)\b)"
)
TYPE_ITEM = r"(?:target|require|specific explanation)\s*:"
LABELS = Words(
    {
        "yes": r"yes|related|associated|positive|true|是的?|有关|相关",
        "no": rf"no(?:[ -]{_KINDS}{_TIE})?|not[ -](?:related|associated)|unrelated|negative|false"
        r"|否|无关|不相关",
    }
)
LABEL_NOUNS = r"(?:predicted[ \t]+)?label|prediction|relation(?:ship)?|class(?:ification)?"
LABEL_ITEM = r"sentence\s*:"

# Angle brackets are written so while a reply is cleaned; "<category: effect>" has a lead.
MARK = re.compile(r"⟨(?!\s*/)([^⟨⟩]*)⟩")
LEAD = re.compile(rf"\A[\W_]*(?:(?:final\s+)?(?:{TYPE_NOUNS}|answer)\s*[:=][\W_]*)?", re.I)
JOINS = re.compile(r"(?:[\s,;/&+|]|and|or)*", re.I)
ASIDE = re.compile(
    r"(?:\b(?:not|nor|neither|no|without|unlike|rather\s+than|instead\s+of|rules?\s+out|excludes?)"
    r"|n't)\s+(?:(?:be|an?|the|as|type|category|of|really|simply)\s+){0,3}\W*\Z",
    re.I,
)
# "<effect> is incorrect", "<effect>. This is wrong."
AGAINST = re.compile(
    r"\s*(?:(?:is|was)\s+|[.,:–—-]?\s*(?:(?:this|that|it)\s+is\s+)?)(?:incorrect|wrong|false)\b"
    r"|\s*(?:is|was)(?:\s+not|n't)\b",
    re.I,
)
# "There is no interaction", "the drugs do not interact", as the first sentence.
NO_TIE = re.compile(
    rf"\b(?:there\s+(?:is|was|are)\s+no|(?:mentions?|describes?|shows?|have|has)\s+no)\s+{_KINDS}"
    rf"{_TIE}\b(?!\s+(?:mechanism|effect|type))"
    r"|(?:\bnot|n't)\s+(?:\w+\s+)?(?:(?:an?|any)\s+)?"
    rf"{_KINDS}(?:{_TIE}|interact|related)\b(?!\s+(?:mechanism|effect|type))",
    re.I,
)

# If it holds, "Yes", otherwise "No": both labels, and neither is chosen.
CONDITION = re.compile(r"\bif\b[^.\n]*\botherwise\b[^.\n]*", re.I)
_SEEN = r"(?:found|seen|shown|observed|reported|described|stated|mentioned|indicated|present)"
_AVOIDS_NOT = r"(?:(?!not\b)[\w@-]+\s+){0,4}?"
CLAIM = re.compile(
    # there is a relation; the two have, or do not have, a relation
    rf"\b(?:there(?:\s+(?:is|was|are|exists)|'s)|has|have|shares?|(?:show|suggest|indicate|describe"
    rf"|report|state|mention|confirm|establishe?)s?)\s+{_AVOIDS_NOT}{_TIE}\b"
    # an association between the two was found; no association exists
    rf"|\b{_TIE}\b(?:\s+(?:between|with|of)\s[^.,;]{{1,80}}?)?\s+(?:exists|(?:is|was|has\s+been)\s+"
    rf"(?:not\s+)?{_SEEN})\b"
    # @GENES is associated with @DISEASES; they are not related
    rf"|\b(?:is|are|was|were)(?:n't|\s+not)?\s+{_AVOIDS_NOT}(?:associated|related|linked|connected"
    rf"|correlated)\b",
    re.I,
)
# What a claim has to speak of, what leaves it open, and what denies it.
PAIR = re.compile(r"@DISEASE|\bdiseases?\b|\b(?:they|them|both|two)\b", re.I)
OPEN = re.compile(
    r"\b(?:whether|if|un(?:clear|known|certain)|may|might|could|would|can|cannot|possibly|perhaps"
    r"|predict)\b|\?",
    re.I,
)
DENIES = re.compile(
    r"\b(?:no(?!\s+doubt)|not(?!\s+only)|neither|nor|without|never|lack)\b|n't\b", re.I
)


def read_relation(text: str) -> str | None:
    """The type of interaction a reply chooses.

    Parameters
    ----------
    text : str

    Returns
    -------
    str or None
        ``mechanism``, ``effect``, ``advise``, ``int``, or ``false`` for the prompt's
        "None"; None if the reply does not choose one.

    Examples
    --------
    >>> read_relation("No mechanism is given, so this is <advice>.")
    'advise'
    >>> read_relation("Answer: None")
    'false'
    >>> read_relation("@DRUGS has an effect on the level of @DRUGS.") is None
    True
    """
    reply = _reply(text, TYPE_NOUNS, TYPE_ITEM)
    reading, denied = _marked(reply)
    if reading or denied is None:
        return reading
    reply = MARK.sub(r"\1", reply)
    reading, cued = follow(statements(reply), TYPES.named)
    if cued or not reply:
        return None if reading in denied else reading
    first = sentence(reply)
    none = NO_TIE.search(first) and not re.search(r"\b(?:but|however|although)\b", first, re.I)
    return TYPES.opens(reply) or ("false" if none else None)


def read_gene_disease(text: str) -> str | None:
    """Whether a reply says that gene and disease are related.

    Parameters
    ----------
    text : str

    Returns
    -------
    str or None
        ``yes`` or ``no``; None if the reply does not say.

    Examples
    --------
    >>> read_gene_disease("Label: No relation")
    'no'
    >>> read_gene_disease("Not only is @GENES related to @DISEASES, it is well known.")
    'yes'
    """
    reply = _reply(text, LABEL_NOUNS, LABEL_ITEM)
    reply = CONDITION.sub("", MARK.sub(r"\1", reply))
    reading, cued = follow(statements(reply), LABELS.named)
    return reading if cued or not reply else LABELS.opens(reply) or _claimed(reply)


def _reply(text: str, nouns: str, item: str) -> str:
    """The model's own reply: words for the answer are "answer", angle brackets ⟨⟩."""
    text = as_answer(re.sub("[⟨⟩]", " ", fold(text)), nouns)
    return own_item(clean(unwrapped(text, "⟨", "⟩")) or "", item)


def _marked(reply: str) -> tuple[str | None, frozenset[str] | None]:
    """The type that stands after all marks; if none chose, the types they deny."""
    answer, denied, end, types = None, frozenset(), 0, frozenset()
    for mark in MARK.finditer(reply):
        here = _in_mark(mark[1])
        if not here:
            continue
        if ASIDE.search(reply[: mark.start()]) or AGAINST.match(reply, mark.end()):
            answer = None if answer in here else answer
            denied = None if denied is None else denied | here
            types = frozenset()
        else:
            joined = JOINS.fullmatch(reply, end, mark.start()) and end
            types = here | types if joined else here
            answer, denied = (*types,)[0] if len(types) == 1 else None, None
        end = mark.end()
    return answer, denied


def _in_mark(words: str) -> frozenset[str]:
    """The types that a mark holds; before a colon, only what leads."""
    types, rest = TYPES.leading(LEAD.sub("", words, count=1))
    return types if re.match(r"[\W_]*\Z|\s*[:(–—]|\s+-", rest) else frozenset()


def _claimed(reply: str) -> str | None:
    """What the sentences of a reply claim of gene and disease, if they agree."""
    found = set()
    for said in re.split(r"(?<=[.!?])\s+|\n", reply):
        claim = CLAIM.search(said)
        if claim and (PAIR.search(said) or len(said.split()) < 7):
            clause = re.split(r"[,;]|\bbut\b", said[: claim.end()])[-1]
            found.add("open" if OPEN.search(said) else "no" if DENIES.search(clause) else "yes")
    return found.pop() if len(found) == 1 and "open" not in found else None
