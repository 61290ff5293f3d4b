"""The doors on a real ledger file, asked over ASGI."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path

import httpx
import pytest

from mappers.beteiligte import BETEILIGTE
from syncd.api import ApiDeps, create_api
from syncd.intake import secrets_of
from syncd.ledger.engines import connect, sqlite_url
from syncd.ledger.store import Inline, Ledger
from syncd.metrics import Metrics
from syncd.queue import Waiting
from syncd.redis_client import RedisUnavailable
from tests.ready import ready_ledger

NOW = 1_800_000_000.0
TOKEN = "a-token-of-the-tests"
WEBHOOK, SECRET = "6b0016d5a83d8d17e", "0123456789abcdef0123456789abcdef"
OURS = {"Authorization": f"Bearer {TOKEN}"}


@dataclass
class Doors:
    """One daemon's doors, and what came through them."""

    deps: ApiDeps
    rung: list[str] = field(default_factory=list)
    reasons: list[str] = field(default_factory=list)
    queue_away: bool = False

    async def ring(self, entries: Iterable[Waiting]) -> None:
        if self.queue_away:
            raise RedisUnavailable("away")
        self.rung += [entry.key for entry in entries]

    @property
    def ledger(self) -> Ledger:
        return self.deps.ledger

    def client(self, **changes: object) -> httpx.AsyncClient:
        """A client of these doors, with parts of what they are given changed."""
        api = create_api(replace(self.deps, **changes))  # type: ignore[arg-type]
        transport = httpx.ASGITransport(api, raise_app_exceptions=False)
        return httpx.AsyncClient(transport=transport, base_url="http://syncd.test")


@pytest.fixture
async def doors(tmp_path: Path) -> AsyncIterator[Doors]:
    ledger = Ledger(Inline(connect(sqlite_url(ready_ledger(tmp_path)))))
    deps = ApiDeps(
        ledger=ledger,
        ring=lambda entries: opened.ring(entries),
        entities={BETEILIGTE.name: BETEILIGTE},
        secrets=secrets_of({WEBHOOK: SECRET}, ledger),
        readiness=lambda: opened.reasons,
        metrics=Metrics(),
        version="9.9.9",
        api_token=TOKEN,
        now=lambda: NOW,
        new_id=lambda: "f" * 32,
    )
    opened = Doors(deps)
    yield opened
    ledger.close()


@pytest.fixture
async def client(doors: Doors) -> AsyncIterator[httpx.AsyncClient]:
    async with doors.client() as opened:
        yield opened
