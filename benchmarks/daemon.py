"""The daemon as a process of its own, as a service manager starts it."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.engine import LIFTED
from tests.process.conftest import Daemon
from tests.systems import Systems

PATIENCE = 600.0
LOOK = 0.01


@contextmanager
def serving(systems: Systems, state: Path, *options: str, **settings: str) -> Iterator[Daemon]:
    """One daemon on these systems, started; it may not be ready yet."""
    state.mkdir(mode=0o700, parents=True, exist_ok=True)
    env = {
        **systems.settings,
        **LIFTED,
        "SYNCD_STATE_DIR": str(state),
        "SYNCD_HTTP_PORT": "0",
        "SYNCD_API_TOKEN": "a-token-for-benchmarks",
        **settings,
    }
    daemon = Daemon(state, env)
    try:
        yield daemon.start(*options)
        daemon.end()
    finally:
        daemon.stop()


def until_ready(daemon: Daemon) -> float:
    """Seconds from now until /readyz is green."""
    begun = time.perf_counter()
    while daemon.get("/readyz").status_code != 200:
        if time.perf_counter() - begun > PATIENCE:
            raise SystemExit("the daemon does not become ready")
        time.sleep(LOOK)
    return time.perf_counter() - begun


def pid(daemon: Daemon) -> int:
    """Its process."""
    assert daemon.process is not None
    return daemon.process.pid


def asked(state: Path, question: str, *values: float) -> int:
    """A number out of a daemon's SQLite ledger."""
    conn = sqlite3.connect(f"file:{state / 'ledger.db'}?mode=ro", uri=True)
    try:
        return int(conn.execute(question, values).fetchone()[0])
    finally:
        conn.close()
