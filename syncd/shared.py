"""Call budget, circuit, token cache and throttle shared by all workers and daemons through Redis.

The Lua files do what `services.local` does, with the same numbers. Redis holds nothing here that must
survive: when it has been flushed everything starts anew, and while it cannot be reached calls go on with the
twins of this process. Must not know what is called, nor why.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

import structlog
from redis.asyncio import Redis

from services import local
from services.local import LocalBudget, LocalCircuit, LocalThrottle, LocalTokens
from services.ports import Admission, CircuitName, CircuitState, Token, Urgency, Verdict
from syncd.clock import Clock
from syncd.redis_client import RedisUnavailable, Script, guarded, lua

T = TypeVar("T")
Now = Callable[[], float]

# How long to leave Redis alone after it did not answer, so that not every call waits for it.
LEAVE_ALONE_SECONDS = 2.0
# So long it must have answered all before it is told that it is back: a full one answers some and refuses others.
BACK_SECONDS = 10.0

BEFORE = {"budget": ("bucket",), "circuit_admit": ("bucket",)}  # joined before the scripts that use it

log = structlog.get_logger(__name__)


async def redis_time(redis: Redis) -> float:
    """Redis' own clock in epoch seconds; raises RedisUnavailable."""
    seconds, micros = await guarded(redis.time)
    return float(seconds) + float(micros) / 1_000_000


class Link:
    """Redis while it answers, the twin while it does not. Says so once when that changes."""

    def __init__(self, redis: Redis, passing: Now, prefix: str, now: Now | None) -> None:
        self._redis = redis
        self._passing = passing
        self._prefix = prefix
        self._now = now
        self._scripts: dict[tuple[str, ...], Script] = {}
        self._away_until: float | None = None
        self._told = False

    def key(self, *parts: str) -> str:
        """The name of a key."""
        return ":".join((self._prefix, *parts))

    async def script(self, name: str, keys: list[str], *args: object) -> Any:
        """Run syncd/lua/<name>.lua, which needs no clock."""
        return await self._run((name,), keys, args)

    async def timed_script(self, name: str, keys: list[str], *args: object) -> Any:
        """Run syncd/lua/<name>.lua, its first argument being the time, "" for Redis' own."""
        now = "" if self._now is None else f"{self._now():.6f}"
        return await self._run(("clock", *BEFORE.get(name, ()), name), keys, (now, *args))

    async def _run(self, names: tuple[str, ...], keys: list[str], args: tuple[object, ...]) -> Any:
        if names not in self._scripts:
            self._scripts[names] = Script(self._redis, lua(*names))
        return await self._scripts[names](keys, [str(arg) for arg in args])

    async def ask(self, there: Callable[[], Awaitable[T]], here: Callable[[], Awaitable[T]]) -> T:
        """What `there` answers from Redis, or the twin `here` if Redis does not."""
        if self._away_until is not None and self._passing() < self._away_until:
            return await here()
        try:
            answer = await there()
        except RedisUnavailable as error:
            if not self._told:
                log.warning("shared.redis_away", error=str(error), effect="each process makes a tenth of the calls")
            self._told, self._away_until = True, self._passing() + LEAVE_ALONE_SECONDS
            return await here()
        if self._told and self._away_until is not None and self._passing() > self._away_until + BACK_SECONDS:
            self._told, self._away_until = False, None
            log.info("shared.redis_back")
        return answer


class RedisBudget:
    """Calls per minute by side, for all processes together.

    While Redis is away each process makes a part of them, and begins with none; when it is back, so does the bucket.
    """

    def __init__(self, link: Link, twin: LocalBudget, limits: Mapping[str, int]) -> None:
        self._link = link
        self._twin = twin
        shapes = {side: local.budget_shape(limit) for side, limit in limits.items()}
        self._shapes = {side: (*map(str, shape), str(local.BACKGROUND_SHARE)) for side, shape in shapes.items()}
        self._alone: set[str] = set()  # sides for which Redis was not asked last

    def bucket(self, side: str) -> str:
        """Where a side's calls are counted."""
        return self._link.key("budget", side)

    def asked(self, side: str, urgency: Urgency) -> tuple[str, ...]:
        """What bucket.lua is told; nothing of a side without a limit."""
        shape = self._shapes.get(side)
        if shape is None:
            return ()
        return *shape, urgency.value, str(local.SHORTEST_WAIT), "1" if side in self._alone else ""

    def answered(self, side: str) -> None:
        """The bucket in Redis counts again."""
        self._alone.discard(side)

    async def take(self, side: str, urgency: Urgency) -> float:
        """Take one call: 0.0 = taken, otherwise the seconds after which to ask again."""
        if side not in self._shapes:
            return 0.0

        async def there() -> float:
            answer = float(await self._link.timed_script("budget", [self.bucket(side)], *self.asked(side, urgency)))
            self.answered(side)
            return answer

        return await self._link.ask(there, lambda: self.take_alone(side, urgency))

    async def take_alone(self, side: str, urgency: Urgency) -> float:
        """As `take`, without Redis."""
        if side not in self._alone:
            self._alone.add(side)
            self._twin.empty(side)
        return await self._twin.take(side, urgency)


class RedisCircuit:
    """One circuit per side for all processes together."""

    def __init__(self, link: Link, twin: LocalCircuit, budget: RedisBudget) -> None:
        self._link = link
        self._twin = twin
        self._budget = budget

    def _keys(self, side: str) -> list[str]:
        return [self._link.key("circuit", side), self._link.key("circuit", side, "tickets")]

    async def admit(self, side: str, credentials: str, ticket: str, urgency: Urgency) -> Admission:
        """Whether the call may go; circuit and budget are asked by one script."""
        keys = [*self._keys(side), self._budget.bucket(side)]

        async def there() -> Admission:
            args = (credentials, ticket, local.TICKET_SECONDS, *self._budget.asked(side, urgency))
            admission = _admission(await self._link.timed_script("circuit_admit", keys, *args))
            if admission.verdict in (Verdict.GO, Verdict.SPENT):
                self._budget.answered(side)
            return admission

        return await self._link.ask(there, lambda: self._twin.admit(side, credentials, ticket, urgency))

    async def succeed(self, side: str, ticket: str) -> None:
        """The side answered."""
        await self._settle(side, ticket, "ok", None, lambda: self._twin.succeed(side, ticket))

    async def fail(self, side: str, ticket: str, retry_after: float | None) -> None:
        """The side is away."""
        twin = self._twin
        await self._settle(side, ticket, "outage", retry_after, lambda: twin.fail(side, ticket, retry_after))

    async def withdraw(self, side: str, ticket: str) -> None:
        """Give the ticket back without a word about the side."""
        await self._settle(side, ticket, "none", None, lambda: self._twin.withdraw(side, ticket))

    async def _settle(
        self, side: str, ticket: str, how: str, retry_after: float | None, twin: Callable[[], Awaitable[None]]
    ) -> None:
        async def there() -> None:
            await self._link.timed_script(
                "circuit_settle",
                self._keys(side),
                ticket,
                how,
                "" if retry_after is None else retry_after,
                local.FAILURES_TO_OPEN,
                local.FIRST_PAUSE,
                local.LONGEST_PAUSE,
                local.PROBE_WAIT,
                local.LONGEST_RETRY_AFTER,
                local.RAMP_END,
            )

        await self._link.ask(there, twin)

    async def strike(self, side: str, credentials: str, ticket: str) -> bool:
        """A 401: True when these credentials are barred by it."""

        async def there() -> bool:
            return bool(await self._link.timed_script("circuit_strike", self._keys(side), credentials, ticket))

        return await self._link.ask(there, lambda: self._twin.strike(side, credentials, ticket))

    async def bar(self, side: str, credentials: str) -> None:
        """Stop all calls with these credentials."""

        async def there() -> None:
            await self._link.script("circuit_bar", self._keys(side)[:1], credentials)

        await self._link.ask(there, lambda: self._twin.bar(side, credentials))

    async def clear(self, side: str) -> None:
        """A person says: try again."""

        async def there() -> None:
            await self._link.script("circuit_clear", self._keys(side))

        await self._twin.clear(side)
        await self._link.ask(there, lambda: self._twin.clear(side))

    async def look(self, side: str) -> CircuitState:
        """What a person is told."""

        async def there() -> CircuitState:
            state, seconds = await self._link.timed_script("circuit_look", self._keys(side)[:1])
            return CircuitState(CircuitName(_text(state)), float(seconds))

        return await self._link.ask(there, lambda: self._twin.look(side))


_ADMISSIONS = {
    "go": Admission(Verdict.GO),
    "watched": Admission(Verdict.GO, watched=True),
    "probing": Admission(Verdict.OPEN, local.PROBE_WAIT),
    "full": Admission(Verdict.WAIT, local.RAMP_WAIT),
    "barred": Admission(Verdict.BARRED),
}


def _admission(answer: bytes | str) -> Admission:
    said, _, seconds = _text(answer).partition(" ")
    return Admission(Verdict(said), float(seconds)) if seconds else _ADMISSIONS[said]


class RedisTokens:
    """The token cache of all processes."""

    def __init__(self, link: Link, twin: LocalTokens, local_now: Now) -> None:
        self._link = link
        self._twin = twin
        self._now = local_now

    def _keys(self, key: str) -> list[str]:
        return [self._link.key("token", key), self._link.key("token", key, "lock")]

    async def read(self, key: str) -> Token | None:
        """The token, unless it has expired."""

        async def there() -> Token | None:
            found = await self._link.script("token_read", self._keys(key)[:1])
            access, obtained, expires = (part and _text(part) for part in found)
            if not access or not obtained or not expires or float(expires) <= self._now():
                return None
            return Token(access, float(obtained), float(expires))

        return await self._link.ask(there, lambda: self._twin.read(key))

    async def lock(self, key: str, owner: str, seconds: float) -> bool:
        """Try to become the one who fetches."""

        async def there() -> bool:
            return bool(await self._link.timed_script("token_lock", self._keys(key)[1:], owner, seconds))

        return await self._link.ask(there, lambda: self._twin.lock(key, owner, seconds))

    async def save(self, key: str, owner: str, token: Token) -> bool:
        """Store and unlock, unless the lock is lost."""
        lives = token.expires - self._now()
        args = (owner, token.access, f"{token.obtained:.6f}", f"{token.expires:.6f}", lives)

        async def there() -> bool:
            return bool(await self._link.timed_script("token_save", self._keys(key), *args))

        return await self._link.ask(there, lambda: self._twin.save(key, owner, token))

    async def unlock(self, key: str, owner: str) -> None:
        """Let others fetch."""

        async def there() -> None:
            await self._link.script("token_unlock", self._keys(key)[1:], owner)

        await self._link.ask(there, lambda: self._twin.unlock(key, owner))

    async def drop(self, key: str, access: str) -> None:
        """Forget the token if it is still this one."""

        async def there() -> None:
            await self._link.script("token_drop", self._keys(key)[:1], access)

        await self._link.ask(there, lambda: self._twin.drop(key, access))


class RedisThrottle:
    """Tries by name, for all processes together."""

    def __init__(self, link: Link, twin: LocalThrottle) -> None:
        self._link = link
        self._twin = twin

    async def attempt(self, name: str, at_once: int, every: float) -> float:
        """Take one try: 0.0 = go on, otherwise the seconds to wait."""
        key = self._link.key("throttle", name)

        async def there() -> float:
            return float(await self._link.timed_script("throttle", [key], at_once, every))

        return await self._link.ask(there, lambda: self._twin.attempt(name, at_once, every))


def _text(value: bytes | str) -> str:
    return value.decode() if isinstance(value, bytes) else value


@dataclass(frozen=True)
class Shared:
    """The four of one installation."""

    budget: RedisBudget
    circuit: RedisCircuit
    tokens: RedisTokens
    throttle: RedisThrottle


def connect(
    redis: Redis,
    clock: Clock,
    limits: Mapping[str, int],
    *,
    prefix: str = "syncd",
    now: Now | None = None,
) -> Shared:
    """Budget, circuit, tokens and throttle over one Redis.

    `limits` are calls per minute by side. What lasts for a while in this process is timed by the monotonic clock, for
    the other may move when Redis comes back. With `now` the Lua files are handed this time instead of asking Redis.
    """
    passing = clock.monotonic
    link = Link(redis, passing, prefix, now)
    alone = {side: limit * local.ALONE_PART for side, limit in limits.items()}
    budget = RedisBudget(link, LocalBudget(passing, alone), limits)
    return Shared(
        budget,
        RedisCircuit(link, LocalCircuit(passing, budget.take_alone), budget),
        RedisTokens(link, LocalTokens(clock.now, passing), clock.now),
        RedisThrottle(link, LocalThrottle(passing)),
    )
