"""Chores take their turns by the monotonic clock, and one that breaks stops no other."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import time_machine

from syncd.scheduler import Chore, Schedule
from tests.virtual import run


async def _ours(_name: str, _seconds: float) -> bool:
    return True


def _schedule(every: float, takes: float = 0.0) -> tuple[Schedule, list[float]]:
    loop, turns = asyncio.get_running_loop(), list[float]()

    async def chore() -> None:
        turns.append(loop.time())
        await asyncio.sleep(takes)

    return Schedule([Chore("one", every, chore)], _ours), turns


def test_setting_the_machines_clock_back_stops_no_chore() -> None:
    async def story() -> list[float]:
        scheduler, turns = _schedule(10)
        await asyncio.sleep(25)
        with time_machine.travel(datetime.now(UTC) - timedelta(hours=1), tick=True):
            await asyncio.sleep(30)
        scheduler.shutdown()
        return turns

    assert run(story()) == [0, 10, 20, 30, 40, 50]


def test_a_turn_that_came_too_late_is_not_made_up_for() -> None:
    async def story() -> list[float]:
        scheduler, turns = _schedule(10, takes=25)
        await asyncio.sleep(65)
        scheduler.shutdown()
        return turns

    assert run(story()) == [0, 30, 60]


def test_paused_it_begins_no_turn_and_ends_the_one_under_way() -> None:
    async def story() -> list[float]:
        scheduler, turns = _schedule(10, takes=5)
        await asyncio.sleep(12)
        scheduler.pause()
        await asyncio.sleep(100)
        assert len(asyncio.all_tasks()) == 1
        return turns

    assert run(story()) == [0, 10]


def test_a_chore_that_breaks_has_its_next_turn_and_others_have_theirs() -> None:
    async def story() -> list[str]:
        turns: list[str] = []

        async def breaks() -> None:
            turns.append("breaks")
            raise ValueError

        async def works() -> None:
            turns.append("works")

        scheduler = Schedule([Chore("breaks", 10, breaks), Chore("works", 10, works)], _ours)
        await asyncio.sleep(15)
        scheduler.shutdown()
        return turns

    assert run(story()) == ["breaks", "works"] * 2
