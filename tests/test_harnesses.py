"""Logs of other harnesses: an item is found by its text, and the row stands apart."""

import json
import re

import pandas as pd
import pytest

from benchhealth_utils import cli, evaluate, frame, load
from benchhealth_utils.answers import store_path
from benchhealth_utils.harnesses import bring_logs
from benchhealth_utils.schema import BenchHealthError

pytestmark = pytest.mark.usefixtures("runs")

STAMP = "2026-11-28T22-46-32.123456"
LETTERS = "ABCD"


def reply(at):
    """The answer to the item at this place: right for the even ones."""
    gold = LETTERS.index(load("medqa")[at].gold)
    return LETTERS[gold if at % 2 == 0 else (gold + 1) % 4]


def document(item):
    """An item as a data hub has it: other fields, other white space, no id of ours."""
    options = dict(item.inputs["options"])
    question = "  ".join(item.inputs["question"].split(" "))
    return {"sent1": question, **{f"ending{i}": options[x] for i, x in enumerate(LETTERS)}}


def prompt(item):
    options = " ".join(f"({x}) {text}" for x, text in item.inputs["options"].items())
    return f"Q: {item.inputs['question']} {options}\nA:"


def lines(path, rows):
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def lm_eval_choices(folder, items):
    rows = []
    for at, item in enumerate(items):
        scores = [[[str(-1.0 if x == reply(at) else -3.0), "False"]] for x in LETTERS]
        asked = {f"gen_args_{i}": {"arg_0": "p", "arg_1": f" {x}"} for i, x in enumerate(LETTERS)}
        rows.append({"doc_id": at, "doc": document(item), "arguments": asked, "resps": scores,
                     "filter": "none", "acc": 1.0})  # fmt: skip
    return lines(folder / f"samples_medqa_{STAMP}.jsonl", rows)


def lm_eval_texts(folder, items):
    """Two filters: every document stands twice."""
    rows = [
        {"doc_id": at, "doc": document(item), "arguments": {"gen_args_0": {"arg_0": "p"}},
         "resps": [[f"Answer: {reply(at)}"]], "filtered_resps": ["[invalid]"], "filter": name}
        for name in ("strict-match", "flexible-extract")
        for at, item in reversed(list(enumerate(items)))
    ]  # fmt: skip
    return lines(folder / f"samples_medqa_gen_{STAMP}.jsonl", rows)


def helm(folder, items):
    states = [
        {"instance": {"id": f"id{at}", "input": {"text": item.inputs["question"]},
                      "references": [{"output": {"text": x}, "tags": []}
                                     for x in item.inputs["options"].values()]},
         "train_trial_index": 0, "request": {"prompt": "p"},
         "result": {"success": True, "completions": [
             {"text": f" {reply(at)}", "finish_reason": {"reason": "stop"}}]}}
        for at, item in enumerate(items)
    ]  # fmt: skip
    about = {"model": "owner/tiny", "max_train_instances": 0}
    path = folder / "scenario_state.json"
    path.write_text(json.dumps({"adapter_spec": about, "request_states": states}))
    return path


def lighteval(folder, items):
    pytest.importorskip("pyarrow")
    rows = [
        {"doc": {"query": prompt(item), "choices": [" A", " B"], "gold_index": 0, "id": str(at)},
         "model_response": {"text": [f"Answer: {reply(at)}"], "logprobs": []}, "metric": {"em": 1}}
        for at, item in enumerate(items)
    ]  # fmt: skip
    path = folder / f"details_medqa_{STAMP}.parquet"
    pd.DataFrame(rows).to_parquet(path)
    return path


def inspect(folder, items):
    log = pytest.importorskip("inspect_ai.log")
    model = pytest.importorskip("inspect_ai.model")
    reasons = ("stop", "unknown")  # what inspect says of a model of transformers
    samples = [
        log.EvalSample(id=at, epoch=1, input=prompt(item), target="A",
                       output=model.ModelOutput.from_content(
                           "tiny", f"Answer: {reply(at)}", reasons[at % 2]))
        for at, item in enumerate(items)
    ]  # fmt: skip
    about = log.EvalSpec(created="2026-11-28T00:00:00+00:00", task="t", model="tiny",
                         dataset=log.EvalDataset(), config=log.EvalConfig())  # fmt: skip
    log.write_eval_log(log.EvalLog(eval=about, samples=samples), str(folder / "a.eval"))
    return folder / "a.eval"


def plain(folder, items):
    rows = [{"id": item.id, "text": f"Answer: {reply(at)}"} for at, item in enumerate(items)]
    pd.DataFrame(rows).to_csv(folder / "a.csv", index=False)
    return folder / "a.csv"


LOGS = [("lm-eval", lm_eval_choices), ("lm-eval", lm_eval_texts), ("helm", helm),
        ("lighteval", lighteval), ("inspect", inspect), ("plain", plain)]  # fmt: skip


@pytest.mark.parametrize("harness, log", LOGS, ids=[log.__name__ for _, log in LOGS])
def test_a_log_is_scored_item_by_item_and_marked(harness, log, tmp_path):
    items = load("medqa")
    found = bring_logs("tiny", [log(tmp_path, items)], harness, "medqa")
    assert found[["prompts", "ok", "missing"]].values.tolist() == [[24, 24, 0]]
    (run,) = evaluate(f"imported:tiny#{harness}", "medqa", progress=False)
    assert [answer.text[-1] for answer in run.answers] == [reply(at) for at in range(24)]
    assert run.scores.value == 0.5
    assert run.signature["model"]["prompts"] == f"those of {harness}"
    (row,) = frame(run).to_dict("records")
    assert row["source"] == "samples, imported" and not row["comparable"]


def test_answers_to_other_prompts_are_never_those_to_ours(tmp_path):
    bring_logs("tiny", [plain(tmp_path, load("medqa"))], "plain", "medqa")
    with pytest.raises(BenchHealthError, match="no answer to 24 of 24"):
        evaluate("imported:tiny", "medqa", progress=False)
    with pytest.raises(BenchHealthError, match="no answer to 24 of 24"):
        evaluate("imported:tiny#lm-eval", "medqa", progress=False)


OTHER = {"doc_id": 99, "doc": {"sent1": "Is this of another set?"}}
TWICE = {"doc_id": 99, "resps": [["Answer: none"]]}


@pytest.mark.parametrize(
    "change, said",
    [
        (lambda rows: rows[:-1], "1 of 24 items have no answer"),
        (lambda rows: [*rows, rows[0] | OTHER], "99 is no item of medqa"),
        (lambda rows: [*rows, rows[0] | TWICE], "a second, different answer to item"),
        (lambda rows: [*rows, {"doc_id": 99}], "cannot be read as a log of lm-eval (KeyError"),
    ],
)
def test_what_does_not_fit_is_refused_and_nothing_stored(change, said, tmp_path):
    path = lm_eval_texts(tmp_path, load("medqa"))
    rows = [json.loads(line) for line in path.read_text().splitlines()][:24]
    with pytest.raises(BenchHealthError, match=re.escape(said)):
        bring_logs("tiny", [lines(path, change(rows))], "lm-eval", "medqa")
    assert not store_path("imported:tiny#lm-eval", "medqa").exists()


def test_other_shots_than_stated_are_refused_where_the_files_tell(tmp_path):
    path = lm_eval_texts(tmp_path, load("medqa"))
    beside = tmp_path / f"results_{STAMP}.json"
    beside.write_text(json.dumps({"n-shot": {"medqa_gen": 5}}))
    with pytest.raises(BenchHealthError, match="5 exemplars were shown, not 0"):
        bring_logs("tiny", [path], "lm-eval", "medqa")
    assert bring_logs("tiny", [path], "lm-eval", "medqa", shots=5)["ok"].item() == 24


def test_the_verb_takes_logs_and_refuses_what_it_would_not_heed(tmp_path, capsys):
    path = str(plain(tmp_path, load("medqa")))
    assert cli.main(["import", "tiny", path, "--log-of", "plain", "--dataset", "medqa"]) == 0
    said = capsys.readouterr().out
    assert "24" in said and "export" not in said
    words = "'imported:tiny#plain' --chapters reasoning --datasets medqa"
    assert said.endswith(f"next: benchhealth run {words}\n")
    more = ["--log-of", "plain", "--dataset", "medqa", "--shots", "2"]
    assert cli.main(["import", "tiny", path, *more]) == 0
    how = "'imported:tiny#plain', 'medqa', limit=0, seed=0, shots=2"
    assert f"next: bh.evaluate({how})" in capsys.readouterr().out
    for words, said in [
        (["--log-of", "lm-evil", "--dataset", "medqa"], "Known: lm-eval"),
        (["--log-of", "plain"], "There is no data set"),
        (["--shots", "2"], "go with --log-of"),
    ]:
        assert cli.main(["import", "tiny", path, *words]) == 1
        assert said in capsys.readouterr().err
