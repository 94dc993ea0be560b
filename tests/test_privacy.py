"""Credentialed text stays where it may be: a canary planted in MIMIC-shaped files."""

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
from benchhealth_utils.privacy import POLICY, VARIABLE
from benchhealth_utils.schema import BenchHealthError

ROOT = Path(__file__).parent.parent
CANARY = "zebrafinchquartz"


class Remote:
    """A remote model that remembers whether it was asked."""

    name, remote, modes, max_tokens = "remote", True, ("generate",), None
    signature, endpoint = {"backend": "remote"}, "https://models.example.org/v1"

    def __init__(self):
        self.asked = 0

    def replies(self, requests, wanted):
        from benchhealth_utils.backends import Reply

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
        ("few_shot", ("-p", "datasets", "mimic_cxr", "-p", "limit", "0")),
        ("clinical_usefulness", ("-p", "limit", "0")),
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


BUILD = "import sys; from jupyter_book.cli.main import main; sys.exit(main())"


def test_the_canary_is_in_no_built_page(chapter, tmp_path):
    pytest.importorskip("jupyter_book")
    out, _ = chapter
    shutil.copy(out, tmp_path / "generation.ipynb")
    (tmp_path / "_toc.yml").write_text("format: jb-book\nroot: generation\n")
    config = "title: x\nexecute:\n  execute_notebooks: 'off'\n"
    (tmp_path / "_config.yml").write_text(config)
    done = subprocess.run(
        [sys.executable, "-c", BUILD, "build", str(tmp_path)],
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    pages = [path for path in (tmp_path / "_build").rglob("*") if path.is_file()]
    assert any(path.name == "generation.html" for path in pages)
    assert not [path for path in pages if CANARY.encode() in path.read_bytes()]


SHOWING = {
    "its answers": "report.answer_table(runs, 3, 'x', 'x')",
    "its items": "report.example_table(runs.examples[:1], 'x', 'x')",
    "its prompt": "report.prompt_text(runs.examples[0])",
}


@pytest.mark.parametrize("what", SHOWING)
def test_a_notebook_that_tries_to_show_it_is_stopped(what, chapter, tmp_path):
    import nbformat

    cells = [
        nbformat.v4.new_code_cell(
            "from benchhealth_utils import report\n"
            "from benchhealth_utils.evaluation import evaluate\n"
            "runs = evaluate('majority', 'mimic_iii')"
        ),
        nbformat.v4.new_code_cell(SHOWING[what]),
    ]
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    book = nbformat.v4.new_notebook(cells=cells, metadata={"kernelspec": kernel})
    nbformat.write(book, tmp_path / "show.ipynb")
    out = tmp_path / "runs" / "show.ipynb"
    out.parent.mkdir()
    done = run(str(tmp_path / "show.ipynb"), out, chapter[0].parent.parent / "data")
    assert done.returncode != 0 and "credentialed" in done.stderr
    assert CANARY not in out.read_text(encoding="utf-8") + done.stdout + done.stderr


def test_errors_about_credentialed_files_name_the_row_not_its_text(tmp_path):
    data = planted(tmp_path / "data")
    notes = data / "mimic_iii" / "NOTEEVENTS.csv"
    lines = notes.read_text().splitlines(keepends=True)
    notes.write_text("".join(lines[1:]))
    with pytest.raises(BenchHealthError) as caught:
        load("mimic_iii", root=data)
    assert CANARY not in str(caught.value)
    result = json.dumps(str(caught.value))
    assert "NOTEEVENTS.csv" in result and "line 1" in result
