"""Killed at any point while numbers are kept the same, the next daemon ends as an uninterrupted run does."""

from __future__ import annotations

import base64
from collections.abc import Callable
from typing import Any

import pytest

from syncd.ledger import people
from syncd.sandbox.faults import Kind, Rule
from tests.daemon import World
from tests.engine.deaths import Scenario, dies_anywhere, play
from tests.engine.story import ADVOWARE, ESPO
from tests.virtual import run

OFFICE, MOBILE, HOME = "+4951112345", "+491712345678", "+495119876"
ADDRESS = "ida.neumann@example.org"
Pair = tuple[str, int]


def phone(number: str, kind: str, *, primary: bool = False) -> dict[str, Any]:
    return {"phoneNumber": number, "type": kind, "primary": primary, "optOut": False, "invalid": False}


def marker(value: str, kind: int) -> str:
    return f"[ESPOCRM:{base64.b64encode(value.encode()).decode()}:{kind}]"


def reachable(world: World) -> Pair:
    """Three phones, one of them typed twice in Advoware, an address, and a slot of kommKz 10."""
    typed = [(1, OFFICE, ""), (3, MOBILE, "nur abends"), (6, HOME, ""), (6, HOME, "Mutter")]
    entries = [{"kommKz": kind, "tlf": tlf, "bemerkung": text, "online": kind == 1} for kind, tlf, text in typed]
    entries.append({"kommKz": 10, "tlf": "", "bemerkung": "[ESPOCRM-SLOT:10] alt", "online": False})
    betnr = world.sandbox.people.advoware.create({**ADVOWARE, "kommunikation": entries}, by="AB")
    numbers = [phone(OFFICE, "Office", primary=True), phone(MOBILE, "Mobile"), phone(HOME, "Home")]
    mails = [{"emailAddress": ADDRESS, "primary": True, "optOut": False, "invalid": False}]
    record = {**ESPO, "betnr": betnr, "phoneNumberData": numbers, "emailAddressData": mails}
    return world.sandbox.people.espo.create(record, by="anna"), betnr


# --- what people do ---------------------------------------------------------------------------


def numbers_of(world: World, pair: Pair) -> list[dict[str, Any]]:
    return [dict(row) for row in world.sandbox.people.espo.see(pair[0])["phoneNumberData"]]


def save(world: World, pair: Pair, numbers: list[dict[str, Any]]) -> None:
    world.sandbox.people.espo.edit(pair[0], {"phoneNumberData": numbers}, by="anna")


def change(world: World, pair: Pair, number: str, **values: Any) -> None:
    """Anna gives one number other attributes."""
    rows = numbers_of(world, pair)
    next(row for row in rows if row["phoneNumber"] == number).update(values)
    save(world, pair, rows)


def entry_of(world: World, pair: Pair, number: str) -> int:
    rows = world.sandbox.people.advoware.see(pair[1])["kommunikation"]
    return next(int(row["id"]) for row in rows if row["tlf"] == number)


def new_in_espocrm(world: World, pair: Pair) -> None:
    save(world, pair, [*numbers_of(world, pair), phone("+49511555", "Fax")])


def new_in_espocrm_and_there_is_a_slot(world: World, pair: Pair) -> None:
    save(world, pair, [*numbers_of(world, pair), phone("+49511555", "Other")])


def gone_in_espocrm(world: World, pair: Pair) -> None:
    save(world, pair, [row for row in numbers_of(world, pair) if row["phoneNumber"] != MOBILE])


def gone_in_espocrm_with_a_twin(world: World, pair: Pair) -> None:
    save(world, pair, [row for row in numbers_of(world, pair) if row["phoneNumber"] != HOME])


def changed_in_espocrm(world: World, pair: Pair) -> None:
    change(world, pair, OFFICE, phoneNumber="+49511555")


def other_type_in_espocrm(world: World, pair: Pair) -> None:
    change(world, pair, MOBILE, type="Fax")


def other_primary_in_espocrm(world: World, pair: Pair) -> None:
    rows = numbers_of(world, pair)
    save(world, pair, [{**row, "primary": row["phoneNumber"] == MOBILE} for row in rows])


def new_in_advoware(world: World, pair: Pair) -> None:
    entry = {"tlf": "0511/555-0", "kommKz": 2, "bemerkung": "Kanzlei", "online": False}
    world.sandbox.people.advoware.add_kommunikation(pair[1], entry, by="AB")


def changed_in_advoware(world: World, pair: Pair) -> None:
    number = entry_of(world, pair, MOBILE)
    world.sandbox.people.advoware.edit_kommunikation(pair[1], number, {"tlf": "0171 555 00 00"}, by="AB")


def deleted_in_advoware(world: World, pair: Pair) -> None:
    world.sandbox.people.advoware.remove_child(pair[1], "kommunikation", entry_of(world, pair, MOBILE))


def primary_deleted_in_advoware(world: World, pair: Pair) -> None:
    world.sandbox.people.advoware.remove_child(pair[1], "kommunikation", entry_of(world, pair, OFFICE))


def emptied_in_advoware(world: World, pair: Pair) -> None:
    number = entry_of(world, pair, ADDRESS)
    world.sandbox.people.advoware.edit_kommunikation(pair[1], number, {"tlf": ""}, by="AB")


def two_people_at_different_numbers(world: World, pair: Pair) -> None:
    changed_in_espocrm(world, pair)
    changed_in_advoware(world, pair)


def two_people_at_the_same_number(world: World, pair: Pair) -> None:
    change(world, pair, MOBILE, phoneNumber="+49511555")
    changed_in_advoware(world, pair)


def the_same_number_typed_twice(world: World, pair: Pair) -> None:
    save(world, pair, [*numbers_of(world, pair), phone("+495115550", "Fax")])
    new_in_advoware(world, pair)


def five_new_numbers_at_once(world: World, pair: Pair) -> None:
    kinds = ("Office", "Fax", "Mobile", "Home", "Other")
    save(world, pair, [*numbers_of(world, pair), *(phone(f"+4951155{n}", kind) for n, kind in enumerate(kinds))])


def a_post_without_an_answer(world: World, pair: Pair) -> None:
    world.sandbox.faults.add(Rule(Kind.TIMEOUT_APPLIED, system="advoware", method="POST", route="*/Kommunikationen"))
    new_in_espocrm(world, pair)


def a_put_without_an_answer(world: World, pair: Pair) -> None:
    rule = Rule(Kind.TIMEOUT_APPLIED, system="advoware", method="PUT", route="*/Kommunikationen/*")
    world.sandbox.faults.add(rule)
    changed_in_espocrm(world, pair)


SCENARIOS: dict[str, Callable[[World, Pair], None]] = {
    act.__name__: act
    for act in (
        new_in_espocrm,
        new_in_espocrm_and_there_is_a_slot,
        gone_in_espocrm,
        gone_in_espocrm_with_a_twin,
        changed_in_espocrm,
        other_type_in_espocrm,
        other_primary_in_espocrm,
        new_in_advoware,
        changed_in_advoware,
        deleted_in_advoware,
        primary_deleted_in_advoware,
        emptied_in_advoware,
        two_people_at_different_numbers,
        two_people_at_the_same_number,
        the_same_number_typed_twice,
        five_new_numbers_at_once,
        a_post_without_an_answer,
        a_put_without_an_answer,
    )
}


# --- what comes of it -------------------------------------------------------------------------


async def end_state(world: World) -> dict[str, Any]:
    """Both lists as people see them, and what is kept of replaced values."""
    [record] = world.sandbox.people.espo.all()
    [beteiligter] = world.sandbox.people.advoware.all()
    ledger = world.daemon("reader").parts.ledger
    kept = await ledger.read(people.list_conflicts, [people.KEPT, *people.WAITING])
    return {
        "status": (record["syncStatus"], record["syncErrorMessage"]),
        "phones": sorted((row["phoneNumber"], row["type"], row["primary"]) for row in record["phoneNumberData"]),
        "mails": sorted((row["emailAddress"], row["primary"]) for row in record["emailAddressData"]),
        "entries": sorted(
            (row["kommKz"], row["tlf"], row["bemerkung"], row["online"]) for row in beteiligter["kommunikation"]
        ),
        "kept": sorted((row["state"], row["field"], row["espo"], row["advoware"]) for row in kept),
        "tasks": len(world.sandbox.people.espo.all("Task")),
        "notes": len([note for note in world.sandbox.people.espo.all("Note") if note["type"] == "Post"]),
    }


async def living_state(world: World) -> dict[str, Any]:
    """The end without free slots: whether there is one depends on how far the dead daemon had come."""
    state = await end_state(world)
    return {**state, "entries": [row for row in state["entries"] if row[1]]}


@pytest.mark.parametrize("name", SCENARIOS)
def test_a_crash_at_every_sixteenth_effect_leaves_the_numbers_as_without_it(name: str) -> None:
    dies_anywhere(Scenario(reachable, SCENARIOS[name], end_state), every=16)


@pytest.mark.parametrize("effect", [14, 18])
def test_another_primary_is_carried_out_though_the_marker_of_the_entry_says_nothing(effect: int) -> None:
    scenario = Scenario(reachable, SCENARIOS["other_primary_in_espocrm"], end_state)
    assert run(play(scenario, after=effect))[0] == run(play(scenario))[0]


@pytest.mark.soak
@pytest.mark.parametrize("name", SCENARIOS)
def test_a_crash_at_any_effect_leaves_the_numbers_as_without_it(name: str) -> None:
    dies_anywhere(Scenario(reachable, SCENARIOS[name], end_state))


# --- somebody goes on typing while no daemon lives --------------------------------------------

NEW = "+49511555"  # as `new_in_espocrm` types it


def new_entries(world: World, pair: Pair) -> list[int]:
    rows = world.sandbox.people.advoware.see(pair[1])["kommunikation"]
    return [int(row["id"]) for row in rows if row["tlf"] == NEW]


def changes_it_in_espocrm(world: World, pair: Pair) -> bool:
    change(world, pair, NEW, phoneNumber="+49511666")
    return True


def removes_it_in_espocrm(world: World, pair: Pair) -> bool:
    save(world, pair, [row for row in numbers_of(world, pair) if row["phoneNumber"] != NEW])
    return True


def changes_it_in_advoware(world: World, pair: Pair) -> bool:
    for number in new_entries(world, pair):
        world.sandbox.people.advoware.edit_kommunikation(pair[1], number, {"tlf": "0511 666"}, by="AB")
        return True
    return False


def empties_it_in_advoware(world: World, pair: Pair) -> bool:
    for number in new_entries(world, pair):
        world.sandbox.people.advoware.edit_kommunikation(pair[1], number, {"tlf": ""}, by="AB")
        return True
    return False


MEANWHILE = {
    act.__name__: act
    for act in (
        changes_it_in_espocrm,
        removes_it_in_espocrm,
        changes_it_in_advoware,
        empties_it_in_advoware,
    )
}  # an entry that is deleted takes its marker along: then nobody knows that the dead daemon's write had arrived


@pytest.mark.parametrize("name", MEANWHILE)
@pytest.mark.parametrize("act", [new_in_espocrm, changed_in_espocrm], ids=lambda act: str(act.__name__))
def test_who_sees_a_new_number_of_a_dead_daemon_and_changes_it_has_the_last_word(
    name: str, act: Callable[[World, Pair], None]
) -> None:
    dies_anywhere(Scenario(reachable, act, living_state, MEANWHILE[name]), every=8)


@pytest.mark.soak
@pytest.mark.parametrize("name", MEANWHILE)
@pytest.mark.parametrize("act", [new_in_espocrm, changed_in_espocrm], ids=lambda act: str(act.__name__))
def test_whoever_sees_it_at_any_instant_has_the_last_word(name: str, act: Callable[[World, Pair], None]) -> None:
    dies_anywhere(Scenario(reachable, act, living_state, MEANWHILE[name]))
