"""The chapters and their exercises, executed by papermill as a user would."""

import importlib.util
import re

import nbformat
import pytest
from chapters import CANARY, execute, images, papermill, planted, shown
from conftest import SAMPLES

from benchhealth_utils import DATASETS, cli, compare, frame, load, open_model, paper, published
from benchhealth_utils.answers import Store, ask
from benchhealth_utils.printed import derived
from benchhealth_utils.schema import ROOT

SCENARIOS = ["reasoning", "generation", "understanding"]
# Words of cells, changed by hand: a palette, a grouping.
CHANGES = {
    "reasoning": {'color=\\"C0\\"': 'color=\\"C3\\"'},
    "generation": {"alpha=0.35)": 'palette=\\"flare\\")'},
    "understanding": {
        'cmap=\\"Blues\\"': 'cmap=\\"viridis\\"',
        "rows, draws = run.rows, {}": "draws, rows = {}, run.rows.assign("
        'group=run.rows[\\"group\\"].factorize()[0] // 10)',
    },
}


def copy_with(chapter, changes, folder):
    """A chapter in which some words of its cells were changed by hand."""
    text = (ROOT / "notebooks" / f"{chapter}.ipynb").read_text(encoding="utf-8")
    for old, new in changes.items():
        assert text.count(old) >= 1, old
        text = text.replace(old, new)
    path = folder / f"{chapter}.ipynb"
    path.write_text(text, encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def executed(tmp_path_factory):
    """Each chapter once, with changed cells and a data set of one's own, from elsewhere.

    In the form that is redirected into a file.
    """
    found = {}

    def chapter(name):
        if name not in found:
            folder = tmp_path_factory.mktemp(name)
            own = folder / "own.csv"
            own.write_text("text,answer\n" + "a note of pain,pain\na note of fever,fever\n" * 9)
            labels = "" if name == "generation" else "labels=['pain', 'fever'], "
            added = f"bh.add_csv('own', '{own}', text='text', gold='answer', {labels}"
            changes = {"keys = data_sets(": f"{added}scenario='{name}'); keys = data_sets("}
            path = copy_with(name, CHANGES[name] | changes, folder)
            with (folder / "out.ipynb").open("w") as out:
                done = papermill(path, "-p", "model", "majority", cwd=folder, stdout=out,
                                 BENCHHEALTH_RUNS=str(folder))  # fmt: skip
            assert done.returncode == 0, done.stderr[-3000:]
            found[name] = (folder / "out.ipynb").read_text(encoding="utf-8"), folder
        return found[name]

    return chapter


def runs_of(model, scenario):
    return [run for run in published(model) if DATASETS[run.dataset].scenario == scenario]


@pytest.mark.parametrize("chapter", SCENARIOS)
def test_the_tables_hold_what_was_measured_on_the_full_test_sets(chapter, executed):
    text, _ = executed(chapter)
    table = shown(text, f"{chapter}-scores")
    own = table["Data set"] == "own"
    assert own.any() and set(table[own]["Data"]) == {"other"}
    table = table[~own]
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
    compared = compared[compared["Data set"] != "own"]
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
    assert len(kept) == 1 + sum(spec.scenario == chapter for spec in DATASETS.values())
    assert all("samples" in path.name or path.name.startswith("own-") for path in kept)


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
    # no traceback of the command; zmq may log one of its own while a kernel is stopped
    assert done.returncode != 0 and "papermill/cli.py" not in done.stderr
    assert "Did you mean likelihood?" in done.stderr.strip().splitlines()[-1]
    assert "papermill-error-cell" in done.stdout  # the notebook, up to there


@pytest.fixture(scope="module")
def few_shot(tmp_path_factory):
    """On planted files, also of exemplars."""
    folder = tmp_path_factory.mktemp("few-shot")
    chosen = ("-p", "limit", "3", "-p", "shot_counts", "0 1 3", "-p", "seeds", "0 1",
              "-p", "datasets", "medmcqa mimic_cxr gad")  # fmt: skip
    path, data = copy_with("few_shot", {"colorblind": "Set2"}, folder), folder / "data"
    planted(data, "medmcqa", "gad")
    return without_canary(folder, *execute(path, folder, *chosen, BENCHHEALTH_DATA=str(data)))


def without_canary(folder, text, log):
    """The chapter's text, if no credentialed word is in what it has written but answers."""
    stored = folder / "answers" / "majority" / "mimic_cxr.jsonl"
    assert CANARY in stored.read_text(encoding="utf-8")
    results = "".join(path.read_text("utf-8") for path in (folder / "results").rglob("*.json"))
    assert CANARY not in text + log + results
    return text


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
    """As `benchhealth run` executes it."""
    folder = tmp_path_factory.mktemp("usefulness")
    names = (path.name for path in SAMPLES.iterdir() if path.is_dir())
    data = planted(folder / "data", *(name for name in names if "mimic" not in name))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("BENCHHEALTH_DATA", str(data))
        patch.setenv("BENCHHEALTH_RUNS", str(folder))
        made = cli.run("majority", limit=4, chapters=["clinical_usefulness"])
    text = (made / "clinical_usefulness.ipynb").read_text(encoding="utf-8")
    assert "limit = 4" in text
    return without_canary(folder, text, ""), folder


def test_figure_2_and_what_it_is_made_of(clinical):
    clinical, _ = clinical
    assert images(clinical) == 2
    table = shown(clinical, "results-usefulness")
    robust = dict(zip(table.iloc[:, 0], table.iloc[:, 3], strict=True))
    assert [robust[x] for x in ("ChatGLM", "ChatGLM-Med", "DoctorGLM")] == ["21.1", "22.4", "21.3"]
    assert shown(clinical, "by-hand").iloc[-1, -1] == "21.1"
    assert len(shown(clinical, "usefulness")) > 3
    best = paper(5).drop("sota").mean(axis=1).idxmax()
    assert shown(clinical, "same-sets").iloc[0, 0] == derived().loc[best, "name"]


def test_a_false_summary_beats_a_true_one_in_words_in_common(clinical):
    table = shown(clinical[0], "false-words").iloc[:, 1:].astype(float).to_numpy()
    same, false, _, true = table
    assert set(same) == {100} and false[0] > 80 > 20 > true[0]


def test_a_model_that_does_not_read_is_moved_by_the_order_of_options_alone(clinical):
    for row in shown(clinical[0], "perturbed").itertuples(index=False):
        assert (float(row[-1]) > 0) == (row[1] == "option_order"), row


def test_what_it_asks_can_be_asked_beforehand(clinical, monkeypatch, tmp_path):
    _, folder = clinical
    monkeypatch.setenv("BENCHHEALTH_DATA", str(folder / "data"))
    spec = importlib.util.spec_from_file_location("ask", ROOT / "book" / "ask.py")
    spec.loader.exec_module(beforehand := importlib.util.module_from_spec(spec))
    asked = [request for request in beforehand.requests(4, 0) if not request.labels]
    for key in DATASETS:
        own = [request for request in asked if request.example.dataset == key]
        ask(open_model("majority"), own, pool=load(key, "train"), store=tmp_path, progress=False)
    found, made = (
        {path.name: set(Store(path).read()) for path in root.glob("majority/*.jsonl")}
        for root in (tmp_path, folder / "answers")
    )
    assert len(made) == 13 and all(made[name] <= found[name] for name in made)


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

    blank, space, check = iter(nbformat.read(path, as_version=4).cells), {}, None
    for cell in filled(path).cells:
        kind, source = cell.metadata.get("tags", [""])[0], next(blank).source
        if kind == "check":
            check = cell.source
            with pytest.raises(AssertionError, match="still blank"):
                exec(compile(check, chapter, "exec"), space)
        elif cell.cell_type == "code":
            exec(compile(source, chapter, "exec"), space)
        if kind == "solution":
            exec(compile(check, chapter, "exec"), space)
