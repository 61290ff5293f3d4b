"""The transactions of a job: each brings everything that must be true together into one commit.

Every step checks the fence first, so that a job that lost its claim stores nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from sqlalchemy import Connection
from sqlalchemy.exc import IntegrityError

from mappers.spec import Canonical, Side
from syncd import guard
from syncd.lanes import Lane
from syncd.ledger import brakes, facts, imports, journal, noted, pairs, people, staged, work
from syncd.ledger.call import brief
from syncd.ledger.staged import Plan
from syncd.ledger.work import Cause, Due
from syncd.model import NEW_FIELD, NOTHING, Base, FieldWrite, IntentState, PairState, Trust

UNDO = "undo:"  # in the history: why a field was written, with the change that was taken back
_SAME_WORK = (Cause.EVENT, Cause.RESET, Cause.RETRY)  # what follows for these belongs to the run that began it


@dataclass(frozen=True, slots=True)
class Lost:
    """A value that is about to be replaced; `values` are the columns of `conflicts`."""

    id: str
    field: str
    values: Mapping[str, Any]
    note: Mapping[str, Any]


class Paused(Exception):
    """A person has stopped writing since the job began; the text is the pause's scope."""


class NameBusy(Exception):
    """Another record of the same name is being created; one at a time, so that a lost answer can be looked up."""


class LinkTaken(Exception):
    """Another record was linked to this counterpart a moment ago."""


@dataclass(frozen=True, slots=True)
class Announcement:
    """A remote write to be journalled ahead of its call, with the values it replaces."""

    id: str
    side: Side
    verb: str
    writes: tuple[FieldWrite, ...]
    name: str | None = None
    edits: frozenset[str] = frozenset()  # what changes in value, for the guard against mass changes
    lost: tuple[Lost, ...] = ()
    entries: Mapping[str, Base] = field(default_factory=dict)  # entries of lists agreed on meanwhile


@dataclass(frozen=True, slots=True)
class Job:
    """Who stores: the record, the fence, the job's id, now (epoch seconds), the run it is part of, if of any.

    `cause`: what set the job going, for the history. Not `claimed`: it has only looked, and ends in one step.
    """

    key: str
    fence: int
    id: str
    now: float
    run: str | None = None
    cause: str | None = None
    lock: pairs.Lock | None = None  # of the record's parent, which ends with the job
    claimed: bool = True

    @property
    def entity(self) -> str:
        """Our name of the record's kind."""
        return self.key.partition("/")[0]


@brief
def announce(conn: Connection, job: Job, told: Announcement, limits: guard.Limits, guard_id: str) -> str | None:
    """Journal a write; returns the id of the guard that forbids it instead, where one does. Raises `Paused`."""
    pairs.check_fence(conn, job.key, job.fence)
    scope = facts.paused_by(conn, job.entity, told.side)
    if scope is not None:
        raise Paused(scope)
    stopped = _stopped_by(conn, job, told, limits, guard_id)
    if stopped is not None:
        return stopped
    journal.put_entries(conn, job.key, told.entries)
    _keep(conn, job, told.lost)
    try:
        journal.announce(conn, told.id, job.key, job.fence, told.side, told.verb, told.writes, job.now, told.name)
    except IntegrityError:
        raise NameBusy(job.key) from None
    return None


def _keep(conn: Connection, job: Job, values: Iterable[Lost]) -> None:
    for lost in values:
        if people.keep(conn, lost.id, job.key, lost.field, lost.values) == lost.id:
            people.owe_message(conn, lost.id, job.key, "note", f"kept:{lost.id}", lost.note, job.now)


def _stopped_by(conn: Connection, job: Job, told: Announcement, limits: guard.Limits, guard_id: str) -> str | None:
    if told.verb == "create":
        if brakes.is_allowed(conn, guard.CREATE_KIND, job.key):
            return None
        created = journal.creations_since(conn, job.now - guard.HOUR)
        if not guard.too_many_creations(created, limits):
            return None
        return brakes.stop(conn, guard_id, guard.CREATE_KIND, [job.key], {"created": created}, job.now)
    if limits.change_min == 0:
        return None
    for name in told.edits:
        kind = guard.change_kind(told.side.other, name)
        brakes.see(conn, kind, job.key, job.now)
        often = brakes.seen_as_often(conn, kind, job.now - guard.HOUR, limits.change_min)
        if not often or brakes.is_allowed(conn, kind, job.key):
            continue  # what was let through may be very many, and counting them takes as long
        changed = brakes.seen_since(conn, kind, job.now - guard.HOUR)
        checked = pairs.checked_since(conn, job.entity, job.now - guard.HOUR)
        if guard.too_many_changes(changed, checked, limits):
            detail = {"changed": changed, "checked": checked}
            of_field = (one for one in told.writes if one.field.partition(":")[0] == name)
            values = next(((one.before, one.after) for one in of_field), None)
            return brakes.stop(conn, guard_id, kind, [job.key], detail, job.now, values)
    return None


@brief
def created(conn: Connection, job: Job, intent_id: str, advoware_id: int) -> None:
    """Our POST was answered: the pair is linked at once, whatever happens next."""
    pairs.check_fence(conn, job.key, job.fence)
    journal.conclude(conn, intent_id, IntentState.DONE)
    journal.forget_bases(conn, job.key)  # of a counterpart it may have had before
    people.clear_quarantine(conn, job.key)
    brakes.used(conn, guard.CREATE_KIND, job.key)
    link = {"advoware_id": advoware_id, "state": PairState.LINKED, "trust": Trust.OWN, "link_shown": False}
    pairs.change(conn, job.key, link)


@dataclass(frozen=True, slots=True)
class Confirmation:
    """What reading back showed of a write: the agreed fields, what was refused, what to tell in history."""

    intent_id: str | None
    agreed: Mapping[str, tuple[Any, Any, str]] = field(default_factory=dict)
    changes: Mapping[str, tuple[Any, Any]] = field(default_factory=dict)
    refused: Sequence[tuple[str, Canonical, str]] = ()
    side: Side = Side.ADVOWARE
    why: str = "sync"
    entries: Mapping[str, Base | None] = field(default_factory=dict)
    undone: Mapping[str, int] = field(default_factory=dict)  # fields a person has put back -> the change taken back
    who: Mapping[str, str] = field(default_factory=dict)  # whose values these are, by field, where that is known


@brief
def confirm(conn: Connection, job: Job, told: Confirmation) -> frozenset[str]:
    """Store what a write really did: base per confirmed field, history, quarantine. Returns what is paused now."""
    pairs.check_fence(conn, job.key, job.fence)
    if told.intent_id is not None:
        journal.conclude(conn, told.intent_id, IntentState.DONE)
    journal.put_bases(conn, job.key, told.agreed)
    journal.put_entries(conn, job.key, told.entries)
    plain = {name: change for name, change in told.changes.items() if name not in told.undone}
    _record(conn, job, told.why, told.side, plain, told.who)
    for name, change_id in told.undone.items():
        _record(conn, job, f"{UNDO}{change_id}", told.side, {name: told.changes[name]}, told.who)
    for name in told.changes:
        if ":" not in name:
            brakes.used(conn, guard.change_kind(told.side.other, name), job.key)
    for name, value, reason in told.refused:
        people.set_quarantine(conn, job.key, told.side, name, value, reason, job.now)
    return frozenset(facts.list_pauses(conn))


def _record(
    conn: Connection, job: Job, why: str, side: Side | None = None,
    changes: Mapping[str, tuple[Any, Any]] | None = None, who: Mapping[str, str] = NOTHING,
) -> None:  # fmt: skip
    author = journal.Author(job.id, job.run, job.cause)
    journal.record(conn, job.key, author, why, job.now, side, changes, who)


def put_back(conn: Connection, job: Job, changes: Mapping[str, tuple[Any, Any]], lost: Iterable[str]) -> None:
    """A PUT of ours had blanked fields: what they held, and what they hold now. Of `lost` ones no base is left."""
    pairs.check_fence(conn, job.key, job.fence)
    _record(conn, job, "put_back", Side.ADVOWARE, changes)
    journal.put_entries(conn, job.key, dict.fromkeys(lost))


@brief
def remember(conn: Connection, job: Job, entries: Mapping[str, Base | None]) -> None:
    """What was agreed on in entries of child lists, although the job does not come to its end."""
    pairs.check_fence(conn, job.key, job.fence)
    journal.put_entries(conn, job.key, entries)


@brief
def conclude(conn: Connection, job: Job, intent_id: str, state: IntentState) -> None:
    """Say what became of a write that did not succeed."""
    pairs.check_fence(conn, job.key, job.fence)
    journal.conclude(conn, intent_id, state)


def refuse(
    conn: Connection, job: Job, intent_id: str | None, side: Side, name: str, value: Canonical, why: str
) -> None:
    """A side named the field it does not take: nothing was applied, the value waits for a correction."""
    pairs.check_fence(conn, job.key, job.fence)
    if intent_id is not None:
        journal.conclude(conn, intent_id, IntentState.VOID)
    people.set_quarantine(conn, job.key, side, name, value, why, job.now)


def link(conn: Connection, job: Job, advoware_id: int, values: Mapping[str, Any], restart: bool, intent_id: str | None,
         base: Mapping[str, tuple[Any, Any, str]]) -> None:  # fmt: skip
    """These two belong together from now on."""
    pairs.check_fence(conn, job.key, job.fence)
    if restart:
        values = {**values, "espo_version": {}, "advoware_version": {}}
        journal.forget_bases(conn, job.key)
        people.clear_quarantine(conn, job.key)
    if intent_id is not None:
        journal.conclude(conn, intent_id, IntentState.DONE)
    journal.put_bases(conn, job.key, base)
    try:
        pairs.change(conn, job.key, {"advoware_id": advoware_id, "state": PairState.LINKED, **values})
    except IntegrityError:
        raise LinkTaken(job.key) from None
    _record(conn, job, f"linked:{advoware_id}")


@dataclass(frozen=True, slots=True)
class Message:
    """A Task or note owed; `topic` makes it one per record and subject."""

    id: str
    kind: str
    topic: str
    body: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Waiting:
    """Something that waits for a person; `values` are the columns of `conflicts`."""

    id: str
    field: str
    kind: str
    values: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Single:
    """The record has become the one of its parent that has this in `field`: the others give it up in EspoCRM."""

    field: str
    saw: Canonical
    parent: str
    id: str


@dataclass(frozen=True, slots=True)
class Ending:
    """Everything a job leaves behind."""

    pair: Mapping[str, Any] = field(default_factory=dict)
    agreed: Mapping[str, tuple[Any, Any, str]] = field(default_factory=dict)
    entries: Mapping[str, Base | None] = field(default_factory=dict)
    lost: Sequence[Lost] = ()
    waiting: Sequence[Waiting] = ()
    open_fields: Sequence[str] | None = None  # None: no field was judged, leave what waits alone
    decided: Sequence[str] | None = None  # the choices of people that were judged; None: whatever there is
    question: str | None = None  # the kind of the question about the link; others about it are over
    messages: Sequence[Message] = ()
    over: Sequence[str] = ()  # topics of messages whose matter is settled
    follow: Due | None = None
    held: str | None = None
    stirred: Sequence[str] = ()  # keys of children, or of a parent, that have to be looked at
    judged: bool = False  # a child of which it is known only now whether it is anything in Advoware
    kin_lane: Lane = Lane.LIVE  # for children and parents that this puts to work
    ended: Sequence[tuple[str, int]] = ()  # rows that were left to a person and are gone
    ended_messages: Sequence[tuple[str, str]] = ()  # and what was told about rows that are gone: key, topic
    single: Single | None = None
    event: str | None = None
    missing: Side | None = None
    present: Sequence[Side] = ()
    forget_updates_before: float | None = None
    staged: Plan | None = None  # a dry run's plan; the event is written only where it is another one than the last


@brief
def finish(conn: Connection, job: Job, ending: Ending, gen: int | None) -> Due | None:
    """End the job: base, status, tokens, what waits, messages, follow-up, and the claim, in one commit.

    Returns what waits for the record now. Raises `FenceLost`, and nothing is stored.
    """
    pairs.unlock(conn, job.lock)  # in the order in which they were taken
    store = pairs.release if job.claimed else pairs.amend
    store(conn, job.key, job.fence, ending.pair)
    journal.put_bases(conn, job.key, ending.agreed)
    journal.put_entries(conn, job.key, ending.entries)
    _keep(conn, job, ending.lost)
    for item in ending.waiting:
        people.raise_conflict(conn, item.id, job.key, item.field, item.kind, item.values)
        if item.kind == NEW_FIELD:
            brakes.stop(conn, item.id, guard.new_field_kind(item.field), [job.key], {"field": item.field}, job.now)
    if ending.question is not None:
        people.settle_links(conn, job.key, ending.question, job.now)
    if ending.present or ending.open_fields is not None or ending.over:
        _settle(conn, job, ending)
    for message in ending.messages:
        people.owe_message(conn, message.id, job.key, message.kind, message.topic, message.body, job.now)
    again = ending.staged is not None and not staged.put(conn, job.key, ending.staged, job.now)
    if ending.event is not None and not again:
        _record(conn, job, ending.event)
    _tell_kin(conn, job, ending)
    follow = ending.follow
    if follow is not None and follow.cause in _SAME_WORK:
        follow = replace(follow, run=job.run)
    released = ending.held is not None and not _stops(conn, ending.held)  # meanwhile: the work is due as it was
    if gen is not None and not released:
        return work.done(conn, job.key, gen, follow, job.now, ending.held)
    if follow is not None:
        work.put(conn, [follow], job.now)
    return work.next_due(conn, job.key)


def _settle(conn: Connection, job: Job, ending: Ending) -> None:
    """What the job has shown to be over, as far as there is anything of it."""
    there = noted.to_settle(conn, job.key)
    if ending.open_fields is not None and there.conflicts:
        people.settle(conn, job.key, ending.open_fields, job.now, ending.decided)
    if ending.open_fields is not None and there.quarantine:
        people.clear_quarantine(conn, job.key, ending.open_fields)
    if ending.over and there.messages:
        people.close_messages(conn, job.key, ending.over, job.now)
    for side in ending.present:
        kind = guard.missing_kind(side)
        if there.missing:
            brakes.unsee(conn, kind, job.key)
        if there.successions:
            brakes.run_length(conn, kind, 0)
    if ending.forget_updates_before is not None and there.intents:
        journal.settle_updates(conn, job.key, ending.forget_updates_before)


def _tell_kin(conn: Connection, job: Job, ending: Ending) -> None:
    """What the job has found out that concerns its record's children, its parent, or its brothers and sisters."""
    stirred = list(ending.stirred)
    if ending.judged and job.lock is not None and pairs.was_last_child(conn, job.lock.key, job.key, job.now):
        stirred.append(job.lock.key)
    work.put(conn, [Due(key, ending.kin_lane, Cause.EVENT, job.now) for key in stirred], job.now)
    for entity, number in ending.ended:
        imports.drop(conn, entity, number)
    for key, topic in ending.ended_messages:
        people.close_messages(conn, key, [topic], job.now)
    if ending.single is not None:
        _give_up(conn, job, ending.single)


def _give_up(conn: Connection, job: Job, one: Single) -> None:
    for number, sibling in enumerate(pairs.brood(conn, one.parent)):
        key = sibling["key"]
        claims = journal.shows(conn, key, one.field) or one.field in people.waiting(conn, key)[0]
        if key == job.key or sibling["entity"] != job.entity or not claims:
            continue
        values = {"espo": one.saw, "advoware": None, "base": None, "opened_at": job.now}
        raised = people.raise_conflict(conn, f"{one.id[:10]}{number:02d}", key, one.field, "single", values)
        decision = {"value": None, "saw_espo": one.saw, "saw_advoware": None, "who": None, "here": True}
        people.decide(conn, raised, decision)
        work.put(conn, [Due(key, Lane.LIVE, Cause.EVENT, job.now)], job.now)


def _stops(conn: Connection, by: str) -> bool:
    """Whether this pause or guard still stops anything; it cannot end before this transaction does."""
    kind, _, name = by.partition(":")
    return facts.is_paused(conn, name) if kind == "pause" else brakes.stands(conn, name)


@brief
def let_go(conn: Connection, job: Job, gen: int | None) -> Due | None:
    """Leave a record that needs nothing, or that is not ours to look after; returns what waits for it now."""
    pairs.unlock(conn, job.lock)
    pairs.release(conn, job.key, job.fence)
    pairs.forget_stranger(conn, job.key, job.fence)
    if gen is not None:
        return work.done(conn, job.key, gen, None, job.now)
    return work.next_due(conn, job.key)


def missing(conn: Connection, job: Job, side: Side, limits: guard.Limits, guard_id: str) -> str | None:
    """A record is missing on one side; returns the guard's id where it is one of too many."""
    kind = guard.missing_kind(side)
    if brakes.is_allowed(conn, kind, job.key):
        return None
    brakes.see(conn, kind, job.key, job.now)
    count = brakes.seen_since(conn, kind, job.now - guard.DAY)
    in_succession = brakes.run_length(conn, kind, 1)
    checked = pairs.checked_since(conn, job.entity, job.now - guard.DAY)
    if guard.too_many_missing(count, checked, in_succession, limits) or brakes.stopped(conn, kind):
        keys = brakes.keys_seen_since(conn, kind, job.now - guard.DAY)
        return brakes.stop(conn, guard_id, kind, keys, {"missing": count, "checked": checked}, job.now)
    return None


def went_back(conn: Connection, job: Job, side: Side | None, guard_id: str) -> str | Side:
    """A record went back in time: the guard's id; three in succession stop all writing until a person has judged.

    Where a person has judged that backup already, the side that is right: nobody shall be asked for each of a
    thousand records.
    """
    kind = guard.went_back_kind(side)
    answer = facts.get(conn, _answer(kind))
    if answer is not None and job.now - answer["at"] < guard.ANSWER_LIFE:
        pairs.check_fence(conn, job.key, job.fence)
        pairs.change(conn, job.key, {"believe": answer["right"]})
        return Side(answer["right"])
    brakes.see(conn, kind, job.key, job.now)
    length = len(brakes.keys_seen_since(conn, kind, job.now - guard.HOUR))
    keys = brakes.keys_seen_since(conn, kind, job.now - guard.DAY)
    stopped = brakes.stop(conn, guard_id, kind, keys, {"records": len(keys)}, job.now)
    if length >= guard.WENT_BACK_RUN:
        facts.set_pause(conn, "all", f"guard {stopped}: restored backup?", job.now)
    return stopped


def _answer(kind: str) -> str:
    return f"answer:{kind}"


def allow_guard(conn: Connection, guard_id: str, right: Side | None, now: float) -> tuple[str, int] | None:
    """A person lets what a guard holds through; returns its kind and how many records. None: no such guard."""
    allowed = brakes.allow(conn, guard_id, now)
    if allowed is None:
        return None
    kind, keys = allowed
    if kind.startswith("went_back"):
        facts.put(conn, _answer(kind), {"right": right, "at": now})
        for key in keys:
            pairs.change(conn, key, {"believe": right})
        for scope, why in facts.list_pauses(conn).items():
            if why.startswith(f"guard {guard_id}"):
                facts.end_pause(conn, scope)
    if kind.startswith(guard.new_field_kind("")):
        for key in keys:
            pairs.change(conn, key, {"allow_new_fields": True})
    work.release(conn, f"guard:{guard_id}", now)
    work.put(conn, [Due(key, Lane.LIVE, Cause.EVENT, now) for key in keys], now)
    return kind, len(keys)
