#!/usr/bin/env python3
"""Stanford Alpaca's weights, from their published difference to LLaMA 7B.

    python tools/recover_alpaca.py DIFFERENCES BASE OUT

DIFFERENCES is a folder with tatsu-lab/alpaca-7b-wdiff, BASE one with LLaMA 7B, OUT a new
folder, ``alpaca-7b`` where ``BENCHHEALTH_WEIGHTS`` points. As in the authors' weight_diff.py:
float32, and tokens that the base lacks have the mean of its embeddings. What comes out has to
add up to the sum that the authors give; nothing is kept if it does not. Needs 60 GB of memory.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

CHECKSUM = 50637.1836  # of all parameters, as the authors give it
TOLERANCE = 0.1  # theirs was added up in single precision


def recover(difference: Path, base: Path, out: Path, checksum: float) -> None:
    if out.exists():
        raise SystemExit(f"{out} is there already; nothing was done.")
    whole = AutoModelForCausalLM.from_pretrained(difference, dtype=torch.float32)
    raw = AutoModelForCausalLM.from_pretrained(base, dtype="auto").state_dict()
    try:
        with torch.no_grad():
            for name, tensor in whole.state_dict().items():
                tensor += grown(raw.pop(name).float(), len(tensor))
    except (KeyError, RuntimeError) as error:
        raise SystemExit(
            f"The differences in {difference.name} do not fit the base in {base.name} ({error}). "
            "Nothing was kept."
        ) from None
    sums = sums_of(whole)
    if not any(abs(each - checksum) <= TOLERANCE for each in sums):
        raise SystemExit(
            f"The recovered parameters add up to {sums[-1]:.4f}; the authors give {checksum:.4f}. "
            f"The base in {base.name} is not the one the differences were made against, or a "
            "file is damaged. Nothing was kept."
        )
    out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=out.parent) as scratch:
        made = Path(scratch) / "whole"
        whole.save_pretrained(made)
        AutoTokenizer.from_pretrained(difference).save_pretrained(made)
        made.rename(out)
    print(f"Recovered weights are in {out}")


def sums_of(model) -> tuple[float, float]:
    """The sum of all parameters, as today and as the authors' transformers counted it.

    At their time every layer kept its rotary frequencies among its parameters.
    """
    total = sum(t.sum(dtype=torch.float64).item() for t in model.state_dict().values())
    rotary = [b for name, b in model.named_buffers() if name.endswith("rotary_emb.inv_freq")]
    extra = rotary[0].sum().item() * model.config.num_hidden_layers if rotary else 0.0
    return total, total + extra


def grown(tensor, rows: int):
    """A tensor with as many rows as wanted; new ones are the mean of the others."""
    if tensor.ndim < 2 or len(tensor) >= rows:
        return tensor
    mean = tensor.mean(dim=0, keepdim=True)
    return torch.cat([tensor, mean.repeat(rows - len(tensor), *[1] * (tensor.ndim - 1))])


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    for name in ("difference", "base", "out"):
        parser.add_argument(name, type=Path)
    parser.add_argument("--checksum", type=float, default=CHECKSUM)
    recover(**vars(parser.parse_args()))
