"""Weights on this machine: where they are, and the forms in which they are given out.

A folder in ``BENCHHEALTH_WEIGHTS`` named like the model's key or checkpoint
comes first, then the Hugging Face cache, then the hub. Complete weights are
used as they are, an adapter is merged into its base; `recovery` has the weights
that were published as differences.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path

from ..schema import ModelError
from .machine import weight_fingerprint

WANTED = ["*.json", "*.model", "*.txt", "*.jinja", "*.py"]
TENSORS = ("*.safetensors", "*.bin")  # the second where there is none of the first
MARKS = ("config.json", "adapter_config.json")
KEPT = "BENCHHEALTH_WEIGHTS"


class Absent(ModelError):
    """A checkpoint is neither here nor to be had.

    Parameters
    ----------
    advice : str
        The whole message.
    cause : str
        What the hub said, for a message that gives its own advice.
    """

    def __init__(self, advice: str, cause: str = ""):
        super().__init__(f"{advice} ({cause})" if cause else advice)
        self.cause = cause


@dataclass(frozen=True)
class Weights:
    """What `LocalModel` loads: a folder, and perhaps an adapter or a GGUF file in it."""

    folder: Path
    adapter: Path | None = None
    gguf: str | None = None

    @property
    def fingerprint(self) -> str:
        """What identifies them; see `machine.weight_fingerprint`."""
        if self.gguf:
            return weight_fingerprint(self.folder / self.gguf)
        if self.adapter:
            return f"{weight_fingerprint(self.folder)}+{weight_fingerprint(self.adapter)}"
        return weight_fingerprint(self.folder)


def in_folder(folder: Path, name: str) -> Weights:
    """Weights in a folder of the user's, in whichever form they are.

    Raises
    ------
    ModelError
        If there are none, or the base of an adapter is not there.
    """
    if (folder / "adapter_config.json").exists():
        settings = json.loads((folder / "adapter_config.json").read_text(encoding="utf-8"))
        base = settings.get("base_model_name_or_path") or ""
        return Weights(_base(base, name), adapter=folder)
    if not (folder / "config.json").exists():
        files = sorted(folder.glob("*.gguf"))
        if len(files) > 1:
            raise ModelError(
                f"{name}: {len(files)} GGUF files in {folder}; keep one, or put each into a "
                "folder of its own."
            )
        if files:
            return Weights(folder, gguf=files[0].name)
    return Weights(folder)


def _base(base: str, name: str) -> Path:
    """The base of an adapter: a folder, or a hub id that is on this machine."""
    if base and Path(base).is_dir():
        return Path(base)
    try:
        return find(base, name=f"{name} (its base)")
    except Absent as error:
        raise Absent(
            f"{name} is an adapter on '{base or 'an unnamed base'}', which is not on this "
            f"machine. Put the base into a folder named {base.split('/')[-1] or 'like it'} and "
            f"set {KEPT} to the folder that holds it.",
            error.cause,
        ) from None


def find(repository: str, *names: str, revision: str | None = None, name: str = "") -> Path:
    """Folder of a checkpoint.

    Parameters
    ----------
    repository : str
        Hub id, ``owner/name``.
    *names : str
        Other names that its folder in ``BENCHHEALTH_WEIGHTS`` may have.
    revision, name : str, optional
        Commit or tag on the hub; what a message calls it.

    Raises
    ------
    Absent
        If it is neither here nor to be had.
    """
    if kept := _kept(repository.split("/")[-1], *names):
        return kept
    if len(Path(repository).parts) != 2:
        raise Absent(f"{name}: '{repository}' is neither a folder nor a hub id (owner/name).")
    try:
        return _on_hub(repository, revision)
    except Exception as error:  # whatever the hub's HTTP library raises, the remedy is one
        said = str(error).strip().partition("\n")[0].partition(". ")[0][:160]
        raise Absent(
            f"{name or repository}: {repository} is not on this machine and could not be "
            f"fetched. Where there is network, run `hf download {repository}`; or set {KEPT} to "
            f"a folder that holds it as {' or '.join([*names, repository.split('/')[-1]])}.",
            f"The hub, asked for {repository}, said: {said or type(error).__name__}",
        ) from None


def _on_hub(repository: str, revision: str | None) -> Path:
    """A checkpoint in the Hugging Face cache, fetched if it is not there with its weights."""
    from huggingface_hub import HfApi, snapshot_download, try_to_load_from_cache

    for mark in MARKS:
        cached = try_to_load_from_cache(repository, mark, revision=revision)
        if isinstance(cached, str) and any(any(Path(cached).parent.glob(t)) for t in TENSORS):
            return Path(cached).parent
    # asked once before anything is fetched, so that a lack is known in seconds
    files = HfApi().model_info(repository, revision=revision, timeout=5).siblings or ()
    safe = any(file.rfilename.endswith(".safetensors") for file in files)
    wanted = [*WANTED, TENSORS[0 if safe else 1]]
    return Path(snapshot_download(repository, revision=revision, allow_patterns=wanted))


def _kept(*names: str) -> Path | None:
    """A folder of the user's that has one of these names."""
    root = os.environ.get(KEPT)
    if not root:
        return None
    if not Path(root).expanduser().is_dir():
        raise ModelError(f"{KEPT} names {root}, which is not a folder.")
    folders = [Path(root).expanduser() / name for name in names if name]
    return next((folder for folder in folders if folder.is_dir()), None)
