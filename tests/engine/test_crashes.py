"""Killed at any point, the next daemon ends in the same state as an uninterrupted run.

Every remote call and every ledger commit of a scenario is an effect. For each effect the daemon is
killed after it but before its answer is seen, then another one starts. Killed before an effect is
killed after the one before: nothing between two effects outlives the process.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from mappers.beteiligte import BETEILIGTE
from mappers.spec import Side
from syncd.app import App
from syncd.ledger import people, work
from syncd.sandbox.faults import Kind, Rule
from tests.daemon import Crash, World
from tests.virtual import run

Pairs = list[tuple[str, int]]
Edit = Callable[[World, Pairs], Any]


def edit_in_espocrm(world: World, pairs: Pairs) -> None:
    world.sandbox.people.espo.edit(pairs[0][0], {"lastName": "Neuname", "titel": "Dr."}, by="anna")


def edit_in_advoware(world: World, pairs: Pairs) -> None:
    world.sandbox.people.advoware.edit(pairs[0][1], {"name": "Neuname", "titel": "Dr."}, by="AB")


def edit_different_fields(world: World, pairs: Pairs) -> None:
    world.sandbox.people.espo.edit(pairs[0][0], {"titel": "Dr."}, by="anna")
    world.sandbox.people.advoware.edit(pairs[0][1], {"zusatz": "Nachlass"}, by="AB")


def edit_the_same_field(world: World, pairs: Pairs) -> None:
    world.sandbox.people.espo.edit(pairs[0][0], {"titel": "Dr."}, by="anna")
    world.sandbox.people.advoware.edit(pairs[0][1], {"titel": "Prof."}, by="AB")


def create_in_espocrm(world: World, pairs: Pairs) -> None:
    person = {"firstName": "Ida", "lastName": "Neumann", "geburtsdatum": "1990-02-03", "titel": "Dr."}
    world.sandbox.people.espo.create(person, by="anna")


def create_with_lost_answer(world: World, pairs: Pairs) -> None:
    world.sandbox.faults.add(Rule(Kind.TIMEOUT_APPLIED, system="advoware", method="POST", route="*/Beteiligte"))
    create_in_espocrm(world, pairs)


def delete_in_advoware(world: World, pairs: Pairs) -> None:
    world.sandbox.people.advoware.vanish(pairs[0][1])


SCENARIOS: dict[str, Edit] = {
    edit.__name__: edit
    for edit in (
        edit_in_espocrm,
        edit_in_advoware,
        edit_different_fields,
        edit_the_same_field,
        create_in_espocrm,
        create_with_lost_answer,
        delete_in_advoware,
    )
}


async def settle(world: World, app: App) -> None:
    """Poll, look round and work until nothing waits any more."""
    await app.open()
    for _ in range(60):
        await app.poll()
        await app.sweep(600)
        await app.full_pass_if_due()
        await app.drain(60)
        await app.deliver()
        await world.clock.sleep(20)
        counts = await app.parts.ledger.read(work.counts, world.clock.now())
        if not counts["lanes"]:
            return
    raise AssertionError("never settles")


async def play(edit: Edit, *, after: int | None = None) -> tuple[dict[str, Any], int]:
    """The end state after a scenario, and how many effects it took; with a crash, from a second daemon."""
    with tempfile.TemporaryDirectory() as directory:
        world = World(Path(directory), SYNCD_SWEEP_MIN_SECONDS="10", SYNCD_SWEEP_MAX_SECONDS="40")
        pairs = world.sandbox.seed.synced(2)
        await settle(world, world.daemon())
        edit(world, pairs)
        world.effects.count, world.effects.crash_after = 0, after
        crashed = False
        try:
            await settle(world, world.daemon("first"))
        except Crash:
            crashed = True
            world.effects.crash_after = None
            await world.clock.sleep(61)
            await settle(world, world.daemon("second"))
        assert crashed == (after is not None)
        effects = world.effects.count
        # one more round with fresh eyes: nothing is left to do
        written = dict(world.sandbox.log.writes)
        await world.clock.sleep(100)
        await settle(world, world.daemon("third"))
        assert dict(world.sandbox.log.writes) == written, "a settled world is written to"
        return await end_state(world), effects


async def end_state(world: World) -> dict[str, Any]:
    """What people see of both systems, in canonical values, and what is kept of replaced ones."""
    espo = {}
    for record in world.sandbox.people.espo.all():
        fields = {field.name: field.parse(Side.ESPO, record) for field in BETEILIGTE.fields}
        espo[record["id"]] = {**fields, "status": record["syncStatus"], "linked": record["betnr"] is not None}
    advoware = sorted(
        sorted((field.name, str(field.parse(Side.ADVOWARE, record))) for field in BETEILIGTE.fields)
        for record in world.sandbox.people.advoware.all()
    )
    ledger = world.daemon("reader").parts.ledger
    kept = await ledger.read(people.list_conflicts, [people.KEPT])
    notes = [note["parentId"] for note in world.sandbox.dump()["espocrm"].get("Note", {}).values()]
    return {
        "espo": sorted(espo.values(), key=str),
        "advoware": advoware,
        "kept": sorted((item["field"], item["espo"], item["advoware"]) for item in kept),
        "notes": len(notes),
    }


@pytest.mark.parametrize("name", SCENARIOS)
def test_a_crash_at_any_effect_changes_nothing_in_the_end(name: str) -> None:
    edit = SCENARIOS[name]
    expected, effects = run(play(edit))
    wrong = []
    for number in range(1, effects + 1):
        try:
            state, _ = run(play(edit, after=number))
        except AssertionError as error:
            wrong.append((number, str(error)))
            continue
        if state != expected:
            wrong.append((number, str(state)))
    assert not wrong, f"{len(wrong)} of {effects} crashes end elsewhere; expected {expected}: {wrong[:3]}"
