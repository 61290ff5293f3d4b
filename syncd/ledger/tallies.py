"""What all daemons have counted, by slots of a few minutes. Knows no record."""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import Connection, select

from syncd.ledger import facts
from syncd.ledger.schema import tallies
from syncd.ledger.sql import insert_into


def beat(conn: Connection, now: float, counted: Mapping[tuple[int, str], int]) -> None:
    """The ledger is alive now, and this was counted since the last beat: one commit."""
    facts.beat(conn, now)
    add(conn, counted)


def add(conn: Connection, counted: Mapping[tuple[int, str], int]) -> None:
    """Add to what was counted; in the order of the table, so that two daemons never wait for each other."""
    rows = [{"at": at, "name": name, "total": count} for (at, name), count in sorted(counted.items())]
    if rows:
        insert = insert_into(conn, tallies)
        more = {"total": tallies.c.total + insert.excluded.total}
        conn.execute(insert.on_conflict_do_update(index_elements=["at", "name"], set_=more), rows)


def since(conn: Connection, at: float) -> dict[int, dict[str, int]]:
    """Every slot that began then or later: begin -> name -> count."""
    found: dict[int, dict[str, int]] = {}
    for row in conn.execute(select(tallies).where(tallies.c.at >= at).order_by(tallies.c.at)):
        found.setdefault(row.at, {})[row.name] = row.total
    return found
