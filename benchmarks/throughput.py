"""Changed records per second, and the processor time they take, beside loops that make exactly the same calls."""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks import engine, floor, seeds
from benchmarks.report import judged, median, ratio, table
from benchmarks.size import Size
from benchmarks.spent import Spent
from syncd.app import App
from tests.systems import Systems, running_systems

STAGES = 5  # calls of a change that wait for each other, the late look among them
FASTEST = 50.0  # records a second that a worker changes at most, where there is no latency
LEAST = {0.0: 0.5}  # of the floor's throughput; at any other latency nine tenths
MOST_CPU = 2.0
SECOND = 1.1  # time stamps have no parts of a second: an edit in that of our own write is found by the late look


@dataclass
class Race:
    """One combination of latency and workers."""

    latency: float
    workers: int
    records: int
    ours: Spent = field(default_factory=Spent)
    floor: Spent = field(default_factory=Spent)
    aiohttp: Spent = field(default_factory=Spent)
    calls: list[int] = field(default_factory=list)


async def measure(size: Size, state: Path) -> str:
    """Two tables: throughput, processor time."""
    races = []
    for workers in size.workers:
        with running_systems() as systems, running_systems() as theirs:
            mine, others = (seeds.pairs(one, 2 * size.records) for one in (systems, theirs))
            async with (
                engine.running(systems, state / str(workers), workers) as app,
                floor.httpx_loop(theirs) as httpx,
                floor.aiohttp_loop(theirs) as aiohttp,
            ):
                for latency in size.latencies:
                    race = Race(latency, workers, _records(size, latency, workers))
                    for number in range(size.rounds):
                        for one in (systems, theirs):
                            one.control("faults", method="DELETE")
                        # Taking turns: who edits a record again and again is made to wait.
                        begin = size.records * (number % 2)
                        some = mine[begin : begin + race.records]
                        value = f"Dr. {latency:g} {number}"
                        await asyncio.sleep(SECOND)
                        seeds.edit(systems, some, value)
                        _slow((systems, theirs), latency)
                        made = await _ours(race, app, systems)
                        for loop, spent in ((httpx, race.floor), (aiohttp, race.aiohttp)):
                            await spent.on(floor.changes(loop, others[: race.records], made, workers, value))
                        seeds.arrived(systems, some, value)
                    races.append(race)
    return _told(sorted(races, key=lambda race: (race.latency, race.workers)), size.rounds)


def _records(size: Size, latency: float, workers: int) -> int:
    """As many as are changed in about the time there is."""
    pace = workers * min(FASTEST, 1 / (STAGES * latency) if latency else FASTEST)
    return max(min(size.records, 4 * workers), min(size.records, int(pace * size.seconds)))


def _slow(both: tuple[Systems, Systems], latency: float) -> None:
    for one in both:
        one.control("faults", {"kind": "latency", "seconds": latency, "times": None})


async def _ours(race: Race, app: App, systems: Systems) -> Counter[engine.Call]:
    systems.control("log", method="DELETE")
    await race.ours.on(engine.changes(app))
    made = Counter(engine.calls(systems))
    race.calls.append(made.total())
    return made


def _told(races: list[Race], rounds: int) -> str:
    speed = table(
        ("latency", "workers", "records", "calls", "syncd", "floor", "aiohttp", "syncd / floor", "of aiohttp"),
        (
            (
                f"{race.latency * 1000:.0f} ms",
                str(race.workers),
                str(race.records),
                f"{median(race.calls):.0f}",
                *(f"{race.records / median(one.wall):.1f}/s" for one in (race.ours, race.floor, race.aiohttp)),
                judged(ratio(race.floor.wall, race.ours.wall), least=LEAST.get(race.latency, 0.9)),
                f"{ratio(race.aiohttp.wall, race.ours.wall):.2f}",
            )
            for race in races
        ),
    )
    cost = table(
        ("latency", "workers", "syncd", "floor", "aiohttp", "syncd / floor"),
        (
            (
                f"{race.latency * 1000:.0f} ms",
                str(race.workers),
                *(f"{1000 * median(one.cpu) / race.records:.2f} s" for one in (race.ours, race.floor, race.aiohttp)),
                judged(ratio(race.ours.cpu, race.floor.cpu), most=MOST_CPU),
            )
            for race in races
        ),
    )
    return (
        f"Changed records per second; medians of {rounds} rounds, syncd and the loops taking turns:\n\n{speed}\n\n"
        f"Seconds of processor time per 1,000 changed records, of the process that makes the calls:\n\n{cost}"
    )
