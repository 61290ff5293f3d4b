"""Who is who: twins nobody has linked, wrong numbers typed, copied and cleared ones, as events of a script."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

from tests.simulation.place import Place
from tests.simulation.witness import ADVOWARE, ESPO, FIELDS


class Strangers(Place):
    """Clerks who make records of the same person, and get numbers wrong."""

    async def twin(self, values: Mapping[str, Any], there: Mapping[str, Any], seconds: float) -> None:
        """Somebody is typed into Advoware, and so many seconds later into EspoCRM."""
        betnr = self.people.advoware.create(there, by="AB")
        self.witness.born("AB", ADVOWARE, str(betnr))
        await asyncio.sleep(seconds)
        espo_id = self.people.espo.create(values, by="anna")
        self.persons.append((espo_id, None))
        self.witness.born("anna", ESPO, espo_id)

    async def mistype(self, person: int, other: int, seconds: float) -> None:
        """A clerk types another one's number, and puts it right so many seconds later."""
        record, (_, betnr), (_, wrong) = self.record(ESPO, person), self.pair(person), self.pair(other)
        if record is None or betnr is None or wrong in (None, betnr) or self._number(record) != betnr:
            return
        assert wrong is not None
        self.witness.mistyped.setdefault(record, set()).add(wrong)
        self.people.espo.edit(record, {"betnr": wrong}, by="anna")
        await asyncio.sleep(seconds)
        if record not in self.deleted:
            self.people.espo.edit(record, {"betnr": betnr}, by="anna")

    async def unlink(self, person: int, seconds: float) -> None:
        """A clerk clears a number, and types it again so many seconds later, if ever."""
        record, (_, betnr) = self.record(ESPO, person), self.pair(person)
        if record is None or betnr is None or self._number(record) != betnr:
            return
        self.witness.unlinked.add(record)
        self.people.espo.edit(record, {"betnr": None}, by="bernd")
        if not seconds:
            return
        await asyncio.sleep(seconds)
        if record not in self.deleted:
            self.people.espo.edit(record, {"betnr": betnr}, by="bernd")

    def copy(self, person: int) -> None:
        """EspoCRM's button Duplicate: the number is copied, too."""
        record, (_, betnr) = self.record(ESPO, person), self.pair(person)
        if record is None or betnr is None or self._number(record) != betnr:
            return
        shown = self.people.espo.see(record)
        values = {name: shown[name] for name in (*(names[0] for names in FIELDS.values()), "betnr")}
        made = self.people.espo.create(values, by="anna")
        self.witness.born("anna", ESPO, made)
        self.witness.mistyped[made] = {betnr}
        self.copies.add(made)

    def _number(self, record: str) -> int | None:
        number: int | None = self.people.espo.see(record)["betnr"]
        return number
