"""Which of the tables that are empty for most records hold anything about one, asked in one statement.

A job asks half a dozen of them twice. Answers "maybe": whatever is noted is still to be read from its own table.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, Text, cast, exists, select

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
)
from syncd.ledger.sql import given, one_of

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
_BEFORE = select(pairs, *BEFORE).where(pairs.c.key == _KEY)
_AFTER = select(
    _UNSETTLED,
    _CONFLICTS,
    _QUARANTINE,
    exists().where(messages.c.key == _KEY, one_of(messages.c.state, _TO_BE_CLOSED)),
    exists().where(one_of(sightings.c.kind, _MISSING), sightings.c.key == _KEY),
    exists().where(one_of(facts.c.name, _SUCCESSIONS), cast(facts.c.value, Text) != "0"),
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


def row_and_noted(conn: Connection, key: str) -> tuple[dict[str, Any], Before]:
    """A pair's row, which must be there, and what else there is."""
    row = conn.execute(_BEFORE, {"of_key": key}).one()
    columns = len(pairs.c)
    return dict(zip(pairs.c.keys(), row[:columns], strict=True)), Before(*_truths(row[columns:]))


def to_settle(conn: Connection, key: str) -> After:
    """What there is when a job ends."""
    return After(*_truths(conn.execute(_AFTER, {"of_key": key}).one()))


def _truths(values: Row[Any] | Iterable[Any]) -> Iterable[bool]:
    return (bool(value) for value in values)
