"""What may go where: credentialed text, and keys.

MIMIC-CXR and MIMIC-III are given out by PhysioNet under an agreement. Their text may go to a
model on this machine; to a remote one only if the user has stated, for that endpoint, that
it keeps nothing; never into a notebook's output, and never under ``data/``. Keys come from
the environment and reach no notebook, log or file.
"""

from __future__ import annotations

import ipaddress
import os
import re
from urllib.parse import urlsplit

from .registry import DATASETS
from .schema import BenchHealthError, ModelError, read_yaml

POLICY = "https://physionet.org/news/post/llm-responsible-use"
VARIABLE = "BENCHHEALTH_ZERO_RETENTION_ENDPOINTS"

SECRETS = read_yaml("secrets.yaml")
BEGINS = rf"(?<![A-Za-z0-9])(?:{'|'.join(SECRETS['begins'])})"
SHAPES = re.compile("|".join([SECRETS["block"], BEGINS, SECRETS["long"]]))
NAMED = re.compile("|".join(SECRETS["named"]), re.I)
VARIABLES = re.compile(SECRETS["variables"])
LONG_HEX = re.compile(r"(?=\d*[a-f])(?=[a-f]*\d)[0-9a-f]{20,}", re.I)
SHORTEST = 8  # of the value of such a variable: "none" or "EMPTY" is no secret
BLOT = "[a key, blotted out]"


def is_credentialed(key: str) -> bool:
    """Whether a data set is given out under an agreement; only ``tier: open`` is not."""
    return key not in DATASETS or DATASETS[key].tier != "open"


def check_may_send(model, key: str) -> None:
    """Refuse to send a credentialed data set's text to a remote model.

    Parameters
    ----------
    model : Backend
        ``remote`` says whether prompts leave the machine, ``endpoint`` where to.
    key : str
        Data set.

    Raises
    ------
    BenchHealthError
        Unless the endpoint is among those that ``BENCHHEALTH_ZERO_RETENTION_ENDPOINTS``
        (comma-separated addresses) declares to retain nothing.
    """
    if not (model.remote and is_credentialed(key)):
        return
    endpoint = model.endpoint.rstrip("/")
    declared = {part.strip().rstrip("/") for part in os.environ.get(VARIABLE, "").split(",")}
    if endpoint and endpoint in declared:
        return
    raise BenchHealthError(
        f"{key} is credentialed and {model.name} is a remote model ({endpoint or 'unknown'}): "
        f"nothing was sent. PhysioNet's policy ({POLICY}) asks for zero data retention, no "
        "training and no human review, and recommends models run locally. If you have "
        f"verified this for that endpoint, state it: export {VARIABLE}={endpoint or 'ADDRESS'}"
    )


def scrubbed(text: str) -> str:
    """Text without what looks like a key, or is one of this environment.

    >>> scrubbed("Incorrect API key provided: sk-abcdefghijklmnop1234.")
    'Incorrect API key provided: [a key, blotted out].'
    """
    for name, value in os.environ.items():
        value = value.strip()  # as a server repeats it
        if VARIABLES.search(name.upper()) and len(value) >= SHORTEST:
            text = text.replace(value, BLOT)
    text = NAMED.sub(lambda found: f"{found[1] or found[2] or found[3]}{BLOT}", text)
    return SHAPES.sub(BLOT, text)


def has_secret(text: str) -> bool:
    """Whether text has something in it that looks like a key.

    >>> has_secret("hf:hf-internal-testing/tiny-random-LlamaForCausalLM")
    False
    """
    return text != scrubbed(text)


def check_no_secret(name: str, value: str) -> None:
    """Refuse a parameter that looks like a key, without repeating it.

    Raises
    ------
    BenchHealthError
    """
    if has_secret(value):
        raise BenchHealthError(
            f"The parameter {name} has something in it that looks like a key. Nothing was run "
            "or saved. Keys belong in the environment (OPENAI_API_KEY, ANTHROPIC_API_KEY). If "
            "your shell keeps a history, remove the line there, and consider a new key."
        )


def on_this_machine(endpoint: str) -> bool:
    """Whether an address is a loopback one.

    >>> on_this_machine("http://127.0.0.1:8000/v1"), on_this_machine("https://127.x.org")
    (True, False)
    """
    host = urlsplit(endpoint).hostname or ""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def check_endpoint(address: str, name: str) -> str:
    """An endpoint without its last slash.

    Raises
    ------
    ModelError
        If it is no http address, or has a user, a password, a query, or something like a key
        in its path.
    """
    try:
        url = urlsplit(address)
        sound = url.scheme in ("http", "https") and url.hostname and url.port != 0
    except ValueError:
        sound = False
    if not sound:
        what = f"'{scrubbed(address)[:40]}' is no address; expected https://host/v1."
        raise ModelError(f"{name}: {what}")
    pieces = address, *re.split(r"[/;:=,]", url.path)
    secret = any(has_secret(piece) or LONG_HEX.fullmatch(piece) for piece in pieces)
    if secret or "@" in url.netloc or url.query or url.fragment:
        what = "carries a password, a query, or something that looks like a key"
        advice = "Give the key through its own variable, never within an address."
        raise ModelError(f"{name}: the server's address {what}. {advice}")
    return address.rstrip("/")
