"""Money: what a model behind an API charges, what may be spent, and what was."""

from __future__ import annotations

import math
import threading
from dataclasses import dataclass

from ..registry import MODELS, REMOTE, parts, vendor_model
from ..schema import ModelError
from .base import Request, stated, with_template

PRICE = "BENCHHEALTH_PRICE"
BUDGET = 5.0  # dollars, where nothing else is stated
MARKS = 16  # tokens that a chat format may add to each message, at the most


@dataclass(frozen=True)
class Price:
    """Dollars for a million tokens, of the prompt and of the reply."""

    prompt: float
    completion: float

    def of(self, prompt: float, completion: float) -> float:
        """Dollars for so many tokens.

        >>> Price(30, 60).of(1_000_000, 500_000)
        60.0
        """
        return (prompt * self.prompt + completion * self.completion) / 1e6


def known_price(name: str, *, here: bool = False) -> tuple[Price | None, str]:
    """The price of a model, and where it is from.

    Parameters
    ----------
    name : str
        Key or open form.
    here : bool
        Whether its server is on this machine.

    Returns
    -------
    tuple of Price or None, and str
        What ``BENCHHEALTH_PRICE`` states (``0.50/1.50``: dollars for a million tokens of
        the prompt and of the reply), else what the registry lists, else 0 for a server on
        this machine; None for any other model.

    Raises
    ------
    ModelError
        If ``BENCHHEALTH_PRICE`` is no price.
    """
    spec, (form, model, _) = MODELS.get(name), parts(name)
    if form not in REMOTE and not (spec and spec.published == "api"):
        return None, "none, since the model runs on this machine"
    what = "dollars for a million tokens of the prompt and of the reply, such as 0.50/1.50"
    if found := stated(PRICE, r"(\d*\.?\d+)/(\d*\.?\d+)", what):
        return Price(float(found[1]), float(found[2])), f"from {PRICE}"
    model = name if spec else model
    known = vendor_model(model)
    if listed := known and (known.snapshots.get(model, {}).get("price") or known.price):
        where = f"the vendor's list of {listed['listed']}"
        return Price(listed["prompt"], listed["completion"]), where
    if here:
        return Price(0, 0), "none, since the server is on this machine"
    return None, f"not known; state it with {PRICE}=PROMPT/COMPLETION, in dollars for a million"


class Budget:
    """What may be spent, and what was: one for all models that spend from it.

    Before a request is sent, the most it can cost is set aside, so that what is spent and
    what is still open stay within the limit together.

    Parameters
    ----------
    limit : float or None
        Dollars; None sets no limit.

    Attributes
    ----------
    spent, held : float
        Dollars: booked, and set aside for requests that have not come back.
    """

    def __init__(self, limit: float | None = None):
        number = isinstance(limit, int | float) and 0 <= limit < math.inf
        if limit is not None and not number:
            raise ModelError(f"The budget is {limit!r}; expected dollars, 0 or more.")
        self.limit, self.spent, self.held, self.open = limit, 0.0, 0.0, 0
        self._lock = threading.Lock()

    def reserve(self, amount: float) -> bool:
        """Set an amount aside; False if there is no room for it."""
        with self._lock:
            total = self.spent + self.held + amount
            if self.limit is not None and total > self.limit + 1e-12:
                return False
            self.held, self.open = self.held + amount, self.open + 1
            return True

    def settle(self, amount: float, cost: float) -> float:
        """Book what a request has cost in place of what was set aside for it."""
        with self._lock:
            self.open -= 1
            self.held = self.held - amount if self.open else 0.0
            self.spent += cost
        return cost


SHARED = Budget()


def shared_budget() -> Budget:
    """That of all models of this process opened without one: ``BENCHHEALTH_BUDGET``, or 5."""
    found = stated("BENCHHEALTH_BUDGET", r"\d*\.?\d+", "dollars, such as 2.50")
    SHARED.limit = float(found[0]) if found else BUDGET
    return SHARED


def reply_limit(request: Request) -> int:
    """Most tokens of a reply: its task's, or ``BENCHHEALTH_MAX_TOKENS`` if that is more."""
    return max(request.max_tokens, stated_limit())


def stated_limit() -> int:
    """Tokens that ``BENCHHEALTH_MAX_TOKENS`` grants every reply at least; 0 if not set.

    Raises
    ------
    ModelError
        If it is no whole number of at least 1.
    """
    found = stated("BENCHHEALTH_MAX_TOKENS", r"0*[1-9]\d*", "the tokens of a reply, such as 4096")
    return int(found[0]) if found else 0


def most_tokens(request: Request, jinja: str | None = None) -> tuple[int, int]:
    """Bounds on the tokens of a prompt and of its reply: every token is at least one byte.

    With a chat template the prompt is rendered here.
    """
    texts = [message["content"] for message in request.messages]
    texts = [with_template(jinja, request.messages) + request.cue] if jinja else texts
    return sum(len(text.encode()) + MARKS for text in texts), reply_limit(request)
