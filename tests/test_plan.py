"""What a run will take: counted by hand, and against what it then takes."""

import shutil
import subprocess
import sys
from types import SimpleNamespace

import pytest
from fault_server import FaultServer, opened, point_at

from benchhealth_utils import DATASETS, load, open_model
from benchhealth_utils.answers import answer, make_requests
from benchhealth_utils.backends import opening
from benchhealth_utils.backends.budget import Price
from benchhealth_utils.backends.prices import known_price
from benchhealth_utils.backends.weights import TENSORS
from benchhealth_utils.datasets import subset
from benchhealth_utils.evaluation import evaluate_all, evaluate_reworded
from benchhealth_utils.plan import announce, main, plan
from benchhealth_utils.schema import BenchHealthError, ModelError
from benchhealth_utils.tasks import TASKS
from benchhealth_utils.tokens import counter

NO_TOKENIZER = "anthropic:somebodys-model"


def one_for_each_prompt(key):
    """The items of a data set without those that ask what another has asked, and their count."""
    items = load(key)
    requests, _ = make_requests(items, shots=0, seed=0, mode="generate")
    unique = {r.messages[-1]["content"]: item for item, r in zip(items, requests, strict=True)}
    return list(unique.values()), len(items) - len(unique)


def test_estimated_tokens_dollars_and_hours_are_what_a_count_by_hand_gives(monkeypatch):
    items, again = one_for_each_prompt("gad")
    requests, _ = make_requests(items, shots=0, seed=0, mode="generate")
    (row,) = plan(NO_TOKENIZER, ["gad"], price=Price(10, 20), seconds=3).to_dict("records")
    letters = [len(request.messages[-1]["content"]) for request in requests]
    bytes_ = [len(request.messages[-1]["content"].encode()) for request in requests]
    replies = sum(len(TASKS["gad"].answer(item.gold, item)) // 4 + 1 for item in items)
    assert row["Items"] == len(items) + again and row["Data"] == "samples"
    assert row["Requests"] == len(items) and again > 0
    assert row["Prompt tokens"] == sum(n // 4 + 4 for n in letters)
    assert row["Reply tokens, expected"] == replies
    assert row["Reply tokens, at most"] == len(items) * TASKS["gad"].max_tokens
    spent = (row["Prompt tokens"] * 10 + replies * 20) / 1e6
    most = (sum(n + 16 for n in bytes_) * 10 + row["Reply tokens, at most"] * 20) / 1e6
    assert row["Dollars, expected"] == pytest.approx(spent)
    assert row["Dollars, at most"] == pytest.approx(most)
    assert row["Hours"] == pytest.approx(len(items) * 3 / 3600)


def test_shots_and_limit_are_those_of_the_run():
    zero, three = (plan(NO_TOKENIZER, ["gad"], limit=5, shots=n) for n in (0, 3))
    assert list(zero["Items"]) == list(three["Items"]) == [5]
    assert three["Prompt tokens"][0] > zero["Prompt tokens"][0]


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    """A small random LLaMA with a short window, on disk."""
    torch = pytest.importorskip("torch")
    import transformers

    from benchhealth_utils.backends.embedded import weights

    try:
        tokenizer = transformers.AutoTokenizer.from_pretrained(weights())
    except ModelError as error:
        pytest.skip(str(error))
    torch.manual_seed(0)
    config = transformers.LlamaConfig(
        vocab_size=len(tokenizer), hidden_size=16, intermediate_size=16, num_hidden_layers=1,
        num_attention_heads=2, num_key_value_heads=1, max_position_embeddings=512,
        eos_token_id=tokenizer.eos_token_id,
    )  # fmt: skip
    folder = tmp_path_factory.mktemp("tiny")
    transformers.LlamaForCausalLM(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return f"hf:{folder}"


@pytest.mark.model
@pytest.mark.parametrize(
    ("key", "shots", "mode", "form"),
    [
        ("gad", 0, "generate", ""),
        ("gad", 2, "generate", ""),
        ("pubmedqa", 0, "generate", ""),
        ("pubmedqa", 0, "likelihood", ""),
        ("gad", 0, "likelihood", "#medalpaca"),
    ],
)
def test_prompt_tokens_of_a_model_here_are_exactly_those_it_is_asked_with(
    tiny, key, shots, mode, form, tmp_path
):
    """Also where documents are cut: 512 tokens are few for an abstract."""
    frame = plan(tiny + form, [key], limit=4, shots=shots, mode=mode)
    items = load(key, limit=4, seed=0)
    answers = answer(tiny + form, items, shots=shots, mode=mode, store=tmp_path, progress=False)
    counted = [reply.usage.get("prompt_tokens", 0) for reply in answers]
    assert frame["Prompt tokens"][0] == sum(counted) > 0
    assert frame["Requests"][0] == 4
    assert frame.attrs["counted"] == "counted with the model's own tokenizer"
    if (key, mode) == ("pubmedqa", "generate"):
        assert any(reply.usage.get("cut_tokens") for reply in answers)
    if mode == "likelihood":
        written = sum(reply.usage["completion_tokens"] for reply in answers)
        assert frame["Reply tokens, at most"][0] == written == 0


def prompt_of(body):
    return body["prompt"] if "prompt" in body else body["messages"][-1]["content"]


@pytest.mark.parametrize("mode", ["generate", "likelihood"])
@pytest.mark.parametrize("name", ["openai:served", "openai:served#baize", "anthropic:served"])
def test_the_plan_is_of_the_requests_that_are_sent(name, mode, monkeypatch, tmp_path, capsys):
    """In likelihood mode a chat is still asked for a text; a raw completion for each label."""
    keys, form = ["pubmedqa", "gad", "chatdoctor"], name.partition(":")[0]
    monkeypatch.setenv("BENCHHEALTH_PRICE", "10/20")
    with FaultServer() as server:
        model = opened(monkeypatch, form, server, name=name.partition(":")[2], timeout=30)
        runs = evaluate_all(model, keys, mode=mode, limit=5, store=tmp_path, progress=False)
    frame = plan(name, keys, mode=mode, limit=5)
    assert len(server.bodies) == frame["Requests"].sum()
    assert all("prompt" in body for body in server.bodies) == ("#" in name)
    answered = {run.signature["mode"] for run in runs}
    assert answered == ({"generate", mode} if "#" in name else {"generate"})
    likely = frame["Prompt tokens"].sum()
    sent = sum(len(prompt_of(body)) for body in server.bodies) / 4  # letters a token
    assert likely == pytest.approx(sent, rel=0.06)
    aside = 0.0
    for run in runs:
        requests, _ = make_requests(list(run.examples), shots=0, seed=0, mode=run.signature["mode"])
        aside += sum(model.budget.most(*model.protocol.most(request)) for request in requests)
    assert frame["Dollars, at most"].sum() == pytest.approx(aside)
    said = capsys.readouterr().out
    assert f"{frame['Requests'].sum():,}" in said and "127.0.0.1" not in said
    assert "of this machine, if" in said and "Price: from BENCHHEALTH_PRICE." in said


def test_what_is_announced_says_where_its_price_is_from(monkeypatch, capsys):
    with FaultServer() as server:
        for name, where in [
            ("gpt-4", "the vendor's list of 2026-04"),
            ("mine", "none, since the server is on this machine"),
        ]:
            announce(opened(monkeypatch, "openai", server, name=name, budget=1.0), ["gad"], limit=1)
            assert f"Price: {where}." in capsys.readouterr().out


def test_an_endpoint_elsewhere_is_announced_as_results_name_it(monkeypatch, capsys):
    """Its host may be a name inside a house; pages show what is printed."""
    monkeypatch.setenv("OPENAI_BASE_URL", "https://ward7.example.org/v1")
    monkeypatch.setenv("OPENAI_API_KEY", "x")
    model = open_model("openai:mine")
    announce(model, ["gad"], limit=1)
    said = capsys.readouterr().out
    assert "ward7" not in said and model.signature["endpoint"] in said


def test_rewordings_are_planned_as_they_are_asked(monkeypatch, tmp_path, capsys):
    monkeypatch.setenv("BENCHHEALTH_PRICE", "10/20")
    with FaultServer() as server:
        model = opened(monkeypatch, "openai", server, timeout=30)
        options = {"limit": 4, "store": tmp_path, "progress": False}
        evaluate_reworded(model, ["pubmedqa"], ["template"], **options)
    (row,) = plan("openai:m", ["pubmedqa"], limit=4, rewording="template").to_dict("records")
    assert row["Prompt tokens"] == sum(len(prompt_of(body)) // 4 + 4 for body in server.bodies)
    assert f" {row['Prompt tokens']:,} " in capsys.readouterr().out
    (plain,) = plan("openai:m", ["pubmedqa"], limit=4).to_dict("records")
    assert plain["Dollars, at most"] != row["Dollars, at most"]


def test_exemplars_are_planned_in_the_order_of_the_run(monkeypatch, tmp_path):
    with FaultServer() as server:
        model = opened(monkeypatch, "openai", server, timeout=30)
        options = {"shots": 2, "exemplar_seed": 7, "limit": 3}
        evaluate_all(model, ["gad"], store=tmp_path, progress=False, **options)
    sent = sum(len(m["content"]) // 4 + 4 for body in server.bodies for m in body["messages"])
    assert plan("openai:m", ["gad"], **options)["Prompt tokens"][0] == sent
    assert plan("openai:m", ["gad"], shots=2, limit=3)["Prompt tokens"][0] != sent


def test_prices_come_from_the_environment_or_from_the_dated_list(monkeypatch):
    frame = plan("openai:gpt-4", ["gad"], limit=1)
    assert frame.attrs["priced"] == "the vendor's list of 2026-04"
    row = frame.iloc[0]
    assert row["Dollars, expected"] == pytest.approx(
        (row["Prompt tokens"] * 30 + row["Reply tokens, expected"] * 60) / 1e6
    )
    assert plan("gpt-4", ["gad"], limit=1)["Dollars, at most"][0] == row["Dollars, at most"]
    unknown = plan("openai:newer", ["gad"], limit=1)
    assert unknown["Dollars, at most"].isna().all()
    assert "BENCHHEALTH_PRICE=PROMPT/COMPLETION" in unknown.attrs["priced"]
    monkeypatch.setenv("BENCHHEALTH_PRICE", "1/2")
    assert plan("openai:newer", ["gad"], limit=1)["Dollars, at most"].notna().all()


def test_a_local_paper_model_without_its_weights_is_estimated(monkeypatch, tmp_path):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    assert counter("medalpaca-7b").how.startswith("estimated")
    assert counter("majority").how.startswith("estimated")


@pytest.fixture
def hub(tmp_path, monkeypatch):
    """A hub that has tokenizer, settings and weights of a model; notes what is fetched."""
    fetched = []
    files = ["config.json", "tokenizer.json", "tokenizer_config.json", "model.safetensors"]

    def download(_, revision=None, local_files_only=False, allow_patterns=None):
        from huggingface_hub.errors import LocalEntryNotFoundError

        if local_files_only:
            raise LocalEntryNotFoundError("not here")
        fetched.extend(allow_patterns)
        return str(tmp_path / "fetched")

    listed = SimpleNamespace(siblings=[SimpleNamespace(rfilename=name) for name in files])
    monkeypatch.delenv("BENCHHEALTH_WEIGHTS", raising=False)
    monkeypatch.setattr("huggingface_hub.HfApi.model_info", lambda *_, **__: listed)
    monkeypatch.setattr("huggingface_hub.snapshot_download", download)
    return SimpleNamespace(fetched=fetched, files=listed.siblings, folder=tmp_path / "fetched")


@pytest.mark.parametrize("name", ["medalpaca-7b", "alpaca-7b", "huatuo", "hf:owner/name"])
def test_planning_fetches_no_weights_and_recovers_none(name, hub, tiny, monkeypatch):
    shutil.copytree(tiny.removeprefix("hf:"), hub.folder)
    (hub.folder / "model.safetensors").unlink()
    for heavy in ("recovered", "is_whole"):
        monkeypatch.setattr(opening, heavy, None)  # would fail
    assert counter(name).how == "counted with the model's own tokenizer"
    assert "*.json" in hub.fetched and not set(hub.fetched) & {*TENSORS, "*.gguf"}


def test_a_repository_without_a_tokenizer_is_estimated(hub):
    hub.files[:] = [SimpleNamespace(rfilename="model.gguf")]
    assert counter("hf:owner/name").how.startswith("estimated")
    assert not hub.fetched


def test_a_folder_that_has_no_model_is_refused_in_one_line(tmp_path):
    for name, message in [
        (f"hf:{tmp_path}", "no usable causal language model in"),
        (f"hf:{tmp_path}/nowhere", "neither a folder nor a hub id"),
    ]:
        with pytest.raises(ModelError, match=message):
            plan(name, ["gad"])
        with pytest.raises(SystemExit, match=message):
            main(["--model", name, "--datasets", "gad"])


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"limit": -1}, "limit is -1; expected a count, or 0 for all"),
        ({"limit": 2.5}, "limit is 2.5; expected a count"),
        ({"seconds": -5.0}, "seconds is -5.0; expected 0 or more"),
        ({"seconds": float("nan")}, "seconds is nan; expected 0 or more"),
        ({"shots": -1}, "shots is -1; expected 0 or more"),
        ({"mode": "guess"}, "no mode 'guess'. Known: generate, likelihood"),
    ],
)
def test_numbers_that_are_none_are_refused(wrong, message):
    with pytest.raises(BenchHealthError, match=message):
        plan(NO_TOKENIZER, ["gad"], **wrong)


def test_with_tiktoken_the_tokens_of_a_model_it_knows_are_counted(monkeypatch):
    """The package is not among this project's; a stand-in that counts words."""

    def encoding_for_model(name):
        if name != "gpt-4":
            raise KeyError(name)
        return SimpleNamespace(encode=str.split)

    fake = SimpleNamespace(encoding_for_model=encoding_for_model)
    monkeypatch.setitem(sys.modules, "tiktoken", fake)
    frame = plan("openai:gpt-4", ["gad"], limit=3)
    assert frame.attrs["counted"] == "counted with tiktoken"
    requests, _ = make_requests(subset(load("gad"), 3, 0), shots=0, seed=0, mode="generate")
    words = sum(len(request.messages[-1]["content"].split()) + 4 for request in requests)
    assert frame["Prompt tokens"][0] == words
    bound = sum(len(request.messages[-1]["content"].encode()) + 16 for request in requests)
    most = (bound * 30 + frame["Reply tokens, at most"][0] * 60) / 1e6
    assert frame["Dollars, at most"][0] == pytest.approx(most)
    assert counter("openai:newer").how.startswith("estimated")
    monkeypatch.setitem(sys.modules, "tiktoken", None)
    assert counter("openai:gpt-4").how.startswith("estimated")


@pytest.mark.parametrize(
    ("name", "prompt", "completion", "where"),
    [
        ("openai:gpt-3.5-turbo", 0.5, 1.5, "2026-04"),
        ("openai:gpt-3.5-turbo-0125", 0.5, 1.5, "2026-04"),
        ("openai:gpt-3.5-turbo-0613", 1.5, 2, "2024-06"),
        ("gpt-4", 30, 60, "2026-04"),
        ("anthropic:claude-2.1", 8, 24, "2023-11"),
    ],
)
def test_a_dated_model_has_the_price_of_its_date(name, prompt, completion, where):
    assert known_price(name) == (Price(prompt, completion), f"the vendor's list of {where}")


def test_prices_are_stated_for_all_models_or_for_each(monkeypatch):
    monkeypatch.setenv("BENCHHEALTH_PRICE", "openai:a=1/2, openai:b=30/60")
    assert known_price("openai:a")[0] == known_price("openai:a#baize")[0] == Price(1, 2)
    assert known_price("openai:b")[0] == Price(30, 60)
    assert known_price("openai:c")[0] is known_price("anthropic:a")[0] is None
    assert known_price("openai:gpt-4") == (Price(30, 60), "the vendor's list of 2026-04")
    monkeypatch.setenv("BENCHHEALTH_PRICE", "3/4,openai:b=30/60")
    assert known_price("openai:c") == (Price(3, 4), "from BENCHHEALTH_PRICE")
    assert known_price("openai:b")[0] == Price(30, 60)
    here = (None, "none, since the model runs on this machine")
    assert known_price("smollm2-135m") == known_price("hf:owner/name") == here


@pytest.mark.parametrize(
    "wrong", ["openai:a=1", "a=1/2", "1/2,3/4", "openai:a=1/2,openai:a=1/2", "openai:a=-1/2", ","]
)
def test_prices_that_are_none_are_refused_with_both_forms(wrong, monkeypatch):
    monkeypatch.setenv("BENCHHEALTH_PRICE", wrong)
    with pytest.raises(ModelError, match="such as 0.50/1.50, or by model, such as openai:a="):
        known_price("openai:a")


def test_two_models_of_a_chapter_have_each_their_price(monkeypatch):
    monkeypatch.setenv("BENCHHEALTH_PRICE", "openai:a=1/2,openai:b=30/60")
    with FaultServer() as server:
        point_at(monkeypatch, "openai", server)
        one = open_model("openai:a", budget=1.0)
        other = open_model("openai:b", budget=1.0, beside=one)
    assert (one.budget.price, other.budget.price) == (Price(1, 2), Price(30, 60))


def test_unknown_names_list_the_known_ones():
    with pytest.raises(BenchHealthError, match="no data set 'gab'. Known: medqa, "):
        plan(NO_TOKENIZER, ["gad", "gab"])
    with pytest.raises(ModelError, match="no model 'gtp-4'. Known: claude-2, "):
        plan("gtp-4", ["gad"])


def test_the_command_prints_a_line_a_data_set_a_sum_and_what_was_assumed(capsys):
    main(["--model", "openai:gpt-4-0613", "--datasets", "gad", "hoc", "--limit", "2"])
    printed = capsys.readouterr().out
    for part in (DATASETS["gad"].name, DATASETS["hoc"].name, "all", "list of 2026-04"):
        assert part in printed
    assert "retired gpt-4-0613 since 2026-10-23 and names gpt-5.6-sol" in printed
    total = [line for line in printed.splitlines() if line.lstrip().startswith("all")][0]
    assert total.split()[1] == "4"


def test_the_command_refuses_in_one_line():
    command = [sys.executable, "-m", "benchhealth_utils.plan", "--model", "x", "--datasets", "gad"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 1 and "Traceback" not in done.stderr
    assert done.stderr.startswith("There is no model 'x'.")
