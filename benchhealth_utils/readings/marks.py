"""What the prompts of understanding tasks leave in a reply.

Their templates ask for angle brackets ("<effect>"), each names its answer by a word of
its own ("category", "label"), and each item begins with a heading ("Sentence:").
"""

from __future__ import annotations

import re

# Names in angle brackets that are tags or tokens and no words of the reply.
_TAGS = (
    r"(?:p|br|b|i|u|hr|em|strong|span|code|pre|sub|sup|mark|font|div|ul|ol|li|table|thead|tbody|tr"
    r"|td|th|h\d|html|body|a|think|thinking|thought|s|bos|eos|pad|unk|sop|eop"
    r"|start_of_turn|end_of_turn|(?:final_?)?answer)"
)
_BRACKETS = re.compile(
    rf"<(?![/|!\s]*>)(?![/|!])(?!{_TAGS}(?:\s+[\w-]+=[^<>]*|\s*/)?>)([^<>\n]{{1,400}})>", re.I
)
_ESCAPED = {"&lt;": "<", "&gt;": ">"}


def unwrapped(text: str, left: str = "", right: str = "") -> str:
    """The text with other signs, or none, for angle brackets around words.

    HTML tags and chat tokens stay, for `clean` to see to; so do comparisons.

    >>> unwrapped("<b><effect></b> (P < 0.05) <|end|>", "[", "]")
    '<b>[effect]</b> (P < 0.05) <|end|>'
    """
    text = re.sub("&[lg]t;", lambda sign: _ESCAPED[sign[0]], text)
    return _BRACKETS.sub(lambda mark: left + mark[1] + right, text)


def as_answer(text: str, nouns: str) -> str:
    """The text with "answer" for the task's own nouns, where one opens a statement.

    So that `cues` finds it: "category: ...", "the label is ...", a heading "Label",
    ``<label>...</label>``. Not "no relation: ...".

    Parameters
    ----------
    text : str
    nouns : str
        Pattern without groups that capture.

    Examples
    --------
    >>> as_answer("The relation between them is: no relation.", "relation|label")
    'The answer is: no relation.'
    """
    text = re.sub(rf"<({nouns})>(.*?)(?:</\1>|\Z)", r"\nAnswer: \2\n", text, flags=re.I | re.S)
    opens = re.compile(
        rf"(?<![\w@<-])(?<!\bno )(?:{nouns})"
        r"(?:[ \t]+(?:between|for|of|in)[ \t][^.:;?!()\n]{1,60}?)?"
        r"(?=[\"'*_]*\s?[:=]|[*_]*[ \t]+(?:is|are|was|were|(?:should|would|must|will)[ \t]+be)\b)"
        # a heading, or "Label - ..."
        rf"|^(?P<head>[ \t#*_]*(?:(?:final|correct|the)[ \t]+){{0,3}})(?:{nouns})"
        r"(?=[ \t*_]*(?:$|[-–—]+>?[ \t]))",
        re.I | re.M,
    )
    text = re.sub("标签|类别|关系(?=是|为|:)", "答案", text)
    return opens.sub(lambda found: (found["head"] or "") + "answer", text)


def own_item(text: str, heading: str) -> str:
    """The reply up to where it invents a further item; an echo at its start goes.

    Parameters
    ----------
    text : str
    heading : str
        Pattern of what opens an item of the prompt, such as ``sentence:``.

    Examples
    --------
    >>> own_item("Sentence: A is B.\\nLabel: No\\n\\nSentence: C.\\nLabel: Yes", "sentence:")
    'Label: No'
    """
    opens = re.compile(rf"^[^\w\n]*(?:{heading})", re.I | re.M)
    text = text.strip()
    while opens.match(text):
        text = text.partition("\n")[2].strip()
    further = opens.search(text)
    return text[: further.start()].rstrip() if further else text
