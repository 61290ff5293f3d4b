"""A clock that a test moves by hand; those who sleep on it wake when their time has come."""

from __future__ import annotations

import asyncio
from itertools import count


class Moments:
    """Epoch seconds that stand still until `move`; also the source of new ids."""

    def __init__(self, start: float = 1_800_000_000.0) -> None:
        self._time = start
        self._sleepers: list[tuple[float, asyncio.Future[None]]] = []
        self._ids = count(1)

    def now(self) -> float:
        return self._time

    def monotonic(self) -> float:
        return self._time

    def new_id(self) -> str:
        return f"{next(self._ids):032x}"

    @property
    def sleeping(self) -> tuple[float, ...]:
        """How many seconds those who sleep still have to wait."""
        return tuple(until - self._time for until, done in self._sleepers if not done.done())

    async def sleep(self, seconds: float) -> None:
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._sleepers.append((self._time + seconds, done))
        await done

    def move(self, seconds: float) -> None:
        self._time += seconds
        for until, done in self._sleepers:
            if until <= self._time and not done.done():
                done.set_result(None)
