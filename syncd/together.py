"""What is asked for while the same is under way is done together afterwards. Knows nothing of what is done."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

T = TypeVar("T")


class Together(Generic[T]):
    """Does `do` with all items that have come meanwhile, or `enough` of them, and never twice at the same time.

    Where that takes too long (TimeoutError), what waits behind it has waited too long as well.
    """

    def __init__(self, do: Callable[[Sequence[T]], Awaitable[None]], enough: int) -> None:
        self._do = do
        self._enough = enough
        self._waiting: deque[tuple[Sequence[T], asyncio.Future[None]]] = deque()
        self._doing: asyncio.Task[None] | None = None

    async def add(self, items: Sequence[T]) -> None:
        """Return once these are done; raises what doing them, and what came with them, has raised."""
        loop = asyncio.get_running_loop()
        done = loop.create_future()
        self._waiting.append((items, done))
        if self._doing is None:
            self._doing = loop.create_task(self._do_all())
        await done

    async def _do_all(self) -> None:
        try:
            while self._waiting:
                await self._do_some()
                await asyncio.sleep(0)  # those that were waited for go on first, and what they bring goes along
        finally:
            self._doing = None
            for _, done in self._waiting:  # only where this task was ended from outside
                done.cancel()
            self._waiting.clear()

    async def _do_some(self) -> None:
        items: list[T] = []
        waiting: list[asyncio.Future[None]] = []
        while self._waiting and len(items) < self._enough:
            some, done = self._waiting.popleft()
            if not done.done():  # else nobody waits for it any more
                items += some
                waiting.append(done)
        try:
            await self._do(items)
        except BaseException as error:
            if isinstance(error, TimeoutError):
                waiting += (done for _, done in self._waiting)
                self._waiting.clear()
            for done in waiting:
                if not done.done():
                    done.set_exception(error)
            if not isinstance(error, Exception):
                raise
        else:
            for done in waiting:
                if not done.done():
                    done.set_result(None)
