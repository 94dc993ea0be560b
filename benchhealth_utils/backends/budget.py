"""Money: a price, what was spent, and a stop before a budget is exceeded."""

from __future__ import annotations

import math
import os
from collections.abc import Mapping
from dataclasses import dataclass

from ..models.base import with_template
from ..schema import ModelError
from . import Request

PRICE = "BENCHHEALTH_PRICE"
LIMIT = "BENCHHEALTH_MAX_TOKENS"
MARKS = 16  # tokens a chat format may add to each message


@dataclass(frozen=True)
class Price:
    """Dollars for a million tokens, of the prompt and of the reply."""

    prompt: float
    completion: float

    def of(self, prompt: int, completion: int) -> float:
        """Dollars for so many tokens.

        >>> Price(30, 60).of(1_000_000, 500_000)
        60.0
        """
        return (prompt * self.prompt + completion * self.completion) / 1e6


def most_prompt_tokens(messages) -> int:
    """A bound on a prompt's tokens: every token is at least one byte of it."""
    return sum(len(message["content"].encode()) + MARKS for message in messages)


def stated_limit() -> int:
    """Tokens that ``BENCHHEALTH_MAX_TOKENS`` grants every reply of an API at least; 0 if not set.

    Raises
    ------
    ModelError
        If it is no whole number of at least 1.
    """
    text = os.environ.get(LIMIT, "").strip()
    if not text:
        return 0
    if not (text.isascii() and text.isdigit() and int(text)):
        raise ModelError(
            f"{LIMIT} is '{text}'; expected the tokens that a reply may have, such as 4096."
        )
    return int(text)


def reply_limit(request: Request) -> int:
    """The most tokens that an API is asked for: as the task has it, or more if that is stated."""
    return max(request.max_tokens, stated_limit())


def most_tokens(request: Request, template: str | None = None) -> tuple[int, int]:
    """Bounds on the tokens of a prompt and of its reply, over all calls for one request.

    Parameters
    ----------
    request : Request
    template : str, optional
        Jinja chat template, where the prompt is rendered here; then the labels
        of likelihood mode are one call each.
    """
    if template is None:
        return most_prompt_tokens(request.messages), reply_limit(request)
    prompt = len((with_template(template, request.messages) + request.cue).encode()) + MARKS
    labels = [len(label.encode()) for label in request.labels]
    if labels:
        return prompt * len(labels) + sum(labels), len(labels)
    return prompt, reply_limit(request)


class Budget:
    """What a run may cost, and what it has cost.

    Before a request is sent its highest possible cost is set aside, so that
    the sum of what is spent and what is still open stays within the limit.

    Parameters
    ----------
    limit : float or None
        Dollars; None sets no limit.
    price : Price or None
        None counts tokens only, and is refused together with a limit.
    beside : Budget, optional
        One of another model that spends from the same limit.
    """

    def __init__(
        self,
        limit: float | None = None,
        price: Price | None = None,
        beside: Budget | None = None,
    ):
        if limit is not None and not 0 <= limit < math.inf:
            raise ModelError(f"The budget is {limit}; expected dollars, 0 or more.")
        if limit is not None and price is None:
            raise ModelError(
                "A budget in dollars needs a price. State it, in dollars for a million tokens: "
                f"export {PRICE}=PROMPT/COMPLETION, 0/0 for a server of your own."
            )
        self.limit, self.price = limit, price
        self.spent = 0.0
        self._held: list[float] = []
        self._purse = beside._purse if beside else []
        self._purse.append(self)

    @property
    def open(self) -> float:
        """Dollars set aside for requests that have not come back."""
        return sum(self._held)

    @property
    def spent_beside(self) -> float:
        """Dollars that other models have spent from the same limit."""
        return sum(each.spent for each in self._purse if each is not self)

    @property
    def waiting(self) -> bool:
        """Whether there is anything set aside that may come back."""
        return bool(self._held)

    def most(self, prompt: int, completion: int) -> float:
        """The cost of so many tokens, in dollars; 0 without a price."""
        return self.price.of(prompt, completion) if self.price else 0.0

    def reserve(self, amount: float) -> bool:
        """Set an amount aside; False if the budget has no room for it."""
        gone = sum(each.spent + each.open for each in self._purse)
        if self.limit is not None and gone + amount > self.limit + 1e-12:
            return False
        self._held.append(amount)
        return True

    def no_room(self, amount: float) -> str:
        """What to say where an amount cannot be set aside and nothing may come back."""
        beside = self.spent_beside
        other = f", {beside:.4f} spent by another model" if beside else ""
        return (
            f"the budget of {self.limit:g} dollars has no room for another request, which can "
            f"cost {amount:.4f} ({self.spent:.4f} spent{other}). What was answered is stored; run "
            "again with a larger budget to go on."
        )

    def settle(self, amount: float, usage: Mapping | None) -> float:
        """Book what a request has cost in place of what was set aside for it.

        Parameters
        ----------
        amount : float
            What was set aside.
        usage : Mapping or None
            The server's count of tokens; without one the whole amount is
            booked. None if the request was not billed.

        Returns
        -------
        float
            Dollars.
        """
        self._held.remove(amount)
        if usage is None:
            return 0.0
        counts = usage.get("prompt_tokens"), usage.get("completion_tokens")
        cost = amount if None in counts else self.most(*counts)
        self.spent += cost
        return cost
