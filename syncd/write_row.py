"""Changing a row of a list in Advoware, which is named by its place there: what if the places shift meanwhile?

The list is read directly before and after the PUT. Whatever our values have struck instead of the row that was meant
gets its own back, also by the next job, as all rows stand in the journal; then the write is planned anew.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import structlog

from mappers.spec import Can, Field, Raw, Side
from syncd.context import Context
from syncd.ledger import facts, pairs, steps
from syncd.load import read_advoware
from syncd.model import FieldWrite, IntentState, Present, Snapshot
from syncd.permit import Permit
from syncd.scribe import Scribe

log = structlog.get_logger()

BESIDE = "other_rows"  # in the journal: what the other rows of the list showed


class RowWriter:
    """What one job knows of the rows beside its own."""

    def __init__(self, context: Context, claim: pairs.Claim, scribe: Scribe, permit: Permit) -> None:
        self._context = context
        self._claim = claim
        self._scribe = scribe
        self._permit = permit

    def path(self, advoware: Present) -> str:
        """Where a PUT of the job's record goes."""
        entity, whose = self._context.entity, self._context.whose
        if entity.child is None:
            return entity.path(int(advoware.body[entity.advoware_id]))
        assert whose is not None
        assert entity.child.index is not None
        return f"{whose.path}/{entity.child.path}/{advoware.body[entity.child.index]}"

    def list_path(self) -> str:
        """Where a POST goes."""
        entity, whose = self._context.entity, self._context.whose
        if entity.child is None:
            return entity.advoware_path
        assert whose is not None
        return f"{whose.path}/{entity.child.path}"

    def signed(self, body: Mapping[str, Any]) -> dict[str, Any]:
        """What is sent to create a row: with our mark, where the list has room for one."""
        child = self._context.entity.child
        if child is None or child.sign is None:
            return dict(body)
        return child.sign(self._claim.memory.key.espo_id, body)

    def to_journal(self, writes: tuple[FieldWrite, ...], advoware: Present) -> tuple[FieldWrite, ...]:
        """The writes, with what the other rows of the list show."""
        child = self._context.entity.child
        if child is None or child.index is None:
            return writes
        mine = self._context.entity.row_id(advoware.body)
        rows = {
            str(row[self._context.entity.advoware_id]): self._values(row)
            for row in advoware.siblings
            if row[self._context.entity.advoware_id] != mine
        }
        first, *others = writes
        return (replace(first, sent={BESIDE: rows, "body": self._sent(writes, advoware)}), *others) if rows else writes

    async def put_back(self, writes: Sequence[FieldWrite], after: Present) -> bool:
        """Give back to other rows what a PUT of ours has taken from them; whether there were any."""
        child = self._context.entity.child
        told: Any = next((write.sent for write in writes if write.sent and BESIDE in write.sent), None)
        if child is None or told is None:
            return False
        struck = []
        for row in after.siblings:
            number = str(row[self._context.entity.advoware_id])
            values = told[BESIDE].get(number)
            if values is not None and self._is_struck(row, values, told["body"]):
                struck.append((number, row, values))
        for number, row, values in struck:
            log.error("advoware.row_mixed_up", entity=self._context.entity.name)
            await self._context.ledger.write(facts.put, facts.MIXED_UP, self._context.clock.now())
            await self._permit.firm()
            self._permit.wrote_advoware = True
            await self._context.advoware.replace(
                self.path(replace(after, body=row)), {**row, **values}, last_look=self._permit.last_look(after)
            )
            changes = {f"{child.advoware}:{number}": (self._values(row), values)}
            await self._context.ledger.write(steps.put_back, self._scribe.job(), changes, ())
        return bool(struck)

    async def mend(self, shot: Snapshot) -> Snapshot:
        """A job that begins: has a PUT of an earlier one, of which nobody knows more, struck another row?"""
        memory, advoware = shot.memory, shot.advoware
        if not isinstance(advoware, Present) or memory.advoware_id is None or self._context.settings.dry_run:
            return shot
        for intent in memory.intents:
            doubtful = intent.side is Side.ADVOWARE and intent.state is IntentState.IN_DOUBT
            if doubtful and await self.put_back(intent.writes, advoware):
                await self._context.ledger.write(steps.conclude, self._scribe.job(), intent.id, IntentState.VOID)
                return replace(shot, advoware=await read_advoware(self._context, memory.advoware_id))
        return shot

    def _values(self, row: Mapping[str, Raw]) -> dict[str, Raw]:
        """What a PUT changes of a row."""
        return {field.advoware: row.get(field.advoware) for field in self._changeable()}

    def _sent(self, writes: Sequence[FieldWrite], advoware: Present) -> dict[str, Raw]:
        values = self._values(advoware.body)
        for write in writes:
            field = self._context.entity.field(write.field)
            values[field.advoware] = field.codec.render(Side.ADVOWARE, write.after)
        return values

    def _is_struck(self, row: Mapping[str, Raw], before: Mapping[str, Raw], sent: Mapping[str, Raw]) -> bool:
        """Whether a row shows all of what we sent for another, and did not before."""
        shown, was, ours = (
            [field.codec.parse(Side.ADVOWARE, values.get(field.advoware)) for field in self._changeable()]
            for values in (row, before, sent)
        )
        return shown == ours and was != ours

    def _changeable(self) -> list[Field]:
        return [field for field in self._context.entity.fields if field.can is Can.UPDATE]
