"""Weights in every form in which they are given out, on checkpoints of a few kilobytes."""

import dataclasses
import json
import os
import shutil
import subprocess
import sys
from types import SimpleNamespace

import pytest

from benchhealth_utils import MODELS, load, open_model
from benchhealth_utils.answers import answer, make_requests
from benchhealth_utils.backends import recovery
from benchhealth_utils.backends.embedded import weights as embedded_weights
from benchhealth_utils.backends.loading import parameters
from benchhealth_utils.backends.rendering import render
from benchhealth_utils.backends.weights import Weights, find, is_complete
from benchhealth_utils.models import template
from benchhealth_utils.models.base import with_template
from benchhealth_utils.schema import ROOT, ModelError

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")
pytestmark = [
    pytest.mark.model,
    pytest.mark.filterwarnings("ignore:The PEFT config's", "ignore:`is_gradient_checkpointing`"),
]


@pytest.fixture(scope="module")
def tokenizer():
    """The embedded model's, without its chat template, as LLaMA's has none."""
    try:
        found = transformers.AutoTokenizer.from_pretrained(embedded_weights())
    except ModelError as error:
        pytest.skip(str(error))
    found.chat_template = None
    return found


def llama(tokenizer, seed, *, vocabulary=0, hidden=16):
    torch.manual_seed(seed)
    config = transformers.LlamaConfig(
        vocab_size=len(tokenizer) + vocabulary,
        hidden_size=hidden,
        intermediate_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        num_key_value_heads=1,
        eos_token_id=tokenizer.eos_token_id,
        initializer_range=0.3,
    )
    return transformers.LlamaForCausalLM(config)


def save(model, tokenizer, folder):
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def base(tokenizer):
    return llama(tokenizer, 1)


@pytest.fixture(scope="module")
def base_folder(base, tokenizer, tmp_path_factory):
    return save(base, tokenizer, tmp_path_factory.mktemp("base") / "llama-7b")


@pytest.fixture
def shelf(tmp_path, monkeypatch):
    """The folder that BENCHHEALTH_WEIGHTS names; no hub, a cache of its own."""
    monkeypatch.setenv("BENCHHEALTH_WEIGHTS", str(tmp_path / "weights"))
    monkeypatch.setenv("BENCHHEALTH_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setattr("huggingface_hub.HfApi.model_info", no_hub)
    (tmp_path / "weights").mkdir()
    return tmp_path / "weights"


def no_hub(*_, **__):
    raise RuntimeError("no network")


def first_answer(model, tmp_path):
    """The first item of a data set, answered and stored."""
    model.max_tokens = 6
    (reply,) = answer(model, load("gad")[:1], store=tmp_path / "answers", progress=False)
    assert reply.status in ("ok", "truncated", "empty") and reply.usage["completion_tokens"] > 0
    return reply


def logits(model):
    inner = model.model if hasattr(model, "replies") else model
    with torch.inference_mode():
        return inner(torch.arange(5, 25)[None]).logits.float()


def same(one, two, within=1e-4):
    return torch.allclose(logits(one), logits(two), atol=within)


def test_complete_weights_under_the_name_of_the_key(shelf, base, tokenizer, tmp_path):
    save(base, tokenizer, shelf / "medalpaca-7b")
    model = open_model("medalpaca-7b", dtype="float32", device="cpu")
    assert same(model, base)
    assert model.prompt_text([{"role": "user", "content": "x"}]).endswith("### Response:\n")
    first_answer(model, tmp_path)


def test_complete_weights_under_the_name_of_the_checkpoint(shelf, base_folder):
    (shelf / "Llama-2-7b-chat-hf").symlink_to(base_folder)
    assert open_model("llama-2-7b", dtype="float32", device="cpu").name == "llama-2-7b"


def test_a_tokenizer_with_a_template_of_its_own_keeps_it(shelf, base, tokenizer, monkeypatch):
    monkeypatch.setattr(tokenizer, "chat_template", template("chatml"))
    save(base, tokenizer, shelf / "medalpaca-7b")
    model = open_model("medalpaca-7b", dtype="float32", device="cpu")
    assert model.prompt_text([{"role": "user", "content": "x"}]).endswith("assistant\n")


def test_a_weights_folder_that_is_not_there_is_named(monkeypatch, tmp_path):
    monkeypatch.setenv("BENCHHEALTH_WEIGHTS", str(tmp_path / "nowhere"))
    with pytest.raises(ModelError, match="nowhere, which is not a folder"):
        open_model("medalpaca-7b")


# adapters -----------------------------------------------------------------------------------


def adapter(base, folder, seed=3, **options):
    """A LoRA adapter with random weights, on a copy of a base; returns the adapted model."""
    peft = pytest.importorskip("peft")
    torch.manual_seed(seed)
    copied = type(base)(base.config)
    copied.load_state_dict(base.state_dict())
    settings = peft.LoraConfig(
        **{"r": 2, "lora_alpha": 4, "target_modules": ["q_proj", "v_proj", "up_proj"]} | options,
        init_lora_weights=False,
        task_type="CAUSAL_LM",
        base_model_name_or_path="owner/llama-7b",
    )
    adapted = peft.get_peft_model(copied, settings)
    adapted.save_pretrained(folder)
    path = folder / "adapter_config.json"
    named = json.loads(path.read_text()) | {"base_model_name_or_path": "owner/llama-7b"}
    path.write_text(json.dumps(named))
    return adapted.eval()


@pytest.mark.parametrize(
    ("key", "folder"),
    [("huatuo", "huatuo"), ("huatuo", "lora-llama-med"), ("baize-healthcare", "baize-healthcare")],
)
def test_an_adapter_is_merged_into_its_base(shelf, base, base_folder, key, folder, tmp_path):
    adapted = adapter(base, shelf / folder)
    (shelf / "llama-7b").symlink_to(base_folder)
    model = open_model(key, dtype="float32", device="cpu")
    assert same(model, adapted, 1e-3) and not same(model, base, 1e-3)
    assert model.stop == MODELS[key].stop
    first_answer(model, tmp_path)


def test_an_adapter_in_any_folder_finds_its_base_by_the_name_in_its_settings(
    shelf, base, base_folder, tmp_path
):
    adapted = adapter(base, tmp_path / "mine")
    with pytest.raises(ModelError, match="is an adapter on 'owner/llama-7b', which is not on this"):
        open_model(f"hf:{tmp_path / 'mine'}")
    (shelf / "llama-7b").symlink_to(base_folder)
    model = open_model(f"hf:{tmp_path / 'mine'}", dtype="float32", device="cpu")
    assert same(model, adapted, 1e-3) and model.name == "hf:mine"


@pytest.mark.parametrize("key", ["huatuo", "alpaca-7b"])
def test_a_base_that_is_missing_is_named(shelf, base, tokenizer, key):
    if key == "huatuo":
        adapter(base, shelf / key)
    else:
        save(base, tokenizer, shelf / key)
    with pytest.raises(ModelError, match="Both are needed.*and one named llama-7b") as caught:
        open_model(key)
    assert str(caught.value).startswith(f"{key} (")


def test_an_adapter_for_another_size_does_not_fit(shelf, tokenizer, base_folder):
    adapter(llama(tokenizer, 5, hidden=32), shelf / "huatuo")
    (shelf / "llama-7b").symlink_to(base_folder)
    with pytest.raises(ModelError, match="does not fit its base"):
        open_model("huatuo", dtype="float32", device="cpu")


def test_an_adapter_whose_tensors_have_other_names_does_not_leave_the_base_as_it_is(
    shelf, base, base_folder
):
    from safetensors.torch import load_file, save_file

    adapter(base, shelf / "huatuo")
    path = shelf / "huatuo" / "adapter_model.safetensors"
    save_file({f"other.{name}": t for name, t in load_file(path).items()}, path)
    (shelf / "llama-7b").symlink_to(base_folder)
    with pytest.raises(ModelError, match="does not fit its base .*missing adapter keys"):
        open_model("huatuo", dtype="float32", device="cpu")


def test_an_adapter_that_the_user_has_merged_is_taken_as_it_is(shelf, base, tokenizer):
    save(base, tokenizer, shelf / "huatuo")
    assert same(open_model("huatuo", dtype="float32", device="cpu"), base)


# differences --------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def difference(tokenizer, tmp_path_factory):
    """Tuned weights, a base in half precision with one token less, and what is between them."""
    folder = tmp_path_factory.mktemp("difference")
    tuned, raw = llama(tokenizer, 7), llama(tokenizer, 8, vocabulary=-1).half()
    save(raw, tokenizer, folder / "llama-7b")
    between = llama(tokenizer, 9)
    known = raw.state_dict()
    with torch.no_grad():
        for name, tensor in between.state_dict().items():
            older = known[name].float()
            if len(older) < len(tensor):
                older = torch.cat([older, older.mean(dim=0, keepdim=True)])
            tensor.copy_(tuned.state_dict()[name] - older)
    save(between, tokenizer, folder / "alpaca-7b-wdiff")
    save(tuned, tokenizer, folder / "tuned")
    total = sum(t.double().sum().item() for t in tuned.state_dict().values())
    return SimpleNamespace(folder=folder, tuned=tuned, total=total)


@pytest.fixture
def alpaca(shelf, difference, monkeypatch):
    """Differences and base on the shelf; a function that states the check sum."""

    def stated(checksum):
        spec = dataclasses.replace(MODELS["alpaca-7b"], checksum=checksum)
        monkeypatch.setitem(MODELS, "alpaca-7b", spec)

    for name in ("llama-7b", "alpaca-7b-wdiff"):
        (shelf / name).symlink_to(difference.folder / name)
    stated(difference.total)
    return stated


def kept(tmp_path):
    return [path for path in (tmp_path / "cache").glob("alpaca-7b-*") if path.is_dir()]


def test_differences_are_added_to_their_base_once(alpaca, difference, tmp_path, monkeypatch):
    model = open_model("alpaca-7b", dtype="float32", device="cpu")
    for name, tensor in difference.tuned.state_dict().items():
        assert torch.allclose(model.model.state_dict()[name], tensor, atol=1e-6), name
    first_answer(model, tmp_path)
    assert len(kept(tmp_path)) == 1
    monkeypatch.setattr(recovery, "_recover", None)  # would fail
    monkeypatch.setattr(recovery, "_sums", None)
    again = open_model("alpaca-7b", dtype="float32", device="cpu")
    assert again.signature == model.signature and same(again, model)


def test_the_sum_may_count_rotary_frequencies_as_older_transformers_did(alpaca, difference):
    """Each layer of 16 dimensions in 2 heads has 4 of them: 1, 0.1, 0.01, 0.001."""
    alpaca(difference.total + 2 * 1.111)
    assert open_model("alpaca-7b", dtype="float32", device="cpu").name == "alpaca-7b"


def test_a_wrong_sum_is_an_error_and_nothing_is_kept(alpaca, difference, tmp_path):
    alpaca(difference.total + 0.5)
    with pytest.raises(ModelError, match="recovered parameters add up to .*Nothing was kept"):
        open_model("alpaca-7b", dtype="float32", device="cpu")
    assert not kept(tmp_path)


def test_another_base_is_an_error_and_nothing_is_kept(
    alpaca, shelf, tokenizer, base_folder, tmp_path
):
    (shelf / "llama-7b").unlink()
    (shelf / "llama-7b").symlink_to(base_folder)
    with pytest.raises(ModelError, match="The base in llama-7b is not the one"):
        open_model("alpaca-7b", dtype="float32", device="cpu")
    (shelf / "llama-7b").unlink()
    save(llama(tokenizer, 5, hidden=32), tokenizer, shelf / "llama-7b")
    with pytest.raises(ModelError, match="do not fit the base in llama-7b"):
        open_model("alpaca-7b", dtype="float32", device="cpu")
    assert not kept(tmp_path)


def test_weights_that_the_user_has_recovered_are_known_by_their_sum(
    alpaca, difference, shelf, tmp_path
):
    for name in ("llama-7b", "alpaca-7b-wdiff"):
        (shelf / name).unlink()
    (shelf / "alpaca-7b").symlink_to(difference.folder / "tuned")
    assert same(open_model("alpaca-7b", dtype="float32", device="cpu"), difference.tuned)
    assert not kept(tmp_path)


# GGUF ---------------------------------------------------------------------------------------


def write_gguf(model, tokenizer, path):
    """A model as llama.cpp's converter writes it, in float32."""
    gguf = pytest.importorskip("gguf")
    config = model.config
    writer = gguf.GGUFWriter(path, "llama")
    writer.add_context_length(config.max_position_embeddings)
    writer.add_embedding_length(config.hidden_size)
    writer.add_block_count(config.num_hidden_layers)
    writer.add_feed_forward_length(config.intermediate_size)
    writer.add_head_count(config.num_attention_heads)
    writer.add_head_count_kv(config.num_key_value_heads)
    writer.add_layer_norm_rms_eps(config.rms_norm_eps)
    writer.add_rope_dimension_count(config.hidden_size // config.num_attention_heads)
    writer.add_rope_freq_base(10000.0)
    writer.add_vocab_size(config.vocab_size)
    known = json.loads(tokenizer.backend_tokenizer.to_str())["model"]
    words = tokenizer.convert_ids_to_tokens(range(config.vocab_size))
    special = set(tokenizer.all_special_ids)
    writer.add_tokenizer_model("gpt2")
    writer.add_token_list(words)
    writer.add_token_types([3 if i in special else 1 for i in range(len(words))])
    pairs = [m.split(" ") if isinstance(m, str) else m for m in known["merges"]]
    there = set(words)
    writer.add_token_merges([" ".join(pair) for pair in pairs if "".join(pair) in there])
    writer.add_bos_token_id(tokenizer.bos_token_id)
    writer.add_eos_token_id(tokenizer.eos_token_id)
    names = gguf.get_tensor_name_map(gguf.MODEL_ARCH.LLAMA, config.num_hidden_layers)
    heads = {"q_proj": config.num_attention_heads, "k_proj": config.num_key_value_heads}
    for name, tensor in model.state_dict().items():
        for part, count in heads.items():
            if part in name:  # llama.cpp keeps the two halves of a rotation side by side
                split = tensor.reshape(count, 2, len(tensor) // count // 2, -1)
                tensor = split.swapaxes(1, 2).reshape(tensor.shape)
        known_as = names.get_name(name, try_suffixes=(".weight",))
        writer.add_tensor(known_as, tensor.float().contiguous().numpy())
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def test_a_gguf_file_and_a_folder_with_one(tokenizer, tmp_path):
    """The vocabulary is cut short: reading a long one takes the longest."""
    folder = tmp_path / "packed"
    folder.mkdir()
    written = llama(tokenizer, 6, vocabulary=400 - len(tokenizer))
    write_gguf(written, tokenizer, folder / "tiny.gguf")
    model = open_model(f"hf:{folder}", dtype="float32", device="cpu")
    assert same(model, written, 1e-3)
    first_answer(model, tmp_path)
    (folder / "notes.json").write_text("{}")
    by_file = open_model(f"hf:{folder / 'tiny.gguf'}", dtype="float32", device="cpu")
    assert by_file.name == "hf:tiny.gguf" and by_file.signature == model.signature
    shutil.copy(folder / "tiny.gguf", folder / "second.gguf")
    with pytest.raises(ModelError, match="2 GGUF files"):
        open_model(f"hf:{folder}")


def test_a_mark_that_ends_a_reply_ends_it(base_folder, tmp_path):
    model = open_model(f"hf:{base_folder}", dtype="float32", device="cpu")
    model.max_tokens = 12
    items = load("gad")[:1]
    (whole,) = answer(model, items, store=tmp_path / "a", progress=False)
    assert whole.status == "truncated"
    mark = whole.text[len(whole.text) // 2 :][:3]
    model.stop = (mark,)
    (cut,) = answer(model, items, store=tmp_path / "b", progress=False)
    assert cut.text == whole.text.partition(mark)[0].strip()
    assert cut.status == "ok" and cut.usage["completion_tokens"] < 12


# devices, bits, code, damage ----------------------------------------------------------------


def test_placed_by_accelerate_a_model_answers_the_same(base_folder, base, tmp_path, monkeypatch):
    pytest.importorskip("accelerate")
    load_it, maps = transformers.AutoModelForCausalLM.from_pretrained, []

    def noted(*args, **options):
        maps.append(options.get("device_map"))
        return load_it(*args, **options)

    monkeypatch.setattr(transformers.AutoModelForCausalLM, "from_pretrained", noted)
    spread = open_model(f"hf:{base_folder}", dtype="float32", device="auto")
    assert same(spread, base) and maps == ["auto"]
    plain = open_model(f"hf:{base_folder}", dtype="float32", device="cpu")
    if not torch.cuda.is_available():
        assert spread.signature == plain.signature
        assert first_answer(spread, tmp_path / "a") == first_answer(plain, tmp_path / "b")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"bits": 3}, "bits is 3; expected 4 or 8"),
        ({"dtype": "float8"}, "dtype is 'float8'; expected one of: float32"),
        ({"device": "warp"}, "the device 'warp' cannot be used"),
    ],
)
def test_an_option_that_does_not_exist_is_refused(base_folder, options, message):
    with pytest.raises(ModelError, match=message):
        open_model(f"hf:{base_folder}", **{"dtype": "float32", "device": "cpu"} | options)


def test_bits_need_bitsandbytes_and_can_come_from_the_environment(base_folder, monkeypatch):
    monkeypatch.setattr("benchhealth_utils.backends.loading.find_spec", lambda name: None)
    with pytest.raises(ModelError, match="loading in 4 bits needs the package bitsandbytes"):
        open_model(f"hf:{base_folder}", bits=4)
    monkeypatch.setenv("BENCHHEALTH_BITS", "8")
    with pytest.raises(ModelError, match="loading in 8 bits needs the package bitsandbytes"):
        open_model(f"hf:{base_folder}")
    monkeypatch.setenv("BENCHHEALTH_BITS", "four")
    with pytest.raises(ModelError, match="bits is four"):
        open_model(f"hf:{base_folder}")


class Reached(Exception):
    """The weights would be loaded now."""


@pytest.fixture
def would_load(monkeypatch):
    """Open a model; gives dtype and device that it would be loaded with."""

    def load_it(name, weights, dtype, device, bits):
        raise Reached(dtype, device)

    monkeypatch.setattr("benchhealth_utils.backends.local.loaded", load_it)

    def opened(name, **options):
        with pytest.raises(Reached) as caught:
            open_model(name, **options)
        return caught.value.args

    return opened


@pytest.fixture
def two_gpus(monkeypatch):
    """A machine with two GPUs; sets the free memory of the first, in bytes."""
    cuda = {"is_available": True, "device_count": 2, "is_bf16_supported": True}
    for name, value in cuda.items():
        monkeypatch.setattr(f"torch.cuda.{name}", lambda value=value: value)
    return lambda free: monkeypatch.setattr("torch.cuda.mem_get_info", lambda at: (free, free))


def test_the_device_of_a_chapter_comes_from_the_environment(base_folder, would_load, monkeypatch):
    name = f"hf:{base_folder}"
    monkeypatch.setenv("BENCHHEALTH_DEVICE", "cuda:1")
    assert would_load(name, dtype="float16") == ("float16", "cuda:1")
    assert would_load(name, dtype="float16", device="cpu") == ("float16", "cpu")


def test_a_device_in_the_environment_that_there_is_not_is_named(base_folder, monkeypatch):
    monkeypatch.setenv("BENCHHEALTH_DEVICE", "warp")
    with pytest.raises(ModelError, match="the device 'warp' cannot be used"):
        open_model(f"hf:{base_folder}", dtype="float32")


def test_a_model_too_large_for_one_gpu_is_spread_over_all(
    base, base_folder, would_load, two_gpus, monkeypatch
):
    name, numbers = f"hf:{base_folder}", parameters("x", Weights(base_folder))
    assert numbers == base.num_parameters()
    two_gpus(2 * numbers)
    assert would_load(name) == ("bfloat16", "auto")  # nine tenths of it are for weights
    two_gpus(3 * numbers)
    assert would_load(name) == ("bfloat16", "cuda")
    assert would_load(name, dtype="float32") == ("float32", "auto")
    assert would_load(name, dtype="float32", device="cuda") == ("float32", "cuda")
    assert would_load(name, dtype="float32", bits=4) == ("float32", "cuda")  # placed by accelerate
    monkeypatch.setattr("torch.cuda.device_count", lambda: 1)
    assert would_load(name, dtype="float32") == ("float32", "cuda")


def test_spread_over_gpus_the_number_format_is_that_of_gpus(base_folder, would_load, two_gpus):
    assert would_load(f"hf:{base_folder}", device="auto") == ("bfloat16", "auto")


def test_without_room_for_the_weights_the_remedies_are_named(base_folder, monkeypatch):
    """Where they are loaded, and where they are moved to the device."""

    def full(*_, **__):
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.")

    remedies = "do not fit into .*BENCHHEALTH_BITS=4.*BENCHHEALTH_DEVICE=auto"
    for place in ("LlamaForCausalLM.to", "AutoModelForCausalLM.from_pretrained"):
        monkeypatch.setattr(f"transformers.{place}", full)
        with pytest.raises(ModelError, match=remedies):
            open_model(f"hf:{base_folder}", dtype="float32", device="cpu")


def test_a_folder_can_be_asked_in_a_format_of_the_authors(base, tokenizer, tmp_path, monkeypatch):
    """As a key of the registry is, and also where the tokenizer has a template of its own."""
    folder = tmp_path / "mine"
    monkeypatch.setattr(tokenizer, "chat_template", template("chatml"))
    save(base, tokenizer, folder)
    model = open_model(f"hf:{folder}#huatuo", dtype="float32", device="cpu")
    plain = open_model(f"hf:{folder}", dtype="float32", device="cpu")
    said = [{"role": "user", "content": "x"}]
    assert model.name == "hf:mine#huatuo" and model.stop == MODELS["huatuo"].stop
    assert model.prompt_text(said) == with_template(template("huatuo"), said, bos="")
    assert plain.prompt_text(said).endswith("assistant\n") and plain.stop == ()
    assert model.signature["template"] != plain.signature["template"]
    first_answer(model, tmp_path)


def test_a_folder_with_a_hash_in_its_name_is_a_folder(base_folder, tmp_path):
    folder = tmp_path / "run#7"
    folder.symlink_to(base_folder)
    name = f"hf:{folder}"
    assert open_model(name, dtype="float32", device="cpu").stop == ()
    assert open_model(f"{name}#baize", dtype="float32", device="cpu").stop


CODE = """
import os, pathlib
from transformers import LlamaConfig, LlamaForCausalLM
pathlib.Path(os.environ["MARKER"]).touch()
class OddConfig(LlamaConfig):
    model_type = "odd"
class OddForCausalLM(LlamaForCausalLM):
    config_class = OddConfig
"""


def test_code_that_comes_with_weights_runs_only_for_a_model_named_by_the_user(
    base_folder, tmp_path, monkeypatch
):
    folder, marker = tmp_path / "odd", tmp_path / "the code has run"
    shutil.copytree(base_folder, folder)
    (folder / "modeling_odd.py").write_text(CODE)
    settings = json.loads((folder / "config.json").read_text())
    code = {"AutoConfig": "OddConfig", "AutoModelForCausalLM": "OddForCausalLM"}
    settings |= {
        "model_type": "odd",
        "architectures": ["OddForCausalLM"],
        "auto_map": {name: f"modeling_odd.{kind}" for name, kind in code.items()},
    }
    (folder / "config.json").write_text(json.dumps(settings))
    monkeypatch.setenv("MARKER", str(marker))
    modules = str(tmp_path / "modules")
    monkeypatch.setattr("transformers.dynamic_module_utils.HF_MODULES_CACHE", modules)
    for trusted in ("", "medalpaca-7b", "odd", "hf:odder, x"):
        monkeypatch.setenv("BENCHHEALTH_TRUST_REMOTE_CODE", trusted)
        with pytest.raises(ModelError, match="export BENCHHEALTH_TRUST_REMOTE_CODE=hf:odd"):
            open_model(f"hf:{folder}", dtype="float32", device="cpu")
        assert not marker.exists()
    monkeypatch.setenv("BENCHHEALTH_TRUST_REMOTE_CODE", "medalpaca-7b, hf:odd")
    model = open_model(f"hf:{folder}", dtype="float32", device="cpu")
    assert marker.exists() and type(model.model).__name__ == "OddForCausalLM"
    first_answer(model, tmp_path)


def test_weights_with_a_tensor_missing_are_refused(base_folder, tmp_path):
    """transformers would fill it with random numbers."""
    from safetensors.torch import load_file, save_file

    folder = tmp_path / "torn"
    shutil.copytree(base_folder, folder)
    tensors = load_file(folder / "model.safetensors")
    tensors.pop("model.layers.1.mlp.up_proj.weight")
    save_file(tensors, folder / "model.safetensors", {"format": "pt"})
    with pytest.raises(ModelError, match="1 of the model's tensors are not in .*up_proj"):
        open_model(f"hf:{folder}", dtype="float32")
    (folder / "model.safetensors").write_bytes(b"\x08")
    with pytest.raises(ModelError, match="no usable causal language model"):
        open_model(f"hf:{folder}", dtype="float32")


# a tokenizer as LLaMA's authors gave it out ---------------------------------------------------


@pytest.fixture(scope="module")
def sentencepiece_folder(tmp_path_factory):
    """A LLaMA whose tokenizer is a single file of sentencepiece's, with LLaMA's settings."""
    trainer = pytest.importorskip("sentencepiece").SentencePieceTrainer
    folder = tmp_path_factory.mktemp("spm") / "medalpaca-7b"
    folder.mkdir()
    trainer.train(
        sentence_iterator=iter((ROOT / "README.md").read_text(encoding="utf-8").splitlines()),
        model_prefix=str(folder / "tokenizer"),
        vocab_size=600,
        model_type="bpe",
        byte_fallback=True,
        split_digits=True,
        normalization_rule_name="identity",
        remove_extra_whitespaces=False,
        minloglevel=2,
    )
    (folder / "tokenizer.vocab").unlink()
    settings = {"tokenizer_class": "LlamaTokenizer", "add_bos_token": True}
    (folder / "tokenizer_config.json").write_text(json.dumps(settings))
    torch.manual_seed(2)
    config = transformers.LlamaConfig(
        vocab_size=600, hidden_size=16, intermediate_size=16, num_hidden_layers=1,
        num_attention_heads=2, num_key_value_heads=1,
    )  # fmt: skip
    transformers.LlamaForCausalLM(config).save_pretrained(folder)
    return folder


def test_the_tokens_of_a_llama_are_those_of_its_own_tokenizer(
    shelf, sentencepiece_folder, tmp_path
):
    pytest.importorskip("google.protobuf")
    import sentencepiece

    own = sentencepiece.SentencePieceProcessor(str(sentencepiece_folder / "tokenizer.model"))
    (shelf / "medalpaca-7b").symlink_to(sentencepiece_folder)
    model = open_model("medalpaca-7b", dtype="float32", device="cpu")
    for item in load("gad")[:3] + load("medqa")[:3]:
        request = make_requests([item], shots=0, seed=0, mode="generate")[0][0]
        rendered = render(model.tokenizer, request, 2000)
        assert rendered.text == with_template(template("medalpaca"), request.messages)
        assert list(rendered.ids) == [own.bos_id(), *own.encode(rendered.text)]
    first_answer(model, tmp_path)


def test_without_protobuf_the_remedy_is_named(base_folder, monkeypatch):
    """What transformers says then is of another package."""

    def misled(*_, **__):
        raise ValueError("`tiktoken` is required to read a `tiktoken` file.")

    monkeypatch.setattr(transformers.AutoTokenizer, "from_pretrained", misled)
    monkeypatch.setattr("benchhealth_utils.backends.loading.find_spec", lambda name: None)
    with pytest.raises(ModelError, match="tokenizer.model needs the package protobuf"):
        open_model(f"hf:{base_folder}", dtype="float32", device="cpu")


# the hub's cache ----------------------------------------------------------------------------


def test_what_the_hub_cache_has_whole_is_used_without_asking(shelf, base_folder, tmp_path):
    snapshot = tmp_path / "hub" / "models--medalpaca--medalpaca-7b" / "snapshots" / "abc"
    snapshot.mkdir(parents=True)
    (snapshot.parents[1] / "refs").mkdir()
    (snapshot.parents[1] / "refs" / "main").write_text("abc")
    shutil.copy(base_folder / "config.json", snapshot)
    with pytest.raises(
        ModelError, match="asked for medalpaca/medalpaca-7b, said: no network"
    ):  # no weights yet
        find("medalpaca/medalpaca-7b")
    for path in base_folder.iterdir():
        shutil.copy(path, snapshot)
    assert find("medalpaca/medalpaca-7b") == snapshot
    model = open_model("medalpaca-7b", dtype="float32", device="cpu")
    assert model.signature["weights"] == "medalpaca/medalpaca-7b@abc"


@pytest.fixture
def hub(shelf, tmp_path, monkeypatch):
    """A hub that has one repository, and the real cache; notes what is asked for."""
    from huggingface_hub import snapshot_download
    from huggingface_hub.utils import filter_repo_objects

    remote, asked = tmp_path / "remote", []
    snapshot = tmp_path / "hub" / "models--owner--name" / "snapshots" / "abc"
    remote.mkdir()

    def listed(*_, **__):
        names = sorted(path.name for path in remote.iterdir())
        return SimpleNamespace(siblings=[SimpleNamespace(rfilename=name) for name in names])

    def download(repository, *, allow_patterns, local_files_only=False, **options):
        if local_files_only:
            options |= {"allow_patterns": allow_patterns, "local_files_only": True}
            return snapshot_download(repository, **options)
        asked.extend(allow_patterns)
        snapshot.mkdir(parents=True, exist_ok=True)
        (snapshot.parents[1] / "refs").mkdir(exist_ok=True)
        (snapshot.parents[1] / "refs" / "main").write_text("abc")
        names = [path.name for path in remote.iterdir()]
        for name in filter_repo_objects(names, allow_patterns=allow_patterns):
            shutil.copy(remote / name, snapshot)
        return str(snapshot)

    monkeypatch.setattr("huggingface_hub.HfApi.model_info", listed)
    monkeypatch.setattr("huggingface_hub.snapshot_download", download)
    return SimpleNamespace(files=remote, asked=asked, snapshot=snapshot)


@pytest.mark.parametrize(
    ("files", "left_out"),
    [(["a.safetensors", "a.bin"], "*.bin"), (["a.bin"], "*.safetensors")],
)
def test_weights_are_fetched_in_one_format(hub, files, left_out):
    for name in files:
        (hub.files / name).touch()
    find("owner/name")
    assert left_out not in hub.asked and len({*hub.asked} & {"*.bin", "*.safetensors"}) == 1


def in_two_shards(base, tokenizer, folder):
    base.save_pretrained(folder, max_shard_size="3MB")
    tokenizer.save_pretrained(folder)
    shards = sorted(folder.glob("model-*-of-*.safetensors"))
    assert len(shards) > 1
    return shards


@pytest.mark.parametrize("known_by", ["index", "names"])
def test_a_download_that_was_interrupted_is_completed(hub, base, tokenizer, known_by):
    """The shards that are there do not pass for the whole."""
    shards = in_two_shards(base, tokenizer, hub.files)
    find("owner/name")
    (hub.snapshot / shards[-1].name).unlink()
    if known_by == "names":
        (hub.snapshot / "model.safetensors.index.json").unlink()
    hub.asked.clear()
    assert find("owner/name") == hub.snapshot and "*.safetensors" in hub.asked
    assert same(open_model("hf:owner/name", dtype="float32", device="cpu"), base)
    hub.asked.clear()
    assert find("owner/name") == hub.snapshot and not hub.asked


def test_tokenizer_files_alone_do_not_pass_for_weights(hub, base, tokenizer):
    """As the plan leaves them in the cache."""
    save(base, tokenizer, hub.files)
    assert find("owner/name", tokenizer_only=True) == hub.snapshot
    assert not is_complete(hub.snapshot) and (hub.snapshot / "tokenizer.json").exists()
    find("owner/name")
    assert is_complete(hub.snapshot)


def test_a_repository_with_one_gguf_file_is_fetched_and_read(hub, tokenizer):
    """Such repositories often have a config.json beside it."""
    small = llama(tokenizer, 6, vocabulary=400 - len(tokenizer))
    write_gguf(small, tokenizer, hub.files / "tiny.gguf")
    (hub.files / "config.json").write_text('{"model_type": "llama"}')
    model = open_model("hf:owner/name", dtype="float32", device="cpu")
    assert same(model, small, 1e-3) and model.name == "hf:owner/name"
    assert "tiny.gguf" in hub.asked


def test_of_several_gguf_files_one_has_to_be_named_and_is_fetched_alone(hub, tokenizer):
    small = llama(tokenizer, 6, vocabulary=400 - len(tokenizer))
    write_gguf(small, tokenizer, hub.files / "a-q4.gguf")
    (hub.files / "a-q8.gguf").write_bytes(b"larger")
    with pytest.raises(ModelError, match="2 GGUF files: a-q4.gguf, a-q8.gguf. Name the one"):
        open_model("hf:owner/name")
    assert not hub.asked
    name = "hf:owner/name/a-q4.gguf"
    model = open_model(name, dtype="float32", device="cpu")
    assert same(model, small, 1e-3) and model.name == name
    assert not (hub.snapshot / "a-q8.gguf").exists()
    with pytest.raises(ModelError, match="there is no a-q2.gguf in"):
        open_model("hf:owner/name/a-q2.gguf")


def test_what_the_hub_says_is_shown_without_keys(shelf, monkeypatch):
    def refused(*_, **__):
        raise RuntimeError("no access to http://me:secretpass99@127.0.0.1:9/api")

    monkeypatch.setattr("huggingface_hub.HfApi.model_info", refused)
    with pytest.raises(ModelError, match="asked for owner/name, said: no access") as caught:
        find("owner/name")
    assert "secretpass99" not in str(caught.value)


# all forms together -------------------------------------------------------------------------


def test_signatures_tell_the_forms_apart_and_name_no_path(
    alpaca, shelf, base, base_folder, tokenizer, tmp_path
):
    for name in ("medalpaca-7b", "gguf"):
        (shelf / name).mkdir()
    save(base, tokenizer, shelf / "medalpaca-7b")
    small = llama(tokenizer, 6, vocabulary=400 - len(tokenizer))
    write_gguf(small, tokenizer, shelf / "gguf" / "tiny.gguf")
    adapter(base, shelf / "huatuo")
    adapter(base, shelf / "baize-healthcare", seed=4)
    options = {"dtype": "float32", "device": "cpu"}
    opened = [open_model(key, **options) for key in ("medalpaca-7b", "alpaca-7b")]
    (shelf / "llama-7b").unlink()
    (shelf / "llama-7b").symlink_to(base_folder)
    opened += [open_model(key, **options) for key in ("huatuo", "baize-healthcare")]
    opened.append(open_model(f"hf:{shelf / 'gguf'}", **options))
    signatures = [json.dumps(model.signature, sort_keys=True) for model in opened]
    assert len({model.signature["weights"] for model in opened}) == len(set(signatures)) == 5
    assert not any("/" in text or str(tmp_path) in text for text in signatures)


def shifted(model, total):
    """The model with one number added to all its embeddings, so that its weights sum to total."""
    now = sum(t.double().sum().item() for t in model.state_dict().values())
    with torch.no_grad():
        embeddings = model.get_input_embeddings().weight
        embeddings += (total - now) / embeddings.numel()
    return model


def complete(shelf, base, base_folder, tokenizer):
    (shelf / "medalpaca-7b").symlink_to(base_folder)
    return "medalpaca-7b"


def lora(shelf, base, base_folder, tokenizer):
    (shelf / "llama-7b").symlink_to(base_folder)
    adapter(base, shelf / "huatuo")
    return "huatuo"


def weight_difference(shelf, base, base_folder, tokenizer):
    (shelf / "llama-7b").symlink_to(base_folder)
    tuned = shifted(llama(tokenizer, 11), MODELS["alpaca-7b"].checksum)
    with torch.no_grad():
        for name, tensor in tuned.state_dict().items():
            tensor -= base.state_dict()[name]
    save(tuned, tokenizer, shelf / "alpaca-7b-wdiff")
    return "alpaca-7b"


def one_gguf_file(shelf, base, base_folder, tokenizer):
    (shelf / "packed").mkdir()
    small = llama(tokenizer, 6, vocabulary=400 - len(tokenizer))
    write_gguf(small, tokenizer, shelf / "packed" / "tiny.gguf")
    return f"hf:{shelf / 'packed'}"


@pytest.mark.parametrize("form", [complete, lora, weight_difference, one_gguf_file])
def test_a_chapter_runs_on_each_published_form(form, shelf, base, base_folder, tokenizer, tmp_path):
    """`-p model medalpaca-7b` and so on, with the weights where BENCHHEALTH_WEIGHTS points."""
    name = form(shelf, base, base_folder, tokenizer)
    out = tmp_path / "generation.ipynb"
    done = subprocess.run(
        [sys.executable, "-m", "papermill", str(ROOT / "notebooks" / "generation.ipynb"), str(out)]
        + ["-p", "model", name, "-p", "limit", "1", "-p", "against", "majority"],
        capture_output=True,
        text=True,
        timeout=600,
        env={**os.environ, "BENCHHEALTH_RUNS": str(tmp_path / "runs")},
    )
    assert done.returncode == 0, done.stderr[-3000:]
    folders = [p for p in (tmp_path / "runs" / "results").iterdir() if p.name != "majority"]
    results = [*folders[0].glob("*.json")]
    assert len(folders) == 1 and len(results) == 3
    for path in results:
        row = json.loads(path.read_text())
        assert row["n"] == 1 and row["signature"]["model"]["backend"] == "transformers"
        assert str(tmp_path) not in path.read_text()
    if not name.startswith("hf:"):
        mark = {"huatuo": "### 问题:"}.get(name, "### Instruction:")
        assert mark in out.read_text(encoding="utf-8")
