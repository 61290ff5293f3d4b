"""Logging in to the stand-in Advoware: who may have a token, and in which words it refuses (advoware.md §2)."""

from __future__ import annotations

import base64
import hashlib
import hmac
import random
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from syncd.sandbox import defaults

KEYS = frozenset(
    (
        "AppID",
        "Kanzlei",
        "Database",
        "User",
        "Role",
        "Product",
        "Password",
        "Nonce",
        "HMAC512Signature",
        "RequestTimeStamp",
    )
)
STAMP = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+Z")
GUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
NOT_SIGNED_IN = "Die Kanzlei ist nicht angemeldet."
WRONG_PASSWORD = "Falscher Name oder falsches Kennwort."


class TokenRefused(Exception):
    """A refusal: status and the text in the body."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.status = status
        self.text = text


@dataclass
class TokenDesk:
    """Issues and checks tokens. `answers` is expiration_utc, expires_in or neither."""

    now: Callable[[], float]
    rng: random.Random
    password: str = defaults.ADVOWARE_PASSWORD
    api_key: str = defaults.ADVOWARE_API_KEY
    lifetime_seconds: float = 3600.0
    max_skew_seconds: float = 300.0
    answers: str = "expiration_utc"
    signed_in: bool = True
    """False: the firm's own server is offline, an outage of the peer"""
    not_signed_in_status: int = 400
    wrong_password_status: int = 400
    tokens: dict[str, tuple[str, float]] = field(default_factory=dict)
    nonces: set[str] = field(default_factory=set)
    issued: int = 0
    wrong_passwords: int = 0

    def issue(self, body: Mapping[str, Any]) -> dict[str, Any]:
        """A token, or TokenRefused."""
        if not self.signed_in:
            raise TokenRefused(self.not_signed_in_status, NOT_SIGNED_IN)
        if set(body) != KEYS:
            raise TokenRefused(400, "Ungültige Anfrage.")
        self._check_signature(body)
        self._check_login(body)
        token = f"{self.rng.getrandbits(256):064x}"
        ends = self.now() + self.lifetime_seconds
        self.tokens[token] = (str(body["User"]), ends)
        self.issued += 1
        answer: dict[str, Any] = {"access_token": token}
        if self.answers == "expiration_utc":
            answer["expiration_utc"] = datetime.fromtimestamp(ends, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        elif self.answers == "expires_in":
            answer["expires_in"] = int(self.lifetime_seconds)
        return answer

    def user(self, authorization: str) -> str:
        """The user of a bearer token; TokenRefused 401, or the outage text."""
        if not self.signed_in:
            raise TokenRefused(self.not_signed_in_status, NOT_SIGNED_IN)
        scheme, _, token = authorization.partition(" ")
        name, ends = self.tokens.get(token, ("", 0.0))
        if scheme.lower() != "bearer" or ends <= self.now():
            self.tokens.pop(token, None)
            raise TokenRefused(401, "")
        return name

    def revoke(self) -> None:
        """All tokens end now."""
        self.tokens.clear()

    def _check_signature(self, body: Mapping[str, Any]) -> None:
        stamp, nonce = str(body["RequestTimeStamp"]), str(body["Nonce"])
        if not STAMP.fullmatch(stamp) or not GUID.fullmatch(nonce):
            raise TokenRefused(400, "Ungültige Anfrage.")
        try:
            sent_at = datetime.fromisoformat(stamp.replace("Z", "+00:00")).timestamp()
        except ValueError:
            raise TokenRefused(400, "Ungültige Anfrage.") from None
        wanted = signature(self.api_key, body["Product"], body["AppID"], nonce, stamp)
        if not hmac.compare_digest(wanted, str(body["HMAC512Signature"])):
            raise TokenRefused(401, "Die Signatur ist ungültig.")
        if abs(sent_at - self.now()) > self.max_skew_seconds:
            raise TokenRefused(401, "Der Zeitstempel ist abgelaufen.")
        if nonce in self.nonces:
            raise TokenRefused(401, "Die Nonce wurde bereits verwendet.")
        self.nonces.add(nonce)

    def _check_login(self, body: Mapping[str, Any]) -> None:
        named = (body["AppID"], body["Kanzlei"], body["Database"], body["Role"], body["Product"])
        known = (
            defaults.ADVOWARE_APP_ID,
            defaults.ADVOWARE_KANZLEI,
            defaults.ADVOWARE_DATABASE,
            defaults.ADVOWARE_ROLE,
            defaults.ADVOWARE_PRODUCT,
        )
        if named != known:
            raise TokenRefused(400, "Das Produkt ist für diese Kanzlei nicht freigeschaltet.")
        if (body["User"], body["Password"]) != (defaults.ADVOWARE_USER, self.password):
            self.wrong_passwords += 1
            raise TokenRefused(self.wrong_password_status, WRONG_PASSWORD)


def signature(api_key: str, product: Any, app: Any, nonce: str, stamp: str) -> str:
    """base64(HMAC-SHA512(decoded key, "product:app:nonce:stamp"))."""
    message = f"{product}:{app}:{nonce}:{stamp}".encode()
    return base64.b64encode(hmac.new(base64.b64decode(api_key), message, hashlib.sha512).digest()).decode()
