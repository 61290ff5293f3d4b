"""Judges the end of a simulated world by what was seen: the specification's invariants, one line per violation.

Shares no code with the engine. It reads both systems' screens, and of the ledger what is kept and what waits for
people.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from syncd.ledger import journal, people, work
from syncd.ledger.store import Ledger
from syncd.sandbox.reachability import differences, living, meaning, user_text
from tests.engine.clerks import FIELD as NUMBERS
from tests.engine.clerks import is_slot
from tests.ledger_on_the_spot import OnTheSpot
from tests.simulation import nursery_check
from tests.simulation.backups import Verdict
from tests.simulation.stage import COLUMNS, Stage
from tests.simulation.witness import ADVOWARE, ESPO, FIELDS, Cell, Edit, Value, numbers, value_of

MINUTE = 60.0
LOGIN = 30.0  # seconds after which others may log in, too


@dataclass(frozen=True)
class Ledgers:
    """What all ledgers of a world keep of a record: losers by field, what waits, entries, texts.

    `asked`: the numbers that wait for a person.
    """

    kept: Mapping[str, frozenset[Value]]
    waiting: frozenset[str]
    link_asked: bool
    entries: frozenset[Value]
    texts: frozenset[str]
    asked: frozenset[Value]


async def judge(stage: Stage) -> list[str]:
    """Everything that must not be, at a moment when nobody types and nothing breaks any more."""
    world = stage.world
    wrong = [*stage.witness.wrong, *world.wrong]
    counts = await world.reader().read(work.counts, world.clock.now())
    if counts["lanes"]:
        wrong.append(f"work is left: {counts['lanes']}")
    wrong += await records(stage)
    wrong += _links(stage)
    for betnr, origin in stage.witness.creators.items():
        wrong += await _creation(stage, betnr, origin)
    wrong += [line for one in stage.verdicts for line in await _verdict(stage, one)]
    wrong += [line for copy in sorted(stage.copies) for line in await _copy(stage, copy)]
    wrong += await nursery_check.judge(stage)
    wrong += _calls(stage)
    return wrong


async def records(stage: Stage) -> list[str]:
    """What is wrong with records; not with those of which every call fails, which must delay no other."""
    found: list[str] = []
    for espo_id, _ in stage.persons:
        if espo_id is not None and espo_id not in stage.deleted | stage.poisoned:
            found += [f"{espo_id}: {line}" for line in await _record(stage, espo_id)]
    return found


async def _record(stage: Stage, espo_id: str) -> list[str]:
    """Converged, and no value lost."""
    shown = stage.people.espo.see(espo_id)
    ledgers = await kept_of(stage, espo_id)
    betnr, status = shown["betnr"], shown["syncStatus"]
    wrong = list(_status(shown, ledgers, betnr in stage.vanished))
    held = status == "conflict" and ledgers.link_asked
    beteiligter = stage.world.sandbox.advoware.beteiligte.get(betnr)
    if beteiligter is None:
        if betnr not in stage.vanished and not (held and betnr is None):
            wrong.append(f"has no Beteiligter ({betnr})")
        return wrong
    there = stage.people.advoware.see(betnr)
    for name in FIELDS:
        left, right = value_of(ESPO, name, shown), value_of(ADVOWARE, name, there)
        if not _same(stage, name, left, right) and name not in ledgers.waiting and not held:
            wrong.append(f"{name} is {left!r} and {right!r}")
        wrong += _values(stage, espo_id, betnr, name, (left, right), ledgers, held)
    wrong += _numbers(stage, espo_id, betnr, shown, there, ledgers, held)
    return wrong


def _status(shown: Mapping[str, Any], ledgers: Ledgers, vanished: bool) -> Iterator[str]:
    status = shown["syncStatus"]
    if vanished:
        if status != "deleted_in_advoware":
            yield f"is {status}, and its Beteiligter is gone"
    elif status == "conflict":
        if not ledgers.waiting and not ledgers.link_asked:
            yield f"is in conflict, and nothing waits: {shown['syncErrorMessage']}"
    elif status != "clean":
        yield f"is {status}: {shown['syncErrorMessage']}"


def _values(
    stage: Stage, espo_id: str, betnr: int, name: str, ends: tuple[Value, Value], ledgers: Ledgers, held: bool
) -> Iterator[str]:
    """What no later edit has replaced is shown in the end, or kept; only that is shown, unless people are asked."""
    witness = stage.witness
    there = {betnr, *witness.links[espo_id]}
    cells: set[Cell] = {(ESPO, espo_id, name), *((ADVOWARE, str(one), name) for one in there)}
    edits = [one for one in witness.edits if one.cell in cells and one.id not in witness.clobbered]
    replaced = frozenset[int]().union(*(one.replaces for one in edits))
    last = [one for one in edits if one.id not in replaced]
    origins = {witness.versions[cell][0].value for cell in cells if witness.versions.get(cell)}
    kept = ledgers.kept.get(name, frozenset())
    for one in last:
        seen_there = any(other.value == one.value and other.id in replaced for other in edits)  # typed on both sides
        too_late = one.who == "choice" and any(other.at > one.at for other in last)  # somebody typed on meanwhile
        nothing = seen_there or too_late or witness.typed_back(one)
        if one.value is not None and one.value not in {*ends, *kept} and not nothing:
            yield f"lost: {_told(one)}; {name} is {ends[0]!r} and {ends[1]!r}"
    lost_in_window = any(one.cell in cells and one.id in witness.clobbered for one in witness.edits)
    if last and not lost_in_window and not held and name not in ledgers.waiting:
        surely = frozenset[int]().union(*(one.replaces - one.unseen for one in edits))
        right = {one.value for one in edits if one.id not in surely}
        if stage.lost_ledgers:  # without a base the newer side wins, also with what nobody has touched there
            right |= origins | {one.value for one in edits}
        if (espo_id, name) in stage.believed and all(one.value in {*kept, *ends} for one in last):
            right.add(stage.believed[espo_id, name])  # typed after the answer, before a daemon obeyed it
        for side, end in zip((ESPO, ADVOWARE), ends, strict=True):
            if end not in right and end not in {witness.once_kept_as(side, name, one) for one in right}:
                yield f"{name} shows {end!r}, which is not what was typed last: {[_told(one) for one in last]}"
    if not last and not lost_in_window and not origins.issuperset(ends):
        yield f"{name} is {ends[0]!r} and {ends[1]!r}, and nobody has touched it"


def _same(stage: Stage, name: str, left: Value, right: Value) -> bool:
    kept_as = stage.witness.once_kept_as
    return left == right or kept_as(ESPO, name, right) == left or kept_as(ADVOWARE, name, left) == right


def _told(edit: Edit) -> str:
    return f"{edit.who} typed {edit.value!r} into {edit.cell[2]} in {edit.cell[0]} at {edit.at:.3f}"


def _numbers(
    stage: Stage, espo_id: str, betnr: int, shown: Mapping[str, Any], there: Mapping[str, Any], ledgers: Ledgers,
    held: bool,
) -> Iterator[str]:  # fmt: skip
    """Phones and e-mails, judged by what each of the clerks wanted."""
    asked_about = {meaning(one["tlf"]) for one in living(there) if f"{NUMBERS}{one['id']}" in ledgers.waiting}
    if not held:
        yield from differences(shown, there, {value for value in asked_about | ledgers.asked if value is not None})
    records = [(ESPO, espo_id), (ADVOWARE, str(betnr))]
    typed = set[Value]().union(*(stage.witness.known_numbers.get(record, ()) for record in records))
    somewhere = numbers(ESPO, shown) | numbers(ADVOWARE, there)
    for value in somewhere - typed:
        yield f"{value} was typed by nobody"
    excused = stage.witness.swept_values
    safe = ledgers.entries | (numbers(ESPO, shown) | numbers(ADVOWARE, there) if held else frozenset())
    for line, about in stage.clerks.judged((espo_id, betnr), shown, there, safe, ledgers.texts):
        # A marker is believed for no deletion and no type when the ledger is lost (ADR 0018); and where a person said
        # after a restored backup (or what looked like one) which side is right, the other side's numbers go.
        asked = any(record == espo_id for record, _ in stage.believed)
        forgotten = line.startswith(("came back", "type lost")) and (stage.lost_ledgers or asked)
        if held and line.startswith(("came back", "type lost")):
            continue  # nothing travels before a person has answered
        if line.startswith("came back") and not stage.witness.hasty.isdisjoint(about):
            continue  # whoever took it away may have meant what was there before: a change is worth more
        if not forgotten and excused.isdisjoint(about):
            yield line


async def kept_of(stage: Stage, espo_id: str) -> Ledgers:
    """What is kept of a record, in the ledger and in those that were lost."""
    rows: list[dict[str, Any]] = []
    used_again: list[Mapping[str, Any]] = []  # slots, whose text moves to the history when a number is put there
    urls = [*stage.lost_ledgers, stage.world.ledger_url]
    waiting: list[dict[str, Any]] = []
    for url in urls:
        ledger = Ledger(OnTheSpot(url))
        states = [people.KEPT, people.SETTLED, *people.WAITING]
        rows += await ledger.read(people.list_conflicts, states, f"beteiligte/{espo_id}", 100_000)
        told = await ledger.read(journal.of_record, f"beteiligte/{espo_id}", 100_000)
        before = [row["before"] for row in told if row["side"] == ADVOWARE and row["field"].startswith(NUMBERS)]
        used_again += [one for one in before if one is not None and is_slot(one)]
        waiting = [row for row in rows if row["state"] in people.WAITING] if url == urls[-1] else []
        ledger.close()
    kept: dict[str, set[Value]] = {}
    for row in rows:
        kept.setdefault(row["field"], set()).update(row[name] for name in COLUMNS.values() if _plain(row[name]))
    bodies = [row[name] for row in rows if row["field"].startswith(NUMBERS) for name in COLUMNS.values()]
    asked = [row[name] for row in waiting if row["field"].startswith(NUMBERS) for name in COLUMNS.values()]
    return Ledgers(
        {name: frozenset(values) for name, values in kept.items()},
        frozenset(row["field"] for row in waiting if row["field"]),
        any(row["field"] == "" for row in waiting),
        frozenset(meaning(body) for body in bodies if _plain(body)),
        frozenset(user_text(one.get("bemerkung")) for one in (*bodies, *used_again) if isinstance(one, Mapping)),
        frozenset(meaning(body) for body in asked if _plain(body)),
    )


def _plain(value: object) -> bool:
    return value is None or isinstance(value, str)


def _links(stage: Stage) -> Iterator[str]:
    """One Beteiligter per record and the reverse, and nobody made up."""
    world, people_ = stage.world, stage.people
    numbers = Counter(
        record["betnr"] for record in people_.espo.all() if record["betnr"] and record["id"] not in stage.copies
    )
    for betnr, times in numbers.items():
        if times > 1:
            yield f"Beteiligter {betnr} is linked with {times} records"
    typed = {int(cell[1]) for cell in stage.witness.versions if cell[0] == ADVOWARE} - stage.witness.creators.keys()
    for betnr in world.sandbox.advoware.beteiligte.keys() - typed - stage.witness.creators.keys():
        yield f"Beteiligter {betnr} came from nowhere"


async def _creation(stage: Stage, betnr: int, origin: str) -> list[str]:
    """What a daemon created is linked, or a person is asked whether it is to be."""
    record = stage.people.espo.see(origin)
    if origin in stage.deleted or betnr in stage.vanished or record["betnr"] == betnr:
        return []
    asked = record["betnr"] is None and (await kept_of(stage, origin)).link_asked
    return [] if asked else [f"{betnr} was created for {origin}, which is linked with {record['betnr']}"]


async def _verdict(stage: Stage, one: Verdict) -> list[str]:
    """After a restored backup both sides say what the right one said, and the other value is kept.

    Not kept is what a plain edit replaces in a record that no guard named.
    """
    witness = stage.witness
    betnr = next(number for known, number in stage.persons if known == one.espo_id)
    cells = ((ESPO, one.espo_id, one.field), (ADVOWARE, str(betnr), one.field))
    since = [edit for cell in cells for edit in witness.versions[cell] if edit.order > one.order]
    if any(version.edit is not None for version in since):
        return []
    assert betnr is not None
    shown, there = stage.people.espo.see(one.espo_id), stage.people.advoware.see(betnr)
    ends = value_of(ESPO, one.field, shown), value_of(ADVOWARE, one.field, there)
    kept = (await kept_of(stage, one.espo_id)).kept.get(one.field, frozenset())
    found = []
    if set(ends) != {one.value}:
        if not one.listed:
            return []
        found.append(f"{one.espo_id}: {one.field} is {ends}, and {one.value!r} was said to be right")
    plain_edit = one.follows and not one.listed
    if one.loser is not None and one.loser not in kept and not plain_edit:
        found.append(f"{one.espo_id}: {one.field} {one.loser!r} lost against a backup, and is not kept")
    return found


async def _copy(stage: Stage, copy: str) -> list[str]:
    """A copied record waits for a person."""
    status, ledgers = stage.people.espo.see(copy)["syncStatus"], await kept_of(stage, copy)
    return [] if status == "conflict" and ledgers.link_asked else [f"{copy}, a copy, is {status}"]


def _calls(stage: Stage) -> Iterator[str]:
    """At most one token per lifetime, and never more calls a minute than allowed.

    A further one for each call that was refused for no reason, and for each token that nobody got in time.
    """
    world = stage.world
    settings = world.settings
    lifetimes = 1 + int(world.loop.elapsed // world.sandbox.tokens.lifetime_seconds)
    lost = [one for one in stage.witness.logins if one.heard is None or one.heard - one.at > LOGIN]
    spoiled = [call for call in world.sandbox.log.calls if call.route.endswith("/Token") and call.faults]
    if world.sandbox.tokens.issued > lifetimes + stage.flushes + stage.refusals(ADVOWARE) + len(lost) + len(spoiled):
        yield f"{world.sandbox.tokens.issued} tokens were asked for in {lifetimes} lifetimes"
    limits = {
        ESPO: settings.syncd_espocrm_calls_per_minute,
        ADVOWARE: settings.syncd_advoware_calls_per_minute,
    }
    if stage.flushes:  # what was spent is forgotten with it
        return
    for system, limit in limits.items():
        times = [call.at for call in world.sandbox.log.calls if call.system == system and "/Token" not in call.route]
        if (most := _most_at_once(times)) > limit:
            yield f"{most} calls to {system} within a minute, {limit} are allowed"


def _most_at_once(times: Sequence[float]) -> int:
    most = first = 0
    for last, at in enumerate(times):
        while times[first] <= at - MINUTE:
            first += 1
        most = max(most, last - first + 1)
    return most
