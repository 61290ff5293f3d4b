"""The stand-in systems over real HTTP: `python -m syncd.sandbox.server [--espocrm-port P --advoware-port P]`.

Holds or aborts the connection where a fault says so, and runs EspoCRM's webhook queue on its schedule.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import signal
import socket
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict
from typing import Any

import httpx
import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from syncd.sandbox.asgi import NoAnswer, Receive, Scope, Send
from syncd.sandbox.espocrm_schema import built_in_schema
from syncd.sandbox.espocrm_webhooks import Post
from syncd.sandbox.faults import Kind
from syncd.sandbox.sandbox import Sandbox, Urls
from syncd.sandbox.wire import Wire

HOST = "127.0.0.1"
HOLD_SECONDS = 120.0
WEBHOOK_TIMEOUT = httpx.Timeout(10.0, connect=5.0)
ENDED_AT_ONCE = frozenset((Kind.OFFLINE, Kind.HANG_UP, Kind.HANG_UP_APPLIED))


class Connections:
    """Open connections by the client's address, so that a fault can cut one. `met` hears of each new one."""

    def __init__(self, met: Callable[[int, int], None]) -> None:
        self.met = met
        self.open: dict[tuple[str, int], asyncio.BaseTransport] = {}

    def abort(self, client: tuple[str, int]) -> None:
        """Cut the connection without an answer."""
        transport = self.open.pop(client, None)
        if isinstance(transport, asyncio.Transport):
            transport.abort()

    def protocol(self) -> type[HttpToolsProtocol]:
        """uvicorn's protocol, noting each connection here."""
        connections = self

        class Noted(HttpToolsProtocol):
            def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
                super().connection_made(transport)
                address = transport.get_extra_info("peername")[:2]
                connections.open[address] = transport
                connections.met(address[1], transport.get_extra_info("sockname")[1])

            def connection_lost(self, exc: Exception | None) -> None:
                connections.open.pop(self.transport.get_extra_info("peername")[:2], None)
                super().connection_lost(exc)

        return Noted


class Edge:
    """The outermost application: a request that shall get no answer gets none."""

    def __init__(self, wire: Wire, connections: Connections) -> None:
        self.wire = wire
        self.connections = connections

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI entry."""
        if scope["type"] != "http":
            return
        try:
            await self.wire(scope, receive, send)
        except NoAnswer as missing:
            if missing.kind not in ENDED_AT_ONCE:
                await _hold(receive)
            self.connections.abort(tuple(scope["client"]))


class Server(uvicorn.Server):
    """uvicorn without its signal handlers: the owner of the loop decides when to stop."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.up = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Tell when requests are taken."""
        await super().startup(sockets)
        self.up.set()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave the process's handlers alone."""
        yield


async def serve(
    sandbox: Sandbox,
    espo_port: int,
    advoware_port: int,
    stop: asyncio.Event,
    on_ready: Callable[[Urls], None] | None = None,
) -> None:
    """Serve both on loopback until `stop` is set; port 0 takes a free one, `sandbox.urls` tells which."""
    sockets = [_bound(espo_port), _bound(advoware_port)]
    espo, advoware = (f"http://{HOST}:{one.getsockname()[1]}" for one in sockets)
    sandbox.urls = Urls(espo, f"{advoware}/")
    servers = [_server(sandbox.espo_app), _server(sandbox.advoware_app)]
    async with httpx.AsyncClient(timeout=WEBHOOK_TIMEOUT) as client, asyncio.TaskGroup() as group:
        if sandbox.webhooks.post is None:
            sandbox.webhooks.post = _poster(client)
        for server, bound in zip(servers, sockets, strict=True):
            group.create_task(server.serve(sockets=[bound]))
        ticking = group.create_task(_deliver(sandbox))
        for server in servers:
            await server.up.wait()
        if on_ready is not None:
            on_ready(sandbox.urls)
        await stop.wait()
        ticking.cancel()
        for server in servers:
            server.should_exit = True
            server.force_exit = True


def main(arguments: list[str] | None = None) -> None:
    """Run until SIGINT or SIGTERM; the first line on stdout is JSON with the two URLs."""
    parser = argparse.ArgumentParser(prog="python -m syncd.sandbox.server", description=__doc__)
    parser.add_argument("--espocrm-port", type=int, default=0)
    parser.add_argument("--advoware-port", type=int, default=0)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--seed-records", type=int, default=0, help="linked Beteiligte to start with")
    parser.add_argument("--webhook-seconds", type=float, default=120.0, help="interval of the webhook queue")
    parser.add_argument("--bare", action="store_true", help="an EspoCRM that has never heard of syncd")
    options = parser.parse_args(arguments)
    # a server that stands for another machine has that machine's clock, not the daemon's injected one
    bare: dict[str, Any] = {"schema": built_in_schema(), "api_user": None} if options.bare else {}
    sandbox = Sandbox(now=time.time, seed=options.seed, **bare)
    sandbox.webhooks.settings.interval_seconds = options.webhook_seconds
    if not options.bare:
        sandbox.seed.synced(options.seed_records)
    asyncio.run(_run(sandbox, options.espocrm_port, options.advoware_port))


async def _run(sandbox: Sandbox, espo_port: int, advoware_port: int) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for wanted in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(wanted, stop.set)

    def announce(urls: Urls) -> None:
        sys.stdout.write(json.dumps(asdict(urls)) + "\n")
        sys.stdout.flush()

    await serve(sandbox, espo_port, advoware_port, stop, announce)


def _server(wire: Wire) -> Server:
    connections = Connections(wire.met)
    config = uvicorn.Config(
        Edge(wire, connections),
        http=connections.protocol(),
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        date_header=False,
        server_header=False,
        proxy_headers=False,
    )
    return Server(config)


def _bound(port: int) -> socket.socket:
    bound = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    # accepted connections inherit it; without, head and body as two packets cost 40 ms of delayed ACK
    bound.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    bound.bind((HOST, port))
    bound.listen(256)
    return bound


async def _deliver(sandbox: Sandbox) -> None:
    while True:
        await asyncio.sleep(sandbox.webhooks.settings.interval_seconds)
        await sandbox.webhooks.run()


def _poster(client: httpx.AsyncClient) -> Post:
    async def post(url: str, headers: dict[str, str], body: bytes) -> int:
        try:
            return (await client.post(url, headers=headers, content=body)).status_code
        except httpx.TimeoutException:
            return 408
        except httpx.TransportError:
            return 0

    return post


async def _hold(receive: Receive) -> None:
    async def gone() -> None:
        while (await receive())["type"] != "http.disconnect":
            pass

    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(gone(), HOLD_SECONDS)


if __name__ == "__main__":
    main()
