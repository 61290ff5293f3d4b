"""Takes EspoCRM's webhooks into the ledger before they are answered.

An event is only a hint; what it says about a record is kept as evidence and never acted on.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence

import structlog

from mappers.spec import Entity
from syncd.delivery import Answer, Rejected, Signed, parse, signature, unsigned, verify
from syncd.lanes import Lane
from syncd.ledger import facts, work
from syncd.ledger.store import Ledger, LedgerUnavailable
from syncd.model import Key
from syncd.queue import Waiting
from syncd.redis_client import RedisUnavailable
from syncd.together import Together

log = structlog.get_logger()

AT_ONCE = 500  # events per transaction
TELL_EVERY = 0.1  # seconds between two rings at least, so that a flood leaves time for those who work
TOLD_AT_ONCE = 100  # records the queue is rung for; what is more is found in the ledger within a second
PATIENCE = 4.0  # seconds for a question to the ledger, two for most deliveries: EspoCRM gives up after 10

# By webhook id; may raise what the ledger does, or TimeoutError.
Secrets = Callable[[str], Awaitable[Sequence[str]]]


def secrets_of(configured: Mapping[str, str], ledger: Ledger) -> Secrets:
    """Secrets by webhook id: those in the settings, and those of webhooks registered by syncd itself."""

    async def find(webhook_id: str) -> Sequence[str]:
        if webhook_id in configured:
            return (configured[webhook_id],)
        async with asyncio.timeout(PATIENCE):
            registered = (await ledger.read(facts.webhook_secrets)).get(webhook_id)
        return () if registered is None else (registered,)

    return find


class Intake:
    """Where deliveries are taken in. `now` in epoch seconds; `ring` tells the queue, which may fail.

    Deliveries that come while others are being stored are stored together, and the queue is rung for them together.
    """

    def __init__(
        self,
        ledger: Ledger,
        secrets: Secrets,
        ring: Callable[[Iterable[Waiting]], Awaitable[None]],
        now: Callable[[], float],
    ) -> None:
        self._ledger = ledger
        self._secrets = secrets
        self._ring = ring
        self._now = now
        self._together = Together(self._store, AT_ONCE)
        self._untold: dict[str, None] = {}
        self._telling: asyncio.Task[None] | None = None

    async def known(self, headers: Mapping[str, str]) -> tuple[Signed, Sequence[str]]:
        """Who claims to send this, before any of the body is read; raises `Rejected`."""
        signed = signature(headers)
        try:
            # An empty secret would be one that everybody knows.
            secrets = [secret for secret in await self._secrets(signed.webhook_id) if secret]
        except (LedgerUnavailable, TimeoutError):
            raise _no_ledger() from None
        if not secrets:
            raise unsigned()
        return signed, secrets

    async def take(self, entity: Entity, action: str, body: bytes, signed: Signed, secrets: Sequence[str]) -> list[str]:
        """Store a delivery's events and the work they make, durably; returns the key of each. Raises `Rejected`.

        The queue is rung soon after.
        """
        verify(signed, body, secrets)
        begin = str(Key(entity.name, ""))
        events = [(begin + espo_id, action, told) for espo_id, told in parse(body)]
        try:
            # What is still stored after we gave up does no harm: it is sent again, and is a hint twice.
            for start in range(0, len(events), AT_ONCE):
                await self._together.add(events[start : start + AT_ONCE])
        except (LedgerUnavailable, TimeoutError):
            raise _no_ledger() from None
        return [key for key, _, _ in events]

    async def _store(self, events: Sequence[tuple[str, str, str]]) -> None:
        async with asyncio.timeout(PATIENCE):
            await self._ledger.write(work.receive, events, self._now())
        room = max(0, TOLD_AT_ONCE - len(self._untold))
        self._untold.update((key, None) for key, _, _ in events[:room])
        if self._telling is None:
            self._telling = asyncio.create_task(self._tell())

    async def _tell(self) -> None:
        try:
            while self._untold:
                keys, self._untold = self._untold, {}
                await tell(self._ring, keys)
                await asyncio.sleep(TELL_EVERY)
        finally:
            self._telling = None


async def tell(ring: Callable[[Iterable[Waiting]], Awaitable[None]], keys: Iterable[str]) -> None:
    """Ring the queue for records that have work now; if it is away the work waits in the ledger and is found there."""
    try:
        await ring([Waiting(key, Lane.LIVE, None) for key in dict.fromkeys(keys)])
    except RedisUnavailable:
        log.info("queue.unreachable", effect="found in the ledger when it is back")


def _no_ledger() -> Rejected:
    return Rejected(503, Answer.NO_LEDGER, "the ledger is not available, send it again")
