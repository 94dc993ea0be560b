"""Fifty blows to runs of a model on this machine and of one behind a slow server."""

import json
import os
import random
import signal
from collections import Counter

import pytest
from fault_server import FaultServer, opened
from tiny import embedded_tokenizer, llama, save

from benchhealth_utils import load, open_model
from benchhealth_utils.answers import answer
from benchhealth_utils.models import decoding

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(os.name != "posix", reason="sends POSIX signals"),
]
BLOWS = 25  # to each of the two


def struck(child, model, examples, folder):
    """Runs struck at random times and taken up again: lost, doubled and wrong answers, blows."""
    truth = {a.key: a.text for a in answer(model, examples, store=folder / "w", progress=False)}
    draw, found, blows, rounds = random.Random(0), Counter(), 0, 0

    def run(store):
        answer(model, examples, store=store, progress=False)

    while blows < BLOWS:
        rounds += 1
        store = folder / f"round-{rounds}"
        while True:
            process = child(run, store)
            process.join(draw.uniform(0.02, 1) if blows < BLOWS else None)
            if not process.is_alive():
                break
            os.kill(process.pid, draw.choice([signal.SIGKILL, signal.SIGINT]))
            process.join(30)
            blows += 1
        assert process.exitcode == 0
        (path,) = store.rglob("*.jsonl")
        lines = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
        times = Counter(line["key"] for line in lines)
        found["lost"] += len(truth.keys() - times.keys())
        found["doubled"] += sum(count - 1 for count in times.values())
        found["wrong"] += sum(truth.get(line["key"]) != line["text"] for line in lines)
    return {name: found[name] for name in ("lost", "doubled", "wrong")}, blows


NONE = {"lost": 0, "doubled": 0, "wrong": 0}


def test_a_model_behind_a_slow_server(child, monkeypatch, tmp_path):
    with FaultServer(delay=0.1) as server:
        model = opened(monkeypatch, "openai", server)
        found, blows = struck(child, model, load("medmcqa"), tmp_path)
        asked = len(server.bodies)
    print(f"{blows} blows, {asked} requests: {found}")
    assert found == NONE


@pytest.mark.model
def test_a_model_on_this_machine(child, monkeypatch, tmp_path):
    pytest.importorskip("torch").set_num_threads(1)  # others' threads do not outlive a fork
    tokenizer = embedded_tokenizer()
    save(llama(tokenizer, hidden_size=64), tokenizer, tmp_path / "tiny")
    monkeypatch.setattr(decoding, "ROWS", 3)
    model = open_model(f"hf:{tmp_path / 'tiny'}", dtype="bfloat16", device="cpu")
    model.max_tokens = 24
    found, blows = struck(child, model, load("medmcqa"), tmp_path)
    print(f"{blows} blows: {found}")
    assert found == NONE
