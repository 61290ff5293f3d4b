"""When the regular chores run. Knows their names and periods, not what they do.

A chore of the whole installation runs on one daemon at a time: whoever gets its lease does it,
the others pass. A chore that fails is tried again at its next turn.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import structlog
from apscheduler.schedulers.asyncio import AsyncIOScheduler
from apscheduler.triggers.interval import IntervalTrigger

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
        log.warning("chore.postponed", chore=chore.name, reason=type(error).__name__)
    return True


def schedule(chores: Sequence[Chore], lock: Lock) -> AsyncIOScheduler:
    """A started scheduler that takes turns on the running loop."""
    scheduler = AsyncIOScheduler(timezone="UTC")
    for chore in chores:
        scheduler.add_job(
            turn,
            IntervalTrigger(seconds=chore.every, timezone="UTC"),
            args=(chore, lock),
            id=chore.name,
            coalesce=True,
            max_instances=1,
            misfire_grace_time=None,
            next_run_time=datetime.now(UTC),
        )
    scheduler.start()
    return scheduler
