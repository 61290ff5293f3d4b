"""Throwing away what a guard has stopped: the other answer beside letting it through.

Like every request it only says what is wanted; the records' jobs carry it out with all their checks.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from sqlalchemy import Connection

from mappers.spec import Canonical, Entity, Field, Side, Unmappable
from syncd import guard
from syncd.lanes import Lane
from syncd.ledger import asked, brakes, people, work
from syncd.ledger.choices import Refusal, check_writable
from syncd.ledger.requests import Asked, exclude, stopped_by
from syncd.ledger.schema import conflicts
from syncd.ledger.work import Cause, Due

KIND = "discard"  # of the conflict row that carries the decision
_INSTEAD = {
    "went_back": "say which side is right: allow it with --right espocrm or --right advoware",
    "new_field": 'to leave the differences as they are, set direction = "off" for the field in syncd.toml',
}


def discard(
    conn: Connection, entities: Mapping[str, Entity], guard_id: str, new_id: Callable[[], str], now: float,
    who: str | None = None, seen: int | None = None,
) -> Asked:  # fmt: skip
    """Throw away what a guard holds; raises `Refusal` where that is no answer to it.

    A mass change: the side it was made on gets the values from before, where it still shows what was stopped. A flood
    of creations: these records take part no more. Missing records: it is not believed, they are looked at again.
    `seen` as in `requests.allow`.
    """
    stopped = stopped_by(conn, guard_id, seen)
    kind, _, about = stopped["kind"].partition(":")
    keys = tuple(stopped["keys"])
    match kind:
        case "change":
            source, _, name = about.partition(":")
            text = _put_back(conn, entities, guard_id, Side(source), name, new_id, now, who)
        case "create":
            for key in keys:
                exclude(conn, key, now, who)
            text = f"{len(keys)} excluded; `syncd include` takes them back"
        case "missing":
            text = f"{len(keys)} to be looked at again"
        case _:
            raise Refusal(f"guard {guard_id}: {_INSTEAD[kind]}")
    brakes.discard(conn, guard_id, now)
    asked.note(conn, now, who, KIND, guard_id, keys)
    work.release(conn, f"guard:{guard_id}", now)
    if kind == "create":
        return Asked((), f"guard {guard_id}: {text}")
    work.put(conn, [Due(key, Lane.LIVE, Cause.EVENT, now) for key in keys], now)
    return Asked(keys, f"guard {guard_id}: {text}")


def _put_back(
    conn: Connection, entities: Mapping[str, Entity], guard_id: str, source: Side, name: str,
    new_id: Callable[[], str], now: float, who: str | None,
) -> str:  # fmt: skip
    """Decide for each record that the value from before holds, on both sides."""
    target, count, left = source.other, 0, 0
    for row in brakes.held(conn, guard_id):
        entity = entities.get(row["key"].partition("/")[0])
        mapped = _mapped(entity, name, source)
        check_writable(mapped, source)
        values = _values(mapped, row, target)
        if values is None:
            left += 1
            continue
        before, after = values
        shown = {source: after, target: before}
        decision = {"value": before, "saw_espo": shown[Side.ESPO], "saw_advoware": shown[Side.ADVOWARE], "who": who}
        conn.execute(
            conflicts.insert().values(
                id=new_id()[:12], key=row["key"], field=name, kind=KIND, state=people.DECIDED,
                espo=shown[Side.ESPO], advoware=shown[Side.ADVOWARE], base=before, opened_at=now, decision=decision,
            )
        )  # fmt: skip
        brakes.let_through(conn, guard.change_kind(target, name), row["key"], guard_id)
        count += 1
    more = f"; of {left} it is not known any more, they will be stopped again" if left else ""
    return f"{count} get the value from before in {source}{more}"


def _mapped(entity: Entity | None, name: str, source: Side) -> Field:
    if entity is not None and any(entries.name == name for entries in entity.lists):
        raise Refusal(f"entries of {name} are put back by a person in {source}, or let through and undone")
    try:
        if entity is None:
            raise KeyError(name)
        return entity.field(name)
    except KeyError:
        raise Refusal(f"{name} is no longer a mapped field") from None


def _values(mapped: Field, row: Mapping[str, Any], target: Side) -> tuple[Canonical, Canonical] | None:
    """What the target has and what was to replace it; None where that was not kept."""
    try:
        before = mapped.codec.parse(target, row["before"])
    except Unmappable:
        return None
    return None if before == row["after"] else (before, row["after"])
