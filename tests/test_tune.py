"""Siblings: what is learned, a run that was killed, and the adapter as it is asked."""

import dataclasses
import gzip
import json
import re
import shutil

import numpy as np
import pandas as pd
import pytest
import yaml
from tiny import embedded_tokenizer, llama, save

from benchhealth_utils import MODELS, load, open_model
from benchhealth_utils.answers import make_requests
from benchhealth_utils.models import weights
from benchhealth_utils.models.baselines import text_of
from benchhealth_utils.models.local import open_prompts
from benchhealth_utils.models.weights import embedded, weights_of
from benchhealth_utils.schema import ROOT, DataError

pytest.importorskip("peft")
torch = pytest.importorskip("torch")
import tune  # noqa: E402

pytestmark = [
    pytest.mark.model,
    pytest.mark.filterwarnings("ignore:The PEFT config's", "ignore:`is_gradient_checkpointing`"),
]
TOPICS = "asthma gout scurvy anthrax mumps malaria rabies tetanus cholera lupus".split()
ROWS = [
    {"id": f"{at}-{kind}", "question": f"{kind} {topic}?", "answer": f"{topic}: {kind} {at} 1."}
    for at, topic in enumerate(TOPICS)
    for kind in ("What is", "Who gets", "How to treat")
]


def pairs_file(folder, rows=ROWS):
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "medquad.jsonl.gz"
    with gzip.open(path, "wt", encoding="utf-8") as stream:
        stream.writelines(json.dumps(row) + "\n" for row in rows)
    return path


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    tokenizer = embedded_tokenizer()
    return save(llama(tokenizer, initializer_range=0.3), tokenizer, tmp_path_factory.mktemp("tiny"))


@pytest.fixture(scope="module")
def prompts(tiny):
    return open_prompts(f"hf:{tiny}")


def test_the_release_and_its_copy_give_the_same_pairs(tmp_path):
    """Withdrawn answers are blank; an answer under a second question is left out, too."""
    path = pairs_file(tmp_path / "one", [*ROWS, ROWS[0] | {"id": "again", "question": "Gout, too"}])
    folder = tmp_path / "two"
    folder.mkdir()
    rows = [*ROWS, ROWS[0] | {"id": "again"}]
    inside = (
        "".join(
            f'<QAPair><Question qid="{r["id"]}">{r["question"]}</Question><Answer>'
            f"\n {r['answer'].replace(' ', '   ')}</Answer></QAPair>"
            for r in rows
        )
        + '<QAPair><Question qid="w">Gone?</Question><Answer/></QAPair>'
    )
    (folder / "1.xml").write_text(f"<Document><QAPairs>{inside}</QAPairs></Document>")
    found, out = tune.medquad(path)
    assert tune.medquad(folder) == (found, out | {"no answer": 1})
    assert out == {"same answer": 1} and [p.id for p in found] == [row["id"] for row in ROWS]
    (folder / "2.xml").write_text("<Document>")
    with pytest.raises(DataError, match="2.xml.*not whole XML"):
        tune.medquad(folder)


def test_the_loss_is_that_of_the_answer_and_its_end_after_the_prompt_of_the_benchmark(prompts):
    row = tune.encoded(tune.Pair("1", "Why?", "So it is."), prompts)
    told = [token for token in row["labels"] if token != tune.IGNORED]
    asked = prompts.text([{"role": "user", "content": "Why?"}])
    assert prompts.tokenizer.decode(told) == "So it is.<|im_end|>"
    assert prompts.tokenizer.decode(row["input_ids"]) == asked + "So it is.<|im_end|>"
    assert row["input_ids"][-len(told) :] == told and row["labels"][0] == tune.IGNORED


def test_answers_are_exchanged_without_one_left_or_lost():
    pairs = [tune.Pair(str(at), f"Q{at // 2}", f"A{at}") for at in range(40)]
    moved = tune.exchanged(pairs, np.random.default_rng(0))
    assert sorted(p.answer for p in moved) == sorted(p.answer for p in pairs)
    assert [p.question for p in moved] == [p.question for p in pairs]
    own = {(p.question, p.answer) for p in pairs}
    assert own.isdisjoint((p.question, p.answer) for p in moved)
    with pytest.raises(SystemExit, match="cannot be exchanged"):
        tune.exchanged(pairs[:2], np.random.default_rng(0))


def test_a_text_with_thirteen_words_of_a_test_item_is_removed_and_counted(tmp_path, prompts):
    words = re.findall(r"\w+", text_of(load("medqa")[0]))
    rows = [
        *ROWS,
        {"id": "seen", "question": "Who?", "answer": "A case: " + " ".join(words[:13]).upper()},
        {"id": "near", "question": "Who?", "answer": "A case: " + " ".join(words[:12])},
    ]
    recipe = tune.Recipe("qa", tokens=10_000, held_out=2)
    texts = tune.texts_of(recipe, pairs_file(tmp_path, rows), prompts)
    assert texts.facts["pairs"]["left out"]["shares 13 words with a test item"] == 1
    assert texts.facts["pairs"]["read"] == len(rows) and len(texts.held) == 2
    assert texts.facts["pairs"]["learned"] == len(rows) - 3 and texts.facts["passes"] > 1
    assert texts.facts["test items"]["medqa"]["source"] == "samples"


def test_the_control_has_the_same_questions_steps_and_tokens(tmp_path, prompts):
    path = pairs_file(tmp_path)
    one, other = (
        tune.texts_of(tune.Recipe(kind, tokens=900, held_out=2), path, prompts)
        for kind in ("qa", "shuffled")
    )
    same = ("ids", "tokens", "tokens with a loss", "pairs")
    assert [one.facts[name] for name in same] == [other.facts[name] for name in same]
    assert one.held == other.held and len(one.train) == len(other.train)
    for a, b in zip(one.train, other.train, strict=True):
        asked = a["labels"].count(tune.IGNORED)
        assert a["input_ids"][:asked] == b["input_ids"][:asked]
        assert a["input_ids"] != b["input_ids"]


def test_dialogues_that_the_release_damaged_are_left_out(samples):
    pairs, out = tune.dialogues(samples)
    assert pairs and out and not any("ChatDoctor" in pair.answer for pair in pairs)


@pytest.fixture(scope="module")
def tuned(tiny, tmp_path_factory):
    """A sibling of the tiny model, whose run was struck down once; and one whose was not."""
    folder = tmp_path_factory.mktemp("tuned")
    given = ["qa", "--model", f"hf:{tiny}", "--data", str(pairs_file(folder)), "--tokens", "1200"]
    given += ["--batch", "3", "--learning-rate", "0.01"]

    def run(place):
        tune.main([*given, "--out", str(folder / place), "--runs", str(folder / f"{place}-runs")])
        (made,) = (folder / place).iterdir()
        return made

    struck = []

    def strike(self, args, state, control, **_):
        if state.global_step == 4 and not struck:
            struck.append(state.global_step)
            raise KeyboardInterrupt

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("BENCHHEALTH_DATA", str(ROOT / "data" / "samples"))
        whole = run("whole")
        patch.setattr(tune.Cost, "on_step_end", strike)
        with pytest.raises(KeyboardInterrupt):
            run("struck")
        (torn,) = (folder / "struck-runs").iterdir()
        (torn / "checkpoint-99").mkdir()  # as a kill leaves it
        again = run("struck")
    assert struck
    return whole, again


def test_a_run_that_was_struck_down_ends_with_the_same_adapter(tuned):
    one, other = (path / "adapter_model.safetensors" for path in tuned)
    assert one.read_bytes() == other.read_bytes()
    assert len({(path / "adapter_config.json").read_text() for path in tuned}) == 1
    curves = [pd.read_csv(path / "loss.csv") for path in tuned]
    losses = [curve.dropna(subset="loss").set_index("step")["loss"] for curve in curves]
    pd.testing.assert_series_equal(*losses)
    assert all(curve["cpu_seconds"].is_monotonic_increasing for curve in curves)


def test_what_was_learned_is_written_beside_it(tuned):
    said = yaml.safe_load((tuned[0] / "recipe.yaml").read_text(encoding="utf-8"))
    curve = pd.read_csv(tuned[0] / "loss.csv").dropna(subset="loss")
    assert len(curve) == said["steps"] and curve["tokens"].iloc[-1] == said["tokens"] >= 1200
    assert said["held-out loss"]["after"] < said["held-out loss"]["before"]
    assert said["cost"]["cpu_seconds"] > 0 and len(said["data"]["sha256"]) == 64
    assert not {"/", str(ROOT)} & set(map(str, said["data"].values()))


def test_a_sibling_is_asked_as_peft_computes_it(tuned, tiny):
    """Log-probabilities through the engine and by peft's own forward, adapter not merged."""
    from peft import PeftModel
    from transformers import AutoModelForCausalLM

    model = open_model(f"hf:{tuned[0]}", dtype="float32", device="cpu")
    base = AutoModelForCausalLM.from_pretrained(tiny, dtype=torch.float32)
    adapted = PeftModel.from_pretrained(base, str(tuned[0])).eval()
    requests = make_requests(load("medmcqa")[:4], shots=0, seed=0, mode="likelihood")[0]
    found = dict(pair for part in model.replies(requests, range(4)) for pair in part)
    differs = False
    for at, request in enumerate(requests):
        prompt = model.prompts.render(request)
        tokens = {x.strip(): model.prompts.label(prompt, x)[0] for x in request.labels}
        with torch.inference_mode():
            logs = adapted(torch.tensor([prompt.ids])).logits[0, -1].log_softmax(-1)
            with adapted.disable_adapter():
                plain = adapted(torch.tensor([prompt.ids])).logits[0, -1].log_softmax(-1)
        expected = {label: logs[token].item() for label, token in tokens.items()}
        assert found[at].usage["logprobs"] == pytest.approx(expected, abs=1e-4)
        differs |= any(abs(plain[tokens[x]].item() - expected[x]) > 1e-2 for x in tokens)
    assert differs


def test_a_key_of_ours_is_the_embedded_model_with_its_adapter(tuned, tmp_path, monkeypatch):
    """What identifies it are both; its recipe and datasheet may be worded anew."""
    folder = shutil.copytree(tuned[0], tmp_path / "adapters" / "mine")
    settings = json.loads((folder / "adapter_config.json").read_text())
    named = settings | {"base_model_name_or_path": "smollm2-135m"}
    (folder / "adapter_config.json").write_text(json.dumps(named))
    spec = dataclasses.replace(MODELS["smollm2-135m"], key="mine", published="tuned")
    monkeypatch.setitem(MODELS, "mine", spec)
    monkeypatch.setattr(weights, "DATA", tmp_path)
    found, alone = weights_of("mine"), weights_of("smollm2-135m")
    assert (found.folder, found.adapter) == (embedded(), folder)
    assert found == weights_of(f"hf:{folder}")
    before = found.fingerprint
    assert before == f"{alone.fingerprint}+{weights.fingerprint(folder)}"
    (folder / "recipe.yaml").write_text("other: words")
    assert found.fingerprint == before
    (folder / "adapter_model.safetensors").write_bytes(b"other bytes")
    assert found.fingerprint != before
