"""What every way to reach a model has in common: requests go in, replies come out."""

from __future__ import annotations

import os
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any

from ..schema import Example, Message, ModelError

# Whose logs can be scored as they are; "plain": anyone's, of items and texts.
HARNESSES = ("lm-eval", "inspect", "helm", "lighteval", "plain")


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
    messages: Sequence[Message] = field(repr=False)
    document: str = field(default="", repr=False)
    keep_end: bool = False
    max_tokens: int = 256
    labels: tuple[str, ...] = field(default=(), repr=False)
    cue: str = ""


@dataclass(frozen=True)
class Reply:
    """What came back: `Answer`'s status, text, detail and usage."""

    status: str
    text: str = field(repr=False)
    detail: str = field(default="", repr=False)
    usage: Mapping[str, Any] = field(default_factory=dict)


Replies = Iterator[list[tuple[int, Reply]]]  # to positions in what was asked, as they come


class Backend:
    """A way to reach a model; a subclass has to give `name`, `signature` and `replies`.

    Attributes
    ----------
    name : str
        The model's key or open form.
    signature : Mapping
        Everything about it that can change an answer.
    modes : tuple of str
        The answering modes it offers: ``generate``, ``likelihood``.
    remote : bool
        Whether prompts leave the machine.
    endpoint, place : str
        Of a remote one: its address, and its name in messages.
    learns : bool
        Whether it wants the training part; then `prepare` is called first.
    alone : bool
        Whether no answer depends on what is asked beside it, so that data sets may be.
    max_tokens : int or None
        A limit of its own on the length of a reply.
    budget : object or None
        Of one that costs money: what may be spent, see `money`.
    priced : str
        Where its price is known from.
    """

    name: str
    signature: Mapping[str, Any]
    modes: tuple[str, ...] = ("generate",)
    remote: bool = False
    endpoint: str = ""
    place: str = "this machine"
    learns: bool = False
    alone: bool = False
    max_tokens: int | None = None
    budget: Any = None
    priced: str = ""

    def replies(self, requests: Sequence[Request], wanted: Collection[int]) -> Replies:
        """Yield lists of ``(position, Reply)`` for the wanted positions of `requests`.

        What else is in the sequence may share a batch, so a caller that resumes
        passes the same sequence again. A position may come again: an ``error``
        takes its earlier reply back.
        """
        raise NotImplementedError

    def prepare(self, dataset: str, pool: Sequence[Example] | None = None) -> dict:
        """Learn from a training part; returns what identifies it, for the signature."""
        return {}

    def contexts(self, requests: Sequence[Request]) -> list[str]:
        """For each request a hash of what may share its batch, "" if that changes nothing."""
        return [""] * len(requests)

    def prompt_text(self, messages: Sequence[Message]) -> str:
        """The prompt with the model's own marks, "" if it has none."""
        return ""

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.name!r})"


def with_template(template: str, messages, bos: str = "<s>", eos: str = "</s>") -> str:
    """Messages in a chat format, without a tokenizer; for a server that takes raw text.

    Rendered as transformers does it. The first beginning mark is left to the
    server's tokenizer.
    """
    from jinja2.ext import loopcontrols
    from jinja2.sandbox import ImmutableSandboxedEnvironment as Sandbox

    rules = Sandbox(trim_blocks=True, lstrip_blocks=True, extensions=[loopcontrols])
    turns = [dict(message) for message in messages]
    facts = {"add_generation_prompt": True, "bos_token": bos, "eos_token": eos}
    return rules.from_string(template).render(messages=turns, **facts).removeprefix(bos)


def before_stop(text: str, stop: Sequence[str]) -> str:
    """The part of a reply before the first of the marks that end it.

    >>> before_stop("Aspirin. Patient: and", ["Patient: "])
    'Aspirin. '
    """
    return text[: min((text.index(mark) for mark in stop if mark in text), default=None)]


def needed(name: str, what: str, advice: str):
    """A package that not everyone installs; without it an error says who needs it, and how."""
    try:
        return import_module(name)
    except ImportError as error:
        raise ModelError(f"{what} needs {error.name or name}: {advice}.") from None


def stated(variable: str, pattern: str, expected: str) -> re.Match | None:
    """What the environment states, None if nothing; `ModelError` if it is of another form."""
    text = os.environ.get(variable, "").strip()
    found = re.fullmatch(pattern, text, re.A | re.I)
    if text and not found:
        raise ModelError(f"{variable} is '{text}'; expected {expected}.")
    return found if text else None


def stated_thinking() -> dict[str, bool]:
    """The switch that ``BENCHHEALTH_THINKING`` puts ``on`` or ``off``, as chat formats name it."""
    found = stated("BENCHHEALTH_THINKING", "on|off", "on or off")
    names = ("enable_thinking", "thinking")
    return dict.fromkeys(names, found[0].lower() == "on") if found else {}
