"""`python -m benchmarks [--part NAME] [--size quick]`: measures, prints, and fills docs/PERFORMANCE.md.

Every figure stands beside its floor, measured in the same run: seconds of a shared machine prove little, ratios and
counts travel.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import uvloop

from benchmarks import counts, delay, idle, intake, profile, report, start, sweep, throughput, together
from benchmarks.size import FULL, QUICK, SMALL, Size
from syncd import logs
from syncd.clock import SystemClock

Measure = Callable[[Size, Path], Coroutine[Any, Any, str]]
PARTS: Mapping[str, Measure] = {
    "counts": counts.measure,
    "throughput": throughput.measure,
    "idle": idle.measure,
    "sweep": sweep.measure,
    "delay": delay.measure,
    "intake": intake.measure,
    "start": start.measure,
    "together": together.measure,
    "profile": profile.measure,
}
SIZES = {"full": FULL, "small": SMALL, "quick": QUICK}


def measured(part: str, size: Size) -> str:
    """One part's figures as Markdown, and on what they were measured."""
    with TemporaryDirectory(prefix="syncd-bench-") as state, open(os.devnull, "w", encoding="utf-8") as nowhere:
        # Log lines are made as in production, and thrown away where a service manager would keep them.
        logs.configure("json", "INFO", now=SystemClock().now, stream=nowhere)
        sys.excepthook = sys.__excepthook__
        return f"{uvloop.run(PARTS[part](size, Path(state)))}\n\n{report.machine()}"


def main() -> None:
    """Measure the parts asked for, or all; print each and put it into the page."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--part", action="append", choices=PARTS, help="only this one; may be given several times")
    parser.add_argument(
        "--size",
        choices=SIZES,
        default="full",
        help="small: for a busy machine; quick: only to see that it works, the page stays as it is",
    )
    parser.add_argument("--only-print", action="store_true", help="leave docs/PERFORMANCE.md as it is")
    parser.add_argument("--records", type=int, help="changed in one round at most (throughput, profile)")
    parser.add_argument("--rounds", type=int, help="how often each figure is taken")
    options = parser.parse_args()
    size = SIZES[options.size]
    size = replace(size, records=options.records or size.records, rounds=options.rounds or size.rounds)
    for part in options.part or PARTS:
        told = measured(part, size)
        sys.stdout.write(f"{part}\n\n{told}\n\n")
        sys.stdout.flush()
        if not options.only_print and options.size != "quick":
            report.write({part: told})


if __name__ == "__main__":
    main()
