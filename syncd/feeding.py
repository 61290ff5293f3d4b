"""Brings the records of a run to their end in this process, beside any daemon: feeds, works, follows.

The work table stays small: a portion at a time, and what a guard holds is not heaped up. Everything that
must outlive the process stands in the ledger, so a killed run is taken up where it stopped.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from syncd.app import App
from syncd.ledger import facts, runs
from syncd.ledger.runs import RunState, Standing

PORTION = 500  # records of a run that wait at the same time, at most
HELD_LIMIT = 1000  # records a guard may hold before the run stops to be looked at
TICK = 0.5  # seconds
BEAT_EVERY = 10.0
LEASE = 30.0  # seconds without a beat after which a run's process is gone
SOON = 12.0  # seconds: what is due within them belongs to the run, as a second look; what is due later is a retry
DRAIN = 30.0

Feed = Callable[[int], Awaitable[bool]]  # takes how many may be put, answers whether there may be more
Told = Callable[[Standing], None]


@dataclass(frozen=True)
class Followed:
    """How a run came out. `stopped` says why it is paused, in a word; None: it is done."""

    standing: Standing
    stopped: str | None = None


async def nothing_to_feed(room: int) -> bool:
    """All records of the run were put to work when it began."""
    return False


async def follow(app: App, run_id: str, feed: Feed, stop: asyncio.Event, told: Told) -> Followed:
    """Feed and work until the run is done, paused by anybody, or `stop` is set. Raises `PeerError`."""
    tasks = [asyncio.create_task(app.worker(number)) for number in range(app.settings.syncd_workers)]
    tasks.append(asyncio.create_task(app.keep_copying(app.stopping)))
    try:
        why = await _until_done(app, run_id, feed, stop, told, tasks)
    finally:
        await _drain(app, tasks)
    now = app.parts.clock.now()
    if why is None:
        await app.parts.ledger.write(runs.end, run_id, RunState.DONE, now)
    elif why != "paused":
        await pause(app, run_id)
    return Followed(await look(app, run_id), why)


async def _until_done(
    app: App, run_id: str, feed: Feed, stop: asyncio.Event, told: Told, tasks: list[asyncio.Task[None]]
) -> str | None:
    """Why it stopped; None where nothing is left."""
    clock, ledger = app.parts.clock, app.parts.ledger
    more, beaten = True, float("-inf")
    while True:
        for task in tasks:
            if task.done():
                task.result()  # only a failure ends one of them
        if clock.monotonic() - beaten >= BEAT_EVERY:
            beaten = clock.monotonic()
            await ledger.write(runs.progress, run_id, {"alive_at": clock.now(), "feeder": app.parts.owner})
        standing = await look(app, run_id)
        told(standing)
        if standing.state is not RunState.RUNNING:
            return "paused"
        if stop.is_set():
            return "asked to stop"
        if sum(count for held, count in standing.held.items() if held.startswith("guard:")) >= HELD_LIMIT:
            return "a guard holds too many records: see `syncd guard`"
        by_pause = sum(count for held, count in standing.held.items() if not held.startswith("guard:"))
        room = PORTION - standing.pending - by_pause
        if more and room > 0 and not await ledger.read(facts.list_pauses):
            more = await feed(room)
        elif not more and not standing.soon and not by_pause:
            return None
        else:
            await clock.sleep(TICK)


async def look(app: App, run_id: str) -> Standing:
    """How far the run has come."""
    found = await app.parts.ledger.read(runs.standing, run_id, app.parts.clock.now() + SOON)
    assert found is not None, "a run that was begun stays known"
    return found


async def pause(app: App, run_id: str) -> None:
    """Stop a run wherever it is fed; what was begun is finished, what waits for it waits for `release`."""
    ledger, now = app.parts.ledger, app.parts.clock.now()
    await ledger.write(runs.end, run_id, RunState.PAUSED, now)
    for key in await ledger.write(runs.hold, run_id):
        await app.parts.queue.drop(key)


async def _drain(app: App, tasks: list[asyncio.Task[None]]) -> None:
    """The jobs under way are finished; nothing more is taken."""
    app.stop()
    _, late = await asyncio.wait(tasks, timeout=DRAIN)
    for task in late:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
