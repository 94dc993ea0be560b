"""From a name to a backend: where its weights are, or which server has it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import NamedTuple

from ..models import (
    MODELS,
    ModelSpec,
    check_name,
    how_to_get,
    parts,
    recorded_name,
    template,
)
from ..schema import ModelError
from .recovery import is_whole, recovered
from .weights import Absent, Weights, find, in_folder, in_repository

BITS = "BENCHHEALTH_BITS"
DEVICE = "BENCHHEALTH_DEVICE"


class ChatFormat(NamedTuple):
    """A Jinja template, what ends a reply in it, and whether it goes before a tokenizer's own."""

    template: str | None = None
    stop: tuple[str, ...] = ()
    first: bool = False


def chat_format(name: str, spec: ModelSpec | None) -> ChatFormat:
    """The chat format that the registry gives a model, or that its name asks for."""
    if spec:
        return ChatFormat(template(spec.template) if spec.template else None, spec.stop)
    style = parts(name)[2]
    if style is None:
        return ChatFormat()
    stop = next((known.stop for known in MODELS.values() if known.template == style), ())
    return ChatFormat(template(style), stop, first=True)


def weights_of(name: str, *, tokenizer_only: bool = False) -> Weights:
    """Where the weights of a key or of ``hf:`` are.

    Parameters
    ----------
    name : str
    tokenizer_only : bool
        Only tokenizer and configuration are wanted: fetch no weights, and put
        none together.

    Raises
    ------
    ModelError
        If they are not to be had, or there are none.
    """
    spec = check_name(name)
    if spec is None:
        return _from_name(name, tokenizer_only)
    if spec.published == "embedded":
        from .embedded import weights

        return Weights(weights())
    return _from_registry(spec, tokenizer_only)


def _from_name(name: str, tokenizer_only: bool) -> Weights:
    """Weights of the form ``hf:``."""
    source = parts(name)[1]
    path = Path(source).expanduser()
    if path.suffix == ".gguf" and path.is_file():
        return Weights(path.parent, gguf=path.name)
    if path.is_dir():
        return in_folder(path, name, tokenizer_only=tokenizer_only)
    return in_repository(source, name, tokenizer_only=tokenizer_only)


def _from_registry(spec: ModelSpec, tokenizer_only: bool) -> Weights:
    """Weights of a key, in the form in which its authors published them."""
    if spec.published in ("api", "legacy", "baseline"):
        raise ModelError(how_to_get(spec))
    light = {"tokenizer_only": tokenizer_only}
    try:
        folder = find(
            spec.checkpoint or "", spec.key, revision=spec.revision, name=spec.key, **light
        )
        if spec.published == "full":
            return in_folder(folder, spec.key, **light)
        if spec.published == "adapter" and not (folder / "adapter_config.json").exists():
            return in_folder(folder, spec.key, **light)  # merged by the user
        if spec.published == "diff" and (tokenizer_only or is_whole(folder, spec.checksum)):
            return Weights(folder)  # recovered by the user, or the tokenizer of what will be
        base = find(spec.base_checkpoint, name=f"{spec.key} (its base)", **light)
    except Absent as error:
        raise ModelError(how_to_get(spec, error.cause)) from None
    if spec.published == "adapter":
        return Weights(base, adapter=folder)
    return Weights(recovered(folder, base, spec.key, spec.checksum))


def open_local(name: str, spec: ModelSpec | None, *, dtype, device, bits):
    """A model whose weights are on this machine; see `models.open_model`."""
    bits = bits or os.environ.get(BITS) or None
    if bits is not None and str(bits) not in ("4", "8"):
        raise ModelError(f"{name}: bits is {bits}; expected 4 or 8.")
    weights = weights_of(name)
    form = chat_format(name, spec)
    from .local import LocalModel

    return LocalModel(
        name if spec else recorded_name(name),
        weights,
        dtype=dtype,
        device=device or os.environ.get(DEVICE) or None,
        bits=int(bits) if bits else None,
        template=form.template,
        template_first=form.first,
        stop=form.stop,
        max_tokens=spec.max_tokens if spec else None,
    )
