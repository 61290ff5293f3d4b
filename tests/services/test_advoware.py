"""Advoware's client: found, logged in once for everybody, answers graded, wrong passwords tried once."""

from __future__ import annotations

import asyncio
import base64
import json
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
import respx

from services.advoware import AdvowareClient, local_time
from services.advoware_token import Access, login_body, sign, usable
from services.errors import CircuitOpen, Credentials, Denied, Missing, Outage, PeerError, Refused, Retryable
from services.local import LocalTokens
from services.ports import Token
from tests.services.stage import START, Stage, chain

BASE = "https://relay.example:90/"
GATE = "https://gate.example/"
CONFIGURATOR = "https://configurator.example/"
PASSWORD = "Kennwort-das-niemand-sieht"
API_KEY = base64.b64encode(b"api-key-nobody-sees").decode()
TOKEN = "token-nobody-sees"
PERSON = "Mustermann-Geheim"
PATH = "api/v1/advonet/Beteiligte/104860"


def access(**changes: Any) -> Access:
    values: dict[str, Any] = {
        "kanzlei": "kanzlei",
        "database": "db",
        "user": "sync",
        "password": PASSWORD,
        "app_id": "app",
        "api_key": API_KEY,
        "base_url": BASE,
        "security_url": GATE,
        "configurator_url": CONFIGURATOR,
        "hosts": ("relay.example", "gate.example", "own.example"),
    }
    return Access(**(values | changes))


class Firm(Stage):
    """A firm whose login server answers with tokens 1, 2, 3…"""

    def __init__(self) -> None:
        super().__init__()
        self.tokens = LocalTokens(self.hours.now, self.hours.now)
        self.logins = self.router.post(f"{GATE}api/v1/Token").mock(side_effect=self._login)
        self.life = 3300.0

    def _login(self, request: httpx.Request) -> httpx.Response:
        end = datetime.fromtimestamp(self.hours.now() + self.life, UTC).isoformat().replace("+00:00", "Z")
        number = self.logins.call_count + 1
        return httpx.Response(200, json={"access_token": f"{TOKEN}-{number}", "expiration_utc": end})

    def client(self, **changes: Any) -> AdvowareClient:
        return AdvowareClient(access(**changes), self.ports, self.tokens, transport=self.transport)

    def answers(self, *responses: httpx.Response, path: str = PATH) -> respx.Route:
        """One response for every call, several one after another."""
        route = self.router.route(url__startswith=BASE + path)
        if len(responses) == 1:
            return route.mock(return_value=responses[0])
        return route.mock(side_effect=list(responses))


@pytest.fixture
def firm() -> Firm:
    return Firm()


def test_the_signature_is_the_one_of_the_specification() -> None:
    key = base64.b64encode(b"test-secret-key").decode()
    assert sign(key, 64, "app-123", "nonce-abc", "2026-08-30T00:00:00.000Z") == (
        "o7rz9KmoXZs550HfzO6ffiG17XwiPmlBHlksUYKZ3jcfolELow51Fw5KlrQqCK5y41aIValDjrh1iQ2GZ2WtqQ=="
    )


def test_the_token_request_has_exactly_the_keys_and_the_stamp_it_signs() -> None:
    body = login_body(access(), "nonce", START)
    assert set(body) == {
        "AppID",
        "Kanzlei",
        "Database",
        "User",
        "Role",
        "Product",
        "Password",
        "Nonce",
        "HMAC512Signature",
        "RequestTimeStamp",
    }
    assert body["RequestTimeStamp"] == "2027-01-15T08:00:00.000Z"
    assert body["HMAC512Signature"] == sign(API_KEY, 64, "app", "nonce", "2027-01-15T08:00:00.000Z")


async def test_fifty_callers_at_once_make_one_login(firm: Firm) -> None:
    firm.answers(httpx.Response(200, json={"betNr": 104860}))
    client = firm.client()
    await asyncio.gather(*(client.read(PATH) for _ in range(50)))
    assert firm.logins.call_count == 1


async def test_two_processes_with_one_store_make_one_login(firm: Firm) -> None:
    firm.answers(httpx.Response(200, json={"betNr": 104860}))
    await asyncio.gather(*(client.read(PATH) for client in (firm.client(), firm.client()) for _ in range(5)))
    assert firm.logins.call_count == 1


async def test_who_waited_for_the_lock_takes_the_token_that_was_fetched_meanwhile(firm: Firm) -> None:
    firm.answers(httpx.Response(200, json={"betNr": 104860}))
    slow = firm.client()
    ask, first = firm.tokens.read, True

    async def read(key: str) -> Token | None:
        """Another process logs in right after the first look."""
        nonlocal first
        found = await ask(key)
        if first:
            first = False
            await firm.client().read(PATH)
        return found

    firm.tokens.read = read  # type: ignore[method-assign]
    await slow.read(PATH)
    assert firm.logins.call_count == 1


async def test_a_login_that_failed_keeps_nobody_else_from_the_next(firm: Firm) -> None:
    firm.answers(httpx.Response(200, json={"betNr": 104860}))
    firm.logins.mock(return_value=httpx.Response(502))
    with pytest.raises(Outage):
        await firm.client().read(PATH)
    firm.logins.mock(side_effect=firm._login)
    failed = firm.hours.time
    await firm.client().read(PATH)
    assert firm.hours.time == failed


async def test_nobody_else_logs_in_while_a_slow_login_is_under_way(firm: Firm) -> None:
    firm.answers(httpx.Response(200, json={"betNr": 104860}))
    begun, waited = firm.hours.time, 25.0

    async def slowly(request: httpx.Request) -> httpx.Response:
        while firm.hours.time < begun + waited:
            await asyncio.sleep(0)
        return firm._login(request)

    firm.transport = httpx.MockTransport(firm.router.async_handler)
    firm.logins.mock(side_effect=slowly)
    await asyncio.gather(firm.client().read(PATH), firm.client().read(PATH))
    assert firm.hours.time >= begun + waited
    assert firm.logins.call_count == 1


async def test_a_login_that_another_process_never_ends_is_not_waited_for_without_end(firm: Firm) -> None:
    async def never(key: str, owner: str, seconds: float) -> bool:
        assert firm.hours.time < START + 300.0
        return False

    firm.tokens.lock = never  # type: ignore[method-assign]
    with pytest.raises(CircuitOpen, match="busy with the login"):
        await firm.client().read(PATH)


async def test_a_token_is_renewed_two_minutes_early_and_not_before(firm: Firm) -> None:
    firm.answers(httpx.Response(200, json={"betNr": 104860}))
    client = firm.client()
    await client.read(PATH)
    firm.hours.time = START + firm.life - 121
    await client.read(PATH)
    assert firm.logins.call_count == 1
    firm.hours.time = START + firm.life - 120
    await client.read(PATH)
    assert firm.logins.call_count == 2


def test_a_token_of_a_minute_is_still_used_for_half_of_it() -> None:
    token = Token("t", 0.0, 60.0)
    assert usable(token, 29.0)
    assert not usable(token, 30.0)


@pytest.mark.parametrize(
    ("body", "headers", "seconds"),
    [
        ({"expiration_utc": "2027-01-15T09:00:00Z", "expires_in": 60}, {}, 3600),
        ({"expiration_utc": "2027-01-15T09:00:00.1234567Z"}, {}, 3600),
        ({"expires_in": 1200}, {}, 1200),
        ({}, {}, 3300),
        ({"expiration_utc": "soon"}, {}, 3300),
        # The server's clock is an hour ahead of ours: the life counts, not the moment.
        ({"expiration_utc": "2027-01-15T10:00:00Z"}, {"Date": "Fri, 15 Jan 2027 09:00:00 GMT"}, 3600),
        # An end in the past must not mean a login per call.
        ({"expiration_utc": "2027-01-15T07:00:00Z"}, {}, 30),
    ],
)
async def test_the_life_of_a_token_is_read_from_either_form(
    firm: Firm, body: dict[str, Any], headers: dict[str, str], seconds: float
) -> None:
    firm.answers(httpx.Response(200, json={"betNr": 104860}))
    firm.logins.mock(return_value=httpx.Response(200, json={"access_token": TOKEN} | body, headers=headers))
    await firm.client().read(PATH)
    token = await firm.tokens.read(access().fingerprint())
    assert token is not None
    assert token.expires - token.obtained == pytest.approx(seconds, abs=0.2)


async def test_a_401_gives_one_fresh_token_and_one_repeat(firm: Firm) -> None:
    route = firm.answers(httpx.Response(401), httpx.Response(200, json={"betNr": 1}))
    await firm.client().replace(PATH, {"name": PERSON})
    assert [call.request.headers["Authorization"] for call in route.calls] == [
        f"Bearer {TOKEN}-1",
        f"Bearer {TOKEN}-2",
    ]


async def test_many_401s_of_one_old_token_make_one_login(firm: Firm) -> None:
    def old(request: httpx.Request) -> httpx.Response:
        fresh = request.headers["Authorization"].endswith("-2")
        return httpx.Response(200 if fresh else 401, json={"betNr": 1})

    firm.router.route(url__startswith=BASE).mock(side_effect=old)
    client = firm.client()
    await asyncio.gather(*(client.read(PATH) for _ in range(20)))
    assert firm.logins.call_count == 2


async def test_a_fresh_token_refused_stops_all_calls(firm: Firm) -> None:
    route = firm.answers(httpx.Response(401))
    client = firm.client()
    for _ in range(5):
        with pytest.raises(Credentials):
            await client.read(PATH)
    assert (route.call_count, firm.logins.call_count) == (2, 2)


@pytest.mark.parametrize("status", [200, 400, 401, 500])
@pytest.mark.parametrize("text", ["Falscher Name oder falsches Kennwort", "Benutzer / Kennwort ungültig"])
async def test_a_wrong_password_is_tried_once(firm: Firm, status: int, text: str) -> None:
    firm.logins.mock(return_value=httpx.Response(status, text=f"Fehler: {text} ({PERSON})"))
    client = firm.client()
    for _ in range(10):
        with pytest.raises(Credentials) as caught:
            await client.read(PATH)
        assert PERSON not in chain(caught.value)
        assert PASSWORD not in chain(caught.value)
    assert firm.logins.call_count == 1
    with pytest.raises(Credentials):
        await firm.client(password="another").read(PATH)
    assert firm.logins.call_count == 2, "changed credentials are tried"
    await firm.circuit.clear("advoware")
    with pytest.raises(Credentials):
        await client.read(PATH)
    assert firm.logins.call_count == 3, "a person's word is tried"


@pytest.mark.parametrize("status", [400, 401, 403])
async def test_a_refused_login_without_a_known_text_is_not_tried_again(firm: Firm, status: int) -> None:
    firm.logins.mock(return_value=httpx.Response(status))
    client = firm.client()
    for _ in range(3):
        with pytest.raises(Credentials):
            await client.read(PATH)
    assert firm.logins.call_count == 1


@pytest.mark.parametrize(
    "response",
    [
        httpx.Response(400, text="Die Kanzlei ist nicht angemeldet"),
        httpx.Response(500, text="Kanzlei ist nicht registriert"),
        httpx.Response(401, text="Produkt ist nicht freigeschaltet"),
        httpx.Response(500, text="boom"),
        httpx.Response(404),
        httpx.Response(503),
        httpx.Response(302),
        httpx.Response(200, text="<html>"),
        httpx.Response(200, json={"access_token": None}),
    ],
    ids=["not signed in", "not registered", "not released", "500", "404", "503", "302", "HTML", "no token"],
)
async def test_a_login_server_in_trouble_is_an_outage(firm: Firm, response: httpx.Response) -> None:
    firm.logins.mock(return_value=response)
    with pytest.raises(Outage):
        await firm.client().read(PATH)


async def test_waiting_callers_share_one_failed_login(firm: Firm) -> None:
    firm.logins.mock(side_effect=httpx.ConnectTimeout)
    client = firm.client()
    results = await asyncio.gather(*(client.read(PATH) for _ in range(20)), return_exceptions=True)
    assert all(isinstance(result, Outage) for result in results)
    assert firm.logins.call_count == 1


async def test_a_caller_that_gives_up_leaves_the_login_to_the_others(firm: Firm) -> None:
    gate = asyncio.Event()

    async def slow(request: httpx.Request) -> httpx.Response:
        await gate.wait()
        return httpx.Response(200, json={"access_token": TOKEN, "expires_in": 3300})

    async def handle(request: httpx.Request) -> httpx.Response:
        if str(request.url).startswith(GATE):
            return await slow(request)
        return httpx.Response(200, json={"betNr": 1})

    client = AdvowareClient(access(), firm.ports, firm.tokens, transport=httpx.MockTransport(handle))
    first = asyncio.create_task(client.read(PATH))
    second = asyncio.create_task(client.read(PATH))
    await asyncio.sleep(0)
    first.cancel()
    await asyncio.sleep(0)
    gate.set()
    assert (await second).body == {"betNr": 1}


GRADES: list[tuple[str, httpx.Response, type[PeerError], dict[str, Any]]] = [
    ("refused", httpx.Response(400, text=f"no {PERSON}"), Refused, {"field": None}),
    ("refused field", httpx.Response(400, json={"errors": {"Name": [PERSON]}}), Refused, {"field": "name"}),
    ("no field of ours", httpx.Response(400, json={"errors": {PERSON: ["wrong"]}}), Refused, {"field": None}),
    ("unprocessable", httpx.Response(422), Refused, {}),
    ("forbidden", httpx.Response(403), Denied, {}),
    ("wrong method", httpx.Response(405), Denied, {}),
    ("gone", httpx.Response(404), Missing, {"certain": True}),
    ("a page of a web server", httpx.Response(404, html="<h1>404</h1>"), Missing, {"certain": False}),
    ("conflict", httpx.Response(409), Retryable, {"in_doubt": False}),
    ("error", httpx.Response(500, text=PERSON), Retryable, {"in_doubt": True}),
    ("offline", httpx.Response(500, text="Kanzlei ist nicht angemeldet"), Outage, {"in_doubt": False}),
    ("too many", httpx.Response(429, headers={"Retry-After": "9"}), Outage, {"retry_after": 9.0}),
    ("gateway", httpx.Response(504), Outage, {"in_doubt": True}),
    ("HTML", httpx.Response(200, html="<html>"), Retryable, {"in_doubt": True}),
]


@pytest.mark.parametrize(("response", "kind", "shape"), [row[1:] for row in GRADES], ids=[row[0] for row in GRADES])
async def test_an_answer_has_one_grade(
    firm: Firm, response: httpx.Response, kind: type[PeerError], shape: dict[str, Any]
) -> None:
    route = firm.answers(response)
    with pytest.raises(PeerError) as caught:
        await firm.client().replace(PATH, {"name": PERSON})
    assert type(caught.value) is kind
    assert {name: getattr(caught.value, name) for name in shape} == shape
    assert route.call_count == 1
    shown = chain(caught.value)
    assert not [secret for secret in (PERSON, PASSWORD, API_KEY, TOKEN) if secret in shown]


@pytest.mark.parametrize("body", [{"betNr": 1}, [{"betNr": 1}]])
async def test_an_object_may_come_in_a_list(firm: Firm, body: Any) -> None:
    firm.answers(httpx.Response(200, json=body))
    client = firm.client()
    assert (await client.read(PATH)).body == {"betNr": 1}
    assert (await client.create(PATH, {"a": 1})).body == {"betNr": 1}
    assert await client.read_list(PATH) == [{"betNr": 1}]


async def test_an_empty_success_is_no_error(firm: Firm) -> None:
    firm.answers(httpx.Response(204))
    client = firm.client()
    assert (await client.create(PATH, {"a": 1})).body == {}
    assert (await client.replace(PATH, {"a": 1})).body == {}
    assert await client.read_list(PATH) == []
    await client.delete(PATH)


async def test_reading_one_object_needs_one(firm: Firm) -> None:
    client = firm.client()
    firm.answers(httpx.Response(200, json=[]))
    with pytest.raises(Missing) as caught:
        await client.read(PATH)
    assert not caught.value.certain
    for body in ([{"betNr": 1}, {"betNr": 2}], "text", 3):
        firm.answers(httpx.Response(200, json=body))
        with pytest.raises(Retryable):
            await client.read(PATH)


async def test_a_search_trusts_no_row_it_has_not_compared(firm: Firm) -> None:
    rows = [
        {"betNr": 1, "name": " MÜLLER ", "vorname": "anna"},
        {"betNr": 2, "name": "Mu\u0308ller", "vorname": "Anna "},
        {"betNr": 3, "name": "Müller", "vorname": None},
        {"betNr": 4, "name": "Müllerin", "vorname": "Anna"},
        {"betNr": 5, "name": 7, "vorname": "Anna"},
    ]
    route = firm.answers(httpx.Response(200, json=rows), path="api/v1/advonet/Beteiligte")
    client = firm.client()
    assert [row["betNr"] for row in await client.search("Müller", "Anna")] == [1, 2]
    assert dict(route.calls.last.request.url.params) == {"name": "Müller", "vorname": "Anna"}
    assert [row["betNr"] for row in await client.search("müller", "")] == [3]
    assert dict(route.calls.last.request.url.params) == {"name": "müller"}


def configurator(**urls: str | None) -> httpx.Response:
    return httpx.Response(200, json={"relayUrl": BASE, "connectorUrl": None, "securityGateway": GATE} | urls)


async def test_an_explicit_base_url_asks_no_configurator(firm: Firm) -> None:
    asked = firm.router.get(url__startswith=CONFIGURATOR).mock(return_value=configurator())
    firm.answers(httpx.Response(200, json={"betNr": 1}))
    await firm.client().read(PATH)
    assert asked.call_count == 0


@pytest.mark.parametrize(("connector", "host"), [(None, "relay.example"), ("https://own.example/adv", "own.example")])
async def test_the_connector_is_used_where_there_is_one(firm: Firm, connector: str | None, host: str) -> None:
    asked = firm.router.get(url__startswith=CONFIGURATOR).mock(return_value=configurator(connectorUrl=connector))
    calls = firm.router.route(url__regex="Beteiligte").mock(return_value=httpx.Response(200, json={"betNr": 1}))
    client = firm.client(base_url="", security_url="")
    await client.read(PATH)
    await client.read(PATH)
    assert calls.calls.last.request.url.host == host
    assert asked.call_count == 1
    assert asked.calls.last.request.url.params["Kanzlei"] == "kanzlei"
    firm.hours.time += 3601
    await client.read(PATH)
    assert asked.call_count == 2


@pytest.mark.parametrize(
    "answer",
    [
        httpx.Response(500),
        httpx.Response(200, html="<html>"),
        httpx.Response(200, json={}),
        configurator(relayUrl="http://plain.example/"),
        configurator(securityGateway="http://plain.example/"),
    ],
    ids=["500", "HTML", "empty", "relay without TLS", "gateway without TLS"],
)
async def test_without_the_configurator_the_known_addresses_are_used(firm: Firm, answer: httpx.Response) -> None:
    firm.router.get(url__startswith=CONFIGURATOR).mock(return_value=answer)
    calls = firm.router.route(url__regex="Beteiligte").mock(return_value=httpx.Response(200, json={"betNr": 1}))
    await firm.client(base_url="").read(PATH)
    assert str(calls.calls.last.request.url).startswith("https://www2.advo-net.net:90/api/v1/advonet/")


async def test_a_security_url_given_as_the_whole_token_address_is_understood(firm: Firm) -> None:
    firm.answers(httpx.Response(200, json={"betNr": 1}))
    await firm.client(security_url=f"{GATE}api/v1/Token").read(PATH)
    assert firm.logins.call_count == 1
    assert set(json.loads(firm.logins.calls.last.request.content)) >= {"Nonce", "Password"}


async def test_no_repr_holds_a_secret(firm: Firm) -> None:
    shown = repr(access()) + repr(firm.client()) + access().fingerprint() + repr(Token(TOKEN, 0, 1))
    assert not [secret for secret in (PASSWORD, API_KEY, TOKEN) if secret in shown]
    assert access().fingerprint() != access(password="other").fingerprint()


@pytest.mark.parametrize(
    ("text", "utc"),
    [
        ("2026-07-01T12:00:00", "2026-07-01T10:00:00+00:00"),
        ("2026-12-01T12:00:00", "2026-12-01T11:00:00+00:00"),
        ("2026-10-25T02:30:00", None),  # twice in that night
        ("irgendwann", None),
        (None, None),
    ],
)
def test_a_time_of_the_firm_is_known_but_for_the_hour_october_has_twice(text: str | None, utc: str | None) -> None:
    assert local_time(text) == (None if utc is None else datetime.fromisoformat(utc).timestamp())
