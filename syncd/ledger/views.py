"""What people want to see, as the ledger has it. Only reads; knows neither HTTP nor terminals."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, func, select

from syncd.ledger import alarms, brakes, facts, people, rounds, runs, undo, work
from syncd.ledger import pairs as pair_functions
from syncd.ledger.journal import UNSETTLED
from syncd.ledger.records import COLUMNS
from syncd.ledger.schema import bases, conflicts, deliveries, history, intents, messages, pairs, quarantine, secrets
from syncd.ledger.schema import work as work_table
from syncd.ledger.sql import newest


def status(conn: Connection, now: float) -> dict[str, Any]:
    """How everything stands: counts, what waits, what is stopped. Times in epoch seconds."""
    queue = work.counts(conn, now)
    return {
        "now": now,
        "pairs": pair_functions.status_counts(conn),
        "waiting": queue["lanes"],
        "held": queue["held"],
        "oldest_since": queue["oldest_since"],
        "oldest_edit_since": work.oldest_edit(conn),
        "conflicts": people.count_waiting(conn),
        "quarantined": _count(conn, select(func.count()).select_from(quarantine)),
        "messages_owed": _count(conn, select(func.count()).where(messages.c.state.in_(["owed", "closing"]))),
        "guards": brakes.pulled(conn),
        "pauses": facts.list_pauses(conn),
        "alarms": alarms.raised(conn),
        "examined": facts.get(conn, "examined", {}),
        "webhooks": _webhooks(conn),
        "runs": [_run(conn, row["id"], now) for row in runs.listing(conn, runs.UNFINISHED)],
        "first_start": facts.get(conn, "first_start"),
        "alive_at": facts.get(conn, "alive_at"),
        "polled_at": facts.get(conn, "polled_at"),
        "swept_at": facts.get(conn, "swept_at"),
        "full_pass_at": facts.get(conn, "full_pass_at"),
        "oldest_look_seconds": rounds.oldest(conn, now),
    }


def _webhooks(conn: Connection) -> dict[str, Any]:
    """Whether deliveries come: the last one of those still kept, and what was found wrong with which webhooks."""
    examined = facts.get(conn, "examined", {})
    return {
        "last_delivery_at": conn.execute(select(func.max(deliveries.c.at))).scalar_one(),
        "registered": sorted(conn.execute(select(secrets.c.event)).scalars()),
        "wrong": examined.get("webhooks"),
        "looked_at": examined.get("at"),
    }


def _run(conn: Connection, run_id: str, now: float) -> dict[str, Any]:
    row, at = runs.get(conn, run_id) or {}, runs.standing(conn, run_id, now)
    assert at is not None
    told = {"id": run_id, "kind": row["kind"], "state": row["state"], "started_at": row["started_at"]}
    return told | {"done": at.done, "total": at.total, "alive_at": at.detail.get("alive_at")}


def records(conn: Connection, entity: str | None, status: str | None, after: str, limit: int) -> list[dict[str, Any]]:
    """Records that take part, by key from `after` on."""
    query = select(*(pairs.c[name] for name in COLUMNS)).where(pairs.c.admitted_by.is_not(None), pairs.c.key > after)
    if entity is not None:
        query = query.where(pairs.c.entity == entity)
    if status is not None:
        query = query.where(pairs.c.status.is_(None) if status == "new" else pairs.c.status == status)
    return [dict(row._mapping) for row in conn.execute(query.order_by(pairs.c.key).limit(limit))]


def family(conn: Connection, key: str) -> dict[str, Any]:
    """The record that one belongs to, or None, and those that belong to it, by entity and name."""
    shown = select(*(pairs.c[name] for name in COLUMNS))
    over = select(pairs.c.parent).where(pairs.c.key == key).scalar_subquery()
    parent = conn.execute(shown.where(pairs.c.key == over)).one_or_none()
    mine = shown.where(pairs.c.parent == key).order_by(pairs.c.entity, pairs.c.title, pairs.c.key)
    return {
        "parent": None if parent is None else dict(parent._mapping),
        "children": [dict(row._mapping) for row in conn.execute(mine)],
    }


def record(conn: Connection, key: str, limit: int) -> dict[str, Any] | None:
    """All about one record that a person may need to understand it; None if nothing is known of it."""
    pair = pair_functions.get(conn, key)
    waiting = conn.execute(select(work_table).where(work_table.c.key == key)).one_or_none()
    if pair is None and waiting is None:
        return None

    def of(table: Any, order: Any) -> list[dict[str, Any]]:
        query = select(table).where(table.c.key == key).order_by(order).limit(limit)
        return [dict(row._mapping) for row in conn.execute(query)]

    return {
        "pair": pair,
        "work": None if waiting is None else dict(waiting._mapping),
        "base": of(bases, bases.c.field),
        "conflicts": of(conflicts, conflicts.c.opened_at.desc()),
        "quarantine": of(quarantine, quarantine.c.field),
        "intents": [item for item in of(intents, intents.c.sent_at.desc()) if item["state"] in UNSETTLED],
        "messages": of(messages, messages.c.due_at.desc()),
        "history": of(history, history.c.id.desc()),
    }


def history_page(conn: Connection, key: str | None, before: int | None, limit: int) -> list[dict[str, Any]]:
    """What was done, newest first, from the row before `before` on."""
    return [dict(row._mapping) for row in conn.execute(newest(history, key, before, limit))]


def run(conn: Connection, named: str, limit: int) -> dict[str, Any]:
    """A run with what it has done, oldest first; of a job, by the start of its id, only that. Raises `NotKnown`."""
    rows = conn.execute(select(history).where(undo.within(conn, named)).order_by(history.c.id).limit(limit))
    return {"run": runs.get(conn, named), "history": [dict(row._mapping) for row in rows]}


def events_page(conn: Connection, key: str | None, before: int | None, limit: int) -> list[dict[str, Any]]:
    """Webhook events received, newest first: which attributes they named, not their values."""
    return [
        {"id": row.id, "at": row.at, "key": row.key, "event": row.event, "attributes": sorted(row.body)}
        for row in conn.execute(newest(deliveries, key, before, limit))
    ]


def _count(conn: Connection, query: Any) -> int:
    return int(conn.execute(query).scalar_one())
