"""A throw-away PostgreSQL server from the distribution's programs, for tests that need a real one."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

INSTALLED = Path("/usr/lib/postgresql")  # Debian and Ubuntu keep the server's programs here, not on PATH


def programs() -> Path | None:
    """The directory of the newest server installed, None where there is none."""
    found = sorted(INSTALLED.glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    if found:
        return found[-1].parent
    on_path = shutil.which("initdb")
    return Path(on_path).parent if on_path else None


@dataclass
class Cluster:
    """A server of a test's own, which may be stopped and started again."""

    binaries: Path
    home: Path
    running: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"postgresql://syncd@/postgres?host={self.home}"

    def make(self) -> Cluster:
        """Its files, with nothing in them."""
        data = str(self.home / "data")
        initdb = [str(self.binaries / "initdb"), "-D", data, "-U", "syncd", "-A", "trust", "-E", "UTF8", "--no-sync"]
        subprocess.run(initdb, check=True, stdout=subprocess.DEVNULL, cwd=self.home, **_unprivileged(self.home))
        return self

    def start(self) -> Cluster:
        """Run it; it answers when this returns."""
        options = ["-c", "listen_addresses=", "-c", f"unix_socket_directories={self.home}", "-c", "fsync=off"]
        self.running = subprocess.Popen(
            [self.binaries / "postgres", "-D", self.home / "data", *options],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd=self.home,
            **_unprivileged(self.home),
        )
        _await_ready(self.binaries, self.home, self.running)
        return self

    def stop(self) -> None:
        """End it without waiting for those who are still connected. May be called again."""
        if self.running is not None:
            self.running.send_signal(signal.SIGINT)
            self.running.wait(30)
            self.running = None

    def processes(self) -> list[int]:
        """The server and all it has started."""
        assert self.running is not None
        children = Path(f"/proc/{self.running.pid}/task/{self.running.pid}/children").read_text().split()
        return [self.running.pid, *map(int, children)]


@contextmanager
def cluster(binaries: Path) -> Iterator[Cluster]:
    """A running server on a socket of its own."""
    # A short path: the address of a unix socket holds some hundred bytes.
    with tempfile.TemporaryDirectory(prefix="syncd-pg-") as name:
        made = Cluster(binaries, Path(name)).make()
        try:
            yield made.start()
        finally:
            made.stop()


@contextmanager
def server(binaries: Path) -> Iterator[str]:
    """Run a server on a socket of its own; gives the URL of its database, in which nothing is."""
    with cluster(binaries) as running:
        yield running.url


def _unprivileged(home: Path) -> dict[str, Any]:
    """PostgreSQL refuses to run as root: then it gets another user, and the directory is his."""
    if os.geteuid() != 0:
        return {}
    user = pwd.getpwnam("nobody")
    os.chown(home, user.pw_uid, user.pw_gid)
    return {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}


def _await_ready(binaries: Path, home: Path, running: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 60
    asking = [str(binaries / "pg_isready"), "-q", "-h", str(home), "-U", "syncd", "-d", "postgres"]
    while subprocess.run(asking, check=False).returncode != 0:
        assert running.poll() is None, "the server ended at once"
        assert time.monotonic() < deadline, "the server does not start"
        time.sleep(0.05)
