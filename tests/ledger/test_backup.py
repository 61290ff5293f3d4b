"""Copies of the ledger: complete, private, never over something else, and never under a running daemon."""

from __future__ import annotations

import sqlite3
import stat
from pathlib import Path

import pytest

from syncd.ledger import facts
from syncd.ledger.backup import restore, save
from syncd.ledger.choices import Refusal
from syncd.ledger.engines import sqlite_url
from syncd.ledger.store import open_ledger

IDENTITY = {"espocrm": "https://crm.example/api/v1", "kanzlei": "4711", "database": "db"}
NOW = 1_800_000_000.0


@pytest.fixture
async def file(sqlite_file: Path) -> Path:
    """A ledger whose daemon was alive at `NOW`."""
    ledger = open_ledger(sqlite_url(sqlite_file))
    await ledger.write(facts.start, IDENTITY, NOW)
    ledger.close()
    return sqlite_file


async def fact(file: Path, name: str) -> object:
    ledger = open_ledger(sqlite_url(file))
    try:
        return await ledger.read(facts.get, name)
    finally:
        ledger.close()


def databases(folder: Path) -> list[Path]:
    return sorted(folder.rglob("*.db*"))


async def test_a_copy_holds_what_was_committed_while_the_ledger_is_in_use(file: Path, tmp_path: Path) -> None:
    ledger = open_ledger(sqlite_url(file))
    try:
        await ledger.write(facts.put, "word", "only in the write-ahead log")
        save(file, tmp_path / "copy.db")
        await ledger.write(facts.put, "word", "later")
    finally:
        ledger.close()
    assert stat.S_IMODE((tmp_path / "copy.db").stat().st_mode) == 0o600
    assert [path.name for path in databases(tmp_path) if "copy.db" in path.name] == ["copy.db"]
    assert await fact(tmp_path / "copy.db", "word") == "only in the write-ahead log"


def test_a_copy_replaces_no_file(file: Path, tmp_path: Path) -> None:
    (tmp_path / "mine").write_text("dear to somebody")
    with pytest.raises(Refusal, match="exists already"):
        save(file, tmp_path / "mine")
    with pytest.raises(Refusal, match="No such file or directory"):
        save(file, tmp_path / "nowhere" / "copy.db")
    assert (tmp_path / "mine").read_text() == "dear to somebody"


async def test_a_restored_ledger_knows_what_it_has_forgotten_and_the_other_one_is_kept(
    file: Path, tmp_path: Path
) -> None:
    save(file, tmp_path / "copy.db")
    ledger = open_ledger(sqlite_url(file))
    await ledger.write(facts.put, "word", "later")
    ledger.close()
    done = restore(tmp_path / "copy.db", file, IDENTITY, NOW + 60)
    assert (done.of, done.pairs) == (NOW, 0)
    assert await fact(file, "word") is None
    assert await fact(file, "gaps") == [[NOW - 10, NOW + 60]]
    assert done.kept is not None
    assert await fact(done.kept, "word") == "later"


async def test_a_ledger_in_use_is_not_replaced(file: Path, tmp_path: Path) -> None:
    save(file, tmp_path / "copy.db")
    before = databases(tmp_path)
    ledger = open_ledger(sqlite_url(file))
    try:
        await ledger.write(facts.put, "word", "of the running daemon")
        with pytest.raises(Refusal, match="stop the daemon first"):
            restore(tmp_path / "copy.db", file, IDENTITY, NOW + 60)
        assert await ledger.read(facts.get, "word") == "of the running daemon"
    finally:
        ledger.close()
    assert databases(tmp_path) == before


@pytest.mark.parametrize("content", [b"", b"no database at all", b"SQLite format 3\0" + b"\xff" * 5000])
async def test_what_is_no_backup_is_refused(file: Path, tmp_path: Path, content: bytes) -> None:
    (tmp_path / "copy.db").write_bytes(content)
    with pytest.raises(Refusal, match="no backup of a ledger"):
        restore(tmp_path / "copy.db", file, IDENTITY, NOW)
    with pytest.raises(Refusal, match="No such file or directory"):
        restore(tmp_path / "nowhere", file, IDENTITY, NOW)
    assert await fact(file, "alive_at") == NOW


async def test_the_backup_of_another_firm_is_refused(file: Path, tmp_path: Path) -> None:
    save(file, tmp_path / "copy.db")
    with pytest.raises(Refusal, match="another firm"):
        restore(tmp_path / "copy.db", file, IDENTITY | {"kanzlei": "815"}, NOW)
    assert await fact(file, "gaps") is None


def damage(file: Path) -> None:
    file.write_bytes(b"\0" * 8192)
    file.with_name(file.name + "-wal").write_bytes(b"\0" * 8192)


async def test_a_ledger_damaged_beyond_reading_is_replaced_and_its_leftovers_do_not_spoil_the_new_one(
    file: Path, tmp_path: Path
) -> None:
    save(file, tmp_path / "copy.db")
    damage(file)
    done = restore(tmp_path / "copy.db", file, IDENTITY, NOW)
    assert done.kept is not None
    assert done.kept.read_bytes() == b"\0" * 8192
    with sqlite3.connect(file) as found:
        assert found.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    assert await fact(file, "alive_at") == NOW


def lose(file: Path, journal: bytes) -> None:
    file.unlink()
    file.with_name(file.name + "-wal").write_bytes(journal)


async def test_a_journal_whose_file_is_gone_does_not_spoil_the_copy(file: Path, tmp_path: Path) -> None:
    save(file, tmp_path / "copy.db")
    ledger = open_ledger(sqlite_url(file))
    await ledger.write(facts.put, "word", "later")
    left = file.with_name(file.name + "-wal").read_bytes()
    ledger.close()
    lose(file, left)
    assert restore(tmp_path / "copy.db", file, IDENTITY, NOW + 60).kept is None
    assert await fact(file, "word") is None
    assert await fact(file, "gaps") == [[NOW - 10, NOW + 60]]
