"""The prose pages: headings, links, terms, and tables that agree with the paper's files."""

import ast
import re
from pathlib import Path

import pandas as pd
import pytest

from benchhealth_utils import DATASETS, MODELS, paper, published

EXAMS = ("medqa", "medmcqa", "mmlu_medicine")
ROOT = Path(__file__).parent.parent
BOOK = ROOT / "book"
PAGES = sorted(path.stem for path in BOOK.glob("*.md"))


def cells(text):
    return re.findall(r"```\{code-cell\}[^\n]*\n(.*?)```", text, re.DOTALL)


@pytest.mark.parametrize("name", PAGES)
def test_pages_have_one_heading_and_code_that_fits(name):
    text = (BOOK / f"{name}.md").read_text(encoding="utf-8")
    prose = re.sub(r"```.*?```", "", text, flags=re.DOTALL)
    assert len(re.findall(r"^# ", prose, re.MULTILINE)) == 1
    assert "jupytext" in text or not cells(text)
    for body in re.findall(r"```[^\n]*\n(.*?)```", text, re.DOTALL):
        if not body.lstrip().startswith("abstention"):
            lines = re.sub(r"^---\n.*?^---\n", "", body, flags=re.DOTALL | re.MULTILINE)
            assert max(map(len, lines.splitlines() or [""])) <= 90, body


@pytest.mark.parametrize("name", PAGES)
def test_links_between_pages_lead_to_a_file_or_a_label(name):
    text = (BOOK / f"{name}.md").read_text(encoding="utf-8")
    labels = set(re.findall(r"^\(([\w-]+)\)=$", "".join(map(_read, PAGES)), re.MULTILINE))
    figure = re.compile(r'"figure": \{[^{}]*"name": "([^"]+)"')
    for chapter in (ROOT / "notebooks").glob("*.ipynb"):
        labels |= set(figure.findall(chapter.read_text(encoding="utf-8")))
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if not target.startswith("https://"):
            assert target in labels or (BOOK / target).exists(), target


def _read(name):
    return (BOOK / f"{name}.md").read_text(encoding="utf-8")


def test_each_exercise_has_a_hint_and_a_solution_that_is_executed():
    exercises = re.split(r"^\(exercise-(\d+)\)=$", _read("teaching"), flags=re.MULTILINE)[1:]
    solutions = re.split(r"^\(solution-(\d+)\)=$", _read("solutions"), flags=re.MULTILINE)[1:]
    assert exercises[::2] == solutions[::2] == [str(k) for k in range(1, len(exercises) // 2 + 1)]
    for number, exercise, solution in zip(
        exercises[::2], exercises[1::2], solutions[1::2], strict=True
    ):
        assert "{dropdown} Hint" in exercise and f"(solution-{number})" in exercise
        assert cells(solution)
        title = re.search(r"^#+ (.+)$", exercise, re.MULTILINE)[1]
        assert title == re.search(r"^#+ (.+)$", solution, re.MULTILINE)[1]


def test_terms_that_pages_use_are_in_the_glossary():
    defined = re.findall(r"^(\S.*)\n  \S", _read("glossary"), re.MULTILINE)
    assert len(defined) == len(set(defined)) >= 30
    letters = [re.sub("[^a-z0-9]", "", term.lower()) for term in defined]
    assert letters == sorted(letters)
    lower = {term.lower() for term in defined}
    for name in PAGES:
        for used in re.findall(r"\{term\}`([^`]+)`", _read(name)):
            term = re.sub(r".*<(.+)>", r"\1", used)
            assert term.lower() in lower, (name, used)


def test_cited_works_are_in_the_bibliography():
    known = set(re.findall(r"^@\w+\{(\S+),", (BOOK / "references.bib").read_text(), re.MULTILINE))
    for name in PAGES:
        for used in re.findall(r"\{cite\}`([^`]+)`", _read(name)):
            assert set(used.split(",")) <= known, (name, used)


def run(name, monkeypatch):
    """What the cells of a page leave behind, and the tables they end in or display."""
    shown = []
    monkeypatch.setattr("IPython.display.display", shown.append)
    space = {}
    for cell in cells(_read(name)):
        code = re.sub(r"\A---\n.*?^---\n|^:tags:[^\n]*", "", cell, flags=re.DOTALL | re.MULTILINE)
        tree = ast.parse(code)
        last = tree.body.pop() if isinstance(tree.body[-1], ast.Expr) else None
        exec(compile(tree, name, "exec"), space)
        if last:
            shown.append(eval(compile(ast.Expression(last.value), name, "eval"), space))
    return [each for each in shown if hasattr(each, "uuid")]


def test_table_5_of_the_page_is_the_papers(monkeypatch):
    tables = {each.uuid: each.data for each in run("results", monkeypatch)}
    printed = paper(5)
    for scenario in ("reasoning", "generation", "understanding"):
        shown = tables[f"table-5-{scenario}"].set_index("Model")
        keys = [key for key in printed if DATASETS[key].scenario == scenario]
        assert list(shown) == [DATASETS[key].name for key in keys]
        assert len(shown) == len(printed) + 1
        numbers = shown.iloc[:-1].replace(r" ≤", "", regex=True).replace("–", None).astype(float)
        numbers.index, numbers.columns = printed.index, keys
        pd.testing.assert_frame_equal(numbers, printed[keys], check_names=False)
        weak = shown.iloc[1:-1].apply(lambda column: column.str.contains("≤")).sum()
        expected = {"MMLU-Medicine": 9, "MedMCQA": 8, "IU-Xray": 16, "GAD": 16}
        assert all(weak[name] == n for name, n in expected.items() if name in weak)
    assert len(tables["ours"]) == len(published())


def test_tables_1_to_4_have_a_row_for_each_thing_of_the_paper(monkeypatch):
    (table1, *_), (table2, *_) = run("data", monkeypatch), run("metrics", monkeypatch)
    assert len(table1.data) == 13 and list(table1.data["Size"]) == list(paper(1)["size"])
    assert list(table2.data["Metric"]) == list(paper(2)["metric"])
    (table4, *_) = run("prompts", monkeypatch)
    assert set(table4.data["Instruction"]) == set(paper(4)["instruction"])
    table3 = next(each.data for each in run("models", monkeypatch) if each.uuid == "table-3")
    assert list(table3["Key"]) == [key for key in MODELS if key in set(paper(3)["model"])]


def test_no_page_types_a_measured_number():
    """A score in prose would not move with the data; tables and figures do."""
    for name in ("index", "results"):
        prose = re.sub(r"```.*?```", "", _read(name), flags=re.DOTALL)
        assert not re.findall(r"\d+\.\d", prose), name


def test_verdicts_on_siblings_follow_from_their_tests(monkeypatch):
    """Whichever siblings and results there are."""
    tables = {each.uuid: each.data for each in run("siblings", monkeypatch)}
    made = [key for key, spec in MODELS.items() if spec.published == "tuned"]
    assert len(tables["siblings-made"]) == len(made)
    assert set(tables["siblings-scores"]["Data set"]) <= {spec.name for spec in DATASETS.values()}
    found = {}
    for row in tables["siblings-verdicts"].to_dict("records"):
        assert (row["p_holm"] < 0.05) == (row["Verdict"] != "not shown with this n"), row
        assert row["p"] <= row["p_holm"] and row["low"] <= row["high"]
        harm = "harms" in row["The paper concludes"] or "less" in row["The paper concludes"]
        if row["Verdict"] == "shown":
            assert (row["difference"] < 0) == harm
        found[row["The paper concludes"], row["Here"]] = row["Verdict"]
    # what "In short" and the index say
    qa, dialogue = "qa against untuned", "dialogue against untuned"
    told = {
        ("Medical tuning helps reasoning", qa): "the opposite is shown",
        ("It harms summaries", qa): "the opposite is shown",
        ("It harms summaries", dialogue): "shown",
        ("They are less comprehensive", dialogue): "shown",
    }
    clear = {key: verdict for key, verdict in found.items() if "not" not in verdict}
    assert {key: clear[key] for key in clear if key[1] in (qa, dialogue)} == told
    right = [verdict for (_, pair), verdict in found.items() if pair == "qa against shuffled"]
    assert right.count("qa is higher") == len(right) - 1
    for row in tables["siblings-letters"].to_dict("records"):
        if row["Data set"] in {DATASETS[key].name for key in EXAMS}:
            for name in ("untuned", "qa", "shuffled", "dialogue"):
                assert float(row[name].split()[0]) < row["Constant answer"]
    letters = tables["siblings-letters-differences"]
    exams = letters[letters["title"].isin(DATASETS[key].name for key in EXAMS)]
    assert len(exams) and (exams["p_holm"] > 0.05).all()
    for row in tables["siblings-orders"].to_dict("records"):
        low, high = map(float, re.findall(r"[\d.]+", row["Same option"])[1:])
        assert low < row["By letters alone"] < high and float(row["Same letter"].split()[0]) > 80


def test_the_page_of_costs_shows_every_measurement(monkeypatch):
    tables = {each.uuid: each.data for each in run("speed", monkeypatch)}
    rows = pd.read_csv(ROOT / "data" / "bench" / "compared.csv")
    shown = tables["bench-compared"]
    assert sorted(shown["n"]) == sorted(rows["n"]) and set(shown["engine"]) >= {"this version"}
    assert set(shown.loc[shown["engine"] == "this version", "ratio"]) == {1}
