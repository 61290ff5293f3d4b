"""What can be wrong in a ledger, and putting right what can be without losing anything a person entered.

Open conflicts, writes in doubt, tombstones and replaced values are told and never removed. Most mending is putting a
record to work: a job judges with all its checks. Knows neither system.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from sqlalchemy import ColumnElement, Connection, Table, delete, exists, func, inspect, or_, select, text
from sqlalchemy.exc import DatabaseError

from syncd.lanes import Lane
from syncd.ledger import people, work
from syncd.ledger.journal import UNSETTLED
from syncd.ledger.schema import (
    bases,
    conflicts,
    guarded,
    imports,
    intents,
    metadata,
    pairs,
    quarantine,
    sightings,
    staged,
)
from syncd.ledger.schema import deliveries as deliveries_table
from syncd.ledger.schema import work as work_table
from syncd.ledger.store import is_the_store
from syncd.ledger.work import Cause, Due
from syncd.model import IntentState, PairState, Trust

DAY = 86400.0  # seconds; what is younger may still be on its way
_OUT = (PairState.EXCLUDED, PairState.TOMBSTONE)
_FORGETTABLE = (bases, quarantine, sightings, guarded)  # of a record nobody knows they say nothing to anybody

_WORDS: Mapping[tuple[Table, str], Collection[Any]] = {
    (pairs, "state"): tuple(PairState),
    (pairs, "trust"): tuple(Trust),
    (work_table, "cause"): tuple(Cause),
    (work_table, "lane"): tuple(int(lane) for lane in Lane),
    (intents, "state"): tuple(IntentState),
    (conflicts, "state"): (people.OPEN, people.DECIDED, people.KEPT, people.SETTLED),
}


class Mend(StrEnum):
    """How a finding is put right."""

    LOOK = "put to work"
    DROP = "its work dropped"
    FORGET = "removed"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong. `key`: the record, empty where it is about the ledger. No `mend`: a person must act."""

    defect: str
    key: str
    text: str
    mend: Mend | None = None
    table: str = ""
    cause: Cause = Cause.EVENT


# --- the store --------------------------------------------------------------------------------


def integrity(conn: Connection) -> list[Finding]:
    """Whether SQLite finds its file whole; PostgreSQL looks after its own. Reads the whole file."""
    if conn.dialect.name != "sqlite":
        return []
    try:
        found = [row[0] for row in conn.execute(text("PRAGMA integrity_check(20)"))]
    except DatabaseError as error:  # damaged where even the check cannot go on
        if not is_the_store(error):
            raise
        found = [str(error.orig)]
    restore = "stop syncd and restore the ledger from a backup, or start with an empty one: pairs are found again"
    return [Finding("damaged", "", f"{said}: {restore}") for said in found if said != "ok"]


def shape(conn: Connection) -> list[Finding]:
    """Tables, columns and indexes this program needs and does not find. Others are nobody's harm."""
    looked, found = inspect(conn), list[Finding]()
    there = set(looked.get_table_names())
    for table in metadata.sorted_tables:
        if table.name not in there:
            found.append(_misshapen(f"table {table.name} is missing"))
            continue
        columns = {column["name"] for column in looked.get_columns(table.name)}
        indexes = {index["name"] for index in looked.get_indexes(table.name)}
        found += [_misshapen(f"{table.name}.{one.name} is missing") for one in table.columns if one.name not in columns]
        found += [_misshapen(f"index {one.name} is missing") for one in table.indexes if one.name not in indexes]
    return found


def _misshapen(what: str) -> Finding:
    return Finding("shape", "", f"{what}: somebody changed the ledger by hand; restore it from a backup")


# --- what is in it ----------------------------------------------------------------------------


def find(conn: Connection, entities: Collection[str], now: float) -> list[Finding]:
    """Everything wrong in the rows, for the entities this program knows by name; the shape must be right."""
    found = [
        *_foreign_words(conn),
        *_doubles(conn, entities),
        *_orphans(conn),
        *_work_of_nobody(conn, entities, now),
        *_bases_of_nobody(conn),
        *_old_intents(conn, now),
        *_undone_decisions(conn, now),
        *_forgotten(conn, now),
    ]
    # One look is enough for a record, and its first reason says why.
    seen = set[tuple[Mend | None, str, str]]()
    return [one for one in found if one.mend is not Mend.LOOK or _is_new((one.mend, one.key, one.cause), seen)]


def _is_new(what: tuple[Mend | None, str, str], seen: set[tuple[Mend | None, str, str]]) -> bool:
    known = what in seen
    seen.add(what)
    return not known


def _foreign_words(conn: Connection) -> Iterator[Finding]:
    for (table, name), known in _WORDS.items():
        column = table.c[name]
        query = select(table.c.key, column).where(column.not_in(list(known))).order_by(table.c.key)
        for key, word in conn.execute(query):
            yield Finding("foreign_word", key, f"{table.name}.{name} is {word!r}, which this program does not know")


def _doubles(conn: Connection, entities: Collection[str]) -> Iterator[Finding]:
    living = pairs.c.state == PairState.LINKED
    query = (
        select(pairs.c.entity, pairs.c.advoware_id)
        .where(living, pairs.c.advoware_id.is_not(None))
        .group_by(pairs.c.entity, pairs.c.advoware_id)
        .having(func.count() > 1)
    )
    for entity, number in conn.execute(query).all():
        same = (pairs.c.entity == entity) & (pairs.c.advoware_id == number)
        keys = list(conn.execute(select(pairs.c.key).where(living, same).order_by(pairs.c.key)).scalars())
        todo = f"also linked to {number}: {', '.join(keys)}; `syncd exclude` the wrong ones"
        yield from (Finding("double_advoware", key, todo) for key in keys)
    keys_of: dict[str, list[str]] = {}
    for key, entity, number, state in conn.execute(
        select(pairs.c.key, pairs.c.entity, pairs.c.advoware_id, pairs.c.state).order_by(pairs.c.key)
    ):
        named, _, espo_id = key.partition("/")
        keys_of.setdefault(espo_id, []).append(key)
        if entity != named or entity not in entities:
            yield Finding("foreign_key", key, f"named {named!r}, kept as {entity!r}; there is {', '.join(entities)}")
        if state == PairState.LINKED and number is None:
            yield Finding("no_counterpart", key, "linked, but to no number: `syncd exclude` it and `include` it again")
    for keys in keys_of.values():
        if len(keys) > 1:
            yield from (Finding("double_espocrm", key, f"one record, kept as {' and '.join(keys)}") for key in keys)


def _orphans(conn: Connection) -> Iterator[Finding]:
    """Rows about a record that has no pair."""
    # Events, imports and plans of a dry run may come before their record is known.
    skipped = {pairs.name, work_table.name, deliveries_table.name, imports.name, staged.name}
    for table in metadata.sorted_tables:
        if "key" not in table.columns or table.name in skipped:
            continue
        query = select(table.c.key, func.count()).where(~_known(table)).group_by(table.c.key).order_by(table.c.key)
        if table in _FORGETTABLE:
            for key, count in conn.execute(query):
                yield Finding("orphan", key, f"{count} rows in {table.name}", Mend.FORGET, table.name)
        elif table is intents:
            for key, count in conn.execute(query.where(intents.c.state.not_in(UNSETTLED))):
                yield Finding("orphan", key, f"{count} finished writes in intents", Mend.FORGET, intents.name)
            for key, count in conn.execute(query.where(intents.c.state.in_(UNSETTLED))):
                yield Finding("orphan", key, f"{count} writes in doubt: `syncd sync` the record, a job looks them up")
        else:
            for key, count in conn.execute(query):
                yield Finding("orphan", key, f"{count} rows in {table.name}: {_KEPT}")


_KEPT = "kept, since people's values are in it; pruned in time, or at once by `syncd erase`"


def _known(table: Table) -> ColumnElement[bool]:
    return exists().where(pairs.c.key == table.c.key)


def _waits(table: Table) -> ColumnElement[bool]:
    return exists().where(work_table.c.key == table.c.key)


def _work_of_nobody(conn: Connection, entities: Collection[str], now: float) -> Iterator[Finding]:
    query = select(work_table.c.key, work_table.c.since, _known(work_table)).order_by(work_table.c.key)
    for key, since, known in conn.execute(query):
        if key.partition("/")[0] not in entities:
            yield Finding("work_of_nobody", key, "waits, and is of no entity there is", Mend.DROP, work_table.name)
        elif not known and since < now - DAY:
            yield Finding("work_of_nobody", key, "waits for more than a day, unknown", Mend.DROP, work_table.name)


def _bases_of_nobody(conn: Connection) -> Iterator[Finding]:
    """What was agreed on with nobody; linking would forget it too."""
    query = (
        select(bases.c.key, func.count())
        .join(pairs, pairs.c.key == bases.c.key)
        .where(pairs.c.advoware_id.is_(None))
        .group_by(bases.c.key)
        .order_by(bases.c.key)
    )
    for key, count in conn.execute(query):
        yield Finding("base_without_link", key, f"{count} fields agreed on, but linked to nobody", Mend.FORGET, "bases")


def _old_intents(conn: Connection, now: float) -> Iterator[Finding]:
    query = (
        select(intents.c.key, pairs.c.state, func.count())
        .join(pairs, pairs.c.key == intents.c.key)
        .where(intents.c.state.in_(UNSETTLED), intents.c.sent_at < now - DAY, pairs.c.claimed_until <= now)
        .group_by(intents.c.key, pairs.c.state)
        .order_by(intents.c.key)
    )
    for key, state, count in conn.execute(query):
        what = f"{count} writes in doubt for more than a day"
        if state in _OUT:
            yield Finding("old_intent", key, f"{what}; the record is {state}: look in Advoware whether they were made")
        else:
            yield Finding("old_intent", key, what, Mend.LOOK)


def _undone_decisions(conn: Connection, now: float) -> Iterator[Finding]:
    query = (
        select(conflicts.c.key, conflicts.c.id, pairs.c.state)
        .join(pairs, pairs.c.key == conflicts.c.key)
        .where(conflicts.c.state == people.DECIDED, ~_waits(conflicts), pairs.c.claimed_until <= now)
        .order_by(conflicts.c.key)
    )
    for key, conflict, state in conn.execute(query):
        out = state in _OUT
        what = f"conflict {conflict} is decided, and nothing carries it out"
        todo = f"{what}: the record is {state}, `syncd include` it" if out else what
        yield Finding("undone_decision", key, todo, None if out else Mend.LOOK)


def _forgotten(conn: Connection, now: float) -> Iterator[Finding]:
    """Records that wait for a time at which nobody will look at them."""
    lost: Iterable[tuple[str, ColumnElement[bool], Cause]] = (
        ("a status is owed to EspoCRM", pairs.c.owed.is_not(None), Cause.PROJECT),
        ("a retry is due", pairs.c.next_try_at <= now, Cause.RETRY),
        (
            "linked, and never to be looked at",
            (pairs.c.state == PairState.LINKED)
            & pairs.c.parent.is_(None)  # whoever looks at its parent sees a child
            & or_(pairs.c.next_check_at.is_(None), pairs.c.check_every.is_(None)),
            Cause.EVENT,
        ),
    )
    for what, where, cause in lost:
        query = (
            select(pairs.c.key)
            .where(where, pairs.c.state.not_in(_OUT), ~_waits(pairs), pairs.c.claimed_until <= now)
            .where(pairs.c.admitted_by.is_not(None))
            .order_by(pairs.c.key)
        )
        for key in conn.execute(query).scalars():
            yield Finding("forgotten", key, f"{what}, but no work waits", Mend.LOOK, cause=cause)


# --- mending ----------------------------------------------------------------------------------


def mend(conn: Connection, entities: Collection[str], now: float) -> list[Finding]:
    """Put right what can be, as it is found now; returns what was. One transaction."""
    mendable = [one for one in find(conn, entities, now) if one.mend is not None]
    for one in mendable:
        table = metadata.tables.get(one.table)
        if table is not None:
            conn.execute(delete(table).where(table.c.key == one.key, _still(one, table)))
    looks = [Due(one.key, Lane.RETRY, one.cause, now) for one in mendable if one.mend is Mend.LOOK]
    for cause in Cause:
        work.put(conn, [due for due in looks if due.cause is cause], now)
    return mendable


def _still(one: Finding, table: Table) -> ColumnElement[bool]:
    """What makes the rows nobody's, asked again by the statement that removes them."""
    if one.defect == "base_without_link":
        return exists().where(pairs.c.key == table.c.key, pairs.c.advoware_id.is_(None))
    if table is intents:
        return ~_known(table) & intents.c.state.not_in(UNSETTLED)
    if table is work_table:
        return work_table.c.key == one.key
    return ~_known(table)
