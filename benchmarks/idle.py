"""What it costs that nothing happens: a pass over pairs in which nothing is to be done, and an hour of polling."""

from __future__ import annotations

from pathlib import Path

import config
from benchmarks import engine, floor, seeds
from benchmarks.engine import LIFTED
from benchmarks.report import median, ratio, table
from benchmarks.size import Size
from benchmarks.spent import Spent
from syncd.runtime import opened
from tests.systems import running_systems

WORKERS = 8
POLLS = 20
HOUR = 3600.0


async def measure(size: Size, state: Path) -> str:
    """Two tables."""
    return f"{await _passed(size, state / 'pass')}\n\n{await _polled(size, state / 'poll')}"


async def _passed(size: Size, state: Path) -> str:
    ours, theirs = Spent(), Spent()
    with running_systems() as systems:
        pairs = seeds.pairs(systems, size.pairs)
        async with engine.running(systems, state, WORKERS) as app, floor.httpx_loop(systems) as loop:
            before = systems.writes()
            systems.control("log", method="DELETE")
            await ours.on(engine.looks(app, [espo_id for espo_id, _ in pairs]))
            calls, writes = len(engine.calls(systems)), systems.writes()
            await theirs.on(floor.looks(loop, pairs, WORKERS))
            if writes:
                raise SystemExit(f"a pass that finds nothing has written {writes - before} times")
    row = (
        f"{len(pairs):,}",
        str(WORKERS),
        f"{calls / len(pairs):.2f}",
        *(f"{len(pairs) / median(one.wall):.0f}/s" for one in (ours, theirs)),
        f"{ratio(theirs.wall, ours.wall):.2f}",
        *(f"{1000 * median(one.cpu) / len(pairs):.2f} s" for one in (ours, theirs)),
    )
    head = ("pairs", "workers", "calls per pair", "syncd", "floor", "syncd / floor", "CPU per 1,000", "floor's")
    return f"A look at both sides of every pair, nothing to be done, nothing written:\n\n{table(head, [row])}"


async def _polled(size: Size, state: Path) -> str:
    seeds.ledger(state, size.many)
    spent = Spent()
    with running_systems() as systems:
        env = {**systems.settings, **LIFTED, "SYNCD_STATE_DIR": str(state)}
        settings = config.load(env, dotenv=None)
        async with opened(settings, config.Mapping()) as runtime:
            await runtime.app.open()
            await runtime.app.poll()
            systems.control("log", method="DELETE")
            for _ in range(POLLS):
                await spent.on(runtime.app.poll())
            calls = len(engine.calls(systems)) / POLLS
    hourly = HOUR / settings.syncd_poll_seconds
    row = (
        f"{size.many:,}",
        f"{calls:.0f}",
        f"{calls * hourly:.0f}",
        f"{1000 * median(spent.cpu):.1f} ms",
        f"{hourly * median(spent.cpu):.1f} s",
    )
    head = ("pairs in the ledger", "calls per poll", "calls per hour", "CPU per poll", "CPU per hour")
    told = f"Asking EspoCRM every {settings.syncd_poll_seconds:g} s, the default, in an hour in which nobody types"
    return f"{told}:\n\n{table(head, [row])}"
