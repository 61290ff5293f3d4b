"""Lets the events of a script happen: one method for each kind of event, called with its arguments.

An event whose record is not there (any more), or not yet, is nothing: so a script still means something with any of
its events left out.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Mapping
from typing import Any

from syncd.commands import Refusal
from syncd.ledger import people
from syncd.sandbox.faults import rule_from
from tests.simulation.backups import Backups
from tests.simulation.illness import Illness
from tests.simulation.nursery import Nursery
from tests.simulation.office import Office
from tests.simulation.script import Event, Script
from tests.simulation.strangers import Strangers
from tests.simulation.witness import ADVOWARE, ESPO, FIELDS, Value, Witness, value_of
from tests.simulation.world import SimulatedWorld

COLUMNS = {ESPO: "espo", ADVOWARE: "advoware"}  # of a conflict, by system
REFUSED_BY = {ESPO: "refused_espo", ADVOWARE: "refused_advoware"}  # kinds of conflicts, by system
CLERKS = {ESPO: ("anna", "bernd"), ADVOWARE: ("AB", "CD")}


class Stage(Nursery, Office, Illness, Strangers, Backups):
    """A world, and those who act in it."""

    def __init__(self, world: SimulatedWorld, script: Script, witness: Witness) -> None:
        super().__init__(world, script, witness)
        self._happening: set[asyncio.Task[None]] = set()

    def begin(self) -> None:
        """The persons both systems know already."""
        self.persons += self.world.sandbox.seed.synced(self.script.persons)

    async def play(self) -> None:
        """Let everything happen at its time."""
        for event in sorted(self.script.events, key=lambda one: one.at):
            await asyncio.sleep(max(0.0, event.at - self._elapsed()))
            self.happen(event)
        await asyncio.sleep(max(0.0, self.script.seconds - self._elapsed()))
        await self.over()

    async def over(self) -> None:
        """Wait until what has begun to happen is over."""
        while self._happening:
            await asyncio.wait(self._happening)

    def _elapsed(self) -> float:
        return self.world.loop.elapsed - self.began

    began = 0.0

    def happen(self, event: Event) -> None:
        """One event, now."""
        self.world.note("world", f"{event.do} {dict(event.args)}")
        coroutine = getattr(self, event.do)(**event.args)
        if coroutine is not None:
            task = asyncio.get_running_loop().create_task(coroutine)
            self._happening.add(task)
            task.add_done_callback(self._happened)

    def _happened(self, task: asyncio.Task[None]) -> None:
        self._happening.discard(task)
        if not task.cancelled() and task.exception() is not None:
            self.witness.wrong.append(f"the simulation itself failed: {task.exception()!r}")

    # --- people -----------------------------------------------------------------------------

    def type(self, side: str, person: int, field: str, value: str | None, by: int = 0) -> None:
        """A clerk types one field."""
        record = self.record(side, person)
        if record is None or side == self.closed:
            return
        who, name, value = CLERKS[side][by], FIELDS[field][side == ADVOWARE], self.witness.kept_as(side, field, value)
        if side == ESPO:
            self.witness.person(who, side, record, lambda: self.people.espo.edit(record, {name: value}, by=who))
        else:
            typed = {name: value or ""}
            self.witness.person(who, side, record, lambda: self.people.advoware.edit(int(record), typed, by=who))

    def number(self, side: str, person: int, dice: int) -> None:
        """A clerk does something to a person's phones or e-mails; `dice` says what."""
        espo_id, betnr = self.pair(person)
        record = self.record(side, person)
        if record is None or self.record(ESPO, person) is None or self.record(ADVOWARE, person) is None:
            return
        assert espo_id is not None
        assert betnr is not None
        self.clerks.chance, self.clerks.given = random.Random(dice), dice * 10
        act = self.clerks.in_espocrm if side == ESPO else self.clerks.in_advoware
        self.witness.person("clerk", side, record, lambda: act((espo_id, betnr)))

    def create(self, side: str, values: Mapping[str, Any]) -> None:
        """A clerk makes a new record."""
        if side == ESPO:
            espo_id = self.people.espo.create(values, by="anna")
            self.persons.append((espo_id, None))
            self.witness.born("anna", ESPO, espo_id)
        else:
            betnr = self.people.advoware.create(values, by="AB")
            self.witness.born("AB", ADVOWARE, str(betnr))

    def touch(self, side: str, person: int) -> None:
        """A clerk saves a record without changing what is kept the same: new tokens, same content."""
        record = self.record(side, person)
        if record is not None and side == ESPO:
            self.people.espo.edit(record, {"description": f"Notiz {self.world.loop.elapsed:.3f}"})
        elif record is not None:
            self.people.advoware.edit(int(record), {})

    def without_token(self, person: int, field: str, value: str) -> None:
        """Content changes in Advoware and its row id does not, as by a script in its database."""
        record = self.record(ADVOWARE, person)
        if record is not None:
            values = self.world.sandbox.advoware.at(int(record)).values
            self.witness.person("AB", ADVOWARE, record, lambda: values.update({FIELDS[field][1]: value}))

    def webhooks(self, loss: float, twice: float, shuffle: bool) -> None:
        """How reliable EspoCRM's webhooks are from now on."""
        settings = self.world.sandbox.webhooks.settings
        settings.loss, settings.twice, settings.shuffle = loss, twice, shuffle

    def delete(self, person: int) -> None:
        """A clerk deletes a record in EspoCRM."""
        record = self.record(ESPO, person)
        if record is not None:
            self.deleted.add(record)
            self.people.espo.delete(record)

    def restore(self, person: int) -> None:
        """The administrator takes it out of the bin."""
        espo_id, _ = self.pair(person)
        if espo_id in self.deleted:
            self.deleted.discard(espo_id)
            self.people.espo.restore(espo_id)

    def vanish(self, person: int) -> None:
        """Somebody deletes a Beteiligter in Advoware."""
        record = self.record(ADVOWARE, person)
        if record is not None:
            self.vanished.add(int(record))
            self.people.advoware.vanish(int(record))

    async def choose(self, person: int, pick: float, take: str) -> None:
        """A person decides an open conflict, or takes a kept value back."""
        espo_id, _ = self.pair(person)
        rows = await self.conflicts(espo_id) if espo_id is not None else []
        if not rows or self.record(ESPO, person) is None:
            return
        row = rows[int(pick * len(rows))]
        if row["field"] not in FIELDS:
            return
        assert espo_id is not None
        try:
            await self.desk().resolve(row["id"], take)
        except Refusal:
            return
        self.witness.chose(espo_id, row["field"], self._meant(person, row, take))

    def _meant(self, person: int, row: Mapping[str, Any], take: str) -> Value:
        """Which value a person means who chooses so."""
        name, shown = row["field"], {}
        if take.startswith("value:"):
            return value_of(ESPO, name, {FIELDS[name][0]: take.partition(":")[2]})
        if row["kind"] != REFUSED_BY[take]:
            return value_of(ESPO, name, {FIELDS[name][0]: row[COLUMNS[take]]})
        record = self.record(take, person)  # the row says what was refused; what is there instead the screen says
        if record is not None:
            shown = self.people.espo.see(record) if take == ESPO else self.people.advoware.see(int(record))
        return value_of(take, name, shown)

    async def conflicts(self, espo_id: str) -> list[dict[str, Any]]:
        """What waits for a person about a record, and what was kept."""
        states = (people.OPEN, people.KEPT)
        rows = await self.world.reader().read(people.list_conflicts, states, f"beteiligte/{espo_id}", 1000)
        return [row for row in rows if row["field"]]

    # --- the systems ------------------------------------------------------------------------

    async def fault(self, rule: Mapping[str, Any]) -> None:
        """A fault lies in wait for requests; `act` in it is a person's edit, as an event."""
        act = rule.get("act")
        plain = {name: value for name, value in rule.items() if name != "act"}
        if act is not None:
            event = Event(**act)
            plain["act"] = lambda: self.happen(event)
        self.world.sandbox.faults.add(rule_from(plain))

    async def down(self, system: str, seconds: float) -> None:
        """A system is switched off for so long."""
        self.world.sandbox.faults.down.add(system)
        await asyncio.sleep(seconds)
        self.world.sandbox.faults.down.discard(system)

    def refusals(self, system: str) -> int:
        """How often a login was refused though nothing was wrong with it."""
        calls = self.world.sandbox.log.calls
        return sum(call.system == system and call.status == 401 and bool(call.faults) for call in calls)

    async def try_again(self) -> None:
        """An administrator says that refused logins are right after all; nobody does where none was refused."""
        for system in (ESPO, ADVOWARE):
            for daemon in self.world.daemons.values() if self.refusals(system) else ():
                await daemon.app.parts.shared.circuit.clear(system)

    # --- daemons, Redis, ledger -------------------------------------------------------------

    async def kill(self, daemon: int, effects: int, down: float) -> None:
        """A daemon dies after so many more effects, and starts again so many seconds later."""
        running = self.world.daemons.get(daemon)
        if running is None:
            return
        running.process.fuse = effects
        await running.task
        await asyncio.sleep(down)
        self.world.start(daemon)

    async def pause(self, daemon: int, effects: int, seconds: float) -> None:
        """A daemon is stopped (SIGSTOP) after so many more effects, and goes on so many seconds later."""
        running = self.world.daemons.get(daemon)
        if running is None:
            return
        running.process.stop_after(effects)
        await running.process.stopped.wait()
        await asyncio.sleep(seconds)
        running.process.go_on()

    async def ledger(self, daemon: int, refused: int = 0, cut_off: int = 0) -> None:
        """The ledger refuses a daemon's next commits, or takes them and its answers get lost."""
        running = self.world.daemons.get(daemon)
        if running is not None:
            running.process.refused, running.process.cut_off = refused, cut_off

    def flush(self) -> None:
        """Redis forgets everything."""
        self.flushes += 1
        self.world.flush_redis()

    async def redis(self, seconds: float) -> None:
        """Redis is away for so long."""
        self.flushes += 1
        self.world.redis_away = True
        await asyncio.sleep(seconds)
        self.world.redis_away = False

    async def lose_ledger(self) -> None:
        """All daemons die, and the ledger is gone."""
        while self.world.daemons:  # one that was about to start again may do so meanwhile
            await self.world.end(next(iter(self.world.daemons)))
        self.lost_ledgers.append(self.world.ledger_url)
        self.witness.forgotten()
        self.world.lose_ledger()
        for number in range(len(self.script.daemons)):
            self.world.start(number)
