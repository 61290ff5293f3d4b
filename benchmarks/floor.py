"""What the same calls cost without an engine: loops that decide, remember and check nothing.

The floor is httpx's interface in its best arrangement, one client over aiohttp's transport; aiohttp alone stands
beside it.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import aiohttp
import httpx
from httpx_aiohttp import AiohttpTransport

import config
from benchmarks.engine import Call
from services.advoware_token import login_body
from services.transport import CONNECTIONS, HEADERS
from syncd.app import access
from tests.systems import Systems

BETEILIGTE = "api/v1/advonet/Beteiligte"
LIST = '{"maxSize":200,"offset":0,"orderBy":"modifiedAt","order":"asc","select":["id","modifiedAt"]}'
ESPO_ROW = "/api/v1/CBeteiligte/{id}"
ADVOWARE_ROW = f"/{BETEILIGTE}/{{id}}"
# One record's calls, once each or as often as said; what the engine makes beyond them is made as well.
PER_CHANGE: Mapping[Call, int] = {
    ("espocrm", "GET", ESPO_ROW): 1,
    ("advoware", "GET", ADVOWARE_ROW): 2,
    ("advoware", "PUT", ADVOWARE_ROW): 1,
    ("espocrm", "PATCH", ESPO_ROW): 1,
}
Ask = Callable[[str, str, Mapping[str, str], bytes | None, Mapping[str, str] | None], Awaitable[bytes]]


@dataclass(frozen=True)
class Loop:
    """A way to make calls, and a login."""

    ask: Ask
    espo: str
    advoware: str
    key: Mapping[str, str]
    token: Mapping[str, str]

    async def change(self, espo_id: str, betnr: int, value: str) -> None:
        """The calls of one change in EspoCRM, in the engine's order."""
        where, number = f"{self.espo}/CBeteiligte/{espo_id}", f"{self.advoware}{BETEILIGTE}/{betnr}"
        there, _ = await asyncio.gather(self._call("GET", number, self.token), self._call("GET", where, self.key))
        await self._call("PUT", number, self.token, {**there, "titel": value})
        there = await self._call("GET", number, self.token)
        marks = {"syncStatus": "clean", "advowareRowId": there["rowId"], "advowareLastSync": "2026-01-01 00:00:00"}
        await self._call("PATCH", where, self.key, marks)

    async def look(self, espo_id: str, betnr: int) -> None:
        """The calls of a record in which nothing is to be done."""
        where, number = f"{self.espo}/CBeteiligte/{espo_id}", f"{self.advoware}{BETEILIGTE}/{betnr}"
        await asyncio.gather(self._call("GET", where, self.key), self._call("GET", number, self.token))

    async def other(self, call: Call, espo_id: str, betnr: int) -> None:
        """A call beyond those: a late look, a poll."""
        match call:
            case ("espocrm", "GET", route) if route.endswith("{id}"):
                await self._call("GET", f"{self.espo}/CBeteiligte/{espo_id}", self.key)
            case ("espocrm", "GET", route):  # a list, of whichever entity
                entity = route.removeprefix("/api/v1/").replace("{id}", espo_id)
                await self._call("GET", f"{self.espo}/{entity}", self.key, params={"searchParams": LIST})
            case ("espocrm", "PATCH", _):
                await self._call("PATCH", f"{self.espo}/CBeteiligte/{espo_id}", self.key, {"syncStatus": "syncing"})
            case ("advoware", "GET", route) if route.count("{id}") == 1:  # the record, or a list of it
                await self._call("GET", f"{self.advoware}{route.lstrip('/').replace('{id}', str(betnr))}", self.token)
            case _:
                raise ValueError(f"the engine made a call that this loop cannot make: {call}")

    async def _call(
        self, verb: str, url: str, headers: Mapping[str, str], body: Any = None, params: Mapping[str, str] | None = None
    ) -> Any:
        content = None if body is None else json.dumps(body).encode()
        return json.loads(await self.ask(verb, url, {**headers, "Content-Type": "application/json"}, content, params))


@asynccontextmanager
async def httpx_loop(systems: Systems) -> AsyncIterator[Loop]:
    """The floor."""

    def session() -> aiohttp.ClientSession:
        return aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=CONNECTIONS), cookie_jar=aiohttp.DummyCookieJar()
        )

    async with httpx.AsyncClient(
        transport=AiohttpTransport(client=session), timeout=30.0, trust_env=False, headers=HEADERS
    ) as http:

        async def ask(
            verb: str, url: str, headers: Mapping[str, str], content: bytes | None, params: Mapping[str, str] | None
        ) -> bytes:
            answer = await http.request(verb, url, headers=headers, content=content, params=params)
            return answer.raise_for_status().content

        yield await _logged_in(ask, systems)


@asynccontextmanager
async def aiohttp_loop(systems: Systems) -> AsyncIterator[Loop]:
    """The same calls without httpx."""
    async with aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as http:

        async def ask(
            verb: str, url: str, headers: Mapping[str, str], content: bytes | None, params: Mapping[str, str] | None
        ) -> bytes:
            async with http.request(verb, url, headers=headers, data=content, params=params) as answer:
                answer.raise_for_status()
                return await answer.read()

        yield await _logged_in(ask, systems)


async def _logged_in(ask: Ask, systems: Systems) -> Loop:
    settings = config.load(systems.settings, dotenv=None)
    login = json.dumps(login_body(access(settings), str(uuid4()), time.time())).encode()
    answer = await ask("POST", f"{systems.advoware}api/v1/Token", {"Content-Type": "application/json"}, login, None)
    key = {"X-Api-Key": settings.espocrm_api_key.get_secret_value()}
    token = {"Authorization": f"Bearer {json.loads(answer)['access_token']}"}
    return Loop(ask, settings.espocrm_api_base_url.rstrip("/"), systems.advoware, key, token)


async def changes(loop: Loop, pairs: Sequence[tuple[str, int]], made: Counter[Call], workers: int, value: str) -> None:
    """Make the calls the engine has made for these records, with as many at a time."""
    more = Counter(made)
    more.subtract({call: count * len(pairs) for call, count in PER_CHANGE.items()})
    if min(more.values()) < 0:
        raise ValueError(f"the engine made fewer calls than {len(pairs)} changes take: {made}")
    rest = iter([(call, *pairs[index % len(pairs)]) for index, call in enumerate(more.elements())])
    todo = iter(pairs)

    async def work() -> None:
        for espo_id, betnr in todo:
            await loop.change(espo_id, betnr, value)
        for call, espo_id, betnr in rest:
            await loop.other(call, espo_id, betnr)

    await abreast(work, workers)


async def looks(loop: Loop, pairs: Sequence[tuple[str, int]], workers: int) -> None:
    """Read both sides of each pair."""
    todo: Iterator[tuple[str, int]] = iter(pairs)

    async def work() -> None:
        for espo_id, betnr in todo:
            await loop.look(espo_id, betnr)

    await abreast(work, workers)


async def abreast(work: Callable[[], Awaitable[None]], workers: int) -> None:
    """The same work by several at once."""
    await asyncio.gather(*(work() for _ in range(workers)))
