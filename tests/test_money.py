"""What models behind an API may cost: prices, budgets, and what is booked."""

import pytest
from fault_server import FAULTS, FaultServer, ask, items, opened

from benchhealth_utils import load, open_model
from benchhealth_utils.answers import make_requests
from benchhealth_utils.backends.budget import Budget, Price
from benchhealth_utils.backends.faults import Stopped
from benchhealth_utils.evaluation import evaluate, evaluate_all
from benchhealth_utils.report.recording import record_all, result
from benchhealth_utils.schema import ModelError

EACH = (50 * 10 + 10 * 20) / 1e6  # what the server counts, at the price below


@pytest.fixture(params=("openai", "anthropic"))
def connect(request, monkeypatch):
    monkeypatch.setenv("BENCHHEALTH_PRICE", "10/20")
    return lambda server, **options: opened(monkeypatch, request.param, server, **options)


def until_stopped(model, count):
    got = {}
    with pytest.raises(Stopped, match="the budget of .* dollars has no room"):
        for part in model.replies(items(count), range(count)):
            got |= part
    return got


def test_the_budget_is_used_and_never_exceeded(connect):
    """A request is only sent if the most it can cost still fits."""
    with FaultServer(delay=0.01) as server:
        model = connect(server, budget=0.02)
        got = until_stopped(model, 200)
        billed = sum(server.answered.values()) * EACH
    most = model.budget.most(len("Question about item 00.") + 16, 20)
    assert model.budget.spent == pytest.approx(billed) and not model.budget.waiting
    assert 0.02 - most - EACH < billed <= 0.02
    assert len(got) == server.billed
    assert all(reply.usage["dollars"] == pytest.approx(EACH) for reply in got.values())


def test_on_a_bad_day_what_was_billed_without_an_answer_is_booked_too(connect):
    with FaultServer({name: 0.5 / len(FAULTS) for name in FAULTS}, seed=4, hang=0.3) as server:
        model = connect(server, budget=0.06, timeout=0.2)
        got = until_stopped(model, 200)
        billed = server.billed * EACH
    assert billed <= model.budget.spent + 1e-9 <= 0.06 + 2e-9
    assert sum(reply.usage["dollars"] for reply in got.values()) <= model.budget.spent + 1e-9
    assert any(reply.usage["dollars"] > EACH for reply in got.values())


def test_without_faults_the_answers_carry_all_of_the_cost(connect):
    with FaultServer({"duplicated reply": 1.0}, until=1) as server:
        model = connect(server)
        replies = ask(model, items(10))
    assert server.billed == 12
    assert model.budget.spent == pytest.approx(12 * EACH)
    assert sum(r.usage["dollars"] for r in replies.values()) == pytest.approx(12 * EACH)


def test_a_request_is_booked_at_what_it_cost_or_else_at_the_most_it_could_have():
    budget = Budget(0.001, Price(10, 20))
    most = budget.most(38, 20)
    assert most == pytest.approx((38 * 10 + 20 * 20) / 1e6)
    assert budget.reserve(most) and not budget.reserve(most)
    assert budget.settle(most, {}) == budget.spent == pytest.approx(most)
    budget.spent = 0.0
    assert budget.reserve(most) and budget.settle(most, None) == budget.spent == 0
    assert budget.reserve(most)
    counts = {"prompt_tokens": 5, "completion_tokens": 2}
    assert budget.settle(most, counts) == pytest.approx(9e-5) and not budget.waiting


def test_the_most_a_request_can_cost_counts_every_label_and_the_template(monkeypatch):
    with FaultServer() as server:
        model = opened(monkeypatch, "openai", server, name="served#baize")
        request = make_requests(load("pubmedqa")[:1], shots=0, seed=0, mode="likelihood")[0][0]
        replies = ask(model, [request])
        sent = sum(len(body["prompt"].encode()) for body in server.bodies)
        prompt, completion = model.protocol.most(request)
    assert len(server.bodies) == 3 == completion
    assert sent < prompt <= sent + 3 * 16
    assert replies[0].usage["completion_tokens"] == 3


@pytest.mark.parametrize("fault", ["no usage", "odd counts"])
def test_labels_that_the_server_has_not_counted_are_booked_at_the_most(fault, monkeypatch):
    monkeypatch.setenv("BENCHHEALTH_PRICE", "10/20")
    requests, _ = make_requests(load("pubmedqa")[:2], shots=0, seed=0, mode="likelihood")
    with FaultServer({fault: 1.0}, until=4) as server:  # all of the first, one of the second
        model = opened(monkeypatch, "openai", server, name="served#alpaca")
        replies = [ask(model, [request])[0] for request in requests]
    most = [model.budget.most(*model.protocol.most(request)) for request in requests]
    assert {reply.status for reply in replies} == {"ok"} and len(server.bodies) == 6
    assert [reply.usage["dollars"] for reply in replies] == pytest.approx(most, abs=1e-8)
    assert model.budget.spent == pytest.approx(sum(most))


def test_labels_asked_before_a_fault_are_booked(monkeypatch):
    monkeypatch.setenv("BENCHHEALTH_PRICE", "10/20")
    requests, _ = make_requests(load("pubmedqa")[:1], shots=0, seed=0, mode="likelihood")
    with FaultServer(until=1) as server:
        model = opened(monkeypatch, "openai", server, name="served#alpaca")
        server.answer = lambda number: server.shares.update({"429": 1.0}) or "x"
        (reply,) = ask(model, requests).values()
    assert len(server.bodies) == 5 and reply.usage["attempts"] == 2
    assert model.budget.spent == pytest.approx(4 * (50 * 10 + 20) / 1e6)


@pytest.mark.parametrize("fault", ["odd counts", "no usage"])
def test_counts_that_are_none_are_not_believed(connect, fault):
    with FaultServer({fault: 1.0}) as server:
        model = connect(server, budget=1.0)
        replies = ask(model, items(6))
    assert {reply.status for reply in replies.values()} == {"ok"}
    assert not any("prompt_tokens" in reply.usage for reply in replies.values())
    most = model.budget.most(*model.protocol.most(items(1)[0]))
    assert model.budget.spent == pytest.approx(6 * most)


def test_a_budget_needs_a_price(monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "x")
    monkeypatch.setenv("OPENAI_BASE_URL", "https://example.org/v1")
    with pytest.raises(ModelError, match="needs a price"):
        open_model("openai:model", budget=1.0)


@pytest.mark.parametrize("price", ["cheap", "1", "1/2/3", "-1/2", "nan/1", "inf/1"])
def test_a_price_that_is_none_is_refused(price, monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "x")
    monkeypatch.setenv("BENCHHEALTH_PRICE", price)
    with pytest.raises(ModelError, match="expected dollars for a million tokens"):
        open_model("openai:model", budget=1.0)


@pytest.mark.parametrize("limit", [-1.0, float("nan"), float("inf")])
def test_a_budget_that_is_none_is_refused(limit):
    with pytest.raises(ModelError, match="expected dollars, 0 or more"):
        Budget(limit, Price(1, 1))


def test_a_server_on_this_machine_costs_nothing_unless_it_is_said(monkeypatch):
    with FaultServer() as server:
        model = opened(monkeypatch, "openai", server, budget=0.0)
        assert ask(model, items(3))[2].usage["dollars"] == 0


def test_two_models_spend_from_one_budget():
    """As a chapter opens its model and the one it is compared with."""
    first = Budget(1.0, Price(1, 1))
    second = Budget(1.0, Price(5, 5), beside=first)
    assert first.reserve(0.4) and second.reserve(0.4)
    assert not second.reserve(0.4) and not first.reserve(0.4)
    first.settle(0.4, None)  # not billed
    assert second.reserve(0.4)
    assert not Budget(1.0, Price(0, 0), beside=second).reserve(0.4)


def test_the_model_opened_beside_another_has_what_is_left(connect):
    with FaultServer() as server:
        model = connect(server, budget=1.0)
        form = model.name.partition(":")[0]
        rival = open_model(f"{form}:rival", budget=1.0, beside=model)
        model.budget.spent = 0.9999
        with pytest.raises(Stopped, match="0.9999 spent by another model"):
            list(rival.replies(items(3), range(3)))
        assert open_model("majority", budget=1.0, beside=rival).name == "majority"


def test_results_carry_the_dollars_of_a_data_set(connect, tmp_path, capsys):
    with FaultServer() as server:
        model = connect(server, budget=1.0)
        (run,) = evaluate_all(model, ["gad"], limit=5, store=tmp_path, progress=False)
    said = capsys.readouterr().out
    assert "The plan for" in said and "Budget: 1 dollars." in said and "GAD" in said
    assert result(run)["dollars"] == pytest.approx(5 * EACH, abs=1e-6)
    record_all([run])
    assert f"({5 * EACH:.4f} dollars)" in capsys.readouterr().out
    assert "dollars" not in result(evaluate("majority", "gad", store=tmp_path))
