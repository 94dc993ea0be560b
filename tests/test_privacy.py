"""Credentialed text stays where it may be: a canary planted in MIMIC-shaped files."""

import dataclasses
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from benchhealth_utils import load
from benchhealth_utils.answers import answer
from benchhealth_utils.guard import POLICY, VARIABLE
from benchhealth_utils.models import Backend, Reply
from benchhealth_utils.schema import BenchHealthError

ROOT = Path(__file__).parent.parent
CANARY = "zebrafinchquartz"


class Remote(Backend):
    """A remote model that remembers whether it was asked."""

    name, remote, modes, max_tokens = "remote", True, ("generate",), None
    signature, endpoint = {"backend": "remote"}, "https://models.example.org/v1"

    def __init__(self):
        self.asked = 0

    def replies(self, requests, wanted):
        self.asked += len(wanted)
        yield [(i, Reply("ok", "text")) for i in wanted]


@pytest.mark.parametrize("key", ["mimic_cxr", "mimic_iii"])
@pytest.mark.parametrize("declared", ["", "https://other.example.org/v1"])
def test_credentialed_text_goes_to_no_remote_model(key, declared, tmp_path, monkeypatch):
    monkeypatch.setenv(VARIABLE, declared)
    model = Remote()
    with pytest.raises(BenchHealthError, match=re.escape(POLICY)) as caught:
        answer(model, load(key)[:2], store=tmp_path, progress=False)
    assert model.asked == 0 and not list(tmp_path.rglob("*.jsonl"))
    assert f"export {VARIABLE}=https://models.example.org/v1" in str(caught.value)


def test_a_declared_endpoint_may_be_asked_and_open_data_always(tmp_path, monkeypatch):
    model = Remote()
    answer(model, load("iu_xray")[:2], store=tmp_path, progress=False)
    monkeypatch.setenv(VARIABLE, "https://a.example.org, https://models.example.org/v1/")
    answer(model, load("mimic_iii")[:2], store=tmp_path, progress=False)
    assert model.asked == 4


def planted(folder: Path) -> Path:
    """A data folder whose every MIMIC text holds the canary."""
    shutil.copytree(ROOT / "data" / "samples", folder)
    for path in (folder / "mimic_cxr").rglob("s*.txt"):
        text = path.read_text()
        path.write_text(re.sub(r"(FINDINGS|IMPRESSION):", rf"\1: {CANARY}", text))
    notes = folder / "mimic_iii" / "NOTEEVENTS.csv"
    text = notes.read_text()
    text = re.sub(r"(?i)(discharge instructions:|sex:[^\n]*\n)", rf"\1 {CANARY} ", text)
    notes.write_text(text)
    return folder


def run(notebook, out, data, *parameters):
    return subprocess.run(
        [sys.executable, "-m", "papermill", notebook, out, "--log-output", *parameters],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=600,
        env={**os.environ, "BENCHHEALTH_DATA": str(data), "BENCHHEALTH_RUNS": str(out.parent)},
    )


@pytest.fixture(scope="module")
def chapter(tmp_path_factory):
    """The generation chapter, executed on planted files by a model that copies them."""
    folder = tmp_path_factory.mktemp("canary")
    data = planted(folder / "data")
    out = folder / "runs" / "generation.ipynb"
    out.parent.mkdir()
    done = run(
        "notebooks/generation.ipynb",
        out,
        data,
        *("-p", "model", "majority", "-p", "against", "majority", "-p", "limit", "0"),
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return out, done.stdout + done.stderr


def test_the_canary_was_really_in_what_the_model_saw_and_said(chapter):
    out, _ = chapter
    data = out.parent.parent / "data"
    for key in ("mimic_cxr", "mimic_iii"):
        for item in load(key, root=data):
            assert CANARY in next(iter(item.inputs.values()))
        stored = out.parent / "answers" / "majority" / f"{key}.jsonl"
        assert CANARY in stored.read_text(encoding="utf-8")


def test_the_canary_is_in_no_notebook_log_result_or_project_file(chapter):
    out, log = chapter
    assert CANARY not in out.read_text(encoding="utf-8")
    assert CANARY not in log
    for path in [*(out.parent / "results").rglob("*"), *(ROOT / "data").rglob("*")]:
        assert not path.is_file() or CANARY.encode() not in path.read_bytes(), path


@pytest.mark.parametrize(
    ("name", "parameters"),
    [
        ("few_shot", ("-p", "datasets", "mimic_cxr", "-p", "shot_counts", "0 1")),
        ("clinical_usefulness", ("-p", "limit", "2")),
    ],
)
def test_the_canary_is_in_no_other_chapter_that_reads_the_files(name, parameters, tmp_path):
    data = planted(tmp_path / "data")
    out = tmp_path / "runs" / f"{name}.ipynb"
    out.parent.mkdir()
    done = run(f"notebooks/{name}.ipynb", out, data, "-p", "model", "majority", *parameters)
    assert done.returncode == 0, done.stderr[-3000:]
    stored = out.parent / "answers" / "majority" / "mimic_cxr.jsonl"
    assert CANARY in stored.read_text(encoding="utf-8")
    assert CANARY not in out.read_text(encoding="utf-8")
    assert CANARY not in done.stdout + done.stderr
    for path in (out.parent / "results").rglob("*.json"):
        assert CANARY not in path.read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def printed(chapter):
    """What a cell may end in: items, answers, a run, and frames and lists of them."""
    import pandas as pd

    from benchhealth_utils import evaluate, items

    folder = chapter[0].parent
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("BENCHHEALTH_DATA", str(folder.parent / "data"))
        (run,) = evaluate("majority", "mimic_cxr", store=folder / "answers", progress=False)
    assert any(CANARY in reply.text for reply in run.answers)
    assert CANARY in run.examples[0].gold and CANARY in run.readings[0]
    first = run.examples[0], run.answers[0], run
    frames = pd.Series(first), pd.DataFrame({"x": first}), items(run)
    return [*first, list(first), {"x": first}, *frames]


@pytest.mark.parametrize("how", ["repr", "str", "format", "pprint", "ipython", "html"])
def test_the_canary_is_not_in_what_prints_an_object(how, printed):
    from pprint import pformat

    from IPython.core.formatters import HTMLFormatter
    from IPython.lib.pretty import pretty

    shown = {
        "repr": repr,
        "str": str,
        "format": "{}".format,
        "pprint": pformat,
        "ipython": pretty,
        "html": HTMLFormatter(),
    }[how]
    for thing in printed:
        text = shown(thing) or ""
        assert CANARY not in text
        if how != "html":
            assert "59999" in text or "..." in text or "majority" in text


def test_what_is_printed_names_the_item_and_its_sizes(printed):
    item, reply = printed[:2]
    sizes = {"findings": len(item.inputs["findings"])}
    assert f"id='{item.id}', dataset='mimic_cxr'" in repr(item) and str(sizes) in repr(item)
    assert repr(reply) == f"Answer(id='{item.id}', status='ok', characters={len(reply.text)})"
    shown = load("gad")[0]
    assert shown.inputs["sentence"] not in repr(shown)


def test_an_assertion_that_fails_prints_no_field(printed, request):
    """pytest takes dataclasses apart whose equality was generated, as of the last."""

    def shown(one, other):
        hook = request.config.hook.pytest_assertrepr_compare
        return str(hook(config=request.config, op="==", left=one, right=other))

    for one in printed[:2]:
        other = dataclasses.replace(one, id="other")
        assert CANARY not in shown(one, other) + shown([one], [other]) + shown({1: one}, {1: other})
    taken_apart = dataclasses.make_dataclass("Plain", ["text"])
    assert CANARY in shown(taken_apart(CANARY), taken_apart("another"))


def test_errors_about_credentialed_files_name_the_row_not_its_text(tmp_path):
    data = planted(tmp_path / "data")
    notes = data / "mimic_iii" / "NOTEEVENTS.csv"
    lines = notes.read_text().splitlines(keepends=True)
    notes.write_text("".join(lines[1:]))
    with pytest.raises(BenchHealthError) as caught:
        load("mimic_iii", root=data)
    assert CANARY not in str(caught.value)
    result = json.dumps(str(caught.value))
    assert re.search(r"NOTEEVENTS.csv, (row ending at )?line \d+", result)
