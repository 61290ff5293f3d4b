"""What the doors are handed. Builds nothing."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from fastapi import APIRouter

from mappers.spec import Entity
from syncd.commands import Desk, Refusal
from syncd.intake import Intake, Secrets
from syncd.keeper import Keeper
from syncd.ledger.store import Ledger
from syncd.metrics import Metrics
from syncd.queue import Waiting
from syncd.ui.deps import Deps as Pages

Make = Callable[..., APIRouter]  # a router for a group of routes, with what is the same for all of them


async def _nothing() -> None:
    """Nobody has anything to add before metrics are shown."""


async def _no_peers() -> Mapping[str, Mapping[str, Any]]:
    """Nobody knows how the systems are."""
    return {}


async def _unasked(*_: str) -> Mapping[str, Any]:
    """Nobody here may ask the systems."""
    raise Refusal("this door asks neither system")


@dataclass(frozen=True)
class ApiDeps:
    """Everything the doors need. `ring` is the queue's `add_all`, `secrets` gives those of a webhook id.

    `readiness` tells why the daemon cannot work now, `paused` what is stopped, one line each;
    `before_metrics` brings the gauges up to date; `peers` tells the state of each system's circuit and for how many
    `seconds` it stays so; `budgets` are the calls a minute all daemons may make to each; `preview` plans a record and
    `sides` tells what both sides show of it, by its key: both ask the systems and raise `PeerError`;
    `examine` looks at both systems as the doctor does; `keeper` has the queue in hand;
    `now` in epoch seconds; without `api_token` nobody may use the API; without `pages` there are none.
    """

    ledger: Ledger
    ring: Callable[[Iterable[Waiting]], Awaitable[None]]
    entities: Mapping[str, Entity]
    secrets: Secrets
    readiness: Callable[[], list[str]]
    metrics: Metrics
    version: str
    api_token: str = field(repr=False)
    now: Callable[[], float]
    new_id: Callable[[], str]
    before_metrics: Callable[[], Awaitable[None]] = _nothing
    paused: Callable[[], Sequence[str]] = tuple
    peers: Callable[[], Awaitable[Mapping[str, Mapping[str, Any]]]] = _no_peers
    budgets: Mapping[str, int] = field(default_factory=dict)
    preview: Callable[[str], Awaitable[Mapping[str, Any]]] = _unasked
    sides: Callable[[str], Awaitable[Mapping[str, Any]]] = _unasked
    examine: Callable[[], Awaitable[Mapping[str, Any]]] = _unasked
    keeper: Keeper | None = None
    pages: Pages | None = None

    @property
    def desk(self) -> Desk:
        return Desk(self.ledger, self.entities, self.now, who="api")

    @property
    def intake(self) -> Intake:
        return Intake(self.ledger, self.secrets, self.ring, self.now)
