"""What must not happen too often, or to those it is not about: judged by the calls and writes that were seen.

A part of the oracle; shares no code with the engine.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import TYPE_CHECKING

from syncd.ledger import journal
from syncd.sandbox.calllog import Call
from syncd.sandbox.reachability import living, meaning
from tests.simulation.watch import Wrote
from tests.simulation.witness import ADVOWARE, ESPO, FIELDS, value_of

if TYPE_CHECKING:
    from tests.simulation.mishaps import Mishaps

AWAY_CALLS = 40  # calls within a minute to a system that is away: some were under way, some are probes
MOST_DEATHS = 7  # of one record: five retries, and what was under way


def beyond_limits(stage: Mishaps) -> Iterator[str]:
    """One line for everything that was too much."""
    yield from _marked(stage)
    yield from _created(stage)
    yield from _changed(stage)
    yield from _away(stage)
    yield from _people(stage)


async def buried(stage: Mishaps) -> list[str]:
    """Living records the ledger took for deleted."""
    reader = stage.world.reader()
    found = []
    for espo_id, _ in stage.persons:
        if espo_id is not None and espo_id not in stage.deleted:
            rows = await reader.read(journal.of_record, f"beteiligte/{espo_id}", 1000)
            if any(row["why"] == "deleted_in_espo" for row in rows):
                found.append(f"{espo_id} was taken for deleted, and is there")
    reader.close()
    return found


def _marked(stage: Mishaps) -> Iterator[str]:
    """Records shown as deleted in Advoware: only after two answers that said so, and never many at once."""
    settings = stage.world.settings
    marked = [one for one in stage.watch.wrote if one.status == "deleted_in_advoware"]
    for one in marked:
        number, offset = one.betnr, _offset(stage, ADVOWARE)
        if number not in stage.vanished and not stage.lies:
            yield f"{one.record} was marked as deleted, and {number} is there"
        calls = _answers(stage, ADVOWARE, partial(_is_about, number))
        said = [call.at for call in calls if call.status == 404 and call.at - offset <= one.at]
        if not said or max(said) - min(said) < settings.syncd_sweep_min_seconds - 1.0:
            yield f"{one.record} was marked as deleted after {len(said)} answers that said so"
    before = [one for one in marked if not stage.allowed or one.at < stage.allowed[0]]
    records = {one.record for one in before}
    if len(records) >= settings.syncd_delete_guard_min:
        yield f"{len(records)} records were marked as deleted, and nobody was asked"


def _is_about(betnr: int | None, call: Call) -> bool:
    return call.path.endswith(f"/Beteiligte/{betnr}")


def _created(stage: Mishaps) -> Iterator[str]:
    limit = stage.world.settings.syncd_create_guard
    calls = _answers(stage, ADVOWARE, lambda call: call.method == "POST" and call.path.endswith("/Beteiligte"))
    until = stage.allowed[0] + _offset(stage, ADVOWARE) if stage.allowed else float("inf")
    made = [call for call in calls if call.status == 201 and call.at < until]
    if 0 < limit < len(made):
        yield f"{len(made)} Beteiligte were created within an hour, {limit} are allowed"


def _changed(stage: Mishaps) -> Iterator[str]:
    settings = stage.world.settings
    for system in (ESPO, ADVOWARE):
        for name in FIELDS:
            records = {
                one.record
                for one in stage.watch.wrote
                if one.system == system and name in one.fields and not _was_allowed(stage, one)
            }
            part = len(records) > len(stage.persons) * settings.syncd_change_guard_percent / 100
            if 0 < settings.syncd_change_guard_min <= len(records) and part:
                yield f"{name} was changed in {len(records)} records in {system}, and nobody was asked"


def _was_allowed(stage: Mishaps, one: Wrote) -> bool:
    return bool(stage.allowed) and one.at >= stage.allowed[0]


def _away(stage: Mishaps) -> Iterator[str]:
    for system in (ESPO, ADVOWARE):
        times = [call.at for call in _answers(stage, system, lambda call: "offline" in call.faults)]
        most = max((sum(1 for at in times if start <= at < start + 60.0) for start in times), default=0)
        if most > AWAY_CALLS:
            yield f"{most} calls within a minute to {system}, which was away"


def _people(stage: Mishaps) -> Iterator[str]:
    for espo_id, betnr in stage.foreign:
        for one in stage.watch.wrote:
            if one.fields and (one.record in (espo_id, str(betnr))):
                yield f"{one.record} was written over with data of somebody else ({', '.join(sorted(one.fields))})"
    for betnr, origin in stage.witness.creators.items():
        if origin in stage.outsiders:
            yield f"{betnr} was created for {origin}, which nobody let in"
    if len(stage.killed) > MOST_DEATHS:
        yield f"{len(stage.killed)} processes died of one record"
    yield from _doubled(stage)
    yield from _doubled_numbers(stage)


def _doubled(stage: Mishaps) -> Iterator[str]:
    """Somebody who was in Advoware already was created there."""
    people = stage.people.advoware.all()
    who = {one["betNr"]: tuple(value_of(ADVOWARE, name, one) for name in ("name", "vorname", "geburtsdatum"))
           for one in people}  # fmt: skip
    for betnr in stage.witness.creators:
        same = [other for other, known in who.items() if other != betnr and known == who.get(betnr) and all(known)]
        if same:
            yield f"{betnr} was created, though {same[0]} is the same person"


def _doubled_numbers(stage: Mishaps) -> Iterator[str]:
    """A number that was there already and that a daemon made once more."""
    for one in stage.people.advoware.all():
        entries = living(one)
        for made in entries:
            same = [other["id"] for other in entries if meaning(other["tlf"]) == meaning(made["tlf"])]
            if made["id"] in stage.watch.made_entries and len(same) > 1:
                yield f"entry {made['id']} was made, though {min(same)} says the same"
                break


def _answers(stage: Mishaps, system: str, wanted: Callable[[Call], bool]) -> Sequence[Call]:
    return [call for call in stage.world.sandbox.log.calls if call.system == system and wanted(call)]


def _offset(stage: Mishaps, system: str) -> float:
    """How far a system's clock is ahead of the virtual seconds."""
    sandbox = stage.world.sandbox
    return (sandbox.espo if system == ESPO else sandbox.advoware).now() - stage.world.loop.elapsed
