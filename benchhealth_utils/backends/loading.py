"""Weights into memory: a tokenizer and a model that can answer."""

from __future__ import annotations

import os
import warnings
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

from ..schema import ModelError
from ..secrets import scrubbed
from .machine import best_device, best_dtype, is_out_of_memory, spread_over
from .weights import Weights

TRUST = "BENCHHEALTH_TRUST_REMOTE_CODE"
DTYPES = ("float32", "bfloat16", "float16")
NO_ROOM = (
    "{name}: its weights do not fit into the memory of the device ({said}). Load them in 4 bits "
    "(export BENCHHEALTH_BITS=4), spread them over all GPUs (export BENCHHEALTH_DEVICE=auto), or "
    "take a smaller model."
)


def place(name: str, weights: Weights, device: str | None, dtype: str | None, bits: int | None):
    """Device and number format: as asked for, or as the machine can hold the model.

    Returns
    -------
    tuple of str
        The device is ``auto`` if a model in 16 or 32 bits is too large for one of
        several GPUs.
    """
    chosen = device or best_device()
    dtype = dtype or best_dtype(chosen)
    if not device and not bits and chosen == "cuda" and dtype in DTYPES:
        import torch

        if torch.cuda.device_count() > 1:
            each = torch.finfo(getattr(torch, dtype)).bits // 8
            chosen = spread_over(parameters(name, weights) * each)
    return chosen, dtype


def parameters(name: str, weights: Weights) -> int:
    """How many numbers a model has, from its settings alone."""
    import torch
    from transformers import AutoModelForCausalLM

    settings = settings_of(name, weights)
    with _said_plainly(name, weights.folder), torch.device("meta"):
        options = {k: v for k, v in _options(name, weights).items() if k != "gguf_file"}
        return AutoModelForCausalLM.from_config(settings, **options).num_parameters()


def tokenizer_of(name: str, weights: Weights):
    """The tokenizer of a model; its weights are not read.

    Raises
    ------
    ModelError
        If there is none.
    """
    from transformers import AutoTokenizer

    with _said_plainly(name, weights.folder):
        return AutoTokenizer.from_pretrained(weights.folder, **_options(name, weights))


def settings_of(name: str, weights: Weights):
    """The configuration of a model.

    Raises
    ------
    ModelError
        If there is none.
    """
    from transformers import AutoConfig

    with _said_plainly(name, weights.folder):
        return AutoConfig.from_pretrained(weights.folder, **_options(name, weights))


def _options(name: str, weights: Weights) -> dict:
    """What transformers has to be told about these files."""
    options = {"gguf_file": weights.gguf} if weights.gguf else {}
    if name in {part.strip() for part in os.environ.get(TRUST, "").split(",")}:
        options["trust_remote_code"] = True
    return options


def loaded(name: str, weights: Weights, dtype: str, device: str, bits: int | None):
    """Tokenizer and model, on their device, in evaluation mode.

    Parameters
    ----------
    name : str
        For messages, and to compare with ``BENCHHEALTH_TRUST_REMOTE_CODE``.
    weights : Weights
    dtype : str
        ``float32``, ``bfloat16`` or ``float16``.
    device : str
        ``auto`` spreads the model over all GPUs, through accelerate.
    bits : {4, 8} or None

    Returns
    -------
    tuple of tokenizer and model

    Raises
    ------
    ModelError
        If there is nothing to load, or it needs code or a package that is not there.
    """
    if dtype not in DTYPES:
        raise ModelError(f"{name}: dtype is {dtype!r}; expected one of: {', '.join(DTYPES)}.")
    import torch
    from transformers.utils import logging

    logging.disable_progress_bar()
    placed = {"device_map": "auto"} if device == "auto" or bits else {}
    if bits:
        placed["quantization_config"] = _quantised(name, bits)
    tokenizer = tokenizer_of(name, weights)
    model = causal_model(
        name, weights.folder, dtype=getattr(torch, dtype), **_options(name, weights), **placed
    )
    if weights.adapter:
        model = _merged(name, model, weights.adapter)
    if not placed:
        try:
            model = model.to(device)
        except (AssertionError, RuntimeError) as error:
            if is_out_of_memory(error):
                raise ModelError(NO_ROOM.format(name=name, said=_first_line(error))) from None
            raise ModelError(f"{name}: the device '{device}' cannot be used: {error}") from None
    return tokenizer, model.eval()


def causal_model(name: str, folder: Path, **options):
    """A causal language model from a folder, refused if a part of its weights is not there.

    transformers would fill what is missing with random numbers.

    Raises
    ------
    ModelError
    """
    from transformers import AutoModelForCausalLM

    with _said_plainly(name, folder):
        model, found = AutoModelForCausalLM.from_pretrained(
            folder, output_loading_info=True, **options
        )
    if missing := sorted(found["missing_keys"]):
        raise ModelError(
            f"{name}: {len(missing)} of the model's tensors are not in {folder} ({missing[0]} "
            "the first). The weights are incomplete, or of another kind of model."
        )
    return model


@contextmanager
def _said_plainly(name: str, folder: Path):
    """What goes wrong while loading, as a `ModelError` that says what was expected."""
    try:
        yield
    except ModelError:
        raise
    except Exception as error:  # of transformers, safetensors, torch, pickle or json
        said = _first_line(error)
        if is_out_of_memory(error):
            raise ModelError(NO_ROOM.format(name=name, said=said)) from error
        if "trust_remote_code" in str(error):
            said = (
                "it brings code of its own. If you trust its authors, say so for this model "
                f"alone: export {TRUST}={name}"
            )
        if "tiktoken" in said and find_spec("google.protobuf") is None:  # what it says misleads
            said = "its tokenizer.model needs the package protobuf: `pip install -e '.[local]'`"
        raise ModelError(
            f"{name}: no usable causal language model in {folder} ({said}). Expected a "
            "folder or hub repository with config.json, weights and tokenizer files, an adapter "
            "or one GGUF file."
        ) from error


def _first_line(error: Exception) -> str:
    said = scrubbed(str(error)).strip().partition("\n")[0][:300]
    return said or type(error).__name__


def _merged(name: str, model, adapter: Path):
    """A model with an adapter's weights added to its own."""
    try:
        from peft import PeftModel
    except ImportError:
        raise ModelError(
            f"{name} is an adapter and needs the package peft: `pip install -e '.[local]'`."
        ) from None
    try:
        with warnings.catch_warnings():
            # else an adapter without a fitting tensor would leave the base as it is
            warnings.filterwarnings("error", ".*Found missing adapter keys")
            return PeftModel.from_pretrained(model, adapter).merge_and_unload()
    except (OSError, ValueError, KeyError, RuntimeError, UserWarning) as error:
        said = _first_line(error)
        if is_out_of_memory(error):
            raise ModelError(NO_ROOM.format(name=name, said=said)) from None
        raise ModelError(
            f"{name}: the adapter in {adapter} does not fit its base ({said}). Take the base "
            "that adapter_config.json names."
        ) from None


def _quantised(name: str, bits: int):
    """Settings for loading in 4 or 8 bits."""
    if find_spec("bitsandbytes") is None:
        raise ModelError(
            f"{name}: loading in {bits} bits needs the package bitsandbytes "
            "(`pip install bitsandbytes`) and, in most versions, a CUDA device."
        )
    from transformers import BitsAndBytesConfig

    return BitsAndBytesConfig(**{f"load_in_{bits}bit": True})
