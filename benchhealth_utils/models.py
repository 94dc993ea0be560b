"""The models: their registry, and opening one by name.

A name is a key of ``data/models.yaml`` or the open form ``hf:<id or folder>``
for any causal language model on disk or on the Hugging Face hub.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import yaml

from .schema import ROOT, ModelError


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
    url: str = ""
    licence: str = ""
    vendor: str = ""
    retired: str | None = None
    successor: str = ""
    template: str | None = None
    max_tokens: int | None = None


def _registry() -> dict[str, ModelSpec]:
    with (ROOT / "data" / "models.yaml").open(encoding="utf-8") as stream:
        rows = yaml.safe_load(stream)
    return {key: ModelSpec(key=key, **row) for key, row in rows.items()}


MODELS: dict[str, ModelSpec] = _registry()


def check_name(name: str) -> ModelSpec | None:
    """The registry's entry of a name, None for an open form.

    Raises
    ------
    ModelError
        For a name that does not exist; the message lists those that do.
    """
    if name in MODELS:
        return MODELS[name]
    if name.startswith("hf:") and name[3:].strip():
        return None
    raise ModelError(
        f"There is no model '{name}'. Known: {', '.join(MODELS)}; "
        "and hf:<id or folder> for any causal language model."
    )


def open_model(name: str, *, dtype: str | None = None, device: str | None = None):
    """Open a model, ready to answer.

    Parameters
    ----------
    name : str
        Key in ``MODELS`` or ``hf:<id or folder>``.
    dtype : {"float32", "bfloat16", "float16"}, optional
        By default what the machine runs well.
    device : str, optional
        ``cuda``, ``mps`` or ``cpu``; by default the best there is.

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
    if spec is None:
        return _local(name, name[3:], None, dtype, device)
    if spec.published == "baseline":
        from .backends.baselines import open_baseline

        return open_baseline(name)
    if spec.published == "embedded":
        from .backends.embedded import weights

        return _local(name, weights(), spec, dtype, device)
    if spec.published == "full" and spec.checkpoint:
        return _local(name, spec.checkpoint, spec, dtype, device)
    raise ModelError(_how_to_get(spec))


def _local(name, source, spec, dtype, device):
    from .backends.local import LocalModel

    folder = Path(source).expanduser()
    if folder.is_dir():
        source = folder
        if spec is None:  # the name goes into results, the path does not
            name = f"hf:{folder.resolve().name}"
    elif len(Path(source).parts) != 2:
        raise ModelError(f"{name}: '{source}' is neither a folder nor a hub id (owner/name).")
    else:
        source = _snapshot(name, source, spec)
    return LocalModel(
        name,
        source,
        dtype=dtype,
        device=device,
        template=spec.template if spec else None,
        max_tokens=spec.max_tokens if spec else None,
    )


def _snapshot(name: str, repository: str, spec: ModelSpec | None) -> Path:
    """Folder of a hub repository's weights: from the cache, else downloaded."""
    from huggingface_hub import snapshot_download, try_to_load_from_cache

    revision = spec.revision if spec else None
    wanted = ["*.json", "*.safetensors", "*.bin", "*.model", "*.txt", "*.jinja"]
    try:
        cached = try_to_load_from_cache(repository, "config.json", revision=revision)
        if not isinstance(cached, str):
            _reach_hub(repository, revision)
        return Path(
            snapshot_download(
                repository,
                revision=revision,
                allow_patterns=wanted,
                local_files_only=isinstance(cached, str),
            )
        )
    except Exception as error:  # whatever the hub's HTTP library raises, the remedy is one
        advice = (
            _how_to_get(spec)
            if spec
            else (
                f"{name}: fetch it with `hf download {repository}` where there is network, "
                "or pass the folder that holds it: hf:<folder>."
            )
        )
        cause = str(error).strip().splitlines()[0][:160] or type(error).__name__
        raise ModelError(f"{advice} (The hub said: {cause})") from None


def _reach_hub(repository: str, revision: str | None) -> None:
    """Ask the hub for the repository once, so that a lack is known in seconds."""
    from huggingface_hub import HfApi

    HfApi().model_info(repository, revision=revision, timeout=5)


def _how_to_get(spec: ModelSpec) -> str:
    lacking = f"{spec.key} ({spec.name}) cannot be run here: "
    if spec.published == "api":
        return (
            f"{lacking}{spec.vendor} has retired {spec.checkpoint} since {spec.retired} "
            f"and names {spec.successor} as its successor, so the paper's row cannot be "
            "measured again. The paper's own numbers are in data/paper/."
        )
    if spec.published == "full" and spec.checkpoint:
        gate = (
            f"accept the licence at {spec.url}, log in with `hf auth login`, then "
            if spec.gated
            else ""
        )
        return (
            f"{lacking}its weights are not on this machine. To have them, {gate}fetch "
            f"them with `hf download {spec.checkpoint}`; or run a folder you have with "
            "-p model hf:<folder>."
        )
    if spec.published in ("adapter", "diff"):
        kind = "a LoRA adapter" if spec.published == "adapter" else "weight differences"
        return (
            f"{lacking}its authors published {kind} for {spec.base} ({spec.url}). Merge "
            "them with the base weights into one folder as the authors describe, and "
            "run that with -p model hf:<folder>."
        )
    if spec.published == "legacy":
        return (
            f"{lacking}its code ({spec.url}) does not run with today's transformers. "
            "The paper's own numbers are in data/paper/."
        )
    return (
        f"{lacking}its authors give the weights on request at {spec.url}. Put them into "
        "a folder and run that with -p model hf:<folder>."
    )
