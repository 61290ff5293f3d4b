"""The ledger is gone: what the two systems still say of each other is enough."""

from __future__ import annotations

import pytest

from tests.engine.story import POLL, Story, told


async def after_loss(story: Story) -> tuple[str, int]:
    """A pair of an earlier ledger; the new one has not been started yet."""
    espo_id, betnr = await story.pair()
    await story.settle()
    await story.without_daemon(600)
    story.world.lose_ledger()
    return espo_id, betnr


@told()
async def test_pairs_link_again_and_nothing_is_written(story: Story) -> None:
    pairs = await story.pairs([({}, {}), ({}, {}), ({}, {})])
    await story.without_daemon(600)
    story.world.lose_ledger()
    before = story.sandbox.dump()
    story.forget_calls()
    await story.settle()
    assert story.writes() == []
    assert story.sandbox.dump() == before
    assert [(await story.known(espo_id))["pair"]["advoware_id"] for espo_id, _ in pairs] == [no for _, no in pairs]


@told()
async def test_what_was_typed_in_espocrm_meanwhile_reaches_advoware(story: Story) -> None:
    espo_id, betnr = await after_loss(story)
    story.espo.edit(espo_id, {"titel": "Prof.", "zusatz": None}, by="anna")
    await story.settle()
    seen = story.advoware.see(betnr)
    assert (seen["titel"], seen["zusatz"] or None) == ("Prof.", None)
    assert story.status(espo_id) == "clean"
    assert await story.conflicts(espo_id, "kept") == []


@told()
async def test_what_was_typed_in_advoware_meanwhile_reaches_espocrm(story: Story) -> None:
    espo_id, betnr = await after_loss(story)
    story.advoware.edit(betnr, {"titel": "Prof.", "zusatz": ""}, by="AB")
    await story.settle()
    seen = story.espo.see(espo_id)
    assert (seen["titel"], seen["zusatz"], seen["syncStatus"]) == ("Prof.", None, "clean")
    assert await story.conflicts(espo_id, "kept") == []


@told()
async def test_only_what_both_changed_is_a_question_and_the_loser_is_kept(story: Story) -> None:
    espo_id, betnr = await after_loss(story)
    story.espo.edit(espo_id, {"titel": "Prof."}, by="anna")
    await story.without_daemon(60)
    story.advoware.edit(betnr, {"titel": "Dipl."}, by="AB")
    await story.settle()
    assert (story.espo.see(espo_id)["titel"], story.advoware.see(betnr)["titel"]) == ("Dipl.", "Dipl.")
    assert [kept["espo"] for kept in await story.conflicts(espo_id, "kept")] == ["Prof."]


@pytest.mark.parametrize("redis", ["kept", "flushed"])
@told()
async def test_nothing_is_created_a_second_time(story: Story, redis: str) -> None:
    await story.pair()
    new = story.espo.create({"firstName": "Udo", "lastName": "Neuling", "geburtsdatum": "1980-01-01"}, by="anna")
    await story.live(POLL)
    before = story.advoware.betnrs()
    assert story.espo.see(new)["betnr"] in before
    story.world.lose_ledger()
    if redis == "flushed":
        story.world.flush_redis()
    await story.settle()
    assert story.advoware.betnrs() == before
    assert len(story.espo.ids()) == 2


@told()
async def test_a_record_deleted_meanwhile_leaves_its_beteiligter_alone(story: Story) -> None:
    espo_id, betnr = await after_loss(story)
    story.espo.delete(espo_id, by="anna")
    await story.settle()
    assert story.advoware.betnrs() == [betnr]
    assert story.espo.ids() == []
