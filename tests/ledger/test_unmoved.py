"""A ledger whose files somebody moves under it: no other file is opened or made, and nothing is lost."""

from __future__ import annotations

import asyncio
import shutil
import sqlite3
import threading
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass
from pathlib import Path

import pytest
from sqlalchemy import Connection

from syncd.ledger import facts
from syncd.ledger.engines import sqlite_url
from syncd.ledger.store import Ledger, LedgerUnavailable, open_ledger
from syncd.ledger.trouble import Kind
from syncd.ledger.upgrade import prepare


@dataclass(frozen=True)
class Files:
    """The ledger's file, its journal, and what somebody does to them."""

    file: Path

    @property
    def journal(self) -> Path:
        return self.file.with_name("ledger.db-wal")

    @property
    def copy(self) -> Path:
        return self.file.with_name("copy.db")

    def move_away(self) -> None:
        self.file.rename(self.file.with_name("aside.db"))

    def move_back(self) -> None:
        self.file.with_name("aside.db").rename(self.file)

    def put_copy_there(self) -> None:
        self.copy.rename(self.file)

    def remove_journal(self) -> None:
        self.journal.unlink()

    def there(self) -> list[str]:
        """Which of the two are there."""
        return [one.name for one in (self.file, self.journal) if one.exists()]

    def kept(self) -> list[tuple[str]]:
        """What a program that opens the file afterwards finds in it."""
        with closing(sqlite3.connect(self.file)) as look:
            assert look.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
            found: list[tuple[str]] = look.execute("SELECT value FROM facts WHERE name = 'name'").fetchall()
            return found


@pytest.fixture
def files(sqlite_file: Path) -> Files:
    return Files(sqlite_file)


@pytest.fixture
async def ledger(files: Files) -> AsyncIterator[Ledger]:
    """A copy of its file was made before the first thing was typed."""
    shutil.copy(files.file, files.copy)
    opened = open_ledger(sqlite_url(files.file))
    await opened.write(facts.put, "name", "typed")
    yield opened
    opened.close()


@asynccontextmanager
async def one_connection_in_use(ledger: Ledger) -> AsyncIterator[None]:
    """Who reads now needs another one."""
    begun, held = threading.Event(), threading.Event()

    def hold(conn: Connection) -> None:
        facts.get(conn, "name")
        begun.set()
        held.wait(30)

    holding = asyncio.create_task(ledger.read(hold))
    await asyncio.to_thread(begun.wait, 30)
    try:
        yield
    finally:
        held.set()
        await holding


async def refused(call: Callable[[], Awaitable[object]]) -> Kind:
    with pytest.raises(LedgerUnavailable) as told:
        await call()
    return told.value.kind


async def test_a_file_moved_away_and_back_goes_on_with_all_it_held(ledger: Ledger, files: Files) -> None:
    async with one_connection_in_use(ledger):
        files.move_away()
        assert await refused(lambda: ledger.read(facts.get, "name")) is Kind.REPLACED
        assert await refused(lambda: ledger.write(facts.put, "name", "lost")) is Kind.REPLACED
        assert files.there() == ["ledger.db-wal"]
        files.move_back()
        assert await ledger.read(facts.get, "name") == "typed"
    await ledger.write(facts.put, "name", "typed again")
    ledger.close()
    assert files.kept() == [('"typed again"',)]


async def test_a_copy_put_in_its_place_is_not_opened(ledger: Ledger, files: Files) -> None:
    with closing(sqlite3.connect(files.file)) as other:
        other.execute("PRAGMA wal_checkpoint(TRUNCATE)")  # so that it makes a difference which file is read
    async with one_connection_in_use(ledger):
        files.move_away()
        files.put_copy_there()
        assert await refused(lambda: ledger.read(facts.get, "name")) is Kind.REPLACED
        files.move_back()
        assert await ledger.read(facts.get, "name") == "typed"
    ledger.close()
    assert files.kept() == [('"typed"',)]


async def test_what_stood_in_a_journal_that_was_removed_is_in_the_file_at_the_end(ledger: Ledger, files: Files) -> None:
    async with one_connection_in_use(ledger):
        files.remove_journal()
        assert await refused(lambda: ledger.read(facts.get, "name")) is Kind.REPLACED
        assert files.there() == ["ledger.db"]
    assert await ledger.read(facts.get, "name") == "typed"
    ledger.close()
    assert files.kept() == [('"typed"',)]


async def test_no_new_ledger_is_made_beside_a_journal_that_waits_for_its_file(ledger: Ledger, files: Files) -> None:
    url = sqlite_url(files.file)
    files.move_away()
    with pytest.raises(LedgerUnavailable) as told:
        prepare(url)
    assert told.value.kind is Kind.ORPHANED
    assert files.there() == ["ledger.db-wal"]
    files.move_back()
    prepare(url)
    assert await ledger.read(facts.get, "name") == "typed"
