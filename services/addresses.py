"""Whether an address somebody else has named may be called. Pure: looks nothing up, calls nobody.

Names are judged, not what they resolve to: an allowed name is called over TLS, and only its owner has a certificate
for it. So a name that is made to lead into our own network finds nobody there who can answer.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Collection
from dataclasses import dataclass
from urllib.parse import urlsplit

import httpx

_ADDRESS = re.compile(r"[!-~]{1,2000}")  # as it goes over the wire: nothing that one parser drops and another keeps
_NAME = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)*")


@dataclass(frozen=True)
class Address:
    """The parts of an address by which it is judged; `host` in small letters, an IPv6 one without brackets."""

    scheme: str
    host: str

    @property
    def loopback(self) -> bool:
        """Whether it is this machine; a name other than `localhost` is not looked up."""
        if self.host == "localhost":
            return True
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return False


def parsed(url: object) -> Address | None:
    """The parts of an http(s) address that every parser reads alike; None for anything else.

    No user, no question, no fragment: paths are put behind it.
    """
    if not isinstance(url, str) or not _ADDRESS.fullmatch(url):
        return None
    try:
        parts = urlsplit(url)
        host, port = (parts.hostname or "").removesuffix("."), parts.port
        called = httpx.URL(url).host.removesuffix(".")
    except (ValueError, httpx.InvalidURL):
        return None
    if parts.scheme not in ("http", "https") or port == 0 or "@" in parts.netloc or "?" in url or "#" in url:
        return None
    return Address(parts.scheme, host) if host == called and _is_host(host) else None


def _is_host(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return len(host) <= 253 and _NAME.fullmatch(host) is not None
    return "%" not in host


def among(host: str, allowed: Collection[str]) -> bool:
    """Whether a host is one of those, or below one of those that begin with a dot (`.firm.example`)."""
    return any(host == one or (one.startswith(".") and host.endswith(one)) for one in allowed)
