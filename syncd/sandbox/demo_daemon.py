"""The real daemon of the demonstration: a process of its own that knows the stand-ins by their URLs only."""

from __future__ import annotations

import asyncio
import os
import secrets
import signal
import socket
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import httpx

import syncd
from syncd.redis_server import RedisServerError, embedded_redis
from syncd.sandbox import defaults
from syncd.sandbox.sandbox import Sandbox

START_SECONDS = 45.0
DRAIN_SECONDS = 40.0
LINE_LIMIT = 300
HISTORY_PAGE = 1000
EVENTS = ("create", "update", "delete")
PASSED_ON = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "VIRTUAL_ENV", "SYSTEMROOT")


class DaemonError(Exception):
    """The daemon cannot be had; one line says why."""


class Daemon:
    """`python -m syncd serve` on a state directory; killed and started again at will."""

    def __init__(self, state: Path, log: Path, **settings: str) -> None:
        self.state = state
        self.log = log
        self.port = _free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.token = secrets.token_urlsafe(24)
        self.settings = settings
        self.process: asyncio.subprocess.Process | None = None
        self.http = httpx.AsyncClient(
            base_url=self.url, headers={"Authorization": f"Bearer {self.token}"}, timeout=5.0, trust_env=False
        )

    def meet(self, sandbox: Sandbox) -> None:
        """Point the daemon to the stand-ins, and their webhooks to the daemon."""
        hooks = [
            sandbox.webhooks.register(
                sandbox.espo.api_user,
                {
                    "event": f"CBeteiligte.{event}",
                    "url": f"{self.url}/webhooks/espocrm/beteiligte/{event}",
                    "skipOwn": True,
                },
            )
            for event in EVENTS
        ]
        self.settings |= {
            "ESPOCRM_API_BASE_URL": f"{sandbox.urls.espocrm}/api/v1",
            "ESPOCRM_API_KEY": defaults.API_KEY,
            "ESPOCRM_WEBHOOK_SECRETS": ",".join(f"{one['id']}:{one['secretKey']}" for one in hooks),
            "ADVOWARE_CONFIGURATOR_URL": f"{sandbox.urls.advoware}AdvonetConfigurator/",
            "ADVOWARE_APP_ID": defaults.ADVOWARE_APP_ID,
            "ADVOWARE_API_KEY": defaults.ADVOWARE_API_KEY,
            "ADVOWARE_KANZLEI": defaults.ADVOWARE_KANZLEI,
            "ADVOWARE_DATABASE": defaults.ADVOWARE_DATABASE,
            "ADVOWARE_USER": defaults.ADVOWARE_USER,
            "ADVOWARE_PASSWORD": defaults.ADVOWARE_PASSWORD,
            "SYNCD_STATE_DIR": str(self.state),
            "SYNCD_HTTP_PORT": str(self.port),
            "SYNCD_API_TOKEN": self.token,
            "SYNCD_TASK_USER": defaults.CLERKS[0],
        }

    def environment(self) -> dict[str, str]:
        """What the process sees: nothing of the settings of whoever runs the demonstration."""
        # The module is found where this one was, whatever directory the daemon runs in.
        home = str(Path(syncd.__file__).resolve().parents[1])
        passed = {name: os.environ[name] for name in PASSED_ON if name in os.environ}
        return {**passed, "PYTHONPATH": home, "PYTHONUNBUFFERED": "1", **self.settings}

    async def start(self) -> None:
        """Start it and wait until it answers; DaemonError."""
        with self.log.open("ab") as log:
            self.process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                "syncd",
                "serve",
                env=self.environment(),
                cwd=self.state,  # no .env and no syncd.toml of anybody's
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,  # Ctrl-C is ours to handle
            )
        end = asyncio.get_running_loop().time() + START_SECONDS
        while (await self.get("/readyz"))[0] != 200:
            if self.process.returncode is not None:
                raise DaemonError(f"the daemon ended by itself: {self._last_line()} (log: {self.log})")
            if asyncio.get_running_loop().time() > end:
                raise DaemonError(f"the daemon is not ready after {START_SECONDS:g} s (log: {self.log})")
            await asyncio.sleep(0.1)

    async def kill(self) -> None:
        """SIGKILL, at once."""
        if self.process is not None and self.process.returncode is None:
            self.process.kill()
            await self.process.wait()

    async def close(self) -> None:
        """Stop the daemon and the Redis server it brought along; nothing stays."""
        if self.process is not None and self.process.returncode is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                await asyncio.wait_for(self.process.wait(), DRAIN_SECONDS)
            except TimeoutError:
                await self.kill()
        await self.http.aclose()
        if (self.state / "redis.sock").exists():
            await asyncio.to_thread(self._stop_redis)

    def _stop_redis(self) -> None:
        try:
            with embedded_redis(self.state):
                pass  # whoever leaves as the last stops the server, also one that a killed daemon left behind
        except RedisServerError as error:
            raise DaemonError(str(error)) from None

    @property
    def alive(self) -> bool:
        """Whether the process runs."""
        return self.process is not None and self.process.returncode is None

    async def get(self, path: str) -> tuple[int, Any]:
        """Status and JSON of a door; (0, {}) if nobody answers."""
        try:
            reply = await self.http.get(path)
            return reply.status_code, reply.json()
        except (httpx.HTTPError, ValueError):
            return 0, {}

    async def conflicts(self) -> list[dict[str, Any]]:
        """Everything that waits for a person, was kept or is settled; DaemonError if it cannot be asked."""
        status, body = await self.get("/api/v1/conflicts?state=all&limit=1000")
        if status != 200:
            raise DaemonError(f"the daemon does not tell its conflicts (answer {status}, log: {self.log})")
        return list(body["conflicts"])

    async def history(self) -> list[dict[str, Any]]:
        """All the daemon did to fields and entries, newest first; DaemonError if it cannot be asked."""
        found: list[dict[str, Any]] = []
        more = ""
        while True:
            status, body = await self.get(f"/api/v1/history?limit={HISTORY_PAGE}{more}")
            if status != 200:
                raise DaemonError(f"the daemon does not tell its history (answer {status}, log: {self.log})")
            found += body["history"]
            if len(body["history"]) < HISTORY_PAGE:
                return found
            more = f"&before={found[-1]['id']}"

    def _last_line(self) -> str:
        lines = self.log.read_text(encoding="utf-8", errors="replace").splitlines()
        said = next((line.strip() for line in reversed(lines) if line.strip()), "it said nothing")
        return said if len(said) <= LINE_LIMIT else f"{said[:LINE_LIMIT]}…"


def brisk(sweep_max: float, http_timeout: float) -> dict[str, str]:
    """Settings under which all that takes hours in an office happens within a minute."""
    return {
        "ADVOWARE_API_TIMEOUT_SECONDS": f"{http_timeout:g}",
        "ESPOCRM_API_TIMEOUT_SECONDS": f"{http_timeout:g}",
        "SYNCD_POLL_SECONDS": "1",
        "SYNCD_SWEEP_MIN_SECONDS": "3",
        "SYNCD_SWEEP_MAX_SECONDS": f"{sweep_max:g}",
        "SYNCD_FULL_PASS_HOURS": f"{sweep_max / 3600:.6f}",
        "SYNCD_ADVOWARE_CALLS_PER_MINUTE": "12000",
        "SYNCD_ESPOCRM_CALLS_PER_MINUTE": "12000",
        "SYNCD_RETRY_MINUTES": "0.05,0.1,0.2,0.3,0.5",
        "SYNCD_LEASE_SECONDS": "5",
    }


def statuses(counts: Iterable[tuple[str, int]]) -> str:
    """Records per status in one line."""
    return " · ".join(f"{status} {count}" for status, count in sorted(counts) if count)


def _free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])
