"""Models of a few kilobytes, with the first tokens of the embedded model's tokenizer."""

import json
import shutil
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from benchhealth_utils.models.weights import embedded
from benchhealth_utils.schema import ModelError

TOKENS = 10_240  # of 49,152, of which each model that is opened would read every one


def embedded_tokenizer():
    transformers = pytest.importorskip("transformers")
    try:
        whole = embedded()
    except ModelError as error:
        pytest.skip(str(error))
    cut = json.loads((whole / "tokenizer.json").read_text(encoding="utf-8"))
    own = cut["model"]
    own["merges"] = own["merges"][: TOKENS - len(own["vocab"])]  # the last make the last tokens
    own["vocab"] = {token: at for token, at in own["vocab"].items() if at < TOKENS}
    with TemporaryDirectory() as folder:
        for name in ("tokenizer_config.json", "chat_template.jinja"):
            shutil.copy(whole / name, folder)
        Path(folder, "tokenizer.json").write_text(json.dumps(cut), encoding="utf-8")
        return transformers.AutoTokenizer.from_pretrained(folder)


def llama(tokenizer, seed=0, *, vocabulary=0, **other):
    """A LLaMA with random weights; with an `initializer_range` of 0.3 it heeds its prompt."""
    torch, transformers = pytest.importorskip("torch"), pytest.importorskip("transformers")
    torch.manual_seed(seed)
    settings = {"hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 2}
    settings |= {"num_attention_heads": 2, "num_key_value_heads": 1} | other
    settings |= {"vocab_size": len(tokenizer) + vocabulary, "eos_token_id": tokenizer.eos_token_id}
    return transformers.LlamaForCausalLM(transformers.LlamaConfig(**settings))


def save(model, tokenizer, folder):
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder
