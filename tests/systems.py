"""The stand-in servers as a process of their own, reached over real HTTP: for tests of real processes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from syncd.sandbox import defaults

ROOT = Path(__file__).parent.parent
PATIENCE = 60.0  # seconds; a loaded machine is slow, a condition that comes true ends the waiting
SHORTEST, LONGEST = 0.02, 0.2  # seconds between two looks: most is soon, and asking costs those who work as well


def eventually(what: str, condition: Callable[[], Any], seconds: float = PATIENCE) -> Any:
    """The first true answer of `condition`; AssertionError if none comes in time."""
    end, pause = time.monotonic() + seconds, SHORTEST
    while True:
        answer = condition()
        if answer:
            return answer
        if time.monotonic() > end:
            raise AssertionError(f"{what}: not within {seconds:g} s")
        time.sleep(pause)
        pause = min(LONGEST, pause * 1.3)


def environment(**settings: str) -> dict[str, str]:
    """What a process of ours sees: nothing of the settings of whoever runs the tests."""
    kept = {name: os.environ[name] for name in ("PATH", "LANG", "TMPDIR") if name in os.environ}
    return {**kept, "HOME": "/nonexistent", "PYTHONPATH": str(ROOT), **settings}


@dataclass(frozen=True)
class Systems:
    """Both systems. `settings` are what a daemon needs to reach them."""

    espocrm: str
    advoware: str
    http: httpx.Client

    @property
    def settings(self) -> dict[str, str]:
        return {
            # Both named: while the configurator is down the vendor's own addresses would be asked.
            "ADVOWARE_API_BASE_URL": self.advoware,
            "ADVOWARE_SECURITY_URL": self.advoware,
            "ADVOWARE_APP_ID": defaults.ADVOWARE_APP_ID,
            "ADVOWARE_API_KEY": defaults.ADVOWARE_API_KEY,
            "ADVOWARE_KANZLEI": defaults.ADVOWARE_KANZLEI,
            "ADVOWARE_DATABASE": defaults.ADVOWARE_DATABASE,
            "ADVOWARE_USER": defaults.ADVOWARE_USER,
            "ADVOWARE_PASSWORD": defaults.ADVOWARE_PASSWORD,
            "ESPOCRM_API_BASE_URL": f"{self.espocrm}/api/v1",
            "ESPOCRM_API_KEY": defaults.API_KEY,
        }

    def control(self, path: str, body: Any = None, method: str = "POST") -> Any:
        """One request to the servers' own controls."""
        answer = self.http.request(method, f"{self.espocrm}/_control/{path}", json=body or {})
        answer.raise_for_status()
        return answer.json()

    def act(self, system: str, do: str, **arguments: Any) -> Any:
        """Something a person does."""
        return self.control("act", {"system": system, "do": do, **arguments})["result"]

    def seed(self, what: str, count: int) -> list[Any]:
        """Records to begin with."""
        made: list[Any] = self.control("seed", {"what": what, "count": count})["keys"]
        return made

    def espo(self, record_id: str) -> dict[str, Any]:
        """An EspoCRM record as people see it."""
        found: dict[str, Any] = self.act("espocrm", "see", record_id=record_id)
        return found

    def beteiligter(self, number: int) -> dict[str, Any]:
        """A Beteiligter as people see it."""
        found: dict[str, Any] = self.act("advoware", "see", betnr=number)
        return found

    def beteiligte(self) -> list[dict[str, Any]]:
        """All Beteiligte there are."""
        found: list[dict[str, Any]] = self.act("advoware", "all")
        return found

    def writes(self) -> int:
        """Writes both systems have answered since the start of the log."""
        counts = self.control("log?counts=1", method="GET")
        return sum(counts["writes"].values())


@contextmanager
def running_systems(**options: str) -> Iterator[Systems]:
    """Start the servers on free ports; `options` as of `syncd.sandbox.server`, with _ for -, "" for a flag."""
    arguments = [f"--{name.replace('_', '-')}{'=' if value else ''}{value}" for name, value in options.items()]
    process = subprocess.Popen(
        [sys.executable, "-m", "syncd.sandbox.server", *arguments],
        cwd=ROOT,
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    try:
        assert process.stdout is not None
        urls = json.loads(process.stdout.readline())
        with httpx.Client(timeout=30.0, trust_env=False) as http:
            yield Systems(urls["espocrm"], urls["advoware"], http)
    finally:
        process.kill()
        process.wait()
