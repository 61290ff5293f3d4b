"""The ledger for virtual time: the same statements on the same SQLite, without what costs time and proves nothing here.

Nothing is waited for (in these tests processes die, machines do not), one connection stays open, and statements are
compiled once for all ledgers of a test run.
"""

from __future__ import annotations

import sqlite3
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from sqlalchemy import Connection, Engine, event

from syncd.ledger.call import Call
from syncd.ledger.engines import connect, sqlite_engine, sqlite_url
from syncd.ledger.schema import metadata
from syncd.ledger.store import Inline
from syncd.ledger.trouble import unavailable

_COMPILED: dict[Any, Any] = {}
_PATTERN = sqlite_engine("sqlite://")  # for whose dialect they are compiled
_PATTERN.connect().close()


def without_waiting_for_the_disk(url: str) -> Engine:
    """The ledger's engine as it is but for `fsync`."""
    return _hurried(connect(url))


def _hurried(engine: Engine) -> Engine:
    engine.dialect = _PATTERN.dialect
    engine.update_execution_options(compiled_cache=_COMPILED)

    @event.listens_for(engine, "connect")
    def _hurry(connection: sqlite3.Connection, _record: object) -> None:
        connection.execute("PRAGMA synchronous=OFF")

    return engine


@cache
def empty_ledger() -> bytes:
    """The file of a new ledger."""
    with TemporaryDirectory() as directory:
        path = Path(directory) / "ledger.db"
        path.touch()
        engine = connect(sqlite_url(path))
        metadata.create_all(engine)
        engine.dispose()
        return path.read_bytes()


class OnTheSpot(Inline):
    """Runs each function at once: a reading one on what there is now, a writing one in a transaction of its own."""

    def __init__(self, url: str) -> None:
        super().__init__(_hurried(sqlite_engine(url)))
        self._opened: Connection | None = None

    def _conn(self) -> Connection:
        if self._opened is None:
            self._opened = self._engine.connect()
        return self._opened

    async def read(self, call: Call) -> Any:
        """Nobody else has a turn meanwhile, so no transaction is needed to see one state."""
        with unavailable():
            return call(self._conn())

    async def write(self, call: Call) -> Any:
        """All of it or nothing."""
        with unavailable():
            conn = self._conn()
            conn.exec_driver_sql("BEGIN IMMEDIATE")
            try:
                answer = call(conn)
            except BaseException:
                conn.rollback()
                raise
            conn.exec_driver_sql("COMMIT")
            return answer

    def close(self) -> None:
        """Close the connection; it is opened again when needed."""
        if self._opened is not None:
            self._opened.close()
            self._opened = None
        super().close()
