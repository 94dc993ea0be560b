"""A study of the human evaluation: what is in it, who may do what, what survives."""

import json
import os
import re
import sqlite3
import stat
import subprocess
from collections import Counter

import pandas as pd
import pytest
from conftest import cases
from scripted import Scripted

from benchhealth_utils.cli import main
from benchhealth_utils.human_eval import CRITERIA, Study, StudyError, create
from benchhealth_utils.human_eval.sample import (
    Dialogue,
    ask,
    collect,
    damage,
    load_dialogues,
    redacted,
    telling,
    usable,
)
from benchhealth_utils.models import Reply
from benchhealth_utils.schema import ROOT, DataError, ModelError

DIALOGUES = [
    Dialogue(f"talk/{i}", f"Question number {i}?", f"Physician's answer {i}.") for i in range(30)
]
WORDS = {"zephyr-one": "First", "zephyr-two": "Second"}
REPLIES = {
    name: {item.id: f"{word} reply to {item.question}" for item in DIALOGUES}
    for name, word in WORDS.items()
}


def make(folder, **options):
    given = {"items": 20, "seed": 5, "blinding": 5, **options}
    return create(folder, DIALOGUES, REPLIES, **given)


@pytest.fixture
def study(tmp_path):
    return make(tmp_path / "study")


def key_of(study):
    return json.loads((study.path / "key.json").read_text())


def cards_of(study, kind="pair"):
    return [card["card"] for card in key_of(study)["cards"] if card["kind"] == kind]


def handed(study):
    return dict(x.split(",") for x in (study.path / "codes.csv").read_text().splitlines()[1:])


def judge(study, rater, card, choice="left", **others):
    study.rate(rater, [(card, key, others.get(key, choice)) for key in CRITERIA])


# What is made


def test_only_the_key_knows_models_dialogues_and_kinds(study):
    secrets = [b"zephyr", b"talk/", b"repeat_of", b"blinding"]
    secrets += map(str.encode, handed(study).values())
    for path in study.path.iterdir():
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        told = [word for word in secrets if word in path.read_bytes()]
        assert told == {"key.json": secrets[:4], "codes.csv": secrets[4:]}.get(path.name, [])
    assert sorted(os.listdir(study.path)) == ["codes.csv", "key.json", "study.sqlite"]
    assert os.listdir(study.path.parent) == ["study"]
    cards = study.cards()
    assert list(cards.columns) == ["card", "question", "left", "right"]
    assert cards["card"].is_monotonic_increasing


def test_what_stands_on_the_cards(study):
    study.close()
    cards = study.unblinded().merge(study.cards(), on="card").set_index("card")
    assert Counter(cards["kind"]) == {"pair": 20, "repeat": 2, "check": 1}
    pairs = cards[cards["kind"] == "pair"]
    assert Counter(pairs["a_side"]) == {"left": 10, "right": 10}
    assert set(pairs["model_a"]) == {"zephyr-one"} and set(pairs["model_b"]) == {"zephyr-two"}
    for card in cards.itertuples():
        assert card.question == f"Question number {card.item.removeprefix('talk/')}?"
        other = "right" if card.a_side == "left" else "left"
        for side, model in ((card.a_side, card.model_a), (other, card.model_b)):
            assert getattr(card, side) == f"{WORDS[model]} reply to {card.question}"
        assert card.equal == (card.kind == "check") and card.flags == ()
        if card.kind == "repeat":
            first = cards.loc[card.repeat_of]
            assert tuple(first[["item", "left", "right"]]) == (card.item, card.right, card.left)
        if card.kind == "check":
            assert card.item not in set(pairs["item"]) and card.model_a == card.model_b


def sample(study):
    return {card["item"] for card in key_of(study)["cards"] if card["kind"] == "pair"}


def test_the_seed_draws_the_sample_and_nothing_else(tmp_path):
    """Whoever knows the seed, the dialogues and this program cannot work out a side."""

    def sides(study):
        return {x["item"]: x["a_side"] for x in key_of(study)["cards"] if x["kind"] == "pair"}

    one, two = (make(tmp_path / name, seed=3, blinding=None) for name in ("one", "two"))
    assert sample(one) == sample(two) != sample(make(tmp_path / "three", seed=4))
    assert sides(one) != sides(two) and one.order("rater-1") != two.order("rater-1")
    assert set(one.cards()["card"]).isdisjoint(two.cards()["card"])
    assert min(key_of(x)["blinding"] for x in (one, two)) > 2**64
    # one that is given repeats a trial, but for the codes
    again = make(tmp_path / "again", seed=3, blinding=7)
    assert key_of(again) == key_of(other := make(tmp_path / "other", seed=3, blinding=7))
    assert again.order("senior") == other.order("senior") and handed(again) != handed(other)


def test_orders_are_each_raters_own_and_repeats_far_from_their_originals(tmp_path):
    study = make(tmp_path / "study", raters=["ann", "ben"], senior="prof", repeats=0.5)
    ann, ben = orders = [study.order(rater) for rater in study.raters]
    assert sorted(ann) == sorted(ben) == list(study.cards()["card"]) and ann != ben
    assert sorted(study.order("prof")) == sorted(cards_of(study))
    again = {x["card"]: x["repeat_of"] for x in key_of(study)["cards"] if x["repeat_of"]}
    assert all(abs(o.index(x) - o.index(y)) >= 3 for o in orders for x, y in again.items())


@pytest.mark.parametrize(("options", "message"), cases("refused")["study"])
def test_what_cannot_be_made_is_refused_and_leaves_nothing(options, message, tmp_path):
    with pytest.raises(StudyError, match=message):
        make(tmp_path / "study", **options)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("dialogues", "more", "message"),
    [(DIALOGUES, {"m": REPLIES["zephyr-one"] | {"talk/7": " \x00\n"}}, "reply of m, as .'talk/7'"),
     (DIALOGUES, {"m": {}}, "30 dialogues have no reply of m"),
     ([*DIALOGUES, DIALOGUES[4]], {}, "comes twice"),
     ([*DIALOGUES, Dialogue("a", " ", "")], {}, "1 dialogues have no question")],
)  # fmt: skip
def test_replies_must_be_whole(dialogues, more, message, tmp_path):
    with pytest.raises(StudyError, match=message):
        create(tmp_path / "study", dialogues, REPLIES | more)
    assert not list(tmp_path.iterdir())


def test_a_folder_in_use_or_within_the_repository_is_refused(study, tmp_path):
    before = (study.path / "study.sqlite").read_bytes()
    (tmp_path / "file").write_text("mine")
    for place in (study.path, tmp_path / "file"):
        with pytest.raises(StudyError, match="is in use"):
            make(place)
    assert (study.path / "study.sqlite").read_bytes() == before
    (tmp_path / "empty").mkdir()
    assert len(make(tmp_path / "empty").cards()) == 23
    for place in ("data/study", "."):
        with pytest.raises(StudyError, match="could be committed"):
            make(ROOT / place / "new")
        assert not (ROOT / place / "new").exists()
    command = ["git", "check-ignore", "runs/human_eval/x/key.json"]
    assert subprocess.run(command, cwd=ROOT, capture_output=True).returncode == 0


def test_what_is_no_study_is_refused(study, tmp_path):
    with pytest.raises(StudyError, match="not a study folder"):
        Study(tmp_path)
    with sqlite3.connect(study.path / "study.sqlite") as database:
        database.execute("update about set value = '99' where name = 'version'")
    with pytest.raises(StudyError, match="version 99"):
        Study(study.path)
    (study.path / "study.sqlite").write_bytes(b"no database " * 1000)
    with pytest.raises(StudyError, match="not a database"):
        Study(study.path)


# Who may do what


def test_a_code_opens_its_raters_session_and_no_other(study):
    for rater, code in handed(study).items():
        for typed in (code, code.upper(), f"  {code.replace('-', ' ')} "):
            assert study.rater_of(study.log_in(typed)) == rater
    for typed in ("", "rater-1", "0", "x" * 10**6, "\x00", "é" * 12, code[:-1], "' or 1=1 --"):
        assert study.log_in(typed) is None
    token = study.log_in(handed(study)["rater-2"])
    assert study.rater_of(token + "x") is None and study.rater_of("") is None
    for path in study.path.glob("study.sqlite*"):
        assert token.encode() not in path.read_bytes()
    # a code that was lost is renewed; what was opened with it is closed
    new = Study(study.path).renew_code("rater-2")
    assert study.rater_of(token) is None
    assert study.log_in(handed(study)["rater-2"]) is None
    assert study.rater_of(token := study.log_in(new)) == "rater-2"
    study.log_out(token)
    assert study.rater_of(token) is None
    with pytest.raises(StudyError, match="no rater 'ghost'"):
        study.renew_code("ghost")


def test_the_rating_side_needs_neither_key_nor_codes(study):
    code = handed(study)["rater-1"]
    (study.path / "key.json").unlink()
    (study.path / "codes.csv").unlink()
    rater = Study(study.path).rater_of(study.log_in(code))
    study.rate(rater, [(study.asked(rater)[0], "robustness", "tie")])
    assert len(study.votes()) == 1 and study.status()["last"].notna().tolist() == [1, 0, 0]
    study.close()
    with pytest.raises(StudyError, match="no key"):
        study.unblinded()


def test_every_click_is_kept_and_the_last_counts(study):
    card, comment = study.asked("rater-1")[0], ' a\x00\r\nb\x85c\u2028d\ufeff\u202e\ud800"\\ '
    for field, value in [("faithfulness", "left"), ("faithfulness", "right"), ("difficult", True)]:
        study.rate("rater-1", [(card, field, value)])
    study.rate("rater-1", [(card, "comment", comment)])
    last = {"faithfulness": "right", "difficult": True, "comment": 'a\nb\nc\u2028d\ufffd"\\'}
    assert study.said("rater-1") == {card: last}
    assert study.said("rater-1", until=1) == {card: {"faithfulness": "left"}}
    assert study.last_click() == 4
    with sqlite3.connect(study.path / "study.sqlite") as database:
        for change in ("update clicks set value = '1'", "delete from clicks"):
            with pytest.raises(sqlite3.IntegrityError, match="clicks are kept"):
                database.execute(change)


def test_what_is_not_the_raters_is_refused(study, tmp_path):
    foreign = make(tmp_path / "other", blinding=6).order("rater-1")[0]
    own, check = study.order("rater-1")[0], cards_of(study, "check")[0]
    pairs = [("rater-1", card) for card in (foreign, "", None, own.upper())]
    for rater, card in [*pairs, ("senior", check)]:
        with pytest.raises(StudyError, match=f"not one of {rater}'s"):
            study.rate(rater, [(card, "faithfulness", "left")])
    wrong = [("length", "left"), ("difficult", "yes"), ("comment", None), ("comment", "x" * 10_001)]
    for field, value in [*wrong, *(("faithfulness", x) for x in ("Left", None, ["left"]))]:
        with pytest.raises(StudyError, match="cannot be"):
            study.rate("rater-1", [(own, "robustness", "tie"), (own, field, value)])
    assert study.last_click() == 0  # all of a call, or nothing


# What the senior settles


def test_the_senior_gets_what_raters_differ_on_or_find_difficult(study):
    differ, agree, difficult, half, alone, unsaid = cards_of(study)[:6]
    repeat = cards_of(study, "repeat")[0]
    for rater in ("rater-1", "rater-2"):
        judge(study, rater, agree, "tie")
        judge(study, rater, difficult, "left")
    judge(study, "rater-1", differ, "left")
    judge(study, "rater-2", differ, "left", robustness="right")
    study.rate("rater-2", [(difficult, "difficult", True)])
    judge(study, "rater-1", half, "left")
    study.rate("rater-2", [(half, "faithfulness", "right")])  # differs, not complete
    judge(study, "rater-1", alone, "left")
    study.rate("rater-1", [(alone, "difficult", True), (unsaid, "difficult", True)])
    judge(study, "rater-2", unsaid, "left")
    judge(study, "rater-1", repeat, "left")
    judge(study, "rater-2", repeat, "right")
    asked = {differ, difficult, unsaid}
    assert study.asked("senior") == [card for card in study.order("senior") if card in asked]
    frame = study.status().set_index("rater")
    columns = ["cards", "complete", "left", "difficult"]
    assert frame.loc["senior", columns].tolist() == [3, 0, 3, 0]
    assert frame.loc["rater-1", columns].tolist() == [23, 7, 16, 2]
    assert frame.loc["rater-2", columns].tolist() == [23, 5, 18, 1]
    assert pd.isna(frame.loc["senior", "last"])
    assert [x["robustness"] for x in study.others("senior", differ)] == ["left", "right"]
    assert study.others("rater-1", differ) == []
    judge(study, "rater-2", differ, "left")  # has second thoughts: they agree now
    assert {*study.asked("senior")} == {difficult, unsaid}
    # a mark counts by itself
    marks = study.marks().set_index(["card", "rater"])["difficult"]
    assert marks[unsaid, "rater-1"] and not marks[unsaid, "rater-2"]


def test_what_the_senior_has_decided_the_raters_cannot_change(study):
    card, other = cards_of(study)[:2]
    judge(study, "senior", card, "right")  # too early: holds nobody
    judge(study, "rater-1", card, "left")
    judge(study, "rater-2", card, "tie")
    with pytest.raises(StudyError, match="The senior has decided"):
        judge(study, "rater-2", card, "left")  # they would agree
    for rater, choice in (("rater-1", "left"), ("rater-2", "right")):
        judge(study, rater, other, choice)
    study.rate("senior", [(other, "comment", "hm")])  # decides nothing
    judge(study, "rater-2", other, "tie")
    judge(study, "senior", card, "tie")  # the senior may think again
    assert {*study.asked("senior")} == {card, other}
    votes = study.votes()
    assert list(votes.columns) == ["card", "criterion", "rater", "role", "verdict"]
    told = votes[votes["card"] == card].drop_duplicates(["rater", "verdict"])
    assert dict(zip(told["rater"], told["verdict"], strict=True)) == {
        "rater-1": "left", "rater-2": "tie", "senior": "tie",
    }  # fmt: skip


def test_a_closed_study_can_be_read_and_not_rated(study, tmp_path):
    card = study.order("rater-1")[0]
    judge(study, "rater-1", card, "left")
    with pytest.raises(StudyError, match="The study is open"):
        study.unblinded()
    Study(study.path).close()  # another process, while this one is open
    for event in (("faithfulness", "tie"), ("difficult", True), ("comment", "late")):
        with pytest.raises(StudyError, match="The study is closed"):
            study.rate("rater-1", [(card, *event)])
    assert set(study.votes()["verdict"]) == {"left"} and study.last_click() == 4
    study.rater_of(study.log_in(handed(study)["rater-2"]))
    away = tmp_path / "safe.json"
    (study.path / "key.json").rename(away)
    assert len(study.unblinded(key=away)) == 23
    other = make(tmp_path / "other", blinding=6)
    other.close()
    with pytest.raises(StudyError, match="not written for this study"):
        other.unblinded(key=away)
    study.reopen()
    study.rate("rater-1", [(card, "faithfulness", "tie")])
    assert not study.closed and study.said("rater-1")[card]["faithfulness"] == "tie"


# Dialogues


@pytest.mark.parametrize(("name", "text", "where"), cases("refused")["dialogues"])
def test_a_damaged_file_of_dialogues_is_refused(tmp_path, name, text, where):
    (tmp_path / "chatdoctor").mkdir()
    (tmp_path / "chatdoctor" / name).write_text(text)
    with pytest.raises(DataError, match=where):
        load_dialogues(tmp_path)


def test_the_samples_are_synthetic_dialogues_in_the_official_layout(samples):
    found = load_dialogues(samples)
    assert len({item.id for item in found}) == len({item.question for item in found}) >= 24
    fit, left_out, _ = usable(found, damage(found, physician=True))
    assert left_out == {"swallowed": len(found) - len(fit)} and len(fit) < len(found)
    assert usable(found, damage(found))[0] == found


def test_rules_leave_out_or_note_and_are_counted():
    given = [
        Dialogue("1", "What is it?", "Welcome to ChatDoctor. Rest."),
        Dialogue("2", "what  IS it?", "Rest."),
        Dialogue("3", "See the attached file; the tendon was reattached.", "Rest."),
        Dialogue("4", "", "Rest."),
        Dialogue("5", "", "Rest."),
        Dialogue("6", "Why?", "Use an artificial tear  ChatDoctor.  Rest."),
        Dialogue("7", "When?", ""),
        Dialogue("8", "Reattached?", "I saw the picture (attachment removed)."),
    ]
    flags = damage(given, physician=True)

    def kept(flags=flags, **chosen):
        return [item.id for item in usable(given, flags, **chosen)[0]]

    _, left_out, noted = usable(given, flags)
    assert kept() == ["1", "3", "8"]
    assert left_out == {"same_question": 1, "no_question": 2, "swallowed": 1, "no_answer": 1}
    assert noted == {"attachment": 1, "attachment_seen": 1}
    assert kept(damage(given)) == ["1", "3", "6", "7", "8"]
    assert kept(drop=["attachment"], keep=["swallowed"]) == ["1", "6", "8"]


def test_the_official_dialogues(real_data):
    found = load_dialogues(real_data)[:2000]
    fit, left_out, _ = usable(found, damage(found, physician=True))
    assert left_out == {"swallowed": 594} and len(fit) == 1406
    left = [redacted(item.answer, telling(item.answer)) for item in fit]
    assert all(left) and not any(re.search("chat ?doctor", text, re.I) for text in left)


# What tells who wrote a reply


@pytest.mark.parametrize(("text", "rules", "left"), cases("telling")["telling"])
def test_what_tells_who_wrote_it(text, rules, left):
    found = telling(text, ["hf:org/Tiny-Chat-7B", "physician", "majority"])
    assert [rule for rule, _, _ in found] == rules.split()
    assert redacted(text, found) == left


@pytest.mark.parametrize("text", cases("telling")["harmless"])
def test_what_only_looks_like_it_stays(text):
    assert telling(text, ["hf:org/Tiny-Chat-7B", "physician"]) == []


# Replies


OPENED = "benchhealth_utils.human_eval.sample.open_model"


def scripted(**script):
    """A model whose replies to some dialogues are written down."""
    return Scripted(lambda asked: script.get(asked.example.id, "Rest."), "hf:stub/scripted-1")


TALKS = [Dialogue(f"d{i}", f"Why {i}?", f"Because {i}.") for i in range(6)]


def test_replies_go_through_the_store_for_the_owner_alone_and_resume(tmp_path):
    model = scripted(d2=Reply("error", "", "time-out"))
    asked = [(talk.id, f"Patient: {talk.question}", "") for talk in TALKS]
    options = {"may_fail": True, "store": tmp_path, "progress": False}
    first = ask(model, "human_eval", 64, asked, **options)
    assert [reply.status for reply in first] == ["ok", "ok", "error", "ok", "ok", "ok"]
    (stored,) = tmp_path.rglob("human_eval.jsonl")
    assert stat.S_IMODE(stored.stat().st_mode) == 0o600
    stored.chmod(0o644)  # as an earlier version left it
    again = scripted()
    assert ask(again, "human_eval", 64, asked, **options)[0] == first[0]
    assert again.asked == ["d2"] and stat.S_IMODE(stored.stat().st_mode) == 0o600


@pytest.fixture
def collected(tmp_path, monkeypatch):
    """Collects replies of a scripted model and the physician."""
    options = {"store": tmp_path / "store", "progress": False}

    def run(model, talks=TALKS, **more):
        monkeypatch.setattr(OPENED, lambda *_, **__: model)
        return collect([model.name, "physician"], talks, **options, **more)

    return run


def test_what_cannot_be_shown_is_left_out_for_all(collected):
    script = {"d0": ("empty", ""), "d1": ("truncated", "Rest and"), "d2": ("refused", "")}
    script |= {"d3": ("refused", "I will not."), "d4": ("ok", "ChatGPT")}
    model = scripted(**{name: Reply(*reply) for name, reply in script.items()})
    texts, flags, record = collected(model)
    fit, left_out, noted = usable(TALKS, flags)
    assert [item.id for item in fit] == ["d1", "d3", "d4", "d5"]
    assert left_out == {"empty": 2} and noted == {"truncated": 1, "refused": 1, "name": 1}
    assert texts["physician"] == {item.id: item.answer for item in TALKS}
    assert flags["d1"] == [f"{model.name}: truncated"] and flags["d5"] == []
    assert model.prompts[0].startswith("You are a doctor") and "Because" not in model.prompts[0]
    assert model.prompts[0].endswith("Patient: Why 0?") and record["prompt"]["version"] == 1
    assert set(record["models"]) == {model.name}
    stricter, _, _ = usable(TALKS, flags, drop=["truncated", "refused"])
    assert [item.id for item in stricter] == ["d4", "d5"]
    _, flags, _ = collected(model, redact=True)
    assert flags["d4"] == [f"{model.name}: {rule}" for rule in ("empty", "name")]  # nothing is left


def test_an_error_is_never_shown_and_a_baseline_never_asked(collected, tmp_path):
    for name, message in (("majority", "is a baseline"), ("no-such", "There is no model")):
        with pytest.raises(ModelError, match=message):
            collected(Scripted(name=name))
    assert not list(tmp_path.iterdir())
    model = scripted(d1=Reply("error", "Traceback: secret", "HTTP 500"))
    with pytest.raises(ModelError, match="1 of 6 replies are errors, the first 'HTTP 500'"):
        collected(model)
    texts, flags, _ = collected(model, drop=["error"])
    fit, left_out, _ = usable(TALKS, flags)
    assert left_out == {"error": 1} and len(fit) == 5 and "secret" not in str(texts)


# The command line


@pytest.fixture
def command(tmp_path, monkeypatch, capsys):
    """Runs the command line with a scripted model; gives exit code, output, errors."""
    monkeypatch.setenv("BENCHHEALTH_RUNS", str(tmp_path / "runs"))
    model = scripted()
    monkeypatch.setattr(OPENED, lambda *_, **__: model)

    def run(*arguments):
        try:
            code = main(["human-eval", *map(str, arguments)])
        except SystemExit as stop:  # of argparse
            code = stop.code
        caught = capsys.readouterr()
        return code, caught.out, caught.err

    run.model, run.runs = model, tmp_path / "runs"
    run.study = lambda name: Study(run.runs / "human_eval" / name)
    return run


SMALL = ("--items", 8, "--checks", 0.25, "--repeats", 0.25, "--seed", 3)
BOTH = ("--models", "hf:stub/scripted-1", "physician", *SMALL)


def test_a_study_from_the_command_line(command, tmp_path):
    code, out, _ = command("create", "mine", *BOTH)
    assert code == 0 and "12 cards for each rater" in out
    assert "Made-up questions" in out and "raters must not read that folder" in out
    assert command.model.name not in out  # whoever makes the study may rate too
    study, key = command.study("mine"), key_of(command.study("mine"))
    assert study.synthetic and not study.simulated
    assert key["models"] == [command.model.name, "physician"]
    assert key["record"]["left_out"]["swallowed"] == 3
    assert key["record"]["dialogues"]["file"] == "train_2kchat.jsonl"
    assert key["record"]["models"] == {command.model.name: command.model.signature}
    assert len(sample(study)) == 8 and len(command.model.asked) == 10
    # made again, nothing is asked twice, and other sides come out
    assert command("create", "twin", *BOTH)[0] == 0 and len(command.model.asked) == 10
    assert sample(command.study("twin")) == sample(study)
    assert set(command.study("twin").cards()["card"]).isdisjoint(study.cards()["card"])
    judge(study, "rater-1", study.order("rater-1")[0])
    code, out, _ = command("status", study.path)
    assert code == 0 and command.model.name not in out
    rows = [line.split()[:4] for line in out.splitlines()[3:]]
    assert rows[0] == ["rater-1", "rater", "12", "1"] and rows[2] == ["senior", "senior", "0", "0"]
    code, out, _ = command("code", "mine", "rater-2")
    assert code == 0 and study.rater_of(study.log_in(out)) == "rater-2"
    assert command("export", "mine", tmp_path / "out", "--rater", "rater-1")[0] == 0
    assert os.listdir(tmp_path / "out") == ["rater-1.csv"]
    code, out, _ = command("import", "mine", tmp_path / "out" / "rater-1.csv")
    assert (code, out) == (0, "0 new, 0 changed, 4 same\n")
    assert command("close", "mine")[0] == 0 and "(closed)" in command("status", "mine")[1]
    assert command("reopen", "mine")[0] == 0 and not study.closed
    models = ("--models", command.model.name, "--against", "physician", "--redact")
    assert command("create", "against", *models, *SMALL, "--no-senior")[0] == 0
    assert key_of(command.study("against"))["comparisons"] == [[command.model.name, "physician"]]


@pytest.mark.parametrize(("arguments", "message"), cases("refused")["study_commands"])
def test_bad_commands_ask_no_model(command, arguments, message):
    code, out, err = command("create", "mine", "--models", *arguments)
    assert code in (1, 2) and message in err and "Traceback" not in err
    assert not command.model.asked and not command.runs.exists()


def test_replies_that_tell_who_wrote_them_are_shown_only_on_request(command):
    told = Reply("ok", "As an AI, I say: rest.")
    command.model.say = told
    code, out, err = command("create", "plain", *BOTH)
    assert code == 1 and "the reply says that it comes from a program: 10" in err
    assert all(word in err for word in ("--redact", "--drop is_ai", "--keep is_ai"))
    assert command.model.name not in out + err and not (command.runs / "human_eval").exists()
    assert command("create", "kept", *BOTH, "--keep", "is_ai")[0] == 0
    assert command("create", "clean", *BOTH, "--redact")[0] == 0
    cards = {name: command.study(name).cards() for name in ("kept", "clean")}
    told = {name: (each["left"] + each["right"]).str.contains("AI") for name, each in cards.items()}
    assert told["kept"].sum() >= 8 and not told["clean"].any()
    code, _, err = command("create", "none", *BOTH, "--drop", "is_ai")
    assert code == 1 and "No dialogue is left" in err
    assert len(command.model.asked) == 10  # once, whatever was chosen
