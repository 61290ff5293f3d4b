"""Whether a job may write now: nobody paused it, its claim holds, and what it read is young enough."""

from __future__ import annotations

from collections.abc import Callable

from mappers.spec import Side
from syncd.context import Context
from syncd.ledger import facts, pairs, steps
from syncd.model import IntentState, Present
from syncd.scribe import Scribe, Stopped

READ_LIFE = 5.0  # seconds a read may be old when it is written over
SOURCE_LIFE = 15.0  # and when it is what is written; longer, so that two slow systems do not wait for each other
HEARD_LIFE = 0.1  # seconds for which what a commit has told of pauses need not be asked again
FIRMNESS = 0.5  # part of the lease that must be left before a write
STILL_FIRM = 0.4  # and when it has waited for its turn and is about to be sent


class Mismatch(Exception):
    """What allowed the write is no longer so: the target changed, or the time is over; nothing was written."""


class Permit:
    """One job's right to write, as long as the claim holds that was asked for at `began` (monotonic).

    `wrote_advoware` once anything was sent there.
    """

    def __init__(self, context: Context, claim: pairs.Claim, began: float, scribe: Scribe) -> None:
        self._context = context
        self._claim = claim
        self._scribe = scribe
        self._until = began + context.settings.lease
        self.wrote_advoware = False
        self._paused: frozenset[str] = frozenset()
        self._heard_at = float("-inf")

    def age(self, seen: Present) -> float:
        """Seconds since it was read."""
        return self._context.clock.monotonic() - seen.read_at

    def is_old(self, seen: Present) -> bool:
        """Too old to be written over."""
        return self.age(seen) > READ_LIFE

    def heard(self, paused: frozenset[str]) -> None:
        """What was paused when the job stored something just now."""
        self._paused, self._heard_at = paused, self._context.clock.monotonic()

    async def check_pause(self, side: Side) -> None:
        """Raises `Stopped` where writing to a side is paused, also since the job began."""
        name = self._context.entity.name
        if self._context.clock.monotonic() - self._heard_at < HEARD_LIFE:
            scope = next((one for one in facts.scopes(name, side) if one in self._paused), None)
        else:
            scope = await self._context.ledger.read(facts.paused_by, name, side)
        if scope is not None:
            raise Stopped(f"pause:{scope}")

    async def firm(self) -> None:
        """Directly before a write: the claim holds long enough by the monotonic clock."""
        lease = self._context.settings.lease
        if self._until - self._context.clock.monotonic() > lease * FIRMNESS:
            return
        until = self._context.clock.now() + lease
        started = self._context.clock.monotonic()
        held = self._claim.key, self._claim.fence, until, self._claim.lock
        if not await self._context.ledger.write(pairs.renew, *held):
            raise pairs.FenceLost(self._claim.key)
        self._until = started + lease

    def last_look(self, target: Present | None = None) -> Callable[[], None]:
        """For the client to ask directly before it sends: it may have waited long for a login, its turn, the processor.

        Raises `Mismatch` where the claim is no longer firm, or `target` has become too old to be written over.
        """

        def look() -> None:
            left = self._until - self._context.clock.monotonic()
            if left <= self._context.settings.lease * STILL_FIRM or (target is not None and self.is_old(target)):
                raise Mismatch

        return look

    async def unsent(self, intent: str | None) -> None:
        """The last look forbade it: for certain nothing was written."""
        if intent is not None:
            await self._context.ledger.write(steps.conclude, self._scribe.job(), intent, IntentState.VOID)

    async def still_fresh(self, target: Present, intent: str) -> None:
        """Journalling may have taken long: what was read too long ago is not written over; raises `Mismatch`."""
        if self.is_old(target):
            await self.unsent(intent)
            raise Mismatch
