"""Gives a process all it runs on: state directory, ledger, Redis, clock, shared limits; and closes it again.

The same for the daemon and for commands. Does not know what they do with it.
"""

from __future__ import annotations

import asyncio
import gc
import os
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import structlog

import config
from syncd.app import App, Parts, budgets, build, redis_prefix
from syncd.bell import Bell
from syncd.clock import SharedClock, SystemClock, chance, new_id
from syncd.context import Observers
from syncd.ledger import work
from syncd.ledger.engines import sqlite_url
from syncd.ledger.store import Ledger, LedgerUnavailable, open_ledger
from syncd.private import keep_private, open_to_writers
from syncd.queue import Queue
from syncd.redis_client import RedisUnavailable, connect
from syncd.redis_server import embedded_redis
from syncd.shared import connect as share
from syncd.shared import redis_time

log = structlog.get_logger()

YOUNG = 5_000  # objects more than before, after which the newest of them are searched for garbage
MEASURE_EVERY = 60.0  # seconds between two comparisons with the shared clock
MEASURE_AGAIN = 5.0  # after one that failed
MEASURE_PATIENCE = 1.0  # the start waits no longer for it


class NoLedger(Exception):
    """There is no ledger yet; the text says what to do."""


@dataclass(frozen=True)
class Runtime:
    """A process with everything open. `revive` starts an own Redis again that died; None where it is not ours."""

    app: App
    clock: SharedClock
    bell: Bell
    revive: Callable[[], None] | None

    @property
    def ledger(self) -> Ledger:
        """Where everything is remembered."""
        return self.app.parts.ledger

    @property
    def queue(self) -> Queue:
        """Who waits to be worked on."""
        return self.app.parts.queue


async def follow_clock(clock: SharedClock, ledger: Ledger) -> None:
    """Compare with Redis' clock once a minute, for ever.

    Until that was done for the first time, the machine's own clock may have put records to work for a later time.
    """
    sure = clock.ahead is not None
    while True:
        known = await measured(clock)
        if known and not sure:
            with suppress(LedgerUnavailable):
                await ledger.write(work.bring_forward, clock.now())
                sure = True
        await clock.sleep(MEASURE_EVERY if known and sure else MEASURE_AGAIN)


async def measured(clock: SharedClock) -> bool:
    """Compare with the shared clock, briefly; False if it does not answer, then the last offset stays."""
    try:
        async with asyncio.timeout(MEASURE_PATIENCE):
            await clock.measure()
    except (RedisUnavailable, TimeoutError):
        return False
    return True


def settle_down() -> None:
    """What is loaded by now is taken to stay: the garbage collector looks only at what comes, and seldom at that.

    Else it goes through all there is every thousand jobs or so, a tenth of a second in which nothing else happens.
    """
    gc.freeze()
    gc.set_threshold(YOUNG)


@asynccontextmanager
async def opened(
    settings: config.Settings, mapping: config.Mapping, observers: Observers | None = None
) -> AsyncIterator[Runtime]:
    """Everything open, nothing running yet, neither system asked.

    Raises what says why it cannot be: `LedgerUnavailable`, `WrongRevision`, `RedisServerError`, `ConfigError`.
    A Redis server of others may be away: then this process goes on with a tenth of the calls.
    """
    async with AsyncExitStack() as stack:
        ledger = await stack.enter_async_context(opened_ledger(settings))
        url, revive = settings.redis_url.get_secret_value(), None
        if not url:
            url = stack.enter_context(embedded_redis(settings.state_dir)).url

            def revive() -> None:
                with embedded_redis(settings.state_dir):
                    """Started again if it was gone; the user that stays keeps it running."""

        redis = connect(url)
        stack.push_async_callback(redis.aclose)
        machine = SystemClock()
        clock = SharedClock(lambda: redis_time(redis), machine)
        if not await measured(clock):
            log.warning("clock.unmeasured", effect="the machine's own time until Redis answers")
        bell = Bell(clock.sleep)
        prefix = redis_prefix(settings)
        parts = Parts(
            ledger=ledger,
            queue=Queue(redis, bell=bell, new_id=new_id, prefix=prefix),
            shared=share(redis, clock, budgets(settings), prefix=prefix),
            clock=clock,
            new_id=new_id,
            jitter=chance,
            owner=owner(),
            observers=observers or Observers(),
        )
        app = build(settings, mapping, parts)
        stack.push_async_callback(app.close)
        yield Runtime(app, clock, bell, revive)


@asynccontextmanager
async def opened_ledger(settings: config.Settings) -> AsyncIterator[Ledger]:
    """The ledger alone, made or brought to this program's form if need be."""
    # Alembic takes longer to load than all the rest of a command.
    from syncd.ledger.upgrade import prepare

    make_state_dir(settings)
    url = ledger_url(settings)
    applied = prepare(url)
    if applied:
        log.info("ledger.upgraded", revisions=applied)
    ledger = open_ledger(url)
    try:
        yield ledger
    finally:
        ledger.close()


@asynccontextmanager
async def existing_ledger(settings: config.Settings) -> AsyncIterator[Ledger]:
    """The ledger as it is, for looking; raises `NoLedger` where there is none."""
    check_ledger_exists(settings)
    async with opened_ledger(settings) as ledger:
        yield ledger


def check_ledger_current(settings: config.Settings) -> None:
    """Raise `NoLedger` or `WrongRevision` where opening the ledger would make or change it."""
    from syncd.ledger.upgrade import WrongRevision, is_current

    check_ledger_exists(settings)
    if not is_current(ledger_url(settings)):
        raise WrongRevision("the ledger has an older form: stop all daemons and run `syncd db upgrade`")


def check_ledger_exists(settings: config.Settings) -> None:
    """Raise `NoLedger` where looking would make one."""
    file = ledger_file(settings)
    if file is not None and not file.is_file():
        raise NoLedger(f"there is no ledger in {file.parent} yet: start `syncd serve`, or set SYNCD_STATE_DIR")


def ledger_url(settings: config.Settings) -> str:
    """Where the ledger is, as SQLAlchemy wants it."""
    url = settings.database_url.get_secret_value()
    if not url:
        return sqlite_url(settings.state_dir / "ledger.db")
    # SQLAlchemy's default driver for this name is another one than ours.
    return url.replace("postgresql://", "postgresql+psycopg://", 1)


def ledger_file(settings: config.Settings) -> Path | None:
    """The ledger's file, None where a server holds it."""
    url = ledger_url(settings)
    return Path(url.removeprefix("sqlite:///")) if url.startswith("sqlite:///") else None


def make_state_dir(settings: config.Settings) -> None:
    """People's data is kept there: for its owner only. Raises ConfigError where others could put files there."""
    place = settings.state_dir
    try:
        place.mkdir(mode=0o700, parents=True, exist_ok=True)
        keep_private(place, 0o700)
        shared = open_to_writers(place)
    except OSError as error:
        raise config.ConfigError([f"SYNCD_STATE_DIR: cannot be made ({error.strerror})"]) from None
    if shared:
        raise config.ConfigError([f"SYNCD_STATE_DIR: others may write into {place}: name a folder of its own"])


def owner() -> str:
    """Who holds a claim, for people to find: host, process, and something no other start shares."""
    return f"{socket.gethostname()[:40]}:{os.getpid()}:{new_id()[:8]}"
