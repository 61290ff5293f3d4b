"""One connection to Redis for all scripts of a process: what is asked at the same time travels together.

A script is asked for several times per call to a system. Sent one by one over a pool, each costs more processor time
than it takes Redis to run it. Knows neither what scripts do nor how trouble with Redis is told.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from redis.asyncio import BlockingConnectionPool
from redis.asyncio.connection import AbstractConnection
from redis.exceptions import ConnectionError, NoScriptError, ResponseError

AT_ONCE = 100  # commands sent before their answers are read


@dataclass(frozen=True, slots=True)
class _Asked:
    text: str
    command: bytes
    answer: asyncio.Future[Any]


class Line:
    """Runs scripts over one connection of `pool`; `seconds` bound each exchange.

    Raises what redis does, `TimeoutError` where nothing is answered in time.
    """

    def __init__(self, pool: BlockingConnectionPool, seconds: float) -> None:
        self._pool = pool
        self._seconds = seconds
        self._connection: AbstractConnection | None = None
        self._waiting: list[_Asked] = []
        self._sending: asyncio.Task[None] | None = None

    async def run(self, text: str, digest: str, keys: Sequence[str], args: Sequence[str]) -> Any:
        """What the script answers. Its text is sent only where the server does not have it."""
        loop = asyncio.get_running_loop()
        command = packed("EVALSHA", digest, str(len(keys)), *keys, *args)
        asked = _Asked(text, command, loop.create_future())
        self._waiting.append(asked)
        if self._sending is None:
            self._sending = loop.create_task(self._send_all())
        return await asked.answer

    async def _send_all(self) -> None:
        try:
            while self._waiting:
                some, self._waiting = self._waiting[:AT_ONCE], self._waiting[AT_ONCE:]
                await self._answer(some)
        finally:
            self._sending = None
            for asked in self._waiting:  # only where this task was ended from outside
                asked.answer.cancel()
            self._waiting = []

    async def _answer(self, some: Sequence[_Asked]) -> None:
        """Settle each with its answer, or with what went wrong. Of a connection that broke, once more over a new one:
        a script run twice does no harm, at worst a key is leased to nobody until that lease ends."""
        try:
            async with asyncio.timeout(self._seconds):
                try:
                    await self._exchange(some)
                except ConnectionError:
                    await self._hang_up()
                    await self._exchange([asked for asked in some if not asked.answer.done()])
        except BaseException as error:
            await self._hang_up()
            for asked in some:
                if not asked.answer.done():
                    asked.answer.set_exception(error if isinstance(error, Exception) else ConnectionError())
            if not isinstance(error, Exception):
                raise

    async def _exchange(self, some: Sequence[_Asked]) -> None:
        if self._connection is None:
            self._connection = await self._pool.get_connection()  # type: ignore[no-untyped-call]
        connection = self._connection
        await connection.send_packed_command([asked.command for asked in some], check_health=False)
        unknown = []
        for asked in some:
            try:
                answer = await connection.read_response(disconnect_on_error=False)
            except NoScriptError:
                unknown.append(asked)
            except ResponseError as error:
                if not asked.answer.done():
                    asked.answer.set_exception(error)
            else:
                if not asked.answer.done():  # else nobody waits for it any more
                    asked.answer.set_result(answer)
        for text in {asked.text for asked in unknown}:
            await connection.send_packed_command(packed("SCRIPT", "LOAD", text), check_health=False)
            await connection.read_response(disconnect_on_error=False)
        if unknown:
            await self._exchange(unknown)

    async def _hang_up(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            await connection.disconnect(nowait=True)
            await self._pool.release(connection)


def packed(*words: str) -> bytes:
    """A command as Redis reads it."""
    parts = [b"*%d\r\n" % len(words)]
    for word in words:
        raw = word.encode()
        parts.append(b"$%d\r\n%b\r\n" % (len(raw), raw))
    return b"".join(parts)


def digest_of(text: str) -> str:
    """The name under which Redis knows a script."""
    return hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest()
