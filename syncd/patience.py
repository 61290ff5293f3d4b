"""Waiting out a short outage where a person's long command would otherwise end in the middle of it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeVar

from services.errors import Outage
from syncd.context import Context

T = TypeVar("T")

PATIENCE = 300.0  # seconds a system may be away before a command gives up
AGAIN = 5.0  # seconds between two tries, where the system names no time


async def patiently(context: Context, call: Callable[[], Awaitable[T]]) -> T:
    """The answer of a call that changes nothing; raises `Outage` after five minutes without one."""
    end = context.clock.monotonic() + PATIENCE
    while True:
        try:
            return await call()
        except Outage as error:
            wait = error.retry_after or AGAIN
            if context.clock.monotonic() + wait > end:
                raise
            await context.clock.sleep(wait)
