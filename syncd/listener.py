"""The HTTP listener of the daemon: its socket, uvicorn in our own task group, and the closed door while stopping.

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

GRACE_SECONDS = 5
BACKLOG = 512


class CannotListen(Exception):
    """The address cannot be listened on; the text says why and what to do."""


def listen(host: str, port: int) -> socket.socket:
    """A listening socket; port 0 takes a free one. Raises `CannotListen`."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # With the protocol named asyncio recognises TCP; accepted connections inherit NODELAY, without which the head
    # and the body of an answer, two packets, cost 40 ms of delayed acknowledgement.
    bound = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        bound.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind((host, port))
        bound.listen(BACKLOG)
    except OSError as error:
        bound.close()
        what = (error.strerror or "not possible").lower()
        raise CannotListen(
            f"cannot listen on {host} port {port} ({what}): stop what uses it, or set SYNCD_HTTP_HOST and SYNCD_HTTP_PORT"
        ) from None
    bound.setblocking(False)
    return bound


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
