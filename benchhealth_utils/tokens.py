"""Tokens of a request, counted before a model is opened.

Exactly for a model whose tokenizer is on this machine or can be fetched; with
``tiktoken``, if that package is installed (nothing here depends on it), for
OpenAI's models; for any other by a rule of thumb.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from .backends import Request
from .backends.weights import Absent
from .models import check_name, parts, recorded_name, template
from .schema import ModelError

LETTERS = 4  # of English text to a token, where no tokenizer is at hand
MARKS = 4  # tokens of a chat format around a message, by the same rule of thumb


@dataclass(frozen=True)
class Tokens:
    """How the tokens of a model are counted: of a request's prompt, and of a text."""

    prompt: Callable[[Request], int]
    text: Callable[[str], int]
    how: str


def counter(model: str) -> Tokens:
    """How to count the tokens of a model.

    Parameters
    ----------
    model : str
        As for `open_model`. No weights are read or fetched.

    Returns
    -------
    Tokens

    Raises
    ------
    ModelError
        If there is no such model, or a folder that has none.
    """
    spec = check_name(model)
    form, name, style = parts(model)
    if form == "anthropic" or (spec and spec.published == "api" and spec.protocol == "anthropic"):
        return _estimate()
    if form == "openai" or (spec and spec.published == "api"):
        return _tiktoken(spec.checkpoint if spec else name, style) or _estimate(style)
    return _own(model, spec) or _estimate()


def _estimate(style: str | None = None) -> Tokens:
    how = f"estimated, {LETTERS} letters a token; the most assumes a token a byte"
    return _of_texts(lambda text: len(text) // LETTERS, how, style)


def _tiktoken(model: str, style: str | None) -> Tokens | None:
    """OpenAI's tokenizer, if its package and the table of the model are here."""
    try:
        import tiktoken

        encoding = tiktoken.encoding_for_model(model)
    except Exception:  # no package, no such model, or no network for its table
        return None
    return _of_texts(lambda text: len(encoding.encode(text)), "counted with tiktoken", style)


def _of_texts(text: Callable[[str], int], how: str, style: str | None) -> Tokens:
    """Counted in the whole prompt if it is rendered here, else in each message."""
    if style is None:
        return Tokens(lambda r: sum(text(m["content"]) + MARKS for m in r.messages), text, how)
    from .models.base import with_template

    form = template(style)
    return Tokens(lambda r: text(with_template(form, r.messages) + r.cue), text, how)


def _own(model: str, spec) -> Tokens | None:
    """The model's own tokenizer, if it is to be had."""
    try:
        from .backends.loading import settings_of, tokenizer_of
        from .backends.machine import context_window
        from .backends.opening import chat_format, weights_of
        from .backends.rendering import render

        weights = weights_of(model, tokenizer_only=True)
    except ImportError:
        return None
    except ModelError as error:
        if isinstance(error, Absent) and not error.cause:  # neither a folder nor a hub id
            raise
        return None
    try:
        name = recorded_name(model)
        tokenizer = tokenizer_of(name, weights)
        window = context_window(settings_of(name, weights))
    except ImportError:
        return None
    form = chat_format(model, spec)
    if form.template and (form.first or tokenizer.chat_template is None):
        tokenizer.chat_template = form.template
    return Tokens(
        prompt=lambda r: len(render(tokenizer, r, window - r.max_tokens).ids),
        text=lambda text: len(tokenizer(text, add_special_tokens=False).input_ids),
        how="counted with the model's own tokenizer",
    )
