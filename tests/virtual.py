"""An event loop on virtual time: nothing waits, everything happens in one reproducible order."""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")

START = 1_795_167_600.0  # epoch seconds at which every simulated world begins


class _NoWaiting(selectors.SelectSelector):
    """Instead of waiting for sockets, moves the clock to the next timer."""

    def __init__(self) -> None:
        super().__init__()
        self.loop: VirtualLoop | None = None

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        # Without a socket (one is the loop's own, for other threads) there is nothing to ask for.
        ready = super().select(0) if len(self.get_map()) > 1 else []
        if not ready and self.loop is not None:
            if timeout is None:
                raise RuntimeError("nothing will ever happen again: every task waits for another")
            self.loop.elapsed += timeout
        return ready


class VirtualLoop(asyncio.SelectorEventLoop):
    """`loop.time()` starts at 0 and jumps from timer to timer."""

    def __init__(self) -> None:
        self.elapsed = 0.0
        selector = _NoWaiting()
        super().__init__(selector)
        selector.loop = self

    def time(self) -> float:
        return self.elapsed


class VirtualClock:
    """The daemon's clock on a virtual loop; `skew` seconds makes its wall clock wrong."""

    def __init__(self, loop: VirtualLoop, skew: float = 0.0) -> None:
        self.loop = loop
        self.skew = skew

    def now(self) -> float:
        return START + self.loop.elapsed + self.skew

    def monotonic(self) -> float:
        return self.loop.elapsed

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


def run(main: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine to its end in virtual time; raises what it raises, and on a standstill."""
    loop = VirtualLoop()
    try:
        asyncio.set_event_loop(loop)
        return loop.run_until_complete(main)
    finally:
        try:
            for task in asyncio.all_tasks(loop):
                task.cancel()
            loop.run_until_complete(asyncio.sleep(0))
            loop.run_until_complete(loop.shutdown_asyncgens())
        finally:
            asyncio.set_event_loop(None)
            loop.close()
