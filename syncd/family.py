"""A record and those that belong to it: whose a child is, and which children have to be looked at or are missing.

Children are pairs of their own. Their parent is locked while one of them is worked on, so that a list in Advoware has
one writer; the parent's own job only compares its list with what is known, and says what is to be done.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

import structlog

from mappers.spec import Canonical, Child, Entity, Raw, Side
from services.errors import Denied, Missing
from syncd.context import Context, Whose
from syncd.kinship import agree
from syncd.ledger import children, facts, pairs
from syncd.load import children_digest, content_of, of_children, read_espo, unlinked
from syncd.model import Brood, Import, Key, PairState, Present, Snapshot, Status, Unborn

log = structlog.get_logger()


async def bound(context: Context, key: str) -> tuple[Context, str | None]:
    """The context for a child's job and its parent's key, None where that is not known yet; others as they are."""
    child = context.entity.child
    if child is None:
        return context, None
    row = await context.ledger.read(pairs.get, key)
    parent = await context.ledger.read(pairs.get, row["parent"]) if row is not None and row["parent"] else None
    if parent is None:
        return context, None
    return _under(context, child, parent), parent["key"]


def _under(context: Context, child: Child, parent: Mapping[str, Any]) -> Context:
    """The context of a record under this parent, as far as that takes part and is linked."""
    if parent["state"] != PairState.LINKED or parent["admitted_by"] is None:
        return context
    path = context.kin[child.parent].path(parent["advoware_id"])
    return replace(context, whose=Whose(parent["key"], parent["advoware_id"], path))


async def beside(context: Context, key: str) -> tuple[Context, str | None]:
    """`bound` for whoever only looks: what the ledger does not know of a parent, EspoCRM says. Raises `PeerError`."""
    found, parent = await bound(context, key)
    child = context.entity.child
    if child is None or parent is not None:
        return found, parent
    espo = await read_espo(context, Key.parse(key).espo_id)
    named = Key.of_parent(child, espo.body) if isinstance(espo, Present) else ""
    row = await context.ledger.read(pairs.get, named) if named else None
    return (context, None) if row is None else (_under(context, child, row), row["key"])


def is_due(context: Context, shot: Snapshot) -> bool:
    """Whether the lists in Advoware are not as they were when the record was last looked at."""
    memory, entity = shot.memory, context.entity
    if not entity.children or memory.state is not PairState.LINKED:
        return False
    if not isinstance(shot.advoware, Present) or not isinstance(shot.espo, Present):
        return False
    seen = children_digest(entity, shot.advoware)
    if memory.brood is not None:
        return memory.brood.seen != seen
    if not memory.met or memory.seen_there is None or seen != of_children(memory.seen_there):
        return True
    names = {child.name for child in entity.children}
    return any(field.partition(":")[0] in names for _, field in memory.quarantine if ":" in field)


async def with_brood(context: Context, shot: Snapshot) -> Snapshot:
    """The snapshot with what there is to be done about the record's children, where that may be anything new."""
    if not is_due(context, shot):
        return shot
    assert isinstance(shot.advoware, Present)
    key = str(shot.memory.key)
    known = await context.ledger.read(pairs.brood, key)
    kept = await context.ledger.read(children.known_rows, key)
    brood = Brood(children_digest(context.entity, shot.advoware))
    for entity in context.entity.children:
        rows = entity.rows(shot.advoware.body)
        if rows is None:
            continue
        mine = [one for one in known if one["entity"] == entity.name]
        theirs = [one for one in kept if one["entity"] == entity.name]
        brood = _both(brood, await _of_list(context, shot, entity, rows, mine, theirs))
    return replace(shot, memory=replace(shot.memory, brood=brood))


def _both(one: Brood, other: Brood) -> Brood:
    return Brood(
        seen=one.seen,
        unborn=one.unborn + other.unborn,
        unjudged=one.unjudged | other.unjudged,
        put_off=one.put_off or other.put_off,
        stirred=one.stirred + other.stirred,
        over=one.over + other.over,
        ended=one.ended + other.ended,
    )


async def _of_list(
    context: Context, shot: Snapshot, entity: Entity, rows: Iterable[Mapping[str, Raw]],
    known: list[dict[str, Any]], kept: list[dict[str, Any]],
) -> Brood:  # fmt: skip
    """What is to be done about one list: `known` are its pairs, `kept` the rows on their way or left to a person."""
    there = {row[entity.advoware_id]: row for row in rows}
    held = {one["advoware_id"]: one for one in known if one["advoware_id"] is not None}
    left = {one["advoware_id"]: one for one in kept if one["state"] == Import.RETIRED}
    stirred = [one["key"] for number, one in held.items() if _is_news(entity, one, there.get(number))]
    found = _over(held, left, there)
    new = {number: row for number, row in there.items() if number not in held and number not in left}
    said = [entity.canonical(Side.ADVOWARE, row) for number, row in there.items() if number in held]
    new = _without_twins(entity, new, said)
    unjudged: frozenset[str] = frozenset()
    if new or not shot.memory.met:
        judged = {one["key"]: one for one in known}
        try:
            unlinked_here = await unlinked(context, entity, shot.memory.key.espo_id)
        except (Missing, Denied) as error:
            log.warning("children.unreadable", entity=entity.name, reason=error.reason)
            return replace(found, stirred=tuple(stirred))
        here = {str(Key(entity.name, row["id"])): row for row in unlinked_here}
        out = await context.ledger.read(pairs.excluded, list(here)) if here else set()
        new = _without_twins(entity, new, [entity.canonical(Side.ESPO, here[key]) for key in out])
        keys = [key for key in here if key not in out]
        stirred += [key for key in keys if key not in stirred]
        doubtful = await context.ledger.read(children.creating, keys) if keys else set()
        if doubtful or any(not is_judged(judged.get(key)) for key in keys):
            unjudged = frozenset({entity.name})
        asked = await context.ledger.read(children.candidates, keys) if keys else set()
        new = {number: row for number, row in new.items() if number not in asked}
    found = replace(found, stirred=tuple(stirred))
    if new and await context.ledger.read(facts.paused_by, entity.name, Side.ESPO) is not None:
        return replace(found, put_off=True)
    unborn = tuple(Unborn(entity.name, number, row, content_of(entity, row)) for number, row in new.items())
    return replace(found, unborn=unborn, unjudged=unjudged if unborn else frozenset())


def _over(
    held: Mapping[int, Mapping[str, Any]], left: Mapping[int, Mapping[str, Any]], there: Mapping[int, Mapping[str, Raw]]
) -> Brood:
    """What is over as rows are in the list no more: of records deleted in EspoCRM, and rows left to a person."""
    gone = [one for number, one in left.items() if number not in there]
    over = [(one["key"], children.topic(one["advoware_id"])) for one in gone]
    over += [
        (one["key"], children.DELETED)
        for number, one in held.items()
        if one["state"] == PairState.TOMBSTONE and number not in there
    ]
    return Brood(over=tuple(over), ended=tuple((one["entity"], one["advoware_id"]) for one in gone))


def _is_news(entity: Entity, pair: Mapping[str, Any], row: Mapping[str, Raw] | None) -> bool:
    """Whether a row differs from what the job of its record has seen last."""
    if pair["state"] in (PairState.TOMBSTONE, PairState.EXCLUDED):
        return False
    if row is None:
        return bool(pair["state"] != PairState.GONE)
    return bool(content_of(entity, row) != pair["advoware_digest"])


def _without_twins(
    entity: Entity, new: Mapping[int, Mapping[str, Raw]], said: Iterable[Mapping[str, Canonical]]
) -> dict[int, Mapping[str, Raw]]:
    """Rows that say something new: of two that say the same in Advoware one is enough in EspoCRM."""
    assert entity.child is not None
    whole = entity.child.alike[0]
    seen = [*said]
    found = {}
    for number, row in sorted(new.items()):
        values = entity.canonical(Side.ADVOWARE, row)
        if not any(values.values()) or any(agree(values, other, whole) for other in seen):
            continue
        seen.append(values)
        found[number] = row
    return found


def is_judged(pair: Mapping[str, Any] | None) -> bool:
    """Whether a job has found out already that a record of EspoCRM is nothing that is in the list."""
    return pair is not None and pair["status"] in (Status.CONFLICT, Status.FAILED, Status.PERMANENTLY_FAILED)
