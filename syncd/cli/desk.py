"""Commands that only write to or read from the ledger: no Redis, neither system."""

from __future__ import annotations

import os
import pwd
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, TypeVar

from syncd.cli import output

if TYPE_CHECKING:
    from syncd.commands import Desk

T = TypeVar("T")


def at_terminal() -> str:
    """Who asks by a command: the login of its process, for the history."""
    try:
        return f"terminal:{pwd.getpwuid(os.getuid()).pw_name}"
    except KeyError:  # a container may run under a number without a name
        return f"terminal:{os.getuid()}"


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
            return await ask(Desk(ledger, known, SystemClock().now, who=at_terminal()))

    return output.work(asking())
