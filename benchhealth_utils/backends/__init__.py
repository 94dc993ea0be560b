"""Ways to reach a model; every backend turns requests into replies.

A backend is an object with

``name``
    The model's key or open form.
``remote``
    Whether prompts leave the machine.
``signature``
    Everything about it that can change an answer.
``modes``
    The answering modes it offers: ``generate``, ``likelihood``.
``replies(requests, wanted)``
    Yields lists of ``(position, Reply)`` for the wanted positions of the
    sequence `requests`. What else is in the sequence may share a batch, so a
    caller that resumes passes the same sequence again.
    A position may come again: an ``error`` takes its earlier reply back.
``endpoint`` (of a remote one)
    Its address.
``contexts(requests)`` (optional)
    For each position a hash of what may share its batch, if that can change
    the answer.
``prepare(dataset, pool)`` (optional)
    For models that learn from the training part; returns what identifies it.
``prompt_text(messages)`` (optional)
    The prompt with the model's own marks.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ..schema import Example, Message


@dataclass(frozen=True)
class Request:
    """One question to a model.

    Attributes
    ----------
    example : Example
        Its gold is withheld; baselines read its data set and inputs, language
        models only the messages.
    messages : sequence of Message
        The prompt, ending with the user's turn.
    document : str
        The part of the last message that may be shortened to fit.
    keep_end : bool
        Whether its end is kept then, rather than its beginning.
    max_tokens : int
        Most tokens a reply may have.
    labels : tuple of str
        Continuations to compare in likelihood mode; empty in generate mode.
    cue : str
        What the reply begins with in likelihood mode.
    """

    example: Example
    messages: Sequence[Message]
    document: str = ""
    keep_end: bool = False
    max_tokens: int = 256
    labels: tuple[str, ...] = ()
    cue: str = ""


@dataclass(frozen=True)
class Reply:
    """What came back: `Answer`'s status, text, detail and usage."""

    status: str
    text: str
    detail: str = ""
    usage: Mapping[str, Any] = field(default_factory=dict)
