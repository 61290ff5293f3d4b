"""A daemon's jobs, calls and delays of edits are in the ledger, for whoever looks there."""

from __future__ import annotations

from syncd import inspect
from tests.engine.story import Story, told


@told()
async def test_an_edit_is_counted_with_its_way_and_a_first_sync_is_none(story: Story) -> None:
    espo_id, betnr = await story.pair()
    now = story.world.clock.now
    before = await inspect.status(story.ledger(), now())
    assert [side["count"] for side in before["delays"].values()] == [0, 0]
    story.espo.edit(espo_id, {"titel": "Prof."}, by="anna")
    await story.settle()
    story.advoware.edit(betnr, {"zusatz": "c/o Meier"}, by="AB")
    await story.settle()
    after = await inspect.status(story.ledger(), now())
    assert [side["count"] for side in after["delays"].values()] == [1, 1]
    assert 0 < after["delays"]["advoware"]["p50"] <= 15
    assert min(after["calls_per_minute"].values()) > 0
    points = (await inspect.activity(story.ledger(), now(), 1.0))["points"]
    assert sum(point["done"] for point in points) > 3
    assert sum(point["failed"] for point in points) == 0


@told()
async def test_a_new_record_and_a_new_number_count_as_edits(story: Story) -> None:
    await story.pair()  # so that the search in Advoware is proven
    espo_id = story.espo.create({"firstName": "Otto", "lastName": "Baum"}, by="anna")
    await story.settle()
    now = story.world.clock.now
    assert (await inspect.status(story.ledger(), now()))["delays"]["advoware"]["count"] == 1
    story.espo.edit(espo_id, {"phoneNumber": "+4951112345"}, by="anna")
    await story.settle()
    assert (await inspect.status(story.ledger(), now()))["delays"]["advoware"]["count"] == 2
