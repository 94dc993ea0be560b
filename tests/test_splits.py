"""Which items are test and which are train, and what of MIMIC's notes is an item."""

from __future__ import annotations

import csv
import gzip
import json
import tracemalloc
from collections import Counter

import pytest
from conftest import cases

from benchhealth_utils import DATASETS, load
from benchhealth_utils.data import left_out
from benchhealth_utils.schema import ROOT, DataError, Example
from benchhealth_utils.tasks import TASKS
from benchhealth_utils.tasks.discharge import COLUMNS

pytestmark = pytest.mark.filterwarnings("ignore:.*reports are left out")
PUBLISHED = ROOT / "data" / "splits"
CASES = cases("notes")
BODY = "Rest at home and drink water. Call us for fever."


def lines(path):
    return path.read_text("utf-8").splitlines()


def part(key, split, root):
    """Items of any part, and what is left out, as the reader gives them."""
    return list(TASKS[key].read_file(DATASETS[key], split, root))


# Published lists


def test_published_lists():
    hoc = [lines(PUBLISHED / f"hoc_blue_{name}.txt") for name in ("train", "dev", "test")]
    assert [len(pmids) for pmids in hoc] == [1108, 157, 315]
    assert len({pmid for pmids in hoc for pmid in pmids if pmid.isdecimal()}) == 1580
    header, *rows = lines(PUBLISHED / "iu_xray_clin_summ.tsv")
    rows = [row.split("\t") for row in rows]
    assert header == "split\tuid" and len({uid for _, uid in rows}) == 3419
    assert Counter(split for split, _ in rows) == {"train": 2735, "validate": 341, "test": 343}
    ddi = [lines(PUBLISHED / f"ddi_blurb_{x}_files.txt") for x in ("train", "dev", "test")]
    assert len({x for names in ddi for x in names}) == sum(map(len, ddi)) and all(ddi)


def test_lists_of_the_data_folder_come_first(samples, tmp_path):
    for key, name in (("hoc", "hoc_blue_test.txt"), ("iu_xray", "iu_xray_clin_summ.tsv")):
        assert DATASETS[key].split_file(samples, name) == samples / "splits" / name
        assert DATASETS[key].split_file(tmp_path, name) == PUBLISHED / name


def test_parts_that_are_neither_test_nor_train(samples):
    """HoC's dev, MIMIC-CXR's validate and MIMIC-III's val stay unused."""
    for key, name in (("hoc", "dev"), ("mimic_cxr", "validate"), ("mimic_iii", "val")):
        used = {e.id for split in ("test", "train") for e in load(key, split, root=samples)}
        spare = {item.id for item in part(key, name, samples) if isinstance(item, Example)}
        assert spare and not spare & used


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


# MIMIC-III: which notes count, and for whom


def note(subject, admission, date, body=BODY, **cells):
    text = f"Admission Date: [**{date}**]\nSex:   F\n\nService: MEDICINE\nVisit {admission}.\n"
    text += f"\nDischarge Instructions:\n{body}\n"
    row = {name: "" for name in COLUMNS}
    row |= {"SUBJECT_ID": subject, "HADM_ID": admission, "CHARTDATE": date, "TEXT": text}
    row |= {"CATEGORY": "Discharge summary", "DESCRIPTION": "Report"}
    return row | cells


def write_notes(root, rows, subjects=()):
    """Write rows as NOTEEVENTS.csv.gz, and perhaps a list of patients; give the folder."""
    path = root / "mimic_iii" / "NOTEEVENTS.csv.gz"
    path.parent.mkdir(exist_ok=True)
    with gzip.open(path, "wt", encoding="utf-8", newline="", compresslevel=1) as stream:
        writer = csv.DictWriter(stream, COLUMNS)
        writer.writeheader()
        writer.writerows({**row, "ROW_ID": number} for number, row in enumerate(rows, 1))
    if subjects:
        listed = root / "splits" / "mimic_iii_subjects.csv"
        listed.parent.mkdir(exist_ok=True)
        rows = ["subject_id,split", *(f"{s},{part}" for s, part in subjects)]
        listed.write_text("\n".join(rows) + "\n", encoding="utf-8")
    return root


PATIENTS = [str(number) for number in range(80, 120)]  # 99 and 100: not as strings
# numpy's RandomState(0): the first 8 of permutation(40), of these the first 4 of permutation(8)
SEEDED_TEST = ["91", "100", "105", "108"]


def forty_patients():
    """One admission each, a second one for every fourth patient."""
    for place, subject in enumerate(PATIENTS):
        yield note(subject, f"2{subject}", "2130-01-02", f"{BODY} Patient {subject}.")
        if place % 4 == 0:
            yield note(subject, f"3{subject}", "2131-01-02", f"{BODY} Again {subject}.")


def test_patients_are_split_with_a_fixed_seed(tmp_path):
    rows = list(forty_patients())
    root = write_notes(tmp_path, rows)
    test, train = (load("mimic_iii", split, root=root) for split in ("test", "train"))
    subjects = {e.group for e in test}, {e.group for e in train}
    assert sorted(subjects[0], key=int) == SEEDED_TEST
    assert len(subjects[1]) == 32 and not subjects[0] & subjects[1]
    assert all(e.id.split("_")[0] == e.group for e in (*test, *train))
    doubled = set(PATIENTS[::4])  # both admissions of a patient are on one side
    for examples, chosen in ((test, subjects[0]), (train, subjects[1])):
        assert len(examples) == len(chosen) + len(chosen & doubled)
    assert load("mimic_iii", root=write_notes(tmp_path, rows[::-1])) == test[::-1]


def test_too_few_patients_are_not_split(tmp_path):
    root = write_notes(tmp_path, [note(str(s), f"2{s}", "2130-01-02") for s in range(1, 10)])
    with pytest.raises(DataError, match="9 patients with an instruction; too few to split"):
        load("mimic_iii", root=root)
    root = write_notes(tmp_path, [note(str(s), f"2{s}", "2130-01-02") for s in range(1, 11)])
    assert len(load("mimic_iii", root=root)) == 1


def test_a_list_of_patients_decides(tmp_path):
    listed = [("80", "train"), ("81", "test"), ("82", "val"), ("84", "test"), ("999", "test")]
    root = write_notes(tmp_path, forty_patients(), listed)
    assert [e.id for e in load("mimic_iii", root=root)] == ["81_281", "84_284", "84_384"]
    assert [e.id for e in load("mimic_iii", "train", root=root)] == ["80_280", "80_380"]


ONE = [("7", "test"), ("8", "test")]
SAME = {"TEXT": note("7", "1", "2130-05-02")["TEXT"]}


@pytest.mark.parametrize("rows, expected, reasons", CASES["later"])
def test_later_notes_overwrite(rows, expected, reasons, tmp_path):
    made = [note(s, a, date, f"{BODY} Note {tell}.") for s, a, date, tell in rows]
    root = write_notes(tmp_path, made, ONE)
    found = load("mimic_iii", root=root)
    assert " ".join(f"{e.id} {e.gold.split()[-2]}" for e in found) == expected
    assert left_out("mimic_iii", root=root) == reasons


@pytest.mark.parametrize(
    "rows, ids",
    [
        # a repeated text counts once and for the earlier date
        ([note("7", "1", "2130-05-02", **SAME), note("7", "2", "2130-05-09", **SAME)], "7_1"),
        ([note("7", "2", "2130-05-09", **SAME), note("7", "1", "2130-05-02", **SAME)], "7_1"),
        # that of another patient stays
        ([note("7", "1", "2130-05-02", **SAME), note("8", "2", "2130-05-02", **SAME)], "7_1 8_2"),
        # an unusable later note takes the admission away
        ([note("7", "1", "2130-05-02"), note("7", "1", "2130-05-04", "n/a")]
         + [note("8", "2", "2130-05-02")], "8_2"),
    ],
)  # fmt: skip
def test_repeated_and_unusable_notes(rows, ids, tmp_path):
    found = load("mimic_iii", root=write_notes(tmp_path, rows, ONE))
    assert " ".join(e.id for e in found) == ids
    reasons = set(left_out("mimic_iii", root=tmp_path).values())
    assert ("the text of an earlier one" in reasons) == (ids == "7_1")


@pytest.mark.parametrize("cells, outcome", CASES["counted"])
def test_which_notes_count(cells, outcome, tmp_path):
    rows = [note("7", "1", "2130-05-02"), note("8", "2", "2130-05-02", **cells)]
    root = write_notes(tmp_path, rows, ONE)
    assert len(load("mimic_iii", root=root)) == 1 + (outcome == "item")
    reasons = {} if outcome in ("item", "nothing") else {"ROW_ID 2": outcome}
    assert left_out("mimic_iii", root=root) == reasons


def test_noteevents_is_streamed(tmp_path):
    """16 MB of other notes pass through an eighth of that memory."""
    other = note("7", "1", "2130-05-02", "x" * 16_000, CATEGORY="Nursing")
    root = write_notes(tmp_path, [other] * 500 + list(forty_patients()) + [other] * 500)
    load("mimic_iii", root=root)  # imports are not counted
    tracemalloc.start()
    examples = load("mimic_iii", root=root)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert {e.group for e in examples} == set(SEEDED_TEST) and peak < 2_000_000  # bytes


# MIMIC-III: how a note is cut

FIVE = "Please do as told here."  # an instruction of fewer words is no item
NOTE = "Name: [**Known lastname 1**]\nSex:   F\n\nService: X\nCough.\nDischarge Instructions:\n"


def instructions(tmp_path, texts):
    """Record and instruction of each note, one a patient, in order."""
    rows = [note(str(s), "1", "2130-05-02", TEXT=text) for s, text in enumerate(texts, 1)]
    listed = [(str(s), "test") for s in range(1, len(rows) + 1)]
    found = load("mimic_iii", root=write_notes(tmp_path, rows, listed))
    assert len(found) == len(rows)
    return [(example.inputs["record"], example.gold) for example in found]


def test_where_an_instruction_ends(tmp_path):
    texts = [f"{NOTE}{FIVE} {body}" for body in CASES["ends"]]
    texts += [f"{NOTE}{body} {FIVE}" for body in CASES["leading"]]
    told = "please do as told here ."
    expected = [f"{told} {target}" for target in CASES["ends"].values()]
    expected += [f"{target} {told}" for target in CASES["leading"].values()]
    assert instructions(tmp_path, texts) == [("service : x cough .", each) for each in expected]


def test_brackets_become_labels(tmp_path):
    pairs = [(kind, label) for label, kinds in CASES["brackets"].items() for kind in kinds]
    found = instructions(tmp_path, [f"{NOTE}{FIVE} Ask [**{kind}**] now." for kind, _ in pairs])
    targets = [target for _, target in found]
    assert targets == [f"please do as told here . ask [{label}] now ." for _, label in pairs]


@pytest.mark.parametrize("header", ["Discharge Instructions:", "DISCHARGE\nINSTRUCTIONS (x):"])
def test_where_a_record_starts(header, tmp_path):
    found = instructions(tmp_path, [f"{head}{header} {FIVE}" for head in CASES["records"]])
    assert [record for record, _ in found] == list(CASES["records"].values())


# MIMIC-CXR: studies of a split, and those with both sections


def test_cxr_studies_with_both_sections(department):
    texts = [" FINDINGS: View 1.\n IMPRESSION: Seen 1.", " FINDINGS: View 2.", " IMPRESSION: 3."]
    parts = [part for part in ("test", "train", "validate") for _ in texts] * 10
    reports = [f"FINAL REPORT\n{text}\n" for text in texts] * 30
    root = department(*zip(parts, reports, strict=True), per_patient=3, images=2)
    for split in ("test", "train"):
        examples = load("mimic_cxr", split, root=root)
        assert len(examples) == len({e.group for e in examples}) == 10
        assert {(e.inputs["findings"], e.gold) for e in examples} == {("View 1.", "Seen 1.")}
        reasons = Counter(left_out("mimic_cxr", split, root=root).values())
        assert reasons == {"no IMPRESSION": 10, "no FINDINGS": 10}
    assert [e.id for e in load("mimic_cxr", root=root)][:2] == ["s50000000", "s50000009"]
    assert load("mimic_cxr", root=root)[1].group == "p10300000"


def test_how_a_report_is_cut(department):
    reports = CASES["reports"]
    root = department(*(("test", text) for text in reports), per_patient=len(reports))
    examples = load("mimic_cxr", root=root)
    assert [[e.inputs["findings"], e.gold] for e in examples] == list(reports.values())


def test_no_answer_is_in_its_question(samples):
    for key, name in (("mimic_iii", "record"), ("mimic_cxr", "findings")):
        for example in load(key, root=samples):
            assert example.gold not in example.inputs[name]
            assert "discharge instructions" not in example.inputs[name]
