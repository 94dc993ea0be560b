"""What models behind an API may cost: prices, budgets, what is booked, and the plan before it."""

import pandas as pd
import publish
import pytest
from conftest import cases
from fault_server import FAULTS, WRITTEN, FaultServer, ask, items, opened, point_at, text_of
from tiny import embedded_tokenizer, llama, save

from benchhealth_utils import evaluate, load, open_model
from benchhealth_utils.answers import answer
from benchhealth_utils.cli import main
from benchhealth_utils.evaluation import frame
from benchhealth_utils.human_eval import sample
from benchhealth_utils.human_eval.judge import judge
from benchhealth_utils.human_eval.sample import Dialogue
from benchhealth_utils.models import money
from benchhealth_utils.models.money import Budget, Price, known_price, most_tokens
from benchhealth_utils.models.remote import Stopped
from benchhealth_utils.plan import plan
from benchhealth_utils.schema import BenchHealthError, ModelError

NO_TOKENIZER = "anthropic:somebodys-model"
NO_ROOM = "the budget of .* dollars has no room"


@pytest.fixture(params=("openai", "anthropic"))
def connect(request, monkeypatch):
    monkeypatch.setenv("BENCHHEALTH_PRICE", "10/20")
    return lambda server, **options: opened(monkeypatch, request.param, server, **options)


def until_stopped(model, count):
    got = {}
    with pytest.raises(Stopped, match=NO_ROOM):
        for part in model.replies(items(count), range(count)):
            got |= part
    return got


def test_the_budget_is_used_and_never_exceeded(connect):
    """A request is only sent if the most it can cost still fits."""
    with FaultServer(delay=0.01) as server:
        model = connect(server, budget=0.02)
        got = until_stopped(model, 200)
        billed = server.dollars(10, 20)
    most = model.price.of(len("Question about item 00.") + 16, 20)
    assert model.budget.spent == pytest.approx(billed) and model.budget.held == 0
    assert 0.02 - 2 * most < billed <= 0.02 and len(got) == server.billed
    each = sum(reply.usage["dollars"] for reply in got.values())
    assert each == pytest.approx(billed, abs=1e-6)


def test_on_a_bad_day_what_was_billed_without_an_answer_is_booked_too(connect):
    shares = {name: 0.5 / len(FAULTS) for name in FAULTS}
    with FaultServer(shares, seed=4, hang=0.3) as server:
        model = connect(server, budget=0.04, timeout=0.2)
        got = until_stopped(model, 200)
    assert server.dollars(10, 20) <= model.budget.spent + 1e-9 <= 0.04 + 2e-9
    assert sum(reply.usage["dollars"] for reply in got.values()) <= model.budget.spent + 1e-6
    assert any(reply.usage.get("attempts", 1) > 1 for reply in got.values())


@pytest.mark.parametrize("fault", ["odd counts", "no usage"])
def test_counts_that_are_none_are_booked_at_the_most(connect, fault):
    with FaultServer({fault: 1.0}) as server:
        model = connect(server, budget=1.0)
        replies = ask(model, items(6))
    assert {reply.status for reply in replies.values()} == {"ok"}
    assert not any("prompt_tokens" in reply.usage for reply in replies.values())
    assert model.budget.spent == pytest.approx(6 * model.price.of(*most_tokens(items(1)[0])))


def test_a_template_counts_toward_the_most_a_request_can_cost(monkeypatch):
    with FaultServer() as server:
        model = opened(monkeypatch, "openai", server, name="served#baize")
        ask(model, items(1))
        sent = len(text_of(server.bodies[0]).encode())
    assert sent < most_tokens(items(1)[0], model.template)[0] <= sent + 16


def test_models_spend_from_one_budget(connect):
    with FaultServer() as server:
        model = connect(server, budget=1.0)
        rival = open_model(f"{model.name}-2", budget=model.budget)
        model.budget.spent = 0.9999
        with pytest.raises(Stopped, match="0.9999 spent"):
            ask(rival, items(3))
        assert not server.bodies


def test_without_a_budget_a_process_has_five_dollars_or_what_is_stated(connect, monkeypatch):
    monkeypatch.setenv("BENCHHEALTH_PRICE", "0/10000")  # 0.20 at most, 0.10 in the end
    monkeypatch.setattr(money.SHARED, "spent", 0.0)
    with FaultServer() as server:
        one, other = connect(server), connect(server, name="other")
        ask(one, items(40))
        with pytest.raises(Stopped, match="the budget of 5 dollars"):
            ask(other, items(20))
        assert len(server.bodies) == 49
        monkeypatch.setenv("BENCHHEALTH_BUDGET", "5.3")
        with pytest.raises(Stopped, match="the budget of 5.3 dollars"):
            ask(connect(server), items(20))
        monkeypatch.setenv("BENCHHEALTH_BUDGET", "much")
        with pytest.raises(ModelError, match="BENCHHEALTH_BUDGET is 'much'"):
            connect(server)


@pytest.mark.parametrize("limit", [-1.0, float("nan"), float("inf"), "5"])
def test_a_budget_that_is_none_is_refused(limit):
    with pytest.raises(ModelError, match="expected dollars, 0 or more"):
        Budget(limit)


def test_a_budget_needs_a_price_that_is_one(monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "x")
    monkeypatch.setenv("OPENAI_BASE_URL", "https://example.org/v1")
    with pytest.raises(ModelError, match="needs a price"):
        open_model("openai:model", budget=1.0)
    with pytest.raises(ModelError, match="needs a price"):
        ask(open_model("openai:model"), items(1))
    for price in ("cheap", "1", "1/2/3", "-1/2", "nan/1", "inf/1"):
        monkeypatch.setenv("BENCHHEALTH_PRICE", price)
        with pytest.raises(ModelError, match="expected dollars for a million tokens"):
            open_model("openai:model", budget=1.0)


@pytest.mark.parametrize(
    ("name", "price", "where"),
    [("openai:gpt-3.5-turbo", Price(0.5, 1.5), "the vendor's list of 2026-04"),
     ("openai:gpt-3.5-turbo-0613", Price(1.5, 2), "the vendor's list of 2024-06"),
     ("gpt-4", Price(30, 60), "the vendor's list of 2026-04"),
     ("anthropic:claude-2.1", Price(8, 24), "the vendor's list of 2023-11"),
     ("hf:owner/name", None, "none, since the model runs on this machine")],
)  # fmt: skip
def test_a_dated_model_has_the_price_of_its_date(name, price, where, monkeypatch):
    assert known_price(name) == (price, where)
    assert "not known" in known_price("openai:newer")[1]
    monkeypatch.setenv("BENCHHEALTH_PRICE", "3/4")
    stated = (Price(3, 4), "from BENCHHEALTH_PRICE")
    assert known_price(name) == ((price, where) if price is None else stated)


def test_runs_carry_the_dollars_and_equal_prompts_count_once(connect, tmp_path, capsys):
    """The samples of GAD ask one question twice."""
    with FaultServer() as server:
        model = connect(server, budget=1.0)
        (run,) = evaluate(model, ["gad"], store=tmp_path, progress=False)
        assert server.billed < run.scores.n
    row = frame([run]).iloc[0]
    assert row["dollars"] == pytest.approx(server.dollars(10, 20), abs=1e-6)
    assert row["dollars"] == pytest.approx(model.budget.spent)
    said = capsys.readouterr().out
    assert "The plan for" in said and "Budget: 1 dollars." in said and "127.0.0.1" not in said


def test_what_opens_a_model_by_its_name_has_a_budget_of_five_dollars(monkeypatch, tmp_path):
    """Replies that may cost 5.12 dollars each, at 512 tokens, and take 0.10."""
    monkeypatch.setenv("BENCHHEALTH_PRICE", "0/10000")
    monkeypatch.setattr(publish, "provenance", lambda *_: {"source": "official"})
    talks = [Dialogue(f"d-{at}", f"Question about item {at}?", f"Reply {at}.") for at in range(3)]
    cards = pd.DataFrame({"card": ["c-1"], "question": "Q", "left": "one", "right": "two"})
    given = {"store": tmp_path, "progress": False}
    with FaultServer() as server:
        point_at(monkeypatch, "openai", server)
        for costly in (
            lambda: sample.collect(["openai:m"], talks, **given),
            lambda: judge(cards, {"robustness": "Which one?"}, "openai:m", **given),
            lambda: publish.publish("openai:m", ["chatdoctor"]),
        ):
            with pytest.raises(Stopped, match="the budget of 5 dollars has no room"):
                costly()
        assert not server.bodies
        with pytest.raises(Stopped, match="0.3000 spent"):  # all models of a study together
            sample.collect(["openai:a", "openai:b"], talks, budget=5.4, **given)
        assert server.billed == 3


# ------------------------------------------------------------------ the plan


@pytest.mark.parametrize("name", ["openai:served", "openai:served#baize", "anthropic:served"])
@pytest.mark.parametrize("options", [{}, {"shots": 2, "exemplar_seed": 7}, {"mode": "likelihood"}])
def test_the_plan_is_of_the_requests_that_are_sent(name, options, monkeypatch, tmp_path):
    keys, form = ["pubmedqa", "gad", "chatdoctor"], name.partition(":")[0]
    monkeypatch.setenv("BENCHHEALTH_PRICE", "10/20")
    before = plan(name, keys, limit=5, store=tmp_path, **options)
    with FaultServer() as server:
        model = opened(monkeypatch, form, server, name=name.partition(":")[2])
        evaluate(model, keys, limit=5, store=tmp_path, progress=False, **options)
        assert len(server.bodies) == before["requests"].sum()
        assert all("prompt" in body for body in server.bodies) == ("#" in name)
    assert (before["most_dollars"] > before["dollars"]).all()
    assert list(before["reply_tokens"]) == list(before["most_reply_tokens"] // 2)
    after = plan(name, keys, limit=5, store=tmp_path, **options)
    assert list(after["reply_tokens"]) == list(before["requests"] * WRITTEN)
    row = after.iloc[0]
    spent = (row["prompt_tokens"] * 10 + row["reply_tokens"] * 20) / 1e6
    assert row["dollars"] == pytest.approx(spent)
    if "#" not in name:
        letters = sum(len(m["content"]) // 4 + 4 for b in server.bodies for m in b["messages"])
        assert after["prompt_tokens"].sum() == letters


def test_what_a_plan_says_of_prices_limits_and_time(monkeypatch):
    unknown = plan("openai:newer", ["gad"], limit=4, seconds=3)
    assert unknown["most_dollars"].isna().all() and "BENCHHEALTH_PRICE=" in unknown.attrs["priced"]
    assert unknown["hours"][0] == pytest.approx(unknown["requests"][0] * 3 / 3600)
    assert plan("gpt-4", ["gad"], limit=1).attrs["priced"] == "the vendor's list of 2026-04"
    monkeypatch.setenv("BENCHHEALTH_MAX_TOKENS", "4096")
    assert plan("openai:newer", ["gad"], limit=1)["most_reply_tokens"][0] == 4096
    plain, other = (
        plan("openai:m", ["pubmedqa"], limit=4, perturbation=kind)["prompt_tokens"][0]
        for kind in (None, "template")
    )
    assert plain != other


@pytest.mark.parametrize(("wrong", "message"), cases("refused")["plan"])
def test_numbers_that_are_none_are_refused(wrong, message):
    with pytest.raises(BenchHealthError, match=message):
        plan(NO_TOKENIZER, ["gad"], **wrong)


def test_the_command_prints_a_line_a_data_set_and_a_sum(capsys):
    assert main(["plan", "--model", "openai:gpt-4-0613", "--datasets", "gad", "hoc"]) in (0, None)
    printed = capsys.readouterr().out
    assert all(part in printed for part in ("gad", "hoc", "list of 2026-04", "all"))
    assert main(["plan", "--model", "x", "--datasets", "gad"]) == 1
    assert "no model 'x'" in capsys.readouterr().err


@pytest.mark.model
def test_prompt_tokens_of_a_model_here_are_those_it_is_asked_with(tmp_path):
    """Also where documents are cut: 512 tokens are few for an abstract with its question."""
    tokenizer = embedded_tokenizer()
    save(llama(tokenizer, max_position_embeddings=512), tokenizer, tmp_path / "tiny")
    for key, shots in (("gad", 2), ("pubmedqa", 0)):
        name, examples = f"hf:{tmp_path}/tiny", load(key, limit=4, seed=0)
        answers = answer(name, examples, shots=shots, store=tmp_path / "s", progress=False)
        planned = plan(name, [key], limit=4, shots=shots)
        assert planned["prompt_tokens"][0] == sum(a.usage["prompt_tokens"] for a in answers) > 0
        assert planned.attrs["counted"] == "counted with the model's own tokenizer"
    assert any(reply.usage.get("cut_tokens") for reply in answers)
