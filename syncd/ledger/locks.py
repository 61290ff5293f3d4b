"""Claims whose process is gone: they have run out without being released. Knows nothing of Redis."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, exists, select, update

from syncd.lanes import Lane
from syncd.ledger import work
from syncd.ledger.schema import pairs
from syncd.ledger.schema import work as work_table
from syncd.ledger.work import Cause, Due


def run_out(conn: Connection, now: float) -> list[dict[str, Any]]:
    """Key, fence, claimed_by and claimed_until (epoch seconds) of claims that ended without being released."""
    query = select(pairs.c.key, pairs.c.fence, pairs.c.claimed_by, pairs.c.claimed_until)
    dead = query.where(pairs.c.claimed_by.is_not(None), pairs.c.claimed_until < now).order_by(pairs.c.claimed_until)
    return [dict(row._mapping) for row in conn.execute(dead)]


def end_run_out(conn: Connection, now: float) -> list[str]:
    """End these claims as the next job would: the death counts, and the record is looked at; returns the keys.

    Whoever held such a claim, and is not dead after all, can store nothing any more.
    """
    ended = []
    for row in run_out(conn, now):
        taken = conn.execute(
            update(pairs)
            .where(pairs.c.key == row["key"], pairs.c.fence == row["fence"], pairs.c.claimed_until < now)
            .values(claimed_by=None, claimed_until=0.0, crashes=pairs.c.crashes + 1)
        )
        if taken.rowcount:
            ended.append(row["key"])
    waits = exists().where(work_table.c.key == pairs.c.key)
    lost = conn.execute(select(pairs.c.key).where(pairs.c.key.in_(ended), pairs.c.admitted_by.is_not(None), ~waits))
    work.put(conn, [Due(key, Lane.RETRY, Cause.EVENT, now) for key in lost.scalars()], now)
    return ended
