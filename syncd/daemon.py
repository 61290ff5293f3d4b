"""The daemon: workers, chores and doors in one task group, from ready to the last job done.

Decides when things start and stop, not what they do. A task that crashes ends the process: a daemon that
limps unseen is worse than one the service manager starts again.
"""

from __future__ import annotations

import asyncio
import signal
import socket
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import structlog

import config
from services.errors import CircuitOpen, Credentials, Outage, PeerError
from services.ports import CircuitName
from syncd import __version__, asking
from syncd.alarm_post import poster, sender
from syncd.alarm_watch import Watch
from syncd.app import App, budgets
from syncd.clock import SystemClock
from syncd.context import Observers
from syncd.examination import EXAMINE_EVERY, examine_if_due, examined_now
from syncd.gauges import bring_up_to_date
from syncd.health import PEERS, Health
from syncd.intake import secrets_of
from syncd.keeper import Keeper
from syncd.machine import Clocks, Machine
from syncd.metrics import Metrics
from syncd.pulse import Pulse, worker_stall
from syncd.redis_server import RedisServerError
from syncd.runtime import Runtime, follow_clock, opened, settle_down
from syncd.scheduler import Chore, Schedule
from syncd.service_manager import Notifier
from syncd.teller import Teller

log = structlog.get_logger()

DRAIN_SECONDS = 30.0
GREET_AGAIN = 5.0
GREETED_IN_OUTAGE = 0.2  # of the time a system may be away: so long may one be silent before it is asked
REVIVE_EVERY = 5.0
DISCOVERY = frozenset({"poll", "sweep", "full_pass"})


@dataclass(frozen=True)
class Wishes:
    """What of the daemon shall run here, and what is read anew on SIGHUP: log level and syncd.toml."""

    listener: socket.socket | None
    discovery: bool
    reload: Callable[[], config.Mapping]


@dataclass(frozen=True)
class _Signs:
    """By what the daemon shows how it is: to people, to Prometheus, to systemd."""

    metrics: Metrics
    health: Health
    machine: Machine
    watch: Watch
    pulse: Pulse
    notify: Notifier
    watchdog_seconds: float | None


async def serve(settings: config.Settings, mapping: config.Mapping, wishes: Wishes) -> None:
    """Run until SIGTERM or SIGINT; raises what stopped it otherwise. A second signal ends the waiting for jobs."""
    manager = config.service_manager()
    metrics, clocks = Metrics(), Clocks()
    stall = worker_stall(settings.syncd_workers, settings.syncd_advoware_calls_per_minute)
    pulse = Pulse(SystemClock().monotonic, stall)
    health: Health | None = None

    def called(side: str, verb: str, route: str, outcome: str, seconds: float) -> None:
        metrics.observe(side, verb, route, outcome, seconds)
        if health is not None:
            health.called(side, outcome)

    def worked(ended: str, lane: str, seconds: float) -> None:
        metrics.job(ended, lane, seconds)
        if health is not None:
            health.worked(ended)

    observers = Observers(called, worked, metrics.window, metrics.delay, clocks.answered, pulse.worker_turned)
    async with opened(settings, mapping, observers) as runtime, poster(settings) as post:
        await runtime.app.start()
        await _try_logins_again(runtime.app)
        health = Health(
            runtime.ledger,
            runtime.queue,
            runtime.app.parts.shared.circuit.look,
            runtime.clock,
            settings.syncd_poll_seconds if wishes.discovery else None,
        )
        machine = Machine(settings.state_dir, clocks, lambda: runtime.clock.ahead)
        watch = Watch(
            runtime.ledger,
            health,
            machine,
            runtime.clock,
            Teller(sender(settings), metrics, post),
            settings.syncd_outage_alarm_minutes * 60,
        )
        notify = Notifier(manager.socket)
        signs = _Signs(metrics, health, machine, watch, pulse, notify, manager.watchdog_seconds)
        try:
            await _Daemon(runtime, mapping, wishes, signs).run()
        except ExceptionGroup as crash:
            log.critical("daemon.crashed", exc_info=crash.exceptions[0])
            raise


async def _try_logins_again(app: App) -> None:
    """Whoever restarts the daemon has put right what was refused: here, or on the other side, unseen from here."""
    circuit = app.parts.shared.circuit
    for side in PEERS:
        if (await circuit.look(side)).state is CircuitName.BARRED:
            await circuit.clear(side)


class _Daemon:
    def __init__(self, runtime: Runtime, mapping: config.Mapping, wishes: Wishes, signs: _Signs) -> None:
        self.runtime = runtime
        self.mapping = mapping
        self.wishes = wishes
        self.signs = signs
        self.health = signs.health
        self.notify = signs.notify
        self.stop = asyncio.Event()
        self.hurry = asyncio.Event()
        self.reload = asyncio.Event()
        self.running: set[asyncio.Task[Any]] = set()

    async def run(self) -> None:
        """From the first task to the last."""
        loop = asyncio.get_running_loop()
        for name in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(name, self._asked_to_stop)
        loop.add_signal_handler(signal.SIGHUP, self.reload.set)
        app = self.runtime.app
        chores = [
            replace(chore, run=self._noted(chore))
            for chore in (*app.chores(), Chore("examine", EXAMINE_EVERY, lambda: examine_if_due(app, self.mapping)))
            if self.wishes.discovery or chore.name not in DISCOVERY
        ]
        async with asyncio.TaskGroup() as group:
            always = [
                group.create_task(follow_clock(self.runtime.clock, self.runtime.ledger)),
                group.create_task(self.health.watch()),
                group.create_task(self.signs.watch.forever()),
                group.create_task(self._greet()),
                group.create_task(self._reload_when_asked()),
            ]
            if self.signs.watchdog_seconds is not None:
                always.append(group.create_task(self._live(self.signs.watchdog_seconds)))
            if self.runtime.revive is not None:
                always.append(group.create_task(self._keep_redis(self.runtime.revive)))
            workers = [group.create_task(app.worker(number)) for number in range(app.settings.syncd_workers)]
            close_doors = await self._open_doors(group)
            scheduler = Schedule(chores, self._lock)
            settle_down()
            try:
                self.notify("READY=1")
                log.info(
                    "daemon.ready",
                    version=__version__,
                    owner=app.parts.owner,
                    workers=len(workers),
                    port=self._port(),
                )
                await self.stop.wait()
                scheduler.pause()
                await self._drain(workers)
            finally:
                scheduler.shutdown()
            close_doors()
            for task in always:
                task.cancel()
        log.info("daemon.stopped")

    def _asked_to_stop(self) -> None:
        if self.stop.is_set():
            self.hurry.set()
        self.stop.set()

    async def _drain(self, workers: list[asyncio.Task[None]]) -> None:
        """Take nothing more, and finish what was begun."""
        self.notify("STOPPING=1")
        log.info("daemon.stopping")
        self.health.stopping = True
        self.runtime.app.stop()
        for _ in workers:
            self.runtime.bell.ring()
        hurry = asyncio.ensure_future(self.hurry.wait())
        ends = asyncio.ensure_future(asyncio.wait({*workers, *self.running}))
        await asyncio.wait({ends, hurry}, timeout=DRAIN_SECONDS, return_when=asyncio.FIRST_COMPLETED)
        hurry.cancel()
        ends.cancel()
        left = [task for task in (*workers, *self.running) if not task.done()]
        for task in left:
            # What is cut off is no worse off than by a crash: the journal tells what may have been written.
            task.cancel()
        if left:
            log.warning("daemon.cut_off", count=len(left))

    def _noted(self, chore: Chore) -> Callable[[], Awaitable[object]]:
        """A chore of which is known that it runs, so that the end can wait for it; the beat shows the ledger going."""

        async def noted() -> None:
            task = asyncio.current_task()
            assert task is not None
            self.running.add(task)
            try:
                await chore.run()
            finally:
                self.running.discard(task)
                if chore.name == "beat":
                    self.signs.pulse.ledger_ended()

        return noted

    async def _open_doors(self, group: asyncio.TaskGroup) -> Callable[[], None]:
        if self.wishes.listener is None:
            return lambda: None
        from syncd.api import ApiDeps, create_api
        from syncd.http_server import Door, Server
        from syncd.ui.wiring import pages_of

        app, settings = self.runtime.app, self.runtime.app.settings
        secrets = {id: secret.get_secret_value() for id, secret in settings.espocrm_webhook_secrets.items()}
        entities = {name: context.entity for name, context in app.contexts.items()}
        granted = budgets(settings)
        api = create_api(
            ApiDeps(
                ledger=self.runtime.ledger,
                ring=self.runtime.queue.add_all,
                entities=entities,
                secrets=secrets_of(secrets, self.runtime.ledger),
                readiness=self.health.lines,
                paused=lambda: self.health.paused,
                metrics=self.signs.metrics,
                version=__version__,
                api_token=settings.syncd_api_token.get_secret_value(),
                now=self.runtime.clock.now,
                new_id=app.parts.new_id,
                before_metrics=self._gauge,
                peers=self._peers,
                budgets=granted,
                examine=lambda: examined_now(app, self.mapping),
                keeper=Keeper(self.runtime.ledger, self.runtime.queue, self.runtime.clock.now),
                preview=partial(asking.preview, app.contexts),
                sides=partial(asking.sides, app.contexts),
                pages=pages_of(self.runtime, entities, self.health, self._peers, granted),
            )
        )
        server = Server(Door(api, lambda: self.health.stopping))
        group.create_task(server.serve(sockets=[self.wishes.listener]))
        await server.up.wait()

        def close() -> None:
            server.should_exit = True

        return close

    async def _peers(self) -> dict[str, dict[str, Any]]:
        """How each system's circuit is, as `syncd status` tells it."""
        states = {side: await self.runtime.app.parts.shared.circuit.look(side) for side in PEERS}
        return {side: {"state": str(state.state), "seconds": state.seconds} for side, state in states.items()}

    def _port(self) -> int | None:
        return None if self.wishes.listener is None else int(self.wishes.listener.getsockname()[1])

    async def _lock(self, name: str, seconds: float) -> bool:
        """Whether a chore is ours this time; nobody unlocks, the next turn comes after the lock ended."""
        return await self.runtime.app.parts.shared.tokens.lock(name, self.runtime.app.parts.owner, seconds)

    async def _greet(self) -> None:
        """Ask Advoware whether it is there: with nothing to do nobody else would. EspoCRM is polled anyway."""
        patience = self.signs.watch.outage * GREETED_IN_OUTAGE
        while True:
            if "advoware" in self.health.unheard or self.health.quiet("advoware") > patience:
                try:
                    await self.runtime.app.advoware.probe()
                except CircuitOpen:
                    log.debug("greeting.put_off", side="advoware")
                except (Outage, Credentials) as error:
                    log.info("greeting.unanswered", side=error.side, reason=error.reason)
                except PeerError as error:
                    log.debug("greeting.refused", side=error.side, reason=error.reason)  # it is there
            await self.runtime.clock.sleep(GREET_AGAIN)

    async def _reload_when_asked(self) -> None:
        """On SIGHUP another syncd.toml and log level; a bad one is told and changes nothing."""
        while True:
            await self.reload.wait()
            self.reload.clear()
            self.notify("RELOADING=1", f"MONOTONIC_USEC={int(self.runtime.clock.monotonic() * 1e6)}")
            try:
                mapping = self.wishes.reload()
            except config.ConfigError as error:
                log.error("config.not_reloaded", count=len(error.lines), reason=error.lines[0])
            else:
                self.mapping = mapping
                self.runtime.app.remap(mapping)
                log.info("config.reloaded")
            self.notify("READY=1")

    async def _live(self, seconds: float) -> None:
        """A sign of life three times within the time systemd allows, as long as all parts go on."""
        while True:
            stuck = self.signs.pulse.stuck()
            if stuck:
                log.critical("daemon.stuck", reason=stuck)
            else:
                self.notify("WATCHDOG=1", patience=0)  # the next one comes soon
            await self.runtime.clock.sleep(seconds / 3)

    async def _keep_redis(self, revive: Callable[[], None]) -> None:
        """Start our own Redis again if it died."""
        while True:
            await self.runtime.clock.sleep(REVIVE_EVERY)
            if any(reason.code == "redis" for reason in self.health.reasons):
                try:
                    await asyncio.to_thread(revive)
                    log.warning("redis.revived")
                except RedisServerError:
                    log.error("redis.not_revived")

    async def _gauge(self) -> None:
        signs = self.signs
        await bring_up_to_date(signs.metrics, self.runtime, signs.health, signs.machine, signs.watch.raised())
