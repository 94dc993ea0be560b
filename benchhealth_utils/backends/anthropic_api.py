"""Anthropic's protocol: the Messages API."""

from __future__ import annotations

import os

from ..schema import ModelError
from . import Reply, Request
from .budget import most_prompt_tokens
from .faults import Final, Passing
from .responses import (
    PATIENT,
    TIMEOUT,
    check_endpoint,
    connection,
    counted,
    is_this_machine,
    where,
)
from .sdk_errors import as_fault

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
        try:
            import anthropic
        except ImportError:
            raise ModelError(
                f"{name} needs the package anthropic. Install it with `pip install -e '.[api]'`."
            ) from None
        self.name, self.model = name, model
        self.endpoint = check_endpoint(os.environ.get(ADDRESS) or VENDOR, name)
        self.timeout = PATIENT if is_this_machine(self.endpoint) else TIMEOUT
        self._key = os.environ.get("ANTHROPIC_API_KEY")
        if not self._key and is_this_machine(self.endpoint):
            self._key = "none"
        if not self._key:
            raise ModelError(
                f"{name}: no key. Set ANTHROPIC_API_KEY in the environment (not in a notebook "
                "or a parameter)."
            )
        self._anthropic, self._client, self._temperature = anthropic, None, True
        self.signature = {
            "backend": "anthropic",
            "model": model,
            "endpoint": where(self.endpoint, VENDOR),
            "decoding": "temperature 0, or the vendor's own where it accepts none",
        }

    @staticmethod
    def is_vendor() -> bool:
        """Whether it is the vendor's own address that would be asked."""
        return (os.environ.get(ADDRESS) or VENDOR).rstrip("/") == VENDOR

    def most(self, request: Request) -> tuple[int, int]:
        """Bounds on the tokens of a prompt and of its reply."""
        return most_prompt_tokens(request.messages), request.max_tokens

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
                if "temperature" in str(error):
                    self._temperature = False
                if self._temperature != sent:  # by this request or another
                    continue
                raise as_fault(error, self.name, self.endpoint) from None
            except Exception as error:
                raise as_fault(error, self.name, self.endpoint) from None
            return self._reply(answer)
        raise Final("error", "the model refuses the parameters with and without a temperature")

    async def close(self) -> None:
        """Close the connections; the next `ask` opens new ones."""
        client, self._client = self._client, None
        if client:
            await client.close()

    async def _send(self, request: Request):
        if self._client is None:  # belongs to the event loop that asks
            self._client = self._anthropic.AsyncAnthropic(
                api_key=self._key,
                base_url=self.endpoint,
                timeout=self.timeout,
                max_retries=0,
                http_client=connection(self._anthropic, self.endpoint, self.timeout),
            )
        system = "\n\n".join(m["content"] for m in request.messages if m["role"] == "system")
        return await self._client.messages.create(
            model=self.model,
            max_tokens=request.max_tokens,
            messages=[m for m in request.messages if m["role"] != "system"],
            **({"system": system} if system else {}),
            extra_body={"temperature": 0} if self._temperature else None,  # not every SDK has it
        )

    def _reply(self, answer) -> Reply:
        usage = counted(answer, "input_tokens", "output_tokens")
        try:
            text = "".join(block.text for block in answer.content if block.type == "text").strip()
            reason = answer.stop_reason
        except (AttributeError, TypeError):
            raise Passing("malformed", usage=usage) from None
        status = STATUSES.get(reason)
        if status is None:
            raise Passing("cut" if reason is None else "malformed", usage=usage)
        if not self._temperature:
            usage["temperature"] = "the vendor's own"
        if status == "ok" and not text:
            status = "empty"
        detail = "" if status in ("ok", "empty") else f"stop_reason {reason}"
        return Reply(status, text, detail, usage)
