"""What the remote protocols share: addresses, keys, and the common parts of a response."""

from __future__ import annotations

import ipaddress
import os
import re
from contextlib import contextmanager
from urllib.parse import urlsplit

from ..schema import ModelError, digest
from ..secrets import has_secret, scrubbed
from .budget import stated_limit
from .faults import Final, Passing, Stopped

TIMEOUT = 120.0  # seconds for one attempt at a vendor's
PATIENT = 600.0  # at a server on this machine, which may answer one request after the other
CONNECT = 10.0  # of these, for the connection: before it stands nothing is sent, or billed
MANY = 10**9  # tokens that no request has
LONG_HEX = re.compile(r"(?=\d*[a-f])(?=[a-f]*\d)[0-9a-f]{20,}", re.I)


def is_this_machine(endpoint: str) -> bool:
    """Whether an address is a loopback one.

    >>> is_this_machine("http://127.0.0.1:8000/v1"), is_this_machine("https://127.x.org")
    (True, False)
    """
    host = urlsplit(endpoint).hostname or ""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def check_endpoint(address: str, name: str) -> str:
    """An endpoint without its last slash; refused if it carries a secret.

    Raises
    ------
    ModelError
        If it is no http address, has a user, a password or a query, or something
        like a key in its path.
    """
    try:
        parts = urlsplit(address)
        sound = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
    except ValueError:
        sound = False
    if not sound:
        raise ModelError(
            f"{name}: '{scrubbed(address)[:40]}' is no address; expected https://host/v1."
        )
    if "@" in parts.netloc or parts.query or parts.fragment:
        raise ModelError(
            f"{name}: the server's address carries a password or a query. Give the key through "
            "its own environment variable, never within an address."
        )
    pieces = address, *re.split(r"[/;:=,]", parts.path)
    if any(has_secret(piece) or LONG_HEX.fullmatch(piece) for piece in pieces):
        raise ModelError(
            f"{name}: the server's address has something in it that looks like a key. Give the "
            "key through its own environment variable, never within an address."
        )
    return address.rstrip("/")


def where(endpoint: str, vendor: str) -> str:
    """The vendor's host; of any other address only a hash, since it may name a host inside."""
    return urlsplit(vendor).hostname if endpoint == vendor else digest(endpoint)[:16]


def identity(model: str, endpoint: str, vendor: str) -> dict:
    """What identifies a model at an endpoint, for its signature; paths and addresses as hashes."""
    stated = stated_limit()
    return {
        "model": without_path(model),
        "name": digest(model)[:16],
        "endpoint": where(endpoint, vendor),
        "decoding": "temperature 0, or the vendor's own where it accepts none",
        **({"reply_limit": stated} if stated else {}),
    }


def place(endpoint: str, vendor: str) -> str:
    """An endpoint as messages and pages name it, which does not give its address away.

    >>> place("http://localhost:8000/v1", "https://x.org"), place("https://x.org", "https://x.org")
    ('port 8000 of this machine', 'x.org')
    """
    if endpoint == vendor:
        return where(endpoint, vendor)
    if is_this_machine(endpoint):
        port = urlsplit(endpoint).port
        return f"port {port} of this machine" if port else "this machine"
    return f"server {where(endpoint, vendor)}"


def key_of(variable: str, endpoint: str, name: str, advice: str = "") -> str:
    """The key in an environment variable, without the white space around it.

    Raises
    ------
    ModelError
        If there is none and the endpoint is not on this machine, or if it
        cannot be put into a request.
    """
    key = (os.environ.get(variable) or "").strip()
    if not key and is_this_machine(endpoint):
        return "none"
    if not key:
        raise ModelError(
            f"{name}: no key. Set {variable} in the environment (not in a notebook or a "
            f"parameter){advice}."
        )
    if not (key.isascii() and key.isprintable()):
        raise ModelError(
            f"{name}: the value of {variable} has a line end in it, or a letter that is not "
            "ASCII, so it is not a key. Nothing was sent. Set it anew."
        )
    return key


def without_path(model: str) -> str:
    """A server's name of a model; only the last part of one that is a folder of its machine.

    >>> without_path("/srv/models/tiny"), without_path("owner/tiny")
    ('tiny', 'owner/tiny')
    """
    return model.rstrip("/").rpartition("/")[2] if model.startswith(("/", "~", ".")) else model


def connected(library, kind: type, key: str, endpoint: str, timeout: float):
    """An SDK's client for one event loop.

    It does no retries of its own. It follows no redirect, which could carry
    prompts and key to another address; and for a server on this machine it
    passes by the proxies that the environment names, so that what is meant to
    stay here stays here.

    Parameters
    ----------
    library : module
        ``openai`` or ``anthropic``.
    kind : type
        Its client.
    key, endpoint : str
    timeout : float
        Seconds for one attempt.
    """
    direct = {}
    if is_this_machine(endpoint):
        schemes = ("http://", "https://", "all://")
        direct = {"trust_env": False, "mounts": dict.fromkeys(schemes)}
    seconds = library.Timeout(timeout, connect=min(CONNECT, timeout))
    http = library.DefaultAsyncHttpxClient(follow_redirects=False, timeout=seconds, **direct)
    return kind(api_key=key, base_url=endpoint, timeout=seconds, max_retries=0, http_client=http)


def counted(answer, prompt: str, completion: str) -> dict:
    """Tokens as the server counts them, the model that it says has answered, and an id.

    What is no count or no name is left out.
    """
    usage = getattr(answer, "usage", None)
    counts = {
        "prompt_tokens": getattr(usage, prompt, None),
        "completion_tokens": getattr(usage, completion, None),
    }
    names = {"response": getattr(answer, "id", None), "served": getattr(answer, "model", None)}
    found = {key: n for key, n in counts.items() if type(n) is int and 0 <= n < MANY}
    found |= {key: encodable(text) for key, text in names.items() if text and type(text) is str}
    if "served" in found:
        found["served"] = without_path(found["served"])
    return found


@contextmanager
def in_shape(usage: dict):
    """Whatever a reply of another shape than the protocol's makes go wrong, as a fault.

    Parameters
    ----------
    usage : dict
        What the reply is booked at; see `Passing`.
    """
    try:
        yield
    except (Passing, Final, Stopped):
        raise
    except Exception:
        raise Passing("malformed", usage=usage) from None


def encodable(text: str) -> str:
    """Text that can be written to a file: half a surrogate pair becomes a question mark.

    >>> encodable("a\\ud800b")
    'a?b'
    """
    return text.encode("utf-8", "replace").decode()
