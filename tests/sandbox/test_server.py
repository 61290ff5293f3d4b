"""The stand-in servers over real sockets, and their control API."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import httpx
import pytest

from syncd.sandbox import Sandbox, defaults
from syncd.sandbox.sandbox import Urls
from syncd.sandbox.server import serve
from tests.sandbox.conftest import HandClock
from tests.sandbox.login import token_request


@pytest.fixture
async def urls(sandbox: Sandbox) -> AsyncIterator[Urls]:
    stop, ready = asyncio.Event(), asyncio.Event()
    running = asyncio.create_task(serve(sandbox, 0, 0, stop, lambda _: ready.set()))
    await ready.wait()
    yield sandbox.urls
    stop.set()
    await running


@pytest.fixture
async def http() -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(headers={"X-Api-Key": defaults.API_KEY}, timeout=5) as client:
        yield client


async def test_both_systems_answer_on_their_ports(urls: Urls, http: httpx.AsyncClient, sandbox: Sandbox) -> None:
    reply = await http.get(f"{urls.espocrm}/api/v1/")
    assert (reply.json(), reply.headers.get_list("date")) == (
        "EspoCRM REST API",
        ["Fri, 20 Nov 2026 18:40:00 GMT"],
    )
    found = await http.get(f"{urls.advoware}AdvonetConfigurator/api/Url?Kanzlei={defaults.ADVOWARE_KANZLEI}")
    gateway = found.json()["securityGateway"]
    assert gateway == urls.advoware
    token = await http.post(f"{gateway}api/v1/Token", json=token_request(sandbox.now()))
    assert token.status_code == 200


async def test_faults_cut_or_hold_real_connections(urls: Urls, http: httpx.AsyncClient) -> None:
    for kind, error in (
        ("hang_up", httpx.TransportError),
        ("offline", httpx.TransportError),
        ("timeout", httpx.ReadTimeout),
    ):
        await http.post(f"{urls.espocrm}/_control/faults", json={"kind": kind, "system": "espocrm"})
        with pytest.raises(error):
            await http.get(f"{urls.espocrm}/api/v1/", timeout=0.2)
    assert (await http.get(f"{urls.espocrm}/api/v1/")).status_code == 200


async def test_people_act_and_the_log_is_read_through_the_control_api(urls: Urls, http: httpx.AsyncClient) -> None:
    control = f"{urls.advoware}_control"
    seeded = await http.post(f"{control}/seed", json={"count": 2})
    record_id, betnr = seeded.json()["keys"][0]
    edit = {"system": "advoware", "do": "edit", "as": "CD", "betnr": betnr, "values": {"titel": "Prof."}}
    assert (await http.post(f"{control}/act", json=edit)).status_code == 200
    rename = {"system": "espocrm", "do": "edit", "record_id": record_id, "values": {"lastName": "Neu"}}
    assert (await http.post(f"{control}/act", json=rename)).status_code == 200
    assert (await http.post(f"{control}/act", json={"do": "__init__"})).status_code == 400
    await http.get(f"{urls.espocrm}/api/v1/CBeteiligte/{record_id}")
    dump = (await http.get(f"{control}/dump")).json()
    assert dump["espocrm"]["CBeteiligte"][record_id]["lastName"] == "Neu"
    assert dump["espocrm"]["CBeteiligte"][record_id]["syncStatus"] == "dirty"
    assert dump["advoware"][str(betnr)]["titel"] == "Prof."
    log = (await http.get(f"{control}/log")).json()
    assert (log["reads"], log["writes"], len(log["calls"])) == ({"espocrm": 1}, {}, 1)
    await http.delete(f"{control}/log")
    assert (await http.get(f"{control}/log", params={"counts": 1})).json()["reads"] == {}


async def test_switches_backups_and_outages_are_set_through_the_control_api(
    urls: Urls, http: httpx.AsyncClient, sandbox: Sandbox, clock: HandClock
) -> None:
    control = f"{urls.espocrm}/_control"
    wanted = {
        "advoware": {"put_keeps_missing": True},
        "webhooks": {"portion": 5, "allowed_addresses": ["127.0.0.1:1"]},
        "token": {"signed_in": False},
        "espocrm": {"maintenance": True, "optimistic": ["CBeteiligte"]},
    }
    assert (await http.post(f"{control}/settings", json=wanted)).status_code == 200
    assert sandbox.advoware.switches.put_keeps_missing
    assert (sandbox.webhooks.settings.portion, sandbox.tokens.signed_in) == (5, False)
    assert (await http.get(f"{urls.espocrm}/api/v1/")).status_code == 503
    assert (await http.post(f"{control}/settings", json={"advoware": {"nope": 1}})).status_code == 400
    await http.post(f"{control}/backup", json={"do": "snapshot", "name": "monday"})
    await http.post(f"{control}/seed", json={"count": 1, "what": "only_advoware"})
    await http.post(f"{control}/backup", json={"do": "restore", "name": "monday", "system": "advoware"})
    assert sandbox.people.advoware.betnrs() == []
    await http.post(f"{control}/down", json={"espocrm": True})
    with pytest.raises(httpx.TransportError):
        await http.get(f"{urls.espocrm}/api/v1/")


async def test_webhooks_are_really_posted(urls: Urls, http: httpx.AsyncClient, sandbox: Sandbox) -> None:
    url = f"{urls.advoware}_control/act"  # any door that answers; 400 there means the event is lost
    body = {"event": "CBeteiligte.create", "url": url, "skipOwn": True}
    assert (await http.post(f"{urls.espocrm}/api/v1/Webhook", json=body)).status_code == 201
    sandbox.people.espo.create({"lastName": "X"})
    run = (await http.post(f"{urls.espocrm}/_control/webhooks")).json()
    assert (run["delivered"], run["failed"], run["items"]) == (0, 1, 0)
