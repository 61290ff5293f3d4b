"""Migrations make just the tables the program knows, once, and never touch the ledger of a later program."""

from __future__ import annotations

import re
from importlib import import_module
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection, insert, inspect, select, text

from syncd.ledger.engines import connect, sqlite_url
from syncd.ledger.schema import bases, metadata, pairs
from syncd.ledger.store import LedgerUnavailable
from syncd.ledger.upgrade import WrongRevision, is_current, prepare, upgrade

REVISIONS = ["0001", "0002", "0003", "0004", "0005", "0006", "0007", "0008"]


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def empty(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """URL of a store in which nothing is."""
    if request.param == "sqlite":
        return sqlite_url(tmp_path / "ledger.db")
    return str(request.getfixturevalue("postgres_empty"))


def _set_revision(url: str, revision: str) -> None:
    engine = connect(url)
    with engine.begin() as conn:
        conn.execute(text("UPDATE alembic_version SET version_num = :revision"), {"revision": revision})
    engine.dispose()


def _shape(conn: Connection) -> dict[str, object]:
    """Columns with their defaults, and indexes with their conditions, as the store itself tells them."""
    if conn.dialect.name == "sqlite":
        rows = conn.execute(text("SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL"))
        return {
            name: sorted(re.split(r",\s+", re.sub(r"\s+", " ", sql.replace('"', ""))))
            for name, sql in rows
            if name != "alembic_version" and not name.startswith("sqlite_")
        }
    columns = conn.execute(
        text(
            "SELECT table_name || '.' || column_name, data_type || '|' || coalesce(character_maximum_length, 0) || '|' "
            "|| is_nullable || '|' || coalesce(column_default, '') FROM information_schema.columns "
            "WHERE table_schema = 'public' AND table_name <> 'alembic_version'"
        )
    )
    indexes = conn.execute(
        text(
            "SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = 'public' AND tablename <> 'alembic_version'"
        )
    )
    return {row[0]: row[1] for row in [*columns, *indexes]}


def test_a_new_ledger_gets_every_table_the_program_knows(empty: str) -> None:
    assert upgrade(empty) == REVISIONS
    engine = connect(empty)
    with engine.connect() as conn:
        assert compare_metadata(MigrationContext.configure(conn), metadata) == []
        assert set(inspect(conn).get_table_names()) == {*metadata.tables, "alembic_version"}
    engine.dispose()


def test_migrated_tables_are_the_declared_ones_down_to_defaults_and_conditions_of_indexes(empty: str) -> None:
    upgrade(empty)
    engine = connect(empty)
    with engine.connect() as conn:
        migrated = _shape(conn)
    with engine.connect().execution_options(syncd_write=True) as conn, conn.begin():
        metadata.drop_all(conn)
        metadata.create_all(conn)
    with engine.connect() as conn:
        assert _shape(conn) == migrated
    engine.dispose()
    assert len(migrated) > len(metadata.tables)


def test_an_upgrade_fills_in_the_names_both_sides_agreed_on(empty: str) -> None:
    upgrade(empty)
    engine = connect(empty)
    base = {"rule": "r", "advoware": None}
    with engine.connect().execution_options(syncd_write=True) as conn, conn.begin():
        for number in range(3):
            conn.execute(insert(pairs).values(key=f"beteiligte/{number}", entity="beteiligte"))
        conn.execute(insert(bases).values(key="beteiligte/0", field="name", espo=" Groß ", **base))
        conn.execute(insert(bases).values(key="beteiligte/0", field="vorname", espo="Änne", **base))
        conn.execute(insert(bases).values(key="beteiligte/2", field="name", espo=None, **base))
        import_module("syncd.ledger.migrations.versions.0005_finding")._fill(conn)
    with engine.connect() as conn:
        found = conn.execute(select(pairs.c.title, pairs.c.sought).order_by(pairs.c.key)).all()
    engine.dispose()
    assert [tuple(row) for row in found] == [("Groß, Änne", "gross aenne"), ("", ""), ("", "")]


def test_an_upgrade_of_a_current_ledger_changes_nothing(empty: str) -> None:
    assert not is_current(empty)
    upgrade(empty)
    assert is_current(empty)
    assert upgrade(empty) == []
    assert prepare(empty) == []


def test_a_ledger_of_a_later_program_is_refused_in_one_line(empty: str) -> None:
    upgrade(empty)
    _set_revision(empty, "9999")
    for refused in (upgrade, is_current, prepare):
        with pytest.raises(WrongRevision, match=r"^the ledger was written by a later version .* 9999\): update syncd$"):
            refused(empty)


def test_a_failing_migration_leaves_nothing_behind(tmp_path: Path) -> None:
    url = sqlite_url(tmp_path / "ledger.db")
    (tmp_path / "ledger.db").touch()
    engine = connect(url)
    with engine.begin() as conn:
        conn.execute(text("CREATE TABLE work (something_else TEXT)"))
    engine.dispose()
    with pytest.raises(LedgerUnavailable):
        upgrade(url)
    engine = connect(url)
    with engine.connect() as conn:
        assert inspect(conn).get_table_names() == ["work"]
    engine.dispose()


def test_the_start_upgrades_an_own_file(tmp_path: Path) -> None:
    assert prepare(sqlite_url(tmp_path / "ledger.db")) == REVISIONS


@pytest.mark.postgres
def test_the_start_leaves_a_shared_server_to_a_person(postgres_empty: str) -> None:
    with pytest.raises(WrongRevision, match="syncd db upgrade"):
        prepare(postgres_empty)


def test_a_new_file_is_for_its_owner_only(tmp_path: Path) -> None:
    path = tmp_path / "ledger.db"
    upgrade(sqlite_url(path))
    assert path.stat().st_mode & 0o077 == 0


def test_a_ledger_that_cannot_be_opened_is_said_to_be(tmp_path: Path) -> None:
    with pytest.raises(LedgerUnavailable):
        upgrade(sqlite_url(tmp_path / "no" / "such" / "directory" / "ledger.db"))
