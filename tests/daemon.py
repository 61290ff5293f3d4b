"""A whole daemon in one process on virtual time: real clients, real SQL, real Lua, stand-in systems.

An *effect* is a remote call or a ledger commit. A test may crash the daemon after its n-th
effect, before it sees the answer; everything the daemon held in memory is gone then, what the systems, the ledger and
Redis hold stays.
"""

from __future__ import annotations

import asyncio
import itertools
import random
from collections.abc import Awaitable, Callable, Coroutine
from pathlib import Path
from typing import Any

import httpx

import config
from syncd.app import App, Parts, budgets, build
from syncd.bell import Bell
from syncd.ledger.call import Call
from syncd.ledger.engines import sqlite_url
from syncd.ledger.store import Inline, Ledger
from syncd.queue import Queue
from syncd.sandbox import Sandbox, defaults
from syncd.scheduler import Chore, turn
from syncd.shared import connect as share
from tests.ledger_on_the_spot import OnTheSpot, empty_ledger
from tests.lua_redis import LuaRedis, LuaServer, connected
from tests.virtual import VirtualClock, VirtualLoop

SETTINGS = {
    "ADVOWARE_CONFIGURATOR_URL": f"{defaults.ADVOWARE_URL}AdvonetConfigurator/",
    "ADVOWARE_APP_ID": defaults.ADVOWARE_APP_ID,
    "ADVOWARE_API_KEY": defaults.ADVOWARE_API_KEY,
    "ADVOWARE_KANZLEI": defaults.ADVOWARE_KANZLEI,
    "ADVOWARE_DATABASE": defaults.ADVOWARE_DATABASE,
    "ADVOWARE_USER": defaults.ADVOWARE_USER,
    "ADVOWARE_PASSWORD": defaults.ADVOWARE_PASSWORD,
    "ESPOCRM_API_BASE_URL": defaults.ESPO_API_URL,
    "ESPOCRM_API_KEY": defaults.API_KEY,
    "SYNCD_WORKERS": "2",
}


def _nothing(_number: int, _after: bool) -> None:
    """A ledger that is well."""


class Crash(BaseException):
    """The process died here."""


class Effects:
    """Counts effects and crashes at the one that was chosen."""

    def __init__(self) -> None:
        self.count = 0
        self.crash_after: int | None = None
        self.names: list[str] = []
        self.life = 0
        self.commits = 0
        self.at_commit: Callable[[int, bool], None] = _nothing
        """Told of each commit to the ledger by its number, before it (False) and after it; may raise."""

    def kill(self) -> None:
        """Whatever a daemon of now still does for a moment has no effect any more."""
        self.life += 1

    async def around(self, life: int, name: str, call: Callable[[], Awaitable[Any]]) -> Any:
        if life != self.life:
            raise Crash("already dead")
        self.count += 1
        number = self.count
        self.names.append(name)
        try:
            return await call()
        finally:
            if number == self.crash_after:
                self.kill()
                raise Crash(f"after {name}")


class CountingTransport(httpx.AsyncBaseTransport):
    def __init__(self, inner: httpx.AsyncBaseTransport, effects: Effects) -> None:
        self._inner = inner
        self._effects = effects
        self._life = effects.life

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        name = f"{request.method} {request.url.path}"
        response: httpx.Response = await self._effects.around(
            self._life, name, lambda: self._inner.handle_async_request(request)
        )
        return response


class CountingRunner:
    def __init__(self, inner: Inline, effects: Effects) -> None:
        self._inner = inner
        self._effects = effects
        self._life = effects.life

    async def read(self, call: Call) -> Any:
        return await self._inner.read(call)

    async def write(self, call: Call) -> Any:
        return await self._effects.around(self._life, "commit", lambda: self._commit(call))

    async def _commit(self, call: Call) -> Any:
        self._effects.commits += 1
        number = self._effects.commits
        self._effects.at_commit(number, False)
        answer = await self._inner.write(call)
        self._effects.at_commit(number, True)
        return answer

    def close(self) -> None:
        self._inner.close()


class World:
    """Both systems, the disk and Redis: what outlives a daemon. `settings` override the environment."""

    def __init__(self, directory: Path, *, seed: int = 1, **settings: str) -> None:
        loop = asyncio.get_running_loop()
        assert isinstance(loop, VirtualLoop)
        self.clock = VirtualClock(loop)
        self.sandbox = Sandbox(now=self.clock.now, sleep=self.clock.sleep, seed=seed)
        self.directory = directory
        self.settings = config.load({**SETTINGS, "SYNCD_STATE_DIR": str(directory), **settings}, dotenv=None)
        self.redis = LuaServer(VirtualClock(loop).now)
        self.effects = Effects()
        self.chance = random.Random(seed)
        self._ids = itertools.count(1)
        self._run = 0
        self.lose_ledger()

    def lose_ledger(self) -> None:
        """A new, empty ledger."""
        self._run += 1
        path = self.directory / f"ledger-{self._run}.db"
        self.ledger_url = sqlite_url(path)
        path.write_bytes(empty_ledger())

    def flush_redis(self) -> None:
        self.redis.flush()

    def new_id(self) -> str:
        return f"{next(self._ids):032x}"[::-1]

    def daemon(self, owner: str = "one") -> App:
        """A daemon process, not started."""
        effects, clock = self.effects, self.clock
        redis = connected(LuaRedis(self.redis))
        bell = Bell(clock.sleep)
        queue = Queue(redis, bell=bell, new_id=self.new_id, now=clock.now, poll_seconds=60)
        shared = share(redis, clock, budgets(self.settings), now=clock.now)
        parts = Parts(
            ledger=Ledger(CountingRunner(OnTheSpot(self.ledger_url), effects)),
            queue=queue,
            shared=shared,
            clock=clock,
            new_id=self.new_id,
            jitter=self.chance.random,
            owner=owner,
            espo_transport=CountingTransport(self.sandbox.transport(), effects),
            advoware_transport=CountingTransport(self.sandbox.transport(), effects),
        )
        return build(self.settings, config.Mapping(), parts)

    async def live(self, app: App, seconds: float, pace: float = 0.0) -> bool:
        """Let a daemon run for so long; False if it crashed. Its tasks are gone afterwards.

        `pace`: no chore runs more often than that, which makes long times cheap to simulate.
        """
        tasks: list[asyncio.Task[Any]] = []
        try:
            await app.open()
            coroutines: list[Coroutine[Any, Any, None]] = [app.worker(number) for number in range(2)]
            coroutines += [self._repeat(chore, app, pace) for chore in app.chores()]
            tasks = [asyncio.create_task(item) for item in coroutines]
            sleeping = asyncio.create_task(asyncio.sleep(seconds))
            done, _ = await asyncio.wait([*tasks, sleeping], return_when=asyncio.FIRST_COMPLETED)
            failed = [task for task in done if task is not sleeping]
            sleeping.cancel()
            for task in failed:
                error = task.exception()
                if isinstance(error, Crash):
                    return False
                raise AssertionError("a worker or chore ended by itself") from error
            return True
        except Crash:
            return False
        finally:
            self.effects.kill()
            while tasks:
                for task in tasks:
                    task.cancel()
                await asyncio.sleep(0)  # a cancellation may get lost in the Redis client: say it again
                for task in tasks:
                    if task.done() and not task.cancelled():
                        task.exception()  # a dead daemon's complaints are nobody's
                tasks = [task for task in tasks if not task.done()]

    async def _repeat(self, chore: Chore, app: App, pace: float) -> None:
        async def lock(name: str, seconds: float) -> bool:
            return await app.parts.shared.tokens.lock(name, app.parts.owner + name, seconds)

        while True:
            await turn(chore, lock)
            await self.clock.sleep(max(chore.every, pace))
