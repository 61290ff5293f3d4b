"""Writing one entry of a child list to Advoware: journalled before, read back after, never sent twice blindly.

Takes a snapshot and gives back the snapshot as it is afterwards. A write that fails is set aside
for this job, so that one bad entry delays no other; which comes next is the plan's to say.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from mappers.spec import AdvowareEntry, Canonical, EntryList, Side
from services.errors import Credentials, Missing, Outage, PeerError, Refused
from syncd.agreement import after_write
from syncd.context import Context
from syncd.ledger import pairs, steps
from syncd.load import read_advoware, read_back, read_espo
from syncd.model import (
    ADD,
    CHANGE,
    Action,
    Base,
    EntryWrite,
    Intent,
    IntentState,
    Memory,
    Present,
    Snapshot,
    WriteEntry,
)
from syncd.pairing import BESIDE, entries_there
from syncd.permit import SOURCE_LIFE, Mismatch, Permit
from syncd.remarks import REMARK, cut_text
from syncd.scribe import Scribe, with_agreed, with_bases


@dataclass(slots=True)
class _Sent:
    """A write that was made: to which list, what, under which intent, and the entries as they were before."""

    entries: EntryList
    entry: EntryWrite
    intent: str
    there: Mapping[int, AdvowareEntry]


class EntryWriter:
    """The hands of one job for child lists. `failure`: why an entry was set aside, the first time."""

    def __init__(self, context: Context, claim: pairs.Claim, scribe: Scribe, permit: Permit) -> None:
        self._context = context
        self._claim = claim
        self._scribe = scribe
        self._permit = permit
        self._foreign: dict[tuple[str, Canonical], Canonical] = {}  # values seen in place of what was written
        self._missed: set[str] = set()
        self.failure: PeerError | None = None

    async def write(self, shot: Snapshot, action: WriteEntry, actions: tuple[Action, ...]) -> Snapshot:
        """POST or PUT one entry, and read the record back."""
        context, entity, entry = self._context, self._context.entity, action.entry
        espo, advoware, advoware_id = shot.espo, shot.advoware, shot.memory.advoware_id
        assert isinstance(espo, Present)
        assert isinstance(advoware, Present)
        assert advoware_id is not None
        if self._permit.age(espo) > SOURCE_LIFE:
            return replace(shot, espo=await read_espo(context, self._claim.memory.key.espo_id))
        if not advoware.direct or self._permit.is_old(advoware):
            return replace(shot, advoware=await read_advoware(context, advoware_id))
        entries = next(one for one in entity.lists if one.name == action.list)
        verb = ADD if entry.id is None else CHANGE
        there = {one.id: one for one in entries_there(entries, shot.memory, advoware.body) or ()}
        told = entry.as_field
        if entry.id is None:
            told = replace(told, sent={**entry.body, BESIDE: sorted(there)})
        intent = await self._scribe.announce(Side.ADVOWARE, verb, (told,), espo, advoware, actions)
        shot = replace(shot, memory=with_agreed(shot.memory, actions))
        await self._permit.firm()
        await self._permit.still_fresh(advoware, intent)
        self._permit.wrote_advoware = True
        context.observers.window("PUT", context.clock.monotonic() - advoware.read_at)
        sent = _Sent(entries, entry, intent, there)
        path = f"{entity.path(advoware_id)}/{entries.path}"
        last_look = self._permit.last_look(advoware)
        try:
            if entry.id is None:
                await context.advoware.create(path, entry.body, last_look=last_look)
            else:
                await context.advoware.replace(f"{path}/{entry.id}", entry.body, last_look=last_look)
        except Mismatch:
            await self._permit.unsent(intent)
            raise
        except (Outage, Credentials) as error:
            await self._scribe.conclude(intent, error)
            raise
        except Refused as error:
            reason = error.rule or "refused"
            await context.ledger.write(
                steps.refuse, self._scribe.job(), intent, Side.ADVOWARE, entry.name, entry.after, reason
            )
            return replace(shot, memory=_quarantined(shot.memory, entry.name, entry.after))
        except PeerError as error:
            return await self._failed(shot, sent, error)
        return await self._seen(shot, sent, await read_back(context, advoware_id))

    async def _failed(self, shot: Snapshot, sent: _Sent, error: PeerError) -> Snapshot:
        """No usable answer: the entry is set aside, unless looking again shows what became of it."""
        in_doubt = await self._scribe.give_up(sent.intent, error)
        assert shot.memory.advoware_id is not None
        after = await read_back(self._context, shot.memory.advoware_id)
        found = _find(sent, shot.memory, after)
        if in_doubt and found is not None and _was_applied(sent, found):
            return await self._seen(shot, sent, after)  # it was applied, only its answer was none
        shot = replace(shot, advoware=after)
        name, memory = sent.entry.name, shot.memory
        if isinstance(error, Missing) and name not in self._missed:
            self._missed.add(name)  # a person has just deleted the entry: the plan shall say what that means
            return shot
        if in_doubt and sent.entry.id is None:
            memory = self._doubted(memory, sent)
        self.failure = self.failure or error
        return replace(shot, memory=replace(memory, stuck=memory.stuck | {name}))

    async def _seen(self, shot: Snapshot, sent: _Sent, after: Present) -> Snapshot:
        """What reading back has shown: taken, refused, cut, or changed by a person meanwhile."""
        entry, memory = sent.entry, shot.memory
        shot = replace(shot, espo=_not_direct(shot.espo), advoware=after)
        found = _find(sent, memory, after)
        if found is None:
            if entry.id is None:
                await self._context.ledger.write(steps.conclude, self._scribe.job(), sent.intent, IntentState.IN_DOUBT)
                return replace(shot, memory=self._doubted(memory, sent))
            bases = self._taken_and_gone(shot, sent)
            await self._scribe.confirm_entry(sent.intent, entry, None, bases)
            return replace(shot, memory=with_bases(memory, bases))
        name = sent.entries.entry_name(found.id)
        refused = False
        if found.form != entry.after:
            key = (name, entry.after)
            before = sent.entries.codec.parse(Side.ADVOWARE, entry.before) if entry.id is not None else None
            refused = found.form == before or self._foreign.get(key) == found.form
            self._foreign[key] = found.form
        if refused:
            memory = _quarantined(memory, name, entry.after)
        bases = after_write(sent.entries, memory, entry, found, _not_direct(shot.espo))
        await self._scribe.confirm_entry(sent.intent, replace(entry, name=name), found.raw, bases, refused=refused)
        if not refused and (entry.id is None or sent.entries.codec.parse(Side.ADVOWARE, entry.before) != entry.after):
            self._scribe.arrived(Side.ADVOWARE, shot.espo)
        memory = with_bases(memory, bases)
        return replace(shot, memory=self._with_aspects(memory, sent, found, name))

    def _taken_and_gone(self, shot: Snapshot, sent: _Sent) -> dict[str, Base]:
        """A PUT was taken, and the entry is gone: somebody deleted it after that, when it was agreed on."""
        was = sent.there.get(sent.entry.id or 0)
        if was is None:
            return {}
        taken = replace(was, form=sent.entry.after, raw={**was.raw, **sent.entry.body})
        return after_write(sent.entries, shot.memory, sent.entry, taken, _not_direct(shot.espo))

    def _with_aspects(self, memory: Memory, sent: _Sent, found: AdvowareEntry, name: str) -> Memory:
        """Remark and `online` may be cut or ignored: not tried again in this job, and people's text is put back."""
        body = sent.entry.body
        if (found.raw.get(REMARK) or "") != body[REMARK]:
            memory = _quarantined(memory, f"{name}.bemerkung", found.form)
            named = replace(sent, entry=replace(sent.entry, name=name))
            if cut_text(sent.entries, found, named.entry.as_field) is not None:
                memory = self._doubted(memory, named, CHANGE)
        if bool(found.raw.get("online")) != body["online"]:
            memory = _quarantined(memory, f"{name}.online", str(body["online"]))
        return memory

    def _doubted(self, memory: Memory, sent: _Sent, verb: str = ADD) -> Memory:
        now = self._context.clock.now()
        doubt = Intent(sent.intent, Side.ADVOWARE, verb, (sent.entry.as_field,), now, IntentState.IN_DOUBT)
        return replace(memory, intents=(*memory.intents, doubt))


def _find(sent: _Sent, memory: Memory, after: Present) -> AdvowareEntry | None:
    """The entry that was written: by its id, or the one that was not there before and has its value."""
    there = entries_there(sent.entries, memory, after.body) or ()
    if sent.entry.id is not None:
        return next((one for one in there if one.id == sent.entry.id), None)
    new = [one for one in there if one.id not in sent.there]
    return next((one for one in new if one.form == sent.entry.after), None)


def _was_applied(sent: _Sent, found: AdvowareEntry) -> bool:
    """Whether an entry shows a write whose answer was none; one that left the value as it was shows in the rest."""
    entry, raw = sent.entry, found.raw
    if found.form != entry.after:
        return False
    if entry.id is None or sent.entries.codec.parse(Side.ADVOWARE, entry.before) != entry.after:
        return True
    return (raw.get(REMARK) or "", bool(raw.get("online"))) == (entry.body[REMARK], entry.body["online"])


def _quarantined(memory: Memory, name: str, value: Canonical) -> Memory:
    quarantine: Mapping[tuple[Side, str], Canonical] = {**memory.quarantine, (Side.ADVOWARE, name): value}
    return replace(memory, quarantine=quarantine)


def _not_direct(espo: object) -> Present:
    assert isinstance(espo, Present)
    return espo.indirect()
