"""Weights that were published as their difference to a base, such as Alpaca's."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path

from filelock import FileLock

from ..schema import ModelError, digest
from .embedded import cache_folder
from .loading import causal_model
from .machine import weight_fingerprint

TOLERANCE = 0.1  # of a check sum; the authors' own was added up in single precision


def recovered(difference: Path, base: Path, key: str, checksum: float | None) -> Path:
    """Weights from their difference to a base, made once and kept in the cache folder.

    Parameters
    ----------
    difference, base : Path
    key : str
        The model's.
    checksum : float, optional
        Sum of all recovered parameters, as the authors give it.

    Raises
    ------
    ModelError
        If the base does not fit, or the sum is another one: then the base is
        not the one that was used.

    Notes
    -----
    As Stanford Alpaca's ``weight_diff.py``: float32, and tokens that the base
    lacks have the mean of its embeddings.
    """
    mark = digest([weight_fingerprint(difference), weight_fingerprint(base)])[:12]
    folder = cache_folder() / f"{key}-{mark}"
    folder.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(f"{folder}.lock"):
        if not (folder / "config.json").exists():
            _recover(difference, base, folder, key, checksum)
    return folder


def is_whole(folder: Path, checksum: float | None) -> bool:
    """Whether a folder holds recovered weights already, by their sum; found out once."""
    if checksum is None:
        return False
    kept = cache_folder() / f"sums-{digest(weight_fingerprint(folder))[:12]}.json"
    if kept.exists():
        return _agree(json.loads(kept.read_text(encoding="utf-8")), checksum)
    sums = _sums(_in_float32(folder))
    kept.parent.mkdir(parents=True, exist_ok=True)
    scratch = kept.with_suffix(".part")
    scratch.write_text(json.dumps(sums), encoding="utf-8")
    scratch.replace(kept)
    return _agree(sums, checksum)


def _recover(difference: Path, base: Path, folder: Path, key: str, checksum) -> None:
    import torch
    from transformers import AutoTokenizer

    whole = _in_float32(difference)
    raw = causal_model(base.name, base, dtype="auto").state_dict()
    try:
        with torch.no_grad():
            for name, tensor in whole.state_dict().items():
                tensor += _grown(raw.pop(name).float(), len(tensor))
    except (KeyError, RuntimeError) as error:
        raise ModelError(
            f"{key}: the differences in {difference.name} do not fit the base in {base.name} "
            f"({error}). Nothing was kept."
        ) from None
    sums = _sums(whole)
    if checksum is not None and not _agree(sums, checksum):
        raise ModelError(
            f"{key}: the recovered parameters add up to {sums[1]:.4f}; the authors give "
            f"{checksum:.4f}. The base in {base.name} is not the one the differences were made "
            "against, or a file is damaged. Nothing was kept."
        )
    with tempfile.TemporaryDirectory(dir=folder.parent) as scratch:
        made = Path(scratch) / "whole"
        whole.save_pretrained(made)
        AutoTokenizer.from_pretrained(difference).save_pretrained(made)
        made.rename(folder)


def _in_float32(folder: Path):
    import torch

    return causal_model(folder.name, folder, dtype=torch.float32)


def _sums(model) -> tuple[float, float]:
    """The sum of all parameters, as today and as the authors' transformers counted it.

    At their time every layer kept its rotary frequencies among its parameters.
    """
    import torch

    total = sum(t.sum(dtype=torch.float64).item() for t in model.state_dict().values())
    rotary = [b for name, b in model.named_buffers() if name.endswith("rotary_emb.inv_freq")]
    extra = rotary[0].sum().item() * model.config.num_hidden_layers if rotary else 0.0
    return total, total + extra


def _agree(sums, checksum: float | None) -> bool:
    return checksum is not None and any(abs(each - checksum) <= TOLERANCE for each in sums)


def _grown(tensor, rows: int):
    """A tensor with as many rows as wanted; new ones are the mean of the others."""
    if tensor.ndim < 2 or len(tensor) >= rows:
        return tensor
    mean = tensor.mean(dim=0, keepdim=True)
    grown = mean.repeat(rows, *[1] * (tensor.ndim - 1))
    grown[: len(tensor)] = tensor
    return grown
