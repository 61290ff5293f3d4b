"""Looks again and again for what is wrong, remembers it in the ledger, and has it told once.

Trouble with the ledger itself is remembered by the process: with several daemons each tells of it. Decides nothing:
what is wrong says `lookout`, what to make of it `alarms`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

import structlog

from syncd import alarms, lookout
from syncd.alarms import Alarm, State
from syncd.clock import Clock
from syncd.health import Health
from syncd.ledger import alarms as book
from syncd.ledger import facts
from syncd.ledger.alarms import Standing
from syncd.ledger.store import Ledger, LedgerUnavailable
from syncd.lookout import Here
from syncd.machine import Machine
from syncd.teller import Teller

log = structlog.get_logger()

LOOK_EVERY = 10.0
HOLD_OFF_PART = 0.5  # of the time a system may be away: for so long a cause must be gone, or it has not ended
LOOKS_IN_HOLD_OFF = 3


@dataclass
class Watch:
    """One process's look-out. `outage`: seconds a system may be away."""

    ledger: Ledger
    health: Health
    machine: Machine
    clock: Clock
    teller: Teller
    outage: float
    own: dict[str, Alarm] = field(default_factory=dict)  # of the ledger itself

    @property
    def hold_off(self) -> float:
        """Seconds a cause that may come and go must be gone before its alarm is over."""
        return self.outage * HOLD_OFF_PART

    async def forever(self) -> None:
        """Look regularly, often enough within the hold-off. The ledger's own trouble waits for no answer of it."""
        await asyncio.gather(self._regularly(self.at_ledger), self._regularly(self.at_everything))

    async def _regularly(self, look: Callable[[], Awaitable[None]]) -> None:
        while True:
            await look()
            await self.clock.sleep(min(LOOK_EVERY, self.hold_off / LOOKS_IN_HOLD_OFF))

    async def at_everything(self) -> None:
        """One look at all but the ledger itself, and what is to be told is told."""
        try:
            await self._look(await self.ledger.read(book.standing))
            await self._tell_due()
        except LedgerUnavailable:
            return  # of that the process tells by its own memory

    def raised(self) -> list[str]:
        """Causes raised by this process's own memory."""
        return [alarm.cause for alarm in self.own.values() if alarm.state is State.RAISED]

    async def at_ledger(self) -> None:
        """One look at the ledger, as readiness sees it."""
        now = self.clock.now()
        look = lookout.of_stores(self.health.reasons, self.health.unsure)
        for change in alarms.difference(self.own, look, now, self.hold_off):
            if change.new is not None:
                self.own[change.new.cause] = change.new
        for alarm in alarms.due(self.own.values(), now):
            begun = alarms.begun(alarm)
            done = await self.teller.tell(begun)
            self.own[alarm.cause] = alarms.told(begun, now) if done else alarms.not_told(begun, now)
            if alarm.state is State.OVER and begun.tries == 1:
                await self._keep(alarm)

    async def _keep(self, alarm: Alarm) -> None:
        """For `syncd alarms list`, now that the ledger is back."""
        try:
            await self.ledger.write(book.keep, alarm)
        except LedgerUnavailable:
            log.info("alarm.not_kept", cause=alarm.cause)

    async def _look(self, standing: Standing) -> None:
        machine, now = self.machine, self.clock.now()
        here = Here(machine.host, machine.free(), machine.ahead(), machine.clocks.offsets())
        look = lookout.of_everything(self.health.reasons, self.health.unsure, standing, here, now, self.outage)
        changes = alarms.difference(standing.alarms, look, now, self.hold_off)
        if changes:
            await self.ledger.write(book.apply, changes)
        if self.health.succeeded is not None:
            await self.ledger.write(facts.worked, self.health.succeeded)

    async def _tell_due(self) -> None:
        """Whoever claims an alarm tells it; one after the other must not wait for a receiver that hangs."""
        now = self.clock.now()
        if alarms.due((await self.ledger.read(book.remembered)).values(), now):
            mine = await self.ledger.write(book.claim, now)
            await asyncio.gather(*(self._tell(alarm) for alarm in mine))

    async def _tell(self, alarm: Alarm) -> None:
        done = await self.teller.tell(alarm)
        now = self.clock.now()
        await self.ledger.write(book.settle, alarms.told(alarm, now) if done else alarms.not_told(alarm, now))
