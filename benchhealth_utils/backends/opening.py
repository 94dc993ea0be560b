"""From a name to a backend: where its weights are, or which server has it."""

from __future__ import annotations

import os
from pathlib import Path

from ..availability import how_to_get
from ..models import MODELS, ModelSpec, check_name, listed_price, template, vendor_model
from ..schema import ModelError
from .budget import Budget, Price, stated_price
from .recovery import is_whole, recovered
from .responses import without_path
from .weights import Absent, Weights, find, in_folder

BITS = "BENCHHEALTH_BITS"


def weights_of(name: str) -> Weights:
    """Where the weights of a key or of ``hf:`` are.

    Raises
    ------
    ModelError
        If they are not to be had, or there are none.
    """
    spec = check_name(name)
    if spec is None:
        return _from_name(name, name.partition(":")[2])
    if spec.published == "embedded":
        from .embedded import weights

        return Weights(weights())
    return _from_registry(spec)


def _from_name(name: str, source: str):
    """Weights of the form ``hf:``."""
    path = Path(source).expanduser()
    if path.suffix == ".gguf" and path.is_file():
        return Weights(path.parent, gguf=path.name)
    return in_folder(path if path.is_dir() else find(source, name=name), name)


def _from_registry(spec: ModelSpec):
    """Weights of a key, in the form in which its authors published them."""
    if spec.published in ("api", "legacy", "baseline"):
        raise ModelError(how_to_get(spec))
    try:
        folder = find(spec.checkpoint or "", spec.key, revision=spec.revision, name=spec.key)
        if spec.published == "full":
            return in_folder(folder, spec.key)
        if spec.published == "adapter" and not (folder / "adapter_config.json").exists():
            return in_folder(folder, spec.key)  # merged by the user
        if spec.published == "diff" and is_whole(folder, spec.checksum):
            return Weights(folder)  # recovered by the user
        base = find(spec.base_checkpoint, name=f"{spec.key} (its base)")
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
    from .local import LocalModel

    if spec is None and Path(name[3:]).expanduser().exists():
        name = f"hf:{Path(name[3:]).expanduser().resolve().name}"  # results carry no path
    return LocalModel(
        name,
        weights,
        dtype=dtype,
        device=device,
        bits=int(bits) if bits else None,
        template=template(spec.template) if spec and spec.template else None,
        stop=spec.stop if spec else (),
        max_tokens=spec.max_tokens if spec else None,
    )


def open_remote(name: str, budget: float | None, beside: Budget | None = None):
    """A model behind an API; see `models.open_model`."""
    from .anthropic_api import AnthropicProtocol
    from .openai_api import OpenAIProtocol
    from .remote import RemoteModel

    form, _, rest = name.partition(":")
    model, _, style = rest.partition("#") if form == "openai" else (rest, "", "")
    kind = OpenAIProtocol if form == "openai" else AnthropicProtocol
    known = vendor_model(model)
    if known and known.retired and kind.is_vendor():
        raise ModelError(how_to_get(known, snapshot=model))
    if style:
        stop = next((spec.stop for spec in MODELS.values() if spec.template == style), ())
        protocol = kind(name, model, template=template(style), stop=stop)
    else:
        protocol = kind(name, model)
    opened = RemoteModel(f"{form}:{without_path(model)}{'#' + style if style else ''}", protocol)
    price = stated_price() or listed_price(model)
    if price is None and not opened.remote:
        price = Price(0, 0)  # a server on this machine
    opened.budget = Budget(budget, price, beside)
    return opened
