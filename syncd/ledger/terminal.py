"""Lists for people at a terminal: whose claim, what waits. Only reads."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, select

from syncd.ledger.schema import pairs, work


def claims(conn: Connection) -> list[dict[str, Any]]:
    """Every record somebody works on, or died over: key, fence, claimed_by, claimed_until (epoch seconds)."""
    query = select(pairs.c.key, pairs.c.fence, pairs.c.claimed_by, pairs.c.claimed_until)
    rows = conn.execute(query.where(pairs.c.claimed_by.is_not(None)).order_by(pairs.c.claimed_until))
    return [dict(row._mapping) for row in rows]


def waiting(conn: Connection, limit: int) -> list[dict[str, Any]]:
    """What waits, in the order in which it is taken."""
    query = select(work).order_by(work.c.lane, work.c.due_at, work.c.key).limit(limit)
    return [dict(row._mapping) for row in conn.execute(query)]
