"""Both systems compared while a daemon keeps them the same: what differs, and what explains it."""

from __future__ import annotations

import asyncio
from dataclasses import replace

from mappers.spec import Direction, Entity
from syncd.compare import compare
from syncd.differences import Reason
from syncd.sandbox.faults import Kind
from tests.engine.story import POLL, Story, key, told

ALL = {"SYNCD_SWEEP_MIN_SECONDS": "3600", "SYNCD_SWEEP_MAX_SECONDS": "7200"}  # nobody looks round in Advoware meanwhile


def nobody(done: int, total: int) -> None:
    """Nobody watches the progress."""


async def reasons(story: Story, again_after: float = 0.0) -> set[tuple[str, Reason]]:
    """Field and reason of every difference of all records."""
    before = len(story.writes())
    found = await compare(story.world.daemon("looking"), None, nobody, again_after)
    assert found.trouble is None
    assert len(story.writes()) == before
    return {(one.field.partition(":")[0], one.reason) for _, one in found.of(tuple(Reason))}


@told(**ALL)
async def test_an_edit_in_advoware_is_not_yet_found_until_its_turn_and_unexplained_in_a_pause(story: Story) -> None:
    _, betnr = await story.pair()
    assert await reasons(story) == set()
    story.advoware.edit(betnr, {"titel": "Prof."})
    story.advoware.add_kommunikation(betnr, {"kommKz": 1, "tlf": "0511 12345", "bemerkung": "", "online": False})
    assert await reasons(story) == {("titel", Reason.NOT_YET), ("kommunikation", Reason.NOT_YET)}
    await story.desk.pause()
    assert await reasons(story) == {("titel", Reason.UNEXPLAINED), ("kommunikation", Reason.UNEXPLAINED)}


@told(**ALL)
async def test_an_edit_in_espocrm_nobody_polls_for_is_unexplained_and_work_explains_it(story: Story) -> None:
    espo_id, _ = await story.pair()
    story.espo.edit(espo_id, {"zusatz": "Etage 3"})
    assert await reasons(story) == {("zusatz", Reason.UNEXPLAINED)}
    await story.desk.sync([key(espo_id)])
    assert await reasons(story) == {("zusatz", Reason.WORK)}
    await story.desk.pause()
    await story.live(POLL)
    assert await reasons(story) == {("zusatz", Reason.HELD)}


@told(**ALL)
async def test_what_is_on_its_way_is_gone_at_the_second_look(story: Story) -> None:
    espo_id, _ = await story.pair()
    app = story.world.daemon()
    story.espo.edit(espo_id, {"zusatz": "Etage 3"})
    looking = story.world.daemon("looking")
    found, _ = await asyncio.gather(compare(looking, None, nobody, 30.0), story.world.live(app, 40.0))
    assert found.found == {}


@told(**ALL)
async def test_what_waits_for_a_person_and_what_is_refused_is_told_apart(story: Story) -> None:
    story.fault(Kind.REFUSE, system="advoware", method="PUT", field="titel", times=None)
    story.fault(Kind.REWRITE, system="advoware", method="PUT", field="zusatz", length=5, times=None)
    espo_id, _ = await story.pair()
    story.espo.edit(espo_id, {"handelsregisterNummer": "HRB 7", "titel": "Prof.", "zusatz": "Etage drei"})
    await story.live(POLL)
    assert await reasons(story) == {
        ("handelsregisternummer", Reason.CONFLICT),
        ("titel", Reason.REFUSED),
        ("zusatz", Reason.RULE),
    }


@told(**ALL)
async def test_a_field_that_is_switched_off_or_goes_one_way_only_may_differ(story: Story) -> None:
    def one_way(entity: Entity) -> Entity:
        off = {"titel": {"direction": Direction.OFF}, "zusatz": {"direction": Direction.TO_ADVOWARE}}
        lists = tuple(replace(entries, direction=Direction.OFF) for entries in entity.lists)
        return replace(entity.with_fields(off), lists=lists)

    story.world.entity = one_way
    espo_id, betnr = await story.pair()
    phones = [{"phoneNumber": "+4951112345", "primary": True}]
    story.espo.edit(espo_id, {"titel": "Dr. h. c.", "phoneNumberData": phones})
    story.advoware.edit(betnr, {"zusatz": "nur dort"})
    await story.live(POLL)
    found = await reasons(story)
    assert found == {("titel", Reason.RULE), ("zusatz", Reason.RULE), ("kommunikation", Reason.RULE)}


@told(**ALL)
async def test_a_number_or_record_that_is_not_there_is_a_difference_of_the_whole_record(story: Story) -> None:
    pairs = await story.pairs([({}, {}), ({}, {}), ({}, {})])
    (gone, _), (_, vanished), (moved, _) = pairs
    story.espo.delete(gone)
    story.advoware.vanish(vanished)
    story.espo.edit(moved, {"betnr": pairs[0][1]})
    found = await compare(story.world.daemon("looking"), None, nobody, 0.0)
    assert {key: [one.field for one in differing] for key, differing in found.found.items()} == {
        key(espo_id): ["betnr"] for espo_id, _ in pairs
    }


@told(**ALL)
async def test_a_system_that_goes_away_ends_it_with_what_was_compared(story: Story) -> None:
    await story.pair()
    story.sandbox.faults.down.add("advoware")
    found = await compare(story.world.daemon("looking"), None, nobody, 0.0)
    assert found.trouble is not None
    assert found.trouble.side == "advoware"
