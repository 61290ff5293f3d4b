"""What a person may ask about himself: everything stored about a record, and its removal.

Every table with a column `key` is one of a record, so a table added later is included by itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import ColumnElement, Connection, Table, delete, select

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


def family(conn: Connection, key: str) -> list[str]:
    """A record and those that belong to it: they say something about the same person."""
    return [key, *conn.execute(select(pairs.c.key).where(pairs.c.parent == key).order_by(pairs.c.key)).scalars()]


def export(conn: Connection, key: str) -> dict[str, list[dict[str, Any]]]:
    """Everything stored about a record and those that belong to it, by table; tables with nothing are left out."""
    keys = family(conn, key)
    found = {
        name: [dict(row._mapping) for row in conn.execute(select(table).where(_about(table, keys)))]
        for name, table in tables().items()
    }
    return {name: rows for name, rows in found.items() if rows}


def _about(table: Table, keys: list[str]) -> ColumnElement[bool]:
    """Rows of these records, or on their way to one of them."""
    mine = table.c.key.in_(keys)
    return mine | table.c.parent.in_(keys) if "parent" in table.columns else mine


def erase(conn: Connection, key: str, now: float) -> Erased:
    """Remove everything stored about a record and those that belong to it.

    Raises `StillLiving` unless it is excluded or deleted in EspoCRM, and while it or one of them is worked on. What is
    excluded is still there in EspoCRM, so its id stays, as excluded and nothing else.
    """
    row = pair_functions.get(conn, key)
    if row is not None and row["state"] not in ERASABLE and row["admitted_by"] is not None:
        raise StillLiving(f"{key} takes part in the sync; exclude it first")
    known = {one: pair_functions.get(conn, one) or {} for one in family(conn, key)}
    for one, pair in known.items():
        if pair.get("claimed_until", 0.0) > now:
            raise StillLiving(f"{one} is being worked on; try again in a minute")
    about = list(known)
    removed = {
        name: conn.execute(delete(table).where(_about(table, about))).rowcount for name, table in tables().items()
    }
    excluded = row is not None and row["state"] == PairState.EXCLUDED
    for pair in known.values():
        if excluded and pair.get("state") not in (None, PairState.TOMBSTONE):
            conn.execute(pairs.insert().values(**_stub(pair)))
    return Erased({name: count for name, count in removed.items() if count}, excluded)


def _stub(pair: Mapping[str, Any]) -> dict[str, Any]:
    """What is left: the bare id. Of a child also whose it is and its row, which would come to EspoCRM as new else."""
    stub = {"key": pair["key"], "entity": pair["entity"], "state": PairState.EXCLUDED, "admitted_by": STUB}
    if pair["parent"] is None:
        return stub
    return stub | {"parent": pair["parent"], "advoware_id": pair["advoware_id"]}


def forget_stubs(conn: Connection, parent: str) -> None:
    """A record takes part again: those that were erased with it are found anew."""
    conn.execute(delete(pairs).where(pairs.c.parent == parent, pairs.c.admitted_by == STUB))
