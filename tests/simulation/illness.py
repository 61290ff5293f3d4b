"""Systems that take some values or records not at all, or otherwise than they were sent, as events of a script.

They stay so until the script is over; what must hold meanwhile is judged before anything is healed.
"""

from __future__ import annotations

from syncd.ledger import people
from syncd.sandbox.faults import Kind, Rule
from tests.simulation.place import Place
from tests.simulation.witness import ADVOWARE, ESPO, FIELDS


class Illness(Place):
    """What befalls a field or a record for long."""

    def poison(self, side: str, person: int, status: int) -> None:
        """From now on every call about a person's record fails."""
        espo_id, _ = self.pair(person)
        record = self.record(side, person)
        if record is None or espo_id is None or len(self.poisoned | {espo_id}) == len(self.persons):
            return
        self.poisoned.add(espo_id)
        name = "CBeteiligte" if side == ESPO else "Beteiligte"
        for route in (f"*/{name}/{record}", f"*/{name}/{record}/*"):
            self.world.sandbox.faults.add(Rule(Kind.STATUS, side, route=route, times=None, status=status))

    def refuse(self, side: str, field: str) -> None:
        """From now on a system does not take what it is sent for a field."""
        self.refusing = True
        name, method = FIELDS[field][side == ADVOWARE], "PUT" if side == ADVOWARE else "PATCH"
        self.world.sandbox.faults.add(Rule(Kind.REFUSE, side, method, times=None, field=name))

    def cut(self, side: str, field: str, length: int) -> None:
        """From now on a system keeps so many characters of a field, and had no longer ones before."""
        name = FIELDS[field][side == ADVOWARE]
        there = self.people.espo.all() if side == ESPO else self.people.advoware.all()
        if any(len(str(one[name] or "")) > length for one in there):
            return
        cuts = self.witness.cuts  # of two limits the shorter holds
        cuts[side, field] = min(length, cuts.get((side, field), length))
        self.world.sandbox.faults.add(Rule(Kind.REWRITE, side, times=None, field=name, length=length))

    def nothing_else(self) -> None:
        """Of all that lies in wait for requests, only what lasts stays: nobody types any more."""
        faults = self.world.sandbox.faults
        for number in [number for number, one in faults.standing.items() if one.rule.times is not None]:
            faults.remove(number)

    def heal(self) -> None:
        """Both systems take and keep everything again; what was cut stays cut until somebody types."""
        self.world.sandbox.faults.clear()
        self.witness.healed = True

    async def after_healing(self) -> None:
        """All is well again: a person wants another try of what was refused."""
        self.poisoned.clear()
        for espo_id in self.people.espo.ids():
            key = f"beteiligte/{espo_id}"
            if await self.world.reader().read(people.quarantined, key):
                await self.desk().retry([key])
