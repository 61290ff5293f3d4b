"""Whom a doctor may ask about: numbers of Beteiligte that are known to be there, and what we wrote last."""

from __future__ import annotations

from sqlalchemy import Connection, select

from mappers.spec import Side
from syncd.ledger.schema import history, pairs
from syncd.model import PairState


def numbers(conn: Connection, entity: str, limit: int) -> list[int]:
    """Of living pairs: the lowest number, the highest, and those looked at last."""
    linked = select(pairs.c.advoware_id).where(pairs.c.entity == entity, pairs.c.state == PairState.LINKED)
    orders = (pairs.c.checked_at.desc(), pairs.c.advoware_id.desc(), pairs.c.advoware_id)
    found: list[int] = []
    for order, count in zip(orders, (limit, 1, 1), strict=True):
        found += conn.execute(linked.order_by(order).limit(count)).scalars()
    return [*dict.fromkeys(reversed(found))][:limit]


def last_write(conn: Connection, entity: str) -> tuple[int, float] | None:
    """The Beteiligter of a living pair we wrote to last, and when, in epoch seconds."""
    row = conn.execute(
        select(pairs.c.advoware_id, history.c.at)
        .join(history, history.c.key == pairs.c.key)
        .where(pairs.c.entity == entity, pairs.c.state == PairState.LINKED, history.c.side == Side.ADVOWARE)
        .where(history.c.field.not_like("%:%"))  # an entry of a list does not change the Beteiligter's own time
        .order_by(history.c.id.desc())
        .limit(1)
    ).first()
    return None if row is None else (int(row.advoware_id), float(row.at))
