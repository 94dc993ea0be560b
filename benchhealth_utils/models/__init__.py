"""Models, opened by name.

A name is a key of ``data/models.yaml`` or an open form:

``hf:<id or folder>``, ``hf:<id or folder>#<template>``
    Any causal language model on disk or on the Hugging Face hub: complete
    weights, a PEFT adapter, or a GGUF file. With a template of
    ``data/templates/`` it is asked in that chat format, and not in its own.
``openai:<model>``, ``openai:<model>#<template>``
    Any server that speaks OpenAI's protocol; with a template the prompt is
    rendered here and sent as a raw completion.
``anthropic:<model>``
    The same for Anthropic's protocol.
``imported:<model>``, ``imported:<model>#<harness>``
    A model that was asked elsewhere: its answers come from files, see `exchange`. With a
    harness they are answers to its prompts, not to ours.
"""

from __future__ import annotations

from ..guard import check_no_secret
from ..registry import MODELS, REMOTE, ModelSpec, known, parts, template
from ..schema import ModelError
from .base import HARNESSES, Backend, Reply, Request
from .money import BUDGET, Budget

__all__ = ["BUDGET", "MODELS", "Backend", "Budget", "Reply", "Request", "check_name", "open_model"]
FORMS = ("hf:<id or folder>", "openai:<model>", "anthropic:<model>", "imported:<model>")


def check_name(name: str) -> ModelSpec | None:
    """The registry's entry of a name, None for an open form.

    Raises
    ------
    ModelError
        For a name that does not exist; the message lists those that do.
    BenchHealthError
        For one that looks like a key.
    """
    if spec := MODELS.get(name):
        return spec
    check_no_secret("model", name)
    form, source, style = parts(name)
    if form not in ("hf", "imported", *REMOTE) or not source.strip():
        known("model", name, [*MODELS, *FORMS], ModelError)
    if style is not None and form == "anthropic":
        raise ModelError(f"{name}: a chat format goes with hf: and openai: only.")
    if style is not None and form == "imported":
        known("harness", style, HARNESSES, ModelError)
    elif style is not None:
        template(style)
    return None


def modes_of(name: str) -> tuple[str, ...]:
    """The answering modes that a model offers, known from its name alone.

    A model behind an API gives no probabilities of a prompt, and neither does a baseline.
    """
    spec = check_name(name)
    if parts(name)[0] in ("imported", *REMOTE) or (spec and spec.published in ("api", "baseline")):
        return ("generate",)
    return ("generate", "likelihood")


def open_model(
    name: str | Backend,
    *,
    dtype: str | None = None,
    device: str | None = None,
    bits: int | None = None,
    budget: Budget | float | None = None,
) -> Backend:
    """Open a model, ready to answer.

    Parameters
    ----------
    name : str or Backend
        Key in ``MODELS`` or an open form; a model that is open is returned as it is.
    dtype : {"float32", "bfloat16", "float16"}, optional
        By default ``BENCHHEALTH_DTYPE``, or else what the machine runs well.
    device : str, optional
        ``cuda``, ``mps``, ``cpu``, or ``auto`` to spread a model over all GPUs; by
        default ``BENCHHEALTH_DEVICE``, or else the best there is.
    bits : {4, 8}, optional
        Load quantised, through bitsandbytes; by default ``BENCHHEALTH_BITS``.
    budget : float or Budget, optional
        Dollars that a model behind an API may cost; several models may spend from one
        `Budget`. By default ``BENCHHEALTH_BUDGET``, or 5, for all models of this process.

    Raises
    ------
    ModelError
        If the model does not exist or cannot be had; the message says what to
        do. Nothing else has been read or written by then.
    """
    if isinstance(name, Backend):
        return name
    spec = check_name(name := str(name))
    if spec and spec.published == "baseline":
        from .baselines import Baseline

        return Baseline(name)
    if spec is None and parts(name)[0] == "imported":
        from .imported import Imported

        return Imported(name)
    if spec is None and parts(name)[0] in REMOTE:
        from .remote import open_remote

        return open_remote(name, budget)
    from .local import LocalModel

    return LocalModel(name, dtype=dtype, device=device, bits=bits)
