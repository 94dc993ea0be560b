"""Damaged files: every one is refused, and the error says where and what.

Each row damages a fresh copy of one sample set; the message must match.
"""

from __future__ import annotations

import csv
import gzip
import json
import re
import shutil
import tarfile
import zipfile
from pathlib import Path

import pytest

from benchhealth_utils import DATASETS, load
from benchhealth_utils.schema import DataError
from benchhealth_utils.tasks.discharge import COLUMNS
from benchhealth_utils.tasks.files import members
from benchhealth_utils.tasks.hallmarks import ARCHIVE

HTML = "<!DOCTYPE html>\n<html><head><title>404</title></head><body>Not found</body></html>\n"


# Ways to damage a file.


def way(change):
    """A change of a file, as what it takes besides the path to a function of the path."""
    return lambda *how, **options: lambda path: change(path, *how, **options)


def text_of(path):
    return path.read_bytes().decode("utf-8")


@way
def content(path, text):
    assert path.exists()
    path.write_bytes(text.encode("utf-8"))


@way
def swap(path, old, new, count=1):
    """Replace text, which must be there: a mutation that changes nothing is none."""
    text = text_of(path)
    assert old in text, f"{path.name} has no {old!r}"
    content(text.replace(old, new, count))(path)


@way
def line(path, number, change):
    """Change one line, counted from 1."""
    lines = text_of(path).split("\n")
    before, lines[number - 1] = lines[number - 1], change(lines[number - 1])
    assert lines[number - 1] != before
    content("\n".join(lines))(path)


def rows_of(path):
    with path.open(encoding="utf-8", newline="") as stream:
        return list(csv.reader(stream))


def save(path, rows, **options):
    with path.open("w", encoding="utf-8", newline="") as stream:
        csv.writer(stream, lineterminator="\n", **options).writerows(rows)


@way
def cell(path, row, column, value):
    """Set one cell of a quoted CSV with a header; rows count from 1."""
    rows = rows_of(path)
    place = rows[0].index(column)
    assert rows[row][place] != value
    rows[row][place] = value
    save(path, rows)


def reorder(path):
    """Swap the first two columns of a CSV, header and all."""
    save(path, [[b, a, *rest] for a, b, *rest in rows_of(path)])


@way
def drop(path, column):
    rows = rows_of(path)
    place = rows[0].index(column)
    save(path, [row[:place] + row[place + 1 :] for row in rows])


@way
def resave(path, quoting):
    """Write a TSV again as a spreadsheet does, with quotation marks."""
    lines = text_of(path).removesuffix("\n").split("\n")
    save(path, [x.split("\t") if x else [] for x in lines], delimiter="\t", quoting=quoting)


def record(number, **changes):
    """Change fields of one line of a JSON Lines file; None takes one away."""

    def change(text):
        item = json.loads(text) | changes
        return json.dumps({k: v for k, v in item.items() if v is not None})

    return line(number, change)


def from_zero(path):
    """Many rows whose `cop` counts from 0, none of which has the first option right."""
    row = json.loads(text_of(path).split("\n")[0])
    rows = [
        json.dumps(row | {"id": f"row-{number}", "cop": 1 + number % 3}) for number in range(60)
    ]
    content("\n".join(rows))(path)


@way
def document(path, change):
    path.write_text(json.dumps(change(json.loads(text_of(path)))), encoding="utf-8")


def put(**changes):
    """Change fields of the first record of a JSON object; None takes one away."""

    def change(whole):
        pmid = next(iter(whole))
        item = whole[pmid] | changes
        return whole | {pmid: {k: v for k, v in item.items() if v is not None}}

    return document(change)


@way
def cut(path, share):
    """Keep a share of the bytes."""
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * share)])


def latin_1(path):
    """Put a letter in another encoding into the middle of the file."""
    data = path.read_bytes()
    middle = len(data) // 2
    path.write_bytes(data[:middle] + "é".encode("latin-1") + data[middle:])


web_page, empty, blank = content(HTML), content(""), content(" \n\n")
remove = Path.unlink


def remove_parent(path):
    shutil.rmtree(path.parent)


def remove_tree(path):
    shutil.rmtree(next(parent for parent in path.parents if parent.name == "DDICorpus"))


def repeat(number):
    return line(number, lambda text: f"{text}\n{text}")


def ending(letter):
    return lambda row: row[:-1] + letter


def as_inner(row):
    return row.split("\t")[0] + "\tI-Disease"


def drugs(value):
    return cell(2, "commonMedications", value)


def without(key):
    return lambda whole: {name: item for name, item in whole.items() if name != key}


def first(value):
    return lambda whole: whole | {next(iter(whole)): value}


@way
def only_copy(path, instances):
    """The public partial copy, here of one item, in place of the official file."""
    for official in path.parent.glob("*train.json*"):
        official.unlink()
    path.write_text(json.dumps([{"instances": instances}]), encoding="utf-8")


def copied(q="Which?", a="a", output="d"):
    options = f"Option A: {a}\nOption B: b\nOption C: c\nOption D: d"
    return {"input": f"QUESTION: {q}\n{options}", "output": output}


@way
def emptied(path, section):
    new, count = re.subn(f'(Label="{section}">)[^<]+', r"\1 ", text_of(path))
    assert count == 1
    path.write_text(new, encoding="utf-8")


@way
def pack(path, top, then=None, without=None):
    """Pack the tree beside the path into it, remove the tree, and damage the archive.

    Files whose path has `without` in it go under another top folder.
    """
    files = [p for p in sorted((path.parent / top).rglob("*")) if p.is_file()]
    names = [p.relative_to(path.parent).as_posix() for p in files]
    if without:
        names = [f"other/{name}" if without in name else name for name in names]
    is_zip = path.suffix == ".zip"
    with zipfile.ZipFile(path, "w") if is_zip else tarfile.open(path, "w:gz") as packed:
        for file, name in zip(files, names, strict=True):
            (packed.write if is_zip else packed.add)(file, name)
    shutil.rmtree(path.parent / top)
    if then:
        then(path)


def flip(path):
    """Change one byte of a stored member."""
    data = bytearray(path.read_bytes())
    data[data.index(b"Clarithromycin and the")] ^= 1
    path.write_bytes(data)


def flip_in_tar(path):
    """Change one byte of the text inside; the gzip checksum stays as it was."""
    data = path.read_bytes()
    inside = bytearray(gzip.decompress(data))
    inside[inside.index(b"Middle lobe")] ^= 1
    path.write_bytes(gzip.compress(inside)[:-8] + data[-8:])


@way
def zipped(path, then):
    """Compress the file of this name without ``.gz`` and damage the result."""
    source = path.with_suffix("")
    path.write_bytes(gzip.compress(source.read_bytes()))
    source.unlink()
    then(path)


# The files.

MEDQA = "medqa/phrases_no_exclude_test.jsonl"
MEDQA_TRAIN = "medqa/phrases_no_exclude_train.jsonl"
MEDQA_COPY = "medqa/med_qa_train.json"
DEV = "medmcqa/dev.json"
MMLU = "mmlu/test/professional_medicine_test.csv"
MMLU_DEV = "mmlu/dev/professional_medicine_dev.csv"
PQAL = "pubmedqa/ori_pqal.json"
TRUTH = "pubmedqa/test_ground_truth.json"
TABLE = "chatdoctor/format_dataset.csv"
HEADER = "idx,disease,Symptom,reason,TestsAndProcedures,commonMedications"
SPLIT = "mimic_cxr/mimic-cxr-2.0.0-split.csv"
REPORT = "mimic_cxr/files/p19/p19999001/s59999001.txt"
REPORTS = "mimic_cxr/mimic-cxr-reports.zip"
OPENI = "iu_xray/ecgen-radiology/9001.xml"
FIFTH = '<AbstractText Label="FINDINGS">x</AbstractText></Abstract>'
OPENI_TGZ = "iu_xray/NLMCXR_reports.tgz"
OPENI_LIST = "splits/iu_xray_clin_summ.tsv"
NOTES = "mimic_iii/NOTEEVENTS.csv"
SUBJECTS = "splits/mimic_iii_subjects.csv"
BC5 = "bc5cdr_disease/test.tsv"
NCBI = "ncbi_disease/test.tsv"
DDI_TEST = "ddi/DDICorpus/Test/Test for DDI Extraction task"
DRUG = f"{DDI_TEST}/DrugBank/Ticagrelor.xml"
MEDLINE = f"{DDI_TEST}/MedLine/99100001.xml"
DDI_ZIP = "ddi/DDICorpus-2013.zip"
GAD = "gad/test.tsv"
GAD_TRAIN = "gad/train.tsv"
LABELS = f"hoc/{ARCHIVE}/labels/99000001.txt"
ABSTRACT = f"hoc/{ARCHIVE}/text/99000001.txt"
HOC_LIST = "splits/hoc_blue_test.txt"
HOC_ZIP = f"hoc/{ARCHIVE}.zip"

# What the error says right after the name of the damaged file. One that starts
# with "~" says the rest of it: the file is gone, or another one is at fault.

DEEP, DIGITS = '{"x":' * 99_999 + "1" + "}" * 99_999, "1" * 5000
MISSING = ": the file is missing"
EMPTY = ": the file is empty"
PAGE = ", line 1: this is a web page"
UTF8 = r", line \d+: byte 0x[89a-f]. is not UTF-8"
CELLS = r"tab-separated cells; expected"

BAD = {
    "medqa": [
        ("cut off", MEDQA, cut(0.7), r", line \d+: not whole JSON .*cut off\?"),
        ("blank", MEDQA, blank, EMPTY),
        ("no key", MEDQA, record(3, answer_idx=None), ", line 3: no 'answer_idx'; found"),
        ("letter", MEDQA, record(2, answer_idx="E"), ", line 2: answer_idx 'E' does not name"),
        ("answer", MEDQA, record(2, answer="x"), ", line 2: answer_idx '.' does not name"),
        ("question", MEDQA, record(4, question=" "), ", line 4: 'question' is empty"),
        ("option", MEDQA, record(4, options=dict.fromkeys("ABCD", "")), ", line 4, .*'A' is empty"),
        ("three", MEDQA, record(4, options={"A": "x"}), ", line 4: options are .*expected A, B, C"),
        ("list", MEDQA, record(4, options=["a"]), ", line 4: 'options' is list; expected dict"),
        ("number", MEDQA, record(4, question=3), ", line 4: 'question' is int; expected str"),
        ("in a list", MEDQA, line(5, "[{}]".format), ", line 5: expected a JSON object, found"),
        ("key twice", MEDQA, swap("{", '{"answer": "x", '), ", line 1: 'answer' occurs twice"),
        ("surrogate", MEDQA, record(3, answer="\ud83d"), ", line 3: JSON that cannot be"),
        ("deep", MEDQA, line(3, lambda row: DEEP), ", line 3: JSON that cannot be"),
        ("digits", MEDQA, line(3, lambda row: DIGITS), ", line 3: JSON that cannot be"),
        ("train missing", MEDQA_TRAIN, remove, "~med_qa_train.json: the file is missing"),
        ("copy: list", MEDQA_COPY, only_copy([]), ", item 1: 'instances' is list; expected dict"),
        ("copy: other", MEDQA_COPY, only_copy(copied(output="e")), ", item 1: 'output' names none"),
        ("copy: ask", MEDQA_COPY, only_copy(copied(q="")), ", item 1: the question or an"),
    ],
    "medmcqa": [
        ("cut off", DEV, cut(0.7), r", line \d+: not whole JSON .*cut off\?"),
        ("cop 0", DEV, record(2, cop=0), ", line 2: cop is 0; expected 1 to 4"),
        ("cop 5", DEV, record(24, cop=5), ", line 24: cop is 5; expected 1 to 4"),
        ("cop text", DEV, record(2, cop="2"), ", line 2: 'cop' is str; expected int"),
        ("cop true", DEV, record(2, cop=True), ", line 2: 'cop' is bool; expected int"),
        ("cop from 0", DEV, from_zero, ": cop is never 4 in 60 rows; does it count from 0"),
        ("no cop", DEV, record(2, cop=None), ", line 2: no 'cop'; found: question, exp"),
        ("option", DEV, record(2, opd=""), ", line 2: 'opd' is empty"),
        ("question", DEV, record(2, question="\t"), ", line 2: 'question' is empty"),
        ("id twice", DEV, repeat(7), ", line 8: '[-0-9a-f]{36}' occurs twice; expected once"),
    ],
    "mmlu_medicine": [
        ("cut off", MMLU, cut(0.6), r", line \d+: not a whole quoted CSV"),
        ("dev missing", MMLU_DEV, remove, MISSING),
        ("extra cell", MMLU, line(2, "{},x".format), ", line 2: 7 cells; expected 6"),
        ("lost cell", MMLU, line(2, lambda row: row[:-2]), ", line 2: 5 cells; expected 6"),
        ("letter", MMLU, line(1, ending("E")), ", line 1: answer is 'E'; expected A, B, C or D"),
        ("option", MMLU, swap("Tracheostomy", ""), ", line 1: 'A' is empty"),
        ("open quote", MMLU, line(1, lambda row: row[1:]), r", line 1: \d+ cells; expected 6"),
    ],
    "pubmedqa": [
        ("cut off", PQAL, cut(0.5), r", line \d+: not whole JSON .*cut off\?"),
        ("ids missing", TRUTH, remove, MISSING),
        ("ids empty", TRUTH, content("{}"), ": expected a JSON object keyed by PMID"),
        ("list", PQAL, document(lambda all: [*all.values()]), ": expected a JSON object keyed"),
        ("lost", PQAL, document(without("90000008")), ": 1 test ids are missing, 90000008"),
        ("label", PQAL, put(final_decision="unsure"), ", record 90000001: .*expected yes, no or"),
        ("question", PQAL, put(QUESTION=""), ", record 90000001: 'QUESTION' is empty"),
        ("one label", PQAL, put(LABELS=["A"]), ", record 90000001: 1 LABELS for 3 CONTEXTS"),
        ("blank", PQAL, put(LABELS=["A"], CONTEXTS=[" "]), ", record 90000001: .*a blank one"),
        ("number", PQAL, put(LABELS=["A"], CONTEXTS=[1]), ", record 90000001: .*expected one"),
        ("no record", PQAL, document(first(1)), ", record 90000001: expected a JSON object"),
        ("twice", PQAL, swap('"90000002"', '"90000001"'), ", key '90000001': .*expected once"),
        ("ids twice", TRUTH, swap('"90000025"', '"90000008"'), ", key '90000008': .*occurs twice"),
        ("surrogate", PQAL, line(9, r'"\udc00": 1,'.__add__), ": JSON that cannot be"),
        ("deep", PQAL, line(9, f'"x": {DEEP},'.__add__), ": JSON that cannot be"),
        ("digits", PQAL, line(9, f'"x": {DIGITS},'.__add__), ": JSON that cannot be"),
        ("differ", TRUTH, swap(': "maybe"', ': "no"'), ", record 90000008: says 'no' where"),
    ],
    "chatdoctor": [
        ("cut off", TABLE, cut(0.7), r", line \d+: not a whole quoted CSV"),
        ("cut at a cell", TABLE, content(f"{HEADER}\n0,Gout\n"), ", line 2: 2 cells; expected 6"),
        ("lost column", TABLE, drop("reason"), r", line 1: .* is not idx, .*missing: reason\)"),
        ("reordered", TABLE, reorder, ", line 1: the header is not idx, .*the order"),
        ("extra cell", TABLE, line(3, "{},x".format), ", line 3: 7 cells; expected 6"),
        ("idx twice", TABLE, cell(2, "idx", "0"), ", line 3: '0' occurs twice"),
        ("idx", TABLE, cell(2, "idx", "x"), ", line 3: idx is 'x'; expected"),
        ("disease", TABLE, cell(2, "disease", " "), ", line 3: 'disease' is empty"),
        ("surrogate", TABLE, drugs(r"['\ud83d']"), ", line 3: .* is not a list of names such"),
        ("deep", TABLE, drugs("[" * 999), ", line 3: .* is not a list of names such"),
        ("drugs", TABLE, drugs(""), ", line 3: 'commonMedications' is empty"),
        ("no drug", TABLE, drugs("[]"), ", line 3: .* is not a list of names such"),
        ("no list", TABLE, drugs("Aspirin"), ", line 3: .* is not a list of names"),
        ("dict", TABLE, drugs("{[]: 1}"), ", line 3: .* is not a list of names"),
        ("brand only", TABLE, drugs("['(Tums)']"), ", line 3: a medication has no"),
        ("symptoms", TABLE, cell(2, "Symptom", "Cough"), ", line 3: 'Symptom' is not"),
    ],
    "mimic_cxr": [
        ("cut off", SPLIT, line(60, lambda row: row[:50]), ", line 60: 2 cells; expected 4"),
        ("missing", SPLIT, remove, ".gz: the file is missing"),
        ("lost column", SPLIT, drop("split"), r", line 1: the header .*\(missing: split\)"),
        ("reordered", SPLIT, reorder, ", line 1: the header is not dicom_id, .*the order"),
        ("extra cell", SPLIT, line(4, "{},x".format), ", line 4: 5 cells; expected 4"),
        ("split", SPLIT, swap(",test", ",dev"), ", line 2: split is 'dev'; expected train"),
        ("study", SPLIT, cell(1, "study_id", "s5"), ", line 2: study is 's5' .*expected 5 and"),
        ("subject", SPLIT, cell(1, "subject_id", ""), ", line 2: .* subject ''; expected 5 and"),
        ("two splits", SPLIT, cell(1, "split", "train"), ", line 3: study 59999001 .*expected one"),
        ("two patients", SPLIT, cell(1, "subject_id", "19999009"), ", line 3: study 59999001 has"),
        ("no report", REPORT, remove, ": the report is missing; .*split.csv names it. Expected it"),
        ("empty report", REPORT, empty, EMPTY),
        ("latin-1 report", REPORT, latin_1, UTF8),
        ("lost", REPORTS, pack("files", without="s59999001"), "~s59999001.txt: the report is"),
        ("cut off zip", REPORTS, pack("files", then=cut(0.5)), ": not a whole archive"),
        ("cut off gz", f"{SPLIT}.gz", zipped(cut(0.5)), r", after line \d+: not a whole gzip file"),
    ],
    "iu_xray": [
        ("cut off", OPENI, cut(0.7), ": not whole XML"),
        ("latin-1", OPENI, latin_1, ": not whole XML"),
        ("web page", OPENI, web_page, ": not an Open-i report"),
        ("empty", OPENI, empty, ": not whole XML"),
        ("encoding", OPENI, swap('encoding="utf-8"', 'encoding="klingon"'), ": not whole XML"),
        ("missing", OPENI, remove, "~reports.tgz, uid CXR9001: the report is missing"),
        ("no tree", OPENI, remove_parent, "~reports.tgz: neither this file nor the folder ecgen"),
        ("no uid", OPENI, swap('<uId id="CXR9001"/>', ""), ": not an Open-i report .*with uId"),
        ("uid twice", OPENI, swap('"CXR9001"', '"CXR9002"'), "~9002.xml: 'CXR9002' occurs twice"),
        ("no section", OPENI, swap('"FINDINGS"', '"FINDING"'), ": sections are .*; expected"),
        ("two", OPENI, swap('"COMPARISON"', '"FINDINGS"'), ": sections are FINDINGS, INDICATION"),
        ("five", OPENI, swap("</Abstract>", FIFTH), ": sections are COMPARISON, .*, FINDINGS;"),
        ("no findings", OPENI, emptied("FINDINGS"), "~uid CXR9001: FINDINGS or IMPRESSION is"),
        ("no impression", OPENI, emptied("IMPRESSION"), "~uid CXR9001: .*; expected both"),
        ("list: no such id", OPENI_LIST, swap("CXR9014", "CXR99"), "~uid CXR99: the report is"),
        ("list: twice", OPENI_LIST, repeat(12), ", line 13: 'CXR9014' occurs twice; expected"),
        ("list: two splits", OPENI_LIST, swap("9003", "9025"), ", line 13: 'CXR9025' occurs twice"),
        ("list: split", OPENI_LIST, swap("validate", "val"), ", line 12: split is 'val'; expected"),
        ("list: no header", OPENI_LIST, line(1, "x{}".format), ", line 1: the header is not"),
        ("list: empty", OPENI_LIST, empty, EMPTY),
        ("cut off tgz", OPENI_TGZ, pack("ecgen-radiology", then=cut(0.9)), ": not a whole archive"),
        ("page for tgz", OPENI_TGZ, pack("ecgen-radiology", then=web_page), ": not a whole"),
        ("damaged tgz", OPENI_TGZ, pack("ecgen-radiology", then=flip_in_tar), ": not a whole"),
        ("no reports", OPENI_TGZ, pack("ecgen-radiology", without=".xml"), ": no .xml file under"),
    ],
    "mimic_iii": [
        ("cut off", NOTES, cut(0.5), r", line \d+: not a whole quoted CSV"),
        ("missing", NOTES, remove, ".gz: the file is missing"),
        ("no folder", NOTES, remove_parent, "~mimic_iii: the data set is not here. It is never"),
        ("lost column", NOTES, drop("ISERROR"), r", line 1: .*\(missing: ISERROR\)"),
        ("reordered", NOTES, reorder, ", line 1: the header is not ROW_ID, .*the order"),
        ("extra cell", NOTES, swap('"Report",', '"Report",,'), r", row .* \d+: 12 cells; expected"),
        ("row", NOTES, cell(2, "ROW_ID", "x"), r", row .* \d+: ROW_ID is not a number"),
        ("row twice", NOTES, cell(2, "ROW_ID", "9900001"), r", row .* \d+, ROW_ID: '9900001"),
        ("patient", NOTES, cell(2, "SUBJECT_ID", ""), r", row .* \d+: SUBJECT_ID is not a number"),
        ("admission", NOTES, cell(2, "HADM_ID", ""), r", row .* \d+: HADM_ID is not a number"),
        ("text", NOTES, cell(2, "TEXT", " \n"), r", row ending at line \d+: TEXT is empty"),
        ("date", NOTES, cell(2, "CHARTDATE", "5/4/61"), r", row .* \d+: CHARTDATE .*YYYY-MM-DD"),
        ("cut off gz", f"{NOTES}.gz", zipped(cut(0.5)), r", after line \d{3,}: not a whole gzip"),
        ("page for gz", f"{NOTES}.gz", zipped(web_page), ", after line 0: not a whole gzip file"),
        ("list: split", SUBJECTS, swap(",val", ",dev"), r", line \d+: split is 'dev'; expected"),
        ("list: twice", SUBJECTS, swap("990002,", "990001,"), ", line 3: '990001' occurs twice"),
        ("list: header", SUBJECTS, swap("subject_id", "id"), r", line 1: .*missing: subject_id\)"),
        ("list: cells", SUBJECTS, swap("990001,test", "990001"), ", line 2: 1 cells; expected 2"),
        ("list: number", SUBJECTS, swap("990001", "p1"), ", line 2: subject_id is 'p1'; expected"),
        ("list: empty", SUBJECTS, empty, EMPTY),
    ],
    "bc5_disease": [
        ("cut in a token", BC5, content("No\tO\npai"), f", line 2: 1 {CELLS} 2"),
        ("cut in a tag", BC5, content("Pain\tB-Dis"), ", line 1: tag is 'B-Dis'; expected B-"),
        ("blank", BC5, blank, f", line 1: 1 {CELLS} 2"),
        ("spaces", BC5, swap("\t", " ", -1), f", line 1: 1 {CELLS} 2"),
        ("extra cell", BC5, line(4, "{}\tx".format), f", line 4: 3 {CELLS} 2"),
        ("tag", BC5, swap("B-Disease", "B-Drug"), ", line 2: tag is 'B-Drug'; expected B-Disease"),
        ("small tag", BC5, swap("\tO", "\to"), ", line 1: tag is 'o'; expected B-Disease, I-"),
        ("orphan", BC5, line(1, as_inner), ", line 1: I-Disease does not continue any mention"),
        ("orphan after O", BC5, line(6, as_inner), ", line 6: I-Disease does not continue any"),
        ("token", BC5, line(3, lambda row: " \tO"), ", line 3: the token is empty"),
    ],
    "ncbi_disease": [
        ("orphan", NCBI, line(15, as_inner), ", line 15: I-Disease does not continue any"),
        ("all quoted", NCBI, resave(csv.QUOTE_ALL), ", line 1: tag is '\"O\"'; expected B-Disease"),
        ("quoted", NCBI, resave(csv.QUOTE_MINIMAL), r", line \d+: the cell carries CSV quoting"),
    ],
    "ddi": [
        ("cut off", DRUG, cut(0.7), ": not whole XML"),
        ("latin-1", DRUG, latin_1, ": not whole XML"),
        ("web page", DRUG, web_page, ": the root is not <document id=...>"),
        ("empty", DRUG, empty, ": not whole XML"),
        ("root", DRUG, swap("document", "doc", -1), ": the root is not <document id=...>"),
        ("type", MEDLINE, swap('"mechanism"', '"x"'), ", pair .*s2.p0: type is 'x'; expected"),
        ("untyped", MEDLINE, swap(' type="mechanism"', ""), ", pair .*s2.p0: type is 'None"),
        ("typed", MEDLINE, swap('"false"', '"false" type="int"'), ", pair .*s0.p0: type is 'int"),
        ("ddi", MEDLINE, swap('"false"', '"no"'), ", pair .*s0.p0: ddi is 'no'; expected true or"),
        ("no pair id", MEDLINE, swap("pair id=", "pair key="), ": a pair has no id"),
        ("pair twice", MEDLINE, swap("s2.p0", "s0.p0"), ", pair .*s0.p0: '.*s0.p0' occurs twice;"),
        ("no entity", MEDLINE, swap(".e0", ".e9"), ", pair .*s0.p0: .* not two mentions of the"),
        ("self", MEDLINE, swap('s0.e1" ddi', 's0.e0" ddi'), ", pair .*s0.p0: .* not two mentions"),
        ("no offset", MEDLINE, swap("charOffset", "x"), ", entity .*s0.e0: charOffset is 'None'"),
        ("offset", MEDLINE, swap('"0-13"', '"0"'), ", entity .*s0.e0: .* is '0'; expected a-b"),
        ("shifted", MEDLINE, swap('"0-13"', '"1-14"'), ", entity .*s0.e0: the sentence does not"),
        ("outside", MEDLINE, swap("38-45", "38-450"), ", entity .*s0.e1: charOffset lies outside"),
        ("backwards", MEDLINE, swap("38-45", "45-38"), ", entity .*s0.e1: charOffset lies outside"),
        ("no sentence", MEDLINE, swap(" text=", " words="), ", entity .*s0.e0: .*, or it is empty"),
        ("no tree", f"{DDI_TEST}/x", remove_tree, "~2013.zip: neither this file nor"),
        ("no xml", DDI_ZIP, pack("DDICorpus", without=".xml"), ": no .xml file under DDICorpus/"),
        ("no test", DDI_ZIP, pack("DDICorpus", without="DDI Extraction"), ": no member under"),
        ("cut off zip", DDI_ZIP, pack("DDICorpus", then=cut(0.8)), ": not a whole archive"),
        ("page for zip", DDI_ZIP, pack("DDICorpus", then=web_page), ": not a whole archive"),
        ("damaged zip", DDI_ZIP, pack("DDICorpus", then=flip), ", .*/99100001.xml: the member is"),
    ],
    "gad": [
        ("cut off", GAD, cut(0.7), rf", line \d+: \d {CELLS} 3"),
        ("train missing", GAD_TRAIN, remove, MISSING),
        ("no header", GAD, line(1, lambda row: "0\tx\t1"), ", line 1: the header is not index"),
        ("index twice", GAD, repeat(5), ", line 6: index is '3'; expected 4"),
        ("row lost", GAD, line(5, lambda row: ""), ", line 6: index is '4'; expected 3"),
        ("label", GAD, line(3, ending("2")), ", line 3: label is '2'; expected 0 or 1"),
        ("spaces", GAD, swap("\t", "  ", -1), f", line 1: 1 {CELLS} 3"),
        ("extra cell", GAD, line(2, "{}\tx".format), f", line 2: 4 {CELLS} 3"),
        ("mark", GAD, swap("@GENE$", "BRCA1"), ", line 2: the sentence lacks the marks @GENE"),
        ("sentence", GAD, line(2, lambda row: "0\t \t1"), ", line 2: the sentence lacks the marks"),
        ("quoted", GAD, resave(csv.QUOTE_MINIMAL), ", line 5: the cell carries CSV quoting"),
        ("train quoted", GAD_TRAIN, resave(csv.QUOTE_ALL), ", line 1: label is '.1.'; exp"),
        ("train header", GAD_TRAIN, line(1, "x\tlabel\n{}".format), ", line 1: label is 'label'"),
    ],
    "hoc": [
        ("label", LABELS, swap("Resisting", "Assisting"), ": 'Assisting cell death' is not one of"),
        ("cut off", LABELS, content("<Resisting ce"), ": 'Resisting ce' is not one of the ten"),
        ("no label", LABELS, content("< < NULL< "), ": no hallmark; the split has only documents"),
        ("empty labels", LABELS, empty, EMPTY),
        ("missing", ABSTRACT, remove, ": the member is missing; hoc_blue_test.txt names it"),
        ("labels missing", LABELS, remove, ": the member is missing; hoc_blue_test.txt names it"),
        ("list: no such id", HOC_LIST, swap("99000001", "99"), "~/99.txt: the member is missing"),
        ("list: twice", HOC_LIST, repeat(2), ", PMID 99000002: '99000002' occurs twice"),
        ("list: empty", HOC_LIST, empty, EMPTY),
        ("other commit", HOC_ZIP, pack(ARCHIVE, without=".txt"), ": no .txt file under Hallmarks-"),
        ("cut off zip", HOC_ZIP, pack(ARCHIVE, then=cut(0.9)), ": not a whole archive"),
    ],
}
COMMON = {  # of every text file; the names of those that may be packed are others
    "latin-1": (latin_1, UTF8), "web page": (web_page, PAGE), "empty": (empty, EMPTY),
    "missing": (remove, MISSING),
}  # fmt: skip
TEXTS = {
    "medqa": MEDQA, "medmcqa": DEV, "mmlu_medicine": MMLU, "pubmedqa": PQAL, "chatdoctor": TABLE,
    "mimic_cxr": SPLIT, "mimic_iii": NOTES, "bc5_disease": BC5, "ncbi_disease": NCBI, "gad": GAD,
    "hoc": ABSTRACT,
}  # fmt: skip
PARTLY = ("mimic_cxr", "mimic_iii", "ncbi_disease", "hoc")  # read only in part, or as a sister
for key, file in TEXTS.items():
    known = {row[0] for row in BAD[key]}
    BAD[key] += [(name, file, *row) for name, row in COMMON.items() if name not in known]
ROWS = [pytest.param(key, *row[1:], id=f"{key}: {row[0]}") for key in BAD for row in BAD[key]]


def load_both(key, root):
    return [load(key, split, root=root) for split in ("test", "train")]


@pytest.mark.parametrize("key, file, damage, message", ROWS)
def test_damage_is_refused(key, file, damage, message, fresh):
    root = fresh(key)
    damage(root / file)
    with pytest.raises(DataError) as caught:
        load_both(key, root)
    error = caught.value
    name = re.escape(file.split("/")[-1])
    assert re.search(message[1:] if message[0] == "~" else name + message, str(error))
    assert str(error.path).startswith(str(root)) and error.advice in str(error)
    credentialed = DATASETS[key].tier == "credentialed"
    assert ("PhysioNet" if credentialed else "download") in error.advice


@pytest.mark.parametrize("row", [0, 2])
@pytest.mark.parametrize("column", COLUMNS)
def test_errors_never_quote_a_patient_note(row, column, fresh):
    root = fresh("mimic_iii")
    cell(row, column, "SECRET")(root / NOTES)
    try:
        load_both("mimic_iii", root)
    except DataError as error:
        assert "SECRET" not in str(error)
    else:
        assert row == 2 and not column.endswith(("_ID", "CHARTDATE"))


def test_the_table_is_whole():
    assert list(BAD) == list(DATASETS) and len(ROWS) >= 230
    assert len({row.id for row in ROWS}) == len(ROWS)


@pytest.mark.parametrize("key, file", [row for row in TEXTS.items() if row[0] not in PARTLY])
def test_a_file_cut_anywhere_is_refused_or_a_prefix(key, file, fresh, samples):
    """Between two rows a cut cannot be seen; anywhere else it must be."""
    root = fresh(key)
    whole, data = load(key, root=samples), (root / file).read_bytes()
    refused = 0
    for place in range(1, 40):
        (root / file).write_bytes(data[: len(data) * place // 40])
        try:
            part = load(key, root=root)
        except DataError:
            refused += 1
            continue
        keep = len(part) - (key == "bc5_disease")  # a sentence may end at any row
        assert part[:keep] == whole[:keep]
    assert refused > 15


@pytest.mark.parametrize("form", ["zip", "tgz"])
def test_an_archive_that_would_take_all_memory_is_refused(form, tmp_path, monkeypatch):
    monkeypatch.setattr("benchhealth_utils.tasks.files.UNPACKED", 500)
    archive = tmp_path / f"a.{form}"
    if form == "zip":
        with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as packed:
            packed.writestr("top/1.txt", "0" * 501)
    else:
        with tarfile.open(archive, "w:gz") as packed:
            (tmp_path / "1.txt").write_text("0" * 501)
            packed.add(tmp_path / "1.txt", "top/1.txt")
    with pytest.raises(DataError, match="would unpack to more than"):
        members(archive, "top", ".txt")
