"""Taking changes back: each becomes a decision of a person, which the next job carries out with all its checks.

A change that was changed again since, that the sides' interfaces cannot make, or that is no change of a
value is refused with what a person can do instead. Nothing is done to a record here.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, and_, or_, select

from mappers.spec import Can, Canonical, Entity, EntryList, Field, Raw, Side, Unmappable
from syncd.lanes import Lane
from syncd.ledger import asked, pairs, people, requests, runs
from syncd.ledger.choices import NotKnown, Refusal
from syncd.ledger.schema import bases, conflicts, history
from syncd.model import PairState

KIND = "undo"  # of the conflict row that carries the decision, and of the run
PREFIX = 6  # letters of a job's id that name it, where no other job's begins so
_CREATED = "create"
_PUT_BACK = "put_back"
_INSTEAD = {
    _CREATED: "the record was created with it, and Advoware cannot delete: correct the field in EspoCRM",
    _PUT_BACK: "it only put back what a write had blanked",
    "linked": "it linked two records; to part them clear the number in EspoCRM",
    "deleted_in_espo": "it only noted that the record was deleted in EspoCRM",
    "failed": "it was a try that failed; `syncd retry` tries again",
    "staged": "it was only planned in a dry run; nothing was written",
}
_STATES = {
    PairState.EXCLUDED: "the record is excluded from the sync: `syncd include` first",
    PairState.GONE: "the Beteiligte is gone in Advoware",
    PairState.TOMBSTONE: "the record was deleted in EspoCRM",
    PairState.NEW: "the record is not linked",
}


@dataclass(frozen=True, slots=True)
class Change:
    """What became of one field of a record, over one change or several: of `id` the last one's."""

    id: int
    first: int
    job: str
    key: str
    field: str
    why: str
    before: tuple[Side, Raw]
    after: tuple[Side, Raw]


@dataclass(frozen=True, slots=True)
class Judged:
    """A change that is taken back, or why it is not."""

    change: Change
    refused: str | None = None


# --- which changes ----------------------------------------------------------------------------


def one(conn: Connection, change_id: int) -> list[Change]:
    """The change of this id; raises `NotKnown`, or `Refusal` where it is no change of a value."""
    row = conn.execute(select(history).where(history.c.id == change_id)).one_or_none()
    if row is None:
        raise NotKnown(f"there is no change {change_id}; `syncd show KEY` lists those of a record")
    if row.field is None:
        kind = row.why.partition(":")[0]
        raise Refusal(f"change {change_id} is no change of a value: {_INSTEAD.get(kind, 'there is nothing to undo')}")
    return [_net([row])]


def of_run(conn: Connection, named: str) -> list[Change]:
    """What a run, or a job, has done to each field in the end; raises `NotKnown`."""
    rows = conn.execute(select(history).where(within(conn, named), history.c.field.is_not(None)).order_by(history.c.id))
    fields: dict[tuple[str, str], list[Row[Any]]] = {}
    for row in rows:
        fields.setdefault((row.key, row.field), []).append(row)
    return [_net(of_field) for of_field in fields.values()]


def within(conn: Connection, named: str) -> ColumnElement[Any]:
    """The history of a run, or of the one job whose id begins so; raises `NotKnown` or `Refusal`."""
    of: ColumnElement[Any]
    if runs.get(conn, named) is not None:
        of = history.c.run == named
        return of
    if len(named) >= PREFIX and named.isalnum():
        begins = select(history.c.job).where(history.c.job.startswith(named)).distinct().limit(2)
        jobs = list(conn.execute(begins).scalars())
        if len(jobs) == 1:
            of = history.c.job == jobs[0]
            return of
        if jobs:
            raise Refusal(f"several jobs begin with {named}: give more of the id")
    raise NotKnown(f"there is no run {named}; `syncd runs` lists them")


def _net(rows: list[Row[Any]]) -> Change:
    first, last = rows[0], rows[-1]
    before, after = (Side(first.side), first.before), (Side(last.side), last.after)
    return Change(last.id, first.id, last.job, last.key, last.field, first.why, before, after)


# --- whether and how --------------------------------------------------------------------------


def decision(conn: Connection, entities: Mapping[str, Entity], change: Change) -> dict[str, Any]:
    """What a person decides by taking the change back; raises `Refusal` where that cannot be carried out."""
    entity = entities.get(change.key.partition("/")[0])
    mapped = _mapped(entity, change.field)
    if entity is None or mapped is None:
        raise Refusal(f"{change.field} is no longer a mapped field")
    if change.why in _INSTEAD:
        raise Refusal(_INSTEAD[change.why])
    _check_pair(conn, change)
    try:
        before, after = (mapped.codec.parse(side, raw) for side, raw in (change.before, change.after))
    except Unmappable:
        raise Refusal("the value from before has no form both sides understand: type it") from None
    if before == after:
        raise Refusal("it changed no value: only the remark, the type, the spelling or which one is the main one")
    entries = next((one for one in entity.lists if one.owns(change.field)), None)
    saw = _agreed(conn, mapped, change.key)
    if saw[Side.ESPO] == saw[Side.ADVOWARE] == before:
        raise Refusal("both sides have the value from before already")
    if saw[change.after[0]] != after:
        raise Refusal(_changed_again(conn, change, entries, mapped, after))
    if entries is not None:
        _check_entry(conn, change, entries, before, after)
    _check_free(conn, change)
    for side in Side:
        if saw[side] != before:
            _check_writable(mapped, side)
    raw = change.before[1] if entries is not None else None
    return {
        "value": before,
        "saw_espo": saw[Side.ESPO],
        "saw_advoware": saw[Side.ADVOWARE],
        "undoes": change.id,
        "before": raw,
    }


def take(
    conn: Connection, entities: Mapping[str, Entity], changes: Mapping[str, Change], run: str, lane: Lane, now: float,
    who: str | None = None,
) -> list[Judged]:  # fmt: skip
    """Decide to take changes back, each under the id of its conflict row; their records are looked at in `lane`."""
    judged, keys = [], []
    for conflict_id, change in changes.items():
        try:
            decided = decision(conn, entities, change)
        except Refusal as refused:
            judged.append(Judged(change, str(refused)))
            continue
        _remember(conn, change, decided | {"who": who}, conflict_id, now)
        asked.note(conn, now, who, KIND, str(change.id), [change.key])
        judged.append(Judged(change))
        keys.append(change.key)
    requests.look(conn, keys, now, lane, run)
    return judged


def judge(conn: Connection, entities: Mapping[str, Entity], changes: Iterable[Change]) -> list[Judged]:
    """What `take` would say to changes."""
    judged = []
    for change in changes:
        try:
            decision(conn, entities, change)
            judged.append(Judged(change))
        except Refusal as refused:
            judged.append(Judged(change, str(refused)))
    return judged


def _remember(conn: Connection, change: Change, decided: Mapping[str, Any], conflict_id: str, now: float) -> None:
    row = {
        "id": conflict_id,
        "key": change.key,
        "field": change.field,
        "kind": KIND,
        "state": people.DECIDED,
        "espo": decided["saw_espo"],
        "advoware": decided["saw_advoware"],
        "base": decided["value"],
        "opened_at": now,
        "decision": dict(decided),
    }
    conn.execute(conflicts.insert().values(**row))


def _mapped(entity: Entity | None, name: str) -> Field | None:
    try:
        return entity.field(name) if entity is not None else None
    except KeyError:
        return None


def _check_pair(conn: Connection, change: Change) -> None:
    row = pairs.get(conn, change.key)
    if row is None:
        raise Refusal("nothing is known of the record any more")
    if row["state"] != PairState.LINKED:
        raise Refusal(_STATES[PairState(row["state"])])


def _agreed(conn: Connection, mapped: Field, key: str) -> dict[Side, Canonical]:
    """What both sides agreed on last; nothing where there is no base, as for an entry that is gone."""
    base = conn.execute(select(bases).where(bases.c.key == key, bases.c.field == mapped.name)).one_or_none()
    if base is None:
        return dict.fromkeys(Side)
    try:
        return {
            Side.ESPO: mapped.codec.parse(Side.ESPO, base.espo),
            Side.ADVOWARE: mapped.codec.parse(Side.ADVOWARE, base.advoware),
        }
    except Unmappable:
        raise Refusal("what both sides agreed on cannot be read any more: type the old value") from None


def _changed_again(conn: Connection, change: Change, entries: EntryList | None, mapped: Field, after: Canonical) -> str:
    """Why the change cannot be taken back by itself: another one stands on it."""
    later = _later(conn, change, mapped)
    if later is not None and after is None and entries is not None:
        return f"its place in Advoware was used again since (change {later}): type the number in EspoCRM once more"
    if later is not None:
        return f"the field was changed again since: `syncd undo {later}` first, or type the value you want"
    elsewhere = None if entries is None or after is None else _entry_of(conn, change.key, entries, after)
    if elsewhere is not None:
        return f"it is another entry by now ({elsewhere}): change it in EspoCRM"
    return "the sides have something else by now that syncd did not write: type the value you want"


def _later(conn: Connection, change: Change, mapped: Field) -> int | None:
    """The last change of the field's value since."""
    rows = conn.execute(
        select(history)
        .where(history.c.key == change.key, history.c.field == change.field, history.c.id > change.id)
        .order_by(history.c.id.desc())
    )
    for row in rows:
        try:
            side = Side(row.side)
            if mapped.codec.parse(side, row.before) != mapped.codec.parse(side, row.after):
                return int(row.id)
        except Unmappable:
            return int(row.id)
    return None


def _entry_of(conn: Connection, key: str, entries: EntryList, value: Canonical) -> str | None:
    """The entry that has this value now."""
    known = conn.execute(select(bases).where(bases.c.key == key, bases.c.field.startswith(entries.entry_name(""))))
    return next((row.field for row in known if value in _forms(entries, row)), None)


def _forms(entries: EntryList, base: Row[Any]) -> set[Canonical]:
    forms = set()
    for side, raw in ((Side.ESPO, base.espo), (Side.ADVOWARE, base.advoware)):
        try:
            forms.add(entries.codec.parse(side, raw))
        except Unmappable:
            continue
    return forms


def _check_entry(conn: Connection, change: Change, entries: EntryList, before: Canonical, after: Canonical) -> None:
    """An entry comes back only once, and one that took another's place with its value is no addition."""
    if before is not None:
        there = _entry_of(conn, change.key, entries, before)
        if there is not None:
            raise Refusal(f"the number from before is there already ({there})")
        obstacle = _obstacle(entries, before)
        if obstacle is not None:
            raise Refusal(f"EspoCRM cannot keep the value from before: {obstacle}")
        return
    same_job = select(history).where(
        history.c.key == change.key,
        history.c.job == change.job,
        history.c.field.startswith(entries.entry_name("")),
        history.c.field != change.field,
    )
    for row in conn.execute(same_job):
        if _parsed(entries, row.before) == after and _parsed(entries, row.after) is None:
            raise Refusal("the number was only given another type: change its type in EspoCRM")


def _parsed(entries: EntryList, raw: Raw) -> Canonical:
    try:
        return entries.codec.parse(Side.ADVOWARE, raw)
    except Unmappable:
        return None


def _obstacle(entries: EntryList, value: str) -> str | None:
    """Why no list of EspoCRM can keep the value, None where one can."""
    reasons = [entries.obstacle(channel, value) for channel in entries.channels]
    return None if None in reasons else reasons[0]


def _check_free(conn: Connection, change: Change) -> None:
    """No question of a person about the field is open, and none is being carried out."""
    waits = conn.execute(
        select(conflicts).where(
            conflicts.c.key == change.key,
            conflicts.c.state.in_(people.WAITING),
            or_(conflicts.c.field == change.field, and_(conflicts.c.field == "", conflicts.c.state == people.OPEN)),
        )
    ).first()
    if waits is not None and waits.state == people.DECIDED:
        raise Refusal("a choice about this field is being carried out already")
    if waits is not None:
        raise Refusal(f"conflict {waits.id} about it waits for you: `syncd conflicts resolve {waits.id}`")


def _check_writable(mapped: Field, side: Side) -> None:
    if not mapped.direction.allows(side):
        raise Refusal(f"{mapped.name} is not written to {side} here (see its direction in syncd.toml): type it there")
    if side is Side.ADVOWARE and mapped.can is Can.CREATE_ONLY:
        raise Refusal(f"Advoware's interface cannot change it: type the value from before there, in {mapped.advoware}")
