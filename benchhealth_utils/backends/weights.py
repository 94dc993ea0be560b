"""Weights on this machine: where they are, and the forms in which they are given out.

A folder in ``BENCHHEALTH_WEIGHTS`` named like the model's key or checkpoint
comes first, then the Hugging Face cache, then the hub. Complete weights are
used as they are, an adapter is merged into its base; `recovery` has the weights
that were published as differences.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Collection
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path

from ..schema import ModelError
from ..secrets import scrubbed
from .machine import weight_fingerprint

WANTED = ["*.json", "*.model", "*.txt", "*.jinja", "*.py"]
TENSORS = ("*.safetensors", "*.bin")  # the second where there is none of the first
TOKENIZERS = ("tokenizer*", "vocab*", "adapter_config.json")  # an adapter's is its base's
KEPT = "BENCHHEALTH_WEIGHTS"
HUB_ID = r"\w[\w.-]*/\w[\w.-]*"


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


def in_folder(folder: Path, name: str, *, tokenizer_only: bool = False) -> Weights:
    """Weights in a folder of the user's, in whichever form they are.

    Raises
    ------
    ModelError
        If there are several, or the base of an adapter is not there.
    """
    if (folder / "adapter_config.json").exists():
        settings = json.loads((folder / "adapter_config.json").read_text(encoding="utf-8"))
        base = settings.get("base_model_name_or_path") or ""
        return Weights(_base(base, name, tokenizer_only), adapter=folder)
    packed = sorted(path.name for path in folder.glob("*.gguf"))
    if packed and not any(any(folder.glob(pattern)) for pattern in TENSORS):
        if len(packed) > 1:
            raise ModelError(
                f"{name}: {len(packed)} GGUF files in {folder}; keep one, or name the file: "
                f"-p model hf:{folder / packed[0]}."
            )
        return Weights(folder, gguf=packed[0])
    return Weights(folder)


def in_repository(source: str, name: str, *, tokenizer_only: bool = False) -> Weights:
    """Weights of ``owner/name``, or one GGUF file of it, ``owner/name/file.gguf``."""
    owner, *rest = source.split("/")
    file = "/".join(rest[1:]) if owner and len(rest) > 1 and source.endswith(".gguf") else ""
    repository = f"{owner}/{rest[0]}" if file else source
    folder = find(repository, name=name, file=file, tokenizer_only=tokenizer_only)
    if not file:
        return in_folder(folder, name, tokenizer_only=tokenizer_only)
    path = folder / file
    if not path.is_file():
        raise ModelError(f"{name}: there is no {file} in {folder}.")
    return Weights(path.parent, gguf=path.name)


def _base(base: str, name: str, tokenizer_only: bool) -> Path:
    """The base of an adapter: a folder, or a hub id that is on this machine."""
    if base and Path(base).is_dir():
        return Path(base)
    try:
        return find(base, name=f"{name} (its base)", tokenizer_only=tokenizer_only)
    except Absent as error:
        raise Absent(
            f"{name} is an adapter on '{base or 'an unnamed base'}', which is not on this "
            f"machine. Put the base into a folder named {base.split('/')[-1] or 'like it'} and "
            f"set {KEPT} to the folder that holds it.",
            error.cause,
        ) from None


def find(
    repository: str,
    *names: str,
    revision: str | None = None,
    name: str = "",
    file: str = "",
    tokenizer_only: bool = False,
) -> Path:
    """Folder of a checkpoint.

    Parameters
    ----------
    repository : str
        Hub id, ``owner/name``.
    *names : str
        Other names that its folder in ``BENCHHEALTH_WEIGHTS`` may have.
    revision, name : str, optional
        Commit or tag on the hub; what a message calls it.
    file : str, optional
        The one file of weights that is wanted.
    tokenizer_only : bool
        Fetch no weights.

    Raises
    ------
    Absent
        If it is neither here nor to be had.
    ModelError
        If it has several GGUF files and none is named.
    """
    if kept := _kept(repository.split("/")[-1], *names):
        return kept
    if not re.fullmatch(HUB_ID, repository):
        raise Absent(f"{name}: '{repository}' is neither a folder nor a hub id (owner/name).")
    try:
        return _on_hub(repository, revision, file, tokenizer_only)
    except ModelError:
        raise
    except Exception as error:  # whatever the hub's HTTP library raises, the remedy is one
        said = scrubbed(str(error)).strip().partition("\n")[0].partition(". ")[0][:160]
        raise Absent(
            f"{name or repository}: {repository} is not on this machine and could not be "
            f"fetched. Where there is network, run `hf download {repository}`; or set {KEPT} to "
            f"a folder that holds it as {' or '.join([*names, repository.split('/')[-1]])}.",
            f"The hub, asked for {repository}, said: {said or type(error).__name__}",
        ) from None


def _on_hub(repository: str, revision: str | None, file: str, tokenizer_only: bool) -> Path:
    """A checkpoint in the Hugging Face cache, fetched if it is not there as a whole."""
    from huggingface_hub import HfApi, snapshot_download
    from huggingface_hub.errors import LocalEntryNotFoundError

    def snapshot(**options) -> Path:
        return Path(snapshot_download(repository, revision=revision, **options))

    try:
        cached = snapshot(local_files_only=True, allow_patterns=[])
        if _is_enough(cached, file, tokenizer_only):
            return cached
    except LocalEntryNotFoundError:
        pass
    # asked once before anything is fetched, so that a lack is known in seconds
    listed = HfApi().model_info(repository, revision=revision, timeout=5).siblings or ()
    files = [each.rfilename for each in listed]
    if not tokenizer_only:
        return snapshot(allow_patterns=[*WANTED, *_weights_among(files, repository, file)])
    if not any(fnmatch(each, kind) for each in files for kind in TOKENIZERS):
        raise LookupError(f"{repository} has no tokenizer but in its weights")
    return snapshot(allow_patterns=WANTED)


def _is_enough(folder: Path, file: str, tokenizer_only: bool) -> bool:
    """Whether a cached folder has what is wanted of it."""
    if file:
        return (folder / file).is_file()
    if tokenizer_only:
        return any(any(folder.glob(kind)) for kind in (*TOKENIZERS, "*.gguf"))
    return is_complete(folder)


def is_complete(folder: Path) -> bool:
    """Whether all of the weights are there, by their index or by the count in their names.

    A download that was interrupted leaves some of several files.
    """
    for pattern in TENSORS:
        for index in folder.glob(f"{pattern}.index.json"):
            try:
                named = json.loads(index.read_text(encoding="utf-8"))["weight_map"].values()
            except (ValueError, KeyError, AttributeError):
                return False
            return all((folder / name).is_file() for name in named)
        files = [path.name for path in folder.glob(pattern)]
        counts = [int(found[1]) for name in files if (found := re.search(r"-of-(\d+)\.", name))]
        if files:
            return len(files) >= max(counts, default=1)
    return any(folder.glob("*.gguf"))


def _weights_among(files: Collection[str], repository: str, file: str) -> list[str]:
    """What to fetch of a repository's weights: one format, and one GGUF file."""
    if file:
        return [file]
    for pattern in TENSORS:
        if any(fnmatch(name, pattern) for name in files):
            return [pattern]
    packed = sorted(name for name in files if name.endswith(".gguf"))
    if len(packed) > 1:
        raise ModelError(
            f"{repository} has {len(packed)} GGUF files: {', '.join(packed)}. Name the one you "
            f"want: -p model hf:{repository}/{packed[0]}."
        )
    return packed


def _kept(*names: str) -> Path | None:
    """A folder of the user's that has one of these names."""
    root = os.environ.get(KEPT)
    if not root:
        return None
    if not Path(root).expanduser().is_dir():
        raise ModelError(f"{KEPT} names {root}, which is not a folder.")
    folders = [Path(root).expanduser() / name for name in names if name]
    return next((folder for folder in folders if folder.is_dir()), None)
