"""Models behind an API: many requests at once, retries, a budget, nothing lost.

What the vendors' protocols have in common. A protocol (`openai_api`,
`anthropic_api`) asks once and names what went wrong; `asking` does it for many
items. Requests run in a thread with an event loop of its own, since a notebook
has one already; replies come out as they arrive and are stored at once.
"""

from __future__ import annotations

import asyncio
import queue
import threading
from collections import Counter
from collections.abc import Collection, Iterator, Sequence

from tenacity.wait import wait_exponential, wait_random

from ..models.base import Backend, Reply, Request
from .asking import LONGEST, Asking
from .budget import Budget
from .limits import START
from .responses import is_this_machine

ATTEMPTS = 8  # of one request


class RemoteModel(Backend):
    """A model behind an API, as a backend.

    Parameters
    ----------
    name : str
    protocol : object
        Has ``endpoint``, ``place`` (its name in messages), ``modes``,
        ``signature``, ``timeout``, the method ``most(request)``, which bounds the
        tokens of a prompt and its reply, and the coroutines ``ask(request)``,
        which gives a `Reply` or raises a fault, and ``close()``.
    budget : Budget, optional
    max_tokens : int, optional
    attempts : int
        Of one request.
    shortest : float
        Seconds before the second attempt; doubled for each further one.

    Attributes
    ----------
    faults : Counter
        What went wrong, by kind, since the model was opened.
    narrowest, widest : float
        Requests open at once, at the least and at most.
    """

    def __init__(
        self,
        name: str,
        protocol,
        *,
        budget: Budget | None = None,
        max_tokens: int | None = None,
        attempts: int = ATTEMPTS,
        shortest: float = 1.0,
    ):
        self.name, self.protocol, self.max_tokens = name, protocol, max_tokens
        self.endpoint, self.place = protocol.endpoint, protocol.place
        self.modes = protocol.modes
        self.remote = not is_this_machine(self.endpoint)
        self.signature = protocol.signature
        self.budget = budget or Budget()
        self.faults: Counter[str] = Counter()
        self.narrowest = self.widest = START
        self.attempts = attempts
        self.wait = pauses(shortest)

    def replies(
        self, requests: Sequence[Request], wanted: Collection[int]
    ) -> Iterator[list[tuple[int, Reply]]]:
        """See `Backend`.

        A position can come more than once: an ``error`` takes back an earlier
        reply whose owner has become doubtful, and a new one follows.

        Raises
        ------
        Stopped
            If nothing more can be asked: the key, the budget, the endpoint.
            Everything answered until then has been yielded.
        """
        out: queue.Queue = queue.Queue()
        asking = Asking(self, requests, sorted(wanted), out.put)
        thread = threading.Thread(
            target=_run, args=(asking, out), daemon=True, name=f"requests to {self.name}"
        )
        thread.start()
        try:
            while True:
                arrived = _arrived(out)
                if replies := [item for item in arrived if isinstance(item, tuple)]:
                    yield replies
                for item in arrived:
                    if isinstance(item, BaseException):
                        raise item
                if None in arrived:
                    return
        finally:
            asking.stop()
            thread.join(timeout=10)


def pauses(shortest: float):
    """Seconds between attempts: doubled each time, with a random part."""
    return wait_exponential(shortest, max=LONGEST) + wait_random(0, shortest)


def _run(asking: Asking, out: queue.Queue) -> None:
    """What the thread does; an error is handed to the caller's, which raises it."""
    try:
        asyncio.run(asking.all())
    except asyncio.CancelledError:
        pass
    except BaseException as error:
        out.put(error)
    finally:
        out.put(None)


def _arrived(out: queue.Queue) -> list:
    """What has come in, at least one thing: replies, an error, None at the end."""
    found = [out.get()]
    try:
        while True:
            found.append(out.get_nowait())
    except queue.Empty:
        return found
