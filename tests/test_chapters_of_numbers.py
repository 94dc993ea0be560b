"""Few-shot and clinical usefulness, executed by papermill as a user would."""

import html
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from benchhealth_utils import BenchHealthError, paper
from benchhealth_utils.printed import derived

ROOT = Path(__file__).parent.parent


def executed(name, folder, change=("", ""), **parameters):
    """A chapter with one text in its cells changed; its tables by id, as rows of cells."""
    source = (ROOT / "notebooks" / f"{name}.ipynb").read_text("utf-8")
    assert change[0] in source
    (folder / "in.ipynb").write_text(source.replace(*change), "utf-8")
    given = [part for pair in parameters.items() for part in ("-p", *map(str, pair))]
    done = subprocess.run(
        [sys.executable, "-m", "papermill", folder / "in.ipynb", folder / "out.ipynb", *given],
        cwd=ROOT, capture_output=True, text=True, timeout=600,
        env={**os.environ, "BENCHHEALTH_RUNS": str(folder)},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    cells = json.loads((folder / "out.ipynb").read_text("utf-8"))["cells"]
    outputs = [output.get("data", {}) for cell in cells for output in cell.get("outputs", ())]
    tables = {}
    for text in ("".join(data.get("text/html", "")) for data in outputs):
        if found := re.search(r'<table id="T_([\w-]+)"', text):
            rows = re.findall(r"<tr>(.*?)</tr>", text, re.S)
            cut = [re.findall(r"<t[dh][^>]*>(.*?)</t[dh]>", row, re.S) for row in rows]
            tables[found[1]] = [[html.unescape(cell).strip() for cell in row] for row in cut]
    return tables, sum("image/png" in data for data in outputs)


@pytest.fixture(scope="module")
def few_shot(tmp_path_factory):
    folder = tmp_path_factory.mktemp("few-shot")
    options = {"model": "majority", "limit": 3, "shot_counts": "0 1 3", "seeds": "0 1"}
    return executed("few_shot", folder, ("colorblind", "Set2"), **options)


def test_figure_1_is_what_follows_from_table_5(few_shot):
    tables, figures = few_shot
    assert figures == 2
    shown = tables["few-shot-printed"][1:]
    assert [row[:2] for row in shown] == derived()[["name", "type"]].to_numpy().tolist()
    numbers = derived()[["reasoning", "figure_1_generation", "understanding"]].to_numpy()
    assert np.array([row[2:] for row in shown], dtype=float) == pytest.approx(numbers, abs=0.051)


def test_a_model_that_reads_no_exemplar_gains_nothing(few_shot):
    """Holm by hand is held against the package's in the cell itself."""
    tables, _ = few_shot
    head, *rows = tables["few-shot-gains"]
    assert len(rows) == 3 * 2
    for row in rows:
        cells = dict(zip(map(str.lower, head), row, strict=True))
        assert (cells["difference"], cells["p"], cells["p (holm)"]) == ("0.0", "1.000", "1.000")
    assert all(row[-1] == "" for row in tables["few-shot-price"][1:])
    assert {row[-1] for row in tables["exemplars"][1:]} == {"0"}


@pytest.fixture(scope="module")
def usefulness(tmp_path_factory):
    return executed(
        "clinical_usefulness", tmp_path_factory.mktemp("usefulness"), model="majority", limit=4
    )


def test_figure_2_and_what_it_is_made_of(usefulness):
    tables, figures = usefulness
    assert figures == 1
    robust = {row[0]: row[3] for row in tables["results-usefulness"][1:]}
    assert [robust[x] for x in ("ChatGLM", "ChatGLM-Med", "DoctorGLM")] == ["21.1", "22.4", "21.3"]
    assert tables["by-hand"][-1][-1] == "21.1"
    assert len(tables["usefulness"]) > 4 and len(tables["same-sets"]) > 10
    best = paper(5).drop("sota").mean(axis=1).idxmax()
    assert tables["same-sets"][1][0] == derived().loc[best, "name"]


def test_a_false_summary_beats_a_true_one_in_words_in_common(usefulness):
    tables, _ = usefulness
    _, same, false, _, true = tables["false-words"]
    assert same[1:] == ["100.0", "100.0"] and float(false[1]) > 80 > 20 > float(true[1])


def test_a_model_that_does_not_read_is_moved_by_the_order_of_options_alone(usefulness):
    tables, _ = usefulness
    for row in tables["perturbed"][1:]:
        assert (float(row[-1]) > 0) == (row[1] == "option_order"), row


@pytest.mark.parametrize("name", ["few_shot", "clinical_usefulness"])
def test_exercises_check_themselves(name):
    """Blanks stop at their check; the solutions pass it."""
    path = ROOT / "notebooks" / "exercises" / f"{name}.ipynb"
    cells = json.loads(path.read_text("utf-8"))["cells"][1:]
    code = ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"]
    known = {}
    exec(code[0], known)
    for blank, check, solution in zip(code[1::3], code[2::3], code[3::3], strict=True):
        exec(blank, known)
        with pytest.raises((AssertionError, TypeError, ValueError, BenchHealthError)):
            exec(check, known)
        exec(solution, known)
        exec(check, known)
