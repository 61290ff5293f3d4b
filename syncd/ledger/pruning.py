"""Forgetting what is settled and old. What is open, in doubt or a tombstone is never touched.

One list of rules serves counting and removing, so that a dry run tells what would really go. Rows go in portions, so
that a running daemon is never kept waiting.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from sqlalchemy import ColumnElement, Connection, Table, delete, func, select, tuple_

from syncd.alarms import State
from syncd.ledger import people
from syncd.ledger.journal import UNSETTLED
from syncd.ledger.runs import RunState
from syncd.ledger.schema import (
    alarms,
    asked,
    conflicts,
    deliveries,
    guarded,
    guards,
    history,
    intents,
    messages,
    runs,
    sightings,
    tallies,
)
from syncd.ledger.store import Ledger

DELIVERY_LIFE = 2 * 86400.0  # seconds a webhook event is evidence of what was typed
SIGHTING_LIFE = 2 * 86400.0  # guards count a day
TALLY_LIFE = 31 * 86400.0  # a month back is as far as the charts go
AT_ONCE = 2000


@dataclass(frozen=True, slots=True)
class Rule:
    """Rows of one table that may go; `what` names them for people."""

    what: str
    table: Table
    where: ColumnElement[bool]


def rules(now: float, days: float) -> tuple[Rule, ...]:
    """What may go at `now` (epoch seconds) when history is kept for so many days."""
    return tuple(_rules(now, now - days * 86400))


def _rules(now: float, old: float) -> Iterator[Rule]:
    yield Rule("history", history, history.c.at < old)
    yield Rule("requests of people", asked, asked.c.at < old)
    yield Rule("finished writes", intents, (intents.c.sent_at < old) & intents.c.state.not_in(UNSETTLED))
    over = conflicts.c.state.in_([people.KEPT, people.SETTLED])
    when = func.coalesce(conflicts.c.settled_at, conflicts.c.opened_at)
    yield Rule("settled conflicts and replaced values", conflicts, over & (when < old))
    yield Rule("closed messages", messages, (messages.c.state == "closed") & (messages.c.due_at < old))
    yield Rule("finished runs", runs, (runs.c.state == RunState.DONE) & (runs.c.ended_at < old))
    yield Rule("alarms that are over", alarms, (alarms.c.state == State.OVER.value) & (alarms.c.over_at < old))
    answered = select(guards.c.id).where(guards.c.closed_at < old)
    yield Rule("what guards let through", guarded, guarded.c.guard_id.in_(answered))
    yield Rule("answered guards", guards, guards.c.closed_at < old)
    yield Rule("sightings", sightings, sightings.c.at < now - SIGHTING_LIFE)
    yield Rule("tallies", tallies, tallies.c.at < now - TALLY_LIFE)
    yield Rule("webhook events", deliveries, deliveries.c.at < now - DELIVERY_LIFE)


def count(conn: Connection, rule: Rule) -> int:
    """How many rows would go."""
    return int(conn.execute(select(func.count()).select_from(rule.table).where(rule.where)).scalar_one())


def remove(conn: Connection, rule: Rule) -> int:
    """Remove one portion; returns how many rows went, fewer than `AT_ONCE` where none are left."""
    names = [rule.table.c[column.name] for column in rule.table.primary_key]
    some = select(*names).where(rule.where).limit(AT_ONCE)
    return conn.execute(delete(rule.table).where(tuple_(*names).in_(some))).rowcount


async def prune(ledger: Ledger, now: float, days: float) -> dict[str, int]:
    """Remove all that may go; how many rows of what."""
    gone: dict[str, int] = {}
    for rule in rules(now, days):
        gone[rule.what] = went = await ledger.write(remove, rule)
        while went == AT_ONCE:
            went = await ledger.write(remove, rule)
            gone[rule.what] += went
    return gone
