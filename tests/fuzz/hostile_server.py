"""A server on loopback that says whatever a test wants, byte for byte, and remembers what it was sent.

`Say` is one answer: an asynchronous generator of bytes that gets the head of the request. It may go on for ever; it
ends when the client has gone.
"""

from __future__ import annotations

import asyncio
import contextlib
import gzip
import json
import zlib
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

Say = Callable[[bytes], AsyncIterator[bytes]]


@dataclass
class Heard:
    """What reached the server: the head and the body of each request, in order, and how many came in all."""

    say: Say
    url: str = ""
    heads: list[bytes] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)


@asynccontextmanager
async def serving(say: Say) -> AsyncIterator[Heard]:
    """Answers every request with `say`, which a test may change, each on a connection of its own."""
    heard = Heard(say)

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(asyncio.IncompleteReadError, asyncio.LimitOverrunError, OSError):
            head = await reader.readuntil(b"\r\n\r\n")
            length = next(
                (int(line[15:]) for line in head.lower().split(b"\r\n") if line[:15] == b"content-length:"), 0
            )
            body = await reader.readexactly(length)
            heard.heads.append(head)
            heard.bodies.append(body)
            async for part in heard.say(head):
                writer.write(part)
                await writer.drain()
        writer.close()

    running = await asyncio.start_server(serve, "127.0.0.1", 0)
    heard.url = f"http://127.0.0.1:{running.sockets[0].getsockname()[1]}"
    try:
        yield heard
    finally:
        running.close()


def once(*parts: bytes) -> Say:
    """These bytes, then the end of the connection."""

    async def say(_: bytes) -> AsyncIterator[bytes]:
        for part in parts:
            yield part

    return say


def endless(start: bytes, part: bytes) -> Say:
    """`start`, then `part` again and again, as fast as they are taken."""

    async def say(_: bytes) -> AsyncIterator[bytes]:
        yield start
        while True:
            yield part
            await asyncio.sleep(0)

    return say


def head(*lines: str, status: str = "200 OK") -> bytes:
    """A status line and headers."""
    return "\r\n".join((f"HTTP/1.1 {status}", *lines, "", "")).encode("latin-1")


def full(body: bytes, *lines: str, status: str = "200 OK") -> bytes:
    """An answer whose length is right, unless `lines` say another."""
    length = (
        ()
        if any("-length" in line.lower() or "chunked" in line for line in lines)
        else (f"Content-Length: {len(body)}",)
    )
    return head("Content-Type: application/json", *length, *lines, status=status) + body


def good(value: Any) -> bytes:
    """An answer as it should be."""
    return full(json.dumps(value).encode())


def packed(layers: int, size: int) -> bytes:
    """So many layers of gzip around `size` zero bytes."""
    body = bytes(size)
    for _ in range(layers):
        body = gzip.compress(body, 9)
    return body


def nested(depth: int, opening: str = '{"a":', closing: str = "}") -> bytes:
    """JSON that deep."""
    return (opening * depth + "1" + closing * depth).encode()


_NAMES = ("id", "list", "total", "betNr", "access_token", "expiration_utc", "expires_in", "connectorUrl", "relayUrl")

BODIES: dict[str, bytes] = {
    "nothing": b"",
    "blanks": b" \r\n\t",
    "null": b"null",
    "true": b"true",
    "number": b"7",
    "number as text": b'"7"',
    "empty list": b"[]",
    "empty object": b"{}",
    "list of lists": b"[[[]]]",
    "list of nulls": b"[null]",
    "two objects": b"[{},{}]",
    "list and more": b'{"list":[{}],"total":-2} and more',
    "list is null": b'{"list":null,"total":0}',
    "list is object": b'{"list":{},"total":0}',
    "list of text": b'{"list":["a"],"total":1}',
    "total is text": b'{"list":[],"total":"0"}',
    "total is huge": b'{"list":[],"total":1' + b"0" * 400 + b"}",
    "total is infinite": b'{"list":[],"total":1e999}',
    "total is true": b'{"list":[{"id":"a"}],"total":true}',
    **{
        f"{name} is {what}": json.dumps({name: value}).encode()
        for name in _NAMES
        for what, value in (("null", None), ("list", [1]), ("number", 10**30), ("object", {"a": 1}), ("text", "\r\n x"))
    },
    "nested 10000 objects": nested(10_000),
    "nested 10000 lists": nested(10_000, "[", "]"),
    "nested 900 objects": nested(900),
    "nested 300 lists": nested(300, "[", "]"),
    "not closed": b"[" * 100_000,
    "number of a million digits": b'{"id":' + b"9" * 1_000_000 + b"}",
    "number of 4000 digits": b'{"id":' + b"9" * 4000 + b',"expires_in":' + b"9" * 4000 + b',"access_token":"t"}',
    "no number": b'{"id":NaN}',
    "infinite": b'{"id":Infinity,"betNr":-Infinity}',
    "infinite by exponent": b'{"id":1e999,"betNr":1e999,"access_token":"t","expires_in":1e999}',
    "lone surrogates": b'{"id":"\\ud800","access_token":"\\udfff","connectorUrl":"https://\\ud800/"}',
    "token with line break": b'{"access_token":"a\\r\\nX-Injected: 1"}',
    "token with zero byte": b'{"access_token":"a\\u0000b"}',
    "token of blanks": b'{"access_token":"   "}',
    "token very long": b'{"access_token":"' + b"a" * 2_000_000 + b'"}',
    "token ends in the year 1": b'{"access_token":"t","expiration_utc":"0001-01-01T00:00:00+23:59"}',
    "token ends never": b'{"access_token":"t","expiration_utc":"9999-12-31T23:59:59-23:59"}',
    "address broken": b'{"connectorUrl":"https://[","securityGateway":"https://["}',
    "address not IPv6": b'{"relayUrl":"https://[::zz]/","securityGateway":"https://h:port/"}',
    "address with odd letters": '{"connectorUrl":"https://\u2100.example/"}'.encode(),
    "address of a file": b'{"relayUrl":"file:///etc/passwd","securityGateway":"gopher://h/"}',
    "address with a name": b'{"relayUrl":"https://u:p@elsewhere.example/"}',
    "not UTF-8": b'{"id":"M\xfcller"}',
    "half a letter": '{"id":"ü'.encode()[:-1],
    "UTF-16": '{"id":"a"}'.encode("utf-16"),
    "UTF-32": '{"id":"a"}'.encode("utf-32"),
    "byte order mark": b'\xef\xbb\xbf{"id":"a"}',
    "zero bytes": bytes(5000),
    "html": b"<!doctype html><html><title>503</title></html>",
    "same name twice": b'{"id":"a","id":["b"],"list":[],"list":{},"total":0}',
    "two documents": b"{}{}",
    "errors is a list": b'{"errors":[1]}',
    "errors have no name": b'{"errors":{"":1}}',
    "messageTranslation is text": b'{"messageTranslation":"a"}',
    "validation of nobody": b'{"messageTranslation":{"label":"validationFailure","data":{"field":[],"type":{}}}}',
    "rows are text": b'["a", {"id": 1}]',
}
"""What a body may be that is not what was asked for, by what it is."""

STATUSES: tuple[str, ...] = (
    "200 OK",
    "201 Created",
    "204 No Content",
    "301 Moved",
    "304 Not Modified",
    "400 Bad",
    "401 No",
    "403 No",
)
STATUSES += ("404 Not Found", "405 No", "409 Conflict", "418 Teapot", "422 No", "429 Slow", "500 Error", "502 Bad")
STATUSES += ("503 Away", "599 What", "299 What", "600 What", "999 What")

HEADERS: dict[str, tuple[str, ...]] = {
    "date is text": ("Date: gestern", "Last-Modified: heute"),
    "date is negative": ("Date: -1", "Retry-After: -1"),
    "date of the year 1": ("Date: Mon, 01 Jan 0001 00:00:00 +2359", "Retry-After: Mon, 01 Jan 0001 00:00:00 GMT"),
    "date of the year 9999": ("Date: Fri, 31 Dec 9999 23:59:59 -2359", "Retry-After: Fri, 31 Dec 9999 23:59:59 GMT"),
    "date of year a million": (
        "Date: Mon, 01 Jan 1000000 00:00:00 GMT",
        "Retry-After: Mon, 01 Jan 1000000 00:00:00 GMT",
    ),
    "zone beyond a day": ("Date: Mon, 01 Jan 2024 00:00:00 +999999", "Retry-After: Mon, 01 Jan 2024 00:00:00 +999999"),
    "dates twice": ("Date: Mon, 01 Jan 2024 00:00:00 GMT", "Date: x", "Retry-After: 1", "Retry-After: 2"),
    "retry in a million years": ("Retry-After: " + "9" * 400,),
    "retry is text": ("Retry-After: bald",),
    "retry is a fraction": ("Retry-After: 1.5",),
    "retry is infinite": ("Retry-After: inf",),
    "retry in odd digits": ("Retry-After: \xb2",),
    "odd charset": ("Content-Type: application/json; charset=no-such-charset",),
    "wrong charset": ("Content-Type: application/json; charset=utf-16",),
    "charset is code": ("Content-Type: text/html; charset=unicode_escape",),
    "charset packs": ("Content-Type: text/html; charset=zlib_codec",),
    "no type at all": ("Content-Type: ;;;=",),
    "cookies": ("Set-Cookie: a=b; Domain=127.0.0.1; Path=/", "Set-Cookie: \xff=\x01; expires=never"),
    "reason with a value": ("X-Status-Reason: Record Geheimname does not exist.",),
    "reason is huge": ("X-Status-Reason: " + "Field " * 1000,),
    "letters beyond ASCII": ("X-Status-Reason: M\xfcller\xff",),
    "packed, not really": ("Content-Encoding: gzip",),
    "packed by nobody knows what": ("Content-Encoding: br, zstd, made-up",),
    "deflated, not really": ("Content-Encoding: deflate",),
    "location nowhere": ("Location: http://[",),
    "location without host": ("Location: ///",),
    "location is a port too far": ("Location: http://127.0.0.1:99999999/",),
    "location in odd letters": ("Location: \xff\xfe",),
    "location of a file": ("Location: file:///etc/passwd",),
}
"""Headers that are not what they should be."""

RAW: dict[str, bytes] = {
    "silence and the end": b"",
    "a line break": b"\r\n",
    "HTTP/0.9": b"<html>hello</html>\r\n\r\n",
    "HTTP/0.9 JSON": b'{"id":"a"}',
    "HTTP/3.7": b"HTTP/3.7 200 OK\r\n\r\n{}",
    "SSH": b"SSH-2.0-OpenSSH_9.6\r\n",
    "TLS": b"\x15\x03\x01\x00\x02\x02\x28",
    "zero bytes": bytes(100_000),
    "no status": b"HTTP/1.1 \r\n\r\n",
    "status is text": b"HTTP/1.1 OK 200\r\n\r\n",
    "status is negative": b"HTTP/1.1 -1 No\r\n\r\n",
    "status of one digit": b"HTTP/1.1 2 No\r\n\r\n",
    "status of five digits": b"HTTP/1.1 20000 No\r\nContent-Length: 0\r\n\r\n",
    "no reason": b"HTTP/1.1 200\r\nContent-Length: 2\r\n\r\n{}",
    "very long reason": b"HTTP/1.1 200 " + b"o" * 100_000 + b"\r\n\r\n{}",
    "header without a colon": b"HTTP/1.1 200 OK\r\nnonsense\r\n\r\n{}",
    "header without a name": b"HTTP/1.1 200 OK\r\n: x\r\n\r\n{}",
    "header with zero byte": b"HTTP/1.1 200 OK\r\nX: a\x00b\r\nContent-Length: 2\r\n\r\n{}",
    "folded header": b"HTTP/1.1 200 OK\r\nX: a\r\n b\r\nContent-Length: 2\r\n\r\n{}",
    "line feeds only": b'HTTP/1.1 200 OK\nContent-Length: 10\n\n{"id":"a"}',
    "head cut": b"HTTP/1.1 200 OK\r\nContent-Len",
    "very long header": head("X: " + "a" * 1_000_000),
    "header flood": head(*(f"X-{number}: {number}" for number in range(20_000))) + b"{}",
    "cookie flood": head(*(f"Set-Cookie: c{number}={'v' * 50}" for number in range(5000))) + b"{}",
    "length too long": full(b'{"id":"a"}', "Content-Length: 100"),
    "length too short": full(b'{"id":"a"}', "Content-Length: 3"),
    "length negative": full(b"{}", "Content-Length: -1"),
    "length is text": full(b"{}", "Content-Length: zwei"),
    "length is enormous": full(b"{}", "Content-Length: " + "9" * 30),
    "length twice": full(b"{}", "Content-Length: 2", "Content-Length: 3"),
    "length and chunks": full(b"2\r\n{}\r\n0\r\n\r\n", "Content-Length: 2", "Transfer-Encoding: chunked"),
    "length alone, then nothing": head("Content-Length: 5"),
    "chunk is text": full(b"xyz\r\n{}\r\n", "Transfer-Encoding: chunked"),
    "chunk is negative": full(b"-1\r\n{}\r\n", "Transfer-Encoding: chunked"),
    "chunk is enormous": full(b"f" * 20 + b"\r\n{}\r\n", "Transfer-Encoding: chunked"),
    "chunk is cut": full(b"10\r\n{}", "Transfer-Encoding: chunked"),
    "chunks do not end": full(b"2\r\n{}\r\n", "Transfer-Encoding: chunked"),
    "chunk with a long note": full(b"2;" + b"a" * 100_000 + b"\r\n{}\r\n0\r\n\r\n", "Transfer-Encoding: chunked"),
    "trailers flood": full(b"0\r\n" + b"X: y\r\n" * 20_000 + b"\r\n", "Transfer-Encoding: chunked"),
    "coded by nobody knows what": full(b"{}", "Transfer-Encoding: made-up"),
    "100 again and again, then a word": head(status="100 Continue") * 500 + good({"id": "a"}),
    "101": head("Upgrade: made-up", "Connection: Upgrade", status="101 Switching Protocols") + b"{}",
    "102": head(status="102 Processing"),
    "103, then a word": head("Link: </x>", status="103 Early Hints") + good({"id": "a"}),
    "204 with a body": full(b'{"id":"a"}', status="204 No Content"),
    "304 with a body": full(b'{"id":"a"}', status="304 Not Modified"),
    "two answers": good({"id": "a"}) * 2,
    "gzip that is none": full(b"no gzip at all", "Content-Encoding: gzip"),
    "gzip cut": full(packed(1, 100_000)[:40], "Content-Encoding: gzip"),
    "gzip with more behind": full(gzip.compress(b"{}") + b"more", "Content-Encoding: gzip"),
    "deflate without its head": full(zlib.compress(b"{}")[2:-4], "Content-Encoding: deflate"),
    "a hundred layers": full(b"{}", "Content-Encoding: " + ", ".join(["gzip"] * 100)),
}
"""Whole answers, right or wrong from the first byte."""

ENDLESS: dict[str, Say] = {
    "endless status": endless(b"HTTP/1.1 200 ", b"o" * 1000),
    "endless headers": endless(head()[:-2], b"X: y\r\n" * 100),
    "endless header": endless(b"HTTP/1.1 200 OK\r\nX: ", b"a" * 1000),
    "endless 100s": endless(b"", head(status="100 Continue") * 20),
    "endless body": endless(head(), b" " * 65_536),
    "endless chunks": endless(head("Transfer-Encoding: chunked"), b"1000\r\n" + b" " * 4096 + b"\r\n"),
    "endless tiny chunks": endless(head("Transfer-Encoding: chunked"), b"1\r\n \r\n"),
    "head drop by drop": endless(b"HTTP/1.1 200 OK\r\nX: ", b"a"),
    "body drop by drop": endless(head(), b" "),
    "endless gzip": endless(head("Content-Encoding: gzip"), gzip.compress(b"")),
    "silence": endless(b"", b""),
    "silence after the head": endless(head("Content-Length: 10"), b""),
}
"""Answers that never end."""
