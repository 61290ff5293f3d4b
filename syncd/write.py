"""Writing to one side: checked against what was read, journalled before, read back after.

Takes a snapshot and gives back the snapshot as it is afterwards, for the next plan. Decides no
field; knows the difference between "not applied", "applied" and "nobody knows".
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from mappers.spec import Canonical, Role, Side
from services.errors import Credentials, Modified, Outage, PeerError, Refused, Retryable
from syncd import projection
from syncd.agreement import after_patch
from syncd.birth import Births
from syncd.context import Context
from syncd.ledger import journal, pairs, steps
from syncd.load import content, espo_present, load, names_in_espo, read_advoware, read_back, read_espo
from syncd.model import (
    RECORD,
    Action,
    Base,
    Create,
    EspoSeen,
    FieldWrite,
    Hold,
    Intent,
    IntentState,
    Memory,
    PairState,
    Present,
    Settle,
    Snapshot,
    Status,
    Trust,
    Update,
)
from syncd.partial import beside
from syncd.permit import SOURCE_LIFE, Mismatch, Permit
from syncd.readback import Judged, Verdict, judge, written_over
from syncd.scribe import Scribe, with_agreed, with_bases
from syncd.write_entry import EntryWriter
from syncd.write_parts import PartsWriter
from syncd.write_row import RowWriter


@dataclass(frozen=True, slots=True)
class Patched:
    """What the last PATCH did: whether there was one, and which fields EspoCRM confirmed."""

    wrote: bool = False
    agreed: Mapping[str, tuple[Any, Any, str]] = field(default_factory=dict)
    last_sync: str | None = None


_NO_UPDATE = Update(Side.ESPO, ())


class Writer:
    """The hands of one job."""

    def __init__(self, context: Context, claim: pairs.Claim, began: float, job_id: str) -> None:
        self._context = context
        self._claim = claim
        self.scribe = Scribe(context, claim, job_id)
        self.permit = Permit(context, claim, began, self.scribe)
        self.entries = EntryWriter(context, claim, self.scribe, self.permit)
        self.parts = PartsWriter(context, claim, self.scribe, self.permit)
        self.births = Births(context, self.scribe, self.permit)
        self.rows = RowWriter(context, claim, self.scribe, self.permit)
        self.failure: PeerError | None = None
        self._reread: object = None
        self._foreign: dict[tuple[Side, str, Canonical], Canonical] = {}  # values seen in place of what was written

    # --- EspoCRM ----------------------------------------------------------------------------

    async def patch(self, espo: Present, changes: Mapping[str, Any]) -> Present:
        """Show something of the sync's state, which needs no journal; raises as `_send`, and `Stopped`."""
        await self.permit.check_pause(Side.ESPO)
        return await self._send(espo, changes, self.permit.last_look())

    async def _send(self, espo: Present, changes: Mapping[str, Any], last_look: Callable[[], None]) -> Present:
        """PATCH the record as it was read; raises `Mismatch` where EspoCRM says it is not that any more."""
        await self.permit.firm()
        espo_id = self._claim.memory.key.espo_id
        try:
            reply = await self._context.espo.update(
                self._context.entity.espo_type, espo_id, changes, version=espo.version.number, last_look=last_look
            )
        except Modified:
            raise Mismatch from None
        return espo_present(self._context, espo_id, {**espo.body, **reply.body}, reply.date)

    async def settle_espo(
        self, shot: Snapshot, actions: Sequence[Action], settle: Settle | None
    ) -> tuple[Snapshot, Patched | None]:
        """Fields, lists, tokens and status in one PATCH; without `settle` no status. None: plan again."""
        context, entity = self._context, self._context.entity
        espo, advoware = shot.espo, shot.advoware
        assert isinstance(espo, Present)
        update = next((item for item in actions if isinstance(item, Update) and item.side is Side.ESPO), _NO_UPDATE)
        writes = (*update.writes, *(entry.as_field for entry in update.entries))
        if writes and (self.permit.is_old(espo) or not (espo.direct or espo.version.number is not None)):
            return replace(shot, espo=await self._read_again()), None
        if update.lists and espo is not self._reread:  # a list is replaced whole: read directly before, and merged anew
            return replace(shot, espo=await self._read_again()), None
        changes = projection.rendered(entity, update.writes) | dict(update.lists)
        if settle is not None and not update.partial:
            changes = self._projected(shot, actions, settle, changes)
        if not changes:
            return shot, Patched()
        intent = None
        if not writes:
            await self.permit.check_pause(Side.ESPO)
        else:
            intent = await self.scribe.announce(Side.ESPO, "update", writes, espo, advoware, actions)
            shot = replace(shot, memory=with_agreed(shot.memory, actions))
            await self.permit.still_fresh(espo, intent)
            context.observers.window("PATCH", context.clock.monotonic() - espo.read_at)
        try:
            after = await self._send(espo, changes, self.permit.last_look(espo if writes else None))
        except Mismatch:
            await self.permit.unsent(intent)
            raise
        except Refused as error:
            self._reread = None  # the next list is no longer the one that was read directly before
            return await self.scribe.refused(shot, Side.ESPO, update, intent, error), None
        except PeerError as error:
            await self.scribe.conclude(intent, error)
            raise
        judged = self._judge(Side.ESPO, update.writes, after, espo)
        agreed = self.scribe.agreed(Side.ESPO, judged, after, advoware)
        bases: dict[str, Base | None] = {}
        for one in entity.lists if update.lists else ():
            bases |= after_patch(one, shot.memory, espo, advoware, update.entries, after)
        if intent is not None:
            await self.scribe.confirm(intent, Side.ESPO, judged, espo, after, agreed, update.entries, bases)
        if update.entries or _confirmed(judged):
            self.scribe.arrived(Side.ESPO, advoware)
        memory = self.scribe.learned(shot.memory, Side.ESPO, judged, agreed)
        memory = with_bases(memory, bases)
        memory = written_over(memory, Side.ESPO, espo.version, context.policy.our_espo_user)
        shot = Snapshot(memory, after, advoware)
        if update.partial or any(item.verdict in (Verdict.REFUSED, Verdict.EDITED) for item in judged):
            return shot, None
        if self._moved(espo, after, changes):
            return shot, None
        return shot, Patched(True, agreed, changes.get(entity.status.last_sync))

    async def _read_again(self) -> EspoSeen:
        espo = await read_espo(self._context, self._claim.memory.key.espo_id)
        self._reread = espo
        return espo

    def _projected(
        self, shot: Snapshot, actions: Sequence[Action], settle: Settle, changes: dict[str, Any]
    ) -> dict[str, Any]:
        """The changes with what the record shall show of the state of the sync."""
        context, entity = self._context, self._context.entity
        espo, advoware = shot.espo, shot.advoware
        assert isinstance(espo, Present)
        living = shot.memory.state in (PairState.LINKED, PairState.GONE)
        held = any(isinstance(item, Hold) for item in actions)  # then the link itself may be what is asked about
        linked = shot.memory.advoware_id if living and not held else None
        language, retired = context.settings.language, shot.memory.retired
        changes |= projection.settled(entity, espo.body, settle, linked, language, retired)
        tokens: dict[str, Any] = {}
        if isinstance(advoware, Present) and linked is not None:
            tokens = projection.fingerprints(entity, advoware.body)
            # The row id says "made the same at this version"; while a question is open that is not so.
            if settle.status is Status.CLEAN and advoware.version.token is not None:
                tokens[entity.status.row_id] = advoware.version.token
        if not changes and self.permit.wrote_advoware:
            changes = projection.differing(espo.body, tokens)
        return projection.stamped(entity, espo.body, changes, tokens, context.clock.now())

    # --- Advoware ---------------------------------------------------------------------------

    async def update_advoware(self, shot: Snapshot, update: Update, actions: Sequence[Action]) -> Snapshot:
        """PUT the object as it was just read with the changed fields laid over it, or these alone; read it back."""
        context, entity = self._context, self._context.entity
        espo, advoware, advoware_id = shot.espo, shot.advoware, shot.memory.advoware_id
        assert isinstance(advoware, Present)
        assert isinstance(espo, Present)
        assert advoware_id is not None
        if self.permit.age(espo) > SOURCE_LIFE:
            return replace(shot, espo=await read_espo(context, self._claim.memory.key.espo_id))
        if not advoware.direct or self.permit.is_old(advoware):
            return replace(shot, advoware=await read_advoware(context, advoware_id))
        writes = await self.parts.to_journal(update.writes, advoware)
        alone = writes is not update.writes
        if not alone:
            writes = self.rows.to_journal(update.writes, advoware)
        intent = await self.scribe.announce(Side.ADVOWARE, "update", writes, espo, advoware, actions)
        shot = replace(shot, memory=with_agreed(shot.memory, actions))
        body = self._rendered(update.writes) if alone else {**advoware.body, **self._rendered(update.writes)}
        await self.permit.firm()
        await self.permit.still_fresh(advoware, intent)
        self.permit.wrote_advoware = True
        context.observers.window("PUT", context.clock.monotonic() - advoware.read_at)
        try:
            last_look = self.permit.last_look(advoware)
            await context.advoware.replace(self.rows.path(advoware), body, last_look=last_look)
        except Mismatch:
            await self.permit.unsent(intent)
            raise
        except Refused as error:
            return await self.scribe.refused(shot, Side.ADVOWARE, update, intent, error)
        except (Outage, Credentials) as error:
            await self.scribe.conclude(intent, error)
            raise
        except PeerError as error:
            return await self._set_aside(shot, intent, error)
        after = await read_back(context, advoware_id)
        if not alone and await self.rows.put_back(writes, after):
            await context.ledger.write(steps.conclude, self.scribe.job(), intent, IntentState.VOID)
            raise Mismatch
        if alone:
            memory, after = await self.parts.check(
                shot.memory, beside(entity, update.writes, advoware.body), after, advoware_id
            )
            shot = replace(shot, memory=memory)
        judged = self._judge(Side.ADVOWARE, update.writes, after, advoware)
        agreed = self.scribe.agreed(Side.ADVOWARE, judged, espo, after)
        self.permit.heard(await self.scribe.confirm(intent, Side.ADVOWARE, judged, advoware, after, agreed))
        if _confirmed(judged):
            self.scribe.arrived(Side.ADVOWARE, espo)
        memory = self.scribe.learned(shot.memory, Side.ADVOWARE, judged, agreed)
        memory = written_over(memory, Side.ADVOWARE, advoware.version, context.policy.our_advoware_user)
        return Snapshot(memory, espo.indirect(), after)

    async def _set_aside(self, shot: Snapshot, intent: str, error: PeerError) -> Snapshot:
        """The fields cannot be written now; what else there is to do is done before the job fails of it."""
        await self.scribe.give_up(intent, error)
        self.failure = self.failure or error
        assert isinstance(shot.advoware, Present)
        memory = replace(shot.memory, stuck=shot.memory.stuck | {RECORD})
        return replace(shot, memory=memory, advoware=shot.advoware.indirect())

    async def create(self, shot: Snapshot, create: Create) -> Snapshot:
        """POST exactly once: in doubt the answer is looked up, never sent again."""
        context, entity, memory = self._context, self._context.entity, shot.memory
        espo = shot.espo
        assert isinstance(espo, Present)
        named = {entity.field(write.field).role: write.after for write in create.writes}
        whose = context.whose  # of children one is created at a time for each parent
        words = [named.get(Role.NAME), named.get(Role.FIRST_NAME)] if whose is None else [entity.name, whose.key]
        name = journal.name_key(words)
        for stale in memory.intents:
            if stale.verb == "create":  # not found long after it could have applied, or given up by a person
                await context.ledger.write(steps.conclude, self.scribe.job(), stale.id, IntentState.VOID)
        intent = await self.scribe.announce(Side.ADVOWARE, "create", create.writes, espo, None, (), name)
        await self.permit.firm()
        self.permit.wrote_advoware = True
        try:
            body, last_look = self.rows.signed(self._rendered(create.writes)), self.permit.last_look()
            reply = await context.advoware.create(self.rows.list_path(), body, last_look=last_look)
        except Mismatch:
            await self.permit.unsent(intent)
            raise
        except Refused as error:
            return await self.scribe.refused(shot, Side.ADVOWARE, Update(Side.ADVOWARE, create.writes), intent, error)
        except (Outage, Retryable) as error:
            if not error.in_doubt:
                await self.scribe.conclude(intent, error)
                raise
            return await self._look_up(memory, intent, create.writes)
        except PeerError as error:
            await self.scribe.conclude(intent, error)
            raise
        number = reply.body.get(entity.advoware_id)
        if not isinstance(number, int) or number <= 0:
            return await self._look_up(memory, intent, create.writes)
        await context.ledger.write(steps.created, self.scribe.job(), intent, number)
        memory = replace(memory, base={}, quarantine={}, link_shown=False)
        after = await read_back(context, number)
        judged = self._judge(Side.ADVOWARE, create.writes, after, None)
        agreed = self.scribe.agreed(Side.ADVOWARE, judged, espo, after) | self.scribe.as_sent(judged, espo)
        await self.scribe.confirm(None, Side.ADVOWARE, judged, None, after, agreed, why="create")
        self.scribe.arrived(Side.ADVOWARE, espo, first=True)
        memory = self.scribe.learned(memory, Side.ADVOWARE, judged, agreed)
        memory = replace(memory, state=PairState.LINKED, advoware_id=number, trust=Trust.OWN, intents=())
        return Snapshot(memory, espo.indirect(), after)

    async def _look_up(self, memory: Memory, intent_id: str, writes: tuple[FieldWrite, ...]) -> Snapshot:
        """Nobody knows whether our POST was applied: read again with that in mind."""
        now = self._context.clock.now()
        doubt = Intent(intent_id, Side.ADVOWARE, "create", writes, now, IntentState.IN_DOUBT)
        return await load(self._context, replace(memory, intents=(doubt,)), self._claim.row)

    def _judge(
        self, side: Side, writes: tuple[FieldWrite, ...], after: Present, before: Present | None
    ) -> tuple[Judged, ...]:
        """Judge by the record read back. The same foreign value after the same write twice is the target's doing."""
        policy = self._context.policy
        ours = policy.our_espo_user if side is Side.ESPO else policy.our_advoware_user
        judged = []
        for item in judge(self._context.entity, side, writes, after, ours, before.version if before else None):
            if item.verdict is Verdict.EDITED:
                key = (side, item.write.field, item.write.after)
                if key in self._foreign and self._foreign[key] == item.seen:
                    item = replace(item, verdict=Verdict.REFUSED)
                self._foreign[key] = item.seen
            judged.append(item)
        return tuple(judged)

    # --- small parts ------------------------------------------------------------------------

    def _rendered(self, writes: Sequence[FieldWrite]) -> dict[str, Any]:
        entity = self._context.entity
        return {
            entity.field(write.field).advoware: entity.field(write.field).codec.render(Side.ADVOWARE, write.after)
            for write in writes
        }

    def _moved(self, before: Present, after: Present, changes: Mapping[str, Any]) -> bool:
        """Whether a PATCH's answer shows more than the PATCH: somebody typed since the record was read."""
        entity = self._context.entity
        others = [name for name in names_in_espo(entity) if name not in changes]
        was, now = [before.body.get(name) for name in others], [after.body.get(name) for name in others]
        if was == now and [*map(type, was)] == [*map(type, now)]:
            return False
        ours = {name: after.body.get(name) for name in changes}
        expected = replace(before, body={**before.body, **ours})
        return content(entity, Side.ESPO, expected) != content(entity, Side.ESPO, after)


def _confirmed(judged: Sequence[Judged]) -> bool:
    """Whether reading back has shown a value of ours."""
    return any(item.verdict is Verdict.CONFIRMED for item in judged)
