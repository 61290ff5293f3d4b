"""The judge of the demonstration: what people typed against what both systems show in the end.

Shares no code with the engine: its fields are demo_diary's, its facts are dumps, the diary, the call log and the
ledger's list of conflicts. Pure.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from syncd.sandbox import demo_children_check as child_check
from syncd.sandbox import demo_numbers_check as number_check
from syncd.sandbox import demo_unasked
from syncd.sandbox.calllog import Call
from syncd.sandbox.demo_children import ChildEdit
from syncd.sandbox.demo_diary import FIELDS, SIDES, Number, Typed, meaning, other, shown, shows, values
from syncd.sandbox.demo_numbers_check import COLUMNS, WAITING, WINDOW_SECONDS, record_of
from syncd.sandbox.demo_window import overwrites
from syncd.sandbox.sandbox import ADVOWARE, ESPO
from syncd.sandbox.witness import Wrote

BETEILIGTE = "CBeteiligte"


@dataclass(frozen=True)
class End:
    """All that is known when everything is quiet. `before` and `after` are Sandbox.dump(); `born` the records people
    created in EspoCRM, as they were then; `children` what they typed into addresses and accounts, `dropped` those they
    deleted; `conflicts` and `history` are the ledger's; `quiet` the writes seen after
    that; `wrote` what a witness saw of each write, None where there was none."""

    before: Mapping[str, Any]
    after: Mapping[str, Any]
    typed: Sequence[Typed]
    born: Mapping[str, Mapping[str, Any]]
    deleted: frozenset[str]
    vanished: frozenset[int]
    conflicts: Sequence[Mapping[str, Any]]
    history: Sequence[Mapping[str, Any]] = ()
    calls: Sequence[Call] = ()
    quiet: Sequence[Call] = ()
    wrote: Sequence[Wrote] | None = None
    children: Sequence[ChildEdit] = ()
    dropped: frozenset[str] = frozenset()

    @cached_property
    def start(self) -> dict[str, Mapping[str, Any]]:
        """Every record of EspoCRM as people or the installation made it."""
        return {**self.before[ESPO][BETEILIGTE], **self.born}

    @cached_property
    def records(self) -> dict[str, Mapping[str, Any]]:
        """Living records of EspoCRM."""
        rows = self.after[ESPO][BETEILIGTE]
        return {record: row for record, row in rows.items() if record not in self.deleted}

    @cached_property
    def beteiligte(self) -> dict[int, Mapping[str, Any]]:
        """Beteiligte of Advoware by betNr."""
        return {int(betnr): one for betnr, one in self.after[ADVOWARE].items()}

    @cached_property
    def numbers(self) -> dict[str, list[Number]]:
        """Acts on phones and e-mails by record, in order."""
        found = defaultdict(list)
        for one in self.typed:
            if isinstance(one, Number):
                found[one.record].append(one)
        return dict(found)

    @cached_property
    def rows(self) -> dict[str, list[Mapping[str, Any]]]:
        """The ledger's conflicts and kept values by record."""
        found = defaultdict(list)
        for row in self.conflicts:
            found[record_of(row)].append(row)
        return dict(found)

    @cached_property
    def disputes(self) -> dict[tuple[str, str], list[Mapping[str, Any]]]:
        """The ledger's conflicts and kept values by record and field."""
        found = defaultdict(list)
        for row in self.conflicts:
            found[record_of(row), str(row["field"])].append(row)
        return dict(found)

    def betnr(self, record: str) -> str | None:
        """The number of its Beteiligter, deleted or not."""
        found = (self.after[ESPO][BETEILIGTE].get(record) or {}).get("betnr")
        return str(found) if found else None

    def pair(self, record: str) -> dict[str, Mapping[str, Any]] | None:
        """Both bodies of a living pair."""
        espo = self.records.get(record)
        one = self.beteiligte.get(int(espo["betnr"])) if espo is not None and espo["betnr"] else None
        return None if espo is None or one is None else {ESPO: espo, ADVOWARE: one}


@dataclass
class Report:
    """What the check found. Everything from `lost` on must be empty."""

    pairs: int = 0
    numbers: int = 0
    one_sided: int = 0
    tasks: int = 0
    checked: int = 0
    equal: int = 0
    explained: int = 0
    typed: int = 0
    kept: int = 0
    window: list[str] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)
    differing: list[str] = field(default_factory=list)
    doubled: list[str] = field(default_factory=list)
    unasked: list[str] = field(default_factory=list)
    unfinished: list[str] = field(default_factory=list)
    quiet: list[str] = field(default_factory=list)

    @property
    def wrong(self) -> list[str]:
        """Every fault, in words."""
        kinds = ("lost", "differing", "doubled", "unasked", "unfinished", "quiet")
        return [f"{kind}: {text}" for kind in kinds for text in getattr(self, kind)]


def judge(end: End) -> Report:
    """Compare everything with everything."""
    report = Report(typed=len(end.typed) + len(end.children), kept=sum(row["state"] == "kept" for row in end.conflicts))
    _pairs(end, report)
    for number, one in enumerate(end.typed):
        if number_check.arrived(end, one) if isinstance(one, Number) else _arrived(end, number, one):
            continue
        if _went_with_the_record(end, one) or _took_back(end, one):
            continue
        window = _witnessed(end, one) if end.wrote is not None else _may_be_in_window(end, one)
        (report.window if window else report.lost).append(str(one))
    for child, in_window in child_check.lost(end):
        (report.window if in_window else report.lost).append(str(child))
    report.tasks = sum(map(len, child_check.tasks(end).values()))
    report.differing += child_check.differing(end)
    report.doubled += [*_doubled(end), *number_check.doubled(end), *child_check.doubled(end)]
    report.unasked += demo_unasked.find(end)
    report.quiet += [f"{call.method} {call.path} {', '.join(call.names)}" for call in end.quiet]
    return report


def _pairs(end: End, report: Report) -> None:
    for record, espo in end.records.items():
        status, waits = espo["syncStatus"], any(key == record for key, _ in _open(end))
        gone = espo["betnr"] in end.vanished
        expected = "deleted_in_advoware" if gone else "conflict" if waits else "clean"
        if status != expected:
            report.unfinished.append(f"{record} is {status}, expected {expected}: {espo.get('syncErrorMessage')}")
        pair = end.pair(record)
        if pair is None:
            if not gone:
                report.differing.append(f"{record} has no counterpart in Advoware")
            continue
        report.pairs += 1
        for name in FIELDS:
            left, right = (shown(name, side, pair[side]) for side in SIDES)
            report.checked += 1
            if left == right:
                report.equal += 1
            elif _explained(end, record, name, {ESPO: left, ADVOWARE: right}):
                report.explained += 1
            else:
                report.differing.append(f"{record} {name}: EspoCRM {left!r}, Advoware {right!r}")
        report.numbers += len(set().union(*(values(side, pair[side]) for side in SIDES)))
        report.one_sided += number_check.one_sided(end, record, pair)
        report.differing += number_check.differing(end, record, pair)


def _open(end: End) -> Iterator[tuple[str, str]]:
    for key, rows in end.disputes.items():
        if any(row["state"] in WAITING for row in rows):
            yield key


def _explained(end: End, record: str, name: str, now: Mapping[str, str | None]) -> bool:
    """A person has been told of just this difference: an open conflict names a value, and none that is not there."""
    for row in end.disputes.get((record, name), ()):
        told = {side: meaning(name, row[column]) for side, column in COLUMNS.items()}
        named = {side: value for side, value in told.items() if value is not None}
        if row["state"] in WAITING and named and all(now[side] == value for side, value in named.items()):
            return True
    return False


def _arrived(end: End, number: int, one: Typed) -> bool:
    """The value is on both sides, a person replaced it knowingly, or the ledger has it."""
    pair = end.pair(one.record)
    if pair is not None and all(shown(one.field, side, pair[side]) == one.value for side in SIDES):
        return True
    for later in end.typed[number + 1 :]:
        if (later.record, later.field, later.before) == (one.record, one.field, one.value):
            return True
    for row in end.disputes.get((one.record, one.field), ()):
        refused = str(row.get("kind", "")).startswith("refused")  # names one side only, the other column is empty
        if meaning(one.field, row[COLUMNS[one.side]]) == one.value and not (refused and one.value is None):
            return True
    return False


def _went_with_the_record(end: End, one: Typed) -> bool:
    """A person deleted the record where it was typed; or on the other side, and here it still stands."""
    betnr = int(end.betnr(one.record) or 0)
    if end.pair(one.record) is not None or not (one.record in end.deleted or betnr in end.vanished):
        return False
    if one.record in end.deleted if one.side == ESPO else betnr in end.vanished:
        return True
    body = end.records.get(one.record) if one.side == ESPO else end.beteiligte.get(betnr)
    return body is not None and shows(one, one.side, body)


def _took_back(end: End, one: Typed) -> bool:
    """A person cleared what somebody had typed there and the daemon had never carried over: nothing has changed."""
    if isinstance(one, Number) or one.value is not None or end.wrote is None:
        return False
    typed = any(
        (earlier.record, earlier.field, earlier.side, earlier.value) == (one.record, one.field, one.side, one.before)
        for earlier in end.typed[: one.number]
    )
    name = FIELDS[one.field][SIDES.index(other(one.side))]
    written = (change for write in end.wrote if write.where[0] != one.side for change in write.changes)
    return typed and not any(
        change.name == name and meaning(one.field, change.after) == one.before for change in written
    )


def _witnessed(end: End, one: Typed) -> bool:
    return bool(overwrites(one, end.wrote or (), end.betnr(one.record)))


def _may_be_in_window(end: End, one: Typed) -> bool:
    return number_check.in_window(end, one) if isinstance(one, Number) else _in_window(end, one)


def _in_window(end: End, one: Typed) -> bool:
    """Typed in Advoware between the daemon's read and its whole-object PUT: nothing can prevent that loss."""
    betnr = end.betnr(one.record)
    if one.side != ADVOWARE or not betnr:
        return False
    calls = [call for call in end.calls if call.system == ADVOWARE and call.path.endswith(f"/Beteiligte/{betnr}")]
    reads = [call.at for call in calls if call.method == "GET" and call.at <= one.at]
    later = next((call for call in calls if call.at > one.at), None)
    return bool(reads) and later is not None and later.method == "PUT" and later.at - reads[-1] <= WINDOW_SECONDS


def _doubled(end: End) -> list[str]:
    """Beteiligte nobody asked for twice, and records sharing one."""
    found: list[str] = []
    linked: dict[int, list[str]] = defaultdict(list)
    for record, row in end.after[ESPO][BETEILIGTE].items():
        if row["betnr"]:
            linked[int(row["betnr"])].append(record)
    found += [f"betNr {betnr} is named by {', '.join(who)}" for betnr, who in linked.items() if len(who) > 1]
    known = {int(betnr) for betnr in end.before[ADVOWARE]}
    for betnr, one in end.beteiligte.items():
        if betnr not in known and betnr not in linked:
            found.append(f"betNr {betnr} ({one['name']}) belongs to no record")
    found += [f"EspoCRM record {record} was entered by nobody" for record in end.records if record not in end.start]
    names = Counter(_person(one, ADVOWARE) for betnr, one in end.beteiligte.items() if betnr not in known)
    wanted = Counter(_person(end.records.get(record, row), ESPO) for record, row in end.born.items())
    found += [f"{who[0]} exists {n} times in Advoware" for who, n in names.items() if n > max(1, wanted[who])]
    return found


def _person(body: Mapping[str, Any], side: str) -> tuple[str | None, ...]:
    return tuple(shown(name, side, body) for name in ("name", "vorname", "geburtsdatum"))
