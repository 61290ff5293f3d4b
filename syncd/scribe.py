"""Keeping the journal of a job: what is about to be written, what came of it, what was refused or replaced.

Every remote write is announced here before its call and concluded after it. Makes no call itself.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from mappers.spec import Canonical, Field, Raw, Side, Unmappable
from services.errors import PeerError, Refused
from syncd.context import Context
from syncd.evidence import LOST_ENTRY
from syncd.lanes import Lane
from syncd.ledger import pairs, steps
from syncd.messages import text
from syncd.model import (
    ADD,
    NOTHING,
    Action,
    Agree,
    Base,
    EntryWrite,
    FieldWrite,
    IntentState,
    Keep,
    Memory,
    Notice,
    Present,
    Snapshot,
    Update,
)
from syncd.readback import Judged, Verdict


def agreed_entries(actions: Sequence[Action]) -> dict[str, Base | None]:
    """Entries of child lists that a plan found agreed on, or gone from both sides (None)."""
    return {name: base for action in actions if isinstance(action, Agree) for name, base in action.entries.items()}


def lost_value(context: Context, keep: Keep, espo: Present, advoware: object) -> steps.Lost:
    """A value that is replaced or gone, with who wrote both and when, and the sentence that tells people of it."""
    theirs = advoware.version if isinstance(advoware, Present) else None
    conflict_id = context.id12()
    values = {
        "kind": keep.why,
        "espo": keep.espo,
        "advoware": keep.advoware,
        "base": keep.base,
        "winner": keep.winner,
        "espo_by": espo.version.changed_by,
        "espo_at": espo.version.changed_at,
        "advoware_by": theirs.changed_by if theirs else None,
        "advoware_at": theirs.changed_at if theirs else None,
        "opened_at": context.clock.now(),
    }
    name = context.entity.field(keep.field).espo
    code = LOST_ENTRY if keep.why == LOST_ENTRY else "kept"
    note = {"text": text([Notice(code, (name,), conflict_id)], context.settings.language)}
    return steps.Lost(conflict_id, keep.field, values, note)


def confirmed_entries(actions: Sequence[Action]) -> dict[str, Base]:
    """Of these what a job that goes on stores already; what is gone from both sides counts until its end."""
    return {name: base for name, base in agreed_entries(actions).items() if base is not None}


def with_bases(memory: Memory, bases: Mapping[str, Base | None]) -> Memory:
    """The memory with new bases; None forgets one."""
    if not bases:
        return memory
    kept = {name: base for name, base in memory.base.items() if name not in bases}
    return replace(memory, base=kept | {name: base for name, base in bases.items() if base is not None})


def with_agreed(memory: Memory, actions: Sequence[Action]) -> Memory:
    """The memory as the ledger has it once the plan's next write is announced."""
    confirmed = confirmed_entries(actions)
    return replace(memory, base={**memory.base, **confirmed}) if confirmed else memory


CLOCKS_APART = 5.0  # seconds by which a system's time stamps may be behind our clock


class Stopped(Exception):
    """A pause or guard forbids the write; `by` names it for the work that waits."""

    def __init__(self, by: str) -> None:
        super().__init__(by)
        self.by = by


def _shows(mapped: Field, side: Side, seen: Present, item: Judged) -> bool:
    try:
        return mapped.parse(side, seen.body) == item.write.after
    except Unmappable:
        return False


class Scribe:
    """The journal, history and quarantine of one job's record."""

    def __init__(self, context: Context, claim: pairs.Claim, job_id: str) -> None:
        self._context = context
        self._claim = claim
        self._job_id = job_id
        self._authors: dict[Side, str | None] = {}

    def job(self) -> steps.Job:
        """Who stores, and when."""
        run = self._context.run or (self._claim.task.run if self._claim.task else None)
        now = self._context.clock.now()
        return steps.Job(self._claim.key, self._claim.fence, self._job_id, now, run, self._cause(), self._claim.lock)

    def _cause(self) -> str | None:
        """What set the job going: a webhook, a backfill, or why the record was looked at."""
        task = self._claim.task
        if task is None:
            return None
        if task.lane is Lane.BACKFILL:
            return "backfill"
        return "webhook" if self._claim.memory.evidence is not None else str(task.cause)

    async def announce(
        self, side: Side, verb: str, writes: tuple[FieldWrite, ...], espo: Present, advoware: object,
        actions: Sequence[Action], name: str | None = None,
    ) -> str:  # fmt: skip
        """Journal a write with the values it will replace; raises `Stopped` where a guard forbids it."""
        self._authors[side] = self._author(side.other, espo if side is Side.ADVOWARE else advoware)
        names = {write.field for write in writes}
        lost = tuple(
            lost_value(self._context, action, espo, advoware)
            for action in actions
            if isinstance(action, Keep) and action.winner is side.other and action.field in names
        )
        edited = (self._edited(write, verb) for write in writes)
        edits = frozenset(one for one in edited if one is not None)
        told = steps.Announcement(
            self._context.new_id(), side, verb, writes, name, edits, lost, confirmed_entries(actions)
        )  # fmt: skip
        limits = self._context.settings.limits
        try:
            guard_id = await self._context.ledger.write(steps.announce, self.job(), told, limits, self._context.id12())
        except steps.Paused as paused:
            raise Stopped(f"pause:{paused}") from None
        if guard_id is not None:
            raise Stopped(f"guard:{guard_id}")
        return told.id

    def arrived(self, target: Side, source: object, *, first: bool = False) -> None:
        """Measure how long a person's edit took to the other side, as far as its time is known.

        What is only laid together for the first time (but for a creation, `first`), or by a backfill, was no edit; nor
        is what was known already when the record was last looked at, and has waited for a person since.
        """
        task, looked = self._claim.task, self._claim.row["checked_at"]
        if (task is not None and task.lane is Lane.BACKFILL) or (looked is None and not first):
            return
        if not isinstance(source, Present) or source.version.changed_at is None or source.served_at is None:
            return
        if looked is not None and source.version.changed_at < looked - CLOCKS_APART:
            return
        since_read = self._context.clock.monotonic() - source.read_at
        self._context.observers.delay(target, source.served_at - source.version.changed_at + since_read)

    def _edited(self, write: FieldWrite, verb: str) -> str | None:
        """The field, or the list, whose value a write changes; a marker alone changes none."""
        for entries in self._context.entity.lists:
            if entries.owns(write.field):
                before = None if verb == ADD else entries.codec.parse(Side.ADVOWARE, write.before)
                return None if before == write.after else entries.name
        return write.field

    async def conclude(self, intent: str | None, error: PeerError) -> None:
        """A write that failed for certain is void; one in doubt stays open for the next job to judge."""
        if intent is not None and not getattr(error, "in_doubt", False):
            await self._context.ledger.write(steps.conclude, self.job(), intent, IntentState.VOID)

    async def give_up(self, intent: str, error: PeerError) -> bool:
        """A write failed and the job goes on without it; returns whether it may have been applied nevertheless."""
        in_doubt = bool(getattr(error, "in_doubt", False))
        state = IntentState.IN_DOUBT if in_doubt else IntentState.VOID
        await self._context.ledger.write(steps.conclude, self.job(), intent, state)
        return in_doubt

    async def refused(self, shot: Snapshot, side: Side, update: Update, intent: str | None, error: Refused) -> Snapshot:
        """The target named a field: quarantine it if we sent it, else the record itself is refused."""
        entity = self._context.entity
        named = (item for item in update.writes if error.field == entity.field(item.field).attribute(side))
        write = next(named, None)
        suspects = [item for item in update.entries if item.after is not None and self._names(error.field, item)]
        if write is None and len(suspects) > 1:  # one of several new entries, and EspoCRM does not say which
            await self.conclude(intent, error)
            singly = shot.memory.one_by_one | {item.channel for item in suspects}
            return replace(shot, memory=replace(shot.memory, one_by_one=singly))
        if write is None and suspects:
            write = suspects[0].as_field
        if write is None:
            await self.conclude(intent, error)
            raise error
        reason = error.rule or "refused"
        await self._context.ledger.write(steps.refuse, self.job(), intent, side, write.field, write.after, reason)
        quarantine: dict[tuple[Side, str], Canonical] = {**shot.memory.quarantine, (side, write.field): write.after}
        return replace(shot, memory=replace(shot.memory, quarantine=quarantine))

    async def confirm(
        self, intent: str | None, side: Side, judged: Sequence[Judged], before: Present | None, after: Present,
        agreed: Mapping[str, tuple[Any, Any, str]], entries: Sequence[EntryWrite] = (),
        bases: Mapping[str, Base | None] = NOTHING, why: str = "sync",
    ) -> frozenset[str]:  # fmt: skip
        """Store what reading back has shown; returns what is paused then."""
        entity = self._context.entity
        changes: dict[str, tuple[Any, Any]] = {}
        for entry in entries:  # one that moves from list to list is taken out of one and put into the other
            before_it, after_it = changes.get(entry.name, (None, None))
            changes[entry.name] = (entry.before or before_it, entry.after or after_it)
        for item in judged:
            if item.verdict in (Verdict.CONFIRMED, Verdict.REWRITTEN):
                mapped = entity.field(item.write.field)
                changes[mapped.name] = (mapped.raw(side, before.body) if before else None, mapped.raw(side, after.body))
        refused = [
            (item.write.field, item.write.after, "not_taken") for item in judged if item.verdict is Verdict.REFUSED
        ]
        sent = {item.write.field: item.write.after for item in judged} | {one.name: one.after for one in entries}
        undone, who = self._undone(changes, sent), self._who(side, changes, sent)
        told = steps.Confirmation(intent, agreed, changes, refused, side, why, bases, undone, who)
        return await self._context.ledger.write(steps.confirm, self.job(), told)

    async def confirm_entry(
        self, intent: str, entry: EntryWrite, after: Raw, bases: Mapping[str, Base] = NOTHING, *, refused: bool = False
    ) -> None:
        """Store what reading back has shown of an entry of a child list."""
        changes = {} if refused else {entry.name: (entry.before, after)}
        denied = [(entry.name, entry.after, "not_taken")] if refused else []
        sent = {entry.name: entry.after}
        undone, who = self._undone(changes, sent), self._who(Side.ADVOWARE, changes, sent)
        told = steps.Confirmation(intent, {}, changes, denied, Side.ADVOWARE, entries=bases, undone=undone, who=who)
        await self._context.ledger.write(steps.confirm, self.job(), told)

    def _undone(self, changes: Iterable[str], sent: Mapping[str, Canonical]) -> dict[str, int]:
        """Which of these changes put a value back because a person wants it, and the change each takes back."""
        decisions = self._claim.memory.decisions
        asked = {name: decisions[name] for name in changes if name in decisions and name in sent}
        return {name: one.undoes for name, one in asked.items() if one.undoes is not None and one.value == sent[name]}

    def _who(self, side: Side, changes: Iterable[str], sent: Mapping[str, Canonical]) -> dict[str, str]:
        """Whose values were written: of who decided so, else of who saved the other side last."""
        decisions, author = self._claim.memory.decisions, self._authors.get(side)
        known = {}
        for name in changes:
            decision = decisions.get(name)
            decided = decision is not None and name in sent and decision.value == sent[name]
            known[name] = decision.who if decided and decision is not None else author
        return {name: one for name, one in known.items() if one is not None}

    def _author(self, side: Side, source: object) -> str | None:
        """Who saved a record last; None where that was ourselves or is not known."""
        policy = self._context.policy
        ours = policy.our_espo_user if side is Side.ESPO else policy.our_advoware_user
        if not isinstance(source, Present) or source.version.changed_by in (None, ours):
            return None
        return f"{side}:{source.version.changed_by}"

    def _names(self, field: str | None, entry: EntryWrite) -> bool:
        """Whether an error of EspoCRM is about the list of this entry."""
        single = {entries.channels.get(entry.channel) for entries in self._context.entity.lists}
        return field is not None and field in {entry.channel, *single}

    def agreed(
        self, side: Side, judged: Sequence[Judged], espo: object, advoware: object
    ) -> dict[str, tuple[Any, Any, str]]:
        """Base per confirmed field, from the raw values both sides show.

        A value that a person chose and that the other side does not show yet is not agreed on: it may refuse it.
        """
        if not isinstance(espo, Present) or not isinstance(advoware, Present):
            return {}
        agreed, source = {}, advoware if side is Side.ESPO else espo
        for item in judged:
            mapped = self._context.entity.field(item.write.field)
            if item.verdict in (Verdict.CONFIRMED, Verdict.REWRITTEN) and _shows(mapped, side.other, source, item):
                agreed[mapped.name] = (
                    mapped.raw(Side.ESPO, espo.body),
                    mapped.raw(Side.ADVOWARE, advoware.body),
                    mapped.rule,
                )
        return agreed

    def as_sent(self, judged: Sequence[Judged], espo: Present) -> dict[str, tuple[Any, Any, str]]:
        """After a create, a field that shows neither our value nor none was edited since: its base is what we sent."""
        sent = {}
        for item in judged:
            if item.verdict is Verdict.EDITED:
                mapped = self._context.entity.field(item.write.field)
                raw = mapped.codec.render(Side.ADVOWARE, item.write.after)
                sent[mapped.name] = (mapped.raw(Side.ESPO, espo.body), raw, mapped.rule)
        return sent

    def learned(
        self, memory: Memory, side: Side, judged: Sequence[Judged], agreed: Mapping[str, tuple[Any, Any, str]]
    ) -> Memory:
        """The memory with what the write has shown."""
        refused = {(side, one.write.field): one.write.after for one in judged if one.verdict is Verdict.REFUSED}
        if not agreed and not refused:
            return memory
        base = {**memory.base, **{name: Base(*values) for name, values in agreed.items()}}
        return replace(memory, base=base, quarantine={**memory.quarantine, **refused})
