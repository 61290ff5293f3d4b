"""PostgreSQL in every trouble it can be in: the daemon refuses, says why, and goes on by itself afterwards."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path

import psycopg
import pytest

from syncd.ledger import facts, impatient
from syncd.ledger.store import LedgerUnavailable, open_ledger
from syncd.ledger.trouble import SAYS, Kind
from syncd.ledger.upgrade import upgrade
from tests import postgres
from tests.postgres import Cluster
from tests.process.conftest import Daemon
from tests.process.servers import OwnRedis
from tests.process.trouble import Trial, one_daemon
from tests.systems import Systems, eventually

pytestmark = pytest.mark.postgres
MINUTE = 60.0
CUT = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND datname IS NOT NULL"

Trouble = Callable[[Cluster, Trial], AbstractContextManager[None]]


def asked(cluster: Cluster, *statements: str) -> None:
    """Statements of somebody else."""
    with psycopg.connect(cluster.url, autocommit=True) as other:
        for statement in statements:
            other.execute(statement.encode())


@contextmanager
def stopped(cluster: Cluster, _: Trial) -> Iterator[None]:
    """Nobody listens."""
    cluster.stop()
    yield
    cluster.start()


@contextmanager
def hanging(cluster: Cluster, _: Trial) -> Iterator[None]:
    """It takes connections and answers nothing."""
    every = cluster.processes()
    for process in every:
        os.kill(process, signal.SIGSTOP)
    yield
    for process in every:
        with suppress(ProcessLookupError):
            os.kill(process, signal.SIGCONT)


@contextmanager
def standby(cluster: Cluster, _: Trial) -> Iterator[None]:
    """It takes no writes, as a standby, or a hosted one whose disk is full."""
    asked(cluster, "ALTER DATABASE postgres SET default_transaction_read_only = on", CUT)
    yield
    writable = "ALTER DATABASE postgres SET default_transaction_read_only = off"
    asked(cluster, "SET default_transaction_read_only = off", writable, CUT)


@contextmanager
def row_held(cluster: Cluster, trial: Trial) -> Iterator[None]:
    """Somebody has changed the record's row and gone to lunch (idle in transaction)."""
    with psycopg.connect(cluster.url) as other:
        held = other.execute("SELECT 1 FROM pairs WHERE key LIKE %s FOR UPDATE", [f"%/{trial.espo_id}"]).fetchall()
        assert held
        trial.systems.act("espocrm", "edit", record_id=trial.espo_id, values={"titel": "Dr."})
        yield
        other.rollback()


TROUBLES: dict[Trouble, tuple[Kind, str]] = {
    stopped: (Kind.AWAY, "ledger"),
    hanging: (Kind.AWAY, "ledger"),
    standby: (Kind.READ_ONLY, "ledger_writes"),
}


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    binaries = postgres.programs()
    if binaries is None:
        if os.environ.get("CI"):
            pytest.fail("PostgreSQL is not installed (apt install postgresql)")
        pytest.skip("PostgreSQL is not installed")
    with postgres.cluster(binaries) as running:
        upgrade(running.url.replace("postgresql:", "postgresql+psycopg:"))
        yield running


@pytest.fixture(scope="module")
def running(
    both: Systems, pairs: Iterator[tuple[str, int]], cluster: Cluster, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Daemon]:
    """One daemon lives through all of it, and comes to rest."""
    home: Path = tmp_path_factory.mktemp("daemon")
    server = OwnRedis(tmp_path_factory.mktemp("redis")).start()
    try:
        with one_daemon(both, home, DATABASE_URL=cluster.url, REDIS_URL=server.url) as daemon:
            yield daemon
    finally:
        server.kill()


@pytest.fixture
def trial(running: Daemon, both: Systems, pairs: Iterator[tuple[str, int]]) -> Trial:
    """All is well, whatever the test before has left."""
    one = Trial(running, both, *next(pairs))
    for cause in ("ledger", "ledger_writes"):
        one.begin(cause)
    return one


@pytest.mark.parametrize("trouble", TROUBLES, ids=lambda trouble: trouble.__name__)
def test_a_server_in_trouble_stops_the_work_and_loses_nothing(trial: Trial, cluster: Cluster, trouble: Trouble) -> None:
    kind, alarm = TROUBLES[trouble]
    with trouble(cluster, trial):
        trial.await_red("; ".join(SAYS[kind]), alarm)
        trial.type_on_both_sides()
        assert trial.webhook() == 503
        assert SAYS[kind][1] in trial.command("pause")
    trial.await_recovery(alarm)


async def test_a_server_that_hangs_is_given_up_while_it_still_hangs(
    cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(impatient, "ANSWER_SECONDS", 0.5)
    ledger = open_ledger(cluster.url.replace("postgresql:", "postgresql+psycopg:"))
    await ledger.write(facts.put, "trial", 1)
    every = cluster.processes()
    for process in every:
        os.kill(process, signal.SIGSTOP)
    try:
        async with asyncio.timeout(30):
            with pytest.raises(LedgerUnavailable) as told:
                await ledger.write(facts.put, "trial", 2)
    finally:
        for process in every:
            os.kill(process, signal.SIGCONT)
    assert told.value.kind is Kind.AWAY
    await ledger.write(facts.put, "trial", 3)
    assert await ledger.read(facts.get, "trial") == 3
    ledger.close()


def test_connections_cut_again_and_again_lose_nothing(trial: Trial, cluster: Cluster) -> None:
    trial.type_on_both_sides()
    end = time.monotonic() + 4
    while time.monotonic() < end:
        asked(cluster, CUT)
        time.sleep(0.05)  # not a wait for anything: the pace of the one who cuts
    trial.await_arrival()


def test_a_row_somebody_holds_stops_its_record_alone(trial: Trial, cluster: Cluster) -> None:
    with row_held(cluster, trial):
        trial.await_red("; ".join(SAYS[Kind.LOCKED]), "ledger_writes")
        trial.type_on_both_sides()
        assert trial.webhook() == 200
        eventually("another record is served", lambda: trial.systems.espo(trial.new)["syncStatus"] == "clean")
        assert not trial.arrived()
    trial.await_recovery("ledger_writes")


@pytest.mark.soak
@pytest.mark.parametrize("trouble", [stopped, hanging], ids=lambda trouble: trouble.__name__)
def test_a_whole_minute_without_the_server(trial: Trial, cluster: Cluster, trouble: Trouble) -> None:
    kind, alarm = TROUBLES[trouble]
    with trouble(cluster, trial):
        trial.await_red("; ".join(SAYS[kind]), alarm)
        trial.type_on_both_sides()
        end = time.monotonic() + MINUTE
        while time.monotonic() < end:
            assert trial.webhook() == 503
            assert trial.daemon.get("/readyz").status_code == 503
    trial.await_recovery(alarm)
