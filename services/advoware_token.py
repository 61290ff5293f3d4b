"""Advoware's login: the signed token request, what its answer means, and one token for everybody.

A login is costly and repeated wrong ones lock the account: a token is asked for once, by one caller of all
workers and processes, and after a refusal not again before the credentials change or a person acts. Knows
nothing of the calls the token is for.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from services.answer import Answer, Call
from services.errors import CircuitOpen, Credentials, Outage, PeerError, Retryable
from services.http import Pipeline
from services.ports import Token, TokenStore

SIDE = "advoware"
LOGIN_PATH = "api/v1/Token"
REFRESH_EARLY_SECONDS = 120.0
# A token is used at least this long whatever is said about its end, or a wrong clock would mean a login per
# call.
SHORTEST_USE_SECONDS = 30.0
# And no longer than this, or an answer without sense would mean a token for ever.
LONGEST_USE_SECONDS = 86400.0
POLL_SECONDS = 0.2
# Parts of texts, as seen on the live system. The first kind is the firm's own server being offline or not
# released.
OUTAGE_TEXTS = ("ist nicht angemeldet", "ist nicht registriert", "freigeschaltet")
_SENDABLE = re.compile(r"[!-~]{1,16384}")  # what can stand in a header
CREDENTIALS_TEXTS = ("Falscher Name oder falsches Kennwort", "Benutzer / Kennwort ung")


@dataclass(frozen=True)
class Access:
    """Who we are to Advoware. `api_key` is base64. An empty `base_url` means: ask the configurator.

    `hosts` the configurator may name besides the vendor's own; `.firm.example` means all below it.
    """

    kanzlei: str
    database: str
    user: str
    password: str = field(repr=False)
    app_id: str
    api_key: str = field(repr=False)
    product: int = 64
    role: int = 2
    base_url: str = ""
    security_url: str = ""
    configurator_url: str = "https://www2.advo-net.net/AdvonetConfigurator/"
    token_minutes: float = 55.0
    hosts: tuple[str, ...] = ()

    def fingerprint(self) -> str:
        """Names these credentials without telling anything about them: a hash keyed with the API key."""
        parts = [self.kanzlei, self.database, self.user, self.password, self.app_id]
        parts += [str(self.product), str(self.role), self.base_url, self.security_url]
        text = "\0".join(parts).encode()
        return hmac.new(b"syncd" + self.api_key.encode(), text, hashlib.sha256).hexdigest()[:24]


def sign(api_key: str, product: int, app_id: str, nonce: str, stamp: str) -> str:
    """HMAC512Signature.

    Base64 of HMAC-SHA512 over product:app:nonce:stamp, keyed with the base64-decoded API key.
    """
    message = f"{product}:{app_id}:{nonce}:{stamp}".encode()
    return base64.b64encode(hmac.new(base64.b64decode(api_key), message, hashlib.sha512).digest()).decode()


def login_body(access: Access, nonce: str, now: float) -> dict[str, Any]:
    """The body of the token request; exactly these keys, the time stamp byte for byte as signed."""
    stamp = datetime.fromtimestamp(now, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return {
        "AppID": access.app_id,
        "Kanzlei": access.kanzlei,
        "Database": access.database,
        "User": access.user,
        "Role": access.role,
        "Product": access.product,
        "Password": access.password,
        "Nonce": nonce,
        "HMAC512Signature": sign(access.api_key, access.product, access.app_id, nonce, stamp),
        "RequestTimeStamp": stamp,
    }


def read_token(answer: Answer, now: float, lifetime: float) -> Token:
    """The token of an answer. Everything else is an Outage or Credentials.

    A failed login is no record's fault.
    """
    text = answer.content.decode("utf-8", "replace")
    if any(part in text for part in OUTAGE_TEXTS):
        raise Outage(SIDE, "the firm's Advoware server is offline or the product not released", status=answer.status)
    if any(part in text for part in CREDENTIALS_TEXTS):
        raise Credentials(SIDE, "user name or password is wrong", status=answer.status)
    if answer.status in (400, 401, 403, 422):
        # No known text, but it is our login that is refused: another try is another step towards a locked
        # account.
        raise Credentials(SIDE, "the login was refused", status=answer.status)
    if answer.status in (429, 503):
        raise Outage(SIDE, "the login server is busy", status=answer.status, retry_after=answer.retry_after(now))
    body = _object(answer)
    access = body.get("access_token")
    if not 200 <= answer.status < 300 or not isinstance(access, str) or not _SENDABLE.fullmatch(access):
        raise Outage(SIDE, "the login server gave no token", status=answer.status)
    seconds = min(_seconds(body, answer.date or now, lifetime), LONGEST_USE_SECONDS)
    return Token(access, now, now + max(seconds, SHORTEST_USE_SECONDS))


def _object(answer: Answer) -> dict[str, Any]:
    try:
        body = answer.json()
    except Retryable:
        return {}
    return body if isinstance(body, dict) else {}


def _seconds(body: dict[str, Any], server_now: float, lifetime: float) -> float:
    """How long the token lives.

    The end is told on the server's clock, so it is measured against the server's clock.
    """
    end = body.get("expiration_utc")
    if isinstance(end, str):
        try:
            at = datetime.fromisoformat(end)
            return (at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp() - server_now
        except (ValueError, OverflowError):
            pass
    seconds = body.get("expires_in")
    if isinstance(seconds, int | float) and not isinstance(seconds, bool) and seconds > 0:
        return float(min(seconds, LONGEST_USE_SECONDS))
    return lifetime


def usable(token: Token | None, now: float) -> bool:
    """Whether a token is good for a call.

    Not within two minutes of its end, half its life for one living shorter.
    """
    if token is None:
        return False
    margin = min(REFRESH_EARLY_SECONDS, (token.expires - token.obtained) / 2)
    return now < token.expires - margin


class TokenSource:
    """Gives the token everybody shares. `locate` gives the URL of the security gateway."""

    def __init__(
        self,
        access: Access,
        pipeline: Pipeline,
        store: TokenStore,
        locate: Callable[[], Awaitable[str]],
        *,
        timeout: float,
    ) -> None:
        self._access = access
        self._pipeline = pipeline
        self._store = store
        self._locate = locate
        self._key = access.fingerprint()
        # Longer than a login can take, so that the lock outlives the one who works.
        self._lock_seconds = timeout + 30.0
        self._held: Token | None = None
        self._flight: asyncio.Task[Token] | None = None

    def __repr__(self) -> str:
        return "TokenSource()"

    async def get(self) -> Token:
        """A usable token; many callers at once share one flight, its failure included."""
        held = self._held
        if held is not None and usable(held, self._pipeline.ports.now()):
            return held
        if self._flight is None or self._flight.done():
            self._flight = asyncio.create_task(self._fetch(), name="advoware login")
            self._flight.add_done_callback(_retrieve)
        # One caller giving up must not take the login away from the others.
        return await asyncio.shield(self._flight)

    async def refuse(self, token: Token) -> None:
        """The token was answered with a 401: nobody shall use it again."""
        if self._held is not None and self._held.access == token.access:
            self._held = None
        await self._store.drop(self._key, token.access)

    async def _fetch(self) -> Token:
        ports = self._pipeline.ports
        owner = ports.new_id()
        patience = ports.now() + self._lock_seconds
        while True:
            token = await self._store.read(self._key)
            if token is not None and usable(token, ports.now()):
                self._held = token
                return token
            if await self._store.lock(self._key, owner, self._lock_seconds):
                break
            if ports.now() > patience:
                raise CircuitOpen(SIDE, "another process is busy with the login", retry_after=POLL_SECONDS)
            await ports.sleep(POLL_SECONDS * (0.5 + ports.jitter()))
        try:
            token = await self._store.read(self._key)
            if token is None or not usable(token, ports.now()):
                token = await self._login()
                await self._store.save(self._key, owner, token)
            self._held = token
            return token
        finally:
            await self._store.unlock(self._key, owner)

    async def _login(self) -> Token:
        ports = self._pipeline.ports
        body = login_body(self._access, _guid(ports.new_id()), ports.now())
        call = Call("POST", f"{await self._locate()}{LOGIN_PATH}", "Token", body=body)
        lifetime = self._access.token_minutes * 60
        failure: PeerError
        try:
            return await self._pipeline.call(call, lambda answer: read_token(answer, ports.now(), lifetime))
        except Credentials as error:
            failure = error
            await ports.circuit.bar(SIDE, self._pipeline.credentials)
        except Retryable as error:
            failure = Outage(SIDE, "the login server gave an answer that makes no sense", status=error.status)
        raise failure


def _guid(text: str) -> str:
    """32 hex digits as a GUID."""
    return "-".join((text[:8], text[8:12], text[12:16], text[16:20], text[20:])) if len(text) == 32 else text


def _retrieve(task: asyncio.Task[Token]) -> None:
    """Look at the outcome, or asyncio complains about a failed login all of whose waiters were cancelled."""
    if not task.cancelled():
        task.exception()
