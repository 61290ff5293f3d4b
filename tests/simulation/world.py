"""A simulated world: both systems with clocks of their own, one ledger, one Redis, and several daemons at work.

Built from a script; `stage.py` lets things happen in it, `witness.py` watches. Every daemon is the production `App`
(real clients, SQL, Lua) with a `Process` between it and the world.
"""

from __future__ import annotations

import asyncio
import hashlib
import random
from collections.abc import Coroutine
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import config
from mappers.beteiligte import BETEILIGTE
from syncd.app import App, Parts, build
from syncd.bell import Bell
from syncd.clock import SharedClock
from syncd.delivery import Rejected
from syncd.intake import Intake, secrets_of
from syncd.ledger.store import Ledger, LedgerUnavailable
from syncd.queue import Queue
from syncd.redis_client import guarded
from syncd.runtime import follow_clock, measured
from syncd.scheduler import Chore, turn
from syncd.shared import connect as share
from tests.daemon import Crash, World
from tests.ledger_on_the_spot import OnTheSpot
from tests.lua_redis import connected
from tests.simulation.process import Process, ProcessClock, ProcessRedis, ProcessRunner, ProcessTransport
from tests.simulation.script import Script
from tests.virtual import START, VirtualClock, VirtualLoop

PACE = 2.0  # seconds between two turns of a chore at least, which makes long times cheap
WEBHOOKS_EVERY = 10.0
RESTART = 5.0  # seconds after which systemd starts a daemon again that ended with an error

# Everything comes round quickly, so that half a minute shows what else takes a day.
QUICK = {
    "SYNCD_POLL_SECONDS": "4",
    "SYNCD_SWEEP_MIN_SECONDS": "6",
    "SYNCD_SWEEP_MAX_SECONDS": "20",
    "SYNCD_LEASE_SECONDS": "30",
    "SYNCD_RETRY_MINUTES": "0.1,0.2,0.3,0.5,0.8",
    "SYNCD_AUTO_RESET_HOURS": "0.02",
    "SYNCD_ADVOWARE_CALLS_PER_MINUTE": "600",
    "ADVOWARE_API_TIMEOUT_SECONDS": "5",
    "ESPOCRM_API_TIMEOUT_SECONDS": "5",
}


@dataclass
class Daemon:
    """A daemon that runs, and the task that keeps it running."""

    app: App
    process: Process
    task: asyncio.Task[None]


class SimulatedWorld(World):
    """What a script describes. `trace`: every effect, in order; its `digest` tells two runs apart."""

    def __init__(self, directory: Path, script: Script) -> None:
        super().__init__(directory, seed=script.seed, **{**QUICK, **script.settings})
        loop = asyncio.get_running_loop()
        assert isinstance(loop, VirtualLoop)
        self.loop = loop
        self.script = script
        self.clock = VirtualClock(loop, script.start - START)
        self._set_clocks()
        self.sandbox.espo.schema["CBeteiligte"].optimistic = script.optimistic
        for name, value in script.switches.items():
            setattr(self.sandbox.advoware.switches, name, value)
        self.sandbox.webhooks.post = self._deliver
        self.daemons: dict[int, Daemon] = {}
        self.starts = 0
        self.redis_away = False
        self.trace: list[str] = []
        self.ended: list[Process] = []
        self.wrong: list[str] = []
        loop.set_exception_handler(self._unheard)

    def _unheard(self, _: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        """An error nobody waited for; those of the dead are nobody's."""
        error = context.get("exception")
        if not isinstance(error, Crash):
            self.wrong.append(f"{context['message']}: {error!r}")

    def _set_clocks(self) -> None:
        sandbox, skew = self.sandbox, self.script.skew
        sandbox.now = self.clock.now
        for system, parts in (
            ("espocrm", (sandbox.espo, sandbox.espo.door, sandbox.espo_app)),
            ("advoware", (sandbox.advoware, sandbox.advoware_app, sandbox.tokens)),
        ):
            clock = VirtualClock(self.loop, self.clock.skew + skew.get(system, 0.0))
            for part in parts:
                part.now = clock.now
        sandbox.tokens.max_skew_seconds = float("inf")

    # --- what can be seen -------------------------------------------------------------------

    def note(self, who: str, what: str) -> None:
        """One line of the trace."""
        self.trace.append(f"{self.loop.elapsed:.6f} {who} {what}")

    def digest(self) -> str:
        """Tells whether two runs were the same, byte for byte."""
        return hashlib.sha256("\n".join(self.trace).encode()).hexdigest()

    def reader(self) -> Ledger:
        """The ledger as it is now, for looking at it."""
        return Ledger(OnTheSpot(self.ledger_url))

    # --- daemons ----------------------------------------------------------------------------

    def start(self, number: int) -> None:
        """Start the daemon of this number unless it runs."""
        if number in self.daemons:
            return
        self.starts += 1
        name = f"{'abc'[number]}{self.starts}"
        chance = random.Random(f"{self.script.seed}/{name}")
        process = Process(name, chance, self.script.latency, self.note)
        app = self._app(process, chance, self.script.daemons[number])
        self.note(name, "starts")
        task = self.loop.create_task(self._live(number, app, process))
        self.daemons[number] = Daemon(app, process, task)

    async def end(self, number: int) -> None:
        """Kill the daemon of this number, if it runs."""
        running = self.daemons.get(number)
        if running is not None:
            running.process.die()
            await running.task

    def _app(self, process: Process, chance: random.Random, skew: float) -> App:
        machine = ProcessClock(self.loop, process, self.clock.skew + skew)
        redis = connected(ProcessRedis(self.redis, process, lambda: self.redis_away))

        async def redis_time() -> float:
            await guarded(redis.ping)
            return self.clock.now()

        clock = SharedClock(redis_time, machine)
        bell = Bell(clock.sleep)
        limits = {
            "espocrm": self.settings.syncd_espocrm_calls_per_minute,
            "advoware": self.settings.syncd_advoware_calls_per_minute,
        }
        # Deadlines in Redis are judged by Redis' own clock, which is never wrong by itself.
        parts = Parts(
            ledger=Ledger(ProcessRunner(OnTheSpot(self.ledger_url), process)),
            queue=Queue(redis, bell=bell, new_id=self.new_id, now=self.clock.now, poll_seconds=60),
            shared=share(redis, clock, limits, now=self.clock.now),
            clock=clock,
            new_id=self.new_id,
            jitter=chance.random,
            owner=process.name,
            espo_transport=ProcessTransport(self.sandbox.transport(), process),
            advoware_transport=ProcessTransport(self.sandbox.transport(), process),
        )
        return build(self.settings, config.Mapping(), parts)

    async def _live(self, number: int, app: App, process: Process) -> None:
        clock = app.parts.clock
        assert isinstance(clock, SharedClock)
        tasks: list[asyncio.Task[Any]] = []
        try:
            await measured(clock)
            await app.open()
            coroutines: list[Coroutine[Any, Any, None]] = [app.worker(number) for number in range(2)]
            coroutines += [self._in_turn(chore, app) for chore in app.chores()]
            coroutines.append(follow_clock(clock, app.parts.ledger))
            tasks = [asyncio.create_task(item) for item in coroutines]
            died = asyncio.create_task(process.dead.wait())
            done, _ = await asyncio.wait([*tasks, died], return_when=asyncio.FIRST_COMPLETED)
            died.cancel()
            for task in done - {died}:
                if not isinstance(task.exception(), Crash):
                    self.wrong.append(f"{process.name}: a worker or chore ended by itself: {task.exception()!r}")
        except Crash:
            """It died while it began."""
        except LedgerUnavailable:  # it ends with an error, and systemd starts it again
            self.loop.call_later(RESTART, self.start, number)
        finally:
            process.die()
            self.note(process.name, "is dead")
            self.ended.append(process)
            self.daemons.pop(number, None)
            await _wound_up(tasks)
            app.parts.ledger.close()

    async def _in_turn(self, chore: Chore, app: App) -> None:
        async def lock(name: str, seconds: float) -> bool:
            return await app.parts.shared.tokens.lock(name, app.parts.owner + name, seconds)

        while True:
            await turn(chore, lock)
            await app.parts.clock.sleep(max(chore.every, PACE))

    # --- EspoCRM's webhooks -----------------------------------------------------------------

    def register_webhooks(self) -> None:
        """The daemons' intake is known to EspoCRM; secrets are in the ledger."""
        owner = self.sandbox.espo.api_user
        secrets = {}
        for action in ("create", "update", "delete"):
            url = f"http://daemon/webhooks/espocrm/beteiligte/{action}"
            body = {"event": f"CBeteiligte.{action}", "url": url, "isActive": True, "skipOwn": True}
            shown = self.sandbox.webhooks.register(owner, body)
            secrets[shown["id"]] = shown["secretKey"]
        self.secrets = secrets
        self._posting = self.loop.create_task(self._run_webhooks())

    async def close(self) -> None:
        """Nobody is at work any more."""
        self._posting.cancel()
        for number in list(self.daemons):
            await self.end(number)

    async def _run_webhooks(self) -> None:
        """EspoCRM's scheduled job, for ever."""
        while True:
            await asyncio.sleep(WEBHOOKS_EVERY)
            await self.sandbox.webhooks.run()

    async def _deliver(self, url: str, headers: dict[str, str], body: bytes) -> int:
        for number in sorted(self.daemons):
            app = self.daemons[number].app
            intake = Intake(app.parts.ledger, secrets_of(self.secrets, app.parts.ledger), app.parts.queue.add_all,
                            app.parts.clock.now)  # fmt: skip
            taking = self.loop.create_task(_taken(intake, urlsplit(url).path.rpartition("/")[2], headers, body))
            done, _ = await asyncio.wait([taking], timeout=10.0)
            if not done:
                return 408
            error = taking.exception()
            if isinstance(error, Crash):
                return 408
            if error is not None:
                raise error
            return taking.result()
        return 0


async def _taken(intake: Intake, action: str, headers: dict[str, str], body: bytes) -> int:
    try:
        signed, secrets = await intake.known({name.lower(): value for name, value in headers.items()})
        await intake.take(BETEILIGTE, action, body, signed, secrets)
    except Rejected as refused:
        return refused.status
    return 200


async def _wound_up(tasks: list[asyncio.Task[Any]]) -> None:
    while tasks:
        for task in tasks:
            task.cancel()
        await asyncio.sleep(0)  # a cancellation may get lost in the Redis client: say it again
        for task in tasks:
            if task.done() and not task.cancelled():
                task.exception()  # a dead daemon's complaints are nobody's
        tasks = [task for task in tasks if not task.done()]
