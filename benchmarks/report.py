"""The figures as Markdown, and where they stand in the documentation. Measures nothing."""

from __future__ import annotations

import os
import platform
import statistics
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.engine import Call

PAGE = Path(__file__).parent.parent / "docs" / "PERFORMANCE.md"
BEGIN, END = "<!-- measured: begin -->", "<!-- measured: end -->"
SHORT = {"espocrm": "EspoCRM", "advoware": "Advoware"}


@dataclass(frozen=True)
class Job:
    """The calls of one kind of job."""

    name: str
    calls: Sequence[Call]
    reasons: Sequence[str]


@dataclass
class Throughput:
    """Seconds of each round at one latency."""

    records: int
    latency: float
    workers: int
    engine: list[float] = field(default_factory=list)
    bare: list[float] = field(default_factory=list)
    calls: list[int] = field(default_factory=list)
    bare_calls: list[int] = field(default_factory=list)


def markdown(jobs: Sequence[Job], rates: Sequence[Throughput]) -> str:
    """All tables."""
    return "\n\n".join([machine(), _jobs(jobs), _rates(rates)])


def machine() -> str:
    """What it was measured on."""
    cpu = next(
        (line.partition(":")[2].strip() for line in _lines("/proc/cpuinfo") if line.startswith("model name")),
        platform.processor() or platform.machine(),
    )
    load = ", ".join(f"{one:.1f}" for one in os.getloadavg())
    return (
        f"Measured on {os.cpu_count()} cores ({cpu}), Python {platform.python_version()}, {platform.system()}; "
        f"load of the machine (1, 5, 15 minutes) {load}. Ledger: SQLite, every commit on disk. "
        "Redis: the server that is brought along. The stand-in systems ran in processes of their own on the same cores."
    )


def _lines(path: str) -> list[str]:
    try:
        return Path(path).read_text(encoding="utf-8").splitlines()
    except OSError:
        return []


def _jobs(jobs: Sequence[Job]) -> str:
    rows = ["| job | calls | which, in order |", "|---|---|---|"]
    for job in jobs:
        told = "; ".join(
            f"{SHORT[system]} {verb} ({reason})"
            for (system, verb, _), reason in zip(job.calls, job.reasons, strict=True)
        )
        rows.append(f"| {job.name} | {len(job.calls)} | {told} |")
    return "\n".join(rows)


def _rates(rates: Sequence[Throughput]) -> str:
    rows = [
        "| latency added | changed records | calls of syncd / bare loop | syncd | bare loop | syncd / bare |",
        "|---|---|---|---|---|---|",
    ]
    for one in rates:
        ours, bare = (one.records / statistics.median(times) for times in (one.engine, one.bare))
        calls = f"{statistics.median(one.calls):.0f} / {statistics.median(one.bare_calls):.0f}"
        rows.append(
            f"| {one.latency * 1000:.0f} ms | {one.records}, {one.workers} at a time | {calls} "
            f"| {ours:.1f} records/s | {bare:.1f} records/s | {ours / bare:.2f} |"
        )
    rounds = len(rates[0].engine) if rates else 0
    return "\n".join([*rows, "", f"Medians of {rounds} rounds, syncd and the bare loop taking turns."])


def write(text: str) -> None:
    """Put the text between the page's markers."""
    page = PAGE.read_text(encoding="utf-8")
    before, _, rest = page.partition(BEGIN)
    _, _, after = rest.partition(END)
    PAGE.write_text(f"{before}{BEGIN}\n{text}\n{END}{after}", encoding="utf-8")
