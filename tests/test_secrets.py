"""Planted keys, and a search for them through everything that was written."""

import os
import subprocess
import sys
import tomllib

import pytest
from fault_server import OTHER_KEY, VENDORS, FaultServer, point_at

from benchhealth_utils.models import check_name
from benchhealth_utils.schema import ROOT, BenchHealthError
from benchhealth_utils.secrets import BLOT, has_secret, scrubbed

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
]


@pytest.mark.parametrize("text", PARAMETERS)
def test_what_looks_like_a_key_is_found_and_blotted_out(text):
    assert has_secret(text)
    assert BLOT in scrubbed(f"refused: {text}!") and text not in scrubbed(f"refused: {text}!")


@pytest.mark.parametrize("text", NAMES)
def test_names_of_models_are_no_keys(text):
    assert not has_secret(text) and scrubbed(text) == text


def test_a_value_of_the_environment_is_blotted_out_whatever_it_looks_like(monkeypatch):
    monkeypatch.setenv("SOMEBODYS_API_KEY", KEY)
    monkeypatch.setenv("SHORT_KEY", "none")
    assert scrubbed(f"no such key: {KEY}; none") == f"no such key: {BLOT}; none"


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


@pytest.mark.parametrize("name", ["model", "against", "unheard_of"])
def test_a_key_among_the_parameters_is_refused_before_anything_is_saved(name, tmp_path):
    code, text, folder = chapter(tmp_path, "-p", name, "sk-abcdefghijklmnop1234")
    assert code != 0 and f"The parameter {name} has something in it that looks like a key" in text
    assert "sk-abcdefghijklmnop1234" not in text
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
    assert code != 0 and "refuses the key" in text
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
