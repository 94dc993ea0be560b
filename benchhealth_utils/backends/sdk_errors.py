"""What the vendors' SDKs raise, as `faults`. Both SDKs use the same class names."""

from __future__ import annotations

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from ..secrets import scrubbed
from .faults import Final, Passing, Stopped

FULL = ("context_length", "context length", "context window", "too long", "prompt is too")
FILTER = ("content_filter", "content filter", "content management", "safety", "usage policies")
BROKE = (
    "insufficient_quota",
    "exceeded your current quota",
    "billing_hard_limit",
    "credit balance",
)
UNSENT = ("ConnectError", "ConnectTimeout", "PoolTimeout", "ProxyError")  # httpx's, httpx2's


def as_fault(error: Exception, name: str, endpoint: str) -> Exception:
    """The fault that an exception of an SDK stands for.

    Parameters
    ----------
    error : Exception
    name, endpoint : str
        For the message.

    Returns
    -------
    Passing, Final or Stopped
        To be raised. Of the server's words only their beginning is kept,
        scrubbed of anything that looks like a key.
    """
    if isinstance(error, Passing | Final | Stopped):
        return error
    status = getattr(error, "status_code", None)
    words = scrubbed(str(error))
    said, low = words[:200], words[:600].lower()
    if status is None:
        return _without_answer(error, name, said)
    if _is_a(error, "APIResponseValidationError") or status < 300:
        return Passing("malformed", usage={})
    if status < 400:
        return Stopped(
            f"{name}: {endpoint} answers with a redirection (status {status}), which is not "
            "followed: prompts and key go to the address that you gave and to no other."
        )
    if status == 402 or any(word in low for word in BROKE):
        return Stopped(f"{name}: {endpoint} says that the account cannot pay ({said}).")
    if status in (401, 403):
        return Stopped(
            f"{name}: {endpoint} refuses the key (status {status}). Check the key in the "
            "environment, and what it may use."
        )
    if status == 404:
        return Stopped(
            f"{name}: {endpoint} knows no such model, or the address is incomplete: for "
            f"OpenAI's protocol it usually ends in /v1 (status 404). {said}"
        )
    if status in (408, 409, 429) or status >= 500:
        return Passing(str(status), pause_of(getattr(error, "response", None)))
    if any(word in low for word in FULL) or status == 413:
        return Final("truncated", "the prompt does not fit the context window")
    if any(word in low for word in FILTER):
        return Final("refused", f"content filter: {said}")
    return Final("error", f"status {status}: {said}")


def _without_answer(error: Exception, name: str, said: str) -> Exception:
    """The fault where there was no HTTP answer, or one that could not be read."""
    usage = None if _is_a(error.__cause__, *UNSENT) else {}
    if _is_a(error, "APITimeoutError"):
        return Passing("time-out", usage=usage)
    if _is_a(error, "APIConnectionError"):
        return Passing("connection" if usage is None else "cut", usage=usage)
    if isinstance(error, ValueError):  # JSON, or its encoding
        return Passing("malformed", usage={})
    return Stopped(f"{name}: {type(error).__name__}: {said}")


def _is_a(error, *names: str) -> bool:
    return not {kind.__name__ for kind in type(error).__mro__}.isdisjoint(names)


def pause_of(response) -> float | None:
    """Seconds that a Retry-After header asks for, given as a number or as a date."""
    headers = getattr(response, "headers", {})
    text = headers.get("retry-after") or ""
    try:
        return max(0.0, float(headers.get("retry-after-ms") or "") / 1000)
    except ValueError:
        pass
    try:
        return max(0.0, float(text))
    except ValueError:
        pass
    try:
        then = parsedate_to_datetime(text)
    except ValueError:
        return None
    then = then if then.tzinfo else then.replace(tzinfo=UTC)
    return max(0.0, (then - datetime.now(UTC)).total_seconds())
