"""Time and processor time of a piece of work in this process, and what other processes use."""

from __future__ import annotations

import os
import time
from collections.abc import Awaitable
from dataclasses import dataclass, field
from pathlib import Path


@dataclass
class Spent:
    """Seconds by the clock and of this process's processor time, one of each for every round."""

    wall: list[float] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)

    async def on(self, work: Awaitable[object]) -> None:
        """Do it once more."""
        wall, cpu = time.perf_counter(), time.process_time()
        await work
        self.wall.append(time.perf_counter() - wall)
        self.cpu.append(time.process_time() - cpu)


def memory(pid: int) -> float:
    """Megabytes a process holds in memory now."""
    for line in Path(f"/proc/{pid}/status").read_text(encoding="ascii", errors="replace").splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    return 0.0


def processor(pid: int) -> float:
    """Seconds of processor time a process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii", errors="replace").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
