"""Results: what is kept can be worked out again, and what is broken is named."""

import copy
import dataclasses
import gzip
import importlib.util
import json
import re
import shutil
import warnings
from functools import cache

import numpy as np
import pandas as pd
import pytest
from publish import main, publish_answers, without_echo
from verify import published_answers

from benchhealth_utils import DATASETS, evaluate, frame, items, load, published, read
from benchhealth_utils.results import record, recorded
from benchhealth_utils.schema import DATA, Answer, BenchHealthError, Example
from benchhealth_utils.tasks import score

ANSWERS = sorted((DATA / "answers").glob("*/*.jsonl"))


def of(path):
    return path.parent.name, path.name.removesuffix("-0shot-generate.jsonl")


@pytest.fixture(scope="module")
def runs():
    return published()


def test_every_published_file_is_read_and_none_is_left_out(runs):
    files = sorted((DATA / "results").rglob("*.json"))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert len(recorded(DATA / "results")) == len(files) == len(runs)
    assert all(run.scores.n == DATASETS[run.dataset].size and run.comparable for run in runs)


def test_a_run_in_which_nothing_was_to_be_found_is_read_back(samples, tmp_path, monkeypatch):
    monkeypatch.setenv("BENCHHEALTH_DATA", str(samples))
    (run,) = evaluate("majority", "gad", limit=2, store=tmp_path, progress=False)
    assert np.isnan(run.scores.value)
    record(run, tmp_path)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert len(recorded(tmp_path)) == 1


def test_published_runs_hold_no_text(runs):
    for run in runs:
        table = items(run)
        assert table[["reading", "gold", "reply"]].isna().all(axis=None)
        assert not run.examples and not run.answers


def test_a_run_is_read_back_as_it_was(tmp_path):
    for run in evaluate("majority", ["medqa", "iu_xray", "mimic_iii", "ddi"], limit=5):
        path = record(run, tmp_path)
        assert re.fullmatch(rf"{run.dataset}-0shot-generate-samples-5-seed0\.json", path.name)
    again = recorded(tmp_path)
    assert [run.dataset for run in again] == ["medqa", "iu_xray", "mimic_iii", "ddi"]
    run = evaluate("majority", "medqa", limit=5)[0]
    columns = ["value", "low", "high", "n", "coverage", "source", "comparable"]
    assert frame([again[0]])[columns].equals(frame([run])[columns])
    record(run, tmp_path)
    assert len(recorded(tmp_path)) == 4  # the same run again takes its own place
    assert published("majority", "medqa")[0].scores.n == 1273


EDITS = {
    "not JSON": lambda row: "{",
    "a list": lambda row: [row],
    "no value": lambda row: row.pop("value") and row,
    "no signature": lambda row: row.pop("signature") and row,
    "another data set": lambda row: row | {"dataset": "MEDQA"},
    "a model that is no text": lambda row: row | {"model": 7},
    "usage that is a list": lambda row: row | {"usage": []},
    **{
        f"{name} {value!r}": lambda row, name=name, value=value: row | {name: value}
        for name in ("value", "precision", "recall", "coverage")
        for value in (55.2, -0.1, float("nan"), "0.5", None, True)
    },
    "interval of one": lambda row: row | {"interval": [0.1]},
    "interval of points": lambda row: row | {"interval": [10, 20]},
    "another n": lambda row: row | {"n": row["n"] + 1},
    "n as text": lambda row: row | {"n": "5"},
    "a better value": lambda row: row | {"value": row["value"] / 2 + 0.5},
}


@pytest.fixture(scope="module")
def done():
    return evaluate("majority", ["medqa", "gad"], limit=5, progress=False)


@pytest.mark.parametrize("edit", EDITS.values(), ids=EDITS)
def test_a_result_that_was_edited_is_named_and_the_others_stay(edit, done, tmp_path):
    edited, _ = (record(run, tmp_path) for run in done)
    found = edit(json.loads(edited.read_text()))
    edited.write_text(found if isinstance(found, str) else json.dumps(found))
    with pytest.warns(UserWarning, match=f"majority/{edited.name}.*left out"):
        assert [run.dataset for run in recorded(tmp_path)] == ["gad"]


@pytest.mark.parametrize("how", "gone cut hurt less twice sum status plain".split())
def test_items_that_were_edited_are_named(how, done, tmp_path):
    path = record(done[0], tmp_path)
    file = path.with_suffix(".csv.gz")
    lines = gzip.decompress(file.read_bytes()).decode().splitlines()
    if how == "less":
        lines.pop()
    elif how == "twice":
        lines[-1] = lines[-2]
    elif how == "sum":
        lines[1] = lines[1].replace(",0.0,", ",1.0,", 1).replace(",1.0,", ",0.5,", 1)
    elif how == "status":
        lines[1] = lines[1].replace(",ok,", ",OK,")
    data = gzip.compress("\n".join(lines).encode())
    hurt = data[:20] + bytes(b ^ 255 for b in data[20:40]) + data[40:]
    data = {"cut": data[:-20], "hurt": hurt, "plain": b"id,group"}.get(how, data)
    file.unlink() if how == "gone" else file.write_bytes(data)
    with pytest.warns(UserWarning, match="left out"):
        assert recorded(tmp_path) == []


def test_official_follows_from_the_data_and_not_from_a_word(done, tmp_path):
    path = record(done[0], tmp_path)
    row = json.loads(path.read_text())
    claim = copy.deepcopy(row)
    claim["official"] = True
    claim["signature"]["data"] |= {"source": "official", "limit": 0, "items": 1273}
    path.write_text(json.dumps(claim))
    (run,) = recorded(tmp_path)
    assert not run.official and not run.comparable
    genuine = DATA / "results" / "majority" / "medqa-0shot-generate.json"
    shutil.copytree(genuine.parent, tmp_path / "copy" / "majority")
    assert all(run.official for run in recorded(tmp_path / "copy"))


@pytest.mark.parametrize("path", ANSWERS, ids=lambda path: "-".join(of(path)))
def test_published_answers_are_those_of_the_published_result(path, real_data):
    model, key = of(path)
    (run,) = published(model, key)
    examples, found = load(key, root=real_data), published_answers(path)
    assert [e.id for e in examples] == list(found) == list(run.rows["id"])
    assert [found[e.id][0] for e in examples] == list(run.rows["status"])
    for example in examples:
        text = found[example.id][1]
        assert without_echo(text, example) == text
    if key != "iu_xray":  # there the reading is the text, of which repeated words are left out
        readings = [found[e.id][2] if found[e.id][0] == "ok" else None for e in examples]
        value = score(key, [e.gold for e in examples], readings).value
        assert value == pytest.approx(run.scores.value)


def test_an_answer_given_to_read_keeps_its_status():
    (example,) = load("medqa", limit=1)
    assert read(example, "Answer: B") == "B" == read(example, Answer("1", "ok", "Answer: B"))
    assert read(example, Answer("1", "truncated", "Answer: B")) is None


def test_what_a_reply_repeats_is_left_out_and_counted():
    words = "one two three four five six seven eight nine"
    item = Example("1", "gad", {"sentence": words}, "yes", "1")
    assert without_echo(f"Well, {words.title()}!", item) == "Well, [9 words of the item]!"
    assert without_echo("one two three four five six seven", item).startswith("one two")


def test_only_full_official_runs_of_language_models_are_published(done, tmp_path):
    with pytest.raises(BenchHealthError, match="only complete runs of the full official data"):
        publish_answers(done[0], tmp_path)
    (run,) = evaluate("majority", "mimic_iii", limit=5, progress=False)
    with pytest.raises(BenchHealthError, match="credentialed"):
        publish_answers(run, tmp_path)
    for key, said in (("gad", "only runs of the official data"), ("mimic_cxr", "credentialed")):
        with pytest.raises(SystemExit, match=f"{key}.*{said}"):
            main(["majority", key])


def test_an_installed_package_is_not_written_into(tmp_path, monkeypatch, real_data):
    monkeypatch.setenv("BENCHHEALTH_DATA", str(real_data))
    monkeypatch.setenv("BENCHHEALTH_RUNS", str(tmp_path))
    monkeypatch.setattr("benchhealth_utils.results.CLONED", False)
    (run,) = evaluate("majority", "gad", progress=False)
    run = dataclasses.replace(run, model="mine")
    assert run.official and record(run).is_relative_to(tmp_path / "results" / "mine")


def test_a_place_for_results_that_is_taken_is_named(done, tmp_path):
    (run, *_) = done
    path = record(run, tmp_path)
    path.unlink()
    path.mkdir()
    with pytest.raises(BenchHealthError, match=f"{path.name} cannot be read or written: Is a dir"):
        record(run, tmp_path)
    with pytest.warns(UserWarning, match=f"{path.name}: it is no result.*left out"):
        assert recorded(tmp_path) == []


def test_a_damaged_file_of_answers_names_its_line(tmp_path):
    path = tmp_path / "gad.jsonl"
    assert published_answers(path) == {}
    path.write_text('{"id": "1", "status": "ok", "text": "a"}\n[]\n')
    with pytest.raises(BenchHealthError, match="line 2: not a published answer"):
        published_answers(path)


def test_the_oddities_are_what_their_rules_name(real_data, monkeypatch):
    monkeypatch.setenv("BENCHHEALTH_DATA", str(real_data))
    spec = importlib.util.spec_from_file_location("oddities", DATA.parent / "tools" / "oddities.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    monkeypatch.setattr(module.bh, "load", cache(load))  # each part is read once
    groups = {item.id: item.group for item in load("gad")}
    found = module.sources(load("gad"))
    alike = [
        {frozenset(ids) for ids in pd.Series(x).groupby(x).groups.values()} for x in (groups, found)
    ]
    assert alike[0] == alike[1] and len(alike[0]) == 372
    kept = pd.read_csv(DATA / "oddities.csv").set_index(["dataset", "name"])["items"].to_dict()
    ids = pd.read_csv(DATA / "oddities-items.csv.gz", dtype=str)
    ids = ids.groupby(["dataset", "name"])["id"].agg(set).to_dict()
    assert {(key, name): len(odd) for key, name, _, odd in module.found()} == kept
    assert {key: len(each) for key, each in ids.items()} == kept
    known = {("iu_xray", "impression in train"): 220, ("ddi", "crowded sentence"): 3675}
    assert known.items() <= kept.items()


def test_the_authors_letters_are_right_where_they_equal_gold(real_data):
    letters = pd.read_csv(DATA / "paper" / "authors_mmlu.csv", keep_default_na=False)
    gold = {item.id: item.gold for item in load("mmlu_medicine", root=real_data)}
    assert list(letters["id"]) == list(gold)
    right = [
        int(gold[one] == letter) for one, letter in zip(letters.id, letters.letter, strict=True)
    ]
    assert list(letters["right"]) == right and sum(right) == 149


def test_the_authors_reports_are_a_split_that_their_exemplars_avoid(real_data, tmp_path):
    (tmp_path / "splits").mkdir()
    (tmp_path / "iu_xray").symlink_to(real_data / "iu_xray")
    own = DATA / "splits" / "iu_xray_authors.tsv"
    shutil.copy(own, tmp_path / "splits" / "iu_xray_clin_summ.tsv")
    test, train = (
        {item.id for item in load("iu_xray", split, root=tmp_path)} for split in ("test", "train")
    )
    assert len(test) == 339 and len(train) == 3419 - 339 and not test & train
    assert len(test & {item.id for item in load("iu_xray", "train", root=real_data)}) == 258
    kept = pd.read_csv(DATA / "authors_iu_xray.csv").set_index(["split", "model"])
    for model in ("majority", "supervised"):
        (run,) = published(model, "iu_xray")
        assert run.scores.value == pytest.approx(kept.loc[("clin-summ", model), "value"], abs=1e-6)
