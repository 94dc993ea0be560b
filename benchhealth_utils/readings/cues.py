"""Where a reply states its answer: cues, and the statement each one opens.

- ``Answer: ...``, ``The correct answer is ...``, ``The best option would be ...``,
  ``答案：...`` open an *answer*. With a colon or the like it is *firm*: what follows
  is the answer, even if it cannot be read.
- ``I choose ...``, ``Therefore, ...``, ``... is correct`` open a *weak* statement:
  it counts if it names an answer at once, else it is ordinary prose.

Not a cue: an answer that is not the reply's own ("a common wrong answer is C",
"this answer is ...", "if the answer is ..."), and a remark about the answer ("the
answer is based on ...").

A statement runs from its cue to the end of the sentence or line, or to the next
answer cue. If nothing else stands on the cue's line, it is the next line that
has words. A verdict ("B is correct") stands after its statement.
"""

from __future__ import annotations

import re
from dataclasses import dataclass


@dataclass(frozen=True)
class Cue:
    """A place where an answer is stated: ``text[end:]`` is what it says.

    ``kind`` is ``firm``, ``answer`` or ``weak``, as above.
    """

    start: int
    end: int
    kind: str
    negated: bool = False


@dataclass(frozen=True)
class Statement:
    """What a reply says at a cue; "not " is put before it if the cue is negated."""

    text: str
    kind: str


_VERB = (
    r"(?:(?:is|are|was|were)(?:n't)?|(?:would|should|must|will|could|might|may|has\ to|seems\ to"
    r"|appears\ to)\ be"
    r"|(?:would|should|could|can)(?:n't|\ ?not)\ be)"
)
_ANSWER = re.compile(
    rf"""
    (?P<before>(?:\b[\w'-]{{1,25}}[ \t]+){{0,4}})
    \b(?:
        # the noun itself, or one that an adjective makes an answer: "best option"
        (?:answers?\b|ans\b\.?)(?:[ \t]+(?:choices?|options?|key|letter|\d\d?)\b)?
      | (?:correct|right|best|appropriate|likely|suitable|final|chosen|selected|my)[ \t]+
        (?:option|choice|letter|response|selection|pick|guess|solution)s?\b
    )
    (?:[ \t]+(?:to|for|of|in|among|from)[ \t][^.:;?!()\n]{{1,160}}?)?  # "to this question"
    (?:[ \t]*\([^()\n]{{0,40}}\))?                                   # "(yes/no/maybe)"
    (?:
        (?P<firm>["'\])】]*[ \t]*[:=] | [ \t]*[–—] | [ \t]*-+>?[ \t] | [ \t]+{_VERB}[ \t]*[:=])
      | (?P<verb>[ \t]+{_VERB}\b)
      # only for a cue that begins its line: "Answer", line break; "Answer B" and no more
      | (?P<line>[ \t]*\n | [ \t]+(?=["'(\[]?\w+["')\].]*[ \t]*(?:\n|\Z)))
    )
    """,
    re.I | re.X,
)
_CHINESE = re.compile(
    r"(?:答案|回答|答(?=:)|(?:正确|最佳)的?选项)(?:应该?|可能|如下)?"
    r"(?:(?P<negated>不)是|[】\])]*\s*(?::|[为是选]:?)|】|(?=\s*[A-Za-z(]))"
)

# Words before the cue that make it another's answer, or a supposed one.
_FOREIGN = re.compile(
    r"\b(?:if|whether|where|when|unless|suppose|supposing|assuming)\b"
    r"|\b(?:wrong|incorrect|common|tempting|false|other|alternative|previous|initial|partial"
    r"|plausible|possible|attractive|second|next)[ \t]+(?:\w+[ \t]+)?$"
    r"|\b(?:this|that|these|those|an|any|no|each|every|another|your|their|which|what)[ \t]+"
    r"(?:(?!the\b|my\b|our\b)\w+[ \t]+)?$",
    re.I,
)
# "If there were a clot, the answer would be ..."
_SUPPOSED = re.compile(r"\b(?:would|could|might)\s+be\b", re.I)
_IF = re.compile(r"\b(?:if|unless|were|had)\b[^.!?]*\Z", re.I)
# "I don't think the answer is ..."
_DENIED = re.compile(r"(?:n't|\bnot|\bnever)[ \t]+(?:think|believe|say|mean)\b|\bdoubt\b", re.I)
# "The answer is based on ..."
_REMARK = re.compile(
    r"\s*(?:\w+ly\s+)?(?:based|supported|consistent|derived|justified|explained|confirmed|backed"
    r"|in\s+line|provided|given\s+(?:in|by)|for\s+(?:\w+\s+)?purposes?|correct|right)\b",
    re.I,
)

_WEAK = [
    # I choose, I would go with, I think it is
    re.compile(
        r"\b(?:I|we)(?:'d|'ll|'m|\s+am|\s+would|\s+will|\s+must)?(?:\s+(?:therefore|thus|also|then"
        r"))?\s+(?:choose|chose|pick|select|go(?:ing)?\s+(?:with|for)|opt\s+for|vote\s+for|say"
        r"|answer|lean(?:ing)?\s+towards?|think|believe|guess|suspect|conclude)\b(?:\s+that\b)?"
        r"(?:\s+(?:it|this|that)(?:'s|\s+is|\s+would\s+be|\s+must\s+be)\b)?",
        re.I,
    ),
    re.compile(r"选择?(?!项)[:为]?"),
    # Therefore, hence, in conclusion
    re.compile(
        r"\b(?:therefore|thus|hence|so|consequently|accordingly|in\s+(?:conclusion|summary|short)"
        r"|overall|finally|ultimately|altogether)\b[,:]?(?=\s)|(?:因此|所以|综上所述|综上|故)[,:]?",
        re.I,
    ),
    # Conclusion: ..., the most likely diagnosis is ...
    re.compile(
        r"\b(?:conclusion|verdict|decision|prediction|choice|option|selection|output"
        r"|result|label)(?:\s*[:=]|\s(?:is|would\s+be)\b:?)"
        r"|\b(?:correct|right|best|most\s\w+)\s(?:[\w-]+\s){1,3}(?:is|would\s+be)\b:?",
        re.I,
    ),
]

# B is correct; Metformin is the best choice. Not: correct only if ...
_VERDICT = re.compile(
    r"(?<=\S)\s+is\s+(?:(?:thus|therefore|hence|clearly|indeed|most|likely|probably)\s+)*"
    r"(?:(?:correct|right)\b|(?:the|my|our)\s+(?:(?:[\w-]+\s+){0,3}(?:answer|option|choice|one|fit)"
    r"|most\s+(?:likely|appropriate|suitable|probable))\b)"
    r"(?!\s+(?:only|if|when|unless|to|in(?!\s+this)|for(?!\s+this))\b)"
    r"|(?:选项|项)?(?:是正确|(?<![不非])正确(?!的?选项|答案))",
    re.I,
)
_SUBJECT = re.compile(
    r"(?:.*(?:[.!?。;:,\n]\s|[。,、\n]|\b(?:but|so|that|because|since|think|believe)\s))?"
    r"(?P<words>[^\n]*)\Z",
    re.I | re.S,
)

# No statement is longer, in characters.
_LONGEST = 400

# A full stop after a capital ends the sentence, unless it is a germ's: "E. coli".
_SENTENCE_ENDS = re.compile(
    r"(?:(?<!\b[A-Z])\.|(?<=\b[A-Z])\.(?!\s+[a-z]))(?=[\s\"')\]]|\Z)|[!?](?=\s|\Z)|[。\n]"
)


def answer_cues(text: str) -> list[Cue]:
    """The answer cues of a cleaned reply, in their order."""
    found = []
    for match in _ANSWER.finditer(text):
        line = text[: match.start()].rpartition("\n")[2]
        if match["line"] is not None and line.strip(" \t-\"'"):
            continue
        supposed = _SUPPOSED.search(match[0]) and _IF.search(line)
        remark = match["verb"] and _REMARK.match(text, match.end())
        if supposed or remark or _FOREIGN.search(match["before"]):
            continue
        denied = bool(_DENIED.search(match["before"]) or re.search("n[o']t", match["verb"] or ""))
        kind = "answer" if match["verb"] else "firm"
        found.append(Cue(match.start(), match.end(), kind, denied))
    for match in _CHINESE.finditer(text):
        found.append(Cue(match.start(), match.end(), "firm", bool(match["negated"])))
    return sorted(found, key=lambda cue: cue.start)


def statements(text: str) -> list[Statement]:
    """What a cleaned reply says at its cues, in their order.

    Examples
    --------
    >>> [(s.kind, s.text) for s in statements("I pick A. No, the answer is not A but B.")]
    [('weak', 'A'), ('answer', 'not A but B')]
    """
    cues = answer_cues(text)
    stops = [cue.start for cue in cues] + [len(text)]
    found = []
    for number, cue in enumerate(cues):
        said = sentence(text[cue.end : max(cue.end, stops[number + 1])])
        found.append((cue.start, Statement("not " * cue.negated + said, cue.kind)))
    for pattern in _WEAK:
        for match in pattern.finditer(text):
            stop = min((stop for stop in stops if stop >= match.end()), default=len(text))
            said = sentence(text[match.end() : min(stop, match.end() + _LONGEST)])
            found.append((match.start(), Statement(said, "weak")))
    for match in _VERDICT.finditer(text):
        clause = text[max(0, match.start() - _LONGEST) : match.start()]
        found.append((match.start(), Statement(_SUBJECT.match(clause)["words"], "weak")))
    return [statement for _, statement in sorted(found, key=lambda pair: pair[0])]


def sentence(text: str) -> str:
    """The first sentence, without what stands before its words.

    >>> sentence(" - E. coli is found. Then what?")
    'E. coli is found'
    """
    text = re.sub(r"\A(?:[\s:,=>→–—]|-(?!\d))+", "", text)
    end = _SENTENCE_ENDS.search(text)
    return (text[: end.start()] if end else text).strip()
