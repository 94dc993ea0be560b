"""What a run will take: counted by hand, and against what it then takes."""

import subprocess
import sys

import pytest

from benchhealth_utils import DATASETS, load
from benchhealth_utils.answers import answer, make_requests
from benchhealth_utils.backends.budget import Price
from benchhealth_utils.plan import counter, main, plan
from benchhealth_utils.prompts import PROMPTS
from benchhealth_utils.schema import BenchHealthError, ModelError

NO_TOKENIZER = "anthropic:somebodys-model"


def test_estimated_tokens_dollars_and_hours_are_what_a_count_by_hand_gives(monkeypatch):
    items = load("gad")
    requests, _ = make_requests(items, shots=0, seed=0, mode="generate")
    (row,) = plan(NO_TOKENIZER, ["gad"], price=Price(10, 20), seconds=3).to_dict("records")
    letters = [len(request.messages[-1]["content"]) for request in requests]
    bytes_ = [len(request.messages[-1]["content"].encode()) for request in requests]
    replies = sum(len(PROMPTS["gad"].answer(item)) // 4 + 1 for item in items)
    assert row["Items"] == len(items) and row["Data"] == "samples"
    assert row["Prompt tokens"] == sum(n // 4 + 4 for n in letters)
    assert row["Reply tokens, expected"] == replies
    assert row["Reply tokens, at most"] == len(items) * PROMPTS["gad"].max_tokens
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
@pytest.mark.parametrize(("key", "shots"), [("gad", 0), ("gad", 2), ("pubmedqa", 0)])
def test_prompt_tokens_of_a_model_here_are_exactly_those_it_is_asked_with(
    tiny, key, shots, tmp_path
):
    """Also where documents are cut: 512 tokens are few for an abstract."""
    frame = plan(tiny, [key], limit=4, shots=shots)
    items = load(key, limit=4, seed=0)
    answers = answer(tiny, items, shots=shots, store=tmp_path, progress=False)
    counted = [reply.usage.get("prompt_tokens", 0) for reply in answers]
    assert frame["Prompt tokens"][0] == sum(counted) > 0
    assert frame.attrs["counted"] == "counted with the model's own tokenizer"
    if key == "pubmedqa":
        assert any(reply.usage.get("cut_tokens") for reply in answers)


def test_prices_come_from_the_environment_or_from_the_dated_list(monkeypatch):
    frame = plan("openai:gpt-4", ["gad"], limit=1)
    assert frame.attrs["priced"] == "the vendor's list of 2026-11"
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


def test_unknown_names_list_the_known_ones():
    with pytest.raises(BenchHealthError, match="no data set 'gab'. Known: medqa, "):
        plan(NO_TOKENIZER, ["gad", "gab"])
    with pytest.raises(ModelError, match="no model 'gtp-4'. Known: claude-2, "):
        plan("gtp-4", ["gad"])


def test_the_command_prints_a_line_a_data_set_a_sum_and_what_was_assumed(capsys):
    main(["--model", "openai:gpt-4-0613", "--datasets", "gad", "hoc", "--limit", "2"])
    printed = capsys.readouterr().out
    for part in (DATASETS["gad"].name, DATASETS["hoc"].name, "all", "list of 2026-11"):
        assert part in printed
    assert "retired gpt-4-0613 since 2026-10-23 and names gpt-5.6-sol" in printed
    total = [line for line in printed.splitlines() if line.lstrip().startswith("all")][0]
    assert total.split()[1] == "4"


def test_the_command_refuses_in_one_line():
    command = [sys.executable, "-m", "benchhealth_utils.plan", "--model", "x", "--datasets", "gad"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 1 and "Traceback" not in done.stderr
    assert done.stderr.startswith("There is no model 'x'.")
