"""Alarms as every daemon of the installation sees them, and what in the ledger alone is worth one.

Whoever wins a change by the state it came from has made it: so each is told once, however many daemons look.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from sqlalchemy import Connection, delete, func, select, update

from syncd.alarms import Alarm, Change, State, begun
from syncd.ledger import facts, people
from syncd.ledger.pairs import status_counts
from syncd.ledger.schema import alarms, guarded, guards, pauses
from syncd.ledger.sql import insert_into

TELLING = 60.0  # seconds a daemon has to tell before another one does


@dataclass(frozen=True)
class Stopped:
    """A pulled brake and how many records it holds."""

    id: str
    kind: str
    records: int


@dataclass(frozen=True)
class Standing:
    """What the ledger knows that may be worth an alarm, and the alarms remembered. `pauses`: scope and since when."""

    alarms: Mapping[str, Alarm]
    statuses: Mapping[str, int]
    conflicts: int
    guards: tuple[Stopped, ...]
    pauses: Mapping[str, float]
    wrong_setup: Mapping[str, list[str]]
    wrong_webhooks: list[str]
    mixed_up_at: float | None = None  # when a write to a row of a list last struck another row


def standing(conn: Connection) -> Standing:
    """All of it at one moment."""
    stopped = conn.execute(
        select(guards.c.id, guards.c.kind, func.count(guarded.c.key).label("records"))
        .outerjoin(guarded, guarded.c.guard_id == guards.c.id)
        .where(guards.c.state == "stopped")
        .group_by(guards.c.id, guards.c.kind)
    )
    examined = facts.get(conn, "examined", {})
    return Standing(
        alarms=remembered(conn),
        statuses=status_counts(conn),
        conflicts=people.count_waiting(conn),
        guards=tuple(Stopped(row.id, row.kind, row.records) for row in stopped),
        pauses={row.scope: row.since for row in conn.execute(select(pauses.c.scope, pauses.c.since))},
        wrong_setup=examined.get("setup", {}),
        wrong_webhooks=examined.get("webhooks", []),
        mixed_up_at=facts.get(conn, facts.MIXED_UP),
    )


def remembered(conn: Connection) -> dict[str, Alarm]:
    """Every alarm that is not forgotten yet, by cause."""
    return {row.cause: _alarm(row) for row in conn.execute(select(alarms).order_by(alarms.c.since, alarms.c.cause))}


def apply(conn: Connection, changes: Iterable[Change]) -> None:
    """Make changes, each only where nobody else has changed the state meanwhile."""
    for change in changes:
        if change.old is None and change.new is not None:
            row = insert_into(conn, alarms).values(**_row(change.new))
            conn.execute(row.on_conflict_do_nothing(index_elements=["cause"]))
        elif change.old is not None:
            same = (alarms.c.cause == change.old.cause) & (alarms.c.state == change.old.state.value)
            if change.new is None:
                conn.execute(delete(alarms).where(same))
            elif change.new.state is change.old.state and change.new.tell_at == change.old.tell_at:
                # Only what was seen: who tells just now must find what he has put there.
                conn.execute(update(alarms).where(same).values(text=change.new.text, gone_at=change.new.gone_at))
            else:
                conn.execute(update(alarms).where(same, _untold_since(change.old)).values(**_row(change.new)))


def _untold_since(old: Alarm) -> Any:
    """Nobody has told it, or begun to, since it was looked at."""
    return alarms.c.told_at.is_not_distinct_from(old.told_at) & alarms.c.tell_at.is_not_distinct_from(old.tell_at)


def claim(conn: Connection, now: float) -> list[Alarm]:
    """Take what is to be told now; no other daemon tells it within the next minute."""
    mine = []
    for alarm in [_alarm(row) for row in conn.execute(select(alarms).where(alarms.c.tell_at <= now))]:
        still = (alarms.c.cause == alarm.cause) & (alarms.c.state == alarm.state.value) & (alarms.c.tell_at <= now)
        taken = begun(alarm)
        if conn.execute(update(alarms).where(still).values(tell_at=now + TELLING, tries=taken.tries)).rowcount:
            mine.append(taken)
    return mine


def settle(conn: Connection, after: Alarm) -> None:
    """What came of telling it; nothing if it has gone on meanwhile."""
    same = (alarms.c.cause == after.cause) & (alarms.c.state == after.state.value)
    values = {"told_at": after.told_at, "tell_at": after.tell_at, "tries": after.tries}
    conn.execute(update(alarms).where(same).values(**values))


def keep(conn: Connection, alarm: Alarm) -> None:
    """Remember one that was told without the ledger, for people to find; nothing more is told of it."""
    row = _row(alarm) | {"tell_at": None}
    changes = {name: value for name, value in row.items() if name != "cause"}
    conn.execute(insert_into(conn, alarms).values(**row).on_conflict_do_update(index_elements=["cause"], set_=changes))


def listing(conn: Connection) -> list[dict[str, Any]]:
    """What is raised now, longest first, and what is over, latest first."""
    found = [alarm for alarm in remembered(conn).values() if alarm.state is not State.NOTICED]
    raised = [alarm for alarm in found if alarm.state is State.RAISED]
    over = sorted((alarm for alarm in found if alarm.state is State.OVER), key=lambda one: -(one.over_at or 0))
    return [_shown(alarm) for alarm in (*raised, *over)]


def raised(conn: Connection) -> list[dict[str, Any]]:
    """What is raised now."""
    return [alarm for alarm in listing(conn) if alarm["state"] == State.RAISED.value]


def _shown(alarm: Alarm) -> dict[str, Any]:
    names = ("cause", "text", "since", "over_at", "told_at", "tries")
    return {name: getattr(alarm, name) for name in names} | {
        "state": alarm.state.value,
        "waits_to_be_told": alarm.tell_at is not None,
    }


def _alarm(row: Any) -> Alarm:
    values = dict(row._mapping)
    return Alarm(**values | {"state": State(values["state"])})


def _row(alarm: Alarm) -> dict[str, Any]:
    return asdict(alarm) | {"state": alarm.state.value}
