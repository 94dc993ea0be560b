"""What the vendors' SDKs raise, as `faults`. Both SDKs use the same class names."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from ..privacy import is_credentialed
from ..secrets import scrubbed
from . import Request
from .faults import Final, Passing, Stopped
from .responses import encodable

FULL = re.compile(
    r"context[ _](?:length|window|size)|too many (?:input |prompt )?tokens|reduce the length"
    r"|(?:prompt|input|messages?|request)[ _](?:is|are) too (?:long|large)",
    re.I,
)
FILTER = re.compile(
    r"content[ _](?:filter|policy|management polic)|usage polic|safety (?:system|filter)", re.I
)
BROKE = re.compile(
    r"insufficient_quota|exceeded your current quota|billing_hard_limit|credit balance", re.I
)
REFUSAL = (
    r"(?:unsupported|not support|deprecated|no longer|unrecogni[sz]ed"
    r"|not (?:allowed|permitted|accepted)|unknown (?:parameter|field|argument))"
)
UNSENT = (  # httpx's, httpx2's
    "ConnectError",
    "ConnectTimeout",
    "LocalProtocolError",
    "PoolTimeout",
    "ProxyError",
)
ODD = (ValueError, TypeError, LookupError, AttributeError, RecursionError)  # of reading a reply
REPEATED = 4  # words of the prompt in a row are a quotation
SHOWN = 200  # letters of the server's words


def as_fault(error: Exception, name: str, place: str, request: Request | None = None) -> Exception:
    """The fault that an exception of an SDK stands for.

    Parameters
    ----------
    error : Exception
    name, place : str
        For the message.
    request : Request, optional
        What was asked.

    Returns
    -------
    Passing, Final or Stopped
        To be raised. Of the server's words only their beginning is kept,
        without what looks like a key or is repeated from the prompt; and none
        where the prompt is credentialed.
    """
    if isinstance(error, Passing | Final | Stopped):
        return error
    status = getattr(error, "status_code", None)
    if status is None:
        return _without_answer(error, name, request)
    if _is_a(error, "APIResponseValidationError") or status < 300:
        return Passing("malformed", usage={})
    said = _shown(error, request)
    words = " ".join([_field(error, "code"), _field(error, "type"), _message(error, request)])
    if status < 400:
        return Stopped(
            f"{name}: {place} answers with a redirection (status {status}), which is not "
            "followed: prompts and key go to the address that you gave and to no other."
        )
    if status == 402 or BROKE.search(words):
        return Stopped(f"{name}: {place} says that the account cannot pay ({said}).")
    if status in (401, 403):
        return Stopped(
            f"{name}: {place} refuses the key (status {status}). Check the key in the "
            "environment, and what it may use."
        )
    if status == 404:
        return Stopped(
            f"{name}: {place} knows no such model, or the address is incomplete: for "
            f"OpenAI's protocol it usually ends in /v1 (status 404). {said}"
        )
    if status in (408, 409, 429) or status >= 500:
        return Passing(str(status), pause_of(getattr(error, "response", None)))
    if FULL.search(words) or status == 413:
        return Final("truncated", "the prompt does not fit the context window")
    if FILTER.search(words):
        return Final("refused", f"content filter: {said}")
    return Final("error", f"status {status}: {said}")


def refuses(error: Exception, parameter: str, request: Request) -> bool:
    """Whether an error says that the model does not take a parameter.

    It does if the vendor's own fields say so; or if a word of refusal stands
    beside the parameter's name, outside of what is repeated from the prompt.
    """
    blamed, code = _field(error, "param"), _field(error, "code")
    if blamed and blamed != parameter:
        return False
    if blamed and code.startswith(("unsupported", "unknown")):
        return True
    near = rf"{REFUSAL}[^.]{{0,60}}\b{parameter}\b|\b{parameter}\b[^.]{{0,60}}{REFUSAL}"
    return bool(re.search(near, _message(error, request), re.I))


def pause_of(response) -> float | None:
    """Seconds that a Retry-After header asks for, given as a number or as a date."""
    headers = getattr(response, "headers", {})
    for name, unit in (("retry-after-ms", 1000), ("retry-after", 1)):
        try:
            return max(0.0, float(headers.get(name) or "") / unit)
        except ValueError:
            continue
    try:
        then = parsedate_to_datetime(headers.get("retry-after") or "")
        then = then if then.tzinfo else then.replace(tzinfo=UTC)
        return max(0.0, (then - datetime.now(UTC)).total_seconds())
    except (ValueError, TypeError, OverflowError):  # no date, or none that can be
        return None


def unquoted(text: str, request: Request | None) -> str:
    """A server's words without those that it repeats of the prompt, four or more in a row."""
    if request is None:
        return text
    prompt = _in_row([*(message["content"] for message in request.messages), request.cue])
    words = list(re.finditer(r"\w+", text))
    kept, done, at = [], 0, 0
    while at < len(words):
        end = at
        while end < len(words) and _in_row(word[0] for word in words[at : end + 1]) in prompt:
            end += 1
        if end - at < REPEATED:
            at += 1
            continue
        kept += [text[done : words[at].start()], "..."]
        done, at = words[end - 1].end(), end
    return "".join([*kept, text[done:]])


def _in_row(texts) -> str:
    """The words of texts, each between two blanks."""
    words = re.findall(r"\w+", " ".join(texts))
    return f" {' '.join(words)} "


def _message(error: Exception, request: Request | None) -> str:
    """What the server says, without what it repeats of the prompt."""
    said = _inner(error).get("message")
    said = encodable(said if isinstance(said, str) else str(error))[:2000]
    said = re.sub(r"\\[nrt]", " ", said)  # a line end within quoted JSON
    return scrubbed(unquoted(said, request))


def _shown(error: Exception, request: Request | None) -> str:
    """What may be repeated of it."""
    if request and is_credentialed(request.example.dataset):
        code = _field(error, "code")
        known = f"code {code}" if re.fullmatch(r"[\w.-]{1,40}", code) else "no code"
        return f"{known}; its words are left out, since the data are credentialed"
    return _message(error, request)[:SHOWN]


def _inner(error: Exception) -> dict:
    body = getattr(error, "body", None)
    inner = body.get("error", body) if isinstance(body, dict) else None
    return inner if isinstance(inner, dict) else {}


def _field(error: Exception, name: str) -> str:
    value = getattr(error, name, None) or _inner(error).get(name)
    return value if isinstance(value, str) else ""


def _without_answer(error: Exception, name: str, request: Request | None) -> Exception:
    """The fault where there was no HTTP answer, or one that could not be read."""
    unsent = _is_a(error.__cause__, *UNSENT)
    if _is_a(error, "APIConnectionError"):  # a time-out is one, too
        late = _is_a(error, "APITimeoutError")
        kind = "connection" if unsent else "time-out" if late else "cut"
        return Passing(kind, usage=None if unsent else {})
    if isinstance(error, ODD) and not isinstance(error, UnicodeEncodeError):
        return Passing("malformed", usage={})
    return Stopped(f"{name}: {type(error).__name__}: {_shown(error, request)}")


def _is_a(error, *names: str) -> bool:
    return not {kind.__name__ for kind in type(error).__mro__}.isdisjoint(names)
