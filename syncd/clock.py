"""Time and new ids, the only place that asks the machine for them. Everything else is handed a Clock and Ids.

Times shared between daemons are epoch seconds of Redis; a step of the machine's wall clock moves nothing.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Awaitable, Callable
from typing import Protocol

Ids = Callable[[], str]

# The sample with the shortest way there and back is the truest.
SAMPLES = 5


class Clock(Protocol):
    """What time it is, and waiting."""

    def now(self) -> float:
        """Epoch seconds UTC, the same for all daemons."""
        ...

    def monotonic(self) -> float:
        """Seconds that never go back, for lengths of time within this process."""
        ...

    async def sleep(self, seconds: float) -> None: ...


_SPARE: list[str] = []
_IDS_AT_ONCE = 64


def new_id() -> str:
    """32 hex digits nobody else has; chance is asked of the machine for many at once."""
    if not _SPARE:
        digits = os.urandom(16 * _IDS_AT_ONCE).hex()
        _SPARE.extend(digits[start : start + 32] for start in range(0, len(digits), 32))
    return _SPARE.pop()


def chance() -> float:
    """A number in [0, 1) nobody can tell in advance."""
    return int(new_id()[:13], 16) / 16**13


class SystemClock:
    """The machine's own clocks: epoch seconds of the wall clock, and seconds since some moment in the past."""

    now = staticmethod(time.time)
    monotonic = staticmethod(time.monotonic)

    async def sleep(self, seconds: float) -> None:
        """Let others run for so long."""
        await asyncio.sleep(seconds)


class SharedClock:
    """Follows the clock that `ask` reads (Redis TIME), carried on by the monotonic clock between measurings.

    Until the first `measure` it shows the machine's own time.
    """

    def __init__(self, ask: Callable[[], Awaitable[float]], machine: Clock) -> None:
        self._ask = ask
        self._machine = machine
        self.monotonic = machine.monotonic  # the machine's
        self._offset = machine.now() - machine.monotonic()
        self.ahead: float | None = None  # seconds the machine's wall clock was ahead at the last `measure`

    async def measure(self) -> float:
        """Compare with the shared clock again; answers how many seconds the machine's wall clock is ahead.

        What `ask` raises comes through, and the offset known so far stays.
        """
        samples: list[tuple[float, float]] = []
        for _ in range(SAMPLES):
            before = self.monotonic()
            shared = await self._ask()
            after = self.monotonic()
            samples.append((after - before, shared - (before + after) / 2))
        self._offset = min(samples)[1]
        self.ahead = self._machine.now() - self.now()
        return self.ahead

    def now(self) -> float:
        """Epoch seconds of the shared clock."""
        return self.monotonic() + self._offset

    async def sleep(self, seconds: float) -> None:
        """Let others run for so long."""
        await self._machine.sleep(seconds)
