"""A worker: takes the most urgent key, does its job, puts the key back if more is to come.

Knows nothing of fields and systems. Holds the one `except Exception` of the daemon: whatever a
record does to us, the next one is served.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

import structlog

from services.ports import CircuitState, Urgency
from services.ports import lane as in_lane
from syncd.context import Context
from syncd.endings import Ended
from syncd.glance import glance
from syncd.job import Job, claim
from syncd.lanes import Lane
from syncd.ledger import work
from syncd.ledger.store import LedgerUnavailable
from syncd.ledger.work import Due
from syncd.model import Notice
from syncd.queue import EVERYTHING, Queue, Shift, Taken
from syncd.redis_client import RedisUnavailable

log = structlog.get_logger()

IDLE_WAIT = 30.0  # seconds; the queue's bell rings earlier
BUSY_WAIT = 2.0
TROUBLE_WAIT = 2.0
JUST_NOW = 60.0  # seconds since it was due within which an edit may use what is kept for people
CLOSED_WAIT = 5.0
BELIEVED = 1.0


class Circuits(Protocol):
    async def look(self, side: str) -> CircuitState: ...


Observe = Callable[[str, str, float], None]


class Outlook:
    """For how long a system is away, as all workers of a process want to know before each job: asked by one for all.

    That all is well is believed for `BELIEVED` seconds; a call meets the circuit in any case.
    """

    def __init__(self, circuits: Circuits, monotonic: Callable[[], float]) -> None:
        self._circuits = circuits
        self._monotonic = monotonic
        self._well_until = float("-inf")

    async def away(self) -> float:
        """Seconds, 0.0 where both are there."""
        if self._monotonic() < self._well_until:
            return 0.0
        for side in ("espocrm", "advoware"):
            seconds = (await self._circuits.look(side)).seconds
            if seconds > 0:
                return seconds
        self._well_until = self._monotonic() + BELIEVED
        return 0.0


@dataclass(frozen=True)
class Crew:
    """What all workers of a process share. `contexts` by entity name.

    `observe(ended, lane, seconds)` is told of every job, `turn(worker)` when a worker begins its next turn.
    """

    contexts: Mapping[str, Context]
    queue: Queue
    outlook: Outlook
    sleep: Callable[[float], Awaitable[None]]
    observe: Observe
    turn: Callable[[str], None]


async def work_on(crew: Crew, owner: str, stopping: asyncio.Event, shift: Shift = EVERYTHING) -> None:
    """Serve the keys of a shift until told to stop; the job under way is finished first."""
    while not stopping.is_set():
        crew.turn(owner)
        try:
            away = await crew.outlook.away()
            if away > 0:  # a record that is taken could only wait, and would use calls for that
                await crew.sleep(min(away, CLOSED_WAIT))
                continue
            context = next(iter(crew.contexts.values()))
            taken = await crew.queue.take(owner, context.settings.lease, shift)
            if taken is None:
                await crew.queue.wait(IDLE_WAIT, shift)
                continue
            await serve(crew, taken)
        except (RedisUnavailable, LedgerUnavailable) as error:
            log.debug("worker.waiting", reason=str(error))  # readiness and the alarm tell of it, once
            await crew.sleep(TROUBLE_WAIT)


async def serve(crew: Crew, taken: Taken) -> Ended | None:
    """Do one job and put back what is left of it."""
    context = crew.contexts.get(taken.key.partition("/")[0])
    if context is None:
        await crew.queue.finish(taken)
        return None
    if taken.too_soon > 0:
        await _put_off(crew, context, taken)
        return None
    started = context.clock.monotonic()
    keeping = asyncio.create_task(_keep(crew, taken, context.settings.lease))
    ended: Ended | None = None
    due: Due | None = None
    try:
        with structlog.contextvars.bound_contextvars(key=taken.key), in_lane(_urgency(taken)):
            ended, due = await do(context, taken.key, taken.lane)
    except LedgerUnavailable:
        await crew.queue.requeue(taken, taken.lane, context.clock.now() + TROUBLE_WAIT)
        raise
    finally:
        keeping.cancel()
    crew.observe(ended, taken.lane.name.lower(), context.clock.monotonic() - started)
    if ended is Ended.BUSY:
        await crew.queue.requeue(taken, taken.lane, context.clock.now() + BUSY_WAIT)
    elif due is not None:
        await crew.queue.requeue(taken, due.lane, due.due_at)
    else:
        await crew.queue.finish(taken)
    return ended


def _urgency(taken: Taken) -> Urgency:
    """Only what somebody typed just now is urgent: all else gives way, also edits that piled up in an outage."""
    fresh = taken.lane is Lane.LIVE and taken.taken_at - taken.due_at < JUST_NOW
    return Urgency.URGENT if fresh else Urgency.BACKGROUND


async def _put_off(crew: Crew, context: Context, taken: Taken) -> None:
    """A record that is edited again and again waits, and the others do not wait for it."""
    due = context.clock.now() + taken.too_soon
    try:
        await context.ledger.write(work.postpone, taken.key, due)
    finally:
        await crew.queue.requeue(taken, taken.lane, due)


async def do(context: Context, key: str, lane: Lane) -> tuple[Ended, Due | None]:
    """Claim a record and do its job, whatever happens; `BUSY` where somebody else is at it. Tells what waits then.

    A late look that finds nothing is all there is to do; `lane` tells that it may be one.
    """
    looked = await _glanced(context, key) if lane is Lane.LATE else None
    if looked is not None:
        return looked
    job = await claim(context, key)
    if job is None:
        return Ended.BUSY, None
    with structlog.contextvars.bound_contextvars(job=job.id, fence=job.claim.fence):
        try:
            ended = await _run(context, job)
        except LedgerUnavailable:
            context.left[key] = job.claim.fence  # the claim stands, but nobody works under it any more
            raise
        log.info("job.ended", ended=ended)
        if ended is Ended.LOST:
            return ended, await context.ledger.read(work.next_due, key)
        return ended, job.left


async def _glanced(context: Context, key: str) -> tuple[Ended, Due | None] | None:
    try:
        return await glance(context, key)
    except LedgerUnavailable:
        raise
    except Exception:  # a job meets it too, and says so in the record
        log.exception("job.bug", reference=context.id12())
        return None


async def _run(context: Context, job: Job) -> Ended:
    try:
        return await job.run()
    except LedgerUnavailable:
        raise
    except Exception:
        return await _bug(context, job)


async def _bug(context: Context, job: Job) -> Ended:
    """An unexpected exception: the trace goes to the log, a reference to the record, and the daemon lives."""
    reference = context.id12()
    log.exception("job.bug", reference=reference)
    try:
        return await job.fail(Notice("failed", (), f"interner Fehler / internal error {reference}"))
    except LedgerUnavailable:
        raise
    except Exception:
        log.exception("job.bug", reference=reference)
        return await job.set_aside()


async def _keep(crew: Crew, taken: Taken, lease: float) -> None:
    """Renew the lease while the job runs; losing it is harmless, the ledger's fence decides."""
    while True:
        await crew.sleep(lease / 3)
        try:
            if not await crew.queue.renew(taken, lease):
                return
        except RedisUnavailable:
            continue
