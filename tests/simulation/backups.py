"""A backup comes back on one side, and an administrator says which side is right, as events of a script."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from syncd.commands import NotKnown, Refusal
from syncd.ledger import brakes
from tests.simulation.place import Place
from tests.simulation.script import Script
from tests.simulation.witness import ADVOWARE, ESPO, FIELDS, Value, Witness, value_of
from tests.simulation.world import SimulatedWorld

LOOKS = 30  # times the administrator looks for a guard, a second apart


@dataclass(frozen=True)
class Verdict:
    """What a person wanted of a field: the right side's `value` on both, and the loser kept.

    `order`: see `Witness`. `listed`: the guard named the record; one that is found later may also be a plain edit.
    `follows`: the value was typed where the loser was known, so as a plain edit it replaces the loser.
    """

    espo_id: str
    field: str
    value: Value
    loser: Value
    order: int
    listed: bool = True
    follows: bool = False


class Backups(Place):
    """An administrator with backups."""

    def __init__(self, world: SimulatedWorld, script: Script, witness: Witness) -> None:
        super().__init__(world, script, witness)
        self.verdicts: list[Verdict] = []
        self.believed: dict[tuple[str, str], Value] = {}  # by record and field: what the right side showed, asked last
        self.right = ADVOWARE

    def backup(self) -> None:
        """Both systems are backed up."""
        self.world.sandbox.snapshot()
        self.witness.backed_up()

    async def go_back(self, side: str, right: str) -> None:
        """A side is as it was in the backup; nobody works there until the administrator has said who is right."""
        if not self.world.sandbox.backups or self.closed is not None:
            return
        self.closed, self.right = side, right
        self.world.sandbox.restore(side)
        self.witness.went_back(side)
        for _ in range(LOOKS):
            await asyncio.sleep(1.0)
            await self.decide()
        self.closed = None

    async def decide(self) -> None:
        """Say which side is right wherever a daemon asks by now."""
        for guard in await self.world.reader().read(brakes.listing):
            if guard["kind"].startswith("went_back"):
                listed = {key.partition("/")[2] for key in guard["keys"]}
                for espo_id, betnr in self.persons:
                    if espo_id is not None and betnr is not None:
                        self._want(espo_id, betnr, espo_id in listed)
                try:
                    await self.desk().allow(guard["id"], self.right)
                except (NotKnown, Refusal):
                    """It is over."""

    def _want(self, espo_id: str, betnr: int, listed: bool) -> None:
        """The answer holds for records of the same backup that are found later, too."""
        shown = {ESPO: self.people.espo.see(espo_id), ADVOWARE: self.people.advoware.see(betnr)}
        right, wrong = (ESPO, ADVOWARE) if self.right == ESPO else (ADVOWARE, ESPO)
        for name in FIELDS:
            value, loser = value_of(right, name, shown[right]), value_of(wrong, name, shown[wrong])
            self.believed[espo_id, name] = value
            if value != loser:
                knows = {side: self.witness.versions[side, record, name][-1].knows
                         for side, record in ((ESPO, espo_id), (ADVOWARE, str(betnr)))}  # fmt: skip
                follows = knows[wrong] < knows[right]
                self.witness.chose(espo_id, name, value)
                self.verdicts.append(Verdict(espo_id, name, value, loser, self.witness.order, listed, follows))
