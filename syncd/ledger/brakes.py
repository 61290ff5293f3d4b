"""Guards: what they count, what they have stopped, and what a person let through."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from sqlalchemy import Connection, delete, func, literal, select, update

from syncd.ledger import facts
from syncd.ledger.schema import guarded, guards, pairs, sightings
from syncd.ledger.sql import Prepared, given, insert_new, listed, upsert

_KINDS = listed("kinds")
_UNSEE = Prepared(delete(sightings).where(sightings.c.kind == given("of_kind"), sightings.c.key == given("of_key")))
_SEEN = sightings.c.kind == given("kind"), sightings.c.at >= given("since")
_COUNT_SEEN = select(func.count()).where(*_SEEN)
_ONE_MORE = Prepared(select(literal(1)).where(*_SEEN).limit(1).offset(given("others")))
_HELD_BY = (
    select(guards.c.kind)
    .join(guarded, guarded.c.guard_id == guards.c.id)
    .where(guarded.c.key == given("key"), guards.c.kind.in_(_KINDS), guards.c.state == "stopped")
)
_USED = Prepared(
    delete(guarded).where(
        guarded.c.kind == given("of_kind"), guarded.c.key == given("of_key"), guarded.c.allowed.is_(True)
    )
)
_ALLOWED = Prepared(
    select(literal(1)).where(
        guarded.c.kind == given("kind"), guarded.c.key == given("key"), guarded.c.allowed.is_(True)
    )
)


def see(conn: Connection, kind: str, key: str, now: float) -> None:
    """Note that something a guard counts was seen at this record."""
    upsert(conn, sightings, [{"kind": kind, "key": key, "at": now}])


def unsee(conn: Connection, kind: str, key: str) -> None:
    """It is over at this record."""
    _UNSEE.run(conn, {"of_kind": kind, "of_key": key})


def seen_since(conn: Connection, kind: str, since: float) -> int:
    """At how many records it was seen since then."""
    return int(conn.execute(_COUNT_SEEN, {"kind": kind, "since": since}).scalar_one())


def seen_as_often(conn: Connection, kind: str, since: float, often: int) -> bool:
    """Whether it was seen at as many records since then, one at least; counts no further."""
    return _ONE_MORE.first(conn, {"kind": kind, "since": since, "others": often - 1}) is not None


def keys_seen_since(conn: Connection, kind: str, since: float) -> list[str]:
    """At which records it was seen since then."""
    query = select(sightings.c.key).where(*_SEEN).order_by(sightings.c.key)
    return list(conn.execute(query, {"kind": kind, "since": since}).scalars())


def run_length(conn: Connection, kind: str, step: int) -> int:
    """Count a succession on by `step`; 0 ends it. Returns its length."""
    name = f"run:{kind}"
    length = int(facts.get(conn, name, 0))
    if step:
        length += step
        facts.put(conn, name, length)
    elif length:
        length = 0
        facts.put(conn, name, 0)
    return length


def stop(
    conn: Connection, guard_id: str, kind: str, keys: Iterable[str], detail: Mapping[str, Any], now: float,
    values: tuple[Any, Any] | None = None,
) -> str:  # fmt: skip
    """Pull the brake (or find it pulled) and list these records under it; returns the guard's id.

    `values`: what of a field would have been replaced (raw), and by what (canonical).
    """
    row = conn.execute(select(guards.c.id).where(guards.c.kind == kind, guards.c.state == "stopped")).first()
    if row is None:
        conn.execute(
            guards.insert().values(id=guard_id, kind=kind, state="stopped", opened_at=now, detail=dict(detail))
        )
    else:
        guard_id = str(row.id)
    rows = [{"kind": kind, "key": key, "guard_id": guard_id, "allowed": False} for key in keys]
    if values is None:
        insert_new(conn, guarded, rows)
    else:
        rows = [{**row, "before": values[0], "after": values[1]} for row in rows]
        upsert(conn, guarded, rows, update=("before", "after"))
    return guard_id


def stopped(conn: Connection, kind: str) -> str | None:
    """Id of the pulled brake of this kind, if any."""
    return conn.execute(
        select(guards.c.id).where(guards.c.kind == kind, guards.c.state == "stopped")
    ).scalar_one_or_none()


def stands(conn: Connection, guard_id: str) -> bool:
    """Whether this brake is still pulled; whoever releases it waits for the end of this transaction."""
    query = select(guards.c.id).where(guards.c.id == guard_id, guards.c.state == "stopped")
    return conn.execute(query.with_for_update(read=True)).first() is not None


def held_by(conn: Connection, kinds: Iterable[str], key: str) -> set[str]:
    """Which pulled brakes of these kinds list the record."""
    return set(conn.execute(_HELD_BY, {"kinds": list(kinds), "key": key}).scalars())


def is_allowed(conn: Connection, kind: str, key: str) -> bool:
    """Whether a person let exactly this record through."""
    return _ALLOWED.first(conn, {"kind": kind, "key": key}) is not None


def allow(conn: Connection, guard_id: str, now: float) -> tuple[str, list[str]] | None:
    """Let exactly the records listed under this brake through; returns its kind and them."""
    row = conn.execute(select(guards).where(guards.c.id == guard_id, guards.c.state == "stopped")).one_or_none()
    if row is None:
        return None
    conn.execute(update(guards).where(guards.c.id == guard_id).values(state="allowed", closed_at=now))
    mine = guarded.c.guard_id == guard_id
    conn.execute(update(guarded).where(mine).values(allowed=True))
    conn.execute(delete(sightings).where(sightings.c.kind == row.kind))
    facts.put(conn, f"run:{row.kind}", 0)
    return row.kind, list(conn.execute(select(guarded.c.key).where(mine).order_by(guarded.c.key)).scalars())


def discard(conn: Connection, guard_id: str, now: float) -> None:
    """The brake is off, and none of what it held was let through."""
    kind = conn.execute(select(guards.c.kind).where(guards.c.id == guard_id)).scalar_one()
    keys = select(guarded.c.key).where(guarded.c.guard_id == guard_id)
    if kind.startswith("missing"):  # a change that was made stays counted: more of the same must be stopped again
        conn.execute(delete(sightings).where(sightings.c.kind == kind, sightings.c.key.in_(keys)))
        facts.put(conn, f"run:{kind}", 0)
    conn.execute(update(guards).where(guards.c.id == guard_id).values(state="discarded", closed_at=now))
    conn.execute(delete(guarded).where(guarded.c.guard_id == guard_id, guarded.c.kind == kind))


def let_through(conn: Connection, kind: str, key: str, guard_id: str) -> None:
    """A person wants just this done to a record, however many others are asked for the same."""
    row = {"kind": kind, "key": key, "guard_id": guard_id, "allowed": True}
    upsert(conn, guarded, [row])


def held(conn: Connection, guard_id: str, after: str = "", limit: int | None = None) -> list[dict[str, Any]]:
    """The records a brake holds, by key from `after` on, with name and number, and what would have replaced what."""
    shown = guarded.c.key, guarded.c.before, guarded.c.after, pairs.c.title, pairs.c.advoware_id, pairs.c.status
    query = (
        select(*shown)
        .select_from(guarded.outerjoin(pairs, pairs.c.key == guarded.c.key))
        .where(guarded.c.guard_id == guard_id, guarded.c.allowed.is_(False), guarded.c.key > after)
        .order_by(guarded.c.key)
    )
    return [dict(row._mapping) for row in conn.execute(query if limit is None else query.limit(limit))]


def used(conn: Connection, kind: str, key: str) -> None:
    """What was let through has been done; the same again is a new question."""
    _USED.run(conn, {"of_kind": kind, "of_key": key})


def pulled(conn: Connection) -> list[dict[str, Any]]:
    """Every pulled brake, without the records it holds, which may be very many."""
    shown = guards.c.id, guards.c.kind, guards.c.opened_at, guards.c.detail
    rows = conn.execute(select(*shown).where(guards.c.state == "stopped").order_by(guards.c.opened_at))
    return [dict(row._mapping) for row in rows]


def listing(conn: Connection) -> list[dict[str, Any]]:
    """Every pulled brake with the records it holds."""
    rows = conn.execute(select(guards).where(guards.c.state == "stopped").order_by(guards.c.opened_at))
    return [
        dict(row._mapping)
        | {"keys": list(conn.execute(select(guarded.c.key).where(guarded.c.guard_id == row.id)).scalars())}
        for row in rows
    ]
