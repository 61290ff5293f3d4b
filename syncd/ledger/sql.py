"""The few statements both SQL dialects spell differently, or several tables need. Knows no table.

All over the ledger, statements every job needs are built once, as constants: building one costs more than running it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache, lru_cache
from typing import Any

from sqlalchemy import BindParameter, ColumnElement, Connection, Dialect, Select, Table, bindparam, or_, select
from sqlalchemy.dialects import postgresql as postgresql_dialect
from sqlalchemy.dialects import sqlite as sqlite_dialect
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert
from sqlalchemy.sql import dml
from sqlalchemy.sql.compiler import SQLCompiler

Insert = sqlite_dialect.Insert | postgresql_dialect.Insert

PREPARED = 256  # statements, by the columns of their rows


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


def run_many(conn: Connection, statement: dml.Insert, rows: Sequence[Mapping[str, Any]]) -> None:
    """As `conn.execute(statement, rows)`, for rows of the same columns.

    SQLAlchemy would gather the statement's own constants anew for each row, which takes it longer than the driver
    takes to store the row.
    """
    text, values = _prepared(statement, conn.dialect, tuple(rows[0]))
    conn.exec_driver_sql(text, [values(row) for row in rows])


@lru_cache(maxsize=PREPARED)
def _prepared(
    statement: dml.Insert, dialect: Dialect, columns: tuple[str, ...]
) -> tuple[str, Callable[[Mapping[str, Any]], Any]]:
    """The statement as the driver takes it, and what makes its parameters of a row."""
    compiled = statement.compile(dialect=dialect, column_keys=columns)
    assert isinstance(compiled, SQLCompiler)
    makers = {
        name: maker
        for name, bind in compiled.binds.items()
        if (maker := bind.type.dialect_impl(dialect).bind_processor(dialect)) is not None
    }
    constants = {name: value for name, value in compiled.params.items() if name not in columns}
    stored = {name: makers[name](value) if name in makers else value for name, value in constants.items()}

    def named(row: Mapping[str, Any]) -> dict[str, Any]:
        values = {name: makers[name](row[name]) if name in makers else row[name] for name in columns}
        return {**values, **stored}

    order = compiled.positiontup

    def in_order(row: Mapping[str, Any]) -> tuple[Any, ...]:
        values = named(row)
        return tuple(values[name] for name in order or ())

    return str(compiled), named if order is None else in_order


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
    run_many(conn, statement, rows)


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
