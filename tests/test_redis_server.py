"""The embedded server, with the real binary and real processes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
import redis

from syncd import redis_server
from syncd.redis_server import EmbeddedRedis, RedisServerError, embedded_redis, find_server

USER = """
import sys
from pathlib import Path
from syncd.redis_server import embedded_redis
with embedded_redis(Path(sys.argv[1])) as server:
    print(server.url, flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def state() -> Iterator[Path]:
    with TemporaryDirectory(prefix="syncd-state-") as path:
        yield Path(path)


def client(server: EmbeddedRedis) -> redis.Redis:
    return redis.Redis.from_url(server.url)


def pid(server: EmbeddedRedis) -> int:
    with client(server) as connection:
        return int(connection.info("server")["process_id"])


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def gone(process: int) -> bool:
    try:
        state = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return True
    return state == "Z"


def another_user(state: Path) -> subprocess.Popen[str]:
    """A process using the server until its stdin ends; returns when it has it."""
    user = subprocess.Popen(
        [sys.executable, "-c", USER, str(state)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parent.parent,
    )
    assert user.stdout is not None
    assert user.stdout.readline().startswith("unix://")
    return user


def test_two_users_share_one_server_and_the_last_one_stops_it(state: Path) -> None:
    with embedded_redis(state) as first:
        process = pid(first)
        with embedded_redis(state) as second:
            assert pid(second) == process
        assert pid(first) == process
    assert gone(process)
    assert not first.socket.exists()


def test_a_server_outlives_the_process_that_started_it_while_others_use_it(state: Path) -> None:
    starter = another_user(state)
    with embedded_redis(state) as server:
        process = pid(server)
        starter.communicate("")
        assert pid(server) == process
    assert gone(process)


def test_users_starting_at_the_same_moment_get_one_server(state: Path) -> None:
    command = [sys.executable, "-c", USER, str(state)]
    root = Path(__file__).parent.parent
    users = [
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=root) for _ in range(4)
    ]
    for user in users:
        assert user.stdout is not None
        assert user.stdout.readline().startswith("unix://")
    with embedded_redis(state) as server:
        process = pid(server)
    assert not gone(process)
    for user in users:
        user.communicate("")
        assert user.returncode == 0
    assert gone(process)


def test_what_a_killed_server_acknowledged_is_back(state: Path) -> None:
    with embedded_redis(state) as server:
        with client(server) as connection:
            for number in range(500):
                connection.set(f"key:{number}", number)
        process = pid(server)
        os.kill(process, signal.SIGKILL)
        until(lambda: gone(process))
        with embedded_redis(state) as again, client(again) as connection:
            assert connection.dbsize() == 500
            assert connection.get("key:499") == b"499"


def test_what_is_stored_is_there_at_the_next_start(state: Path) -> None:
    with embedded_redis(state) as server, client(server) as connection:
        connection.set("key", "value")
    with embedded_redis(state) as server, client(server) as connection:
        assert connection.get("key") == b"value"


def test_a_user_killed_together_with_the_server_leaves_nothing_in_the_way(state: Path) -> None:
    user = another_user(state)
    with redis.Redis(unix_socket_path=str(state / "redis.sock")) as connection:
        process = int(connection.info("server")["process_id"])
    user.kill()
    user.communicate()
    os.kill(process, signal.SIGKILL)
    until(lambda: gone(process))
    assert (state / "redis.sock").exists()
    with embedded_redis(state) as server:
        assert pid(server) != process


def test_a_server_whose_users_were_all_killed_is_used_again_and_stopped(state: Path) -> None:
    user = another_user(state)
    user.kill()
    user.communicate()
    with embedded_redis(state) as server:
        process = pid(server)
    assert gone(process)


def test_a_state_directory_too_deep_for_a_socket_works(state: Path) -> None:
    deep = state / ("long-" * 12) / ("path-" * 12)
    user = another_user(deep)
    with embedded_redis(deep) as server:
        process = pid(server)
        user.communicate("")
        assert pid(server) == process
    assert gone(process)


def test_the_socket_and_the_data_are_for_their_owner_only(state: Path) -> None:
    with embedded_redis(state / "new") as server:
        assert server.socket.stat().st_mode & 0o077 == 0
        assert (state / "new" / "redis").stat().st_mode & 0o077 == 0


def test_the_server_runs_durably_and_never_evicts(state: Path) -> None:
    with embedded_redis(state) as server, client(server) as connection:
        settings = connection.config_get("append*", "maxmemory-policy", "port", "save")
    assert settings["appendonly"] == "yes"
    assert settings["appendfsync"] == "everysec"
    assert settings["maxmemory-policy"] == "noeviction"
    assert settings["port"] == "0"
    assert settings["save"] == ""


def test_without_a_binary_that_runs_the_error_is_one_line(
    state: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = tmp_path / "redis-server"
    broken.write_text("#!/bin/sh\nexit 1\n")
    broken.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(redis_server, "WHEELS", ())
    with (
        pytest.raises(RedisServerError, match=r"install redis-server .* or set REDIS_URL") as caught,
        embedded_redis(state),
    ):
        pass
    assert "\n" not in str(caught.value)
    assert f"{broken} (does not run)" in str(caught.value)


def test_a_binary_on_the_path_is_preferred_unless_it_is_too_old(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, version in (("redis-server", "5.0.14"), ("valkey-server", "8.1.0")):
        (tmp_path / name).write_text(f"#!/bin/sh\necho 'Server v={version} sha=0'\n")
        (tmp_path / name).chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert find_server() == str(tmp_path / "valkey-server")


def test_a_state_directory_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(RedisServerError, match="cannot create"), embedded_redis(tmp_path / "file"):
        pass
