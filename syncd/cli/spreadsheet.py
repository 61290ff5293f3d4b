"""A table as a CSV file for a spreadsheet: new, for its owner only, without anything a spreadsheet would execute."""

from __future__ import annotations

import csv
import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from syncd.cli.output import UsageError
from syncd.csv_text import defused


class Sheet:
    """An open file; every cell is written as text."""

    def __init__(self, writer: Any) -> None:
        self._writer = writer

    def write(self, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
        """The head, and the rows."""
        self._writer.writerow(columns)
        self._writer.writerows([defused(cell) for cell in row] for row in rows)


@contextmanager
def sheet(path: Path | None) -> Iterator[Sheet | None]:
    """The file, made before the work begins so that no hour of it is lost; gone again where it fails.

    Raises `UsageError` where there is one already or none can be made.
    """
    if path is None:
        yield None
        return
    descriptor = _new(path)
    try:
        # The mark lets spreadsheets read umlauts.
        with open(descriptor, "w", encoding="utf-8-sig", newline="") as file:
            yield Sheet(csv.writer(file))
    except BaseException:
        path.unlink(missing_ok=True)
        raise


def new_file(path: Path, text: str) -> None:
    """A whole file, as `sheet` makes it; raises `UsageError` likewise."""
    with open(_new(path), "w", encoding="utf-8", newline="", errors="replace") as file:
        file.write(text)


def _new(path: Path) -> int:
    try:
        return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        raise UsageError(f"{path} is there already: name another file, or remove it") from None
    except OSError as error:
        raise UsageError(f"{path} cannot be written ({error.strerror})") from None
