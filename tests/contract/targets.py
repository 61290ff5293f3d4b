"""What the contract is held against: the stand-ins in this process, the stand-ins over real HTTP, live systems.

Live systems are named by environment variables and asked only with `-m live`:
    SYNCD_CONTRACT_ESPOCRM_URL (…/api/v1), _API_KEY; optional _ENTITY (CBeteiligte)
    SYNCD_CONTRACT_ADVOWARE_KANZLEI, _DATABASE, _USER, _PASSWORD, _APP_ID, _API_KEY;
    optional _BASE_URL, _SECURITY_URL, _CONFIGURATOR_URL

There only records made here are written, all named "Vertragstest …". In EspoCRM they are deleted afterwards;
Advoware cannot delete, so one run leaves one Beteiligter behind.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any
from uuid import uuid4

import httpx
import pytest

from services.advoware import BETEILIGTE, Access, AdvowareClient
from services.answer import Reply
from services.errors import Missing
from services.espocrm import ApiKey, EspoClient
from services.local import LocalBudget, LocalCircuit, LocalTokens
from services.ports import Ports
from syncd.sandbox import Sandbox, defaults
from tests.systems import Systems

Settings = dict[str, dict[str, Any]]


def name() -> str:
    """A surname nobody else has."""
    return f"Vertragstest {uuid4().hex[:10]}"


def mail() -> str:
    """An address nobody else has; EspoCRM shares what is known of one between records."""
    return f"vertragstest-{uuid4().hex[:10]}@example.org"


def phone() -> str:
    """A number that the Bundesnetzagentur keeps for films."""
    return f"+493023125{uuid4().int % 1000:03d}"


class Minutes:
    """The machine's clock, which a test may push forward."""

    def __init__(self) -> None:
        self.ahead = 0.0

    def now(self) -> float:
        return time.time() + self.ahead


@dataclass
class Espo:
    """One EspoCRM. `pass_second` returns when its clock shows another second; `switch` sets up a stand-in."""

    client: EspoClient
    entity: str
    pass_second: Callable[[], Awaitable[None]]
    switch: Callable[[Settings], None] | None
    made: list[tuple[str, str]] = field(default_factory=list)

    async def create(self, entity: str | None = None, **values: Any) -> Reply:
        """A record, deleted when the test is over. It has a name of its own if none is given."""
        chosen = entity or self.entity
        named = {"lastName": name()} if entity is None else {}
        reply = await self.client.create(chosen, {**named, **values})
        self.made.append((chosen, reply.body["id"]))
        return reply

    async def record(self, **values: Any) -> dict[str, Any]:
        """A new record as it reads."""
        return await self.read(str((await self.create(**values)).body["id"]))

    async def read(self, id: str) -> dict[str, Any]:
        """The record now."""
        return (await self.client.read(self.entity, id)).body

    async def clean_up(self) -> None:
        """Delete what was made."""
        for entity, id in reversed(self.made):
            with suppress(Missing):
                await self.client.delete(entity, id)


@dataclass
class Advoware:
    """One Advoware. `calls` are the routes asked; `shared` holds the one record of a live run."""

    client: AdvowareClient
    access: Access
    tokens: LocalTokens
    now: Callable[[], float]
    calls: list[str]
    switch: Callable[[Settings], None] | None
    shared: dict[str, int]

    async def person(self, **values: Any) -> int:
        """The number of a Beteiligter made here; in a live system always the same one, put to these values."""
        wanted = {"name": name(), "vorname": "Ida", "rechtsform": "Frau", **values}
        if self.switch is not None:
            return await self.create(wanted)
        if "betNr" not in self.shared:
            self.shared["betNr"] = await self.create(wanted)
        betnr = self.shared["betNr"]
        await self.client.replace(path(betnr), {**await self.read(betnr), **wanted})
        return betnr

    async def create(self, values: Mapping[str, Any]) -> int:
        """POST; an answer without the object is made up for by searching."""
        reply = await self.client.create(BETEILIGTE, values)
        if "betNr" in reply.body:
            return int(reply.body["betNr"])
        [found] = await self.client.search(values["name"], values["vorname"])
        return int(found["betNr"])

    async def read(self, betnr: int) -> dict[str, Any]:
        """The Beteiligter now."""
        return (await self.client.read(path(betnr))).body


def path(betnr: int, *rest: object) -> str:
    """A Beteiligter, or something below it."""
    return "/".join(str(part) for part in (BETEILIGTE, betnr, *rest))


def ports(now: Callable[[], float], calls: list[str] | None = None) -> Ports:
    """Everything a client needs, within this process and without limits."""

    def observe(side: str, verb: str, route: str, outcome: str, seconds: float) -> None:
        if calls is not None:
            calls.append(f"{verb} {route}")

    budget = LocalBudget(now, {})
    return Ports(
        now=now,
        sleep=asyncio.sleep,
        new_id=lambda: uuid4().hex,
        jitter=lambda: 0.5,
        budget=budget,
        circuit=LocalCircuit(now, budget.take),
        observe=observe,
    )


def espo_in_process() -> Espo:
    clock = Minutes()
    sandbox = Sandbox(now=clock.now)
    client = EspoClient(
        defaults.ESPO_API_URL, ApiKey(defaults.API_KEY), ports(clock.now), transport=sandbox.transport()
    )

    async def pass_second() -> None:
        clock.ahead += 1.0

    def switch(settings: Settings) -> None:
        for entity in settings["espocrm"]["optimistic"]:
            sandbox.espo.schema[entity].optimistic = True

    return Espo(client, "CBeteiligte", pass_second, switch)


def espo_over_http(systems: Systems) -> Espo:
    client = EspoClient(f"{systems.espocrm}/api/v1", ApiKey(defaults.API_KEY), ports(time.time))
    return Espo(client, "CBeteiligte", _waiting(client), lambda settings: systems.control("settings", settings))


def espo_live() -> Espo:
    url, key = _environment("ESPOCRM", "URL", "API_KEY")
    entity = os.environ.get("SYNCD_CONTRACT_ESPOCRM_ENTITY", "CBeteiligte")
    client = EspoClient(url, ApiKey(key), ports(time.time))
    return Espo(client, entity, _waiting(client), None)


def _waiting(client: EspoClient) -> Callable[[], Awaitable[None]]:
    async def pass_second() -> None:
        first = (await client.whoami()).date
        while (await client.whoami()).date == first:
            await asyncio.sleep(0.05)

    return pass_second


def _sandbox_access(url: str) -> Access:
    return Access(
        kanzlei=defaults.ADVOWARE_KANZLEI,
        database=defaults.ADVOWARE_DATABASE,
        user=defaults.ADVOWARE_USER,
        password=defaults.ADVOWARE_PASSWORD,
        app_id=defaults.ADVOWARE_APP_ID,
        api_key=defaults.ADVOWARE_API_KEY,
        configurator_url=f"{url}AdvonetConfigurator/",
    )


def advoware_in_process() -> Advoware:
    clock = Minutes()
    sandbox = Sandbox(now=clock.now)

    def switch(settings: Settings) -> None:
        for which, value in settings["advoware"].items():
            setattr(sandbox.advoware.switches, which, value)

    return _advoware(_sandbox_access(defaults.ADVOWARE_URL), clock.now, switch, {}, sandbox.transport())


def advoware_over_http(systems: Systems) -> Advoware:
    return _advoware(
        _sandbox_access(systems.advoware), time.time, lambda settings: systems.control("settings", settings), {}, None
    )


def advoware_live(shared: dict[str, int]) -> Advoware:
    names = ("KANZLEI", "DATABASE", "USER", "PASSWORD", "APP_ID", "API_KEY")
    kanzlei, database, user, password, app_id, api_key = _environment("ADVOWARE", *names)
    base, security, configurator = (
        os.environ.get(f"SYNCD_CONTRACT_ADVOWARE_{one}", "") for one in ("BASE_URL", "SECURITY_URL", "CONFIGURATOR_URL")
    )
    access = Access(kanzlei, database, user, password, app_id, api_key, base_url=base, security_url=security)
    if configurator:
        access = replace(access, configurator_url=configurator)
    return _advoware(access, time.time, None, shared, None)


def _advoware(
    access: Access,
    now: Callable[[], float],
    switch: Callable[[Settings], None] | None,
    shared: dict[str, int],
    transport: httpx.AsyncBaseTransport | None,
) -> Advoware:
    calls: list[str] = []
    tokens = LocalTokens(now, now)
    client = AdvowareClient(access, ports(now, calls), tokens, transport=transport)
    return Advoware(client, access, tokens, now, calls, switch, shared)


def _environment(system: str, *names: str) -> list[str]:
    if not all(values := [os.environ.get(f"SYNCD_CONTRACT_{system}_{one}", "") for one in names]):
        pytest.skip(f"SYNCD_CONTRACT_{system}_* names no live system")
    return values
