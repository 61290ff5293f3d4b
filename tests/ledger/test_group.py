"""Where functions run, in which order, and that the loop never waits for a disk or another program."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import Connection

from syncd.ledger import engines, facts
from syncd.ledger.call import brief
from syncd.ledger.engines import connect, sqlite_url
from syncd.ledger.group import GroupCommit
from syncd.ledger.store import Ledger, LedgerUnavailable


@pytest.fixture
def ledger(sqlite_file: Path) -> Iterator[Ledger]:
    opened = Ledger(GroupCommit(connect(sqlite_url(sqlite_file))))
    yield opened
    opened.close()


@brief
def note(conn: Connection, name: str, value: object = 1) -> int:
    """Store a fact; tells which thread has done so."""
    facts.put(conn, name, value)
    return threading.get_ident()


@brief
def fail(conn: Connection) -> None:
    facts.put(conn, "half", "done")
    raise ValueError("only mine")


def at_length(conn: Connection, name: str) -> int:
    """As `note`, but not brief."""
    return note(conn, name)


def stored(file: Path) -> set[str]:
    """The names of what another program sees."""
    with closing(sqlite3.connect(file)) as look:
        return {name for (name,) in look.execute("SELECT name FROM facts")}


async def test_brief_functions_run_in_the_loop_and_others_in_a_thread(ledger: Ledger, sqlite_file: Path) -> None:
    first = await ledger.write(note, "opens")  # opening a file may take long
    assert first != threading.get_ident()
    assert await ledger.write(note, "brief") == threading.get_ident()
    assert await ledger.write(at_length, "long") == first
    assert {await one for one in [ledger.write(note, "a"), ledger.write(at_length, "b")]} == {
        threading.get_ident(),
        first,
    }
    assert stored(sqlite_file) == {"opens", "brief", "long", "a", "b"}


async def test_what_is_asked_for_at_once_is_one_transaction_and_in_order(ledger: Ledger) -> None:
    await ledger.write(note, "opens")
    seen: list[tuple[int, object]] = []

    @brief
    def see(conn: Connection, number: int) -> None:
        seen.append((number, conn.get_transaction()))

    await asyncio.gather(*(ledger.write(see, number) for number in range(20)))
    assert [number for number, _ in seen] == list(range(20))
    assert len({id(transaction) for _, transaction in seen}) == 1


async def test_a_brief_function_that_fails_leaves_nothing_and_harms_no_other(ledger: Ledger, sqlite_file: Path) -> None:
    await ledger.write(note, "opens")
    wishes = [ledger.write(fail) if number % 3 == 0 else ledger.write(note, f"f{number}") for number in range(9)]
    ends = await asyncio.gather(*wishes, return_exceptions=True)
    assert [isinstance(end, ValueError) for end in ends] == [number % 3 == 0 for number in range(9)]
    assert stored(sqlite_file) == {"opens", *(f"f{number}" for number in range(9) if number % 3)}
    assert await ledger.write(note, "after") == threading.get_ident()


async def test_while_another_program_writes_the_loop_goes_on(ledger: Ledger, sqlite_file: Path) -> None:
    await ledger.write(note, "opens")
    with closing(sqlite3.connect(sqlite_file, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        waiting = asyncio.create_task(ledger.write(note, "name"))
        for _ in range(50):  # turns of the loop, in any of which it could hang
            await asyncio.sleep(0.001)
        assert not waiting.done()
        other.execute("ROLLBACK")
    assert await waiting != threading.get_ident()
    assert await ledger.write(note, "again") == threading.get_ident()


async def test_one_that_writes_for_too_long_is_told_to_all_that_wait(
    ledger: Ledger, sqlite_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engines, "BUSY_TIMEOUT_MS", 50)
    await ledger.write(note, "opens")
    await ledger.write(note, "sets how long is waited")
    with closing(sqlite3.connect(sqlite_file, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        ends = await asyncio.gather(*(ledger.write(note, "name") for _ in range(3)), return_exceptions=True)
        other.execute("ROLLBACK")
    assert [type(end) for end in ends] == [LedgerUnavailable] * 3
    assert stored(sqlite_file) == {"opens", "sets how long is waited"}
    await ledger.write(note, "name")


async def test_a_commit_that_fails_is_told_to_all_of_its_group(
    ledger: Ledger, sqlite_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await ledger.write(note, "opens")
    no_parent = "CREATE TABLE child (of INTEGER REFERENCES parent(id) DEFERRABLE INITIALLY DEFERRED)"
    with closing(sqlite3.connect(sqlite_file)) as other:
        other.executescript(f"CREATE TABLE parent (id INTEGER PRIMARY KEY); {no_parent}")

    @brief
    def orphan(conn: Connection) -> None:
        conn.exec_driver_sql("INSERT INTO child VALUES (17)")

    ends = await asyncio.gather(ledger.write(note, "lost"), ledger.write(orphan), return_exceptions=True)
    assert all(isinstance(end, Exception) for end in ends)
    assert stored(sqlite_file) == {"opens"}
    assert await ledger.write(note, "opens again") != threading.get_ident()
    assert await ledger.write(note, "after") == threading.get_ident()


async def test_what_was_asked_for_before_the_close_is_stored_and_answered(sqlite_file: Path) -> None:
    opened = Ledger(GroupCommit(connect(sqlite_url(sqlite_file))))
    await opened.write(note, "opens")
    under_way = asyncio.create_task(opened.write(note, "under way"))
    await asyncio.sleep(0)  # asked for
    await asyncio.sleep(0)  # run, not yet known to be stored
    late = asyncio.create_task(opened.write(note, "late"))
    await asyncio.sleep(0)
    opened.close()
    assert stored(sqlite_file) == {"opens", "under way", "late"}
    assert await under_way == threading.get_ident()
    await late
    with pytest.raises(LedgerUnavailable, match="closed"):
        await opened.write(note, "too late")


def test_loops_may_follow_each_other_and_end_at_any_moment(ledger: Ledger, sqlite_file: Path) -> None:
    async def ask_and_go(number: int) -> None:
        await ledger.write(note, f"whole{number}")
        left = asyncio.create_task(ledger.write(note, f"left{number}"))
        for _ in range(number % 4):
            await asyncio.sleep(0)
        left.cancel()

    for number in range(12):
        asyncio.run(ask_and_go(number))
    asyncio.run(ledger.write(note, "last"))
    assert stored(sqlite_file) >= {"last", *(f"whole{number}" for number in range(12))}


def ask_and_end(ledger: Ledger, name: str, turns: int) -> None:
    """Ask in a loop that makes so many turns, then is closed with whatever it had still to do."""
    loop = asyncio.new_event_loop()
    asking = loop.create_task(ledger.write(note, name))
    for _ in range(turns):
        loop.call_soon(loop.stop)
        loop.run_forever()
    asking._log_destroy_pending = False  # type: ignore[attr-defined]  # left on purpose
    loop.close()


@pytest.mark.parametrize("turns", [1, 2, 3])
def test_a_loop_that_ends_before_its_turn_holds_up_nobody(ledger: Ledger, sqlite_file: Path, turns: int) -> None:
    async def next_one() -> None:
        await asyncio.wait_for(ledger.write(note, "next"), 60)

    asyncio.run(ledger.write(note, "opens"))
    ask_and_end(ledger, "left", turns)
    asyncio.run(next_one())
    assert stored(sqlite_file) == {"opens", "left", "next"}


def test_what_ended_loops_asked_for_is_stored_by_the_close(sqlite_file: Path) -> None:
    opened = Ledger(GroupCommit(connect(sqlite_url(sqlite_file))))
    asyncio.run(opened.write(note, "opens"))
    for name in ("a", "b"):
        ask_and_end(opened, name, 1)
    opened.close()
    assert stored(sqlite_file) == {"opens", "a", "b"}


async def test_an_interruption_in_a_function_leaves_the_ledger_usable(sqlite_file: Path) -> None:
    """As with Ctrl-C: it goes up to the loop; what was interrupted is run by the thread."""
    opened = Ledger(GroupCommit(connect(sqlite_url(sqlite_file))))
    await opened.write(note, "opens")
    runs: list[int] = []

    @brief
    def interrupted(conn: Connection) -> None:
        facts.put(conn, "interrupted", "once")
        runs.append(threading.get_ident())
        if len(runs) == 1:
            raise KeyboardInterrupt

    def in_a_loop_of_its_own() -> None:
        with pytest.raises(KeyboardInterrupt):
            asyncio.run(opened.write(interrupted))

    await asyncio.to_thread(in_a_loop_of_its_own)
    await opened.write(note, "after")
    await asyncio.to_thread(opened.close)
    assert stored(sqlite_file) == {"opens", "interrupted", "after"}
    assert len(set(runs)) == 2


def test_loops_may_ask_at_the_same_time(ledger: Ledger, sqlite_file: Path) -> None:
    async def ask(name: str) -> None:
        for number in range(50):
            await ledger.write(note if number % 5 else at_length, f"{name}{number}")

    threads = [threading.Thread(target=lambda name=name: asyncio.run(ask(name))) for name in "abc"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert stored(sqlite_file) == {f"{name}{number}" for name in "abc" for number in range(50)}
