"""Redis in every trouble it can be in: the daemon says which, takes webhooks, loses nothing, goes on by itself."""

from __future__ import annotations

import shutil
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

import pytest

from syncd import redis_client
from tests.process.conftest import Daemon
from tests.process.servers import OwnRedis, Proxy
from tests.process.trouble import Trial, one_daemon
from tests.systems import Systems, eventually

ALARM = "redis"
MINUTE = 60.0

Trouble = Callable[[OwnRedis], AbstractContextManager[None]]


@contextmanager
def stopped(server: OwnRedis) -> Iterator[None]:
    """Nobody listens; its file is kept."""
    server.kill()
    yield
    server.start()


@contextmanager
def emptied(server: OwnRedis) -> Iterator[None]:
    """Started again with nothing of what it held."""
    server.kill()
    yield
    shutil.rmtree(server.directory / "appendonlydir")
    server.start()


@contextmanager
def hanging(server: OwnRedis) -> Iterator[None]:
    """It takes connections and answers nothing."""
    server.signal(signal.SIGSTOP)
    yield
    server.signal(signal.SIGCONT)


@contextmanager
def full(server: OwnRedis) -> Iterator[None]:
    """Its memory is used up, and it may drop nothing."""
    with server.client as client:
        client.config_set("maxmemory-policy", "noeviction")
        client.config_set("maxmemory", "1")
        yield
        client.config_set("maxmemory", "0")


@contextmanager
def read_only(server: OwnRedis) -> Iterator[None]:
    """It became the replica of another one."""
    with server.client as client:
        client.replicaof("127.0.0.1", 1)
        yield
        client.replicaof("NO", "ONE")


@contextmanager
def without_primary(server: OwnRedis) -> Iterator[None]:
    """A replica that shall not serve old data."""
    with server.client as client:
        client.config_set("replica-serve-stale-data", "no")
        client.replicaof("127.0.0.1", 1)
        yield
        client.replicaof("NO", "ONE")


@contextmanager
def another_password(server: OwnRedis) -> Iterator[None]:
    """Its password was changed."""
    with server.client as client:
        client.config_set("requirepass", "another")
        client.client_kill_filter(_type="normal", skipme=True)
        yield
        client.config_set("requirepass", "")


@contextmanager
def fewer_rights(server: OwnRedis) -> Iterator[None]:
    """Our user there may run no scripts any more."""
    with server.client as client:
        client.execute_command("ACL", "SETUSER", "default", "-evalsha", "-eval")
        yield
        client.execute_command("ACL", "SETUSER", "default", "+@all")


@contextmanager
def loading(server: OwnRedis) -> Iterator[None]:
    """Started again with much to read."""
    with server.client as client:
        for number in range(0, 100_000, 10_000):
            client.mset({f"load:{one}": "x" * 100 for one in range(number, number + 10_000)})
        client.bgrewriteaof()
        eventually("it has written its file anew", lambda: not client.info("persistence")["aof_rewrite_in_progress"])
    server.kill()
    slowly = {"key_load_delay": "2000", "loading_process_events_interval_bytes": "1024"}
    server.launch(**slowly)
    eventually("it loads", lambda: server.says("LOADING"))
    yield
    with server.client as client:
        client.config_set("key-load-delay", "0")
    eventually("it is there", server.answers)


TROUBLES: dict[Trouble, str] = {
    stopped: redis_client.AWAY,
    emptied: redis_client.AWAY,
    hanging: redis_client.SILENT,
    full: redis_client.FULL,
    read_only: redis_client.READ_ONLY,
    without_primary: redis_client.NO_PRIMARY,
    another_password: redis_client.LOGIN,
    fewer_rights: redis_client.RIGHTS,
    loading: redis_client.LOADING,
}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OwnRedis]:
    made = OwnRedis(tmp_path_factory.mktemp("redis"))
    yield made.start()
    made.kill()


@pytest.fixture(scope="module")
def proxy(server: OwnRedis) -> Iterator[Proxy]:
    """The daemon reaches its Redis through this."""
    made = Proxy(server.port)
    yield made
    made.close()


@pytest.fixture(scope="module")
def running(
    both: Systems, pairs: Iterator[tuple[str, int]], proxy: Proxy, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Daemon]:
    """One daemon lives through all of it, and comes to rest."""
    home = tmp_path_factory.mktemp("daemon")
    url = f"redis://127.0.0.1:{proxy.port}/0"
    with one_daemon(both, home, REDIS_URL=url) as daemon:
        yield daemon


@pytest.fixture
def trial(
    running: Daemon, both: Systems, pairs: Iterator[tuple[str, int]], server: OwnRedis, proxy: Proxy
) -> Iterator[Trial]:
    """All is well, whatever the test before has left."""
    yield Trial(running, both, *next(pairs)).begin(ALARM)
    proxy.cut_answers = False
    server.kill()
    server.start()


@pytest.mark.parametrize("trouble", TROUBLES, ids=lambda trouble: trouble.__name__)
def test_redis_in_trouble_stops_the_work_and_loses_nothing(trial: Trial, server: OwnRedis, trouble: Trouble) -> None:
    words = TROUBLES[trouble]
    with trouble(server):
        trial.await_red(words, ALARM)
        trial.type_on_both_sides()
        assert trial.webhook() == 200
        assert trial.command("status") == f"error: {words}"
        assert not trial.arrived()
    trial.await_recovery(ALARM)
    trial.complained_of(ALARM, "shared.redis_away")


def test_an_answer_that_stops_in_the_middle_reaches_nobody_else(trial: Trial, proxy: Proxy) -> None:
    proxy.cut_answers = True
    trial.await_red(redis_client.SILENT, ALARM)
    trial.type_on_both_sides()
    assert trial.webhook() == 200
    assert trial.command("status") == f"error: {redis_client.SILENT}"
    proxy.cut_answers = False
    trial.await_recovery(ALARM)


def test_something_else_at_its_address_is_no_redis(trial: Trial, proxy: Proxy, server: OwnRedis) -> None:
    systems = int(trial.systems.espocrm.rpartition(":")[2])
    proxy.lead_to(systems)
    trial.await_red(redis_client.GARBAGE, ALARM)
    trial.type_on_both_sides()
    assert trial.webhook() == 200
    proxy.lead_to(server.port)
    trial.await_recovery(ALARM)


@pytest.mark.soak
@pytest.mark.parametrize("trouble", [stopped, hanging, full], ids=lambda trouble: trouble.__name__)
def test_a_whole_minute_without_redis(trial: Trial, server: OwnRedis, trouble: Trouble) -> None:
    with trouble(server):
        trial.await_red(TROUBLES[trouble], ALARM)
        trial.type_on_both_sides()
        end = time.monotonic() + MINUTE
        while time.monotonic() < end:
            assert trial.webhook() == 200
            assert trial.daemon.get("/readyz").status_code == 503
            assert trial.daemon.get("/metrics").status_code == 200
    trial.await_recovery(ALARM)
    trial.complained_of(ALARM, "shared.redis_away")
