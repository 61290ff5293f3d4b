"""A stock of records is let in behind all else: paused, killed and taken up again without doubles."""

from __future__ import annotations

import asyncio
from collections import Counter
from unittest.mock import patch

import pytest

from syncd import feeding
from syncd.backfill import begin, fill, let_in, stop, survey, take_up
from syncd.commands import Refusal
from syncd.endings import Ended
from syncd.feeding import Followed
from syncd.lanes import Lane
from syncd.ledger import runs, views
from syncd.ledger.runs import RunState, Standing
from syncd.passes import one_pass
from syncd.queue import Taken, Waiting
from syncd.sandbox.faults import Kind
from syncd.worker import Crew
from tests.daemon import Crash
from tests.engine.households import ZEILE, address, here, rows
from tests.engine.story import ADVOWARE, ESPO, Story, told

PATIENT = {"SYNCD_POLL_SECONDS": "60", "SYNCD_SWEEP_MIN_SECONDS": "300", "SYNCD_SWEEP_MAX_SECONDS": "86400"}


def quiet(standing: Standing) -> None:
    """Nobody looks."""


async def filled(story: Story, run_id: str = "", owner: str = "command") -> tuple[str, Followed]:
    """A backfill in a command's process: a new one, or one that is taken up."""
    app = story.world.daemon(owner)
    await app.open()
    context = app.context(None)
    run_id = run_id or await begin(app, context, await survey(context))
    return run_id, await fill(app, context, run_id, asyncio.Event(), quiet)


@told(**PATIENT)
async def test_all_records_are_let_in_and_synced_and_the_work_table_stays_small(story: Story) -> None:
    await story.pair()
    stock = story.sandbox.seed.unlinked(10)
    most: list[int] = []
    app = story.world.daemon("command")
    await app.open()
    found = await survey(app.context(None))
    run_id = await begin(app, app.context(None), found)
    came_out = await fill(app, app.context(None), run_id, asyncio.Event(), lambda at: most.append(at.pending))
    assert (found.records, found.taking_part, came_out.stopped) == (11, 1, None)
    assert came_out.standing.statuses == {"clean": 10}
    assert {story.espo.see(espo_id)["betnr"] for espo_id, _ in stock} == {number for _, number in stock}
    seen = await story.read(runs.get, run_id)
    assert seen is not None
    assert (seen["state"], seen["waiting"]) == (RunState.DONE, 0)
    assert seen["changes"] > 0
    assert max(most) <= feeding.PORTION


@told(**PATIENT)
async def test_a_second_backfill_waits_for_the_first_and_a_finished_one_leaves_nothing_to_do(story: Story) -> None:
    story.sandbox.seed.unlinked(3)
    app = story.world.daemon("command")
    await app.open()
    context = app.context(None)
    await begin(app, context, await survey(context))
    with pytest.raises(Refusal, match="--resume"):
        await begin(app, context, await survey(context))
    run_id = await take_up(app, context)
    assert (await filled(story, run_id))[1].stopped is None
    assert (await survey(context)).new == 0
    with pytest.raises(Refusal):
        await take_up(app, context)


@pytest.mark.parametrize("after", [8, 30, 52])
@told(**PATIENT)
async def test_killed_anywhere_it_is_taken_up_and_every_record_is_synced_once(story: Story, after: int) -> None:
    await story.pair()
    stock = story.sandbox.seed.unlinked(4)
    story.world.effects.count, story.world.effects.crash_after = 0, after
    with pytest.raises(Crash):
        await filled(story)
    story.world.effects.crash_after = None
    await story.without_daemon(61)
    app = story.world.daemon("again")
    await app.open()
    unfinished = await story.read(runs.listing, runs.UNFINISHED)
    if unfinished:
        await filled(story, await take_up(app, app.context(None)), "again")
    else:
        await filled(story)
    await story.settle()
    for espo_id, number in stock:
        seen = story.espo.see(espo_id)
        assert (seen["syncStatus"], seen["betnr"]) == ("clean", number)
    assert len(story.advoware.betnrs()) == 5
    assert [row["state"] for row in await story.read(runs.listing)] == [RunState.DONE]


@told(**PATIENT, SYNCD_ADVOWARE_CALLS_PER_MINUTE="30")
async def test_a_pause_from_elsewhere_stops_it_and_a_daemon_does_not_go_on_with_it(story: Story) -> None:
    stock = story.sandbox.seed.unlinked(10)
    app = story.world.daemon("command")
    await app.open()
    context = app.context(None)
    run_id = await begin(app, context, await survey(context))
    running = asyncio.create_task(fill(app, context, run_id, asyncio.Event(), quiet))
    await story.world.clock.sleep(20)
    other = story.world.daemon("other")
    assert await stop(other, other.context(None)) == run_id
    came_out = await running
    done = came_out.standing.done
    assert (came_out.stopped, done < 10) == ("paused", True)
    await story.live(60)
    status = await story.read(views.status, story.world.clock.now())
    assert status["runs"][0]["state"] == RunState.PAUSED
    paused = [espo_id for espo_id, _ in stock if story.status(espo_id) == "pending_sync"]
    assert len(paused) == 10 - done
    again = story.world.daemon("again")
    await again.open()
    assert await take_up(again, again.context(None)) == run_id
    assert (await filled(story, run_id, "again"))[1].standing.statuses == {"clean": 10}


@told(**PATIENT, SYNCD_ADVOWARE_CALLS_PER_MINUTE="60")
async def test_a_clerks_edit_is_served_while_a_backfill_runs(story: Story) -> None:
    espo_id, number = await story.pair()
    story.sandbox.seed.unlinked(20)
    running = asyncio.create_task(filled(story))
    await story.world.clock.sleep(2)
    story.espo.edit(espo_id, {"titel": "Prof."}, by="anna")
    await story.desk.sync([f"beteiligte/{espo_id}"])
    await story.world.clock.sleep(4)
    assert (story.advoware.see(number)["titel"], running.done()) == ("Prof.", False)
    assert (await running)[1].stopped is None


@told(**PATIENT, SYNCD_CREATE_GUARD="2")
async def test_guards_stay_in_force_and_what_they_hold_is_told(story: Story) -> None:
    await story.pair()
    for number in range(4):
        old = story.espo.create({"lastName": f"Neu{number}", "firstName": "Ada"}, by="anna")
        story.sandbox.espo.tables["CBeteiligte"].rows[old].values["createdAt"] = "2020-01-01 00:00:00"
    _, came_out = await filled(story)
    assert len(story.advoware.betnrs()) == 3
    assert [count for held, count in came_out.standing.held.items() if held.startswith("guard:")] == [2]


@told(**PATIENT)
async def test_exactly_the_named_records_are_let_in(story: Story) -> None:
    await story.pair()
    stock = story.sandbox.seed.unlinked(3)
    app = story.world.daemon("command")
    await app.open()
    keys = [f"beteiligte/{espo_id}" for espo_id, _ in stock[:2]]
    run_id, came_out = await let_in(app, app.context(None), keys, asyncio.Event(), quiet)
    assert (came_out.stopped, came_out.standing.statuses) == (None, {"clean": 2})
    assert story.status(stock[2][0]) == "pending_sync"
    assert [row["id"] for row in await story.read(runs.listing)] == [run_id]


@told(**PATIENT)
async def test_a_first_sync_looks_at_a_person_twice_however_many_have_addresses(story: Story) -> None:
    stock = [story.advoware.create({**ADVOWARE, "vorname": f"Ida {number}"}) for number in range(24)]
    for number, betnr in enumerate(stock):
        person = story.espo.create({**ESPO, "firstName": f"Ida {number}", "betnr": betnr}, by="anna")
        address(story, person)
        story.advoware.add_adresse(betnr, ZEILE)
    await story.without_daemon(60.0)
    app = story.world.daemon("command")
    story.fault(Kind.LATENCY, seconds=0.5, times=None)
    report = await one_pass(app, 3600.0, lambda *_: None)
    assert report.statuses == {"clean": 48}
    assert (len(rows(story, stock[0])), len(here(story))) == (1, 24)
    read = Counter(call.path for call in story.calls() if call.system == "advoware" and call.method == "GET")
    assert {read[f"/api/v1/advonet/Beteiligte/{betnr}"] for betnr in stock} == {2}


@told(SYNCD_WORKERS="4", **PATIENT)
async def test_no_worker_of_a_pass_leaves_while_another_works(story: Story) -> None:
    app, clock = story.world.daemon("command"), story.world.clock
    follow = [Waiting(f"beteiligte/{number}", Lane.LATE, clock.now() + 3.0) for number in range(6)]
    served: dict[str, float] = {}

    async def serve(crew: Crew, taken: Taken) -> Ended | None:
        if taken.lane is Lane.LIVE:
            await crew.queue.add_all(follow)
            await clock.sleep(30.0)
        else:
            await clock.sleep(1.0)
        served[taken.key] = clock.now()
        await crew.queue.finish(taken)
        return Ended.UNCHANGED

    await app.parts.queue.add_all([Waiting("beteiligte/long", Lane.LIVE, None)])
    with patch("syncd.app.serve", serve):
        assert await app.drain(600.0) == 1 + len(follow)
    assert max(served[one.key] for one in follow) < served["beteiligte/long"] - 20.0
