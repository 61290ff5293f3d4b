"""What can be wrong with the ledger's store, told apart: locked, full, damaged, away. For people and for readiness.

Knows what SQLite and PostgreSQL say, and nothing of what is stored. No text of theirs beyond the first line is kept.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from enum import StrEnum

from sqlalchemy.exc import DatabaseError, DBAPIError, OperationalError


class Kind(StrEnum):
    """In which trouble the store is."""

    LOCKED = "locked"
    FULL = "full"
    READ_ONLY = "read_only"
    DISK = "disk"
    DAMAGED = "damaged"
    REPLACED = "replaced"
    ORPHANED = "orphaned"
    LOGIN = "login"
    AWAY = "away"
    OTHER = "other"


# What people are told, and what to do.
SAYS: Mapping[Kind, tuple[str, str]] = {
    Kind.LOCKED: ("another program holds it locked", "find and end that program"),
    Kind.FULL: ("its disk is full", "make room"),
    Kind.READ_ONLY: ("it may only be read", "see the rights of its files, and whether its disk is mounted read-only"),
    Kind.DISK: ("its disk fails", "see the disk, and limits on the size of files"),
    Kind.DAMAGED: ("it is damaged", "stop the daemon and restore the last backup"),
    Kind.REPLACED: ("its file was removed or replaced", "put it back, or restart the daemon"),
    Kind.ORPHANED: (
        "its file is gone, its journal is not",
        "put it back, or move its -wal and -shm away as well",
    ),
    Kind.LOGIN: ("its server refuses us", "correct DATABASE_URL, or its users there"),
    Kind.AWAY: ("it does not answer", "see DATABASE_URL and SYNCD_STATE_DIR"),
    Kind.OTHER: ("it cannot be used", "see DATABASE_URL and SYNCD_STATE_DIR"),
}

_BY_WORDS = (
    ("locked", Kind.LOCKED),
    ("disk is full", Kind.FULL),
    ("readonly database", Kind.READ_ONLY),
    ("disk I/O error", Kind.DISK),
    ("malformed", Kind.DAMAGED),
    ("not a database", Kind.DAMAGED),
    ("damaged", Kind.DAMAGED),
    ("unable to open", Kind.AWAY),
)
# PostgreSQL's codes by their beginning, the longest that fits.
_BY_CODE = {
    "55P03": Kind.LOCKED,
    "40": Kind.LOCKED,
    "53100": Kind.FULL,
    "53": Kind.AWAY,
    "25006": Kind.READ_ONLY,
    "42501": Kind.READ_ONLY,
    "58": Kind.DISK,
    "XX001": Kind.DAMAGED,
    "XX002": Kind.DAMAGED,
    "28": Kind.LOGIN,
    "3D000": Kind.LOGIN,
    "08": Kind.AWAY,
    "57": Kind.AWAY,
    "25P03": Kind.AWAY,
    "XX": Kind.OTHER,
}


class LedgerUnavailable(Exception):
    """The SQL store cannot be used now (locked, full, gone). Nothing of the transaction may be believed."""

    def __init__(self, text: str, kind: Kind | None = None) -> None:
        super().__init__(text)
        self.kind = kind or next((one for words, one in _BY_WORDS if words in text), Kind.OTHER)

    @property
    def says(self) -> str:
        """What is wrong and what to do, for people."""
        return "; ".join(SAYS[self.kind])

    @property
    def todo(self) -> str:
        """What to do."""
        return SAYS[self.kind][1]


def is_the_store(error: DBAPIError) -> bool:
    """Whether the store itself is in trouble, not the statement. SQLite says so of a damaged file by the bare class."""
    if isinstance(error, OperationalError) or error.connection_invalidated or type(error) is DatabaseError:
        return True
    return _by_code(error) is not None


def _by_code(error: DBAPIError) -> Kind | None:
    code = getattr(error.orig, "sqlstate", None) or ""
    return next((_BY_CODE[code[:size]] for size in (5, 2) if code[:size] in _BY_CODE), None)


def of(error: DBAPIError) -> LedgerUnavailable:
    """What the store's error means; its text carries no values."""
    text = str(error.orig).splitlines()[0] if error.orig and str(error.orig) else "no answer"
    kind = _by_code(error)
    if kind is None and hasattr(error.orig, "sqlstate"):
        kind = Kind.AWAY  # PostgreSQL's library speaks itself: no server has answered
    return LedgerUnavailable(text, kind)


@contextmanager
def unavailable() -> Iterator[None]:
    """Turns a store that cannot be used into one exception."""
    try:
        yield
    except DBAPIError as error:
        if not is_the_store(error):
            raise
        raise of(error) from None
