"""What the clients are handed: time, chance, the call budget, the circuit, the token cache.

Only Protocols and the values they exchange. All of them answer with data; waiting and raising is done in one
place, `services.http`. Implementations for one process: `services.local`; over Redis: `syncd.shared`.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol


class Urgency(StrEnum):
    """Who may use the last third of what is granted: people's edits of just now."""

    URGENT = "urgent"
    BACKGROUND = "background"


urgency: ContextVar[Urgency] = ContextVar("urgency", default=Urgency.URGENT)


@contextmanager
def lane(chosen: Urgency) -> Iterator[None]:
    """Make every call inside the block count as `chosen`."""
    token = urgency.set(chosen)
    try:
        yield
    finally:
        urgency.reset(token)


class Verdict(StrEnum):
    """What circuit and budget say to a call."""

    GO = "go"
    WAIT = "wait"  # recovering: ask again in a moment
    SPENT = "spent"  # the budget has no call for now: ask again later
    OPEN = "open"  # do not call
    BARRED = "barred"  # these credentials were refused; only a person or other credentials change that


@dataclass(frozen=True)
class Admission:
    """`seconds`: until it is worth asking again. `watched`: a success must be told."""

    verdict: Verdict
    seconds: float = 0.0
    watched: bool = False


class CircuitName(StrEnum):
    """The states a person sees."""

    CLOSED = "closed"
    OPEN = "open"
    RAMP = "ramp"
    BARRED = "barred"


@dataclass(frozen=True)
class CircuitState:
    """State of one side's circuit; `seconds` until the next probe while open."""

    state: CircuitName
    seconds: float = 0.0


class Budget(Protocol):
    """Calls per minute towards one side, shared by all who call it."""

    async def take(self, side: str, urgency: Urgency) -> float:
        """Take one call: 0.0 = taken, otherwise the seconds after which to ask again."""
        ...


class Circuit(Protocol):
    """Whether one side may be called now.

    `ticket` names the call, `credentials` is a fingerprint, never a secret.
    """

    async def admit(self, side: str, credentials: str, ticket: str, urgency: Urgency) -> Admission:
        """Whether the call may go; if so, one call has been taken out of the budget.

        The budget is asked last, and where it has none no ticket is held.
        """
        ...

    async def succeed(self, side: str, ticket: str) -> None: ...

    async def fail(self, side: str, ticket: str, retry_after: float | None) -> None:
        """An outage; with `retry_after` (seconds) the circuit opens at once for that long."""
        ...

    async def withdraw(self, side: str, ticket: str) -> None:
        """Give the ticket back; the call says nothing about the side's health."""
        ...

    async def strike(self, side: str, credentials: str, ticket: str) -> bool:
        """A 401. The first lets only single probes through; a probe's 401 bars the side: True."""
        ...

    async def bar(self, side: str, credentials: str) -> None:
        """Stop all calls with these credentials."""
        ...

    async def clear(self, side: str) -> None:
        """A person says: try again."""
        ...

    async def look(self, side: str) -> CircuitState: ...


@dataclass(frozen=True)
class Token:
    """An access token; `obtained` and `expires` in epoch seconds of the shared clock."""

    access: str = field(repr=False)
    obtained: float
    expires: float


class TokenStore(Protocol):
    """The token cache all workers and processes share. `key` is a fingerprint of the credentials."""

    async def read(self, key: str) -> Token | None: ...

    async def lock(self, key: str, owner: str, seconds: float) -> bool:
        """Try to become the one who fetches a new token; expires by itself after `seconds`."""
        ...

    async def save(self, key: str, owner: str, token: Token) -> bool:
        """Store the token and unlock; False (nothing stored) if `owner` has lost the lock."""
        ...

    async def unlock(self, key: str, owner: str) -> None: ...

    async def drop(self, key: str, access: str) -> None:
        """Forget the token if it is still this one (another may have fetched a fresh one meanwhile)."""
        ...


def _unobserved(side: str, verb: str, route: str, outcome: str, seconds: float) -> None:
    """Nobody counts calls."""


def _undated(side: str, ahead: float) -> None:
    """Nobody compares clocks."""


@dataclass(frozen=True)
class Ports:
    """Everything a client needs from outside.

    `now` in epoch seconds, `jitter` in [0, 1), `new_id` gives 32 hex digits.

    `observe(side, verb, route, outcome, seconds)` is told of every call; `route` holds no ids, `outcome` is
    "ok" or the error's class in lower case. `dated(side, seconds)` is told of every answer with a date how many
    seconds `now` is ahead of it.
    """

    now: Callable[[], float]
    sleep: Callable[[float], Awaitable[None]]
    new_id: Callable[[], str]
    jitter: Callable[[], float]
    budget: Budget
    circuit: Circuit
    observe: Callable[[str, str, str, str, float], None] = _unobserved
    dated: Callable[[str, float], None] = _undated
