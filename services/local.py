"""Budget, circuit and token cache for one process: one-shots, tests, and while Redis is away.

The numbers of both circuits and budgets stand here; `syncd.shared` hands the same ones to its Lua twins.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field

from services.ports import Admission, CircuitName, CircuitState, Token, Urgency, Verdict

# Budget. A bucket that refills evenly and holds BURST_PART of a minute's calls. It is empty at first, as nobody knows
# what was called before; the refill is so slow that a full bucket and what comes in WINDOW_SECONDS stay within the
# limit: a minute, and as long as one call may be on its way longer than another.
BURST_PART = 1 / 11
WINDOW_SECONDS = 62.0
BACKGROUND_SHARE = 0.7
SHORTEST_WAIT = 0.01
ALONE_PART = 0.1  # of the limit, for each process that cannot ask the others

# Circuit.
FAILURES_TO_OPEN = 5
FIRST_PAUSE = 5.0  # seconds; doubles with every opening in succession
LONGEST_PAUSE = 60.0
LONGEST_RETRY_AFTER = 900.0  # a system that asks for more is looked at anyway
RAMP_END = 16  # concurrent calls; one more is allowed per success, that is twice as many per round trip
RAMP_WAIT = 0.1  # seconds between two askings while the ramp is full
PROBE_WAIT = 1.0  # seconds to stay away while the single probe is under way
THROTTLED_NAMES = 10_000  # beyond them those that may try again freely are forgotten
TICKET_SECONDS = 120.0  # a ticket whose holder died is void after this; longer than any call


@dataclass
class _Bucket:
    level: float
    background: float
    at: float


class LocalBudget:
    """Calls per minute by side; a side without a limit is not limited."""

    def __init__(self, now: Callable[[], float], limits: Mapping[str, float]) -> None:
        self._now = now
        self._limits = dict(limits)
        self._buckets: dict[str, _Bucket] = {}

    def empty(self, side: str) -> None:
        """Forget what has come in: somebody else may have called meanwhile."""
        self._buckets.pop(side, None)

    async def take(self, side: str, urgency: Urgency) -> float:
        """Take one call: 0.0 = taken, otherwise the seconds after which to ask again."""
        if side not in self._limits:
            return 0.0
        rate, size = budget_shape(self._limits[side])
        now = self._now()
        bucket = self._buckets.setdefault(side, _Bucket(0.0, 0.0, now))
        passed = max(0.0, now - bucket.at)
        bucket.at = now
        bucket.level = min(size, bucket.level + passed * rate)
        most = max(1.0, size * BACKGROUND_SHARE)
        bucket.background = min(most, bucket.background + passed * rate * BACKGROUND_SHARE)
        # Background calls leave the last part of the bucket to a clerk's edit that comes in just now.
        needed = 1.0 if urgency is Urgency.URGENT else min(size, 1.0 + size * (1 - BACKGROUND_SHARE))
        wait = (needed - bucket.level) / rate
        if urgency is Urgency.BACKGROUND:
            wait = max(wait, (1.0 - bucket.background) / (rate * BACKGROUND_SHARE))
        # A hair's breadth of rounding must not cost another wait.
        if wait > 1e-6:
            return max(wait, SHORTEST_WAIT)
        bucket.level -= 1.0
        if urgency is Urgency.BACKGROUND:
            bucket.background -= 1.0
        return 0.0


def budget_shape(per_minute: float) -> tuple[float, float]:
    """Refill (calls per second) and size (calls) of the bucket for a limit per minute.

    Calls are whole: what stays below the limit and one more is within the limit.
    """
    size = max(1.0, per_minute * BURST_PART)
    return (per_minute + 0.999 - size) / WINDOW_SECONDS, size


class LocalThrottle:
    """Tries by name: so many at once, then one every so many seconds. A name that was long silent is forgotten."""

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._free: dict[str, float] = {}  # when all tries of a name are there again

    async def attempt(self, name: str, at_once: int, every: float) -> float:
        """Take one try: 0.0 = go on, otherwise the seconds to wait."""
        now = self._now()
        if len(self._free) > THROTTLED_NAMES:
            self._free = {known: free for known, free in self._free.items() if free > now}
        free = max(self._free.get(name, now), now) + every
        if free - now > at_once * every + 1e-6:
            return free - now - at_once * every
        self._free[name] = free
        return 0.0


@dataclass
class _Wire:
    """`limit` 0 = closed; otherwise so many calls at a time once `until` has passed."""

    failures: int = 0
    openings: int = 0
    until: float = 0.0
    limit: int = 0
    strikes: int = 0
    struck: str = ""
    barred: str = ""
    tickets: dict[str, float] = field(default_factory=dict)


class LocalCircuit:
    """Opens after five outages in succession or when told to wait; comes back by one probe, then a ramp.

    `take` takes one call out of a side's budget, as `LocalBudget.take`.
    """

    def __init__(self, now: Callable[[], float], take: Callable[[str, Urgency], Awaitable[float]]) -> None:
        self._now = now
        self._take = take
        self._wires: dict[str, _Wire] = {}

    def _wire(self, side: str) -> _Wire:
        return self._wires.setdefault(side, _Wire())

    async def admit(self, side: str, credentials: str, ticket: str, urgency: Urgency) -> Admission:
        """Whether the call may go; the budget is asked last."""
        wire, now = self._wire(side), self._now()
        if wire.barred and wire.barred == credentials:
            return Admission(Verdict.BARRED)
        if wire.limit > 0:
            if now < wire.until:
                return Admission(Verdict.OPEN, wire.until - now)
            wire.tickets = {name: end for name, end in wire.tickets.items() if end > now}
            if len(wire.tickets) >= wire.limit:
                return Admission(Verdict.OPEN, PROBE_WAIT) if wire.limit == 1 else Admission(Verdict.WAIT, RAMP_WAIT)
        wait = await self._take(side, urgency)
        if wait > 0:
            return Admission(Verdict.SPENT, wait)
        if wire.limit > 0:
            wire.tickets[ticket] = now + TICKET_SECONDS
        return Admission(Verdict.GO, watched=wire.limit > 0 or wire.failures > 0 or wire.strikes > 0)

    async def succeed(self, side: str, ticket: str) -> None:
        """The side answered."""
        wire = self._wire(side)
        held = wire.tickets.pop(ticket, None) is not None
        if wire.limit == 0:
            wire.failures = wire.strikes = 0
        elif held:  # a call from before the opening proves nothing about now
            wire.strikes = 0
            wire.limit += 1
            if wire.limit > RAMP_END:
                self._wires[side] = _Wire()

    async def fail(self, side: str, ticket: str, retry_after: float | None) -> None:
        """The side is away."""
        wire, now = self._wire(side), self._now()
        held = wire.tickets.pop(ticket, None) is not None
        if wire.limit == 0:
            wire.failures += 1
            if retry_after is not None or wire.failures >= FAILURES_TO_OPEN:
                self._open(wire, now, retry_after)
        elif now < wire.until:
            if retry_after is not None:
                wire.until = max(wire.until, now + min(retry_after, LONGEST_RETRY_AFTER))
        elif held or retry_after is not None:
            self._open(wire, now, retry_after)

    def _open(self, wire: _Wire, now: float, retry_after: float | None) -> None:
        wire.openings += 1
        pause = min(FIRST_PAUSE * 2 ** min(wire.openings - 1, 10), LONGEST_PAUSE)
        if retry_after is not None:
            pause = min(max(retry_after, PROBE_WAIT), LONGEST_RETRY_AFTER)
        wire.until = now + pause
        wire.limit = 1
        wire.failures = 0
        wire.tickets = {}

    async def withdraw(self, side: str, ticket: str) -> None:
        """Give the ticket back without a word about the side."""
        self._wire(side).tickets.pop(ticket, None)

    async def strike(self, side: str, credentials: str, ticket: str) -> bool:
        """A 401: True when these credentials are barred by it."""
        wire = self._wire(side)
        held = wire.tickets.pop(ticket, None) is not None
        if wire.struck != credentials:
            wire.struck, wire.strikes = credentials, 0
        wire.strikes += 1
        if wire.strikes == 1:
            # Dozens of calls may be in flight; from here on one at a time, or the address gets locked out.
            wire.limit, wire.until, wire.tickets = 1, max(wire.until, self._now()), {}
            return False
        if held:
            wire.barred = credentials
        return held

    async def bar(self, side: str, credentials: str) -> None:
        """Stop all calls with these credentials."""
        self._wire(side).barred = credentials

    async def clear(self, side: str) -> None:
        """Forget everything about the side."""
        self._wires.pop(side, None)

    async def look(self, side: str) -> CircuitState:
        """What a person is told."""
        wire, now = self._wire(side), self._now()
        if wire.barred:
            return CircuitState(CircuitName.BARRED)
        if wire.limit == 0:
            return CircuitState(CircuitName.CLOSED)
        if now < wire.until:
            return CircuitState(CircuitName.OPEN, wire.until - now)
        return CircuitState(CircuitName.RAMP)


class LocalTokens:
    """The token cache of one process. Tokens end by the epoch seconds of `now`, locks by those of `passing`."""

    def __init__(self, now: Callable[[], float], passing: Callable[[], float]) -> None:
        self._now = now
        self._passing = passing
        self._tokens: dict[str, Token] = {}
        self._locks: dict[str, tuple[str, float]] = {}

    async def read(self, key: str) -> Token | None:
        """The token, unless it has expired."""
        token = self._tokens.get(key)
        return token if token is not None and token.expires > self._now() else None

    async def lock(self, key: str, owner: str, seconds: float) -> bool:
        """Try to become the one who fetches."""
        held = self._locks.get(key)
        if held is not None and held[1] > self._passing():
            return False
        self._locks[key] = (owner, self._passing() + seconds)
        return True

    def _owns(self, key: str, owner: str) -> bool:
        held = self._locks.get(key)
        return held is not None and held[0] == owner and held[1] > self._passing()

    async def save(self, key: str, owner: str, token: Token) -> bool:
        """Store and unlock, unless the lock is lost."""
        if not self._owns(key, owner):
            return False
        self._tokens[key] = token
        del self._locks[key]
        return True

    async def unlock(self, key: str, owner: str) -> None:
        """Let others fetch."""
        if self._owns(key, owner):
            del self._locks[key]

    async def drop(self, key: str, access: str) -> None:
        """Forget the token if it is still this one."""
        token = self._tokens.get(key)
        if token is not None and token.access == access:
            del self._tokens[key]
