"""What is known of Advoware's PUT: whether fields that were not sent kept their values. Knows no record."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any

from sqlalchemy import Connection

from syncd.ledger import facts
from syncd.partial import Trust

FACT = "partial_put"


def look(conn: Connection) -> dict[str, Any]:
    """As it is stored: keeps (true, false, null), proven, by (probe or daemon), at in epoch seconds; {} = unknown."""
    found = facts.get(conn, FACT, {})
    return found if isinstance(found, dict) else {}


def trust(conn: Connection) -> Trust:
    """What a job needs to know."""
    found = look(conn)
    return Trust(found.get("keeps"), frozenset(found.get("proven") or ()))


def prove(conn: Connection, names: Iterable[str], now: float) -> None:
    """A PUT left these fields out and they were kept. What was seen to blank stays distrusted."""
    known = trust(conn)
    if known.keeps is not False:
        _put(conn, True, {*known.proven, *names}, "daemon", now)


def refute(conn: Connection, now: float) -> None:
    """A PUT left fields out and they were gone: from now on whole objects are sent, by every daemon."""
    _put(conn, False, (), "daemon", now)


def measured(conn: Connection, names: Collection[str], now: float) -> None:
    """What `syncd doctor --probe-betnr` has found; no `names`: nothing is kept."""
    _put(conn, bool(names), names, "probe", now)


def _put(conn: Connection, keeps: bool, proven: Iterable[str], by: str, now: float) -> None:
    facts.put(conn, FACT, {"keeps": keeps, "proven": sorted(proven), "by": by, "at": now})
