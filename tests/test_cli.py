"""The command line, and what a chapter does with its parameters."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import papermill
import pytest
from conftest import cases
from fault_server import FaultServer, point_at

from benchhealth_utils import cli
from benchhealth_utils.notebook import check, data_sets, numbers
from benchhealth_utils.schema import ROOT, BenchHealthError, read_yaml


def main(capsys, *words):
    try:
        code = cli.main(list(words))
    except SystemExit as left:
        code = left.code
    shown = capsys.readouterr()
    return code, shown.out, shown.err


def test_data_says_what_is_there_and_what_to_do(capsys):
    code, out, _ = main(capsys, "data")
    assert code == 0 and len(re.findall(r" samples +(?:open|credentialed) ", out)) == 13


def test_a_broken_data_set_is_named_and_ends_in_one(capsys, fresh, monkeypatch):
    root = fresh("gad")
    (root / "gad" / "test.tsv").write_text("no table\n")
    monkeypatch.setenv("BENCHHEALTH_DATA", str(root))
    code, out, err = main(capsys, "data")
    assert code == 1 and "gad: " in err and "broken" in out and "download medqa" in out


@pytest.mark.parametrize("words, code, said", cases("refused")["commands"])
def test_what_is_wrong_is_said_in_a_line(words, code, said, capsys):
    found, out, err = main(capsys, *words)
    assert found == code and said in out + err and "Traceback" not in err


@pytest.mark.parametrize("words, left", [([], "0.25"), (["--budget", "2"], "2.0")])
def test_what_the_user_has_set_as_budget_stays(words, left, capsys, monkeypatch, tmp_path):
    monkeypatch.setenv("BENCHHEALTH_BUDGET", "0.25")
    monkeypatch.setenv("BENCHHEALTH_RUNS", str(tmp_path))
    monkeypatch.setattr(papermill, "execute_notebook", lambda source, out, *_, **__: open(out, "w"))
    code, _, err = main(capsys, "run", "majority", "--chapters", "reasoning", *words)
    assert code == 0 and os.environ["BENCHHEALTH_BUDGET"] == left, err


def test_each_chapter_is_given_its_own_of_the_data_sets_named(capsys, monkeypatch, tmp_path):
    given, some = {}, "medqa mimic_iii gad"
    monkeypatch.setenv("BENCHHEALTH_RUNS", str(tmp_path))

    def execute(source, out, chosen, **_):
        given[Path(source).stem] = chosen.get("datasets")
        open(out, "w")

    monkeypatch.setattr(papermill, "execute_notebook", execute)
    _, _, err = main(capsys, "run", "majority", "--datasets", some)
    assert given["reasoning"] == "medqa" and given["few_shot"] == "medqa gad"
    assert given["generation"] == "mimic_iii" and given["understanding"] == "gad"
    assert given["clinical_usefulness"] == some
    assert [f"{x} which takes no --datasets" in err for x in given] == [
        not x for x in given.values()
    ]
    quoted = dict(given)
    given.clear()
    main(capsys, "run", "majority", "--datasets", *some.split())
    assert given == quoted
    given.clear()
    _, _, err = main(capsys, "run", "majority", "--datasets", "gad", "--chapters", "reasoning")
    assert not given and "reasoning left out, since none of its data sets is among: gad" in err


def test_all_that_has_a_help_text_is_a_verb_or_an_option_of_it():
    said = read_yaml("commands.yaml")
    for name, verb in cli.parser()[1].items():
        there = {(each.option_strings or [each.dest])[0] for each in verb._actions} - {"-h"}
        assert said[name].keys() == there | {"does"} and all(said[name].values())


def test_chapters_outside_a_clone_are_refused_in_a_line(capsys, monkeypatch, tmp_path):
    monkeypatch.setattr(cli, "ROOT", tmp_path)
    code, _, err = main(capsys, "run", "majority")
    assert code == 1 and "in a clone of the repository" in err


def test_ctrl_c_ends_in_a_line(capsys, monkeypatch):
    def stopped(**_):
        raise KeyboardInterrupt("gad: 3 of 8 answers are stored; run again to go on.")

    monkeypatch.setattr(cli, "_do", stopped)
    code, _, err = main(capsys, "row", "majority")
    assert code == 130 and "3 of 8 answers are stored" in err and len(err.splitlines()) <= 2


@pytest.mark.skipif(os.name != "posix", reason="sends POSIX signals")
@pytest.mark.parametrize(
    "command, given",
    [
        ("papermill.cli import papermill", "notebooks/reasoning.ipynb {}/o.ipynb -p model"),
        ("benchhealth_utils.cli import main", "run --chapters reasoning --limit 8 --"),
    ],
)
def test_ctrl_c_in_a_chapter_says_what_is_stored(command, given, monkeypatch, tmp_path):
    """Also under papermill's own command, whose kernel hears of it late."""
    monkeypatch.setenv("BENCHHEALTH_RUNS", str(tmp_path))
    code = "import signal, sys; signal.signal(signal.SIGINT, signal.default_int_handler); " \
           f"from {command} as run; sys.exit(run())"  # fmt: skip
    with FaultServer(delay=0.4) as server:
        point_at(monkeypatch, "openai", server)
        process = subprocess.Popen(
            [sys.executable, "-c", code, *given.format(tmp_path).split(), "openai:m"], cwd=ROOT,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        )  # fmt: skip
        deadline = time.monotonic() + 120
        while len(server.bodies) < 9:
            assert time.monotonic() < deadline and process.poll() is None
            time.sleep(0.02)
        process.send_signal(signal.SIGINT)
        said, _ = process.communicate(timeout=60)
    kept = sum(path.read_bytes().count(b"\n") for path in tmp_path.rglob("*.jsonl"))
    assert kept and process.returncode == 130 and "Traceback" not in said
    assert f"Interrupted. {kept} answers are stored in " in said.strip().splitlines()[-1]


def test_a_row_is_official_where_there_is_a_published_result(capsys):
    code, out, _ = main(capsys, "row", "majority")
    assert code == 0 and re.search(r"MedQA.* 1273 +24\.3 .*official +True", out)


def test_a_good_chapter_stays_until_the_new_one_is_whole(tmp_path, monkeypatch):
    monkeypatch.setenv("BENCHHEALTH_RUNS", str(tmp_path))

    def good(_, out, chosen, **__):
        Path(out).write_text(json.dumps(chosen))

    def broken(_, out, *__, **___):
        Path(out).write_text("torn")
        raise papermill.PapermillExecutionError(1, 1, "", "ModelError", "no such weights", [])

    monkeypatch.setattr(papermill, "execute_notebook", good)
    kept = cli.run("majority", limit=4, chapters=["reasoning"]) / "reasoning.ipynb"
    monkeypatch.setattr(papermill, "execute_notebook", broken)
    with pytest.raises(BenchHealthError, match="reasoning failed: no such weights"):
        cli.run("majority", limit=3, chapters=["reasoning"])
    assert json.loads(kept.read_text()) == {"model": "majority", "limit": 4, "datasets": "all"}


def test_parameters_in_force_are_printed(capsys):
    check(model="majority", shots=0, limit=8, seed=0, mode="generate", other="x")
    assert capsys.readouterr().out.splitlines()[:2] == ["model = 'majority'", "shots = 0"]


@pytest.mark.parametrize("given, said", cases("refused")["parameters"])
def test_bad_parameters_are_refused(given, said):
    with pytest.raises(BenchHealthError, match=re.escape(said)):
        check(**given)


def test_an_unknown_parameter_is_refused_before_anything_runs(tmp_path):
    target = tmp_path / "out.ipynb"
    with pytest.raises(BenchHealthError, match="no parameter 'limmit'.*Did you mean limit"):
        papermill.execute_notebook(
            str(ROOT / "notebooks" / "reasoning.ipynb"), str(target), {"limmit": 3},
            progress_bar=False,
        )  # fmt: skip


def test_data_sets_and_numbers(monkeypatch, fresh, capsys):
    assert data_sets(scenario="generation") == ["mimic_cxr", "iu_xray", "mimic_iii"]
    assert data_sets("gad medqa") == ["medqa", "gad"]
    monkeypatch.setenv("BENCHHEALTH_DATA", str(fresh("gad")))
    assert data_sets() == ["gad"] and "left out: MedQA" in capsys.readouterr().out
    with pytest.raises(BenchHealthError, match="datasets is"):
        data_sets("medqa medqa")
    assert numbers("0 5 1", "shots") == [0, 1, 5] and numbers(3, "seeds") == [3]
    for bad in ("", "1 1", "a", "1.5", True):
        with pytest.raises(BenchHealthError, match="seeds is"):
            numbers(bad, "seeds")
