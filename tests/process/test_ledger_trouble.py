"""The ledger's file in every trouble it can be in: the daemon refuses, says why, and goes on by itself afterwards."""

from __future__ import annotations

import os
import resource
import socket
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from syncd.ledger.trouble import SAYS, Kind
from tests.process.conftest import Daemon
from tests.process.servers import OwnRedis, fill, read_only, small_disk
from tests.process.trouble import WATCHED, Trial, await_rest, one_daemon
from tests.systems import Systems, eventually

ALARM = "ledger_writes"
MINUTE = 60.0


def words(kind: Kind) -> str:
    return "; ".join(SAYS[kind])


@pytest.fixture(scope="module")
def running(
    both: Systems, pairs: Iterator[tuple[str, int]], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Daemon]:
    """One daemon lives through what it can live through, and comes to rest."""
    home = tmp_path_factory.mktemp("daemon")
    server = OwnRedis(tmp_path_factory.mktemp("redis")).start()
    try:
        with one_daemon(both, home, REDIS_URL=server.url) as daemon:
            yield daemon
    finally:
        server.kill()


@pytest.fixture
def trial(running: Daemon, both: Systems, pairs: Iterator[tuple[str, int]]) -> Trial:
    """All is well, whatever the test before has left."""
    if not running.runs:
        running.start()
    one = Trial(running, both, *next(pairs))
    for cause in ("ledger", ALARM):
        one.begin(cause)
    return one


@pytest.fixture
def alone(daemon: Daemon, systems: Systems) -> Callable[..., Trial]:
    """Starts a daemon of the test's own, with these settings, and a pair it keeps the same."""

    def begin(**settings: str) -> Trial:
        pair = systems.seed("synced", 1)[0]
        daemon.settings = {**daemon.settings, **WATCHED, **settings}
        return Trial(daemon.start(), systems, *pair).begin(ALARM)

    return begin


def refused(trial: Trial, kind: Kind, alarm: str = ALARM) -> None:
    """It says why, answers webhooks that it cannot take them, and writes nothing while people go on typing."""
    trial.await_red(words(kind), alarm)
    trial.type_on_both_sides()
    written = trial.systems.writes()
    assert trial.webhook() == 503
    assert trial.systems.writes() == written


@contextmanager
def locked(ledger: Path) -> Iterator[None]:
    """Another program holds the ledger."""
    with closing(sqlite3.connect(ledger, isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        yield
        other.execute("ROLLBACK")


def test_a_ledger_locked_by_another_program_is_waited_for_and_no_reason_to_restart(
    alone: Callable[..., Trial], tmp_path: Path
) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(tmp_path / "notify"))
        manager.settimeout(60)
        trial = alone(NOTIFY_SOCKET=str(tmp_path / "notify"), WATCHDOG_USEC="1500000")
        with locked(trial.ledger):
            refused(trial, Kind.LOCKED)
            assert SAYS[Kind.LOCKED][1] in trial.command("pause")
            for _ in range(5):
                while manager.recv(4096) != b"WATCHDOG=1":
                    """It says other things as well."""
        trial.await_recovery(ALARM)
        trial.complained_of(ALARM, "webhook.refused")
        await_rest(trial.systems)


@contextmanager
def files_may_not_grow(process: int) -> Iterator[None]:
    """What the process writes behind the present end of any file fails; its log as well."""
    before = resource.prlimit(process, resource.RLIMIT_FSIZE)
    resource.prlimit(process, resource.RLIMIT_FSIZE, (1024, before[1]))
    yield
    resource.prlimit(process, resource.RLIMIT_FSIZE, before)


def test_a_disk_that_fails_and_a_log_that_cannot_be_written(trial: Trial) -> None:
    assert trial.daemon.process is not None
    with files_may_not_grow(trial.daemon.process.pid):
        told = eventually("it is told", lambda: [one for one in trial.reasons() if words(Kind.DISK) in one])
        assert len(told) == 1
        trial.type_on_both_sides()
        assert trial.webhook() == 503
        assert trial.daemon.get("/metrics").status_code == 200
    trial.await_arrival()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may mount a disk")
def test_a_disk_that_is_full(alone: Callable[..., Trial], daemon: Daemon, tmp_path: Path) -> None:
    with small_disk(tmp_path / "small", "6m") as disk:
        daemon.directory = disk  # its log is there as well
        try:
            trial = alone(SYNCD_STATE_DIR=str(disk / "state"))
            filler = fill(disk)
            eventually("it is told", lambda: [one for one in trial.reasons() if words(Kind.FULL) in one])
            trial.type_on_both_sides()
            assert trial.webhook() == 503
            assert SAYS[Kind.FULL][1] in trial.command("pause")
            assert SAYS[Kind.FULL][1] in trial.command("backup", str(disk / "copy.db"))
            assert not (disk / "copy.db").exists()
            filler.unlink()
            trial.await_arrival()
            await_rest(trial.systems)
            assert daemon.end() == 0
        finally:
            daemon.stop()


def test_a_ledger_that_was_removed_takes_nothing_that_would_be_lost(trial: Trial) -> None:
    ledger = trial.ledger
    aside = ledger.with_name("aside.db")
    ledger.rename(aside)
    refused(trial, Kind.REPLACED, "ledger")
    aside.rename(ledger)
    trial.await_recovery("ledger")


def test_a_ledger_that_was_replaced_by_a_copy_takes_nothing(trial: Trial) -> None:
    ledger = trial.ledger
    aside, copy = ledger.with_name("aside.db"), ledger.with_name("copy.db")
    with closing(sqlite3.connect(ledger)) as source, closing(sqlite3.connect(copy)) as target:
        source.backup(target)
    ledger.rename(aside)
    copy.rename(ledger)
    refused(trial, Kind.REPLACED, "ledger")
    ledger.unlink()
    aside.rename(ledger)
    trial.await_recovery("ledger")


def test_a_journal_that_was_removed_ends_the_writing_until_a_restart(trial: Trial) -> None:
    trial.ledger.with_name("ledger.db-wal").unlink()
    refused(trial, Kind.REPLACED)
    assert trial.daemon.end() == 0
    trial.daemon.start()
    trial.await_arrival()


def test_a_damaged_ledger_is_not_written_any_more(alone: Callable[..., Trial], tmp_path: Path) -> None:
    trial, copy = alone(), tmp_path / "copy.db"
    ledger = trial.ledger
    with closing(sqlite3.connect(ledger)) as source, closing(sqlite3.connect(copy)) as target:
        source.backup(target)
        source.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        root = source.execute("SELECT rootpage FROM sqlite_master WHERE name = 'pairs'").fetchone()[0]
        size = source.execute("PRAGMA page_size").fetchone()[0]
    with ledger.open("r+b") as file:
        file.seek((root - 1) * size)
        file.write(os.urandom(size))
    trial.systems.act("espocrm", "edit", record_id=trial.espo_id, values={"titel": "Dr."})
    refused(trial, Kind.DAMAGED)
    assert "restore" in trial.command("status")
    trial.daemon.end()
    trial.done("restore", str(copy))
    trial.daemon.start()
    trial.await_arrival()
    await_rest(trial.systems)


def test_a_ledger_that_may_only_be_read_is_one_line_at_the_start(trial: Trial) -> None:
    assert trial.daemon.end() == 0
    with read_only(trial.ledger.parent):
        for command in ("serve", "run", "pause"):
            assert SAYS[Kind.READ_ONLY][1] in trial.command(command)
    trial.daemon.start()
    trial.type_on_both_sides()
    trial.await_arrival()


@pytest.mark.soak
def test_a_ledger_locked_for_a_whole_minute(trial: Trial) -> None:
    with locked(trial.ledger):
        refused(trial, Kind.LOCKED)
        end = time.monotonic() + MINUTE
        while time.monotonic() < end:
            assert trial.webhook() == 503
            assert trial.daemon.get("/readyz").status_code == 503
    trial.await_recovery(ALARM)
