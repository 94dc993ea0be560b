"""Planted keys, and a search for them through everything that was written."""

import tomllib

import pytest
from chapters import papermill
from click.testing import CliRunner
from conftest import cases
from fault_server import OTHER_KEY, FaultServer, ask, items, point_at
from papermill.cli import papermill as papermill_command

from benchhealth_utils import open_model
from benchhealth_utils.guard import BLOT, has_secret, scrubbed
from benchhealth_utils.models import check_name
from benchhealth_utils.schema import ROOT, BenchHealthError, ModelError

KEY = "planted-0123456789-abcdefgh"  # of no vendor's shape: known by its variable alone
CASES = cases("keys")


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


REASONING = str(ROOT / "notebooks" / "reasoning.ipynb")


@pytest.mark.parametrize("engine", [(), ("--engine", "nbclient"), ("--engine", "benchhealth")])
@pytest.mark.parametrize("name", ["model", "unheard_of", "sk-abcdefghijklmnop5678"])
def test_a_key_among_the_parameters_is_refused_before_anything_is_saved(name, engine, tmp_path):
    """Also as a parameter's name; and without papermill's own traceback."""
    out, key = tmp_path / "out.ipynb", "sk-abcdefghijklmnop1234"
    given = [REASONING, str(out), *engine, "-p", name, key]
    done = CliRunner().invoke(papermill_command, given)
    called = "(in its name)" if name.startswith("sk-") else name
    assert done.exit_code == 1 and type(done.exception) is SystemExit
    assert f"Error: The parameter {called} has something in it that looks like a" in done.output
    assert not out.exists() and "sk-abc" not in done.output


def test_keys_are_nowhere_in_what_a_chapter_writes(monkeypatch, tmp_path):
    """The server repeats the key in its errors, and names another one; the SDK logs all it does."""
    shares = {"400 with the key": 0.2, "500 with the key": 0.2}
    named = {"BENCHHEALTH_RUNS": tmp_path / "runs", "IPYTHONDIR": tmp_path / "ipython"}
    given = ("-p", "model", "openai:model", "-p", "limit", "6")
    with FaultServer(shares, seed=5) as server:
        point_at(monkeypatch, "openai", server)
        named |= {"OPENAI_API_KEY": KEY, "OPENAI_LOG": "debug"}
        done = papermill(REASONING, tmp_path / "out.ipynb", *given,
                         **{name: str(value) for name, value in named.items()})  # fmt: skip
        assert set(server.injected) == set(shares) and KEY in str(server.headers_seen)
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert {".jsonl", ".json", ".ipynb"} <= {path.suffix for path in files}
    written = b"".join(path.read_bytes() for path in files).decode("utf-8", "replace")
    text = done.stdout + done.stderr + written
    assert done.returncode == 0 and "Incorrect API key" in text, text[-3000:]
    assert KEY not in text and OTHER_KEY not in text and BLOT in text


def test_a_password_within_what_should_be_a_key_is_not_shown(monkeypatch):
    """An address as the key; one with a password as the address is refused."""
    monkeypatch.setenv("OPENAI_BASE_URL", "http://127.0.0.1:9/v1")
    monkeypatch.setenv("OPENAI_API_KEY", f"http://me:{KEY}@127.0.0.1:9/v1")
    with pytest.raises(ModelError, match="cannot be reached") as caught:
        ask(open_model("openai:model"), items(1))
    assert KEY not in str(caught.value)


def test_a_password_within_the_hubs_address_is_nowhere(tmp_path, monkeypatch):
    with FaultServer() as hub:  # refuses what it is asked for, and repeats the address
        address = hub.address.replace("//", f"//me:{KEY}@")
        monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
        for module in ("constants", "hf_api.constants"):
            monkeypatch.setattr(f"huggingface_hub.{module}.ENDPOINT", address)
        for name in ("hf:owner/name", "medalpaca-7b"):
            with pytest.raises(ModelError, match="The hub, asked for") as caught:
                open_model(name)
            assert BLOT in str(caught.value) and KEY not in str(caught.value)


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
