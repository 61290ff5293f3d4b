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


@contextmanager
def server(binaries: Path) -> Iterator[str]:
    """Run a server on a socket of its own; gives the URL of its database, in which nothing is."""
    # A short path: the address of a unix socket holds some hundred bytes.
    with tempfile.TemporaryDirectory(prefix="syncd-pg-") as name:
        home = Path(name)
        how = _unprivileged(home)
        cluster = home / "data"
        initdb = [str(binaries / "initdb"), "-D", str(cluster), "-U", "syncd", "-A", "trust", "-E", "UTF8", "--no-sync"]
        subprocess.run(initdb, check=True, stdout=subprocess.DEVNULL, cwd=home, **how)
        options = ["-c", "listen_addresses=", "-c", f"unix_socket_directories={home}", "-c", "fsync=off"]
        running = subprocess.Popen(
            [binaries / "postgres", "-D", cluster, *options],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd=home,
            **how,
        )
        try:
            _await_ready(binaries, home, running)
            yield f"postgresql://syncd@/postgres?host={home}"
        finally:
            running.send_signal(signal.SIGINT)  # without waiting for those who are still connected
            running.wait(30)


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
