"""Where prompts and keys go, and where they never do."""

import json
import socket
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from types import SimpleNamespace

import pytest
from fault_server import VENDORS, FaultServer, ask, items, opened

from benchhealth_utils import load, open_model
from benchhealth_utils.answers import answer
from benchhealth_utils.backends import asking, responses
from benchhealth_utils.backends.faults import Final, Passing, Stopped
from benchhealth_utils.backends.responses import counted, is_this_machine
from benchhealth_utils.backends.sdk_errors import as_fault, pause_of, refuses, unquoted
from benchhealth_utils.plan import announce
from benchhealth_utils.schema import BenchHealthError, ModelError


@pytest.fixture(params=VENDORS)
def vendor(request):
    return request.param


def test_a_missing_key_names_its_variable(vendor, monkeypatch):
    monkeypatch.delenv(f"{vendor.upper()}_BASE_URL", raising=False)
    monkeypatch.delenv(f"{vendor.upper()}_API_KEY", raising=False)
    with pytest.raises(ModelError, match=f"Set {vendor.upper()}_API_KEY in the environment"):
        open_model(f"{vendor}:model")


@pytest.mark.parametrize(
    "address",
    ["https://me:pass@example.org/v1", "https://tok@example.org", "https://example.org/v1?key=1",
     "ftp://x", "x", "http://[::1", "http://x:port/v1", "sk-abcdefghijklmnop1234",
     "https://example.org/sk-abcdefghijklmnop1234/v1", "https://example.org/v1/abcdef0123456789abcd",
     "https://example.org/key=abcdefghijklmnopqrstuvwxyz012345/v1"],
)  # fmt: skip
def test_an_address_with_a_secret_or_none_at_all_is_refused(address, vendor, monkeypatch):
    monkeypatch.setenv(f"{vendor.upper()}_BASE_URL", address)
    monkeypatch.setenv(f"{vendor.upper()}_API_KEY", "x")
    with pytest.raises(ModelError) as caught:
        open_model(f"{vendor}:model")
    for secret in ("pass@", "tok@", "key=1", "abcdef"):
        assert secret not in str(caught.value)


@pytest.mark.parametrize(
    "address",
    ["https://inside.example.org/openai/deployments/gpt-4-turbo-2024-04-09/v1",
     "http://127.0.0.1:8000/v1"],
)  # fmt: skip
def test_a_sound_address_is_not_named_in_what_is_printed(address, vendor, monkeypatch, capsys):
    """Pages and messages say the same as the signature: the vendor, this machine, or a hash."""
    monkeypatch.setenv(f"{vendor.upper()}_BASE_URL", address)
    monkeypatch.setenv(f"{vendor.upper()}_API_KEY", "x")
    monkeypatch.setenv("BENCHHEALTH_PRICE", "1/1")
    model = open_model(f"{vendor}:model", budget=1.0)
    assert model.endpoint == address
    announce(model, ["gad"], limit=1)
    said = capsys.readouterr().out + model.place + json.dumps(model.signature)
    assert "The plan for" in said
    assert "inside" not in said and "127.0.0.1" not in said and "deployments" not in said


@pytest.mark.parametrize(
    "key", ["two\nlines-of-a-key", "clé-of-somebody-0123", "a\tkey-0123456789"]
)
def test_a_key_that_no_request_can_carry_is_refused_by_its_variable(key, vendor, monkeypatch):
    monkeypatch.setenv(f"{vendor.upper()}_API_KEY", key)
    with FaultServer() as server:
        monkeypatch.setenv(f"{vendor.upper()}_BASE_URL", server.address)
        with pytest.raises(ModelError, match=f"the value of {vendor.upper()}_API_KEY") as caught:
            open_model(f"{vendor}:model")
    assert "of-a-key" not in str(caught.value) and "0123" not in str(caught.value)


def test_white_space_around_a_key_is_not_sent_and_the_key_is_still_blotted_out(vendor, monkeypatch):
    key = "planted-0123456789-abcdefgh"
    with FaultServer({"400 with the key": 1.0}) as server:
        model = opened(monkeypatch, vendor, server)
        monkeypatch.setenv(f"{vendor.upper()}_API_KEY", f" {key}\n")
        model = open_model(model.name)
        (reply,) = ask(model, items(1)).values()
        sent = {name.lower(): value for name, value in server.headers_seen[0].items()}
    assert key in (sent.get("x-api-key"), sent.get("authorization", "").removeprefix("Bearer "))
    assert reply.status == "error"
    assert "blotted out" in reply.detail and key not in reply.detail


def test_a_header_that_cannot_be_sent_is_not_booked(monkeypatch):
    """The SDK takes more than the key from the environment."""
    monkeypatch.setenv("BENCHHEALTH_PRICE", "10/20")
    with FaultServer() as server:
        for value, said in (("two\nlines", "cannot be reached"), ("clé", "UnicodeEncodeError")):
            monkeypatch.setenv("OPENAI_ORG_ID", value)
            model = opened(monkeypatch, "openai", server, budget=1.0)
            with pytest.raises(Stopped, match=said):
                ask(model, items(3))
            assert model.budget.spent == 0 and not server.bodies


def test_a_connection_that_does_not_come_about_is_not_booked(vendor, monkeypatch):
    """A machine that drops packets: the queue of a server that accepts nobody is full."""
    monkeypatch.setattr(responses, "CONNECT", 0.3)
    monkeypatch.setenv("BENCHHEALTH_PRICE", "10/20")
    waiting = []
    with socket.socket() as deaf:
        deaf.bind(("127.0.0.1", 0))
        deaf.listen(0)
        for _ in range(3):
            waiting.append(socket.socket())
            waiting[-1].setblocking(False)
            waiting[-1].connect_ex(deaf.getsockname())
        address = SimpleNamespace(address=f"http://127.0.0.1:{deaf.getsockname()[1]}")
        model = opened(monkeypatch, vendor, address, budget=1.0)
        with pytest.raises(Stopped, match="cannot be reached .3 attempts"):
            ask(model, items(5))
    for each in waiting:
        each.close()
    assert model.budget.spent == 0 and set(model.faults) == {"connection"}


@pytest.mark.parametrize(
    "words",
    ["Could not read: 'Note: body temperature was 39, not supported by any max_tokens test'",
     "Invalid input 'patient safety was the main content here'",
     'Bad request: {{"content": "Note: body temperature was 39, not supported by any max"}}'],
)  # fmt: skip
def test_words_that_the_server_repeats_from_a_prompt_change_nothing(words, vendor, monkeypatch):
    """Neither how the next prompts are asked, nor the status of this one."""
    text = (
        "Note: body temperature was 39, not supported by any max_tokens test. patient safety was "
        "the main content here, and the prompt is too long for the context window"
    )
    request = replace(items(1)[0], messages=({"role": "user", "content": text},))
    for said in (words, "I do not like this: {}"):
        with FaultServer({"400 says": 1.0}, says=said) as server:
            (reply,) = ask(opened(monkeypatch, vendor, server), [request]).values()
            assert reply.status == "error" and len(server.bodies) == 1
            assert server.bodies[0]["temperature"] == 0 and "max_tokens" in server.bodies[0]
        assert "temperature was" not in reply.detail


@pytest.mark.parametrize(
    "words",
    ["Unsupported value: 'temperature' does not support 0 with this model.",
     "`temperature` is deprecated for this model.", "temperature: Extra inputs are not permitted"],
)  # fmt: skip
def test_a_parameter_is_left_out_where_the_server_says_that_it_is_not_taken(
    words, vendor, monkeypatch
):
    with FaultServer({"400 says": 1.0}, until=1, says=words) as server:
        (reply,) = ask(opened(monkeypatch, vendor, server), items(1)).values()
        assert reply.status == "ok" and reply.usage["temperature"] == "the vendor's own"
        assert len(server.bodies) == 2 and "temperature" not in server.bodies[1]


@pytest.mark.parametrize(
    ("param", "code", "refused"),
    [("temperature", "unsupported_value", True), ("temperature", "invalid_value", False),
     ("messages", "unsupported_value", False), (None, None, False)],
)  # fmt: skip
def test_the_vendors_own_fields_decide_which_parameter_is_refused(param, code, refused):
    error = Status(400, "The value of temperature.")
    error.param, error.code = param, code
    assert refuses(error, "temperature", items(1)[0]) is refused


@pytest.mark.parametrize(
    ("words", "code", "status"),
    [("Too much.", "context_length_exceeded", "truncated"),
     ("Your input is too long.", None, "truncated"), ("No.", "content_filter", "refused"),
     ("This goes against our usage policies.", None, "refused"), ("No.", None, "error")],
)  # fmt: skip
def test_a_full_window_and_a_filter_are_known_by_code_or_words(
    words, code, status, vendor, monkeypatch
):
    with FaultServer({"400 says": 1.0}, says=words, code=code) as server:
        (reply,) = ask(opened(monkeypatch, vendor, server), items(1)).values()
    assert reply.status == status


def test_of_a_credentialed_prompt_no_word_comes_back(vendor, monkeypatch, tmp_path):
    """In no message, which a notebook would show, and in no stored detail."""
    monkeypatch.setattr(asking, "REFUSED", 2)
    examples = load("mimic_cxr")[:3]
    words = "Bad word in the prompt: {} And: " + examples[0].inputs["findings"][:15]
    with (
        FaultServer({"400 says": 1.0}, says=words, code="bad_word") as server,
        pytest.raises(Stopped, match="code bad_word; its words are left out") as caught,
    ):
        answer(opened(monkeypatch, vendor, server), examples, store=tmp_path, progress=False)
    written = "".join(path.read_text() for path in tmp_path.rglob("*.jsonl"))
    for text in (str(caught.value), written):
        assert "status 400" in text and "Bad word" not in text
        assert not any(example.inputs["findings"][:15] in text for example in examples)


@pytest.mark.parametrize(
    ("name", "since", "successor"),
    [
        ("openai:gpt-4", "2026-10-23", "gpt-5.6-sol"),
        ("openai:gpt-4-0613", "2026-10-23", "gpt-5.6-sol"),
        ("openai:gpt-3.5-turbo-0613", "2024-09-13", "gpt-5.6-terra"),
        ("anthropic:claude-2.1", "2025-07-21", "claude-opus-4-8"),
    ],
)
def test_a_retired_model_is_named_with_its_date_and_successor(name, since, successor, monkeypatch):
    """Without a key too: nothing of that vendor would answer."""
    for vendor in VENDORS:
        monkeypatch.delenv(f"{vendor.upper()}_BASE_URL", raising=False)
        monkeypatch.delenv(f"{vendor.upper()}_API_KEY", raising=False)
    model = name.partition(":")[2]
    with pytest.raises(ModelError, match=f"retired {model} since {since} and names {successor}"):
        open_model(name)


def test_a_server_that_still_has_a_retired_model_is_asked(monkeypatch):
    with FaultServer() as server:
        model = opened(monkeypatch, "openai", server, name="gpt-4")
        assert ask(model, items(1))[0].status == "ok"
        assert model.budget.price.prompt == 30


def test_an_unknown_template_lists_the_known_ones():
    with pytest.raises(ModelError, match="no chat template 'x'. Known: alpaca, baize"):
        open_model("openai:served#x")


def test_credentialed_text_goes_to_no_endpoint_that_was_not_declared(vendor, monkeypatch, tmp_path):
    monkeypatch.setenv(f"{vendor.upper()}_BASE_URL", "https://example.org/v1")
    monkeypatch.setenv(f"{vendor.upper()}_API_KEY", "x")
    with pytest.raises(BenchHealthError, match="nothing was sent"):
        answer(open_model(f"{vendor}:model"), load("mimic_cxr")[:1], store=tmp_path)


@pytest.mark.parametrize(
    ("address", "here"),
    [("http://localhost:8000/v1", True), ("http://127.8.9.1", True), ("http://[::1]:80", True),
     ("http://127.example.org", False), ("http://localhost.example.org", False),
     ("http://10.0.0.1", False), ("http://[2001:db8::1]", False)],
)  # fmt: skip
def test_only_loopback_addresses_are_this_machine(address, here):
    assert is_this_machine(address) is here


def test_a_proxy_is_not_told_what_goes_to_a_server_on_this_machine(vendor, monkeypatch):
    with FaultServer() as server, FaultServer() as proxy:
        for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy", "HTTPS_PROXY"):
            monkeypatch.setenv(name, proxy.address)
        for name in ("NO_PROXY", "no_proxy"):
            monkeypatch.delenv(name, raising=False)
        replies = ask(opened(monkeypatch, vendor, server), items(3))
        assert {reply.status for reply in replies.values()} == {"ok"}
        assert len(server.bodies) == 3 and not proxy.headers_seen


def test_a_redirection_is_not_followed(vendor, monkeypatch):
    with FaultServer({"redirect": 1.0}) as server, FaultServer() as elsewhere:
        server.elsewhere = elsewhere.address
        with pytest.raises(Stopped, match="redirection .status 307.*not followed"):
            ask(opened(monkeypatch, vendor, server), items(3))
        assert not elsewhere.headers_seen


def test_a_server_that_does_not_run_is_named_after_three_attempts(vendor, monkeypatch):
    with FaultServer() as server:
        pass
    port = server.server_address[1]
    with pytest.raises(Stopped, match=f"port {port} of .* cannot be reached .3 attempts"):
        ask(opened(monkeypatch, vendor, server), items(20))


def test_the_endpoint_is_in_the_signature_but_its_name_is_not(vendor, monkeypatch):
    with FaultServer() as one, FaultServer() as other:
        first, second = (opened(monkeypatch, vendor, server).signature for server in (one, other))
    assert first["endpoint"] != second["endpoint"]
    assert "127.0.0.1" not in json.dumps(first)


def headers(**values):
    return SimpleNamespace(headers={k.replace("_", "-"): v for k, v in values.items()})


def test_a_pause_is_read_as_seconds_milliseconds_or_a_date():
    assert pause_of(headers(retry_after="7")) == 7
    assert pause_of(headers(retry_after="0.5")) == 0.5
    assert pause_of(headers(retry_after="-3")) == 0
    assert pause_of(headers(retry_after_ms="250", retry_after="9")) == 0.25
    soon = datetime.now(UTC) + timedelta(seconds=90)
    assert pause_of(headers(retry_after=format_datetime(soon, usegmt=True))) == pytest.approx(
        90, abs=2
    )
    assert pause_of(headers(retry_after="Wed, 21 Oct 2015 07:28:00 GMT")) == 0
    odd = "Wed, 21 Oct 2015 07:28:00 +99999999999999"
    assert pause_of(headers(retry_after=odd)) is None
    assert pause_of(headers(retry_after="soon")) is pause_of(headers()) is pause_of(None) is None


class Status(Exception):
    """An error of an SDK, as far as `as_fault` looks at it."""

    def __init__(self, status, text, **values):
        super().__init__(text)
        self.status_code, self.response = status, headers(**values)


@pytest.mark.parametrize(
    ("status", "text", "kind"),
    [
        (
            429,
            "Rate limit reached. Add a payment method at https://x.org/account/billing.",
            Passing,
        ),
        (429, "You exceeded your current quota, please check your plan.", Stopped),
        (402, "Payment required", Stopped),
        (400, "Your credit balance is too low", Stopped),
        (403, "no", Stopped),
        (404, "no model", Stopped),
        (302, "", Stopped),
        (400, "This model's maximum context length is 2048 tokens.", Final),
        (413, "request_too_large", Final),
        (422, "no such field", Final),
        (400, "Someone wrote: credit where credit is due, balance too.", Final),
        (408, "", Passing),
        (503, "", Passing),
        (200, "not JSON", Passing),
    ],
)
def test_what_the_sdks_raise_is_sorted_into_three_kinds(status, text, kind):
    assert isinstance(as_fault(Status(status, text), "m", "https://x.org"), kind)


def test_what_a_server_repeats_of_a_prompt_is_left_out_from_four_words_on():
    request = replace(items(1)[0], messages=({"role": "user", "content": "One, two three\nfour!"},))
    assert unquoted("It was 'One, two three\nfour'.", request) == "It was '...'."
    assert unquoted("One two three is short", request) == "One two three is short"
    assert unquoted("x one two three four", request) == "x one two three four"
    assert unquoted("One two three four one two", request) == "... one two"
    assert unquoted("", request) == "" and unquoted("One two", None) == "One two"


def test_of_what_a_server_counts_only_counts_are_kept():
    def said(tokens, identifier="i"):
        usage = SimpleNamespace(prompt=tokens, completion=2)
        return counted(
            SimpleNamespace(usage=usage, id=identifier, model={}), "prompt", "completion"
        )

    assert said(0) == {"prompt_tokens": 0, "completion_tokens": 2, "response": "i"}
    for odd in (True, -1, 1.0, "1", None, 10**30, [1]):
        assert said(odd) == {"completion_tokens": 2, "response": "i"}
    assert said(0, "a\ud800")["response"] == "a?" and "response" not in said(0, 7)
    assert counted(None, "prompt", "completion") == {}
