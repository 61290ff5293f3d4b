"""In which trouble a store is, by what SQLite and PostgreSQL say; a ledger that is damaged is written no more."""

from __future__ import annotations

from pathlib import Path

import pytest
from psycopg import errors
from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError, InternalError, ProgrammingError

from syncd.ledger import facts
from syncd.ledger.engines import connect, sqlite_url
from syncd.ledger.store import Inline, Ledger, LedgerUnavailable
from syncd.ledger.trouble import SAYS, Kind, is_the_store, of


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("database is locked", Kind.LOCKED),
        ("database or disk is full", Kind.FULL),
        ("attempt to write a readonly database", Kind.READ_ONLY),
        ("disk I/O error", Kind.DISK),
        ("database disk image is malformed", Kind.DAMAGED),
        ("file is not a database", Kind.DAMAGED),
        ("unable to open database file", Kind.AWAY),
        ("no such table: facts", Kind.OTHER),
    ],
)
def test_what_sqlite_says_is_told_apart(text: str, kind: Kind) -> None:
    error = LedgerUnavailable(text)
    assert error.kind is kind
    assert error.says == "; ".join(SAYS[kind])


@pytest.mark.parametrize(
    ("cause", "kind"),
    [
        (errors.LockNotAvailable, Kind.LOCKED),
        (errors.DeadlockDetected, Kind.LOCKED),
        (errors.DiskFull, Kind.FULL),
        (errors.TooManyConnections, Kind.AWAY),
        (errors.ReadOnlySqlTransaction, Kind.READ_ONLY),
        (errors.InsufficientPrivilege, Kind.READ_ONLY),
        (errors.InvalidPassword, Kind.LOGIN),
        (errors.AdminShutdown, Kind.AWAY),
        (errors.DataCorrupted, Kind.DAMAGED),
        (errors.IoError, Kind.DISK),
        (errors.OperationalError, Kind.AWAY),
    ],
)
def test_what_postgresql_says_is_told_apart(cause: type[errors.Error], kind: Kind) -> None:
    error = (InternalError if issubclass(cause, errors.InternalError) else DBAPIError)("", {}, cause("told\nat length"))
    if cause is not errors.OperationalError:
        assert is_the_store(error)
    assert of(error).kind is kind
    assert str(of(error)) == "told"


def test_a_mistake_of_ours_is_no_trouble_of_the_store() -> None:
    assert not is_the_store(ProgrammingError("", {}, errors.SyntaxError("near x")))


async def test_after_the_first_damage_nothing_is_written(sqlite_file: Path) -> None:
    ledger = Ledger(Inline(connect(sqlite_url(sqlite_file))))

    def damaged(_: Connection) -> None:
        raise LedgerUnavailable("database disk image is malformed")

    await ledger.write(facts.put, "name", 1)
    with pytest.raises(LedgerUnavailable):
        await ledger.read(damaged)
    with pytest.raises(LedgerUnavailable, match="malformed"):
        await ledger.write(facts.put, "name", 2)
    assert await ledger.read(facts.get, "name") == 1
    ledger.close()


async def test_a_write_that_goes_well_ends_the_trouble(sqlite_file: Path) -> None:
    ledger = Ledger(Inline(connect(sqlite_url(sqlite_file))))

    def full(_: Connection) -> None:
        raise LedgerUnavailable("database or disk is full")

    with pytest.raises(LedgerUnavailable):
        await ledger.write(full)
    told = ledger.failure
    await ledger.write(facts.put, "name", 1)
    assert (told, ledger.failure, ledger.failures) == (ledger.met, None, 1)
    assert told is not None
    ledger.close()
