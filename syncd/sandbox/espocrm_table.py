"""Rows of one EspoCRM entity with the indexes that keep lists fast at 100,000 rows. Knows no rules."""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from syncd.sandbox.espocrm_channels import Links

SORTED = ("createdAt", "modifiedAt")
EQUAL = (
    "betnr",
    "syncStatus",
    "beteiligterId",
    "parentId",
    "userName",
    "event",
    "advowareKontoId",
    "advowareRowId",
)


@dataclass(slots=True)
class Row:
    """One record: stored columns, links to shared values, version (None: older than the switch)."""

    id: str
    values: dict[str, Any]
    emails: Links = field(default_factory=Links)
    phones: Links = field(default_factory=Links)
    version: int | None = None
    deleted: bool = False

    def copy(self) -> Row:
        """An independent copy, for the previous version of a record."""
        return Row(self.id, dict(self.values), self.emails.copy(), self.phones.copy(), self.version, self.deleted)


class Table:
    """All rows of one entity, deleted ones included; the indexes hold only living rows."""

    def __init__(self) -> None:
        self.rows: dict[str, Row] = {}
        self.ids: list[str] = []
        self.sorted: dict[str, list[tuple[str, str]]] = {column: [] for column in SORTED}
        self.equal: dict[str, dict[Any, set[str]]] = {column: {} for column in EQUAL}

    def living(self, record_id: str) -> Row | None:
        """The row, unless deleted or never there."""
        row = self.rows.get(record_id)
        return None if row is None or row.deleted else row

    def add(self, row: Row) -> None:
        """A new or restored row becomes visible."""
        self.rows[row.id] = row
        insort(self.ids, row.id)
        for column in SORTED:
            insort(self.sorted[column], (row.values[column], row.id))
        for column in EQUAL:
            if column in row.values:
                self.equal[column].setdefault(row.values[column], set()).add(row.id)

    def hide(self, row: Row) -> None:
        """A deleted row leaves every list."""
        _take_out(self.ids, row.id)
        for column in SORTED:
            _take_out(self.sorted[column], (row.values[column], row.id))
        for column in EQUAL:
            if column in row.values:
                self.equal[column][row.values[column]].discard(row.id)

    def change(self, row: Row, changes: Mapping[str, Any]) -> None:
        """Set columns of a living row and keep the indexes right."""
        for column, value in changes.items():
            old = row.values.get(column)
            if old == value and type(old) is type(value):
                continue
            if column in self.sorted:
                _take_out(self.sorted[column], (old, row.id))
                insort(self.sorted[column], (value, row.id))
            elif column in self.equal:
                known = self.equal[column]
                if old in known:
                    known[old].discard(row.id)
                known.setdefault(value, set()).add(row.id)
            row.values[column] = value

    def load(self, rows: Iterable[Row]) -> None:
        """Many new rows at once: sorted once instead of row by row."""
        for row in rows:
            self.rows[row.id] = row
            self.ids.append(row.id)
            for column in SORTED:
                self.sorted[column].append((row.values[column], row.id))
            for column in EQUAL:
                if column in row.values:
                    self.equal[column].setdefault(row.values[column], set()).add(row.id)
        self.ids.sort()
        for column in SORTED:
            self.sorted[column].sort()


def _take_out(ordered: list[Any], item: Any) -> None:
    at = bisect_left(ordered, item)
    if at < len(ordered) and ordered[at] == item:
        del ordered[at]
