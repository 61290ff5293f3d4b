"""What a person may ask about himself: everything stored about a record, and its removal.

Every table with a column `key` is one of a record, so a table added later is included by itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, Table, delete, select

from syncd.ledger import pairs as pair_functions
from syncd.ledger.schema import metadata, pairs
from syncd.model import PairState

ERASABLE = (PairState.EXCLUDED, PairState.TOMBSTONE)
STUB = "erased"  # `admitted_by` of what is left of a record that must not be taken in again


class StillLiving(Exception):
    """The record is kept the same or being worked on, so what is erased would be there again tomorrow."""


@dataclass(frozen=True, slots=True)
class Erased:
    """How many rows were removed from which table; `stub`: the bare id stays as excluded, or it would come back."""

    rows: Mapping[str, int] = field(default_factory=dict)
    stub: bool = False

    def told(self, key: str) -> str:
        """In one line."""
        stub = "; its id stays as excluded, or it would come back" if self.stub else ""
        return f"{key}: {sum(self.rows.values())} rows removed{stub}"


def tables() -> dict[str, Table]:
    """The tables that hold something about a record."""
    return {name: table for name, table in metadata.tables.items() if "key" in table.columns}


def export(conn: Connection, key: str) -> dict[str, list[dict[str, Any]]]:
    """Everything stored about a record, by table; tables with nothing are left out."""
    found = {
        name: [dict(row._mapping) for row in conn.execute(select(table).where(table.c.key == key))]
        for name, table in tables().items()
    }
    return {name: rows for name, rows in found.items() if rows}


def erase(conn: Connection, key: str, now: float) -> Erased:
    """Remove everything stored about a record. Raises `StillLiving` unless it is excluded or deleted in EspoCRM.

    An excluded record is still there in EspoCRM, so its id stays, as excluded and nothing else.
    """
    row = pair_functions.get(conn, key)
    if row is not None and row["state"] not in ERASABLE and row["admitted_by"] is not None:
        raise StillLiving(f"{key} takes part in the sync; exclude it first")
    if row is not None and row["claimed_until"] > now:
        raise StillLiving(f"{key} is being worked on; try again in a minute")
    removed = {name: conn.execute(delete(table).where(table.c.key == key)).rowcount for name, table in tables().items()}
    excluded = row is not None and row["state"] == PairState.EXCLUDED
    if row is not None and excluded:
        stub = {"key": key, "entity": row["entity"], "state": PairState.EXCLUDED, "admitted_by": STUB}
        conn.execute(pairs.insert().values(**stub))
    return Erased({name: count for name, count in removed.items() if count}, excluded)
