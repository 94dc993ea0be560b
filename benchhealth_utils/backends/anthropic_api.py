"""Anthropic's protocol: the Messages API."""

from __future__ import annotations

from . import Reply, Request
from .budget import most_tokens, reply_limit
from .endpoint import Endpoint
from .faults import Final, Passing
from .responses import counted, identity, in_shape
from .sdk_errors import refuses

STATUSES = {
    "end_turn": "ok",
    "stop_sequence": "ok",
    "max_tokens": "truncated",
    "model_context_window_exceeded": "truncated",
    "refusal": "refused",
}


class AnthropicProtocol(Endpoint):
    """One model of Anthropic's, or of a server that speaks its protocol.

    Parameters
    ----------
    name : str
        Open form, as the user wrote it.
    model : str
    """

    vendor = "https://api.anthropic.com"
    address, key = "ANTHROPIC_BASE_URL", "ANTHROPIC_API_KEY"
    package, client = "anthropic", "AsyncAnthropic"
    modes = ("generate",)

    def __init__(self, name, model):
        super().__init__(name, model)
        self._temperature = True
        self.signature = {"backend": "anthropic", **identity(model, self.endpoint, self.vendor)}

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
            except self._sdk.BadRequestError as error:
                if refuses(error, "temperature", request):
                    self._temperature = False
                if self._temperature != sent:  # by this request or another
                    continue
                raise self._fault(error, request) from None
            except Exception as error:
                raise self._fault(error, request) from None
            return self._reply(answer)
        raise Final("error", "the model refuses the parameters with and without a temperature")

    async def _send(self, request: Request):
        system = "\n\n".join(m["content"] for m in request.messages if m["role"] == "system")
        return await self._open().messages.create(
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
