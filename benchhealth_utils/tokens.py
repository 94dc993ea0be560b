"""Prompt tokens of a model whose tokenizer is on this machine or can be fetched."""

from __future__ import annotations

from .models import REMOTE, check_name, parts
from .models.local import open_prompts
from .models.weights import Absent
from .schema import ModelError


def own_count(model: str):
    """A function that counts a request's prompt with the model's own tokenizer, or None."""
    spec = check_name(model)
    if parts(model)[0] in REMOTE or (spec and spec.published == "api"):
        return None
    try:
        prompts = open_prompts(model)
    except ModelError as error:
        # neither a folder nor a hub id, or a folder that has no tokenizer
        if isinstance(error, Absent) and not error.cause or error.__cause__:
            raise
        return None
    return lambda request: len(prompts.render(request).ids)
