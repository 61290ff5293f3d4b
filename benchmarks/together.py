"""Several daemons on one Redis and one PostgreSQL share the work; one is killed, and nothing is lost."""

from __future__ import annotations

import asyncio
import signal
import time
from contextlib import ExitStack
from pathlib import Path

from benchmarks import seeds
from benchmarks.daemon import serving, until_ready
from benchmarks.report import table
from benchmarks.size import Size
from syncd.ledger.upgrade import upgrade
from tests.postgres import cluster, programs
from tests.process.conftest import Daemon
from tests.process.servers import OwnRedis
from tests.systems import Systems, eventually, running_systems

LATENCY = 0.1
WORKERS = 8
POLL = 1.0
LEASE = 10.0
WAIT = 900.0


async def measure(size: Size, state: Path) -> str:
    """A table by number of daemons."""
    return await asyncio.to_thread(_measured, size, state)


def _measured(size: Size, state: Path) -> str:
    binaries = programs()
    if binaries is None:
        return "Not measured: no PostgreSQL server is installed here."
    rates = {count: _race(size, state, count, binaries, killed=False) for count in size.daemons}
    after = _race(size, state, 2, binaries, killed=True)
    first = rates[size.daemons[0]] / size.daemons[0]
    rows = [
        (str(count), f"{rate:.1f}/s", f"{rate / first:.2f}", "0") for count, rate in rates.items()
    ] + [("2, one of them killed half-way", f"{after:.1f}/s", f"{after / first:.2f}", "0")]  # fmt: skip
    told = (
        f"{size.shared} changed records, {LATENCY * 1000:.0f} ms for each call, {WORKERS} workers in each daemon, "
        f"leases of {LEASE:g} s. PostgreSQL and Redis run on the same machine, PostgreSQL without fsync"
    )
    return f"{told}:\n\n{table(('daemons', 'changed records', 'times one daemon', 'lost'), rows)}"


def _race(size: Size, state: Path, count: int, binaries: Path, *, killed: bool) -> float:
    """Changed records per second, from the first edit until the last has arrived."""
    name = f"{count}{'-killed' if killed else ''}"
    with ExitStack() as stack:
        systems = stack.enter_context(running_systems())
        redis = OwnRedis(state / f"redis-{name}")
        state.mkdir(parents=True, exist_ok=True)
        redis.start()
        stack.callback(redis.kill)
        database = stack.enter_context(cluster(binaries))
        upgrade(database.url.replace("postgresql://", "postgresql+psycopg://"))
        records = seeds.pairs(systems, size.shared)
        daemons = [
            stack.enter_context(
                serving(
                    systems, state / f"{name}-{number}", SYNCD_WORKERS=str(WORKERS), SYNCD_POLL_SECONDS=str(POLL),
                    SYNCD_LEASE_SECONDS=str(LEASE), REDIS_URL=redis.url, DATABASE_URL=database.url,
                )
            )
            for number in range(count)
        ]  # fmt: skip
        for daemon in daemons:
            until_ready(daemon)
        for espo_id, _ in records:
            daemons[0].wait_known(espo_id)
        systems.control("faults", {"kind": "latency", "seconds": LATENCY, "times": None, "route": "/api/v1/*"})
        begun = time.perf_counter()
        seeds.edit(systems, records, "Dr. together")
        _follow(systems, records, daemons if killed else [])
        return len(records) / (time.perf_counter() - begun)


def _follow(systems: Systems, records: list[tuple[str, int]], victims: list[Daemon]) -> None:
    """Wait until all have arrived; half-way one of these daemons is killed."""

    def all_there() -> bool:
        there = sum(1 for one in systems.beteiligte() if one["titel"] == "Dr. together")
        if victims and there > len(records) / 2:
            victims.pop().end(signal.SIGKILL)
            victims.clear()
        return there == len(records)

    eventually("every change has arrived", all_there, WAIT)
