"""Where a script's people are: the world, and who is known in it by which number on which side."""

from __future__ import annotations

import random

from mappers.beteiligte import BETEILIGTE
from syncd.commands import Desk
from tests.engine.clerks import Clerks
from tests.simulation.script import Script
from tests.simulation.witness import ESPO, Witness
from tests.simulation.world import SimulatedWorld


class Place:
    """A world with its persons. `persons`: EspoCRM id and betnr of each, None where there is none."""

    def __init__(self, world: SimulatedWorld, script: Script, witness: Witness) -> None:
        self.world = world
        self.script = script
        self.witness = witness
        self.people = world.sandbox.people
        self.persons: list[tuple[str | None, int | None]] = []
        self.clerks = Clerks(self.people, random.Random(0))
        self.deleted: set[str] = set()
        self.vanished: set[int] = set()
        self.lost_ledgers: list[str] = []
        self.restored: list[str] = []
        self.flushes = 0
        self.poisoned: set[str] = set()
        self.refusing = False
        self.copies: set[str] = set()
        self.closed: str | None = None

    def record(self, side: str, person: int) -> str | None:
        """The record of a person on a side, as the witness calls it; None if there is none to be seen."""
        if not self.persons:
            return None
        espo_id, betnr = self.pair(person)
        if side == ESPO:
            return espo_id if espo_id is not None and espo_id not in self.deleted else None
        return str(betnr) if betnr in self.world.sandbox.advoware.beteiligte else None

    def pair(self, person: int) -> tuple[str | None, int | None]:
        """EspoCRM id and betnr of a person, the latter as EspoCRM shows it by now."""
        espo_id, betnr = self.persons[person % len(self.persons)]
        if betnr is None and espo_id is not None:
            betnr = self.world.sandbox.espo.tables["CBeteiligte"].rows[espo_id].values["betnr"]
        return espo_id, betnr

    def key(self, person: int) -> str | None:
        """The ledger's key of a person's record, None if there is no record to be seen."""
        record = self.record(ESPO, person)
        return None if record is None else f"{BETEILIGTE.name}/{record}"

    def desk(self) -> Desk:
        """Where people's requests to the daemons are taken."""
        return Desk(self.world.reader(), {BETEILIGTE.name: BETEILIGTE}, self.world.clock.now, self.world.new_id)
