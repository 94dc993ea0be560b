"""Anthropic's protocol: the Messages API."""

from __future__ import annotations

import os

from . import Reply, Request
from .budget import most_tokens, reply_limit
from .faults import Final, Passing
from .responses import (
    PATIENT,
    TIMEOUT,
    check_endpoint,
    connected,
    counted,
    identity,
    in_shape,
    is_this_machine,
    key_of,
    place,
)
from .sdk_errors import as_fault, refuses

VENDOR = "https://api.anthropic.com"
ADDRESS = "ANTHROPIC_BASE_URL"
STATUSES = {
    "end_turn": "ok",
    "stop_sequence": "ok",
    "max_tokens": "truncated",
    "model_context_window_exceeded": "truncated",
    "refusal": "refused",
}


class AnthropicProtocol:
    """One model of Anthropic's, or of a server that speaks its protocol.

    Parameters
    ----------
    name : str
        Open form, as the user wrote it.
    model : str
    """

    modes = ("generate",)

    def __init__(self, name, model):
        import anthropic

        self.name, self.model = name, model
        self.endpoint = check_endpoint(os.environ.get(ADDRESS) or VENDOR, name)
        self.place = place(self.endpoint, VENDOR)
        self.timeout = PATIENT if is_this_machine(self.endpoint) else TIMEOUT
        self._key = key_of("ANTHROPIC_API_KEY", self.endpoint, name)
        self._anthropic, self._client, self._temperature = anthropic, None, True
        self.signature = {"backend": "anthropic", **identity(model, self.endpoint, VENDOR)}

    @staticmethod
    def is_vendor() -> bool:
        """Whether it is the vendor's own address that would be asked."""
        return (os.environ.get(ADDRESS) or VENDOR).rstrip("/") == VENDOR

    def most(self, request: Request) -> tuple[int, int]:
        """Bounds on the tokens of a prompt and of its reply."""
        return most_tokens(request)

    async def ask(self, request: Request) -> Reply:
        """One attempt.

        Raises
        ------
        Passing, Final, Stopped
        """
        for _ in range(2):  # a newer model may refuse the temperature
            sent = self._temperature
            try:
                answer = await self._send(request)
            except self._anthropic.BadRequestError as error:
                if refuses(error, "temperature", request):
                    self._temperature = False
                if self._temperature != sent:  # by this request or another
                    continue
                raise as_fault(error, self.name, self.place, request) from None
            except Exception as error:
                raise as_fault(error, self.name, self.place, request) from None
            return self._reply(answer)
        raise Final("error", "the model refuses the parameters with and without a temperature")

    async def close(self) -> None:
        """Close the connections; the next `ask` opens new ones."""
        client, self._client = self._client, None
        if client:
            await client.close()

    async def _send(self, request: Request):
        if self._client is None:  # belongs to the event loop that asks
            kind = self._anthropic.AsyncAnthropic
            self._client = connected(self._anthropic, kind, self._key, self.endpoint, self.timeout)
        system = "\n\n".join(m["content"] for m in request.messages if m["role"] == "system")
        return await self._client.messages.create(
            model=self.model,
            max_tokens=reply_limit(request),
            messages=[m for m in request.messages if m["role"] != "system"],
            **({"system": system} if system else {}),
            extra_body={"temperature": 0} if self._temperature else None,  # not every SDK has it
        )

    def _reply(self, answer) -> Reply:
        usage = counted(answer, "input_tokens", "output_tokens")
        with in_shape(usage):
            text = "".join(block.text for block in answer.content if block.type == "text").strip()
            reason = answer.stop_reason
            status = STATUSES.get(reason)
        if status is None:
            raise Passing("cut" if reason is None else "malformed", usage=usage)
        if not self._temperature:
            usage["temperature"] = "the vendor's own"
        if status == "ok" and not text:
            status = "empty"
        detail = "" if status in ("ok", "empty") else f"stop_reason {reason}"
        return Reply(status, text, detail, usage)
