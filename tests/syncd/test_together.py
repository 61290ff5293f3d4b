"""What is asked for while the same is under way is done together afterwards."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest

from syncd.together import Together


class Door:
    """Does nothing until it is opened; remembers what was done at once. `failures`: what comes first fails by them."""

    def __init__(self, enough: int = 100, failures: Sequence[BaseException] = ()) -> None:
        self.open = asyncio.Event()
        self.done: list[list[str]] = []
        self.failures = [*failures]
        self.together = Together(self._do, enough)

    async def _do(self, items: Sequence[str]) -> None:
        await self.open.wait()
        self.done.append([*items])
        if self.failures:
            raise self.failures.pop(0)

    async def begun(self, first: str, *more: str) -> list[asyncio.Task[None]]:
        """The first is under way, the others wait."""
        tasks = [asyncio.create_task(self.together.add([first]))]
        for _ in range(3):
            await asyncio.sleep(0)
        tasks += [asyncio.create_task(self.together.add([*one])) for one in more]
        await asyncio.sleep(0)
        return tasks


async def test_what_comes_meanwhile_is_done_at_once_in_its_order() -> None:
    door = Door()
    tasks = await door.begun("a", "b", "cd", "e")
    door.open.set()
    await asyncio.gather(*tasks)
    assert door.done == [["a"], ["b", "c", "d", "e"]]
    await door.together.add(["f"])
    assert door.done[2:] == [["f"]]


async def test_of_too_much_the_rest_waits_for_the_next_time() -> None:
    door = Door(enough=2)
    tasks = await door.begun("a", "b", "cdef", "g")
    door.open.set()
    await asyncio.gather(*tasks)
    assert door.done == [["a"], ["b", "c", "d", "e", "f"], ["g"]]


async def test_a_failure_is_told_to_those_it_concerns_and_the_others_go_on() -> None:
    door = Door(failures=[ValueError("first"), ValueError("second")])
    tasks = await door.begun("a", "b", "c")
    door.open.set()
    told = await asyncio.gather(*tasks, return_exceptions=True)
    assert [str(one) for one in told] == ["first", "second", "second"]
    await door.together.add(["d"])
    assert door.done == [["a"], ["b", "c"], ["d"]]


async def test_what_waits_behind_what_takes_too_long_has_waited_too_long_as_well() -> None:
    door = Door(enough=1, failures=[TimeoutError()])
    tasks = await door.begun("a", "b", "c")
    door.open.set()
    told = await asyncio.gather(*tasks, return_exceptions=True)
    assert [type(one) for one in told] == [TimeoutError] * 3
    await door.together.add(["d"])
    assert door.done == [["a"], ["d"]]


async def test_who_waits_no_longer_keeps_nobody_from_being_served() -> None:
    door = Door()
    tasks = await door.begun("a", "b", "c")
    for gone in tasks[:2]:
        gone.cancel()
    await asyncio.sleep(0)
    door.open.set()
    await tasks[2]
    assert door.done == [["a"], ["c"]]


async def test_where_all_is_ended_nobody_waits_for_ever() -> None:
    class End(BaseException):
        pass

    door = Door(failures=[End()])
    tasks = await door.begun("a", "b")
    asyncio.get_running_loop().set_exception_handler(lambda *_: None)  # as the end of a process is nobody's to hear
    door.open.set()
    told = await asyncio.gather(*tasks, return_exceptions=True)
    assert isinstance(told[0], End)
    assert isinstance(told[1], asyncio.CancelledError)
    with pytest.raises(asyncio.CancelledError):
        await tasks[1]
