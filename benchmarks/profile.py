"""Where the processor time of a job goes: by layer, from a profile of changed records without latency.

How often functions are called is the same in every run, on every machine; how long they take is not.
"""

from __future__ import annotations

import asyncio
import cProfile
import pstats
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks import engine, floor, seeds
from benchmarks.report import table
from benchmarks.size import Size
from benchmarks.throughput import SECOND
from syncd.app import App
from tests.systems import Systems, running_systems

WORKERS = 8
# The first part of a file's name that fits says to which layer its own time belongs.
LAYERS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("HTTP: httpx, aiohttp, our clients", ("httpx", "aiohttp", "yarl", "multidict", "services/")),
    ("Redis", ("redis", "syncd/queue.py", "syncd/shared.py", "syncd/bell.py", "syncd/redis")),
    ("ledger: SQLAlchemy, SQLite, our statements", ("sqlalchemy", "sqlite", "syncd/ledger/")),
    (
        "deciding: plan, lists, values",
        ("mappers/", "syncd/plan", "syncd/fields", "syncd/entries", "syncd/pairing", "syncd/merge", "syncd/shelf",
         "syncd/primary", "syncd/remarks", "syncd/counterpart", "syncd/readback", "syncd/agreement", "unicodedata",
         "phonenumbers"),
    ),
    ("log lines", ("structlog", "syncd/logs.py", "logging")),
    ("job: claim to release", ("syncd/",)),
    ("asyncio, threads, the kernel", ("asyncio", "selectors", "threading", "concurrent", "socket", "poll")),
)  # fmt: skip
WAITS = ("select.epoll", "SimpleQueue", "acquire")
OTHER = "all else of Python (json, dataclasses, datetime, …)"


@dataclass
class Layer:
    """Own seconds of a layer's functions, and how often they were called."""

    seconds: float = 0.0
    calls: int = 0


async def measure(size: Size, state: Path) -> str:
    """A table: layer, its part of the time, calls per record; the floor's calls beside them."""
    with running_systems() as systems:
        records = seeds.pairs(systems, min(size.records, 300))
        async with engine.running(systems, state, WORKERS) as app:
            await _edited(systems, records, "Dr. warm")
            await engine.changes(app)
            await _edited(systems, records, "Dr. profile")
            systems.control("log", method="DELETE")
            layers = _by_layer(await _profiled(app))
            made = Counter(engine.calls(systems))
        async with floor.httpx_loop(systems) as loop:
            bare = await _bare(loop, records, made)
    whole = sum(layer.seconds for layer in layers.values())
    calls = sum(layer.calls for layer in layers.values())
    rows = [
        (name, f"{100 * layer.seconds / whole:.0f} %", f"{layer.calls / len(records):,.0f}")
        for name, layer in sorted(layers.items(), key=lambda item: -item[1].seconds)
    ]
    rows += [("together", "100 %", f"{calls / len(records):,.0f}"), ("the floor", "", f"{bare / len(records):,.0f}")]
    head = ("where", "part of the time", "calls of functions per record")
    return (
        f"{len(records)} changed records, {WORKERS} workers, no latency; own time of each function by `cProfile`, "
        f"which makes calls of Python dearer than they are, in all threads:\n\n{table(head, rows)}"
    )


async def _edited(systems: Systems, records: list[tuple[str, int]], value: str) -> None:
    await asyncio.sleep(SECOND)
    seeds.edit(systems, records, value)


async def _bare(loop: floor.Loop, records: Sequence[tuple[str, int]], made: Counter[engine.Call]) -> int:
    """How many functions the same calls take without an engine."""
    await floor.looks(loop, records[:WORKERS], WORKERS)  # connections are open
    profile = cProfile.Profile()
    profile.enable()
    await floor.changes(loop, records, made, WORKERS, "Dr. bare")
    profile.disable()
    return sum(layer.calls for layer in _by_layer([profile]).values())


async def _profiled(app: App) -> list[cProfile.Profile]:
    """Profiles of this thread and of the one that writes the ledger."""
    mine, writer = cProfile.Profile(), cProfile.Profile()
    with suppress(ValueError):  # from Python 3.12 on there is one profile for all threads
        await app.parts.ledger.write(lambda conn: writer.enable())
    mine.enable()
    try:
        await engine.changes(app)
    finally:
        mine.disable()
        await app.parts.ledger.write(lambda conn: writer.disable())
    return [mine, writer]


def _by_layer(profiles: Iterable[cProfile.Profile]) -> dict[str, Layer]:
    spent: defaultdict[str, Layer] = defaultdict(Layer)
    for profile in profiles:
        stats: Mapping[tuple[str, int, str], tuple[Any, ...]] = pstats.Stats(profile).stats  # type: ignore[attr-defined]
        for (file, _, name), (_, calls, own, *_) in stats.items():
            layer = spent[_layer(file, name)]
            layer.calls += calls
            if not any(wait in name for wait in WAITS):
                layer.seconds += own
    return spent


def _layer(file: str, name: str) -> str:
    where = file.partition("site-packages/")[2] or file if "/" in file else name
    where = where.removeprefix(str(Path(__file__).parent.parent) + "/")
    return next((layer for layer, parts in LAYERS if any(part in where for part in parts)), OTHER)
