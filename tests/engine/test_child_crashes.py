"""Killed at any point while addresses and accounts are kept the same, the next daemon ends as an uninterrupted run."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import pytest

from mappers.adressen import ADRESSEN
from mappers.bankverbindungen import BANKVERBINDUNGEN
from mappers.spec import Entity, Side
from syncd.ledger import people
from syncd.sandbox.faults import Kind, Rule
from tests.daemon import World
from tests.engine.deaths import Scenario, dies_anywhere
from tests.engine.households import ADRESSE, OTHER_IBAN, ZEILE

KINDS = (ADRESSEN, BANKVERBINDUNGEN)
OFFICE = {"strasse": "Am Ufer 9", "plz": "28195", "ort": "Bremen"}


@dataclass(frozen=True)
class Household:
    """A person in both systems, with two addresses and an account."""

    espo_id: str
    betnr: int
    home: str
    office: str
    account: str


def household(world: World) -> Household:
    """A person of an installation that goes on, with a second address that both systems know."""
    [(espo_id, betnr)] = world.sandbox.seed.synced(1)
    espo, advoware = world.sandbox.people.espo, world.sandbox.people.advoware
    [home], [account] = espo.ids("CAdressen"), espo.ids("CBankverbindungen")
    here = {"adresseStreet": "Am Ufer 9", "adressePostalCode": "28195", "adresseCity": "Bremen"}
    office = espo.create({**here, "beteiligterId": espo_id}, "CAdressen", by="anna")
    advoware.add_adresse(betnr, {**OFFICE, "bemerkung": f"[ESPOCRM:{office}]"})
    return Household(espo_id, betnr, home, office, account)


# --- what people do ---------------------------------------------------------------------------


def rows(world: World, house: Household, kind: str = "adressen") -> list[dict[str, Any]]:
    return list(world.sandbox.people.advoware.see(house.betnr)[kind])


def new_address_in_espocrm(world: World, house: Household) -> None:
    values = {**ADRESSE, "adresseCountry": "D", "bemerkung": "Hinterhaus", "beteiligterId": house.espo_id}
    world.sandbox.people.espo.create(values, "CAdressen", by="anna")


def new_address_in_advoware(world: World, house: Household) -> None:
    world.sandbox.people.advoware.add_adresse(house.betnr, {**ZEILE, "land": "D", "bemerkung": "Hinterhaus"}, by="AB")


def the_same_address_typed_in_both(world: World, house: Household) -> None:
    new_address_in_espocrm(world, house)
    new_address_in_advoware(world, house)


def address_changed_on_both(world: World, house: Household) -> None:
    world.sandbox.people.espo.edit(house.office, {"adresseStreet": "Am Ufer 10"}, "CAdressen", by="anna")
    row = next(row for row in rows(world, house) if row["strasse"] == "Am Ufer 9")
    world.sandbox.people.advoware.edit_adresse(house.betnr, row["id"], {"ort": "Bremerhaven"}, by="AB")


def the_same_field_changed_on_both(world: World, house: Household) -> None:
    world.sandbox.people.espo.edit(house.office, {"adresseStreet": "Am Ufer 10"}, "CAdressen", by="anna")
    row = next(row for row in rows(world, house) if row["strasse"] == "Am Ufer 9")
    world.sandbox.people.advoware.edit_adresse(house.betnr, row["id"], {"strasse": "Am Deich 1"}, by="AB")


def address_shifts_under_the_put(world: World, house: Household) -> None:
    ids = [row["id"] for row in rows(world, house)]
    shift = {"system": "advoware", "do": "reorder_adressen", "betnr": house.betnr, "ids": ids[::-1]}
    world.sandbox.faults.add(Rule(Kind.EDIT_BEFORE, system="advoware", method="PUT", act=shift))
    world.sandbox.people.espo.edit(house.office, {"adresseStreet": "Am Ufer 10"}, "CAdressen", by="anna")


def what_only_a_person_can_change(world: World, house: Household) -> None:
    values = {"adresseCountry": "A", "adresseStreet": "Am Ufer 10"}
    world.sandbox.people.espo.edit(house.office, values, "CAdressen", by="anna")


def another_iban(world: World, house: Household) -> None:
    world.sandbox.people.espo.edit(house.account, {"iban": OTHER_IBAN}, "CBankverbindungen", by="anna")


def another_iban_with_a_lost_answer(world: World, house: Household) -> None:
    world.sandbox.faults.add(Rule(Kind.TIMEOUT_APPLIED, system="advoware", method="POST", route="*/Bankverbindungen"))
    another_iban(world, house)


def two_new_children_at_once(world: World, house: Household) -> None:
    new_address_in_espocrm(world, house)
    account = {"iban": OTHER_IBAN, "kontoinhaber": "Ida Neumann", "beteiligterId": house.espo_id}
    world.sandbox.people.espo.create(account, "CBankverbindungen", by="bernd")
    world.sandbox.people.advoware.add_adresse(house.betnr, {**ZEILE, "strasse": "Kurze Gasse 1"}, by="AB")


def address_deleted_in_espocrm(world: World, house: Household) -> None:
    world.sandbox.people.espo.delete(house.office, "CAdressen", by="anna")


def address_deleted_in_advoware(world: World, house: Household) -> None:
    row = next(row for row in rows(world, house) if row["strasse"] == "Am Ufer 9")
    world.sandbox.people.advoware.remove_child(house.betnr, "adressen", row["id"])


def lost(kind: Kind, system: str, route: str, typed: Callable[[World, Household], None]) -> None:
    """Name a scenario in which the answer to a POST is lost."""

    def act(world: World, house: Household) -> None:
        world.sandbox.faults.add(Rule(kind, system=system, method="POST", route=route, seconds=35.0))
        typed(world, house)

    LOST[f"{typed.__name__}_{kind}"] = act


LOST: dict[str, Callable[[World, Household], None]] = {}
for late in (Kind.TIMEOUT_APPLIED, Kind.APPLIED_LATE):
    lost(late, "advoware", "*/Adressen", new_address_in_espocrm)
    lost(late, "espocrm", "*/CAdressen", new_address_in_advoware)

SCENARIOS: dict[str, Callable[[World, Household], None]] = {
    act.__name__: act
    for act in (
        new_address_in_espocrm,
        new_address_in_advoware,
        the_same_address_typed_in_both,
        address_changed_on_both,
        the_same_field_changed_on_both,
        address_shifts_under_the_put,
        what_only_a_person_can_change,
        another_iban,
        another_iban_with_a_lost_answer,
        two_new_children_at_once,
        address_deleted_in_espocrm,
        address_deleted_in_advoware,
    )
} | LOST


# --- what comes of it -------------------------------------------------------------------------


def canonical(entity: Entity, side: Side, body: Mapping[str, Any]) -> list[tuple[str, str]]:
    return sorted((name, str(value)) for name, value in entity.canonical(side, body).items())


async def end_state(world: World) -> dict[str, Any]:
    """Both households as people see them, what they are asked to do, and what is kept of replaced values."""
    [beteiligter] = world.sandbox.people.advoware.all()
    espo = world.sandbox.people.espo
    ledger = world.daemon("reader").parts.ledger
    kept = await ledger.read(people.list_conflicts, [people.KEPT, *people.WAITING])
    return {
        "here": {
            entity.name: sorted(
                (canonical(entity, Side.ESPO, record), record["syncStatus"]) for record in espo.all(entity.espo_type)
            )
            for entity in KINDS
        },
        "there": {
            entity.name: sorted(canonical(entity, Side.ADVOWARE, row) for row in entity.rows(beteiligter) or ())
            for entity in KINDS
        },
        "marks": sum(str(row["bemerkung"] or "").startswith("[ESPOCRM:") for row in beteiligter["adressen"]),
        "created": {entity.name: len(world.sandbox.espo.tables[entity.espo_type].rows) for entity in KINDS},
        "parent": [record["syncStatus"] for record in espo.all()],
        "kept": sorted((row["state"], row["field"], row["espo"], row["advoware"]) for row in kept),
        "tasks": sorted((task["status"], task["description"]) for task in espo.all("Task")),
        "notes": len([note for note in espo.all("Note") if note["type"] == "Post"]),
    }


@pytest.mark.parametrize(
    "act",
    [two_new_children_at_once, another_iban_with_a_lost_answer, new_address_in_advoware],
    ids=lambda act: act.__name__,
)
def test_a_crash_at_every_twentieth_effect_leaves_the_children_as_without_it(
    act: Callable[[World, Household], None],
) -> None:
    dies_anywhere(Scenario(household, act, end_state), every=20)


@pytest.mark.soak
@pytest.mark.parametrize("name", SCENARIOS)
def test_a_crash_at_any_effect_leaves_the_children_as_without_it(name: str) -> None:
    dies_anywhere(Scenario(household, SCENARIOS[name], end_state))
