"""The connection to Redis and the Lua scripts run over it. Knows neither what the scripts do nor which keys exist.

All that Redis or the way to it can do wrong is one error here, `RedisUnavailable`, so that nobody else imports redis.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from importlib.resources import files
from typing import Any, TypeVar, cast

from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import (
    AuthenticationError,
    BusyLoadingError,
    ConnectionError,
    InvalidResponse,
    NoPermissionError,
    OutOfMemoryError,
    ReadOnlyError,
    RedisError,
    ResponseError,
)
from redis.exceptions import TimeoutError as RedisTimeout

from syncd.redis_line import Line, digest_of

T = TypeVar("T")

CALL_SECONDS = 5.0

# What is wrong with a server that cannot be used now, and what to do. The first that fits counts.
AWAY = "Redis cannot be reached: see the server of REDIS_URL"
SILENT = "Redis does not answer: see the server of REDIS_URL"
LOADING = "Redis is loading its data: it answers when it is done"
LOGIN = "Redis refuses our login: correct REDIS_URL and restart"
RIGHTS = "Redis does not allow our user what syncd needs: all commands on its keys"
FULL = "Redis is out of memory: raise its maxmemory"
READ_ONLY = "Redis is a read-only replica: REDIS_URL must name the primary"
NO_PRIMARY = "Redis has lost its primary or its replicas: see the servers of REDIS_URL"
NO_DISK = "Redis cannot write its file: make room on its disk"
BUSY = "Redis is busy with a long script: see the server of REDIS_URL"
GARBAGE = "no Redis answers at REDIS_URL: correct the address"

_BY_TYPE: tuple[tuple[type[BaseException], str], ...] = (
    (BusyLoadingError, LOADING),
    (AuthenticationError, LOGIN),
    (TimeoutError, SILENT),
    (RedisTimeout, SILENT),
    (OutOfMemoryError, FULL),
    (ReadOnlyError, READ_ONLY),
    (NoPermissionError, RIGHTS),
    (InvalidResponse, GARBAGE),
    (ConnectionError, AWAY),
)
# The words a refusal begins with; older servers put them behind "-" where a script met it.
_BY_WORD = {
    "OOM": FULL,
    "READONLY": READ_ONLY,
    "MISCONF": NO_DISK,
    "MASTERDOWN": NO_PRIMARY,
    "CLUSTERDOWN": NO_PRIMARY,
    "NOREPLICAS": NO_PRIMARY,
    "LOADING": LOADING,
    "NOAUTH": LOGIN,
    "NOPERM": RIGHTS,
    "BUSY": BUSY,
}
_REFUSAL = re.compile(rf"(?:^|\s-)({'|'.join(_BY_WORD)})\b")


class RedisUnavailable(Exception):
    """Redis does not answer, or refuses; the text says why and what to do. What must last is in the ledger."""


def _unavailable(error: BaseException) -> str | None:
    """What is wrong with the server; None where it is our own mistake."""
    word = getattr(error, "status_code", None) if isinstance(error, ResponseError) else None
    if word not in _BY_WORD:
        found = _REFUSAL.search(str(error)) if isinstance(error, ResponseError) else None
        word = found and found[1]
    if word is not None:
        return _BY_WORD[word]
    return next((words for kind, words in _BY_TYPE if isinstance(error, kind)), None)


class Client(Redis):
    """A client whose scripts share one connection, `line`."""

    line: Line


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
    client = cast(Client, Client.from_pool(pool))
    client.line = Line(pool, CALL_SECONDS)
    return client


async def guarded(call: Callable[[], Awaitable[T]]) -> T:
    """Await `call()` with every kind of "not now" of Redis raised as RedisUnavailable."""
    try:
        async with asyncio.timeout(CALL_SECONDS):
            return await call()
    except (RedisError, TimeoutError) as error:
        raise _graded(error) from error


def _graded(error: Exception) -> Exception:
    """RedisUnavailable with what is wrong with the server; the error itself where it is our own mistake."""
    words = _unavailable(error)
    return error if words is None else RedisUnavailable(words)


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
        self._ask: Callable[[Sequence[str], Sequence[str]], Awaitable[Any]]
        if isinstance(client, Client):
            self._ask = partial(client.line.run, text, digest_of(text))
        else:
            self._ask = client.register_script(text)

    async def __call__(self, keys: Sequence[str], args: Sequence[str]) -> Any:
        try:
            return await self._ask(keys, args)
        except (RedisError, TimeoutError) as error:
            raise _graded(error) from error
