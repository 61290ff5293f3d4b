"""Chores take their turns whatever becomes of the machine's clock, and one that breaks stops no other."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
import time_machine

from syncd.scheduler import Chore, Schedule

EVERY = 0.05
PATIENCE = 60.0  # seconds; a condition that comes true ends the waiting


async def _ours(_name: str, _seconds: float) -> bool:
    return True


async def _until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(PATIENCE):
        while not condition():
            await asyncio.sleep(0.01)


@pytest.mark.parametrize("hours", [-1, 1])
async def test_setting_the_machines_clock_stops_no_chore(hours: int) -> None:
    turns: list[int] = []

    async def chore() -> None:
        turns.append(len(turns))

    scheduler = Schedule([Chore("one", EVERY, chore)], _ours, watch=EVERY)
    try:
        await _until(lambda: len(turns) > 2)
        with time_machine.travel(datetime.now(UTC) + timedelta(hours=hours), tick=True):
            known = len(turns)
            await _until(lambda: len(turns) > known + 3)
        known = len(turns)
        await _until(lambda: len(turns) > known + 3)
    finally:
        scheduler.shutdown()


async def test_paused_it_begins_no_turn_and_ends_the_one_under_way() -> None:
    begun, ended = asyncio.Event(), asyncio.Event()
    go_on = asyncio.Event()
    turns: list[int] = []

    async def chore() -> None:
        turns.append(len(turns))
        begun.set()
        await go_on.wait()
        ended.set()

    scheduler = Schedule([Chore("one", EVERY, chore)], _ours, watch=EVERY)
    try:
        async with asyncio.timeout(PATIENCE):
            await begun.wait()
            scheduler.pause()
            go_on.set()
            await ended.wait()
            await asyncio.sleep(4 * EVERY)  # in which an unpaused one would have had its turns
        assert len(turns) == 1
    finally:
        scheduler.shutdown()


async def test_a_chore_that_breaks_has_its_next_turn_and_others_have_theirs() -> None:
    turns: list[str] = []

    async def breaks() -> None:
        turns.append("breaks")
        raise ValueError

    async def works() -> None:
        turns.append("works")

    scheduler = Schedule([Chore("breaks", EVERY, breaks), Chore("works", EVERY, works)], _ours)
    try:
        await _until(lambda: turns.count("breaks") > 1 and turns.count("works") > 1)
    finally:
        scheduler.shutdown()


async def test_a_turn_that_is_cut_off_is_no_error(caplog: pytest.LogCaptureFixture) -> None:
    begun, cut_off = asyncio.Event(), asyncio.Event()

    async def chore() -> None:
        begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            cut_off.set()

    scheduler = Schedule([Chore("one", EVERY, chore)], _ours)
    async with asyncio.timeout(PATIENCE):
        await begun.wait()
        scheduler.shutdown()
        await cut_off.wait()
        while len(asyncio.all_tasks()) > 1:
            await asyncio.sleep(0)
    assert [record.message for record in caplog.records if record.levelno >= logging.ERROR] == []
