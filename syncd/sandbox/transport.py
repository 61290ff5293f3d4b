"""The stand-in servers in the process: an httpx transport that turns missing answers into exceptions."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import httpx

from syncd.sandbox.asgi import CLIENT_TIMEOUT, NoAnswer
from syncd.sandbox.faults import Kind
from syncd.sandbox.wire import Wire

if TYPE_CHECKING:
    from syncd.sandbox.sandbox import Sandbox

DEFAULT_TIMEOUT_SECONDS = 5.0
_parsed = lru_cache(maxsize=8)(httpx.URL)


class SandboxTransport(httpx.AsyncBaseTransport):
    """Sends to EspoCRM what carries its host name, all else to Advoware with gateway and configurator."""

    def __init__(self, sandbox: Sandbox) -> None:
        self.sandbox = sandbox

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """One exchange; without an answer it waits the client's read time-out on the sandbox's clock."""
        host = _parsed(self.sandbox.urls.espocrm)
        mine = (request.url.host, request.url.port) == (host.host, host.port)
        wire = self.sandbox.espo_app if mine else self.sandbox.advoware_app
        limits = request.extensions.get("timeout", {})
        limit = limits.get("read")
        seconds = DEFAULT_TIMEOUT_SECONDS if limit is None else float(limit)
        inner = httpx.ASGITransport(app=_Limited(wire, seconds))
        try:
            return await inner.handle_async_request(request)
        except NoAnswer as missing:
            raise await self._exception(missing, request, seconds) from None

    async def _exception(self, missing: NoAnswer, request: httpx.Request, seconds: float) -> httpx.TransportError:
        match missing.kind:
            case Kind.OFFLINE:
                return httpx.ConnectError("All connection attempts failed", request=request)
            case Kind.HANG_UP | Kind.HANG_UP_APPLIED:
                return httpx.RemoteProtocolError("Server disconnected without sending a response.", request=request)
            case _:
                await self.sandbox.sleep(seconds)
                return httpx.ReadTimeout("", request=request)


class _Limited:
    """Tells the wire how long this client waits."""

    def __init__(self, wire: Wire, seconds: float) -> None:
        self.wire = wire
        self.seconds = seconds

    async def __call__(self, scope: object, receive: object, send: object) -> None:
        assert isinstance(scope, dict)
        scope[CLIENT_TIMEOUT] = self.seconds
        await self.wire(scope, receive, send)  # type: ignore[arg-type]
