"""How late an edit made in Advoware is found, by the policy of looking round: virtual time, no network, no ledger.

All policies have the same calls per minute and one invented history of edits: activity is skewed as among the records
of a firm (Zipf), comes in bursts within a case, in office hours; half of the edits are made in EspoCRM, where the poll
finds them, and tell that the record is active.
"""

from __future__ import annotations

import asyncio
import heapq
import random
from bisect import bisect_left
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import accumulate
from math import exp, log, sqrt
from pathlib import Path
from typing import NamedTuple, Protocol

from benchmarks.report import judged, quantile, table
from benchmarks.size import Size
from syncd import rounds
from syncd.rounds import Turn

HOUR, DAY = 3600.0, 86400.0
SHORTEST, LONGEST = 300.0, DAY  # seconds: the default settings
TURN = 15.0  # seconds between two turns of the chore
SETTLING = 7 * DAY  # what happens before counts for no figure
ACTIVE = 7 * DAY  # a record is active while its last edit is younger


class Edit(NamedTuple):
    """Somebody edits a record; `found` by the poll where it was in EspoCRM."""

    at: float
    record: int
    found: bool


def office(at: float) -> bool:
    """Monday to Friday, 8 to 18."""
    return int(at // DAY) % 7 < 5 and 8 <= at % DAY / HOUR < 18


def history(records: int, days: float, per_day: float = 0.02, seed: int = 1) -> list[Edit]:
    """Edits in order; `per_day` for each record on average."""
    chance = random.Random(seed)
    cases: list[range] = []
    while not cases or cases[-1].stop < records:
        start = cases[-1].stop if cases else 0
        cases.append(range(start, min(records, start + 1 + int(chance.expovariate(1 / 4)))))
    chance.shuffle(cases)
    weights = list(accumulate(1 / rank for rank in range(1, len(cases) + 1)))
    edits: list[Edit] = []
    while len(edits) < records * days * per_day:
        at = chance.random() * days * DAY
        if not office(at):
            continue
        case = cases[bisect_left(weights, chance.random() * weights[-1])]
        for _ in range(1 + int(chance.expovariate(1 / 5))):
            edits.append(Edit(at, chance.choice(case), chance.random() < 0.5))
            at += chance.lognormvariate(log(HOUR / 2), 2.0)
            while not office(at):
                at += HOUR * (0.5 + chance.random())
    return sorted(edit for edit in edits if edit.at < days * DAY)


class Policy(Protocol):
    """Says which records to look at, and is told of every look: `changed` if it found an edit."""

    def take(self, now: float, most: int) -> list[int]: ...

    def looked(self, record: int, now: float, *, changed: bool) -> None: ...


class RoundRobin:
    """One after another, none sooner than after the shortest interval."""

    def __init__(self, records: int, _: random.Random) -> None:
        self._last = [-LONGEST] * records
        self._next = 0

    def take(self, now: float, most: int) -> list[int]:
        """The next ones in turn."""
        taken = list[int]()
        while len(taken) < most and now - self._last[self._next] >= SHORTEST:
            taken.append(self._next)
            self._last[self._next] = now
            self._next = (self._next + 1) % len(self._last)
        return taken

    def looked(self, record: int, now: float, *, changed: bool) -> None:
        """It is not its turn again before all others had theirs."""
        self._last[record] = now


class Doubling:
    """What syncd had before: the shortest interval after a change, then twice as long each time; the first due next."""

    def __init__(self, records: int, chance: random.Random) -> None:
        self._every = [LONGEST] * records
        self._planned = [chance.random() * LONGEST for _ in range(records)]
        self._queue = [(at, record) for record, at in enumerate(self._planned)]
        heapq.heapify(self._queue)

    def take(self, now: float, most: int) -> list[int]:
        """Those that are due."""
        taken = list[int]()
        while len(taken) < most and self._queue and self._queue[0][0] <= now:
            at, record = heapq.heappop(self._queue)
            if at == self._planned[record]:
                taken.append(record)
        return taken

    def looked(self, record: int, now: float, *, changed: bool) -> None:
        """Plan the next look."""
        self._every[record] = SHORTEST if changed else min(self._every[record] * 2, LONGEST)
        self._planned[record] = now + self._every[record]
        heapq.heappush(self._queue, (self._planned[record], record))


class SquareRoot:
    """What syncd does: `rounds` over the age of the last change."""

    def __init__(self, records: int, chance: random.Random) -> None:
        self._chance = chance
        self._changed = [-chance.random() * 400 * DAY for _ in range(records)]
        self._planned = [0.0] * records
        self._tiers: dict[float, list[tuple[float, int]]] = {}
        for record in range(records):
            self._plan(record, -chance.random() * LONGEST * rounds.LONGEST_PART, 0.0)

    def every(self, record: int, now: float) -> float:
        """Seconds until the next look."""
        return rounds.interval(now - self._changed[record], SHORTEST, LONGEST)

    def _plan(self, record: int, looked: float, now: float) -> None:
        every = self.every(record, now)
        self._planned[record] = looked + every * (0.9 + 0.1 * self._chance.random())
        heapq.heappush(self._tiers.setdefault(every, []), (self._planned[record], record))

    def take(self, now: float, most: int) -> list[int]:
        """As the ledger does: the first of each interval, and of these whose turn it is."""
        waiting = [turn for every in self._tiers for turn in self._first(every, now, most)]
        taken = [int(turn.key) for turn in rounds.chosen(waiting, now, most, LONGEST)]
        passed_over = {int(turn.key) for turn in waiting}.difference(taken)
        for turn in waiting:
            if int(turn.key) in passed_over:
                heapq.heappush(self._tiers[turn.every], (turn.due_at, int(turn.key)))
        return taken

    def _first(self, every: float, now: float, most: int) -> Iterator[Turn]:
        queue, found = self._tiers[every], 0
        while found < most and queue and queue[0][0] <= now:
            at, record = heapq.heappop(queue)
            if at == self._planned[record]:
                found += 1
                yield Turn(str(record), every, at)

    def looked(self, record: int, now: float, *, changed: bool) -> None:
        """Remember the change, plan the next look."""
        if changed:
            self.change(record, now)
        self._plan(record, now, now)

    def change(self, record: int, now: float) -> None:
        """The record changed on one of the sides."""
        self._changed[record] = now


class Decayed(SquareRoot):
    """Another estimate for the same law: changes counted, each forgotten with a week, beside a small rate of all."""

    FADES, ALWAYS, BUSIEST = 7 * DAY, 0.02, 32.0

    def __init__(self, records: int, chance: random.Random) -> None:
        self._heat = [0.0] * records
        super().__init__(records, chance)

    def _rate(self, record: int, now: float) -> float:
        return self._heat[record] * exp((self._changed[record] - now) / self.FADES)

    def every(self, record: int, now: float) -> float:
        """The shortest interval for the busiest, and longer by the square root for others."""
        wanted = SHORTEST * sqrt(self.BUSIEST / (self._rate(record, now) + self.ALWAYS))
        return rounds.interval((wanted / rounds.SOONER) ** 2 / SHORTEST, SHORTEST, LONGEST)

    def change(self, record: int, now: float) -> None:
        """One change more."""
        self._heat[record] = self._rate(record, now) + 1.0
        super().change(record, now)


OURS, BETTER = "square root of the age (syncd)", 3.0  # than round-robin, at the median
POLICIES: dict[str, Callable[[int, random.Random], Policy]] = {
    "round-robin": RoundRobin,
    "doubling (before)": Doubling,
    "decayed rate": Decayed,
    OURS: SquareRoot,
}


@dataclass
class Row:
    """One policy at one budget: delays in seconds from an edit in Advoware to the look that finds it.

    `calls` per minute it has used; `longest` seconds between two looks at a record.
    """

    policy: str
    records: int
    budget: float
    calls: float = 0.0
    longest: float = 0.0
    active: list[float] = field(default_factory=list)
    quiet: list[float] = field(default_factory=list)

    @property
    def kinds(self) -> tuple[list[float], list[float]]:
        """Delays in active and in quiet records."""
        return self.active, self.quiet

    def delay(self, part: float) -> float:
        """The delay that so large a part of all edits stays below."""
        return quantile([*self.active, *self.quiet], part)


def simulate(name: str, records: int, edits: Sequence[Edit], days: float, budget: float, seed: int = 2) -> Row:
    """Let a policy look round with `budget` calls per minute while these edits happen."""
    policy, row = POLICIES[name](records, random.Random(seed)), Row(name, records, budget)
    unseen: dict[int, list[tuple[float, float]]] = {}
    edited, looked = [-ACTIVE] * records, [0.0] * records
    number, granted, now = 0, 0.0, 0.0

    def look(record: int, *, changed: bool) -> None:
        for at, before in unseen.pop(record, []):
            if at >= SETTLING:
                (row.active if at - before < ACTIVE else row.quiet).append(now - at)
            changed = True
        if now >= SETTLING:
            row.longest = max(row.longest, now - looked[record])
        looked[record] = now
        policy.looked(record, now, changed=changed)

    while now < days * DAY:
        now += TURN
        while number < len(edits) and edits[number].at <= now:
            at, record, found = edits[number]
            number += 1
            if found:
                look(record, changed=True)
            else:
                unseen.setdefault(record, []).append((at, edited[record]))
            edited[record] = at
        granted = granted % 1 + budget * TURN / 60
        for record in policy.take(now, int(granted)):
            row.calls += 1 / (days * DAY / 60)
            look(record, changed=False)
    return row


async def measure(size: Size, _: Path) -> str:
    """A table: every policy at every size."""
    return await asyncio.to_thread(_measured, size)


def _measured(size: Size) -> str:
    found = []
    for records, budget in size.swept:
        edits = history(records, size.days)
        found += [simulate(name, records, edits, size.days, budget) for name in POLICIES]
    plain = {(row.records, row.budget): row.delay(0.5) for row in found if row.policy == "round-robin"}
    told = f"{size.days:g} days of invented edits in virtual time, the first {SETTLING / DAY:g} count for nothing"
    return f"{told}:\n\n{table(HEAD, (_row(row, plain[row.records, row.budget]) for row in found))}"


HEAD = (
    "records", "calls a minute", "policy", "used", "p50 of all", "times better than round-robin",
    "active records, p50 / p95", "quiet records, p50 / p95", "longest gap",
)  # fmt: skip


def _row(row: Row, plain: float) -> Sequence[str]:
    p50 = row.delay(0.5)
    better = plain / p50 if p50 else 0.0
    told = judged(better, least=BETTER) if row.policy == OURS else f"{better:.2f}"
    kinds = (" / ".join(f"{quantile(some, part) / 60:.0f} min" for part in (0.5, 0.95)) for some in row.kinds)
    return (
        f"{row.records:,}", f"{row.budget:g}", row.policy, f"{row.calls:.0f}", f"{p50 / 60:.1f} min", told, *kinds,
        f"{row.longest / HOUR:.1f} h",
    )  # fmt: skip
