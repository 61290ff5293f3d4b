"""The connection under httpx, and whether a request that failed had been sent. Knows no budgets, no grades.

Under httpx's interface works aiohttp's connection pool: with 32 calls at once httpx's own pool walks itself
and reaches 180 calls/s where aiohttp's reaches 900 (20 ms server, 2 cores; CPU per call 4.9 ms against 0.65
ms).
"""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from functools import lru_cache
from http.cookiejar import CookieJar, DefaultCookiePolicy

import aiohttp
import httpx
from httpx_aiohttp import AiohttpTransport

Transport = httpx.AsyncBaseTransport

CONNECTIONS = 64
# Apache closes idle connections after 5 s by default: be first, or a POST meets a closing door and is in
# doubt.
KEEP_ALIVE_SECONDS = 4.0
CONNECT_SECONDS = 10.0
URLS_KEPT = 256  # parsed; a job asks for the same two or three records several times
HEADERS = {"User-Agent": "syncd", "Accept": "application/json", "Accept-Encoding": "gzip, deflate"}


def open_transport() -> httpx.AsyncBaseTransport:
    """The transport of production.

    TLS certificates are verified (SSL_CERT_FILE may name a firm's own authority).
    """
    tls = httpx.create_ssl_context()

    def session() -> aiohttp.ClientSession:
        opened = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=CONNECTIONS, keepalive_timeout=KEEP_ALIVE_SECONDS, ssl=tls),
            cookie_jar=aiohttp.DummyCookieJar(),
        )
        # aiohttp repeats a PUT by itself when a kept-alive connection breaks. A write is never repeated
        # unseen.
        opened._retry_connection = False
        return opened

    return AiohttpTransport(client=session)


def open_client(timeout: float, transport: httpx.AsyncBaseTransport | None) -> httpx.AsyncClient:
    """An httpx client without redirects, cookies and proxies from the environment.

    `timeout` in seconds per phase.
    """
    quiet()
    return httpx.AsyncClient(
        transport=open_transport() if transport is None else transport,
        timeout=_phases(timeout),
        follow_redirects=False,
        trust_env=False,
        cookies=CookieJar(policy=DefaultCookiePolicy(allowed_domains=[])),
        headers=HEADERS,
    )


class Wire:
    """Single exchanges over a transport, without httpx's client: no redirects, no cookies, no proxies, no hooks.

    All of that was switched off already, and cost half of a call's processor time (ADR 0032).
    """

    def __init__(self, timeout: float, transport: httpx.AsyncBaseTransport | None) -> None:
        quiet()
        self._transport = open_transport() if transport is None else transport
        self._extensions = {"timeout": _phases(timeout).as_dict()}
        self._parsed = lru_cache(maxsize=URLS_KEPT)(httpx.URL)

    async def close(self) -> None:
        """Close all connections."""
        await self._transport.aclose()

    @asynccontextmanager
    async def exchange(
        self, verb: str, url: str, params: Mapping[str, str], headers: Mapping[str, str], content: bytes | None
    ) -> AsyncIterator[httpx.Response]:
        """The answer to one request, its body not read yet; raises what httpx and aiohttp raise."""
        request = httpx.Request(
            verb,
            self._parsed(url),
            params=dict(params) or None,
            headers={**HEADERS, **headers},
            content=content,
            extensions=self._extensions,
        )
        response = await self._transport.handle_async_request(request)
        try:
            yield response
        finally:
            await response.aclose()


def _phases(timeout: float) -> httpx.Timeout:
    """`timeout` in seconds per phase; a connection is waited for no longer than some seconds."""
    return httpx.Timeout(timeout, connect=min(CONNECT_SECONDS, timeout))


def quiet() -> None:
    """Keep the libraries' own log lines out: they hold whole URLs (names of people) and headers (keys)."""
    for name in ("httpx", "httpcore", "aiohttp.client", "aiohttp.internal"):
        logging.getLogger(name).setLevel(logging.WARNING)


_AIOHTTP_UNSENT = (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError, aiohttp.InvalidURL)
_HTTPX_UNSENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.UnsupportedProtocol)


def was_sent(error: BaseException) -> bool:
    """Whether the request may have reached the other side before `error`."""
    origin = _origin(error)
    return not isinstance(origin, _AIOHTTP_UNSENT + _HTTPX_UNSENT)


def timed_out(error: BaseException) -> bool:
    """Whether `error` is about time, not about a connection that was refused or broke."""
    return isinstance(_origin(error), TimeoutError | httpx.TimeoutException)


def kind(error: BaseException) -> str:
    """The error's class, which is safe to show; its text may hold an address with a name in it."""
    return type(_origin(error)).__name__


def _origin(error: BaseException) -> BaseException:
    """aiohttp's own error.

    httpx-aiohttp turns "server disconnected" and "connection refused" alike into a connect time-out.
    """
    return error.__cause__ if isinstance(error.__cause__, aiohttp.ClientError | TimeoutError) else error
