"""Planted keys, and a search for them through everything that was written."""

import os
import subprocess
import sys
import threading
import tomllib
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
import yaml
from click.testing import CliRunner
from fault_server import OTHER_KEY, VENDORS, FaultServer, ask, items, point_at
from papermill.cli import papermill

from benchhealth_utils import open_model
from benchhealth_utils.guard import BLOT, has_secret, scrubbed
from benchhealth_utils.models import check_name
from benchhealth_utils.schema import ROOT, BenchHealthError, ModelError

KEY = "planted-0123456789-abcdefgh"  # of no vendor's shape: known by its variable alone
CASES = yaml.safe_load((ROOT / "tests" / "cases" / "keys.yaml").read_text(encoding="utf-8"))


@pytest.mark.parametrize("text", CASES["keys"])
def test_what_looks_like_a_key_is_found_and_blotted_out(text):
    assert has_secret(text)
    assert BLOT in scrubbed(f"refused: {text}!") and text not in scrubbed(f"refused: {text}!")


def test_what_stands_beside_the_name_of_a_key_is_blotted_out():
    text = "Endpoint=https;AccountName=x;AccountKey=abcd/efgh+ijklmnop==;Suffix=y"
    assert scrubbed(text) == f"Endpoint=https;AccountName=x;AccountKey={BLOT};Suffix=y"
    assert scrubbed("api_key = 'abcdefgh'") == f"api_key = '{BLOT}'"
    for named in ("api-key=", "X-Api-Key: ", "aws_secret_access_key=", "PGPASSWORD=", "--api-key ",
                  "token: ", "secret="):  # fmt: skip
        assert scrubbed(f"x {named}abcd1234efgh5678 y") == f"x {named}{BLOT} y"
    assert not has_secret("SharedAccessKeyName=RootManageSharedAccess; the api key is wrong")


@pytest.mark.parametrize("text", CASES["none"])
def test_names_of_models_are_no_keys(text):
    assert not has_secret(text) and scrubbed(text) == text


def test_a_value_of_the_environment_is_blotted_out_whatever_it_looks_like(monkeypatch):
    monkeypatch.setenv("SOMEBODYS_API_KEY", KEY)
    monkeypatch.setenv("SHORT_KEY", "none")
    for name in ("PGPASSWORD", "DB_PASS", "MYSQL_PWD", "OPENAI_API_KEY_2", "OPENAI_API_KEY3",
                 "OPENAI_API_KEY_PROD", "GITLAB_PAT", "SSHPASS"):  # fmt: skip
        monkeypatch.setenv(name, "words of somebody")
        assert scrubbed("told words of somebody") == f"told {BLOT}", name
        monkeypatch.delenv(name)
    for name in ("PWD", "OLDPWD", "SSH_ASKPASS", "TOKEN_FILE", "BENCHHEALTH_MAX_TOKENS"):
        with monkeypatch.context() as patch:
            patch.setenv(name, "/srv/somewhere")
            assert scrubbed("in /srv/somewhere") == "in /srv/somewhere", name
    monkeypatch.setenv("SOMEBODYS_API_KEY", KEY)
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
REASONING = str(ROOT / "notebooks" / "reasoning.ipynb")


def chapter(tmp_path, *parameters, **environment):
    """papermill's command line with the package's engine; all that it wrote, as one text."""
    folder = tmp_path / "written"
    folder.mkdir()
    named = {"BENCHHEALTH_RUNS": str(folder / "runs"), "IPYTHONDIR": str(folder / "ipython")}
    done = subprocess.run(
        [sys.executable, "-c", PAPERMILL, REASONING, str(folder / "out.ipynb"), *parameters],
        capture_output=True, text=True, timeout=600, env={**os.environ, **named, **environment},
    )  # fmt: skip
    (folder / "stdout").write_text(done.stdout)
    (folder / "stderr").write_text(done.stderr)
    everything = b"".join(path.read_bytes() for path in folder.rglob("*") if path.is_file())
    return done.returncode, everything.decode("utf-8", "replace"), folder


@pytest.mark.parametrize("engine", [(), ("--engine", "nbclient"), ("--engine", "benchhealth")])
@pytest.mark.parametrize("name", ["model", "unheard_of", "sk-abcdefghijklmnop5678"])
def test_a_key_among_the_parameters_is_refused_before_anything_is_saved(name, engine, tmp_path):
    """Also as a parameter's name; and without papermill's own traceback."""
    out, key = tmp_path / "out.ipynb", "sk-abcdefghijklmnop1234"
    given = [REASONING, str(out), *engine, "-p", name, key]
    done = CliRunner().invoke(papermill, given)
    called = "(in its name)" if name.startswith("sk-") else name
    assert done.exit_code == 1 and type(done.exception) is SystemExit
    assert f"Error: The parameter {called} has something in it that looks like a" in done.output
    assert not out.exists() and "sk-abc" not in done.output


@pytest.mark.parametrize("vendor", VENDORS)
def test_keys_are_nowhere_in_what_a_chapter_writes(vendor, monkeypatch, tmp_path):
    """The server repeats the key in its errors, and names another one; the SDKs log all they do.

    One run ends, with errors in it; the other is stopped by its first.
    """
    ends = vendor == "openai"
    shares = {"400 with the key": 0.2, "500 with the key": 0.2} if ends else {"401": 1.0}
    with FaultServer(shares, seed=5) as server:
        point_at(monkeypatch, vendor, server)
        code, text, folder = chapter(
            tmp_path,
            *("-p", "model", f"{vendor}:model", "-p", "limit", "6"),
            **{f"{vendor.upper()}_API_KEY": KEY, f"{vendor.upper()}_LOG": "debug"},
        )
        assert set(server.injected) == set(shares)
        assert KEY in str(server.headers_seen)
    assert KEY not in text and OTHER_KEY not in text and BLOT in text
    if ends:
        assert code == 0 and "Incorrect API key" in text, text[-3000:]
        assert [*(folder / "runs").rglob("*.jsonl")] and [*(folder / "runs").rglob("*.json")]
    else:
        said = (folder / "stderr").read_text()
        assert code == 1 and "refuses the key" in said and "Traceback" not in said


def test_a_password_within_what_should_be_a_key_is_not_shown(monkeypatch):
    """An address as the key; one with a password as the address is refused."""
    monkeypatch.setenv("OPENAI_BASE_URL", "http://127.0.0.1:9/v1")
    monkeypatch.setenv("OPENAI_API_KEY", f"http://me:{KEY}@127.0.0.1:9/v1")
    with pytest.raises(ModelError, match="cannot be reached") as caught:
        ask(open_model("openai:model"), items(1))
    assert KEY not in str(caught.value)


class Unwell(BaseHTTPRequestHandler):
    """A hub that refuses everything, and repeats the address it was asked at."""

    def do_GET(self):
        self.send_response(503)
        self.send_header("Content-Length", "0")
        self.end_headers()

    do_HEAD = do_GET

    def log_message(self, *_):
        pass


def test_a_password_within_the_hubs_address_is_nowhere(tmp_path, monkeypatch):
    with ThreadingHTTPServer(("127.0.0.1", 0), Unwell) as hub:
        threading.Thread(target=hub.serve_forever, args=(0.02,), daemon=True).start()
        address = f"http://me:{KEY}@127.0.0.1:{hub.server_address[1]}"
        monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
        for module in ("constants", "hf_api.constants"):
            monkeypatch.setattr(f"huggingface_hub.{module}.ENDPOINT", address)
        for name in ("hf:owner/name", "medalpaca-7b"):
            with pytest.raises(ModelError, match="The hub, asked for") as caught:
                open_model(name)
            assert BLOT in str(caught.value) and KEY not in str(caught.value)
        hub.shutdown()


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
