"""Where a firm's Advoware is: as the vendor's configurator says, or as configured. Sends no login."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any, TypeGuard
from urllib.parse import urlsplit

from services.advoware_token import TOKEN_PATH, Access
from services.answer import Answer, Call
from services.errors import PeerError
from services.http import Pipeline

# Used while the configurator gives no answer.
RELAY_URL = "https://www2.advo-net.net:90/"
SECURITY_URL = "https://security.advo-net.net/"
CONFIGURATOR_PATH = "api/Url"
KEEP_SECONDS = 3600.0  # a firm may move its connector
RETRY_SECONDS = 60.0  # after a configurator that gave no answer


@dataclass(frozen=True)
class Place:
    """Base of API calls and security gateway; both end in a slash."""

    base: str
    security: str


class Location:
    """Finds the server once for all callers and again every hour.

    Keeps the last answer if there is no newer one.
    """

    def __init__(self, access: Access, pipeline: Pipeline) -> None:
        self._access = access
        self._pipeline = pipeline
        self._configured = Place(
            _slashed(access.base_url or RELAY_URL),
            _slashed((access.security_url or SECURITY_URL).removesuffix("/").removesuffix(TOKEN_PATH)),
        )
        self._found: Place | None = self._configured if access.base_url else None
        self._good_until = float("inf") if access.base_url else 0.0
        self._asking = asyncio.Lock()

    async def base(self) -> str:
        """Base of API calls."""
        return (await self._place()).base

    async def security(self) -> str:
        """The security gateway, which gives the tokens; one that is configured wins."""
        place = self._configured if self._access.security_url else await self._place()
        return place.security

    async def _place(self) -> Place:
        now = self._pipeline.ports.now
        async with self._asking:
            if now() < self._good_until:
                return self._found or self._configured
            try:
                self._found = await self._ask()
                self._good_until = now() + KEEP_SECONDS
            except PeerError:
                self._good_until = now() + RETRY_SECONDS
            return self._found or self._configured

    async def _ask(self) -> Place:
        url = _slashed(self._access.configurator_url) + CONFIGURATOR_PATH
        call = Call("GET", url, "Configurator", params={"Kanzlei": self._access.kanzlei})
        # Not through the circuit: the configurator being away says nothing about the firm's server.
        answer = await self._pipeline.send(call)
        return self._read(answer)

    def _read(self, answer: Answer) -> Place:
        body: Any = answer.json()
        if answer.status != 200 or not isinstance(body, dict):
            raise answer.garbage("the configurator gave no addresses")
        # The connector, where there is one, MUST be used.
        base = body.get("connectorUrl") or body.get("relayUrl")
        security = body.get("securityGateway") or SECURITY_URL
        if not self._trusted(base) or not self._trusted(security):
            raise answer.garbage("the configurator gave an address that cannot be used")
        return Place(_slashed(base), _slashed(security))

    def _trusted(self, url: object) -> TypeGuard[str]:
        """The password goes there.

        Only over TLS, unless the configurator itself was asked without (on a test bench).
        """
        if not isinstance(url, str):
            return False
        parts = urlsplit(url)
        schemes = {"https", urlsplit(self._access.configurator_url).scheme}
        return parts.scheme in schemes and bool(parts.hostname) and "@" not in parts.netloc


def _slashed(url: str) -> str:
    return url.rstrip("/") + "/"
