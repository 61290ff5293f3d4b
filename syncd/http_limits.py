"""How large a request may be, how long it may take, and who may ask: in front of every route.

Knows no route but the longest bodies' and answers with one JSON line, so that nothing behind it
has to think of a client that never stops sending.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
from collections.abc import Callable
from dataclasses import dataclass

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

HEADERS = {"X-Content-Type-Options": "nosniff", "Cache-Control": "no-store"}


def refuse(status: int, text: str, **headers: str) -> JSONResponse:
    """An error as one JSON line. A request whose body was not read ends its connection."""
    extra = {"Connection": "close"} if status in (401, 413) else {}
    return JSONResponse({"error": text}, status, HEADERS | extra | headers)


@dataclass(frozen=True)
class Limit:
    """Bytes of a body and seconds from the first byte to the answer."""

    body: int
    seconds: float


class Limited:
    """ASGI: enforces the limit `limit_of(path)` gives."""

    def __init__(self, app: ASGIApp, limit_of: Callable[[str], Limit]) -> None:
        self._app = app
        self._limit_of = limit_of

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        limit = self._limit_of(scope["path"])
        started = False

        async def sending(message: Message) -> None:
            nonlocal started
            started = True
            await send(message)

        announced = Headers(scope=scope).get("content-length", "0")
        if not (announced.isascii() and announced.isdigit()) or len(announced) > 18:
            await refuse(400, "the content length is not a number")(scope, receive, send)
            return
        if int(announced) > limit.body:
            await too_large(limit)(scope, receive, send)
            return
        try:
            async with asyncio.timeout(limit.seconds):
                await self._app(scope, _counted(receive, limit), sending)
        except TimeoutError:
            if not started:
                await refuse(503, "it took too long, try again")(scope, receive, send)


def _counted(receive: Receive, limit: Limit) -> Receive:
    seen = 0

    async def counting() -> Message:
        nonlocal seen
        message = await receive()
        seen += len(message.get("body", b""))
        if seen > limit.body:
            raise HTTPException(413, _too_large(limit), {"Connection": "close"})
        return message

    return counting


def too_large(limit: Limit) -> JSONResponse:
    """The answer to a body over the limit."""
    return refuse(413, _too_large(limit))


def _too_large(limit: Limit) -> str:
    size = f"{limit.body // 1024 // 1024} MB" if limit.body >= 1024 * 1024 else f"{limit.body // 1024} kB"
    return f"the body is larger than {size}"


def bearer(header: str | None, token: str) -> bool:
    """Whether an Authorization header carries the token; takes as long for any wrong one."""
    scheme, _, given = (header or "").partition(" ")
    right = hashlib.sha256(token.encode()).digest()
    same = hmac.compare_digest(hashlib.sha256(given.strip().encode("latin-1", "replace")).digest(), right)
    return same and scheme.lower() == "bearer" and bool(token)
