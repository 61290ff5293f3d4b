"""Several daemons on one Redis and one PostgreSQL share the work; one is killed, and nothing is lost."""

from __future__ import annotations

import asyncio
import signal
import time
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

import psycopg

from benchmarks import seeds
from benchmarks.daemon import serving, until_ready
from benchmarks.report import judged, table
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
JOB = 3.0  # seconds no job takes
LATEST = 1.5  # leases until a killed daemon's work has been done by another: one must run out, then the job takes time


async def measure(size: Size, state: Path) -> str:
    """A table by number of daemons."""
    return await asyncio.to_thread(_measured, size, state)


def _measured(size: Size, state: Path) -> str:
    binaries = programs()
    if binaries is None:
        return "Not measured: no PostgreSQL server is installed here."
    rates = {count: _race(size, state, count, binaries).rate for count in size.daemons}
    after = _race(size, state, 2, binaries, Killing())
    first = rates[size.daemons[0]] / size.daemons[0]
    rows = [
        (str(count), f"{rate:.1f}/s", f"{rate / first:.2f}", "0") for count, rate in rates.items()
    ] + [("2, one of them killed half-way", f"{after.rate:.1f}/s", f"{after.rate / first:.2f}", "0")]  # fmt: skip
    taken_over = max((after.arrived[one] - after.at for one in after.in_hand), default=0.0)
    told = (
        f"{size.shared} changed records, {LATENCY * 1000:.0f} ms for each call, {WORKERS} workers in each daemon, "
        f"leases of {LEASE:g} s. PostgreSQL and Redis run on the same machine, PostgreSQL without fsync"
    )
    return (
        f"{told}:\n\n{table(('daemons', 'changed records', 'times one daemon', 'lost'), rows)}\n\n"
        f"The killed one had {len(after.in_hand)} records in hand; the last of them arrived {taken_over:.1f} s after "
        f"the kill ({judged(taken_over / LEASE, most=LATEST)} leases)."
    )


@dataclass
class Killing:
    """How one daemon of several was killed, if one was: when, what it had in hand, when what arrived; and the pace."""

    rate: float = 0.0
    at: float = 0.0
    in_hand: set[str] = field(default_factory=set)
    arrived: dict[str, float] = field(default_factory=dict)


def _race(size: Size, state: Path, count: int, binaries: Path, killing: Killing | None = None) -> Killing:
    """Changed records per second, from the first edit until the last has arrived."""
    name = f"{count}{'' if killing is None else '-killed'}"
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
        found = killing or Killing()
        victim = None if killing is None else daemons[-1]
        _follow(systems, records, found, victim, database.url)
        found.rate = len(records) / (time.perf_counter() - begun)
        return found


def _follow(
    systems: Systems, records: list[tuple[str, int]], found: Killing, victim: Daemon | None, ledger: str
) -> None:
    """Wait until all have arrived; half-way the victim is killed."""
    ids = {betnr: espo_id for espo_id, betnr in records}

    def all_there() -> bool:
        for one in systems.beteiligte():
            if one["titel"] == "Dr. together":
                found.arrived.setdefault(ids[one["betNr"]], time.perf_counter())
        if victim is not None and not found.at and len(found.arrived) > len(records) / 2:
            victim.end(signal.SIGKILL)
            found.at = time.perf_counter()
            found.in_hand = _in_hand(ledger)
        return len(found.arrived) == len(records)

    eventually("every change has arrived", all_there, WAIT)
    found.in_hand &= {one for one, at in found.arrived.items() if at > found.at}


def _in_hand(ledger: str) -> set[str]:
    """Records whose claim a killed daemon has left: those of living ones are over soon."""
    before = _claims(ledger)
    time.sleep(JOB)
    return {key.partition("/")[2] for key, fence in _claims(ledger) & before}


def _claims(ledger: str) -> set[tuple[str, int]]:
    with psycopg.connect(ledger) as conn:
        return set(conn.execute("SELECT key, fence FROM pairs WHERE claimed_by IS NOT NULL").fetchall())
