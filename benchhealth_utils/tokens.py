"""Prompt tokens of a model whose tokenizer is on this machine or can be fetched."""

from __future__ import annotations

from .backends.weights import Absent
from .models import REMOTE, check_name, parts, recorded_name
from .schema import ModelError


def own_count(model: str):
    """A function that counts a request's prompt with the model's own tokenizer, or None."""
    from .backends.loading import settings_of, tokenizer_of
    from .backends.machine import context_window
    from .backends.opening import chat_format, weights_of
    from .backends.rendering import render

    spec = check_name(model)
    if parts(model)[0] in REMOTE or (spec and spec.published == "api"):
        return None
    try:
        weights = weights_of(model, tokenizer_only=True)
    except ModelError as error:
        if isinstance(error, Absent) and not error.cause:  # neither a folder nor a hub id
            raise
        return None
    name = recorded_name(model)
    tokenizer = tokenizer_of(name, weights)
    window = context_window(settings_of(name, weights))
    form = chat_format(model, spec)
    if form.template and (form.first or tokenizer.chat_template is None):
        tokenizer.chat_template = form.template
    return lambda r: len(render(tokenizer, r, window - r.max_tokens).ids)
