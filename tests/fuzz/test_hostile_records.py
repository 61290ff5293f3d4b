"""Records answered with a field that holds what no such field can: known ends, nothing lost, nobody else waits."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from mappers.beteiligte import BETEILIGTE
from syncd.commands import Desk
from syncd.ledger.engines import connect
from syncd.ledger.store import Inline, Ledger
from tests.fuzz.hostile_records import ABSENT, ADVOWARE_FIELDS, ESPO_FIELDS, TIMES, VALUES, Spell, SpoiledWorld
from tests.secrecy.marks import logged
from tests.virtual import run

KNOWN = {"clean", "conflict", "failed", "permanently_failed", "dirty", "pending_sync", "deleted_in_advoware"}
TYPED_IN_ESPO, TYPED_IN_ADVOWARE = "Geheimtitel neu", "Geheimzusatz neu"
VICTIMS = 6

spells = st.one_of(
    st.builds(Spell, st.just("espocrm"), st.sampled_from(ESPO_FIELDS), st.sampled_from(list(VALUES))),
    st.builds(Spell, st.just("advoware"), st.sampled_from(ADVOWARE_FIELDS), st.sampled_from(list(VALUES))),
)
several = st.lists(spells, min_size=VICTIMS, max_size=VICTIMS, unique_by=lambda spell: (spell.side, spell.field))


def few_times(chosen: list[Spell]) -> bool:
    """Three records that went back in time stop all writing, as they should."""
    return sum(spell.field in TIMES for spell in chosen) <= 2


async def story(world: SpoiledWorld, chosen: list[Spell]) -> None:
    people = world.sandbox.people
    pairs = [world.pair(day) for day in range(1, len(chosen) + 2)]
    await world.lives(20)
    assert [people.espo.see(espo_id)["syncStatus"] for espo_id, _ in pairs] == ["clean"] * len(pairs)
    before = [(people.espo.see(espo_id), people.advoware.see(betnr)) for espo_id, betnr in pairs]
    *victims, bystander = pairs
    for spell, (espo_id, betnr) in zip(chosen, victims, strict=True):
        world.spells[spell.side][espo_id if spell.side == "espocrm" else betnr] = spell
    for espo_id, betnr in pairs:
        people.espo.edit(espo_id, {"titel": TYPED_IN_ESPO}, by="anna")
        people.advoware.edit(betnr, {"zusatz": TYPED_IN_ADVOWARE}, by="AB")
    await world.lives(80)
    espo, advoware = people.espo.see(bystander[0]), people.advoware.see(bystander[1])
    assert (espo["syncStatus"], espo["zusatz"]) == ("clean", TYPED_IN_ADVOWARE), "the next record waits"
    assert advoware["titel"] == TYPED_IN_ESPO
    for spell, (espo_id, betnr), (espo, advoware) in zip(chosen, victims, before[:-1], strict=True):
        assert people.espo.see(espo_id)["syncStatus"] in KNOWN, spell
        judge(spell, "espocrm", espo | {"titel": TYPED_IN_ESPO}, people.espo.see(espo_id))
        judge(spell, "advoware", advoware | {"zusatz": TYPED_IN_ADVOWARE}, people.advoware.see(betnr))
    world.lift()
    await Desk(Ledger(Inline(connect(world.ledger_url))), {BETEILIGTE.name: BETEILIGTE}, world.clock.now).retry(
        [f"beteiligte/{espo_id}" for espo_id, _ in victims]
    )
    await world.lives(80)
    assert world.leaks() == []


OURS = (TYPED_IN_ESPO, TYPED_IN_ADVOWARE)


def judge(spell: Spell, side: str, was: dict[str, Any], now: dict[str, Any]) -> None:
    """What people typed still stands there, or what the other side says to have been typed instead of it.

    Advoware's PUT carries the whole object, so it may get its own answer back.
    """
    told = VALUES[spell.value]
    for field in BETEILIGTE.fields:
        name = field.espo if side == "espocrm" else field.advoware
        if now[name] == was[name] or now[name] in OURS:
            continue
        assert spell.field in (field.espo, field.advoware), f"{spell}: {side}.{name} is {now[name]!r}"
        if spell.side == side:
            assert side == "advoware", f"{spell}: {side}.{name} is {now[name]!r}"
            continue
        assert told in (None, ABSENT) or isinstance(told, str | int | float), f"{spell}: {name} is {now[name]!r}"


def tell(path: Path, chosen: list[Spell]) -> None:
    """The story in a world of its own."""
    with logged() as out:
        world: list[SpoiledWorld] = []

        async def whole() -> None:
            world.append(SpoiledWorld(path, out))
            await story(world[0], chosen)

        run(whole())
    traces = [json.loads(line) for line in out.getvalue().splitlines() if '"trace"' in line and "/sandbox/" not in line]
    assert {trace["event"] for trace in traces} <= {"job.bug"}, traces[:1]


@settings(max_examples=3, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(chosen=several)
def test_whatever_a_field_holds_the_record_ends_in_a_known_way_and_nobody_else_waits(
    tmp_path_factory: pytest.TempPathFactory, chosen: list[Spell]
) -> None:
    assume(few_times(chosen))
    tell(tmp_path_factory.mktemp("world"), chosen)


@pytest.mark.soak
@settings(max_examples=400, deadline=None, suppress_health_check=list(HealthCheck))
@given(chosen=several)
def test_whatever_a_field_holds_many_times(tmp_path_factory: pytest.TempPathFactory, chosen: list[Spell]) -> None:
    assume(few_times(chosen))
    tell(tmp_path_factory.mktemp("world"), chosen)
