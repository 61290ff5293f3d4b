"""What an administrator puts in order over the API, as at the terminal."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from syncd.bell import Bell
from syncd.clock import SystemClock, new_id
from syncd.keeper import Keeper
from syncd.lanes import Lane
from syncd.ledger import pairs, work
from syncd.ledger.work import Cause, Due
from syncd.queue import Queue
from syncd.redis_client import connect
from tests.doors.conftest import NOW, OURS, Doors

KEY = "beteiligte/65f0a1b2c3d4e5f67"
UPKEEP = [
    ("GET", "locks"), ("POST", "locks/clear"), ("GET", "queue"), ("POST", "queue/drop"), ("GET", "staged"),
    ("GET", "doctor"), ("POST", "erase"),
]  # fmt: skip


@pytest.fixture
async def queue(redis_url: str) -> AsyncIterator[Queue]:
    client = connect(redis_url)
    yield Queue(client, bell=Bell(SystemClock().sleep), new_id=new_id, now=lambda: NOW)
    await client.aclose()


@pytest.fixture
async def client(doors: Doors, queue: Queue) -> AsyncIterator[httpx.AsyncClient]:
    async with doors.client(keeper=Keeper(doors.ledger, queue, lambda: NOW)) as opened:
        opened.headers.update(OURS)
        yield opened


async def said(client: httpx.AsyncClient, path: str, **body: Any) -> str:
    answer = await client.post(f"/api/v1/{path}", json=body)
    return str(answer.json()["text"] if answer.status_code == 200 else answer.json()["error"])


@pytest.mark.parametrize(("method", "path"), UPKEEP)
async def test_nobody_without_the_token_learns_or_changes_anything(doors: Doors, method: str, path: str) -> None:
    async with doors.client() as stranger:
        answer = await stranger.request(method, f"/api/v1/{path}")
        assert answer.status_code == 401


async def test_who_works_on_what_is_told_and_ended(client: httpx.AsyncClient, doors: Doors, queue: Queue) -> None:
    await doors.ledger.write(work.put, [Due(KEY, Lane.LIVE, Cause.EVENT, NOW - 100)], NOW - 100)
    await doors.ledger.write(pairs.claim, KEY, "elsewhere:12:1", NOW - 100, NOW - 40)
    await queue.add(KEY, Lane.LIVE, NOW - 100)
    assert await queue.take("elsewhere:12:1", 60) is not None
    found = (await client.get("/api/v1/locks")).json()
    assert [one["key"] for one in found["leases"]] == [one["key"] for one in found["claims"]] == [KEY]
    assert [one["alive"] for one in (*found["leases"], *found["claims"])] == [
        "renewed lately", "run out: not renewed any more",
    ]  # fmt: skip
    assert await said(client, "locks/clear", stale=True) == "0 stale leases and 1 stale claims ended"
    assert await said(client, "locks/clear", key=KEY) == f"{KEY}: lease ended, it waits again"
    assert await said(client, "locks/clear", key=KEY) == f"{KEY}: nobody holds it"
    assert await said(client, "locks/clear") == "give a key or stale"
    assert (await client.get("/api/v1/locks")).json() == {"leases": [], "claims": []}


async def test_what_waits_is_told_and_dropped(client: httpx.AsyncClient, doors: Doors, queue: Queue) -> None:
    await doors.ledger.write(work.put, [Due(KEY, Lane.SWEEP, Cause.SWEEP, NOW)], NOW)
    await queue.add(KEY, Lane.SWEEP, NOW)
    [waiting] = (await client.get("/api/v1/queue")).json()["waiting"]
    assert (waiting["key"], waiting["lane"], waiting["cause"]) == (KEY, "sweep", "sweep")
    assert await said(client, "queue/drop", key=KEY) == f"{KEY}: waits no longer"
    assert await said(client, "queue/drop", key=KEY) == f"{KEY}: did not wait"
    assert (await client.get("/api/v1/queue")).json() == {"waiting": []}
    assert (await queue.stats()).waiting == 0


async def test_erasing_is_refused_while_a_record_takes_part(client: httpx.AsyncClient, doors: Doors) -> None:
    await doors.ledger.write(pairs.admit, [KEY], "linked")
    assert "takes part in the sync" in await said(client, "erase", key=KEY)
    await doors.ledger.write(pairs.change, KEY, {"state": "excluded"})
    assert (
        await said(client, "erase", key=KEY)
        == f"{KEY}: 1 rows removed; its id stays as excluded, or it would come back"
    )


async def test_a_dry_run_without_plans_is_told_as_such(client: httpx.AsyncClient) -> None:
    found = (await client.get("/api/v1/staged")).json()
    assert found == {"records": 0, "same": 0, "creates": 0, "asks": 0, "fields": {}, "plans": []}


async def test_the_doctors_findings_are_passed_on(doors: Doors) -> None:
    async def examine() -> dict[str, Any]:
        return {"findings": [{"check": "espocrm.login", "grade": "ok"}], "assumptions": []}

    async with doors.client(examine=examine) as client:
        assert (await client.get("/api/v1/doctor", headers=OURS)).json() == await examine()


async def test_a_door_without_a_queue_says_so(doors: Doors) -> None:
    async with doors.client() as client:
        answer = await client.get("/api/v1/locks", headers=OURS)
        assert (answer.status_code, answer.json()) == (409, {"error": "this door has no queue"})
