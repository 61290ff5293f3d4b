"""Killed at any point, the next daemon ends in the same state as an uninterrupted run."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from mappers.beteiligte import BETEILIGTE
from mappers.spec import Side
from syncd.ledger import people
from syncd.sandbox.faults import Kind, Rule
from tests.daemon import World
from tests.engine.deaths import Scenario, dies_anywhere

Pairs = list[tuple[str, int]]
Edit = Callable[[World, Pairs], Any]


def two_pairs(world: World) -> Pairs:
    return world.sandbox.seed.synced(2)


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
def test_a_crash_at_every_sixth_effect_changes_nothing_in_the_end(name: str) -> None:
    dies_anywhere(Scenario(two_pairs, SCENARIOS[name], end_state), every=6)


@pytest.mark.soak
@pytest.mark.parametrize("name", SCENARIOS)
def test_a_crash_at_any_effect_changes_nothing_in_the_end(name: str) -> None:
    dies_anywhere(Scenario(two_pairs, SCENARIOS[name], end_state))
