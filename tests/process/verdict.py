"""The judge of a storm: sync.md §10 against what people typed, what the stand-ins saw and what the ledger holds.

`demo_check` compares both systems with the diary; here is what only several processes can do wrong. Shares no code with
the engine but the names of the ledger's tables. Pure: everything it judges is handed to it.
"""

from __future__ import annotations

import json
import re
from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

from syncd.sandbox.calllog import Call
from syncd.sandbox.demo_check import End, Report, judge
from syncd.sandbox.demo_diary import FIELDS, SIDES, Number, meaning
from syncd.sandbox.demo_window import overwrites
from syncd.sandbox.reachability import LISTS
from syncd.sandbox.reachability import meaning as number_meaning
from syncd.sandbox.sandbox import ADVOWARE, ESPO
from syncd.sandbox.witness import Change, Where, Wrote

READ_LIFE = 5.0  # seconds: what was read longer ago must not be written over (sync.md §4)
ON_THE_WAY = 2.0  # seconds a request may take on a loaded machine from the daemon to the stand-in
ENTRY_VALUE = re.compile(r"^kommunikation:\d+:tlf$")
LINE = re.compile(r"^(?:phoneNumber|emailAddress)Data:(.*)$")
TROUBLE_LASTS = 3.0  # seconds in which a daemon leaves alone a Redis that did not answer
BURST = 1.05  # no minute has more calls than are allowed; the rest is for a busy machine, where they arrive bunched


@dataclass(frozen=True)
class Facts:
    """Beside the ends of both systems. `troubled` are the moments in which a daemon was killed or frozen or Redis
    forgot everything, `left` what the ledger still has to do, `codes` how the daemons ended when asked to."""

    troubled: Sequence[float] = ()
    flushed: Sequence[float] = ()
    left: Mapping[str, int] = field(default_factory=dict)
    codes: Mapping[str, int] = field(default_factory=dict)
    logs: Sequence[Path] = ()
    calls_per_minute: int = 6000
    token_seconds: float = 60.0


@dataclass
class Verdict:
    """What was found; `wrong` must be empty. `windows` counts by system what no program could have kept."""

    report: Report
    windows: Counter[str] = field(default_factory=Counter)
    longest_window: float = 0.0
    tokens: int = 0
    busiest_minute: int = 0
    writes: int = 0
    findings: list[str] = field(default_factory=list)

    @property
    def wrong(self) -> list[str]:
        """Every violation, in words."""
        return [*self.report.wrong, *self.findings]


def verdict(end: End, facts: Facts) -> Verdict:
    """Judge everything."""
    wrote = end.wrote or ()
    found = Verdict(judge(end), writes=len(wrote))
    _count_windows(end, wrote, found)
    owners = _owners(end)
    found.findings += [
        *_old_reads(wrote),
        *_two_at_once(wrote, end.calls, owners),
        *_invented(end, wrote, owners),
        *_not_done(facts),
        *_traces(facts.logs),
    ]
    _tokens(end.calls, facts, found)
    _budget(end.calls, facts, found)
    return found


def _owners(end: End) -> dict[Where, str]:
    """The EspoCRM id of a record by both its names."""
    rows = end.after[ESPO]["CBeteiligte"]
    linked = {(ADVOWARE, str(row["betnr"])): record for record, row in rows.items() if row["betnr"]}
    return {(ESPO, record): record for record in rows} | linked


def _mapped(where: Where, change: Change) -> bool:
    """Whether a person types such values; all else are books of the daemon."""
    if where[0] == ESPO:
        return bool(LINE.match(change.name)) or change.name in {espo for espo, _ in FIELDS.values()}
    return change.name.startswith("kommunikation:") or change.name in {name for _, name in FIELDS.values()}


# --- the two windows ------------------------------------------------------------------------------


def _count_windows(end: End, wrote: Sequence[Wrote], found: Verdict) -> None:
    """Every edit of a person that a write destroyed unseen, also those a later look put right again."""
    for one in end.typed:
        for write in overwrites(one, wrote, end.betnr(one.record)):
            found.windows[one.side] += 1
            if write.read_at is not None:
                found.longest_window = max(found.longest_window, write.at - write.read_at)


def _old_reads(wrote: Sequence[Wrote]) -> Iterator[str]:
    """A window is only unavoidable while it is short: what was read long ago is not written over."""
    for write in wrote:
        if write.method == "POST" or not any(_mapped(write.where, change) for change in write.changes):
            continue
        if write.read_at is None and write.writer is not None:
            yield f"{_said(write)}: {write.writer} had never read it"
        elif write.read_at is not None and write.arrived - write.read_at > READ_LIFE + ON_THE_WAY:
            yield f"{_said(write)} after a read {write.arrived - write.read_at:.1f} s old"


def _two_at_once(wrote: Sequence[Wrote], calls: Sequence[Call], owners: Mapping[Where, str]) -> Iterator[str]:
    """Nobody writes a record between another one's read and write of it."""
    by_record: dict[str, list[Wrote]] = defaultdict(list)
    for write in wrote:
        by_record[owners.get(write.where, "?")].append(write)
    for record, some in by_record.items():
        for write in some:
            for other in some:
                between = write.read_at is not None and write.read_at < other.arrived < write.arrived
                if between and None not in (write.writer, other.writer) and other.writer != write.writer:
                    yield (
                        f"{record}: {other.writer} {_said(other)} between the read of {write.writer} "
                        f"{write.arrived - (write.read_at or 0):.2f} s before and its {_said(write)}"
                    )


def _said(write: Wrote) -> str:
    return f"{write.method} {write.where[0]} {write.where[1]} ({', '.join(one.name for one in write.changes)})"


# --- nothing nobody typed -------------------------------------------------------------------------


def _invented(end: End, wrote: Sequence[Wrote], owners: Mapping[Where, str]) -> Iterator[str]:
    """Also for a moment nothing appears that nobody typed into this record."""
    fields: dict[tuple[str, str], set[str | None]] = defaultdict(set)
    numbers: dict[str, set[str | None]] = defaultdict(lambda: {None})
    for one in end.typed:
        if isinstance(one, Number):
            numbers[one.record] |= {one.value, one.before}
        else:
            fields[one.record, one.field].add(one.value)
    for record, row in end.start.items():
        bodies = {ESPO: row, ADVOWARE: end.before[ADVOWARE].get(str(row["betnr"]), {})}
        for name, both in FIELDS.items():
            known = {meaning(name, bodies[side].get(both[SIDES.index(side)])) for side in SIDES if bodies[side]}
            fields[record, name] |= known
        for body in bodies.values():
            numbers[record] |= set(_numbers(body))
    for write in wrote:
        record = owners.get(write.where, "?")
        for change in write.changes:
            if _unknown(write.where, change, record, fields, numbers):
                yield f"{_said(write)}: {change.after!r} in {change.name} was typed by nobody"


def _unknown(
    where: Where,
    change: Change,
    record: str,
    fields: Mapping[tuple[str, str], set[str | None]],
    numbers: Mapping[str, set[str | None]],
) -> bool:
    line = LINE.match(change.name)
    if line is not None:
        return change.after is not None and number_meaning(line[1]) not in numbers.get(record, ())
    if ENTRY_VALUE.match(change.name):
        return number_meaning(change.after) not in numbers.get(record, ())
    names = {both[SIDES.index(where[0])]: name for name, both in FIELDS.items()}
    name = names.get(change.name)
    return name is not None and meaning(name, change.after) not in fields.get((record, name), ())


def _numbers(body: Mapping[str, Any]) -> Iterator[str | None]:
    for data, attribute in LISTS.items():
        yield from (number_meaning(line[attribute]) for line in body.get(data) or ())
    yield from (number_meaning(entry["tlf"]) for entry in body.get("kommunikation") or ())


# --- the daemons themselves -----------------------------------------------------------------------


def _not_done(facts: Facts) -> Iterator[str]:
    yield from (f"the ledger still has {count} {what}" for what, count in facts.left.items() if count)
    yield from (f"{name} ended with {code}" for name, code in facts.codes.items() if code)


def _traces(logs: Iterable[Path]) -> Iterator[str]:
    """A trace, a crash, a line that is no event: what nobody foresaw."""
    for log in logs:
        for line in log.read_text(encoding="utf-8", errors="replace").splitlines():
            try:
                told = json.loads(line)
            except ValueError:
                yield f"{log.parent.name}/{log.name}: {line[:300]}"
                continue
            if "trace" in told or told.get("level") == "critical" or told.get("event") == "job.bug":
                yield f"{log.parent.name}/{log.name}: {line[:2000]}"


def _tokens(calls: Sequence[Call], facts: Facts, found: Verdict) -> None:
    """One login per lifetime; only whoever fetched it may have died with it, or Redis have lost it or not answered."""
    at = [call.began for call in calls if call.path.endswith("/Token")]
    found.tokens = len(at)
    troubled = sorted((*facts.troubled, *facts.flushed, *_without_redis(facts.logs)))
    # A token is renewed two minutes before its end, or at half its life where that is later.
    used = max(facts.token_seconds - 120, facts.token_seconds / 2) - 1
    for one, next_one in pairwise(at):
        before = bisect_left(troubled, next_one)
        excused = before > 0 and troubled[before - 1] > one - TROUBLE_LASTS
        if next_one - one < used and not excused:
            found.findings.append(f"two logins within {next_one - one:.1f} s, and nothing had happened")


def _without_redis(logs: Iterable[Path]) -> Iterator[float]:
    """When a daemon could not ask Redis: until it can, it knows only of its own logins."""
    for log in logs:
        for line in log.read_text(encoding="utf-8", errors="replace").splitlines():
            if '"shared.redis_away"' in line:
                yield datetime.fromisoformat(json.loads(line)["time"]).timestamp()


def _budget(calls: Sequence[Call], facts: Facts, found: Verdict) -> None:
    """In no minute more calls than allowed, whatever became of Redis."""
    for system in SIDES:
        at = sorted(call.began for call in calls if call.system == system)
        first = 0
        for last, moment in enumerate(at):
            while at[first] < moment - 60:
                first += 1
            found.busiest_minute = max(found.busiest_minute, last - first + 1)
            if last - first + 1 > facts.calls_per_minute * BURST:
                found.findings.append(f"{system}: {last - first + 1} calls in a minute")
                break
