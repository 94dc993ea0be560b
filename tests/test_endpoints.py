"""Where prompts and keys go, and where they never do."""

import json
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from types import SimpleNamespace

import pytest
from fault_server import VENDORS, FaultServer, ask, items, opened

from benchhealth_utils import load, open_model
from benchhealth_utils.answers import answer
from benchhealth_utils.backends.faults import Final, Passing, Stopped
from benchhealth_utils.backends.responses import is_this_machine
from benchhealth_utils.backends.sdk_errors import as_fault, pause_of
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
     "ftp://x", "x", "http://[::1", "http://x:port/v1", "sk-abcdefghijklmnop1234"],
)  # fmt: skip
def test_an_address_with_a_secret_or_none_at_all_is_refused(address, vendor, monkeypatch):
    monkeypatch.setenv(f"{vendor.upper()}_BASE_URL", address)
    monkeypatch.setenv(f"{vendor.upper()}_API_KEY", "x")
    with pytest.raises(ModelError) as caught:
        open_model(f"{vendor}:model")
    for secret in ("pass@", "tok@", "key=1", "abcdefghijklmnop"):
        assert secret not in str(caught.value)


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
    with pytest.raises(Stopped, match=f"{server.address}.* cannot be reached .3 attempts"):
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
        (408, "", Passing),
        (503, "", Passing),
        (200, "not JSON", Passing),
    ],
)
def test_what_the_sdks_raise_is_sorted_into_three_kinds(status, text, kind):
    assert isinstance(as_fault(Status(status, text), "m", "https://x.org"), kind)
