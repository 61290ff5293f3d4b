"""When the regular chores run. Knows their names and periods, not what they do.

A chore of the whole installation runs on one daemon at a time: whoever gets its lease does it,
the others pass. A chore that fails is tried again at its next turn.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

import structlog

from services.errors import PeerError
from syncd.ledger.store import LedgerUnavailable
from syncd.redis_client import RedisUnavailable

log = structlog.get_logger()

Lock = Callable[[str, float], Awaitable[bool]]
LEASE_PART = 0.9  # of the period: the next turn may fall to another daemon


@dataclass(frozen=True)
class Chore:
    """Something to be done every so many seconds; `alone` = by one daemon of the installation only."""

    name: str
    every: float
    run: Callable[[], Awaitable[object]]
    alone: bool = True


async def turn(chore: Chore, lock: Lock) -> bool:
    """Do a chore if it is ours this time; troubles of systems and stores are logged and left to the next turn."""
    try:
        if chore.alone and not await lock(f"chore:{chore.name}", chore.every * LEASE_PART):
            return False
        await chore.run()
    except PeerError as error:
        log.info("chore.postponed", chore=chore.name, side=error.side, reason=error.reason)
    except (LedgerUnavailable, RedisUnavailable) as error:
        log.debug("chore.postponed", chore=chore.name, reason=str(error))  # readiness and the alarm tell of it, once
    return True


class Schedule:
    """Takes turns on the running loop until told to stop.

    Measured by the monotonic clock: whoever sets the machine's clock neither stops the chores nor hurries them.
    """

    def __init__(self, chores: Sequence[Chore], lock: Lock) -> None:
        self._stopping = asyncio.Event()
        self._tasks = [asyncio.create_task(self._repeat(chore, lock)) for chore in chores]

    def pause(self) -> None:
        """Begin no more turns; those under way go on to their end."""
        self._stopping.set()

    def shutdown(self) -> None:
        """End all turns now."""
        for task in self._tasks:
            task.cancel()

    async def _repeat(self, chore: Chore, lock: Lock) -> None:
        loop = asyncio.get_running_loop()
        due = loop.time()
        while not self._stopping.is_set():
            try:
                await turn(chore, lock)
            except Exception:
                log.exception("chore.bug", chore=chore.name)
            missed = (loop.time() - due) // chore.every
            due += chore.every * (missed + 1)  # a turn that came too late is not made up for
            try:
                async with asyncio.timeout(due - loop.time()):
                    await self._stopping.wait()
            except TimeoutError:
                continue
