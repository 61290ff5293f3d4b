"""How the ledger's statements are run, and the few both SQL dialects spell differently. Knows no table.

Statements every job needs are built once, as constants: building one costs more than running it.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache, partial
from itertools import chain
from typing import Any, NamedTuple

from sqlalchemy import (
    BindParameter,
    ColumnElement,
    Connection,
    Dialect,
    Select,
    Table,
    bindparam,
    literal_column,
    or_,
    select,
)
from sqlalchemy.dialects import postgresql as postgresql_dialect
from sqlalchemy.dialects import sqlite as sqlite_dialect
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert
from sqlalchemy.exc import DBAPIError
from sqlalchemy.sql import dml, visitors
from sqlalchemy.sql.compiler import SQLCompiler

from syncd.model import NOTHING

Insert = sqlite_dialect.Insert | postgresql_dialect.Insert
Statement = Select[*tuple[Any, ...]] | dml.UpdateBase

PREPARED = 256  # statements, by the columns of their rows
BLOCK = 128  # rows in one statement at most


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


class Prepared:
    """A statement of fixed shape, which every job needs: compiled once, then given to SQLite's driver as it is.

    What SQLAlchemy does around a statement takes five to ten times what SQLite takes to find a row by its key. Errors
    are SQLAlchemy's nevertheless. PostgreSQL is spoken to as ever. An `in_` of `listed` values has no fixed shape.
    """

    __slots__ = ("_statement",)

    def __init__(self, statement: Statement) -> None:
        self._statement = statement

    def rows(self, conn: Connection, values: Mapping[str, Any] = NOTHING) -> list[Sequence[Any]]:
        """All rows it finds, columns in its order."""
        if conn.dialect.name != "sqlite":
            return [*conn.execute(self._statement, values)]
        ready = _ready(self._statement, conn.dialect, tuple(values))
        found = _driven(conn, ready.text, ready.ordered(values)).rows
        return [ready.read(row) for row in found] if ready.reads else found

    def first(self, conn: Connection, values: Mapping[str, Any] = NOTHING) -> Sequence[Any] | None:
        """The first row it finds, None where there is none."""
        found = self.rows(conn, values)
        return found[0] if found else None

    def run(self, conn: Connection, values: Mapping[str, Any] = NOTHING) -> int:
        """How many rows it changes. What is named in `values` as a column is what that column is set to."""
        if conn.dialect.name != "sqlite":
            return conn.execute(self._statement, values).rowcount
        ready = _ready(self._statement, conn.dialect, tuple(values))
        return _driven(conn, ready.text, ready.ordered(values)).changed


def run_many(conn: Connection, statement: dml.Insert, rows: Sequence[Mapping[str, Any]]) -> None:
    """As `conn.execute(statement, rows)`, for rows of the same columns.

    SQLAlchemy would gather the statement's own constants anew for each row, which takes it longer than the driver
    takes to store the row.
    """
    ready = _ready(statement, conn.dialect, tuple(rows[0]))
    if conn.dialect.name == "sqlite" and len(rows) == 1:
        _driven(conn, ready.text, ready.ordered(rows[0]))
    else:
        conn.exec_driver_sql(ready.text, [ready.ordered(row) for row in rows])


def run_in_blocks(
    conn: Connection, statement: dml.Insert, columns: tuple[str, ...], rows: Sequence[tuple[Any, ...]]
) -> None:
    """As `run_many`, but many rows in one statement: SQLite's driver waits for Python's lock once, not once per row.

    For rows of different keys, with values as the driver takes them, `columns` in the table's order.
    """
    at = 0
    while at < len(rows):
        count = min(BLOCK, 1 << (len(rows) - at).bit_length() - 1)  # powers of two, so that there are few statements
        text, names = _block(statement, conn.dialect, columns, count)
        values = tuple(chain.from_iterable(rows[at : at + count]))
        if conn.dialect.name == "sqlite":
            _driven(conn, text, values)
        else:
            conn.exec_driver_sql(text, dict(zip(names, values, strict=True)))
        at += count


@dataclass(frozen=True, slots=True)
class _Ready:
    """A compiled statement: its text, and what makes its parameters of values and values of a row."""

    text: str
    ordered: Callable[[Mapping[str, Any]], Any]
    reads: tuple[tuple[int, Callable[[Any], Any]], ...]

    def read(self, row: Sequence[Any]) -> Sequence[Any]:
        """The row with values as our types have them."""
        values = [*row]
        for index, made in self.reads:
            values[index] = made(values[index])
        return values


@lru_cache(maxsize=PREPARED)
def _ready(statement: Statement, dialect: Dialect, names: tuple[str, ...]) -> _Ready:
    """The statement as the driver takes it, for values of these names."""
    compiled = _spelled_out(statement, dialect).compile(dialect=dialect, column_keys=names)
    assert isinstance(compiled, SQLCompiler)
    makers = {
        name: maker
        for name, bind in compiled.binds.items()
        if (maker := bind.type.dialect_impl(dialect).bind_processor(dialect)) is not None
    }
    constants = {name: value for name, value in compiled.params.items() if name not in names}
    stored = {name: makers[name](value) if name in makers else value for name, value in constants.items()}
    given_makers = [(name, makers[name]) for name in names if name in makers]
    order = compiled.positiontup

    def named(values: Mapping[str, Any]) -> dict[str, Any]:
        made = {**stored, **values}
        for name, maker in given_makers:
            made[name] = maker(values[name])
        return made

    def in_order(values: Mapping[str, Any]) -> tuple[Any, ...]:
        return tuple(map(named(values).__getitem__, order or ()))

    return _Ready(str(compiled), named if order is None else in_order, _readers(statement, dialect))


@lru_cache(maxsize=PREPARED)
def _block(
    statement: dml.Insert, dialect: Dialect, columns: tuple[str, ...], count: int
) -> tuple[str, tuple[str, ...]]:
    """The statement for so many rows, and the names of its parameters, row by row."""
    compiled = _spelled_out(statement, dialect).values([dict.fromkeys(columns)] * count).compile(dialect=dialect)
    return str(compiled), tuple(compiled.params)


def _spelled_out(statement: Statement, dialect: Dialect) -> Any:
    """The statement with its constants as part of its text.

    SQLite plans a statement anew each time it is run where a value handed in could decide whether an index of some of
    the rows fits: seven times what running it takes.
    """
    return visitors.replacement_traverse(statement, {}, partial(_as_text, dialect))


def _as_text(dialect: Dialect, element: Any, **_: Any) -> ColumnElement[Any] | None:
    """What stands for a constant; None for anything else, which stays as it is."""
    if not isinstance(element, BindParameter) or element.required or element.value is None:
        return None
    return literal_column(str(element.compile(dialect=dialect, compile_kwargs={"literal_binds": True})), element.type)


def _readers(statement: Any, dialect: Dialect) -> tuple[tuple[int, Callable[[Any], Any]], ...]:
    """What turns a column's stored value into ours, by the place of that column."""
    if not isinstance(statement, Select):
        return ()
    made = (column.type.dialect_impl(dialect).result_processor(dialect, None) for column in statement.selected_columns)
    return tuple((index, one) for index, one in enumerate(made) if one is not None)


class Driven(NamedTuple):
    """The rows a statement found, and how many it changed."""

    rows: list[Any]
    changed: int


def _driven(conn: Connection, text: str, parameters: Any) -> Driven:
    """Run a statement by SQLite's driver, in the transaction `conn` is in or begins now, as SQLAlchemy does."""
    if not conn.in_transaction():
        conn.begin()
    return by_driver(conn, text, parameters)


def by_driver(conn: Connection, text: str, parameters: Any = ()) -> Driven:
    """Have SQLite's driver run this, within a transaction or not; its errors become SQLAlchemy's."""
    driver: Any = conn.connection.dbapi_connection
    try:
        cursor = driver.execute(text, parameters)
        return Driven(cursor.fetchall(), cursor.rowcount)
    except sqlite3.Error as error:
        raise DBAPIError.instance(text, None, error, sqlite3.Error, dialect=conn.dialect) from error


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
