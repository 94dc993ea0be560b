"""Ratings as CSV files: they come back as they went, nothing runs, and what is wrong is refused."""

import csv
import re
import xml.etree.ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchhealth_utils.human_eval import CRITERIA, Study, StudyError, create
from benchhealth_utils.human_eval.exchange import HEADER, export_csv, import_csv, safe, unsafe
from benchhealth_utils.human_eval.sample import Dialogue
from benchhealth_utils.schema import DATA, DataError

TALKS = [
    Dialogue("planted-1", '=HYPERLINK("http://x"); it hurts,\n"badly"', "-"),
    Dialogue("planted-2", "@home: what now?", "-"),
    Dialogue("planted-3", "'quoted' 5 mg\tdaily?", "-"),
    *(Dialogue(f"planted-{i}", f"Why {i}?", "-") for i in range(4, 9)),
]
REPLIES = {
    "Zebrafinch-7B": {talk.id: f"-{at} mg" for at, talk in enumerate(TALKS)},
    "Quagga-13B": dict.fromkeys((talk.id for talk in TALKS), "+\n1. Rest; yes"),
}
SAID = [
    {"faithfulness": "left", "robustness": "tie", "comment": "=1+1; \n yes,\t'no'"},
    dict.fromkeys(CRITERIA, "right") | {"difficult": True},
    {"comment": "'"},
]


def make(folder, **options):
    return create(folder, TALKS, REPLIES, **{"seed": 1, "blinding": 1, "checks": 0, **options})


@pytest.fixture
def study(tmp_path):
    return make(tmp_path / "study")


def rate(study, rater="rater-1", said=SAID):
    for card, each in zip(study.order(rater), said, strict=False):
        study.rate(rater, [(card, *pair) for pair in each.items()])


def cells(path):
    with path.open(encoding="utf-8-sig", newline="") as stream:
        return list(csv.reader(stream))


def save(path, rows, delimiter=",", encoding="utf-8"):
    with path.open("w", encoding=encoding, newline="") as stream:
        csv.writer(stream, delimiter=delimiter).writerows(rows)
    return path


@pytest.fixture
def sheet(study, tmp_path):
    """An export that a rater has filled in, as rows."""
    rate(study)
    rows = cells(export_csv(study, "rater-1", tmp_path / "out.csv"))
    rows[4][HEADER.index("faithfulness")] = " LEFT "
    return rows


def test_ratings_come_back_as_they_went_and_blind(study, tmp_path):
    rate(study)
    twin = make(tmp_path / "twin")
    path = export_csv(study, "rater-1", tmp_path / "new" / "out.csv")
    text = path.read_text(encoding="utf-8-sig")
    assert not re.search("zebrafinch|quagga|planted|repeat", text, re.I)
    assert import_csv(twin, path) == {"new": 9, "changed": 0, "same": 0}
    assert twin.said("rater-1") == study.said("rater-1")
    assert import_csv(study, path) == {"new": 0, "changed": 0, "same": 9}
    with pytest.raises(StudyError, match="is there already"):
        export_csv(study, "rater-1", path)
    for row in cells(path):
        assert not any(cell.startswith(tuple("=+-@\t\r")) for cell in row)
    empty = export_csv(study, "senior", tmp_path / "senior.csv")
    assert cells(empty) == [list(HEADER)]
    with pytest.raises(StudyError, match="no rater 'ghost'"):
        export_csv(study, "ghost", tmp_path / "ghost.csv")


@given(st.text("=+-@\t\r\n'＝＋－＠a1 ", max_size=6))
def test_no_cell_runs_and_every_text_comes_back(text):
    assert unsafe(safe(text)) == text
    assert not safe(text).startswith(tuple("=+-@\t\r\n＝＋－＠"))


@pytest.mark.parametrize("sees", ["both", "none"])
def test_the_seniors_file_says_what_the_raters_said_if_the_design_does(tmp_path, sees):
    study = make(tmp_path / "study", senior_sees=sees)
    card = study.order("senior")[0]
    for rater, choice in (("rater-1", "left"), ("rater-2", "tie")):
        study.rate(rater, [(card, key, choice) for key in CRITERIA])
    study.rate("rater-2", [(card, "comment", "=because"), (card, "difficult", True)])
    rows = cells(export_csv(study, "senior", tmp_path / "senior.csv"))
    assert len(rows) == 2 and ("raters" in rows[0]) == (sees == "both")
    if sees == "both":
        lines = rows[1][-1].split("\n")
        verdicts = [f"{key}: left | tie" for key in CRITERIA]
        assert lines == [*verdicts, "difficult: no | yes", "comment:  | =because"]
    rows[1][HEADER.index("robustness")] = "right"
    assert import_csv(study, save(tmp_path / "back.csv", rows))["new"] == 1


@pytest.mark.parametrize(
    ("delimiter", "encoding"), [(",", "utf-8"), (";", "utf-8-sig"), ("\t", "utf-8")]
)
def test_what_spreadsheets_save_is_read(study, sheet, tmp_path, delimiter, encoding):
    head = [name.upper() for name in sheet[0]]
    rows = [head, *([cell.replace("\n", "\r\n") for cell in row] for row in sheet[1:]), [""] * 11]
    rows = [[*row, ""] for row in rows]  # an empty column, as spreadsheets leave
    path = save(tmp_path / "back.csv", rows, delimiter, encoding)
    assert import_csv(study, path) == {"new": 1, "changed": 0, "same": 9}
    card = study.order("rater-1")[3]
    assert study.said("rater-1")[card] == {"faithfulness": "left"}
    # columns may be moved, and those of the texts left out
    keep = [HEADER.index(name) for name in ("comment", "difficult", *CRITERIA, "card")]
    less = save(tmp_path / "less.csv", [[row[i] for i in keep] for row in sheet])
    assert import_csv(study, less, "rater-1")["same"] == 10
    with pytest.raises(DataError, match="whose ratings"):
        import_csv(study, less)


def test_a_file_overrules_the_study_only_if_told_to(study, sheet, tmp_path):
    comment, difficult, faithful = map(HEADER.index, ("comment", "difficult", "faithfulness"))
    for index, text in ((comment, "another"), (faithful, "tie"), (difficult, "no")):
        rows = [list(row) for row in sheet]
        rows[2 if index == difficult else 1][index] = text
        rows[4][faithful] = ""  # a blank cell takes nothing back
        path = save(tmp_path / "back.csv", rows)
        before = study.last_click()
        with pytest.raises(DataError, match=r"row [23]: the study has .* otherwise"):
            import_csv(study, path)
        assert study.last_click() == before
        counts = import_csv(study, path, replace=True)
        assert (counts["new"], counts["changed"]) == (0, 1)
        sheet = rows
    assert study.said("rater-1")[study.order("rater-1")[1]]["difficult"] is False
    rows[1][comment] = "late"
    study.close()
    with pytest.raises(StudyError, match="The study is closed"):
        import_csv(study, save(path, rows), replace=True)


def edit(row, name, value):
    def change(rows):
        rows[row][HEADER.index(name)] = value

    return change


def sort_one_column(rows):
    at = HEADER.index("left")
    column = sorted(row[at] for row in rows[1:])
    for row, cell in zip(rows[1:], column, strict=True):
        row[at] = cell


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (edit(3, "faithfulness", "better"), "row 4: 'faithfulness' cannot be 'better'"),
        (edit(2, "difficult", "maybe"), "row 3: 'difficult' cannot be 'maybe'"),
        (edit(5, "comment", "x" * 10_001), "row 6: 'comment' cannot be 'xxx"),
        (edit(1, "card", "c0"), "row 2: 'c0' is not one of rater-1's cards"),
        (edit(2, "rater", "rater-2"), "row 3: it is rater-2's, not rater-1's"),
        (edit(2, "question", "Other?"), "row 3: the text under 'question' is not that"),
        (sort_one_column, "the text under 'left' is not that of card"),
        (lambda rows: rows.append(rows[1]), "stands here twice"),
        (lambda rows: rows[3].pop(), r"row 4: 10 cells under 11"),
        (lambda rows: rows[3].append("x"), r"row 4: 12 cells under 11"),
        (lambda rows: [row.append("" if i != 3 else "x") for i, row in enumerate(rows)], "row 4"),
        (edit(0, "robustness", "robust"), "row 1: the columns are"),
        (edit(0, "robustness", "faithfulness"), "row 1: the columns are"),
        (lambda rows: rows.__delitem__(slice(1, None)), "no rating"),
    ],
)  # fmt: skip
def test_a_wrong_sheet_is_refused_by_row_and_nothing_is_taken(
    study, sheet, tmp_path, change, message
):
    change(sheet)
    before = study.last_click()
    with pytest.raises(DataError, match=message):
        import_csv(study, save(tmp_path / "back.csv", sheet))
    assert study.last_click() == before


@pytest.mark.parametrize("data", [b"", b"\xff\xfe\x00", b'"card"\n"c1', b"card,\n", b"PK\x03\x04"])
def test_what_is_no_csv_is_refused(study, tmp_path, data):
    (tmp_path / "back.csv").write_bytes(data)
    for name in ("back.csv", "none.csv"):
        with pytest.raises(DataError):
            import_csv(study, tmp_path / name)


def test_label_studio_takes_the_file_and_its_export_comes_back(study, sheet, tmp_path):
    top = ET.parse(DATA / "templates" / "label-studio.xml").getroot()
    shown = {each.get("value") for each in top.iter("Text")}
    assert shown == {"$question", "$left", "$right"} and {x[1:] for x in shown} < set(HEADER)
    controls = {each.get("name"): each for each in [*top.iter("Choices"), *top.iter("TextArea")]}
    assert list(controls) == [*CRITERIA, "difficult", "comment"]
    for key, criterion in CRITERIA.items():
        assert [x.get("alias") for x in controls[key]] == ["left", "tie", "right"]
        heads = [each.get("value") for each in top.iter("Header")]
        assert f"{criterion['name']}. {criterion['definition']}" in heads
    assert [x.get("alias") for x in controls["difficult"]] == ["yes"]
    added = ["annotation_id", "annotator", "created_at", "id", "lead_time", "updated_at"]
    rows = [[*sheet[0], *added], *([*row, "7", "1", "x", "3", "2.5", "x"] for row in sheet[1:])]
    twin = make(tmp_path / "twin")
    assert import_csv(twin, save(tmp_path / "export.csv", rows))["new"] == 10
    rows[3][-5] = "2"
    with pytest.raises(DataError, match="more than one annotator"):
        import_csv(Study(study.path), save(tmp_path / "two.csv", rows))
