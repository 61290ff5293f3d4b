"""The real daemon as a process of its own, between the stand-in servers."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.systems import Systems, environment, eventually, running_systems

QUICK = {
    "SYNCD_HTTP_PORT": "0",
    "SYNCD_POLL_SECONDS": "0.5",
    "SYNCD_SWEEP_MIN_SECONDS": "1",
    "SYNCD_SWEEP_MAX_SECONDS": "20",
    "SYNCD_LEASE_SECONDS": "3",
    "SYNCD_ADVOWARE_CALLS_PER_MINUTE": "6000",
    "SYNCD_ESPOCRM_CALLS_PER_MINUTE": "6000",
    "ADVOWARE_API_TIMEOUT_SECONDS": "5",
    "SYNCD_API_TOKEN": "a-token-for-tests",
}


@dataclass
class Daemon:
    """One process of `syncd serve`, and its log."""

    directory: Path
    settings: Mapping[str, str]
    process: subprocess.Popen[bytes] | None = None
    starts: int = 0
    http: httpx.Client = field(default_factory=lambda: httpx.Client(timeout=30.0, trust_env=False))
    _read: dict[Path, tuple[int, list[dict[str, Any]]]] = field(default_factory=dict)

    def start(self, *options: str) -> Daemon:
        """Start it; it is ready when `port` answers."""
        self.starts += 1
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "syncd", "serve", *options],
                cwd=self.directory,
                env=environment(**self.settings),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        return self

    @property
    def log(self) -> Path:
        return self.directory / f"daemon-{self.starts}.log"

    def events(self, name: str) -> list[dict[str, Any]]:
        """The log lines of this event."""
        return [line for line in self.lines() if line["event"] == name]

    def lines(self) -> list[dict[str, Any]]:
        """The log so far; a line the disk had no room for is cut. What was read once is not read again."""
        offset, lines = self._read.setdefault(self.log, (0, []))
        with self.log.open("rb") as log:
            log.seek(offset)
            new = log.read()
        whole = new[: new.rfind(b"\n") + 1]
        lines += [json.loads(one) for one in whole.splitlines() if one.startswith(b"{") and one.endswith(b"}")]
        self._read[self.log] = (offset + len(whole), lines)
        return lines[:]

    @property
    def port(self) -> int:
        """Where it listens, as soon as it does."""

        def ready() -> list[dict[str, Any]]:
            assert self.process is not None
            assert self.process.poll() is None, self.log.read_text()
            return self.events("daemon.ready")

        port: int = eventually("the daemon is up", ready)[0]["port"]
        return port

    def get(self, path: str, headers: Mapping[str, str] | None = None) -> httpx.Response:
        """One request to it."""
        return self.http.get(f"http://127.0.0.1:{self.port}{path}", headers=headers)

    def wait_ready(self) -> Daemon:
        """Until /readyz is green."""
        eventually("the daemon is ready", lambda: self.get("/readyz").status_code == 200)
        return self

    def wait_known(self, espo_id: str) -> Daemon:
        """Until it knows the pair. Before, an edit would be an answer to the question whether both are the same."""
        key = {"Authorization": f"Bearer {self.settings['SYNCD_API_TOKEN']}"}
        where = f"http://127.0.0.1:{self.port}/api/v1/records/beteiligte/{espo_id}"

        def known() -> bool:
            answer = self.http.get(where, headers=key)
            return answer.status_code == 200 and answer.json()["pair"]["status"] == "clean"

        eventually("the pair is known", known)
        return self

    def end(self, how: signal.Signals = signal.SIGTERM) -> int:
        """Send a signal and wait for the end; returns the exit code."""
        assert self.process is not None
        self.process.send_signal(how)
        return self.process.wait(60)

    @property
    def runs(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def stop(self) -> None:
        """End it however it is; it may have ended already."""
        if self.process is not None and self.runs:
            self.process.kill()
            self.process.wait()
        self.http.close()


@pytest.fixture
def systems() -> Iterator[Systems]:
    """Servers of this test's own."""
    with running_systems(webhook_seconds="0.5") as running:
        yield running


@pytest.fixture
def daemon(systems: Systems, redis_url: str, tmp_path: Path) -> Iterator[Daemon]:
    """A daemon on a fresh ledger, not started."""
    settings = {**systems.settings, **QUICK, "REDIS_URL": redis_url, "SYNCD_STATE_DIR": str(tmp_path / "state")}
    made = Daemon(tmp_path, settings)
    yield made
    made.stop()


@pytest.fixture(scope="module")
def both() -> Iterator[Systems]:
    """Both stand-in systems, for all tests of a module."""
    with running_systems(webhook_seconds="0.5") as running:
        yield running


@pytest.fixture(scope="module")
def pairs(both: Systems) -> Iterator[tuple[str, int]]:
    """One for each test; there before the daemon, so that it knows all of them soon."""
    return iter([(espo_id, number) for espo_id, number in both.seed("synced", 20)])
