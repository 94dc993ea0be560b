"""Weights in every form in which they are given out, on checkpoints of a few kilobytes."""

import copy
import dataclasses
import json
import runpy
import shutil
from importlib.util import find_spec
from types import SimpleNamespace

import pytest
import tiny
from tiny import embedded_tokenizer, save

from benchhealth_utils import MODELS, load, open_model
from benchhealth_utils.answers import answer, make_requests
from benchhealth_utils.models.base import with_template
from benchhealth_utils.models.local import open_prompts
from benchhealth_utils.models.weights import embedded, find, is_complete, split_as
from benchhealth_utils.registry import template
from benchhealth_utils.schema import ROOT, ModelError

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")
pytestmark = [
    pytest.mark.model,
    pytest.mark.filterwarnings("ignore:The PEFT config's", "ignore:`is_gradient_checkpointing`"),
]
PLAIN = {"dtype": "float32", "device": "cpu"}
HELLO = [{"role": "user", "content": "Hello"}]


@pytest.fixture(scope="module")
def tokenizer():
    """The embedded model's, without its chat template, as LLaMA's has none."""
    found = embedded_tokenizer()
    found.chat_template = None
    return found


def llama(tokenizer, seed, **other):
    return tiny.llama(tokenizer, seed, initializer_range=0.3, **other)


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


def test_complete_weights_under_the_name_of_the_key_or_checkpoint(
    shelf, base, base_folder, tokenizer, tmp_path, monkeypatch
):
    save(base, tokenizer, shelf / "medalpaca-7b")
    model = open_model("medalpaca-7b", **PLAIN)
    assert same(model, base) and model.prompt_text(HELLO).endswith("### Response:\n")
    first_answer(model, tmp_path)
    (shelf / "Llama-2-7b-chat-hf").symlink_to(base_folder)
    assert open_model("llama-2-7b", **PLAIN).name == "llama-2-7b"
    monkeypatch.setattr(tokenizer, "chat_template", template("chatml"))  # its own comes first
    save(base, tokenizer, shelf / "medalpaca-7b")
    assert open_model("medalpaca-7b", **PLAIN).prompt_text(HELLO).endswith("assistant\n")


def test_a_weights_folder_that_is_not_there_is_named(monkeypatch, tmp_path):
    monkeypatch.setenv("BENCHHEALTH_WEIGHTS", str(tmp_path / "nowhere"))
    with pytest.raises(ModelError, match="nowhere, which is not a folder"):
        open_model("medalpaca-7b")


# adapters -----------------------------------------------------------------------------------


def adapter(base, folder, seed=3, named="owner/llama-7b", grown=0, **options):
    """A LoRA adapter with random weights, on a copy of a base; returns the adapted model."""
    peft = pytest.importorskip("peft")
    torch.manual_seed(seed)
    copied = type(base)(copy.deepcopy(base.config))
    copied.load_state_dict(base.state_dict())
    if grown:
        copied.resize_token_embeddings(base.config.vocab_size + grown)
    settings = peft.LoraConfig(
        **{"r": 2, "lora_alpha": 4, "target_modules": ["q_proj", "v_proj", "up_proj"]} | options,
        init_lora_weights=False,
        task_type="CAUSAL_LM",
    )
    adapted = peft.get_peft_model(copied, settings)
    adapted.save_pretrained(folder)
    path = folder / "adapter_config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"base_model_name_or_path": named}))
    return adapted.eval()


@pytest.mark.parametrize(
    ("key", "folder"),
    [("huatuo", "huatuo"), ("huatuo", "lora-llama-med"), ("baize-healthcare", "baize-healthcare")],
)
def test_an_adapter_is_added_to_its_base(shelf, base, base_folder, key, folder, tmp_path):
    adapted = adapter(base, shelf / folder)
    (shelf / "llama-7b").symlink_to(base_folder)
    model = open_model(key, **PLAIN)
    assert same(model, adapted, 1e-3) and not same(model, base, 1e-3)
    assert model.stop == MODELS[key].stop
    first_answer(model, tmp_path)


def test_an_adapter_in_any_folder_finds_its_base_by_the_name_in_its_settings(
    shelf, base, base_folder, tmp_path
):
    adapted = adapter(base, tmp_path / "mine")
    with pytest.raises(ModelError, match="is an adapter: owner/llama-7b is not on this machine"):
        open_model(f"hf:{tmp_path / 'mine'}")
    (shelf / "llama-7b").symlink_to(base_folder)
    model = open_model(f"hf:{tmp_path / 'mine'}", **PLAIN)
    assert same(model, adapted, 1e-3) and model.name == "hf:mine"


def test_an_adapter_is_asked_in_its_own_chat_format_and_tokens(
    base, base_folder, tokenizer, tmp_path
):
    own = transformers.AutoTokenizer.from_pretrained(base_folder)
    own.add_tokens(["<|ward|>"], special_tokens=True)
    own.chat_template = "{% for m in messages %}<|ward|>{{ m.content }}{% endfor %}"
    saved = {"modules_to_save": ["embed_tokens", "lm_head"], "target_modules": ["q_proj"]}
    adapted = adapter(base, tmp_path / "mine", named=str(base_folder), grown=1, **saved)
    own.save_pretrained(tmp_path / "mine")
    name = f"hf:{tmp_path / 'mine'}"
    model = open_model(name, **PLAIN)
    assert model.prompt_text(HELLO) == open_prompts(name).text(HELLO) == "<|ward|>Hello"
    assert own.convert_tokens_to_ids("<|ward|>") in model.prompts.ids("<|ward|>Hello")
    assert same(model, adapted, 1e-3)
    first_answer(model, tmp_path)
    for file in ("tokenizer.json", "tokenizer_config.json"):  # a format, and the base's tokens
        (tmp_path / "mine" / file).unlink()
    assert open_prompts(name).text(HELLO) == "<|ward|>Hello"
    (tmp_path / "mine" / "chat_template.jinja").unlink()
    listed = [{"name": "default", "template": own.chat_template}, {"name": "rag", "template": ""}]
    for style in (own.chat_template, listed):
        settings = json.dumps({"chat_template": style})
        (tmp_path / "mine" / "tokenizer_config.json").write_text(settings)
        assert open_prompts(name).text(HELLO) == "<|ward|>Hello"


@pytest.mark.parametrize(
    "options",
    [
        {"target_modules": ["lm_head"]},
        {"target_modules": ["q_proj", "embed_tokens"]},
        {"target_modules": ["q_proj"], "modules_to_save": ["lm_head"]},
        {"target_modules": ["q_proj"], "modules_to_save": ["embed_tokens"]},
    ],
)
@pytest.mark.filterwarnings("ignore:Model with `tie_word", "ignore:Model has `tie_word")
def test_an_adapter_on_a_tied_layer_leaves_the_other_end_as_it_is(tokenizer, tmp_path, options):
    tied = llama(tokenizer, 4, tie_word_embeddings=True)
    save(tied, tokenizer, tmp_path / "tied")
    adapted = adapter(tied, tmp_path / "mine", named=str(tmp_path / "tied"), **options)
    model = open_model(f"hf:{tmp_path / 'mine'}", **PLAIN)
    assert same(model, adapted, 1e-3)
    first_answer(model, tmp_path)


@pytest.mark.parametrize("key", ["huatuo", "alpaca-7b"])
def test_a_base_that_is_missing_is_named(shelf, base, key):
    if key == "huatuo":
        adapter(base, shelf / key)
    with pytest.raises(ModelError, match="Both are needed") as caught:
        open_model(key)
    assert str(caught.value).startswith(f"{key} (") and "llama-7b" in str(caught.value)


def test_an_adapter_that_does_not_fit_is_refused(shelf, tokenizer, base, base_folder):
    """Of another size, or with tensors of other names, which would leave the base as it is."""
    from safetensors.torch import load_file, save_file

    (shelf / "llama-7b").symlink_to(base_folder)
    adapter(llama(tokenizer, 5, hidden_size=32), shelf / "huatuo")
    with pytest.raises(ModelError, match="Expected an adapter that fits the base"):
        open_model("huatuo", **PLAIN)
    adapter(base, shelf / "huatuo")
    path = shelf / "huatuo" / "adapter_model.safetensors"
    save_file({f"other.{name}": t for name, t in load_file(path).items()}, path)
    with pytest.raises(ModelError, match="missing adapter keys.*Expected an adapter that fits"):
        open_model("huatuo", **PLAIN)
    for text in ("{", "[]", '{"base_model_name_or_path": 7}'):
        (shelf / "huatuo" / "adapter_config.json").write_text(text)
        with pytest.raises(
            ModelError, match="no usable adapter in .*Expected an adapter that fits"
        ):
            open_model(f"hf:{shelf / 'huatuo'}", **PLAIN)


# differences --------------------------------------------------------------------------------


@pytest.fixture
def alpaca(shelf, tokenizer, tmp_path, monkeypatch):
    """Tuned weights, a base in half precision with one token less, and what is between them."""
    tuned, raw = llama(tokenizer, 7), llama(tokenizer, 8, vocabulary=-1).half()
    save(raw, tokenizer, tmp_path / "llama-7b")
    between, known = llama(tokenizer, 9), raw.state_dict()
    with torch.no_grad():
        for name, tensor in between.state_dict().items():
            older = known[name].float()
            if len(older) < len(tensor):
                older = torch.cat([older, older.mean(dim=0, keepdim=True)])
            tensor.copy_(tuned.state_dict()[name] - older)
    save(between, tokenizer, tmp_path / "alpaca-7b-wdiff")

    def stated(checksum):
        spec = dataclasses.replace(MODELS["alpaca-7b"], checksum=checksum)
        monkeypatch.setitem(MODELS, "alpaca-7b", spec)

    stated(sum(t.double().sum().item() for t in tuned.state_dict().values()))
    return SimpleNamespace(tuned=tuned, stated=stated, folder=tmp_path, shelf=shelf)


def recover(alpaca, base="llama-7b", checksum=None):
    checksum = MODELS["alpaca-7b"].checksum if checksum is None else checksum
    parts = [alpaca.folder / "alpaca-7b-wdiff", alpaca.folder / base, alpaca.shelf / "alpaca-7b"]
    runpy.run_path(str(ROOT / "tools" / "recover_alpaca.py"))["recover"](*parts, checksum)


def test_differences_are_added_to_their_base_once_with_the_tool(alpaca, tmp_path):
    """The sum may count rotary frequencies, as older transformers did: 4 in each of 2 layers."""
    recover(alpaca, checksum=MODELS["alpaca-7b"].checksum + 2 * 1.111)
    shutil.rmtree(alpaca.shelf / "alpaca-7b")
    recover(alpaca)
    model = open_model("alpaca-7b", **PLAIN)
    for name, tensor in alpaca.tuned.state_dict().items():
        assert torch.allclose(model.model.state_dict()[name], tensor, atol=1e-6), name
    first_answer(model, tmp_path)
    shutil.rmtree(alpaca.shelf / "alpaca-7b")
    shutil.copytree(alpaca.folder / "alpaca-7b-wdiff", alpaca.shelf / "alpaca-7b")
    with pytest.raises(ModelError, match="not the whole weights.*tools/recover_alpaca.py"):
        open_model("alpaca-7b", **PLAIN)


def test_a_wrong_sum_or_base_is_an_error_and_nothing_is_kept(alpaca, tokenizer):
    with pytest.raises(SystemExit, match="recovered parameters add up to"):
        recover(alpaca, checksum=MODELS["alpaca-7b"].checksum + 0.5)
    save(llama(tokenizer, 5, hidden_size=32), tokenizer, alpaca.folder / "other")
    with pytest.raises(SystemExit, match="do not fit the base in other"):
        recover(alpaca, base="other")
    assert not list(alpaca.shelf.iterdir())


# GGUF ---------------------------------------------------------------------------------------


def write_gguf(model, tokenizer, path, splitter=None):
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
    if splitter:
        writer.add_tokenizer_pre(splitter)
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


@pytest.fixture(scope="module")
def small(tokenizer):
    """Its vocabulary is cut short: reading a long one takes the longest."""
    return llama(tokenizer, 6, vocabulary=400 - len(tokenizer))


def test_a_gguf_file_and_a_folder_with_one(small, tokenizer, tmp_path):
    folder = tmp_path / "packed"
    folder.mkdir()
    write_gguf(small, tokenizer, folder / "tiny.gguf", "smollm")
    model = open_model(f"hf:{folder}", **PLAIN)
    assert same(model, small, 1e-3)
    first_answer(model, tmp_path)
    (folder / "notes.json").write_text("{}")
    by_file = open_model(f"hf:{folder / 'tiny.gguf'}", **PLAIN)
    assert by_file.name == "hf:tiny.gguf" and by_file.signature == model.signature
    shutil.copy(folder / "tiny.gguf", folder / "second.gguf")
    with pytest.raises(
        ModelError, match="several GGUF files: second.gguf, tiny.gguf. Name the one"
    ):
        open_model(f"hf:{folder}")


def test_a_gguf_file_that_names_an_unknown_splitter_is_refused(small, tokenizer, tmp_path):
    write_gguf(small, tokenizer, tmp_path / "tiny.gguf", "deepseek-llm")
    with pytest.raises(ModelError, match="splits text as 'deepseek-llm'.*Known: .*smollm"):
        open_model(f"hf:{tmp_path}", **PLAIN)


IDS = json.loads((ROOT / "tests" / "golden" / "gguf_ids.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("family", IDS["ids"])
def test_the_tokens_of_a_gguf_file_are_those_of_another_engine(tokenizer, family):
    """The embedded file's vocabulary under each name, put into tokens by llama.cpp."""
    own = transformers.AutoTokenizer.from_pretrained(embedded())
    if family == "smollm":
        ids = [own(text, add_special_tokens=False).input_ids for text in IDS["texts"]]
        assert ids == IDS["ids"][family]  # as it is kept
    split_as(own, family)
    ids = [own(text, add_special_tokens=False).input_ids for text in IDS["texts"]]
    assert ids == IDS["ids"][family]


# devices, bits, replies, code, damage ---------------------------------------------------------


def test_an_option_that_does_not_exist_is_refused(base_folder, monkeypatch):
    """Whether it is given or stated in the environment."""
    name, options = f"hf:{base_folder}", PLAIN | {"bits": None}
    known = {"bits": (3, "bits is 3; expected 4 or 8"), "dtype": ("float8", "'float8'; expected"),
             "device": ("warp", "the device 'warp' cannot be used")}  # fmt: skip
    for option, (value, said) in known.items():
        with pytest.raises(ModelError, match=said):
            open_model(name, **options | {option: value})
        monkeypatch.setenv(f"BENCHHEALTH_{option.upper()}", str(value))
        with pytest.raises(ModelError, match=said):
            open_model(name, **options | {option: None})
        monkeypatch.delenv(f"BENCHHEALTH_{option.upper()}")
    if find_spec("bitsandbytes") is None:
        with pytest.raises(ModelError, match="bitsandbytes"):
            open_model(name, bits=4)


def test_without_room_for_the_weights_the_remedies_are_named(base_folder, monkeypatch):
    def full(*_, **__):
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.")

    monkeypatch.setattr("transformers.AutoModelForCausalLM.from_pretrained", full)
    with pytest.raises(ModelError, match="do not fit into .*BITS=4.*BENCHHEALTH_DEVICE=auto"):
        open_model(f"hf:{base_folder}", **PLAIN)


def test_more_room_for_replies_is_stated_in_the_environment(base_folder, tmp_path, monkeypatch):
    """As far as the window goes; and it is part of the key."""
    monkeypatch.setenv("BENCHHEALTH_MAX_TOKENS", "40")
    model = open_model(f"hf:{base_folder}", **PLAIN)
    assert model.signature["reply_limit"] == 40
    assert first_answer(model, tmp_path / "a").usage["completion_tokens"] == 40
    prompt = model.prompts.render(
        make_requests(load("gad")[:1], shots=0, seed=0, mode="generate")[0][0]
    )
    monkeypatch.setattr(model.prompts, "window", len(prompt.ids) + 9)
    assert first_answer(model, tmp_path / "b").usage["completion_tokens"] == 9
    for stated in ("0", "-1", "many", "1.5"):
        monkeypatch.setenv("BENCHHEALTH_MAX_TOKENS", stated)
        with pytest.raises(ModelError, match=f"BENCHHEALTH_MAX_TOKENS is '{stated}'"):
            open_model(f"hf:{base_folder}", **PLAIN)


def test_thinking_is_switched_where_the_chat_format_can(base, tokenizer, tmp_path, monkeypatch):
    monkeypatch.setattr(
        tokenizer, "chat_template",
        "{{ messages[0].content }}{% if enable_thinking is false %}<no>{% endif %}",
    )  # fmt: skip
    name = f"hf:{save(base, tokenizer, tmp_path / 'mine')}"
    for wish, text in (("", "Hello"), ("on", "Hello"), ("off", "Hello<no>")):
        monkeypatch.setenv("BENCHHEALTH_THINKING", wish)
        model = open_model(name, **PLAIN)
        assert model.prompt_text(HELLO) == text
        assert model.signature.get("thinking", "") == {"": "", "on": True, "off": False}[wish]
    assert "thinking" not in open_model(f"{name}#alpaca", **PLAIN).signature
    monkeypatch.setenv("BENCHHEALTH_THINKING", "perhaps")
    with pytest.raises(ModelError, match="'perhaps'; expected on or off"):
        open_model(name, **PLAIN)


def test_marks_of_a_thought_stay_in_the_reply(base, tokenizer, tmp_path, monkeypatch):
    """Also where they are special tokens; what ends a reply is left out."""
    own = transformers.AutoTokenizer.from_pretrained(embedded())
    own.add_special_tokens({"additional_special_tokens": ["[THINK]", "[/THINK]"]})
    grown = llama(own, 1)
    model = open_model(f"hf:{save(grown, own, tmp_path / 'mine')}", **PLAIN)
    said = own("[THINK]So B.[/THINK]C<|im_end|>", add_special_tokens=False).input_ids

    class Engine:
        def run(self, rows, ended):
            for row in rows:
                row.ids += said
                yield [row]

    model.engine = Engine(), True
    assert first_answer(model, tmp_path).text == "[THINK]So B.[/THINK]C"


def test_a_folder_can_be_asked_in_a_format_of_the_authors(base, tokenizer, tmp_path, monkeypatch):
    """As a key of the registry is, and also where the tokenizer has a template of its own."""
    folder = tmp_path / "run#7"
    monkeypatch.setattr(tokenizer, "chat_template", template("chatml"))
    save(base, tokenizer, folder)
    model, plain = (open_model(f"hf:{folder}{style}", **PLAIN) for style in ("#huatuo", ""))
    assert model.name == "hf:run#7#huatuo" and model.stop == MODELS["huatuo"].stop
    assert model.prompt_text(HELLO) == with_template(template("huatuo"), HELLO, bos="")
    assert plain.prompt_text(HELLO).endswith("assistant\n") and plain.stop == ()
    assert model.signature["template"] != plain.signature["template"]
    first_answer(model, tmp_path)


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
            open_model(f"hf:{folder}", **PLAIN)
        assert not marker.exists()
    monkeypatch.setenv("BENCHHEALTH_TRUST_REMOTE_CODE", "medalpaca-7b, hf:odd")
    model = open_model(f"hf:{folder}", **PLAIN)
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
        open_model(f"hf:{folder}", **PLAIN)
    (folder / "model.safetensors").write_bytes(b"\x08")
    with pytest.raises(ModelError, match="no usable causal language model"):
        open_model(f"hf:{folder}", **PLAIN)


# the hub ------------------------------------------------------------------------------------


@pytest.fixture
def hub(shelf, tmp_path, monkeypatch):
    """A hub that has one repository, and the real cache; notes what is asked for."""
    from huggingface_hub import snapshot_download
    from huggingface_hub.utils import filter_repo_objects

    remote, asked = tmp_path / "remote", []
    snapshot = tmp_path / "hub" / "models--owner--name" / "snapshots" / "abc"
    remote.mkdir()

    def listed(*_, **__):
        files = ((path.name, path.stat().st_size) for path in sorted(remote.iterdir()))
        return SimpleNamespace(siblings=[SimpleNamespace(rfilename=n, size=s) for n, s in files])

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
    ("files", "left_out"), [(["a.safetensors", "a.bin"], "*.bin"), (["a.bin"], "*.safetensors")]
)
def test_weights_are_fetched_in_one_format_and_not_in_silence(hub, files, left_out, capsys):
    for name in files:
        (hub.files / name).write_bytes(b"x" * 10**6)
    find("owner/name")
    assert left_out not in hub.asked and len({*hub.asked} & {"*.bin", "*.safetensors"}) == 1
    assert "Fetching owner/name from the Hugging Face hub, 0.0 GB" in capsys.readouterr().out


@pytest.mark.parametrize("known_by", ["index", "names", "an index cut off"])
def test_a_download_that_was_interrupted_is_completed(hub, base, tokenizer, known_by):
    """The shards that are there do not pass for the whole."""
    base.save_pretrained(hub.files, max_shard_size="0.7MB")
    tokenizer.save_pretrained(hub.files)
    shards = sorted(hub.files.glob("model-*-of-*.safetensors"))
    assert len(shards) > 1
    find("owner/name")
    (hub.snapshot / shards[-1].name).unlink()
    if known_by == "names":
        (hub.snapshot / "model.safetensors.index.json").unlink()
    elif known_by == "an index cut off":
        (hub.snapshot / "model.safetensors.index.json").write_text('{"weight_map":')
    hub.asked.clear()
    assert find("owner/name") == hub.snapshot and "*.safetensors" in hub.asked
    model = open_model("hf:owner/name", **PLAIN)
    assert same(model, base) and model.signature["weights"] == "owner/name@abc"
    hub.asked.clear()
    assert find("owner/name") == hub.snapshot and not hub.asked


def test_tokenizer_files_alone_do_not_pass_for_weights(hub, base, tokenizer):
    """As the plan leaves them in the cache."""
    save(base, tokenizer, hub.files)
    assert find("owner/name", tokenizer_only=True) == hub.snapshot
    assert not is_complete(hub.snapshot) and (hub.snapshot / "tokenizer.json").exists()
    find("owner/name")
    assert is_complete(hub.snapshot)


def test_of_gguf_files_one_has_to_be_named_and_is_fetched_alone(hub, small, tokenizer):
    """Such repositories often have a config.json beside it."""
    write_gguf(small, tokenizer, hub.files / "a-q4.gguf", "smollm")
    (hub.files / "config.json").write_text('{"model_type": "llama"}')
    (hub.files / "a-q8.gguf").write_bytes(b"larger")
    for part in (1, 2):
        (hub.files / f"a-q6-0000{part}-of-00002.gguf").touch()
    with pytest.raises(ModelError, match="several GGUF files: a-q4.gguf, .*Name the one") as caught:
        open_model("hf:owner/name")
    assert "hf:owner/name/a-q4.gguf" in str(caught.value)
    with pytest.raises(ModelError, match="one of several parts"):
        open_model("hf:owner/name/a-q6-00001-of-00002.gguf")
    name = "hf:owner/name/a-q4.gguf"
    with pytest.raises(ModelError, match="no tokenizer but in its weights"):
        open_prompts(name)  # as a plan does
    assert not hub.asked
    model = open_model(name, **PLAIN)
    assert same(model, small, 1e-3) and model.name == name
    assert not (hub.snapshot / "a-q8.gguf").exists()
    with pytest.raises(ModelError, match="there is no a-q2.gguf in"):
        open_model("hf:owner/name/a-q2.gguf")


def test_signatures_tell_the_forms_apart_and_name_no_path(
    shelf, base, base_folder, small, tokenizer, tmp_path
):
    for name in ("medalpaca-7b", "llama-7b"):
        (shelf / name).symlink_to(base_folder)
    (shelf / "packed").mkdir()
    write_gguf(small, tokenizer, shelf / "packed" / "tiny.gguf", "smollm")
    adapter(base, shelf / "huatuo")
    opened = [open_model(n, **PLAIN) for n in ("medalpaca-7b", "huatuo", f"hf:{shelf / 'packed'}")]
    adapter(base, shelf / "huatuo", seed=4)
    opened.append(open_model("huatuo", **PLAIN))
    signatures = [json.dumps(model.signature, sort_keys=True) for model in opened]
    assert len({model.signature["weights"] for model in opened}) == len(set(signatures)) == 4
    assert not any("/" in text or str(tmp_path) in text for text in signatures)
