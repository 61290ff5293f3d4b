"""Brings a ledger to the shape this program knows, and refuses one of a later program.

Everything happens in one transaction, one program at a time. Knows nothing of what is stored.
"""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, make_url, text

from syncd.ledger.engines import companions, connect
from syncd.ledger.store import LedgerUnavailable
from syncd.ledger.trouble import Kind, unavailable
from syncd.private import keep_private

MIGRATIONS = Path(__file__).parent / "migrations"
_LOCK = 7_305_811  # PostgreSQL advisory lock: any number, but the same in every version


class WrongRevision(Exception):
    """The ledger has another shape than this program needs; the text says what to do."""


def upgrade(url: str) -> list[str]:
    """Bring the ledger to the latest revision; returns the revisions applied, none if it was there.

    Raises `WrongRevision` for a ledger of a later program, `LedgerUnavailable` where it cannot be opened.
    """
    applied: list[str] = []
    with _opened(url) as engine, engine.connect().execution_options(syncd_write=True) as conn, conn.begin():
        if conn.dialect.name == "postgresql":
            conn.execute(text("SELECT pg_advisory_xact_lock(:number)"), {"number": _LOCK})
        _check_known(conn)
        config = _config()
        config.attributes["connection"] = conn
        config.attributes["on_version_apply"] = lambda step, **_: applied.append(str(step.up_revision_id))
        command.upgrade(config, "head")
    return applied


def is_current(url: str) -> bool:
    """Whether the ledger has the shape this program needs. Raises as `upgrade` does."""
    with _opened(url) as engine, engine.connect() as conn:
        return _check_known(conn) == _script().get_current_head()


def prepare(url: str) -> list[str]:
    """What a start does: an own SQLite file is upgraded, a shared server's ledger must be current already.

    Other daemons may be at work on a server, so a person chooses the moment. Raises as `upgrade` does.
    """
    if make_url(url).get_backend_name() == "sqlite":
        return upgrade(url)
    if not is_current(url):
        raise WrongRevision("the ledger has an older form: stop all daemons and run `syncd db upgrade`")
    return []


def _check_known(conn: Connection) -> str | None:
    """The ledger's revision, None where it is empty."""
    found = MigrationContext.configure(conn).get_current_revision()
    if found is not None and found not in {script.revision for script in _script().walk_revisions()}:
        raise WrongRevision(f"the ledger was written by a later version of syncd (revision {found}): update syncd")
    return found


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    return config


def _script() -> ScriptDirectory:
    return ScriptDirectory.from_config(_config())


def _make_private(url: str) -> None:
    """People's data: the file is readable by its owner only; SQLite gives its companions the same rights.

    No file is made beside a journal: SQLite would take it for a stray one, and empty it.
    """
    parts = make_url(url)
    if parts.get_backend_name() != "sqlite" or parts.database in (None, "", ":memory:"):
        return
    file = Path(str(parts.database))
    if not file.exists() and companions(file)[0].exists():
        raise LedgerUnavailable(f"{file.name} is gone, and what its journal holds waits for it", Kind.ORPHANED)
    try:
        file.touch(mode=0o600, exist_ok=True)
        for one in (file, *companions(file)):
            keep_private(one, 0o600)
    except OSError as error:
        raise _cannot_open(error) from None


def _cannot_open(error: OSError) -> LedgerUnavailable:
    kinds = {errno.EROFS: Kind.READ_ONLY, errno.EACCES: Kind.READ_ONLY, errno.ENOSPC: Kind.FULL}
    kind = kinds.get(error.errno or 0, Kind.AWAY)
    return LedgerUnavailable(f"the ledger's file cannot be opened: {error.strerror}", kind)


@contextmanager
def _opened(url: str) -> Iterator[Engine]:
    _make_private(url)
    engine = connect(url)
    try:
        with unavailable():
            yield engine
    finally:
        engine.dispose()
