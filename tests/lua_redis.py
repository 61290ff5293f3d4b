"""Redis in this process, for virtual time: dictionaries, and the production Lua files in the interpreter Redis embeds.

Knows the commands those files use, and no others. Everything is text. Time is the one handed in, so that what expires
does so on virtual time. `tests/test_lua_redis.py` holds it against a real server.
"""

from __future__ import annotations

import asyncio
import math
from bisect import bisect_left, bisect_right, insort
from collections.abc import Awaitable, Callable, Iterable, Sequence
from itertools import count
from typing import Any, Self, cast

from lupa.lua51 import LuaRuntime, lua_type
from redis.asyncio import Redis

_LUA = LuaRuntime()
# As in Redis, a script that forgets a `local` is refused.
_LUA.execute("setmetatable(_G, {__newindex = function(_, name) error('global variable ' .. name) end})")
_COMPILED: dict[str, Any] = {}


class SortedSet:
    """Members by score; those of equal score by name."""

    def __init__(self) -> None:
        self.scores: dict[str, float] = {}
        self.order: list[tuple[float, str]] = []

    def put(self, member: str, score: float) -> int:
        """Add a member or move it; 1 if it is new."""
        new = 1 - self.remove(member)
        self.scores[member] = score
        insort(self.order, (score, member))
        return new

    def remove(self, member: str) -> int:
        """1 if it was there."""
        score = self.scores.pop(member, None)
        if score is None:
            return 0
        del self.order[bisect_left(self.order, (score, member))]
        return 1

    def between(self, low: str, high: str) -> list[tuple[float, str]]:
        """Members whose score is not below `low` and not above `high`."""
        return self.order[bisect_left(self.order, (float(low), "")) : self.upto(float(high))]

    def upto(self, high: float) -> int:
        """How many members have no greater score."""
        return bisect_right(self.order, high, key=lambda entry: entry[0])


class LuaServer:
    """What is stored, and the scripts run on it. `now`: epoch seconds."""

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._stored: dict[str, Any] = {}
        self._ends: dict[str, float] = {}
        self._redis = _LUA.table_from({"call": self._call})

    def flush(self) -> None:
        """Forget everything."""
        self._stored.clear()
        self._ends.clear()

    def time(self) -> tuple[int, int]:
        """Seconds and microseconds."""
        seconds, rest = divmod(self._now(), 1)
        return int(seconds), int(rest * 1_000_000)

    def run(self, text: str, keys: Sequence[str], args: Sequence[str]) -> Any:
        """A script's answer, as Redis makes it of Lua's."""
        script = _COMPILED.get(text)
        if script is None:
            script = _COMPILED[text] = _LUA.compile(f"local redis, KEYS, ARGV = ...; {text}")
        return _reply(script(self._redis, _LUA.table_from(keys), _LUA.table_from(args)))

    def _call(self, name: str, *given: Any) -> Any:
        args = [value if isinstance(value, str) else f"{value:.17g}" for value in given]
        answer = getattr(self, f"_{name.lower()}")(*args)
        if answer is None:
            return False
        if isinstance(answer, list):
            return _LUA.table_from([False if value is None else value for value in answer])
        return answer

    def _find(self, key: str) -> Any:
        end = self._ends.get(key)
        if end is not None and end <= self._now():
            self._forget(key)
        return self._stored.get(key)

    def _hash(self, key: str) -> dict[str, str]:
        found: dict[str, str] | None = self._find(key)
        return {} if found is None else found

    def _set(self, key: str) -> SortedSet:
        found: SortedSet | None = self._find(key)
        return SortedSet() if found is None else found

    def _keep(self, key: str, value: dict[str, str] | SortedSet) -> None:
        """Store what was changed; Redis has no empty hashes and sets."""
        if value.order if isinstance(value, SortedSet) else value:
            self._stored[key] = value
        else:
            self._forget(key)

    def _forget(self, key: str) -> None:
        self._stored.pop(key, None)
        self._ends.pop(key, None)

    # --- the commands -------------------------------------------------------------------------

    def _time(self) -> list[str]:
        return [str(part) for part in self.time()]

    def _del(self, *keys: str) -> int:
        there = [key for key in keys if self._find(key) is not None]
        for key in there:
            self._forget(key)
        return len(there)

    def _expire(self, key: str, seconds: str) -> int:
        return self._pexpire(key, f"{seconds}000")

    def _pexpire(self, key: str, milliseconds: str) -> int:
        if self._find(key) is None:
            return 0
        self._ends[key] = self._now() + int(milliseconds) / 1000
        return 1

    def _hget(self, key: str, field: str) -> str | None:
        return self._hash(key).get(field)

    def _hmget(self, key: str, *fields: str) -> list[str | None]:
        found = self._hash(key)
        return [found.get(field) for field in fields]

    def _hset(self, key: str, *given: str) -> int:
        found = self._hash(key)
        before = len(found)
        found.update(zip(given[::2], given[1::2], strict=True))
        self._keep(key, found)
        return len(found) - before

    def _hincrby(self, key: str, field: str, step: str) -> int:
        found = self._hash(key)
        value = int(found.get(field, "0")) + int(step)
        found[field] = str(value)
        self._keep(key, found)
        return value

    def _hdel(self, key: str, *fields: str) -> int:
        found = self._hash(key)
        gone = sum(found.pop(field, None) is not None for field in fields)
        self._keep(key, found)
        return gone

    def _zadd(self, key: str, score: str, member: str) -> int:
        found = self._set(key)
        new = found.put(member, float(score))
        self._keep(key, found)
        return new

    def _zrem(self, key: str, member: str) -> int:
        found = self._set(key)
        gone = found.remove(member)
        self._keep(key, found)
        return gone

    def _zscore(self, key: str, member: str) -> str | None:
        score = self._set(key).scores.get(member)
        return None if score is None else _number(score)

    def _zcard(self, key: str) -> int:
        return len(self._set(key).order)

    def _zcount(self, key: str, low: str, high: str) -> int:
        return len(self._set(key).between(low, high))

    def _zrange(self, key: str, first: str, last: str, *options: str) -> list[str]:
        start, end = int(first), int(last)
        found = self._set(key).order[start : None if end == -1 else end + 1]
        return _listed(found, options)

    def _zrangebyscore(self, key: str, low: str, high: str, *options: str) -> list[str]:
        found = self._set(key).between(low, high)
        if "LIMIT" in options:
            at = options.index("LIMIT")
            skip, most = int(options[at + 1]), int(options[at + 2])
            found, options = found[skip : skip + most], options[:at] + options[at + 3 :]
        return _listed(found, options)

    def _zrevrangebyscore(self, key: str, high: str, low: str, *options: str) -> list[str]:
        found = self._set(key).between(low, high)[::-1]
        at = options.index("LIMIT")
        skip, most = int(options[at + 1]), int(options[at + 2])
        return _listed(found[skip : skip + most], options[:at] + options[at + 3 :])

    def _zremrangebyscore(self, key: str, low: str, high: str) -> int:
        found = self._set(key)
        gone = found.between(low, high)
        for _, member in gone:
            found.remove(member)
        self._keep(key, found)
        return len(gone)


def _listed(found: Iterable[tuple[float, str]], options: tuple[str, ...]) -> list[str]:
    if not options:
        return [member for _, member in found]
    assert options == ("WITHSCORES",), options
    return [text for score, member in found for text in (member, _number(score))]


def _number(score: float) -> str:
    """A score as Redis prints it: the shortest digits that mean it, whole numbers without a point."""
    if math.isinf(score):
        return "inf" if score > 0 else "-inf"
    return str(int(score)) if score.is_integer() else repr(score)


def _reply(value: Any) -> Any:
    """Redis' answer for a Lua value: a table ends at its first nil, false is nil, a number loses its fraction."""
    if value is None or value is False:
        return None
    if isinstance(value, int | float):
        return int(value)
    if lua_type(value) != "table":
        return value
    answer: list[Any] = []
    for place in count(1):
        item = value[place]
        if item is None:
            break
        answer.append(_reply(item))
    return answer


class LuaRedis:
    """A connection to a `LuaServer`: as much of `redis.asyncio.Redis` as the daemon uses."""

    def __init__(self, server: LuaServer) -> None:
        self.server = server

    async def reach(self) -> None:
        """On the way there others have their turn; a subclass may raise what keeps it from arriving."""
        await asyncio.sleep(0)

    def register_script(self, text: str) -> Callable[..., Awaitable[Any]]:
        """The script as a function of `keys` and `args`."""

        async def run(keys: Sequence[str], args: Sequence[str]) -> Any:
            await self.reach()
            return self.server.run(text, keys, args)

        return run

    async def time(self) -> tuple[int, int]:
        """The server's clock."""
        await self.reach()
        return self.server.time()

    async def ping(self) -> bool:
        """It answers."""
        await self.reach()
        return True

    async def flushall(self) -> None:
        """Forget everything."""
        await self.reach()
        self.server.flush()

    async def aclose(self) -> None:
        """There is nothing to close."""

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()


def connected(connection: LuaRedis) -> Redis:
    """The same connection, for what is typed to work on a real one."""
    return cast(Redis, connection)
