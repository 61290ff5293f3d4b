"""Writing changed fields alone to Advoware, and putting back what an Advoware that blanks the others has taken.

Only where the firm has said that it keeps them (ADVOWARE_PARTIAL_PUT). Once it is seen to blank, every
daemon sends whole objects from then on, until `syncd doctor --probe-betnr` has measured otherwise.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import structlog

from mappers.spec import Raw, Side
from syncd.context import Context
from syncd.ledger import pairs, partial, steps
from syncd.load import read_back
from syncd.model import FieldWrite, IntentState, Memory, Present, Snapshot
from syncd.partial import beside, journalled, kept, names_of, vanished, with_beside
from syncd.permit import Permit
from syncd.scribe import Scribe

log = structlog.get_logger()


class PartsWriter:
    """What one job knows of fields it did not send."""

    def __init__(self, context: Context, claim: pairs.Claim, scribe: Scribe, permit: Permit) -> None:
        self._context = context
        self._claim = claim
        self._scribe = scribe
        self._permit = permit
        self._seen_to: set[str] = set()

    async def to_journal(self, writes: tuple[FieldWrite, ...], advoware: Present) -> tuple[FieldWrite, ...]:
        """The writes, with what must stay where it is if they are sent alone; as they are for a whole object."""
        if not self._context.settings.partial_put or self._context.entity.child is not None:
            return writes
        if (await self._context.ledger.read(partial.trust)).keeps is False:
            return writes
        return with_beside(writes, beside(self._context.entity, writes, advoware.body))

    async def check(
        self, memory: Memory, not_sent: Mapping[str, Raw], after: Present, advoware_id: int
    ) -> tuple[Memory, Present]:
        """The record as it is once everything that a PUT of ours has blanked was written back."""
        context, entity = self._context, self._context.entity
        trust = await context.ledger.read(partial.trust)
        gone = vanished(entity, not_sent, after.body, trust)
        if not gone:
            fresh = kept(entity, not_sent, after.body) - trust.proven
            if fresh and trust.keeps is not False:
                await context.ledger.write(partial.prove, fresh, context.clock.now())
            return memory, after
        names = names_of(entity, gone)
        log.error("advoware.put_blanks", fields=names)
        await context.ledger.write(partial.refute, context.clock.now())
        await self._permit.firm()
        self._permit.wrote_advoware = True
        last_look = self._permit.last_look(after)
        await context.advoware.replace(entity.path(advoware_id), {**after.body, **gone}, last_look=last_look)
        after = await read_back(context, advoware_id)
        lost = set(names) - kept(entity, gone, after.body)
        changes = {name: (gone[entity.field(name).advoware], entity.field(name).raw(Side.ADVOWARE, after.body))
                   for name in names}  # fmt: skip
        await context.ledger.write(steps.put_back, self._scribe.job(), changes, lost)
        # Without a base a blank is filled, never carried over: what could not be put back stays in EspoCRM.
        base = {name: known for name, known in memory.base.items() if name not in lost}
        return replace(memory, base=base), after

    async def mend(self, shot: Snapshot) -> Snapshot:
        """A job that begins: was a PUT of an earlier one, of which nobody knows more, the end of other fields?"""
        memory, advoware = shot.memory, shot.advoware
        if not memory.intents or memory.advoware_id is None or self._context.settings.dry_run:
            return shot
        if not isinstance(advoware, Present):
            return shot
        for intent in memory.intents:
            not_sent = journalled(intent)
            if not not_sent or intent.id in self._seen_to:
                continue
            self._seen_to.add(intent.id)
            memory, after = await self.check(memory, not_sent, advoware, memory.advoware_id)
            if after is not advoware:  # it was applied, and cannot be once more
                await self._context.ledger.write(steps.conclude, self._scribe.job(), intent.id, IntentState.DONE)
                advoware = after
        return replace(shot, memory=memory, advoware=advoware)
