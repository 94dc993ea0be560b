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
from benchhealth_utils.backends import Request
from benchhealth_utils.backends.remote import pauses
from benchhealth_utils.schema import Example

VENDORS = ("openai", "anthropic")

UNBILLED = ("429", "429 with Retry-After", "429 with a date", "500", "529")
FAULTS = (
    "429",
    "429 with Retry-After",
    "429 with a date",
    "500",
    "529",
    "time-out",
    "cut stream",
    "malformed JSON",
    "not JSON",
    "empty choices",
    "duplicated reply",
    "wrong id",
    "unknown finish",
    "no usage",
)
OTHER_KEY = "sk-proj-of0somebody1else2entirely3"
TEXTS = ("overloaded_error: try again", "rate limit reached")  # never an answer


def letter(number):
    """The answer to an item: its number, and one of four letters."""
    return f"That is item {number}.\nAnswer: {'ABCD'[number % 4]}"


class FaultServer(ThreadingHTTPServer):
    """Serve until closed; `faults` maps a fault's name to its share of requests."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(
        self, faults=None, *, seed=0, delay=0.0, hang=1.0, answer=None, refuse=(), until=10**9
    ):
        super().__init__(("127.0.0.1", 0), Handler)
        self.shares, self.delay, self.hang = dict(faults or {}), delay, hang
        self.answer = answer or letter
        self.refuse, self.until = set(refuse), until  # faults in all
        self.random = random.Random(seed)
        self.lock = threading.Lock()
        self.injected, self.answered, self.asked = Counter(), Counter(), Counter()
        self.billed = 0  # requests that a vendor would charge for
        self.bodies, self.headers_seen, self.last, self.most_open, self.open = [], [], {}, 0, 0
        self.elsewhere = ""  # where a redirection leads
        self.same_id = None  # of every response
        self.thread = threading.Thread(target=self.serve_forever, daemon=True)

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

    def draw(self):
        """The fault of the next request, or None."""
        if self.injected.total() >= self.until:
            return None
        point, reached = self.random.random(), 0.0
        for name, share in self.shares.items():
            reached += share
            if point < reached:
                return name
        return None


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def do_POST(self):
        server = self.server
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        kind = "anthropic" if self.path.endswith("/messages") else "openai"
        raw = self.path.endswith("/completions") and not self.path.endswith("/chat/completions")
        text = body["prompt"] if raw else body["messages"][-1]["content"]
        found = re.search(r"item (\d+)", text)
        number = int(found[1]) if found else 0
        with server.lock:
            server.bodies.append(body)
            server.headers_seen.append(dict(self.headers))
            server.asked[number] += 1
            serial = len(server.bodies)
            server.open += 1
            server.most_open = max(server.most_open, server.open)
            fault = server.draw()
            if fault in ("duplicated reply", "wrong id") and not server.last.get(kind):
                fault = None
            if fault:
                server.injected[fault] += 1
            server.billed += fault not in UNBILLED
        try:
            time.sleep(server.delay)
            self.reply(server, kind, raw, number, fault, body, serial)
        finally:
            with server.lock:
                server.open -= 1

    def reply(self, server, kind, raw, number, fault, body, serial):
        for name in server.refuse & set(body):
            message = f"Unsupported parameter: '{name}' is not supported with this model."
            if name == "max_tokens":
                message += " Use 'max_completion_tokens' instead."
            return self.error(400, message)
        if fault in UNBILLED[:3]:
            wait = {"with R": "0.2", "with a": formatdate(time.time() + 1, usegmt=True)}
            wait = {"Retry-After": wait[fault[4:10]]} if "with" in fault else {}
            return self.error(429, TEXTS[1], wait)
        if fault == "redirect":
            return self.send(307, b"", {"Location": server.elsewhere + self.path})
        if fault == "a day":
            return self.error(429, TEXTS[1], {"Retry-After": "86400"})
        if fault in ("500", "529"):
            return self.error(int(fault), TEXTS[0])
        if fault == "time-out":
            return time.sleep(server.hang)
        if fault == "400":
            return self.error(400, "What is this?")
        if fault == "400 filter":
            return self.error(400, "The response was filtered: content_filter")
        if fault in ("401", "400 with the key", "500 with the key"):
            sent = self.headers.get("Authorization") or self.headers.get("x-api-key")
            return self.error(int(fault[:3]), f"Incorrect API key: {sent}, not {OTHER_KEY}")
        if fault == "context":
            return self.error(400, "This model's maximum context length is 2048 tokens.")
        whole = self.message(server, kind, raw, number, fault, serial)
        if fault == "duplicated reply":
            whole = server.last[kind]
        if fault == "wrong id":
            whole["id"] = server.last[kind]["id"]
        if server.same_id is not None:
            whole["id"] = server.same_id
        if body.get("echo"):
            whole["choices"][0]["logprobs"] = echoed(body["prompt"]) if body["logprobs"] else None
        data = json.dumps(whole).encode()
        if fault == "malformed JSON":
            data = data[:-9]
        if fault == "not JSON":
            return self.send(200, b"<html>busy</html>", {"Content-Type": "text/html"})
        if fault == "cut stream":
            return self.send(200, data[: len(data) // 2], length=len(data))
        if not fault or fault in ("no usage", "filtered", "truncated"):
            with server.lock:
                server.answered[number] += 1
                server.last[kind] = whole
        self.send(200, data)

    def message(self, server, kind, raw, number, fault, serial):
        text = server.answer(number)
        reason = {"filtered": "content_filter", "truncated": "length", "unknown finish": "what"}
        finish = reason.get(fault, "stop")
        if kind == "anthropic":
            named = {"stop": "end_turn", "length": "max_tokens", "content_filter": "refusal"}
            whole = {
                "id": f"msg_{serial}",
                "type": "message",
                "role": "assistant",
                "model": "served",
                "content": [{"type": "text", "text": text}],
                "stop_reason": named.get(finish, finish),
                "stop_sequence": None,
                "usage": {"input_tokens": 50, "output_tokens": 10},
            }
            if fault == "empty choices":
                whole["content"] = None
            if fault == "no usage":
                whole["usage"] = None
            return whole
        inside = {"text": text} if raw else {"message": {"role": "assistant", "content": text}}
        return {
            "id": f"cmpl-{serial}",
            "object": "text_completion" if raw else "chat.completion",
            "created": 1,
            "model": "served",
            "choices": []
            if fault == "empty choices"
            else [{"index": 0, "finish_reason": finish, "logprobs": None, **inside}],
            "usage": None
            if fault == "no usage"
            else {"prompt_tokens": 50, "completion_tokens": 10, "total_tokens": 60},
        }

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
        if length:
            self.close_connection = True


def echoed(prompt):
    """Log-probabilities of a prompt's words: minus the number of their letters."""
    words = list(re.finditer(r"\s*\S+", prompt))
    return {
        "text_offset": [word.start() for word in words],
        "token_logprobs": [None, *(-float(len(word[0].strip())) for word in words[1:])],
        "tokens": [word[0] for word in words],
    }


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


def opened(monkeypatch, vendor, server, *, name="model", shortest=0.01, timeout=0.5, **options):
    """A model behind the server, with short pauses and little patience."""
    point_at(monkeypatch, vendor, server)
    model = open_model(f"{vendor}:{name}", **options)
    model.protocol.timeout, model.wait = timeout, pauses(shortest)
    return model


def ask(model, requests):
    """Every reply by position; a later one for the same position counts."""
    return dict(pair for part in model.replies(requests, range(len(requests))) for pair in part)
