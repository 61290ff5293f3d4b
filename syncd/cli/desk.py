"""Commands that only write to or read from the ledger: no Redis, neither system."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, TypeVar

from syncd.cli import output

if TYPE_CHECKING:
    from syncd.commands import Desk

T = TypeVar("T")


def at_desk(ask: Callable[[Desk], Awaitable[T]]) -> T:
    """Run a request over the existing ledger. A running daemon sees it within a second."""
    from syncd.app import entities
    from syncd.clock import SystemClock
    from syncd.commands import Desk
    from syncd.runtime import existing_ledger

    settings = output.ledger_settings()
    known = entities(settings, output.mapping(settings))

    async def asking() -> T:
        async with existing_ledger(settings) as ledger:
            return await ask(Desk(ledger, known, SystemClock().now))

    return output.work(asking())
