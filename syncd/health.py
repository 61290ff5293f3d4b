"""Why the daemon cannot work now, if it cannot: for readiness, alarms and the gauges.

Looks at ledger, Redis and circuits, and at how long ago something succeeded. Changes nothing, and
calls neither system.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

import structlog

from services.ports import CircuitName, CircuitState
from syncd.clock import Clock
from syncd.endings import Ended
from syncd.ledger import facts
from syncd.ledger.store import Ledger, LedgerUnavailable
from syncd.queue import Queue
from syncd.redis_client import RedisUnavailable

log = structlog.get_logger()

LOOK_EVERY = 2.0
PATIENCE = 5.0
SILENCE = 300.0  # seconds without a success after which something is wrong
POLLS_MISSED = 4
GREETING = 15.0  # seconds after the start in which nobody need have answered yet
UNHEARD = "unheard:"
PEERS = ("espocrm", "advoware")
SUCCESS = frozenset(Ended) - {Ended.POSTPONED, Ended.FAILED, Ended.LOST, Ended.BUSY}


@dataclass(frozen=True)
class Reason:
    """One thing that is wrong: a word for logs and machines, a line for people."""

    code: str
    text: str


@dataclass
class Health:
    """What is wrong at the moment. `poll_seconds`: the period of the poll, None where this process does not poll."""

    ledger: Ledger
    queue: Queue
    circuit: Callable[[str], Awaitable[CircuitState]]
    clock: Clock
    poll_seconds: float | None
    unheard: set[str] = field(default_factory=lambda: set(PEERS))
    stopping: bool = False
    reasons: tuple[Reason, ...] = (Reason("starting", "starting"),)

    def __post_init__(self) -> None:
        self.started = self.clock.now()
        self._succeeded = self.clock.monotonic()
        self._told: set[str] = set()

    def lines(self) -> list[str]:
        """What is wrong, for people; nothing if all is well."""
        return ["stopping"] if self.stopping else [reason.text for reason in self.reasons]

    def called(self, side: str, outcome: str) -> None:
        """A call to one of the systems ended; any answer shows that it is there."""
        if outcome not in ("outage", "timedout", "circuitopen", "credentials"):
            self.unheard.discard(side)

    def worked(self, ended: str) -> None:
        """A job ended."""
        if ended in SUCCESS:
            self._succeeded = self.clock.monotonic()

    async def watch(self) -> None:
        """Look again and again, for ever; says once what went wrong and once that it is over."""
        while True:
            found = await self.look()
            self._tell(found)
            self.reasons = found
            await self.clock.sleep(LOOK_EVERY)

    def _tell(self, found: tuple[Reason, ...]) -> None:
        fresh = self.clock.now() - self.started < GREETING
        codes = {reason.code for reason in found if not (fresh and reason.code.startswith(UNHEARD))}
        if codes - self._told:
            log.error("health.alarm", reasons=sorted(codes - self._told))
        if self._told - codes:
            log.warning("health.recovered", reasons=sorted(self._told - codes))
        self._told = codes

    async def look(self) -> tuple[Reason, ...]:
        """What is wrong now."""
        return (*await self._stores(), *await self._peers())

    async def _stores(self) -> list[Reason]:
        found: list[Reason] = []
        try:
            async with asyncio.timeout(PATIENCE):
                polled = await self.ledger.read(facts.get, "polled_at", 0.0)
                alive = await self.ledger.read(facts.get, "alive_at", 0.0)
        except (LedgerUnavailable, TimeoutError):
            return [Reason("ledger", "the ledger does not answer")]
        if self.clock.now() - max(alive, self.started) > 60:
            found.append(Reason("ledger_writes", "the ledger takes no writes"))
        found += self._polls(polled)
        try:
            async with asyncio.timeout(PATIENCE):
                oldest = (stats := await self.queue.stats()).oldest_due
        except (RedisUnavailable, TimeoutError):
            return [*found, Reason("redis", "Redis does not answer")]
        silent = self.clock.monotonic() - self._succeeded
        if oldest is not None and stats.now - oldest > SILENCE and silent > SILENCE:
            found.append(Reason("no_success", f"work waits, and nothing has succeeded for {silent / 60:.0f} minutes"))
        return found

    def _polls(self, polled: float) -> list[Reason]:
        if self.poll_seconds is None:
            return []
        age = self.clock.now() - max(polled, self.started)
        if age > max(SILENCE, POLLS_MISSED * self.poll_seconds):
            return [Reason("no_poll", f"EspoCRM could not be asked what changed for {age / 60:.0f} minutes")]
        return []

    async def _peers(self) -> list[Reason]:
        found: list[Reason] = []
        for side in PEERS:
            state = await self.circuit(side)
            if state.state is CircuitName.BARRED:
                text = f"{side} refuses our login: correct the credentials and restart"
                found.append(Reason(f"barred:{side}", text))
            elif state.state is CircuitName.OPEN:
                found.append(Reason(f"away:{side}", f"{side} is away, asked again in {state.seconds:.0f} s"))
            elif side in self.unheard:
                found.append(Reason(f"{UNHEARD}{side}", f"{side} has not answered since the start"))
        return found
