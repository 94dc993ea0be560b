"""Which items are test and which are train: lists, patients, admissions, studies."""

from __future__ import annotations

import csv
import gzip
import json
import tracemalloc
import zipfile
from collections import Counter
from pathlib import Path

import pytest

from benchhealth_utils.datasets import DATASETS, dataset, load
from benchhealth_utils.schema import ROOT, DataError, Example
from benchhealth_utils.tasks import TASKS
from benchhealth_utils.tasks.discharge import COLUMNS

pytestmark = pytest.mark.filterwarnings("ignore:.*reports are left out")
PUBLISHED = ROOT / "data" / "splits"


def row_lines(path):
    return path.read_text("utf-8").splitlines()


BODY = "Rest at home and drink water. Call us for fever."


def part(key, split, root):
    """Items of any part, and what is left out, as the reader gives them."""
    return list(TASKS[key].read_file(DATASETS[key], split, root))


# Published lists


def test_hoc_lists_are_blue():
    parts = [row_lines(PUBLISHED / f"hoc_blue_{name}.txt") for name in ("train", "dev", "test")]
    assert [len(part) for part in parts] == [1108, 157, 315]
    pmids = [pmid for part in parts for pmid in part]
    assert len(set(pmids)) == 1580 and all(pmid.isdecimal() for pmid in pmids)


def test_iu_xray_list_is_clin_summ():
    header, *lines = (PUBLISHED / "iu_xray_clin_summ.tsv").read_text("utf-8").splitlines()
    rows = [line.split("\t") for line in lines]
    assert header == "split\tuid"
    assert Counter(split for split, _ in rows) == {"train": 2735, "validate": 341, "test": 343}
    assert len({uid for _, uid in rows}) == 3419
    assert all(uid.startswith("CXR") and uid[3:].isdecimal() for _, uid in rows)


def test_ddi_lists_are_disjoint():
    parts = [
        row_lines(PUBLISHED / f"ddi_blurb_{name}_files.txt") for name in ("train", "dev", "test")
    ]
    names = [name for part in parts for name in part]
    assert len(set(names)) == len(names) and all(parts)
    assert all(name.startswith("test_dataset/") for name in parts[2])
    assert all(name.startswith("train_dataset/") for name in (*parts[0], *parts[1]))


def test_ddi_list_names_the_official_documents(real_data):
    archive = real_data / "ddi" / "DDICorpus-2013.zip"
    if not archive.exists():
        pytest.skip(f"{archive} is not there")
    with zipfile.ZipFile(archive) as packed:
        names = [Path(name) for name in packed.namelist() if name.endswith(".xml")]
    folders = {"train": "Train", "test": "Test for DDI Extraction task"}
    found = {
        part: {(p.parent.name, p.stem) for p in names if folder in p.parts}
        for part, folder in folders.items()
    }
    listed = {}
    for part in ("train", "dev", "test"):
        rows = map(Path, row_lines(PUBLISHED / f"ddi_blurb_{part}_files.txt"))
        listed[part] = {(row.parent.name, row.stem) for row in rows}
    assert listed["test"] == found["test"]
    assert listed["train"] | listed["dev"] == found["train"]


def test_lists_of_the_data_folder_come_first(samples, tmp_path):
    for key, name in (("hoc", "hoc_blue_test.txt"), ("iu_xray", "iu_xray_clin_summ.tsv")):
        assert dataset(key).split_file(samples, name) == samples / "splits" / name
        assert dataset(key).split_file(tmp_path, name) == PUBLISHED / name


def test_parts_that_are_neither_test_nor_train(samples):
    """HoC's dev, MIMIC-CXR's validate and MIMIC-III's val stay unused."""
    used = {
        key: {e.id for split in ("test", "train") for e in load(key, split, root=samples)}
        for key in ("hoc", "mimic_cxr", "mimic_iii")
    }
    dev = set(row_lines(samples / "splits" / "hoc_blue_dev.txt"))
    assert dev and not used["hoc"] & dev
    validate = {x.id for x in part("mimic_cxr", "validate", samples)}
    assert validate and not validate & used["mimic_cxr"]
    subjects = row_lines(samples / "splits" / "mimic_iii_subjects.csv")
    val = {line.split(",")[0] for line in subjects if line.endswith(",val")}
    assert val and not {i.split("_")[0] for i in used["mimic_iii"]} & val


def test_iu_xray_test_is_the_validate_part(fresh, samples):
    root = fresh("iu_xray")
    listed = root / "splits" / "iu_xray_clin_summ.tsv"
    moved = listed.read_text("utf-8").replace("validate\tCXR9014", "test\tCXR9014")
    listed.write_text(moved, encoding="utf-8")
    before, after = load("iu_xray", root=samples), load("iu_xray", root=root)
    assert after == [example for example in before if example.id != "CXR9014"] != before
    assert load("iu_xray", "train", root=root) == load("iu_xray", "train", root=samples)


def test_pubmedqa_test_is_the_ground_truth(samples):
    folder = samples / "pubmedqa"
    truth = json.loads((folder / "test_ground_truth.json").read_text("utf-8"))
    every = json.loads((folder / "ori_pqal.json").read_text("utf-8"))
    test, train = (load("pubmedqa", split, root=samples) for split in ("test", "train"))
    assert {e.id: e.gold for e in test} == truth
    assert {e.id for e in train} == every.keys() - truth.keys()


# MIMIC-III: notes, admissions, patients


def note(subject, admission, date, body=BODY, **cells):
    text = f"Admission Date: [**{date}**]\nSex:   F\n\nService: MEDICINE\nVisit {admission}.\n"
    text += f"\nDischarge Instructions:\n{body}\n"
    row = {name: "" for name in COLUMNS}
    row |= {"SUBJECT_ID": subject, "HADM_ID": admission, "CHARTDATE": date, "TEXT": text}
    row |= {"CATEGORY": "Discharge summary", "DESCRIPTION": "Report"}
    return row | cells


@pytest.fixture
def noteevents(tmp_path):
    """Write rows as NOTEEVENTS.csv.gz, and perhaps a list of patients."""

    def write(rows, subjects=()):
        path = tmp_path / "mimic_iii" / "NOTEEVENTS.csv.gz"
        path.parent.mkdir(exist_ok=True)
        with gzip.open(path, "wt", encoding="utf-8", newline="", compresslevel=1) as stream:
            writer = csv.DictWriter(stream, COLUMNS)
            writer.writeheader()
            for number, row in enumerate(rows, 1):
                writer.writerow({**row, "ROW_ID": number})
        if subjects:
            listed = tmp_path / "splits" / "mimic_iii_subjects.csv"
            listed.parent.mkdir(exist_ok=True)
            lines = ["subject_id,split", *(f"{s},{part}" for s, part in subjects)]
            listed.write_text("\n".join(lines) + "\n", encoding="utf-8")
        return tmp_path

    return write


PATIENTS = [str(number) for number in range(80, 120)]  # 99 and 100: not as strings


def forty_patients():
    """One admission each, a second one for every fourth patient."""
    for place, subject in enumerate(PATIENTS):
        yield note(subject, f"2{subject}", "2130-01-02", f"{BODY} Patient {subject}.")
        if place % 4 == 0:
            yield note(subject, f"3{subject}", "2131-01-02", f"{BODY} Again {subject}.")


def test_patients_are_split_with_a_fixed_seed(noteevents):
    root = noteevents(forty_patients())
    test, train = (load("mimic_iii", split, root=root) for split in ("test", "train"))
    subjects = {e.group for e in test}, {e.group for e in train}
    assert not subjects[0] & subjects[1]
    assert (len(subjects[0]), len(subjects[1])) == (4, 32)
    assert sorted(subjects[0], key=int) == SEEDED_TEST
    assert all(e.id.split("_")[0] == e.group for e in (*test, *train))
    # both admissions of a patient are on one side
    doubled = set(PATIENTS[::4])
    for examples, part in ((test, subjects[0]), (train, subjects[1])):
        assert len(examples) == len(part) + len(part & doubled)


# numpy's RandomState(0): the first 8 of permutation(40), of these the first 4 of
# permutation(8)
SEEDED_TEST = ["91", "100", "105", "108"]


def test_the_split_does_not_depend_on_the_order_of_rows(noteevents):
    rows = list(forty_patients())
    first = load("mimic_iii", root=noteevents(rows))
    second = load("mimic_iii", root=noteevents(rows[::-1]))
    assert first == second[::-1]


def test_too_few_patients_are_not_split(noteevents):
    root = noteevents([note(str(s), f"2{s}", "2130-01-02") for s in range(1, 10)])
    with pytest.raises(DataError, match="9 patients with an instruction; too few to split"):
        load("mimic_iii", root=root)
    root = noteevents([note(str(s), f"2{s}", "2130-01-02") for s in range(1, 11)])
    assert len(load("mimic_iii", root=root)) == 1


def test_a_list_of_patients_decides(noteevents):
    listed = [("80", "train"), ("81", "test"), ("82", "val"), ("84", "test"), ("999", "test")]
    root = noteevents(forty_patients(), listed)
    assert [e.id for e in load("mimic_iii", root=root)] == ["81_281", "84_284", "84_384"]
    assert [e.id for e in load("mimic_iii", "train", root=root)] == ["80_280", "80_380"]


ONE = [("7", "test"), ("8", "test")]


@pytest.mark.parametrize(
    "rows, expected",
    [
        # the later note of an admission counts, wherever it stands in the file
        ([("7", "1", "2130-05-04", "late"), ("7", "1", "2130-05-02", "early")], ["7_1 late"]),
        ([("7", "1", "2130-05-02", "early"), ("7", "1", "2130-05-04", "late")], ["7_1 late"]),
        # on one day, the one further down
        ([("7", "1", "2130-05-02", "up"), ("7", "1", "2130-05-02", "down")], ["7_1 down"]),
        # other admissions and other patients have their own
        (
            [("7", "1", "2130-05-02", "a"), ("7", "2", "2130-05-04", "b")],
            ["7_1 a", "7_2 b"],
        ),
    ],
)
def test_later_notes_overwrite(rows, expected, noteevents):
    made = [note(s, a, date, f"{BODY} Note {tell}.") for s, a, date, tell in rows]
    found = load("mimic_iii", root=noteevents(made, ONE))
    assert [f"{e.id} {e.gold.split()[-2]}" for e in found] == expected


@pytest.mark.parametrize("order", [1, -1])
def test_a_repeated_text_counts_once_and_for_the_earlier_date(order, noteevents):
    copies = [note("7", "1", "2130-05-02"), note("7", "2", "2130-05-09")]
    copies[1]["TEXT"] = copies[0]["TEXT"]
    found = load("mimic_iii", root=noteevents(copies[::order], ONE))
    assert [e.id for e in found] == ["7_1"]


def test_a_text_repeated_by_another_patient_stays(noteevents):
    copies = [note("7", "1", "2130-05-02"), note("8", "2", "2130-05-02")]
    copies[1]["TEXT"] = copies[0]["TEXT"]
    found = load("mimic_iii", root=noteevents(copies, ONE))
    assert [e.id for e in found] == ["7_1", "8_2"]


@pytest.mark.parametrize(
    "cells, count",
    [
        ({"CATEGORY": "discharge SUMMARY "}, 2),
        ({"CATEGORY": "Nursing"}, 1),
        ({"DESCRIPTION": "Addendum"}, 1),
        ({"ISERROR": "1"}, 1),
        ({"TEXT": "Sex: F\nService: A\nNo instruction here."}, 1),
        ({"TEXT": "Sex: F\nService: A\nDischarge Instructions:\none two three four"}, 1),
        ({"TEXT": "Sex: F\nService: A\nDischarge Instructions:\none two three four five"}, 2),
        ({"TEXT": f"Sex: F\nAddendum: A\nDischarge Instructions:\n{BODY}"}, 1),
        ({"TEXT": f"Sex: F\nDischarge Instructions:\n{BODY}"}, 1),
        ({"CATEGORY": "Nursing", "TEXT": "", "HADM_ID": ""}, 1),
    ],
)
def test_which_notes_count(cells, count, noteevents):
    rows = [note("7", "1", "2130-05-02"), note("8", "2", "2130-05-02", **cells)]
    assert len(load("mimic_iii", root=noteevents(rows, ONE))) == count


def test_an_unusable_later_note_takes_the_admission_away(noteevents):
    rows = [
        note("7", "1", "2130-05-02"),
        note("7", "1", "2130-05-04", "n/a"),
        note("8", "2", "2130-05-02"),
    ]
    assert [e.id for e in load("mimic_iii", root=noteevents(rows, ONE))] == ["8_2"]


def test_noteevents_is_streamed(noteevents):
    """16 MB of other notes pass through an eighth of that memory."""
    other = note("7", "1", "2130-05-02", "x" * 16_000, CATEGORY="Nursing")
    rows = [other] * 500 + list(forty_patients()) + [other] * 500
    root = noteevents(rows)
    load("gad", root=ROOT / "data" / "samples")  # imports are not counted
    load("mimic_iii", root=root)
    tracemalloc.start()
    examples = load("mimic_iii", root=root)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert {e.group for e in examples} == set(SEEDED_TEST)
    assert peak < 2_000_000  # bytes


# MIMIC-CXR: studies of a split, and those with both sections


def cxr_tree(root, compressed=False):
    """30 patients of three studies; every third patient is test.

    The first study of a patient has both sections, the second only findings,
    the third both in every second patient; each has one to three images.
    """
    folder = root / "mimic_cxr"
    rows = ["dicom_id,study_id,subject_id,split"]
    for number in range(30):
        subject = 10000000 + 100000 * number
        split = ("test", "train", "validate")[number % 3]
        for visit in range(3):
            study = 50000000 + 10 * number + visit
            rows += [f"{study}-{image},{study},{subject},{split}" for image in range(visit + 1)]
            both = visit == 0 or (visit == 2 and number % 2 == 0)
            text = f"FINAL REPORT\n FINDINGS: View {study}.\n"
            text += f" IMPRESSION: Seen {study}.\n" if both else ""
            path = folder / f"files/p{str(subject)[:2]}/p{subject}/s{study}.txt"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
    name = "mimic-cxr-2.0.0-split.csv"
    data = ("\n".join(rows) + "\n").encode()
    if compressed:
        (folder / f"{name}.gz").write_bytes(gzip.compress(data))
    else:
        (folder / name).write_bytes(data)
    return root


@pytest.mark.parametrize("compressed", [False, True])
def test_cxr_counts(compressed, tmp_path):
    root = cxr_tree(tmp_path, compressed)
    for split, both in (("test", 15), ("train", 15), ("validate", 15)):
        studies = part("mimic_cxr", split, root)
        assert len({study.id for study in studies}) == len(studies) == 30
        assert sum(isinstance(study, Example) for study in studies) == both
    test, train = (load("mimic_cxr", split, root=root) for split in ("test", "train"))
    assert len(test) == len(train) == 15
    assert not {e.group for e in test} & {e.group for e in train}
    ids = [f"s{50000000 + 10 * n + v}" for n in range(0, 30, 3) for v in (0, 2)[: 2 - n % 2]]
    assert [e.id for e in test] == ids
    assert [e.inputs["findings"] for e in test] == [f"View {i[1:]}." for i in ids]
    assert [e.gold for e in test] == [f"Seen {i[1:]}." for i in ids]
    assert test[0].group == "p10000000" and test[2].group == "p10300000"
