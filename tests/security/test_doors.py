"""Who stands before the doors without a key: learns nothing, changes nothing, and keeps nobody else waiting."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import inspect
import json
from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest

from scripts.docs_security import api_routes, bare_api
from syncd import delivery, http_limits, http_protocol, http_server
from syncd.api import create_api
from syncd.http_protocol import MAX_HEAD, Patient
from syncd.http_server import Server
from syncd.ledger import schema
from tests.doors.conftest import SECRET, TOKEN, WEBHOOK, Doors
from tests.doors.test_intake import BODY, PATH, signed, waiting

OPEN = {("GET", "/healthz"), ("GET", "/readyz"), ("GET", "/metrics"), ("GET", "/version")}

# --- who needs what -------------------------------------------------------------------------------


def filled(path: str) -> str:
    """A path with something in place of its parameters."""
    return path.replace("{entity}", "beteiligte").replace("{action}", "update").replace("{id}", "65f0a1b2c3d4e5f67")


def paths(routes: Iterable[Any]) -> Iterator[str]:
    """Every path the application answers, those of included routers too, without their prefix."""
    for route in routes:
        included = getattr(route, "original_router", route)
        if hasattr(included, "routes"):
            yield from paths(included.routes)
        else:
            yield route.path


def test_the_description_hides_no_route() -> None:
    """Beside what it describes there are only the description itself and the page that shows it."""
    api = bare_api()
    there = [path.replace("{id:path}", "{id}").removeprefix("/api/v1") for path in paths(api.routes)]
    described = [path.removeprefix("/api/v1") for _, path, _ in api_routes()]
    assert sorted(there) == sorted([*described, "/docs", "/openapi.json"])


@pytest.mark.parametrize(("verb", "path"), [(verb, path) for verb, path, _ in api_routes()])
async def test_every_route_but_four_needs_a_token_or_a_signature(doors: Doors, verb: str, path: str) -> None:
    async with doors.client() as client:
        answer = await client.request(verb, filled(path), content=b"[]")
    assert (answer.status_code == 200) is ((verb, path) in OPEN), answer.text
    assert answer.status_code in (200, 401)


@pytest.mark.parametrize("verb", ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "HEAD"])
async def test_no_other_verb_opens_a_route(doors: Doors, verb: str) -> None:
    async with doors.client() as client:
        for known, path, _ in api_routes():
            if verb != known:
                answer = await client.request(verb, filled(path))
                assert answer.status_code in (401, 404, 405) or (verb, path) in OPEN, (verb, path, answer.status_code)


WRONG: list[dict[str, str]] = [
    {},
    {"Authorization": "Bearer"},
    {"Authorization": "Bearer "},
    {"Authorization": f"Basic {TOKEN}"},
    {"Authorization": f"Bearer {TOKEN}x"},
    {"Authorization": f"Bearer {TOKEN[:-1]}"},
    {"Authorization": f"Bearer {TOKEN.upper()}"},
    {"Authorization": f"Bearer {TOKEN} {TOKEN}"},
    {"Authorization": f"Bearer {TOKEN}, Bearer {TOKEN}"},
    {"Authorization": TOKEN},
    {"X-Api-Key": TOKEN},
    {"X-Auth-Token": TOKEN},
    {"Cookie": f"token={TOKEN}; access_token={TOKEN}; Authorization=Bearer {TOKEN}"},
    {"Proxy-Authorization": f"Bearer {TOKEN}"},
]


@pytest.mark.parametrize("headers", WRONG)
async def test_the_token_counts_in_one_header_whole_and_nowhere_else(doors: Doors, headers: dict[str, str]) -> None:
    async with doors.client() as client:
        answer = await client.get("/api/v1/status", headers=headers)
    assert (answer.status_code, answer.headers["www-authenticate"]) == (401, "Bearer")


@pytest.mark.parametrize("name", ["token", "access_token", "api_key", "apikey", "key", "Authorization", "bearer"])
async def test_a_token_in_an_address_is_none_for_addresses_are_logged_by_proxies(doors: Doors, name: str) -> None:
    async with doors.client() as client:
        for value in (TOKEN, f"Bearer {TOKEN}"):
            assert (await client.get("/api/v1/status", params={name: value})).status_code == 401
        assert (await client.post("/api/v1/pause", json={name: TOKEN})).status_code == 401


@pytest.mark.parametrize("given", ["", " ", "Bearer ", "Bearer x", f"Bearer {TOKEN}"])
async def test_without_a_configured_token_nobody_is_let_in(doors: Doors, given: str) -> None:
    async with doors.client(api_token="") as client:
        for verb, path, _ in api_routes():
            if path.startswith(("/api/", "/sync/")):
                answer = await client.request(verb, filled(path), headers={"Authorization": given})
                assert answer.status_code == 403


def test_tokens_and_signatures_are_compared_in_constant_time() -> None:
    """By hash, so that not even the length is told; and every secret of a webhook is tried."""
    assert "compare_digest" in inspect.getsource(http_limits.bearer)
    assert "==" not in inspect.getsource(http_limits.bearer).replace('scheme.lower() == "bearer"', "")
    assert "compare_digest" in inspect.getsource(delivery.verify)
    assert "==" not in inspect.getsource(delivery.verify)
    assert not [line for line in inspect.getsource(delivery.verify).splitlines() if "any(hmac" in line]


async def test_what_is_open_tells_nothing_of_people_or_secrets(doors: Doors) -> None:
    """Counts and names of ours; a page of another origin may not read it, nor frame it."""
    await doors.ledger.write(
        lambda conn: conn.execute(schema.pauses.insert().values(scope="all", since=0.0, why="wegen Mandant Geheim"))
    )
    async with doors.client() as client:
        for path in ("/healthz", "/readyz", "/metrics", "/version", "/docs", "/openapi.json"):
            answer = await client.get(path, headers={"Origin": "https://evil.example"})
            assert answer.status_code == 200
            for secret in (TOKEN, SECRET, WEBHOOK, "Geheim"):
                assert secret not in answer.text, path
            assert "access-control-allow-origin" not in answer.headers


# --- signatures -----------------------------------------------------------------------------------


async def test_the_signature_is_of_the_bytes_as_they_came(doors: Doors) -> None:
    """The same JSON in other bytes is another body: neither order, blanks nor escapes may change."""
    body = b'[ {"name" : "M\\u00fcller", "id":"65f0a1b2c3d4e5f67"} ]'
    same = [json.dumps(json.loads(body)).encode(), body.strip() + b"\n", body.replace(b"\\u00fc", "ü".encode())]
    async with doors.client() as client:
        for other in same:
            assert json.loads(other) == json.loads(body)
            assert (await client.post(PATH, content=other, headers=signed(body))).status_code == 401
        assert await waiting(doors) == []
        assert (await client.post(PATH, content=body, headers=signed(body))).status_code == 200


@pytest.mark.parametrize("secret", ["", None])
async def test_a_webhook_without_a_secret_lets_nobody_in(doors: Doors, secret: str | None) -> None:
    """An empty secret would be one that everybody knows."""

    async def secrets(_: str) -> Sequence[str]:
        return () if secret is None else (secret,)

    async with doors.client(secrets=secrets) as client:
        assert (await client.post(PATH, content=BODY, headers=signed(BODY, secret or ""))).status_code == 401
    assert await waiting(doors) == []


async def test_a_registered_webhook_with_an_empty_secret_lets_nobody_in(doors: Doors) -> None:
    row = {"webhook_id": "ours", "secret": "", "event": "CBeteiligte.update"}
    await doors.ledger.write(lambda conn: conn.execute(schema.secrets.insert().values(**row)))
    async with doors.client() as client:
        assert (await client.post(PATH, content=BODY, headers=signed(BODY, "", "ours"))).status_code == 401


async def test_an_unknown_webhook_and_a_wrong_signature_are_answered_alike(doors: Doors) -> None:
    """Or a stranger would learn which ids there are."""
    async with doors.client() as client:
        answers = [
            await client.post(PATH, content=BODY, headers=headers)
            for headers in (signed(BODY, webhook="unknown"), signed(BODY, secret="wrong"), {})
        ]
    assert {(one.status_code, one.text) for one in answers} == {(401, answers[0].text)}


async def test_a_body_nested_too_deep_for_the_reader_is_refused_and_one_that_can_be_read_is_kept(doors: Doors) -> None:
    async with doors.client() as client:
        for depth in (100, 400, 800, 900, 950, 980, 990, 1000, 5000, 200_000):
            body = b'[{"id": "65f0a1b2c3d4e5f67", "x": ' + b"[" * depth + b"]" * depth + b"}]"
            answer = await client.post(PATH, content=body, headers=signed(body))
            assert answer.status_code in (200, 400), (depth, answer.text)
            deep = b'{"take": ' + b"[" * depth + b"]" * depth + b"}"
            asked = await client.post(
                "/api/v1/conflicts/c1/resolve",
                content=deep,
                headers={"Authorization": f"Bearer {TOKEN}", "Content-Type": "application/json"},
            )
            assert asked.status_code in (400, 413), (depth, asked.text)


async def test_a_packed_body_is_not_unpacked(doors: Doors) -> None:
    """There is no bomb where nothing is unpacked: the signature is of the bytes, and these are no JSON."""
    import gzip

    packed = gzip.compress(BODY)
    async with doors.client() as client:
        answer = await client.post(PATH, content=packed, headers=signed(packed) | {"Content-Encoding": "gzip"})
    assert answer.status_code == 400


# --- slow and large -------------------------------------------------------------------------------


@asynccontextmanager
async def serving(doors: Doors) -> AsyncIterator[int]:
    """The daemon's own server on a free port."""
    import socket

    listening = socket.create_server(("127.0.0.1", 0))
    server = Server(create_api(doors.deps))
    running = asyncio.create_task(server.serve(sockets=[listening]))
    try:
        async with asyncio.timeout(60):
            await server.up.wait()
            yield listening.getsockname()[1]
    finally:
        server.should_exit = True
        await running


async def until_closed(port: int, *pieces: bytes, endless: bytes = b"") -> tuple[bytes, int]:
    """Send pieces, then one of them for ever; what was answered until the other end hung up, and the bytes sent."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    sent = 0

    async def send() -> None:
        nonlocal sent
        try:
            for piece in pieces:
                writer.write(piece)
                await writer.drain()
            while endless:
                writer.write(endless)
                sent += len(endless)
                await writer.drain()
                await asyncio.sleep(0)
        except ConnectionError:
            return

    sending = asyncio.create_task(send())
    said = b""
    try:
        async with asyncio.timeout(60):
            while piece := await reader.read(65536):
                said += piece
    except ConnectionError:
        pass
    finally:
        sending.cancel()
        writer.close()
    return said, sent


START = b"GET /healthz HTTP/1.1\r\nHost: syncd\r\n"


@pytest.mark.parametrize(
    ("begin", "endless"),
    [
        (START + b"X-Long: ", b"x" * 4096),
        (START, b"X-Many: y\r\n" * 300),
        (b"GET /", b"a" * 4096),
        (START + b"\r\n" + START + b"X-Second: ", b"x" * 4096),
    ],
    ids=["one header", "many headers", "the address", "the second request"],
)
async def test_a_head_without_end_is_hung_up_on_before_it_fills_the_memory(
    doors: Doors, begin: bytes, endless: bytes
) -> None:
    async with serving(doors) as port:
        said, _ = await until_closed(port, begin, endless=endless)
    assert said.rpartition(b"HTTP/1.1 ")[2].startswith((b"431 ", b"400 "))


async def test_a_head_of_nearly_the_limit_is_read(doors: Doors) -> None:
    head = START + b"X-Long: " + b"x" * (MAX_HEAD - 200) + b"\r\nConnection: close\r\n\r\n"
    async with serving(doors) as port:
        said, _ = await until_closed(port, *(head[at : at + 4096] for at in range(0, len(head), 4096)))
    assert said.startswith(b"HTTP/1.1 200 ")


@pytest.mark.parametrize(
    "pieces",
    [
        (),
        (b"GE",),
        (START + b"X-Slow: ",),
        (START + b"Content-Length: 5\r\n\r\nab",),
        (b"POST /nowhere HTTP/1.1\r\nHost: x\r\nContent-Length: 60000\r\n\r\nab",),
        (START + b"\r\n", b"\r\n"),
    ],
    ids=["silent", "two letters", "within a head", "within a body", "within a body nobody reads", "blank lines"],
)
async def test_who_does_not_go_on_is_hung_up_on(
    doors: Doors, monkeypatch: pytest.MonkeyPatch, pieces: tuple[bytes, ...]
) -> None:
    monkeypatch.setattr(Patient, "send_seconds", 0.3)
    async with serving(doors) as port:
        await until_closed(port, *pieces)  # its own time-out of a minute would fail the test


async def test_a_large_body_in_many_pieces_is_no_long_head(doors: Doors) -> None:
    body = b'[{"id": "65f0a1b2c3d4e5f67", "text": "' + b"x" * (4 * MAX_HEAD) + b'"}]'
    async with serving(doors) as port, httpx.AsyncClient() as client:
        for _ in range(2):
            answer = await client.post(f"http://127.0.0.1:{port}{PATH}", content=body, headers=signed(body))
            assert answer.status_code == 200


async def test_answers_do_not_tell_which_server_this_is(doors: Doors) -> None:
    async with serving(doors) as port, httpx.AsyncClient() as client:
        assert "server" not in (await client.get(f"http://127.0.0.1:{port}/healthz")).headers


def test_patience_is_longer_than_any_route_takes_and_connections_are_counted() -> None:
    from syncd.api import LIMIT, WEBHOOK_LIMIT

    assert max(LIMIT.seconds, WEBHOOK_LIMIT.seconds) < http_protocol.SEND_SECONDS
    assert Server(bare_api()).config.limit_concurrency == http_server.CONNECTIONS


async def test_a_header_that_is_sent_twice_or_split_makes_no_second_answer(doors: Doors) -> None:
    """No part of a request comes back in an answer's head."""
    async with serving(doors) as port:
        said, _ = await until_closed(
            port, b"GET /api/v1/records/x%0d%0aX-Injected:%201 HTTP/1.1\r\nHost: s\r\nConnection: close\r\n\r\n"
        )
    assert b"x-injected" not in said.lower()
    assert said.count(b"HTTP/1.1") == 1


def test_a_signature_is_the_one_of_the_specification() -> None:
    proof = hmac.new(SECRET.encode(), BODY, hashlib.sha256)
    assert delivery.hex_proof(SECRET.encode(), BODY) == proof.hexdigest().encode()
    assert delivery.raw_proof(SECRET.encode(), BODY) == proof.digest()
