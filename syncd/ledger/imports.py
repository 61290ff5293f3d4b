"""Beteiligte on their way to EspoCRM: each number is announced here before it is sent, and belongs to one run.

A row that is `sent` says that a record may have been made, or may still be. Whoever takes it over has waited
until that is certain and found none.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection, delete, select, update

from syncd.lanes import Lane
from syncd.ledger import pairs as pair_functions
from syncd.ledger import runs
from syncd.ledger import work as work_functions
from syncd.ledger.schema import imports, pairs
from syncd.ledger.sql import insert_into
from syncd.ledger.work import Cause, Due
from syncd.model import Import, PairState, Trust


def get(conn: Connection, entity: str, number: int) -> dict[str, Any] | None:
    """What is known of the import of a number."""
    row = conn.execute(select(imports).where(_is(entity, number))).one_or_none()
    return None if row is None else dict(row._mapping)


def announce(
    conn: Connection, entity: str, number: int, run: str, now: float, over: Mapping[str, Any] | None,
    parent: str | None = None,
) -> bool:  # fmt: skip
    """Say that the number is about to be sent; false if somebody else has said so since.

    `over` is the row that was found, to be taken over; None where there was none. `parent`: key, of a child only.
    """
    values = {"run": run, "state": Import.SENT, "sent_at": now, "key": None, "parent": parent}
    if over is None:
        new = insert_into(conn, imports).values(entity=entity, advoware_id=number, **values).on_conflict_do_nothing()
        return conn.execute(new).rowcount > 0
    same = (imports.c.run == over["run"]) & (imports.c.sent_at == over["sent_at"])
    return conn.execute(update(imports).where(_is(entity, number), same).values(**values)).rowcount > 0


def withdraw(conn: Connection, entity: str, number: int) -> None:
    """It is certain that nothing was made of what was sent."""
    conn.execute(delete(imports).where(_is(entity, number), imports.c.state == Import.SENT))


def drop(conn: Connection, entity: str, number: int) -> None:
    """Forget what is kept of a number: it is gone from Advoware."""
    conn.execute(delete(imports).where(_is(entity, number)))


def made(conn: Connection, key: str, number: int, run: str, now: float) -> None:
    """The record is there, made by us from that Beteiligter: it takes part, and its first job is due."""
    mine = _is(key.partition("/")[0], number)
    conn.execute(update(imports).where(mine).values(state=Import.DONE, key=key))
    pair_functions.admit(conn, [key], f"{runs.OF_RUN}{run}")
    fresh = (pairs.c.key == key) & (pairs.c.state == PairState.NEW) & pairs.c.advoware_id.is_(None)
    conn.execute(update(pairs).where(fresh).values(advoware_id=number, trust=Trust.OWN))
    work_functions.put(conn, [Due(key, Lane.BACKFILL, Cause.EVENT, now, run)], now)


def _is(entity: str, number: int) -> Any:
    return (imports.c.entity == entity) & (imports.c.advoware_id == number)
