"""Questions to people as they are looked at: page by page, with whose record it is and what may be answered.

Only reads. What an answer leads to is `choices`' and `requests`' to say.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, and_, func, or_, select

from syncd.ledger.people import KEPT, OPEN, SETTLED
from syncd.ledger.schema import asked, conflicts, guards, pairs, pauses

LINK = "link"  # how people call the question who belongs to whom, which is about no field
_SEEN = ("state", "kind", "espo", "advoware", "base", "winner", "candidates", "decision")
_LATEST_FIRST = (KEPT, SETTLED)
_LIST = select(conflicts, pairs.c.title, pairs.c.advoware_id).select_from(
    conflicts.outerjoin(pairs, pairs.c.key == conflicts.c.key)
)


def fingerprint(row: Mapping[str, Any]) -> str:
    """What of a question a person bases an answer on, in 16 letters: it changes with any of it."""
    told = json.dumps([row[name] for name in _SEEN], sort_keys=True)
    return hashlib.sha256(told.encode()).hexdigest()[:16]


def one(conn: Connection, conflict_id: str) -> dict[str, Any] | None:
    """One conflict or kept value, with `title` and `advoware_id` of its record, and `seen`."""
    row = conn.execute(_LIST.where(conflicts.c.id == conflict_id)).one_or_none()
    return None if row is None else _told(row)


def page(
    conn: Connection, states: Sequence[str], about: str | None, after: str | None, limit: int
) -> list[dict[str, Any]]:
    """Conflicts in these states, of a field or list (`about`), as `one` tells them; what waits oldest first."""
    query = _LIST.where(conflicts.c.state.in_(list(states)), *_of(about))
    query = _from(conn, query, after, latest=set(states) <= {*_LATEST_FIRST})
    return [_told(row) for row in conn.execute(query.limit(limit))]


def _from(conn: Connection, query: Select[Any], after: str | None, *, latest: bool) -> Select[Any]:
    at, row_id = conflicts.c.opened_at, conflicts.c.id
    last = conn.execute(select(at, row_id).where(row_id == after)).one_or_none() if after else None
    if last is not None:
        beyond = at < last.opened_at if latest else at > last.opened_at
        query = query.where(or_(beyond, and_(at == last.opened_at, row_id > last.id)))
    return query.order_by(at.desc() if latest else at, row_id)


def _of(about: str | None) -> list[ColumnElement[bool]]:
    if about is None:
        return []
    if about == LINK:
        return [conflicts.c.field == ""]
    return [or_(conflicts.c.field == about, conflicts.c.field.startswith(f"{about}:", autoescape=True))]


def groups(conn: Connection, states: Sequence[str]) -> dict[str, int]:
    """How many conflicts in these states there are of each field, list, or link; the most first."""
    query = select(conflicts.c.field, func.count().label("n")).where(conflicts.c.state.in_(list(states)))
    found: dict[str, int] = {}
    for row in conn.execute(query.group_by(conflicts.c.field)):
        name = row.field.partition(":")[0] or LINK
        found[name] = found.get(name, 0) + row.n
    return dict(sorted(found.items(), key=lambda item: (-item[1], item[0])))


def titles(conn: Connection, keys: Sequence[str]) -> dict[str, str]:
    """Names of records, of those that have one."""
    rows = conn.execute(select(pairs.c.key, pairs.c.title).where(pairs.c.key.in_(list(keys)), pairs.c.title != ""))
    return {row.key: row.title for row in rows}


def pauses_told(conn: Connection) -> list[dict[str, Any]]:
    """What is paused: `scope`, `since` when, `why`, and `who` asked for it, where that is known."""
    told = []
    for row in conn.execute(select(pauses).order_by(pauses.c.since, pauses.c.scope)):
        of = (asked.c.what == "pause") & (asked.c.about == row.scope) & (asked.c.at >= row.since)
        who = conn.execute(select(asked.c.who).where(of).order_by(asked.c.id).limit(1)).scalar_one_or_none()
        told.append({**row._mapping, "who": who})
    return told


def attention(conn: Connection) -> dict[str, Any]:
    """What every page tells: what is paused, how many conflicts wait and how many guards have stopped something."""
    open_ones = select(func.count()).select_from(conflicts).where(conflicts.c.state == OPEN)
    stopped = select(func.count()).select_from(guards).where(guards.c.state == "stopped")
    return {
        "pauses": pauses_told(conn),
        "conflicts": int(conn.execute(open_ones).scalar_one()),
        "guards": int(conn.execute(stopped).scalar_one()),
    }


def _told(row: Any) -> dict[str, Any]:
    values = dict(row._mapping)
    return values | {"seen": fingerprint(values)}
