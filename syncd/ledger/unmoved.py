"""Whether a SQLite ledger's files are still those that were opened.

Removed or replaced, an open file goes on to take writes that nobody will ever read again. And a connection opened
meanwhile would join another file, or a new one, to the journal of ours: SQLite empties a journal it takes for a stray
one, and with it what was answered. Knows files, no SQL.
"""

from __future__ import annotations

import os
from pathlib import Path

from syncd.ledger.trouble import Kind, LedgerUnavailable

Identity = tuple[int, int]  # device and inode


class Unmoved:
    """Remembers a ledger's file and its journal as first seen."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._journal = file.with_name(f"{file.name}-wal")
        self._known: dict[Path, Identity] = {}

    def check_opening(self) -> None:
        """Raise `LedgerUnavailable` where a connection opened now would meet other files than those first seen."""
        self.check_file()
        if self._journal in self._known:
            self.check_journal()

    def check_file(self) -> None:
        """Raise `LedgerUnavailable` unless the file is the one first seen."""
        self._check(self._file)

    def check_journal(self) -> None:
        """The same for the journal, which is there from the first write on and for as long as somebody has it open."""
        self._check(self._journal)

    def _check(self, path: Path) -> None:
        try:
            found = os.stat(path)
        except OSError as error:
            raise LedgerUnavailable(f"{path.name}: {error.strerror}", Kind.REPLACED) from None
        if self._known.setdefault(path, (found.st_dev, found.st_ino)) != (found.st_dev, found.st_ino):
            raise LedgerUnavailable(f"{path.name} is another file now", Kind.REPLACED)
