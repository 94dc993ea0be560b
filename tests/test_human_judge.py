"""A language model as a judge: blinded, in both orders, and apart from people."""

import numpy as np
import pandas as pd
import pytest
from conftest import cases
from scripted import Scripted

from benchhealth_utils.cli import main
from benchhealth_utils.human_eval import analysis
from benchhealth_utils.human_eval.judge import beside, judge, prompt, read_verdicts
from benchhealth_utils.human_eval.sample import CRITERIA, Dialogue
from benchhealth_utils.human_eval.study import create
from benchhealth_utils.models import Reply
from benchhealth_utils.schema import BenchHealthError, ModelError

ASKED = {key: criterion["definition"] for key, criterion in CRITERIA.items()}
CARDS = pd.DataFrame(
    [(f"c-{n}", f"Question {n}?", "More. " * (n % 3), "More. " * (n % 2)) for n in range(6)],
    columns=["card", "question", "left", "right"],
)
FEW = {"replicates": 200}


def between(text, tag):
    return text.split(f"<{tag}>\n")[1].split(f"\n</{tag}>")[0]


def every(choice):
    return "\n".join(f"{key}: {choice}" for key in CRITERIA)


def replies_in(request):
    text = request.messages[0]["content"]
    return [between(text, side) for side in ("left", "right")]


def longer(request):
    left, right = map(len, replies_in(request))
    return every(["right", "tie", "left"][np.sign(left - right) + 1])


def greater(request):
    left, right = replies_in(request)
    return every("tie" if left > right else "left")


def asked(model, folder):
    return judge(CARDS, ASKED, model, store=folder, progress=False)


BOTH = {"faithfulness": "left", "robustness": "tie"}


@pytest.mark.parametrize("text", cases("verdicts")["stated"])
def test_the_forms_in_which_verdicts_are_stated(text):
    assert read_verdicts(text, ["faithfulness", "robustness"]) == BOTH


@pytest.mark.parametrize("text", cases("verdicts")["not_stated"])
def test_what_is_not_stated_is_not_guessed(text):
    assert read_verdicts(text, ["faithfulness"]) == {"faithfulness": None}


def test_every_card_is_asked_in_both_orders_once(tmp_path):
    model = Scripted(longer)
    first = asked(model, tmp_path)
    prompts = {prompt(card, ASKED, x) for card in CARDS.itertuples() for x in ("shown", "swapped")}
    assert sorted(model.prompts) == sorted(prompts) and not any("c-" in text for text in prompts)
    assert all(words in text for words in ASKED.values() for text in prompts)
    pd.testing.assert_frame_equal(first, asked(model, tmp_path))
    assert len(model.prompts) == len(prompts) and set(first["path"]) == {"same"}
    lengths = CARDS.set_index("card")[["left", "right"]].map(len).loc[first["card"]]
    sides = np.sign(lengths["left"] - lengths["right"]).map({1: "left", 0: "tie", -1: "right"})
    assert first["verdict"].to_list() == sides.to_list()


@pytest.mark.parametrize(
    ("answer", "path"),
    [(every("left"), "first"), (every("right"), "second"), (greater, "changed"),
     ("hard to say", "abstained"), (Reply("truncated", every("tie")), "abstained")],
)  # fmt: skip
def test_a_verdict_that_is_not_the_same_in_both_orders_is_none(answer, path, tmp_path):
    found = judge(CARDS[2:3], ASKED, Scripted(answer), store=tmp_path, progress=False)
    assert set(found["path"]) == {path} and found["verdict"].isna().all()


def test_errors_stop_it_and_only_they_are_asked_again(tmp_path):
    model = Scripted(longer)
    model.say = lambda asked: longer(asked) if len(model.prompts) % 5 else Reply("error", "", "no")
    with pytest.raises(ModelError, match="replies are errors, the first 'no'"):
        asked(model, tmp_path)
    before, model.say = len(model.prompts), longer
    assert set(asked(model, tmp_path)["path"]) == {"same"}
    assert len(model.prompts) - before == before // 5
    with pytest.raises(ModelError, match="is a baseline"):
        judge(CARDS, ASKED, "majority", store=tmp_path)


def test_a_judge_is_held_to_the_terms_of_a_rater(simulated):
    votes, marks, cards = simulated
    told, final = analysis.unblind(votes, cards), analysis.settle(votes, marks, cards)
    own = votes[votes["rater"] == "simulated-1"].assign(rater="scripted", role="judge")
    found = beside(own, told, final, **FEW).set_index(["criterion", "raters"])
    alphas = found[found["coefficient"] == "alpha"]["value"]
    for key in CRITERIA:  # it is that rater: with the other it agrees as that rater does
        assert alphas[key, "scripted, simulated-1"] == 1
        assert alphas[key, "scripted, simulated-2"] == alphas[key, "simulated-1, simulated-2"] < 1
    some = cards["card"][cards["kind"] == "pair"][::2]
    half = own.assign(verdict=own["verdict"].where(own["card"].isin(some)))
    shares = beside(half, told, final, **FEW).set_index("criterion")
    one, of_all = (shares[shares["coefficient"] == name] for name in ("final", "final of all"))
    assert (of_all["n"] == 120).all() and (one["n"] == 60).all()
    assert (one["value"] * one["n"]).to_list() == pytest.approx((of_all["value"] * 120).to_list())
    silent = beside(own.assign(verdict=None), told, final, **FEW)
    assert set(silent["coefficient"]) == {"final", "final of all"} and silent["value"].max() == 0
    with pytest.raises(BenchHealthError, match="no pairs that the judge and all raters"):
        beside(own, told[told["role"] == "senior"], final)
    with pytest.raises(BenchHealthError, match="The role .judge. is none"):
        analysis.unblind(pd.concat([votes, own]), cards)


def test_the_judge_command_asks_without_the_key_and_compares_with_it(tmp_path, capsys, monkeypatch):
    replies = {
        name: {f"d-{at}": f"{name} {'more ' * at}." for at in range(4)} for name in ("one", "two")
    }
    dialogues = [Dialogue(f"d-{at}", f"Question {at}?", "") for at in range(4)]
    made = create(tmp_path / "study", dialogues, replies, raters=["ann", "ben"], senior=None)
    for rater in made.raters:
        events = [(card, key, "tie") for card in made.order(rater) for key in CRITERIA]
        made.rate(rater, events)
    model = Scripted(longer)
    monkeypatch.setattr("benchhealth_utils.human_eval.judge.open_model", lambda *_, **__: model)
    command = ["human-eval", "judge", str(made.path), "--model", "hf:some/judge"]
    assert main(command) == 0
    number = len(made.cards()) * len(CRITERIA)
    said = f"scripted: of {number} verdicts on {len(made.cards())} cards, {number} same.\n"
    assert capsys.readouterr().out == said
    before = len(model.prompts)
    assert main([*command, "--to", str(tmp_path / "to")]) == 1  # not closed
    assert "Close it first" in capsys.readouterr().err and len(model.prompts) == before
    made.close()
    assert main([*command, "--to", str(tmp_path / "to")]) == 0
    names = {"judge-scripted.csv", "judge-scripted.json", "judge-scripted-beside-raters.csv"}
    assert {path.name for path in (tmp_path / "to").iterdir()} == names
    beside_raters = pd.read_csv(tmp_path / "to" / "judge-scripted-beside-raters.csv")
    assert set(beside_raters["coefficient"]) == {"alpha", "final", "final of all"}


def test_cards_go_to_no_remote_judge_unless_its_endpoint_keeps_nothing(tmp_path, monkeypatch):
    model = Scripted("tie", remote=True, endpoint="https://judge.example/v1")
    with pytest.raises(BenchHealthError, match="cards is credentialed"):
        judge(CARDS[:1], ASKED, model, store=tmp_path, progress=False)
    assert not any(tmp_path.rglob("*.jsonl"))
    monkeypatch.setenv("BENCHHEALTH_ZERO_RETENTION_ENDPOINTS", "https://judge.example/v1")
    assert len(judge(CARDS[:1], ASKED, model, store=tmp_path, progress=False))
