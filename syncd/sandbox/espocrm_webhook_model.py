"""A webhook of EspoCRM, its settings, and the bytes and signatures it sends (espocrm.md §5, §9). Pure."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from dataclasses import dataclass
from typing import Any


@dataclass
class Settings:
    """What an admin can tune, and how lossy the way is. Chances are 0..1."""

    portion: int = 20
    batch: int = 50
    interval_seconds: float = 120.0
    retry_seconds: float = 600.0
    attempts: int = 4
    refused_is_final: bool = False
    """EspoCRM 10: a refused connection fails at once."""
    allowed_addresses: frozenset[str] | None = None
    """host:port that may be called; None = any (a `config.php` that allows them)."""
    loss: float = 0.0
    twice: float = 0.0
    shuffle: bool = False


@dataclass
class Webhook:
    """One registration."""

    id: str
    event: str
    url: str
    secret: str
    owner: str
    active: bool = True
    skip_own: bool = False

    def shown(self) -> dict[str, Any]:
        """As the API shows it."""
        entity, kind, *rest = self.event.split(".")
        return {
            "id": self.id,
            "event": self.event,
            "url": self.url,
            "isActive": self.active,
            "entityType": entity,
            "type": kind,
            "field": rest[0] if rest else None,
            "secretKey": self.secret,
            "skipOwn": self.skip_own,
            "userId": self.owner,
            "createdById": self.owner,
        }


@dataclass
class Item:
    """One event on its way to one webhook."""

    webhook: str
    data: dict[str, Any]
    due: float = 0.0
    attempts: int = 0


def payload_bytes(items: list[dict[str, Any]]) -> bytes:
    """The body as PHP encodes it: `/` as `\\/`, non-ASCII as `\\uXXXX`."""
    return json.dumps(items, separators=(",", ":")).replace("/", "\\/").encode()


def signed_headers(webhook_id: str, secret: str, body: bytes) -> dict[str, str]:
    """Both signatures over the raw body: hex digest (since 9.0) and raw digest (older)."""
    digest = hmac.new(secret.encode(), body, hashlib.sha256)
    lead = webhook_id.encode() + b":"
    return {
        "Content-Type": "application/json",
        "Signature": base64.b64encode(lead + digest.hexdigest().encode()).decode(),
        "X-Signature": base64.b64encode(lead + digest.digest()).decode(),
    }
