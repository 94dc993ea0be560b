"""The chapters and their exercises, executed by papermill as a user would."""

import io
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
import pandas as pd
import pytest
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError

from benchhealth_utils import DATASETS, compare, frame, paper, published
from benchhealth_utils.printed import derived

ROOT = Path(__file__).parent.parent
SCENARIOS = ["reasoning", "generation", "understanding"]


def papermill(*arguments, cwd=ROOT, stdout=subprocess.PIPE, **environment):
    return subprocess.run(
        [sys.executable, "-m", "papermill", *map(str, arguments)], cwd=cwd, stdout=stdout,
        stderr=subprocess.PIPE, text=True, timeout=600, env={**os.environ, **environment},
    )  # fmt: skip


def execute(notebook, folder, *parameters, **environment):
    """The executed notebook, as text."""
    target, environment = folder / "out.ipynb", {"BENCHHEALTH_RUNS": str(folder)} | environment
    done = papermill(notebook, target, "-p", "model", "majority", *parameters, **environment)
    assert done.returncode == 0, done.stderr[-3000:]
    return target.read_text(encoding="utf-8")


def shown(text, name):
    """A table of an executed notebook, by its id; cells as they are printed."""
    for cell in json.loads(text)["cells"]:
        for output in cell.get("outputs", ()):
            html = "".join(output.get("data", {}).get("text/html", ""))
            if f'id="T_{name}"' in html:
                (found,) = pd.read_html(io.StringIO(html), thousands=None, keep_default_na=False)
                return found.astype(str)
    raise AssertionError(f"no table {name}")


def images(text):
    cells = json.loads(text)["cells"]
    return sum("image/png" in o.get("data", {}) for c in cells for o in c.get("outputs", ()))


@pytest.fixture(scope="module")
def executed(tmp_path_factory):
    """Each chapter on the samples, executed once."""
    found = {}

    def chapter(name):
        if name not in found:
            folder = tmp_path_factory.mktemp(name)
            found[name] = execute(f"notebooks/{name}.ipynb", folder), folder
        return found[name]

    return chapter


def runs_of(model, scenario):
    return [run for run in published(model) if DATASETS[run.dataset].scenario == scenario]


@pytest.mark.parametrize("chapter", SCENARIOS)
def test_the_tables_hold_what_was_measured_on_the_full_test_sets(chapter, executed):
    text, _ = executed(chapter)
    table = shown(text, f"{chapter}-scores")
    wanted = frame(runs_of("majority", chapter))
    if chapter != "reasoning":
        both = zip(runs_of("majority", chapter), runs_of("supervised", chapter), strict=True)
        wanted = frame([run for pair in both for run in pair])
    assert list(table["n"]) == [f"{DATASETS[key].size:,}" for key in wanted["dataset"]]
    for column, name in {"Score": "value", "from": "low", "to": "high"}.items():
        assert list(table[column]) == [f"{100 * value:.1f}" for value in wanted[name]]
    assert set(table["Data"]) == {"official"}


@pytest.mark.parametrize("chapter", SCENARIOS)
def test_the_paper_and_the_rival_stand_beside_it(chapter, executed):
    text, _ = executed(chapter)
    beside = shown(text, f"{chapter}-paper").set_index("Data set")
    llms = paper(5).drop("sota")
    column = "The paper's median" if chapter == "reasoning" else "Paper's median"
    pairs = compare(runs_of("majority", chapter), runs_of("supervised", chapter))
    for key in pairs["dataset"]:
        median = float(beside.loc[DATASETS[key].name, column])
        assert median == pytest.approx(llms[key].median(), abs=0.051)
    compared = shown(text, f"{chapter}-comparison")
    assert list(compared["Difference"]) == [f"{100 * x:z.1f}" for x in pairs["difference"]]


def test_what_is_worked_by_hand_agrees_with_the_package(executed):
    wilson = shown(executed("reasoning")[0], "wilson")
    assert list(wilson["from by hand"]) == list(wilson["from"])
    assert list(wilson["to by hand"]) == list(wilson["to"])
    rouge = shown(executed("generation")[0], "rouge")
    assert list(rouge["By hand"]) == list(rouge["Package"])
    assert float(rouge["Package"][1]) > 60  # the opposite
    bleu = re.search(r"by hand (0\.\d+), package (0\.\d+)", executed("generation")[0])
    assert bleu[1] == bleu[2]
    drugs = shown(executed("reasoning")[0], "drugs")
    scores = {run.model: run.scores.value for run in published(dataset="chatdoctor")}
    micro = [f"{100 * scores[model]:.1f}" for model in drugs["Model"]]
    assert list(drugs["Micro F1"]) == micro != list(drugs["Mean of item F1"])


@pytest.mark.parametrize(("chapter", "figures"), list(zip(SCENARIOS, (2, 2, 3), strict=True)))
def test_a_chapter_shows_one_item_all_the_way_and_its_figures(chapter, figures, executed):
    text, folder = executed(chapter)
    assert "model = 'majority'" in text and "data = data/samples" in text
    assert images(text) == figures
    assert f'id=\\"{chapter}-answers\\"' in text and "<blockquote>" in text
    kept = sorted((folder / "results" / "majority").glob("*.json"))
    assert len(kept) == sum(spec.scenario == chapter for spec in DATASETS.values())
    assert all("samples" in path.name for path in kept)


def copy_with(chapter, changes, folder):
    """A chapter in which some words of its cells were changed by hand."""
    text = (ROOT / "notebooks" / f"{chapter}.ipynb").read_text(encoding="utf-8")
    for old, new in changes.items():
        assert text.count(old) >= 1, old
        text = text.replace(old, new)
    path = folder / f"{chapter}.ipynb"
    path.write_text(text, encoding="utf-8")
    return path


CHANGES = {
    "reasoning": {'color=\\"C0\\"': 'color=\\"C3\\"', '== \\"accuracy\\"]': '!= \\"\\"]'},
    "generation": {"alpha=0.35)": 'palette=\\"flare\\")', ".median()\\n": ".max()\\n"},
    "understanding": {
        'cmap=\\"Blues\\"': 'cmap=\\"viridis\\"',
        "rows, draws = run.rows, {}": "draws, rows = {}, run.rows.assign("
        'group=run.rows[\\"group\\"].factorize()[0] // 10)',
    },
}


@pytest.mark.parametrize("chapter", SCENARIOS)
def test_a_chapter_with_changed_cells_and_a_data_set_of_ones_own_runs(chapter, tmp_path, executed):
    own = tmp_path / "own.csv"
    own.write_text("text,answer\n" + "a note of pain,pain\na note of fever,fever\n" * 9)
    labels = "" if chapter == "generation" else "labels=['pain', 'fever'], "
    added = f"bh.add_csv('own', '{own}', text='text', gold='answer', {labels}scenario='{chapter}')"
    changes = CHANGES[chapter] | {"keys = data_sets(": f"{added}; keys = data_sets("}
    text = execute(copy_with(chapter, changes, tmp_path), tmp_path, "-p", "limit", "2")
    assert images(text) == images(executed(chapter)[0])
    scores = shown(text, f"{chapter}-scores")
    as_before = scores[scores["Data set"] != "own"].reset_index(drop=True)
    assert as_before.equals(shown(executed(chapter)[0], f"{chapter}-scores"))
    assert set(scores[scores["Data set"] == "own"]["Data"]) == {"other"}


def test_a_mistyped_parameter_is_refused(tmp_path):
    done = papermill("notebooks/reasoning.ipynb", tmp_path / "r.ipynb", "-p", "modle", "x")
    assert done.returncode != 0 and "There is no parameter 'modle'" in done.stderr


def test_a_model_that_is_not_there_is_refused_before_data_is_read(tmp_path):
    (tmp_path / "medqa").mkdir()
    done = papermill(
        "notebooks/reasoning.ipynb", tmp_path / "r.ipynb", "-p", "model", "gpt-4",
        BENCHHEALTH_DATA=str(tmp_path),
    )  # fmt: skip
    assert done.returncode != 0
    assert "cannot be run here" in done.stderr and "DataError" not in done.stderr
    assert done.stderr.strip().splitlines()[-1].startswith("ModelError: gpt-4 ")
    assert "Traceback" not in (tmp_path / "r.ipynb").read_text(encoding="utf-8")


def test_a_mistyped_value_ends_in_its_message_where_output_is_redirected(tmp_path):
    done = papermill("notebooks/reasoning.ipynb", "-p", "mode", "likelyhood")
    assert done.returncode != 0 and "Traceback" not in done.stderr
    assert "Did you mean likelihood?" in done.stderr.strip().splitlines()[-1]
    assert "papermill-error-cell" in done.stdout  # the notebook, up to there


def test_the_redirected_form_and_another_working_folder(tmp_path):
    with (tmp_path / "out.ipynb").open("w") as out:
        done = papermill(
            ROOT / "notebooks/generation.ipynb",
            *("-p", "model", "majority", "-p", "limit", "2"),
            cwd=tmp_path,
            stdout=out,
            BENCHHEALTH_RUNS=str(tmp_path),
        )
    assert done.returncode == 0, done.stderr[-3000:]
    shown((tmp_path / "out.ipynb").read_text(encoding="utf-8"), "generation-scores")


@pytest.fixture
def hospital(samples, tmp_path):
    """A folder with the two MIMIC sets alone, each with one text that is no sample."""
    root = tmp_path / "hospital"
    for key in ("mimic_cxr", "mimic_iii"):
        shutil.copytree(samples / key, root / key)
    for path in [*root.rglob("s*.txt"), *root.rglob("*.csv")]:
        text = path.read_text(encoding="utf-8")
        path.write_text(text.replace("pleural", "zebrafinch").replace(" aspirin", " zebrafinch"))
    return root


def test_a_hospital_with_the_two_mimic_sets_alone(hospital, tmp_path):
    runs = tmp_path / "runs"
    runs.mkdir()
    text = execute("notebooks/generation.ipynb", runs, BENCHHEALTH_DATA=str(hospital))
    table = shown(text, "generation-scores")
    assert set(table["Data set"]) == {"MIMIC-CXR", "IU-Xray", "MIMIC-III"}
    assert set(table["Data"]) == {"credentialed", "official"}
    assert "left out: IU-Xray" in text
    assert "zebrafinch" not in text and str(hospital) not in text
    text = execute("notebooks/reasoning.ipynb", runs, BENCHHEALTH_DATA=str(hospital))
    assert "left out: MedQA (USMLE), MedMCQA, MMLU-Medicine, PubMedQA, ChatDoctor" in text
    assert list(shown(text, "reasoning-scores")["n"])[0] == "1,273"


@pytest.fixture(scope="module")
def few_shot(tmp_path_factory):
    folder = tmp_path_factory.mktemp("few-shot")
    chosen = ("-p", "limit", "3", "-p", "shot_counts", "0 1 3", "-p", "seeds", "0 1")
    return execute(copy_with("few_shot", {"colorblind": "Set2"}, folder), folder, *chosen)


def test_figure_1_is_what_follows_from_table_5(few_shot):
    table, wanted = shown(few_shot, "few-shot-printed"), derived()
    assert images(few_shot) == 2
    assert table.iloc[:, :2].values.tolist() == wanted[["name", "type"]].values.tolist()
    numbers = wanted[["reasoning", "figure_1_generation", "understanding"]].to_numpy()
    assert table.iloc[:, 2:].astype(float).to_numpy() == pytest.approx(numbers, abs=0.051)


def test_a_model_that_reads_no_exemplar_gains_nothing(few_shot):
    """Holm by hand is held against the package's in the cell itself."""
    gains = shown(few_shot, "few-shot-gains").rename(columns=str.lower)
    assert len(gains) == 3 * 2
    for column, value in {"difference": 0, "p": 1, "p (holm)": 1}.items():
        assert (gains[column].astype(float) == value).all()
    assert set(shown(few_shot, "few-shot-price").iloc[:, -1]) <= {"", "nan"}
    assert set(shown(few_shot, "exemplars").iloc[:, -1]) == {"0"}


@pytest.fixture(scope="module")
def clinical(tmp_path_factory):
    folder = tmp_path_factory.mktemp("usefulness")
    return execute("notebooks/clinical_usefulness.ipynb", folder, "-p", "limit", "4")


def test_figure_2_and_what_it_is_made_of(clinical):
    assert images(clinical) == 1
    table = shown(clinical, "results-usefulness")
    robust = dict(zip(table.iloc[:, 0], table.iloc[:, 3], strict=True))
    assert [robust[x] for x in ("ChatGLM", "ChatGLM-Med", "DoctorGLM")] == ["21.1", "22.4", "21.3"]
    assert shown(clinical, "by-hand").iloc[-1, -1] == "21.1"
    assert len(shown(clinical, "usefulness")) > 3
    best = paper(5).drop("sota").mean(axis=1).idxmax()
    assert shown(clinical, "same-sets").iloc[0, 0] == derived().loc[best, "name"]


def test_a_false_summary_beats_a_true_one_in_words_in_common(clinical):
    table = shown(clinical, "false-words").iloc[:, 1:].astype(float).to_numpy()
    same, false, _, true = table
    assert set(same) == {100} and false[0] > 80 > 20 > true[0]


def test_a_model_that_does_not_read_is_moved_by_the_order_of_options_alone(clinical):
    for row in shown(clinical, "perturbed").itertuples(index=False):
        assert (float(row[-1]) > 0) == (row[1] == "option_order"), row


def filled(path):
    """An exercise notebook, its blanks filled with the solutions that follow."""
    notebook = nbformat.read(path, as_version=4)
    tagged = [(cell, cell.metadata.get("tags", [""])[0]) for cell in notebook.cells]
    blanks, answers = ([c for c, tag in tagged if tag == t] for t in ("exercise", "solution"))
    assert len(blanks) == len(answers) == 3
    for blank, answer in zip(blanks, answers, strict=True):
        assert "..." in blank.source and "..." not in answer.source
        assert "hide-cell" in answer.metadata["tags"]
        blank.source = answer.source
    return notebook


@pytest.mark.parametrize("chapter", [*SCENARIOS, "few_shot", "clinical_usefulness"])
def test_exercises_check_themselves(chapter):
    path = ROOT / "notebooks" / "exercises" / f"{chapter}.ipynb"
    NotebookClient(filled(path), timeout=300).execute()
    with pytest.raises(CellExecutionError, match="AssertionError|TypeError|ValueError|BenchHealth"):
        NotebookClient(nbformat.read(path, as_version=4), timeout=300).execute()
