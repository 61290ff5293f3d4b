"""What a job is given to work with: the two systems, the ledger, time, and the firm's settings.

The Protocols are all the engine knows of the clients; `services` fulfils them without knowing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

from mappers.spec import Entity
from syncd.clock import Clock
from syncd.guard import Limits
from syncd.ledger.store import Ledger
from syncd.model import PlanPolicy


class Reply(Protocol):
    @property
    def body(self) -> dict[str, Any]: ...

    @property
    def date(self) -> float | None: ...


class Page(Protocol):
    @property
    def rows(self) -> list[dict[str, Any]]: ...

    @property
    def total(self) -> int: ...

    @property
    def date(self) -> float | None: ...

    @property
    def last(self) -> bool: ...


class EspoPort(Protocol):
    """EspoCRM as the engine uses it; raises the errors of `services.errors`."""

    async def read(self, entity: str, id: str) -> Reply: ...

    async def list(
        self,
        entity: str,
        *,
        where: Sequence[Mapping[str, Any]] = (),
        select: Sequence[str] = (),
        order_by: str = "createdAt",
        order: Literal["asc", "desc"] = "asc",
        max_size: int = 200,
        offset: int = 0,
        count: Literal["none", "exact"] = "none",
    ) -> Page: ...

    async def update(
        self,
        entity: str,
        id: str,
        changes: Mapping[str, Any],
        *,
        version: int | None = None,
        last_look: Callable[[], None] = ...,
    ) -> Reply: ...

    async def create(
        self, entity: str, body: Mapping[str, Any], *, duplicates: Literal["skip", "check"] = "skip"
    ) -> Reply: ...


class AdvowarePort(Protocol):
    """Advoware as the engine uses it; raises the errors of `services.errors`."""

    async def read(self, path: str) -> Reply: ...

    async def read_list(self, path: str) -> list[dict[str, Any]]: ...

    async def create(self, path: str, body: Mapping[str, Any], *, last_look: Callable[[], None] = ...) -> Reply: ...

    async def replace(self, path: str, body: Mapping[str, Any], *, last_look: Callable[[], None] = ...) -> Reply: ...

    async def search(self, name: str, vorname: str) -> list[dict[str, Any]]: ...


@dataclass(frozen=True)
class Settings:
    """The part of the configuration jobs obey. All durations in seconds."""

    lease: float = 60.0
    http_timeout: float = 30.0
    retry_waits: tuple[float, ...] = (60.0, 300.0, 900.0, 3600.0, 14400.0)
    auto_reset: float = 86400.0
    sweep_min: float = 300.0
    sweep_max: float = 86400.0
    late_after: float = 3.0
    language: str = "de"
    dry_run: bool = False
    search: Literal["list", "probe", "off"] = "list"
    create_unchecked: bool = False
    partial_put: bool = False  # [A] Advoware keeps fields missing from a PUT; measured by `doctor --probe-betnr`
    espo_filter: tuple[Mapping[str, Any], ...] = ()
    task_user: str | None = None
    public_url: str = ""  # under which people reach our pages, for links in Tasks; none where empty
    limits: Limits = field(default_factory=Limits)

    @property
    def doubt(self) -> float:
        """How long after it was sent a call without an answer may still apply."""
        return 2 * self.http_timeout


def _unobserved(*_: object) -> None:
    """Nobody measures."""


@dataclass(frozen=True)
class Observers:
    """Who counts and measures; seconds throughout.

    `call(side, verb, route, outcome, seconds)` every call; `job(ended, lane, seconds)` every job;
    `window(verb, seconds)` between a read and the write made of it; `delay(target, seconds)` from a
    person's edit to its arrival on the other side; `dated(side, seconds)` how far our clock is ahead of an answer's
    date; `turn(worker)` a worker begins its next turn.
    """

    call: Callable[[str, str, str, str, float], None] = _unobserved
    job: Callable[[str, str, float], None] = _unobserved
    window: Callable[[str, float], None] = _unobserved
    delay: Callable[[str, float], None] = _unobserved
    dated: Callable[[str, float], None] = _unobserved
    turn: Callable[[str], None] = _unobserved


@dataclass(frozen=True)
class Whose:
    """The record that a job's record belongs to, linked in both systems. `path` is Advoware's of the parent."""

    key: str
    advoware_id: int
    path: str

    @property
    def espo_id(self) -> str:
        """EspoCRM's id of it."""
        return self.key.partition("/")[2]


@dataclass(frozen=True)
class Context:
    """Everything one kind of job needs; built once by `app`. `jitter` gives numbers in [0, 1).

    `kin`: all entities by name, as the firm has mapped them. `whose`: of a child's job alone.
    """

    entity: Entity
    ledger: Ledger
    espo: EspoPort
    advoware: AdvowarePort
    clock: Clock
    new_id: Callable[[], str]
    jitter: Callable[[], float]
    owner: str
    policy: PlanPolicy
    settings: Settings
    observers: Observers = field(default_factory=Observers)
    search_proven: bool = False  # this process has seen the search find somebody who is known to be there
    kin: Mapping[str, Entity] = field(default_factory=dict)
    whose: Whose | None = None
    run: str | None = None  # what a person set going in this process; every job here is part of it
    left: dict[str, int] = field(default_factory=dict)  # fences by key, of jobs that the ledger would not let end

    @property
    def parent_number(self) -> int | None:
        """The Beteiligter that a child belongs to, where that is known."""
        return self.whose.advoware_id if self.whose is not None else None

    def id12(self) -> str:
        """A short id, for what people type."""
        return self.new_id()[:12]
