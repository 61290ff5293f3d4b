"""From the start of the process to ready, and memory, with few pairs in the ledger and with very many."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from pathlib import Path

from sqlalchemy import Connection

import config
from benchmarks import seeds
from benchmarks.daemon import pid, serving, until_ready
from benchmarks.engine import LIFTED
from benchmarks.report import judged, median, table
from benchmarks.size import Size
from benchmarks.spent import memory, processor
from syncd import discovery
from syncd.lanes import Lane
from syncd.ledger import pairs, steps, work
from syncd.ledger.store import Ledger
from syncd.ledger.work import Cause, Due
from syncd.model import Key
from syncd.runtime import opened
from tests.systems import running_systems

SECONDS = 2.0
JOBS = 200
PAGE = 200


async def measure(size: Size, state: Path) -> str:
    """A table by number of pairs."""
    rows = [await asyncio.to_thread(_row, size, state / str(pairs), pairs) for pairs in size.grown]
    head = (
        "pairs", "start to ready", "of 2 s", "CPU until then", "memory when ready", "ledger", "ledger's part of a job",
        "a page of 200 considered",
    )  # fmt: skip
    return (
        f"Medians of {size.rounds} starts. The ledger's part of a job: claim, journal and end of one that writes "
        f"nothing but its end, {JOBS} in succession:\n\n{table(head, rows)}"
    )


def _row(size: Size, state: Path, count: int) -> Sequence[str]:
    seeds.ledger(state, count)
    starts, busy, megabytes = [], [], []
    with running_systems() as systems:
        for _ in range(size.rounds):
            begun = time.perf_counter()
            with serving(systems, state, "--no-discovery") as daemon:
                until_ready(daemon)
                starts.append(time.perf_counter() - begun)
                busy.append(processor(pid(daemon)))
                megabytes.append(memory(pid(daemon)))
        env = {**systems.settings, **LIFTED, "SYNCD_STATE_DIR": str(state)}
        job, considered = asyncio.run(_steps(config.load(env, dotenv=None), count))
    bytes_kept = sum(file.stat().st_size for file in state.glob("ledger.db*"))
    return (
        f"{count:,}",
        f"{median(starts):.2f} s",
        judged(median(starts) / SECONDS, most=1.0),
        f"{median(busy):.2f} s",
        f"{median(megabytes):.0f} MB",
        f"{bytes_kept / 1_000_000:.0f} MB",
        f"{1000 * job:.2f} ms",
        f"{1000 * considered:.1f} ms",
    )


async def _steps(settings: config.Settings, count: int) -> tuple[float, float]:
    """Seconds of the ledger's part of a job, and of judging a page of EspoCRM's rows."""
    async with opened(settings, config.Mapping()) as runtime:
        context = next(iter(runtime.app.contexts.values()))
        ids = [f"{number:017x}" for number in range(0, count, max(1, count // JOBS))][:JOBS]
        keys = [str(Key(context.entity.name, espo_id)) for espo_id in ids]
        now = context.clock.now()
        due = [Due(key, Lane.LIVE, Cause.EVENT, now) for key in keys]
        await runtime.ledger.write(work.put, due, now)
        begun = time.perf_counter()
        for key in keys:
            await _job(runtime.ledger, key, context.owner, now)
        job = (time.perf_counter() - begun) / len(keys)
        page = [{"id": espo_id, "modifiedAt": "2026-11-20 10:00:00"} for espo_id in ids[:PAGE]]
        began = await runtime.ledger.read(_now)
        begun = time.perf_counter()
        await discovery.consider(context, page, began)
        return job, time.perf_counter() - begun


async def _job(ledger: Ledger, key: str, owner: str, now: float) -> None:
    claim = await ledger.write(pairs.claim, key, owner, now, now + 60)
    if claim is None or claim.task is None:
        raise SystemExit("a record could not be claimed: these figures would be worth nothing")
    ending = steps.Ending(pair={"checked_at": now}, open_fields=(), over=("gone", "waiting"))
    await ledger.write(steps.finish, steps.Job(key, claim.fence, "bench", now), ending, claim.task.gen)


def _now(conn: Connection) -> float:
    return time.time()
