"""Tables as CSV without anything a spreadsheet would execute. Pure."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterable, Sequence

# What a spreadsheet takes for a formula, also the wide forms, at the beginning or behind blanks; and behind what it
# may take for the end of a cell: a German one separates by semicolons, whatever the file's own separator is.
_FORMULA = re.compile(r'(\A|[;|\t\r\n])(?=[ \u00a0"]*[=+\-@\uff1d\uff0b\uff0d\uff20])|\A(?=[\t\r\n])')


def defused(cell: object) -> str:
    """The text of a cell; what a spreadsheet could take for a formula gets its sign for text before it."""
    return _FORMULA.sub(r"\1'", "" if cell is None else str(cell))


def table(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A whole file; the mark at its beginning lets spreadsheets read umlauts."""
    file = io.StringIO()
    file.write("\ufeff")
    writer = csv.writer(file)
    writer.writerow(columns)
    writer.writerows([defused(cell) for cell in row] for row in rows)
    return file.getvalue()


def cell(value: object) -> object:
    """A value of the ledger as the text of a cell."""
    return json.dumps(value, ensure_ascii=False) if isinstance(value, dict | list) else value
