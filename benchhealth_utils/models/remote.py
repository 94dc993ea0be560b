"""Models behind an API: many requests at once, nothing lost, a budget never exceeded.

Requests run in a thread with an event loop of its own, since a notebook has one already;
replies come out through a queue as they arrive. The vendors' clients do the retries, and
every attempt passes `RemoteModel._attempt`, which sets money aside, reads what came back,
and tells the client whether another attempt makes sense.
"""

from __future__ import annotations

import asyncio
import json
import os
import queue
import re
import time
from collections import deque
from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from contextvars import ContextVar
from dataclasses import dataclass, replace
from email.utils import parsedate_to_datetime
from functools import partial
from importlib import import_module
from importlib.util import find_spec
from urllib.parse import urlsplit

from ..guard import check_endpoint, is_credentialed, on_this_machine, scrubbed
from ..registry import MODELS, how_to_get, parts, template, vendor_model
from ..schema import ModelError, digest, read_yaml
from .base import Backend, Replies, Reply, Request, before_stop, stated_thinking, with_template
from .money import Budget, known_price, most_tokens, reply_limit, shared_budget, stated_limit

OPEN, RETRIES, COLD = 8, 6, 3  # requests at once; of each; attempts where nobody has answered yet
IN_A_ROW = 20  # requests without an answer end the run
PATIENCE = 120.0  # seconds that a server may ask to wait; openai's client has the same bound
TIMEOUT, PATIENT, CONNECT = 120.0, 600.0, 10.0  # between two bytes; on this machine; to connect
LEAST, SLACK = 6, 64  # letters of a token at most, on average; tokens that may be missing
TEMPERATURES = (0, 0.01, None)  # the first that a model takes; None: the vendor's own
UNSENT = {"ConnectError", "ConnectTimeout", "LocalProtocolError", "PoolTimeout", "ProxyError"}
ODD = (LookupError, TypeError, AttributeError)  # of reading what has another shape
WORDS = read_yaml("servers.yaml")


class Stopped(ModelError):
    """Belongs to the run: nothing more is asked. What was answered is stored."""


@dataclass
class Call:
    """One request on its way: what its attempts have cost, and what the last one brought."""

    request: Request
    attempts: int = 0
    paid: float = 0.0
    fault: str = ""  # a word for what went wrong, such as a status
    kind: str = ""  # its meaning, as in servers.yaml; "" without a response, or with a good one
    words: str = ""
    parts: tuple = ()
    usage: dict | None = None


CALL: ContextVar[Call] = ContextVar("CALL")


class RemoteModel(Backend):
    """A model behind an API; a subclass has what is a protocol's own.

    Parameters
    ----------
    name : str
        Open form, as results name it.
    model : str
        The server's name of it.
    style : str, optional
        A chat format of ``data/templates/``: prompts are rendered here and sent as raw text.
    budget : Budget or float, optional
        Dollars that may be spent; a `Budget` is shared. By default that of the process.

    Attributes
    ----------
    retries : int
        Of one request.
    timeout : float
        Seconds for one attempt.
    """

    vendor = package = client = error = reason = path = ""
    counts: Mapping[str, tuple[str, ...]]  # fields of the usage that make up a count

    def __init__(self, name, model, style=None, budget=None):
        self.name, self.model = name, model
        self.endpoint = check_endpoint(self._address(), name)
        self.remote = not on_this_machine(self.endpoint)
        self.timeout, self.retries = TIMEOUT if self.remote else PATIENT, RETRIES
        self._key, self._form, self._reached = self._read_key(), ("max_tokens", 0), False
        self.template = template(style) if style else None
        formats = (spec.stop for spec in MODELS.values() if style and spec.template == style)
        self.stop = list(next(formats, ()))
        self.price, self.priced = known_price(name, here=not self.remote)
        own = budget if isinstance(budget, Budget) else Budget(budget)
        self.budget = shared_budget() if budget is None else own
        if budget is not None:
            self.check_price()
        known = self.endpoint == self.vendor  # another address may name a host inside
        where = urlsplit(self.vendor).hostname if known else digest(self.endpoint)[:16]
        port = f"port {urlsplit(self.endpoint).port or 80} of this machine"
        self.place = port if not self.remote else where if known else f"server {where}"
        served = self.package == "openai" and not known and not style
        self.thinking = stated_thinking() if served else {}  # vendors do not know this switch
        stated = {"reply_limit": stated_limit() or None, "thinking": self.thinking.get("thinking")}
        if self.package == "openai":
            form = digest(self.template)[:16] if style else "the server's"
            stated |= {"template": form, "stop": self.stop}
            self.path = "/completions" if style else self.path
        decoding = "temperature 0, or the vendor's own where it accepts none"
        self.signature = {"backend": self.package, "model": without_path(model)}
        self.signature |= {"name": digest(model)[:16], "endpoint": where, "decoding": decoding}
        self.signature |= {key: value for key, value in stated.items() if value is not None}

    def check_price(self) -> None:
        """Refuse a budget in dollars where no price is known."""
        if self.budget.limit is not None and self.price is None:
            raise ModelError(f"{self.name}: {WORDS['price']}")

    @classmethod
    def _address(cls) -> str:
        return os.environ.get(f"{cls.package.upper()}_BASE_URL") or cls.vendor

    def _read_key(self) -> str:
        variable = f"{self.package.upper()}_API_KEY"
        key = (os.environ.get(variable) or "").strip()
        kind = "" if key or not self.remote else self.package
        kind = kind if key.isascii() and key.isprintable() else "odd"
        if kind:
            raise ModelError(f"{self.name}: {WORDS['keys'][kind].format(variable=variable)}")
        return key or "none"

    def replies(self, requests: Sequence[Request], wanted: Collection[int]) -> Replies:
        """See `Backend`.

        Raises
        ------
        Stopped
            If nothing more can be asked: the key, the budget, the endpoint.
            Everything answered until then has been yielded.
        """
        from anyio.from_thread import start_blocking_portal  # both vendors' clients bring it

        out, left = queue.SimpleQueue(), deque(sorted(wanted))
        with start_blocking_portal(name=f"requests to {self.name}") as portal:
            asking = portal.start_task_soon(self._all, requests, left, out.put)
            asking.add_done_callback(lambda _: out.put(None))
            try:
                while (answered := out.get()) is not None:
                    yield [answered]
                asking.result()
            finally:
                asking.cancel()

    async def _all(self, requests, left: deque, give) -> None:
        """Ask all that is left; after a stop, what is open may still come in."""
        self.check_price()
        self._stop, self._answered, self._failed = None, 0, 0
        async with self._connected() as self._client:
            work = (self._work(requests, left, give) for _ in range(OPEN))
            await asyncio.gather(*work)
        if self._stop:
            raise self._stop

    async def _work(self, requests, left: deque, give) -> None:
        while left and not self._stop:
            position = left.popleft()
            call = Call(requests[position])
            CALL.set(call)
            try:
                reply = await self._ask(call)
            except Stopped as stop:
                self._stop = self._stop or stop
                return
            paid = {"dollars": round(call.paid, 8)} if self.price else {}
            tried = {"attempts": call.attempts} if call.attempts > 1 else {}
            give((position, replace(reply, usage={**reply.usage, **paid, **tried})))
            self._failed = self._failed + 1 if reply.status == "error" else 0
            if self._failed >= IN_A_ROW:
                self._stop = self._stop or self._stopped("row", reply.detail, row=IN_A_ROW)

    def body(self, request: Request, limit: str = "max_tokens", temperature=0) -> dict:
        """What is sent for a request; `limit` names the field for the tokens of its reply."""
        body = self._body(request) | {"temperature": temperature, limit: reply_limit(request)}
        return {name: value for name, value in body.items() if value is not None}

    def reply(self, request: Request, said: dict) -> Reply:
        """What a response's body says that did not come to `replies`, but in a file."""
        try:
            parts = self._parts(said)
        except ODD:
            return Reply("error", "", "the response holds no message")
        return self._reply(Call(request, parts=parts, usage=self._counted(said)), 0)

    def failure(self, request: Request, status: int, words: str) -> Reply:
        """What an error in a file means: of this request alone, as `replies` would read it."""
        words, hidden = scrubbed(encodable(words)), is_credentialed(request.example.dataset)
        state, detail = WORDS["answers"].get(meaning(status, words), WORDS["answers"]["wrong"])
        facts = {"place": "the server", "fault": status, "attempts": 1}
        return Reply(state, "", f"{detail.format(**facts)}: {'' if hidden else words[:200]}")

    def _stopped(self, kind: str, said: str, **facts) -> Stopped:
        why = WORDS["stops"][kind].format(**facts)
        return Stopped(f"{self.name}: {self.place} {why} {said}".rstrip())

    async def _ask(self, call: Call) -> Reply:
        """What comes of one request, in whatever form it has to be asked."""
        limit, degree = self._form
        while True:
            seen = self._answered
            try:
                body = self.body(call.request, limit, TEMPERATURES[degree])
                await self._client.post(self.path, body=body, cast_to=object)
            except Exception as error:
                if isinstance(error.__cause__, Stopped):
                    raise error.__cause__ from None
                if not call.kind and not isinstance(error, self._sdk.APIConnectionError):
                    raise self._stopped("odd", type(error).__name__) from None
            else:
                self._form, self._answered = (limit, degree), self._answered + 1
                return self._reply(call, TEMPERATURES[degree])
            words = call.words.lower()
            if call.kind == "wrong" and limit == "max_tokens" and "max_tokens" in words:
                limit = "max_completion_tokens"
            elif call.kind == "wrong" and "temperature" in words and degree < 2:
                degree += 1
            elif not (call.kind == "busy" and self._answered > seen):  # else it does go on
                return self._without_answer(call)

    def _without_answer(self, call: Call) -> Reply:
        """The reply where the last attempt brought none; or the end of the run."""
        hidden = is_credentialed(call.request.example.dataset)
        said = "(words left out, since the data are credentialed)" if hidden else call.words[:200]
        facts = {"place": self.place, "fault": call.fault, "attempts": call.attempts}
        if call.kind in WORDS["stops"]:
            raise self._stopped(call.kind, said, **facts)
        status, detail = WORDS["answers"][call.kind]
        return Reply(status, "", f"{detail.format(**facts)}: {said}", call.usage or {})

    def _connected(self):
        """The vendor's client, whose every attempt goes through `_attempt`.

        It follows no redirect, which could carry prompts and key to another address; and
        for a server on this machine it passes by the proxies that the environment names.
        """
        sdk = self._sdk = import_module(self.package)
        halt, model = getattr(sdk, self.error), self

        class Client(sdk.DefaultAsyncHttpxClient):
            async def send(self, request, **options):
                try:
                    once = partial(super().send, request, **options)
                    return await model._attempt(CALL.get(), once)
                except Stopped as stop:
                    raise halt(str(stop)) from stop  # of a kind that the client does not retry

        wait = sdk.Timeout(self.timeout, connect=min(CONNECT, self.timeout))
        http = Client(follow_redirects=False, timeout=wait, **self._direct())
        options = {"max_retries": self.retries, "timeout": wait, "http_client": http}
        return getattr(sdk, self.client)(api_key=self._key, base_url=self.endpoint, **options)

    def batch_client(self):
        """The vendor's client for its batches: not asynchronous, and no redirects either."""
        sdk = import_module(self.package)
        http = sdk.DefaultHttpxClient(follow_redirects=False, **self._direct())
        kind = getattr(sdk, self.client.removeprefix("Async"))
        options = {"max_retries": 0, "http_client": http}  # a batch sent twice is paid twice
        return kind(api_key=self._key, base_url=self.endpoint, **options)

    def _direct(self) -> dict:
        mounts = dict.fromkeys(("http://", "https://", "all://"))
        return {} if self.remote else {"trust_env": False, "mounts": mounts}

    async def _attempt(self, call: Call, send):
        """One attempt in its turn; what it has cost is booked, answered or not."""
        if not self._reached and call.attempts >= COLD:
            how = "cannot be reached" if call.fault == "connection" else f"only gave {call.fault}"
            raise self._stopped("cold", "", how=how, attempts=call.attempts)
        most = self.price.of(*most_tokens(call.request, self.template)) if self.price else 0.0
        while not self._stop and not self.budget.reserve(most):
            if not self.budget.open:
                facts = {"limit": self.budget.limit, "most": most, "spent": self.budget.spent}
                raise self._stopped("budget", "", **facts)
            await asyncio.sleep(0.02)  # what is open may turn out cheaper than it could be
        if self._stop:
            raise self._stop
        call.attempts, call.kind, call.words, call.usage = call.attempts + 1, "", "", {}
        try:
            response = await send()
            self._look(call, response)
            return response
        except Exception as error:
            names = {kind.__name__ for kind in type(error).__mro__}
            late = "time-out" if "TimeoutException" in names else "cut"
            call.fault, call.usage = late, {}
            if names & UNSENT:
                call.fault, call.usage = "connection", None
            raise
        finally:
            counts = [(call.usage or {}).get(name) for name in self.counts]
            cost = most if None in counts or not self.price else self.price.of(*counts)
            call.paid += self.budget.settle(most, 0.0 if call.usage is None else cost)

    def _look(self, call: Call, response) -> None:
        """Read a response; give an error its meaning, and mark it for the client."""
        self._reached, said, status = True, None, response.status_code
        text = response.content.decode("utf-8", "replace")
        with suppress(ValueError, RecursionError):
            said = json.loads(text)
            text = json.dumps(said, ensure_ascii=False)
        call.usage = self._counted(said) if status < 300 else None
        with suppress(*ODD):
            if status < 300 and not said.get("error"):
                call.parts = self._parts(said)
                return
        inner = re.search(r'"(?:code|status|status_code)": "?([345]\d\d)\b', text)
        status = int(inner[1]) if inner and status < 300 else status
        words = re.sub(r'"\w+": |<[^>]*>|[\[\]{}"]|\bnull\b', " ", encodable(text[:5000]))
        words = re.sub(r"( ,)+", ",", " ".join(words.split())).strip(" ,")
        call.words, call.fault = scrubbed(words) or "(no words, and no reply)", str(status)
        call.kind, headers = meaning(status, call.words), response.headers
        pause, again = pause_of(headers), call.kind in ("busy", "passing")
        if again and pause > PATIENCE:
            call.kind, call.fault = "wait", f"{pause / 60:.0f} minutes (status {status})"
        again = again and pause <= PATIENCE and headers.get("x-should-retry") != "false"
        response.status_code = max(status, 300)
        headers["x-should-retry"] = "true" if again else "false"
        headers["retry-after"] = str(pause)
        headers.pop("retry-after-ms", None)

    def _counted(self, said) -> dict:
        """Tokens as the server counts them, who it says has answered, and an id."""
        said = said if isinstance(said, dict) else {}
        usage = said["usage"] if isinstance(said.get("usage"), dict) else {}
        found = {}
        for name, fields in self.counts.items():
            each = [usage.get(field) or 0 for field in fields]
            if each[0] and all(type(n) is int and 0 <= n < 10**9 for n in each):
                found[name] = sum(each)  # a server that gives 0 does not count
        for name, field in (("response", "id"), ("served", "model")):
            if said.get(field) and isinstance(said[field], str):
                found[name] = without_path(encodable(said[field]))
        return found

    def _reply(self, call: Call, temperature) -> Reply:
        """What a good response says, and whether that is an answer."""
        (text, reason, refusal, thoughts), usage = call.parts, dict(call.usage)
        if temperature != 0:
            usage["temperature"] = "the vendor's own" if temperature is None else temperature
        if refusal:
            return Reply("refused", refusal, "the model declined", usage)
        status, detail = ended(reason), f"{self.reason} {encodable(str(reason))[:40]}"
        if status is None:
            return Reply("error", "", f"{detail}: not known what that means", usage)
        if not reason and usage.get("completion_tokens", 0) >= reply_limit(call.request):
            status = "truncated"
        whole, text = text, before_stop(text, self.stop)
        status = status if text == whole else "ok"  # at a server that knows no stop strings
        text = text.strip()
        if status == "ok":
            status, detail = ("ok", "") if text else ("empty", detail)
        if not text and thoughts:
            detail += f"; the reply is in its field '{thoughts}': BENCHHEALTH_MAX_TOKENS gives room"
        letters = sum(len("".join(m["content"].split())) for m in call.request.messages)
        read = usage.get("prompt_tokens", letters)
        if letters / LEAST - read > SLACK:
            status, detail = "truncated", f"of a prompt of {letters} letters it read {read} tokens"
        return Reply(status, text, detail, usage)


class OpenAIModel(RemoteModel):
    """OpenAI's protocol: chat completions, or raw ones with a template of ours."""

    vendor, package, client = "https://api.openai.com/v1", "openai", "AsyncOpenAI"
    error, reason = "OpenAIError", "finish_reason"
    path = "/chat/completions"
    counts = {name: (name,) for name in ("prompt_tokens", "completion_tokens")}

    def _body(self, request: Request) -> dict:
        switch = {"chat_template_kwargs": self.thinking or None}
        body = {"model": self.model, "stop": self.stop or None, **switch}
        if self.template:
            return body | {"prompt": with_template(self.template, request.messages) + request.cue}
        return body | {"messages": list(request.messages)}

    def _parts(self, said) -> tuple:
        """Text, reason to finish, refusal, and a field that holds thoughts."""
        choice = said["choices"][0]
        if choice.get("error"):
            raise TypeError("an error within a choice")
        message = choice.get("message") or {"content": choice["text"]}
        content, refusal = message.get("content"), message.get("refusal")
        for part in content if isinstance(content, list) else ():
            refusal = refusal or (isinstance(part, dict) and part.get("refusal"))
        fields = ("reasoning", "reasoning_content", "thinking")
        thoughts = next((field for field in fields if message.get(field)), "")
        return joined(content), choice.get("finish_reason"), refusal, thoughts


class AnthropicModel(RemoteModel):
    """Anthropic's protocol: the Messages API."""

    vendor, package, client = "https://api.anthropic.com", "anthropic", "AsyncAnthropic"
    error, reason = "AnthropicError", "stop_reason"
    cached = "cache_creation_input_tokens", "cache_read_input_tokens"
    counts = {"prompt_tokens": ("input_tokens", *cached), "completion_tokens": ("output_tokens",)}
    path = "/v1/messages"

    def _body(self, request: Request) -> dict:
        system = "\n\n".join(m["content"] for m in request.messages if m["role"] == "system")
        turns = [m for m in request.messages if m["role"] != "system"]
        return {"model": self.model, "messages": turns, "system": system or None}

    def _parts(self, said) -> tuple:
        content = said["content"]
        kinds = [] if isinstance(content, str) else [part["type"] for part in content]
        thoughts = next((kind for kind in kinds if "thinking" in kind), "")
        return joined(content), said.get("stop_reason"), None, thoughts


def open_remote(name: str, budget: Budget | float | None = None) -> RemoteModel:
    """A model behind an API; see `open_model`."""
    form, model, style = parts(name)
    for package in (form, "jinja2"):
        if find_spec(package) is None:
            raise ModelError(f"{name} needs {package}: `pip install -e '.[api]'`.")
    kind, known = {"openai": OpenAIModel, "anthropic": AnthropicModel}[form], vendor_model(model)
    if known and known.retired_since(model) and kind._address().rstrip("/") == kind.vendor:
        raise ModelError(how_to_get(known, snapshot=model))
    shown = f"{form}:{without_path(model)}" + ("" if style is None else f"#{style}")
    return kind(shown, model, style, budget)


def without_path(model: str) -> str:
    """A server's name of a model; only the last part of one that is a folder of its machine.

    >>> without_path("/srv/models/tiny"), without_path("owner/tiny")
    ('tiny', 'owner/tiny')
    """
    return model.rstrip("/").rpartition("/")[2] if model.startswith(("/", "~", ".")) else model


def encodable(text: str) -> str:
    """Text that can be written to a file: half a surrogate pair becomes a question mark."""
    return text.encode("utf-8", "replace").decode()


def meaning(status: int, words: str) -> str:
    """What an error is, as in servers.yaml; "wrong" if it is of this request alone."""
    for kind, form in WORDS["errors"].items():
        if status in form.get("status", ()):
            return kind
        if status in form.get("only", range(200, 600)) and "words" in form:
            if re.search("|".join(form["words"]), words.lower()):
                return kind
    return "passing" if status >= 500 else "wrong"


def pause_of(headers) -> float:
    """Seconds that a Retry-After header asks for, given as a number or as a date; else 0."""
    for name, unit in (("retry-after-ms", 1000), ("retry-after", 1)):
        with suppress(ValueError):
            return float(headers.get(name) or "") / unit
    try:
        return parsedate_to_datetime(headers.get("retry-after") or "").timestamp() - time.time()
    except (ValueError, TypeError, OverflowError):  # no date, or none that can be
        return 0.0


def ended(reason) -> str | None:
    """The status that a reason to finish stands for; None if nobody knows."""
    word = re.sub(r"\A(finish|stop)_reason_", "", str(reason or "").lower())
    return next((status for status, form in WORDS["ended"] if re.search(form, word)), None)


def joined(content) -> str:
    """The text of a reply's content: itself, or of its parts those that are no thoughts."""
    if isinstance(content, list):
        return "".join(map(joined, content))
    if isinstance(content, dict):
        if content.get("type") not in (None, "text", "output_text") or content.get("thought"):
            return ""
        names = (name for name in ("text", "value", "content") if name in content)
        return joined(content[next(names)])
    if not isinstance(content, str | None):
        raise TypeError("a content that is no text")
    return content or ""
