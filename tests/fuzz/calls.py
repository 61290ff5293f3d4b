"""Every way the three clients speak to the outside, over real sockets, each with its own name."""

from __future__ import annotations

import base64
from collections.abc import Awaitable, Callable
from typing import Any

import httpx

from services.advoware import AdvowareClient
from services.advoware_discovery import Location
from services.advoware_token import Access
from services.alarm_sender import AlarmSender
from services.espocrm import ApiKey, EspoClient
from services.http import Pipeline
from services.local import LocalTokens
from services.ports import Token
from services.transport import Connections
from tests.services.stage import START, Stage

KEY = "geheim-espocrm-schluessel"
PASSWORD = "geheim-kennwort"
API_KEY = base64.b64encode(b"geheim-advoware").decode()
TOKEN = "geheim-token"
VALUE = "Geheimname"
SECRETS = (KEY, PASSWORD, API_KEY, TOKEN, VALUE, "geheim-alarm")

Ask = Callable[[str, float, httpx.AsyncBaseTransport], Awaitable[Any]]


def access(url: str, **changes: Any) -> Access:
    """Who we are to an Advoware whose three servers are all at `url`."""
    values: dict[str, Any] = {
        "kanzlei": "kanzlei",
        "database": "db",
        "user": "sync",
        "password": PASSWORD,
        "app_id": "app",
        "api_key": API_KEY,
        "base_url": url,
        "security_url": url,
        "configurator_url": url,
    }
    return Access(**(values | changes))


def _espo(ask: Callable[[EspoClient], Awaitable[Any]]) -> Ask:
    async def asking(url: str, patience: float, transport: httpx.AsyncBaseTransport) -> Any:
        return await ask(EspoClient(f"{url}/api/v1", ApiKey(KEY), Stage().ports, timeout=patience, transport=transport))

    return asking


def _advoware(ask: Callable[[AdvowareClient], Awaitable[Any]], *, known: bool = True) -> Ask:
    """`known`: there is a token already, so that the first call is the one meant."""

    async def asking(url: str, patience: float, transport: httpx.AsyncBaseTransport) -> Any:
        stage, who = Stage(), access(url)
        tokens = LocalTokens(stage.hours.now, stage.hours.now)
        if known:
            await tokens.lock(who.fingerprint(), "test", 60)
            await tokens.save(who.fingerprint(), "test", Token(TOKEN, START, START + 3300))
            await tokens.unlock(who.fingerprint(), "test")
        return await ask(AdvowareClient(who, stage.ports, tokens, timeout=patience, transport=transport))

    return asking


async def _found(url: str, patience: float, transport: httpx.AsyncBaseTransport) -> Any:
    """Where the configurator sends us."""
    who, ports = access(url, base_url="", security_url=""), Stage().ports
    location = Location(who, Pipeline("advoware", ports, "", timeout=patience, transport=transport))
    return await location.base(), await location.security()


async def _alarm(url: str, patience: float, transport: httpx.AsyncBaseTransport) -> Any:
    return await AlarmSender(f"{url}/?token=geheim-alarm", transport).send({"alarm": VALUE})


PATH = "api/v1/advonet/Beteiligte/7"

CALLS: dict[str, Ask] = {
    "espocrm read": _espo(lambda client: client.read("CBeteiligte", "a")),
    "espocrm list": _espo(lambda client: client.list("CBeteiligte", count="exact", max_size=1)),
    "espocrm update": _espo(lambda client: client.update("CBeteiligte", "a", {"lastName": VALUE}, version=1)),
    "espocrm create": _espo(lambda client: client.create("CBeteiligte", {"lastName": VALUE})),
    "espocrm delete": _espo(lambda client: client.delete("Task", "a")),
    "espocrm metadata": _espo(lambda client: client.metadata("entityDefs")),
    "advoware read": _advoware(lambda client: client.read(PATH)),
    "advoware list": _advoware(lambda client: client.read_list(PATH)),
    "advoware search": _advoware(lambda client: client.search(VALUE, VALUE)),
    "advoware create": _advoware(lambda client: client.create(PATH, {"name": VALUE})),
    "advoware replace": _advoware(lambda client: client.replace(PATH, {"name": VALUE})),
    "advoware delete": _advoware(lambda client: client.delete(PATH)),
    "advoware login": _advoware(lambda client: client.read(PATH), known=False),
    "advoware found": _found,
    "alarm": _alarm,
}
"""One call of each kind that reads its answer differently."""


def fresh_transport() -> Connections:
    """The transport of production, but with a connection of its own for every request."""
    transport = Connections()
    assert transport.session.connector is not None
    transport.session.connector._force_close = True
    return transport
