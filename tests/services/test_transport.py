"""The real connection on loopback: what is sent arrives unchanged, writes are never repeated unseen, doubt is told."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest

from services.errors import Outage
from services.espocrm import ApiKey, EspoClient
from tests.services.stage import Stage

Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def server(serve: Serve) -> AsyncIterator[str]:
    async def guarded(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await serve(reader, writer)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    running = await asyncio.start_server(guarded, "127.0.0.1", 0)
    async with running:
        yield f"http://127.0.0.1:{running.sockets[0].getsockname()[1]}/api/v1"


async def request_head(reader: asyncio.StreamReader) -> bytes:
    head = await reader.readuntil(b"\r\n\r\n")
    for line in head.lower().split(b"\r\n"):
        if line.startswith(b"content-length:"):
            await reader.readexactly(int(line.split(b":")[1]))
    return head


def reply(body: bytes, extra: bytes = b"") -> bytes:
    return b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n%s\r\n%s" % (len(body), extra, body)


async def test_a_search_arrives_as_it_was_sent_and_cookies_do_not_come_back() -> None:
    heads: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            heads.append(await request_head(reader))
            writer.write(reply(b'{"list":[],"total":-2}', b"Set-Cookie: auth=secret; path=/\r\n"))

    where = [{"type": "equals", "attribute": "phoneNumber", "value": "+49 511/1&2=3#ä%2B;"}]
    async with server(serve) as url:
        client = EspoClient(url, ApiKey("k"), Stage().ports)
        await client.list("CBeteiligte", where=where)
        await client.list("CBeteiligte", where=where)
        await client.close()
    from urllib.parse import parse_qs, urlsplit

    for head in heads:
        query = parse_qs(urlsplit(head.split(b" ")[1].decode()).query)
        assert json.loads(query["searchParams"][0])["where"] == where
        assert b"cookie" not in head.lower()
    assert len(heads) == 2


@pytest.mark.parametrize("verb", ["PUT", "DELETE", "PATCH", "POST"])
async def test_a_write_into_a_breaking_connection_is_sent_once_and_in_doubt(verb: str) -> None:
    verbs: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        verbs.append((await request_head(reader)).split(b" ")[0])
        writer.write(reply(b"true"))
        verbs.append((await request_head(reader)).split(b" ")[0])

    async with server(serve) as url:
        client = EspoClient(url, ApiKey("k"), Stage().ports)
        await client.request("GET", "X")
        with pytest.raises(Outage) as caught:
            await client.request(verb, "X/1", body={"a": 1})
        await client.close()
    assert verbs == [b"GET", verb.encode()]
    assert caught.value.in_doubt


async def test_a_write_to_nobody_was_not_sent() -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await request_head(reader)

    async with server(serve) as url:
        pass
    client = EspoClient(url, ApiKey("k"), Stage().ports)
    with pytest.raises(Outage, match="no connection") as caught:
        await client.create("X", {"a": 1})
    await client.close()
    assert caught.value.in_doubt is False


async def test_garbage_instead_of_http_is_an_outage() -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await request_head(reader)
        writer.write(b"this is not HTTP\r\n\r\n")
        await writer.drain()

    async with server(serve) as url:
        client = EspoClient(url, ApiKey("k"), Stage().ports)
        with pytest.raises(Outage) as caught:
            await client.create("X", {"a": 1})
        await client.close()
    assert caught.value.in_doubt


async def test_a_certificate_nobody_vouches_for_is_refused(tmp_path_factory: pytest.TempPathFactory) -> None:
    import ssl

    from services.transport import Connections

    transport = Connections()
    context = transport.session.connector._ssl  # type: ignore[union-attr]
    assert isinstance(context, ssl.SSLContext)
    assert context.verify_mode is ssl.CERT_REQUIRED
    assert context.check_hostname
    await transport.aclose()
