"""Who may talk to the stand-in EspoCRM: logins, rights, lock-out after failed logins (espocrm.md §1)."""

from __future__ import annotations

import base64
import binascii
from collections import defaultdict, deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from syncd.sandbox.espocrm_errors import EspoError

MAX_FAILED = 10
FAILED_PERIOD_SECONDS = 60.0
ACTION_WORDS = {
    "read": "No read access.",
    "create": "No create access.",
    "edit": "No edit access.",
    "delete": "",
    "stream": "No stream access.",
}


@dataclass(frozen=True)
class Who:
    """A user as the API sees him: `kind` is admin, regular or api."""

    id: str
    name: str
    kind: str

    @property
    def is_admin(self) -> bool:
        return self.kind == "admin"


@dataclass
class Door:
    """Credentials, the lock-out per address, and rights taken away from API users for a test."""

    now: Callable[[], float]
    keys: dict[str, Who] = field(default_factory=dict)
    passwords: dict[tuple[str, str], Who] = field(default_factory=dict)
    failed: defaultdict[str, deque[float]] = field(default_factory=lambda: defaultdict(deque))
    denied: set[tuple[str, str]] = field(default_factory=set)
    """(entity, read|create|edit|delete) the API users may not do."""
    hidden: set[str] = field(default_factory=set)
    """ids the API users cannot see: absent from lists, 403 on GET."""
    maintenance: bool = False
    permits: Callable[[Who, str, str], bool] = lambda who, entity, action: True
    """What the roles of a user allow."""

    def enter(self, headers: Mapping[str, str], address: str) -> Who:
        """The user of a request, or EspoError 401, 403 (locked out), 503 (maintenance)."""
        failed = self.failed[address]
        now = self.now()
        while failed and failed[0] <= now - FAILED_PERIOD_SECONDS:
            failed.popleft()
        if len(failed) > MAX_FAILED:
            raise EspoError(403, None)
        who = self._known(headers)
        if who is None:
            if _sent_credentials(headers):
                failed.append(now)
            raise EspoError(401, None)
        if self.maintenance and not who.is_admin:
            raise EspoError(503, "Application is in maintenance mode.")
        return who

    def allow(self, who: Who, entity: str, action: str) -> None:
        """EspoError 403 where the right was taken away."""
        if (who.kind == "api" and (entity, action) in self.denied) or not self.permits(who, entity, action):
            raise EspoError(403, ACTION_WORDS[action])

    def sees(self, who: Who, record_id: str) -> bool:
        """Whether the record is within this user's reading rights."""
        return who.kind != "api" or record_id not in self.hidden

    def _known(self, headers: Mapping[str, str]) -> Who | None:
        key = headers.get("x-api-key")
        if key is not None:
            return self.keys.get(key)
        pair = _basic(headers)
        return self.passwords.get(pair) if pair else None


def _sent_credentials(headers: Mapping[str, str]) -> bool:
    return any(name in headers for name in ("x-api-key", "authorization", "espo-authorization"))


def _basic(headers: Mapping[str, str]) -> tuple[str, str] | None:
    sent = headers.get("espo-authorization")
    if sent is None:
        scheme, _, sent = headers.get("authorization", "").partition(" ")
        if scheme.lower() != "basic":
            return None
    try:
        name, _, password = base64.b64decode(sent, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return None
    return name, password
