"""With what the sessions of the pages are signed, and which have been ended before their time. Knows no user."""

from __future__ import annotations

from dataclasses import dataclass, field

from sqlalchemy import Connection

from syncd.ledger import facts
from syncd.ledger.schema import facts as table
from syncd.ledger.sql import insert_new

_KEY, _ENDED = "ui_key", "ui_ended"


@dataclass(frozen=True)
class Signing:
    """The key, "" before the first session; ids of sessions a person has ended, with the end they would have had."""

    key: str = field(repr=False)
    ended: dict[str, float]


def signing(conn: Connection) -> Signing:
    """What a session is judged by."""
    return Signing(facts.get(conn, _KEY, ""), facts.get(conn, _ENDED, {}))


def make_key(conn: Connection, fresh: str) -> str:
    """The key, from now on `fresh` where there was none."""
    insert_new(conn, table, [{"name": _KEY, "value": fresh}])
    return str(facts.get(conn, _KEY))


def end(conn: Connection, session: str, until: float, now: float) -> None:
    """A person has signed out; what has run out by itself is forgotten."""
    ended = {id: last for id, last in facts.get(conn, _ENDED, {}).items() if last > now}
    facts.put(conn, _ENDED, ended | {session: until})
