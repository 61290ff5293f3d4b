"""The numbers of Beteiligte in what a person has typed or exported: one a line, or a table with such a column. Pure."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence

DIGITS = 9  # of the greatest number
FORMS = "one number a line, or a CSV file with a column"


class NotNumbers(ValueError):
    """The text is no list of numbers; the message names the line, never its content."""


def read_numbers(text: str, column: str) -> list[int]:
    """Every number once, in order. `column` is the head of a table's column, in any case. Raises `NotNumbers`."""
    lines = text.removeprefix("\ufeff").splitlines()
    delimiter = next((sign for sign in (";", "\t", ",") if lines and sign in lines[0]), None)
    if delimiter is None:
        places = enumerate(lines, 1)
        head = 1 if lines and lines[0].strip().lower() == column.lower() else 0
        return _each((number, line) for number, line in places if number > head)
    rows = csv.reader(io.StringIO("\n".join(lines)), delimiter=delimiter)
    try:
        names = [name.strip().lower() for name in next(rows)]
        if column.lower() not in names:
            raise NotNumbers(f"line 1: there is no column {column}; give {FORMS} {column}")
        place = names.index(column.lower())
        return _each((rows.line_num, _cell(row, place)) for row in rows)
    except csv.Error:  # a cell beyond any size, mostly behind a quote that is never closed
        raise NotNumbers(f"line {rows.line_num + 1}: that is no table; is a quote not closed?") from None


def _cell(row: Sequence[str], place: int) -> str:
    return row[place] if place < len(row) else ""


def _each(cells: Iterable[tuple[int, str]]) -> list[int]:
    found: dict[int, None] = {}
    for line, cell in cells:
        text = cell.strip().strip('"')
        if not text or text.startswith("#"):
            continue
        digits = text.lstrip("0")
        if not (text.isascii() and text.isdecimal()) or not 0 < len(digits) <= DIGITS:
            raise NotNumbers(f"line {line}: that is no number of a Beteiligter")
        found[int(digits)] = None
    return list(found)
