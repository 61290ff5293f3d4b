"""Pauses of everything, an entity or a side, and the dry run."""

from __future__ import annotations

import pytest

from syncd.ledger import facts, requests
from syncd.ledger.engines import connect
from syncd.sandbox.faults import Kind
from tests.engine.story import ESPO, POLL, Story, told

SCOPES: dict[str, dict[str, str]] = {"everything": {}, "the entity": {"entity": "beteiligte"}}


@pytest.mark.parametrize("scope", SCOPES)
@told()
async def test_while_paused_nothing_is_written_and_afterwards_all_of_it_arrives(story: Story, scope: str) -> None:
    (one, first), (two, second) = await story.pairs([({}, {})] * 2)
    await story.desk.pause(**SCOPES[scope])
    story.forget_calls()
    story.espo.edit(one, {"titel": "Prof."}, by="anna")
    story.advoware.edit(second, {"titel": "Prof."}, by="AB")
    await story.settle()
    assert story.writes() == []
    assert story.calls(one, first, two, second) == []
    await story.desk.resume(**SCOPES[scope])
    await story.settle()
    assert story.advoware.see(first)["titel"] == story.espo.see(two)["titel"] == "Prof."
    assert {story.status(one), story.status(two)} == {"clean"}


@pytest.mark.parametrize("side", ["espocrm", "advoware"])
@told()
async def test_a_paused_side_is_not_written_and_the_other_goes_on(story: Story, side: str) -> None:
    (one, first), (two, second) = await story.pairs([({}, {})] * 2)
    await story.desk.pause(side=side)
    story.forget_calls()
    story.espo.edit(one, {"titel": "Prof."}, by="anna")
    story.advoware.edit(second, {"titel": "Prof."}, by="AB")
    await story.settle()
    assert [system for system, _ in story.writes() if system == side] == []
    if side == "advoware":
        assert story.espo.see(two)["titel"] == "Prof."
    else:
        assert story.advoware.see(first)["titel"] == "Prof."
    await story.desk.resume(side=side)
    await story.settle()
    assert story.advoware.see(first)["titel"] == story.espo.see(two)["titel"] == "Prof."
    assert {story.status(one), story.status(two)} == {"clean"}


@told()
async def test_with_advoware_paused_nobody_is_created(story: Story) -> None:
    await story.pair()
    await story.desk.pause(side="advoware")
    new = story.espo.create({**ESPO, "lastName": "Neuling", "firstName": "Nora"}, by="anna")
    await story.settle()
    assert len(story.advoware.betnrs()) == 1
    await story.desk.resume(side="advoware")
    await story.settle()
    assert (story.status(new), len(story.advoware.betnrs())) == ("clean", 2)


@told(SYNCD_DRY_RUN="true")
async def test_a_dry_run_writes_nothing_anywhere(story: Story) -> None:
    pairs = story.sandbox.seed.synced(2)
    await story.live(POLL)
    story.espo.edit(pairs[0][0], {"titel": "Prof."}, by="anna")
    story.advoware.edit(pairs[1][1], {"zusatz": "Hinterhaus"}, by="AB")
    story.espo.create({**ESPO, "lastName": "Neuling"}, by="anna")
    before = story.sandbox.dump()
    await story.settle()
    assert story.writes() == []
    assert story.sandbox.dump() == before


@told()
async def test_a_dry_run_before_the_real_one_changes_nothing_about_it(story: Story) -> None:
    espo_id, betnr = await story.pair()
    story.world.job_settings["dry_run"] = True
    story.espo.edit(espo_id, {"titel": "Prof."}, by="anna")
    story.advoware.edit(betnr, {"zusatz": "Hinterhaus"}, by="AB")
    await story.settle()
    assert (story.status(espo_id), story.advoware.see(betnr)["titel"]) == ("dirty", "Dr.")
    story.world.job_settings["dry_run"] = False
    await story.settle()
    seen = story.espo.see(espo_id)
    assert (seen["syncStatus"], seen["zusatz"], story.advoware.see(betnr)["titel"]) == ("clean", "Hinterhaus", "Prof.")


@pytest.mark.parametrize("scope", ["all", "entity:beteiligte", "side:advoware"])
@told()
async def test_a_pause_also_stops_a_job_under_way_before_its_next_write(story: Story, scope: str) -> None:
    espo_id, betnr = await story.pair()
    story.espo.edit(espo_id, {"titel": "Prof."}, by="anna")

    def pause() -> None:
        with connect(story.world.ledger_url).begin() as conn:
            facts.set_pause(conn, scope, "by a person", story.world.clock.now())

    story.fault(Kind.EDIT_AFTER, system="advoware", method="GET", route="*/Beteiligte/*", act=pause)
    await story.live(POLL)
    assert story.advoware.see(betnr)["titel"] == "Dr."
    await story.write(requests.resume, scope, story.world.clock.now())
    await story.live(POLL)
    assert (story.advoware.see(betnr)["titel"], story.status(espo_id)) == ("Prof.", "clean")
