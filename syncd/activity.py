"""What was counted over time, as people want to see it: delays, calls a minute, a series for a chart. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from syncd.endings import Ended
from syncd.tally import SLOT, call_name, delays_of, job_name, percentile

HOUR = 3600.0
POINTS = 300  # of a series, at most
STEPS = (SLOT, 2 * SLOT, 3 * SLOT, 6 * SLOT, 12 * SLOT, 24 * SLOT, 72 * SLOT, 144 * SLOT, 288 * SLOT)
SIDES = ("espocrm", "advoware")
DONE = (Ended.SETTLED, Ended.ASKED, Ended.UNCHANGED, Ended.STAGED)
KINDS: Mapping[str, tuple[Ended, ...]] = {
    "done": DONE,
    "failed": (Ended.FAILED,),
    "held": (Ended.HELD,),
    "postponed": (Ended.POSTPONED,),
}

Slots = Mapping[int, Mapping[str, int]]  # begin of a slot in epoch seconds -> name -> how many


def since(now: float) -> float:
    """From which slot on `delays` wants to know."""
    return float((now - HOUR) // SLOT * SLOT)


def delays(slots: Slots, now: float) -> dict[str, dict[str, Any]]:
    """From a person's edit to the side named, within the last hour: how many, and p50 and p95 in seconds."""
    counted = _sum(counts for at, counts in slots.items() if at >= since(now))
    return {side: _delays(counted, side) for side in SIDES}


def calls_per_minute(slots: Slots, now: float) -> dict[str, float]:
    """Calls to each system, over the last five minutes; of the slot before as much as still belongs to them."""
    begun = now // SLOT * SLOT
    part = 1 - (now - begun) / SLOT
    of_now, of_before = slots.get(int(begun), {}), slots.get(int(begun) - SLOT, {})
    return {
        side: round((of_now.get(call_name(side), 0) + part * of_before.get(call_name(side), 0)) * 60 / SLOT, 1)
        for side in SIDES
    }


def step(seconds: float, points: int = POINTS) -> int:
    """Into how long parts a time is divided for a chart of so many points at most."""
    return next((one for one in STEPS if seconds / one <= points), STEPS[-1])


def series(slots: Slots, now: float, seconds: float, points: int = POINTS) -> dict[str, Any]:
    """The last `seconds` in equal parts, oldest first; the last one is not over yet."""
    every = step(seconds, points)
    last = int(now // every * every)
    first = last - (max(1, int(seconds // every)) - 1) * every
    parts: dict[int, list[Mapping[str, int]]] = {}
    for at, counts in slots.items():
        parts.setdefault(at // every * every, []).append(counts)
    return {
        "now": now,
        "step": every,
        "points": [_point(at, _sum(parts.get(at, ()))) for at in range(first, last + 1, every)],
    }


def begin(now: float, seconds: float, points: int = POINTS) -> float:
    """From which slot on `series` wants to know."""
    every = step(seconds, points)
    return float(now // every * every - max(1, int(seconds // every)) * every)


def _point(at: int, counted: Mapping[str, int]) -> dict[str, Any]:
    jobs = {kind: sum(counted.get(job_name(ended), 0) for ended in endings) for kind, endings in KINDS.items()}
    calls = {side: counted.get(call_name(side), 0) for side in SIDES}
    return {"at": at, **jobs, "calls": calls, "delays": {side: _delays(counted, side) for side in SIDES}}


def _delays(counted: Mapping[str, int], side: str) -> dict[str, Any]:
    begins = delays_of(side)
    buckets = {int(name[len(begins) :]): count for name, count in counted.items() if name.startswith(begins)}
    return {"count": sum(buckets.values()), "p50": percentile(buckets, 0.5), "p95": percentile(buckets, 0.95)}


def _sum(several: Iterable[Mapping[str, int]]) -> Counter[str]:
    total: Counter[str] = Counter()
    for one in several:
        total.update(one)
    return total
