"""OpenAI's protocol: chat completions, and raw completions with a template of ours.

Many servers speak it (vLLM, llama.cpp, ``transformers serve``); name them with
``OPENAI_BASE_URL``.
"""

from __future__ import annotations

import os

from ..schema import ModelError, digest
from . import Reply, Request
from .budget import MARKS, most_prompt_tokens
from .faults import Final, Passing
from .rendering import before_stop, with_template
from .responses import (
    PATIENT,
    TIMEOUT,
    check_endpoint,
    connection,
    counted,
    is_this_machine,
    where,
    without_path,
)
from .sdk_errors import as_fault

VENDOR = "https://api.openai.com/v1"
ADDRESS = "OPENAI_BASE_URL"
STATUSES = {
    "stop": "ok",
    "eos": "ok",  # as some servers say it
    "eos_token": "ok",
    "stop_sequence": "ok",
    "length": "truncated",
    "content_filter": "refused",
}


class OpenAIProtocol:
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

    def __init__(self, name, model, *, template=None, stop=()):
        try:
            import openai
        except ImportError:
            raise ModelError(
                f"{name} needs the package openai. Install it with `pip install -e '.[api]'`."
            ) from None
        self.name, self.model, self.template, self.stop = name, model, template, list(stop)
        self.endpoint = check_endpoint(os.environ.get(ADDRESS) or VENDOR, name)
        self.timeout = PATIENT if is_this_machine(self.endpoint) else TIMEOUT
        self.modes = ("generate", "likelihood") if template else ("generate",)
        self._openai, self._client = openai, None
        self._key = os.environ.get("OPENAI_API_KEY") or self._no_key()
        self._limit, self._temperature = "max_tokens", True
        self.signature = {
            "backend": "openai",
            "model": without_path(model),
            "endpoint": where(self.endpoint, VENDOR),
            "decoding": "temperature 0, or the vendor's own where it accepts none",
            "template": digest(template)[:16] if template else "the server's",
            "stop": self.stop,
        }

    def _no_key(self) -> str:
        if is_this_machine(self.endpoint):
            return "none"
        raise ModelError(
            f"{self.name}: no key. Set OPENAI_API_KEY in the environment (not in a notebook or "
            "a parameter); for a server of your own without keys set it to any word, and "
            "OPENAI_BASE_URL to its address."
        )

    @staticmethod
    def is_vendor() -> bool:
        """Whether it is the vendor's own address that would be asked."""
        return (os.environ.get(ADDRESS) or VENDOR).rstrip("/") == VENDOR

    def most(self, request: Request) -> tuple[int, int]:
        """Bounds on the tokens of a prompt and of its reply, over all calls for one request."""
        if not self.template:
            return most_prompt_tokens(request.messages), request.max_tokens
        prompt = len(self._prompt(request).encode()) + MARKS
        labels = [len(label.encode()) for label in request.labels]
        if labels:
            return prompt * len(labels) + sum(labels), len(labels)
        return prompt, request.max_tokens

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
            except self._openai.BadRequestError as error:
                self._adapt(str(error))
                if (self._limit, self._temperature) != sent:  # by this request or another
                    continue
                raise as_fault(error, self.name, self.endpoint) from None
            except Exception as error:
                raise as_fault(error, self.name, self.endpoint) from None
            return self._reply(answer)
        raise Final("error", "the model accepts neither form of the parameters")

    async def close(self) -> None:
        """Close the connections; the next `ask` opens new ones."""
        client, self._client = self._client, None
        if client:
            await client.close()

    def _open(self):
        """The client, made anew for each event loop; it does no retries of its own."""
        if self._client is None:
            self._client = self._openai.AsyncOpenAI(
                api_key=self._key,
                base_url=self.endpoint,
                timeout=self.timeout,
                max_retries=0,
                http_client=connection(self._openai, self.endpoint, self.timeout),
            )
        return self._client

    async def _send(self, request: Request):
        client, given = self._open(), {"model": self.model}
        if self._temperature:
            given["temperature"] = 0
        if self.stop:
            given["stop"] = self.stop
        if self.template:
            given["max_tokens"] = request.max_tokens
            return await client.completions.create(prompt=self._prompt(request), **given)
        given[self._limit] = request.max_tokens
        return await client.chat.completions.create(messages=list(request.messages), **given)

    def _prompt(self, request: Request) -> str:
        return with_template(self.template, request.messages) + request.cue

    def _adapt(self, message: str) -> None:
        """Leave out a parameter that the model refuses."""
        if "max_completion_tokens" in message:
            self._limit = "max_completion_tokens"
        elif "temperature" in message:
            self._temperature = False

    def _reply(self, answer) -> Reply:
        usage = counted(answer, "prompt_tokens", "completion_tokens")
        try:
            choice = answer.choices[0]
            text = choice.text if self.template else choice.message.content
            refusal = None if self.template else getattr(choice.message, "refusal", None)
            reason = choice.finish_reason
        except (AttributeError, IndexError, TypeError):
            raise Passing("malformed", usage=usage) from None
        if not isinstance(text, str | None):
            raise Passing("malformed", usage=usage)
        if not self._temperature:
            usage["temperature"] = "the vendor's own"
        if refusal:
            return Reply("refused", refusal, "the model declined", usage)
        status = STATUSES.get(reason)
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
        values, tokens = {}, 0
        for label in request.labels:
            try:
                answer = await self._echoed(prompt + label)
                values[label] = _log_probability(answer, len(prompt), label)
            except (Passing, Final) as fault:
                if values and fault.usage is None:  # the calls before this one were billed
                    fault.usage = {"prompt_tokens": tokens, "completion_tokens": len(values)}
                elif values:
                    fault.usage = {}
                raise
            tokens += counted(answer, "prompt_tokens", "").get("prompt_tokens", 0)
        best = max(request.labels, key=values.get)
        logprobs = {label.strip(): round(value, 4) for label, value in values.items()}
        usage = {"prompt_tokens": tokens, "completion_tokens": len(values), "logprobs": logprobs}
        return Reply("ok", f"{request.cue}{best}", "by likelihood", usage)

    async def _echoed(self, text: str):
        """A completion of one token that repeats its prompt with log-probabilities."""
        given = {"model": self.model, "prompt": text, "echo": True, "logprobs": 1}
        try:
            return await self._open().completions.create(**given, max_tokens=1, temperature=0)
        except Exception as error:
            raise as_fault(error, self.name, self.endpoint) from None


def _log_probability(answer, start: int, label: str) -> float:
    """Sum over the tokens of `label`, which begins at letter `start` of the echoed prompt."""
    usage = counted(answer, "prompt_tokens", "completion_tokens")
    try:
        logs = answer.choices[0].logprobs
    except (AttributeError, IndexError, TypeError):
        raise Passing("malformed", usage=usage) from None
    try:
        tokens = list(zip(logs.text_offset, logs.token_logprobs, strict=True))
    except (AttributeError, TypeError, ValueError):
        raise Final("error", "the server gives no log-probabilities of the prompt", usage) from None
    end = start + len(label)
    inside = [value for at, value in tokens if start <= at < end]
    if not inside or None in inside or start not in (at for at, _ in tokens):
        raise Final("error", f"no log-probability of '{label.strip()}' alone", usage)
    return sum(inside)
