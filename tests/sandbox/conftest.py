"""A sandbox on a clock that stands still until a test moves it, and clients that log in."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from syncd.sandbox import Sandbox, defaults
from tests.sandbox.login import token_request

START = 1_795_200_000.0


class HandClock:
    """Time that only moves when somebody sleeps or pushes it."""

    def __init__(self) -> None:
        self.at = START

    def now(self) -> float:
        return self.at

    async def sleep(self, seconds: float) -> None:
        self.at += seconds


@dataclass
class Espo:
    """EspoCRM as one user sees it."""

    http: httpx.AsyncClient

    async def create(self, entity: str = "CBeteiligte", **values: Any) -> str:
        reply = await self.http.post(f"/{entity}", json=values, headers={"X-Skip-Duplicate-Check": "true"})
        assert reply.status_code == 200, reply.headers.get("x-status-reason")
        return str(reply.json()["id"])

    async def get(self, record_id: str, entity: str = "CBeteiligte") -> dict[str, Any]:
        reply = await self.http.get(f"/{entity}/{record_id}")
        assert reply.status_code == 200
        return dict(reply.json())

    async def patch(self, record_id: str, entity: str = "CBeteiligte", **values: Any) -> httpx.Response:
        return await self.http.patch(f"/{entity}/{record_id}", json=values)

    async def rows(self, entity: str = "CBeteiligte", **params: Any) -> httpx.Response:
        return await self.http.get(f"/{entity}", params={"searchParams": json.dumps(params)})

    async def found(self, *where: dict[str, Any], **params: Any) -> list[str]:
        reply = await self.rows(where=list(where), **params)
        assert reply.status_code == 200, reply.headers.get("x-status-reason")
        return [row["id"] for row in reply.json()["list"]]


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture
def sandbox(clock: HandClock) -> Sandbox:
    return Sandbox(now=clock.now, sleep=clock.sleep)


def _espo(sandbox: Sandbox, **how: Any) -> Espo:
    return Espo(httpx.AsyncClient(transport=sandbox.transport(), base_url=defaults.ESPO_API_URL, **how))


@pytest.fixture
async def api(sandbox: Sandbox) -> AsyncIterator[Espo]:
    espo = _espo(sandbox, headers={"X-Api-Key": defaults.API_KEY})
    async with espo.http:
        yield espo


@pytest.fixture
async def anna(sandbox: Sandbox) -> AsyncIterator[Espo]:
    espo = _espo(sandbox, auth=("anna", defaults.CLERK_PASSWORD))
    async with espo.http:
        yield espo


@pytest.fixture
async def admin(sandbox: Sandbox) -> AsyncIterator[Espo]:
    espo = _espo(sandbox, auth=(defaults.ADMIN_USER, defaults.ADMIN_PASSWORD))
    async with espo.http:
        yield espo


@pytest.fixture
async def advoware(sandbox: Sandbox) -> AsyncIterator[httpx.AsyncClient]:
    """A client with a token that outlives the test."""
    sandbox.tokens.lifetime_seconds = 1e9
    base = f"{defaults.ADVOWARE_URL}api/v1/"
    async with httpx.AsyncClient(transport=sandbox.transport(), base_url=base) as client:
        reply = await client.post("Token", json=token_request(sandbox.now()))
        client.headers["Authorization"] = f"Bearer {reply.json()['access_token']}"
        yield client
