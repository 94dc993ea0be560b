"""tools/same.py tells an engine that agrees with the plain model from one that does not."""

import dataclasses

import pytest
from tiny import embedded_tokenizer, llama, save

from benchhealth_utils import open_model

pytest.importorskip("torch")
import same


@pytest.fixture(scope="module")
def two(tmp_path_factory):
    tokenizer = embedded_tokenizer()
    plain = llama(tokenizer, initializer_range=0.3).eval()
    folder = save(plain, tokenizer, tmp_path_factory.mktemp("tiny"))
    return open_model(f"hf:{folder}", dtype="float32", device="cpu"), plain, tokenizer


def test_texts_are_those_of_the_plain_model_and_of_no_other(two):
    model, plain, tokenizer = two
    requests = same.requests_of(["gad", "medmcqa"], 3, "generate")
    found = same.texts(model, plain, requests)
    assert (found["n"], found["differ"]) == (6, 0) and found["checked"] > 6
    other = same.texts(model, llama(tokenizer, seed=1, initializer_range=0.3).eval(), requests)
    assert other["differ"] > 0 and other["apart"] > 0


def test_company_is_seen_where_it_moves_an_answer(two, monkeypatch):
    model, requests = two[0], same.requests_of(["gad"], 8, "likelihood") * 13
    found = same.company(model, requests[:100])
    assert (found["n"], found["differ"], found["checked"]) == (100, 0, 222)
    replies = model.replies

    def moved(asked, wanted):
        for part in replies(asked, wanted):
            yield [(i, _nudged(reply, len(asked))) for i, reply in part]

    monkeypatch.setattr(model, "replies", moved)
    assert same.company(model, requests[:100])["differ"] == 10


def _nudged(reply, asked):
    logs = {name: value + asked / 1000 for name, value in reply.usage["logprobs"].items()}
    return dataclasses.replace(reply, usage={**reply.usage, "logprobs": logs})
