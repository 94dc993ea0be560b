"""A language model as a judge: blinded, in both orders, and apart from people."""

import json

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchhealth_utils import report
from benchhealth_utils.backends import Reply
from benchhealth_utils.human_eval import create_study, open_study, simulation
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
from benchhealth_utils.schema import BenchHealthError, ModelError

MODELS = ("physician", "first-half", "other-patient")
FEW = {"replicates": 200}


class Scripted:
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
        folder, dialogues, replies, raters=raters, senior="simulated-senior", seed=2
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


def test_a_judge_that_says_what_people_say_agrees_with_them(study):
    votes, final = human(study)
    found = judge_agreement(judged_as(final, votes), votes, final, study, **FEW)
    assert [row.criterion for row in found] == list(CRITERIA)
    among = {row.criterion: row.alphas["ordinal"] for row in agreement(votes, **FEW)}
    for row in found:
        assert row.cards == 36 and row.paths == {"same": 36, "changed": 0, "abstained": 0}
        assert row.same.value == row.kappa.value == row.alpha.value == 1
        assert row.people == among[row.criterion]


def test_a_judge_that_says_the_opposite_disagrees(study):
    votes, final = human(study)
    for row in judge_agreement(judged_as(final, votes, SWAPPED), votes, final, study, **FEW):
        cell = final[final["criterion"] == row.criterion]
        assert row.same.value == pytest.approx((cell["outcome"] == "tie").mean())
        # left for right throughout: as far apart as the ranks allow, whatever is drawn
        assert row.alpha.value == pytest.approx(-1 + 1 / 36)
        assert row.alpha.interval is None and "alike" in row.alpha.note
        assert row.kappa.value < row.people.value


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
        assert row.same.n == row.kappa.n == row.alpha.n == 16 and row.same.value == 1


def test_a_judge_that_never_decides_has_no_agreement(study):
    votes, final = human(study)
    judged = judge_cards(study, Scripted(lambda *_: all_criteria("right")), progress=False)
    rows = judge_agreement(judged, votes, final, study, **FEW)
    for row in rows:
        assert row.same.value is row.kappa.value is row.alpha.value is None
        assert row.first == 0 and row.second == row.paths["changed"] == 36
    analysis = analyse(votes, final, **FEW)
    shown = report.judge_table(rows, "scripted", analysis)
    assert shown.caption.startswith("Simulated raters, not people. The judge scripted")
    assert list(shown.data["Kappa"]) == ["no verdict is the same in both orders"] * 4
    assert list(shown.data["To the first, to the second"]) == ["0, 36"] * 4


def test_a_judge_that_always_says_tie_has_no_kappa(study):
    votes, final = human(study)
    judged = judge_cards(study, Scripted(lambda *_: all_criteria("tie")), progress=False)
    for row in judge_agreement(judged, votes, final, study, **FEW):
        assert row.kappa.value is None and "the judge always chose tie" in row.kappa.note


def test_open_verdicts_of_people_are_left_out(study):
    votes, final = human(study)
    judged = judged_as(final, votes)
    open_ = final.groupby("criterion").head(5).index
    final.loc[open_, "outcome"] = None
    assert {row.cards for row in judge_agreement(judged, votes, final, study, **FEW)} == {31}


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
