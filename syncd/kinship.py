"""Which row of a list in Advoware is which record of EspoCRM, where both belong to the same parent. Pure.

Unlike people, rows are found by their content, and the list is complete: who is not in it is not there.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from mappers.spec import Canonical, Child, Entity, Raw, Side, folded
from syncd.creation import values_for
from syncd.model import (
    Action,
    Create,
    Found,
    Hold,
    HoldReason,
    Intent,
    Link,
    Memory,
    Notice,
    Present,
    Settle,
    Status,
    Trust,
    Unlinked,
)

Values = Mapping[str, Canonical]


def find_row(
    entity: Entity, child: Child, memory: Memory, espo: Present, seen: Unlinked, doubt: Intent | None, *, asked: bool
) -> tuple[Action, ...]:
    """What to do with a record that is linked to no row: adopt the one that is it, ask, or create.

    `doubt` is a creation whose answer was lost; `asked`: a person wants a new one all the same.
    """
    ours = _ours(entity, child, memory, seen, doubt)
    if ours is not None:
        return (Link(ours.advoware_id, Trust.OWN, doubt.id if doubt else None),)
    if asked:
        return _create(entity, child, memory, espo)
    found = _matched(entity, child, memory, espo, seen)
    if found is not None:
        return found
    if doubt is not None and not doubt.repeatable:
        return (Hold(HoldReason.CREATE_IN_DOUBT, Notice("create_in_doubt")),)
    return _create(entity, child, memory, espo)


def _ours(entity: Entity, child: Child, memory: Memory, seen: Unlinked, doubt: Intent | None) -> Found | None:
    """The row that was made from this record: it bears our mark, or what a lost POST has sent."""
    free = [row for row in seen.found if not row.taken]
    if child.signed_by is not None:
        signed = [row for row in free if child.signed_by(row.body) == memory.key.espo_id]
        if signed:
            return signed[0]
    if doubt is None:
        return None
    sent = {write.field: write.after for write in doubt.writes}
    same = [row for row in free if _shows(entity, row.body, sent)]
    return same[0] if same else None


def _shows(entity: Entity, row: Mapping[str, Raw], sent: Values) -> bool:
    return entity.canonical(Side.ADVOWARE, row).items() >= sent.items()


def _matched(entity: Entity, child: Child, memory: Memory, espo: Present, seen: Unlinked) -> tuple[Action, ...] | None:
    """The row that says the same, by the strongest group of fields in which one does; None where none does."""
    wanted = entity.canonical(Side.ESPO, espo.body)
    rows = [(row, entity.canonical(Side.ADVOWARE, row.body)) for row in seen.found]
    others = [entity.canonical(Side.ESPO, body) for body in seen.others]
    whole = child.alike[0]
    for group in child.alike:
        alike = [(row, values) for row, values in rows if agree(wanted, values, group)]
        free = [(row, values) for row, values in alike if not row.taken]
        if group is whole and alike and not free:
            return _asked("double", memory, [row for row, _ in alike])
        rivals = 0 if group is whole else sum(agree(wanted, other, group) for other in others)
        if len(free) + rivals > 1:
            # One of several: which one must be certain. What speaks against one is that both say something else.
            free = [one for one in free if not _contradicts(wanted, one[1], whole)]
            if not free:
                continue
            if rivals or not _same(values for _, values in free):
                return _asked("rows", memory, [row for row, _ in free])
        if free:
            return (Link(free[0][0].advoware_id, Trust.CONFIRMED, restart=_restarts(memory, free[0][0])),)
    return None


def agree(one: Values, other: Values, names: Iterable[str]) -> bool:
    """Whether two records say the same in all of these fields, and anything at all."""
    pairs = [(folded(one.get(name)), folded(other.get(name))) for name in names]
    return all(left == right for left, right in pairs) and any(left is not None for left, _ in pairs)


def _contradicts(one: Values, other: Values, names: Iterable[str]) -> bool:
    pairs = [(folded(one[name]), folded(other[name])) for name in names]
    return any(left is not None and right is not None and left != right for left, right in pairs)


def _same(several: Iterable[Values]) -> bool:
    """Whether there is nothing to choose between these."""
    first, *rest = several
    return all(one == first for one in rest)


def _restarts(memory: Memory, row: Found) -> bool:
    return memory.advoware_id not in (None, row.advoware_id)


def _asked(code: str, memory: Memory, rows: Sequence[Found]) -> tuple[Action, ...]:
    ids = tuple(row.advoware_id for row in rows)
    return (Hold(HoldReason.CANDIDATES, Notice(code, (), ", ".join(map(str, ids))), ids),)


def _create(entity: Entity, child: Child, memory: Memory, espo: Present) -> tuple[Action, ...]:
    """All at once or not at all: what Advoware takes at creation alone cannot follow later."""
    writes, refused = values_for(entity, memory, espo)
    if refused:
        names = tuple(entity.field(one.field).espo for one in refused)
        notice = Notice("refused_advoware", names)
        return (*refused, Settle(Status.CONFLICT, (notice,), tuple(one.field for one in refused)))
    named = [field for field in entity.fields if field.role is not None]
    needed = [field.name for field in named] or [write.field for write in writes]
    if not any(write.field in needed for write in writes):
        fields = named or [entity.field(name) for name in child.title]
        return (Hold(HoldReason.UNNAMED, Notice("unnamed", tuple(field.espo for field in fields))),)
    return (Create(writes),)
