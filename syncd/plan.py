"""The whole decision about one record, as a list of actions. Pure: no clock, no I/O, no randomness.

Dry run, audit, undo, tests and engine use this one function. It is asked again after each remote
write with what was read back, so it only ever describes the distance between now and done.
"""

from __future__ import annotations

from dataclasses import replace
from typing import assert_never

from mappers.spec import Entity, Side, Unmappable
from syncd.counterpart import differing_identity, find, named_id
from syncd.fields import plan_fields
from syncd.model import (
    RECORD,
    Absent,
    Action,
    AdvowareSeen,
    Bury,
    EspoSeen,
    Hold,
    HoldReason,
    Ignore,
    Key,
    Link,
    LinkChoice,
    Memory,
    Missed,
    Notice,
    PairState,
    PlanPolicy,
    Present,
    Retire,
    Settle,
    Snapshot,
    Status,
    Trust,
    Unknown,
    Unlinked,
    Vanished,
    Version,
)
from syncd.pairing import moved

REWIND_TOLERANCE = 1.0  # seconds: EspoCRM's time stamps have one-second resolution
NO_VERSION = Version()


def plan(
    entity: Entity,
    memory: Memory,
    espo: EspoSeen,
    advoware: AdvowareSeen,
    policy: PlanPolicy,
) -> tuple[Action, ...]:
    """Say what must happen for the two records to be the same, or why nothing may."""
    match espo:
        case Unknown(reason):
            return _unreadable(Side.ESPO, reason)
        case Absent():
            return _without_espo(memory)
        case Present():
            return _with_espo(entity, memory, espo, advoware, policy)
        case _:
            assert_never(espo)


def _with_espo(
    entity: Entity,
    memory: Memory,
    espo: Present,
    advoware: AdvowareSeen,
    policy: PlanPolicy,
) -> tuple[Action, ...]:
    if not memory.admitted or memory.state is PairState.EXCLUDED:
        return (Ignore(),)
    elsewhere = _elsewhere(entity, memory, espo)
    if elsewhere is not None:
        row = advoware.body if isinstance(advoware, Present) else {}
        return (Retire(memory.advoware_id, row, elsewhere),)
    try:
        named = named_id(entity, espo)
    except Unmappable:
        return _held(Hold(HoldReason.LINK_INVALID, Notice("link_invalid", (entity.link,))))
    if memory.rivals:
        return _held(
            Hold(
                HoldReason.RIVAL,
                Notice("rival", (entity.link,), ", ".join(memory.rivals)),
            )
        )
    match advoware:
        case Unknown(reason):
            return _unreadable(Side.ADVOWARE, reason)
        case Unlinked():
            return _held(*find(entity, memory, espo, advoware, policy))
        case Absent():
            return _without_advoware(entity, memory, named)
        case Present():
            return _with_both(entity, memory, espo, advoware, policy, named)
        case _:
            assert_never(advoware)


def _elsewhere(entity: Entity, memory: Memory, espo: Present) -> str | None:
    """Key of the record this one belongs to now, where it is another one than it was; "" for none."""
    if entity.child is None or memory.parent is None:
        return None
    parent = Key.of_parent(entity.child, espo.body)
    return None if parent == memory.parent else parent


def _with_both(
    entity: Entity,
    memory: Memory,
    espo: Present,
    advoware: Present,
    policy: PlanPolicy,
    named: int | None,
) -> tuple[Action, ...]:
    advoware_id = _id_of(entity, advoware)
    if memory.advoware_id != advoware_id or memory.state is not PairState.LINKED:
        same = memory.advoware_id == advoware_id
        if memory.trust is Trust.UNCONFIRMED or not same:
            doubt = _doubt(entity, memory, espo, advoware, advoware_id)
            if doubt is not None:
                return _held(doubt)
        return (
            Link(
                advoware_id,
                Trust.OWN if same and memory.trust is Trust.OWN else Trust.CONFIRMED,
                restart=not same,
            ),
        )
    back = _went_back(entity, memory, espo, advoware)
    if back is not None:
        return _held(back)
    return plan_fields(entity, memory, espo, advoware, policy)


def _doubt(entity: Entity, memory: Memory, espo: Present, advoware: Present, advoware_id: int) -> Hold | None:
    """A link our own POST did not make is checked before anything is written over anybody."""
    decision = memory.link_decision
    if decision is not None and decision.choice is LinkChoice.LINK and decision.advoware_id == advoware_id:
        return None
    row_id = espo.body.get(entity.status.row_id)
    if row_id and row_id == advoware.version.token:
        return None
    differing = differing_identity(entity, espo, advoware)
    if not differing:
        return None
    names = tuple(field.espo for field in differing)
    return Hold(
        HoldReason.LINK_DOUBTFUL,
        Notice("link_doubtful", names, str(advoware_id)),
        (advoware_id,),
    )


def _went_back(entity: Entity, memory: Memory, espo: Present, advoware: Present) -> Hold | None:
    """A side older than the base is a restored backup, not an edit.

    Once seen it holds until a person has judged: showing that in EspoCRM makes the record the newest of all.
    """
    if not memory.base or memory.believe is not None:
        return None
    if memory.unremembered or None in memory.went_back:
        return Hold(HoldReason.WENT_BACK, Notice("ledger_went_back"))
    for held in memory.went_back:
        return Hold(HoldReason.WENT_BACK, Notice("went_back", (), str(held)), side=held)
    for side, seen, known in (
        (Side.ESPO, espo, memory.espo_version),
        (Side.ESPO, espo, memory.latest.get(Side.ESPO, NO_VERSION)),
        (Side.ADVOWARE, advoware, memory.advoware_version),
        (Side.ADVOWARE, advoware, memory.latest.get(Side.ADVOWARE, NO_VERSION)),
    ):
        if _older(seen.version, known) and _differs_from_base(entity, memory, side, seen):
            return Hold(HoldReason.WENT_BACK, Notice("went_back", (), side), side=side)
    return None


def with_latest(shot: Snapshot) -> Snapshot:
    """With the newest version of each side that this job has seen: a backup may come back between two reads."""
    known = shot.memory.latest
    latest = dict(known)
    for side, seen in ((Side.ESPO, shot.espo), (Side.ADVOWARE, shot.advoware)):
        if isinstance(seen, Present) and not _older(seen.version, known.get(side, NO_VERSION)):
            latest[side] = seen.version
    return shot if latest == known else replace(shot, memory=replace(shot.memory, latest=latest))


def _older(now: Version, known: Version) -> bool:
    if now.number is not None and known.number is not None and now.number < known.number:
        return True
    if now.changed_at is None or known.changed_at is None:
        return False
    return now.changed_at < known.changed_at - REWIND_TOLERANCE


def _differs_from_base(entity: Entity, memory: Memory, side: Side, seen: Present) -> bool:
    if any(moved(entries, memory, side, seen.body) for entries in entity.lists):
        return True
    for field in entity.fields:
        base = memory.base.get(field.name)
        if base is None:
            continue
        try:
            if field.parse(side, seen.body) != field.codec.parse(
                side, base.espo if side is Side.ESPO else base.advoware
            ):
                return True
        except Unmappable:
            return True
    return False


def _without_espo(memory: Memory) -> tuple[Action, ...]:
    if memory.state is PairState.EXCLUDED:
        return (Ignore(),)
    if memory.state is PairState.TOMBSTONE:
        return ()
    if memory.state is PairState.NEW and memory.advoware_id is None and not memory.intents:
        return (Ignore(),)
    return (Bury(),) if memory.espo_deletion_confirmed else (Vanished(),)


def _without_advoware(entity: Entity, memory: Memory, named: int | None) -> tuple[Action, ...]:
    missing = named or memory.advoware_id
    gone = Settle(
        Status.DELETED_IN_ADVOWARE,
        (Notice("deleted_in_advoware" if entity.child is None else "row_gone", (), str(missing or "")),),
    )
    known_gone = memory.state is PairState.GONE and missing == memory.advoware_id
    if known_gone or (memory.misses and memory.miss_ripe):
        return (gone,)
    return (Missed(),)


def _id_of(entity: Entity, advoware: Present) -> int:
    return int(advoware.body[entity.advoware_id])


def _held(*actions: Action) -> tuple[Action, ...]:
    """A hold that waits for a person shows as `conflict`; one that time settles shows nothing new."""
    for action in actions:
        if isinstance(action, Hold) and action.reason is not HoldReason.CREATE_IN_DOUBT:
            return (*actions, Settle(Status.CONFLICT, (action.notice,), (RECORD,)))
    return actions


def _unreadable(side: Side, reason: str) -> tuple[Action, ...]:
    return (Hold(HoldReason.UNREADABLE, Notice("unreadable", (), reason), side=side),)
