"""Planted keys, and a search for them through everything that was written."""

import os
import subprocess
import sys
import threading
import tomllib
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from fault_server import OTHER_KEY, VENDORS, FaultServer, point_at

from benchhealth_utils.guard import BLOT, has_secret, scrubbed
from benchhealth_utils.models import check_name
from benchhealth_utils.schema import ROOT, BenchHealthError, ModelError

KEY = "planted-0123456789-abcdefgh"  # of no vendor's shape: known by its variable alone
PARAMETERS = [
    "sk-abcdefghijklmnop1234",
    "openai:sk-proj-AbCd_efgh-1234567890",
    "hf_abcdefghijklmnopqrstuvwxyz0123",
    "AIzaSyA1234567890abcdefghijklmnopqrstu",
    "Bearer abcdefghijklmnop.qrst",
    "https://me:secret@example.org/v1",
    "https://example.org/v1?api_key=secret",
    "0123456789abcdef0123456789abcdef",
    "csk-abcd1efgh2ijkl3mnop4qrst5uvwx6",
    "fw_3ZAbCdEfGhIjKlMnOpQrStUv",
    "pa-Abc1dEfGhIjKlMnOpQ_rStUv-wXyZ0123456789abcdefg",
    "ya29.a0AfH6SMBxyz-123_abcdef",
    "Basic bm9ib2R5OnBhc3N3b3Jk1234",
    "openai:model sk-ABCDEFGHIJKL1234abcd",
]
NAMES = [
    "openai:gpt-4.1-mini-2025-04-14",
    "hf:hf-internal-testing/tiny-random-LlamaForCausalLM",
    "hf:owner/task-specific-summarisation-model-7b",
    "hf:owner/key-value-retrieval-model",
    "hf:models--o--n/snapshots/0123456789abcdef0123456789abcdef01234567",
    "anthropic:claude-3-5-sonnet-20241022",
    "openai:meta-llama/Llama-2-7b-chat-hf#llama-2-chat",
    "hf:/data/desk-research-assistant-1234567890",
    "hf:owner/key-points-summarizer-7b-v2",
    "hf:owner/api-calling-llama-3-8b",
    "hf:acme/sk-learn-docs-assistant-7b",
    "hf:owner/rk-detector-large-1b-base",
    "hf:owner/pa-Mistral-Nemo-Instruct-2407",
    "Basic characteristics of 35 patients, pulmonology",
]


@pytest.mark.parametrize("text", PARAMETERS)
def test_what_looks_like_a_key_is_found_and_blotted_out(text):
    assert has_secret(text)
    assert BLOT in scrubbed(f"refused: {text}!") and text not in scrubbed(f"refused: {text}!")


def test_what_stands_beside_the_name_of_a_key_is_blotted_out():
    text = "Endpoint=https;AccountName=x;AccountKey=abcd/efgh+ijklmnop==;Suffix=y"
    assert scrubbed(text) == f"Endpoint=https;AccountName=x;AccountKey={BLOT};Suffix=y"
    assert scrubbed("api_key = 'abcdefgh'") == f"api_key = '{BLOT}'"
    assert not has_secret("SharedAccessKeyName=RootManageSharedAccess; the api key is wrong")


@pytest.mark.parametrize("text", NAMES)
def test_names_of_models_are_no_keys(text):
    assert not has_secret(text) and scrubbed(text) == text


def test_a_value_of_the_environment_is_blotted_out_whatever_it_looks_like(monkeypatch):
    monkeypatch.setenv("SOMEBODYS_API_KEY", KEY)
    monkeypatch.setenv("SHORT_KEY", "none")
    assert scrubbed(f"no such key: {KEY}; none") == f"no such key: {BLOT}; none"
    monkeypatch.setenv("SOMEBODYS_API_KEY", f"{KEY}\n")  # as a server that was sent it repeats it
    assert scrubbed(f"no such key: {KEY}") == f"no such key: {BLOT}"


def test_a_model_name_that_is_a_key_is_refused_without_repeating_it():
    with pytest.raises(BenchHealthError, match="looks like a key") as caught:
        check_name("openai:sk-abcdefghijklmnop1234")
    assert "abcdefgh" not in str(caught.value)


def test_the_engine_is_declared_as_papermills():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    declared = project["entry-points"]["papermill.engine"]
    assert declared == {"benchhealth": "benchhealth_utils.engine:CheckedEngine"}


PAPERMILL = "from papermill.cli import papermill; papermill()"


def chapter(tmp_path, *parameters, **environment):
    """papermill's command line with the package's engine; all that it wrote, as one text."""
    command = [sys.executable, "-c", PAPERMILL, str(ROOT / "notebooks" / "reasoning.ipynb")]
    folder = tmp_path / "written"
    folder.mkdir()
    done = subprocess.run(
        [*command, str(folder / "out.ipynb"), *parameters],
        capture_output=True,
        text=True,
        timeout=600,
        env={
            **os.environ,
            "BENCHHEALTH_RUNS": str(folder / "runs"),
            "IPYTHONDIR": str(folder / "ipython"),
            **environment,
        },
    )
    (folder / "stdout").write_text(done.stdout)
    (folder / "stderr").write_text(done.stderr)
    everything = b"".join(path.read_bytes() for path in folder.rglob("*") if path.is_file())
    return done.returncode, everything.decode("utf-8", "replace"), folder


@pytest.mark.parametrize("engine", [(), ("--engine", "nbclient"), ("--engine", "benchhealth")])
@pytest.mark.parametrize("name", ["model", "unheard_of"])
def test_a_key_among_the_parameters_is_refused_before_anything_is_saved(name, engine, tmp_path):
    code, text, folder = chapter(tmp_path, *engine, "-p", name, "sk-abcdefghijklmnop1234")
    assert code != 0 and f"The parameter {name} has something in it that looks like a key" in text
    assert "Traceback" not in text
    assert "sk-abcdefghijklmnop1234" not in text
    assert not (folder / "out.ipynb").exists() and not (folder / "runs").exists()


def test_a_key_that_is_the_name_of_a_parameter_is_refused_too(tmp_path):
    code, text, folder = chapter(tmp_path, "-p", "sk-abcdefghijklmnop1234", "x")
    assert code != 0 and "The parameter (in its name) has something in it that looks" in text
    assert not (folder / "out.ipynb").exists() and not (folder / "runs").exists()


def test_the_engine_runs_a_chapter_as_papermills_own_does(tmp_path):
    code, text, folder = chapter(tmp_path, "-p", "model", "majority", "-p", "limit", "2")
    assert code == 0 and (folder / "out.ipynb").exists()


@pytest.mark.parametrize("vendor", VENDORS)
def test_keys_are_nowhere_in_what_a_chapter_writes(vendor, monkeypatch, tmp_path):
    """The server repeats the key in its errors, and names another one; the SDKs log all they do."""
    shares = {"400 with the key": 0.2, "500 with the key": 0.2}
    with FaultServer(shares, seed=5) as server:
        point_at(monkeypatch, vendor, server)
        code, text, folder = chapter(
            tmp_path,
            *("-p", "model", f"{vendor}:model", "-p", "limit", "6"),
            **{f"{vendor.upper()}_API_KEY": KEY, f"{vendor.upper()}_LOG": "debug"},
        )
        assert set(server.injected) == set(shares)
        assert KEY in str(server.headers_seen)
    assert code == 0, text[-3000:]
    assert "Incorrect API key" in text and BLOT in text
    assert KEY not in text and OTHER_KEY not in text
    assert [*(folder / "runs").rglob("*.jsonl")] and [*(folder / "runs").rglob("*.json")]


def test_keys_are_nowhere_in_what_a_run_that_stopped_writes(monkeypatch, tmp_path):
    with FaultServer({"401": 1.0}) as server:
        point_at(monkeypatch, "openai", server)
        code, text, _ = chapter(tmp_path, "-p", "model", "openai:model", OPENAI_API_KEY=KEY)
    assert code != 0 and "refuses the key" in text and "Traceback" not in text
    assert KEY not in text and OTHER_KEY not in text


@pytest.mark.parametrize("variable", ["OPENAI_BASE_URL", "OPENAI_API_KEY"])
def test_a_password_within_an_address_is_nowhere(variable, tmp_path):
    """Refused where it is the server's address; and never shown where it is a key."""
    code, text, _ = chapter(
        tmp_path,
        *("-p", "model", "openai:model", "-p", "limit", "1"),
        **{"OPENAI_BASE_URL": "http://127.0.0.1:9/v1", "OPENAI_API_KEY": "x"}
        | {variable: f"http://me:{KEY}@127.0.0.1:9/v1"},
    )
    assert code != 0 and KEY not in text


class Unwell(BaseHTTPRequestHandler):
    """A hub that refuses everything, and repeats the address it was asked at."""

    def do_GET(self):
        self.send_response(503)
        self.send_header("Content-Length", "0")
        self.end_headers()

    do_HEAD = do_GET

    def log_message(self, *_):
        pass


OPEN = """
import sys, benchhealth_utils as bh
try:
    bh.open_model(sys.argv[1])
except bh.ModelError as error:
    print(error)
"""


@pytest.mark.parametrize("name", ["hf:owner/name", "medalpaca-7b"])
def test_a_password_within_the_hubs_address_is_nowhere(name, tmp_path):
    with ThreadingHTTPServer(("127.0.0.1", 0), Unwell) as hub:
        threading.Thread(target=hub.serve_forever, daemon=True).start()
        address = f"http://me:{KEY}@127.0.0.1:{hub.server_address[1]}"
        done = subprocess.run(
            [sys.executable, "-c", OPEN, name],
            capture_output=True,
            text=True,
            env={**os.environ, "HF_ENDPOINT": address, "HF_HOME": str(tmp_path)},
        )
        hub.shutdown()
    assert "The hub, asked for" in done.stdout and BLOT in done.stdout
    assert KEY not in done.stdout + done.stderr


@pytest.mark.parametrize("error", [OSError, ValueError])
def test_what_loading_weights_says_is_scrubbed(error, tmp_path):
    from benchhealth_utils.models.weights import said_plainly

    for padding in (0, 270):  # a key that is cut is a key all the same
        words = f"{'x ' * (padding // 2)}cannot get https://me:{KEY}@example.org/{OTHER_KEY}"
        with pytest.raises(ModelError) as caught, said_plainly("hf:x", tmp_path):
            raise error(words)
        assert "planted" not in str(caught.value) and "somebody" not in str(caught.value)
        assert BLOT[:9] in str(caught.value)


def test_half_a_key_of_the_hubs_words_is_not_shown(monkeypatch):
    """Its message is cut short; what is cut is scrubbed before."""
    from benchhealth_utils.models import weights

    def fail(*_, **__):
        raise OSError(f"{'x' * 139} http://me:{KEY}@example.org/x")

    monkeypatch.setattr(weights, "_on_hub", fail)
    with pytest.raises(weights.Absent) as caught:
        weights.find("owner/name", name="x")
    assert "planted" not in str(caught.value)
