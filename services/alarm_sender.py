"""Posts an alarm to the address people have configured. Knows no alarm.

The address may hold a token: it stands in no text and in no log line. One try per call; when to try again is for
whoever remembers what has been told.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import aiohttp
import httpx

from services.transport import Wire, kind, timed_out

SECONDS = 5.0


@dataclass(frozen=True)
class Sent:
    """What came of it: whether the receiver took it, and its answer in a few safe words."""

    delivered: bool
    answer: str


class AlarmSender:
    """Posts JSON to one address; redirects are not followed, or the token in it would go elsewhere."""

    def __init__(self, url: str, transport: httpx.AsyncBaseTransport | None = None) -> None:
        self._url = url
        self._wire = Wire(SECONDS, transport)

    async def send(self, body: Mapping[str, Any]) -> Sent:
        """Post it, within 5 s; raises nothing."""
        try:
            async with asyncio.timeout(SECONDS):
                content = json.dumps(dict(body)).encode()
                response = await self._wire.send("POST", self._url, {}, {"Content-Type": "application/json"}, content)
                await response.aclose()
                return _judged(response.status_code)
        except (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError, aiohttp.ClientError, OSError) as error:
            if timed_out(error):
                return Sent(False, f"no answer within {SECONDS:g} s")
            return Sent(False, f"no connection ({kind(error)})")

    async def close(self) -> None:
        """Close the connection."""
        await self._wire.close()


def _judged(status: int) -> Sent:
    if 300 <= status < 400:
        return Sent(False, f"HTTP {status}: a redirect, which is not followed")
    return Sent(200 <= status < 300, f"HTTP {status}")
