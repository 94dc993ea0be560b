"""`make reproduce`: the chapters of a model, and its row."""

import pytest

from benchhealth_utils.reproduce import CHAPTERS, main, published, reproduce, row
from benchhealth_utils.schema import ROOT, BenchHealthError, ModelError


def test_every_chapter_is_reproduced():
    assert {f"{name}.ipynb" for name in CHAPTERS} == {
        path.name for path in (ROOT / "notebooks").glob("*.ipynb")
    }


def test_a_model_gets_its_executed_chapters_and_its_row(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("BENCHHEALTH_RUNS", str(tmp_path))
    monkeypatch.setattr("benchhealth_utils.reproduce.CHAPTERS", ("reasoning",))
    main(["majority", "--limit", "4"])
    assert published(tmp_path / "majority" / "reasoning.ipynb")["majority.medqa.n"] == 4
    lines = capsys.readouterr().out.splitlines()
    medqa = next(line for line in lines if line.startswith("MedQA"))
    assert "*" in medqa and medqa.split()[-3] == "4" and medqa.endswith("100 %")
    assert any("not of the full official data" in line for line in lines)
    assert lines[-1].split() == ["generalizability", "not", "computed"]


def test_the_row_is_in_points_with_intervals_and_marks_what_is_not_official():
    facts = {"value": 0.5, "low": 0.25, "high": 0.75, "n": 1273, "coverage": 0.9}
    values = {f"m.medqa.{name}": value for name, value in facts.items()}
    values |= {"m.medqa.official": 1.0, "m.robustness": 0.211, "m.faithfulness": "none: why"}
    values |= {"m.generalizability": 0.3, "m.generalizability.low": 0.2}
    values["m.generalizability.high"] = 0.4
    lines = row("m", values).splitlines()
    assert lines[1].split() == "MedQA (USMLE) 50.0 25.0 to 75.0 1,273 90 %".split()
    assert not any("*" in line for line in lines)
    assert "faithfulness        none: why" in lines
    assert "robustness          21.1" in lines
    assert "generalizability    30.0 (20.0 to 40.0)" in lines
    assert "comprehensiveness   not computed" in lines


def test_a_chapter_that_fails_is_named_and_those_before_are_kept(tmp_path, monkeypatch):
    monkeypatch.setenv("BENCHHEALTH_RUNS", str(tmp_path))
    with pytest.raises(BenchHealthError, match="(?s)chapter few_shot failed with .*run the same"):
        reproduce("majority", limit=2, datasets="gda", chapters=("human_eval", "few_shot"))
    assert (tmp_path / "majority" / "human_eval.ipynb").exists()


def test_an_unknown_model_is_refused_before_anything_runs(tmp_path, monkeypatch):
    monkeypatch.setenv("BENCHHEALTH_RUNS", str(tmp_path))
    with pytest.raises(ModelError, match="no model 'x'"):
        reproduce("x")
    with pytest.raises(SystemExit, match="no model 'x'"):
        main(["x"])
    assert not list(tmp_path.iterdir())
