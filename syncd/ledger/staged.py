"""What a dry run would have done: the last plan of each record, in the place of the writes. Knows no plan."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, delete, select

from syncd.ledger.schema import staged
from syncd.ledger.sql import upsert


@dataclass(frozen=True, slots=True)
class Plan:
    """A plan as people read it (`actions`, with values), and the fields it would set on either side, by name."""

    actions: Sequence[Mapping[str, Any]]
    to_espo: Sequence[str] = ()
    to_advoware: Sequence[str] = ()
    creates: bool = False
    asks: bool = False


def put(conn: Connection, key: str, plan: Plan, now: float) -> bool:
    """Remember the plan of a record; false if it is the one remembered already, which keeps its time."""
    row = {
        "key": key,
        "at": now,
        "actions": json.loads(json.dumps(list(plan.actions), default=str)),  # as it is read again, to be compared
        "to_espo": list(plan.to_espo),
        "to_advoware": list(plan.to_advoware),
        "creates": plan.creates,
        "asks": plan.asks,
    }
    known = conn.execute(select(staged).where(staged.c.key == key)).one_or_none()
    if known is not None and {**known._mapping, "at": now} == row:
        return False
    upsert(conn, staged, [row])
    return True


def listing(conn: Connection, after: str = "", limit: int = 500) -> list[dict[str, Any]]:
    """Plans by key from `after` on."""
    query = select(staged).where(staged.c.key > after).order_by(staged.c.key).limit(limit)
    return [dict(row._mapping) for row in conn.execute(query)]


def clear(conn: Connection) -> None:
    """The dry run is over."""
    conn.execute(delete(staged))
