"""Waiting work: many events make one job, an event during a job makes exactly one more, none is lost."""

from __future__ import annotations

import json
from contextlib import suppress
from itertools import product
from typing import Any

import pytest
from sqlalchemy import Connection, event, select
from sqlalchemy.exc import OperationalError

from syncd import guard
from syncd.lanes import Lane
from syncd.ledger import brakes, facts, pairs, pruning, requests, schema, steps, work
from syncd.ledger.engines import connect
from syncd.ledger.store import Ledger
from syncd.ledger.work import Cause, Due

KEY, OTHER = "beteiligte/a", "beteiligte/b"
NOW = 1_800_000_000.0


def due(cause: Cause = Cause.EVENT, lane: Lane = Lane.LIVE, at: float = NOW, key: str = KEY) -> Due:
    return Due(key, lane, cause, at)


async def put(ledger: Ledger, *asked: Due) -> None:
    await ledger.write(work.put, asked, NOW)


def waiting(conn: Connection, key: str) -> work.Task | None:
    """The work of a record as the job that claims it is told."""
    row = conn.execute(select(*work.TASK).where(schema.work.c.key == key)).one_or_none()
    return None if row is None else work.task_of(row)


async def taken(ledger: Ledger, key: str = KEY) -> work.Task:
    task = await ledger.read(waiting, key)
    assert task is not None
    return task


async def test_many_events_make_one_job(ledger: Ledger) -> None:
    await put(ledger, due(), due(), due())
    await put(ledger, due())
    task = await taken(ledger)
    await ledger.write(work.done, KEY, task.gen, None, NOW)
    assert await ledger.read(work.due, NOW, 10) == []


async def test_events_during_a_job_make_exactly_one_more(ledger: Ledger) -> None:
    await put(ledger, due())
    first = await taken(ledger)
    await put(ledger, due())
    await put(ledger, due())
    await ledger.write(work.done, KEY, first.gen, None, NOW)
    second = await taken(ledger)
    await ledger.write(work.done, KEY, second.gen, None, NOW)
    assert await ledger.read(waiting, KEY) is None


async def test_what_follows_a_job_gives_way_to_an_event_that_came_meanwhile(ledger: Ledger) -> None:
    await put(ledger, due())
    first = await taken(ledger)
    await put(ledger, due())
    await ledger.write(work.done, KEY, first.gen, due(Cause.LATE, Lane.LATE, NOW + 3), NOW)
    assert await ledger.read(work.due, NOW, 10) == [due()]


async def test_the_deeper_look_the_better_lane_and_the_earlier_time_win(ledger: Ledger) -> None:
    depth = list(Cause)
    for earlier, later in product(Cause, Cause):
        key = f"beteiligte/{earlier}-{later}"
        await put(ledger, due(earlier, Lane.SWEEP, NOW + 10, key))
        await put(ledger, due(later, Lane.LATE, NOW + 20, key))
        await put(ledger, due(later, Lane.BACKFILL, NOW + 5, key))
        deeper = min(earlier, later, key=depth.index)
        assert await ledger.read(work.next_due, key) == due(deeper, Lane.LATE, NOW + 5, key)


async def test_live_edits_come_first_and_nothing_before_its_time(ledger: Ledger) -> None:
    await put(ledger, due(Cause.SWEEP, Lane.SWEEP, NOW - 100), due(key=OTHER), due(key="beteiligte/c", at=NOW + 1))
    assert [item.key for item in await ledger.read(work.due, NOW, 10)] == [OTHER, KEY]
    assert [item.key for item in await ledger.read(work.due, NOW, 1)] == [OTHER]


async def test_what_is_being_worked_on_is_not_due(ledger: Ledger) -> None:
    await ledger.write(work.put, [Due(KEY, Lane.LIVE, Cause.EVENT, NOW)], NOW)
    assert await ledger.write(pairs.claim, KEY, "one", NOW, NOW + 60) is not None
    assert await ledger.read(work.due, NOW + 59, 10) == []
    assert [due.key for due in await ledger.read(work.due, NOW + 60, 10)] == [KEY], "whoever held it is dead"


async def test_held_work_waits_for_its_own_pause_only(ledger: Ledger) -> None:
    for key, held in ((KEY, "pause:all"), (OTHER, "guard:g1")):
        await put(ledger, due(key=key))
        await ledger.write(work.done, key, (await taken(ledger, key)).gen, None, NOW, held)
    assert await ledger.read(work.due, NOW, 10) == []
    assert (await ledger.read(work.counts, NOW))["held"] == 2
    assert await ledger.write(work.release, "pause:all", NOW + 5) == 1
    assert [item.key for item in await ledger.read(work.due, NOW + 5, 10)] == [KEY]


async def test_a_new_edit_looks_at_held_work_again_and_a_sweep_does_not(ledger: Ledger) -> None:
    await put(ledger, due())
    await ledger.write(work.done, KEY, (await taken(ledger)).gen, None, NOW, "guard:g1")
    await put(ledger, due(Cause.SWEEP, Lane.SWEEP))
    assert await ledger.read(work.due, NOW, 10) == []
    await put(ledger, due())
    assert await ledger.read(work.due, NOW, 10) == [due()]


async def test_an_event_during_a_job_that_is_then_held_is_not_held(ledger: Ledger) -> None:
    await put(ledger, due())
    first = await taken(ledger)
    await put(ledger, due())
    await ledger.write(work.done, KEY, first.gen, None, NOW, "guard:g1")
    assert await ledger.read(work.due, NOW, 10) == [due()]


@pytest.mark.parametrize("by", ["pause:all", "guard:g1"])
@pytest.mark.parametrize("ended", [False, True])
async def test_a_job_is_held_only_by_what_still_stops_it_in_the_end(ledger: Ledger, by: str, ended: bool) -> None:
    await ledger.write(facts.set_pause, "all", "by a person", NOW)
    await ledger.write(brakes.stop, "g1", guard.CREATE_KIND, [KEY], {}, NOW)
    await put(ledger, due())
    first = await taken(ledger)
    claim = await ledger.write(pairs.claim, KEY, "one", NOW, NOW + 60)
    assert claim is not None
    if ended and by == "pause:all":
        await ledger.write(requests.resume, "all", NOW + 1)
    elif ended:
        await ledger.write(requests.allow, "g1", None, NOW + 1)
    await ledger.write(steps.finish, steps.Job(KEY, claim.fence, "job", NOW + 2), steps.Ending(held=by), first.gen)
    assert await ledger.read(work.due, NOW + 2, 10) == ([due()] if ended else [])


async def test_the_oldest_waiting_is_told_since_when(ledger: Ledger) -> None:
    await ledger.write(work.put, [due(at=NOW - 50)], NOW - 50)
    await ledger.write(work.put, [due()], NOW)
    await ledger.write(work.put, [due(key=OTHER, at=NOW + 9)], NOW - 99)
    assert (await ledger.read(work.counts, NOW))["oldest_since"] == NOW - 50


async def test_what_a_clock_that_was_ahead_put_to_work_is_due_at_once_and_nothing_else(ledger: Ledger) -> None:
    later = NOW + 7200
    await put(ledger, due(at=NOW + 60))
    await ledger.write(work.put, [due(at=later, key=OTHER)], later)
    assert await ledger.read(work.due, NOW, 10) == []
    assert await ledger.write(work.bring_forward, NOW) == 1
    assert [one.key for one in await ledger.read(work.due, NOW, 10)] == [OTHER]


async def test_a_delivery_is_kept_as_evidence_for_a_while(ledger: Ledger) -> None:
    await ledger.write(work.receive, [(KEY, "update", '{"id": "a"}'), (KEY, "update", '{"id": "a"}')], NOW - 10)
    await ledger.write(work.receive, [], NOW)
    assert (await pruning.prune(ledger, NOW - 10 + pruning.DELIVERY_LIFE, 90))["webhook events"] == 0
    assert (await pruning.prune(ledger, NOW + pruning.DELIVERY_LIFE, 90))["webhook events"] == 2
    assert await ledger.read(waiting, KEY) is not None


@pytest.mark.parametrize("events", [1, 3, 128, 300])
async def test_of_many_events_each_is_evidence_and_each_record_waits_once(ledger: Ledger, events: int) -> None:
    told = [
        (f"beteiligte/{number % 200:03}", "update", json.dumps({"n": "ü", "at": number})) for number in range(events)
    ]
    for _ in range(2):
        await ledger.write(work.receive, told, NOW)
    kept = await ledger.read(
        lambda conn: conn.execute(select(schema.deliveries).order_by(schema.deliveries.c.id)).all()
    )
    assert [(row.key, row.body) for row in kept] == [(key, json.loads(body)) for key, _, body in 2 * told]
    records = sorted({key for key, _, _ in told})
    assert [one.key for one in await ledger.read(work.due, NOW, 1000)] == records
    task = await taken(ledger, records[0])
    assert (task.gen, task.cause, task.lane) == (2, Cause.EVENT, Lane.LIVE)


@pytest.mark.postgres
def test_an_event_that_meets_the_end_of_a_job_is_not_lost(postgres_url: str) -> None:
    """Two daemons on one PostgreSQL: between reading and writing the waiting row another one ends its job."""
    engine = connect(postgres_url)
    with engine.begin() as conn:
        work.put(conn, [due()], NOW)
    ended: list[bool] = []

    def end_the_job(_conn: Connection, _cursor: Any, statement: str, *_: Any) -> None:
        if statement.startswith(("INSERT INTO work", "UPDATE work")) and not ended:
            ended.append(True)
            # Where the waiting row is locked already, the other one has to wait: that is fine as well.
            with suppress(OperationalError), engine.connect() as other, other.begin():
                other.exec_driver_sql("SET lock_timeout = '2s'")
                work.done(other, KEY, 1, None, NOW)

    try:
        with engine.connect() as conn, conn.begin():
            event.listen(conn, "before_cursor_execute", end_the_job)
            work.put(conn, [due()], NOW)
        with engine.connect() as conn:
            assert waiting(conn, KEY) is not None
        assert ended
    finally:
        engine.dispose()


async def test_the_newest_edits_are_copied_though_older_ones_are_too_many(ledger: Ledger) -> None:
    await put(ledger, *(due(at=NOW - 100 + number, key=f"beteiligte/{number:02}") for number in range(30)))
    found = [one.key[-2:] for one in await ledger.read(work.due, NOW, 20)]
    assert found == [*(f"{number:02}" for number in range(20)), "29", "28"]


async def test_a_record_that_is_edited_in_a_loop_waits_for_its_turn(ledger: Ledger) -> None:
    await put(ledger, due())
    await ledger.write(work.postpone, KEY, NOW + 10)
    assert await ledger.read(work.due, NOW + 9, 10) == []
    [again] = await ledger.read(work.due, NOW + 10, 10)
    assert again.lane is Lane.LIVE
