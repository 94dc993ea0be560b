"""The models: their registry, and opening one by name.

A name is a key of ``data/models.yaml`` or an open form:

``hf:<id or folder>``
    Any causal language model on disk or on the Hugging Face hub: complete
    weights, a PEFT adapter, or a GGUF file.
``openai:<model>``, ``openai:<model>#<template>``
    Any server that speaks OpenAI's protocol; with a template of
    ``data/templates/`` the prompt is rendered here and sent as a raw completion.
``anthropic:<model>``
    The same for Anthropic's protocol.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date

import yaml

from .schema import ROOT, ModelError
from .secrets import check_no_secret

TEMPLATES = ROOT / "data" / "templates"
REMOTE = ("openai", "anthropic")


@dataclass(frozen=True)
class ModelSpec:
    """One entry of ``data/models.yaml``; see the comments there."""

    key: str
    name: str
    type: str
    published: str
    parameters: str | None = None
    checkpoint: str | None = None
    revision: str | None = None
    assumed: bool = False
    gated: bool = False
    base: str = ""
    base_checkpoint: str = ""
    checksum: float | None = None
    url: str = ""
    licence: str = ""
    vendor: str = ""
    protocol: str = ""
    deprecated: date | None = None
    retired: date | None = None
    snapshots: Mapping = field(default_factory=dict)
    successor: str = ""
    price: Mapping = field(default_factory=dict)
    template: str | None = None
    stop: tuple[str, ...] = ()
    context: int | None = None
    decoding: str = ""
    contamination: str = ""
    note: str = ""
    max_tokens: int | None = None


def _registry() -> dict[str, ModelSpec]:
    with (ROOT / "data" / "models.yaml").open(encoding="utf-8") as stream:
        rows = yaml.safe_load(stream)
    return {
        key: ModelSpec(**{**row, "key": key, "stop": tuple(row.get("stop", ()))})
        for key, row in rows.items()
    }


MODELS: dict[str, ModelSpec] = _registry()


def check_name(name: str) -> ModelSpec | None:
    """The registry's entry of a name, None for an open form.

    Raises
    ------
    ModelError
        For a name that does not exist; the message lists those that do.
    BenchHealthError
        For one that looks like a key.
    """
    if name in MODELS:
        return MODELS[name]
    check_no_secret("model", name)
    form, _, rest = name.partition(":")
    if form in ("hf", *REMOTE) and rest.strip():
        if form == "openai" and "#" in rest:
            template(rest.partition("#")[2])
        return None
    raise ModelError(
        f"There is no model '{name}'. Known: {', '.join(MODELS)}; and hf:<id or folder> for "
        "any causal language model, openai:<model> or anthropic:<model> for one behind an API."
    )


def template(name: str) -> str:
    """The Jinja chat template of ``data/templates/`` that has this name.

    Raises
    ------
    ModelError
        For one that does not exist; the message lists those that do.
    """
    path = TEMPLATES / f"{name}.jinja"
    known = sorted(path.stem for path in TEMPLATES.glob("*.jinja"))
    if name not in known:
        raise ModelError(f"There is no chat template '{name}'. Known: {', '.join(known)}.")
    return path.read_text(encoding="utf-8")


def open_model(
    name: str,
    *,
    dtype: str | None = None,
    device: str | None = None,
    bits: int | None = None,
    budget: float | None = None,
    beside=None,
):
    """Open a model, ready to answer.

    Parameters
    ----------
    name : str
        Key in ``MODELS`` or an open form.
    dtype : {"float32", "bfloat16", "float16"}, optional
        By default what the machine runs well.
    device : str, optional
        ``cuda``, ``mps``, ``cpu``, or ``auto`` to spread a model over all GPUs; by
        default the best there is.
    bits : {4, 8}, optional
        Load quantised, through bitsandbytes; by default ``BENCHHEALTH_BITS``.
    budget : float, optional
        Dollars that a model behind an API may cost in this process.
    beside : backend, optional
        Another open model; what both of them cost counts toward the budget.

    Returns
    -------
    object
        A backend, as described in `benchhealth_utils.backends`.

    Raises
    ------
    ModelError
        If the model does not exist or cannot be had; the message says what to
        do. Nothing else has been read or written by then.
    """
    spec = check_name(name)
    if spec and spec.published == "baseline":
        from .backends.baselines import open_baseline

        return open_baseline(name)
    from .backends.opening import open_local, open_remote

    if spec is None and name.partition(":")[0] in REMOTE:
        return open_remote(name, budget, getattr(beside, "budget", None))
    return open_local(name, spec, dtype=dtype, device=device, bits=bits)


def vendor_model(model: str) -> ModelSpec | None:
    """The registry's entry of a vendor's model, by the vendor's own name or a dated one."""
    specs = (spec for spec in MODELS.values() if spec.vendor)
    return next((s for s in specs if model in (s.key, s.checkpoint, *s.snapshots)), None)


def listed_price(model: str):
    """The price that the registry lists for a vendor's model, if any.

    Returns
    -------
    Price or None
    """
    from .backends.budget import Price

    known = vendor_model(model)
    return Price(known.price["prompt"], known.price["completion"]) if known else None
