"""What the ledger knows of itself. Knows no record."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, delete, select

from syncd.ledger.schema import facts, pauses, secrets
from syncd.ledger.sql import Prepared, given, upsert

MIXED_UP = "row_mixed_up_at"  # when a write to a row of a list last struck another row
ALIVE_SLACK = 120.0  # seconds between two heartbeats that are no gap in memory

_VALUE = Prepared(select(facts.c.value).where(facts.c.name == given("of_name")))
_PAUSES = Prepared(select(pauses.c.scope, pauses.c.why).order_by(pauses.c.scope))


def get(conn: Connection, name: str, default: Any = None) -> Any:
    """One fact, or the default."""
    found = _VALUE.first(conn, {"of_name": name})
    return default if found is None or found[0] is None else found[0]


def put(conn: Connection, name: str, value: Any) -> None:
    """Remember one fact."""
    upsert(conn, facts, [{"name": name, "value": value}])


def differing(conn: Connection, identity: dict[str, str]) -> str | None:
    """What is wrong where the ledger belongs to other systems than these."""
    known = get(conn, "identity")
    if known is None or known == identity:
        return None
    names = ", ".join(sorted(name for name in {*known, *identity} if known.get(name) != identity.get(name)))
    return f"the ledger belongs to another installation ({names} differ)"


def start(conn: Connection, identity: dict[str, str], now: float) -> str | None:
    """Open the ledger for these systems; returns what is wrong where it belongs to others.

    The first start is remembered for good: records made before it take part only when admitted.
    A pause in the heartbeat becomes a gap: what EspoCRM says happened in it, this ledger has forgotten.
    """
    wrong = differing(conn, identity)
    if wrong is not None:
        return wrong
    put(conn, "identity", identity)
    if get(conn, "first_start") is None:
        put(conn, "first_start", now)
    alive = get(conn, "alive_at")
    if alive is not None and now - alive > ALIVE_SLACK:
        forgot(conn, alive + ALIVE_SLACK, now)
    put(conn, "alive_at", now)
    return None


def forgot(conn: Connection, start: float, end: float) -> None:
    """What happened between these times is not in this ledger; the last 50 such gaps are remembered."""
    put(conn, "gaps", [*get(conn, "gaps", [])[-49:], [start, end]])


def beat(conn: Connection, now: float) -> None:
    """The ledger is alive now."""
    put(conn, "alive_at", now)


def signs(conn: Connection) -> dict[str, Any]:
    """When a daemon was alive, polled, had a success (0.0: never), what is paused, and what an examination found."""
    times = {name: get(conn, name, 0.0) for name in ("alive_at", "polled_at", "worked_at")}
    return times | {"examined": get(conn, "examined", {}), "pauses": list_pauses(conn)}


def worked(conn: Connection, at: float) -> None:
    """A job succeeded then; of several daemons the latest counts."""
    if at > get(conn, "worked_at", 0.0):
        put(conn, "worked_at", at)


def set_pause(conn: Connection, scope: str, why: str, now: float) -> None:
    """Stop `all`, `entity:<name>` or `side:<side>` until a person resumes it."""
    upsert(conn, pauses, [{"scope": scope, "since": now, "why": why}])


def scopes(entity: str, side: str) -> tuple[str, str, str]:
    """The pauses that forbid writing a record of this entity to this side."""
    return "all", f"entity:{entity}", f"side:{side}"


def paused_by(conn: Connection, entity: str, side: str) -> str | None:
    """The pause that forbids writing a record of this entity to this side now; None if nothing does."""
    paused = list_pauses(conn)
    return next((scope for scope in scopes(entity, side) if scope in paused), None)


def is_paused(conn: Connection, scope: str) -> bool:
    """Whether exactly this is paused; whoever ends it waits for the end of this transaction."""
    query = select(pauses.c.scope).where(pauses.c.scope == scope).with_for_update(read=True)
    return conn.execute(query).first() is not None


def end_pause(conn: Connection, scope: str) -> bool:
    """Resume; false if it was not paused."""
    return conn.execute(delete(pauses).where(pauses.c.scope == scope)).rowcount > 0


def list_pauses(conn: Connection) -> dict[str, str]:
    """Scope and reason of everything that is paused."""
    return dict(_PAUSES.rows(conn))  # type: ignore[arg-type]


def webhook_secrets(conn: Connection) -> dict[str, str]:
    """Secret per webhook id, of the webhooks this daemon registered."""
    return {row.webhook_id: row.secret for row in conn.execute(select(secrets))}
