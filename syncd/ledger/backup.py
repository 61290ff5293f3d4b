"""Copies of a SQLite ledger: taken while a daemon works on it, and put back while nobody does.

A ledger that was put back knows from when on it has forgotten, so that records synced since are held and no
old value wins. Knows nothing of what is stored. A ledger on a server is copied by the server's own tools.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import func, select

from syncd.ledger import facts
from syncd.ledger.choices import Refusal
from syncd.ledger.engines import companions, connect, sqlite_url
from syncd.ledger.schema import pairs
from syncd.ledger.store import LedgerUnavailable
from syncd.ledger.upgrade import upgrade
from syncd.private import keep_private

BEAT = 10.0  # seconds: what a daemon synced since its last heartbeat is not in the copy
PATIENCE = 10.0  # seconds to wait for a lock


@dataclass(frozen=True)
class Restored:
    """`of`: last heartbeat in the copy, epoch seconds; `pairs` it knows; `kept`: the ledger that was there before."""

    of: float | None
    pairs: int
    kept: Path | None


def save(ledger: Path, target: Path) -> int:
    """A consistent copy of the ledger in a new file for its owner only; returns its bytes.

    Raises `Refusal` where the target cannot be made, `LedgerUnavailable` where the ledger cannot be read.
    """
    if os.path.lexists(target):
        raise Refusal(f"{target} exists already: give another name")
    part = target.with_name(f".{target.name}.part")
    with _new(part, target):
        try:
            _copy(ledger, part)
        except sqlite3.Error as error:
            raise LedgerUnavailable(str(error)) from None
        _sync(part)
        try:
            os.link(part, target)  # unlike a rename it never replaces a file that came into being meanwhile
        except OSError as error:
            raise Refusal(f"{target} cannot be made ({error.strerror})") from None
    _sync(target.parent)
    return target.stat().st_size


def restore(source: Path, ledger: Path, identity: Mapping[str, str], now: float) -> Restored:
    """Put a copy in the ledger's place; what was there is kept beside it. `now` in epoch seconds.

    Raises `Refusal` for a file that is no such copy, or while somebody uses the ledger, and `WrongRevision`.
    """
    part = ledger.with_name(f"{ledger.name}.restoring")
    part.unlink(missing_ok=True)
    with _new(part, ledger):
        _copy_checked(source, part)
        upgrade(sqlite_url(part))
        of, count = _mark_forgotten(part, identity, now)
        _alone(part)
        _sync(part)
        _check_unused(ledger)
        kept = _set_aside(ledger, now)
        part.replace(ledger)
    _sync(ledger.parent)
    return Restored(of, count, kept)


@contextmanager
def _new(file: Path, meant: Path) -> Iterator[None]:
    """An empty file for its owner only, gone at the end with what SQLite puts beside it. `meant`: what it is to be."""
    try:
        os.close(os.open(file, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    except OSError as error:
        raise Refusal(f"{meant} cannot be made ({error.strerror})") from None
    try:
        yield
    finally:
        for one in (file, *companions(file)):
            one.unlink(missing_ok=True)


def _open(file: Path) -> sqlite3.Connection:
    return sqlite3.connect(f"{file.resolve().as_uri()}?mode=rw", uri=True, timeout=PATIENCE, isolation_level=None)


def _copy(source: Path, target: Path) -> None:
    """All of it as it is at one moment, in one file, found to be sound."""
    with closing(_open(source)) as reading, closing(_open(target)) as writing:
        reading.backup(writing)
        writing.execute("PRAGMA journal_mode=DELETE")
        found = writing.execute("PRAGMA quick_check(1)").fetchone()[0]
    if found != "ok":
        raise sqlite3.DatabaseError("the file is damaged")


def _copy_checked(source: Path, target: Path) -> None:
    try:
        source.open("rb").close()
    except OSError as error:
        raise Refusal(f"{source} cannot be read ({error.strerror})") from None
    tables: set[str] = set()
    with suppress(sqlite3.Error):
        _copy(source, target)
        with closing(_open(target)) as reading:
            tables = {row[0] for row in reading.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    if not {"facts", "pairs", "alembic_version"} <= tables:
        raise Refusal(f"{source}: this is no backup of a ledger, or it is damaged")


def _mark_forgotten(file: Path, identity: Mapping[str, str], now: float) -> tuple[float | None, int]:
    """What happened since the copy was taken is a gap in its memory (docs/adr/0008)."""
    engine = connect(sqlite_url(file))
    try:
        with engine.connect().execution_options(syncd_write=True) as conn, conn.begin():
            wrong = facts.differing(conn, dict(identity))
            if wrong is not None:
                raise Refusal(f"{wrong}: this backup is of another firm")
            alive: float | None = facts.get(conn, "alive_at")
            if alive is not None:
                facts.forgot(conn, alive - BEAT, now)
            count: int = conn.execute(select(func.count()).select_from(pairs)).scalar_one()
        return alive, count
    finally:
        engine.dispose()


def _alone(file: Path) -> None:
    """Leave the mode that needs companion files; the next start takes it up again. Fails while others have it open."""
    with closing(_open(file)) as connection:
        connection.execute("PRAGMA journal_mode=DELETE").fetchone()


def _check_unused(ledger: Path) -> None:
    if not ledger.exists():
        return
    try:
        _alone(ledger)
    except sqlite3.OperationalError:
        raise Refusal(f"somebody uses {ledger}: stop the daemon first, and wait for commands to end") from None
    except sqlite3.DatabaseError:
        """So damaged that nobody works with it: that is what a backup is for."""


def _set_aside(ledger: Path, now: float) -> Path | None:
    """The ledger's second name; it keeps its own until the copy takes it, so that there always is one.

    A journal left behind goes aside also where its file is gone: SQLite would write what it holds into the copy.
    """
    kept = ledger.with_name(f"{ledger.name}.replaced-{int(now)}")
    for own, second in zip(companions(ledger), companions(kept), strict=True):
        if own.exists():
            keep_private(own, 0o600)
            own.replace(second)
    if not ledger.exists():
        return None
    try:
        keep_private(ledger, 0o600)
        os.link(ledger, kept)
    except OSError as error:
        raise Refusal(f"{kept} cannot be made ({error.strerror})") from None
    return kept


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
