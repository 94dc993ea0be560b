"""Putting many requests to one model: workers, retries, and what each item has cost."""

from __future__ import annotations

import asyncio
from collections import Counter, defaultdict, deque
from collections.abc import Callable
from contextlib import suppress
from functools import partial

from tenacity import AsyncRetrying, RetryError, retry_if_exception_type

from . import Reply
from .faults import Final, Passing, Stopped
from .limits import START, Concurrency
from .owners import Owners

COLD = 3  # attempts at an endpoint that has never answered
LOST = 3  # requests in a row that got nothing in all their attempts
REFUSED = 20  # requests in a row that the server called wrong
PATIENCE = 600.0  # longest pause that a server may ask for, in seconds
LONGEST = 60.0  # between two attempts, unless a server with too many requests asks for more
DOUBTFUL = "its response id came again, for another item"


class Halted(Exception):
    """The run has stopped; this request was not sent."""


class Asking:
    """One call of `RemoteModel.replies`, inside its thread.

    Parameters
    ----------
    model : RemoteModel
    requests : sequence of Request
    wanted : sequence of int
        Positions in `requests`.
    give : callable
        Takes ``(position, Reply)``.
    """

    def __init__(self, model, requests, wanted, give: Callable):
        self.model, self.requests, self._give = model, requests, give
        self.left = deque(wanted)  # shared by the workers
        self.owners = Owners()
        self.attempts: Counter[int] = Counter()
        self.turned_away: Counter[int] = Counter()  # attempts that do not count
        self.paid: defaultdict[int, float] = defaultdict(float)
        self.unanswered = 0  # in a row
        self.replies = 0
        self.met = asyncio.Event()  # the endpoint has answered, if only with an error
        self.halted = False
        self.sending: set[asyncio.Task] = set()
        self.loop = self.task = None

    def stop(self) -> None:
        """Give up what is still open; called from another thread."""
        self.halted = True
        if self.loop is not None:
            with suppress(RuntimeError):  # the loop has closed meanwhile
                self.loop.call_soon_threadsafe(self.task.cancel)

    async def all(self) -> None:
        """Ask everything that is left.

        Raises
        ------
        Stopped
        """
        self.task = asyncio.current_task()
        self.gate, self.booked = Concurrency(), asyncio.Event()
        self.loop = asyncio.get_running_loop()
        if self.halted:
            return
        workers = [asyncio.create_task(self._work(i)) for i in range(int(self.gate.most))]
        try:
            done, _ = await asyncio.wait(workers, return_when=asyncio.FIRST_EXCEPTION)
            failed = [task.exception() for task in done if task.exception()]
            if failed:
                self.halted = True  # what is open may come in, nothing new is asked
                for task in set(workers) - self.sending:
                    task.cancel()
                await asyncio.wait(workers)
                raise failed[0]
        finally:
            for task in workers:
                task.cancel()
            await asyncio.gather(*workers, return_exceptions=True)
            self.model.narrowest = min(self.model.narrowest, self.gate.lowest)
            self.model.widest = max(self.model.widest, self.gate.highest)
            await self.model.protocol.close()

    async def _work(self, number: int) -> None:
        if number >= START:  # a few will do to find out whether anybody is there
            await self.met.wait()
        while self.left and not self.halted:
            position = self.left.popleft()
            try:
                await self._ask(position)
            except Halted:
                return
            except Final as fault:
                self._answer(position, Reply(fault.status, "", fault.detail, fault.usage or {}))
                if fault.status == "error":
                    self._count_unanswered(REFUSED, f"the last with '{fault.detail}'")
            except RetryError as error:
                if self.halted:
                    return
                kind = error.last_attempt.exception().kind
                tried = error.last_attempt.attempt_number
                if not self.met.is_set():
                    how = "cannot be reached" if kind == "connection" else f"only gave '{kind}'"
                    raise Stopped(
                        f"{self.model.name}: {self.model.place} {how} ({tried} attempts). Check "
                        "the address, the network, and that the server runs."
                    ) from None
                self._answer(position, Reply("error", "", f"no answer in {tried} attempts: {kind}"))
                self._count_unanswered(LOST, f"in {tried} attempts each, the last for '{kind}'")

    def _count_unanswered(self, most: int, how: str) -> None:
        self.unanswered += 1
        if self.unanswered >= most:
            raise Stopped(
                f"{self.model.name}: {self.unanswered} requests in a row got no answer from "
                f"{self.model.place} {how}. What was answered is stored; run again later."
            )

    async def _ask(self, position: int) -> None:
        """One item, with its retries.

        A refusal for too many requests is no attempt if another item was
        answered since the last one: the server does go on, only slowly.
        """
        seen, self.turned_away[position] = self.replies, 0
        async for attempt in AsyncRetrying(
            stop=partial(self._enough, position),
            wait=self._pause,
            retry=retry_if_exception_type(Passing),
        ):
            with attempt:
                try:
                    reply = await self._send(position)
                    self._claim(position, reply)
                except Passing as fault:
                    self.model.faults[fault.kind] += 1
                    if fault.is_limit and fault.usage is None and self.replies > seen:
                        self.turned_away[position] += 1
                    seen = self.replies
                    raise
                except Final as fault:
                    self.model.faults[fault.status] += 1
                    raise

    async def _send(self, position: int) -> Reply:
        """One attempt, in its turn; what it has cost is booked, answered or not."""
        request, budget, task = self.requests[position], self.model.budget, asyncio.current_task()
        most = budget.most(*self.model.protocol.most(request))
        await self._set_aside(most)
        usage = None  # nothing is sent yet
        try:
            async with self.gate.slot() as entered:
                if self.halted:
                    raise Halted
                self.sending.add(task)
                usage = {}  # it may be billed, for all that is known
                self.attempts[position] += 1
                reply = await self._one_reply(request, entered)
                usage = reply.usage
                await self.gate.succeeded()
                return reply
        except Stopped:
            usage = None
            raise
        except (Passing, Final) as fault:
            usage = fault.usage
            raise
        finally:
            self.paid[position] += budget.settle(most, usage)
            self.booked.set()
            self.sending.discard(task)

    async def _one_reply(self, request, entered: float) -> Reply:
        """What the protocol says; the gate learns of it before another request takes the place."""
        protocol = self.model.protocol
        try:
            try:
                async with asyncio.timeout(protocol.timeout * max(1, len(request.labels))):
                    reply = await protocol.ask(request)
            except TimeoutError:
                raise Passing("time-out", usage={}) from None
            self.met.set()
            self.replies += 1
            return reply
        except Final:
            self.met.set()
            raise
        except Passing as fault:
            if fault.kind.isdigit():  # a status
                self.met.set()
            self._check_patience(fault)
            if fault.is_limit and self.met.is_set():
                await self.gate.refused(entered, fault.pause or 0.0)
            raise
        except Stopped:
            self.halted = True
            raise

    async def _set_aside(self, most: float) -> None:
        """Wait until the budget has room; what is open may turn out cheaper than it could be."""
        budget = self.model.budget
        while not budget.reserve(most):
            if not budget.waiting:
                raise Stopped(f"{self.model.name}: {budget.no_room(most)}")
            self.booked.clear()
            await self.booked.wait()

    def _claim(self, position: int, reply: Reply) -> None:
        """Give a reply out, if it is this item's.

        One response id for two items: nobody can tell whose reply it is, so
        the earlier one is taken back and both are asked again.
        """
        identifier = reply.usage.get("response")
        if self.owners.claim(position, identifier):
            self.unanswered = 0
            self._answer(position, reply)
            return
        owner = self.owners.take_back(identifier)
        if owner is not None:
            self._answer(owner, Reply("error", "", DOUBTFUL))
            self.left.append(owner)
        if self.owners.hopeless(identifier):
            raise Stopped(
                f"{self.model.name}: {self.model.place} gives one response id to several "
                "replies, so nobody can tell whose they are. What was answered is stored."
            )
        raise Passing("duplicate")

    def _answer(self, position: int, reply: Reply) -> None:
        """Give a reply out, with what its item has cost in all its attempts."""
        usage = dict(reply.usage)
        if self.model.budget.price is not None:
            usage["dollars"] = round(self.paid[position], 8)
        if self.attempts[position] > 1:
            usage["attempts"] = self.attempts[position]
        self._give((position, Reply(reply.status, reply.text, reply.detail, usage)))

    def _enough(self, position: int, state) -> bool:
        attempts = state.attempt_number - self.turned_away[position]
        return self.halted or attempts >= (self.model.attempts if self.met.is_set() else COLD)

    def _pause(self, state) -> float:
        fault = state.outcome.exception()
        wanted = fault.pause or 0.0
        return max(wanted if fault.is_limit else min(wanted, LONGEST), self.model.wait(state))

    def _check_patience(self, fault: Passing) -> None:
        if fault.pause and fault.pause > PATIENCE:
            self.halted = True
            raise Stopped(
                f"{self.model.name}: {self.model.place} answers with status {fault.kind} and asks "
                f"to wait {fault.pause / 60:.0f} minutes. What was answered is stored; run again "
                "then."
            ) from None
