"""Models behind an API, against a server on loopback that has bad days."""

import json
import os
import signal
import sys
import threading
import time
from collections import Counter, deque
from dataclasses import replace

import pytest
from conftest import cases
from fault_server import FAULTS, TEXT, VENDORS, FaultServer, ask, chat, items, opened, point_at

from benchhealth_utils import load, open_model, read
from benchhealth_utils.answers import answer
from benchhealth_utils.guard import on_this_machine
from benchhealth_utils.models import remote
from benchhealth_utils.models.remote import Stopped
from benchhealth_utils.schema import BenchHealthError, Example, ModelError

CASES = cases("servers")


@pytest.fixture(params=VENDORS)
def vendor(request):
    return request.param


@pytest.fixture(autouse=True)
def short_waits(monkeypatch):
    """The vendors' clients wait half a second before they try again."""
    for vendor in VENDORS:
        monkeypatch.setattr(f"{vendor}._base_client.INITIAL_RETRY_DELAY", 0.02)


@pytest.fixture
def connect(vendor, monkeypatch):
    return lambda server, **options: opened(monkeypatch, vendor, server, **options)


@pytest.fixture
def replied(monkeypatch):
    """What a model replies whose server says this, or what a function of the body gives."""

    def ask_it(said, status=200, *, vendor="openai", count=1, server=None, **options):
        answers = said if callable(said) else lambda body: (status, said)
        with FaultServer(says=answers) as running:
            if server is not None:
                server.append(running)
            found = ask(opened(monkeypatch, vendor, running, **options), items(count))
        return found[0] if count == 1 else found

    return ask_it


def exam(count):
    """Exam questions that the server answers with their gold."""
    options = dict(zip("ABCD", ("red", "blue", "green", "white"), strict=True))
    return [
        Example(f"q{i}", "medqa", {"question": f"Item: item {i}?", "options": options},
                "ABCD"[i % 4], "")
        for i in range(count)
    ]  # fmt: skip


def stored(folder):
    (path,) = folder.rglob("*.jsonl")
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


# ------------------------------------------------------------------ nothing lost


def test_on_a_day_when_three_in_ten_requests_fail_no_item_is_lost_or_doubled(connect, tmp_path):
    """Every item has its own answer or an error, and errors are asked again by the next run."""
    examples = exam(200)
    with FaultServer({name: 0.3 / len(FAULTS) for name in FAULTS}, seed=3, hang=1.5) as server:
        model = connect(server, timeout=1.0)
        first = answers = answer(model, examples, store=tmp_path, progress=False)
        assert set(server.injected) == set(FAULTS)
        assert max(server.asked.values()) <= 7 and server.most_open <= 8
        while any(reply.status == "error" for reply in answers):
            asked, open_ = len(server.bodies), sum(r.status == "error" for r in answers)
            answers = answer(model, examples, store=tmp_path, progress=False)
            assert len(server.bodies) - asked >= open_
    assert {reply.status for reply in first} == {"ok", "error"}
    assert sum(reply.status == "ok" for reply in first) > 160
    assert [reply.id for reply in answers] == [example.id for example in examples]
    for example, reply in zip(examples, answers, strict=True):
        assert reply.status == "ok" and read(example, reply.text) == example.gold
        assert f"item {example.id[1:]}." in reply.text
        assert TEXT not in reply.text
    times = Counter(line["key"] for line in stored(tmp_path) if line["status"] == "ok")
    assert len(times) == 200 and set(times.values()) == {1}


def test_a_low_limit_on_requests_loses_nothing(monkeypatch):
    """Three a second, and no word of when: a refusal does not count while others are answered."""
    recent = deque([0.0] * 3, 3)

    def says(body):
        if time.monotonic() - recent[0] < 1.0:
            return 429, {}
        recent.append(time.monotonic())
        return 200, chat()

    monkeypatch.setattr("openai._base_client.INITIAL_RETRY_DELAY", 0.5)
    with FaultServer(says=says) as server:
        replies = ask(opened(monkeypatch, "openai", server, retries=3), items(20))
    assert {reply.status for reply in replies.values()} == {"ok"} and len(replies) == 20


@pytest.mark.skipif(os.name != "posix", reason="sends POSIX signals")
@pytest.mark.parametrize(
    ("vendor", "blow"),
    [("openai", signal.SIGKILL), ("anthropic", signal.SIGKILL), ("openai", signal.SIGINT)],
)
def test_after_a_kill_nothing_stored_is_asked_again(vendor, blow, monkeypatch, tmp_path, child):
    """Struck while requests are open; at most those are asked twice."""
    examples = load("medmcqa")

    def run():
        return answer(f"{vendor}:model", examples, store=tmp_path, progress=False)

    with FaultServer(delay=0.15) as server:
        point_at(monkeypatch, vendor, server)
        process, deadline = child(run), time.monotonic() + 120
        while not (files := [*tmp_path.rglob("*.jsonl")]) or not files[0].stat().st_size:
            assert time.monotonic() < deadline and process.is_alive()
            time.sleep(0.01)
        os.kill(process.pid, blow)
        process.join(30)
        kept = len(files[0].read_bytes().splitlines())
        before = len(server.bodies)
        assert process.exitcode != 0 and 0 < kept < len(examples) and before <= kept + 16
        done = run()
        assert len(server.bodies) - before == len(examples) - kept
    assert [reply.id for reply in done] == [example.id for example in examples]
    assert {reply.status for reply in done} == {"ok"}


def threads():
    return [t for t in threading.enumerate() if t.name.startswith("requests to")]


@pytest.mark.parametrize("how", ["stops early", "is interrupted"])
def test_a_consumer_that_ends_leaves_no_thread_and_no_request(how, connect, monkeypatch, tmp_path):
    """In a notebook the traceback keeps the generator alive; the thread ends all the same."""
    with FaultServer(delay=0.05) as server:
        model = connect(server)
        if how == "stops early":
            for _ in model.replies(items(300), range(300)):
                break
        else:
            monkeypatch.setattr(os, "fsync", lambda _: (_ for _ in ()).throw(KeyboardInterrupt))
            with pytest.raises(KeyboardInterrupt) as caught:
                answer(model, exam(200), store=tmp_path, progress=False)
            assert caught.tb is not None
        assert not threads()
        asked = len(server.bodies)
        time.sleep(0.3)
        assert len(server.bodies) == asked < 40


# ------------------------------------------------------------------ what stops a run


def test_what_is_open_when_the_run_stops_still_comes_in(connect):
    """The one request that is refused does not lose the answers of the others."""
    with FaultServer({"401": 1.0}, until=1, delay=0.3) as server:
        got = []
        with pytest.raises(Stopped):
            for part in connect(server).replies(items(50), range(50)):
                got += part
        assert 3 <= len(got) == len(server.bodies) - 1 < 16
    assert {reply.status for _, reply in got} == {"ok"}


@pytest.mark.parametrize(("status", "words", "said"), CASES["stops"])
def test_what_belongs_to_the_run_stops_it_in_the_servers_words(status, words, said, connect):
    message = {"error": {"code": status, "message": words}}
    bodies = [message, {"error": words}, [message], {"detail": words}, words]
    for code, body in [*((status, body) for body in bodies), (200, message)]:
        with FaultServer(says=lambda _, told=(code, body): told) as server:
            with pytest.raises(Stopped, match=said):
                ask(connect(server), items(50))
            assert len(server.bodies) <= 8


@pytest.mark.parametrize("fault", ["429 after 86400", "500 after 300", "502 after inf"])
def test_a_wait_longer_than_our_patience_stops_the_run(connect, fault):
    """One vendor's client would give the item up, the other sleep for a day."""
    with FaultServer({fault: 1.0}, until=9) as server:
        with pytest.raises(Stopped, match="asks to wait (1440|5|inf) minutes .status"):
            ask(connect(server), items(50))
        assert sum(server.asked.values()) <= 8


def test_an_endpoint_that_is_down_or_calls_everything_wrong_stops_the_run(connect):
    with FaultServer({"500": 1.0}) as server:
        with pytest.raises(
            Stopped, match="20 requests in a row.* no answer in 3 attempts, the last gave 500"
        ):
            ask(connect(server, retries=2), items(60))
        assert max(server.asked.values()) == 3
    with FaultServer({"400": 1.0}) as server:
        with pytest.raises(Stopped, match="20 requests in a row.* status 400: e, overloaded"):
            ask(connect(server), items(60))
        assert set(server.asked.values()) == {1} and len(server.bodies) < 40


def test_an_endpoint_that_never_answers_is_tried_three_times(connect, monkeypatch):
    with FaultServer({"time-out": 1.0}, hang=0.6) as server:
        with pytest.raises(Stopped, match="only gave time-out .3 attempts"):
            ask(connect(server, timeout=0.3), items(60))
        assert max(server.asked.values()) == 3 and len(server.bodies) <= 24
    with FaultServer() as server:
        pass
    monkeypatch.setenv("BENCHHEALTH_PRICE", "10/20")
    model, port = connect(server, budget=1.0), server.server_address[1]
    with pytest.raises(Stopped, match=f"port {port} of .* cannot be reached .3 attempts"):
        ask(model, items(20))
    assert model.budget.spent == 0  # what was not sent is not billed


@pytest.mark.parametrize(("said", "words"), CASES["odd"])
def test_what_is_no_reply_is_an_error_that_names_the_address(said, words, connect):
    with FaultServer(says=lambda _: (200, said)) as server:
        model = connect(server)
        (reply,) = ask(model, items(1)).values()
        assert reply.status == "error" and reply.detail.endswith(f"gave status 200: {words}")
        assert f"port {server.server_address[1]} of this machine" in reply.detail
        with pytest.raises(Stopped, match="20 requests in a row"):
            ask(model, items(60))


# ------------------------------------------------------------------ errors by their meaning


@pytest.mark.parametrize(("status", "said", "outcome", "words"), CASES["errors"])
def test_errors_are_known_by_their_meaning_and_keep_the_servers_words(
    status, said, outcome, words, vendor, replied
):
    servers = []
    reply = replied(said, status, vendor=vendor, server=servers)
    assert reply.status == outcome and str(words) in reply.detail and reply.text == ""
    assert outcome == "error" or len(servers[0].bodies) == 1


def test_an_error_within_status_200_that_may_pass_is_asked_again(connect):
    busy = [{"error": {"code": 429, "message": "Slow down"}}, {"error": "The model is overloaded"}]
    with FaultServer(says=lambda _: (200, busy.pop()) if busy else (200, both)) as server:
        both = chat() | {"content": [{"type": "text", "text": "C"}], "stop_reason": "end_turn"}
        (reply,) = ask(connect(server), items(1)).values()
    assert reply.status == "ok" and reply.usage["attempts"] == 3


# ------------------------------------------------------------------ replies by their meaning


@pytest.mark.parametrize("status", CASES["finish"])
def test_reasons_to_finish_are_read_by_their_meaning(status, vendor, replied):
    content = "Answer: C" if vendor == "openai" else [{"type": "text", "text": "Answer: C"}]
    for word in CASES["finish"][status]:
        reply = replied(chat(content, word, vendor), vendor=vendor)
        assert (reply.status, reply.text) == (status, "" if status == "error" else "Answer: C")
        assert status == "ok" or f"_reason {word}" in reply.detail


def test_where_no_reason_is_given_the_count_of_tokens_decides(replied):
    usage = {"prompt_tokens": 30, "completion_tokens": 20}  # as many as were allowed
    assert replied(chat(finish=None, usage=usage)).status == "truncated"
    assert replied(chat(finish=None, usage=usage | {"completion_tokens": 19})).status == "ok"


@pytest.mark.parametrize(("content", "text"), CASES["content"])
def test_content_comes_as_text_or_as_parts(content, text, replied):
    reply = replied(chat(content))
    assert (reply.status, reply.text) == ("ok" if text else "empty", text)


def test_refusals_and_thoughts_say_where_the_reply_went(replied):
    declined = replied(chat(None, refusal="I cannot help."))
    assert (declined.status, declined.text) == ("refused", "I cannot help.")
    part = replied(chat([{"type": "refusal", "refusal": "No."}]))
    assert (part.status, part.text) == ("refused", "No.")
    for finish, status in (("stop", "empty"), ("length", "truncated")):
        reply = replied(chat(None, finish, reasoning="So it is C"))
        assert reply.status == status and "its field 'reasoning'" in reply.detail
        assert "BENCHHEALTH_MAX_TOKENS" in reply.detail and reply.text == ""
    thought = [{"type": "thinking", "thinking": "So it is C"}]
    reply = replied(chat(thought, "max_tokens", "anthropic"), vendor="anthropic")
    assert reply.status == "truncated" and "'thinking'" in reply.detail


def test_a_prompt_that_the_server_has_cut_is_noticed_by_its_count(monkeypatch):
    request = replace(items(1)[0], messages=({"role": "user", "content": "words again " * 300},))
    for count, status in ((20, "truncated"), (400, "truncated"), (601, "ok"), (0, "ok")):
        usage = {"prompt_tokens": count, "completion_tokens": 5}
        with FaultServer(says=lambda _, usage=usage: (200, chat(usage=usage))) as server:
            (reply,) = ask(opened(monkeypatch, "openai", server), [request]).values()
        assert (reply.status, reply.text) == (status, "Answer: C")
        assert status == "ok" or f"read {count} tokens" in reply.detail
    usage = {"input_tokens": 20, "cache_read_input_tokens": 600, "output_tokens": 5}
    content = [{"type": "text", "text": "C"}]
    said = chat(content, "end_turn", "anthropic", usage)
    with FaultServer(says=lambda _: (200, said)) as server:
        (reply,) = ask(opened(monkeypatch, "anthropic", server), [request]).values()
    assert (reply.status, reply.usage["prompt_tokens"]) == ("ok", 620)


# ------------------------------------------------------------------ what is sent


def test_greedy_decoding_and_the_messages_are_sent_as_they_are(connect):
    with FaultServer() as server:
        replies = ask(connect(server), items(1))
        (body,) = server.bodies
    assert body["temperature"] == 0 and body["max_tokens"] == 20 and body["model"] == "model"
    assert body["messages"] == [{"role": "user", "content": "Question about item 0."}]
    assert replies[0].usage["prompt_tokens"] == 45 and replies[0].usage["served"] == "served"


def test_parameters_that_a_newer_model_refuses_are_left_out(connect, vendor):
    names = {"openai": {"temperature", "max_tokens"}, "anthropic": {"temperature"}}[vendor]

    def says(body):
        found = sorted(names & set(body))
        words = f"Unsupported parameter: '{found and found[0]}' is not supported with this model."
        content = "C" if vendor == "openai" else [{"type": "text", "text": "C"}]
        return (400, {"error": {"message": words}}) if found else (200, chat(content, kind=vendor))

    with FaultServer(says=says) as server:
        replies = ask(connect(server), items(30))
        last = server.bodies[-1]
        assert len(server.bodies) < 30 + 4 * 8
    assert {reply.status for reply in replies.values()} == {"ok"}
    assert {reply.usage["temperature"] for reply in replies.values()} == {"the vendor's own"}
    limit = last["max_completion_tokens" if vendor == "openai" else "max_tokens"]
    assert "temperature" not in last and limit == 20


@pytest.mark.parametrize("code", [400, 500])
@pytest.mark.parametrize(
    "words",
    ["temperature should be in (0.0, 1.0]", "`temperature` must be strictly positive",
     "Invalid value: temperature must be greater than 0", "Temperature 0 is out of range"],
)  # fmt: skip
def test_a_temperature_that_has_to_be_positive_is_a_small_one(words, code, replied):
    def says(body):
        refused = {"error": {"message": words, "code": "invalid_parameter"}}
        return (code, refused) if body.get("temperature") == 0 else (200, chat())

    reply = replied(says)
    assert reply.status == "ok" and reply.usage["temperature"] == 0.01


def test_words_that_a_server_repeats_of_a_prompt_do_not_change_how_others_are_asked(connect):
    """Another form is kept only if the model takes it."""
    with FaultServer(says=lambda _: (400, {"error": "Odd: 'the temperature was 39, max_tokens'"}),
                     ) as server:  # fmt: skip
        model = connect(server)
        (reply,) = ask(model, items(1)).values()
        assert reply.status == "error"
        server.says = None
        ask(model, items(1))
        assert server.bodies[-1]["temperature"] == 0 and "max_tokens" in server.bodies[-1]


def test_raw_completions_carry_the_template_and_its_stop(monkeypatch):
    with FaultServer(answer=lambda number: "Aspirin.\n\nPatient: And then?") as server:
        model = opened(monkeypatch, "openai", server, name="served#chatdoctor")
        replies = ask(model, items(1))
        (body,) = server.bodies
    assert body["prompt"].endswith("Patient: Question about item 0.\n\nChatDoctor: ")
    assert body["stop"] == ["Patient: "] and model.modes == ("generate",)
    assert replies[0].status == "ok" and replies[0].text == "Aspirin."


def test_thinking_is_switched_where_a_server_can(monkeypatch):
    with FaultServer() as server:
        usual = opened(monkeypatch, "openai", server)
        monkeypatch.setenv("BENCHHEALTH_THINKING", "off")
        model = opened(monkeypatch, "openai", server)
        ask(model, items(1))
        kwargs = server.bodies[0]["chat_template_kwargs"]
        raw = opened(monkeypatch, "openai", server, name="m#baize")
    assert kwargs == {"enable_thinking": False, "thinking": False}
    assert model.signature == usual.signature | {"thinking": False}
    monkeypatch.setenv("OPENAI_BASE_URL", "https://api.openai.com/v1")
    for plain in (raw, open_model("openai:m"), open_model("openai:m#baize")):
        assert "thinking" not in plain.signature


def test_more_room_for_replies_is_asked_for_and_part_of_the_key(connect, monkeypatch):
    with FaultServer() as server:
        usual = connect(server)
        monkeypatch.setenv("BENCHHEALTH_MAX_TOKENS", "4096")
        roomy = connect(server)
        ask(roomy, items(1))
        monkeypatch.setenv("BENCHHEALTH_MAX_TOKENS", "5")  # less than the task gives
        ask(connect(server), items(1))
        assert [body["max_tokens"] for body in server.bodies] == [4096, 20]
    assert "reply_limit" not in usual.signature and roomy.signature["reply_limit"] == 4096


# ------------------------------------------------------------------ where it goes


def test_a_missing_key_names_its_variable(vendor, monkeypatch):
    monkeypatch.delenv(f"{vendor.upper()}_BASE_URL", raising=False)
    monkeypatch.delenv(f"{vendor.upper()}_API_KEY", raising=False)
    with pytest.raises(ModelError, match=f"Set {vendor.upper()}_API_KEY in the environment"):
        open_model(f"{vendor}:model")


@pytest.mark.parametrize("address", cases("refused")["addresses"])
def test_an_address_with_a_secret_or_none_at_all_is_refused(address, vendor, monkeypatch):
    monkeypatch.setenv(f"{vendor.upper()}_BASE_URL", address)
    monkeypatch.setenv(f"{vendor.upper()}_API_KEY", "x")
    with pytest.raises(ModelError) as caught:
        open_model(f"{vendor}:model")
    for secret in ("pass@", "tok@", "key=1", "abcdef"):
        assert secret not in str(caught.value)


def test_the_address_is_in_no_signature_and_no_message(vendor, monkeypatch):
    """Pages and messages name the vendor, a port of this machine, or a hash."""
    monkeypatch.setenv(f"{vendor.upper()}_API_KEY", "x")
    places = []
    for address in ("https://inside.example.org/openai/gpt-4-turbo-2024-04-09/v1",
                    "http://127.0.0.1:8000/v1"):  # fmt: skip
        monkeypatch.setenv(f"{vendor.upper()}_BASE_URL", address)
        model = open_model(f"{vendor}:/srv/run-1/model")
        assert model.endpoint == address and model.remote == ("inside" in address)
        said = model.place + model.name + json.dumps(model.signature)
        assert not any(part in said for part in ("inside", "127.0.0.1", "turbo", "/srv"))
        places.append(model.signature["endpoint"])
    assert len(set(places)) == 2
    other = open_model(f"{vendor}:/srv/run-2/model")
    assert other.name == model.name and other.signature != model.signature


@pytest.mark.parametrize("key", ["two\nlines-of-a-key", "clé-of-somebody-0123", "a\tkey-012345678"])
def test_a_key_that_no_request_can_carry_is_refused_by_its_variable(key, vendor, monkeypatch):
    with FaultServer() as server:
        point_at(monkeypatch, vendor, server)
        monkeypatch.setenv(f"{vendor.upper()}_API_KEY", key)
        with pytest.raises(ModelError, match=f"the value of {vendor.upper()}_API_KEY") as caught:
            open_model(f"{vendor}:model")
    assert "of-a-key" not in str(caught.value) and "0123" not in str(caught.value)


@pytest.mark.parametrize("fault", ["400 with the key", "401"])
def test_a_key_that_a_server_repeats_is_blotted_out(fault, vendor, monkeypatch):
    key = "planted-0123456789-abcdefgh"
    with FaultServer({fault: 1.0}) as server:
        point_at(monkeypatch, vendor, server)
        monkeypatch.setenv(f"{vendor.upper()}_API_KEY", f" {key}\n")
        try:
            said = ask(open_model(f"{vendor}:model"), items(1))[0].detail
        except Stopped as error:
            said = str(error)
        (sent, *_) = server.headers_seen
    assert key in (sent.get("x-api-key"), sent.get("authorization", "").removeprefix("Bearer "))
    assert "blotted out" in said and key not in said


def test_of_a_credentialed_prompt_no_word_comes_back(vendor, monkeypatch, tmp_path):
    """In no message, which a notebook would show, and in no stored detail."""
    monkeypatch.setattr(remote, "IN_A_ROW", 2)
    examples = load("mimic_cxr")[:3]
    said = {"error": {"message": "", "code": "bad_word"}}

    def says(body):
        said["error"]["message"] = f"Bad word in the prompt: {body['messages']}"
        return 400, said

    with (
        FaultServer(says=says) as server,
        pytest.raises(Stopped, match="words left out, since the data are") as caught,
    ):
        answer(opened(monkeypatch, vendor, server), examples, store=tmp_path, progress=False)
    for text in (str(caught.value), json.dumps(stored(tmp_path))):
        assert "status 400" in text and "Bad word" not in text
        assert not any(example.inputs["findings"][:15] in text for example in examples)
    monkeypatch.setenv(f"{vendor.upper()}_BASE_URL", "https://example.org/v1")
    with pytest.raises(BenchHealthError, match="nothing was sent"):
        answer(open_model(f"{vendor}:model"), examples, store=tmp_path)


@pytest.mark.parametrize(
    ("name", "since", "successor"),
    [("openai:gpt-4", "2026-10-23", "gpt-5.6-sol"),
     ("openai:gpt-3.5-turbo-0613", "2024-09-13", "gpt-5.6-terra"),
     ("anthropic:claude-2.1", "2025-07-21", "claude-opus-4-8")],
)  # fmt: skip
def test_a_retired_model_is_named_with_date_and_successor(name, since, successor, monkeypatch):
    """Without a key too: nothing of that vendor would answer. Another server may have it."""
    vendor, _, model = name.partition(":")
    monkeypatch.delenv(f"{vendor.upper()}_BASE_URL", raising=False)
    monkeypatch.delenv(f"{vendor.upper()}_API_KEY", raising=False)
    with pytest.raises(ModelError, match=f"retired {model} since {since} and names {successor}"):
        open_model(name)
    with FaultServer() as server:
        assert opened(monkeypatch, vendor, server, name=model).price.prompt > 0


def test_only_loopback_addresses_are_this_machine():
    here = "http://localhost:8000/v1", "http://127.8.9.1", "http://[::1]:80"
    away = ("http://127.example.org", "http://localhost.example.org", "http://10.0.0.1",
            "http://[2001:db8::1]", "http://0.0.0.0")  # fmt: skip
    assert all(map(on_this_machine, here)) and not any(map(on_this_machine, away))


def test_neither_a_proxy_nor_a_redirection_is_told_what_stays_here(vendor, monkeypatch):
    with FaultServer() as server, FaultServer() as other:
        for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy", "HTTPS_PROXY"):
            monkeypatch.setenv(name, other.address)
        for name in ("NO_PROXY", "no_proxy"):
            monkeypatch.delenv(name, raising=False)
        replies = ask(opened(monkeypatch, vendor, server), items(3))
        assert {reply.status for reply in replies.values()} == {"ok"}
        server.shares, server.elsewhere = {"redirect": 1.0}, other.address
        with pytest.raises(Stopped, match="redirection .status 307.*not followed"):
            ask(opened(monkeypatch, vendor, server), items(3))
        assert not other.headers_seen


@pytest.mark.parametrize("package", ["openai", "anthropic", "jinja2"])
def test_a_package_that_is_not_installed_is_named_with_the_command(package, monkeypatch):
    monkeypatch.setitem(sys.modules, package, None)
    for vendor in {package} & set(VENDORS) or VENDORS:
        with pytest.raises(ModelError, match=rf"needs {package}: `pip install -e '.\[api\]'"):
            open_model(f"{vendor}:model")


def test_a_header_that_cannot_be_sent_is_named_and_not_booked(monkeypatch):
    """The vendor's client takes more than the key from the environment."""
    monkeypatch.setenv("BENCHHEALTH_PRICE", "10/20")
    with FaultServer() as server:
        for value, said in (("two\nlines", "cannot be reached"), ("clé", "UnicodeEncodeError")):
            monkeypatch.setenv("OPENAI_ORG_ID", value)
            model = opened(monkeypatch, "openai", server, budget=1.0)
            with pytest.raises(Stopped, match=said):
                ask(model, items(3))
            assert model.budget.spent == 0 and not server.bodies
