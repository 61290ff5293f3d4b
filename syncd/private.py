"""What holds people's data is for its owner only, however carelessly it was made. Knows no file by name."""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass
from pathlib import Path

OTHERS = 0o077
MAY_WRITE = 0o022


def private_from_now_on() -> None:
    """Whatever this process makes from here on is for its owner only, whatever the shell it was started from says."""
    os.umask(OTHERS)


def keep_private(path: Path, mode: int) -> None:
    """Take others' rights to a file or folder of ours away; nothing where there is none, or it is not ours.

    A folder all put things into stays theirs. Raises OSError.
    """
    try:
        found = path.stat()
    except FileNotFoundError:
        return
    if found.st_mode & OTHERS and found.st_uid == os.geteuid() and not found.st_mode & stat.S_ISVTX:
        path.chmod(mode)


def open_to_writers(folder: Path) -> bool:
    """Whether others could put files there, or links in the place of ours."""
    return bool(folder.stat().st_mode & MAY_WRITE)


@dataclass(frozen=True)
class Kept:
    """A file or folder of the state directory: how it is named (`*` = anything), who may, what is in it, how long."""

    name: str
    mode: int
    holds: str
    until: str


STATE_FILES = (
    Kept(
        "ledger.db",
        0o600,
        "all that is remembered of records: values of people, secrets of webhooks, the key of sessions",
        "see below",
    ),
    Kept("ledger.db-*", 0o600, "what SQLite has not yet put into it", "the next checkpoint"),
    Kept("ledger.db.replaced-*", 0o600, "the ledger a `syncd restore` has replaced", "you remove it"),
    Kept("ledger.db.restoring", 0o600, "a `syncd restore` at work", "it ends"),
    Kept("before-*.db", 0o600, "the copy `install.sh` makes before an upgrade", "you remove it"),
    Kept("probe-*.json", 0o600, "a record as it was before `syncd doctor --probe-betnr` wrote", "it is put back"),
    Kept("redis", 0o700, "the embedded Redis: keys of records, Advoware's token, no names", "they are used up"),
    Kept("redis/*", 0o600, "its files", "it rewrites them"),
    Kept("redis.sock", 0o700, "the only way to it", "it stops"),
    Kept("redis.log", 0o600, "when it started and stopped", "you remove it"),
    Kept("redis*.lock", 0o600, "nothing: who uses it", "you remove them"),
)
