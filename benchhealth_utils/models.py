"""The models: their registry, and opening one by name.

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
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

import yaml

from .schema import ROOT, ModelError
from .secrets import check_no_secret

TEMPLATES = ROOT / "data" / "templates"
REMOTE = ("openai", "anthropic")
BUDGET = 5.0  # dollars for a model behind an API, where a run opens it by its name


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

    def retired_since(self, name: str) -> date | None:
        """When the vendor has switched a model off, by its own name or a dated one."""
        return self.snapshots.get(name, {}).get("retired") or self.retired


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
    form, source, style = parts(name)
    if form in ("hf", *REMOTE) and source.strip():
        if style is not None and form == "anthropic":
            raise ModelError(f"{name}: a chat format goes with hf: and openai: only.")
        if style is not None:
            template(style)
        return None
    raise ModelError(
        f"There is no model '{name}'. Known: {', '.join(MODELS)}; and hf:<id or folder> for "
        "any causal language model, openai:<model> or anthropic:<model> for one behind an API."
    )


def parts(name: str) -> tuple[str, str, str | None]:
    """Form, model and template of an open form; a folder may have a ``#`` in its own name.

    >>> parts("openai:served#baize"), parts("hf:owner/name")
    (('openai', 'served', 'baize'), ('hf', 'owner/name', None))
    """
    form, _, rest = name.partition(":")
    source, mark, style = rest.rpartition("#")
    if not mark or form == "hf" and Path(rest).expanduser().exists():
        return form, rest, None
    return form, source, style


def recorded_name(name: str) -> str:
    """The name under which answers and results are kept: of a folder the last part, no path."""
    form, source, style = parts(name)
    path = Path(source).expanduser()
    if form != "hf" or not path.exists():
        return name
    return f"hf:{path.resolve().name}" + ("" if style is None else f"#{style}")


def modes_of(name: str) -> tuple[str, ...]:
    """The answering modes that a model offers, known from its name alone.

    A vendor's model, or one that a server puts into its chat format, gives no
    probabilities of a prompt, and neither does a baseline.
    """
    spec = check_name(name)
    form, _, style = parts(name)
    if (form in REMOTE and style is None) or (spec and spec.published in ("api", "baseline")):
        return ("generate",)
    return ("generate", "likelihood")


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
        default ``BENCHHEALTH_DEVICE``, or else the best there is.
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
