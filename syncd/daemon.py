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
from typing import Any

import structlog

import config
from services.errors import Credentials, Outage, PeerError
from syncd import __version__, inspect
from syncd.context import Observers
from syncd.health import PEERS, Health
from syncd.intake import secrets_of
from syncd.lanes import Lane
from syncd.ledger.store import LedgerUnavailable
from syncd.metrics import Gauges, Metrics
from syncd.redis_client import RedisUnavailable
from syncd.redis_server import RedisServerError
from syncd.runtime import Runtime, opened
from syncd.scheduler import schedule
from syncd.service_manager import Notifier

log = structlog.get_logger()

DRAIN_SECONDS = 30.0
GREET_AGAIN = 5.0
REVIVE_EVERY = 5.0
DISCOVERY = frozenset({"poll", "sweep", "full_pass"})


@dataclass(frozen=True)
class Wishes:
    """What of the daemon shall run here, and what is read anew on SIGHUP: log level and syncd.toml."""

    listener: socket.socket | None
    discovery: bool
    reload: Callable[[], config.Mapping]


async def serve(settings: config.Settings, mapping: config.Mapping, wishes: Wishes) -> None:
    """Run until SIGTERM or SIGINT; raises what stopped it otherwise. A second signal ends the waiting for jobs."""
    manager = config.service_manager()
    notify = Notifier(manager.socket)
    metrics = Metrics()
    health: Health | None = None

    def called(side: str, verb: str, route: str, outcome: str, seconds: float) -> None:
        metrics.observe(side, verb, route, outcome, seconds)
        if health is not None:
            health.called(side, outcome)

    def worked(ended: str, lane: str, seconds: float) -> None:
        metrics.job(ended, lane, seconds)
        if health is not None:
            health.worked(ended)

    async with opened(settings, mapping, Observers(called, worked, metrics.window, metrics.delay)) as runtime:
        await runtime.app.start()
        health = Health(
            runtime.ledger,
            runtime.queue,
            runtime.app.parts.shared.circuit.look,
            runtime.clock,
            settings.syncd_poll_seconds if wishes.discovery else None,
        )
        try:
            await _Daemon(runtime, wishes, health, metrics, notify, manager.watchdog_seconds).run()
        except ExceptionGroup as crash:
            log.critical("daemon.crashed", exc_info=crash.exceptions[0])
            raise


class _Daemon:
    def __init__(
        self,
        runtime: Runtime,
        wishes: Wishes,
        health: Health,
        metrics: Metrics,
        notify: Notifier,
        watchdog_seconds: float | None,
    ) -> None:
        self.runtime = runtime
        self.wishes = wishes
        self.health = health
        self.metrics = metrics
        self.notify = notify
        self.watchdog_seconds = watchdog_seconds
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
            replace(chore, run=self._noted(chore.run))
            for chore in app.chores()
            if self.wishes.discovery or chore.name not in DISCOVERY
        ]
        async with asyncio.TaskGroup() as group:
            always = [
                group.create_task(self.runtime.follow_clock()),
                group.create_task(self.health.watch()),
                group.create_task(self._greet()),
                group.create_task(self._reload_when_asked()),
            ]
            if self.watchdog_seconds is not None:
                always.append(group.create_task(self._live(self.watchdog_seconds)))
            if self.runtime.revive is not None:
                always.append(group.create_task(self._keep_redis(self.runtime.revive)))
            workers = [group.create_task(app.worker(number)) for number in range(app.settings.syncd_workers)]
            close_doors = await self._open_doors(group)
            scheduler = schedule(chores, self._lock)
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
                scheduler.shutdown(wait=False)
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

    def _noted(self, run: Callable[[], Awaitable[object]]) -> Callable[[], Awaitable[object]]:
        """A chore of which is known that it runs, so that the end can wait for it."""

        async def noted() -> None:
            task = asyncio.current_task()
            assert task is not None
            self.running.add(task)
            try:
                await run()
            finally:
                self.running.discard(task)

        return noted

    async def _open_doors(self, group: asyncio.TaskGroup) -> Callable[[], None]:
        if self.wishes.listener is None:
            return lambda: None
        from syncd.api import ApiDeps, create_api
        from syncd.http_server import Door, Server

        app, settings = self.runtime.app, self.runtime.app.settings
        configured = {id: secret.get_secret_value() for id, secret in settings.espocrm_webhook_secrets.items()}
        api = create_api(
            ApiDeps(
                ledger=self.runtime.ledger,
                ring=self.runtime.queue.add_all,
                entities={name: context.entity for name, context in app.contexts.items()},
                secrets=secrets_of(configured, self.runtime.ledger),
                readiness=self.health.lines,
                metrics=self.metrics,
                version=__version__,
                api_token=settings.syncd_api_token.get_secret_value(),
                now=self.runtime.clock.now,
                new_id=app.parts.new_id,
                before_metrics=self._gauge,
            )
        )
        server = Server(Door(api, lambda: self.health.stopping))
        group.create_task(server.serve(sockets=[self.wishes.listener]))
        await server.up.wait()

        def close() -> None:
            server.should_exit = True

        return close

    def _port(self) -> int | None:
        return None if self.wishes.listener is None else int(self.wishes.listener.getsockname()[1])

    async def _lock(self, name: str, seconds: float) -> bool:
        """Whether a chore is ours this time; nobody unlocks, the next turn comes after the lock ended."""
        return await self.runtime.app.parts.shared.tokens.lock(name, self.runtime.app.parts.owner, seconds)

    async def _greet(self) -> None:
        """Ask Advoware whether it is there; with nothing to do nobody else would. EspoCRM is polled anyway."""
        while "advoware" in self.health.unheard:
            try:
                await self.runtime.app.advoware.probe()
            except (Outage, Credentials) as error:
                log.info("greeting.unanswered", side=error.side, reason=error.reason)
            except PeerError:
                return  # it answers, if only to refuse this
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
                self.runtime.app.remap(mapping)
                log.info("config.reloaded")
            self.notify("READY=1")

    async def _live(self, seconds: float) -> None:
        """A sign of life three times within the time systemd allows."""
        while True:
            self.notify("WATCHDOG=1")
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
        """Bring the gauges up to date; a store that is away shows as down and the rest stays as it was."""
        circuits = {side: str((await self.runtime.app.parts.shared.circuit.look(side)).state) for side in PEERS}
        self.metrics.show(Gauges(circuits=circuits))
        try:
            now = self.runtime.clock.now()
            known = await inspect.status(self.runtime.ledger, now)
        except LedgerUnavailable:
            self.metrics.show(Gauges(ledger_up=False))
        else:
            polled, overdue = known["polled_at"], known["longest_overdue_check"]
            self.metrics.show(
                Gauges(
                    held=known["held"],
                    pairs=known["pairs"],
                    conflicts=known["conflicts"],
                    guards=len(known["guards"]),
                    messages=known["messages_owed"],
                    poll_age=None if polled is None else now - polled,
                    sweep_age=0.0 if overdue is None else now - overdue,
                    ledger_up=True,
                )
            )
        try:
            stats = await self.runtime.queue.stats()
        except RedisUnavailable:
            self.metrics.show(Gauges(redis_up=False))
            return
        waiting = {lane.name.lower(): stats.lanes[lane].waiting for lane in Lane}
        oldest = 0.0 if stats.oldest_due is None else max(0.0, stats.now - stats.oldest_due)
        self.metrics.show(Gauges(waiting=waiting, oldest=oldest, redis_up=True))
