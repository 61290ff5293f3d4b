"""What happened to a record, in the order of time: changes, conflicts, requests of people, refusals, webhooks."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sqlalchemy import Column, ColumnElement, Connection, Table, select

from syncd.ledger.schema import asked, conflicts, deliveries, history, quarantine


def of_record(conn: Connection, key: str, before: float | None, limit: int) -> list[dict[str, Any]]:
    """The latest first, from `before` (epoch seconds) on; each tells `at`, `kind` and what that kind has.

    Where there are more than `limit` the last instant is left to the next page, unless it is the only one.

    Kinds: change (a value was written), event (something else a job noted), conflict, kept, settled, asked, refused,
    webhook.
    """
    found = sorted(_found(conn, key, before, limit + 1), key=_order, reverse=True)
    if len(found) <= limit:
        return found
    return [one for one in found[:limit] if one["at"] > found[limit]["at"]] or found[:limit]


def _order(one: dict[str, Any]) -> tuple[float, int]:
    """By time; what a job noted at once in the order it did."""
    return one["at"], one["id"] if one["kind"] in ("change", "event") else 0


def _found(conn: Connection, key: str, before: float | None, limit: int) -> Iterator[dict[str, Any]]:
    def rows(table: Table, at: Column[Any], *more: ColumnElement[bool]) -> list[dict[str, Any]]:
        query = select(table).where(table.c.key == key, *more)
        if before is not None:
            query = query.where(at < before)
        order = at.desc() if "id" not in table.c or table is conflicts else table.c.id.desc()
        return [dict(row._mapping) for row in conn.execute(query.order_by(order).limit(limit))]

    names = ("id", "side", "field", "before", "after", "why", "who", "cause", "job", "run")
    for row in rows(history, history.c.at):
        kind = "event" if row["field"] is None else "change"
        yield {"at": row["at"], "kind": kind} | {name: row[name] for name in names}
    for row in rows(conflicts, conflicts.c.opened_at):
        kind = "kept" if row["winner"] is not None else "conflict"
        yield {"at": row["opened_at"], "kind": kind} | _conflict(row)
    for row in rows(conflicts, conflicts.c.settled_at, conflicts.c.settled_at.is_not(None)):
        who = (row["decision"] or {}).get("who")
        yield (
            {"at": row["settled_at"], "kind": "settled", "decided": row["decision"] is not None, "who": who}
            | {name: row[name] for name in ("id", "field")}
            | {"why": row["kind"]}
        )
    for row in rows(asked, asked.c.at):
        yield {"at": row["at"], "kind": "asked"} | {name: row[name] for name in ("id", "what", "about", "who")}
    for row in rows(quarantine, quarantine.c.at):
        yield {"at": row["at"], "kind": "refused"} | {name: row[name] for name in ("side", "field", "value", "reason")}
    for row in rows(deliveries, deliveries.c.at):
        yield {
            "at": row["at"], "kind": "webhook", "id": row["id"], "event": row["event"],
            "attributes": sorted(row["body"]),
        }  # fmt: skip


def _conflict(row: dict[str, Any]) -> dict[str, Any]:
    names = ("id", "field", "espo", "advoware", "base", "winner", "candidates", "state", "espo_by", "advoware_by")
    return {name: row[name] for name in names} | {"why": row["kind"]}
