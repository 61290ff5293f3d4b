"""How long a person's edit takes to the other side: in peace, beside a backfill, and after an outage.

Both moments are read off the systems' own clock: when the edit was made, and when the write arrived there.
"""

from __future__ import annotations

import asyncio
import random
import time
from dataclasses import dataclass
from pathlib import Path

from benchmarks import seeds
from benchmarks.daemon import asked, pid, serving, until_ready
from benchmarks.report import judged, quantile, table
from benchmarks.size import Size
from benchmarks.spent import memory
from tests.process.conftest import Daemon
from tests.systems import Systems, eventually, running_systems

POLL = 2.0  # seconds
PAUSE = 0.5  # between two edits, give or take a half
TWICE = 2.0
LATENCY = 0.02
WAIT = 1200.0
DUE = "SELECT count(*) FROM work WHERE due_at <= ?"


@dataclass
class Waited:
    """Seconds until each edit arrived, and the most memory the daemon held meanwhile, in megabytes."""

    times: list[float]
    memory: float


async def measure(size: Size, state: Path) -> str:
    """A table of three situations."""
    return await asyncio.to_thread(_measured, size, state)


def _measured(size: Size, state: Path) -> str:
    found = {
        "idle": _idle(size, state / "idle"),
        f"during a backfill of {size.many:,} records": _backfill(size, state / "backfill"),
        f"after an outage with {size.dirty:,} changed records": _outage(size, state / "outage"),
    }
    calm = quantile(found["idle"].times, 0.5)
    rows = [
        (name, str(len(one.times)), *(f"{quantile(one.times, part):.2f} s" for part in (0.5, 0.95)),
         judged(quantile(one.times, 0.5) / calm, most=TWICE), f"{one.memory:.0f} MB")
        for name, one in found.items()
    ]  # fmt: skip
    told = (
        f"EspoCRM is asked every {POLL:g} s (the default is 15 s), its webhooks are off, each call takes "
        f"{LATENCY * 1000:.0f} ms, 8 workers:"
    )
    return f"{told}\n\n{table(('situation', 'edits', 'p50', 'p95', 'p50 / idle', 'most memory'), rows)}"


def _idle(size: Size, state: Path) -> Waited:
    with running_systems() as systems:
        pairs = seeds.pairs(systems, size.edits)
        with serving(systems, state, SYNCD_POLL_SECONDS=str(POLL)) as daemon:
            until_ready(daemon)
            for espo_id, _ in pairs:
                daemon.wait_known(espo_id)
            return _edits(systems, pairs, daemon)


def _backfill(size: Size, state: Path) -> Waited:
    """An installation that is joined: its first complete listing puts every record to work."""
    with running_systems(seed_records=str(size.many)) as systems:
        pairs = seeds.pairs(systems, size.edits)
        with serving(systems, state, SYNCD_POLL_SECONDS=str(POLL)) as daemon:
            _know_first(daemon, pairs)
            return _edits(systems, pairs, daemon)


def _outage(size: Size, state: Path) -> Waited:
    with running_systems(seed_records=str(size.dirty)) as systems:
        pairs = seeds.pairs(systems, size.edits)
        with serving(systems, state, SYNCD_POLL_SECONDS=str(POLL)) as daemon:
            _know_first(daemon, pairs)
            eventually("all are known", lambda: asked(state, DUE, time.time()) == 0, WAIT)
            daemon.end()
        others = [(one, 0) for one in systems.act("espocrm", "ids") if one not in {espo_id for espo_id, _ in pairs}]
        seeds.edit(systems, others, "Dr. outage")
        with serving(systems, state, SYNCD_POLL_SECONDS=str(POLL)) as daemon:
            until_ready(daemon)
            return _edits(systems, pairs, daemon)


def _know_first(daemon: Daemon, pairs: list[tuple[str, int]]) -> None:
    """A person asks for these records, which would have their turn among all others."""
    until_ready(daemon)
    for espo_id, _ in pairs:
        daemon.http.post(
            f"http://127.0.0.1:{daemon.port}/sync/beteiligte/{espo_id}",
            headers={"Authorization": f"Bearer {daemon.settings['SYNCD_API_TOKEN']}"},
        ).raise_for_status()
    for espo_id, _ in pairs:
        daemon.wait_known(espo_id)


def _edits(systems: Systems, pairs: list[tuple[str, int]], daemon: Daemon) -> Waited:
    """Make the edits one by one; the seconds each took to Advoware."""
    chance = random.Random(1)
    systems.control("faults", {"kind": "latency", "seconds": LATENCY, "times": None})
    systems.control("log", method="DELETE")
    edited: dict[str, float] = {}
    for espo_id, betnr in pairs:
        time.sleep(PAUSE * (0.5 + chance.random()))
        seeds.edit(systems, [(espo_id, betnr)], "Dr. delay")
        edited[f"/{betnr}"] = time.time()  # the stand-ins read the same clock
    found: dict[str, float] = {}
    held = [memory(pid(daemon))]

    def all_arrived() -> bool:
        held.append(memory(pid(daemon)))
        for call in systems.control("log", method="GET")["calls"]:
            number = call["path"][call["path"].rfind("/") :]
            if call["system"] == "advoware" and call["method"] == "PUT" and number in edited:
                found.setdefault(number, call["at"])
        return len(found) == len(edited)

    eventually("every edit is on the other side", all_arrived, WAIT)
    systems.control("faults", method="DELETE")
    return Waited([found[number] - at for number, at in edited.items()], max(held))
