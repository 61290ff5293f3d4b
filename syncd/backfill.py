"""Letting a stock of records take part, behind all else: begun, paused, taken up again, also after a crash.

A record that takes part already is passed over. Decides nothing about a record; its job does, guards included.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from services.ports import Urgency, lane
from syncd import stock
from syncd.app import App
from syncd.commands import NotKnown, Refusal
from syncd.context import Context
from syncd.feeding import LEASE, Followed, Told, follow, nothing_to_feed, pause
from syncd.ledger import pairs, runs
from syncd.ledger.runs import UNFINISHED, RunState
from syncd.model import Key
from syncd.patience import patiently

KIND = "backfill"
LINKING = "match"


@dataclass(frozen=True)
class Stock:
    """How many records there are, how many of them take part already."""

    records: int
    taking_part: int

    @property
    def new(self) -> int:
        """Records to be let in."""
        return self.records - self.taking_part


async def survey(context: Context) -> Stock:
    """Count what matches the filter, by a complete listing. Raises `PeerError`."""
    known = await context.ledger.read(pairs.of_entity, context.entity.name)
    records = taking_part = 0
    with lane(Urgency.BACKGROUND):
        async for rows in stock.pages(context, ["id"], context.settings.espo_filter):
            records += len(rows)
            taking_part += sum(row["id"] in known for row in rows)
    return Stock(records, taking_part)


async def unfinished(app: App, entity: str) -> str | None:
    """The id of the backfill of this entity that is not done."""
    for row in await app.parts.ledger.read(runs.listing, UNFINISHED, KIND):
        if row["detail"].get("entity") == entity:
            return str(row["id"])
    return None


async def begin(app: App, context: Context, found: Stock) -> str:
    """Start a backfill; returns the run's id. Raises `Refusal` where one is not done yet."""
    there = await unfinished(app, context.entity.name)
    if there is not None:
        raise Refusal(f"backfill {there} is not done yet: `syncd backfill --resume` goes on with it")
    run_id = context.id12()
    detail = {"entity": context.entity.name, "total": found.records, "cursor": "", "fed": 0, "known": 0}
    await app.parts.ledger.write(runs.start, run_id, KIND, detail, app.parts.clock.now())
    return run_id


async def take_up(app: App, context: Context) -> str:
    """The backfill that goes on; waits until a process that was killed surely feeds it no more."""
    run_id = await unfinished(app, context.entity.name)
    if run_id is None:
        raise NotKnown("no backfill waits to be resumed: `syncd backfill` starts one")
    clock = app.parts.clock
    for _ in range(2):
        row = await app.parts.ledger.read(runs.get, run_id) or {}
        left = row["detail"].get("alive_at", 0.0) + LEASE - clock.now()
        if row["state"] != RunState.RUNNING or left <= 0:
            await app.parts.ledger.write(runs.release, run_id, clock.now())
            return run_id
        await clock.sleep(left)
    raise Refusal(f"backfill {run_id} is running in another process ({row['detail'].get('feeder')})")


async def stop(app: App, context: Context) -> str:
    """Pause the backfill that runs, wherever it does; returns its id."""
    run_id = await unfinished(app, context.entity.name)
    if run_id is None:
        raise NotKnown("no backfill is running")
    await pause(app, run_id)
    return run_id


async def fill(app: App, context: Context, run_id: str, stopping: asyncio.Event, told: Told) -> Followed:
    """Let the records in, portion by portion from where the run stands, until it ends. Raises `PeerError`."""

    async def feed(room: int) -> bool:
        run = await app.parts.ledger.read(runs.get, run_id) or {}
        detail = run["detail"]
        if detail.get("listed"):
            return False
        entity = context.entity
        with lane(Urgency.BACKGROUND):
            page = await patiently(
                context, lambda: stock.page(context, ["id"], context.settings.espo_filter, detail["cursor"])
            )
        ids = [row["id"] for row in page.rows][:room]
        keys = [str(Key(entity.name, espo_id)) for espo_id in ids]
        rows = await app.parts.ledger.read(pairs.get_many, keys)
        new = [key for key in keys if (rows.get(key) or {}).get("admitted_by") is None]
        changes = {
            "cursor": ids[-1] if ids else detail["cursor"],
            "fed": detail["fed"] + len(new),
            "known": detail["known"] + len(keys) - len(new),
            "listed": page.last and len(ids) == len(page.rows),
        }
        await app.parts.ledger.write(runs.let_in, run_id, new, changes, app.parts.clock.now())
        return not changes["listed"]

    return await follow(app, run_id, feed, stopping, told)


async def let_in(
    app: App, context: Context, keys: list[str], stopping: asyncio.Event, told: Told
) -> tuple[str, Followed]:
    """Let exactly these records in, as a run of its own; returns its id and how it came out."""
    run_id, now = context.id12(), app.parts.clock.now()
    detail = {"entity": context.entity.name, "total": len(keys), "fed": 0}
    await app.parts.ledger.write(runs.start, run_id, LINKING, detail, now)
    for start in range(0, len(keys), stock.PAGE):
        part = keys[start : start + stock.PAGE]
        await app.parts.ledger.write(runs.let_in, run_id, part, {"fed": start + len(part)}, now)
    return run_id, await follow(app, run_id, nothing_to_feed, stopping, told)
