r"""What every reading does first: find the words that are the model's own reply.

In this order:

1. Characters are folded: full-width forms, curly quotes, invisible characters;
   emoji and trade marks go.
2. Thoughts are dropped. ``<think>...</think>`` goes; so does everything before
   a lone ``</think>``, whose opening tag was part of the prompt. An opening tag
   that is never closed means that the reply was cut off: None.
3. Template tokens part the text into turns. Only the model's first turn counts:
   what follows an end token or a marker of the user's turn is not the reply.
4. Marks are taken off: JSON keys, LaTeX, HTML and markdown become plain lines.
   ``\boxed{...}`` and ``<answer>...</answer>`` become ``Answer: ...``.
5. A question at the very start is an echo of the prompt: it counts only from its
   answer on. A question later is one that the model invented: the reply ends
   before it.
"""

from __future__ import annotations

import html
import re
import unicodedata

QUOTES = str.maketrans({"‘": "'", "’": "'", "“": '"', "”": '"', "„": '"', "‐": "-"})
# Bullets are kept, as one sign, before emoji and other symbols go.
BULLETS = re.compile("[•●○◦▪■□▶➢➤‣]")

THOUGHT = re.compile(r"<(think|thinking|thought)>.*?</\1>", re.I | re.S)
THOUGHT_OPENS = re.compile(r"<(?:think|thinking|thought)>", re.I)
THOUGHT_CLOSES = re.compile(r"</(?:think|thinking|thought)>", re.I)

# Markers of chat templates: whose turn begins, or that a turn has ended.
TURN = re.compile(
    r"(?P<model><\|im_start\|>\s*assistant|<\|start_header_id\|>\s*assistant"
    r"\s*<\|end_header_id\|>|<start_of_turn>\s*model|<\|assistant\|>|\[/INST\]"
    r"|\[\|AI\|\]\s*:?|^[^\w\n]*(?:response|assistant|gpt|chatbot)\s*:"
    r"|^[ \t]*\#+[ \t]*(?:response|assistant)\b[ \t]*:?)"
    r"|(?P<user><\|im_start\|>\s*\w+|<\|start_header_id\|>\s*\w+\s*<\|end_header_id\|>"
    r"|<start_of_turn>\s*user|<\|(?:user|system)\|>|\[INST\]|\[\|Human\|\]\s*:?"
    r"|^[^\w\n]*(?:human|user|instruction|input)\s*:"
    r"|^[ \t]*\#+[ \t]*(?:instruction|input|human|user)\b[ \t]*:?)"
    r"|(?P<end></s>|<\|(?:im_end|endoftext|end_of_text|eot_id|end)\|>|<end_of_turn>|<eos>"
    r"|<\|end▁of▁sentence\|>|<eop>)"
    r"|(?P<nothing><s>|<bos>|<pad>|<unk>|<sop>|\[gMASK\]|<\|begin_of_text\|>)",
    re.I | re.M,
)

# {"answer_choice": "B", ...: a key, at the start of an object or after a comma.
JSON_KEY = re.compile(r"""[{,]\s*["'](\w[\w -]*)["']\s*:""")

# \text{...}, \mathbf{...}: only the words count.
LATEX_STYLE = re.compile(r"\\(?:text|math|mbox|operatorname)\w*\s*\{([^{}]*)\}")
LATEX_BOX = re.compile(r"\\f?(?:box|boxed)\s*\{([^{}]*)\}")
LATEX_MATHS = re.compile(r"\\[()\[\]$*_]|\$+")

ANSWER_TAG = re.compile(r"<(?:final_?)?answer>(.*?)(?:</(?:final_?)?answer>|\Z)", re.I | re.S)
INLINE_TAG = re.compile(r"</?(?:b|i|u|em|strong|span|code|sub|sup|mark|font)(?:\s[^<>]*)?>", re.I)
TAG = re.compile(r"</?[A-Za-z][\w-]*(?:\s[^<>]*)?/?>")
ENTITY = re.compile(r"&\#?\w{1,8};")

STRUCK = re.compile(r"~~[^~\n]*~~")
FENCE = re.compile(r"^[ \t]*(?:```\w*|[-=_*]{3,})[ \t]*$", re.M)
HEAD = re.compile(r"^[ \t]*(?:>[ \t]+)*\#{0,6}[ \t]*", re.M)
BULLET = re.compile(r"^[ \t]*[*+•-][ \t]+", re.M)
UNDERLINES = re.compile(r"(?<!\w)_+(?=\w)|(?<=\w)_+(?!\w)|(?<!\w)_+(?!\w)")

# Headings that open an echo of the prompt or a further question, and the place
# where an answer begins.
QUESTION = re.compile(
    r"^[^\w\n]*(?:(?:(?:next|new|another|second)[ \t]+)?(?:question|q)[ \t]*\#?\d{0,3}"
    r"[ \t]*(?:[:.)]|$)|(?:下一题|(?:问题|题目|问|例题)[ \t]*\d{0,3}[ \t]*:))",
    re.I | re.M,
)
CONTEXT = re.compile(r"[^\w\n]*(?:context|content)[ \t]*:", re.I)
ANSWER_BEGINS = re.compile(r"\b(?:final\s+)?answer\s*(?:is\b|:|$)|答案|回答", re.I | re.M)


def clean(text: str) -> str | None:
    r"""The model's own reply, in plain lines.

    Parameters
    ----------
    text : str
        What was generated.

    Returns
    -------
    str or None
        None if the reply ended inside a thought.

    Examples
    --------
    >>> clean("<think>A?</think>**Answer:** \\boxed{Ｂ}</s> [INST] Next?")
    'Answer: \nAnswer: B'
    """
    reply = without_thoughts(fold(text))
    if reply is None:
        return None
    return own_answer(without_marks(own_turn(reply))).strip()


def fold(text: str) -> str:
    """One form for characters that look alike.

    >>> fold("（Ａ）：‘yes’ ✅")
    "(A):'yes'  "
    """
    text = BULLETS.sub("•", text).translate(dict.fromkeys(map(ord, "®™©℠")))
    text = unicodedata.normalize("NFKC", text).translate(QUOTES)
    text = re.sub(r"\r\n?|[\u2028\u2029\x0b\x0c\x85]", "\n", text)
    kept = []
    for character in text:
        kind = unicodedata.category(character)
        if kind == "So" and character != "°":  # emoji and other symbols
            kept.append(" ")
        elif kind not in ("Cf", "Mn") and (kind != "Cc" or character in "\n\t"):
            kept.append(character)
    return "".join(kept)


def without_thoughts(text: str) -> str | None:
    """What is left beside the thoughts; None if one was never finished."""
    text = THOUGHT_CLOSES.split(THOUGHT.sub("\n", text))[-1]
    return None if THOUGHT_OPENS.search(text) else text


def own_turn(text: str) -> str:
    """The model's first turn that says anything."""
    said, speaker, place = "", "model", 0
    for marker in [*TURN.finditer(text), None]:
        words = text[place : marker.start() if marker else None]
        if speaker == "model":
            said += words
        elif said.strip():
            break
        if marker is None:
            break
        place = marker.end()
        if marker["model"] or marker["user"]:
            speaker = "model" if marker["model"] else "user"
        elif marker["end"] and said.strip():
            speaker = "nobody"
    return said


def without_marks(text: str) -> str:
    """The text without the signs of JSON, LaTeX, HTML and markdown."""
    text = JSON_KEY.sub(lambda key: f"\n{key[1].replace('_', ' ')}: ", text)
    for _ in range(3):  # styles can be nested
        text = LATEX_STYLE.sub(r"\1", text)
    text = LATEX_BOX.sub(r"\nAnswer: \1\n", text)
    text = LATEX_MATHS.sub("", text)
    text = ANSWER_TAG.sub(r"\nAnswer: \1\n", text)
    text = TAG.sub("\n", INLINE_TAG.sub("", text))
    text = ENTITY.sub(lambda entity: fold(html.unescape(entity[0])), text)
    text = STRUCK.sub("", FENCE.sub("", text))
    text = BULLET.sub("- ", HEAD.sub("", text))
    return UNDERLINES.sub("", re.sub(r"[*`]+", "", text))


def own_answer(text: str) -> str:
    """The reply without an echo of the question and without invented ones."""
    text = text.strip()
    if QUESTION.match(text) or CONTEXT.match(text):
        answer = ANSWER_BEGINS.search(text)
        text = text[answer.start() :] if answer else ""
    invented = QUESTION.search(text)
    return text[: invented.start()] if invented else text


def without_prompt(text: str, *parts: str) -> str:
    """The text without parts of the prompt that the model repeats word by word.

    White space may differ.

    >>> without_prompt("Say yes or\\nno. Yes.", "Say yes or no.")
    ' Yes.'
    """
    for part in parts:
        words = part.split()
        if words:
            text = re.sub(r"\s+".join(map(re.escape, words)), "", text)
    return text
