"""Which Advoware record belongs to an EspoCRM record: linking, adopting, creating. Pure.

One person's data must never be written over another's, so whatever is not certain is left to a
person. Knows nothing of how a search is made.
"""

from __future__ import annotations

from mappers.spec import Entity, Field, Person, Role, Side, Unmappable, folded
from syncd.creation import values_for
from syncd.kinship import find_row
from syncd.model import (
    Action,
    Create,
    Found,
    Hold,
    HoldReason,
    Intent,
    IntentState,
    Link,
    LinkChoice,
    Memory,
    Notice,
    PlanPolicy,
    Present,
    Search,
    Trust,
    Unlinked,
)

CREATED_SLACK = 120.0  # seconds an Advoware clock may be behind ours when judging "created since"


def named_id(entity: Entity, espo: Present) -> int | None:
    """The Advoware id an EspoCRM record carries; raises `Unmappable` where it cannot be one."""
    raw = espo.body.get(entity.link) if entity.link else None
    if raw in (None, "", 0):
        return None
    if isinstance(raw, bool) or not isinstance(raw, int | str):
        raise Unmappable("not a number")
    if not str(raw).strip().removeprefix("-").isdecimal():
        raise Unmappable("not a number")
    number = int(raw)
    if number <= 0:
        raise Unmappable("not positive")
    return number


def counterpart_id(entity: Entity, memory: Memory, espo: Present) -> int | None:
    """The Advoware id to read for this record: what the record says, else what we have just created.

    What it shows of a row that was retired says nothing any more.
    """
    named = named_id(entity, espo)
    if named is not None and named not in memory.retired:
        return named
    decision = memory.link_decision
    if decision is not None and decision.choice is LinkChoice.LINK:
        return decision.advoware_id
    return None if memory.link_shown else memory.advoware_id


def find(entity: Entity, memory: Memory, espo: Present, seen: Unlinked, policy: PlanPolicy) -> tuple[Action, ...]:
    """What to do with a record that names no counterpart."""
    choice = memory.link_decision.choice if memory.link_decision else None
    if memory.link_shown and memory.advoware_id is not None and choice is not LinkChoice.CREATE:
        notice = Notice("link_cleared", (entity.link,), str(memory.advoware_id))
        return (Hold(HoldReason.LINK_CLEARED, notice, (memory.advoware_id,)),)
    doubt = _create_in_doubt(memory)
    if entity.child is not None:
        asked = choice is LinkChoice.CREATE and (doubt is None or _asked_again(memory, doubt))
        return find_row(entity, entity.child, memory, espo, seen, doubt, asked=asked)
    if doubt is not None:
        return _resolve(entity, memory, espo, seen, policy, doubt)
    if choice is LinkChoice.CREATE:
        return _create(entity, memory, espo)
    return _match(entity, memory, espo, seen)


def _create_in_doubt(memory: Memory) -> Intent | None:
    for intent in memory.intents:
        if intent.verb == "create" and intent.state in (
            IntentState.OPEN,
            IntentState.IN_DOUBT,
        ):
            return intent
    return None


def _resolve(
    entity: Entity,
    memory: Memory,
    espo: Present,
    seen: Unlinked,
    policy: PlanPolicy,
    intent: Intent,
) -> tuple[Action, ...]:
    """A POST whose answer we never got: adopt what it made, wait, or be certain that it made nothing."""
    ours = [row for row in seen.found if not row.taken and _made_by(entity, row, intent, policy)]
    if len(ours) == 1:
        return (_to(memory, ours[0], Trust.OWN, intent.id),)
    if ours:
        ids = tuple(row.advoware_id for row in ours)
        return (Hold(HoldReason.CANDIDATES, Notice("several_created", (), _listed(ids)), ids),)
    if _asked_again(memory, intent):
        return _create(entity, memory, espo)
    if seen.search is not Search.TRUSTED:
        return (
            Hold(
                HoldReason.SEARCH_UNTRUSTED,
                Notice("create_unproven"),
                tuple(row.advoware_id for row in seen.found),
            ),
        )
    if not intent.repeatable:
        return (Hold(HoldReason.CREATE_IN_DOUBT, Notice("create_in_doubt")),)
    return _match(entity, memory, espo, seen)


def _asked_again(memory: Memory, intent: Intent) -> bool:
    """A person who knows of the lost answer asks for a new one. The wish that led to the lost POST is not repeated."""
    decision = memory.link_decision
    if decision is None or decision.choice is not LinkChoice.CREATE:
        return False
    return intent.repeatable or (decision.at is not None and decision.at > intent.sent_at)


def _made_by(entity: Entity, row: Found, intent: Intent, policy: PlanPolicy) -> bool:
    if row.created_by is None or row.created_by != policy.our_advoware_user:
        return False
    if row.created_at is None or row.created_at < intent.sent_at - CREATED_SLACK:
        return False
    for write in intent.writes:
        field = entity.field(write.field)
        if field.advoware in row.body:
            try:
                if field.parse(Side.ADVOWARE, row.body) != write.after:
                    return False
            except Unmappable:
                return False
    return True


def _match(entity: Entity, memory: Memory, espo: Present, seen: Unlinked) -> tuple[Action, ...]:
    wanted = entity.person(Side.ESPO, espo.body)
    people = [(row, entity.person(Side.ADVOWARE, row.body)) for row in seen.found]
    certain = [row for row, person in people if is_certain(wanted, person)]
    if len(certain) == 1 and not certain[0].taken:
        return (_to(memory, certain[0], Trust.CONFIRMED),)
    doubtful = [row for row, person in people if not row.taken and not contradicts(wanted, person)]
    candidates = tuple(dict.fromkeys(row.advoware_id for row in [*certain, *doubtful]))
    if candidates:
        return (
            Hold(
                HoldReason.CANDIDATES,
                Notice("candidates", (), _listed(candidates)),
                candidates,
            ),
        )
    if seen.search is Search.UNTRUSTED:
        return (Hold(HoldReason.SEARCH_UNTRUSTED, Notice("search_untrusted")),)
    return _create(entity, memory, espo)


def _create(entity: Entity, memory: Memory, espo: Present) -> tuple[Action, ...]:
    writes, refused = values_for(entity, memory, espo)
    if not any(entity.field(write.field).role is Role.NAME for write in writes):
        return (_unnamed(entity),)
    return (*refused, Create(writes))


def _to(memory: Memory, row: Found, trust: Trust, intent_id: str | None = None) -> Link:
    """A link; what was agreed on with another counterpart is forgotten with it."""
    restart = memory.advoware_id not in (None, row.advoware_id)
    return Link(row.advoware_id, trust, intent_id, restart)


def _unnamed(entity: Entity) -> Hold:
    return Hold(HoldReason.UNNAMED, Notice("unnamed", (entity.identity_fields[0].espo,)))


def is_certain(one: Person, other: Person) -> bool:
    """Enough agrees, and nothing speaks against it, to link two records without asking."""
    if one.name is None or one.name != other.name or contradicts(one, other):
        return False
    if one.first_name is None and other.first_name is None:
        return one.register is not None and one.register == other.register
    if one.first_name is None or one.first_name != other.first_name:
        return False
    born = one.born is not None and one.born == other.born
    return born or bool(one.reachable_at & other.reachable_at)


def contradicts(one: Person, other: Person) -> bool:
    """Two facts that cannot belong to the same person or company."""
    pairs = (
        (one.name, other.name),
        (one.first_name, other.first_name),
        (one.born, other.born),
        (one.register, other.register),
    )
    return any(left is not None and right is not None and left != right for left, right in pairs)


def differing_identity(entity: Entity, espo: Present, advoware: Present) -> tuple[Field, ...]:
    """Identity fields that are filled on both sides and differ: perhaps somebody else."""
    differing = []
    for field in entity.identity_fields:
        try:
            left, right = (
                field.parse(Side.ESPO, espo.body),
                field.parse(Side.ADVOWARE, advoware.body),
            )
        except Unmappable:
            continue
        if left is not None and right is not None and folded(left) != folded(right):
            differing.append(field)
    return tuple(differing)


def _listed(ids: tuple[int, ...]) -> str:
    return ", ".join(map(str, ids))
