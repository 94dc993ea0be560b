"""Free text: a summary of findings, or instructions for a patient, as it is scored.

The text stays as the model wrote it, characters and all, but for these, in order:

1. Thoughts and chat tokens go; a reply cut off inside a thought is not read.
2. An echo of the prompt at the start goes; an item that is invented later ends the text
   ("Given the findings:", "Q:", "Health records:").
3. The signs of markdown go: fences, headings, bullets at the start of a line, quotes,
   emphasis, a few HTML tags. MIMIC's "[**...**]" and "___" are no markdown, and a star
   or hash inside a word or before a space is none.
4. Prefaces at the start go, one after the other: "Sure!", "Here is a summary:", a label
   ("Impression:"); so does what a chatbot says at the end ("I hope this helps!").
5. A refusal is not read; nor is nothing. "I cannot exclude an effusion" refuses nothing.
6. White space is folded to single spaces.

No rule may touch a real clinical text: all gold texts are read back as they are.
"""

from __future__ import annotations

import json
import re

from .clean import own_turn, without_thoughts

# The end of an item, said again; and the heading of an invented one.
ECHO = {
    "radiology": re.compile(
        r"\s*(?:Given the findings:.*?)?(?:Q:\s*)?Summari[sz]e the findings\.?\s*A:", re.S
    ),
    "discharge": re.compile(r"(?!)"),
}
ITEM = {
    "radiology": re.compile(
        r"(?:^|(?<=\s))(?:Given the findings:|(?:Q|Question)\s*\d*:(?:\s|\Z))", re.M
    ),
    "discharge": re.compile(r"(?:^|(?<=\s))Health records:|^(?:Q|Question)\s*\d*:\s", re.M),
}

INLINE_TAG = re.compile(r"</?(?:b|i|u|em|strong|span)(?:\s[^<>]*)?>")
# Not <BR> in capitals, which is in a gold text of IU-Xray.
BLOCK_TAG = re.compile(
    r"</?(?:p|div|ul|ol|li|h\d|answer|final_answer|summary|impression)(?:\s[^<>]*)?>|<br ?/?>"
)
LINE_MARKS = [
    re.compile(r"^[ \t]*```\w*[ \t]*$", re.M),
    re.compile(r"^[ \t]*(?:(?:-[ \t]*){3,}|(?:\*[ \t]*){3,}|={3,})[ \t]*$", re.M),
    re.compile(r"^[ \t]*(?:>[ \t]+(?!\d+(?![\d.]*\.\s)))+", re.M),
    re.compile(r"^[ \t]*#{1,6}[ \t]+", re.M),
    re.compile(r"^[ \t]*[-*+•●▪][ \t]+", re.M),
]
# Emphasis touches its words, and no other word does; marks for names are left alone.
EMPHASIS = re.compile(
    r"(?P<name>\[\*\*.*?\*\*\])"
    r"|(?<!\*)(?P<stars>\*{2,3})(?=[^\s*])(?P<strong>[^\n]*?[^\s*])(?P=stars)(?!\*)"
    r"|(?<![\w*])\*(?=\w)(?P<weak>[^*\n]*?[\w.,:;!?)%])\*(?![\w*])"
    r"|(?<![\w_])(?P<lines>__?)(?=[^\s_])(?P<lined>[^\n]*?[^\s_])(?P=lines)(?![\w_])"
    r"|(?<![\w`])`(?=[^\s`])(?P<code>[^`\n]*?[^\s`])`(?![\w`])"
)
EMPHASIZED = ("name", "strong", "weak", "lined", "code")

# What only introduces the text. In instructions a label has a capital: the gold texts
# of MIMIC-III, which are in lower case, have none.
_SHORT = r"[^.:!?\n]{0,150}"
LABEL = {
    "radiology": r"(?:final\s+)?(?:impressions?|conclusions?"
    r"|summary(?:\s+of\s+(?:the\s+)?findings)?"
    r"|diagnostic\s+(?:statements?|summary|impressions?)|(?:in|to)\s+summar(?:y|ize)|answer|response)",
    "discharge": r"(?=(?-i:[A-Z]))(?:(?:plain[ -]language|patient|your)\s+)*(?:discharge\s+)?"
    r"(?:instructions?|summary|answer|response)",
}
NOUN = {
    "radiology": r"(?:summar\w+|impressions?|statements?|paragraph|conclusions?)",
    "discharge": r"(?:discharge\s+instructions?|plain[ -]language|summar\w+)",
}
PREFACE = {
    kind: re.compile(
        rf"\s*(?:(?:{LABEL[kind]})[ \t]*(?::|\n|\Z)|A:"
        r"|(?:sure(?:\s+thing)?|certainly|of\s+course|absolutely|okay|ok)(?:!+|[,.](?=\s*(?:here|I)\b))"
        rf"|(?:I(?:'d|'ll|'m|\s+would|\s+will|\s+am)\s+(?:be\s+)?)(?:happy|glad)\s+to{_SHORT}[.!:]"
        rf"|(?:here(?:'s|\s+is|\s+are)|below(?:\s+is|\s+are)|the\s+following\s+(?:is|are)|this\s+is)"
        rf"\s{_SHORT}\b{NOUN[kind]}\b{_SHORT}:"
        rf"|here\s+are\s{_SHORT}\binstructions\b{_SHORT}:[ \t]*\n"
        rf"|(?:the|a|based|my)\s{_SHORT}\b(?:{NOUN[kind]}\b{_SHORT}\b(?:follows|is|are)"
        rf"|report\b{_SHORT}\bfollows):)\s*",
        re.I,
    )
    for kind in NOUN
}

# What only a chatbot says, as the last sentence.
_HELP = (
    r"(?:anything\s+else|any\s+(?:other|more|further|additional)|further|more\s+\w+|me\s+to|(?:any\s+)?"
    r"(?:clarification|changes))\b"
)
_QUESTIONS = {"radiology": r"|any\s+questions", "discharge": ""}
CLOSING = {
    kind: re.compile(
        r"(?:please\s+|and\s+)*(?:"
        r"I\s+hope\s+(?:that\s+)?(?:this|these|it)\b[^.!?]*\b(?:help|useful|clear|clarif|answer|meet)\w*"
        rf"|(?:let\s+me\s+know|(?:feel\s+free|(?:do\s+not|don't)\s+hesitate)\s+to\s+(?:ask|reach\s+out"
        rf"|let\s+me\s+know))\b[^.!?]*?(?:{_HELP}{_QUESTIONS[kind]})"
        rf"|if\s+you\s+(?:have|need|want|would\s+like)\s+(?:{_HELP}{_QUESTIONS[kind]})[^.!?]*"
        r"\b(?:let\s+me\s+know|feel\s+free\s+to\s+ask|ask\s+me|I(?:'m|\s+am)\s+here)"
        r"|is\s+there\s+anything\s+else|(?:would\s+you\s+like|do\s+you\s+want)\s+me\s+to"
        r"|[^.!?]*\b(?:I\s+am|I'm|as|by|from)\s+(?:just\s+|only\s+)?an?\s+(?:(?-i:AI)|artificial"
        r"\s+intelligence|(?:large\s+)?language\s+model|virtual\s+assistant|chatbot)\b"
        r"|[^.!?]*\bthis\s+(?:\w+\s+){0,2}is\s+(?:not\s+(?:a\s+substitute\s+for|intended\s+as|medical)"
        r"|(?:for|provided\s+for)\s+informational)"
        r")[^.!?]*[.!?]*",
        re.I,
    )
    for kind in NOUN
}
LAST = re.compile(r"(?:\A|(?<=[.!?])\s|\n)\s*(?P<said>[^.!?\n]*[.!?]*)\s*\Z")

REFUSAL = re.compile(
    r"\s*(?:(?:I(?:'m|\s+am)\s+(?:\w+\s+)?sorry|sorry|I\s+apologi[sz]e|my\s+apologies"
    r"|(?:as|I(?:'m|\s+am))\s+(?:just\s+)?an?\s+(?:(?-i:AI)|\w+\s+language\s+model|language\s+model))\b"
    r"[^.!?\n]*\b(?:cannot|can\s*not|can't|unable|not\s+able|won't)\b"
    r"|(?:unfortunately,?\s+)?I(?:\s+(?:cannot|can\s*not|can't)|(?:'m|\s+am)\s+(?:unable|not\s+able)\s+to)"
    r"\s+(?:\w+ly\s+)?(?:provide|interpret|give|summari[sz]e|help|assist|answer|offer|generate|create"
    r"|fulfil|comply|write|access|process)\b"
    r"|(?:很?抱歉|对不起|作为)[^。\n]*(?:无法|不能))",
    re.I,
)


def read_text(text: str, kind: str) -> str | None:
    """The text of a reply that is to be scored.

    Parameters
    ----------
    text : str
    kind : {"radiology", "discharge"}

    Returns
    -------
    str or None
        In one line; None if nothing is left or the model refused.

    Examples
    --------
    >>> read_text("Sure! Here is the summary:\\n\\n**Impression:** Clear lungs.", "radiology")
    'Clear lungs.'
    >>> read_text("I'm sorry, I cannot interpret reports.", "radiology") is None
    True
    """
    reply = without_thoughts(text)
    reply = _plain(_own(own_turn(reply), kind)) if reply else ""
    reply = _without_preface(reply, kind)
    if REFUSAL.match(reply):
        reply = _after_refusal(reply, kind)
    while (last := LAST.search(reply)) and CLOSING[kind].fullmatch(last["said"]):
        reply = reply[: last.start()]
    return " ".join(reply.split()) or None


def _own(text: str, kind: str) -> str:
    """The text without an echo of the item, and up to an invented one."""
    echo = ECHO[kind].match(text)
    text = text[echo.end() :] if echo else text
    invented = ITEM[kind].search(text)
    return text[: invented.start()] if invented else text


def _plain(text: str) -> str:
    """The text without the signs of JSON, HTML and markdown."""
    text = _value(LINE_MARKS[0].sub("", text).strip())
    text = BLOCK_TAG.sub("\n", INLINE_TAG.sub("", text))
    for signs in LINE_MARKS:
        text = signs.sub("", text)
    for _ in range(2):  # one emphasis inside another
        text = EMPHASIS.sub(_words, text)
    return text.strip()


def _words(found: re.Match) -> str:
    """The words inside signs of emphasis; the whole of a mark for a name."""
    return next(words for words in map(found.group, EMPHASIZED) if words is not None)


def _value(text: str) -> str:
    """The texts of a JSON object; those under a name for the answer, if it has any."""
    try:
        values = json.loads(text) if text.startswith("{") else None
    except (ValueError, RecursionError):
        return text
    if not isinstance(values, dict):
        return text
    named = {
        key: value
        for key, value in values.items()
        if re.search("impression|summary|instruction|answer|text|response", key, re.I)
    }
    return "\n".join(value for value in (named or values).values() if isinstance(value, str))


def _without_preface(text: str, kind: str) -> str:
    while preface := PREFACE[kind].match(text):
        text = text[preface.end() :]
    return text


def _after_refusal(text: str, kind: str) -> str:
    """What a reply gives after all, behind a preface; else nothing."""
    for start in re.finditer(r"(?<=[.!?])\s+(?:however,?\s+|but\s+)?|\n\s*", text, re.I):
        rest = text[start.end() :]
        if PREFACE[kind].match(rest):
            return _without_preface(rest, kind)
    return ""
