"""Which records may differ, durably. The queue in Redis is a copy that may be lost at any moment."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from typing import Any

from sqlalchemy import Connection, case, column, delete, exists, func, select, table, update

from syncd.lanes import Lane
from syncd.ledger.schema import deliveries, pairs, work
from syncd.ledger.sql import Insert, Prepared, given, inserting, listed, run_in_blocks, run_many


class Cause(StrEnum):
    """Why a record is looked at, and so how much of it; later ones ask for less."""

    EVENT = "event"  # somebody may have typed: read both sides
    RESET = "reset"  # permanently failed long enough ago: forget the tries, read both sides
    RETRY = "retry"
    PROJECT = "project"  # only the status is owed to EspoCRM
    LATE = "late"  # look once more at EspoCRM after our own write
    SWEEP = "sweep"  # look round in Advoware


_RECEIVED = ("at", "key", "event", "body")
_RECEIVE = table(deliveries.name, *map(column, _RECEIVED)).insert()  # without types: the body is JSON text already
_PUT = ("key", "gen", "lane", "cause", "due_at", "since", "run")
_DEPTH = {str(cause): depth for depth, cause in enumerate(Cause)}

_KEY = given("of_key")
TASK = (work.c.gen, work.c.cause, work.c.lane, work.c.since, work.c.run)  # columns of a `Task`
_FREE = Prepared(select(work.c.lane, work.c.cause, work.c.due_at).where(work.c.key == _KEY, work.c.held.is_(None)))
_EVENTS = select(work.c.key).where(work.c.key.in_(listed("keys")), work.c.cause == Cause.EVENT)
_UNCHANGED = (work.c.key == _KEY) & (work.c.gen == given("of_gen"))
_SET = Prepared(update(work).where(_UNCHANGED))
_DONE = Prepared(delete(work).where(_UNCHANGED))
_AT_WORK = exists().where(pairs.c.key == work.c.key, pairs.c.claimed_until > given("now"))
_DUE = (
    select(work)
    .where(work.c.held.is_(None), work.c.due_at <= given("now"), ~_AT_WORK)
    .order_by(work.c.lane, work.c.due_at, work.c.key)
    .limit(given("most"))
)
_NEWEST = (
    select(work)
    .where(work.c.held.is_(None), work.c.lane == int(Lane.LIVE), work.c.due_at <= given("now"), ~_AT_WORK)
    .order_by(work.c.due_at.desc())
    .limit(given("most"))
)
_POSTPONE = update(work).where(work.c.key == _KEY, work.c.due_at < given("until")).values(due_at=given("until"))
NEWEST_PART = 10  # of what is copied at a time the newest edits come to one in so many more


@dataclass(frozen=True, slots=True)
class Due:
    """One record to be looked at from `due_at` (epoch seconds) on; `run`: what a person set going with it."""

    key: str
    lane: Lane
    cause: Cause
    due_at: float
    run: str | None = None


@dataclass(frozen=True, slots=True)
class Task:
    """What a job found to do when it claimed its record; `gen` tells whether more came meanwhile."""

    gen: int
    cause: Cause
    lane: Lane
    since: float
    run: str | None = None


def put(conn: Connection, asked: Sequence[Due], now: float) -> None:
    """Note that records may differ. A waiting record keeps the better lane, the earlier time, the deeper look.

    One statement per record, so that no daemon ends the work between our looking and our writing; in the order
    of keys, so that two daemons never wait for each other. New input (the live lane) sets free what a pause or
    guard holds: the job will see whether it still must wait.
    """
    rows = [
        {
            "key": due.key, "gen": 1, "lane": int(due.lane), "cause": due.cause, "due_at": due.due_at, "since": now,
            "run": due.run,
        }
        for due in sorted(asked, key=lambda due: due.key)
    ]  # fmt: skip
    if not rows:
        return
    run_many(conn, _putting(conn.dialect.name), rows)


@cache
def _putting(dialect: str) -> Insert:
    insert = inserting(dialect, work)
    new = insert.excluded
    depth = [case(_DEPTH, value=column, else_=0) for column in (new.cause, work.c.cause)]
    return insert.on_conflict_do_update(
        index_elements=["key"],
        set_={
            "gen": work.c.gen + 1,
            "lane": case((new.lane < work.c.lane, new.lane), else_=work.c.lane),
            "due_at": case((new.due_at < work.c.due_at, new.due_at), else_=work.c.due_at),
            "cause": case((depth[0] < depth[1], new.cause), else_=work.c.cause),
            "held": case((new.lane == int(Lane.LIVE), None), else_=work.c.held),
            "run": func.coalesce(new.run, work.c.run),
        },
    )


def receive(conn: Connection, events: Sequence[tuple[str, str, str]], now: float) -> None:
    """Take in webhook events `(key, event, body as JSON)`: evidence and work in one commit, as `put` does it."""
    run_in_blocks(conn, _RECEIVE, _RECEIVED, [(now, key, event, body) for key, event, body in events])
    keys = sorted({key for key, _, _ in events})
    rows = [(key, 1, int(Lane.LIVE), str(Cause.EVENT), now, now, None) for key in keys]
    run_in_blocks(conn, _putting(conn.dialect.name), _PUT, rows)


def task_of(row: Sequence[Any]) -> Task | None:
    """The work in the columns of `TASK`; None where they are empty, for nothing waits."""
    gen, cause, lane, since, run = row
    return None if gen is None else Task(gen, Cause(cause), Lane(lane), since, run)


def next_due(conn: Connection, key: str) -> Due | None:
    """When and how urgently a record is to be looked at next; None where nothing waits or something holds it."""
    row = _FREE.first(conn, {"of_key": key})
    if row is None:
        return None
    lane, cause, due_at = row
    return Due(key, Lane(lane), Cause(cause), due_at)


def waiting_events(conn: Connection, keys: Sequence[str]) -> set[str]:
    """Which of these records wait for a look at both sides already."""
    return set(conn.execute(_EVENTS, {"keys": list(keys)}).scalars())


def done(
    conn: Connection,
    key: str,
    gen: int,
    follow: Due | None,
    now: float,
    held: str | None = None,
) -> Due | None:
    """End the work a job took on. What came in meanwhile stays; else `follow` takes its place.

    With `held` the work stays and waits for the pause or guard of that name to end. Returns what waits then.
    """
    unchanged = {"of_key": key, "of_gen": gen}
    if held is not None:
        _SET.run(conn, {**unchanged, "held": held})
        return next_due(conn, key)
    if follow is None:
        return None if _DONE.run(conn, unchanged) > 0 else next_due(conn, key)
    instead = {
        "gen": gen + 1, "lane": int(follow.lane), "cause": follow.cause, "due_at": follow.due_at, "since": now,
        "held": None, "run": follow.run,
    }  # fmt: skip
    if follow.key == key and _SET.run(conn, {**unchanged, **instead}) > 0:
        return follow
    put(conn, [follow], now)
    return next_due(conn, key)


def due(conn: Connection, now: float, limit: int) -> list[Due]:
    """What is due and not being worked on, most urgent lane first; of more than that, also the newest edits."""
    rows = list(conn.execute(_DUE, {"now": now, "most": limit}))
    if len(rows) == limit:
        known = {row.key for row in rows}
        newest = conn.execute(_NEWEST, {"now": now, "most": max(1, limit // NEWEST_PART)})
        rows += [row for row in newest if row.key not in known]
    return [Due(row.key, Lane(row.lane), Cause(row.cause), row.due_at) for row in rows]


def postpone(conn: Connection, key: str, until: float) -> None:
    """Let a record wait for its turn: somebody edits it in a loop."""
    conn.execute(_POSTPONE, {"of_key": key, "until": until})


def release(conn: Connection, held: str, now: float) -> int:
    """Let everything go on that waited for this pause or guard; returns how many."""
    return conn.execute(update(work).where(work.c.held == held).values(held=None, due_at=now)).rowcount


def bring_forward(conn: Connection, now: float) -> int:
    """Work that was put down by a clock that was ahead is due at once; returns how many."""
    return conn.execute(update(work).where(work.c.since > now).values(since=now, due_at=now)).rowcount


def drop(conn: Connection, key: str) -> bool:
    """Forget the work of a record; the next poll or sweep finds it again if the sides differ."""
    return conn.execute(delete(work).where(work.c.key == key)).rowcount > 0


def oldest_edit(conn: Connection) -> float | None:
    """Since when the oldest edit of a person waits (epoch seconds); None where none does. What is held is not meant."""
    query = select(func.min(work.c.since)).where(work.c.held.is_(None), work.c.lane == int(Lane.LIVE))
    found: float | None = conn.execute(query).scalar_one()
    return found


def counts(conn: Connection, now: float) -> dict[str, Any]:
    """How much waits: per lane, held, and since when the oldest due one waits (epoch seconds)."""
    lanes = {
        Lane(row.lane).name.lower(): row.n
        for row in conn.execute(select(work.c.lane, func.count().label("n")).group_by(work.c.lane))
    }
    held = conn.execute(select(func.count()).where(work.c.held.is_not(None))).scalar_one()
    oldest = conn.execute(
        select(func.min(work.c.since)).where(work.c.held.is_(None), work.c.due_at <= now)
    ).scalar_one()
    return {"lanes": lanes, "held": held, "oldest_since": oldest}
