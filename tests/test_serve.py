"""A real server on loopback: what it answers is what the model answers here."""

import os
import socket
import subprocess
import sys
import time
import urllib.request

import pytest
from tiny import embedded_tokenizer, llama, save

from benchhealth_utils import load, open_model
from benchhealth_utils.answers import answer

pytestmark = pytest.mark.model
TOKENS = 16


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """`transformers serve` with a tiny model in float32, until the tests are done."""
    for package in ("transformers", "fastapi", "uvicorn"):
        pytest.importorskip(package, reason=f"`transformers serve` needs {package}")
    tokenizer = embedded_tokenizer()
    folder = tmp_path_factory.mktemp("served") / "tiny"
    save(llama(tokenizer, initializer_range=0.3), tokenizer, folder)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{free.getsockname()[1]}"
    command = [sys.executable, "-m", "transformers.cli.transformers", "serve", str(folder)]
    options = f"--host 127.0.0.1 --port {address[17:]} --device cpu --dtype float32".split()
    log = (tmp_path_factory.mktemp("serve") / "log").open("w+")
    process = subprocess.Popen([*command, *options], stdout=log, stderr=subprocess.STDOUT)
    try:
        deadline = time.monotonic() + 240
        while not alive(address):
            if process.poll() is not None or time.monotonic() > deadline:
                log.seek(0)
                pytest.fail(f"the server did not start:\n{log.read()[-3000:]}")
            time.sleep(0.5)
        yield address, folder
    finally:
        process.terminate()
        process.wait(30)


def alive(address):
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        return opener.open(f"{address}/health", timeout=2).status == 200
    except OSError:
        return False


@pytest.mark.parametrize("form", ["", "#chatml"], ids=["chat", "raw completion"])
def test_greedy_answers_of_a_server_are_those_of_the_same_weights_here(
    server, form, monkeypatch, tmp_path
):
    address, folder = server
    monkeypatch.setenv("OPENAI_BASE_URL", f"{address}/v1")
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    remote = open_model(f"openai:{folder}{form}")
    assert not remote.remote and remote.name == f"openai:{folder.name}{form}"
    assert str(folder) not in str(remote.signature)
    models = open_model(f"hf:{folder}", dtype="float32", device="cpu"), remote
    for key in ("gad", "ncbi_disease"):
        items, found = load(key)[:2], []
        for model in models:
            model.max_tokens = TOKENS
            found.append(
                answer(model, items, store=tmp_path / str(model is remote), progress=False)
            )
        for here, there in zip(*found, strict=True):
            assert (there.status, there.text) == (here.status, here.text) and here.text
            assert there.usage["served"].partition("@")[0] == folder.name
            assert there.usage["prompt_tokens"] == here.usage["prompt_tokens"]
    assert not os.environ.get("OPENAI_API_KEY")
