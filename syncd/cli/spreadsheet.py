"""A table as a CSV file for a spreadsheet: new, for its owner only, without anything a spreadsheet would execute."""

from __future__ import annotations

import csv
import os
import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from syncd.cli.output import UsageError

# What a spreadsheet takes for a formula, also the wide forms, at the beginning or behind blanks; and behind what it
# may take for the end of a cell: a German one separates by semicolons, whatever the file's own separator is.
_FORMULA = re.compile(r'(\A|[;|\t\r\n])(?=[ \u00a0"]*[=+\-@\uff1d\uff0b\uff0d\uff20])|\A(?=[\t\r\n])')


class Sheet:
    """An open file; every cell is written as text."""

    def __init__(self, writer: Any) -> None:
        self._writer = writer

    def write(self, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
        """The head, and the rows."""
        self._writer.writerow(columns)
        self._writer.writerows([defused(cell) for cell in row] for row in rows)


def defused(cell: object) -> str:
    """The text of a cell; what a spreadsheet could take for a formula gets its sign for text before it."""
    return _FORMULA.sub(r"\1'", "" if cell is None else str(cell))


@contextmanager
def sheet(path: Path | None) -> Iterator[Sheet | None]:
    """The file, made before the work begins so that no hour of it is lost; gone again where it fails.

    Raises `UsageError` where there is one already or none can be made.
    """
    if path is None:
        yield None
        return
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        raise UsageError(f"{path} is there already: name another file, or remove it") from None
    except OSError as error:
        raise UsageError(f"{path} cannot be written ({error.strerror})") from None
    try:
        # The mark lets spreadsheets read umlauts.
        with open(descriptor, "w", encoding="utf-8-sig", newline="") as file:
            yield Sheet(csv.writer(file))
    except BaseException:
        path.unlink(missing_ok=True)
        raise
