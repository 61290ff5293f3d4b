"""What people asked for: who, when, what, about which record. A log to look at; what is wanted stands elsewhere."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sqlalchemy import Connection

from syncd.ledger.schema import asked
from syncd.ledger.sql import newest

LONGEST = 80


def note(
    conn: Connection, now: float, who: str | None, what: str, about: str | None = None,
    keys: Iterable[str] | None = None,
) -> None:  # fmt: skip
    """Note a request: one row per record, or one about none.

    `who`: `terminal:NAME`, `page:NAME` or `api`; None where nobody says.
    """
    of: dict[str, Any] = {"at": now, "who": who and who[:LONGEST], "what": what, "about": about and about[:LONGEST]}
    rows = [of | {"key": key} for key in ([None] if keys is None else keys)]
    if rows:
        conn.execute(asked.insert(), rows)


def listing(
    conn: Connection, key: str | None = None, before: int | None = None, limit: int = 200
) -> list[dict[str, Any]]:
    """What was asked for, the latest first, from the row before `before` on."""
    return [dict(row._mapping) for row in conn.execute(newest(asked, key, before, limit))]
