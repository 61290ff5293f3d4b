"""Where requests go, what follows them, and how much memory an answer may take."""

from __future__ import annotations

import asyncio
import contextlib
import tracemalloc
from collections.abc import Callable
from typing import Any

import pytest

from services.errors import PeerError, Retryable
from services.espocrm import ApiKey, EspoClient
from tests.fuzz.calls import CALLS, fresh_transport
from tests.fuzz.hostile_server import endless, full, good, head, once, packed, serving
from tests.services.stage import Stage

REDIRECTS = ("301 Moved", "302 Found", "303 See Other", "307 Temporary", "308 Permanent")
MEGABYTE = 2**20
CHUNKED = "Transfer-Encoding: chunked"
every_call = pytest.mark.parametrize("name", CALLS)


@every_call
async def test_nothing_follows_a_redirect_to_another_server_or_in_a_circle(name: str) -> None:
    transport = fresh_transport()
    async with serving(once(good({"id": "a"}))) as elsewhere, serving(once()) as server:
        for status in REDIRECTS:
            for target in (elsewhere.url, server.url, f"//{elsewhere.url[7:]}/", "/api/v1/CBeteiligte/a"):
                server.say = once(full(b"{}", f"Location: {target}", f"Refresh: 0; url={target}", status=status))
                server.heads.clear()
                with contextlib.suppress(PeerError):
                    await CALLS[name](server.url, 20.0, transport)
                assert 1 <= len(server.heads) <= 4, f"{status} to {target}"
        assert elsewhere.heads == []
    await transport.aclose()


@every_call
async def test_cookies_are_never_sent_back(name: str) -> None:
    transport = fresh_transport()
    async with serving(once(full(b'{"id":"a"}', "Set-Cookie: one=1; Path=/", "Set-Cookie: two=2"))) as server:
        for _ in range(2):
            with contextlib.suppress(PeerError):
                await CALLS[name](server.url, 20.0, transport)
        assert len(server.heads) >= 2
        assert not any(b"cookie" in one.lower() for one in server.heads)
    await transport.aclose()


async def test_an_answer_nobody_asked_for_is_not_taken_for_the_next_one() -> None:
    asked = 0

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal asked
        with contextlib.suppress(asyncio.IncompleteReadError, OSError):
            while True:
                await reader.readuntil(b"\r\n\r\n")
                asked += 1
                more = good({"id": "a", "told": "unasked"}) if asked == 1 else b""
                writer.write(good({"id": "a", "told": asked}) + more)
                await writer.drain()
        writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as running:
        url = f"http://127.0.0.1:{running.sockets[0].getsockname()[1]}/api/v1"
        client = EspoClient(url, ApiKey("k"), Stage().ports)
        told = [(await client.read("CBeteiligte", "a")).body["told"] for _ in range(3)]
        await client.close()
    assert told == [1, 2, 3]


@pytest.mark.parametrize(
    ("what", "made"),  # made only where it is asked for: packing takes seconds
    [
        ("a bomb", lambda: once(full(packed(1, 200 * MEGABYTE), "Content-Encoding: gzip"))),
        ("a bomb in a bomb", lambda: once(full(packed(2, 300 * MEGABYTE), "Content-Encoding: gzip, gzip"))),
        ("no end", lambda: endless(head(), b" " * 65_536)),
        ("no end of chunks", lambda: endless(head(CHUNKED), b"10000\r\n" + b" " * 65_536 + b"\r\n")),
    ],
    ids=["bomb", "bomb in a bomb", "no end", "no end of chunks"],
)
async def test_an_answer_takes_only_so_much_memory(what: str, made: Callable[[], Any]) -> None:
    transport = fresh_transport()
    async with serving(made()) as server:
        client = EspoClient(f"{server.url}/api/v1", ApiKey("k"), Stage().ports, timeout=60.0, transport=transport)
        tracemalloc.start()
        try:
            with pytest.raises(Retryable, match=r"too large|broke off"):
                await client.update("CBeteiligte", "a", {"titel": "x"})
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
    await transport.aclose()
    assert peak < 160 * MEGABYTE, what
