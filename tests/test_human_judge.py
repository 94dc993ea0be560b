"""A language model as a judge: blinded, in both orders, and apart from people."""

import json

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchhealth_utils import report
from benchhealth_utils.human_eval import create_study, open_study, simulation
from benchhealth_utils.human_eval.__main__ import main
from benchhealth_utils.human_eval.adjudication import settle
from benchhealth_utils.human_eval.analysis import analyse, analyse_study
from benchhealth_utils.human_eval.criteria import CRITERIA
from benchhealth_utils.human_eval.dialogues import Dialogue
from benchhealth_utils.human_eval.judge import (
    SWAPPED,
    LongerReply,
    judge_cards,
    judge_prompt,
    read_verdicts,
)
from benchhealth_utils.human_eval.judged import judge_agreement
from benchhealth_utils.human_eval.planted import EXAMPLE
from benchhealth_utils.human_eval.reliability import agreement
from benchhealth_utils.human_eval.votes import load_votes, unblind
from benchhealth_utils.models import Backend, Reply
from benchhealth_utils.schema import ROOT, BenchHealthError, ModelError

MODELS = ("physician", "first-half", "other-patient")
FEW = {"replicates": 200}


class Scripted(Backend):
    """A backend that answers by a function of the two replies and counts what it is asked."""

    remote, modes, max_tokens = False, ("generate",), None

    def __init__(self, answer, name="scripted"):
        self.name, self.answer, self.asked, self.prompts = name, answer, 0, []
        self.signature = {"backend": name}

    def replies(self, requests, wanted):
        for at in sorted(wanted):
            self.asked += 1
            (turn,) = requests[at].messages
            self.prompts.append(turn["content"])
            left, right = (between(turn["content"], side) for side in ("left", "right"))
            said = self.answer(left, right)
            yield [(at, said if isinstance(said, Reply) else Reply("ok", said))]


def between(text, tag):
    return text.split(f"<{tag}>\n")[1].split(f"\n</{tag}>")[0]


def all_criteria(choice):
    return "\n".join(f"{key}: {choice}" for key in CRITERIA)


def longer(left, right):
    size = len(left.split()) - len(right.split())
    return all_criteria("tie" if not size else "left" if size > 0 else "right")


@pytest.fixture(scope="module")
def rated(tmp_path_factory):
    """A study of twelve questions, rated by simulated raters."""
    dialogues = [
        Dialogue(f"d-{at}", f"Question {at}?", f"Reply {at}. " + "More. " * (at % 5 + 1))
        for at in range(12)
    ]
    folder = tmp_path_factory.mktemp("judge") / "study"
    replies = simulation.stand_ins(dialogues)
    raters = ["simulated-1", "simulated-2"]
    study = create_study(
        folder, dialogues, replies, raters=raters, senior="simulated-senior", blinding=2
    )
    simulation.rate_all(study, EXAMPLE, dialogues, replies, seed=3)
    return folder


@pytest.fixture
def study(rated, tmp_path):
    """The same in a folder of its own."""
    import shutil

    return shutil.copytree(rated, tmp_path / "study")


def human(folder):
    votes = unblind(load_votes(folder), folder)
    return votes, settle(votes, folder)


# Reading


@pytest.mark.parametrize(
    ("text", "verdict"),
    [
        ("faithfulness: left", "left"),
        ("Faithfulness: Right.", "right"),
        ("**Faithfulness**: tie", "tie"),
        ("- faithfulness : LEFT", "left"),
        ("Let me see.\nfaithfulness: right\nThat is all.", "right"),
        ("<think>faithfulness: left</think>\nfaithfulness: tie", "tie"),
        ("faithfulness: left\nfaithfulness: left", "left"),
        ("faithfulness: left\nOn reflection:\nfaithfulness: right", None),
        ("faithfulness: left or right", None),
        ("faithfulness: left, tie or right", None),
        ("faithfulness: both", None),
        ("faithfulness: not left", None),
        ("The left reply is more faithful.", None),
        ("left", None),
        ("faithfulness:", None),
        ("unfaithfulness: left", None),
        ("", None),
        ("<think>faithfulness: left", None),
    ],
)
def test_only_a_stated_verdict_is_read(text, verdict):
    assert read_verdicts(text, ["faithfulness"]) == {"faithfulness": verdict}


@given(st.fixed_dictionaries({key: st.sampled_from(list(SWAPPED)) for key in CRITERIA}))
def test_what_the_form_asks_for_is_read(choices):
    text = "\n".join(f"{key}: {choice}" for key, choice in choices.items())
    assert read_verdicts(text, list(CRITERIA)) == choices


def test_the_prompt_shows_a_card_and_nothing_of_its_models(study):
    opened = open_study(study)
    for card in opened.cards.values():
        for order in ("shown", "swapped"):
            text = judge_prompt(card, opened.criteria, order)
            sides = (card.left, card.right) if order == "shown" else (card.right, card.left)
            assert (between(text, "left"), between(text, "right")) == sides
            assert between(text, "patient") == card.question
            assert not any(model in text for model in (*MODELS, card.id))
            assert all(item.definition in text for item in opened.criteria)


# Asking


def test_every_card_is_asked_in_both_orders_once_and_kept_apart(study):
    model = Scripted(longer)
    before = {path: path.read_bytes() for path in (study / "ratings").iterdir()}
    first = judge_cards(study, model, progress=False)
    opened = open_study(study)
    cards = opened.cards
    prompts = {
        judge_prompt(card, opened.criteria, order)
        for card in cards.values()
        for order in ("shown", "swapped")
    }  # a check has but one, and a repeat has those of its original
    assert sorted(model.prompts) == sorted(prompts)
    again = judge_cards(study, model, progress=False)
    assert model.asked == len(prompts)
    pd.testing.assert_frame_equal(first, again)
    assert {path: path.read_bytes() for path in (study / "ratings").iterdir()} == before
    stored = [path for path in (study / "judge").rglob("*.jsonl")]
    assert len(stored) == 1 and stored[0].parent.name == "scripted"
    assert set(first["role"]) == {"judge"} and set(first["rater"]) == {"scripted"}
    assert len(first) == 4 * len(cards)


def test_neither_the_key_nor_a_rating_is_needed(study):
    import shutil

    (study / "key.json").unlink()
    shutil.rmtree(study / "ratings")
    found = judge_cards(study, Scripted(longer), progress=False)
    assert set(found["path"]) == {"same"}


def test_a_verdict_that_turns_with_the_order_is_not_a_tie(study):
    found = judge_cards(study, Scripted(lambda *_: all_criteria("left")), progress=False)
    assert set(found["path"]) == {"changed"}
    assert found["choice"].isna().all()
    assert set(found["shown"]) == {"left"} and set(found["swapped"]) == {"right"}


def test_what_is_not_stated_or_not_whole_is_an_abstention(study):
    half = "faithfulness: tie\nrobustness: hard to say"
    found = judge_cards(study, Scripted(lambda *_: half), progress=False)
    assert set(found["path"][found["criterion"] == "faithfulness"]) == {"same"}
    assert set(found["path"][found["criterion"] != "faithfulness"]) == {"abstained"}
    cut = Scripted(lambda *_: Reply("truncated", all_criteria("tie")), "cut")
    assert set(judge_cards(study, cut, progress=False)["path"]) == {"abstained"}


def test_errors_stop_it_and_only_they_are_asked_again(study):
    broken = []

    def sometimes(left, right):
        broken.append(1)
        return Reply("error", "", "time-out") if len(broken) % 5 == 0 else longer(left, right)

    model = Scripted(sometimes)
    with pytest.raises(ModelError, match="answers are errors, the first 'time-out'"):
        judge_cards(study, model, progress=False)
    asked, model.answer = model.asked, longer
    assert set(judge_cards(study, model, progress=False)["path"]) == {"same"}
    assert model.asked - asked == asked // 5


@pytest.mark.parametrize("name", ["majority", "supervised"])
def test_a_baseline_cannot_judge(study, name):
    with pytest.raises(ModelError, match="is a baseline and cannot judge"):
        judge_cards(study, name)
    assert not (study / "judge").exists()


def test_the_longer_reply_is_a_judge_that_a_prompt_would_give_too(study):
    known = judge_cards(study, LongerReply(), progress=False)
    asked = judge_cards(study, Scripted(longer), progress=False)
    columns = ["card", "criterion", "shown", "swapped", "choice", "path"]
    pd.testing.assert_frame_equal(known[columns], asked[columns])
    assert set(known["choice"]) == {"left", "tie", "right"}


# Agreement


def judged_as(final, votes, change=None):
    """Verdicts of a judge that repeats the final ones, or a change of them."""
    place = votes[votes["kind"] == "pair"].drop_duplicates(["card", "criterion"])
    unit = ["item", "model_a", "model_b", "criterion"]
    both = place[["card", "a_side", *unit]].merge(final, on=unit)
    other = both["a_side"].map(SWAPPED)
    both["choice"] = np.select(
        [both["outcome"] == "a", both["outcome"] == "b"], [both["a_side"], other], "tie"
    )
    if change:
        both["choice"] = both["choice"].map(change)
    rows = both[["card", "criterion", "choice"]].assign(rater="scripted", role="judge")
    rows["shown"] = rows["swapped"] = rows["choice"]
    return rows.assign(path="same").reset_index(drop=True)


def said_by(votes, rater):
    """A judge that repeats one rater, in the form of `judge_cards`."""
    own = votes[(votes["rater"] == rater) & (votes["kind"] == "pair")]
    rows = own[["card", "criterion", "choice"]].sort_values(["card", "criterion"])
    rows = rows.assign(rater="scripted", role="judge", path="same")
    return rows.assign(shown=rows["choice"], swapped=rows["choice"]).reset_index(drop=True)


def test_a_judge_is_held_to_the_terms_of_a_rater(study):
    votes, final = human(study)
    found = judge_agreement(said_by(votes, "simulated-1"), votes, final, study, **FEW)
    assert [row.criterion for row in found] == list(CRITERIA)
    among = {row.criterion: row.alphas["ordinal"].value for row in agreement(votes, **FEW)}
    for row in found:
        assert row.cards == 36 and row.paths == {"same": 36, "changed": 0, "abstained": 0}
        assert row.with_raters["simulated-1"].value == 1
        # it is that rater: with the other it agrees as that rater does, no better
        (raters,) = row.among_raters.values()
        assert row.with_raters["simulated-2"] == raters
        assert raters.value == pytest.approx(among[row.criterion]) and raters.value < 1
        assert row.same == row.same_of_all and not row.compared


def test_the_raters_are_compared_on_the_cards_that_the_judge_decided(study):
    votes, final = human(study)
    judged = said_by(votes, "simulated-1")
    other = said_by(votes, "simulated-2")
    judged.loc[(judged["choice"] != other["choice"]).to_numpy(), ["choice", "path"]] = [
        None,
        "changed",
    ]  # it decides the cards on which the raters agree: easy ones
    for row in judge_agreement(judged, votes, final, study, **FEW):
        (raters,) = row.among_raters.values()
        assert raters.value == 1 and raters.n == row.paths["same"] < 36
        assert row.with_raters["simulated-2"].value == 1
        assert row.same_of_all.value == pytest.approx(
            row.same.value * row.same.n / row.same_of_all.n
        )
        assert row.same_of_all.n == 36


def test_a_judge_that_says_the_final_verdicts(study):
    votes, final = human(study)
    for row in judge_agreement(judged_as(final, votes), votes, final, study, **FEW):
        assert row.same.value == row.same_of_all.value == 1
        assert all(found.value < 1 for found in row.with_raters.values())


def test_a_judge_that_says_the_opposite_disagrees(study):
    votes, final = human(study)
    for row in judge_agreement(judged_as(final, votes, SWAPPED), votes, final, study, **FEW):
        cell = final[final["criterion"] == row.criterion]
        assert row.same.value == pytest.approx((cell["outcome"] == "tie").mean())
        (raters,) = row.among_raters.values()
        assert all(found.value < raters.value for found in row.with_raters.values())


def test_a_judge_among_the_models_compared_is_named_as_one(study):
    votes, final = human(study)
    own = said_by(votes, "simulated-1").assign(rater="physician")
    rows = judge_agreement(own, votes, final, study, **FEW)
    caption = report.judge_table(rows, "physician").caption
    assert "physician is itself one of the models compared" in caption
    rows = judge_agreement(said_by(votes, "simulated-1"), votes, final, study, **FEW)
    assert "itself" not in report.judge_table(rows, "scripted").caption


def test_cards_that_a_rater_has_not_judged_are_left_out(study):
    votes, final = human(study)
    judged = said_by(votes, "simulated-1")
    card = judged["card"].iloc[0]
    fewer = votes[(votes["card"] != card) | (votes["rater"] != "simulated-2")]
    assert {row.cards for row in judge_agreement(judged, fewer, final, study, **FEW)} == {35}
    none = votes[votes["role"] == "senior"]
    with pytest.raises(BenchHealthError, match="no cards that the judge and all raters"):
        judge_agreement(judged, none, final, study, **FEW)


def test_undecided_verdicts_are_counted_and_in_no_figure(study):
    votes, final = human(study)
    judged = judged_as(final, votes)
    first = judged.groupby("criterion").head(10).index
    second = judged.groupby("criterion").head(16).index.difference(first)
    third = judged.groupby("criterion").head(20).index.difference(first.union(second))
    judged.loc[first, ["shown", "swapped", "path"]] = ["left", "right", "changed"]
    judged.loc[second, ["shown", "swapped", "path"]] = ["right", "left", "changed"]
    judged.loc[third, ["shown", "swapped", "path"]] = [None, "left", "abstained"]
    judged.loc[first.union(second).union(third), "choice"] = None
    for row in judge_agreement(judged, votes, final, study, **FEW):
        assert row.paths == {"same": 16, "changed": 16, "abstained": 4}
        assert (row.first, row.second) == (10, 6)
        assert row.same.n == 16 and row.same.value == 1
        assert {found.n for found in row.with_raters.values()} == {16}
        assert {found.n for found in row.among_raters.values()} == {16}
        assert row.same_of_all.n == 36 and row.same_of_all.value == pytest.approx(16 / 36)


def test_a_judge_that_never_decides_has_no_agreement(study):
    votes, final = human(study)
    judged = judge_cards(study, Scripted(lambda *_: all_criteria("right")), progress=False)
    rows = judge_agreement(judged, votes, final, study, **FEW)
    for row in rows:
        assert row.same.value is None and row.same_of_all.value == 0
        assert all(x.value is None for x in (*row.with_raters.values(), *row.among_raters.values()))
        assert row.first == 0 and row.second == row.paths["changed"] == 36
    shown = report.judge_table(rows, "scripted")
    assert shown.caption.startswith("Simulated raters, not people. The judge scripted")
    for rater in ("simulated-1", "simulated-2"):
        assert set(shown.data[f"Alpha with {rater}"]) == {"no verdict is the same in both orders"}
    assert list(shown.data["To the first, to the second"]) == ["0, 36"] * 4


def test_open_verdicts_of_people_are_in_the_alphas_and_in_no_share(study):
    votes, final = human(study)
    judged = judged_as(final, votes)
    open_ = final.groupby("criterion").head(5).index
    final.loc[open_, "outcome"] = None
    for row in judge_agreement(judged, votes, final, study, **FEW):
        assert row.cards == 36 and row.same.n == row.same_of_all.n == 31
        assert {found.n for found in row.with_raters.values()} == {36}
    for row in judge_agreement(judged, votes, final.assign(outcome=None), study, **FEW):
        assert row.same.note == row.same_of_all.note == "none is settled"


# Never mixed


def test_the_analysis_of_people_never_sees_a_judge(study):
    before = analyse_study(study, **FEW)
    judge_cards(study, Scripted(longer), progress=False)
    assert analyse_study(study, **FEW) == before
    assert "judge" not in set(load_votes(study)["role"])


def test_votes_of_a_judge_among_those_of_people_are_refused(study):
    votes, final = human(study)
    mixed = pd.concat([votes, votes[:4].assign(rater="scripted", role="judge")])
    for look in (lambda: analyse(mixed, final), lambda: agreement(mixed)):
        with pytest.raises(BenchHealthError, match="those of scripted, a language model"):
            look()
    with pytest.raises(BenchHealthError, match="a language model"):
        judge_agreement(judged_as(final, votes), mixed, final, study)


def test_answers_are_stored_as_any_models_are(study):
    judge_cards(study, Scripted(longer), progress=False)
    (path,) = (study / "judge").rglob("*.jsonl")
    rows = [json.loads(line) for line in path.read_text().splitlines()]
    assert {row["status"] for row in rows} == {"ok"}
    assert not any(model in path.read_text() for model in MODELS)


# The command


def run(capsys, monkeypatch, model, *arguments):
    monkeypatch.setattr("benchhealth_utils.human_eval.judge.open_model", lambda *_, **__: model)
    status = main(["judge", *map(str, arguments), "--model", "scripted"])
    out, err = capsys.readouterr()
    return status, out, err


def test_the_judge_command_asks_without_the_key(study, capsys, monkeypatch):
    (study / "key.json").unlink()
    status, out, _ = run(capsys, monkeypatch, Scripted(longer), study)
    cards = len(open_study(study).cards)
    assert status == 0
    said = f"{4 * cards} same, 0 changed, 0 abstained"
    assert out == f"scripted: of {4 * cards} verdicts on {cards} cards, {said}.\n"
    status, _, err = run(capsys, monkeypatch, Scripted(longer), study, "--to", study.parent / "to")
    assert status == 1 and "There is no key" in err


def test_the_judge_command_writes_its_agreement_with_people(study, tmp_path, capsys, monkeypatch):
    to = tmp_path / "to"
    judge = Scripted(longer, "hf:some/judge")
    status, out, _ = run(capsys, monkeypatch, judge, study, "--to", to)
    names = {f"judge-hf-some-judge.{ending}" for ending in ("html", "json", "csv")}
    assert status == 0 and {path.name for path in to.iterdir()} == names
    assert all(str(to / name) in out for name in names)
    votes, final = human(study)
    rows = judge_agreement(judge_cards(study, judge, progress=False), votes, final, study)
    written = json.loads((to / "judge-hf-some-judge.json").read_text())
    assert written["judge"] == "hf:some/judge"
    assert written["agreement"][0]["same_of_all"]["value"] == rows[0].same_of_all.value
    assert all(row["simulated"] for row in written["agreement"])
    html = (to / "judge-hf-some-judge.html").read_text()
    assert html.count("Simulated raters, not people.") == 2 and 'id="T_study-judge"' in html
    before = judge.asked
    status, _, err = run(capsys, monkeypatch, judge, study, "--to", ROOT / "data" / "results" / "j")
    assert status == 1 and "these raters are simulated" in err and judge.asked == before
