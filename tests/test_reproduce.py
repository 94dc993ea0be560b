"""`make reproduce`: the chapters of a model, and its row."""

import shutil
import subprocess

import nbformat
import pytest

from benchhealth_utils.reproduce import CHAPTERS, main, published, reproduce, row
from benchhealth_utils.schema import ROOT, BenchHealthError, DataError, ModelError


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Where runs go, with chapters of one's own in place of the book's."""
    monkeypatch.setenv("BENCHHEALTH_RUNS", str(tmp_path / "runs"))
    return tmp_path / "runs" / "majority"


@pytest.fixture
def chapter(tmp_path, monkeypatch):
    """Write a small chapter under this name; it publishes what its code does."""
    (tmp_path / "notebooks").mkdir()
    monkeypatch.setattr("benchhealth_utils.reproduce.ROOT", tmp_path)

    def write(name, code):
        start = nbformat.v4.new_code_cell(
            'limit: int = 3  # x\nmodel: str = ""  # x\nbudget: float = 1.5  # x'
        )
        start.metadata["tags"] = ["parameters"]
        kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
        cells = [start, nbformat.v4.new_code_cell(code)]
        book = nbformat.v4.new_notebook(cells=cells, metadata={"kernelspec": kernel})
        nbformat.write(book, tmp_path / "notebooks" / f"{name}.ipynb")

    return write


PUBLISH = "from benchhealth_utils.report import publish\npublish('x', limit)"


def test_every_chapter_is_reproduced():
    assert {f"{name}.ipynb" for name in CHAPTERS} == {
        path.name for path in (ROOT / "notebooks").glob("*.ipynb")
    } - {"rate.ipynb"}  # the rating page, which is served and not read


def test_a_model_gets_its_executed_chapters_and_its_row(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("BENCHHEALTH_RUNS", str(tmp_path))
    monkeypatch.setattr("benchhealth_utils.reproduce.CHAPTERS", ("reasoning",))
    main(["majority", "--limit", "4"])
    assert published(tmp_path / "majority" / "reasoning.ipynb")["majority.medqa.n"] == 4
    lines = capsys.readouterr().out.splitlines()
    medqa = next(line for line in lines if line.startswith("MedQA"))
    assert "*" in medqa and medqa.split()[-3] == "4" and medqa.endswith("100 %")
    assert any("not of the full official data" in line for line in lines)
    assert lines[-3].split() == ["generalizability", "not", "computed"]
    assert lines[-1].startswith("* not of the full official data")


def test_the_row_is_in_points_with_intervals_and_marks_what_is_not_official():
    facts = {"value": 0.5, "low": 0.25, "high": 0.75, "n": 1273, "coverage": 0.9}
    values = {f"m.medqa.{name}": value for name, value in facts.items()}
    values |= {"m.medqa.official": 1.0, "m.robustness": 0.211, "m.faithfulness": "none: why"}
    values |= {"m.generalizability": 0.3, "m.generalizability.low": 0.2}
    values["m.generalizability.high"] = 0.4
    lines = row("m", values).splitlines()
    assert lines[1].split() == "MedQA (USMLE) 50.0 (25.0 to 75.0) 1,273 90 %".split()
    assert not any("*" in line for line in lines)
    assert "faithfulness        none: why" in lines
    assert "robustness          21.1 (interval not estimable); lower is better" in lines
    assert "generalizability    30.0 (20.0 to 40.0)" in lines
    assert "comprehensiveness   not computed" in lines


def test_the_row_says_as_the_chapters_do_where_an_interval_is_none():
    facts = {"value": 0.0, "low": 0.0, "high": 0.0, "n": 8, "coverage": 1, "official": 0}
    values = {f"m.hoc.{name}": value for name, value in facts.items()}
    values |= {"m.robustness": 0.1, "m.robustness.low": 0.0, "m.robustness.high": 0.0}
    text = row("m", values)
    assert "0.0* (interval not estimable)" in text and "0.0 to 0.0" not in text
    assert "robustness          10.0 (below what sampling shows); lower is better" in text


def test_usefulness_of_a_few_items_is_marked_as_a_score_is():
    values = {"m.robustness": 0.1, "m.robustness.official": 0.0, "m.faithfulness": "none: why"}
    values |= {"m.generalizability": 0.4, "m.generalizability.official": 0.0}
    values |= {"m.generalizability.low": 0.3, "m.generalizability.high": 0.5}
    lines = row("m", values).splitlines()
    assert "robustness          10.0* (interval not estimable); lower is better" in lines
    assert "generalizability    40.0* (30.0 to 50.0)" in lines
    assert lines[-1].startswith("* not of the full official data")


def test_chapters_are_counted_and_take_the_limit(folder, chapter, capsys):
    chapter("one", PUBLISH)
    chapter("two", PUBLISH.replace("'x'", "'y'"))
    assert reproduce("majority", limit=2, chapters=("one", "two")) == {"x": 2, "y": 2}
    said = capsys.readouterr().err
    assert "1 of 2: one" in said and "2 of 2: two" in said
    assert sorted(path.name for path in folder.iterdir()) == ["one.ipynb", "two.ipynb"]


def test_each_chapter_gets_the_budget_from_the_command_and_from_make(
    folder, chapter, monkeypatch, capsys
):
    chapter("one", PUBLISH.replace("limit", "budget"))
    monkeypatch.setattr("benchhealth_utils.reproduce.CHAPTERS", ("one",))
    assert reproduce("majority") == {"x": 5}
    main(["majority", "--budget", "0.25"])
    assert published(folder / "one.ipynb") == {"x": 0.25}
    command = ["make", "--dry-run", "reproduce", "MODEL=openai:m", "BUDGET=0.25"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert "-m benchhealth_utils.reproduce openai:m " in done.stdout
    assert '--budget "0.25"' in done.stdout


def test_a_chapter_that_fails_leaves_the_good_one_as_it_was(folder, chapter):
    chapter("one", PUBLISH)
    chapter("two", PUBLISH)
    reproduce("majority", chapters=("one", "two"))
    good = (folder / "two.ipynb").read_bytes()
    chapter("two", f"{PUBLISH}\nraise ValueError('no such thing')")
    with pytest.raises(BenchHealthError) as caught:
        reproduce("majority", limit=1, chapters=("one", "two"))
    text = str(caught.value)
    for part in (
        "chapter two failed with ValueError: no such thing",
        "the cell marked in red in .../two-unfinished.ipynb",
        "The earlier .../two.ipynb is as it was.",
        "Once the cause is mended",
    ):
        assert part in text
    assert (folder / "two.ipynb").read_bytes() == good
    assert "ValueError" in (folder / "two-unfinished.ipynb").read_text()
    assert published(folder / "one.ipynb") == {"x": 1}
    chapter("two", PUBLISH)
    reproduce("majority", limit=5, chapters=("two",))
    assert published(folder / "two.ipynb") == {"x": 5}
    assert not (folder / "two-unfinished.ipynb").exists()


def test_a_process_that_dies_is_no_traceback(folder, chapter):
    chapter("one", "import os\nos._exit(9)")
    with pytest.raises(BenchHealthError, match="process died; most often, memory"):
        reproduce("majority", chapters=("one",))
    assert not (folder / "one.ipynb").exists()


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"limit": -1}, "limit is -1; expected a count, or 0 for all"),
        ({"limit": 2.5}, "limit is 2.5; expected a count"),
        ({"budget": -1.0}, "budget is -1.0; expected dollars, 0 or more"),
        ({"budget": float("nan")}, "budget is nan; expected dollars"),
        ({"datasets": "gda"}, "names gda, which this chapter does not have"),
        ({"datasets": "mimic_iii"}, "names mimic_iii, which this chapter does not have"),
        ({"datasets": ""}, "expected 'all', or different keys"),
    ],
)
def test_what_is_wrong_is_said_before_the_first_chapter(wrong, message, folder):
    with pytest.raises(BenchHealthError, match=message):
        reproduce("majority", **wrong)
    assert not folder.exists()


@pytest.mark.parametrize(("key", "datasets"), [("gad", "all"), ("mimic_cxr", "gad mimic_cxr")])
def test_data_that_lack_a_set_are_refused_before_the_first_chapter(
    key, datasets, folder, samples, tmp_path, monkeypatch
):
    shutil.copytree(samples, tmp_path / "data")
    shutil.rmtree(tmp_path / "data" / key)
    monkeypatch.setenv("BENCHHEALTH_DATA", str(tmp_path / "data"))
    with pytest.raises(DataError, match=f"{key}: the data set is not here"):
        reproduce("majority", datasets=datasets)
    assert not folder.exists()


@pytest.mark.filterwarnings("ignore:.*test items; the official data")
def test_without_the_credentialed_sets_the_others_are_run(
    folder, chapter, samples, tmp_path, monkeypatch
):
    away = shutil.ignore_patterns("mimic_cxr", "mimic_iii")
    shutil.copytree(samples, tmp_path / "data", ignore=away)
    monkeypatch.setenv("BENCHHEALTH_DATA", str(tmp_path / "data"))
    chapter("one", PUBLISH)
    assert reproduce("majority", chapters=("one",)) == {"x": 0}


def test_an_unknown_model_is_refused_before_anything_runs(tmp_path, monkeypatch):
    monkeypatch.setenv("BENCHHEALTH_RUNS", str(tmp_path))
    with pytest.raises(ModelError, match="no model 'x'"):
        reproduce("x")
    with pytest.raises(SystemExit, match="no model 'x'"):
        main(["x"])
    assert not list(tmp_path.iterdir())
