"""The real thing, measured: one process with everything open, as `syncd run` has it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import config
from syncd.app import App
from syncd.commands import Desk
from syncd.lanes import Lane
from syncd.ledger import work
from syncd.ledger.work import Cause, Due
from syncd.model import Key
from syncd.passes import one_pass, work_on
from syncd.runtime import opened, settle_down
from tests.systems import Systems

ENTITY = "beteiligte"
LIMIT = "1000000"  # calls a minute and changes at once: what is measured shall not be what is allowed
Call = tuple[str, str, str]  # system, verb, route
PASS_SECONDS = 1200.0
TURN = 0.05  # seconds until it is asked again whether anything was found
LIFTED = {
    "SYNCD_ESPOCRM_CALLS_PER_MINUTE": LIMIT,
    "SYNCD_ADVOWARE_CALLS_PER_MINUTE": LIMIT,
    "SYNCD_CHANGE_GUARD_MIN": LIMIT,
    "SYNCD_SWEEP_MIN_SECONDS": "86400",
    "SYNCD_SWEEP_MAX_SECONDS": "604800",
}


@asynccontextmanager
async def running(systems: Systems, state: Path, workers: int, **settings: str) -> AsyncIterator[App]:
    """An app on these systems as the daemon has it, all records known to it and nothing left to do."""
    env = {**systems.settings, **LIFTED, "SYNCD_STATE_DIR": str(state), "SYNCD_WORKERS": str(workers), **settings}
    async with opened(config.load(env, dotenv=None), config.Mapping()) as runtime:
        settle_down()
        await one_pass(runtime.app, PASS_SECONDS, lambda done, total: None)
        yield runtime.app


async def job(app: App, systems: Systems, espo_id: str) -> list[Call]:
    """The calls until this record has been worked on, in order: its job, and the late look after a write."""
    key = str(Key(ENTITY, espo_id))
    await Desk(app.parts.ledger, app.entities(), app.parts.clock.now).sync([key])
    systems.control("log", method="DELETE")
    await work_on(app, [key], lambda done, total: None)
    return calls(systems)


async def changes(app: App) -> None:
    """Find and carry over everything people have changed, both at once, as the daemon does."""
    finding = asyncio.create_task(app.poll())
    while not finding.done():
        await app.drain(PASS_SECONDS)
        await asyncio.wait({finding}, timeout=TURN)
    await finding
    await app.drain(PASS_SECONDS)


async def looks(app: App, espo_ids: Sequence[str]) -> None:
    """Look at both sides of these records."""
    now = app.parts.clock.now()
    due = [Due(str(Key(ENTITY, espo_id)), Lane.BACKFILL, Cause.EVENT, now) for espo_id in espo_ids]
    await app.parts.ledger.write(work.put, due, now)
    await app.drain(PASS_SECONDS)


def calls(systems: Systems) -> list[Call]:
    """What the systems were asked since the log was emptied, logins left out."""
    told: list[Mapping[str, Any]] = systems.control("log", method="GET")["calls"]
    made = [(one["system"], one["method"], one["route"]) for one in told]
    return [one for one in made if not one[2].endswith(("/Token", "/Url"))]
