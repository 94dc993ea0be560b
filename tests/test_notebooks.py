"""The chapters, executed by papermill as a user would."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from benchhealth_utils import DATASETS, load, score
from benchhealth_utils.evaluation import evaluate
from benchhealth_utils.report import parts_frame, result, table5_frame

ROOT = Path(__file__).parent.parent
REASONING = ["medqa", "medmcqa", "mmlu_medicine", "pubmedqa", "chatdoctor"]


def papermill(*arguments, cwd=ROOT, stdout=subprocess.PIPE, **environment):
    return subprocess.run(
        [sys.executable, "-m", "papermill", *map(str, arguments)],
        cwd=cwd,
        stdout=stdout,
        stderr=subprocess.PIPE,
        text=True,
        timeout=600,
        env={**os.environ, **environment},
    )


def published(path):
    """Values a chapter published, by name."""
    found = {}
    for cell in json.loads(Path(path).read_text(encoding="utf-8"))["cells"]:
        for output in cell.get("outputs", ()):
            book = output.get("metadata", {}).get("scrapbook")
            if book:
                text = output["data"][book["mime_prefix"] + "text/plain"]
                found[book["name"]] = float("".join(text))
    return found


@pytest.fixture(scope="module")
def majority(tmp_path_factory):
    path = tmp_path_factory.mktemp("run") / "reasoning.ipynb"
    done = papermill(
        "notebooks/reasoning.ipynb",
        path,
        *("-p", "model", "majority", "-p", "limit", "0"),
        BENCHHEALTH_RUNS=str(path.parent),
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return path


def test_the_reasoning_chapter_publishes_what_an_independent_count_gives(majority):
    values = published(majority)
    for key in REASONING[:4]:
        train = [item.gold for item in load(key, "train")]
        answer = min(set(train), key=lambda label: (-train.count(label), label))
        gold = [item.gold for item in load(key)]
        assert values[f"majority.{key}.value"] == pytest.approx(gold.count(answer) / len(gold))
        assert values[f"majority.{key}.coverage"] == 1
    assert 0 < values["majority.chatdoctor.value"] < 1


def test_the_chapter_shows_what_it_promises(majority):
    text = majority.read_text(encoding="utf-8")
    for part in ("model = 'majority'", "data = data/samples", "not comparable with the paper"):
        assert part in text
    html = [
        "".join(output["data"]["text/html"])
        for cell in json.loads(text)["cells"]
        for output in cell.get("outputs", ())
        if "text/html" in output.get("data", {})
    ]
    captions = " ".join(html)
    for caption in ("One item of each task", "data of this chapter", "Four answers", "by status"):
        assert caption in captions
    assert "image/png" in text


def test_results_on_samples_never_reach_the_published_folder(majority):
    for path in (ROOT / "data").glob("results/*/*.json"):
        assert json.loads(path.read_text())["official"]
    name = "results/majority/medqa-0shot-generate-samples-24-seed0.json"
    row = json.loads((majority.parent / name).read_text())
    assert not row["official"] and row["signature"]["data"]["source"] == "samples"
    assert row["complete"] and row["statuses"] == {"ok": row["n"]}


def test_a_mistyped_parameter_is_refused(tmp_path):
    done = papermill("notebooks/reasoning.ipynb", tmp_path / "r.ipynb", "-p", "modle", "x")
    assert done.returncode != 0
    assert "This notebook has no parameter modle. It has: model, shots" in done.stderr


def test_a_model_that_is_not_there_is_refused_before_data_is_read(tmp_path):
    (tmp_path / "medqa").mkdir()
    done = papermill(
        "notebooks/reasoning.ipynb",
        tmp_path / "r.ipynb",
        *("-p", "model", "gpt-4"),
        BENCHHEALTH_DATA=str(tmp_path),
    )
    assert done.returncode != 0
    assert "cannot be run here" in done.stderr and "DataError" not in done.stderr
    last = done.stderr.strip().splitlines()[-1]
    assert last.startswith("ModelError: gpt-4 ") and "openai:" in last
    shown = (tmp_path / "r.ipynb").read_text(encoding="utf-8")
    assert "ModelError: gpt-4" in shown and "Traceback" not in shown


def test_the_redirected_form_and_another_working_folder(tmp_path):
    with (tmp_path / "out.ipynb").open("w") as out:
        done = papermill(
            ROOT / "notebooks/reasoning.ipynb",
            *("-p", "model", "majority", "-p", "limit", "3"),
            cwd=tmp_path,
            stdout=out,
            BENCHHEALTH_RUNS=str(tmp_path),
        )
    assert done.returncode == 0, done.stderr[-3000:]
    assert published(tmp_path / "out.ipynb")["majority.medqa.coverage"] == 1


def test_perfect_answers_score_one_through_text_and_readings(tmp_path):
    from benchhealth_utils.models import Backend, Reply
    from benchhealth_utils.tasks import task

    class Perfect(Backend):
        name, remote, modes, max_tokens = "perfect", False, ("generate",), None
        signature = {"backend": "perfect"}

        def replies(self, requests, wanted):
            gold = {e.id: e for e in load(requests[0].example.dataset)}
            for i in sorted(wanted):
                item = gold[requests[i].example.id]
                yield [(i, Reply("ok", task(item.dataset).answer(item.gold, item)))]

    for key in DATASETS:
        run = evaluate(Perfect(), key, store=tmp_path, progress=False)
        assert run.scores.value == pytest.approx(1), key
        assert run.scores.coverage == 1


def test_a_status_that_is_not_ok_counts_as_wrong_and_is_counted(tmp_path):
    from benchhealth_utils.models import Backend, Reply

    class Broken(Backend):
        name, remote, modes, max_tokens = "broken", False, ("generate",), None
        signature = {"backend": "broken"}

        def replies(self, requests, wanted):
            gold = {e.id: e.gold for e in load("medqa")}
            kinds = ("ok", "truncated", "empty", "refused", "error")
            for i in sorted(wanted):
                item = requests[i].example
                kind = kinds[i % 5]
                text = "" if kind in ("empty", "error") else f"Answer: {gold[item.id]}"
                yield [(i, Reply(kind, text, kind))]

    run = evaluate(Broken(), "medqa", store=tmp_path, progress=False)
    assert run.scores.n == 24 and run.counts["ok"] == 5
    assert run.scores.value == run.scores.coverage == pytest.approx(5 / 24)
    assert run.scores.extra["value_with_truncated"] == pytest.approx(10 / 24)
    row = result(run)
    assert not row["complete"] and row["statuses"]["error"] == 4
    gold = [e.gold for e in run.examples]
    assert row["value"] == score("medqa", gold, list(run.readings)).value


@pytest.mark.parametrize("chapter", ["generation", "understanding"])
def test_the_other_chapters_run_on_samples(chapter, tmp_path):
    path = tmp_path / f"{chapter}.ipynb"
    done = papermill(
        f"notebooks/{chapter}.ipynb",
        path,
        *("-p", "model", "majority", "-p", "limit", "0"),
        BENCHHEALTH_RUNS=str(tmp_path),
    )
    assert done.returncode == 0, done.stderr[-3000:]
    values = published(path)
    keys = [key for key, spec in DATASETS.items() if spec.scenario == chapter]
    assert {f"{m}.{k}.value" for m in ("majority", "supervised") for k in keys} <= set(values)
    text = path.read_text(encoding="utf-8")
    assert "Paired comparison." in text and f"T_{chapter}-sources" in text
    if chapter == "understanding":
        assert "T_gad-confusion" in text and "T_ddi-confusion" in text
        assert values["majority.ddi.value"] == values["majority.bc5_disease.value"] == 0


def test_the_majority_baseline_on_official_data_is_what_the_labels_dictate(
    real_data, monkeypatch, tmp_path
):
    monkeypatch.setenv("BENCHHEALTH_DATA", str(real_data))

    def value(key):
        run = evaluate("majority", key, store=tmp_path, progress=False)
        assert run.comparable and run.scores.coverage == 1
        return run.scores.value

    assert value("pubmedqa") == 276 / 500
    assert value("ddi") == 0
    assert value("gad") == pytest.approx(2 * 281 / (2 * 281 + 253))


def test_the_combined_table_leaves_samples_to_a_table_of_their_own(majority):
    frame = table5_frame(majority.parent / "results")
    assert list(frame["Source"]) == ["paper"] * 17
    parts = parts_frame(majority.parent / "results")
    assert set(parts["Model"]) == {"Majority", "Supervised"}
    assert "PubMedQA" in set(parts["Data set"])
    assert frame[frame["Model"] == "GPT-4"].iloc[0]["MedQA (USMLE)"] == "81.2"
    assert frame[frame["Model"] == "ChatGLM-Med"].iloc[0]["HoC"] == ""
