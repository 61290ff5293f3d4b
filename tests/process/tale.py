"""What happened to one record in a storm, in order: what people did, what was written, what the ledger kept.

For whoever has to find out why a verdict is as it is. Pure.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from syncd.sandbox.demo_check import End
from syncd.sandbox.demo_numbers_check import record_of
from syncd.sandbox.sandbox import ADVOWARE, ESPO

RECORD = re.compile(r"[0-9a-f]{17}")


def tales(end: End, wrong: Sequence[str]) -> str:
    """One for each record the lines name."""
    records = dict.fromkeys(name for line in wrong for name in RECORD.findall(line))
    return "\n\n".join(tale(end, record) for record in records)


def tale(end: End, record: str) -> str:
    """Seconds since the first edit, and what happened then."""
    betnr = end.betnr(record)
    first = end.typed[0].at if end.typed else 0.0
    lines = [*_typed(end, record), *_written(end, record, betnr), *_kept(end, record)]
    told = [f"{at - first:8.3f} {what}" for at, what in sorted(lines)]
    return "\n".join([f"record {record}, betNr {betnr}", *told])


def _typed(end: End, record: str) -> Iterator[tuple[float, str]]:
    for one in end.typed:
        if one.record == record:
            yield one.at, f"person: {one}, before {one.before!r}"


def _written(end: End, record: str, betnr: str | None) -> Iterator[tuple[float, str]]:
    for write in end.wrote or ():
        if write.where in ((ESPO, record), (ADVOWARE, betnr)):
            age = "never" if write.read_at is None else f"{write.arrived - write.read_at:.3f} s ago"
            changes = ", ".join(
                f"{one.name}: {one.before!r} → {one.after!r}{' OVER ANOTHER' if one.over_another else ''}"
                for one in write.changes
                if one.name not in ("rowId", "modifiedAt", "streamUpdatedAt", "versionNumber", "geaendertAm")
            )
            yield write.at, f"{write.writer} {write.method} {write.where[0]} (read {age}): {changes}"


def _kept(end: End, record: str) -> Iterator[tuple[float, str]]:
    for row in end.conflicts:
        if record_of(row) == record:
            shown = {name: row[name] for name in ("field", "kind", "state", "espo", "advoware", "base", "winner")}
            yield row["opened_at"], f"conflict {shown}"
    for row in end.history:
        if record_of(row) == record:
            yield row["at"], f"history {row['field']} {row['side']} {row['before']!r} → {row['after']!r} ({row['why']})"
