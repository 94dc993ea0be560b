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
from benchhealth_utils.backends.remote import pauses
from benchhealth_utils.models import Request
from benchhealth_utils.schema import Example

VENDORS = ("openai", "anthropic")

UNBILLED = (
    "429",
    "429 with Retry-After",
    "429 with a date",
    "429 with no such date",
    "500",
    "529",
)
HARMLESS = ("no usage", "odd counts", "half a letter")  # answered all the same
FAULTS = (
    "429",
    "429 with Retry-After",
    "429 with a date",
    "429 with no such date",
    "500",
    "529",
    "time-out",
    "cut stream",
    "malformed JSON",
    "not JSON",
    "deep JSON",
    "empty choices",
    "odd choices",
    "duplicated reply",
    "wrong id",
    "unknown finish",
    "odd finish",
    *HARMLESS,
)
ODD = ({"why": "stop"}, ["stop"])  # reasons to finish
COUNTS = ("many", -50, 10**400, [50], 50.5)  # none of them a count
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
        self,
        faults=None,
        *,
        seed=0,
        delay=0.0,
        hang=1.0,
        answer=None,
        refuse=(),
        until=10**9,
        rate=None,
        says="",
        code=None,
    ):
        super().__init__(("127.0.0.1", 0), Handler)
        self.shares, self.delay, self.hang = dict(faults or {}), delay, hang
        self.answer = answer or letter
        self.refuse, self.until = set(refuse), until  # faults in all
        self.rate, self.recent = rate, []  # so many answers in so many seconds
        self.says, self.code = says, code  # of a status 400; "{}" is the prompt
        self.echoed = None  # in place of the function of that name
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

    def has_room(self):
        """Whether the limit on answers in so many seconds lets one more through."""
        if self.rate is None:
            return True
        most, seconds = self.rate
        now = time.monotonic()
        self.recent = [at for at in self.recent if now - at < seconds]
        if len(self.recent) >= most:
            return False
        self.recent.append(now)
        return True

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
            fault = server.draw() if server.has_room() else "429"
            if fault in ("duplicated reply", "wrong id") and not server.last.get(kind):
                fault = None
            if fault:
                server.injected[fault] += 1
            server.billed += fault not in UNBILLED
        try:
            time.sleep(server.delay)
            self.reply(server, kind, raw, number, fault, body, serial, text)
        finally:
            with server.lock:
                server.open -= 1

    def reply(self, server, kind, raw, number, fault, body, serial, text):
        for name in server.refuse & set(body):
            message = f"Unsupported parameter: '{name}' is not supported with this model."
            if name == "max_tokens":
                message += " Use 'max_completion_tokens' instead."
            return self.error(400, message)
        if fault and fault.startswith("429"):
            return self.error(429, TEXTS[1], {"Retry-After": w} if (w := waits(fault)) else None)
        if fault and (found := re.fullmatch(r"(5\d\d) after (\w+)", fault)):
            return self.error(int(found[1]), TEXTS[0], {"Retry-After": found[2]})
        if fault == "redirect":
            return self.send(307, b"", {"Location": server.elsewhere + self.path})
        if fault in ("500", "529"):
            return self.error(int(fault), TEXTS[0])
        if fault == "time-out":
            return time.sleep(server.hang)
        if fault == "400":
            return self.error(400, "What is this?")
        if fault == "400 says":
            return self.error(400, server.says.format(text), code=server.code)
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
        if body.get("echo") and fault not in ("odd choices", "empty choices"):
            whole["choices"][0]["logprobs"] = (server.echoed or echoed)(body["prompt"])
        data = json.dumps(whole).encode()
        if fault == "deep JSON":
            data = b"[" * 10**5 + b"]" * 10**5
        if fault == "malformed JSON":
            data = data[:-9]
        if fault == "not JSON":
            return self.send(200, b"<html>busy</html>", {"Content-Type": "text/html"})
        if fault == "cut stream":
            return self.send(200, data[: len(data) // 2], length=len(data))
        if not fault or fault in (*HARMLESS, "filtered", "truncated"):
            with server.lock:
                server.answered[number] += 1
                server.last[kind] = whole
        self.send(200, data)

    def message(self, server, kind, raw, number, fault, serial):
        text = server.answer(number) + ("\ud83d" if fault == "half a letter" else "")
        reason = {"filtered": "content_filter", "truncated": "length", "unknown finish": "what"}
        finish = reason.get(fault, "stop")
        odd = COUNTS[serial % len(COUNTS)]
        if kind == "anthropic":
            named = {"stop": "end_turn", "length": "max_tokens", "content_filter": "refusal"}
            whole = {
                "id": f"msg_{serial}",
                "type": "message",
                "role": "assistant",
                "model": "served",
                "content": [{"type": "text", "text": text}],
                "stop_reason": ODD[serial % 2]
                if fault == "odd finish"
                else named.get(finish, finish),
                "stop_sequence": None,
                "usage": {"input_tokens": 50, "output_tokens": 10},
            }
            if fault == "empty choices":
                whole["content"] = None
            if fault == "odd choices":
                whole["content"] = {"text": text}
            if fault == "no usage":
                whole["usage"] = None
            if fault == "odd counts":
                whole["usage"] = {"input_tokens": odd, "output_tokens": odd}
            return whole
        inside = {"text": text} if raw else {"message": {"role": "assistant", "content": text}}
        reason = ODD[serial % 2] if fault == "odd finish" else finish
        choices = [{"index": 0, "finish_reason": reason, "logprobs": None, **inside}]
        usage = {"prompt_tokens": 50, "completion_tokens": 10, "total_tokens": 60}
        return {
            "id": f"cmpl-{serial}",
            "object": "text_completion" if raw else "chat.completion",
            "created": 1,
            "model": "served",
            "choices": {"empty choices": [], "odd choices": {"0": inside}}.get(fault, choices),
            "usage": {"no usage": None, "odd counts": dict.fromkeys(usage, odd)}.get(fault, usage),
        }

    def error(self, status, message, headers=None, code=None):
        body = {"type": "error", "error": {"type": "e", "message": message, "code": code}}
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


def waits(fault):
    """The Retry-After header of a 429, or None."""
    found = re.fullmatch(r"429 after (\w+)", fault)
    return {
        "429 with Retry-After": "0.2",
        "429 with a date": formatdate(time.time() + 1, usegmt=True),
        "429 with no such date": "Wed, 21 Oct 2015 07:28:00 +99999999999999",
    }.get(fault, found and found[1])


def echoed(prompt):
    """Log-probabilities of a prompt's words: minus the number of their letters."""
    return logs_of(re.findall(r"\s*\S+", prompt))


def echoed_with_marks(prompt):
    """The same with a beginning mark and the token that was added, as vLLM does."""
    return logs_of(["<s>", *re.findall(r"\s*\S+", prompt), " Answer"])


def echoed_without_spaces(prompt):
    """The same as vLLM has it of a LLaMA: spaces lost, what is not ASCII in pieces."""
    words = re.findall(r"[A-Za-z0-9]+|[!-~]|[^\s!-~]", prompt)
    pieces = [part for word in words for part in ([word] if word.isascii() else "\ufffd" * 2)]
    return logs_of(["<s>", *pieces, "yes"])


def logs_of(tokens):
    """Tokens with minus the number of their letters, but for the first one."""
    offsets = [sum(map(len, tokens[:i])) for i in range(len(tokens))]
    values = [None, *(-float(len(token.strip())) for token in tokens[1:])]
    return {"text_offset": offsets, "token_logprobs": values, "tokens": tokens}


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


def opened(monkeypatch, vendor, server, *, name="model", shortest=0.01, timeout=30.0, **options):
    """A model behind the server, with short pauses.

    Patience is for a machine under load; a test of time-outs asks for less.
    """
    point_at(monkeypatch, vendor, server)
    model = open_model(f"{vendor}:{name}", **options)
    model.protocol.timeout, model.wait = timeout, pauses(shortest)
    return model


def ask(model, requests):
    """Every reply by position; a later one for the same position counts."""
    return dict(pair for part in model.replies(requests, range(len(requests))) for pair in part)
