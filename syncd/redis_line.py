"""One connection to Redis for all scripts of a process, whose answers are read as they arrive.

A script is asked for with every call to a system: sent over redis-py's pool and streams each costs several times the
processor time Redis needs to run it. Knows neither what scripts do nor how trouble with Redis is told.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections import deque
from collections.abc import Sequence
from typing import Any

import hiredis
from redis.asyncio import BlockingConnectionPool
from redis.asyncio.connection import AbstractConnection
from redis.exceptions import ConnectionError, InvalidResponse, NoScriptError, ResponseError

CUT = object()  # more of an answer is still to come


class Line:
    """Runs scripts over one connection of `pool`; each has to be answered within `seconds`.

    Raises what redis does, `TimeoutError` where nothing is answered in time.
    """

    def __init__(self, pool: BlockingConnectionPool, seconds: float) -> None:
        self._pool = pool
        self._seconds = seconds
        self._taken: AbstractConnection | None = None
        self._answers: _Answers | None = None
        self._opening: asyncio.Task[_Answers] | None = None

    async def run(self, text: str, digest: str, keys: Sequence[str], args: Sequence[str]) -> Any:
        """What the script answers. Its text is sent only where the server does not have it."""
        command = packed("EVALSHA", digest, str(len(keys)), *keys, *args)
        try:
            return await self._ask(command)
        except NoScriptError:
            await self._ask(packed("SCRIPT", "LOAD", text))
            return await self._ask(command)

    async def _ask(self, command: bytes) -> Any:
        """Of a connection that broke, once more over a new one: a script run twice does no harm, at worst a key is
        leased to nobody until that lease ends."""
        try:
            return await (await self._opened()).ask(command)
        except ConnectionError:
            return await (await self._opened()).ask(command)

    async def _opened(self) -> _Answers:
        answers = self._answers
        if answers is not None and answers.open:
            return answers
        if self._opening is None or self._opening.done():
            self._opening = asyncio.create_task(self._open())
            self._opening.add_done_callback(_retrieve)
        # One caller giving up must not take the connection away from the others.
        return await asyncio.shield(self._opening)

    async def _open(self) -> _Answers:
        """Let redis-py connect and log in, and read what comes from then on."""
        async with asyncio.timeout(self._seconds):
            if self._taken is not None:
                broken, self._taken = self._taken, None
                await broken.disconnect(nowait=True)
                await self._pool.release(broken)
            self._taken = await self._pool.get_connection()  # type: ignore[no-untyped-call]
        writer = self._taken._writer
        assert writer is not None
        self._answers = _Answers(writer.transport, self._seconds)
        return self._answers


class _Answers(asyncio.Protocol):
    """What is asked over a connection and answered in the same order, each within `seconds`."""

    def __init__(self, transport: asyncio.WriteTransport, seconds: float) -> None:
        self.open = True
        self._loop = asyncio.get_running_loop()
        self._transport = transport
        self._seconds = seconds
        self._waiting: deque[tuple[float, asyncio.Future[Any]]] = deque()  # since when, for what
        self._watching = False
        self._unsent: list[bytes] = []
        self._reader = hiredis.Reader(replyError=_error, encoding="utf-8", notEnoughData=CUT)
        self._error: BaseException = ConnectionError("the connection was closed")
        self._before = transport.get_protocol()  # redis-py's, which waits for the end of its connection
        transport.set_protocol(self)

    def ask(self, command: bytes) -> asyncio.Future[Any]:
        """Send it; the answer, or what went wrong."""
        answer = self._loop.create_future()
        if not self.open:
            answer.set_exception(self._error)
            return answer
        now = self._loop.time()
        self._waiting.append((now, answer))
        if not self._watching:
            self._watching = True
            self._loop.call_at(now + self._seconds, self._watch)
        if not self._unsent:
            self._loop.call_soon(self._send)
        self._unsent.append(command)
        return answer

    def _send(self) -> None:
        """All that was asked in this turn of the loop travels together."""
        if self.open:
            self._transport.write(b"".join(self._unsent))
        self._unsent.clear()

    def _watch(self) -> None:
        """Give up where the oldest question has waited too long."""
        self._watching = bool(self._waiting)
        if not self._watching:
            return
        end = self._waiting[0][0] + self._seconds
        if end > self._loop.time():
            self._loop.call_at(end, self._watch)
        else:
            self._give_up(TimeoutError())

    def data_received(self, data: bytes) -> None:
        """Settle whoever is answered by it; the rest of an answer may come later."""
        try:
            self._reader.feed(data)
            while (answer := self._reader.gets()) is not CUT:
                if not isinstance(answer, hiredis.PushNotification):  # what a server says unasked
                    self._settle(answer)
        except (hiredis.ProtocolError, IndexError, ValueError):
            self._give_up(InvalidResponse("an answer that makes no sense"))

    def _settle(self, answer: Any) -> None:
        _, waiting = self._waiting.popleft()
        if waiting.done():  # nobody waits for it any more
            return
        if isinstance(answer, Exception):
            waiting.set_exception(answer)
        else:
            waiting.set_result(answer)

    def connection_lost(self, exc: Exception | None) -> None:
        """Nothing more will be answered."""
        self._fail()
        self._before.connection_lost(exc)

    def _give_up(self, error: Exception) -> None:
        self._error = error
        self._transport.abort()
        self._fail()

    def _fail(self) -> None:
        self.open = False
        for _, waiting in self._waiting:
            if not waiting.done():
                waiting.set_exception(self._error)
        self._waiting.clear()


def _error(text: str) -> ResponseError:
    return NoScriptError(text) if text.startswith("NOSCRIPT") else ResponseError(text)


def packed(*words: str) -> bytes:
    """A command as Redis reads it."""
    encoded = [word.encode() for word in words]
    return b"*%d\r\n%b" % (len(encoded), b"".join([b"$%d\r\n%b\r\n" % (len(raw), raw) for raw in encoded]))


def digest_of(text: str) -> str:
    """The name under which Redis knows a script."""
    return hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest()


def _retrieve(task: asyncio.Task[Any]) -> None:
    """Look at the outcome, or asyncio complains about a connection whose waiters were all cancelled."""
    if not task.cancelled():
        task.exception()
