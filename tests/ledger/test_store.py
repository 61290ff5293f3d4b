"""What is answered is on disk; one failing function harms no other, and a store in trouble is said to be."""

from __future__ import annotations

import asyncio
import gc
import sqlite3
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Connection, text

from syncd.ledger import engines, facts
from syncd.ledger.engines import connect, sqlite_url
from syncd.ledger.group import GroupCommit
from syncd.ledger.store import Inline, Ledger, LedgerUnavailable, Pooled


def _fail(conn: Connection) -> None:
    facts.put(conn, "half", "done")
    raise ValueError("only mine")


@pytest.fixture
def grouped(sqlite_file: Path) -> Iterator[Ledger]:
    opened = Ledger(GroupCommit(connect(sqlite_url(sqlite_file))))
    yield opened
    opened.close()


async def test_a_failing_function_leaves_nothing_and_harms_no_other(ledger: Ledger) -> None:
    wishes = [ledger.write(_fail) if turn % 3 == 0 else ledger.write(facts.put, f"f{turn}", turn) for turn in range(30)]
    ends = await asyncio.gather(*wishes, return_exceptions=True)
    assert [isinstance(end, ValueError) for end in ends] == [turn % 3 == 0 for turn in range(30)]
    assert [await ledger.read(facts.get, f"f{turn}") for turn in (1, 29)] == [1, 29]
    assert await ledger.read(facts.get, "half") is None


async def test_what_waits_goes_into_one_commit(grouped: Ledger, sqlite_file: Path) -> None:
    held, holding = threading.Event(), threading.Event()
    first: list[Connection] = []

    def hold(conn: Connection) -> None:
        first.append(conn)
        holding.set()
        held.wait(30)

    transactions: list[object] = []

    def note(conn: Connection, turn: int) -> None:
        transactions.append(conn.get_transaction())
        facts.put(conn, f"f{turn}", turn)

    waiting = asyncio.create_task(grouped.write(hold))
    await asyncio.to_thread(holding.wait, 30)
    others = [asyncio.create_task(grouped.write(note, turn)) for turn in range(20)]
    await asyncio.sleep(0)  # each has handed its function over
    held.set()
    await asyncio.gather(waiting, *others)
    assert len(transactions) == 20
    assert len(set(transactions)) == 1
    with sqlite3.connect(sqlite_file) as look:
        assert look.execute("SELECT count(*) FROM facts").fetchone() == (20,)


async def test_what_was_answered_survives_the_death_of_the_process(
    grouped: Ledger, sqlite_file: Path, tmp_path: Path
) -> None:
    await grouped.write(facts.put, "kept", "yes")
    copy = tmp_path / "copy.db"
    for suffix in ("", "-wal"):
        found = sqlite_file.with_name(sqlite_file.name + suffix)
        if found.exists():
            copy.with_name(copy.name + suffix).write_bytes(found.read_bytes())
    with sqlite3.connect(copy) as look:
        assert look.execute("SELECT value FROM facts WHERE name = 'kept'").fetchone() == ('"yes"',)


async def test_the_promises_rest_on_these_pragmas(grouped: Ledger) -> None:
    def pragmas(conn: Connection) -> list[object]:
        names = ("journal_mode", "synchronous", "foreign_keys")
        return [conn.execute(text(f"PRAGMA {name}")).scalar_one() for name in names]

    assert await grouped.read(pragmas) == ["wal", 2, 1]


@pytest.mark.parametrize("runner", [Inline, GroupCommit])
async def test_a_locked_file_is_a_ledger_that_is_not_available(
    runner: type[Inline] | type[GroupCommit], sqlite_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engines, "BUSY_TIMEOUT_MS", 50)
    opened = Ledger(runner(connect(sqlite_url(sqlite_file))))
    other = sqlite3.connect(sqlite_file, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    ends = await asyncio.gather(*(opened.write(facts.put, "name", 1) for _ in range(3)), return_exceptions=True)
    assert [type(end) for end in ends] == [LedgerUnavailable] * 3
    other.execute("ROLLBACK")
    other.close()
    await opened.write(facts.put, "name", 2)
    assert await opened.read(facts.get, "name") == 2
    opened.close()


@pytest.mark.parametrize("runner", [Inline, GroupCommit])
async def test_a_full_disk_is_a_ledger_that_is_not_available(
    runner: type[Inline] | type[GroupCommit], sqlite_file: Path
) -> None:
    opened = Ledger(runner(connect(sqlite_url(sqlite_file))))

    def crowded(conn: Connection) -> None:
        """As many pages as there are now, and not one more."""
        pages = conn.execute(text("PRAGMA page_count")).scalar_one()
        conn.execute(text(f"PRAGMA max_page_count={pages}"))
        facts.put(conn, "secret", "Geheimmandant" * 100_000)

    with pytest.raises(LedgerUnavailable) as told:
        await opened.write(crowded)
    assert "Geheimmandant" not in str(told.value)
    assert told.value.__suppress_context__

    def roomy(conn: Connection) -> None:
        conn.execute(text("PRAGMA max_page_count=1000000"))
        facts.put(conn, "after", "fine")

    await opened.write(roomy)
    assert await opened.read(facts.get, "secret") is None
    opened.close()


async def test_a_caller_that_gives_up_harms_no_other(grouped: Ledger) -> None:
    impatient = asyncio.create_task(grouped.write(facts.put, "one", 1))
    await asyncio.sleep(0)
    impatient.cancel()
    await grouped.write(facts.put, "two", 2)
    assert await grouped.read(facts.get, "two") == 2


async def test_what_a_caller_that_gave_up_would_have_been_told_is_no_complaint(
    sqlite_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engines, "BUSY_TIMEOUT_MS", 300)
    complaints: list[object] = []
    asyncio.get_running_loop().set_exception_handler(lambda _loop, context: complaints.append(context))
    opened = Ledger(GroupCommit(connect(sqlite_url(sqlite_file))))
    other = sqlite3.connect(sqlite_file, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.05):
            await opened.write(facts.put, "name", 1)
    with pytest.raises(LedgerUnavailable):
        await opened.write(facts.put, "name", 2)
    other.execute("ROLLBACK")
    other.close()
    opened.close()
    gc.collect()
    await asyncio.sleep(0)
    assert complaints == []


@pytest.mark.postgres
async def test_a_server_that_goes_away_is_said_to_be_and_found_again(postgres_url: str) -> None:
    opened = Ledger(Pooled(connect(postgres_url)))
    await opened.write(facts.put, "name", 1)

    def suicide(conn: Connection) -> None:
        conn.execute(text("SELECT pg_terminate_backend(pg_backend_pid())"))

    with pytest.raises(LedgerUnavailable):
        await opened.write(suicide)
    assert await opened.read(facts.get, "name") == 1
    opened.close()


@pytest.mark.postgres
async def test_no_server_is_a_ledger_that_is_not_available(tmp_path: Path) -> None:
    opened = Ledger(Pooled(connect(f"postgresql://syncd@/ledger?host={tmp_path}")))
    with pytest.raises(LedgerUnavailable):
        await opened.read(facts.get, "name")
    opened.close()
