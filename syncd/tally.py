"""What this process has counted since it last told the ledger: jobs by their end, calls, delays of people's edits.

Told with the heartbeat, so that no job pays for it; a process that is killed takes the last seconds with it.
Knows no record.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import replace

from syncd.context import Observers

SLOT = 300  # seconds counted together
# Seconds; the last one holds whatever took longer.
DELAYS = (
    0.25, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0, 4.0, 5.0, 7.5, 10.0, 15.0, 20.0, 30.0, 45.0, 60.0, 90.0, 120.0, 180.0, 300.0,
    600.0, 1200.0, 1800.0, 3600.0, 7200.0, 14400.0, 43200.0, 86400.0, 604800.0,
)  # fmt: skip
NOT_SENT = ("circuitopen", "cancelled")

Counted = Mapping[tuple[int, str], int]  # (begin of the slot in epoch seconds, name) -> how many


class Tally:
    """Counts by slot and name; `now` in epoch seconds."""

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._counts: Counter[tuple[int, str]] = Counter()

    def beside(self, observers: Observers) -> Observers:
        """Observers that tell these and count."""

        def call(side: str, verb: str, route: str, outcome: str, seconds: float) -> None:
            observers.call(side, verb, route, outcome, seconds)
            if outcome not in NOT_SENT:
                self._count(call_name(side))

        def job(ended: str, lane: str, seconds: float) -> None:
            observers.job(ended, lane, seconds)
            self._count(job_name(ended))

        def delay(target: str, seconds: float) -> None:
            observers.delay(target, seconds)
            self._count(delay_name(target, seconds))

        return replace(observers, call=call, job=job, delay=delay)

    def take(self) -> Counted:
        """What was counted, and begin anew."""
        taken, self._counts = self._counts, Counter()
        return taken

    def put_back(self, taken: Counted) -> None:
        """The ledger did not take it."""
        self._counts.update(taken)

    def _count(self, name: str) -> None:
        self._counts[(int(self._now() // SLOT) * SLOT, name)] += 1


def call_name(side: str) -> str:
    """Under which calls to a system are counted."""
    return f"call:{side}"


def job_name(ended: str) -> str:
    """Under which jobs are counted that ended so."""
    return f"job:{ended}"


def delay_name(target: str, seconds: float) -> str:
    """Under which an edit is counted that took so long to the side `target`: the bucket's number in `DELAYS`."""
    return f"{delays_of(target)}{min(bisect_left(DELAYS, seconds), len(DELAYS) - 1)}"


def delays_of(target: str) -> str:
    """How the names of all delays to a side begin."""
    return f"delay:{target}:"


def percentile(buckets: Mapping[int, int], part: float) -> float | None:
    """The seconds within which this part of the edits arrived, spread evenly within a bucket; None without any."""
    wanted, below = part * sum(buckets.values()), 0
    for number in sorted(buckets):
        count = buckets[number]
        if count and below + count >= wanted:
            low = DELAYS[number - 1] if number else 0.0
            return low + (DELAYS[number] - low) * (wanted - below) / count
        below += count
    return None
