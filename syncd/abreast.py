"""Many things done a few at a time, and how far they have come. Knows neither the things nor who waits for them."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from typing import TypeVar

T = TypeVar("T")

Progress = Callable[[int, int], None]  # done, total


async def each(items: Iterable[T], work: Callable[[T], Awaitable[None]], at_a_time: int) -> None:
    """Do this for all of them, so many at once; the first failure ends all."""
    waiting = iter(items)

    async def one_after_another() -> None:
        for item in waiting:
            await work(item)

    try:
        async with asyncio.TaskGroup() as group:
            for _ in range(at_a_time):
                group.create_task(one_after_another())
    except BaseExceptionGroup as several:
        raise several.exceptions[0] from None


def counted(work: Callable[[T], Awaitable[None]], total: int, progress: Progress) -> Callable[[T], Awaitable[None]]:
    """The same work, which tells after each how many of `total` are done."""
    done = 0

    async def one(item: T) -> None:
        nonlocal done
        await work(item)
        done += 1
        progress(done, total)

    return one
