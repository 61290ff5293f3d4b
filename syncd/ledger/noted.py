"""What a job asks of many tables at once: which of those that are empty for most records hold anything about one.

A job asks half a dozen of them twice. Answers "maybe": whatever is noted is still to be read from its own table.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Text, cast, exists, select

from mappers.spec import Side
from syncd.guard import missing_kind
from syncd.ledger.journal import UNSETTLED
from syncd.ledger.people import WAITING
from syncd.ledger.schema import (
    conflicts,
    deliveries,
    facts,
    guarded,
    intents,
    messages,
    pairs,
    pauses,
    quarantine,
    sightings,
    work,
)
from syncd.ledger.sql import Prepared, given, one_of
from syncd.ledger.work import TASK, Task, task_of

_KEY = given("of_key")
_MISSING = [missing_kind(side) for side in Side]
_SUCCESSIONS = [f"run:{kind}" for kind in _MISSING]
_TO_BE_CLOSED = ("owed", "posted")

_UNSETTLED = exists().where(intents.c.key == _KEY, one_of(intents.c.state, UNSETTLED))
_CONFLICTS = exists().where(conflicts.c.key == _KEY, one_of(conflicts.c.state, WAITING))
_QUARANTINE = exists().where(quarantine.c.key == _KEY)
_GUARDED = exists().where(guarded.c.key == _KEY)
_PAUSES = exists().select_from(pauses)
_DELIVERIES = exists().where(deliveries.c.key == _KEY, deliveries.c.id > pairs.c.judged_delivery)

BEFORE = (_UNSETTLED, _CONFLICTS, _QUARANTINE, _GUARDED, _PAUSES, _DELIVERIES)
_BEFORE = Prepared(
    select(pairs, *BEFORE, *TASK)
    .select_from(pairs.outerjoin(work, work.c.key == pairs.c.key))
    .where(pairs.c.key == _KEY)
)
_AFTER = Prepared(
    select(
        _UNSETTLED,
        _CONFLICTS,
        _QUARANTINE,
        exists().where(messages.c.key == _KEY, one_of(messages.c.state, _TO_BE_CLOSED)),
        exists().where(one_of(sightings.c.kind, _MISSING), sightings.c.key == _KEY),
        exists().where(one_of(facts.c.name, _SUCCESSIONS), cast(facts.c.value, Text) != "0"),
    )
)


@dataclass(frozen=True, slots=True)
class Before:
    """What a job that begins has to read."""

    intents: bool = True
    conflicts: bool = True
    quarantine: bool = True
    guarded: bool = True
    pauses: bool = True
    deliveries: bool = True


@dataclass(frozen=True, slots=True)
class After:
    """What a job that ends may have to settle; `missing` at this record, `successions` of any."""

    intents: bool
    conflicts: bool
    quarantine: bool
    messages: bool
    missing: bool
    successions: bool


EVERYTHING = Before()
COLUMNS = tuple(pairs.c.keys())


def at_claim(conn: Connection, key: str) -> tuple[dict[str, Any], Before, Task | None] | None:
    """A pair's row, what else there is, and the work that waits for it; None where there is no such pair."""
    row = _BEFORE.first(conn, {"of_key": key})
    if row is None:
        return None
    columns, noted = len(COLUMNS), len(COLUMNS) + len(BEFORE)
    return dict(zip(COLUMNS, row, strict=False)), Before(*map(bool, row[columns:noted])), task_of(row[noted:])


def to_settle(conn: Connection, key: str) -> After:
    """What there is when a job ends."""
    return After(*map(bool, _AFTER.rows(conn, {"of_key": key})[0]))
