"""The claims: how margins are made and judged, then the file, then what decides it."""

import re
from pathlib import Path

import pandas as pd
import pytest
import yaml
from conftest import cases

from benchhealth_utils import frame, published
from benchhealth_utils.claims import FAILS, FILE, HOLDS, UNCHECKED, verdicts
from benchhealth_utils.printed import paper
from benchhealth_utils.schema import DataError

CASES = Path(__file__).parent / "cases"
ENTRIES = cases("claims")


def tables():
    t6 = paper(6).pivot(index="model", columns=["criterion", "opponent"], values="win_tie")
    text = pd.read_csv(FILE.with_name("text_numbers.csv")).set_index("quote")
    return {"t5": paper(5), "t6": t6, "numbers": text["value"].copy()}


@pytest.fixture(scope="module")
def checked():
    """All readings, as verdicts gives them."""
    return verdicts(also=True)


# ---- margins


# ---- verdicts


def one(tmp_path, name="abstract-size", **change):
    """A file with one claim, changed."""
    content = yaml.safe_load(FILE.read_text("utf-8"))
    content["claims"] = [entry for entry in content["claims"] if entry["id"] == name]
    content["claims"][0].pop("repeats", None)
    content["claims"][0].update(change)
    path = tmp_path / "claims.yaml"
    path.write_text(yaml.safe_dump(content, sort_keys=False), "utf-8")
    return path


@pytest.mark.parametrize(("change", "expected"), ENTRIES["judged"])
def test_a_claim_holds_if_all_its_margins_are_above_0(tmp_path, change, expected):
    (row,) = verdicts(path=one(tmp_path, **change)).to_dict("records")
    assert [row["verdict"], row["held"], row["n"]] == expected


def test_the_closest_comparisons_are_told(checked):
    rows = checked.drop_duplicates("id").set_index("id")
    closest = rows.loc["reasoning-chatglm", "closest"][0]
    gap = paper(5).loc["doctorglm", "medmcqa"] - paper(5).loc["chatglm-6b", "medmcqa"]
    assert closest == f"DoctorGLM, ChatGLM, MedMCQA {gap:+.2f}" and gap < 0
    assert rows.loc["intro-gaps", "closest"][0].startswith("MIMIC-III, GPT-4 -")
    assert rows.loc["intro-gpt4", "margin"] > 0
    for row in checked.to_dict("records"):
        assert (row["margin"] <= 0) == (row["held"] < row["n"]), row["id"]
        assert len(row["closest"]) == min(3, row["n"])


@pytest.mark.parametrize(("change", "said"), ENTRIES["refused"])
def test_a_wrong_entry_is_refused_with_its_place(tmp_path, change, said):
    with pytest.raises(DataError) as error:
        verdicts(path=one(tmp_path, **change))
    assert said in str(error.value) and "entry 1 (abstract-size)" in str(error.value)


def test_a_file_of_another_form_is_refused(tmp_path):
    path = one(tmp_path)
    content = yaml.safe_load(path.read_text("utf-8"))
    twice = content | {"claims": 2 * content["claims"]}
    for other, said in ((twice, "used twice"), ({"claims": []}, "'names'")):
        path.write_text(yaml.safe_dump(other), "utf-8")
        with pytest.raises(DataError, match=said):
            verdicts(path=path)
    path.write_text("claims: [", "utf-8")
    with pytest.raises(DataError, match="its head"):
        verdicts(path=path)


# ---- the file


def test_every_number_of_the_results_that_a_table_has_is_among_the_claims():
    numbers = pd.read_csv(FILE.with_name("text_numbers.csv"), dtype={"section": str})
    numbers = numbers.dropna(subset="where")
    numbers = numbers[numbers["section"].str.match(r"abstract|1|5\.[1-6]|caption of table 3")]
    entries = yaml.safe_load(FILE.read_text("utf-8"))["claims"]
    printed = [e["check"] for e in entries if e.get("check", "").startswith("printed")]
    used = set(re.findall(r'"([\w.-]+)"', " ".join(printed)))
    left = {"s5.1-1", "s5.4-4"}  # how many commercial models and scenarios there are, in passing
    assert set(numbers["quote"]) - left == used


DECISIVE = cases("decisive_numbers")


@pytest.mark.parametrize("case", DECISIVE, ids=[case["claim"] for case in DECISIVE])
def test_a_decisive_number_decides(checked, tmp_path, case):
    name, known = case["claim"], tables()
    assert checked.drop_duplicates("id").set_index("id").loc[name, "verdict"] == case["before"]
    for table in ("t5", "t6"):
        for cell, value in case.get(table, {}).items():
            model, column = cell.split()
            known[table].loc[model, column] = value
    for quote, value in case.get("numbers", {}).items():
        known["numbers"][quote] = value
    (row,) = verdicts(path=one(tmp_path, name), tables=known).to_dict("records")
    assert row["verdict"] == case["after"]


def test_claims_about_one_side_fail_when_the_scores_are_turned_round(checked):
    """None of them holds whatever the numbers are; a spread is not turned, so left out."""
    entries = {e["id"]: e for e in yaml.safe_load(FILE.read_text("utf-8"))["claims"]}
    known = tables()
    turned = verdicts(tables={"t5": 100 - known["t5"], "t6": 100 - known["t6"]})
    was = checked.drop_duplicates("id").set_index("id")["verdict"]
    sided = [
        row["id"]
        for row in turned.to_dict("records")
        if was[row["id"]] == HOLDS
        and not re.search("printed|spread|numbers", entries[row["id"]]["check"])
    ]
    assert set(turned.set_index("id").loc[sided, "verdict"]) == {FAILS} and len(sided) >= 15


def test_the_lost_cell_decides_nothing_within_the_range_of_the_others(checked):
    others = paper(5)["hoc"].drop(["sota", "claude-2", "gpt-3.5-turbo", "gpt-4"])
    assert others.isna().sum() == 1
    for value in (others.min(), others.max()):
        scores = paper(5)
        scores.loc["chatglm-med", "hoc"] = value
        now = verdicts(also=True, tables={"t5": scores})
        assert now["verdict"].equals(checked["verdict"])


# ---- what the book says in words


def test_what_the_page_says_in_words(checked):
    rows = checked.drop_duplicates("id").set_index("id")
    verdict, kinds = rows["verdict"], rows.groupby("kind")["verdict"].agg(set)
    assert FAILS not in kinds["a number or a count"]
    undecided = "few-shot learning", "earlier work, prompts, clinical needs", "how people rated"
    assert all(kinds[kind] == {UNCHECKED} for kind in undecided)
    picture = """intro-gpt4 intro-finetuning-understanding understanding-medical
        intro-finetuning-summaries generation-summaries"""
    assert set(verdict[picture.split()]) == {HOLDS}
    gaps = checked[checked["id"] == "intro-gaps"]  # not far on discharge instructions alone
    assert gaps["verdict"].tolist() == [FAILS, HOLDS, HOLDS]
    assert (gaps["n"] - gaps["held"]).tolist() == [1, 0, 0]
    counts = verdict[rows["repeats"] == ""].value_counts()
    assert 2 * counts[HOLDS] < counts.sum() and counts[UNCHECKED] > counts[FAILS]  # the first page
    failed = rows[(verdict == FAILS) & (rows["repeats"] == "")]
    share = failed["held"] / failed["n"]
    foot = """reasoning-task-specific generation-instructions usefulness-generalizability
        human-generalizability intro-experts-near human-agrees human-validity"""
    assert set(share.index[share <= 0.5]) == set(foot.split()) and (share >= 0.95).sum() >= 3


def test_what_a_repeated_claim_says_has_its_verdict(checked):
    rows = checked.drop_duplicates("id").set_index("id")
    again = rows[rows["repeats"] != ""]
    assert len(again) >= 9
    for name, row in again.iterrows():
        first = rows.loc[row["repeats"]]
        assert not first["repeats"] and row["verdict"] == first["verdict"], name


def test_the_constant_answers_are_those_of_the_test_parts():
    names = yaml.safe_load(FILE.read_text("utf-8"))["names"]
    measured = frame(published("majority")).set_index("dataset")["constant"]
    kept = measured[["medqa", "medmcqa", "mmlu_medicine", "pubmedqa"]]
    assert eval(names["constant"]) == pytest.approx(100 * kept.to_numpy())
