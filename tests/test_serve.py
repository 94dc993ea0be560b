"""A real server on loopback: what it answers is what the model answers here."""

import os
import socket
import subprocess
import sys
import time
import urllib.request
from importlib.util import find_spec

import pytest

from benchhealth_utils import load, open_model
from benchhealth_utils.answers import answer
from benchhealth_utils.models.weights import embedded
from benchhealth_utils.schema import ModelError

pytestmark = pytest.mark.model
SERVING = ("fastapi", "uvicorn")
TOKENS = 16


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """`transformers serve` with the embedded model in float32, until the tests are done."""
    pytest.importorskip("transformers")
    if lacking := [name for name in SERVING if find_spec(name) is None]:
        pytest.skip(f"`transformers serve` needs {' and '.join(lacking)}: pip install -e '.[test]'")
    try:
        folder = embedded()
    except ModelError as error:
        pytest.skip(str(error))
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    command = [sys.executable, "-m", "transformers.cli.transformers", "serve", str(folder)]
    options = ["--host", "127.0.0.1", "--port", port, "--device", "cpu", "--dtype", "float32"]
    log = (tmp_path_factory.mktemp("serve") / "log").open("w+")
    process = subprocess.Popen([*command, *options], stdout=log, stderr=subprocess.STDOUT)
    address = f"http://127.0.0.1:{port}"
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


@pytest.fixture(scope="module")
def local():
    model = open_model("smollm2-135m", dtype="float32", device="cpu")
    model.max_tokens = TOKENS
    return model


@pytest.mark.parametrize("form", ["", "#chatml"], ids=["chat", "raw completion"])
def test_greedy_answers_of_a_server_are_those_of_the_same_weights_here(
    server, local, form, monkeypatch, tmp_path
):
    address, folder = server
    monkeypatch.setenv("OPENAI_BASE_URL", f"{address}/v1")
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    remote = open_model(f"openai:{folder}{form}")
    remote.max_tokens = TOKENS
    assert not remote.remote and remote.name == f"openai:{folder.name}{form}"
    assert str(folder) not in str(remote.signature)
    for key in ("gad", "ncbi_disease"):
        items = load(key)[:2]
        here, there = (
            answer(model, items, store=tmp_path / str(number), progress=False)
            for number, model in enumerate((local, remote))
        )
        assert [(a.status, a.text) for a in there] == [(a.status, a.text) for a in here]
        assert {a.usage["served"].partition("@")[0] for a in there} == {folder.name}
        for one, other in zip(here, there, strict=True):
            assert one.text and other.usage["prompt_tokens"] == one.usage["prompt_tokens"]
    assert not os.environ.get("OPENAI_API_KEY")
