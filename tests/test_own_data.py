"""A data set of one's own in one call: it goes through everything that the paper's do."""

import random

import pytest
from conftest import cases

import benchhealth_utils as bh
from benchhealth_utils import registry
from benchhealth_utils.models import baselines
from benchhealth_utils.schema import BenchHealthError, DataError
from benchhealth_utils.tasks import TASKS

ROWS = """id,note,urgent,patient
1,"Chest pain, sweating.",urgent,p1
2,Wants a repeat prescription.,not urgent,p2
3,Sudden weakness of one side.,urgent,p3
4,Itchy feet for a year.,not urgent,p3
"""


@pytest.fixture
def notes(tmp_path):
    path = tmp_path / "notes.csv"
    path.write_text(ROWS)
    before = dict(registry.DATASETS), dict(TASKS)
    yield path
    for now, then in zip((registry.DATASETS, TASKS), before, strict=True):
        now.clear()
        now.update(then)


def add(path, key="triage", **changed):
    options = dict(text="note", gold="urgent", labels=["urgent", "not urgent"], group="patient")
    return bh.add_csv(key, path, **{**options, **changed})


def test_one_call_and_the_key_works_everywhere(notes, tmp_path):
    spec = add(notes, instruction="How soon does this patient need to be seen?")
    assert "triage" in repr(spec) and spec.size == 4
    item = bh.load("triage")[0]
    prompt = bh.build(item)[0]["content"]
    assert "How soon" in prompt and "Chest pain, sweating." in prompt
    assert bh.read(item, "I think this is **not urgent**.") in ("not urgent", None)
    assert bh.read(item, "Answer: not urgent") == "not urgent"
    assert bh.read(item, "It is not known.") is None
    runs = bh.evaluate("majority", ["gad", "triage"], limit=4, store=tmp_path, progress=False)
    table = bh.frame(runs).set_index("dataset")
    shown = table.loc["triage", ["n", "value", "source", "comparable", "constant"]]
    assert shown.tolist() == [4, 0.5, "other", False, 0.5]
    assert list(bh.items(runs[1])["group"]) == ["p1", "p2", "p3", "p3"]
    rival = bh.evaluate("supervised", "triage", store=tmp_path, progress=False)
    assert bh.compare(runs, rival)["n"].tolist() == [4]
    with pytest.raises(BenchHealthError, match="'template' does not apply to triage; it does to"):
        bh.evaluate("majority", "triage", perturbation="template", store=tmp_path)


def test_labels_may_be_numbers_and_a_file_has_rows_and_distinct_columns(notes):
    notes.write_text("note,urgent\nChest pain.,1\nItch.,0\n")
    assert add(notes, labels=[0, 1], group=None).size == 2
    assert bh.read(bh.load("triage")[0], "Answer: 0") == "0"
    for rows, said in (
        ("note,urgent\n", "no row"),
        ("note,note,urgent\na,b,1\n", "same name"),
        ("note;urgent\nPain, and fever;1\n", "line 1: no 'note'.* separated by semicolons"),
        ("id\tnote\turgent\n1\tPain\t1\n", "line 1: no 'note'.* semicolons or tabs"),
    ):
        notes.write_text(rows)
        with pytest.raises(DataError, match=said):
            add(notes, labels=[0, 1], group=None)


def test_shots_come_from_the_training_file_or_the_other_rows(notes, tmp_path):
    add(notes)
    (run,) = bh.evaluate("majority", "triage", shots=1, store=tmp_path, progress=False)
    assert run.scores.n == 4
    train = tmp_path / "train.csv"
    train.write_text("note,urgent,patient\nFever.,urgent,p9\nCough.,not urgent,p8\n")
    add(notes, train=train)
    assert [item.inputs["text"] for item in bh.load("triage", "train")] == ["Fever.", "Cough."]


@pytest.mark.parametrize("labels", [["yes", "no"], None])
def test_supervised_has_not_seen_the_rows_that_it_answers(labels, notes, tmp_path):
    coins, words = random.Random(5), ("ache", "cough", "fever", "itch", "rash")
    rows = [f"{' '.join(coins.choices(words, k=4))} x{n},p{n // 2}" for n in range(60)]
    tossed = [coins.choice(["yes", "no"]) for _ in rows]
    table = [f"{row},{label}\n" for row, label in zip(rows, tossed, strict=True)]
    notes.write_text("note,patient,urgent\n" + "".join(table))
    for train in (None, notes):
        add(notes, labels=labels, train=train)
        (run,) = bh.evaluate("supervised", "triage", store=tmp_path, progress=False)
        assert 0.3 < run.scores.value < 0.7 and run.scores.coverage == 1
    (few,) = bh.evaluate("supervised", "triage", limit=9, store=tmp_path / "2", progress=False)
    whole = bh.items(run).set_index("id")["reading"]
    assert whole[list(few.rows["id"])].tolist() == few.readings


@pytest.mark.parametrize("labels", [["yes", "no"], None])
def test_no_row_is_learnt_from_with_another_of_its_group(labels, notes, monkeypatch):
    coins = random.Random(6)
    table = [f"note x{n},p{n // 2},{coins.choice(['yes', 'no'])}\n" for n in range(60)]
    notes.write_text("note,patient,urgent\n" + "".join(table))
    add(notes, labels=labels)
    seen = []

    def learn(*given):  # as `labels` and `nearest` are given: the rows to learn from come last
        groups = {item.group for item in given[-1]}

        def predict(examples):
            seen.extend((item.group, groups) for item in examples)
            return ["yes"] * len(examples)

        return predict

    monkeypatch.setattr(baselines, "labels", learn)
    monkeypatch.setattr(baselines, "nearest", learn)
    items = bh.load("triage")
    baselines.supervised("triage", items)(items)
    assert [group for group, _ in seen] == [item.group for item in items]
    assert all(group not in groups and len(groups) == 27 for group, groups in seen)


@pytest.mark.parametrize("labels", [["urgent", "not urgent"], None])
def test_texts_without_a_word_get_the_commonest_answer(labels, notes, tmp_path):
    rows = [f"?!,{'not urgent' if n % 3 else 'urgent'},p{n}\n" for n in range(12)]
    notes.write_text("note,urgent,patient\n" + "".join(rows))
    for train in (None, notes):
        add(notes, labels=labels, train=train)
        (run,) = bh.evaluate("supervised", "triage", store=tmp_path, progress=False)
        assert set(run.readings) == {"not urgent"}


def test_of_a_single_patient_nothing_can_be_learnt(notes, tmp_path):
    notes.write_text("note,urgent,patient\nPain.,urgent,p1\nItch.,not urgent,p1\n")
    add(notes)
    (run,) = bh.evaluate("supervised", "triage", store=tmp_path, progress=False)
    assert run.scores.value == run.scores.coverage == 0


def test_without_labels_it_is_free_text(notes, tmp_path):
    add(notes, key="advice", labels=None, gold="note", text="urgent", id="id")
    (run,) = bh.evaluate("majority", "advice", store=tmp_path, progress=False)
    assert "ROUGE-L" in run.scores.metric and [e.id for e in run.examples] == ["1", "2", "3", "4"]
    assert bh.read(run.examples[0], "Sure! Here is the summary:\n\nSee a doctor.")


def test_a_credentialed_set_of_ones_own_is_guarded(notes, tmp_path):
    add(notes, tier="credentialed")
    with pytest.raises(DataError, match="line 2: gold") as caught:
        add(notes, tier="credentialed", gold="note")
    assert "Chest pain" not in str(caught.value)
    (run,) = bh.evaluate("majority", "triage", store=tmp_path, progress=False)
    assert bh.items(run)[["reading", "gold", "reply"]].isna().all(axis=None)
    assert "Chest pain" not in repr(run.examples)


@pytest.mark.parametrize("tier", ["open", "credentialed"])
@pytest.mark.parametrize("mark", [",", ";", "\t"])
def test_a_patient_in_place_of_the_header_is_not_repeated(mark, tier, notes):
    notes.write_text(mark.join(["Canary Miller, has HIV", "Canary, urgent\n"]) * 2)
    with pytest.raises(DataError, match="line 1: no 'note' in the header") as caught:
        add(notes, tier=tier)
    assert "Canary" not in str(caught.value)
    for rows in ("Canary,Canary\n", "note,urgent,patient\nCanary\n", '"Canary" Miller,urgent\n'):
        notes.write_text(rows)
        with pytest.raises(DataError) as caught:
            add(notes, tier=tier)
        assert "Canary" not in str(caught.value)


@pytest.mark.parametrize("changed, said", cases("refused")["add_csv"])
def test_what_is_wrong_is_named(notes, changed, said):
    with pytest.raises(BenchHealthError, match=said):
        add(notes, **changed)
    assert "triage" not in bh.DATASETS
