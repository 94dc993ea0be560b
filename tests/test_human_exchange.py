"""Ratings made elsewhere: spreadsheets and Label Studio, out and in, and what is refused."""

import csv
import io
import json
import shutil
from xml.etree import ElementTree

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchhealth_utils.human_eval import (
    CHOICES,
    CRITERIA,
    StudyError,
    create_study,
    load_votes,
    open_study,
)
from benchhealth_utils.human_eval.dialogues import Dialogue
from benchhealth_utils.human_eval.exchange import session_of
from benchhealth_utils.human_eval.folder import plain
from benchhealth_utils.human_eval.label_studio import (
    NAMES,
    export_label_studio,
    import_label_studio,
    label_config,
)
from benchhealth_utils.human_eval.spreadsheets import (
    CELL,
    HEADER,
    RUNS,
    export_csv,
    import_csv,
    safe,
    unsafe,
)
from benchhealth_utils.schema import DataError

TEXTS = [
    "Plain?",
    '=HYPERLINK("http://example.org","click")',
    "+1 day; what, now?",
    "-5 °C,\n\nand \"quotes\" 'both'",
    "@SUM(A1)",
    "'already quoted",
    "Line\u2028separator and\u2029paragraph",
    "\t=1+1",
    "ends with backslash\\",
    "＝wide equals",
]
DIALOGUES = [Dialogue(f"d{i}", text, "") for i, text in enumerate(TEXTS)]
REPLIES = {
    "one": {item.id: f"={item.id}|calc" for item in DIALOGUES},
    "two": {item.id: f"Reply, with; marks\nto {item.id}" for item in DIALOGUES},
}


@pytest.fixture(scope="module")
def unrated(tmp_path_factory):
    """Made once and copied: hashing codes is slow on purpose."""
    folder = tmp_path_factory.mktemp("unrated") / "study"
    return create_study(folder, DIALOGUES, REPLIES, blinding=2).folder


@pytest.fixture
def study(unrated, tmp_path):
    shutil.copytree(unrated, tmp_path / "study")
    return open_study(tmp_path / "study")


@pytest.fixture
def fresh_copy(study, tmp_path):
    """The same study before anybody rated."""
    shutil.copytree(study.folder, tmp_path / "copy")
    return open_study(tmp_path / "copy")


COMMENTS = ["", "=cmd|' /C calc'!A0", "two\nlines; and, more", "\u2028 é 😀", "'", "x" * 10_000]


def rate(study, rater="rater-1"):
    """Ratings with every choice, marks, comments, and some cards left or half done."""
    session = session_of(study, rater)
    for number, card in enumerate(session.cards[:8]):
        for at, key in enumerate(CRITERIA):
            if number < 6 or at < 2:
                session.choose(card.id, key, CHOICES[(number + at) % 3])
        if number % 3 == 0:
            session.mark_difficult(card.id, True)
        if number < len(COMMENTS) and COMMENTS[number]:
            session.comment(card.id, COMMENTS[number])
    return session


def said(study):
    return load_votes(study.folder).drop(columns="at").to_dict("records")


WAYS = {
    "csv": (export_csv, import_csv, "csv"),
    "label-studio": (export_label_studio, import_label_studio, "json"),
}


@pytest.fixture(params=WAYS)
def way(request):
    return WAYS[request.param]


# Round trips


def test_ratings_come_back_as_they_went(study, fresh_copy, way, tmp_path):
    write, read, ending = way
    for rater in ("rater-1", "rater-2"):
        rate(study, rater)
    session_of(study, "senior").choose(session_of(study, "senior").cards[0].id, "robustness", "tie")
    for rater in ("rater-1", "rater-2", "senior"):
        path = write(study, rater, tmp_path / "out" / f"{rater}.{ending}")
        counts = read(fresh_copy, path)
        assert counts["new"] > 0 and counts["changed"] == counts["same"] == 0
        again = read(fresh_copy, path)
        assert again == {"same": counts["new"]}
    assert said(fresh_copy) == said(study) and len(said(study)) == 2 * 28 + 1
    first = session_of(fresh_copy, "rater-1")
    for card in session_of(study, "rater-1").cards:
        assert first.judgement(card.id) == session_of(study, "rater-1").judgement(card.id)


def test_an_export_without_ratings_says_nothing(study, way, tmp_path):
    write, read, ending = way
    path = write(study, "rater-1", tmp_path / f"a.{ending}")
    assert read(study, path) == {} and said(study) == []
    with pytest.raises(StudyError, match="no rater 'ghost'"):
        write(study, "ghost", tmp_path / f"b.{ending}")
    with pytest.raises(StudyError, match="is there already"):
        write(study, "rater-1", path)


def test_an_export_is_blind(study, way, tmp_path):
    write, _, ending = way
    path = write(study, "rater-1", tmp_path / f"a.{ending}")
    key = json.loads((study.folder / "key.json").read_text())["cards"]
    text = path.read_text(encoding="utf-8-sig")
    assert "repeat" not in text and '"one"' not in text and '"two"' not in text
    order = [card.id for card in study.cards_of("rater-1")]
    places = [text.index(card) for card in order]
    assert places == sorted(places) and len(order) == len(key)


def disputed(study):
    """A card that rater-1 comments and on which the raters differ."""
    card = study.cards_of("senior")[0].id
    for rater, choice in (("rater-1", "left"), ("rater-2", "right")):
        for key in CRITERIA:
            session_of(study, rater).choose(card, key, choice)
    session_of(study, "rater-1").comment(card, "=because\nof this")
    return card


SAID = [
    *(f"{item.name}: left, right" for item in CRITERIA.values()),
    "Difficult: no, no",
    "Comment: =because\nof this",
]


@pytest.mark.parametrize("sees", ["both", "none"])
def test_the_seniors_file_says_what_the_raters_said_if_the_design_does(sees, way, tmp_path):
    write, read, ending = way
    study = create_study(tmp_path / "s", DIALOGUES, REPLIES, blinding=2, senior_sees=sees)
    card = disputed(study)
    path = write(study, "senior", tmp_path / f"senior.{ending}")
    own = write(study, "rater-1", tmp_path / f"rater.{ending}").read_text(encoding="utf-8-sig")
    assert "left, right" not in own  # nothing of the other rater's
    text = path.read_text(encoding="utf-8-sig")
    if ending == "csv":
        (row,) = csv.DictReader(io.StringIO(text, newline=""))
        said = row.get("raters")
    else:
        (task,) = json.loads(text)
        said = task["data"].get("raters")
        root = ElementTree.fromstring(path.with_suffix(".xml").read_text())
        shown = [item.get("value") for item in root.iter("Text")]
        assert ("$raters" in shown) == (sees == "both")
    assert said == ("\n".join(SAID) if sees == "both" else None)
    assert "rater-1" not in text and "rater-2" not in text  # without their names
    session_of(study, "senior").choose(card, "robustness", "tie")
    path.unlink()
    path.with_suffix(".xml").unlink(missing_ok=True)
    assert read(study, write(study, "senior", path)) == {"same": 1}  # read, and not taken in


def test_a_closed_study_takes_no_file(study, fresh_copy, way, tmp_path):
    write, read, ending = way
    rate(study)
    path = write(study, "rater-1", tmp_path / f"a.{ending}")
    fresh_copy.close()
    with pytest.raises(StudyError, match="The study is closed"):
        read(fresh_copy, path)
    assert said(fresh_copy) == []
    fresh_copy.reopen()
    assert read(fresh_copy, path)["new"] > 0


ANY = st.text(
    alphabet=st.one_of(
        st.characters(codec="utf-8"), st.sampled_from("=+-@'\"\t\r\n,;\\\u2028＝＠\x00 ")
    ),
    max_size=30,
)


@given(ANY)
def test_no_cell_runs_and_every_text_comes_back(text):
    cell = safe(text)
    assert unsafe(cell) == text
    assert not cell.startswith(tuple(set(RUNS) - {"'"}))


@given(st.lists(ANY, min_size=1, max_size=4))
def test_texts_survive_a_csv_file(texts):
    table = io.StringIO()
    csv.writer(table, quoting=csv.QUOTE_ALL).writerow([safe(plain(text)) for text in texts])
    (row,) = csv.reader(io.StringIO(table.getvalue(), newline=""), strict=True)
    assert [unsafe(cell) for cell in row] == [plain(text) for text in texts]


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    """A study of three cards that nobody has rated, to be copied."""
    folder = tmp_path_factory.mktemp("small") / "study"
    replies = {m: {k: texts[k] for k in ("d0", "d1", "d2")} for m, texts in REPLIES.items()}
    options = {"repeats": 0, "checks": 0, "senior": None, "raters": ["ann"], "blinding": 1}
    return create_study(folder, DIALOGUES[:3], replies, **options)


@settings(max_examples=25)
@given(st.lists(st.tuples(st.sampled_from([*CHOICES, None]), st.booleans(), ANY), max_size=3))
def test_any_rating_makes_the_round_trip(small, tmp_path_factory, ratings):
    folder = tmp_path_factory.mktemp("study")

    def copy(name):
        shutil.copytree(small.folder, folder / name)
        return open_study(folder / name)

    study = copy("rated")
    session = session_of(study, "ann")
    for card, (choice, difficult, comment) in zip(session.cards, ratings, strict=False):
        if choice:
            session.choose(card.id, "faithfulness", choice)
        if difficult:
            session.mark_difficult(card.id, True)
        session.comment(card.id, comment)
    for name, (write, read, ending) in WAYS.items():
        again = copy(name)
        read(again, write(study, "ann", folder / f"{name}.{ending}"))
        back = session_of(again, "ann")
        for card in session.cards:
            assert back.judgement(card.id) == session.judgement(card.id)


# Spreadsheets


def cells(path):
    with path.open(encoding="utf-8-sig", newline="") as stream:
        return list(csv.reader(stream))


def save(path, rows, delimiter=",", encoding="utf-8", first=""):
    table = io.StringIO()
    csv.writer(table, delimiter=delimiter).writerows(rows)
    path.write_bytes((first + table.getvalue()).encode(encoding))
    return path


@pytest.fixture
def sheet(study, tmp_path):
    """Rows of an exported sheet of rater-1, the header first, and where to save them."""
    return cells(export_csv(study, "rater-1", tmp_path / "sheet.csv")), tmp_path / "edited.csv"


def column(name):
    return HEADER.index(name)


def test_no_cell_of_an_export_begins_a_formula(study, tmp_path):
    rate(study)
    rows = cells(export_csv(study, "rater-1", tmp_path / "sheet.csv"))
    assert tuple(rows[0]) == HEADER and len(rows) == 1 + len(study.cards)
    begins = {cell[0] for row in rows for cell in row if cell}
    assert not begins & set("=+-@\t\r\n＝＋－＠")
    questions = {unsafe(row[column("question")]) for row in rows[1:]}
    assert questions == {plain(text).strip() for text in TEXTS}
    assert (tmp_path / "sheet.csv").read_bytes().startswith(b"\xef\xbb\xbf")


@pytest.mark.parametrize(
    ("delimiter", "encoding", "first"),
    [
        (",", "utf-8", ""),
        (";", "utf-8", ""),
        ("\t", "utf-8-sig", ""),
        (";", "utf-8-sig", "sep=;\r\n"),
    ],
)
def test_what_spreadsheets_save_is_read(study, sheet, delimiter, encoding, first):
    rows, path = sheet
    for row, choice in zip(rows[1:], ("Left", " TIE ", "right"), strict=False):
        for key in CRITERIA:
            row[column(key)] = choice
    rows[1][column("difficult")] = "TRUE"
    rows[2][column("comment")] = "my own; with, marks"
    rows[0] = [name.upper() for name in rows[0]]
    rows.append([""] * len(HEADER))  # a blank row at the end
    rows = [[*row, ""] for row in rows]  # and a blank column
    counts = import_csv(study, save(path, rows, delimiter, encoding, first))
    assert counts == {"new": 14}
    votes = load_votes(study.folder)
    assert votes["choice"].tolist() == ["left"] * 4 + ["tie"] * 4 + ["right"] * 4
    assert votes["difficult"].tolist() == [True] * 4 + [False] * 8
    assert votes["comment"][4] == "my own; with, marks"


def test_columns_may_be_moved_and_those_of_the_texts_left_out(study, sheet):
    rows, path = sheet
    rows[1][column("faithfulness")] = "tie"
    wanted = ["comment", "difficult", *reversed(CRITERIA), "card"]
    short = [[row[column(name)] for name in wanted] for row in rows]
    with pytest.raises(DataError, match="does not say whose"):
        import_csv(study, save(path, short))
    assert import_csv(study, path, "rater-2") == {"new": 1}
    assert load_votes(study.folder)["rater"].tolist() == ["rater-2"]


def test_line_ends_that_a_spreadsheet_changes_do_not_matter(study, sheet):
    rows, path = sheet
    rows = [[cell.replace("\n", "\r\n") for cell in row] for row in rows]
    rows[1][column("comment")] = "a\r\nb"
    import_csv(study, save(path, rows))
    assert session_of(study, "rater-1").judgement(rows[1][1]).comment == "a\nb"


def edit(row, name, value):
    def change(rows):
        rows[row][column(name)] = value

    return change


def rename(name, new):
    def change(rows):
        rows[0][column(name)] = new

    return change


def drop_column(name):
    def change(rows):
        for row in rows:
            del row[column(name)]

    return change


def sort_one_column(rows):
    at = column("card")
    rows[1][at], rows[2][at] = rows[2][at], rows[1][at]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (edit(3, "faithfulness", "A"), "row 4: faithfulness is 'A'"),
        (edit(3, "faithfulness", "left?"), "row 4: faithfulness"),
        (edit(5, "difficult", "perhaps"), "row 6: difficult is 'perhaps'"),
        (edit(2, "comment", "x" * 10_001), "row 3: The comment has 10,001"),
        (edit(2, "card", "c00000000000"), "row 3: 'c00000000000' is not one of rater-1's"),
        (edit(2, "card", ""), "row 3: '' is not one"),
        (edit(2, "card", "../../x"), "row 3: '../../x' is not one"),
        (edit(4, "rater", "rater-2"), "row 5: it is rater-2's, not rater-1's"),
        (edit(1, "rater", "ghost"), "no rater 'ghost'"),
        (edit(4, "left", "Another reply"), "row 5: the text under 'left' is not that of card"),
        (edit(4, "question", ""), "row 5: the text under 'question'"),
        (sort_one_column, "row 2: the text under"),
        (lambda rows: rows.append(rows[3]), "stands at row 4 already"),
        (lambda rows: rows[6].pop(), "row 7: 10 cells under 11 columns"),
        (lambda rows: rows[6].append("stray"), "row 7: 12 cells"),
        (rename("robustness", "robustnes"), "row 1: no column robustness"),
        (rename("question", "frage"), "row 1: unknown: frage"),
        (rename("left", "right"), "row 1: twice: right"),
        (drop_column("comment"), "row 1: no column comment"),
        (lambda rows: rows[1:].clear() or rows.__delitem__(slice(1, None)), "no rating in it"),
        (lambda rows: rows.clear(), "row 1: no column"),
    ],
)
def test_a_wrong_sheet_is_refused_by_row_and_nothing_is_taken(study, sheet, change, message):
    rows, path = sheet
    for row in rows[1:]:
        row[column("faithfulness")] = "tie"
    change(rows)
    with pytest.raises((DataError, StudyError), match=message):
        import_csv(study, save(path, rows))
    assert not list((study.folder / "ratings").iterdir())


def test_a_stray_cell_beside_the_table_is_refused(study, sheet):
    rows, path = sheet
    rows = [[*row, ""] for row in rows]
    rows[3][-1] = "note to self"
    with pytest.raises(DataError, match="row 4: 'note to self' stands under no column's name"):
        import_csv(study, save(path, rows))


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "row 1: no column"),
        (b"\xff\xfe\x00", "line 1: not UTF-8"),
        ("card\nGrüße\n".encode("latin-1"), "line 2: not UTF-8"),
        (b"PK\x03\x04 a workbook, not CSV", "row 1: no column"),
        (b'card,"faith', "not a whole quoted CSV"),
        (b"<html></html>", "row 1: no column"),
    ],
)
def test_what_is_no_csv_is_refused(study, tmp_path, data, message):
    path = tmp_path / "x.csv"
    path.write_bytes(data)
    with pytest.raises(DataError, match=message):
        import_csv(study, path)
    with pytest.raises(DataError, match="cannot be read"):
        import_csv(study, tmp_path / "nowhere.csv")


def test_a_file_overrules_the_study_only_if_told_to(study, fresh_copy, way, tmp_path):
    write, read, ending = way
    rate(study)
    path = write(study, "rater-1", tmp_path / f"a.{ending}")
    session = session_of(fresh_copy, "rater-1")
    card = session.cards[0].id
    session.choose(card, "faithfulness", "right")
    session.comment(session.cards[3].id, "the page's own")
    with pytest.raises(DataError, match=f"the study has faithfulness as 'right' of card '{card}'"):
        read(fresh_copy, path)
    assert len(said(fresh_copy)) == 1
    assert read(fresh_copy, path, replace=True)["changed"] == 2
    assert said(fresh_copy) == said(study)


def test_a_blank_cell_takes_nothing_back(study, tmp_path):
    blank = export_csv(study, "rater-1", tmp_path / "blank.csv")
    rate(study)
    before = said(study)
    assert import_csv(study, blank, replace=True) == {}
    assert said(study) == before


def test_a_mark_can_be_taken_back_by_a_plain_no(study, sheet):
    rows, path = sheet
    session = session_of(study, "rater-1")
    session.mark_difficult(rows[1][1], True)
    rows[1][column("difficult")] = "no"
    rows[2][column("difficult")] = "no"
    with pytest.raises(DataError, match="row 2: the study has difficult as True"):
        import_csv(study, save(path, rows))
    assert import_csv(study, path, replace=True) == {"changed": 1, "same": 1}
    assert session.judgement(rows[1][1]).difficult is False


def test_a_text_that_no_cell_holds_is_told(tmp_path):
    long = {"one": {"d0": "x" * CELL}, "two": {"d0": "y"}}
    study = create_study(tmp_path / "s", DIALOGUES[:1], long, repeats=0, checks=0)
    with pytest.raises(StudyError, match="32,767 characters"):
        export_csv(study, "rater-1", tmp_path / "x.csv")
    assert not (tmp_path / "x.csv").exists()
    export_label_studio(study, "rater-1", tmp_path / "x.json")


# Label Studio. The layouts are those that Label Studio 1.23.2 exported for such tasks.


def test_the_set_up_names_every_control(study):
    root = ElementTree.fromstring(label_config(study))
    controls = {item.get("name"): item for item in root.iter() if item.get("name")}
    assert set(controls) == {"question", "left", "right", *CRITERIA, "difficult", "comment"}
    for key in CRITERIA:
        assert controls[key].get("toName") in controls and controls[key].get("required") == "true"
        assert [item.get("alias") for item in controls[key]] == list(CHOICES)
    for name in ("question", "left", "right"):
        assert controls[name].get("value") == f"${name}"


def test_a_definition_cannot_break_the_set_up(study):
    from benchhealth_utils.human_eval import Criterion

    study.criteria = (Criterion("faithfulness", 'A "B" & <C>', "x > y 'z'"),)
    root = ElementTree.fromstring(label_config(study))
    assert "A \"B\" & <C>. x > y 'z'" in [item.get("value") for item in root.iter("Header")]


def choices(name, *chosen):
    return {
        "id": "Dx_aB91ISN",
        "from_name": name,
        "to_name": "question",
        "type": "choices",
        "origin": "manual",
        "value": {"choices": list(chosen)},
    }


def pairwise(name, selected):
    return {
        "id": "hQ2e",
        "from_name": name,
        "to_name": "left,right",
        "type": "pairwise",
        "origin": "manual",
        "value": {"selected": selected},
    }


def comment(*texts):
    value = {"text": list(texts)}
    return {"from_name": "comment", "to_name": "question", "type": "textarea", "value": value}


def annotation(*results, who=1, **others):
    return {
        "id": 7,
        "completed_by": who,
        "result": list(results),
        "was_cancelled": False,
        "ground_truth": False,
        "created_at": "2026-11-22T22:12:15.907273Z",
        "updated_at": "2026-11-22T22:12:15.907279Z",
        "lead_time": 12.5,
        "task": 2,
        "project": 1,
        **others,
    }


@pytest.fixture
def tasks(study, tmp_path):
    """Exported tasks of rater-1, as a project has them, and where to save an export."""
    path = export_label_studio(study, "rater-1", tmp_path / "tasks.json")
    found = [
        {"id": number, "annotations": [], "drafts": [], "predictions": [], "meta": {}, **task}
        for number, task in enumerate(json.loads(path.read_text(encoding="utf-8")), 11)
    ]
    return found, tmp_path / "export.json"


def exported(path, value):
    path.write_text(json.dumps(value), encoding="utf-8")
    return path


def test_a_full_export_is_read(study, tasks):
    found, path = tasks
    found[0]["annotations"] = [annotation(*[choices(key, "tie") for key in CRITERIA])]
    found[1]["annotations"] = [
        annotation(
            choices("faithfulness", NAMES["left"]),
            choices("difficult", "yes"),
            comment("first", "second"),
            who={"id": 1, "email": "ann@example.org"},
        )
    ]
    found[2]["annotations"] = [annotation(choices("faithfulness", "left"), was_cancelled=True)]
    found[3]["completions"] = [annotation(choices("robustness", "right"))]
    del found[3]["annotations"]
    assert import_label_studio(study, exported(path, found)) == {"new": 8}
    votes = load_votes(study.folder)
    assert votes["choice"].tolist() == ["tie"] * 4 + ["left", "right"]
    assert votes.loc[4, ["difficult", "comment"]].tolist() == [True, "first\nsecond"]


def test_pairwise_choices_are_read(study, tasks):
    found, path = tasks
    found[0]["annotations"] = [
        annotation(
            pairwise("faithfulness", "left"),
            pairwise("robustness", "right"),
            pairwise("generalizability", "none"),  # taken back
            pairwise("comprehensiveness", None),
        )
    ]
    assert import_label_studio(study, exported(path, found)) == {"new": 2}
    assert dict(load_votes(study.folder)[["criterion", "choice"]].values.tolist()) == {
        "faithfulness": "left",
        "robustness": "right",
    }


def test_a_flat_export_is_read(study, tasks):
    found, path = tasks
    flat = {"annotator": 1, "annotation_id": 3, "lead_time": 2.0}
    rows = [
        {**found[0]["data"], **flat, **dict.fromkeys(CRITERIA, "tie"), "comment": "one"},
        {**found[1]["data"], **flat, "faithfulness": {"choices": ["left"]}, "difficult": "yes"},
        {
            **found[2]["data"],
            **flat,
            "faithfulness": [{"selected": "right"}],
            "comment": ["a", "b"],
        },
        {**found[3]["data"], **flat},
    ]
    assert import_label_studio(study, exported(path, rows)) == {"new": 9}
    votes = load_votes(study.folder)
    assert votes["choice"].tolist() == ["tie"] * 4 + ["left", "right"]
    assert votes["comment"].tolist() == ["one"] * 4 + ["", "a\nb"]


def spoil(number, *results, **others):
    def change(tasks):
        tasks[number]["annotations"] = [annotation(*results, **others)]

    return change


def two_annotators(tasks):
    spoil(0, choices("faithfulness", "tie"), who=1)(tasks)
    spoil(3, choices("faithfulness", "tie"), who=2)(tasks)


def other_text(tasks):
    tasks[2]["data"]["right"] = "something else"


def no_card(tasks):
    del tasks[2]["data"]["card"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (spoil(2, choices("faithfulness", "A")), "task 3: faithfulness is"),
        (spoil(2, choices("faithfulness", "left", "right")), "task 3: faithfulness is"),
        (spoil(2, choices("faithfulness", 1)), "task 3: faithfulness is"),
        (spoil(2, choices("sentiment", "left")), "task 3: a result for 'sentiment'"),
        (
            spoil(2, choices("faithfulness", "left"), choices("faithfulness", "tie")),
            "task 3: two results for 'faithfulness'",
        ),
        (spoil(2, {**choices("faithfulness"), "type": "rating"}), "task 3: a result of type"),
        (spoil(2, {"from_name": "faithfulness"}), "task 3: a result has no value"),
        (spoil(2, "left"), "task 3: a result has no value"),
        (spoil(2, comment("x" * 10_001)), "task 3: The comment has"),
        (lambda tasks: tasks[2].update(annotations=[annotation(), annotation()]), "2 annotations"),
        (lambda tasks: tasks[2].update(annotations="none"), "task 3: its annotations"),
        (lambda tasks: tasks[2].update(annotations=[{"result": None}]), "task 3: a result has"),
        (lambda tasks: tasks[2].update(data="x"), "task 3: it has no card"),
        (lambda tasks: tasks.insert(2, 5), "task 3: it is int"),
        (lambda tasks: tasks.append(tasks[0]), "stands at task 1 already"),
        (lambda tasks: tasks.clear(), "no rating in it"),
        (two_annotators, "task 4: its annotator is not that of task 1"),
        (other_text, "task 3: the text under 'right'"),
        (no_card, "task 3: it has no card"),
    ],
)
def test_a_wrong_export_is_refused_by_task_and_nothing_is_taken(study, tasks, change, message):
    found, path = tasks
    found[1]["annotations"] = [annotation(choices("robustness", "tie"))]
    change(found)
    with pytest.raises(DataError, match=message):
        import_label_studio(study, exported(path, found))
    assert not list((study.folder / "ratings").iterdir())


@pytest.mark.parametrize(
    ("text", "message"),
    [("", "not whole JSON"), ('[{"data":', "not whole JSON"), ("{}", "expected a list")],
)
def test_what_is_no_export_is_refused(study, tmp_path, text, message):
    (tmp_path / "x.json").write_text(text)
    with pytest.raises(DataError, match=message):
        import_label_studio(study, tmp_path / "x.json")
    with pytest.raises(DataError, match="cannot be read"):
        import_label_studio(study, tmp_path / "nowhere.json")


JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.text(max_size=5)),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(
            st.sampled_from(["data", "card", "annotations", "result", "value", "type", "x"]),
            inner,
            max_size=4,
        ),
    ),
    max_leaves=12,
)


@given(JSON)
def test_any_other_json_is_refused_in_words(small, tmp_path_factory, value):
    path = exported(tmp_path_factory.mktemp("x") / "x.json", value)
    with pytest.raises(DataError):
        import_label_studio(small, path, "ann")
    assert not list((small.folder / "ratings").iterdir())
