"""Takes in EspoCRM's webhooks: who sent this, what does it name, and into the ledger before the answer.

An event is only a hint; what it says about a record is kept as evidence and never acted on. Knows
HTTP headers and bodies as bytes, not the server in front of it.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import hashlib
import hmac
import json
import math
import re
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, NoReturn

import structlog

from mappers.spec import Entity
from syncd.lanes import Lane
from syncd.ledger import facts, work
from syncd.ledger.store import Ledger, LedgerUnavailable
from syncd.model import ESPO_ID, Key
from syncd.queue import Waiting
from syncd.redis_client import RedisUnavailable

log = structlog.get_logger()

MAX_BODY = 20 * 1024 * 1024
AT_ONCE = 500  # events per transaction
DEEPEST = 100  # levels of a body
PATIENCE = 4.0  # seconds for a question to the ledger, two for most deliveries: EspoCRM gives up after 10
ACTIONS = ("create", "update", "delete")
_WEBHOOK_ID = re.compile(rb"[A-Za-z0-9_-]{1,40}\Z")
_HALF = re.compile(rb"\\u[dD][89a-fA-F]")  # half a surrogate pair, unless the other half stands beside it

Event = tuple[str, Mapping[str, Any]]  # EspoCRM id, body
# By webhook id; may raise what the ledger does, or TimeoutError.
Secrets = Callable[[str], Awaitable[Sequence[str]]]


class Answer(StrEnum):
    """How a delivery was received, for the metrics."""

    RECEIVED = "received"
    BAD_SIGNATURE = "bad_signature"
    UNREADABLE = "unreadable"
    TOO_LARGE = "too_large"
    NO_LEDGER = "no_ledger"


class Rejected(Exception):
    """A delivery that is not taken in; `status` is HTTP's, the text one line without anything that was sent."""

    def __init__(self, status: int, answer: Answer, text: str) -> None:
        super().__init__(text)
        self.status = status
        self.answer = answer
        self.text = text


@dataclass(frozen=True, slots=True)
class Signed:
    """What a signature header says: which webhook, and its HMAC of the body, as bytes to compare with."""

    webhook_id: str
    proof: bytes
    form: Callable[[bytes, bytes], bytes]


def hex_proof(secret: bytes, body: bytes) -> bytes:
    """HMAC-SHA256 as `Signature` carries it (EspoCRM 9.0 on)."""
    return hmac.new(secret, body, hashlib.sha256).hexdigest().encode()


def raw_proof(secret: bytes, body: bytes) -> bytes:
    """HMAC-SHA256 as `X-Signature` carries it (before EspoCRM 11)."""
    return hmac.new(secret, body, hashlib.sha256).digest()


def signature(headers: Mapping[str, str]) -> Signed:
    """The signature a delivery carries, the newer form first; raises `Rejected` where there is none to read."""
    for name, form in (("signature", hex_proof), ("x-signature", raw_proof)):
        header = headers.get(name)
        if header is None:
            continue
        try:
            webhook_id, colon, proof = base64.b64decode(header.strip(), validate=True).partition(b":")
        except (binascii.Error, ValueError):
            raise _unsigned() from None
        if not colon or not _WEBHOOK_ID.match(webhook_id):
            raise _unsigned()
        return Signed(webhook_id.decode("ascii"), proof, form)
    raise _unsigned()


def verify(signed: Signed, body: bytes, secrets: Iterable[str]) -> None:
    """Raise `Rejected` unless the body was signed with one of the secrets."""
    proven = [hmac.compare_digest(signed.form(secret.encode(), body), signed.proof) for secret in secrets]
    if not any(proven):
        raise _unsigned()


def _unsigned() -> Rejected:
    return Rejected(401, Answer.BAD_SIGNATURE, "the signature is missing or does not fit")


def parse(body: bytes) -> list[Event]:
    """The events of a delivery in their order; raises `Rejected` for what EspoCRM would not send."""
    try:
        items = _loads(body.decode("utf-8-sig"))
        if _HALF.search(body):
            # No encoding can keep half a pair, nor any door show it: a sign takes its place in the evidence.
            told = json.dumps(items, ensure_ascii=False)
            items = _loads(told.encode("utf-16", "surrogatepass").decode("utf-16", "replace"))
    except (ValueError, RecursionError):
        raise _unreadable("the body is not JSON") from None
    if not isinstance(items, list):
        raise _unreadable("the body is not a JSON array")
    if _is_deep(items):
        raise _unreadable("the body is nested too deep")
    events: list[Event] = []
    for item in items:
        espo_id = item.get("id") if isinstance(item, dict) else None
        if not isinstance(espo_id, str) or not ESPO_ID.match(espo_id):
            raise _unreadable("every item must be an object with the id of a record")
        events.append((espo_id, item))
    return events


def _is_deep(items: Any) -> bool:
    """Whether a body is nested as no record is: what can be read is not always what can be written down again."""
    waiting = [(items, 1)]
    while waiting:
        value, depth = waiting.pop()
        inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
        if inner and depth > DEEPEST:
            return True
        waiting += [(one, depth + 1) for one in inner if isinstance(one, dict | list)]
    return False


def _loads(body: str) -> Any:
    return json.loads(body, parse_constant=_no_number, parse_float=_finite)


def _no_number(_: str) -> NoReturn:
    raise ValueError("not a JSON number")


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError("not a JSON number")
    return number


def _unreadable(text: str) -> Rejected:
    return Rejected(400, Answer.UNREADABLE, text)


def secrets_of(configured: Mapping[str, str], ledger: Ledger) -> Secrets:
    """Secrets by webhook id: those in the settings, and those of webhooks registered by syncd itself."""

    async def find(webhook_id: str) -> Sequence[str]:
        if webhook_id in configured:
            return (configured[webhook_id],)
        async with asyncio.timeout(PATIENCE):
            registered = (await ledger.read(facts.webhook_secrets)).get(webhook_id)
        return () if registered is None else (registered,)

    return find


@dataclass(frozen=True)
class Intake:
    """Where deliveries are taken in. `now` in epoch seconds; `ring` tells the queue, which may fail."""

    ledger: Ledger
    secrets: Secrets
    ring: Callable[[Iterable[Waiting]], Awaitable[None]]
    now: Callable[[], float]

    async def known(self, headers: Mapping[str, str]) -> tuple[Signed, Sequence[str]]:
        """Who claims to send this, before any of the body is read; raises `Rejected`."""
        signed = signature(headers)
        try:
            # An empty secret would be one that everybody knows.
            secrets = [secret for secret in await self.secrets(signed.webhook_id) if secret]
        except (LedgerUnavailable, TimeoutError):
            raise _no_ledger() from None
        if not secrets:
            raise _unsigned()
        return signed, secrets

    async def take(self, entity: Entity, action: str, body: bytes, signed: Signed, secrets: Sequence[str]) -> list[str]:
        """Store a delivery's events and the work they make, durably; returns the key of each. Raises `Rejected`."""
        verify(signed, body, secrets)
        events = [(str(Key(entity.name, espo_id)), action, item) for espo_id, item in parse(body)]
        try:
            # What is still stored after we gave up does no harm: it is sent again, and is a hint twice.
            for start in range(0, len(events), AT_ONCE):
                async with asyncio.timeout(PATIENCE):
                    await self.ledger.write(work.receive, events[start : start + AT_ONCE], self.now())
        except (LedgerUnavailable, TimeoutError):
            raise _no_ledger() from None
        return [key for key, _, _ in events]

    async def tell(self, keys: Iterable[str]) -> None:
        """Ring the queue for records that have work now."""
        await tell(self.ring, keys)


async def tell(ring: Callable[[Iterable[Waiting]], Awaitable[None]], keys: Iterable[str]) -> None:
    """Ring the queue; if it is away the work waits in the ledger and is found there."""
    try:
        await ring([Waiting(key, Lane.LIVE, None) for key in dict.fromkeys(keys)])
    except RedisUnavailable:
        log.info("queue.unreachable", effect="found in the ledger when it is back")


def _no_ledger() -> Rejected:
    return Rejected(503, Answer.NO_LEDGER, "the ledger is not available, send it again")
