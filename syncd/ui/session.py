"""Sessions: a signed cookie, judged anew with every request. Knows no page.

What is signed: who, by which way, until when, a random id, and a digest of the person's hash (or the token). So a
session ends when it runs out, when the person signs out, when the password is changed, and when the person is taken
out of the configuration; and who has only the ledger cannot make one.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from itsdangerous import BadSignature, URLSafeSerializer
from starlette.requests import Request
from starlette.responses import Response

from syncd.ledger import sessions
from syncd.ledger.store import Ledger
from syncd.ui.users import User, Users

LIFE = 12 * 3600.0  # seconds: a working day
LONGEST_COOKIE = 2000


@dataclass(frozen=True)
class Visit:
    """Somebody who has signed in. `csrf` stands in each of their forms; `until` in epoch seconds."""

    user: User
    id: str
    csrf: str
    until: float


@dataclass(frozen=True)
class Sessions:
    """Begins sessions, recognises and ends them. `secure`: browsers reach us by https only."""

    ledger: Ledger
    users: Users
    now: Callable[[], float]
    new_id: Callable[[], str]
    secure: bool

    @property
    def cookie(self) -> str:
        """Its name; browsers take a `__Host-` cookie only over https and from this very host."""
        return "__Host-syncd" if self.secure else "syncd"

    async def begin(self, user: User, response: Response) -> None:
        """Sign somebody in."""
        key = await self.ledger.write(sessions.make_key, self.new_id() + self.new_id())
        until = self.now() + LIFE
        told = {"name": user.name, "by_token": user.by_token, "until": until, "id": self.new_id()}
        value = _signer(key).dumps(told | {"of": _digest(key, "of", user.secret)})
        response.set_cookie(
            self.cookie, str(value), max_age=int(LIFE), path="/", secure=self.secure, httponly=True, samesite="strict"
        )

    async def visit(self, request: Request) -> Visit | None:
        """Who asks; None where nobody has signed in, or not any more."""
        value = request.cookies.get(self.cookie, "")
        if not value or len(value) > LONGEST_COOKIE:
            return None
        return self._judged(value, await self.ledger.read(sessions.signing))

    def _judged(self, value: str, signing: sessions.Signing) -> Visit | None:
        if not signing.key:
            return None
        try:
            told: dict[str, Any] = _signer(signing.key).loads(value)
        except BadSignature:
            return None
        user = self.users.known(told["name"], by_token=told["by_token"])
        if user is None or told["until"] <= self.now() or told["id"] in signing.ended:
            return None
        if not hmac.compare_digest(_digest(signing.key, "of", user.secret), told["of"]):
            return None
        return Visit(user, told["id"], _digest(signing.key, "csrf", told["id"]), told["until"])

    async def end(self, visit: Visit, response: Response) -> None:
        """Sign somebody out, everywhere this session is known."""
        await self.ledger.write(sessions.end, visit.id, visit.until, self.now())
        response.delete_cookie(self.cookie, path="/", secure=self.secure, httponly=True, samesite="strict")


def _signer(key: str) -> URLSafeSerializer:
    return URLSafeSerializer(key, salt="syncd.ui.session", signer_kwargs={"digest_method": hashlib.sha256})


def _digest(key: str, purpose: str, text: str) -> str:
    return hmac.new(key.encode(), f"{purpose}:{text}".encode(), hashlib.sha256).hexdigest()
