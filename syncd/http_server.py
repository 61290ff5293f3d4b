"""uvicorn in the daemon's own task group, and the closed door while it stops.

Knows no route but that reading stays possible to the end. Imported only by a daemon that listens: uvicorn takes
a while to load.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Callable, Iterator

import uvicorn
from starlette.types import ASGIApp, Receive, Scope, Send

from syncd.http_limits import refuse
from syncd.http_protocol import Patient

GRACE_SECONDS = 5
CONNECTIONS = 500  # at the same time; who comes beyond them is answered 503, so that descriptors are left for work


class Door:
    """ASGI: nothing more is taken in while the daemon stops. EspoCRM sends again what it was answered 503 for."""

    def __init__(self, app: ASGIApp, closed: Callable[[], bool]) -> None:
        self._app = app
        self._closed = closed

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI entry."""
        if scope["type"] == "http" and self._closed() and scope["method"] not in ("GET", "HEAD"):
            await refuse(503, "stopping, send it again", Connection="close")(scope, receive, send)
            return
        await self._app(scope, receive, send)


class Server(uvicorn.Server):
    """uvicorn without signal handlers of its own: the daemon decides when to stop."""

    def __init__(self, app: ASGIApp) -> None:
        super().__init__(
            uvicorn.Config(
                app,
                http=Patient,
                limit_concurrency=CONNECTIONS,
                log_config=None,
                access_log=False,
                lifespan="off",
                ws="none",
                server_header=False,
                proxy_headers=False,
                timeout_graceful_shutdown=GRACE_SECONDS,
            )
        )
        self.up = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Tell when requests are taken."""
        await super().startup(sockets)
        self.up.set()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave the process's handlers alone."""
        yield
