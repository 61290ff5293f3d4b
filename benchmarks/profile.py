"""Where the processor time of a job goes: by layer, from a profile of changed records without latency."""

from __future__ import annotations

import cProfile
import pstats
from collections import Counter
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from benchmarks import engine, seeds
from benchmarks.report import table
from benchmarks.size import Size
from syncd.app import App
from tests.systems import running_systems

WORKERS = 8
# The first part of a file's name that fits says to which layer its own time belongs.
LAYERS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("HTTP: httpx, aiohttp, our clients", ("httpx", "aiohttp", "yarl", "multidict", "services/")),
    ("Redis", ("redis", "syncd/queue.py", "syncd/shared.py", "syncd/bell.py")),
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


async def measure(size: Size, state: Path) -> str:
    """A table: layer, its part of the time."""
    with running_systems() as systems:
        records = seeds.pairs(systems, min(size.records, 300))
        async with engine.running(systems, state, WORKERS) as app:
            seeds.edit(systems, records, "Dr. warm")
            await engine.changes(app)
            seeds.edit(systems, records, "Dr. profile")
            profiles = await _profiled(app)
    spent = _by_layer(profiles)
    whole = sum(spent.values())
    rows = [(layer, f"{100 * seconds / whole:.0f} %") for layer, seconds in spent.most_common()]
    return (
        f"{len(records)} changed records, {WORKERS} workers, no latency; own time of each function by `cProfile`, "
        f"which makes calls of Python dearer than they are, in all threads:\n\n{table(('where', 'part'), rows)}"
    )


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


def _by_layer(profiles: Iterable[cProfile.Profile]) -> Counter[str]:
    spent: Counter[str] = Counter()
    for profile in profiles:
        stats: Mapping[tuple[str, int, str], tuple[Any, ...]] = pstats.Stats(profile).stats  # type: ignore[attr-defined]
        for (file, _, name), (_, _, own, *_) in stats.items():
            if not any(wait in name for wait in WAITS):
                spent[_layer(file, name)] += own
    return spent


def _layer(file: str, name: str) -> str:
    where = file.partition("site-packages/")[2] or file if "/" in file else name
    where = where.removeprefix(str(Path(__file__).parent.parent) + "/")
    return next((layer for layer, parts in LAYERS if any(part in where for part in parts)), OTHER)
