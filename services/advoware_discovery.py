"""Where a firm's Advoware is: as the vendor's configurator says, or as configured. Sends no login.

Password and people's data go where the configurator points, so it may point to few places: the vendor's own hosts,
those of the configured addresses, and those a person has allowed. Another one stops all calls until a person acts.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any

from services.addresses import among, parsed
from services.advoware_token import LOGIN_PATH, SIDE, Access
from services.answer import Answer, Call
from services.errors import Outage, PeerError
from services.http import Pipeline

# Used while the configurator gives no answer.
RELAY_URL = "https://www2.advo-net.net:90/"
SECURITY_URL = "https://security.advo-net.net/"
VENDOR = ("advo-net.net", ".advo-net.net")
CONFIGURATOR_PATH = "api/Url"
KEEP_SECONDS = 3600.0  # a firm may move its connector
RETRY_SECONDS = 60.0  # after a configurator that gave no answer


class _Stranger(Exception):
    """The configurator names a host nobody has allowed; the text is the host."""


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
            _slashed((access.security_url or SECURITY_URL).removesuffix("/").removesuffix(LOGIN_PATH)),
        )
        self._found: Place | None = self._configured if access.base_url else None
        self._good_until = float("inf") if access.base_url else 0.0
        self._allowed = self._own_hosts()
        self._stranger: str | None = None
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
            if now() >= self._good_until:
                answered = await self._renew()
                self._good_until = now() + (KEEP_SECONDS if answered else RETRY_SECONDS)
            if self._stranger is not None:
                text = f"the configurator names the host {self._stranger}, which ADVOWARE_HOSTS does not allow"
                raise Outage(SIDE, text, retry_after=RETRY_SECONDS)
            return self._found or self._configured

    async def _renew(self) -> bool:
        """Ask again; whether there was an answer to rely on. Without one, what was found last is good."""
        try:
            self._found = await self._ask()
        except PeerError:
            return False
        except _Stranger as named:
            self._stranger = str(named)
            # Nothing is called, so nothing else would show that this side cannot be reached.
            ports = self._pipeline.ports
            await ports.circuit.fail(SIDE, ports.new_id(), RETRY_SECONDS)
            return False
        self._stranger = None
        return True

    async def _ask(self) -> Place:
        url = _slashed(self._access.configurator_url) + CONFIGURATOR_PATH
        call = Call("GET", url, "Configurator", params={"Kanzlei": self._access.kanzlei})
        # Not through the circuit: the configurator being away says nothing about the firm's server.
        answer = await self._pipeline.send_within_budget(call)
        return self._read(answer)

    def _read(self, answer: Answer) -> Place:
        body: Any = answer.json()
        if answer.status != 200 or not isinstance(body, dict):
            raise answer.garbage("the configurator gave no addresses")
        # The connector, where there is one, MUST be used.
        base = self._judged(answer, body.get("connectorUrl") or body.get("relayUrl"))
        return Place(base, self._judged(answer, body.get("securityGateway") or SECURITY_URL))

    def _judged(self, answer: Answer, url: object) -> str:
        """The address, if it may be called: over TLS and allowed, or this machine if the configurator is it too.

        Raises `Retryable` for one nobody could use, `_Stranger` for a host nobody has allowed.
        """
        found, asked = parsed(url), parsed(self._access.configurator_url)
        bench = asked is not None and asked.scheme == "http" and asked.loopback  # stand-ins on this machine
        if found is None or not (found.scheme == "https" or (bench and found.loopback)):
            raise answer.garbage("the configurator gave an address that cannot be used")
        if not (bench and found.loopback) and not among(found.host, self._allowed):
            raise _Stranger(found.host)
        return _slashed(str(url))

    def _own_hosts(self) -> frozenset[str]:
        known = (self._access.configurator_url, self._access.security_url, self._access.base_url)
        named = {one.host for one in map(parsed, known) if one is not None}
        return frozenset({*VENDOR, *named, *(host.lower() for host in self._access.hosts)})


def _slashed(url: str) -> str:
    return url.rstrip("/") + "/"
