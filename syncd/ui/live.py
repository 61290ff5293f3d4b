"""Parts of a page that renew themselves: server-sent events that carry a part's HTML whenever it has changed.

In a template: `<div hx-sse:connect="/ui/live" hx-swap="innerMorph">`. Knows no part.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator, Awaitable, Callable, Hashable
from typing import Any, Generic, TypeVar

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from syncd.ledger.store import LedgerUnavailable
from syncd.redis_client import RedisUnavailable
from syncd.ui.frame import Site

K = TypeVar("K", bound=Hashable)

EVERY = 2.0  # seconds between two looks
SILENT = 15.0  # seconds after which a proxy is shown that the connection lives
HEADERS = {"X-Accel-Buffering": "no"}  # nginx would keep back what it has


class Shared(Generic[K]):
    """Facts several readers look at: asked for once in so many seconds for each `key`, however many they are."""

    def __init__(
        self, ask: Callable[[K], Awaitable[dict[str, Any]]], now: Callable[[], float], every: float = EVERY / 2
    ) -> None:
        self._ask = ask
        self._now = now
        self._every = every
        self._known: dict[K, tuple[float, dict[str, Any]]] = {}
        self._turn = asyncio.Lock()

    async def __call__(self, key: K) -> dict[str, Any]:
        """The facts, at most so many seconds old."""
        async with self._turn:
            at, facts = self._known.get(key, (float("-inf"), {}))
            if not at <= self._now() < at + self._every:
                facts = await self._ask(key)
                self._known[key] = (self._now(), facts)
            return facts


def stream(site: Site, request: Request, render: Callable[[], Awaitable[str]], every: float = EVERY) -> Response:
    """An answer that goes on: what `render` makes, each time it differs, until the session or the daemon ends."""
    return StreamingResponse(_parts(site, request, render, every), media_type="text/event-stream", headers=HEADERS)


async def _parts(
    site: Site, request: Request, render: Callable[[], Awaitable[str]], every: float
) -> AsyncIterator[str]:
    told, quiet = "", 0.0
    while not site.deps.stopping() and not await request.is_disconnected():
        try:
            if await site.sessions.visit(request) is None:
                return
            part = await render()
        except (LedgerUnavailable, RedisUnavailable):
            part = None
        digest = "" if part is None else hashlib.sha256(part.encode()).hexdigest()
        if part is not None and digest != told:
            yield _event(part)
            told, quiet = digest, 0.0
        elif quiet >= SILENT:
            yield ": still here\n\n"
            quiet = 0.0
        await asyncio.sleep(every)
        quiet += every


def _event(part: str) -> str:
    return "".join(f"data: {line}\n" for line in part.splitlines()) + "\n"
