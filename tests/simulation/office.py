"""What people ask of the daemons, as events of a script: pause, retry, exclude, take back, answer questions."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

from syncd.commands import NotKnown, Refusal
from syncd.ledger import journal, people
from tests.simulation.place import Place
from tests.simulation.witness import ADVOWARE, FIELDS, value_of


class Office(Place):
    """People with a terminal."""

    async def hold(self, side: str | None, seconds: float) -> None:
        """Writing is paused, everywhere or towards a side, and goes on so many seconds later."""
        try:
            await self.desk().pause(side=side)
        except Refusal:
            return
        self.witness.paused(side)
        await asyncio.sleep(seconds)
        self.witness.resumed(side)
        try:
            await self.desk().resume(side=side)
        except Refusal:
            """The ledger was lost meanwhile, or a colleague has ended it."""

    async def retry(self, person: int) -> None:
        """Try a record again now."""
        key = self.key(person)
        try:
            if key is not None:
                await self.desk().retry([key])
        except (Refusal, NotKnown):
            """Nobody knows it yet, or it is excluded."""

    async def exclude(self, person: int, seconds: float) -> None:
        """A record does not take part, and does again so many seconds later."""
        key = self.key(person)
        try:
            if key is None or await self.world.reader().read(people.waiting, key) != ({}, {}):
                return
            await self.desk().exclude(key)
        except Refusal:
            return
        self.witness.excluded.add(key)
        await asyncio.sleep(seconds)
        self.witness.excluded.discard(key)
        try:
            await self.desk().include(key)
        except Refusal:
            """The ledger was lost meanwhile."""

    async def undo(self, person: int, pick: float) -> None:
        """A person takes back what a daemon has changed in a field."""
        key = self.key(person)
        if key is None:
            return
        history = await self.world.reader().read(journal.of_record, key, 100)
        rows = [row for row in history if row["field"] in FIELDS]
        if not rows:
            return
        row = rows[int(pick * len(rows))]
        try:
            done = await self.desk().undo(await self.desk().change(row["id"]), {})
        except Refusal:
            return
        if done.taken:
            shown = {FIELDS[row["field"]][row["side"] == ADVOWARE]: row["before"]}
            self.witness.chose(key.partition("/")[2], row["field"], value_of(row["side"], row["field"], shown))

    async def answer(self, person: int) -> None:
        """A person confirms a doubtful link, where a record has a number and there is one to be confirmed."""
        key, (_, betnr) = self.key(person), self.pair(person)
        if key is None or betnr is None:
            return
        for row in await self.world.reader().read(people.list_conflicts, (people.OPEN,), key, 1000):
            if row["field"] == "":
                await self._confirm(row, betnr)

    async def _confirm(self, row: Mapping[str, Any], betnr: int) -> None:
        try:
            await self.desk().resolve(row["id"], f"link {betnr}")
        except Refusal:
            """It is another question."""
