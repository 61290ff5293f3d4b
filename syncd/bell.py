"""Waking those who wait inside this process, so that nobody has to ask Redis again and again. Knows no queue."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable


class Bell:
    """Each ring wakes the one who has waited longest; several queues of one process may share a bell."""

    def __init__(self, sleep: Callable[[float], Awaitable[None]]) -> None:
        self._sleep = sleep
        self._waiting: deque[asyncio.Future[None]] = deque()
        self.rings = 0

    def ring(self) -> None:
        self.rings += 1
        while self._waiting:
            first = self._waiting.popleft()
            if not first.done():
                first.set_result(None)
                return

    async def hear(self, seconds: float, rings: int) -> None:
        """Return after `seconds`, or at a ring later than the `rings` counted when the caller last looked."""
        if self.rings != rings:
            return
        rung: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        sleeper = asyncio.ensure_future(self._sleep(seconds))
        self._waiting.append(rung)
        try:
            await asyncio.wait({rung, sleeper}, return_when=asyncio.FIRST_COMPLETED)
        except asyncio.CancelledError:
            if rung.done():
                self.ring()  # woken, but will not look: the next one shall
            raise
        finally:
            sleeper.cancel()
            if rung in self._waiting:
                self._waiting.remove(rung)
