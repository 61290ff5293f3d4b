"""`python -m benchmarks`: how many calls a job takes, and how far syncd is from a loop that only makes those calls.

Prints the figures and writes them into docs/PERFORMANCE.md. Sets no limits: figures of a shared machine prove
little by themselves, the ratio and the counts travel better.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks import bare, engine
from benchmarks.engine import Call
from benchmarks.reasons import reasons
from benchmarks.report import Job, Throughput, markdown, write
from syncd import logs
from syncd.clock import SystemClock
from tests.systems import Systems, running_systems

LATENCIES = (0.0, 0.02)  # seconds
JOBS = ("nothing to do", "a change in EspoCRM", "a change in Advoware", "a new record in Advoware")


async def count(systems: Systems, state: Path) -> list[Job]:
    """Each kind of job once."""
    [*_, (espo_id, betnr)] = systems.seed("synced", 3)
    async with engine.running(systems, state, 1) as app:
        made: list[list[Call]] = [await engine.job(app, systems, espo_id)]
        systems.act("espocrm", "edit", **{"as": "anna"}, record_id=espo_id, values={"titel": "Dr. bench."})
        made.append(await engine.job(app, systems, espo_id))
        systems.act("advoware", "edit", **{"as": "AB"}, betnr=betnr, values={"titel": "Prof. bench."})
        made.append(await engine.job(app, systems, espo_id))
        [new] = systems.seed("only_espocrm", 1)
        made.append(await engine.job(app, systems, new))
    for one in (espo_id, new):
        if (status := systems.espo(one)["syncStatus"]) != "clean":
            raise SystemExit(f"a job ended with {status}: these figures would be worth nothing")
    return [Job(name, calls, reasons(calls)) for name, calls in zip(JOBS, made, strict=True)]


async def race(options: argparse.Namespace, state: Path) -> list[Throughput]:
    """Engine and bare loop in turns, each with systems and records of its own."""
    rates = []
    with running_systems() as ours, running_systems() as theirs:
        mine, pairs = (_pairs(systems, options.records) for systems in (ours, theirs))
        async with engine.running(ours, state, options.workers) as app, bare.running(theirs) as loop:
            for latency in LATENCIES:
                for systems in (ours, theirs):
                    systems.control("faults", {"kind": "latency", "seconds": latency, "times": None})
                rate = Throughput(options.records, latency, options.workers)
                for number in range(options.rounds):
                    value = f"Dr. {latency:g} {number}"
                    for espo_id, _ in mine:
                        ours.act("espocrm", "edit", **{"as": "anna"}, record_id=espo_id, values={"titel": value})
                    seconds, made = await engine.changes(app, ours)
                    rate.engine.append(seconds)
                    rate.calls.append(made.total())
                    theirs.control("log", method="DELETE")
                    rate.bare.append(await bare.changes(loop, pairs, made, options.workers, value))
                    rate.bare_calls.append(len(engine.calls(theirs)))
                    reached = {one["betNr"]: one["titel"] for one in ours.beteiligte()}
                    if any(reached[betnr] != value for _, betnr in mine):
                        raise SystemExit("a change did not arrive: these figures would be worth nothing")
                rates.append(rate)
                for systems in (ours, theirs):
                    systems.control("faults", method="DELETE")
    return rates


def _pairs(systems: Systems, records: int) -> list[tuple[str, int]]:
    made: list[tuple[str, int]] = []
    while len(made) < records:  # the control names no more than 200 at a time
        made += [(espo_id, betnr) for espo_id, betnr in systems.seed("synced", min(200, records - len(made)))]
    return made


async def measure(options: argparse.Namespace) -> str:
    """All figures as Markdown."""
    with TemporaryDirectory(prefix="syncd-bench-") as state:
        with running_systems() as systems:
            jobs = await count(systems, Path(state, "jobs"))
        rates = await race(options, Path(state, "race"))
    return markdown(jobs, rates)


def main() -> None:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--records", type=int, default=200)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--workers", type=int, default=8)
    parser.add_argument("--only-print", action="store_true", help="leave docs/PERFORMANCE.md as it is")
    options = parser.parse_args()
    # Log lines are made as in production, and thrown away where a service manager would keep them.
    with open(os.devnull, "w", encoding="utf-8") as nowhere:
        logs.configure("json", "INFO", now=SystemClock().now, stream=nowhere)
        text = asyncio.run(measure(options))
    sys.stdout.write(text + "\n")
    if not options.only_print:
        write(text)


if __name__ == "__main__":
    main()
