"""What people at a terminal look at: whose claim, what waits, whether the file can be written. Changes nothing."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, select

from syncd.ledger.schema import pairs, work
from syncd.ledger.store import LedgerUnavailable


def claims(conn: Connection) -> list[dict[str, Any]]:
    """Every record somebody works on, or died over: key, fence, claimed_by, claimed_until (epoch seconds)."""
    query = select(pairs.c.key, pairs.c.fence, pairs.c.claimed_by, pairs.c.claimed_until)
    rows = conn.execute(query.where(pairs.c.claimed_by.is_not(None)).order_by(pairs.c.claimed_until))
    return [dict(row._mapping) for row in rows]


def waiting(conn: Connection, limit: int) -> list[dict[str, Any]]:
    """What waits, in the order in which it is taken, and who works on it now."""
    query = (
        select(work, pairs.c.claimed_by)
        .outerjoin(pairs, pairs.c.key == work.c.key)
        .order_by(work.c.lane, work.c.due_at, work.c.key)
        .limit(limit)
    )
    return [dict(row._mapping) for row in conn.execute(query)]


def try_writing(file: Path) -> None:
    """Take the right to write a SQLite ledger and give it back unused; raises `LedgerUnavailable`."""
    try:
        connection = sqlite3.connect(f"{file.resolve().as_uri()}?mode=rw", uri=True, timeout=10, isolation_level=None)
        try:
            connection.execute("BEGIN IMMEDIATE")
            connection.execute("ROLLBACK")
        finally:
            connection.close()
    except sqlite3.Error as error:
        raise LedgerUnavailable(str(error)) from None
