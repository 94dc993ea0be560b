"""Models behind an API, against a server on loopback that has bad days."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from types import SimpleNamespace

import pytest
from fault_server import (
    FAULTS,
    HARMLESS,
    TEXTS,
    VENDORS,
    FaultServer,
    ask,
    echoed,
    echoed_with_marks,
    echoed_without_spaces,
    items,
    opened,
    point_at,
)
from tenacity.wait import wait_exponential, wait_random

from benchhealth_utils import load, open_model, read
from benchhealth_utils.answers import Shelf, answer
from benchhealth_utils.backends import asking
from benchhealth_utils.backends.echo import log_probability
from benchhealth_utils.backends.faults import Final, Stopped
from benchhealth_utils.plan import plan
from benchhealth_utils.schema import Answer, Example, ModelError


@pytest.fixture(params=VENDORS)
def vendor(request):
    return request.param


@pytest.fixture
def connect(vendor, monkeypatch):
    return lambda server, **options: opened(monkeypatch, vendor, server, **options)


def exam(count):
    """Exam questions that the server answers with their gold."""
    options = dict(zip("ABCD", ("red", "blue", "green", "white"), strict=True))
    return [
        Example(
            f"q{i}",
            "medqa",
            {"question": f"Item: item {i}?", "options": options},
            "ABCD"[i % 4],
            "",
        )
        for i in range(count)
    ]


def test_five_hundred_items_on_a_day_when_three_in_ten_requests_fail(connect, tmp_path):
    """Every item is answered once with its own answer, or recorded as an error."""
    examples = exam(500)
    with FaultServer({name: 0.3 / len(FAULTS) for name in FAULTS}, seed=3, hang=1.5) as server:
        model = connect(server, timeout=1.0)
        answers = answer(model, examples, store=tmp_path, progress=False)
        assert set(server.injected) == set(FAULTS)
        assert max(server.asked.values()) <= 16
    assert [reply.id for reply in answers] == [example.id for example in examples]
    found = Counter(reply.status for reply in answers)
    assert set(found) <= {"ok", "error"} and found["ok"] > 495
    for example, reply in zip(examples, answers, strict=True):
        if reply.status == "ok":
            assert read(example, reply.text) == example.gold
            assert f"item {example.id[1:]}." in reply.text
        assert not any(text in reply.text for text in TEXTS)
    stored = Shelf(next(tmp_path.rglob("*.jsonl"))).read()
    assert len(stored) == found["ok"]
    harmless = sum(server.injected[name] for name in HARMLESS)
    assert model.faults.total() >= server.injected.total() - harmless - 3
    assert model.narrowest < 4 < model.widest


def test_concurrency_falls_when_there_are_too_many_requests_and_rises_again(connect):
    with FaultServer({"429 with Retry-After": 1.0}, delay=0.08, until=12) as server:
        model = connect(server, shortest=0.05)
        replies = ask(model, items(200))
        most = server.most_open
    assert len(replies) == 200
    assert model.narrowest == 1 and model.widest > 8 and most > 8


def test_retries_are_bounded_and_an_endpoint_that_is_down_stops_the_run(connect):
    with FaultServer({"500": 1.0}) as server:
        model = connect(server)
        with pytest.raises(
            Stopped, match="got no answer .* in 8 attempts each, the last for '500'"
        ):
            ask(model, items(40))
        assert max(server.asked.values()) <= 8


def test_a_server_that_calls_every_request_wrong_stops_the_run(connect):
    with FaultServer({"400": 1.0}) as server:
        with pytest.raises(Stopped, match="20 requests in a row .* 'status 400: .*What is this"):
            ask(connect(server), items(60))
        assert set(server.asked.values()) == {1} and len(server.bodies) < 40


@pytest.mark.parametrize(
    ("fault", "status"),
    [("400 filter", "refused"), ("filtered", "refused"), ("truncated", "truncated"),
     ("context", "truncated")],
)  # fmt: skip
def test_what_is_final_is_asked_once(connect, fault, status):
    with FaultServer({fault: 1.0}) as server:
        replies = ask(connect(server), items(5))
        assert {reply.status for reply in replies.values()} == {status}
        assert set(server.asked.values()) == {1}


def test_a_wrong_key_stops_the_run_and_is_not_repeated_in_the_message(connect):
    with FaultServer({"401": 1.0}) as server:
        with pytest.raises(Stopped, match="refuses the key") as caught:
            ask(connect(server), items(50))
        assert "a-key-of-the-tests" not in str(caught.value)
        assert sum(server.asked.values()) <= 4


@pytest.mark.parametrize("fault", ["429 after 86400", "500 after 86400", "502 after inf"])
def test_a_server_that_asks_to_wait_a_day_stops_the_run(connect, fault):
    with FaultServer({fault: 1.0}) as server:
        with pytest.raises(Stopped, match="asks to wait (1440|inf) minutes"):
            ask(connect(server), items(50))
        assert sum(server.asked.values()) <= 4


def test_a_pause_after_another_error_than_too_many_requests_is_bounded(connect, monkeypatch):
    monkeypatch.setattr(asking, "LONGEST", 0.05)
    with FaultServer({"500 after 300": 1.0}, until=4) as server:
        start = time.monotonic()
        replies = ask(connect(server), items(4))
        assert time.monotonic() - start < 60 and len(server.bodies) == 8
    assert {reply.status for reply in replies.values()} == {"ok"}


def test_an_endpoint_that_never_answers_is_asked_three_times(connect):
    """Each of the first four requests, that is; and at the most it could have cost."""
    with FaultServer({"time-out": 1.0}, hang=0.6) as server:
        model = connect(server, timeout=0.3)
        with pytest.raises(Stopped, match="only gave 'time-out' .3 attempts"):
            ask(model, items(60))
        assert max(server.asked.values()) == 3 and len(server.bodies) <= 12


def test_a_page_that_is_no_api_is_asked_three_times(connect):
    with FaultServer({"not JSON": 1.0}) as server:
        with pytest.raises(Stopped, match="only gave 'malformed' .3 attempts"):
            ask(connect(server), items(60))
        assert max(server.asked.values()) == 3 and len(server.bodies) <= 12


def test_a_low_limit_on_requests_loses_nothing(monkeypatch):
    """Three in the time of sixty first pauses, as in a minute, and no word of when."""
    with FaultServer(rate=(3, 1.0)) as server:
        model = opened(monkeypatch, "openai", server)
        model.wait = wait_exponential(1 / 60, max=1.0) + wait_random(0, 1 / 60)
        replies = ask(model, items(24))
    assert {reply.status for reply in replies.values()} == {"ok"} and len(replies) == 24
    assert max(reply.usage.get("attempts", 1) for reply in replies.values()) > 8


def test_half_a_letter_is_stored_as_a_question_mark(connect, tmp_path):
    """A server that gives it each time would else have no answer stored, ever."""
    examples = exam(3)
    with FaultServer({"half a letter": 1.0}) as server:
        answers = answer(connect(server), examples, store=tmp_path, progress=False)
        again = answer(connect(server), examples, store=tmp_path, progress=False)
        assert len(server.bodies) == 3
    assert again == answers and all(reply.text.endswith("?") for reply in answers)


def test_what_is_open_when_the_run_stops_still_comes_in(connect):
    """The one request that is refused does not lose the answers of the others."""
    with FaultServer({"401": 1.0}, until=1, delay=0.3) as server:
        got = []
        with pytest.raises(Stopped):
            for part in connect(server, timeout=5).replies(items(50), range(50)):
                got += part
        assert 3 <= len(got) == len(server.bodies) - 1 < 8
    assert {reply.status for _, reply in got} == {"ok"}


def test_parameters_that_a_newer_model_refuses_are_left_out(connect, vendor):
    refuse = ["temperature", "max_tokens"] if vendor == "openai" else ["temperature"]
    with FaultServer(refuse=refuse, delay=0.05) as server:
        replies = ask(connect(server), items(12))
        last = server.bodies[-1]
    assert {reply.status for reply in replies.values()} == {"ok"}
    assert {reply.usage["temperature"] for reply in replies.values()} == {"the vendor's own"}
    assert "temperature" not in last
    assert last[{"openai": "max_completion_tokens", "anthropic": "max_tokens"}[vendor]] == 20


def test_greedy_decoding_and_the_messages_are_sent_as_they_are(connect):
    with FaultServer() as server:
        replies = ask(connect(server), items(1))
        (body,) = server.bodies
    assert body["temperature"] == 0 and body["max_tokens"] == 20 and body["model"] == "model"
    assert body["messages"] == [{"role": "user", "content": "Question about item 0."}]
    assert replies[0].usage["prompt_tokens"] == 50 and replies[0].usage["served"] == "served"


def test_a_response_that_comes_twice_is_asked_for_again_on_both_sides(
    connect, tmp_path, monkeypatch
):
    """The store takes the first of the two back, and the count of answers with it."""
    examples, counted = exam(6), []
    monkeypatch.setattr(
        "benchhealth_utils.progress.Progress.advance", lambda self, items: counted.append(items)
    )
    with FaultServer({"duplicated reply": 1.0}, until=1, delay=0.02) as server:
        model = connect(server)
        answers = answer(model, examples, store=tmp_path, progress=False)
    twice = [number for number, times in server.asked.items() if times == 2]
    assert len(twice) == 2 and len(server.bodies) == 8 and model.faults == {"duplicate": 1}
    assert sum(counted) == 6
    lines = [
        Answer(**json.loads(line))
        for line in next(tmp_path.rglob("*.jsonl")).open(encoding="utf-8")
    ]
    taken = [item for item in lines if item.status == "error"]
    assert len(lines) == 8 and len(taken) == 1 and "came again" in taken[0].detail
    assert [item.status for item in lines if item.key == taken[0].key] == ["ok", "error", "ok"]
    assert {reply.status for reply in answers} == {"ok"}
    for number, reply in enumerate(answers):
        times = 2 if number in twice else 1
        assert f"item {number}." in reply.text and reply.usage.get("attempts", 1) == times


def test_an_answer_that_was_taken_back_is_asked_again_after_a_kill(tmp_path):
    shelf = Shelf(tmp_path / "medqa.jsonl")
    shelf.append([Answer("a", "ok", "x", "key a"), Answer("b", "ok", "y", "key b")])
    shelf.append([Answer("a", "error", "", "key a")])
    assert set(shelf.read()) == {"key b"}
    shelf.append([Answer("a", "ok", "z", "key a")])
    assert shelf.read()["key a"].text == "z"


def test_a_server_that_gives_every_response_the_same_id_is_refused(connect):
    with FaultServer() as server:
        server.same_id = "always-this"
        with pytest.raises(Stopped, match="one response id to several replies"):
            ask(connect(server), items(50))
        assert len(server.bodies) < 50


RUN = """
import signal; signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell may ignore it
import sys
from benchhealth_utils import load, open_model
from benchhealth_utils.answers import answer
model = open_model(sys.argv[1] + ":model")
answer(model, load("medmcqa"), store=sys.argv[2], progress=False)
"""


@pytest.mark.parametrize(
    ("vendor", "blow"),
    [("openai", signal.SIGKILL), ("anthropic", signal.SIGKILL), ("openai", signal.SIGINT)],
)
def test_after_a_kill_nothing_stored_is_asked_again(vendor, blow, monkeypatch, tmp_path):
    """Struck while requests are open; at most those are asked twice."""
    examples = load("medmcqa")
    with FaultServer(delay=0.15) as server:
        point_at(monkeypatch, vendor, server)
        command = [sys.executable, "-c", RUN, vendor, str(tmp_path)]
        process = subprocess.Popen(command, env=dict(os.environ), stderr=subprocess.DEVNULL)
        deadline = time.monotonic() + 120
        while not (stored := [*tmp_path.rglob("*.jsonl")]) or not stored[0].stat().st_size:
            assert time.monotonic() < deadline and process.poll() is None
            time.sleep(0.01)
        process.send_signal(blow)
        assert process.wait(30) != 0
        kept = len(stored[0].read_bytes().splitlines())
        assert 0 < kept < len(examples)
        before = len(server.bodies)
        assert before <= kept + 16
        done = answer(open_model(f"{vendor}:model"), examples, store=tmp_path, progress=False)
        assert len(server.bodies) - before == len(examples) - kept
    assert [reply.id for reply in done] == [example.id for example in examples]
    assert {reply.status for reply in done} == {"ok"}


def threads():
    return [t for t in threading.enumerate() if t.name.startswith("requests to")]


def test_a_consumer_that_stops_early_leaves_no_thread_and_no_request(connect):
    with FaultServer(delay=0.05) as server:
        for _ in connect(server).replies(items(300), range(300)):
            break
        assert not threads()
        asked = len(server.bodies)
        time.sleep(0.3)
        assert len(server.bodies) == asked < 30


def test_an_interruption_between_two_replies_stops_the_requests(connect, monkeypatch, tmp_path):
    """The traceback keeps the generator alive, as in a notebook; the thread ends all the same."""
    monkeypatch.setattr(Shelf, "append", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
    with FaultServer(delay=0.05) as server:
        with pytest.raises(KeyboardInterrupt) as caught:
            answer(connect(server), exam(200), store=tmp_path, progress=False)
        assert caught.tb is not None and not threads()
        asked = len(server.bodies)
        time.sleep(0.3)
        assert len(server.bodies) == asked < 30


def test_a_run_that_stopped_goes_on_with_what_is_missing(connect, tmp_path):
    examples = load("medmcqa")
    with FaultServer() as server:
        model = connect(server)
        with FaultServer({"500": 1.0}) as broken, pytest.raises(ModelError, match="stored"):
            answer(connect(broken), examples, store=tmp_path, progress=False)
        replies = answer(model, examples[:10], store=tmp_path, progress=False)
        answer(model, examples, store=tmp_path, progress=False)
        assert len(server.bodies) == len(examples)
    assert all(reply.usage["prompt_tokens"] == 50 for reply in replies)


def test_raw_completions_carry_the_template_and_its_stop(monkeypatch):
    with FaultServer(answer=lambda number: "Aspirin.\n\nPatient: And then?") as server:
        model = opened(monkeypatch, "openai", server, name="served#chatdoctor")
        replies = ask(model, items(1))
        (body,) = server.bodies
    assert body["prompt"].endswith("Patient: Question about item 0.\n\nChatDoctor: ")
    assert body["stop"] == ["Patient: "]
    assert replies[0].status == "ok" and replies[0].text == "Aspirin."


@pytest.mark.parametrize("how", [echoed, echoed_with_marks, echoed_without_spaces])
def test_labels_are_compared_by_what_the_server_says_of_the_prompt(how, monkeypatch, tmp_path):
    """The server gives a word minus its letters: the shortest label is the likeliest."""
    examples = load("pubmedqa")[:3]
    with FaultServer() as server:
        server.echoed = how
        model = opened(monkeypatch, "openai", server, name="served#alpaca")
        answers = answer(model, examples, mode="likelihood", store=tmp_path, progress=False)
        assert len(server.bodies) == 9
        assert all(body["echo"] and body["logprobs"] == 1 for body in server.bodies)
        assert all(body["max_tokens"] == 1 for body in server.bodies)
    for reply in answers:
        assert reply.usage["logprobs"] == {"yes": -3, "no": -2, "maybe": -5}
        assert reply.text == "Answer: no" and reply.status == "ok"


@pytest.mark.parametrize("mode", ["generate", "likelihood"])
@pytest.mark.parametrize("fault", ["odd choices", "empty choices", "odd finish", "deep JSON"])
def test_a_raw_completion_of_another_shape_is_asked_again(fault, mode, monkeypatch, tmp_path):
    """In likelihood mode nobody looks at the reason to finish."""
    with FaultServer({fault: 1.0}, until=1) as server:
        model = opened(monkeypatch, "openai", server, name="served#alpaca")
        (reply,) = answer(model, load("gad")[:1], mode=mode, store=tmp_path, progress=False)
    assert reply.status == "ok"
    harmless = (mode, fault) == ("likelihood", "odd finish")
    assert model.faults == ({} if harmless else {"malformed": 1})


@pytest.mark.parametrize(
    "values", [["a", "b"], [None, float("nan")], [None, [1]], [None], {"a": 1}]
)
def test_log_probabilities_that_are_none_are_not_taken_for_such(values):
    """What is raised here counts as a reply of another shape."""
    logs = SimpleNamespace(tokens=["Answer:", " yes"], token_logprobs=values)
    with pytest.raises((TypeError, ValueError, KeyError)):
        log_probability(logs, "Answer:", " yes", {})


def test_a_server_without_log_probabilities_says_so(monkeypatch, tmp_path):
    with FaultServer() as server:
        server.echoed = lambda prompt: None
        model = opened(monkeypatch, "openai", server, name="served#alpaca")
        (reply,) = answer(
            model, load("pubmedqa")[:1], mode="likelihood", store=tmp_path, progress=False
        )
    assert reply.status == "error" and "gives no log-probabilities" in reply.detail


@pytest.mark.parametrize(
    ("tokens", "detail"),
    [
        (["Q", "Answer", ": yes", "."], "no log-probability of 'yes' alone"),
        (["yes", "."], "no log-probability of 'yes' alone"),
        (["Answer", ":", " yes"], None),
        (["Answer", ":", "▁", "yes", "</s>"], None),
        (["Answer", ":", "Ġye", "s", " yes"], None),
    ],
)
def test_the_tokens_of_a_label_are_found_from_the_end(tokens, detail):
    logs = SimpleNamespace(tokens=tokens, token_logprobs=[None, -1, *[-2] * (len(tokens) - 2)])
    if detail:
        with pytest.raises(Final, match=detail):
            log_probability(logs, "Q Answer:", " yes", {})
    else:
        parts = len(tokens) - 2 - (tokens[-1] in ("</s>", " yes") and len(tokens) > 3)
        assert log_probability(logs, "Q Answer:", " yes", {}) == -2 * parts


def test_more_room_for_replies_is_asked_for_booked_and_part_of_the_key(connect, monkeypatch):
    """As for a model that thinks first, in tokens that count but are not shown."""
    with FaultServer() as server:
        usual = connect(server)
        monkeypatch.setenv("BENCHHEALTH_MAX_TOKENS", "4096")
        roomy = connect(server)
        ask(roomy, items(1))
        assert server.bodies[0]["max_tokens"] == 4096
        assert roomy.protocol.most(items(1)[0])[1] == 4096
        (row,) = plan(roomy.name, ["gad"], limit=1).to_dict("records")
        assert row["Reply tokens, at most"] == 4096
        monkeypatch.setenv("BENCHHEALTH_MAX_TOKENS", "5")  # less than the task gives
        ask(connect(server), items(1))
        assert server.bodies[1]["max_tokens"] == 20
    assert "reply_limit" not in usual.signature and roomy.signature["reply_limit"] == 4096


@pytest.mark.parametrize("stated", ["0", "-1", "many", "1.5"])
def test_room_that_is_no_number_is_refused(connect, monkeypatch, stated):
    monkeypatch.setenv("BENCHHEALTH_MAX_TOKENS", stated)
    with FaultServer() as server, pytest.raises(ModelError, match="BENCHHEALTH_MAX_TOKENS is"):
        connect(server)


def test_two_models_in_folders_of_one_name_do_not_share_answers(monkeypatch, tmp_path):
    with FaultServer() as server:
        for folder in ("/srv/run-1/model", "/srv/run-2/model", "/srv/run-1/model"):
            model = opened(monkeypatch, "openai", server, name=folder)
            assert "/srv" not in json.dumps(model.signature) + model.name
            answer(model, exam(2), store=tmp_path, progress=False)
        asked = [body["model"] for body in server.bodies]
    assert asked == ["/srv/run-1/model"] * 2 + ["/srv/run-2/model"] * 2


@pytest.mark.parametrize("package", ["openai", "anthropic", "tenacity", "jinja2"])
def test_a_package_that_is_not_installed_is_named_with_the_command(package, monkeypatch):
    monkeypatch.setitem(sys.modules, package, None)
    for vendor in {package} & set(VENDORS) or VENDORS:
        with pytest.raises(ModelError, match=rf"needs .*{package}.*pip install -e '.\[api\]'"):
            open_model(f"{vendor}:model")


@pytest.mark.parametrize("name", ["openai:#alpaca", "openai: #alpaca", "openai:", "anthropic:"])
def test_a_name_without_a_model_is_refused(name):
    with pytest.raises(ModelError, match="There is no model"):
        open_model(name)


def test_a_chat_format_goes_with_raw_completions_only():
    with pytest.raises(ModelError, match="goes with hf: and openai: only"):
        open_model("anthropic:x#alpaca")


def test_a_server_on_this_machine_is_not_remote(connect):
    with FaultServer() as server:
        model = connect(server)
        assert not model.remote and ask(model, items(1))[0].status == "ok"
