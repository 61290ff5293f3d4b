"""Engines for the ledger's stores, with what its promises rest on. Knows no table."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event, make_url

from syncd.ledger.sql import by_driver
from syncd.ledger.trouble import LedgerUnavailable
from syncd.ledger.unmoved import Unmoved

BUSY_TIMEOUT_MS = 10_000  # for which another program's lock is waited for


def connect(url: str) -> Engine:
    """An engine with the pragmas the ledger's promises rest on. It makes no file: `upgrade` does."""
    if not url.startswith("sqlite"):
        return _to_server(url)
    engine = sqlite_engine(url)
    file = Path(make_url(url).database or "")
    unmoved = Unmoved(file)

    @event.listens_for(engine, "do_connect")
    def _connect(_dialect: object, _record: object, _args: list[Any], parameters: dict[str, Any]) -> sqlite3.Connection:
        unmoved.check_opening()
        opened: sqlite3.Connection = sqlite3.connect(f"{file.as_uri()}?mode=rw", uri=True, **parameters)
        try:
            unmoved.check_opening()  # nor was it moved just now
        except LedgerUnavailable:
            opened.close()
            raise
        return opened

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        immediate = connection.get_execution_options().get("syncd_write", False)
        unmoved.check_file()
        by_driver(connection, "BEGIN IMMEDIATE" if immediate else "BEGIN")
        if immediate:
            try:
                unmoved.check_journal()
            except LedgerUnavailable:
                by_driver(connection, "ROLLBACK")
                raise

    return engine


def _to_server(url: str) -> Engine:
    from syncd.ledger.impatient import connected

    engine = create_engine(url, pool_pre_ping=True, pool_size=8, max_overflow=8)

    @event.listens_for(engine, "do_connect")
    def _connect(_dialect: object, _record: object, args: list[Any], parameters: dict[str, Any]) -> object:
        return connected(*args, **parameters)

    return engine


def sqlite_engine(url: str) -> Engine:
    """An engine whose connections have these pragmas; transactions are the caller's affair."""
    engine = create_engine(
        url,
        connect_args={"timeout": BUSY_TIMEOUT_MS / 1000, "check_same_thread": False},
    )

    @event.listens_for(engine, "connect")
    def _pragmas(connection: sqlite3.Connection, _record: object) -> None:
        connection.isolation_level = None  # transactions begin where we say, not where the driver guesses
        for pragma in (
            "journal_mode=WAL",
            "synchronous=FULL",
            "foreign_keys=ON",
            "secure_delete=ON",  # what is erased is overwritten, whatever this SQLite was built with
            f"busy_timeout={BUSY_TIMEOUT_MS}",
        ):
            connection.execute(f"PRAGMA {pragma}")

    return engine


def sqlite_url(path: Path) -> str:
    """The URL of the default ledger; a path is not a place for surprises, so it is made absolute."""
    return f"sqlite:///{path.resolve()}"


def companions(file: Path) -> tuple[Path, ...]:
    """The files SQLite puts beside one of its own."""
    return tuple(file.with_name(file.name + ending) for ending in ("-wal", "-shm", "-journal"))


def never_wait(conn: Connection) -> None:
    """From now on, where another program has SQLite's file locked, that is said at once."""
    by_driver(conn, "PRAGMA busy_timeout=0")


@contextmanager
def waiting(conn: Connection) -> Iterator[None]:
    """Meanwhile another program's lock is waited for."""
    by_driver(conn, f"PRAGMA busy_timeout={BUSY_TIMEOUT_MS}")
    try:
        yield
    finally:
        never_wait(conn)
