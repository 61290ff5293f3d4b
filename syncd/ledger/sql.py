"""The few statements both SQL dialects spell differently, or several tables need. Knows no table.

All over the ledger, statements every job needs are built once, as constants: building one costs more than running it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from typing import Any

from sqlalchemy import BindParameter, ColumnElement, Connection, Select, Table, bindparam, or_, select
from sqlalchemy.dialects import postgresql as postgresql_dialect
from sqlalchemy.dialects import sqlite as sqlite_dialect
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert

Insert = sqlite_dialect.Insert | postgresql_dialect.Insert


def given(name: str) -> BindParameter[Any]:
    """A value handed in when a statement is run. Its name must not be that of a column that is set."""
    return bindparam(name)


def listed(name: str) -> BindParameter[Any]:
    """The values for an `in_`, handed in when a statement is run."""
    return bindparam(name, expanding=True)


def one_of(column: ColumnElement[str], values: Iterable[str]) -> ColumnElement[bool]:
    """Whether it is one of these few; unlike an `in_`, which is spelled out anew whenever it is run."""
    return or_(*(column == value for value in values))


def insert_into(conn: Connection, table: Table) -> Insert:
    """An INSERT that can say what to do where the row exists."""
    return inserting(conn.dialect.name, table)


def inserting(dialect: str, table: Table) -> Insert:
    """As `insert_into`, for the dialect of this name."""
    return sqlite_insert(table) if dialect == "sqlite" else postgresql_insert(table)


def upsert(
    conn: Connection,
    table: Table,
    rows: Sequence[Mapping[str, Any]],
    update: Sequence[str] | None = None,
) -> None:
    """Insert rows or overwrite the `update` columns of those that exist (default: all but the primary key)."""
    if not rows:
        return
    statement = _upserting(conn.dialect.name, table, tuple(rows[0] if update is None else update))
    conn.execute(statement, [dict(row) for row in rows])


@cache
def _upserting(dialect: str, table: Table, columns: tuple[str, ...]) -> Insert:
    """The statement that overwrites these columns, but for those of the primary key."""
    keys = [column.name for column in table.primary_key]
    statement = inserting(dialect, table)
    changes = {name: statement.excluded[name] for name in columns if name not in keys}
    if not changes:
        return statement.on_conflict_do_nothing(index_elements=keys)
    return statement.on_conflict_do_update(index_elements=keys, set_=changes)


def insert_new(conn: Connection, table: Table, rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert the rows that do not exist yet."""
    upsert(conn, table, rows, update=())


def newest(table: Table, key: str | None, before: int | None, limit: int) -> Select[Any]:
    """Rows of a log, the latest first: of one record or of all, from the row before `before` on."""
    query = select(table)
    if key is not None:
        query = query.where(table.c.key == key)
    if before is not None:
        query = query.where(table.c.id < before)
    return query.order_by(table.c.id.desc()).limit(limit)
