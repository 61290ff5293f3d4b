"""Records that belong to others: rows of Advoware on their way to EspoCRM, and rows left to a person.

A row of `imports` that is `retired` was a record's counterpart once; it must not come to EspoCRM as something new.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from sqlalchemy import Connection, delete, or_, select, update

from mappers.spec import Canonical, Side
from syncd.lanes import Lane
from syncd.ledger import imports as on_their_way
from syncd.ledger import journal, pairs, people, work
from syncd.ledger.schema import conflicts, imports, intents
from syncd.ledger.schema import pairs as pairs_table
from syncd.ledger.schema import work as work_table
from syncd.ledger.sql import upsert
from syncd.ledger.steps import Job, Message
from syncd.ledger.work import Cause, Due
from syncd.model import Import, PairState, Trust

MOST = 200  # children that are looked for at once
RETIRED, DELETED = "retired", "deleted"  # topics of Tasks about rows that only a person can take away


def topic(number: int) -> str:
    """Of the Task about a row that was retired."""
    return f"{RETIRED}:{number}"


def known_rows(conn: Connection, parent: str) -> list[dict[str, Any]]:
    """Rows of a record's lists that are on their way or left to a person."""
    return [dict(row._mapping) for row in conn.execute(select(imports).where(imports.c.parent == parent))]


def waiting(conn: Connection, parent: str, entities: Iterable[str], now: float) -> list[str]:
    """Children whose work is due: of this record, and those of which nobody knows yet whose they are."""
    query = (
        select(work_table.c.key)
        .outerjoin(pairs_table, pairs_table.c.key == work_table.c.key)
        .where(work_table.c.due_at <= now, work_table.c.held.is_(None))
        .where(or_(*(work_table.c.key.startswith(f"{name}/", autoescape=True) for name in entities)))
        .where(or_(pairs_table.c.parent.is_(None), pairs_table.c.parent == parent))
        .order_by(work_table.c.key)
        .limit(MOST)
    )
    return list(conn.execute(query).scalars())


def candidates(conn: Connection, keys: Iterable[str]) -> set[int]:
    """Rows that a person is asked about, whether they belong to one of these records."""
    query = select(conflicts.c.candidates).where(
        conflicts.c.key.in_(list(keys)), conflicts.c.field == "", conflicts.c.state.in_(people.WAITING)
    )
    return {int(number) for found in conn.execute(query).scalars() for number in found or ()}


def retire(conn: Connection, job: Job, number: int | None, parent: str | None, message: Message | None) -> None:
    """The row is this record's no more; a person is told. `parent`: whose the record is now, where that has changed."""
    pairs.check_fence(conn, job.key, job.fence)
    row = pairs.get(conn, job.key) or {}
    change: dict[str, Any] = {
        "state": PairState.NEW, "advoware_id": None, "link_shown": False, "trust": Trust.UNCONFIRMED,
        "espo_version": {}, "advoware_version": {}, "misses": 0, "missed_at": None, "advoware_digest": None,
    }  # fmt: skip
    if parent is not None:
        change["parent"] = parent or None
        people.settle(conn, job.key, (), job.now)  # what was asked and decided was about another family
    if number is not None:
        left = {"entity": row["entity"], "advoware_id": number, "run": job.id[:12], "state": Import.RETIRED}
        upsert(conn, imports, [left | {"sent_at": job.now, "key": job.key, "parent": row["parent"]}])
    journal.forget_bases(conn, job.key)
    pairs.change(conn, job.key, change)
    if message is not None:
        people.owe_message(conn, message.id, job.key, message.kind, message.topic, message.body, job.now)


def take_back(conn: Connection, job: Job, number: int) -> None:
    """The row is this record's again."""
    mine = (imports.c.advoware_id == number) & (imports.c.key == job.key) & (imports.c.state == Import.RETIRED)
    if conn.execute(delete(imports).where(mine)).rowcount:
        people.close_messages(conn, job.key, [topic(number)], job.now)


def creating(conn: Connection, keys: Iterable[str]) -> set[str]:
    """Records of which nobody knows yet whether they have been created in Advoware."""
    unsettled = (intents.c.verb == "create") & intents.c.state.in_(journal.UNSETTLED)
    return set(conn.execute(select(intents.c.key).where(intents.c.key.in_(list(keys)), unsettled)).scalars())


def look_again(conn: Connection, parent: str, now: float) -> None:
    """A question about a child is answered: what was not brought to EspoCRM because of it may be now."""
    pairs.change(conn, parent, {"advoware_digest": None})
    work.put(conn, [Due(parent, Lane.LIVE, Cause.EVENT, now)], now)


def announce(conn: Connection, job: Job, entity: str, number: int, over: Mapping[str, Any] | None) -> bool:
    """Say that a row is about to be created in EspoCRM; false if it was said anew since `over`."""
    pairs.check_fence(conn, job.key, job.fence)
    return on_their_way.announce(conn, entity, number, job.id[:12], job.now, over, job.key)


def withdraw(conn: Connection, job: Job, entity: str, number: int) -> None:
    """It is certain that nothing was made of what was sent."""
    pairs.check_fence(conn, job.key, job.fence)
    on_their_way.withdraw(conn, entity, number)


def born(conn: Connection, job: Job, key: str, number: int) -> None:
    """The record is there, made by us from that row: it takes part, and its first job is due."""
    entity = key.partition("/")[0]
    on_their_way.drop(conn, entity, number)
    pairs.admit(conn, [key], "parent")
    fresh = (pairs_table.c.key == key) & (pairs_table.c.state == PairState.NEW)
    values = {"advoware_id": number, "trust": Trust.OWN, "parent": job.key}
    conn.execute(update(pairs_table).where(fresh).values(**values))
    work.put(conn, [Due(key, Lane.LIVE, Cause.EVENT, job.now)], job.now)


def refused(conn: Connection, job: Job, name: str, content: Canonical, why: str) -> None:
    """EspoCRM does not take a row; it is not tried again until its content changes."""
    pairs.check_fence(conn, job.key, job.fence)
    people.set_quarantine(conn, job.key, Side.ESPO, name, content, why, job.now)
