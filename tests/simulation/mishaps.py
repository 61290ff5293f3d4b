"""Rare acts and accidents: each is the occasion one safeguard is for, and plain chance hardly ever brings it about.

A stage of its own: the traps are played on it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

from syncd.commands import NotKnown, Refusal
from syncd.ledger import brakes
from syncd.ledger.call import Call
from syncd.projection import espo_text
from syncd.sandbox.asgi import App, Receive, Scope, Send
from syncd.sandbox.faults import Kind, Rule
from syncd.sandbox.reachability import living, meaning
from tests.daemon import Crash
from tests.simulation import limits
from tests.simulation.process import sending
from tests.simulation.script import Script
from tests.simulation.stage import Stage
from tests.simulation.watch import Watch, about
from tests.simulation.witness import ADVOWARE, ESPO, FIELDS, Witness
from tests.simulation.world import SimulatedWorld

LONG_AGO = "2019-04-01 08:00:00"
RESTART = 0.5  # seconds until a process that died is started again
HALTS = 20.0  # seconds in which a daemon comes to where it is to be stopped


class Mishaps(Stage):
    """A stage for what happens once in years."""

    def __init__(self, world: SimulatedWorld, script: Script, witness: Witness) -> None:
        super().__init__(world, script, witness)
        self.watch = Watch(world.sandbox, lambda: world.loop.elapsed)
        self.foreign: list[tuple[str, int]] = []  # a record, and the Beteiligter of somebody else it names
        self.outsiders: set[str] = set()  # records of before the first start
        self.allowed: list[float] = []  # virtual seconds at which a person let through what guards had stopped
        self.lies = False  # whether Advoware itself says of the living that they are not there
        self.killed: list[str] = []  # processes that died of one record
        self._starting: set[asyncio.Task[None]] = set()

    def begin(self) -> None:
        """The persons, and a second look at every write."""
        super().begin()
        for wire in (self.world.sandbox.espo_app, self.world.sandbox.advoware_app):
            wire.app = self._watched(wire.system, wire.app)

    def _watched(self, system: str, inner: App) -> App:
        async def app(scope: Scope, receive: Receive, send: Send) -> None:
            record = about(system, scope["path"])
            before = self.watch.asked(system, scope["method"], record)
            await inner(scope, receive, send)
            self.witness.wrong += self.watch.answered(system, scope["method"], record, before)

        return app

    async def decide(self) -> None:
        """A person lets through whatever guards have stopped; what was too much until then was too much."""
        await super().decide()
        self._complain([*limits.beyond_limits(self), *await limits.buried(self)])
        for guard in await self.world.reader().read(brakes.listing):
            try:
                await self.desk().allow(guard["id"])
            except (NotKnown, Refusal):
                """It is over, or asks which side is right."""
        self.allowed.append(self.world.loop.elapsed)

    def _complain(self, lines: list[str]) -> None:
        self.witness.wrong += [line for line in lines if line not in self.witness.wrong]

    # --- people -----------------------------------------------------------------------------

    def wrong_number(self, there: Mapping[str, Any], here: Mapping[str, Any]) -> None:
        """A clerk enters the number of somebody else in a new record."""
        betnr = self.people.advoware.create(there, by="AB")
        self.witness.born("AB", ADVOWARE, str(betnr))
        espo_id = self.people.espo.create({**here, "betnr": betnr}, by="anna")
        self.witness.born("anna", ESPO, espo_id)
        self.foreign.append((espo_id, betnr))

    def old_record(self, values: Mapping[str, Any]) -> None:
        """A record of long ago that nobody has let in shows up."""
        espo_id = self.people.espo.create(values, by="anna")
        table = self.world.sandbox.espo.tables["CBeteiligte"]
        table.change(table.rows[espo_id], {"createdAt": LONG_AGO})
        self.outsiders.add(espo_id)

    def join(self, there: Mapping[str, Any], here: Mapping[str, Any]) -> None:
        """A person both systems have, numbers included, is linked by a clerk."""
        betnr = self.people.advoware.create(there, by="AB")
        self.witness.born("AB", ADVOWARE, str(betnr))
        espo_id = self.people.espo.create({**here, "betnr": betnr}, by="anna")
        self.persons.append((espo_id, betnr))
        self.witness.links.setdefault(espo_id, set()).add(betnr)
        self.witness.born("anna", ESPO, espo_id)

    def twice(self, person: int, tlf: str) -> None:
        """Somebody types the same number twice into Advoware."""
        espo_id, betnr = self.pair(person)
        if espo_id is None or betnr not in self.world.sandbox.advoware.beteiligte:
            return
        entry = {"tlf": tlf, "kommKz": 1, "bemerkung": "", "online": False}

        def types() -> None:
            for _ in range(2):
                self.people.advoware.add_kommunikation(betnr, entry, by="AB")

        self.witness.person("AB", ADVOWARE, str(betnr), types)
        self.clerks._note((espo_id, betnr), "added", None, meaning(tlf))

    def take_away(self, person: int, tlf: str) -> None:
        """A clerk removes a number in EspoCRM."""
        espo_id, betnr = self.pair(person)
        if espo_id is None or betnr is None:
            return
        rows = self.people.espo.see(espo_id)["phoneNumberData"]
        left = [one for one in rows if meaning(one["phoneNumber"]) != meaning(tlf)]
        if len(left) < len(rows):
            self.witness.person(
                "anna", ESPO, espo_id, lambda: self.people.espo.edit(espo_id, {"phoneNumberData": left}, by="anna")
            )
            self.clerks._note((espo_id, betnr), "removed", meaning(tlf))

    def take_away_there(self, person: int, pick: int) -> None:
        """Somebody deletes an entry in Advoware."""
        espo_id, betnr = self.pair(person)
        if espo_id is None or betnr not in self.world.sandbox.advoware.beteiligte:
            return
        there = living(self.people.advoware.see(betnr))
        if there:
            one = there[pick % len(there)]
            self.witness.person(
                "AB", ADVOWARE, str(betnr), lambda: self.people.advoware.remove_child(betnr, "kommunikation", one["id"])
            )
            self.clerks._note((espo_id, betnr), "removed", meaning(one["tlf"]), entry=one["id"])

    def late_row(self, person: int, field: str, value: str, seconds: float) -> None:
        """A save of so many seconds ago is committed only now; no formula marks it."""
        espo_id, _ = self.pair(person)
        if espo_id is None:
            return
        table = self.world.sandbox.espo.tables["CBeteiligte"]
        values = {FIELDS[field][0]: value, "modifiedAt": espo_text(self.world.clock.now() - seconds)}
        self.witness.person("anna", ESPO, espo_id, lambda: table.change(table.rows[espo_id], values))

    # --- systems and daemons ----------------------------------------------------------------

    def deaf(self) -> None:
        """EspoCRM's webhooks are lost from now on."""
        self.world.sandbox.webhooks.settings.loss = 1.0

    def lie(self) -> None:
        """From now on Advoware says of everybody that there is no such record."""
        self.lies = True
        rule = Rule(Kind.STATUS, ADVOWARE, "GET", "*/Beteiligte/*", times=None, status=404, text="weg")
        self.world.sandbox.faults.add(rule)

    def kills(self, person: int) -> None:
        """Whoever reads this Beteiligten dies, and is started again."""
        _, betnr = self.pair(person)

        def die() -> None:
            name = sending().process
            for number, running in list(self.world.daemons.items()):
                if running.process.name == name:
                    self.killed.append(name)
                    running.process.die()
                    task = asyncio.get_running_loop().create_task(self._again(number))
                    self._starting.add(task)
                    task.add_done_callback(self._starting.discard)
            raise Crash("poison")

        rule = Rule(Kind.EDIT_BEFORE, ADVOWARE, "GET", f"*/Beteiligte/{betnr}", times=None, act=die)
        self.world.sandbox.faults.add(rule)

    async def _again(self, number: int) -> None:
        while number in self.world.daemons:
            await asyncio.sleep(RESTART)
        self.world.start(number)

    async def halt(self, daemon: int, after: str, seconds: float) -> None:
        """A daemon is stopped (SIGSTOP) right after a commit of that name, and goes on so many seconds later."""
        running = self.world.daemons.get(daemon)
        if running is None:
            return
        process, runner = running.process, running.app.parts.ledger._runner
        write, reached = runner.write, asyncio.Event()

        async def stopping(call: Call) -> Any:
            answer = await write(call)
            if getattr(call.fn, "__name__", "") == after and not reached.is_set():
                reached.set()
                process._going.clear()
                await process.awake()
            return answer

        runner.write = stopping  # type: ignore[method-assign]
        waiting = asyncio.create_task(reached.wait())
        await asyncio.wait([waiting], timeout=HALTS)
        waiting.cancel()
        if reached.is_set():
            await asyncio.sleep(seconds)
        reached.set()
        process.go_on()
