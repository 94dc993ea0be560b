"""Live answers, and the same prompts exported, answered by a server, imported: no difference."""

import json
import urllib.request

import pytest
from fault_server import FaultServer, chat
from tiny import embedded_tokenizer, llama, save

from benchhealth_utils import load, open_model
from benchhealth_utils.answers import answer
from benchhealth_utils.exchange import bring_in, export
from benchhealth_utils.models import Request
from benchhealth_utils.schema import Example

pytestmark = pytest.mark.model
TOKENS = 16


@pytest.fixture
def opened(monkeypatch):
    """In 32-bit numbers, prompt by prompt, so that no answer depends on what it is asked with."""
    monkeypatch.setattr("benchhealth_utils.models.local.BATCH_ROWS", 1)
    monkeypatch.setenv("BENCHHEALTH_MAX_TOKENS", str(TOKENS))

    def opening(name):
        model = open_model(name, dtype="float32", device="cpu")
        model.max_tokens, model.room = TOKENS, 0
        return model

    return opening


def serving(model):
    """What a server with this model says to a chat completion."""

    def says(body):
        example = Example("0", "gad", {}, "", "0")
        request = Request(example, messages=body["messages"], max_tokens=TOKENS)
        ((_, reply),) = next(iter(model.replies([request], [0])))
        finish = {"truncated": "length"}.get(reply.status, "stop")
        return 200, chat(reply.text, finish, usage=dict(reply.usage))

    return says


def through_a_server(path, address):
    """The lines that a batch would bring back."""
    for line in path.read_text().splitlines():
        line = json.loads(line)
        request = urllib.request.Request(
            address + line["url"], json.dumps(line["body"]).encode(), method=line["method"]
        )
        with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request) as said:
            body = {"status_code": said.status, "body": json.load(said)}
        yield json.dumps({"custom_id": line["custom_id"], "response": body, "error": None})


def differing(model, keys, limit, tmp_path, monkeypatch):
    monkeypatch.setenv("BENCHHEALTH_RUNS", str(tmp_path / "runs"))
    monkeypatch.setattr("benchhealth_utils.models.imported.Imported.max_tokens", TOKENS)
    items = {key: load(key)[:limit] for key in keys}
    live = {key: answer(model, items[key], store=tmp_path / "live", progress=False) for key in keys}
    export("served", keys, tmp_path / "out")
    for key in keys:  # the first of the set are asked
        path = tmp_path / "out" / f"{key}-0shot.jsonl"
        path.write_text("".join(path.read_text().splitlines(keepends=True)[:limit]))
    with FaultServer(says=serving(model)) as server:
        for key in keys:
            path = tmp_path / "out" / f"{key}-0shot.jsonl"
            back = tmp_path / f"{key}.jsonl"
            back.write_text("\n".join([*through_a_server(path, server.address), ""]))
            bring_in("served", [back])
    there = {key: answer("imported:served", items[key], progress=False) for key in keys}
    pairs = [pair for key in keys for pair in zip(live[key], there[key], strict=True)]
    assert all(one.id == two.id for one, two in pairs)
    assert len({one.text for one, _ in pairs}) > len(keys)
    return sum((one.status, one.text) != (two.status, two.text) for one, two in pairs), len(pairs)


def test_what_was_exported_answered_and_imported_is_what_the_model_says(
    opened, tmp_path, monkeypatch
):
    tokenizer = embedded_tokenizer()
    tiny = save(llama(tokenizer, initializer_range=0.3), tokenizer, tmp_path / "tiny")
    model = opened(f"hf:{tiny}")
    assert differing(model, ["gad", "medqa"], 4, tmp_path, monkeypatch) == (0, 8)


@pytest.mark.slow
@pytest.mark.parametrize("key", ["medqa", "pubmedqa", "gad", "ncbi_disease", "hoc"])
def test_so_it_is_with_a_hundred_official_items_of_each(
    opened, key, real_data, tmp_path, monkeypatch
):
    monkeypatch.setenv("BENCHHEALTH_DATA", str(real_data))
    assert differing(opened("smollm2-135m"), [key], 100, tmp_path, monkeypatch) == (0, 100)
