"""The connection to Redis and the Lua scripts run over it. Knows neither what the scripts do nor which keys exist.

All that Redis or the way to it can do wrong is one error here, `RedisUnavailable`, so that nobody else imports redis.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from typing import Any, TypeVar

from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import (
    AuthenticationError,
    ConnectionError,
    OutOfMemoryError,
    ReadOnlyError,
    ResponseError,
    TimeoutError,
)

T = TypeVar("T")

CALL_SECONDS = 5.0

_NOT_NOW = (
    ConnectionError,
    TimeoutError,
    asyncio.TimeoutError,
    AuthenticationError,
    ReadOnlyError,
    OutOfMemoryError,
)


class RedisUnavailable(Exception):
    """Redis does not answer, or refuses. What must last is in the ledger, so trying later is safe."""


def connect(url: str, connections: int = 32) -> Redis:
    """A client for `url` whose callers wait for one of `connections` instead of failing when all are in use.

    It is given no time limit for reading and writing: redis-py keeps one by `asyncio.wait_for`, which before
    Python 3.12 may swallow a cancellation (Ctrl-C, a time-out around it). `guarded` limits the whole call instead.
    """
    pool = BlockingConnectionPool.from_url(
        url,
        max_connections=connections,
        timeout=CALL_SECONDS,
        socket_timeout=None,
        socket_connect_timeout=CALL_SECONDS,
        decode_responses=True,
        # Once more at once, for connections that died in the pool. A script run twice so does no harm: at worst a key
        # is leased to nobody until that lease ends.
        retry=Retry(NoBackoff(), 1),
    )
    return Redis.from_pool(pool)


async def guarded(call: Callable[[], Awaitable[T]]) -> T:
    """Await `call()` with every kind of "not now" of Redis raised as RedisUnavailable."""
    try:
        async with asyncio.timeout(CALL_SECONDS):
            return await call()
    except _NOT_NOW as error:
        raise RedisUnavailable(f"Redis is not available ({type(error).__name__})") from error
    except ResponseError as error:
        # The append-only file cannot be written: the disk is full or broken.
        if str(error).startswith("MISCONF"):
            raise RedisUnavailable("Redis refuses writes (disk full or not writable)") from error
        raise


@dataclass(frozen=True)
class Configured:
    """What a server says of itself: settings by name, bytes used, and the limit of its own, 0 = none."""

    settings: Mapping[str, str]
    used: int | None = None
    maxmemory: int = 0


async def configured(client: Redis) -> Configured:
    """How the server keeps its data; what a hosted one does not tell is left out."""
    found: dict[str, str] = {}
    memory: Mapping[str, Any] = {}
    try:
        memory = await guarded(lambda: client.info("memory"))
        for name in ("appendonly", "maxmemory-policy", "save"):
            answer = await guarded(lambda name=name: client.config_get(name))  # type: ignore[misc]
            found |= {_text(key): _text(value) for key, value in answer.items()}
    except ResponseError:  # INFO or CONFIG may be forbidden
        pass
    used, limit = memory.get("used_memory"), memory.get("maxmemory")
    return Configured(found, used if isinstance(used, int) else None, limit if isinstance(limit, int) else 0)


def _text(value: object) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)


def lua(*names: str) -> str:
    """The text of `syncd/lua/<name>.lua`, several joined in this order."""
    folder = files("syncd") / "lua"
    return "\n".join((folder / f"{name}.lua").read_text(encoding="utf-8") for name in names)


class Script:
    """One atomic change in Redis, sent by its digest; its text follows only where the server does not have it."""

    def __init__(self, client: Redis, text: str) -> None:
        self._run = client.register_script(text)

    async def __call__(self, keys: Sequence[str], args: Sequence[str]) -> Any:
        return await guarded(lambda: self._run(keys=keys, args=args))
