"""A search is believed once it has found somebody who is there. That this failed once is no reason to wait for ever."""

from __future__ import annotations

import pytest

from syncd.sandbox.faults import Kind
from tests.engine.story import ESPO, POLL, Story, told

NEW = {**ESPO, "firstName": "Nora", "lastName": "Neuling", "geburtsdatum": "1991-01-01"}


@pytest.mark.parametrize("which", [0, 1])
@told()
async def test_somebody_deleted_in_advoware_keeps_no_new_record_waiting(story: Story, which: int) -> None:
    pairs = await story.pairs([({}, {})] * 2)
    story.advoware.vanish(pairs[which][1])
    new = story.espo.create(NEW, by="anna")
    await story.settle()
    await story.settle()
    assert (story.status(new), [one["name"] for one in story.advoware.all()].count("Neuling")) == ("clean", 1)


@told()
async def test_a_record_that_was_held_while_there_was_no_search_is_created_once_there_is_one(story: Story) -> None:
    await story.pair()
    story.sandbox.advoware.switches.search = "off"
    new = story.espo.create(NEW, by="anna")
    await story.live(POLL)
    assert (story.status(new), len(story.advoware.betnrs())) == ("conflict", 1)
    story.sandbox.advoware.switches.search = "on"
    await story.settle()
    assert (story.status(new), len(story.advoware.betnrs())) == ("clean", 2)
    assert await story.conflicts(new) == []


@told()
async def test_looking_again_at_a_record_that_waits_for_a_person_writes_nothing(story: Story) -> None:
    await story.pair()
    story.sandbox.advoware.switches.search = "off"
    story.espo.create(NEW, by="anna")
    await story.settle()
    story.forget_calls()
    await story.settle()
    assert story.calls("CBeteiligte/")
    assert story.writes() == []


@pytest.mark.parametrize("status", [400, 403, 404, 500])
@pytest.mark.parametrize("which", [0, 1])
@told(SYNCD_SWEEP_MIN_SECONDS="600", SYNCD_SWEEP_MAX_SECONDS="600")
async def test_a_record_advoware_does_not_show_keeps_no_new_record_waiting(
    story: Story, which: int, status: int
) -> None:
    pairs = await story.pairs([({}, {})] * 2)
    story.fault(Kind.STATUS, system="advoware", route=f"*/Beteiligte/{pairs[which][1]}", times=None, status=status)
    new = story.espo.create(NEW, by="anna")
    await story.live(POLL)
    assert (story.status(new), [one["name"] for one in story.advoware.all()].count("Neuling")) == ("clean", 1)


@pytest.mark.parametrize("status", [400, 500])
@told()
async def test_a_search_nobody_is_left_to_prove_is_no_failure_of_the_new_record(story: Story, status: int) -> None:
    _, betnr = await story.pair()
    rule = story.fault(Kind.STATUS, system="advoware", route=f"*/Beteiligte/{betnr}", times=None, status=status)
    new = story.espo.create(NEW, by="anna")
    await story.live(POLL)
    assert (story.status(new), len(story.advoware.betnrs())) == ("conflict", 1)
    story.sandbox.faults.remove(rule)
    await story.settle()
    assert (story.status(new), len(story.advoware.betnrs())) == ("clean", 2)
