"""A server on loopback that speaks both vendors' protocols, and has bad days.

Every answer repeats the number after "item" in the prompt, so that a test sees
whether an answer reached its own item. Below it, what tests need to ask it.
"""

import json
import random
import re
import threading
import time
from collections import Counter
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from benchhealth_utils import open_model
from benchhealth_utils.models import Request
from benchhealth_utils.schema import Example

VENDORS = ("openai", "anthropic")
UNBILLED = (
    "429 without a word", "429", "429 with Retry-After", "429 with a date",
    "429 with no such date", "500", "529",
)  # fmt: skip
HARMLESS = ("no usage", "odd counts", "half a letter", "wrong id", "no reason")  # answered
ASKED_AGAIN = (*UNBILLED, "time-out", "cut stream")  # in the same run
FAULTS = (
    *ASKED_AGAIN, "malformed JSON", "not JSON", "deep JSON", "empty choices", "odd choices",
    "unknown finish", "odd finish", *HARMLESS,
)  # fmt: skip
ODD = ({"why": "stop"}, ["stop"])  # reasons to finish
COUNTS = ("many", -50, 10**400, [50], 50.5)  # none of them a count
OTHER_KEY = "sk-proj-of0somebody1else2entirely3"
TEXTS = ("overloaded_error: try again", "rate limit reached")  # never an answer
WRITTEN = 10  # tokens of every reply


def letter(number):
    """The answer to an item: its number, and one of four letters."""
    return f"That is item {number}.\nAnswer: {'ABCD'[number % 4]}"


class FaultServer(ThreadingHTTPServer):
    """Serve until closed.

    `faults` maps a fault's name to its share of requests, up to `until` of them; `says`, if
    given, is a function of a request's body that gives status and body of the response.
    """

    daemon_threads = True
    request_queue_size = 128

    def __init__(
        self, faults=None, *, seed=0, delay=0.0, hang=1.0, answer=letter, refuse=(),
        until=10**9, rate=None, says=None,
    ):  # fmt: skip
        super().__init__(("127.0.0.1", 0), Handler)
        self.shares, self.delay, self.hang = dict(faults or {}), delay, hang
        self.answer, self.refuse, self.until = answer, set(refuse), until
        self.rate, self.recent = rate, []  # so many answers in so many seconds
        self.says = says
        self.random, self.lock = random.Random(seed), threading.Lock()
        self.injected, self.answered, self.asked = Counter(), Counter(), Counter()
        self.billed, self.read = 0, 0  # requests that a vendor would charge for; their tokens
        self.bodies, self.headers_seen, self.last, self.open, self.most_open = [], [], {}, 0, 0
        self.elsewhere = ""  # where a redirection leads
        self.thread = threading.Thread(target=self.serve_forever, args=(0.02,), daemon=True)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.shutdown()
        self.server_close()

    def handle_error(self, request, client_address):
        """A client that hangs up is part of the game."""

    @property
    def address(self):
        return f"http://127.0.0.1:{self.server_address[1]}"

    def dollars(self, prompt, completion):
        """What a vendor would charge, at dollars for a million tokens."""
        return (self.read * prompt + self.billed * WRITTEN * completion) / 1e6

    def draw(self):
        """The fault of the next request, or None."""
        now = time.monotonic()
        if self.rate is not None:
            self.recent = [at for at in self.recent if now - at < self.rate[1]]
            if len(self.recent) >= self.rate[0]:
                return "429 without a word"
            self.recent.append(now)
        if self.injected.total() >= self.until:
            return None
        if self.random.random() >= sum(self.shares.values()):
            return None
        return [*self.shares][self.injected.total() % len(self.shares)]  # each in its turn


def text_of(body):
    """The last turn of what was sent."""
    return body["prompt"] if "prompt" in body else body["messages"][-1]["content"]


def tokens(body):
    """As the server counts a prompt."""
    return 40 + len(text_of(body)) // 4


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def do_POST(self):
        server = self.server
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        kind = "anthropic" if self.path.endswith("/messages") else "openai"
        found = re.search(r"item (\d+)", text_of(body))
        number = int(found[1]) if found else 0
        with server.lock:
            server.bodies.append(body)
            server.headers_seen.append(dict(self.headers))
            server.asked[number] += 1
            serial = len(server.bodies)
            server.open += 1
            server.most_open = max(server.most_open, server.open)
            fault = server.draw()
            if fault:
                server.injected[fault] += 1
            if fault not in UNBILLED:
                server.billed, server.read = server.billed + 1, server.read + tokens(body)
        try:
            time.sleep(server.delay)
            self.reply(server, kind, number, fault, body, serial)
        finally:
            with server.lock:
                server.open -= 1

    def reply(self, server, kind, number, fault, body, serial):
        if server.says and (fault is None):
            status, said = server.says(body)
            raw = said if isinstance(said, str) else json.dumps(said)
            page = {"Content-Type": "text/html"} if raw.startswith("<") else None
            return self.send(status, raw.encode(), page)
        for name in server.refuse & set(body):
            message = f"Unsupported parameter: '{name}' is not supported with this model."
            return self.error(400, message + " Use 'max_completion_tokens'." * ("max" in name))
        if fault and (found := re.match(r"(429|5\d\d)(?: after (\w+))?", fault)):
            wait = {
                "429 with Retry-After": "0.2",
                "429 with a date": formatdate(time.time() + 1, usegmt=True),
                "429 with no such date": "Wed, 21 Oct 2015 07:28:00 +99999999999999",
            }.get(fault, found[2])
            words = TEXTS[found[1] == "429"] + self.key() * ("key" in fault)
            headers = {"Retry-After": wait} if wait else {"Retry-After-Ms": "10"}
            headers = {} if fault == "429 without a word" else headers
            return self.error(int(found[1]), words, headers)
        if fault == "redirect":
            return self.send(307, b"", {"Location": server.elsewhere + self.path})
        if fault == "time-out":
            return time.sleep(server.hang)
        if fault == "400":
            return self.error(400, "What is this?")
        if fault in ("401", "400 with the key"):
            return self.error(int(fault[:3]), self.key())
        whole = self.message(server, kind, number, fault, body, serial)
        data = json.dumps(whole).encode()
        if fault == "deep JSON":
            data = b"[" * 10**5 + b"]" * 10**5
        if fault == "malformed JSON":
            data = data[:-9]
        if fault == "not JSON":
            return self.send(200, b"<html>busy</html>", {"Content-Type": "text/html"})
        if fault == "cut stream":
            return self.send(200, data[: len(data) // 2], length=len(data))
        if not fault or fault in HARMLESS:
            with server.lock:
                server.answered[number] += 1
                server.last[kind] = whole["id"]
        self.send(200, data)

    def key(self):
        sent = self.headers.get("Authorization") or self.headers.get("x-api-key")
        return f"Incorrect API key: {sent}, not {OTHER_KEY}"

    def message(self, server, kind, number, fault, body, serial):
        text = server.answer(number) + "\ud83d" * (fault == "half a letter")
        odd = COUNTS[serial % len(COUNTS)]
        identifier = server.last.get(kind, "first") if fault == "wrong id" else f"id-{serial}"
        reason = {
            "unknown finish": "what", "odd finish": ODD[serial % 2], "no reason": None,
        }  # fmt: skip
        usage = {
            "no usage": None,
            "odd counts": dict.fromkeys(["prompt_tokens", "input_tokens"], odd),
        }
        if kind == "anthropic":
            content = [{"type": "text", "text": text}]
            counted = {"input_tokens": tokens(body), "output_tokens": WRITTEN}
            return {
                "id": identifier, "type": "message", "role": "assistant", "model": "served",
                "content": {"empty choices": None, "odd choices": {"x": text}}.get(fault, content),
                "stop_reason": reason.get(fault, "end_turn"), "stop_sequence": None,
                "usage": usage.get(fault, counted),
            }  # fmt: skip
        raw = "prompt" in body
        inside = {"text": text} if raw else {"message": {"role": "assistant", "content": text}}
        choice = {"index": 0, "finish_reason": reason.get(fault, "stop"), **inside}
        counted = {"prompt_tokens": tokens(body), "completion_tokens": WRITTEN}
        return {
            "id": identifier, "object": "text_completion" if raw else "chat.completion",
            "created": 1, "model": "served",
            "choices": {"empty choices": [], "odd choices": {"0": inside}}.get(fault, [choice]),
            "usage": usage.get(fault, counted),
        }  # fmt: skip

    def error(self, status, message, headers=None):
        body = {"type": "error", "error": {"type": "e", "message": message, "code": None}}
        self.send(status, json.dumps(body).encode(), headers)

    def send(self, status, data, headers=None, length=None):
        self.send_response(status)
        for name, value in {"Content-Type": "application/json", **(headers or {})}.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(length or len(data)))
        self.end_headers()
        self.wfile.write(data)
        self.close_connection = bool(length)


def chat(content="Answer: C", finish="stop", kind="openai", usage=None, **message):
    """A response in either protocol, whatever it holds."""
    if kind == "anthropic":
        return {
            "id": "m", "type": "message", "role": "assistant", "model": "served",
            "content": content, "stop_reason": finish, "usage": usage,
        }  # fmt: skip
    inside = {"role": "assistant", "content": content, **message}
    return {
        "id": "c", "object": "chat.completion", "created": 1, "model": "served", "usage": usage,
        "choices": [{"index": 0, "finish_reason": finish, "message": inside}],
    }  # fmt: skip


def items(count):
    """Requests whose prompts carry their position."""
    return [
        Request(
            Example(str(i), "medqa", {}, "", str(i)),
            ({"role": "user", "content": f"Question about item {i}."},),
            max_tokens=20,
        )
        for i in range(count)
    ]


def point_at(monkeypatch, vendor, server):
    """The environment of a user whose models are behind this server."""
    suffix = "/v1" if vendor == "openai" else ""
    monkeypatch.setenv(f"{vendor.upper()}_BASE_URL", server.address + suffix)
    monkeypatch.setenv(f"{vendor.upper()}_API_KEY", "a-key-of-the-tests-0123456789")


def opened(monkeypatch, vendor, server, *, name="model", timeout=30.0, retries=None, **options):
    """A model behind the server; patience is for a machine under load."""
    point_at(monkeypatch, vendor, server)
    model = open_model(f"{vendor}:{name}", **options)
    model.timeout, model.retries = timeout, model.retries if retries is None else retries
    return model


def ask(model, requests):
    """Every reply by position."""
    found = [pair for part in model.replies(requests, range(len(requests))) for pair in part]
    assert len(found) == len(dict(found)), "a position came twice"
    return dict(found)
