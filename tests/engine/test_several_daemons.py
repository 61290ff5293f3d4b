"""Several daemons, lost leases and a Redis that forgets: one result."""

from __future__ import annotations

import asyncio

import pytest

from syncd.sandbox.faults import Kind
from tests.engine.story import ESPO, POLL, Story, told
from tests.virtual import VirtualClock, VirtualLoop


async def together(story: Story, seconds: float) -> None:
    """Two daemons on the same ledger and Redis."""
    world = story.world
    lives = [world.live(world.daemon(owner), seconds) for owner in ("one", "two")]
    assert await asyncio.gather(*lives) == [True, True]


@told()
async def test_two_daemons_behave_as_one(story: Story) -> None:
    pairs = await story.pairs([({}, {})] * 6)
    for number, (espo_id, betnr) in enumerate(pairs):
        if number % 2:
            story.espo.edit(espo_id, {"titel": f"Prof. {number}"}, by="anna")
        else:
            story.advoware.edit(betnr, {"titel": f"Prof. {number}"}, by="AB")
    new = [
        story.espo.create({**ESPO, "lastName": f"Neuling {number}", "firstName": f"N{number}"}, by="anna")
        for number in range(4)
    ]
    story.forget_calls()
    await together(story, 25)
    assert {story.status(espo_id) for espo_id in [*new, *(espo_id for espo_id, _ in pairs)]} == {"clean"}
    assert len(story.advoware.betnrs()) == 6 + 4
    for number, (espo_id, betnr) in enumerate(pairs):
        assert story.espo.see(espo_id)["titel"] == story.advoware.see(betnr)["titel"] == f"Prof. {number}"
    assert len([one for one in story.writes() if one == ("advoware", "PUT")]) == 3
    story.forget_calls()
    await together(story, 25)
    assert story.writes() == []


@told()
async def test_redis_may_be_flushed_at_any_moment(story: Story) -> None:
    pairs = await story.pairs([({}, {})] * 4)
    for espo_id, _ in pairs:
        story.espo.edit(espo_id, {"titel": "Prof."}, by="anna")
    new = story.espo.create({**ESPO, "lastName": "Neuling", "firstName": "Nora"}, by="anna")

    async def flush() -> None:
        for _ in range(40):
            await story.world.clock.sleep(0.5)
            story.world.flush_redis()

    flushing = asyncio.create_task(flush())
    await story.live(25)
    await flushing
    await story.settle()
    assert {story.status(espo_id) for espo_id, _ in pairs} == {"clean"}
    assert {story.advoware.see(betnr)["titel"] for _, betnr in pairs} == {"Prof."}
    assert story.status(new) == "clean"
    assert len(story.advoware.betnrs()) == 5


@pytest.mark.parametrize("method", ["GET", "PUT"])
@told(SYNCD_LEASE_SECONDS="6", ADVOWARE_API_TIMEOUT_SECONDS="30")
async def test_a_daemon_that_hangs_longer_than_its_claim_writes_nothing_over_the_other(
    story: Story, method: str
) -> None:
    espo_id, betnr = await story.pair()
    story.espo.edit(espo_id, {"titel": "Prof."}, by="anna")
    story.fault(Kind.LATENCY, system="advoware", method=method, route="*/Beteiligte/*", seconds=20.0)
    first = asyncio.create_task(story.world.live(story.world.daemon("one"), 45))
    await story.without_daemon(6)
    story.espo.edit(espo_id, {"titel": "Mag."}, by="anna")
    assert await story.world.live(story.world.daemon("two"), 30)
    await first  # the end of the second was the end of both
    await story.settle()
    titles = {story.espo.see(espo_id)["titel"], story.advoware.see(betnr)["titel"]}
    assert titles == {"Mag."}
    assert story.status(espo_id) == "clean"


@told()
async def test_a_killed_daemon_keeps_nobody_waiting_for_ever(story: Story) -> None:
    espo_id, betnr = await story.pair()
    story.espo.edit(espo_id, {"titel": "Prof."}, by="anna")
    world = story.world
    story.fault(Kind.LATENCY, system="advoware", method="PUT", route="*/Beteiligte/*", seconds=10.0)
    assert await world.live(world.daemon("one"), 5)
    await story.live(90)
    assert (story.status(espo_id), story.advoware.see(betnr)["titel"]) == ("clean", "Prof.")


@told()
async def test_an_edit_while_its_record_is_being_worked_on_makes_one_more_job(story: Story) -> None:
    espo_id, betnr = await story.pair()
    story.espo.edit(espo_id, {"titel": "Prof."}, by="anna")
    story.fault(Kind.LATENCY, system="advoware", method="PUT", route="*/Beteiligte/*", seconds=4.0)
    living = asyncio.create_task(story.world.live(story.world.daemon(), 25))
    await story.without_daemon(3)
    story.espo.edit(espo_id, {"zusatz": "Hinterhaus"}, by="bernd")
    assert await living
    seen = story.advoware.see(betnr)
    assert (seen["titel"], seen["zusatz"], story.status(espo_id)) == ("Prof.", "Hinterhaus", "clean")


@told()
async def test_a_clock_that_is_wrong_loses_no_edit(story: Story) -> None:
    loop = asyncio.get_running_loop()
    assert isinstance(loop, VirtualLoop)
    espo_id, betnr = await story.pair()
    story.world.clock = VirtualClock(loop, skew=-240.0)
    story.espo.edit(espo_id, {"titel": "Prof."}, by="anna")
    await story.live(POLL)
    story.world.clock = VirtualClock(loop, skew=240.0)
    story.espo.edit(espo_id, {"zusatz": "Hinterhaus"}, by="anna")
    story.advoware.edit(betnr, {"bAnrede": "Liebe Ida,"}, by="AB")
    await story.settle()
    await story.settle()
    seen = story.advoware.see(betnr)
    assert (seen["titel"], seen["zusatz"]) == ("Prof.", "Hinterhaus")
    assert story.espo.see(espo_id)["briefanrede"] == "Liebe Ida,"
    assert story.status(espo_id) == "clean"
