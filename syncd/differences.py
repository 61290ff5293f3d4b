"""What two records that belong together do not show alike, and why that may be so. Pure.

Values are read, paired and judged by the engine's own functions; what the planner would do about a difference tells
whether it knows of it. Knows neither ledger nor systems.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from mappers.spec import Canonical, Direction, Entity, EntryList, EspoEntry, Side, Unmappable
from syncd.model import (
    Action,
    Ask,
    Dispute,
    Hold,
    Memory,
    Present,
    Quarantine,
    Snapshot,
    Update,
    Wait,
    WriteEntry,
)
from syncd.pairing import entries_there, pair_up, place
from syncd.readback import is_rewrite


class Reason(StrEnum):
    """Why two sides differ."""

    CONFLICT = "conflict"  # a person must choose or do something
    REFUSED = "refused"  # one side will not take the value
    RULE = "rule"  # they are meant to: direction, or the form one side can keep
    WORK = "work"  # a job is about to look at it
    HELD = "held"  # a pause or guard holds it
    FAILED = "failed"  # tries failed, the next one is set
    NOT_YET = "not_yet"  # Advoware was edited since the last look round, and the next one is set
    UNREAD = "unread"  # a side gave no answer that can be believed
    UNEXPLAINED = "unexplained"


@dataclass(frozen=True, slots=True)
class Difference:
    """One field or entry. `field` is empty where it is about the record as a whole; values are canonical."""

    field: str
    espocrm: str | None
    advoware: str | None
    reason: Reason
    detail: str


@dataclass(frozen=True, slots=True)
class Excuse:
    """What is known of the record as a whole that explains any difference in it."""

    reason: Reason
    detail: str


def differences(
    entity: Entity, shot: Snapshot, actions: tuple[Action, ...], excuse: Excuse | None
) -> tuple[Difference, ...]:
    """Everything that is not alike; empty where both sides mean the same."""
    espo, advoware = shot.espo, shot.advoware
    if not isinstance(espo, Present):
        return (_whole(entity, "EspoCRM does not show the record", None, "there", excuse),)
    named = espo.body.get(entity.link)
    if entity.link and shot.memory.advoware_id is not None and str(named) != str(shot.memory.advoware_id):
        detail = f"{entity.link} is not the number it is linked to"
        return (_whole(entity, detail, _text(named), str(shot.memory.advoware_id), excuse),)
    if not isinstance(advoware, Present):
        return (_whole(entity, "Advoware does not show the Beteiligte", "there", None, excuse),)
    judge = _Judge(entity, shot.memory, _intended(actions), excuse)
    held = next((action for action in actions if isinstance(action, Hold)), None)
    if held is not None and excuse is None:
        judge = replace(judge, excuse=Excuse(Reason.UNEXPLAINED, f"would be held: {held.reason}"))
    return (*_fields(judge, espo, advoware), *_entries(judge, espo, advoware, actions))


def _whole(entity: Entity, detail: str, espo: str | None, advoware: str | None, excuse: Excuse | None) -> Difference:
    known = excuse or Excuse(Reason.UNEXPLAINED, "no work waits for it")
    return Difference(entity.link, espo, advoware, known.reason, f"{detail}; {known.detail}")


def _intended(actions: Iterable[Action]) -> frozenset[str]:
    """Fields and entries the planner would do something about."""
    names: set[str] = set()
    for action in actions:
        match action:
            case Update():
                names |= {write.field for write in action.writes} | {entry.name for entry in action.entries}
            case WriteEntry():
                names.add(action.entry.name)
            case Dispute() | Ask() | Quarantine():
                names.add(action.field)
            case Wait():
                names |= set(action.entries)
            case _:
                continue
    return frozenset(names)


@dataclass(frozen=True, slots=True)
class _Judge:
    """Says why a field or entry differs."""

    entity: Entity
    memory: Memory
    intended: frozenset[str]
    excuse: Excuse | None

    def of(self, name: str, direction: Direction, espo: str | None, advoware: str | None, said: str = "") -> Difference:
        known = self._reason(name, direction, espo, advoware)
        return Difference(name, espo, advoware, known.reason, f"{said}; {known.detail}" if said else known.detail)

    def _reason(self, name: str, direction: Direction, espo: str | None, advoware: str | None) -> Excuse:
        refusing = next((side for side, field in self.memory.quarantine if field == name), None)
        if refusing is not None:
            return Excuse(Reason.REFUSED, f"{refusing} does not take the value")
        if name in self.memory.waiting:
            return Excuse(Reason.CONFLICT, f"waits for a person: {self.memory.waiting[name]}")
        if self.excuse is not None and self.excuse.reason is Reason.CONFLICT:
            return self.excuse
        if name not in self.intended:
            if direction is not Direction.BOTH:
                return Excuse(Reason.RULE, f"direction {direction}")
            if is_rewrite(espo, advoware) or is_rewrite(advoware, espo):
                return Excuse(Reason.RULE, "agreed on in the form one side can keep")
            return self.excuse or Excuse(Reason.UNEXPLAINED, "counts as agreed on, yet no rule explains it")
        return self.excuse or Excuse(Reason.UNEXPLAINED, "would be synced, but no work waits for it")


def _fields(judge: _Judge, espo: Present, advoware: Present) -> Iterator[Difference]:
    for field in judge.entity.fields:
        here, there = (
            _canonical(judge.entity, side, seen.body, field.name)
            for side, seen in ((Side.ESPO, espo), (Side.ADVOWARE, advoware))
        )
        if here != there:
            yield judge.of(field.name, field.direction, here, there)


def _canonical(entity: Entity, side: Side, body: Mapping[str, Any], name: str) -> Canonical:
    field = entity.field(name)
    try:
        return field.parse(side, body)
    except Unmappable:
        return f"[unmappable] {field.raw(side, body)}"


# --- entries of child lists -------------------------------------------------------------------


def _entries(judge: _Judge, espo: Present, advoware: Present, actions: tuple[Action, ...]) -> Iterator[Difference]:
    for entries in judge.entity.lists:
        told = set[str]()
        for one in _of_list(judge, entries, espo, advoware, actions):
            told.add(one.field)
            yield one
        yield from (one for one in _details(judge, entries, actions) if one.field not in told)


def _of_list(
    judge: _Judge, entries: EntryList, espo: Present, advoware: Present, actions: tuple[Action, ...]
) -> Iterator[Difference]:
    """Entries that are on one side only, or say something else there."""
    here, there = entries.read_espo(espo.body), entries_there(entries, judge.memory, advoware.body)
    if there is None or not here:
        return
    pairing = pair_up(entries, judge.memory, here, there, person_set_type=False, unchanged_there=False)
    for line in pairing.lines:
        if place(line.espo) != place(line.advoware):
            value = line.advoware.value if line.advoware else None
            yield judge.of(line.name, entries.direction, _form(line.espo), value)
    for other in pairing.new_advoware:
        yield judge.of(entries.entry_name(other.id), entries.direction, None, other.value)
    for one in pairing.new_espo:
        yield judge.of(_name_of(entries, one, actions), entries.direction, one.form, None)


def _name_of(entries: EntryList, one: EspoEntry, actions: tuple[Action, ...]) -> str:
    """The planner's name of an entry that only EspoCRM has; where it plans nothing, the list's."""
    for action in actions:
        match action:
            case WriteEntry() if place(one) == (action.entry.channel, action.entry.after):
                return action.entry.name
            case Quarantine() if action.value == one.form and entries.owns(action.field):
                return action.field
            case _:
                continue
    return entries.entry_name(one.channel)


def _details(judge: _Judge, entries: EntryList, actions: tuple[Action, ...]) -> Iterator[Difference]:
    """What else the planner would change of entries that say the same: kind, primary, marker."""
    for action in actions:
        match action:
            case WriteEntry() if action.list == entries.name:
                writes = [action.entry]
            case Update():
                writes = [write for write in action.entries if write.channel in entries.channels]
            case _:
                writes = []
        for write in writes:
            yield judge.of(write.name, entries.direction, None, None, "kind, primary or marker")


def _form(one: EspoEntry | None) -> str | None:
    return None if one is None else one.form


def _text(value: object) -> str | None:
    return None if value in (None, "") else str(value)
