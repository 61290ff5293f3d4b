"""Who belongs to whom, told of every record before anything is written: the classification of rehearsed plans. Pure.

Knows nothing of how a record was looked at, and decides nothing: a job plans anew with all its checks.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from enum import StrEnum

from mappers.spec import Entity, Raw, Side, Unmappable
from syncd.foresight import NO_WRITES, Writes
from syncd.model import (
    Action,
    Create,
    Hold,
    HoldReason,
    Ignore,
    Link,
    Memory,
    Missed,
    PairState,
    Settle,
    Status,
)


class Kind(StrEnum):
    """What the report says of a record. The order is that of the report: first what needs a person."""

    DOUBTFUL = "doubtful"  # several, or one that is not certain: a person must choose
    BLOCKED = "blocked"  # something must be corrected first
    CERTAIN = "certain"  # one Beteiligter, beyond doubt, not linked yet
    ONLY_HERE = "only here"  # would be created in Advoware
    UNPROVEN = "unproven"  # nobody found, by a search that cannot be believed
    ONLY_THERE = "only there"  # a Beteiligter of no record
    EXCLUDED = "excluded"
    LINKED = "linked"


NEEDS_PERSON = (Kind.DOUBTFUL, Kind.BLOCKED)

_BLOCKING = {
    HoldReason.LINK_INVALID: "the number in EspoCRM is none",
    HoldReason.UNNAMED: "no name",
    HoldReason.UNREADABLE: "could not be read",
    HoldReason.CREATE_IN_DOUBT: "an answer of Advoware is still missing",
    HoldReason.WENT_BACK: "older than remembered: restored from a backup?",
}
_DOUBTS = {
    HoldReason.RIVAL: "another record holds this number",
    HoldReason.LINK_CLEARED: "the number was removed in EspoCRM",
    HoldReason.LINK_DOUBTFUL: "the names differ",
    HoldReason.CANDIDATES: "may be one of these",
}
SHARED = "several records would be linked to this number"


@dataclass(frozen=True)
class Row:
    """One line of the report. `number` is the Beteiligter; `takes_part`: it is synced without being let in.

    `espo` and `advoware` say whose record it is, for those who asked to see that.
    """

    kind: Kind
    key: str | None
    number: int | None = None
    candidates: tuple[int, ...] = ()
    why: str = ""
    takes_part: bool = False
    writes: Writes = NO_WRITES
    espo: str = ""
    advoware: str = ""


def who(entity: Entity, side: Side, body: Mapping[str, Raw]) -> str:
    """Whose record it is, for people: name, first name, birth date; shown only where values are asked for."""
    parts = []
    for field in entity.identity_fields:
        with suppress(Unmappable):
            parts.append(field.parse(side, body))
    return ", ".join(part for part in parts if part)


def classify(
    key: str, takes_part: bool, memory: Memory, named: int | None, actions: Sequence[Action], writes: Writes
) -> Row:
    """What the plan of a record that is treated as if it took part says of who it belongs to."""
    row = Row(Kind.LINKED, key, named or memory.advoware_id, takes_part=takes_part, writes=writes)
    if memory.state is PairState.EXCLUDED:
        return replace(row, kind=Kind.EXCLUDED, writes=NO_WRITES)
    for action in actions:
        match action:
            case Hold(reason=HoldReason.SEARCH_UNTRUSTED):
                return replace(row, kind=Kind.UNPROVEN, number=None, why="nobody found, and the search is unproven")
            case Hold() if action.reason in _DOUBTS:
                why = _DOUBTS[action.reason]
                return replace(row, kind=Kind.DOUBTFUL, candidates=action.candidates, why=why)
            case Hold():
                return replace(row, kind=Kind.BLOCKED, why=_BLOCKING[action.reason])
            case Missed() | Settle(status=Status.DELETED_IN_ADVOWARE):
                return replace(row, kind=Kind.BLOCKED, why="Advoware does not have this number")
            case Ignore():
                return replace(row, kind=Kind.BLOCKED, why="outside the filter, or gone from EspoCRM")
            case Link():
                return replace(row, kind=Kind.CERTAIN, number=action.advoware_id)
            case Create():
                return replace(row, kind=Kind.ONLY_HERE, number=None)
            case _:
                continue
    return row


def without_shared(rows: Iterable[Row]) -> list[Row]:
    """Of several records that are certain of the same Beteiligter none is: a person must say which."""
    found = list(rows)
    held = {row.number for row in found if row.kind is Kind.LINKED}
    certain = Counter(row.number for row in found if row.kind is Kind.CERTAIN)
    return [
        replace(row, kind=Kind.DOUBTFUL, candidates=(row.number,), why=SHARED, writes=NO_WRITES)
        if row.kind is Kind.CERTAIN and row.number is not None and (certain[row.number] > 1 or row.number in held)
        else row
        for row in found
    ]


def spoken_for(rows: Iterable[Row]) -> set[int]:
    """Numbers that belong, or may belong, to a record."""
    return {number for row in rows for number in (row.number, *row.candidates) if number is not None}


def summary(rows: Iterable[Row]) -> dict[str, dict[str, int]]:
    """Per kind: records, those that would be written to, and fields to be written on either side."""
    found: dict[str, dict[str, int]] = {}
    for row in rows:
        line = found.setdefault(row.kind, {"records": 0, "take_part": 0, "to_espocrm": 0, "to_advoware": 0})
        line["records"] += 1
        line["take_part"] += row.takes_part
        line["to_espocrm"] += len(row.writes.espo)
        line["to_advoware"] += len(row.writes.advoware)
    return {kind: found[kind] for kind in Kind if kind in found}


def in_order(rows: Iterable[Row]) -> list[Row]:
    """What needs a person first."""
    order = {kind: place for place, kind in enumerate(Kind)}
    return sorted(rows, key=lambda row: (order[row.kind], row.key or "", row.number or 0))
