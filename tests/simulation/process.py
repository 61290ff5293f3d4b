"""One daemon of a simulated world: it can be killed at any effect, stopped for a while, and cut off.

What it does to the world goes through here: requests, ledger commits, Redis commands. A request is carried out by a
task of its own, so a daemon that dies or gives up does not take back what it has sent. A stopped daemon (SIGSTOP) does
nothing until it goes on, whatever timers run out meanwhile.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable, Coroutine
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any, TypeVar

import httpx
import structlog
from redis.exceptions import ConnectionError

from syncd.ledger.call import Call
from syncd.ledger.store import Inline, LedgerUnavailable
from tests.daemon import Crash
from tests.lua_redis import LuaRedis, LuaServer
from tests.virtual import VirtualClock, VirtualLoop

T = TypeVar("T")


@dataclass
class Sending:
    """Where a request comes from: the daemon, its job with key and fence, and when it was sent (virtual seconds).

    `gave_up` is not empty as soon as nobody waits for the answer any more; `heard`: when the answer came, unless it is
    an error.
    """

    process: str = ""
    job: str = ""
    key: str = ""
    fence: int | None = None
    at: float = 0.0
    heard: float | None = None
    gave_up: list[str] = field(default_factory=list)


SENDING: ContextVar[Sending] = ContextVar("SENDING")


def sending() -> Sending:
    """Where the request that is carried out now comes from."""
    return SENDING.get()


class Process:
    """The life of one daemon. `note(name, what)` is told of every effect. Times in virtual seconds."""

    def __init__(self, name: str, chance: random.Random, latency: float, note: Callable[[str, str], None]) -> None:
        self.name = name
        self.dead = asyncio.Event()
        self.effects = 0
        self.fuse: int | None = None
        self.stopped = asyncio.Event()
        self._stops_in: int | None = None
        self.cut_off = 0  # ledger commits whose answer gets lost
        self.refused = 0  # ledger commits that are refused
        self._latency = latency
        self._chance = chance
        self._going = asyncio.Event()
        self._going.set()
        self._note = note

    # --- what befalls it --------------------------------------------------------------------

    def die(self) -> None:
        """Nothing it does has any effect from now on."""
        self.dead.set()
        self.stopped.set()
        self._going.set()

    def stop_after(self, effects: int) -> None:
        """SIGSTOP so many effects from now; `stopped` is set then, or when it dies before."""
        self._stops_in = effects

    def go_on(self) -> None:
        """SIGCONT."""
        self.stopped.clear()
        self._going.set()

    # --- what it does -----------------------------------------------------------------------

    async def awake(self) -> None:
        """Return at once unless it is stopped; a cancellation is heard only when it goes on. Raises `Crash`."""
        cancelled: asyncio.CancelledError | None = None
        while not self._going.is_set():
            try:
                await self._going.wait()
            except asyncio.CancelledError as error:
                cancelled = error
        if self.dead.is_set():
            raise Crash("already dead")
        if cancelled is not None:
            raise cancelled

    def _burn(self) -> None:
        """One more instant at which it may die."""
        self.effects += 1
        if self.fuse is not None:
            self.fuse -= 1
            if self.fuse < 0:
                self.die()
        if self.dead.is_set():
            raise Crash("died")

    def _may_stop(self) -> None:
        """One more instant at which it may be stopped."""
        if self._stops_in is not None:
            self._stops_in -= 1
            if self._stops_in < 0:
                self._stops_in = None
                self._going.clear()
                self.stopped.set()

    async def _travel(self) -> None:
        if self._latency:
            await asyncio.sleep(self._chance.uniform(0.1, 1.0) * self._latency)

    async def request(self, name: str, call: Callable[[], Coroutine[Any, Any, httpx.Response]]) -> httpx.Response:
        """Send a request and wait for its answer; `call` is carried out even if nobody waits for it any more."""
        self._burn()
        bound = structlog.contextvars.get_contextvars()
        one = Sending(
            self.name, bound.get("job", ""), bound.get("key", ""), bound.get("fence"), asyncio.get_running_loop().time()
        )

        async def carried_out() -> httpx.Response:
            SENDING.set(one)
            await self._travel()
            self._note(self.name, name)
            return await call()

        sent = asyncio.get_running_loop().create_task(carried_out())
        sent.add_done_callback(_heard)
        try:
            answer = await asyncio.shield(sent)
        except asyncio.CancelledError:
            one.gave_up.append("cancelled")
            await self.awake()
            raise
        except httpx.HTTPError as error:
            one.gave_up.append(type(error).__name__)
            await self.awake()
            self._burn()
            raise
        await self._travel()
        self._may_stop()
        await self.awake()
        self._burn()
        one.heard = asyncio.get_running_loop().time() if answer.is_success else None
        return answer

    async def commit(self, call: Callable[[], Awaitable[T]]) -> T:
        """One transaction of the ledger."""
        await self.awake()
        self._burn()
        if self.refused:
            self.refused -= 1
            self._note(self.name, "commit refused")
            raise LedgerUnavailable("OperationalError: database is locked")
        self._note(self.name, "commit")
        answer = await call()
        if self.cut_off:
            self.cut_off -= 1
            raise LedgerUnavailable("OperationalError: server closed the connection unexpectedly")
        self._may_stop()
        await self.awake()
        self._burn()
        return answer


def _heard(task: asyncio.Task[Any]) -> None:
    """Nobody may wait for what came of a request."""
    if not task.cancelled():
        task.exception()


class ProcessTransport(httpx.AsyncBaseTransport):
    """Sends a process' requests."""

    def __init__(self, inner: httpx.AsyncBaseTransport, process: Process) -> None:
        self._inner = inner
        self._process = process

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """One exchange."""
        name = f"{request.method} {request.url.raw_path.decode()}"
        return await self._process.request(name, lambda: self._inner.handle_async_request(request))


class ProcessRunner:
    """Runs a process' ledger functions."""

    def __init__(self, inner: Inline, process: Process) -> None:
        self._inner = inner
        self._process = process

    async def read(self, call: Call) -> Any:
        """One read."""
        await self._process.awake()
        return await self._inner.read(call)

    async def write(self, call: Call) -> Any:
        """One transaction."""
        return await self._process.commit(lambda: self._inner.write(call))

    def close(self) -> None:
        """Close the connection."""
        self._inner.close()


class ProcessRedis(LuaRedis):
    """A process' way to Redis; `away` tells whether nobody gets there."""

    def __init__(self, server: LuaServer, process: Process, away: Callable[[], bool]) -> None:
        super().__init__(server)
        self._process = process
        self._away = away

    async def reach(self) -> None:
        """The way there."""
        await self._process.awake()
        if self._away():
            raise ConnectionError("refused")
        await super().reach()


class ProcessClock:
    """The clock of the machine a process runs on; `skew` seconds wrong."""

    def __init__(self, loop: VirtualLoop, process: Process, skew: float) -> None:
        self._clock = VirtualClock(loop, skew)
        self._process = process

    def now(self) -> float:
        """Epoch seconds of the wall clock."""
        return self._clock.now()

    def monotonic(self) -> float:
        """Seconds that never go back."""
        return self._clock.monotonic()

    async def sleep(self, seconds: float) -> None:
        """Wait; longer, if the process is stopped meanwhile."""
        await asyncio.sleep(seconds)
        await self._process.awake()
