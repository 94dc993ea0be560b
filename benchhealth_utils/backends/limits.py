"""How many requests are open at once: fewer after a refusal, slowly more again."""

from __future__ import annotations

import asyncio
import time
from contextlib import asynccontextmanager

START, MOST = 4.0, 16.0


class Concurrency:
    """A gate whose width follows what the server says.

    Every success widens it by one request in as many successes as are open at
    once; "too many requests" halves it and closes it for as long as the server
    asks. That is additive increase, multiplicative decrease, as in TCP.

    Parameters
    ----------
    start, most : float
        Requests open at once: at first, and at most.
    """

    def __init__(self, start: float = START, most: float = MOST):
        self.width, self.most = start, most
        self.open = 0
        self.lowest = self.highest = start
        self._closed_until = self._narrowed = 0.0
        self._changed = asyncio.Condition()

    @asynccontextmanager
    async def slot(self):
        """Wait for a place, which is free again on leaving; gives the time of entry."""
        async with self._changed:
            while True:
                pause = self._closed_until - time.monotonic()
                if pause <= 0 and self.open < int(self.width):
                    break
                if pause > 0:
                    self._changed.release()
                    try:
                        await asyncio.sleep(pause)
                    finally:
                        await self._changed.acquire()
                else:
                    await self._changed.wait()
            self.open += 1
        try:
            yield time.monotonic()
        finally:
            async with self._changed:
                self.open -= 1
                self._changed.notify_all()

    async def succeeded(self) -> None:
        """Widen a little."""
        async with self._changed:
            self.width = min(self.most, self.width + 1 / self.width)
            self.highest = max(self.highest, self.width)
            self._changed.notify_all()

    async def refused(self, entered: float, pause: float) -> None:
        """Halve, and close for `pause` seconds.

        Requests that were open together are refused together: one that entered
        before the last halving does not count again.
        """
        async with self._changed:
            now = time.monotonic()
            self._closed_until = max(self._closed_until, now + pause)
            if entered >= self._narrowed:
                self._narrowed = now
                self.width = max(1.0, self.width / 2)
                self.lowest = min(self.lowest, self.width)
