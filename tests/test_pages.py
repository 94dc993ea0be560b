"""Tables of the prose pages, the headline, and the pages themselves."""

import json
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from benchhealth_utils import DATASETS, MODELS, score
from benchhealth_utils.report import pages
from benchhealth_utils.report.headline import (
    PAPER,
    SCENARIOS,
    headline,
    headline_frame,
)

ROOT = Path(__file__).parent.parent
BOOK = ROOT / "book"
PAGES = (
    "index your-data your-model servers rate-replies metrics models teaching sheet solutions "
    "extend glossary bibliography"
).split()
PAPER_MODELS = list(MODELS)[:16]


def paper(name):
    return pd.read_csv(ROOT / "data" / "paper" / f"{name}.csv", keep_default_na=False)


# ---- Tables 2 and 3, and the files


def test_table_2_has_the_five_metrics_and_says_what_is_not_stated():
    shown = pages.table2()
    frame = shown.data
    assert [row.split(" (")[0].lower() for row in frame["Metric"]] == list(paper("table2").metric)
    assert list(frame["What it is"]) == list(paper("table2").definition)
    lower = [row for row in frame["Metric"] if "(lower is better)" in row]
    assert lower == ["Robustness (lower is better)"]
    sets = dict(zip(frame["Metric"].str.split(" ").str[0], frame["Data sets"], strict=True))
    assert sets["Matching"] == sets["Generalizability"] == len(DATASETS) == 13
    assert sets["Faithfulness"] == sets["Comprehensiveness"] == "not stated"
    assert sets["Robustness"] == 8
    assert "Not stated" in shown.caption and shown.uuid == "table-2"
    assert not (frame == "").any().any()


def test_table_3_has_every_model_of_the_paper_in_its_order():
    shown = pages.table3()
    frame = shown.data
    assert list(frame["Key"]) == PAPER_MODELS == list(paper("table3").model)
    assert list(frame["Model"]) == list(paper("table3").name)
    assert shown.caption.startswith("Table 3.") and shown.uuid == "table-3"
    assert not (frame == "").any().any()


@pytest.mark.parametrize("key", PAPER_MODELS)
def test_table_3_says_of_each_model_what_the_registry_says(key):
    spec = MODELS[key]
    row = pages.table3().data.set_index("Key").loc[key]
    size = paper("table3").set_index("model").loc[key, "parameters"]
    assert row["Type, parameters"] == f"{spec.type}, {size or 'size not published'}"
    assert (" (assumed)" in row["Published as"]) == spec.assumed
    assert (spec.checkpoint or "no checkpoint") in row["Published as"]
    assert ("cannot be run" in row["Needed today"]) == (spec.published == "api")
    assert ("a server with older" in row["Needed today"]) == (spec.published == "legacy")
    assert ("licence" in row["Needed today"]) == spec.gated
    if spec.published == "api":
        assert spec.successor in row["Needed today"] and str(spec.retired) in row["Needed today"]


def test_the_terms_of_each_model_are_the_registrys():
    frame = pages.terms_table().data.set_index("Key")
    assert list(frame.index) == PAPER_MODELS and not (frame == "").any().any()
    assert frame.loc["llama-2-7b", "Chat format"] == "llama-2-chat"
    assert frame.loc["gpt-4", "Window (tokens)"] == "8,192"


def test_contamination_is_shown_where_it_is_known():
    shown = set(pages.contamination_table().data["Key"])
    assert shown == {key for key in PAPER_MODELS if MODELS[key].contamination}
    assert {"medalpaca-7b", "chatdoctor-7b"} <= shown


def test_prices_carry_their_date():
    frame = pages.price_table().data.set_index("Key")
    assert set(frame.index) == {key for key in PAPER_MODELS if MODELS[key].published == "api"}
    for key, row in frame.iterrows():
        assert row["Listed"] == MODELS[key].price["listed"] and row["Successor"]


def test_marks_of_table_3_are_explained_in_its_caption():
    shown = pages.table3()
    used = " ".join(shown.data["Published as"])
    for mark, word in (("(assumed)", "Assumed:"), ("no checkpoint", "No checkpoint:")):
        assert mark in used and word in shown.caption


@pytest.mark.parametrize(("key", "gigabytes"), [("llama-2-70b", 140), ("medalpaca-13b", 26)])
def test_memory_is_two_bytes_a_parameter(key, gigabytes):
    assert f"about {gigabytes} GB" in pages.needed(MODELS[key])


def test_the_files_are_those_of_the_registry():
    frame = pages.layout().data
    files = [(key, entry) for key, spec in DATASETS.items() for entry in spec.files]
    assert len(frame) == len(files)
    assert [key for key in frame["Key"] if key] == list(DATASETS)
    for (key, entry), (_, row) in zip(files, frame.iterrows(), strict=True):
        name = row["File, in the data folder"]
        pattern = re.escape(name).replace("<commit>", "[0-9a-f]{40}")
        assert re.fullmatch(pattern, f"{DATASETS[key].folder}/{entry['name']}")
        by_hand = DATASETS[key].tier == "credentialed" or "url" not in entry
        assert row["Comes by"].startswith("hand: " if by_hand else "download")


def test_scores_in_words():
    found = score("chatdoctor", [frozenset({"a", "b"})] * 2, [frozenset({"a"}), None])
    assert pages.in_words(found, "hits", "mean_item_f1").splitlines() == [
        "micro F1 over set members: 40.0 (0.0 to 66.7)",
        "interval: percentile bootstrap over items",
        "precision 100.0, recall 25.0, coverage 50.0, n = 2",
        "hits: 1",
        "mean item f1: 33.3",
    ]


# ---- The headline


def recorded(folder, model, key, value, interval, official=True, complete=True):
    row = {
        "model": model,
        "dataset": key,
        "value": value,
        "interval": interval,
        "n": DATASETS[key].size,
        "coverage": 1.0,
        "official": official,
        "complete": complete,
        "signature": {"shots": 0, "mode": "generate", "data": {"source": "official"}},
    }
    path = folder / model / f"{key}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(row))


def columns(frame):
    return [name.split(" ")[0].lower() for name in frame if name != "Model"]


def test_scenarios_hold_every_open_data_set_once():
    every = [key for keys in SCENARIOS.values() for key in keys]
    assert every == [key for key, spec in DATASETS.items() if spec.tier == "open"]


def test_a_mean_stands_only_where_all_open_sets_are_measured(tmp_path):
    for key in SCENARIOS["reasoning"]:
        recorded(tmp_path, "gpt-4", key, 0.5, [0.4, 0.6])
    for key in SCENARIOS["understanding"][1:]:
        recorded(tmp_path, "gpt-4", key, 0.5, [0.4, 0.6])
    recorded(tmp_path, "hf:mine", "iu_xray", 0.25, [0.2, 0.35])
    frame = headline_frame(tmp_path)
    assert columns(frame) == ["reasoning", "generation", "understanding"]
    half = 10 / np.sqrt(5)  # five equal intervals: one half-width over the root of five
    assert list(frame.iloc[1]) == [
        "GPT-4",
        f"50.0 ({50 - half:.1f} to {50 + half:.1f})",
        "0 of 1 sets measured",
        "4 of 5 sets measured",
    ]
    assert list(frame.iloc[2]) == [
        "hf:mine",
        "0 of 5 sets measured",
        "25.0 (20.0 to 35.0)",
        "0 of 5 sets measured",
    ]


def test_a_mean_over_a_set_without_interval_has_none(tmp_path):
    """A set whose bootstrap has no spread is not a set without noise."""
    for key in SCENARIOS["understanding"]:
        recorded(tmp_path, "gpt-4", key, 0.5, [0.4, 0.6])
    recorded(tmp_path, "gpt-4", SCENARIOS["understanding"][-1], 0.0, [0.0, 0.0])
    assert headline_frame(tmp_path).iloc[1, 3] == "40.0 (interval not estimable)"
    assert "not estimable where that of one set is not" in headline(tmp_path).caption


@pytest.mark.parametrize("fault", [{"official": False}, {"complete": False}])
def test_results_that_may_not_be_compared_are_left_out(tmp_path, fault):
    recorded(tmp_path, "gpt-4", "iu_xray", 0.9, [0.8, 1.0], **fault)
    assert list(headline_frame(tmp_path)["Model"]) == [PAPER]


def test_the_papers_row_is_worked_out_from_its_table_5(tmp_path):
    table5 = paper("table5")
    models = table5[(table5.model != "sota") & (table5.value != "")].astype({"value": float})
    row = headline_frame(tmp_path).iloc[0]
    for name, (scenario, keys) in zip(row.index[1:], SCENARIOS.items(), strict=True):
        means = models[models.dataset.isin(keys)].groupby("model").value.agg(["mean", "size"])
        whole = means[means["size"] == len(keys)]["mean"]
        assert row[name] == f"{whole.min():.1f} to {whole.max():.1f}", scenario
        assert f"n = {sum(DATASETS[key].size for key in keys):,}" in name


def test_a_model_without_a_mean_is_named_in_the_caption(tmp_path):
    assert "ChatGLM-Med in understanding" in headline(tmp_path).caption


def test_every_model_with_official_results_is_in_the_headline():
    folders = {path.parent.name for path in (ROOT / "data" / "results").rglob("*.json")}
    names = set(headline_frame()["Model"])
    assert folders and {MODELS[key].name for key in folders if key in MODELS} <= names


# ---- The pages


def cells(text):
    return re.findall(r"```\{code-cell\}[^\n]*\n(.*?)```", text, re.DOTALL)


@pytest.mark.parametrize("name", PAGES)
def test_pages_have_one_heading_and_code_that_fits(name):
    text = (BOOK / f"{name}.md").read_text(encoding="utf-8")
    prose = re.sub(r"```.*?```", "", text, flags=re.DOTALL)
    assert len(re.findall(r"^# ", prose, re.MULTILINE)) == 1
    assert "jupytext" in text or not cells(text)
    for body in re.findall(r"```[^\n]*\n(.*?)```", text, re.DOTALL):
        if not body.lstrip().startswith(("abstention", "The guards")):
            assert max(map(len, body.splitlines() or [""])) <= 76, body


@pytest.mark.parametrize("name", PAGES)
def test_links_between_pages_lead_to_a_file_or_a_label(name):
    text = (BOOK / f"{name}.md").read_text(encoding="utf-8")
    labels = set(re.findall(r"^\(([\w-]+)\)=$", "".join(map(_read, PAGES)), re.MULTILINE))
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
