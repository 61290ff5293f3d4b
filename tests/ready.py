"""Ledgers as an upgrade leaves them, without its tenth of a second for each test."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

from syncd.ledger.engines import sqlite_url
from syncd.ledger.upgrade import upgrade


def ready_ledger(directory: Path) -> Path:
    """A new, empty ledger in this directory."""
    path = directory / "ledger.db"
    path.write_bytes(_upgraded())
    return path


@cache
def _upgraded() -> bytes:
    with TemporaryDirectory() as directory:
        path = Path(directory) / "ledger.db"
        upgrade(sqlite_url(path))
        return path.read_bytes()
