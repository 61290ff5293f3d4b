"""When the regular chores run. Knows their names and periods, not what they do.

A chore of the whole installation runs on one daemon at a time: whoever gets its lease does it,
the others pass. A chore that fails is tried again at its next turn.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import structlog
from apscheduler.schedulers.asyncio import AsyncIOScheduler
from apscheduler.triggers.interval import IntervalTrigger

from services.errors import PeerError
from syncd.clock import Clock, SystemClock
from syncd.ledger.store import LedgerUnavailable
from syncd.redis_client import RedisUnavailable

log = structlog.get_logger()

Lock = Callable[[str, float], Awaitable[bool]]
LEASE_PART = 0.9  # of the period: the next turn may fall to another daemon
STEP = 1.0  # seconds by which the machine's clock has moved on its own when it counts as set


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


async def _whatever_happens(chore: Chore, lock: Lock) -> None:
    """A turn; a bug in it is told, and costs this turn only; that it is cut off is told by who did it."""
    try:
        await turn(chore, lock)
    except asyncio.CancelledError:
        pass  # to the scheduler, whose task this is, it would be an error
    except Exception:
        log.exception("chore.bug", chore=chore.name)


class Schedule:
    """Takes turns on the running loop until told to stop.

    APScheduler plans by the machine's clock. Setting that back would stop all chores for as long; so whenever it was
    set, which the monotonic clock tells, all are planned anew. `watch`: seconds between two looks at the clocks.
    """

    def __init__(self, chores: Sequence[Chore], lock: Lock, clock: Clock | None = None, watch: float = 5.0) -> None:
        self._clock = clock or SystemClock()
        self._scheduler = AsyncIOScheduler(timezone="UTC")
        for chore in chores:
            self._scheduler.add_job(
                _whatever_happens,
                IntervalTrigger(seconds=chore.every, timezone="UTC"),
                args=(chore, lock),
                id=chore.name,
                coalesce=True,
                max_instances=1,
                misfire_grace_time=None,
                next_run_time=self._now(),
            )
        self._scheduler.start()
        self._watching = asyncio.create_task(self._watch(watch))

    def pause(self) -> None:
        """Begin no more turns; those under way go on to their end."""
        self._watching.cancel()
        self._scheduler.pause()

    def shutdown(self) -> None:
        """End all turns now."""
        self._watching.cancel()
        self._scheduler.shutdown(wait=False)

    def _now(self) -> datetime:
        return datetime.fromtimestamp(self._clock.now(), UTC)

    async def _watch(self, seconds: float) -> None:
        ahead = self._clock.now() - self._clock.monotonic()
        while True:
            await self._clock.sleep(seconds)
            stepped = self._clock.now() - self._clock.monotonic() - ahead
            if abs(stepped) < STEP:
                continue
            ahead += stepped
            log.info("clock.set", seconds=round(stepped), effect="all chores are planned anew")
            for job in self._scheduler.get_jobs():
                job.modify(next_run_time=self._now())
