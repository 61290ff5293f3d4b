"""Why the daemon cannot work now, if it cannot: for readiness and alarms.

Looks at ledger, Redis and circuits, and at how long ago something succeeded. Changes nothing, and
calls neither system.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from services.ports import CircuitName, CircuitState
from syncd.clock import Clock
from syncd.endings import Ended
from syncd.ledger import facts
from syncd.ledger.store import Ledger, LedgerUnavailable
from syncd.ledger.trouble import SAYS, Kind
from syncd.queue import Queue
from syncd.redis_client import SILENT, RedisUnavailable

LOOK_EVERY = 2.0
LOOK_AGAIN = 0.5  # while something is wrong, so that its end is seen soon
PATIENCE = 5.0
SILENCE = 300.0  # seconds without a success after which something is wrong
POLLS_MISSED = 4
LOCK_LINGERS = 10.0  # seconds after the last write that met a lock
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
    paused: tuple[str, ...] = ()  # what a person or a guard has stopped, with why
    unsure: frozenset[str] = frozenset()  # codes of which the last look could tell neither that nor that not

    def __post_init__(self) -> None:
        self.started = self.clock.now()
        self.succeeded: float | None = None
        self._failed: set[str] = set()  # sides whose last call met an outage
        self._failures = self.ledger.failures
        self._failed_at = float("-inf")
        self._heard = dict.fromkeys(PEERS, self.clock.monotonic())

    def why(self) -> tuple[Reason, ...]:
        """What is wrong; nothing if all is well."""
        return (Reason("stopping", "stopping"),) if self.stopping else self.reasons

    def lines(self) -> list[str]:
        """The same as lines for people."""
        return [reason.text for reason in self.why()]

    def called(self, side: str, outcome: str) -> None:
        """A call to one of the systems ended; any answer shows that it is there."""
        if outcome == "outage":
            self._failed.add(side)
        elif outcome not in ("circuitopen", "credentials", "cancelled", "error"):
            self._failed.discard(side)
            self.unheard.discard(side)
            self._heard[side] = self.clock.monotonic()

    def quiet(self, side: str) -> float:
        """Seconds since a system last answered, or since the start."""
        return self.clock.monotonic() - self._heard[side]

    def worked(self, ended: str) -> None:
        """A job ended."""
        if ended in SUCCESS:
            self.succeeded = self.clock.now()

    async def watch(self) -> None:
        """Look again and again, for ever."""
        while True:
            self.reasons = await self.look()
            await self.clock.sleep(LOOK_AGAIN if self.reasons else LOOK_EVERY)

    async def look(self) -> tuple[Reason, ...]:
        """What is wrong now."""
        unsure: set[str] = set()
        stores, peers = await asyncio.gather(self._stores(unsure), self._peers(unsure))
        self.unsure = frozenset(unsure)
        return (*stores, *peers)

    async def _stores(self, unsure: set[str]) -> list[Reason]:
        unsure |= {"redis", "no_success", "no_poll", "setup", "ledger_writes"}
        try:
            async with asyncio.timeout(PATIENCE):
                known = await self.ledger.read(facts.signs)
        except (LedgerUnavailable, TimeoutError) as error:
            return [Reason("ledger", f"the ledger cannot be read: {_says(error)}")]
        unsure -= {"setup", "ledger_writes"}
        self.paused = tuple(f"{scope}: {why}" for scope, why in sorted(known["pauses"].items()))
        found = [*self._writes(known["alive_at"]), *self._polls(known["polled_at"], unsure), *_setup(known["examined"])]
        try:
            async with asyncio.timeout(PATIENCE):
                await self.queue.try_writing()
                stats = await self.queue.stats()
        except (RedisUnavailable, TimeoutError) as error:
            unsure -= {"redis"}
            return [*found, Reason("redis", str(error) or SILENT)]
        unsure -= {"redis"}
        oldest = None if stats.oldest_due is None else stats.now - stats.oldest_due
        return found + self._silence(oldest, known["worked_at"], unsure)

    def _writes(self, alive: float) -> list[Reason]:
        """The last write tells, and the heartbeat where none comes to an end."""
        now = self.clock.now()
        if self.ledger.failures != self._failures:
            self._failures, self._failed_at = self.ledger.failures, now
        failure, met = self.ledger.failure, self.ledger.met
        if met is not None and met.kind is Kind.LOCKED and now - self._failed_at < LOCK_LINGERS:
            failure = met  # a row may be locked while others are not
        if failure is not None:
            return [Reason("ledger_writes", f"the ledger takes no writes: {_says(failure)}")]
        late = now - max(alive, self.started) > 60
        return [Reason("ledger_writes", f"the ledger takes no writes: {'; '.join(SAYS[Kind.AWAY])}")] if late else []

    def _polls(self, polled: float, unsure: set[str]) -> list[Reason]:
        age = self.clock.now() - max(polled, self.started)
        if self.poll_seconds is None:
            unsure.discard("no_poll")
            return []
        if age > max(SILENCE, POLLS_MISSED * self.poll_seconds):
            return [Reason("no_poll", f"EspoCRM could not be asked what changed for {age / 60:.0f} minutes")]
        if polled >= self.started:
            unsure.discard("no_poll")
        return []

    def _silence(self, oldest: float | None, worked: float, unsure: set[str]) -> list[Reason]:
        """`oldest`: age of the oldest work that is due; `worked`: the last success of any daemon."""
        succeeded = max(worked, self.succeeded or 0.0)
        silent = self.clock.now() - max(succeeded, self.started)
        if oldest is not None and oldest > SILENCE and silent > SILENCE:
            return [Reason("no_success", f"work waits, and nothing has succeeded for {silent / 60:.0f} minutes")]
        if oldest is None or oldest <= SILENCE or succeeded >= self.started:
            unsure.discard("no_success")
        return []

    async def _peers(self, unsure: set[str]) -> list[Reason]:
        found: list[Reason] = []
        for side in PEERS:
            state = await self.circuit(side)
            if state.state is CircuitName.BARRED:
                text = f"{side} refuses our login: correct the credentials and restart"
                found.append(Reason(f"barred:{side}", text))
            elif state.state is CircuitName.OPEN:
                found.append(Reason(f"away:{side}", f"{side} is away, asked again in {state.seconds:.0f} s"))
            elif side in self.unheard:
                found.append(Reason(f"unheard:{side}", f"{side} has not answered since the start"))
            elif state.state is CircuitName.RAMP and side in self._failed:
                unsure.add(f"away:{side}")
        return found


def _says(error: BaseException) -> str:
    return error.says if isinstance(error, LedgerUnavailable) else "; ".join(SAYS[Kind.AWAY])


def _setup(examined: Mapping[str, Any]) -> list[Reason]:
    """What was found missing in EspoCRM that no record is synced without."""
    wrong = examined.get("stops", [])
    return [Reason("setup", f"not as it must be in EspoCRM: {', '.join(wrong)}; see `syncd doctor`")] if wrong else []
