"""What the same calls cost without an engine: a loop over the clients' own transport that decides nothing."""

from __future__ import annotations

import asyncio
import json
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import httpx

import config
from benchmarks.engine import Call
from services.advoware_token import login_body
from services.transport import open_client
from syncd.app import access
from tests.systems import Systems

BETEILIGTE = "api/v1/advonet/Beteiligte"
LIST = '{"maxSize":200,"offset":0,"orderBy":"modifiedAt","order":"asc","select":["id","modifiedAt"]}'
ESPO_ROW, ESPO_LIST = "/api/v1/CBeteiligte/{id}", "/api/v1/CBeteiligte"
ADVOWARE_ROW = f"/{BETEILIGTE}/{{id}}"
# One record's calls, once each or as often as said; what the engine makes beyond them is made as well.
PER_RECORD: Mapping[Call, int] = {
    ("espocrm", "GET", ESPO_ROW): 1,
    ("advoware", "GET", ADVOWARE_ROW): 2,
    ("advoware", "PUT", ADVOWARE_ROW): 1,
    ("espocrm", "PATCH", ESPO_ROW): 1,
}


@dataclass(frozen=True)
class Loop:
    """An open connection pool and a login."""

    http: httpx.AsyncClient
    espo: str
    advoware: str
    key: Mapping[str, str]
    token: Mapping[str, str]

    async def record(self, espo_id: str, betnr: int, value: str) -> None:
        """The calls of one change in EspoCRM, in the engine's order."""
        where, number = f"{self.espo}/CBeteiligte/{espo_id}", f"{self.advoware}{BETEILIGTE}/{betnr}"
        _, there = await asyncio.gather(self._ask("GET", where, self.key), self._ask("GET", number, self.token))
        await self._ask("PUT", number, self.token, {**there, "titel": value})
        there = await self._ask("GET", number, self.token)
        marks = {"syncStatus": "clean", "advowareRowId": there["rowId"], "advowareLastSync": "2026-01-01 00:00:00"}
        await self._ask("PATCH", where, self.key, marks)

    async def other(self, call: Call, espo_id: str, betnr: int) -> None:
        """A call beyond those: a late look, a poll."""
        match call:
            case ("espocrm", "GET", "/api/v1/CBeteiligte/{id}"):
                await self._ask("GET", f"{self.espo}/CBeteiligte/{espo_id}", self.key)
            case ("espocrm", "GET", "/api/v1/CBeteiligte"):
                await self._ask("GET", f"{self.espo}/CBeteiligte", self.key, params={"searchParams": LIST})
            case ("advoware", "GET", route) if route == ADVOWARE_ROW:
                await self._ask("GET", f"{self.advoware}{BETEILIGTE}/{betnr}", self.token)
            case _:
                raise ValueError(f"the engine made a call that this loop cannot make: {call}")

    async def _ask(
        self,
        verb: str,
        url: str,
        headers: Mapping[str, str],
        body: Any = None,
        params: Mapping[str, str] | None = None,
    ) -> Any:
        content = None if body is None else json.dumps(body).encode()
        sent = {**headers, "Content-Type": "application/json"}
        answer = await self.http.request(verb, url, headers=sent, content=content, params=params)
        answer.raise_for_status()
        return answer.json()


@asynccontextmanager
async def running(systems: Systems) -> AsyncIterator[Loop]:
    """A loop that is logged in, its pool warm."""
    settings = config.load(systems.settings, dotenv=None)
    async with open_client(30.0, None) as http:
        login = login_body(access(settings), str(uuid4()), time.time())
        answer = await http.post(f"{systems.advoware}api/v1/Token", json=login)
        token = answer.raise_for_status().json()["access_token"]
        key = {"X-Api-Key": settings.espocrm_api_key.get_secret_value()}
        espo = settings.espocrm_api_base_url.rstrip("/")
        yield Loop(http, espo, systems.advoware, key, {"Authorization": f"Bearer {token}"})


async def changes(loop: Loop, pairs: Sequence[tuple[str, int]], made: Counter[Call], workers: int, value: str) -> float:
    """Make the calls the engine has made for these records, with as many at a time; seconds."""
    more = Counter(made)
    more.subtract({call: count * len(pairs) for call, count in PER_RECORD.items()})
    if min(more.values()) < 0:
        raise ValueError("the engine made fewer calls than a change takes")
    rest = iter([(call, *pairs[index % len(pairs)]) for index, call in enumerate(more.elements())])
    todo = iter(pairs)
    start = time.perf_counter()
    async with asyncio.TaskGroup() as group:
        for _ in range(workers):
            group.create_task(_work(loop, todo, rest, value))
    return time.perf_counter() - start


async def _work(loop: Loop, todo: Iterator[tuple[str, int]], rest: Iterator[tuple[Call, str, int]], value: str) -> None:
    for espo_id, betnr in todo:
        await loop.record(espo_id, betnr, value)
    for call, espo_id, betnr in rest:
        await loop.other(call, espo_id, betnr)
