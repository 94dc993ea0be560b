"""What is spent where a run opens a model behind an API by its name, and what results say of it."""

import pandas as pd
import pytest
from fault_server import FaultServer, point_at

from benchhealth_utils import open_model
from benchhealth_utils.backends.faults import Stopped
from benchhealth_utils.evaluation import evaluate
from benchhealth_utils.human_eval.__main__ import main as study_command
from benchhealth_utils.human_eval.dialogues import Dialogue
from benchhealth_utils.human_eval.judge import judge
from benchhealth_utils.human_eval.replies import ask, collect
from benchhealth_utils.report import published
from benchhealth_utils.report.recording import result

TALKS = [Dialogue(f"d-{at}", f"Question about item {at}?", f"Reply {at}.") for at in range(6)]


@pytest.fixture
def costly(monkeypatch):
    """A server whose replies may cost 5.12 dollars each, at 512 tokens; they take 0.10."""
    monkeypatch.setenv("BENCHHEALTH_PRICE", "0/10000")
    with FaultServer() as server:
        point_at(monkeypatch, "openai", server)
        yield server


NO_ROOM = "the budget of 5 dollars has no room"


def test_replies_to_patients_have_a_budget_of_five_dollars_or_one_that_is_given(costly, tmp_path):
    options = {"store": tmp_path, "progress": False}
    with pytest.raises(Stopped, match=NO_ROOM):
        ask("openai:m", TALKS, **options)
    with pytest.raises(Stopped, match=NO_ROOM):
        collect(["openai:m", "physician"], TALKS, **options)
    assert not costly.bodies
    assert len(ask("openai:m", TALKS, budget=6, **options)) == len(costly.bodies) == len(TALKS)


def test_the_models_of_a_study_spend_from_one_budget(costly, tmp_path):
    with pytest.raises(Stopped, match="0.3000 spent by another model"):
        collect(["openai:a", "openai:b"], TALKS[:3], budget=5.5, store=tmp_path, progress=False)
    assert costly.billed == 4


def test_the_command_that_makes_a_study_takes_a_budget(costly, tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("BENCHHEALTH_RUNS", str(tmp_path))
    command = ["create", "trial", "--models", "openai:m", "physician", "--items", "2"]
    command += ["--checks", "0", "--repeats", "0"]
    assert study_command(command) == 1 and NO_ROOM in capsys.readouterr().err
    assert study_command([*command, "--budget", "6"]) == 0 and costly.billed == 2


def test_a_judge_has_a_budget_too(costly, tmp_path):
    cards = pd.DataFrame({"card": ["c-1"], "question": "Q", "left": "one", "right": "two"})
    about = cards, {"robustness": "Which one?"}, "openai:m"
    with pytest.raises(Stopped, match="the budget of 5 dollars has no room"):
        judge(*about, store=tmp_path, progress=False)
    assert not costly.bodies
    found = judge(*about, store=tmp_path, budget=11, progress=False)
    assert list(found["path"]) == ["abstained"]


def test_publishing_has_a_budget(costly, tmp_path, monkeypatch):
    monkeypatch.setenv("BENCHHEALTH_RUNS", str(tmp_path))
    monkeypatch.setenv("BENCHHEALTH_PRICE", "0/1000000")
    with pytest.raises(Stopped, match=NO_ROOM):
        published.main(["openai:m", "gad"])
    with pytest.raises(Stopped, match="the budget of 3 dollars"):
        published.main(["openai:m", "gad", "--budget", "3"])
    assert not costly.bodies


def test_equal_prompts_are_sent_once_and_count_once(monkeypatch, tmp_path):
    """The samples of GAD ask one question twice."""
    monkeypatch.setenv("BENCHHEALTH_PRICE", "10/20")
    with FaultServer() as server:
        point_at(monkeypatch, "openai", server)
        model = open_model("openai:m", budget=1.0)
        run = evaluate(model, "gad", store=tmp_path, progress=False)
    assert server.billed < run.scores.n
    found = result(run)
    assert found["dollars"] == pytest.approx(model.budget.spent)
    assert found["tokens"]["prompt"] == 50 * server.billed  # as the server counts them
    assert found["tokens"]["completion"] == 10 * server.billed
