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
WAITS = {"429 with Retry-After": "0.2", "429 with a date": None,
         "429 with no such date": "Wed, 21 Oct 2015 07:28:00 +99999999999999"}  # fmt: skip
UNBILLED = ("429", *WAITS, "500", "529")
HARMLESS = ("no usage", "odd counts", "half a letter", "wrong id", "no reason")  # answered
FAULTS = (*UNBILLED, "time-out", "cut stream", "malformed JSON", "not JSON", "deep JSON",
          "empty choices", "odd choices", "unknown finish", "odd finish", *HARMLESS)  # fmt: skip
COUNTS = ("many", -50, 10**400, [50], 50.5)  # none of them a count
OTHER_KEY = "sk-proj-of0somebody1else2entirely3"
TEXT = "overloaded_error: try again"  # never an answer
WRITTEN = 10  # tokens of every reply


def letter(number):
    """The answer to an item: its number, and one of four letters."""
    return f"That is item {number}.\nAnswer: {'ABCD'[number % 4]}"


def text_of(body):
    """The last turn of what was sent."""
    return body["prompt"] if "prompt" in body else body["messages"][-1]["content"]


def tokens(body):
    """As the server counts a prompt."""
    return 40 + len(text_of(body)) // 4


class Loopback(ThreadingHTTPServer):
    """A server of this machine, in a thread, until it is closed."""

    daemon_threads, request_queue_size = True, 128

    def __init__(self, handler):
        super().__init__(("127.0.0.1", 0), handler)
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


class FaultServer(Loopback):
    """Serve until closed.

    `faults` maps a fault's name to its share of requests, up to `until` of them; `says`, if
    given, makes of a request's body the status and the body of the response.
    """

    def __init__(
        self, faults=None, *, seed=0, delay=0.0, hang=1.0, answer=letter, until=10**9, says=None
    ):
        super().__init__(Handler)
        self.shares, self.until, self.says, self.answer = faults or {}, until, says, answer
        self.delay, self.hang, self.elsewhere = delay, hang, ""  # where a redirection leads
        self.random, self.lock = random.Random(seed), threading.Lock()
        self.injected, self.asked = Counter(), Counter()
        self.billed, self.read = 0, 0  # requests that a vendor would charge for; their tokens
        self.bodies, self.headers_seen, self.open, self.most_open = [], [], 0, 0

    def dollars(self, prompt, completion):
        """What a vendor would charge, at dollars for a million tokens."""
        return (self.read * prompt + self.billed * WRITTEN * completion) / 1e6

    def note(self, body, headers):
        """Keep what was asked, and draw its fault; faults take turns."""
        with self.lock:
            self.bodies.append(body)
            self.headers_seen.append({name.lower(): value for name, value in headers.items()})
            found = re.search(r"item (\d+)", text_of(body))
            number = int(found[1]) if found else 0
            self.asked[number] += 1
            self.open += 1
            self.most_open = max(self.most_open, self.open)
            fault = None
            if self.injected.total() < self.until:
                if self.random.random() < sum(self.shares.values()):
                    fault = [*self.shares][self.injected.total() % len(self.shares)]
                    self.injected[fault] += 1
            if fault not in UNBILLED:
                self.billed, self.read = self.billed + 1, self.read + tokens(body)
            return number, fault


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        number, fault = self.server.note(body, self.headers)
        try:
            time.sleep(self.server.delay)
            self.reply(self.server, number, fault, body)
        finally:
            with self.server.lock:
                self.server.open -= 1

    def reply(self, server, number, fault, body):
        if fault is None and server.says:
            return self.send(*server.says(body))
        if fault and (found := re.match(r"(4\d\d|5\d\d)(?: after (\w+))?", fault)):
            wait = formatdate(time.time() + 1, usegmt=True) if "a date" in fault else found[2]
            wait = WAITS.get(fault) or wait
            sent = self.headers.get("Authorization") or self.headers.get("x-api-key")
            key = f"Incorrect API key: {sent}, not {OTHER_KEY}"
            words = key if "key" in fault or found[1] == "401" else TEXT
            headers = {"Retry-After": wait} if wait else {"Retry-After-Ms": "10"}
            return self.send(int(found[1]), {"error": {"type": "e", "message": words}}, headers)
        if fault == "redirect":
            return self.send(307, "", {"Location": server.elsewhere + self.path})
        if fault == "time-out":
            return time.sleep(server.hang)
        data = json.dumps(self.message(number, fault, body))
        if fault == "cut stream":
            return self.send(200, data[: len(data) // 2], length=len(data))
        odd = {"deep JSON": "[" * 10**5, "malformed JSON": data[:-9], "not JSON": "<p>busy</p>"}
        self.send(200, odd.get(fault, data))

    def message(self, number, fault, body):
        """A response in the protocol that was asked, with a fault in it."""
        kind = "anthropic" if self.path.endswith("/messages") else "openai"
        text = self.server.answer(number) + "\ud83d" * (fault == "half a letter")
        finish = {"unknown finish": "what", "odd finish": {"why": "stop"}, "no reason": None}
        usage = {"prompt_tokens": tokens(body), "completion_tokens": WRITTEN}
        if fault == "odd counts":
            usage["prompt_tokens"] = COUNTS[number % len(COUNTS)]
        content = text if kind == "openai" else [{"type": "text", "text": text}]
        said = chat(
            content, finish.get(fault, "stop"), kind, None if "no u" in str(fault) else usage
        )
        said["id"] = "again" if fault == "wrong id" else f"id-{number}"
        if "prompt" in body:
            said["choices"][0] = {"text": text, "finish_reason": "stop"}
        field = "choices" if kind == "openai" else "content"
        odd = {"empty choices": None, "odd choices": {"0": text}}
        return said | ({field: odd[fault]} if fault in odd else {})

    def send(self, status, said, headers=None, length=None):
        data = (said if isinstance(said, str) else json.dumps(said)).encode()
        page = {"Content-Type": "text/html" if data.startswith(b"<") else "application/json"}
        self.send_response(status)
        for name, value in {**page, **(headers or {})}.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(length or len(data)))
        self.end_headers()
        self.wfile.write(data)
        self.close_connection = bool(length)


def chat(content="Answer: C", finish="stop", kind="openai", usage=None, **message):
    """A response in either protocol, whatever it holds."""
    if kind == "anthropic":
        names = {"prompt_tokens": "input_tokens", "completion_tokens": "output_tokens"}
        usage = usage and {names.get(name, name): count for name, count in usage.items()}
        said = {"type": "message", "role": "assistant", "content": content, "stop_reason": finish}
        return said | {"id": "m", "model": "served", "usage": usage}
    inside = {"role": "assistant", "content": content, **message}
    choice = {"index": 0, "finish_reason": finish, "message": inside}
    return {"id": "c", "model": "served", "usage": usage, "choices": [choice]}


def items(count):
    """Requests whose prompts carry their position."""
    return [
        Request(Example(str(i), "medqa", {}, "", str(i)), max_tokens=20,
                messages=({"role": "user", "content": f"Question about item {i}."},))
        for i in range(count)
    ]  # fmt: skip


def point_at(monkeypatch, vendor, server):
    """The environment of a user whose models are behind this server."""
    suffix = "/v1" if vendor == "openai" else ""
    monkeypatch.setenv(f"{vendor.upper()}_BASE_URL", server.address + suffix)
    monkeypatch.setenv(f"{vendor.upper()}_API_KEY", "a-key-of-the-tests-0123456789")


def opened(monkeypatch, vendor, server, *, name="model", timeout=30.0, retries=6, **options):
    """A model behind the server; patience is for a machine under load."""
    point_at(monkeypatch, vendor, server)
    model = open_model(f"{vendor}:{name}", **options)
    model.timeout, model.retries = timeout, retries
    return model


def ask(model, requests):
    """Every reply by position."""
    found = [pair for part in model.replies(requests, range(len(requests))) for pair in part]
    assert len(found) == len(dict(found)), "a position came twice"
    return dict(found)
