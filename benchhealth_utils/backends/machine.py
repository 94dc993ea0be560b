"""What this machine offers, and which weights are on it."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

from .embedded import cache_folder

WEIGHTS = (".safetensors", ".bin", ".gguf", ".pt", ".pth")
ROOM = 0.9  # of a GPU's free memory, for weights; prompts and replies need some, too
SETTINGS = (".json", ".jinja", ".txt", ".model", ".py")


def best_device() -> str:
    """``cuda``, else ``mps``, else ``cpu``."""
    import torch

    if torch.cuda.is_available():
        return "cuda"
    return "mps" if torch.backends.mps.is_available() else "cpu"


def spread_over(weights: int) -> str:
    """``auto``, over all GPUs, if so many bytes do not fit into the first; else ``cuda``."""
    import torch

    free, _ = torch.cuda.mem_get_info(0)
    return "auto" if weights > ROOM * free else "cuda"


def best_dtype(device: str) -> str:
    """``bfloat16`` where the device computes with it, else float16 or float32."""
    import torch

    device = best_device() if device == "auto" else device
    if device.startswith("cuda"):
        return "bfloat16" if torch.cuda.is_bf16_supported() else "float16"
    if device == "mps":
        return "float16"
    capabilities = torch.cpu.get_capabilities() if hasattr(torch.cpu, "get_capabilities") else {}
    fast = capabilities.get("amx_bf16") or capabilities.get("avx512_bf16")
    return "bfloat16" if fast else "float32"


def is_out_of_memory(error: Exception) -> bool:
    """Whether an error says that memory ran out, on any device."""
    import torch

    text = str(error).lower()
    return (
        isinstance(error, torch.OutOfMemoryError)
        or "out of memory" in text
        or "can't allocate memory" in text
    )


def context_window(config) -> int:
    """Tokens a model can attend to, prompt and reply together."""
    for name in ("max_position_embeddings", "n_positions", "seq_length"):
        if getattr(config, name, None):
            return int(getattr(config, name))
    return 2048


def weight_fingerprint(folder: Path) -> str:
    """What identifies a model's weights.

    For a snapshot of the Hugging Face hub, repository and commit. For any other
    folder, a SHA-256 over all bytes of its weights and settings; the hash of a
    large file is kept in the cache folder until the file changes. For a single
    file, its own.
    """
    folder = Path(folder)
    if folder.is_file():
        return _file_hash(folder)[:16]
    if folder.parent.name == "snapshots":
        repository = folder.parent.parent.name.removeprefix("models--").replace("--", "/")
        return f"{repository}@{folder.name}"
    whole = hashlib.sha256()
    for path in sorted(folder.rglob("*")):
        if path.is_file() and path.suffix in WEIGHTS + SETTINGS:
            name = path.relative_to(folder).as_posix()
            whole.update(f"{name} {_file_hash(path)}\n".encode())
    return whole.hexdigest()[:16]


def _file_hash(path: Path) -> str:
    facts = path.stat()
    key = f"{path.resolve()} {facts.st_size} {facts.st_mtime_ns}"
    kept = cache_folder() / "hashes.json"
    try:
        known = json.loads(kept.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        known = {}
    if key not in known:
        with path.open("rb") as stream:
            known[key] = hashlib.file_digest(stream, "sha256").hexdigest()
        if facts.st_size > 2**20:
            kept.parent.mkdir(parents=True, exist_ok=True)
            scratch = kept.with_suffix(".part")
            scratch.write_text(json.dumps(known, indent=0), encoding="utf-8")
            scratch.replace(kept)
    return known[key]
