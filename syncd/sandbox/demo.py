"""`syncd demo`: two stand-in systems, the real daemon, people who edit, and an honest check at the end.

Everything is temporary, and everything that was started is ended again.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import logging
import os
import shutil
import signal
import sys
import tempfile
from collections.abc import AsyncIterator, Coroutine
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console

from syncd.clock import SystemClock
from syncd.sandbox import server
from syncd.sandbox.demo_check import End, Report, judge
from syncd.sandbox.demo_children import LISTS
from syncd.sandbox.demo_daemon import Daemon, DaemonError, brisk
from syncd.sandbox.demo_diary import Diary
from syncd.sandbox.demo_story import Story
from syncd.sandbox.demo_view import Screen, is_write, kept_running, result
from syncd.sandbox.sandbox import Sandbox

HTTP_TIMEOUT_SECONDS = 3.0
LONGEST_SWEEP_SECONDS = 12.0
SHORTEST_SWEEP_SECONDS = 5.0
WEBHOOK_SECONDS = 0.5
KNOWN_SECONDS = 180.0
SETTLE_SECONDS = 120.0
CALM_SECONDS = 5.0  # without a write, before it may be over
UNDER_WAY = ("pending_sync", "dirty", "syncing", "failed")
LEAST_RECORDS = 40
RECORDS_EACH = 3  # of a person the installation knows: its own, an address and an account


@dataclass(frozen=True)
class Options:
    """What `syncd demo` may be told. `seconds` is how long people edit."""

    keep: bool = False
    seconds: float = 60.0
    records: int = 200
    seed: int = 1


class Stage:
    """Sandbox, diary and daemon of one demonstration."""

    def __init__(self, options: Options, state: Path, log: Path, console: Console) -> None:
        self.options = options
        clock = SystemClock()
        self.sandbox = Sandbox(now=clock.now, seed=options.seed)
        self.sandbox.webhooks.settings.interval_seconds = WEBHOOK_SECONDS
        self.sandbox.espo.schema["CBeteiligte"].optimistic = True
        self.sweep = min(LONGEST_SWEEP_SECONDS, max(SHORTEST_SWEEP_SECONDS, options.seconds / 3))
        self.daemon = Daemon(state, log, SYNCD_TASK_USER="anna", **brisk(self.sweep, HTTP_TIMEOUT_SECONDS))
        self.screen = Screen(console, self.sandbox, self.daemon)
        self.diary = Diary(self.sandbox, self.screen.told)
        self.screen.diary = self.diary
        self.ends = 0.0

    async def play(self) -> Report:
        """From the first start to the verdict; DaemonError."""
        records = max(LEAST_RECORDS, self.options.records)
        new = max(3, records // 40)
        linked = [record for record, _ in self.sandbox.seed.synced(records - new)]
        fresh = self.sandbox.seed.only_espocrm(new)
        self.sandbox.seed.only_advoware(3)
        before = self.sandbox.dump()
        self.daemon.meet(self.sandbox)
        self.screen.phase = "the daemon gets to know everybody"
        await self.daemon.start()
        for record in fresh:
            self.diary.adopt(record, "anna")
        await self._until_known(RECORDS_EACH * len(linked))
        self.screen.phase = "people edit"
        await Story(self.sandbox, self.diary, self.daemon, linked, self.options.seed, self.options.seconds).play()
        self.ends = self.sandbox.now()
        self.screen.phase = "everybody went home"
        await self._until_settled()
        self.screen.phase = "quiet?"
        quiet_from = self.sandbox.now()
        await asyncio.sleep(self.sweep + CALM_SECONDS)
        calls = list(self.sandbox.log.calls)
        quiet = [call for call in calls if call.at > quiet_from and is_write(call)]
        diary = self.diary
        return judge(
            End(
                before=before,
                after=self.sandbox.dump(),
                typed=diary.typed,
                born=diary.born,
                deleted=frozenset(diary.deleted),
                vanished=frozenset(diary.vanished),
                conflicts=await self.daemon.conflicts(),
                history=await self.daemon.history(),
                calls=calls,
                quiet=quiet,
                children=diary.children,
                dropped=frozenset(diary.dropped),
            )
        )

    async def _until_known(self, count: int) -> None:
        """An installation that goes on: the daemon meets all linked records before people are let in."""
        end = self.sandbox.now() + KNOWN_SECONDS
        while self.screen.known < count:
            if self.sandbox.now() > end:
                raise DaemonError(f"the daemon has met only {self.screen.known} of {count} records (log: "
                                  f"{self.daemon.log})")  # fmt: skip
            await asyncio.sleep(0.1)

    async def _until_settled(self) -> None:
        """Nothing under way, every pair looked at since the last edit, no write for a while; or the time is over."""
        end = self.sandbox.now() + SETTLE_SECONDS
        while self.sandbox.now() < end:
            await asyncio.sleep(0.25)
            now = self.sandbox.now()
            silent = now - max(self.ends, self.screen.last_write) > CALM_SECONDS
            over = not self._under_way() and self.screen.owed == 0
            if silent and over and self.screen.looked_since(self.ends):
                return

    def _under_way(self) -> bool:
        """Whether a record, an address or an account waits for the daemon."""
        tables = self.sandbox.espo.tables
        held = [tables[kind].equal["syncStatus"] for kind in ("CBeteiligte", *LISTS)]
        return any(one.get(status) for one in held for status in UNDER_WAY)


async def main(options: Options | None = None, console: Console | None = None) -> int:
    """Play the demonstration; 0 if everything holds, 1 with the list of what does not, 130 after Ctrl-C."""
    options, console = options or Options(), console or Console()
    state = Path(tempfile.mkdtemp(prefix="syncd-demo-"))
    log = Path(f"{state}.log")
    stage = Stage(options, state, log, console)
    logging.getLogger("uvicorn.error").setLevel(logging.CRITICAL)  # tells of every answer that is withheld on purpose
    stop = asyncio.Event()
    try:
        async with _ctrl_c(stop), _served(stage.sandbox), _ended(stage.daemon):
            async with stage.screen.shown():
                report = await _unless(stop, stage.play())
            if report is None:
                console.print("stopped")
                os.unlink(log)
                return 130
            result(console, report, stage.diary)
            if options.keep:
                kept_running(console, stage.sandbox, stage.daemon)
                await stop.wait()
    except DaemonError as error:
        console.print(f"error: {error}", markup=False, highlight=False, soft_wrap=True)
        return 1
    finally:
        shutil.rmtree(state, ignore_errors=True)
    if not report.wrong:
        os.unlink(log)
        return 0
    console.print(f"what the daemon logged: {log}", markup=False, highlight=False, soft_wrap=True)
    return 1


@contextlib.asynccontextmanager
async def _ctrl_c(stop: asyncio.Event) -> AsyncIterator[None]:
    """SIGINT and SIGTERM end the demonstration in an orderly way."""
    loop, signals = asyncio.get_running_loop(), (signal.SIGINT, signal.SIGTERM)
    for wanted in signals:
        loop.add_signal_handler(wanted, stop.set)
    try:
        yield
    finally:
        for wanted in signals:
            loop.remove_signal_handler(wanted)


@contextlib.asynccontextmanager
async def _served(sandbox: Sandbox) -> AsyncIterator[None]:
    stop, ready = asyncio.Event(), asyncio.Event()
    serving = asyncio.create_task(server.serve(sandbox, 0, 0, stop, lambda _: ready.set()))
    try:
        await ready.wait()
        yield
    finally:
        stop.set()
        await serving


@contextlib.asynccontextmanager
async def _ended(daemon: Daemon) -> AsyncIterator[None]:
    try:
        yield
    finally:
        await daemon.close()


async def _unless(stop: asyncio.Event, play: Coroutine[Any, Any, Report]) -> Report | None:
    """What the play comes to, or None if it is stopped before its end."""
    playing, stopped = asyncio.create_task(play), asyncio.create_task(stop.wait())
    try:
        await asyncio.wait((playing, stopped), return_when=asyncio.FIRST_COMPLETED)
        return playing.result() if playing.done() else None
    finally:
        for task in (playing, stopped):
            task.cancel()
        await asyncio.gather(playing, stopped, return_exceptions=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m syncd.sandbox.demo", description=__doc__)
    parser.add_argument("--keep", action="store_true", help="leave everything running until Ctrl-C")
    parser.add_argument("--seconds", type=float, default=Options.seconds, help="how long people edit")
    parser.add_argument("--records", type=int, default=Options.records, help="Beteiligte to start with")
    parser.add_argument("--seed", type=int, default=Options.seed)
    sys.exit(asyncio.run(main(Options(**vars(parser.parse_args())))))
