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
from .schema import BenchHealthError, ModelError

POLICY = "https://physionet.org/news/post/llm-responsible-use"
VARIABLE = "BENCHHEALTH_ZERO_RETENTION_ENDPOINTS"

# What vendors begin their keys with, and long words of letters and digits. After a
# beginning that a model's name may have too, one word has to be as mixed as in a key.
MIXED = r"(?=[A-Za-z]*[0-9])(?=[0-9]*[A-Za-z])"
SHAPES = re.compile(
    r"-----BEGIN [A-Z ]*PRIVATE KEY[A-Z ]*-----[\s\S]*?(?:-----END [A-Z ]*KEY[A-Z ]*-----|\Z)"
    r"|(?<![A-Za-z0-9])(?:"
    r"(?:sk[-_](?:proj|ant|or|admin|svcacct)|xai|gsk|pplx|nvapi|glpat|tvly)[-_]"
    r"(?=[A-Za-z_-]*[0-9])[A-Za-z0-9_-]{16,}"
    r"|(?:sk|pk|rk|csk|api|key|pa|fw)[-_](?:[A-Za-z0-9]+[-_])*?"
    rf"{MIXED}[A-Za-z0-9]{{12,}}(?:[-_][A-Za-z0-9]+)*"
    r"|(?:hf|r8|npm|dop_v1|gh[opsu]|github_pat)_[A-Za-z0-9_]{20,}"
    r"|(?:xox[a-z]|xapp)-[A-Za-z0-9-]{10,}|hooks\.slack\.com/services/[\w/]{20,}"
    r"|SG\.[\w-]{16,}\.[\w-]{16,}|AGE-SECRET-KEY-1[A-Z0-9]{20,}"
    r"|A[KS]IA[A-Z0-9]{16}|AIza[A-Za-z0-9_-]{30,}|ya29\.[A-Za-z0-9_.-]{16,}"
    r"|(?i:bearer)\s+[A-Za-z0-9._-]{16,}"
    r"|(?i:basic)\s+(?=[A-Za-z+/]*[0-9=])(?=[a-z0-9+/]*[A-Z=])[A-Za-z0-9+/]{12,}=*"
    r"|eyJ[A-Za-z0-9_-]{16,}\.[A-Za-z0-9_.-]+)"
    rf"|(?<![A-Za-z0-9/_@-]){MIXED}[A-Za-z0-9]{{32,}}(?![A-Za-z0-9])"
)
NAMED = re.compile(  # within an address, or beside the name of a key
    r"(://)[^/\s@]+(?=@)|([?&](?:api[-_]?key|key|token|access_token|sig|secret|password)=)[^&\s]+"
    r"|((?:account|access|api|secret)(?:[-_]?access)?[-_]?key\s*[=:]\s*['\"]?"
    r"|(?:passw(?:or)?d|token|secret)\s*[=:]\s*['\"]?(?=[^;&\s'\"]*\d)(?=[^;&\s'\"]*[a-z])"
    r"|passw(?:or)?d=['\"]?|--[\w-]*(?:key|token|secret|password)[=\s]+)[^;&\s'\"]{8,}",
    re.I,
)
VARIABLES = re.compile(
    r"(?:(?:_|\A|API|PG|SSH)(?:KEY|TOKEN|SECRET|PASS(?:W(?:OR)?D|PHRASE)?|CREDENTIALS?|PAT)"
    r"|_PWD|_AUTH|WEBHOOK_URL)(?:_?\d+|_(?!FILE|PATH|TYPE|DIR|UR[IL]|NAME)[A-Z]{1,4})?\Z"
)
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
