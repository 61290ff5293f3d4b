"""What the pages are handed. Builds nothing."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NoReturn, Protocol

from mappers.spec import Entity
from syncd.commands import Desk, Refusal
from syncd.health import Reason
from syncd.ledger.store import Ledger
from syncd.sides import Sides

Peers = Callable[[], Awaitable[Mapping[str, Mapping[str, Any]]]]


class Throttle(Protocol):
    """Who may try again now, the same for all daemons."""

    async def attempt(self, name: str, at_once: int, every: float) -> float:
        """Take one try: 0.0 = go on, otherwise the seconds to wait. So many at once, then one every so many seconds."""
        ...


async def _nobody() -> Mapping[str, Mapping[str, Any]]:
    """Nothing is known of the two systems."""
    return {}


def _nothing() -> Sequence[Reason]:
    """Nothing is wrong."""
    return ()


async def _unasked(*_: str) -> NoReturn:
    """Nobody here may ask the systems."""
    raise Refusal("these pages ask neither system")


@dataclass(frozen=True)
class Deps:
    """Everything the pages need from outside.

    `users` are roles and hashes by name, as configured (`read:$argon2id$…`); `public_url` is where browsers reach the
    pages, `espo_url` where they reach EspoCRM (empty: unknown). `tell` rings the queue for records, `peers` tells by
    side the state of its circuit, `budgets` are the calls a minute to each, `reasons` why the daemon cannot work,
    `stopping` that open pages shall be let go. `preview` plans a record by its key, told in a language (it raises
    `PeerError`), and `sides` asks both systems what they show of it. `now` in epoch seconds.
    """

    ledger: Ledger
    entities: Mapping[str, Entity]
    tell: Callable[[Iterable[str]], Awaitable[None]]
    throttle: Throttle
    users: Mapping[str, str] = field(repr=False)
    api_token: str = field(repr=False)
    public_url: str
    espo_url: str
    language: str
    version: str
    now: Callable[[], float]
    new_id: Callable[[], str]
    peers: Peers = _nobody
    budgets: Mapping[str, int] = field(default_factory=dict)
    preview: Callable[[str, str], Awaitable[Mapping[str, Any]]] = _unasked
    sides: Callable[[str], Awaitable[Sides]] = _unasked
    reasons: Callable[[], Sequence[Reason]] = _nothing
    stopping: Callable[[], bool] = lambda: False

    def desk(self, who: str) -> Desk:
        """Where the requests of the person of this name are taken."""
        return Desk(self.ledger, self.entities, self.now, who=f"page:{who}")
