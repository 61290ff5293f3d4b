"""The words of a plan: one step, what is sent for it, and the plan as a whole. Data only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from syncd.webhooks import Mending


@dataclass(frozen=True)
class Send:
    """One request of an administrator. `opens`: afterwards there is more to see, so a new plan is needed."""

    verb: str
    path: str
    body: Any
    opens: bool = False


@dataclass(frozen=True)
class SaveLabels:
    """Labels of a scope in one language. `options`: the enum fields whose options are among them."""

    scope: str
    language: str
    labels: Mapping[str, str]
    options: Mapping[str, Mapping[str, str]] = field(default_factory=dict)


@dataclass(frozen=True)
class MakeRole:
    """The role, made with these rights."""

    body: Mapping[str, Any]


@dataclass(frozen=True)
class MakeUser:
    """The API user. `role`: None for the one made just before."""

    name: str
    role: str | None


@dataclass(frozen=True)
class GiveRole:
    """The role is added to those the API user has. `role` as of `MakeUser`."""

    user: str
    roles: tuple[str, ...]
    role: str | None


@dataclass(frozen=True)
class NewKey:
    """Another key for the API user; the old one is void at once."""

    user: str


@dataclass(frozen=True)
class Left:
    """One thing that is left for a person: what was seen of what, and in one sentence what to do."""

    name: str
    grade: Literal["warn", "fail"]
    seen: str
    todo: str


def warn(name: str, seen: str, todo: str) -> Left:
    """All works, but somebody should look at it."""
    return Left(name, "warn", seen, todo)


def fail(name: str, seen: str, todo: str) -> Left:
    """Must be put right by a person."""
    return Left(name, "fail", seen, todo)


Action = Send | SaveLabels | MakeRole | MakeUser | GiveRole | NewKey | Mending


@dataclass(frozen=True)
class Step:
    """One thing that will be done: where, what, how it is now and will be."""

    where: str
    what: str
    now: str
    wanted: str
    action: Action


@dataclass(frozen=True)
class Plan:
    """All that will be done, in this order, and what only a person can do."""

    steps: tuple[Step, ...]
    left: tuple[Left, ...]


@dataclass(frozen=True)
class Wishes:
    """What the administrator asked for. `ledger`: "" or why its secrets cannot be kept here and now."""

    user: str
    url: str
    new_key: bool
    ledger: str = ""
