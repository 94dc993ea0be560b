"""Probabilities of a label, from a server that repeats a prompt with those of its tokens."""

from __future__ import annotations

import math
import re

from .faults import Final

SPACES = re.compile(r"[\sĠĊ▁]+")  # the last three as tokenizers write them
CONTEXT = 6  # letters that have to stand before a label


def log_probability(logs, prompt: str, label: str, usage: dict) -> float:
    """Log-probability of `label` after `prompt`, summed over the label's tokens.

    Servers count differently: some give a beginning mark as a token of the
    text, some lose the spaces between tokens, some write letters beyond ASCII
    in pieces. So the label is looked for from the end, before or after the one
    token that the server adds, and white space is not compared.

    Parameters
    ----------
    logs : object
        The field ``logprobs`` of a completion that echoes ``prompt + label``.
    prompt, label : str
    usage : dict
        What the call is booked at.

    Raises
    ------
    Final
        If the server gives no log-probabilities of the prompt, or the label
        shares a token with what stands before it.
    """
    tokens, values = getattr(logs, "tokens", None), getattr(logs, "token_logprobs", None)
    if not tokens or not values:
        raise Final("error", "the server gives no log-probabilities of the prompt", usage)
    texts = [_bare(token) for token, _ in zip(tokens, values, strict=True)]
    for end in (len(texts) - 1, len(texts)):
        start = _start(texts[:end], _bare(label), label[0].isspace())
        if start and "".join(texts[:start]).endswith(_bare(prompt)[-CONTEXT:]):
            if None in values[start:end]:
                break
            total = math.fsum(values[start:end])
            if not math.isfinite(total):
                raise ValueError(f"a log-probability of {total}")
            return total
    raise Final("error", f"no log-probability of '{label.strip()}' alone", usage)


def _start(texts: list[str], label: str, spaced: bool) -> int:
    """Where the tokens of a label begin, if they are the last ones; else 0."""
    start, found = len(texts), ""
    while start and len(found) < len(label):
        start -= 1
        found = texts[start] + found
    while spaced and start and not texts[start - 1]:  # a space that is a token of its own
        start -= 1
    return start if found == label else 0


def _bare(text: str) -> str:
    return SPACES.sub("", text)
