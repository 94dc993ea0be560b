"""What a model behind an API charges, and from where that is known.

``BENCHHEALTH_PRICE`` states it, in dollars for a million tokens of the prompt
and of the reply: ``0.50/1.50`` for every model, ``openai:a=1/2,openai:b=30/60``
by model, or both, where the plain one is for all that have none of their own.
"""

from __future__ import annotations

import math
import os

from ..models import REMOTE, check_name, parts, vendor_model
from ..schema import ModelError
from .budget import PRICE, Price
from .responses import is_this_machine


def known_price(name: str) -> tuple[Price | None, str]:
    """The price of a model, and where it is from.

    Parameters
    ----------
    name : str
        Key or open form.

    Returns
    -------
    tuple of Price or None, and str
        What the user states, else what the registry lists, else 0 for a server
        on this machine; None for any other model.

    Raises
    ------
    ModelError
        If ``BENCHHEALTH_PRICE`` is no price.
    """
    spec = check_name(name)
    form, model, _ = parts(name)
    if form not in REMOTE and not (spec and spec.published == "api"):
        return None, "none, since the model runs on this machine"
    if stated := _stated(name):
        return stated, f"from {PRICE}"
    model = name if spec else model
    if listed := _listed(model):
        return Price(listed["prompt"], listed["completion"]), (
            f"the vendor's list of {listed['listed']}"
        )
    if form in REMOTE and is_this_machine(os.environ.get(f"{form.upper()}_BASE_URL", "")):
        return Price(0, 0), "none, since the server is on this machine"
    return None, f"not known; state it with {PRICE}=PROMPT/COMPLETION, in dollars for a million"


def _listed(model: str):
    """What the registry lists of a vendor's model, under that name."""
    known = vendor_model(model)
    return known and (known.snapshots.get(model, {}).get("price") or known.price)


def _stated(name: str) -> Price | None:
    text = os.environ.get(PRICE, "").strip()
    if not text:
        return None
    found: dict[str, Price] = {}
    for entry in text.split(","):
        whose, _, price = entry.strip().rpartition("=")
        if whose in found or (whose and ":" not in whose):
            raise _no_price(text)
        found[whose] = _read(price, text)
    form, source, _ = parts(name)
    return found.get(name) or found.get(f"{form}:{source}") or found.get("")


def _read(price: str, text: str) -> Price:
    try:
        prompt, completion = (float(part) for part in price.split("/"))
    except ValueError:
        raise _no_price(text) from None
    if not (0 <= prompt < math.inf and 0 <= completion < math.inf):
        raise _no_price(text)
    return Price(prompt, completion)


def _no_price(text: str) -> ModelError:
    return ModelError(
        f"{PRICE} is '{text}'; expected dollars for a million tokens of the prompt and of the "
        "reply, such as 0.50/1.50, or by model, such as openai:a=0.50/1.50,openai:b=30/60."
    )
