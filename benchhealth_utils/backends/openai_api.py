"""OpenAI's protocol: chat completions, and raw completions with a template of ours.

Many servers speak it (vLLM, llama.cpp, ``transformers serve``); name them with
``OPENAI_BASE_URL``.
"""

from __future__ import annotations

from ..models.base import with_template
from ..schema import digest
from . import Reply, Request
from .budget import most_tokens, reply_limit
from .echo import log_probability
from .endpoint import Endpoint
from .faults import Final, Passing
from .rendering import before_stop
from .responses import counted, identity, in_shape
from .sdk_errors import refuses

WITHOUT_KEYS = (
    ". For a server of your own set OPENAI_BASE_URL to its address; on this machine that needs "
    "no key, elsewhere any word will do if the server wants none"
)
STATUSES = {
    "stop": "ok",
    "eos": "ok",  # as some servers say it
    "eos_token": "ok",
    "stop_sequence": "ok",
    "length": "truncated",
    "content_filter": "refused",
}


class OpenAIProtocol(Endpoint):
    """One model at one endpoint.

    Parameters
    ----------
    name : str
        Open form, as the user wrote it.
    model : str
        The server's name of the model.
    template : str, optional
        Jinja chat template. With it the prompt is rendered here and sent as a
        raw completion, which is how a base model is asked; without it the
        server formats the turns.
    stop : sequence of str
        What ends a reply, beside the model's own mark.
    """

    vendor = "https://api.openai.com/v1"
    address, key, without_key = "OPENAI_BASE_URL", "OPENAI_API_KEY", WITHOUT_KEYS
    package, client = "openai", "AsyncOpenAI"

    def __init__(self, name, model, *, template=None, stop=()):
        super().__init__(name, model)
        self.template, self.stop = template, list(stop)
        self.modes = ("generate", "likelihood") if template else ("generate",)
        self._limit, self._temperature = "max_tokens", True
        self.signature = {
            "backend": "openai",
            **identity(model, self.endpoint, self.vendor),
            "template": digest(template)[:16] if template else "the server's",
            "stop": self.stop,
        }

    def most(self, request: Request) -> tuple[int, int]:
        """Bounds on the tokens of a prompt and of its reply, over all calls for one request."""
        return most_tokens(request, self.template)

    async def ask(self, request: Request) -> Reply:
        """One attempt.

        Raises
        ------
        Passing, Final, Stopped
        """
        if request.labels:
            return await self._likelihood(request)
        for _ in range(3):  # a newer model may refuse two of the parameters
            sent = self._limit, self._temperature
            try:
                answer = await self._send(request)
            except self._sdk.BadRequestError as error:
                self._adapt(error, request)
                if (self._limit, self._temperature) != sent:  # by this request or another
                    continue
                raise self._fault(error, request) from None
            except Exception as error:
                raise self._fault(error, request) from None
            return self._reply(answer)
        raise Final("error", "the model accepts neither form of the parameters")

    async def _send(self, request: Request):
        client, given = self._open(), {"model": self.model}
        if self._temperature:
            given["temperature"] = 0
        if self.stop:
            given["stop"] = self.stop
        if self.template:
            given["max_tokens"] = reply_limit(request)
            return await client.completions.create(prompt=self._prompt(request), **given)
        given[self._limit] = reply_limit(request)
        return await client.chat.completions.create(messages=list(request.messages), **given)

    def _prompt(self, request: Request) -> str:
        return with_template(self.template, request.messages) + request.cue

    def _adapt(self, error, request: Request) -> None:
        """Leave out a parameter that the model refuses."""
        if self._limit == "max_tokens" and refuses(error, "max_tokens", request):
            self._limit = "max_completion_tokens"
        elif refuses(error, "temperature", request):
            self._temperature = False

    def _reply(self, answer) -> Reply:
        usage = counted(answer, "prompt_tokens", "completion_tokens")
        with in_shape(usage):
            choice = answer.choices[0]
            text = choice.text if self.template else choice.message.content
            refusal = None if self.template else getattr(choice.message, "refusal", None)
            reason = choice.finish_reason
            status = STATUSES.get(reason)
            if not isinstance(text, str | None) or not isinstance(refusal, str | None):
                raise TypeError("no text")
        if not self._temperature:
            usage["temperature"] = "the vendor's own"
        if refusal:
            return Reply("refused", refusal, "the model declined", usage)
        if status is None:
            raise Passing("cut" if reason is None else "malformed", usage=usage)
        text, whole = before_stop(text or "", self.stop), text or ""
        if status == "truncated" and text != whole:  # at a server that knows no stop strings
            status = "ok"
        text = text.strip()
        if status == "ok" and not text:
            status = "empty"
        detail = "" if status in ("ok", "empty") else f"finish_reason {reason}"
        return Reply(status, text, detail, usage)

    async def _likelihood(self, request: Request) -> Reply:
        """Compare labels by the log-probabilities that the server gives of a prompt."""
        prompt = self._prompt(request)
        values, counts = {}, []  # of the calls until now
        for label in request.labels:
            try:
                answer = await self._echoed(prompt + label, request)
                usage = counted(answer, "prompt_tokens", "completion_tokens")
                with in_shape(usage):
                    logs = answer.choices[0].logprobs
                    values[label] = log_probability(logs, prompt, label, usage)
            except (Passing, Final) as fault:
                if counts:
                    fault.usage = _billed(counts) if fault.usage is None else {}
                raise
            counts.append(usage.get("prompt_tokens"))
        best = max(request.labels, key=values.get)
        logprobs = {label.strip(): round(value, 4) for label, value in values.items()}
        usage = {**_billed(counts), "logprobs": logprobs}
        return Reply("ok", f"{request.cue}{best}", "by likelihood", usage)

    async def _echoed(self, text: str, request: Request):
        """A completion of one token that repeats its prompt with log-probabilities."""
        given = {"model": self.model, "prompt": text, "echo": True, "logprobs": 1}
        try:
            return await self._open().completions.create(**given, max_tokens=1, temperature=0)
        except Exception as error:
            raise self._fault(error, request) from None


def _billed(counts: list[int | None]) -> dict:
    """The sum over calls for one token each; nothing unless the server has counted every one."""
    if None in counts:
        return {}
    return {"prompt_tokens": sum(counts), "completion_tokens": len(counts)}
