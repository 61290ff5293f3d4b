"""The work queue: which records may differ, in which order, and who is working on one. Knows keys, not records.

The semantics of client-go's workqueue with lanes and due times, shared by all daemons on one Redis: a key added while
it waits stays one key, a key added while it is being worked on is worked on exactly once more, and no two workers hold
a key. It spares asking; it proves nothing: Redis may be flushed at any moment, the ledger's fence keeps writers apart.
Every change is one Lua script in `syncd/lua`. Deadlines are judged by one clock: `now` if given, else Redis's own TIME.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from redis.asyncio import Redis

from syncd.bell import Bell
from syncd.lanes import Lane
from syncd.redis_client import Script, lua

ADD_AT_ONCE = 500
RECLAIM_AT_ONCE = 100
EDITS_AT_ONCE = 10  # of one record; whoever edits in a loop then gets his turn every so many seconds
EDIT_EVERY = 10.0
TRIAL_MS = 1000  # how long what is written for trial stays


@dataclass(frozen=True)
class Waiting:
    """A key and when it is due (epoch seconds; None: now)."""

    key: str
    lane: Lane
    due_at: float | None = None


class First(StrEnum):
    """Which key of a lane is served first: the one that has been due longest, or for the shortest time."""

    OLDEST = "oldest"
    NEWEST = "newest"


@dataclass(frozen=True)
class Shift:
    """What a worker takes: `lowest` and better lanes, and what of them first."""

    lowest: Lane
    first: First = First.OLDEST


EVERYTHING = Shift(Lane.BACKFILL)
NEWEST_EDITS = Shift(Lane.LIVE, First.NEWEST)


@dataclass(frozen=True)
class Taken:
    """The right to work on `key` until the lease ends, which `token` proves. Times are the queue's epoch seconds.

    `too_soon`: the seconds a record should wait that is edited again and again, or the others would wait for it.
    """

    key: str
    lane: Lane
    due_at: float
    taken_at: float
    token: str
    too_soon: float = 0.0


@dataclass(frozen=True)
class Lease:
    """A key somebody works on; `ends_at` in the past means its owner is gone or stuck."""

    key: str
    lane: Lane
    owner: str
    since: float
    ends_at: float


@dataclass(frozen=True)
class LaneStats:
    """`waiting` includes what is `due`; `oldest_due` is the earliest due time, which may be in the future."""

    waiting: int
    due: int
    oldest_due: float | None


@dataclass(frozen=True)
class Stats:
    """The queue at `now`, the queue's own clock: ages are differences to it."""

    now: float
    lanes: dict[Lane, LaneStats]
    running: tuple[Lease, ...]

    @property
    def waiting(self) -> int:
        return sum(lane.waiting for lane in self.lanes.values())

    @property
    def oldest_due(self) -> float | None:
        return min((s.oldest_due for s in self.lanes.values() if s.oldest_due is not None), default=None)


class Queue:
    """One queue in Redis, named by `prefix`. Every call may raise RedisUnavailable.

    `poll_seconds` is how late another process's addition may be noticed; this process's own ring the bell.
    """

    def __init__(
        self,
        client: Redis,
        *,
        bell: Bell,
        new_id: Callable[[], str],
        now: Callable[[], float] | None = None,
        prefix: str = "syncd",
        poll_seconds: float = 1.0,
    ) -> None:
        self._bell = bell
        self._new_id = new_id
        self._now = now
        self._poll_seconds = poll_seconds
        # The braces keep all keys in one slot should the server be a cluster.
        names = (*(f"lane:{lane.value}" for lane in Lane), "leases", "holders", "again", "edits")
        self._keys = [f"{{{prefix}:queue}}:{name}" for name in names]
        self._trial = [f"{{{prefix}:queue}}:trial"]

        def script(name: str) -> Script:
            return Script(client, lua("clock", "queue_common", f"queue_{name}"))

        self._add = script("add")
        self._take = script("take")
        self._renew = script("renew")
        self._finish = script("finish")
        self._reclaim = script("reclaim")
        self._clear = script("clear")
        self._drop = script("drop")
        self._ahead = script("ahead")
        self._look = script("look")
        self._try = Script(client, lua("queue_try"))

    async def add(self, key: str, lane: Lane, due_at: float | None = None) -> None:
        """Have `key` worked on: if it waits, in the better lane and at the earlier time; if in work, once more."""
        await self.add_all([Waiting(key, lane, due_at)])

    async def add_all(self, entries: Iterable[Waiting]) -> None:
        """Add many, in calls short enough to let others in between."""
        batch: list[str] = []
        for entry in entries:
            batch += (entry.key, str(entry.lane.value), _stamp(entry.due_at))
            if len(batch) == 3 * ADD_AT_ONCE:
                await self._put(batch)
                batch = []
        if batch:
            await self._put(batch)

    async def take(self, owner: str, lease_seconds: float, shift: Shift = EVERYTHING) -> Taken | None:
        """Lease the best due key to `owner` (shown to people), or nothing is due in the lanes of the shift."""
        token = self._new_id()
        args = [self._clock(), owner, token, repr(lease_seconds), str(shift.lowest.value + 1), shift.first.value]
        answer = await self._take(self._keys, [*args, str(EDITS_AT_ONCE), str(EDIT_EVERY)])
        if not answer:
            return None
        key, lane, due_at, taken_at, too_soon = map(_text, answer)
        return Taken(key, Lane(int(lane)), float(due_at), float(taken_at), token, float(too_soon))

    async def wait(self, at_most: float, shift: Shift = EVERYTHING) -> None:
        """Return when something may be due, after `at_most` seconds at the latest; the caller then tries to take."""
        rings = self._bell.rings
        ahead = await self._ahead(self._keys, [self._clock(), str(shift.lowest.value + 1)])
        pause = min(at_most, self._poll_seconds)
        if ahead is not None:
            pause = min(pause, float(_text(ahead)))
        if pause > 0:
            await self._bell.hear(pause, rings)
            if shift.lowest is not Lane.BACKFILL:
                self._bell.ring()  # it may have been for somebody who takes everything

    async def renew(self, taken: Taken, lease_seconds: float) -> bool:
        """Let the lease end `lease_seconds` from now; False if it was lost."""
        args = [self._clock(), taken.key, taken.token, repr(lease_seconds)]
        return bool(await self._renew(self._keys, args))

    async def finish(self, taken: Taken) -> bool:
        """Work is done; the key waits again if added meanwhile. False if the lease was lost, then nothing changes."""
        return await self._end([self._clock(), taken.key, taken.token])

    async def requeue(self, taken: Taken, lane: Lane, due_at: float | None = None) -> bool:
        """As `finish`, and the key waits again in any case."""
        args = [self._clock(), taken.key, taken.token, str(lane.value), _stamp(due_at)]
        return await self._end(args)

    async def reclaim(self) -> tuple[tuple[str, str], ...]:
        """Put the keys of ended leases back, in the lane they had; answers (key, owner) of each."""
        found: list[tuple[str, str]] = []
        while True:
            answer = [_text(value) for value in await self._reclaim(self._keys, [self._clock(), str(RECLAIM_AT_ONCE)])]
            found += zip(answer[::2], answer[1::2], strict=True)
            for _ in answer[::2]:
                self._bell.ring()
            if len(answer) < 2 * RECLAIM_AT_ONCE:
                return tuple(found)

    async def clear(self, key: str) -> bool:
        """End the lease of `key` before its time; the key waits again. False if nobody holds it."""
        cleared = bool(await self._clear(self._keys, [self._clock(), key]))
        if cleared:
            self._bell.ring()
        return cleared

    async def drop(self, key: str) -> bool:
        """Let `key` wait no longer; work in hand goes on. False if it did not wait."""
        return bool(await self._drop(self._keys, [key]))

    async def stats(self) -> Stats:
        now, lanes, _, running = await self._read(0)
        return Stats(now, lanes, running)

    async def try_writing(self) -> None:
        """Write something of no meaning: a server that is full or read-only answers questions, and takes no work."""
        await self._try(self._trial, [str(TRIAL_MS)])

    async def leases(self) -> tuple[Lease, ...]:
        """All keys being worked on, the lease that ends first coming first."""
        return (await self._read(0))[3]

    async def list_waiting(self, limit: int = 100) -> tuple[Waiting, ...]:
        """The first `limit` waiting keys in the order of lanes and due times."""
        return (await self._read(limit))[2]

    async def _put(self, triples: Sequence[str]) -> None:
        await self._add(self._keys, [self._clock(), *triples])
        for _ in triples[::3]:
            self._bell.ring()

    async def _end(self, args: Sequence[str]) -> bool:
        held = bool(await self._finish(self._keys, args))
        # Whether the key waits again is not asked: one look too many costs less than a late one.
        self._bell.ring()
        return held

    async def _read(self, limit: int) -> tuple[float, dict[Lane, LaneStats], tuple[Waiting, ...], tuple[Lease, ...]]:
        now, lanes, waiting, running = await self._look(self._keys, [self._clock(), str(limit)])
        return (
            float(_text(now)),
            {
                lane: LaneStats(int(count), int(due), float(oldest) if oldest else None)
                for lane, (count, due, oldest) in zip(Lane, _groups(lanes), strict=True)
            },
            tuple(Waiting(key, Lane(int(lane)), float(due)) for key, lane, due in _groups(waiting)),
            tuple(_lease(key, holder, ends) for key, holder, ends in _groups(running)),
        )

    def _clock(self) -> str:
        return "" if self._now is None else _stamp(self._now())


def _stamp(seconds: float | None) -> str:
    """Epoch seconds for a script: microseconds are kept, and a float's repr may be in scientific notation."""
    return "" if seconds is None else f"{seconds:.6f}"


def _text(value: Any) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)


def _groups(flat: Sequence[Any]) -> Iterable[tuple[str, str, str]]:
    texts = [_text(value) for value in flat]
    return zip(texts[::3], texts[1::3], texts[2::3], strict=True)


def _lease(key: str, holder: str, ends: str) -> Lease:
    _, lane, since, owner = holder.split("|", 3)
    return Lease(key, Lane(int(lane)), owner, float(since), float(ends))
