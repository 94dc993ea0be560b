"""The study folder of the human evaluation: what is in it, who may do what, what survives."""

import json
import os
import shutil
import signal
import stat
import subprocess
import sys
from collections import Counter
from pathlib import Path
from random import Random

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchhealth_utils import answers
from benchhealth_utils.human_eval import (
    CRITERIA,
    StudyError,
    codes,
    create_study,
    creation,
    layout,
    load_votes,
    open_study,
    ratings,
    settle,
    unblind,
)
from benchhealth_utils.human_eval.__main__ import main
from benchhealth_utils.human_eval.adjudication import due
from benchhealth_utils.human_eval.analysis import is_simulated
from benchhealth_utils.human_eval.dialogues import (
    Dialogue,
    damage,
    load_dialogues,
    usable,
)
from benchhealth_utils.human_eval.exchange import rows_of, session_of
from benchhealth_utils.human_eval.folder import plain
from benchhealth_utils.human_eval.identity import redacted, telling, words_in
from benchhealth_utils.human_eval.key import read_key
from benchhealth_utils.human_eval.ratings import LONGEST_COMMENT, Judgement, Ratings
from benchhealth_utils.human_eval.replies import ask, collect, messages
from benchhealth_utils.human_eval.spreadsheets import export_csv
from benchhealth_utils.human_eval.status import status
from benchhealth_utils.models import Backend, Reply
from benchhealth_utils.schema import ROOT, BenchHealthError, DataError, ModelError

DIALOGUES = [
    Dialogue(f"talk/{i}", f"Question number {i}?", f"Physician's answer {i}.") for i in range(30)
]
REPLIES = {
    "zephyr-one": {item.id: f"First reply to {item.id}" for item in DIALOGUES},
    "zephyr-two": [f"Second reply to {item.id}" for item in DIALOGUES],
}


def make(folder, **options):
    return create_study(
        folder, DIALOGUES, REPLIES, **{"items": 20, "seed": 5, "blinding": 5, **options}
    )


@pytest.fixture(scope="module")
def unrated(tmp_path_factory):
    """Made once and copied: hashing codes is slow on purpose."""
    return make(tmp_path_factory.mktemp("unrated") / "study").folder


@pytest.fixture
def study(unrated, tmp_path):
    shutil.copytree(unrated, tmp_path / "study")
    return open_study(tmp_path / "study")


def handed(study):
    lines = (study.folder / "codes.csv").read_text().splitlines()[1:]
    return dict(line.split(",") for line in lines)


def judge(study, rater, card, choice="left", **others):
    session = session_of(study, rater)
    for key in CRITERIA:
        session.choose(card, key, others.get(key, choice))


# The folder


def test_only_the_key_knows_models_dialogues_and_kinds(study):
    telling_words = ("zephyr", "talk/", "repeat_of", "blinding")
    for path in sorted(study.folder.rglob("*")):
        if path.is_file():
            text = path.read_text()
            if path.name != "cards.jsonl":  # the replies of this test name their dialogue
                assert any(word in text for word in telling_words) == (path.name == "key.json")
    rows = [json.loads(line) for line in (study.folder / "cards.jsonl").read_text().splitlines()]
    assert all(list(row) == ["card", "question", "left", "right"] for row in rows)
    assert [row["card"] for row in rows] == sorted(row["card"] for row in rows)
    for name in ("key.json", "codes.csv"):
        assert stat.S_IMODE((study.folder / name).stat().st_mode) == 0o600
    for code in handed(study).values():
        assert code not in (study.folder / "design.json").read_text()
    assert sorted(os.listdir(study.folder.parent)) == ["study"]


def test_what_stands_on_the_cards(study):
    key = read_key(study.folder)
    kinds = Counter(card["kind"] for card in key["cards"].values())
    assert kinds == {"pair": 20, "repeat": 2, "check": 1}
    assert study.design["counts"] == {
        "items": 20,
        "comparisons": 1,
        "pairs": 20,
        "repeats": 2,
        "checks": 1,
        "cards": 23,
    }
    pairs = [card for card in key["cards"].values() if card["kind"] == "pair"]
    assert Counter(card["left"] for card in pairs) == {"zephyr-one": 10, "zephyr-two": 10}
    drawn = {card["item"] for card in pairs}
    texts = {
        "zephyr-one": REPLIES["zephyr-one"],
        "zephyr-two": dict(zip([d.id for d in DIALOGUES], REPLIES["zephyr-two"], strict=True)),
    }
    for name, card in key["cards"].items():
        shown = study.cards[name]
        assert shown.left == texts[card["left"]][card["item"]]
        assert shown.right == texts[card["right"]][card["item"]]
        assert shown.question == f"Question number {card['item'].removeprefix('talk/')}?"
        assert card["equal"] == (card["kind"] == "check")
        if card["kind"] == "repeat":
            original = study.cards[card["repeat_of"]]
            assert (original.question, original.left) == (shown.question, shown.right)
            assert original.right == shown.left
        if card["kind"] == "check":
            assert card["item"] not in drawn and card["left"] == card["right"]


def sample(key):
    return {card["item"] for card in key["cards"].values() if card["kind"] == "pair"}


def test_the_seed_draws_the_sample_and_nothing_else(tmp_path):
    """Whoever knows the seed, the dialogues and this program cannot work out a side."""
    one, two = (make(tmp_path / name, seed=3, blinding=None) for name in ("one", "two"))
    keys = [read_key(study.folder) for study in (one, two)]
    assert sample(keys[0]) == sample(keys[1])
    assert sample(read_key(make(tmp_path / "three", seed=4).folder)) != sample(keys[0])
    assert one.cards.keys().isdisjoint(two.cards)
    assert (
        min(key["blinding"] for key in keys) > 2**64 and keys[0]["blinding"] != keys[1]["blinding"]
    )
    drawn = creation.draw(DIALOGUES, 20, 3)
    pairs = [("zephyr-one", "zephyr-two")]
    sides = {
        card["item"]: card["left"] for card in keys[0]["cards"].values() if card["kind"] == "pair"
    }
    for guess in (None, *range(2000)):
        guessed = layout.pairs(drawn, pairs, Random(f"{guess}:sides"))
        assert {card["item"]: card["left"] for card in guessed} != sides
    orders = [[card.id for card in study.cards_of("rater-1")] for study in (one, two)]
    assert orders[0] != orders[1]


def test_a_blinding_that_is_given_repeats_a_trial_but_for_the_codes(tmp_path):
    one, two = make(tmp_path / "one"), make(tmp_path / "two")
    for name in ("cards.jsonl", "orders.json"):
        assert (one.folder / name).read_bytes() == (two.folder / name).read_bytes()
    assert handed(one) != handed(two)
    other = make(tmp_path / "three", blinding=6)
    assert other.cards.keys().isdisjoint(one.cards)
    assert sample(read_key(other.folder)) == sample(read_key(one.folder))


def test_orders_are_each_raters_own(tmp_path):
    study = make(tmp_path / "study", raters=["ann", "ben"], senior="prof", repeats=0.5)
    ann, ben = ([card.id for card in study.cards_of(name)] for name in ("ann", "ben"))
    assert set(ann) == set(ben) == set(study.cards) and ann != ben
    key = read_key(study.folder)["cards"]
    prof = [card.id for card in study.cards_of("prof")]
    assert {key[card]["kind"] for card in prof} == {"pair"} and len(prof) == 20
    for order in (ann, ben):
        gaps = [
            abs(order.index(card) - order.index(key[card]["repeat_of"]))
            for card in order
            if key[card]["kind"] == "repeat"
        ]
        assert len(gaps) == 10 and min(gaps) >= 2


@given(
    st.integers(1, 25),
    st.integers(2, 4),
    st.floats(0, 1),
    st.integers(0, 30),
    st.integers(0, 2**64),
)
def test_every_layout_is_balanced_and_tells_nothing(items, models, share, n_checks, seed):
    names = [f"m{i}" for i in range(models)]
    drawn = DIALOGUES[:items]
    compared = layout.comparisons(None, names)
    cards = layout.pairs(drawn, compared, Random(f"{seed}:sides"))
    assert len(cards) == items * len(compared)
    for a, b in compared:
        own = [card for card in cards if {card["left"], card["right"]} == {a, b}]
        assert sorted(card["item"] for card in own) == sorted(item.id for item in drawn)
        lefts = sum(card["left"] == a for card in own)
        assert abs(2 * lefts - items) <= items % 2
    repeats = layout.repeats(cards, share, Random(seed))
    assert len(repeats) == round(share * len(cards))
    assert len({card["repeat_of"] for card in repeats}) == len(repeats)
    checks = layout.checks(DIALOGUES, drawn, n_checks, names, seed)
    assert len(checks) == n_checks
    used = Counter(card["left"] for card in checks)
    assert max(used.values(), default=0) - min((used[m] for m in names), default=0) <= 1
    outside = sum(card["item"] not in {item.id for item in drawn} for card in checks)
    assert outside == min(n_checks, len(DIALOGUES) - items)
    named = layout.named([*cards, *repeats, *checks], Random(seed))
    assert len(named) == len(cards) + len(repeats) + len(checks)
    order = layout.order(list(named), named, Random(seed))
    assert sorted(order) == sorted(named) == list(named)


def test_two_sides_by_chance_equal_are_kept_and_noted(tmp_path):
    same = {**REPLIES, "zephyr-two": dict(REPLIES["zephyr-one"])}
    study = create_study(tmp_path / "s", DIALOGUES, same, seed=1, flags={"talk/3": ["attachment"]})
    key = read_key(study.folder)["cards"]
    assert len(key) == 30 + 3 + 2 and all(card["equal"] for card in key.values())
    assert {card["item"] for card in key.values() if card["flags"]} == {"talk/3"}
    for card in study.cards_of("rater-1"):
        judge(study, "rater-1", card.id, "tie")
    votes = unblind(load_votes(study.folder), study.folder)
    assert votes["equal"].dtype == bool and votes["equal"].all()
    assert set(votes["flags"][votes["item"] == "talk/3"]) == {("attachment",)}
    assert set(votes["flags"][votes["item"] != "talk/3"]) == {()}


def test_a_simulated_study_says_so(study, tmp_path):
    raters = {"raters": ["Simulated-1", "simulated-two"], "senior": "simulated-senior"}
    assert make(tmp_path / "s", **raters).design["simulated"] is True
    assert study.design["simulated"] is False
    assert is_simulated(["Simulated-1"]) and not is_simulated(["rater-1"])


def test_several_comparisons_share_a_study(tmp_path):
    three = {**REPLIES, "physician": {item.id: item.answer for item in DIALOGUES}}
    pairs = [("zephyr-two", "physician"), ("zephyr-one", "physician")]
    study = create_study(tmp_path / "s", DIALOGUES, three, comparisons=pairs, items=4, seed=0)
    for card in study.cards_of("rater-1"):
        judge(study, "rater-1", card.id, "left")
    votes = unblind(load_votes(study.folder), study.folder)
    votes = votes[votes["kind"] == "pair"]
    assert set(zip(votes["model_a"], votes["model_b"], strict=True)) == set(pairs)
    assert len(votes) == 4 * 2 * len(CRITERIA)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"raters": []}, "expected one or more"),
        ({"raters": "ann"}, "expected one or more"),
        ({"raters": ["../ann"]}, "cannot be a rater's id"),
        ({"raters": ["a/b"]}, "cannot be a rater's id"),
        ({"raters": ["a\\b"]}, "cannot be a rater's id"),
        ({"raters": ["ann\n"]}, "cannot be a rater's id"),
        ({"raters": [".."]}, "cannot be a rater's id"),
        ({"raters": [""]}, "cannot be a rater's id"),
        ({"raters": ["ann\x00"]}, "cannot be a rater's id"),
        ({"raters": ["ann", "Ann"]}, "are one id"),
        ({"raters": ["senior"]}, "are one id"),
        ({"repeats": 1.5}, "repeats is 1.5"),
        ({"checks": -0.1}, "checks is -0.1"),
        ({"checks": float("nan")}, "checks is nan"),
        ({"repeats": True}, "repeats is True"),
        ({"items": 31}, "Ask for 1 to 30"),
        ({"items": 0}, "Ask for 1 to 30"),
        ({"senior_sees": "one"}, "expected both or none"),
        ({"title": "Zephyr-One or another?"}, "'Zephyr-One' in it, which tells raters"),
        ({"title": "Claude against the rest"}, "'Claude' in it"),
        ({"title": "Is ChatGPT better?"}, "'ChatGPT' in it"),
        ({"raters": ["simulated-1", "ann"], "senior": None}, "simulated-1 would be simulated"),
        ({"raters": ["Simulated-1"]}, "and senior would not"),
        ({"raters": ["simulated1"]}, "looks like a simulated rater"),
        ({"raters": ["ann"], "senior": "my-simulation"}, "looks like a simulated rater"),
        ({"comparisons": [("zephyr-one", "zephyr-one")]}, "no comparison"),
        ({"comparisons": [("zephyr-one", "nobody")]}, "no comparison"),
        ({"comparisons": []}, "at least one"),
        (
            {"comparisons": [("zephyr-one", "zephyr-two"), ("zephyr-two", "zephyr-one")]},
            "each comparison once",
        ),
    ],
)
def test_what_cannot_be_made_is_refused_and_leaves_nothing(options, message, tmp_path):
    with pytest.raises(StudyError, match=message):
        make(tmp_path / "study", **options)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("dialogues", "replies", "message"),
    [
        (DIALOGUES, {"m": REPLIES["zephyr-one"]}, "two models or more"),
        (DIALOGUES, {**REPLIES, "m": ["x"]}, "1 replies to 30"),
        (DIALOGUES, {**REPLIES, "m": ["x"] * 29 + [" \n"]}, "no reply to 1 dialogues, 'talk/29'"),
        (DIALOGUES, {**REPLIES, "m": ["x"] * 29 + ["\x00"]}, "no reply to 1"),
        (DIALOGUES, {**REPLIES, "m": {}}, "no reply to 30"),
        ([*DIALOGUES, DIALOGUES[4]], REPLIES, "'talk/4' comes twice"),
        ([Dialogue("a", " ", "")], {"m": ["x"], "n": ["y"]}, "no question"),
    ],
)
def test_replies_must_be_whole(dialogues, replies, message, tmp_path):
    with pytest.raises(StudyError, match=message):
        create_study(tmp_path / "study", dialogues, replies)
    assert not list(tmp_path.iterdir())


def test_a_folder_in_use_is_refused(study, tmp_path):
    before = {path: path.read_bytes() for path in study.folder.rglob("*") if path.is_file()}
    with pytest.raises(StudyError, match="is in use"):
        make(study.folder)
    assert before == {path: path.read_bytes() for path in study.folder.rglob("*") if path.is_file()}
    (tmp_path / "file").write_text("mine")
    with pytest.raises(StudyError, match="is in use"):
        make(tmp_path / "file")
    (tmp_path / "empty").mkdir()
    assert len(make(tmp_path / "empty").cards) == 23


def test_of_two_that_make_one_folder_at_once_one_is_refused(tmp_path, monkeypatch):
    write = creation.write_key

    def while_another_finishes(folder, key):
        write(folder, key)
        (tmp_path / "study").mkdir()
        (tmp_path / "study" / "design.json").write_text("another's")

    monkeypatch.setattr(creation, "write_key", while_another_finishes)
    with pytest.raises(StudyError, match="could not be made"):
        make(tmp_path / "study")
    assert (tmp_path / "study" / "design.json").read_text() == "another's"
    assert os.listdir(tmp_path) == ["study"]


@pytest.mark.parametrize("place", ["data/study", "tests/x/y", "."])
def test_no_study_where_it_could_be_committed(place):
    with pytest.raises(StudyError, match="could be committed"):
        make(ROOT / place / "new")
    assert not (ROOT / place / "new").exists()


def test_runs_are_not_committed():
    ignored = subprocess.run(
        ["git", "check-ignore", "runs/human_eval/x/key.json"], cwd=ROOT, capture_output=True
    )
    assert ignored.returncode == 0


def test_what_is_no_study_is_refused(study, tmp_path):
    with pytest.raises(StudyError, match="not a study folder"):
        open_study(tmp_path)
    cards = study.folder / "cards.jsonl"
    whole = cards.read_bytes()
    cards.write_bytes(whole.replace(b"Question number", b"Question  number", 1))
    with pytest.raises(StudyError, match="not as it was"):
        open_study(study.folder)
    cards.write_bytes(whole)
    design = json.loads((study.folder / "design.json").read_text())
    (study.folder / "design.json").write_text(json.dumps({**design, "version": 99}))
    with pytest.raises(StudyError, match="version 99"):
        open_study(study.folder)
    (study.folder / "design.json").write_text("{")
    with pytest.raises(StudyError, match="cannot be read"):
        open_study(study.folder)


# Logging in


def test_a_code_opens_its_raters_session(study):
    for rater, code in handed(study).items():
        for typed in (code, code.lower(), f"  {code.replace('-', ' ')} "):
            session = study.log_in(typed)
            assert session.rater == rater
        assert session.role == ("senior" if rater == "senior" else "rater")
    assert len(set(handed(study).values())) == 3


@pytest.mark.parametrize("typed", ["", "rater-1", "senior", "0", "x" * 10**6, "\x00", "é" * 12])
def test_a_wrong_code_is_told_nothing(study, typed):
    with pytest.raises(StudyError) as caught:
        study.log_in(typed)
    assert (
        str(caught.value) == "This code is not known here. Check it against the one you were given."
    )


def test_guessing_becomes_slow_and_never_locks_out(tmp_path, monkeypatch):
    study = make(tmp_path / "study", raters=["rater-1"], senior=None)
    waits = []
    monkeypatch.setattr(codes, "sleep", waits.append)
    guess = "AAAA-BBBB-CCCC"
    for _ in range(12):
        with pytest.raises(StudyError):
            open_study(study.folder).log_in(guess)  # a new process each, as far as it can tell
    assert len(waits) == 7 and waits == sorted(waits) and waits[0] >= 1 and waits[-1] == 5
    assert study.log_in(handed(study)["rater-1"]).rater == "rater-1"
    assert len(waits) == 8
    assert guess not in (study.folder / "attempts.log").read_text()
    monkeypatch.setattr(codes, "time", lambda: 4e9)  # long after
    study.log_in(handed(study)["rater-1"])
    assert len(waits) == 8


def test_a_lost_code_is_replaced(study):
    old = handed(study)["rater-2"]
    again = open_study(study.folder)
    new = open_study(study.folder).renew_code("rater-2")  # while another process serves
    with pytest.raises(StudyError):
        again.log_in(old)
    assert again.log_in(new).rater == "rater-2"
    assert again.log_in(handed(study)["rater-1"]).rater == "rater-1"
    read_key(study.folder)  # the key still fits
    with pytest.raises(StudyError, match="no rater 'ghost'"):
        again.renew_code("ghost")


def test_the_rating_side_needs_neither_key_nor_codes(study):
    code = handed(study)["rater-1"]
    (study.folder / "key.json").unlink()
    (study.folder / "codes.csv").unlink()
    again = open_study(study.folder)
    session = again.log_in(code)
    session.choose(session.cards[0].id, "robustness", "tie")
    assert len(load_votes(study.folder)) == 1
    assert status(again)["begun"].tolist() == [1, 0, 0]
    assert due(again) == set()
    with pytest.raises(StudyError, match="no key"):
        unblind(load_votes(study.folder), study.folder)


# Rating


def test_a_verdict_is_on_disk_when_the_call_returns(study):
    session = session_of(study, "rater-1")
    card = session.cards[0].id
    session.choose(card, "faithfulness", "left")
    session.choose(card, "faithfulness", "right")
    session.mark_difficult(card, True)
    session.comment(card, "unsure")
    lines = (study.folder / "ratings" / "rater-1.jsonl").read_text().splitlines()
    assert [(e["field"], e["value"]) for e in map(json.loads, lines)] == [
        ("faithfulness", "left"),
        ("faithfulness", "right"),
        ("difficult", True),
        ("comment", "unsure"),
    ]
    assert session.judgement(card) == Judgement({"faithfulness": "right"}, True, "unsure")
    assert session.complete(card) and session.first_open == 1  # a senior is to judge it
    session.mark_difficult(card, False)
    assert not session.complete(card) and session.first_open == 0
    judge(study, "rater-1", card)
    assert session.complete(card) and session.first_open == 1
    for other in session.cards[2:]:
        judge(study, "rater-1", other.id)
    assert session.first_open == 1
    judge(study, "rater-1", session.cards[1].id)
    assert session.first_open == len(session.cards) == 23


def test_asking_of_every_card_is_not_quadratic(tmp_path, monkeypatch):
    """A rater of a study of the paper's size logs in at once."""
    path = tmp_path / "r.jsonl"
    number = 2000
    lines = [event(f"c{i}", "tie", key) for i in range(number) for key in CRITERIA]
    path.write_bytes(b"".join(lines))
    built = []
    make_one = ratings._judgement
    monkeypatch.setattr(ratings, "_judgement", lambda *said: built.append(1) or make_one(*said))
    own = Ratings(path)
    assert all(own.judgement(f"c{i}").complete for i in range(number))
    assert len(built) == number


def test_exporting_builds_every_judgement_once(study, monkeypatch):
    for card in study.cards_of("rater-1"):
        judge(study, "rater-1", card.id)
    built = []
    make_one = ratings._judgement
    monkeypatch.setattr(ratings, "_judgement", lambda *said: built.append(1) or make_one(*said))
    assert len(rows_of(study, "rater-1")) == len(built) == 23


def test_what_is_not_the_raters_is_refused(study, tmp_path):
    foreign = make(tmp_path / "other", blinding=6).cards_of("rater-1")[0].id
    session = session_of(study, "rater-1")
    own = session.cards[0].id
    for card in (foreign, "", "../rater-2", None, own.upper()):
        for act in (
            lambda card=card: session.choose(card, "faithfulness", "left"),
            lambda card=card: session.mark_difficult(card, True),
            lambda card=card: session.comment(card, "x"),
            lambda card=card: session.judgement(card),
            lambda card=card: session.others(card),
        ):
            with pytest.raises(StudyError, match="not one of rater-1's"):
                act()
    for criterion, choice in (
        ("difficult", "left"),
        ("comment", "left"),
        ("length", "left"),
        ("faithfulness", "Left"),
        ("faithfulness", None),
        ("faithfulness", ["left"]),
    ):
        with pytest.raises(StudyError):
            session.choose(own, criterion, choice)
    with pytest.raises(StudyError, match="expected true or false"):
        session.mark_difficult(own, "yes")
    with pytest.raises(StudyError, match="expected text"):
        session.comment(own, None)
    assert not list((study.folder / "ratings").iterdir())
    key = read_key(study.folder)["cards"]
    repeat = next(card for card in key if key[card]["kind"] == "repeat")
    with pytest.raises(StudyError, match="not one of senior's"):
        session_of(study, "senior").choose(repeat, "faithfulness", "left")


def test_two_sessions_of_one_rater_see_each_other(study):
    one, two = session_of(study, "rater-1"), session_of(open_study(study.folder), "rater-1")
    card = one.cards[0].id
    one.choose(card, "faithfulness", "left")
    assert two.judgement(card).choices == {"faithfulness": "left"}
    two.choose(card, "faithfulness", "tie")
    one.comment(card, "seen")
    assert one.judgement(card) == two.judgement(card)
    assert two.judgement(card) == Judgement({"faithfulness": "tie"}, False, "seen")


HOSTILE = st.text(
    alphabet=st.one_of(
        st.characters(codec=None),
        st.sampled_from('\n\r\t\x00\x0b\x0c\x1c\x85\u2028\u2029\ufeff\u202e\ud800"\\=,;{}'),
    ),
    max_size=60,
)


@given(st.lists(HOSTILE, min_size=1, max_size=5))
def test_any_comment_comes_back_and_breaks_no_line(tmp_path_factory, comments):
    path = tmp_path_factory.mktemp("ratings") / "r.jsonl"
    for number, text in enumerate(comments):
        Ratings(path).append([(f"c{number}", "comment", text), (f"c{number}", "difficult", True)])
    found = Ratings(path).judgements()
    assert [found[f"c{i}"].comment for i in range(len(comments))] == [
        plain(text).strip() for text in comments
    ]
    assert all(item.difficult for item in found.values())
    assert len(path.read_text().splitlines()) == 2 * len(comments)


@given(HOSTILE)
def test_plain_text_is_plain(text):
    assert plain(plain(text)) == plain(text)
    plain(text).encode()
    assert not set(plain(text)) & set("\x00\r\x0b\x0c\x85\ufeff\u202e")
    if text.isalnum() and text.isascii():
        assert plain(text) == text


def test_a_comment_too_long_is_refused_and_the_last_one_stays(study):
    session = session_of(study, "rater-1")
    card = session.cards[0].id
    session.comment(card, "x" * LONGEST_COMMENT)
    with pytest.raises(StudyError, match="10,001 characters"):
        session.comment(card, "x" * (LONGEST_COMMENT + 1))
    assert session.judgement(card).comment == "x" * LONGEST_COMMENT


def event(card, value, field="faithfulness"):
    at = "2026-01-01T00:00:00.000+00:00"
    return (json.dumps({"at": at, "card": card, "field": field, "value": value}) + "\n").encode()


@pytest.mark.parametrize("cut", range(1, len(event("c3", "tie")) + 1))
def test_a_torn_last_line_is_mended_wherever_it_tore(tmp_path, cut):
    path = tmp_path / "r.jsonl"
    whole = event("c1", "left") + event("c2", "right")
    last = event("c3", "tie")
    path.write_bytes(whole + last[:-cut])
    before = Ratings(path).judgements()
    assert {card: said.choices["faithfulness"] for card, said in before.items()} == {
        "c1": "left",
        "c2": "right",
    }
    Ratings(path).append([("c4", "faithfulness", "left")])
    found = Ratings(path).judgements()
    assert list(found) == ["c1", "c2", *(["c3"] if cut == 1 else []), "c4"]
    assert path.read_bytes().startswith(whole)


@pytest.mark.parametrize("rubbish", [b"\x00" * 9000, b"7", b"\xff\xfe", b'"x"', b"[1]"])
def test_rubbish_after_the_last_line_is_cut_off(tmp_path, rubbish):
    path = tmp_path / "r.jsonl"
    path.write_bytes(event("c1", "left") + rubbish)
    Ratings(path).append([("c2", "faithfulness", "tie")])
    assert list(Ratings(path).judgements()) == ["c1", "c2"]


@pytest.mark.parametrize(
    "line",
    [
        b"not json\n",
        b"[]\n",
        b'{"card": "c1"}\n',
        event("c1", "middle"),
        event("c1", "left", "length"),
        event("c1", 1, "difficult"),
        event(7, "left"),
        event("c1", "left").replace(b"2026-01", b"later"),
        b"\xff\n",
    ],
)
def test_a_whole_line_that_is_no_rating_is_named(tmp_path, line):
    path = tmp_path / "r.jsonl"
    path.write_bytes(event("c1", "left") + line + event("c2", "tie"))
    ratings = Ratings(path)
    for _ in range(2):
        with pytest.raises(StudyError, match=r"r\.jsonl, line 2: not a rating"):
            ratings.judgements()
    path.write_bytes(event("c1", "left") + event("c2", "tie"))
    assert list(ratings.judgements()) == ["c1", "c2"]


def test_a_file_restored_from_an_older_copy_is_read_anew(tmp_path):
    path = tmp_path / "r.jsonl"
    ratings = Ratings(path)
    ratings.append([("c1", "faithfulness", "left"), ("c2", "faithfulness", "left")])
    assert len(ratings.judgements()) == 2
    path.write_bytes(event("c1", "tie"))
    assert ratings.judgements() == {"c1": Judgement({"faithfulness": "tie"})}
    path.unlink()
    assert ratings.judgements() == {}


def test_a_full_disk_is_told_and_keeps_nothing_of_the_call(tmp_path, monkeypatch):
    path = tmp_path / "r.jsonl"
    ratings = Ratings(path)
    ratings.append([("c1", "faithfulness", "left")])
    write = os.write

    def half(handle, data):
        write(handle, bytes(data[: len(data) * 3 // 4]))
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "write", half)
    with pytest.raises(StudyError, match="No space left on device"):
        ratings.append([(f"c{i}", "faithfulness", "tie") for i in range(9)])
    monkeypatch.undo()
    assert Ratings(path).judgements() == {"c1": Judgement({"faithfulness": "left"})}


WRITER = """
import sys
from pathlib import Path
from benchhealth_utils.human_eval.ratings import Ratings
ratings = Ratings(Path(sys.argv[1]))
for number in range(int(sys.argv[3])):
    ratings.append([(f"{sys.argv[2]}{number}", "comment", "x" * 3000)])
    print(number, flush=True)
"""


def writer(path, name, events):
    command = [sys.executable, "-c", WRITER, path, name, str(events)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def test_a_killed_server_loses_nothing_that_it_confirmed(tmp_path):
    path = tmp_path / "r.jsonl"
    for attempt in range(3):
        process = writer(path, f"{attempt}-", 10**6)
        confirmed = [process.stdout.readline() for _ in range(20 + 7 * attempt)]
        process.send_signal(signal.SIGKILL)
        confirmed += process.stdout.read().splitlines(keepends=True)
        process.wait()
        whole = [line for line in confirmed if line.endswith("\n")]
        found = Ratings(path).judgements()
        assert {f"{attempt}-{number}" for number in range(len(whole))} <= found.keys()
        written = [said.comment for said in found.values() if not said.difficult]
        assert written == ["x" * 3000] * len(written)
        Ratings(path).append([(f"after-{attempt}", "difficult", True)])
    assert {f"after-{attempt}" for attempt in range(3)} <= Ratings(path).judgements().keys()


def test_two_processes_on_one_raters_file_lose_nothing(tmp_path):
    path = tmp_path / "r.jsonl"
    processes = [writer(path, name, 120) for name in "ab"]
    for process in processes:
        process.communicate(timeout=60)
        assert process.returncode == 0
    found = Ratings(path).judgements()
    assert found.keys() == {f"{name}{number}" for name in "ab" for number in range(120)}


# Adjudication


def test_the_senior_gets_what_raters_differ_on_or_find_difficult(study):
    key = read_key(study.folder)["cards"]
    pairs = [card for card in study.cards if key[card]["kind"] == "pair"]
    differ, agree, difficult, half, alone, unsaid = pairs[:6]
    for rater in ("rater-1", "rater-2"):
        judge(study, rater, agree, "tie")
        judge(study, rater, difficult, "left")
    judge(study, "rater-1", differ, "left")
    judge(study, "rater-2", differ, "left", robustness="right")
    session_of(study, "rater-2").mark_difficult(difficult, True)
    judge(study, "rater-1", half, "left")
    session_of(study, "rater-2").choose(half, "faithfulness", "right")  # differs, not complete
    judge(study, "rater-1", alone, "left")
    session_of(study, "rater-1").mark_difficult(alone, True)
    session_of(study, "rater-1").mark_difficult(unsaid, True)  # no criterion judged
    judge(study, "rater-2", unsaid, "left")
    repeat = next(card for card in key if key[card]["kind"] == "repeat")
    judge(study, "rater-1", repeat, "left")
    judge(study, "rater-2", repeat, "right")
    asked = {differ, difficult, unsaid}
    assert due(study) == asked
    senior = session_of(study, "senior")
    assert {card.id for card in senior.cards} == asked
    order = [card.id for card in study.cards_of("senior")]
    assert [card.id for card in senior.cards] == [c for c in order if c in asked]
    assert senior.first_open == 0
    frame = status(study).set_index("rater")
    assert frame.loc["senior", ["cards", "left"]].tolist() == [3, 3]
    columns = ["complete", "begun", "left", "difficult"]
    assert frame.loc["rater-1", columns].tolist() == [7, 0, 16, 2]
    assert frame.loc["rater-2", ["complete", "begun"]].tolist() == [5, 1]
    assert pd.isna(frame.loc["senior", "last"])

    judge(study, "rater-2", differ, "left")  # has second thoughts: they agree now
    assert due(study) == {difficult, unsaid}


def disputed(study):
    """A pair on which the raters differ."""
    key = read_key(study.folder)["cards"]
    card = next(card for card in study.cards if key[card]["kind"] == "pair")
    judge(study, "rater-1", card, "left")
    judge(study, "rater-2", card, "right")
    return card


def test_a_late_change_does_not_undo_the_seniors_decision(study):
    card = disputed(study)
    judge(study, "senior", card, "tie")
    before = settle(unblind(load_votes(study.folder), study.folder), study.folder)
    assert before["path"].value_counts().to_dict() == {"open": 76, "senior": 4}
    judge(study, "rater-2", card, "left")  # they would agree now
    session_of(study, "rater-1").mark_difficult(card, True)
    assert session_of(study, "rater-2").judgement(card).choices["robustness"] == "left"
    assert due(study) == {card}
    votes = load_votes(study.folder)
    assert votes.groupby("rater")["choice"].unique().map(list).to_dict() == {
        "rater-1": ["left"],
        "rater-2": ["right"],
        "senior": ["tie"],
    }
    assert not votes["difficult"].any()
    after = settle(unblind(votes, study.folder), study.folder)
    pd.testing.assert_frame_equal(after, before)
    seen = session_of(study, "senior").others(card)
    assert [said.choices["robustness"] for said in seen] == ["left", "right"]
    judge(study, "senior", card, "left")  # the senior may think again
    final = settle(unblind(load_votes(study.folder), study.folder), study.folder)
    assert final["path"].value_counts().to_dict() == {"open": 76, "senior": 4}


def test_a_senior_who_judges_before_the_raters_holds_nobody(study):
    """An imported file may be early; the raters' verdicts count until there is a dispute."""
    card = study.cards_of("senior")[0].id
    study.ratings("senior").append([(card, key, "tie") for key in CRITERIA])
    judge(study, "rater-1", card, "left")
    judge(study, "rater-2", card, "left")
    votes = load_votes(study.folder)
    assert len(votes) == 12
    final = settle(unblind(votes, study.folder), study.folder)
    assert final["path"].value_counts().to_dict() == {"open": 76, "agreed": 4}


def test_a_closed_study_can_be_read_and_not_rated(study):
    card = disputed(study)
    session = session_of(study, "rater-1")
    before = (study.folder / "ratings" / "rater-1.jsonl").read_bytes()
    open_study(study.folder).close()  # another process; the session is open
    assert session.closed
    for act in (
        lambda: session.choose(card, "faithfulness", "tie"),
        lambda: session.mark_difficult(card, True),
        lambda: session.comment(card, "late"),
    ):
        with pytest.raises(StudyError, match="The study is closed"):
            act()
    assert (study.folder / "ratings" / "rater-1.jsonl").read_bytes() == before
    assert session.judgement(card).choices["faithfulness"] == "left"
    assert len(load_votes(study.folder)) == 8
    read_key(study.folder)  # the key still fits
    again = study.log_in(handed(study)["rater-2"])
    with pytest.raises(StudyError, match="The study is closed"):
        again.comment(card, "late")
    study.close()
    study.reopen()
    study.reopen()
    session.choose(card, "faithfulness", "tie")
    assert not session.closed and session.judgement(card).choices["faithfulness"] == "tie"


def test_the_senior_sees_both_ratings_or_none(tmp_path):
    for option, seen in (("both", 2), ("none", 0)):
        study = make(tmp_path / option, senior_sees=option)
        card = study.cards_of("senior")[0].id
        judge(study, "rater-1", card, "left")
        judge(study, "rater-2", card, "right")
        session_of(study, "rater-2").comment(card, "because")
        others = session_of(study, "senior").others(card)
        assert len(others) == seen
        if seen:
            assert [said.choices["robustness"] for said in others] == ["left", "right"]
            assert [said.comment for said in others] == ["", "because"]
        assert session_of(study, "rater-1").others(card) == ()


def test_final_labels_by_hand(study):
    """Agreed, settled, difficult settled, difficult open, half rated, difficult and unjudged."""
    key = read_key(study.folder)["cards"]
    names = ["agreed", "differ", "difficult", "waiting", "half", "unsaid"]
    cards = dict(zip(names, [c for c in study.cards if key[c]["kind"] == "pair"], strict=False))
    for rater in ("rater-1", "rater-2"):
        for name in ("agreed", "difficult", "waiting"):
            judge(study, rater, cards[name], "left")
        judge(study, rater, cards["differ"], "left", robustness="tie", faithfulness="right")
    judge(study, "rater-2", cards["differ"], "right", robustness="tie", faithfulness="left")
    for name in ("difficult", "waiting"):
        session_of(study, "rater-1").mark_difficult(cards[name], True)
    judge(study, "rater-1", cards["half"], "left")
    for rater in ("rater-1", "rater-2"):  # neither judges a criterion
        session_of(study, rater).mark_difficult(cards["unsaid"], True)
    for name in ("differ", "difficult", "unsaid"):
        judge(study, "senior", cards[name], "right")
    votes = unblind(load_votes(study.folder), study.folder)
    final = settle(votes, study.folder)
    assert len(final) == 20 * 4
    assert list(final.columns) == ["item", "model_a", "model_b", "criterion", "outcome", "path"]
    assert set(final["model_a"]) == {"zephyr-one"} and set(final["model_b"]) == {"zephyr-two"}
    found = final.set_index(["item", "criterion"])

    def label(name, criterion="comprehensiveness"):
        row = found.loc[(key[cards[name]]["item"], criterion)]
        left = "a" if key[cards[name]]["left"] == "zephyr-one" else "b"
        side = {"a": "left", "b": "right"} if left == "a" else {"b": "left", "a": "right"}
        return side.get(row["outcome"], row["outcome"]), row["path"]

    assert label("agreed") == ("left", "agreed")
    assert label("differ") == ("right", "senior")
    assert label("differ", "faithfulness") == ("right", "senior")
    assert label("differ", "robustness") == ("tie", "agreed")  # not in dispute
    assert label("difficult") == ("right", "senior")
    assert label("waiting") == (None, "open")
    assert label("half") == (None, "open")
    assert label("unsaid") == ("right", "senior")
    assert final["path"].value_counts().to_dict() == {"open": 16 * 4, "agreed": 5, "senior": 11}
    assert final[final["path"] == "open"]["outcome"].isna().all()
    # without the folder raters, items, criteria and marks are those of the votes
    alone = settle(votes)
    assert len(alone) == 6 * 4
    known = alone[alone["item"] != key[cards["unsaid"]]["item"]]
    assert len(known.merge(final, on=list(final.columns[:4]))) == 5 * 4
    assert known.merge(final, on=list(final.columns[:4])).eval("path_x == path_y").all()


def test_half_a_card_left_to_the_senior_is_settled_whole(study):
    key = read_key(study.folder)["cards"]
    card = next(card for card in study.cards if key[card]["kind"] == "pair")
    session = session_of(study, "rater-1")
    session.choose(card, "robustness", "left")
    session.mark_difficult(card, True)
    assert due(study) == set()  # rater-2 is not done
    judge(study, "rater-2", card, "left")
    assert due(study) == {card}
    senior = session_of(study, "senior")
    senior.choose(card, "faithfulness", "tie")
    assert not senior.complete(card) and senior.first_open == 0
    senior.mark_difficult(card, True)  # means nothing of a senior's
    assert not senior.complete(card) and senior.first_open == 0
    assert status(study).set_index("rater")["complete"].to_dict() == {
        "rater-1": 1,
        "rater-2": 1,
        "senior": 0,
    }
    judge(study, "senior", card, "tie")
    assert senior.complete(card) and senior.first_open == 1
    votes = unblind(load_votes(study.folder), study.folder)
    for final in (settle(votes, study.folder), settle(votes)):
        own = final[final["item"] == key[card]["item"]]
        assert list(own["path"]) == ["senior"] * 4 and list(own["outcome"]) == ["tie"] * 4


def test_nothing_rated_is_all_open(study):
    votes = load_votes(study.folder)
    assert len(votes) == 0 and votes["difficult"].dtype == bool
    final = settle(unblind(votes, study.folder), study.folder)
    assert set(final["path"]) == {"open"} and len(final) == 80


def test_without_a_senior_disputes_stay_open(tmp_path):
    study = make(tmp_path / "s", senior=None)
    card = disputed(study)
    assert due(study) == set() and list(status(study)["rater"]) == ["rater-1", "rater-2"]
    final = settle(unblind(load_votes(study.folder), study.folder), study.folder)
    item = read_key(study.folder)["cards"][card]["item"]
    own = final[final["item"] == item]
    assert list(own["path"]) == ["open"] * 4 and own["outcome"].isna().all()


# Votes


def test_votes_and_outcomes_by_hand(study):
    key = read_key(study.folder)["cards"]
    for choice, card in zip(("left", "tie", "right"), study.cards_of("rater-1"), strict=False):
        judge(study, "rater-1", card.id, choice)
        session_of(study, "rater-1").comment(card.id, f"said {choice}")
    votes = load_votes(study.folder)
    assert list(votes.columns) == [
        *("rater", "role", "card", "criterion", "choice", "difficult", "comment", "at")
    ]
    assert len(votes) == 12 and str(votes["at"].dtype).startswith("datetime64")
    assert votes["card"].unique().tolist() == [c.id for c in study.cards_of("rater-1")[:3]]
    told = unblind(votes, study.folder)
    pd.testing.assert_frame_equal(told[list(votes.columns)], votes)
    for row in told.itertuples():
        card = key[row.card]
        assert (row.item, row.kind) == (card["item"], card["kind"])
        chosen = {"left": card["left"], "right": card["right"]}.get(row.choice)
        expected = {None: "tie", row.model_b: "b", row.model_a: "a"}[chosen]
        if card["kind"] == "check":  # one model twice: a is the left one
            expected = {"left": "a", "right": "b"}.get(row.choice, "tie")
        assert row.outcome == expected
        assert card[row.a_side] == row.model_a
        assert row.comment == f"said {row.choice}"
        assert row.equal == (card["kind"] == "check") and row.flags == ()


def test_the_key_must_be_the_studys_own(study, tmp_path):
    votes = load_votes(study.folder)
    away = tmp_path / "safe.json"
    (study.folder / "key.json").rename(away)
    assert unblind(votes, study.folder, key=away).empty
    other = make(tmp_path / "other", blinding=6)
    with pytest.raises(StudyError, match="not written for this study"):
        unblind(votes, other.folder, key=away)
    judge(other, "rater-1", other.cards_of("rater-1")[0].id)
    with pytest.raises(StudyError, match="whose votes"):
        unblind(load_votes(other.folder), study.folder, key=away)
    orders = study.folder / "orders.json"
    orders.write_text(orders.read_text() + " ")
    with pytest.raises(StudyError, match="orders differ"):
        unblind(votes, study.folder, key=away)


def test_ratings_of_another_study_are_refused(study, tmp_path):
    other = make(tmp_path / "other", blinding=6)
    judge(other, "rater-1", other.cards_of("rater-1")[0].id)
    source = other.folder / "ratings" / "rater-1.jsonl"
    (study.folder / "ratings" / "rater-1.jsonl").write_bytes(source.read_bytes())
    with pytest.raises(StudyError, match="not one of rater-1's"):
        load_votes(study.folder)


# Dialogues


def test_the_samples_are_synthetic_dialogues_in_the_official_layout(samples):
    found = load_dialogues(samples)
    assert len(found) >= 24
    assert len({item.id for item in found}) == len({item.question for item in found}) == len(found)
    assert found[0].id == "icliniq-0"
    fit = usable(found, physician=True)
    assert fit.left_out["swallowed"] == len(found) - len(fit.dialogues) > 0
    assert len(usable(found).dialogues) == len(found)


def test_both_layouts_say_the_same(samples, tmp_path):
    found = load_dialogues(samples)
    rows = [
        {
            "input": d.question,
            "answer_icliniq": d.answer,
            "answer_chatgpt": "",
            "answer_chatdoctor": "",
        }
        for d in found
    ]
    (tmp_path / "chatdoctor").mkdir()
    (tmp_path / "chatdoctor" / "iCliniq.json").write_text(json.dumps(rows))
    assert load_dialogues(tmp_path) == found


@pytest.mark.parametrize(
    ("name", "text", "where"),
    [
        ("train_2kchat.jsonl", '{"chat": []}', "line 1"),
        ("train_2kchat.jsonl", '{"chat": [{"input": [{"role": "user"}], "ideal": "x"}]}', "line 1"),
        (
            "train_2kchat.jsonl",
            '{"chat": [{"input": [{"role": "bot", "content": "x"}], "ideal": "x"}]}',
            "line 1",
        ),
        ("train_2kchat.jsonl", '{"chat"', "line 1"),
        ("iCliniq.json", "{}", "expected a list"),
        ("iCliniq.json", '[{"input": "a", "answer_icliniq": "b"}, {"input": 1}]', "dialogue 1"),
        ("iCliniq.json", "[]", "no dialogue"),
    ],
)
def test_a_damaged_file_of_dialogues_is_refused(tmp_path, name, text, where):
    (tmp_path / "chatdoctor").mkdir()
    (tmp_path / "chatdoctor" / name).write_text(text)
    with pytest.raises(DataError, match=where):
        load_dialogues(tmp_path)


def test_no_dialogues_at_all(tmp_path):
    with pytest.raises(DataError, match="no dialogues here"):
        load_dialogues(tmp_path)


def talk(question="What is it?", answer="Rest.", name="1"):
    return Dialogue(name, question, answer)


@pytest.mark.parametrize(
    ("dialogue", "for_physician", "for_models"),
    [
        (talk(), [], []),
        (talk(question=""), ["no_question"], ["no_question"]),
        (talk(answer=""), ["no_answer"], []),
        (talk(answer="Use an artificial tear  ChatDoctor.  Rest."), ["swallowed"], []),
        (talk(answer="Welcome to ChatDoctor. Rest."), [], []),
        (talk(answer="Hi, Welcome to Chat Doctor forum. Rest."), [], []),
        (talk(question="I have attached my report."), ["attachment"], ["attachment"]),
        (talk(answer="I saw the picture (attachment removed)."), ["attachment_seen"], []),
        (talk(question="The tendon was reattached."), [], []),
    ],
)
def test_damage_by_rule(dialogue, for_physician, for_models):
    assert damage(dialogue, physician=True) == for_physician
    assert damage(dialogue) == for_models


def test_rules_leave_out_or_note_and_are_counted():
    given = [
        talk(name="1"),
        talk(question="what  IS it?", name="2"),
        talk(question="See the attached file.", name="3"),
        talk(question="", name="4"),
        talk(question="", name="5"),
        talk(question="Why?", answer="ChatDoctor.", name="6"),
    ]
    fit = usable(given, physician=True)
    assert [item.id for item in fit.dialogues] == ["1", "3"]
    assert fit.left_out == {"same_question": 1, "no_question": 2, "swallowed": 1}
    assert fit.flags == {"3": ["attachment"]}
    other = usable(given, physician=True, drop=["attachment"], keep=["swallowed"])
    assert [item.id for item in other.dialogues] == ["1", "6"]
    assert other.flags == {"6": ["swallowed"]}
    for options in ({"keep": ["no_question"]}, {"drop": ["nothing"]}):
        with pytest.raises(StudyError, match="no choice about the rule"):
            usable(given, **options)
    with pytest.raises(StudyError, match="to drop and to keep"):
        usable(given, drop=["swallowed"], keep=["swallowed"])


def test_the_official_dialogues(real_data):
    found = load_dialogues(real_data)
    assert len(found) >= 2000
    fit = usable(found[:2000], physician=True)
    assert 1300 < len(fit.dialogues) < 1600
    assert fit.left_out["swallowed"] + len(fit.dialogues) == 2000
    assert not any("ChatDoctor" in item.question for item in found)
    left = [redacted(item.answer, telling(item.answer)) for item in fit.dialogues]
    assert not any("chat doctor" in text.lower() or "chatdoctor" in text.lower() for text in left)
    assert all(text.strip() for text in left)


# What tells who wrote a reply


@pytest.mark.parametrize(
    ("text", "rules", "left"),
    [
        (
            "As an AI developed by OpenAI, I cannot say. Rest.",
            ["is_ai"],
            "[removed] I cannot say. Rest.",
        ),
        (
            "As an AI I would advise you to stop ibuprofen today and go to hospital.",
            ["is_ai"],
            "[removed] I would advise you to stop ibuprofen today and go to hospital.",
        ),
        (
            "I was created by a team of researchers at Meta to help; stop ibuprofen.",
            ["made_by"],
            "[removed] to help; stop ibuprofen.",
        ),
        ("I am afraid that this tumour may be made by the thyroid and needs care.", [], None),
        ("I was trained by Dr. Rao; I am sure your chatbot erred.", [], None),
        ("I'm a large language model. Rest.", ["is_ai"], "[removed]. Rest."),
        ("I am not a doctor but rest.", ["not_a_doctor"], "[removed] but rest."),
        ("I was trained by the team at Meta. Rest.", ["made_by"], "[removed]. Rest."),
        ("My name is Claude.", ["name"], "[removed]."),
        ("ChatDoctor says rest.", ["name"], "[removed] says rest."),
        ("Hi, Welcome to Chat Doctor forum. Rest.", ["greeting"], "Hi, Rest."),
        ("### Response: Rest.</s>", ["marks", "marks"], "Rest."),
        ("<|im_start|>Rest.", ["marks"], "Rest."),
        (
            "Ask tiny-chat-7b, as org/Tiny-Chat-7B says.",
            ["name", "name"],
            "Ask [removed], as org/[removed] says.",
        ),
        ("Your GPT and SGPT are raised.", [], "Your GPT and SGPT are raised."),
        ("The vaccine was developed by Pfizer.", [], "The vaccine was developed by Pfizer."),
        ("Claude Bernard's law; alpaca wool; Meta-analysis.", [], None),
        ("I am a doctor trained in Delhi; as an aid, rest.", [], None),
        ("Welcome to the ward. Rest.", [], None),
    ],
)
def test_what_tells_who_wrote_it(text, rules, left):
    found = telling(text, ["hf:org/Tiny-Chat-7B", "physician", "majority"])
    assert [place.rule for place in found] == rules
    assert redacted(text, found) == (left if left is not None else text)


@given(
    st.sampled_from(
        [
            "As an AI",
            "As an AI language model",
            "I am only an AI-powered medical assistant developed by OpenAI",
            "I'm a chatbot",
            "I was trained by Mistral AI",
            "I am a large language model, trained by Google",
            "I was made by a team of engineers at Meta",
            "I am not a doctor",
        ]
    ),
    st.sampled_from([" ", ", ", ". ", " and ", " but ", "; ", "\n", " — "]),
    st.sampled_from(["I", "you", "stop", "this"]),
    st.lists(
        st.sampled_from(
            "you should stop ibuprofen today at once made by the thyroid see your doctor "
            "developed a rash trained program for the emergency if it bleeds".split()
        ),
        min_size=1,
        max_size=12,
    ),
)
def test_advice_after_telling_words_survives(phrase, joint, start, advice):
    advice = [start, *advice]
    text = phrase + joint + " ".join(advice)
    places = telling(text)
    assert places and places[0].start == 0
    assert words_in(text, places) <= len(phrase.split())
    kept = redacted(text, places).removeprefix("[removed]")
    assert kept.split()[-len(advice) :] == advice


@given(
    st.lists(
        st.sampled_from(
            [
                "As an AI",
                "ChatDoctor",
                " ",
                "I am",
                "</s>",
                ",",
                ".",
                "x",
                "GPT-4",
                "Welcome to the forum",
            ]
        ),
        max_size=12,
    )
)
def test_places_are_in_order_and_do_not_overlap(parts):
    text = "".join(parts)
    found = telling(text)
    ends = [0, *[place.end for place in found]]
    assert all(place.start >= end for place, end in zip(found, ends, strict=False))
    assert all(place.start < place.end <= len(text) for place in found)


# Replies


class Scripted(Backend):
    """A model whose replies are written down."""

    remote, modes, max_tokens = False, ("generate",), None

    def __init__(self, name="hf:stub/scripted-1", **replies):
        self.name, self.script, self.asked = name, replies, []
        self.signature = {"backend": "scripted", "name": name}

    def replies(self, requests, wanted):
        for i in sorted(wanted):
            self.asked.append(requests[i].example.id)
            yield [(i, self.script.get(requests[i].example.id, Reply("ok", f"Rest, {i}.")))]


TALKS = [Dialogue(f"d{i}", f"Why {i}?", f"Because {i}.") for i in range(6)]


def test_replies_go_through_the_store_and_resume(tmp_path):
    model = Scripted(d2=Reply("error", "", "time-out"))
    first = ask(model, TALKS, store=tmp_path, progress=False)
    assert [reply.status for reply in first] == ["ok", "ok", "error", "ok", "ok", "ok"]
    again = Scripted()
    found = ask(again, TALKS, store=tmp_path, progress=False)
    assert again.asked == ["d2"] and found[0] == first[0]
    assert [path.name for path in tmp_path.rglob("*.jsonl")] == ["human_eval.jsonl"]
    assert ask(model, [], store=tmp_path) == []


def test_the_prompt_has_the_model_be_a_doctor():
    (message,) = messages(TALKS[0])
    assert message["role"] == "user" and message["content"].endswith("Patient: Why 0?")
    assert "You are a doctor" in message["content"] and "Because" not in message["content"]


def test_what_cannot_be_shown_is_left_out_for_all(tmp_path):
    model = Scripted(
        d0=Reply("empty", ""),
        d1=Reply("truncated", "Rest and"),
        d2=Reply("refused", ""),
        d3=Reply("refused", "I will not."),
        d4=Reply("ok", "ChatGPT"),
    )
    options = {"store": tmp_path, "progress": False}
    found = collect([model, "physician"], TALKS, **options)
    assert [item.id for item in found.dialogues] == ["d1", "d3", "d4", "d5"]
    assert found.left_out == {(model.name, "empty"): 2}
    assert found.noted == {
        (model.name, "truncated"): 1,
        (model.name, "refused"): 1,
        (model.name, "name"): 1,
    }
    assert found.texts["physician"] == {d: f"Because {d[1]}." for d in ("d1", "d3", "d4", "d5")}
    assert found.flags["d1"] == [f"{model.name}: truncated"]
    assert found.record["prompt_version"] == 1 and "physician" not in found.record["models"]
    stricter = collect([model, "physician"], TALKS, drop=["truncated", "refused"], **options)
    assert [item.id for item in stricter.dialogues] == ["d4", "d5"]
    clean = collect([model, "physician"], TALKS, redact=True, **options)
    assert "d4" not in clean.texts[model.name]  # nothing of it is left
    with pytest.raises(StudyError, match="no choice"):
        collect([model, "physician"], TALKS, keep=["empty"], **options)


def test_an_error_is_never_shown(tmp_path):
    model = Scripted(d1=Reply("error", "Traceback: secret", "HTTP 500"))
    options = {"store": tmp_path, "progress": False}
    with pytest.raises(StudyError, match="1 of 6 replies are errors, the first 'HTTP 500'"):
        collect([model, "physician"], TALKS, **options)
    found = collect([model, "physician"], TALKS, drop=["error"], **options)
    assert "d1" not in {item.id for item in found.dialogues}
    assert found.left_out == {(model.name, "error"): 1}
    assert not any("secret" in text for text in found.texts[model.name].values())
    with pytest.raises(StudyError, match="no choice"):
        collect([model, "physician"], TALKS, keep=["error"], **options)


@pytest.mark.parametrize("name", ["majority", "supervised"])
def test_a_baseline_cannot_answer_a_patient(name, tmp_path):
    with pytest.raises(ModelError, match="is a baseline"):
        collect([name, "physician"], TALKS, store=tmp_path)
    with pytest.raises(ModelError, match="There is no model"):
        collect(["physician", "no-such"], TALKS, store=tmp_path)
    assert not list(tmp_path.iterdir())


def test_answer_and_ask_share_their_keys(tmp_path):
    """Going through `ask` changes no key of an answer that is stored already."""
    from benchhealth_utils import load

    items = load("gad", limit=3)
    model = Scripted()
    stored = answers.answer(model, items, store=tmp_path, progress=False)
    requests, _ = answers.make_requests(items, shots=0, seed=0, mode="generate")
    assert [answers.answer_key(model.signature, request) for request in requests] == [
        reply.key for reply in stored
    ]


# The command line


@pytest.fixture
def command(tmp_path, monkeypatch, capsys):
    """Runs the command line with a scripted model; gives exit code, output, errors."""
    from benchhealth_utils.human_eval import replies

    monkeypatch.setenv("BENCHHEALTH_RUNS", str(tmp_path / "runs"))
    model = Scripted("hf:stub/scripted-1")
    monkeypatch.setattr(replies, "open_model", lambda name, **_: model)

    def run(*arguments):
        code = main(list(map(str, arguments)))
        caught = capsys.readouterr()
        return code, caught.out, caught.err

    run.model, run.runs = model, tmp_path / "runs"
    return run


SMALL = ("--items", 8, "--checks", 0.25, "--repeats", 0.25, "--seed", 3)


def test_a_study_from_the_command_line(command, tmp_path):
    code, out, _ = command("create", "mine", "--models", command.model.name, "physician", *SMALL)
    folder = command.runs / "human_eval" / "mine"
    assert code == 0 and "8 items, 8 pairs, 2 repeats, 2 attention checks" in out
    assert "has 12 cards" in out and "synthetic samples" in out and "Left out" in out
    assert command.model.name not in out  # whoever makes the study may rate too
    key = read_key(folder)
    assert key["models"] == [command.model.name, "physician"]
    assert key["record"]["left_out"]["swallowed"] == 3
    assert key["record"]["dialogues"]["file"] == "train_2kchat.jsonl"
    assert key["record"]["models"][command.model.name]["model"] == command.model.signature
    checks = [card["item"] for card in key["cards"].values() if card["kind"] == "check"]
    pairs = {card["item"] for card in key["cards"].values() if card["kind"] == "pair"}
    assert len(pairs) == 8 and not pairs & set(checks)
    assert len(command.model.asked) == 10
    # made again, nothing is asked twice
    code, _, _ = command("create", "twin", "--models", command.model.name, "physician", *SMALL)
    assert code == 0 and len(command.model.asked) == 10
    shutil.copytree(folder, folder.parent / "copy")
    study = open_study(folder)
    judge(study, "rater-1", study.cards_of("rater-1")[0].id)
    code, out, _ = command("status", folder)
    assert code == 0 and command.model.name not in out
    assert [line.split()[:4] for line in out.splitlines()[3:]] == [
        ["rater-1", "rater", "12", "1"],
        ["rater-2", "rater", "12", "0"],
        ["senior", "senior", "0", "0"],
    ]
    code, out, _ = command("code", "mine", "rater-2")
    assert code == 0 and open_study(folder).log_in(out).rater == "rater-2"
    code, out, _ = command("export", "mine", "csv", tmp_path / "out", "--rater", "rater-1")
    assert code == 0 and os.listdir(tmp_path / "out") == ["rater-1.csv"]
    code, out, _ = command("import", "mine", "csv", tmp_path / "out" / "rater-1.csv")
    assert (code, out) == (0, "0 new, 0 changed, 4 same\n")
    command("export", "mine", "label-studio", tmp_path / "ls", "--rater", "rater-1")
    code, out, _ = command("import", "copy", "label-studio", tmp_path / "ls" / "rater-1.json")
    assert (code, out) == (0, "4 new, 0 changed, 0 same\n")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--models", "physician"), "two models or more"),
        (("--models", "physician", "physician"), "two models or more"),
        (("--models", "physician", "majority"), "is a baseline"),
        (("--models", "physician", "nobody"), "no model 'nobody'"),
        (("--models", "physician", "--against", "physician"), "no comparison"),
        (("--models", "hf:s/s", "physician", "--items", 200), "Ask for 1 to 29"),
        (("--models", "hf:s/s", "physician", "--raters", "a/b"), "cannot be a rater's id"),
        (("--models", "hf:s/s", "physician", "--repeats", 2), "repeats is 2"),
        (("--models", "hf:s/s-7b", "physician", "--title", "S-7B?"), "tells raters who wrote"),
        (("--models", "hf:s/s", "physician", "--raters", "simulated-1"), "and senior would not"),
        (("--models", "hf:s/s", "physician", "--drop", "typos"), "no rule 'typos'"),
        (("--models", "hf:s/s", "physician", "--keep", "empty", "--items", 3), "no choice"),
    ],
)
def test_bad_commands_ask_no_model(command, arguments, message):
    code, out, err = command("create", "mine", *arguments)
    assert code == 1 and message in err and "Traceback" not in err
    assert not command.model.asked and not command.runs.exists()


def test_replies_that_tell_who_wrote_them_are_shown_only_on_request(command):
    name = command.model.name
    command.model.script = {
        f"icliniq-{i}": Reply("ok", f"As an AI, I say: rest {i} days.") for i in range(32)
    }
    given = ("--models", name, "physician", *SMALL)
    code, out, err = command("create", "plain", *given)
    assert code == 1 and "In 10 cases a reply tells who wrote it" in err and "Traceback" not in err
    assert all(word in err for word in ("--redact", "--drop is_ai", "--keep is_ai"))
    assert name not in out + err
    assert not (command.runs / "human_eval" / "plain").exists()
    code, out, _ = command("create", "kept", *given, "--keep", "is_ai")
    assert code == 0 and "In 10 cases a reply tells who wrote it" in out
    code, out, _ = command("create", "clean", *given, "--redact")
    assert code == 0 and "10 cases were taken out" in out
    shown = {key: open_study(command.runs / "human_eval" / key).cards for key in ("kept", "clean")}
    told = {
        key: sum("AI" in card.left + card.right for card in cards.values())
        for key, cards in shown.items()
    }
    assert told["kept"] >= 8 and told["clean"] == 0
    record = read_key(command.runs / "human_eval" / "clean")["record"]
    assert record["words_removed"] == {name: 30, "physician": record["words_removed"]["physician"]}
    code, _, err = command("create", "none", *given, "--drop", "is_ai")
    assert code == 1 and "No dialogue is left" in err
    assert len(command.model.asked) == 10  # once, whatever was chosen


def test_the_replies_are_kept_from_other_accounts(command, tmp_path):
    """They are stored under the name of their model, which would undo the blinding."""
    _, out, _ = command("create", "mine", "--models", command.model.name, "physician", *SMALL)
    (stored,) = command.runs.rglob("human_eval.jsonl")
    assert stored.read_text() and stat.S_IMODE(stored.stat().st_mode) == 0o600
    assert "by model: raters must not read that folder" in out
    stored.chmod(0o644)  # as an earlier program left it
    ask(command.model, TALKS, store=stored.parent.parent, progress=False)
    assert stat.S_IMODE(stored.stat().st_mode) == 0o600


def test_a_study_is_closed_and_opened_again_from_the_command_line(command):
    command("create", "mine", "--models", command.model.name, "physician", *SMALL)
    study = open_study(command.runs / "human_eval" / "mine")
    assert command("close", "mine")[0] == 0 and study.closed
    assert "Closed: nobody can rate" in command("status", "mine")[1]
    assert command("reopen", "mine")[0] == 0 and not study.closed
    assert "Closed" not in command("status", "mine")[1]


def test_no_option_of_the_command_line_fixes_the_blinding(command):
    given = ("--models", command.model.name, "physician", *SMALL)
    for name in ("one", "two"):
        assert command("create", name, *given)[0] == 0
    one, two = (open_study(command.runs / "human_eval" / name) for name in ("one", "two"))
    assert one.cards.keys().isdisjoint(two.cards)
    assert sample(read_key(one.folder)) == sample(read_key(two.folder))
    with pytest.raises(SystemExit):
        command("create", "three", *given, "--blinding", 1)


def test_each_with_each_of_the_others(command):
    models = ("--models", command.model.name, "--against", "physician")
    code, _, _ = command("create", "mine", *models, *SMALL, "--no-senior", "--redact")
    key = read_key(command.runs / "human_eval" / "mine")
    assert code == 0 and key["comparisons"] == [[command.model.name, "physician"]]
    assert key["record"]["redacted"] is True
    code, _, err = command("status", "other")
    assert code == 1 and "not a study folder" in err


def test_the_module_runs_and_explains_its_rules():
    done = subprocess.run(
        [sys.executable, "-m", "benchhealth_utils.human_eval", "--help"],
        capture_output=True,
        text=True,
        cwd=ROOT,
    )
    assert done.returncode == 0
    assert all(
        word in done.stdout for word in ("create", "status", "export", "import", "swallowed")
    )


def test_the_package_does_not_load_it():
    code = "import sys, benchhealth_utils; sys.exit(any('human_eval' in m for m in sys.modules))"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0


def test_a_file_is_not_written_over(study, tmp_path):
    (tmp_path / "mine.csv").write_text("precious")
    with pytest.raises(StudyError, match="is there already"):
        export_csv(study, "rater-1", tmp_path / "mine.csv")
    assert (tmp_path / "mine.csv").read_text() == "precious"


def test_every_error_is_one_that_the_command_line_shows():
    assert issubclass(StudyError, BenchHealthError)
    assert Path(ROOT, ".gitignore").read_text().splitlines().count("runs/") == 1
