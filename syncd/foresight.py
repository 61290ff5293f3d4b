"""What a plan comes to when nothing is carried out: a link only is not the end, so what follows it is planned too.

For plans that are looked at: rehearsed, reported, staged. Reads Advoware where the link names somebody not read yet.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace

from mappers.spec import Entity, Side
from syncd.context import Context
from syncd.endings import linked
from syncd.load import read_advoware
from syncd.model import (
    Action,
    Bear,
    Create,
    Dispute,
    Hold,
    Link,
    Present,
    Retire,
    Settle,
    Snapshot,
    Status,
    Unlinked,
    Update,
    WriteEntry,
)
from syncd.neighbours import informed
from syncd.plan import plan


async def foreseen(
    context: Context, shot: Snapshot, actions: tuple[Action, ...]
) -> tuple[Snapshot, tuple[Action, ...]]:
    """The plan and, where it begins with a link, what would be planned after it."""
    link = actions[0] if actions else None
    if not isinstance(link, Link):
        return shot, actions
    advoware = shot.advoware
    if isinstance(advoware, Unlinked):
        advoware = await read_advoware(context, link.advoware_id)
    after = replace(shot, memory=linked(shot.memory, link, {}), advoware=advoware)
    after = await informed(context, after)
    then = plan(context.entity, after.memory, after.espo, after.advoware, context.policy)
    return after, (link, *then)


@dataclass(frozen=True)
class Writes:
    """Which fields a plan would set on which side, by our name; entries of lists by the name of their list."""

    espo: tuple[str, ...] = ()
    advoware: tuple[str, ...] = ()
    creates: bool = False
    asks: bool = False  # a person must decide or do something


NO_WRITES = Writes()


def writes(entity: Entity, shot: Snapshot, actions: Iterable[Action]) -> Writes:
    """Count what a plan would write; the entries that follow a creation are those EspoCRM shows."""
    found: dict[Side, Counter[str]] = {side: Counter() for side in Side}
    creates = asks = False
    for action in actions:
        match action:
            case Create():
                creates = True
                found[Side.ADVOWARE].update(write.field for write in action.writes)
                found[Side.ADVOWARE].update(_entries_to_come(entity, shot))
            case Update():
                found[action.side].update(write.field for write in action.writes)
                found[action.side].update(entry.name.partition(":")[0] for entry in action.entries)
            case WriteEntry():
                found[Side.ADVOWARE][action.list] += 1
            case Bear():
                found[Side.ESPO][action.unborn.entity] += 1
            case Hold() | Dispute() | Retire():
                asks = True
            case Settle(status=Status.CONFLICT):
                asks = True
            case _:
                continue
    espo, advoware = (tuple(found[side].elements()) for side in (Side.ESPO, Side.ADVOWARE))
    return Writes(espo, advoware, creates, asks)


def _entries_to_come(entity: Entity, shot: Snapshot) -> Iterable[str]:
    if not isinstance(shot.espo, Present):
        return ()
    return [
        entries.name
        for entries in entity.lists
        if entries.direction.allows(Side.ADVOWARE)
        for rows in entries.read_espo(shot.espo.body).values()
        for _ in rows
    ]
