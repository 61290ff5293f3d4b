"""EspoCRM's client: each answer has one grade, lists are whole, logins are never tried in a loop."""

from __future__ import annotations

import asyncio
import json
import logging
from typing import Any

import httpx
import pytest

from services.errors import (
    CircuitOpen,
    Credentials,
    Denied,
    Duplicate,
    Missing,
    Modified,
    Outage,
    PeerError,
    Refused,
    Retryable,
    TimedOut,
)
from services.espocrm import EspoClient, Login
from services.ports import CircuitName
from tests.services.stage import ESPO, KEY, Stage, chain

RECORD = "6b001575af118d927"
PERSON = "Mustermann-Geheim"


@pytest.fixture
def stage() -> Stage:
    return Stage()


def answer(status: int, reason: str | None = None, body: Any = None, **headers: str) -> httpx.Response:
    named = {key.replace("_", "-"): value for key, value in headers.items()}
    if reason is not None:
        named["X-Status-Reason"] = reason
    return (
        httpx.Response(status, headers=named, json=body) if body is not None else httpx.Response(status, headers=named)
    )


GRADES: list[tuple[str, httpx.Response, type[PeerError], dict[str, Any]]] = [
    ("no ACL", answer(403, "No edit access."), Denied, {"reason": "No edit access."}),
    ("no ACL, empty reason", answer(403, ""), Denied, {}),
    ("locked out", answer(403), Outage, {"retry_after": 60.0}),
    ("gone", answer(404, f"Record {RECORD} not found."), Missing, {"certain": True}),
    ("gone on read", answer(404, f"Record {RECORD} does not exist."), Missing, {"certain": True}),
    ("no such entity", answer(404, "Controller 'CNope' does not exist."), Missing, {"certain": False}),
    ("unroutable", answer(404), Missing, {"certain": False}),
    (
        "validation in the header",
        answer(400, "Field validation failure; entityType: CBeteiligte, field: lastName, type: required."),
        Refused,
        {"field": "lastName", "rule": "required"},
    ),
    (
        "validation in the body",
        answer(
            400,
            body={
                "messageTranslation": {
                    "label": "validationFailure",
                    "scope": None,
                    "data": {"field": "syncStatus", "type": "valid"},
                }
            },
        ),
        Refused,
        {"field": "syncStatus", "rule": "valid"},
    ),
    ("refused without a field", answer(400, f"no {PERSON}"), Refused, {"field": None, "rule": None}),
    ("unprocessable", answer(422), Refused, {"field": None}),
    ("stale", answer(409, "modified", {"values": {"a": PERSON}, "versionNumber": 3}), Modified, {"version": 3}),
    (
        "duplicate",
        answer(409, "duplicate", [{"id": "a", "name": PERSON}, {"id": "b"}, {"id": "a"}]),
        Duplicate,
        {"ids": ("a", "b")},
    ),
    ("other conflict", answer(409, "Name 'CX' is already used."), Retryable, {"in_doubt": False}),
    ("wrong method", answer(405), Denied, {}),
    ("too many", answer(429, Retry_After="17"), Outage, {"retry_after": 17.0, "in_doubt": False}),
    (
        "too many, until a date",
        answer(429, Date="Fri, 20 Nov 2026 10:00:00 GMT", Retry_After="Fri, 20 Nov 2026 10:01:30 GMT"),
        Outage,
        {"retry_after": 90.0},
    ),
    ("maintenance", answer(503, "Application is in maintenance mode."), Outage, {"retry_after": 30.0}),
    ("bad gateway", answer(502), Outage, {"in_doubt": True, "retry_after": None}),
    ("gateway time-out", answer(504), Outage, {"in_doubt": True}),
    ("server error", answer(500, f"Duplicate entry '{PERSON}'"), Retryable, {"in_doubt": True}),
    ("redirect", answer(302, Location="https://login.example/"), Retryable, {"in_doubt": False}),
    ("HTML", httpx.Response(200, text=f"<html>{PERSON}</html>"), Retryable, {"in_doubt": True}),
    ("cut JSON", httpx.Response(200, text='{"id": "6b0'), Retryable, {"in_doubt": True}),
    ("deep JSON", httpx.Response(200, text="[" * 100_000), Retryable, {"in_doubt": True}),
    ("empty", httpx.Response(200), Retryable, {"in_doubt": True}),
    ("not an object", httpx.Response(200, json=[1]), Retryable, {"in_doubt": True}),
]


@pytest.mark.parametrize(("response", "kind", "shape"), [row[1:] for row in GRADES], ids=[row[0] for row in GRADES])
async def test_an_answer_has_one_grade(
    stage: Stage, response: httpx.Response, kind: type[PeerError], shape: dict[str, Any]
) -> None:
    route = stage.router.patch(f"{ESPO}/CBeteiligte/{RECORD}").mock(return_value=response)
    with pytest.raises(PeerError) as caught:
        await stage.espo().update("CBeteiligte", RECORD, {"lastName": PERSON})
    assert type(caught.value) is kind
    assert {name: getattr(caught.value, name) for name in shape} == shape
    assert caught.value.side == "espocrm"
    assert route.call_count == 1, "a write is never repeated"
    assert PERSON not in chain(caught.value)
    assert KEY not in chain(caught.value)


WIRE: list[tuple[type[Exception], type[PeerError], bool]] = [
    (httpx.ConnectError, Outage, False),
    (httpx.ConnectTimeout, TimedOut, False),
    (httpx.PoolTimeout, TimedOut, False),
    (httpx.ReadTimeout, TimedOut, True),
    (httpx.WriteTimeout, TimedOut, True),
    (httpx.WriteError, Outage, True),
    (httpx.ReadError, Outage, True),
    (httpx.RemoteProtocolError, Outage, True),
]


@pytest.mark.parametrize(("raised", "kind", "in_doubt"), WIRE)
async def test_a_broken_wire_leaves_a_write_in_doubt_only_if_it_was_sent(
    stage: Stage, raised: type[Exception], kind: type[PeerError], in_doubt: bool
) -> None:
    stage.router.post(f"{ESPO}/CBeteiligte").mock(side_effect=raised)
    with pytest.raises(Outage) as caught:
        await stage.espo().create("CBeteiligte", {"lastName": PERSON})
    assert type(caught.value) is kind
    assert caught.value.in_doubt is in_doubt
    assert PERSON not in chain(caught.value)
    assert KEY not in chain(caught.value)


async def test_a_read_is_never_in_doubt(stage: Stage) -> None:
    stage.router.get(f"{ESPO}/CBeteiligte/{RECORD}").mock(side_effect=httpx.ReadTimeout)
    with pytest.raises(TimedOut) as caught:
        await stage.espo().read("CBeteiligte", RECORD)
    assert caught.value.in_doubt is False


async def test_a_body_that_breaks_off_is_retryable_and_in_doubt(stage: Stage) -> None:
    class Cut(httpx.AsyncByteStream):
        async def __aiter__(self) -> Any:
            yield b'{"id"'
            raise httpx.ReadError("")

    transport = httpx.MockTransport(lambda request: httpx.Response(200, stream=Cut()))
    client = EspoClient(ESPO, Login("admin", "pw"), stage.ports, transport=transport)
    with pytest.raises(Retryable) as caught:
        await client.create("CBeteiligte", {"lastName": PERSON})
    assert caught.value.in_doubt


async def test_an_answer_that_never_ends_is_given_up(stage: Stage) -> None:
    class Endless(httpx.AsyncByteStream):
        async def __aiter__(self) -> Any:
            while True:
                yield b" " * 1_000_000

    transport = httpx.MockTransport(lambda request: httpx.Response(200, stream=Endless()))
    client = EspoClient(ESPO, Login("admin", "pw"), stage.ports, transport=transport)
    with pytest.raises(Retryable, match="too large") as caught:
        await client.create("CBeteiligte", {"lastName": PERSON})
    assert caught.value.in_doubt


async def test_the_whole_call_has_a_time_limit(stage: Stage) -> None:
    async def silent(request: httpx.Request) -> httpx.Response:
        await asyncio.Event().wait()
        raise AssertionError

    transport = httpx.MockTransport(silent)
    client = EspoClient(ESPO, Login("admin", "pw"), stage.ports, timeout=0.01, transport=transport)
    with pytest.raises(TimedOut) as caught:
        await client.create("CBeteiligte", {"lastName": PERSON})
    assert caught.value.in_doubt


async def test_a_read_gets_three_tries_and_a_little_patience(stage: Stage) -> None:
    body = {"id": RECORD, "lastName": PERSON}
    route = stage.router.get(f"{ESPO}/CBeteiligte/{RECORD}")
    route.side_effect = [httpx.ConnectError, httpx.Response(500), httpx.Response(200, json=body)]
    reply = await stage.espo().read("CBeteiligte", RECORD)
    assert reply.body == body
    assert stage.hours.slept == [0.5, 1.0]


@pytest.mark.parametrize("status", [400, 403, 404, 405, 409, 429, 503])
async def test_a_read_that_got_a_clear_answer_is_not_repeated(stage: Stage, status: int) -> None:
    route = stage.router.get(f"{ESPO}/CBeteiligte/{RECORD}").mock(return_value=httpx.Response(status))
    with pytest.raises(PeerError):
        await stage.espo().read("CBeteiligte", RECORD)
    assert route.call_count == 1


async def test_a_read_fails_after_the_third_try(stage: Stage) -> None:
    route = stage.router.get(f"{ESPO}/CBeteiligte/{RECORD}").mock(return_value=httpx.Response(500))
    with pytest.raises(Retryable):
        await stage.espo().read("CBeteiligte", RECORD)
    assert route.call_count == 3


async def test_one_401_is_repeated_once_and_then_forgotten(stage: Stage) -> None:
    route = stage.router.patch(f"{ESPO}/CBeteiligte/{RECORD}")
    route.side_effect = [httpx.Response(401), httpx.Response(200, json={"id": RECORD})]
    await stage.espo().update("CBeteiligte", RECORD, {"a": 1})
    assert route.call_count == 2
    assert (await stage.circuit.look("espocrm")).state is CircuitName.RAMP


async def test_a_second_401_bars_the_key_until_it_changes_or_a_person_acts(stage: Stage) -> None:
    route = stage.router.get(f"{ESPO}/CBeteiligte/{RECORD}").mock(return_value=httpx.Response(401))
    client = stage.espo()
    with pytest.raises(Credentials) as caught:
        await client.read("CBeteiligte", RECORD)
    assert caught.value.status == 401
    assert route.call_count == 2
    for _ in range(20):
        with pytest.raises(Credentials):
            await client.read("CBeteiligte", RECORD)
    assert route.call_count == 2, "nothing is sent while the key is barred"

    route.mock(return_value=httpx.Response(200, json={"id": RECORD}))
    await stage.espo("another-key").read("CBeteiligte", RECORD)
    await stage.circuit.clear("espocrm")
    await client.read("CBeteiligte", RECORD)


async def test_many_calls_with_a_wrong_key_stay_far_from_the_lock_of_the_address(stage: Stage) -> None:
    route = stage.router.get(f"{ESPO}/CBeteiligte/{RECORD}").mock(return_value=httpx.Response(401))
    client = stage.espo()
    calls = [client.read("CBeteiligte", RECORD) for _ in range(8)]
    results = await asyncio.gather(*calls, return_exceptions=True)
    assert all(isinstance(result, Credentials | CircuitOpen) for result in results)
    assert any(isinstance(result, Credentials) for result in results)
    assert route.call_count <= 10


async def test_the_lock_out_opens_the_circuit_for_a_minute_at_once(stage: Stage) -> None:
    route = stage.router.get(f"{ESPO}/CBeteiligte/{RECORD}").mock(return_value=httpx.Response(403))
    client = stage.espo()
    with pytest.raises(Outage):
        await client.read("CBeteiligte", RECORD)
    stage.hours.time += 59
    with pytest.raises(CircuitOpen) as caught:
        await client.read("CBeteiligte", RECORD)
    assert caught.value.retry_after == pytest.approx(1.0)
    assert route.call_count == 1
    stage.hours.time += 1
    route.mock(return_value=httpx.Response(200, json={"id": RECORD}))
    await client.read("CBeteiligte", RECORD)


async def test_a_list_is_asked_for_in_the_form_that_is_not_silently_ignored(stage: Stage) -> None:
    route = stage.router.get(f"{ESPO}/CBeteiligte").mock(
        return_value=httpx.Response(200, json={"total": -2, "list": []})
    )
    where = [{"type": "equals", "attribute": "phoneNumber", "value": "+49 511/12&3?ä"}]
    page = await stage.espo().list("CBeteiligte", where=where, select=["id"], order_by="modifiedAt")
    request = route.calls.last.request
    assert json.loads(request.url.params["searchParams"]) == {
        "where": where,
        "select": ["id"],
        "maxSize": 200,
        "offset": 0,
        "orderBy": "modifiedAt",
        "order": "asc",
    }
    assert request.headers["X-No-Total"] == "true"
    assert request.headers["X-Api-Key"] == KEY
    assert page.last


@pytest.mark.parametrize(
    ("total", "rows", "offset", "last"),
    [(-1, 2, 0, False), (-2, 1, 4, True), (-2, 0, 4, True), (5, 2, 0, False), (5, 1, 4, True), (0, 0, 0, True)],
)
async def test_a_page_knows_whether_it_is_the_last(
    stage: Stage, total: int, rows: int, offset: int, last: bool
) -> None:
    body = {"total": total, "list": [{"id": str(n)} for n in range(rows)]}
    stage.router.get(f"{ESPO}/CBeteiligte").mock(return_value=httpx.Response(200, json=body))
    page = await stage.espo().list("CBeteiligte", max_size=2, offset=offset, count="exact")
    assert page.last is last
    assert len(page.rows) == rows


@pytest.mark.parametrize(
    "body",
    [{"total": -1, "list": [{"id": "a"}]}, {"total": 9, "list": [{"id": "a"}]}, {"list": []}, {"total": 0}, [], "no"],
)
async def test_a_page_cut_short_is_an_error_and_never_a_short_list(stage: Stage, body: Any) -> None:
    stage.router.get(f"{ESPO}/CBeteiligte").mock(return_value=httpx.Response(200, json=body))
    with pytest.raises(Retryable):
        await stage.espo().list("CBeteiligte", max_size=2)


async def test_a_record_an_admin_sees_as_deleted_is_gone(stage: Stage) -> None:
    body = {"id": RECORD, "deleted": True}
    stage.router.get(f"{ESPO}/CBeteiligte/{RECORD}").mock(return_value=httpx.Response(200, json=body))
    with pytest.raises(Missing) as caught:
        await stage.espo().read("CBeteiligte", RECORD)
    assert caught.value.certain


async def test_another_record_than_asked_for_is_no_answer(stage: Stage) -> None:
    route = stage.router.get(f"{ESPO}/CBeteiligte/{RECORD}")
    route.mock(return_value=httpx.Response(200, json={"id": "another", "lastName": PERSON}))
    with pytest.raises(Retryable, match="another record"):
        await stage.espo().read("CBeteiligte", RECORD)


async def test_a_create_answered_without_an_id_may_have_been_made(stage: Stage) -> None:
    stage.router.post(f"{ESPO}/Task").mock(return_value=httpx.Response(200, json={}))
    with pytest.raises(Retryable, match="without an id") as caught:
        await stage.espo().create("Task", {"name": "x"})
    assert caught.value.in_doubt


async def test_writes_carry_what_they_promise(stage: Stage) -> None:
    patch = stage.router.patch(f"{ESPO}/CBeteiligte/{RECORD}")
    patch.mock(return_value=httpx.Response(200, json={"id": RECORD}, headers={"Date": "Fri, 20 Nov 2026 10:00:00 GMT"}))
    post = stage.router.post(f"{ESPO}/Task").mock(return_value=httpx.Response(200, json={"id": "t"}))
    client = stage.espo()
    reply = await client.update("CBeteiligte", RECORD, {"a": None}, version=7)
    await client.create("Task", {"name": "x"})
    await client.create("Task", {"name": "x"}, duplicates="check")
    assert patch.calls.last.request.headers["X-Version-Number"] == "7"
    assert patch.calls.last.request.headers["Content-Type"] == "application/json"
    assert json.loads(patch.calls.last.request.content) == {"a": None}
    assert reply.date == 1795168800.0
    await client.update("CBeteiligte", RECORD, {"a": None}, version=0)
    assert patch.calls.last.request.headers["X-Version-Number"] == "0"
    assert ["X-Skip-Duplicate-Check" in call.request.headers for call in post.calls] == [True, False]
    with pytest.raises(ValueError, match="without changes"):
        await client.update("CBeteiligte", RECORD, {})
    with pytest.raises(ValueError, match="path"):
        await client.read("CBeteiligte", "")


async def test_metrics_get_routes_without_ids(stage: Stage) -> None:
    stage.router.get(url__startswith=ESPO).mock(
        return_value=httpx.Response(200, json={"id": RECORD, "list": [], "total": 0})
    )
    client = stage.espo()
    await client.read("CBeteiligte", RECORD)
    await client.related("CBeteiligte", RECORD, "adressen")
    await client.request("GET", f"CBeteiligte/{RECORD}/stream")
    assert [route for _, _, route, _ in stage.seen] == [
        "CBeteiligte/{id}",
        "CBeteiligte/{id}/adressen",
        "CBeteiligte/{id}/stream",
    ]


async def test_no_log_line_and_no_repr_holds_a_key_or_a_name(stage: Stage, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    stage.router.get(url__startswith=ESPO).mock(
        return_value=httpx.Response(200, json={"list": [{"id": PERSON}], "total": 1})
    )
    client = stage.espo()
    page = await client.list("CBeteiligte", where=[{"type": "equals", "attribute": "lastName", "value": PERSON}])
    shown = caplog.text + repr(client) + repr(page) + client.credentials + repr(Login("admin", KEY))
    assert PERSON not in shown
    assert KEY not in shown
