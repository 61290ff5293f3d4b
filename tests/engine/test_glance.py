"""The look after our own write: one call and no claim where nobody typed, a job where anything else is the case."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from syncd.context import Context
from syncd.endings import Ended
from syncd.glance import glance
from syncd.lanes import Lane
from syncd.ledger import facts, pairs, work
from syncd.ledger.work import Cause, Due
from syncd.model import Key
from syncd.sandbox.faults import Kind
from syncd.worker import do
from tests.engine.story import Story, told


def context_of(story: Story) -> Context:
    return story.world.daemon().contexts["beteiligte"]


async def left_to_look(story: Story) -> tuple[Context, str, str, int]:
    """A pair of which everything has been done but the look after the last write."""
    espo_id, betnr = await story.pair()
    key = str(Key("beteiligte", espo_id))
    context = context_of(story)
    now = context.clock.now()
    await context.ledger.write(work.put, [Due(key, Lane.LATE, Cause.LATE, now)], now)
    story.forget_calls()
    return context, key, espo_id, betnr


async def row_of(context: Context, key: str) -> dict[str, Any]:
    row = await context.ledger.read(pairs.get, key)
    assert row is not None
    return row


@told()
async def test_where_nobody_typed_it_is_one_call_and_no_job(story: Story) -> None:
    context, key, _, _ = await left_to_look(story)
    before = await row_of(context, key)
    assert await do(context, key, Lane.LATE) == (Ended.UNCHANGED, None)
    after = await row_of(context, key)
    assert [(call.system, call.method) for call in story.calls()] == [("espocrm", "GET")]
    assert (after["fence"], after["claimed_by"]) == (before["fence"], None)
    assert after["espo_read_at"] > before["espo_read_at"]
    assert await context.ledger.read(work.next_due, key) is None


@told()
async def test_what_somebody_typed_is_carried_over_by_a_job(story: Story) -> None:
    context, key, espo_id, betnr = await left_to_look(story)
    story.espo.edit(espo_id, {"titel": "Prof."}, by="anna")
    ended, _ = await do(context, key, Lane.LATE)
    assert ended is Ended.SETTLED
    assert story.advoware.see(betnr)["titel"] == "Prof."


@told()
async def test_a_status_somebody_typed_is_put_right_by_a_job(story: Story) -> None:
    context, key, espo_id, _ = await left_to_look(story)
    story.espo.edit(espo_id, {"syncStatus": "conflict"}, by="anna")
    await do(context, key, Lane.LATE)
    assert story.status(espo_id) == "clean"


async def whole_job(context: Context, key: str) -> None:
    await asked_for(context, key)
    assert (await do(context, key, Lane.LIVE))[0] is not Ended.BUSY


async def claimed(context: Context, key: str) -> None:
    now = context.clock.now()
    assert await context.ledger.write(pairs.claim, key, "another", now, now + 60.0) is not None


@pytest.mark.parametrize("meanwhile", [whole_job, claimed])
@told()
async def test_what_another_daemon_does_while_we_look_stands(
    story: Story, meanwhile: Callable[[Context, str], Awaitable[None]]
) -> None:
    context, key, _, _ = await left_to_look(story)
    story.fault(Kind.LATENCY, system="espocrm", method="GET", seconds=4.0, times=1)
    looking = asyncio.create_task(glance(context, key))
    await context.clock.sleep(1.0)
    await meanwhile(context_of(story), key)
    stored = await row_of(context, key)
    assert await looking == (Ended.LOST, await context.ledger.read(work.next_due, key))
    assert await row_of(context, key) == stored


async def paused(context: Context, key: str) -> None:
    await context.ledger.write(facts.set_pause, "all", "a test", context.clock.now())


async def died(context: Context, key: str) -> None:
    now = context.clock.now()
    assert await context.ledger.write(pairs.claim, key, "another", now - 90.0, now - 30.0) is not None


async def asked_for(context: Context, key: str) -> None:
    now = context.clock.now()
    await context.ledger.write(work.put, [Due(key, Lane.LIVE, Cause.EVENT, now)], now)


async def nothing_left(context: Context, key: str) -> None:
    await context.ledger.write(work.drop, key)


@pytest.mark.parametrize("so", [paused, claimed, died, asked_for, nothing_left])
@told()
async def test_nothing_is_asked_where_it_is_for_a_job_to_look(
    story: Story, so: Callable[[Context, str], Awaitable[None]]
) -> None:
    context, key, _, _ = await left_to_look(story)
    await so(context, key)
    assert await glance(context, key) is None
    assert story.calls() == []


@told()
async def test_a_record_the_ledger_does_not_know_is_left_to_a_job(story: Story) -> None:
    assert await glance(context_of(story), "beteiligte/nobody") is None


@pytest.mark.parametrize("status", [500, 404, 403])
@told()
async def test_what_else_the_system_says_is_left_to_a_job(story: Story, status: int) -> None:
    context, key, _, _ = await left_to_look(story)
    story.fault(Kind.STATUS, system="espocrm", method="GET", status=status, times=3)
    assert await glance(context, key) is None


@told()
async def test_a_fault_of_ours_is_told_and_left_to_a_job(story: Story, monkeypatch: pytest.MonkeyPatch) -> None:
    context, key, espo_id, _ = await left_to_look(story)

    def broken(*_: object) -> None:
        raise RuntimeError("ours")

    monkeypatch.setattr("syncd.glance.is_as_left", broken)
    ended, _ = await do(context, key, Lane.LATE)
    assert ended in (Ended.UNCHANGED, Ended.SETTLED)
    assert story.status(espo_id) == "clean"
