"""What the remote protocols share: addresses, and the common parts of a response."""

from __future__ import annotations

import ipaddress
from urllib.parse import urlsplit

from ..schema import ModelError, digest
from ..secrets import scrubbed

TIMEOUT = 120.0  # seconds for one attempt at a vendor's
PATIENT = 600.0  # at a server on this machine, which may answer one request after the other


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
        If it is no http address, or has a user, a password or a query.
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
            f"{name}: the address of {parts.hostname} carries a password or a query. Give the "
            "key through its own environment variable, never within an address."
        )
    return address.rstrip("/")


def where(endpoint: str, vendor: str) -> str:
    """The vendor's host; of any other address only a hash, since it may name a host inside."""
    return urlsplit(vendor).hostname if endpoint == vendor else digest(endpoint)[:16]


def without_path(model: str) -> str:
    """A server's name of a model; only the last part of one that is a folder of its machine.

    >>> without_path("/srv/models/tiny"), without_path("owner/tiny")
    ('tiny', 'owner/tiny')
    """
    return model.rstrip("/").rpartition("/")[2] if model.startswith(("/", "~", ".")) else model


def connection(library, endpoint: str, timeout: float):
    """An HTTP client of an SDK's own kind, for one event loop.

    It follows no redirect, which could carry prompts and key to another
    address; and for a server on this machine it passes by the proxies that the
    environment names, so that what is meant to stay here stays here.

    Parameters
    ----------
    library : module
        ``openai`` or ``anthropic``.
    endpoint : str
    timeout : float
        Seconds.
    """
    direct = {}
    if is_this_machine(endpoint):
        schemes = ("http://", "https://", "all://")
        direct = {"trust_env": False, "mounts": dict.fromkeys(schemes)}
    return library.DefaultAsyncHttpxClient(follow_redirects=False, timeout=timeout, **direct)


def counted(answer, prompt: str, completion: str) -> dict:
    """Tokens as the server counts them, the model that it says has answered, and an id."""
    counts = getattr(answer, "usage", None)
    found = {
        "response": getattr(answer, "id", None),
        "prompt_tokens": getattr(counts, prompt, None),
        "completion_tokens": getattr(counts, completion, None),
        "served": without_path(str(getattr(answer, "model", None) or "")) or None,
    }
    return {key: value for key, value in found.items() if isinstance(value, int | str)}
