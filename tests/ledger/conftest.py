"""Ledgers on real stores: a SQLite file run both ways, and PostgreSQL where it is installed (always in CI)."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Iterator
from itertools import count
from pathlib import Path

import pytest
from sqlalchemy import create_engine, make_url, text

from syncd.ledger.engines import connect, sqlite_url
from syncd.ledger.group import GroupCommit
from syncd.ledger.store import Inline, Ledger, Pooled
from syncd.ledger.upgrade import upgrade
from tests import postgres
from tests.ready import ready_ledger

_numbers = count(1)


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """URL of a running server whose database `ready` holds an empty ledger."""
    binaries = postgres.programs()
    if binaries is None:
        if os.environ.get("CI"):
            pytest.fail("PostgreSQL is not installed (apt install postgresql)")
        pytest.skip("PostgreSQL is not installed")
    with postgres.server(binaries) as url:
        _create(url, "ready", "template1")
        upgrade(_of(url, "ready"))
        yield url


@pytest.fixture
def postgres_url(postgres_server: str) -> str:
    """A database of its own with an empty ledger."""
    name = f"ledger{next(_numbers)}"
    _create(postgres_server, name, "ready")
    return _of(postgres_server, name)


@pytest.fixture
def postgres_empty(postgres_server: str) -> str:
    """A database of its own in which nothing is."""
    name = f"empty{next(_numbers)}"
    _create(postgres_server, name, "template1")
    return _of(postgres_server, name)


@pytest.fixture
def sqlite_file(tmp_path: Path) -> Path:
    """A SQLite file of its own with an empty ledger."""
    return ready_ledger(tmp_path)


@pytest.fixture(params=["inline", "group commit", pytest.param("postgresql", marks=pytest.mark.postgres)])
async def ledger(request: pytest.FixtureRequest, sqlite_file: Path) -> AsyncIterator[Ledger]:
    """An empty ledger, run in each of the three ways."""
    match request.param:
        case "inline":
            opened = Ledger(Inline(connect(sqlite_url(sqlite_file))))
        case "group commit":
            opened = Ledger(GroupCommit(connect(sqlite_url(sqlite_file))))
        case _:
            opened = Ledger(Pooled(connect(request.getfixturevalue("postgres_url"))))
    yield opened
    opened.close()


def _create(url: str, name: str, template: str) -> None:
    engine = create_engine(url, isolation_level="AUTOCOMMIT")
    with engine.connect() as conn:
        conn.execute(text(f'CREATE DATABASE "{name}" TEMPLATE "{template}"'))
    engine.dispose()


def _of(url: str, database: str) -> str:
    return make_url(url).set(database=database).render_as_string(hide_password=False)
