"""Models of a few kilobytes, with the embedded model's tokenizer."""

import pytest

from benchhealth_utils.models.weights import embedded
from benchhealth_utils.schema import ModelError


def embedded_tokenizer():
    transformers = pytest.importorskip("transformers")
    try:
        return transformers.AutoTokenizer.from_pretrained(embedded())
    except ModelError as error:
        pytest.skip(str(error))


def llama(tokenizer, seed=0, *, vocabulary=0, **other):
    """A LLaMA with random weights."""
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
