"""Figures as Markdown, and where they stand in the documentation. Measures nothing."""

from __future__ import annotations

import os
import platform
import re
import statistics
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

PAGE = Path(__file__).parent.parent / "docs" / "PERFORMANCE.md"
_BLOCK = re.compile(r"<!-- measured: (\w+) -->\n(.*?)<!-- end of \1 -->", re.DOTALL)


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def median(values: Sequence[float]) -> float:
    """The middle one."""
    return statistics.median(values)


def ratio(ours: Sequence[float], theirs: Sequence[float]) -> float:
    """The median of the ratios of each round, whose halves were measured one after the other."""
    return statistics.median(one / other for one, other in zip(ours, theirs, strict=True))


def quantile(values: Sequence[float], part: float) -> float:
    """The value below which this part of them lies; 0 of nothing."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(part * len(ordered)))] if ordered else 0.0


def judged(value: float, least: float | None = None, most: float | None = None) -> str:
    """A ratio, and whether it reaches its target."""
    reached = (least is None or value >= least) and (most is None or value <= most)
    return f"{value:.2f}{'' if reached else ' (missed)'}"


def machine() -> str:
    """What it was measured on, and when."""
    cpu = next(
        (line.partition(":")[2].strip() for line in _lines("/proc/cpuinfo") if line.startswith("model name")),
        platform.processor() or platform.machine(),
    )
    load = ", ".join(f"{one:.1f}" for one in os.getloadavg())
    return (
        f"_{datetime.now(UTC):%Y-%m-%d}, {os.cpu_count()} cores ({cpu}), Python {platform.python_version()}, "
        f"{platform.system()}; load of the machine afterwards (1, 5, 15 minutes) {load}._"
    )


def _lines(path: str) -> list[str]:
    try:
        return Path(path).read_text(encoding="utf-8").splitlines()
    except OSError:
        return []


def blocks(page: str) -> dict[str, str]:
    """The generated parts of the page, by name."""
    return {found[1]: found[2] for found in _BLOCK.finditer(page)}


def filled(page: str, measured: Mapping[str, str]) -> str:
    """The page with these parts replaced; raises KeyError where the page has no place for one."""
    for name in measured:
        if name not in blocks(page):
            raise KeyError(name)
    return _BLOCK.sub(
        lambda found: (
            f"<!-- measured: {found[1]} -->\n{measured[found[1]]}\n<!-- end of {found[1]} -->"
            if found[1] in measured
            else found[0]
        ),
        page,
    )


def write(measured: Mapping[str, str]) -> None:
    """Put figures into the page."""
    PAGE.write_text(filled(PAGE.read_text(encoding="utf-8"), measured), encoding="utf-8")
