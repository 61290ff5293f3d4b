"""Webhooks: only EspoCRM's own are taken in, and what is answered 200 is in the ledger."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json
import socket
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from typing import Any

import httpx
import pytest
import uvicorn
from sqlalchemy import Connection, select

from syncd import inspect, intake
from syncd.api import create_api
from syncd.delivery import MAX_BODY, Rejected, Signed, hex_proof, raw_proof, verify
from syncd.ledger import schema, work
from syncd.ledger.store import LedgerUnavailable
from tests.doors.conftest import NOW, SECRET, WEBHOOK, Doors
from tests.secrecy.marks import logged

PATH = "/webhooks/espocrm/CBeteiligte/update"
ID = "6b0016e4c18a47abb"
BODY = json.dumps([{"id": ID, "lastName": "Müller"}, {"id": "6b0016e4c18a47abc"}, {"id": ID, "titel": None}]).encode()


def signed(body: bytes, secret: str = SECRET, webhook: str = WEBHOOK) -> dict[str, str]:
    """The newer header, as EspoCRM computes it."""
    proof = hex_proof(secret.encode(), body)
    return {"Signature": base64.b64encode(webhook.encode() + b":" + proof).decode()}


def signed_before(body: bytes, secret: str = SECRET, webhook: str = WEBHOOK) -> dict[str, str]:
    """The older header."""
    proof = raw_proof(secret.encode(), body)
    return {"X-Signature": base64.b64encode(webhook.encode() + b":" + proof).decode()}


async def until_rung(doors: Doors) -> None:
    """Return once the queue was rung, soon after the answer."""
    async with asyncio.timeout(60):
        while not doors.rung:
            await asyncio.sleep(0)


async def waiting(doors: Doors) -> list[work.Due]:
    return await doors.ledger.read(work.due, NOW, 1000)


async def test_a_delivery_is_stored_before_it_is_answered_and_then_rings_the_queue(
    doors: Doors, client: httpx.AsyncClient
) -> None:
    answer = await client.post(PATH, content=BODY, headers=signed(BODY))
    assert answer.status_code == 200
    assert answer.json() == {"status": "received", "action": "update", "new_ids_count": 2, "total_ids_in_batch": 3}
    assert [due.key for due in await waiting(doors)] == [f"beteiligte/{ID}", "beteiligte/6b0016e4c18a47abc"]
    await until_rung(doors)
    assert doors.rung == [f"beteiligte/{ID}", "beteiligte/6b0016e4c18a47abc"]
    kept = await inspect.events(doors.ledger, f"beteiligte/{ID}")
    assert [(item["event"], item["attributes"]) for item in kept] == [
        ("update", ["id", "titel"]),
        ("update", ["id", "lastName"]),
    ]


@pytest.mark.parametrize(
    "path",
    [
        "/webhooks/espocrm/CBeteiligte/create",
        "/webhooks/espocrm/cbeteiligte/delete",
        "/webhooks/espocrm/beteiligte/update",
        "/vmh/webhook/beteiligte/create",
    ],
)
async def test_every_name_of_the_entity_leads_here(doors: Doors, client: httpx.AsyncClient, path: str) -> None:
    answer = await client.post(path, content=BODY, headers=signed_before(BODY))
    assert (answer.status_code, answer.json()["action"]) == (200, path.rpartition("/")[2])
    assert len(await waiting(doors)) == 2


@pytest.mark.parametrize("path", ["/webhooks/espocrm/CAkten/update", "/webhooks/espocrm/CBeteiligte/merge"])
async def test_an_address_that_is_none_of_ours_is_not_found(client: httpx.AsyncClient, path: str) -> None:
    assert (await client.post(path, content=BODY, headers=signed(BODY))).status_code == 404


def _header(text: bytes) -> str:
    return base64.b64encode(text).decode()


@pytest.mark.parametrize(
    "headers",
    [
        {},
        signed(BODY + b" "),
        signed(BODY, secret="another"),
        signed(BODY, webhook="unknown"),
        signed_before(BODY, secret="another"),
        {"Signature": "no base64 at all"},
        {"Signature": _header(b"no colon")},
        {"Signature": _header(b"../../etc:" + hex_proof(SECRET.encode(), BODY))},
        {"Signature": _header(WEBHOOK.encode() + b":\xff\xfe")},
        {"Signature": "ÄÖÜ".encode("latin-1").decode("latin-1")},
        # A wrong newer signature is not made good by the older one.
        {**signed(BODY, secret="another"), **signed_before(BODY)},
    ],
)
async def test_whoever_cannot_sign_is_refused(doors: Doors, client: httpx.AsyncClient, headers: dict[str, str]) -> None:
    answer = await client.post(
        PATH, content=BODY, headers=[(k.encode(), v.encode("latin-1")) for k, v in headers.items()]
    )
    assert answer.status_code == 401
    assert list(answer.json()) == ["error"]
    assert await waiting(doors) == []


async def test_a_webhook_registered_by_us_needs_no_setting(doors: Doors, client: httpx.AsyncClient) -> None:
    def register(conn: Connection) -> None:
        conn.execute(schema.secrets.insert().values(webhook_id="ours", secret="s" * 32, event="CBeteiligte.update"))

    await doors.ledger.write(register)
    answer = await client.post(PATH, content=BODY, headers=signed(BODY, "s" * 32, "ours"))
    assert answer.status_code == 200


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"not json",
        b"{}",
        b"null",
        b'"text"',
        b"[1]",
        b"[null]",
        b"[[]]",
        b"[{}]",
        b'[{"id": 5}]',
        b'[{"id": ""}]',
        b'[{"id": "../x"}]',
        b'[{"id": "' + b"a" * 41 + b'"}]',
        b'[{"id": "abc\\u0000"}]',
        b'[{"id": "abc", "x": NaN}]',
        b'[{"id": "abc", "x": 1e999}]',
        b'[{"id": "abc", "x": ' + b"9" * 5000 + b"}]",
        b"[" * 100_000,
        b"\xff\xfe\x00",
        b'[{"id": "abc"',
    ],
)
async def test_nonsense_is_refused_in_one_line(doors: Doors, client: httpx.AsyncClient, body: bytes) -> None:
    answer = await client.post(PATH, content=body, headers=signed(body))
    assert answer.status_code == 400
    assert list(answer.json()) == ["error"]
    assert "\n" not in answer.text
    assert await waiting(doors) == []


async def test_an_empty_delivery_is_received(client: httpx.AsyncClient) -> None:
    answer = await client.post(PATH, content=b"[]", headers=signed(b"[]"))
    assert answer.json() == {"status": "received", "action": "update", "new_ids_count": 0, "total_ids_in_batch": 0}


async def test_any_number_of_events_is_taken_in(doors: Doors, client: httpx.AsyncClient) -> None:
    body = json.dumps([{"id": f"{number:017x}"} for number in range(5_000)]).encode()
    answer = await client.post(PATH, content=body, headers=signed(body))
    assert answer.json()["new_ids_count"] == 5_000
    assert (await inspect.status(doors.ledger, NOW))["waiting"] == {"live": 5_000}


async def test_without_ledger_the_delivery_is_asked_for_again(doors: Doors) -> None:
    async def broken(_: str) -> Sequence[str]:
        raise LedgerUnavailable("database is locked: /var/lib/syncd/ledger.db")

    async with doors.client(secrets=broken) as client:
        answer = await client.post(PATH, content=BODY, headers=signed(BODY))
    assert answer.status_code == 503
    assert "/var" not in answer.text
    await doors.ledger.write(lambda conn: schema.deliveries.drop(conn))
    async with doors.client() as client:
        answer = await client.post(PATH, content=BODY, headers=signed(BODY))
    assert answer.status_code == 503
    assert await waiting(doors) == []
    assert 'syncd_webhooks_total{outcome="no_ledger"} 2.0' in doors.deps.metrics.render().decode()


async def test_a_ledger_that_hangs_is_not_waited_for(doors: Doors, monkeypatch: pytest.MonkeyPatch) -> None:
    async def never(_: str) -> Sequence[str]:
        await asyncio.Event().wait()
        raise AssertionError

    monkeypatch.setattr(intake, "PATIENCE", 0.05)
    async with doors.client(secrets=never) as client:
        assert (await client.post(PATH, content=BODY, headers=signed(BODY))).status_code == 503


async def test_deliveries_that_wait_for_a_ledger_that_hangs_are_asked_for_again(
    doors: Doors, monkeypatch: pytest.MonkeyPatch
) -> None:
    written: list[int] = []

    async def hangs(*_: object) -> None:
        written.append(1)
        await asyncio.Event().wait()

    monkeypatch.setattr(intake, "PATIENCE", 0.05)
    monkeypatch.setattr(doors.ledger, "write", hangs)
    async with doors.client() as client:
        answers = await asyncio.gather(*(client.post(PATH, content=BODY, headers=signed(BODY)) for _ in range(3)))
    assert [answer.status_code for answer in answers] == [503] * 3
    assert len(written) < 3


async def test_deliveries_that_come_together_are_stored_and_told_together(doors: Doors) -> None:
    with logged() as said:
        async with doors.client() as client:
            answers = await asyncio.gather(*(client.post(PATH, content=BODY, headers=signed(BODY)) for _ in range(8)))
    assert {answer.status_code for answer in answers} == {200}
    lines = [json.loads(line) for line in said.getvalue().splitlines()]
    told = [line for line in lines if line["event"] == "webhook.received"]
    assert (sum(line["deliveries"] for line in told), sum(line["count"] for line in told)) == (8, 24)
    assert {(line["entity"], line["action"], line["webhook"]) for line in told} == {("beteiligte", "update", WEBHOOK)}
    assert 'syncd_webhooks_total{outcome="received"} 8.0' in doors.deps.metrics.render().decode()
    assert "syncd_webhook_events_total 24.0" in doors.deps.metrics.render().decode()
    assert len(await doors.ledger.read(lambda conn: conn.execute(select(schema.deliveries)).all())) == 24


async def test_in_a_flood_the_queue_is_rung_for_some_and_the_rest_waits_in_the_ledger(doors: Doors) -> None:
    bodies = [json.dumps([{"id": f"{number:03}x{one}"} for one in range(5)]).encode() for number in range(60)]
    async with doors.client() as client:
        await asyncio.gather(*(client.post(PATH, content=body, headers=signed(body)) for body in bodies))
    await until_rung(doors)
    assert 100 <= len(doors.rung) < len(await waiting(doors)) == 300


async def test_without_redis_nothing_is_lost(doors: Doors, client: httpx.AsyncClient) -> None:
    doors.queue_away = True
    assert (await client.post(PATH, content=BODY, headers=signed(BODY))).status_code == 200
    assert len(await waiting(doors)) == 2


async def test_the_same_delivery_twice_makes_the_same_work_once(doors: Doors, client: httpx.AsyncClient) -> None:
    for _ in range(2):
        await client.post(PATH, content=BODY, headers=signed(BODY))
    assert len(await waiting(doors)) == 2
    assert len(await doors.ledger.read(lambda conn: conn.execute(select(schema.deliveries)).all())) == 6


# --- a real socket ----------------------------------------------------------------------------


@contextlib.asynccontextmanager
async def serving(app: Any) -> AsyncIterator[int]:
    """A real server on a free port."""
    listening = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(app, log_config=None, lifespan="off"))
    running = asyncio.create_task(server.serve(sockets=[listening]))
    try:
        async with asyncio.timeout(30):
            while not server.started:
                await asyncio.sleep(0.01)
        yield listening.getsockname()[1]
    finally:
        server.should_exit = True
        await running


async def _ask(port: int, head: str, parts: AsyncIterator[bytes] | None = None) -> bytes:
    """Send a request until it is answered; returns the answer's head."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(head.replace("\n", "\r\n").encode())

    async def send() -> None:
        with contextlib.suppress(ConnectionError):
            if parts is not None:
                async for part in parts:
                    writer.write(part)
                    await writer.drain()

    sending = asyncio.create_task(send())
    try:
        async with asyncio.timeout(60):
            return await reader.readuntil(b"\r\n\r\n")
    finally:
        sending.cancel()
        writer.close()


def _head(headers: dict[str, str], length: str) -> str:
    lines = "".join(f"{name}: {value}\n" for name, value in headers.items())
    return f"POST {PATH} HTTP/1.1\nHost: syncd\n{length}\n{lines}\n"


async def test_a_body_that_is_too_large_is_refused_before_it_is_sent(doors: Doors) -> None:
    async with serving(create_api(doors.deps)) as port:
        head = await _ask(port, _head(signed(BODY), f"Content-Length: {MAX_BODY + 1}"))
    assert head.startswith(b"HTTP/1.1 413 ")


async def test_a_body_without_announced_length_is_cut_off_at_the_limit(doors: Doors) -> None:
    sent = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal sent
        chunk = b"%x\r\n" % 65536 + b"x" * 65536 + b"\r\n"
        while sent < 10 * MAX_BODY:
            sent += 65536
            yield chunk

    async with serving(create_api(doors.deps)) as port:
        head = await _ask(port, _head(signed(BODY), "Transfer-Encoding: chunked"), endless())
    assert head.startswith(b"HTTP/1.1 413 ")
    assert sent < 2 * MAX_BODY


async def test_a_stranger_is_refused_without_reading_his_body(doors: Doors) -> None:
    unknown = signed(BODY, webhook="6b0016e4c18a47aff")
    async with serving(create_api(doors.deps)) as port:
        heads = [await _ask(port, _head(headers, f"Content-Length: {MAX_BODY}")) for headers in ({}, unknown)]
    assert all(head.startswith(b"HTTP/1.1 401 ") for head in heads)


async def test_a_body_of_just_the_limit_is_read(doors: Doors) -> None:
    body = b'[{"id": "%s", "text": "' % ID.encode()
    body += b"x" * (MAX_BODY - len(body) - 3) + b'"}]'
    async with serving(create_api(doors.deps)) as port, httpx.AsyncClient() as client:
        answer = await client.post(f"http://127.0.0.1:{port}{PATH}", content=body, headers=signed(body), timeout=60)
    assert answer.status_code == 200


async def test_an_empty_secret_proves_nothing(doors: Doors) -> None:
    async def nothing_set(webhook_id: str) -> Sequence[str]:
        return [""]

    strangers = replace(doors.deps, secrets=nothing_set).intake
    with pytest.raises(Rejected):
        await strangers.known({name.lower(): value for name, value in signed(BODY, "").items()})


def test_a_delivery_is_believed_by_any_of_several_secrets_and_by_no_other() -> None:
    one = Signed(WEBHOOK, hex_proof(SECRET.encode(), BODY), hex_proof)
    verify(one, BODY, ["another", SECRET])
    for secrets in (["another"], []):
        with pytest.raises(Rejected):
            verify(one, BODY, secrets)
