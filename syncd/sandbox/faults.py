"""Faults on demand, the same for both stand-in servers and deterministic: rules say which request meets what.

Decides only; wire.py acts. Knows neither HTTP libraries nor the worlds.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from fnmatch import fnmatchcase
from typing import Any


class Kind(StrEnum):
    """What happens to a request. `applied` = the server did the work."""

    OFFLINE = "offline"
    """connection refused, nothing applied"""
    HANG_UP = "hang_up"
    """connection closed without an answer, nothing applied"""
    HANG_UP_APPLIED = "hang_up_applied"
    TIMEOUT = "timeout"
    """no answer, nothing applied"""
    TIMEOUT_APPLIED = "timeout_applied"
    APPLIED_LATE = "applied_late"
    """no answer; applied `seconds` after the request arrived"""
    LATENCY = "latency"
    """`seconds` before the work; beyond the client's time-out the work is still done, late"""
    STATUS = "status"
    """`status` with optional `retry_after`, `reason`, `text`; nothing applied"""
    STATUS_APPLIED = "status_applied"
    """applied, then `status` (a proxy's 502/504)"""
    HTML = "html"
    """applied, 200 with an HTML page"""
    EMPTY = "empty"
    """applied, 200 with an empty body"""
    TRUNCATED = "truncated"
    """applied, the JSON body cut in half"""
    SHORT_PAGE = "short_page"
    """a list without its second half, `total` unchanged"""
    STALE = "stale"
    """a GET of one record shows its version before the last write"""
    REWRITE = "rewrite"
    """the target cuts `field` at `length`, or trims it where no length is given"""
    REFUSE = "refuse"
    """EspoCRM: 400 naming `field`; Advoware: `field` silently keeps its value"""
    EDIT_BEFORE = "edit_before"
    """`act` happens just before the request is handled"""
    EDIT_AFTER = "edit_after"
    """`act` happens just after the request was handled, before its answer"""


COMPANIONS = frozenset(
    (Kind.LATENCY, Kind.REWRITE, Kind.REFUSE, Kind.EDIT_BEFORE, Kind.EDIT_AFTER, Kind.STALE, Kind.SHORT_PAGE)
)
"""Kinds that can meet one request together; of the others the first that fires wins."""


@dataclass(frozen=True)
class Rule:
    """One fault. `route` is a glob over the route template or the path; None matches everything.

    It fires from match number `after` + 1 on, `times` times (None = for ever), each with `probability`.
    """

    kind: Kind
    system: str | None = None
    method: str | None = None
    route: str = "*"
    after: int = 0
    times: int | None = 1
    probability: float = 1.0
    seconds: float = 0.0
    status: int = 500
    retry_after: str | None = None
    reason: str | None = None
    text: str = ""
    field: str = ""
    length: int | None = None
    act: Mapping[str, Any] | Callable[[], object] | None = None


@dataclass
class Standing:
    """A rule in force and what it has done so far."""

    rule: Rule
    matched: int = 0
    fired: int = 0


@dataclass
class Faults:
    """The rules in force. `enabled` False lets everything pass without forgetting them."""

    rng: random.Random
    standing: dict[int, Standing] = field(default_factory=dict)
    down: set[str] = field(default_factory=set)
    """systems that are switched off altogether"""
    enabled: bool = True
    next_id: int = 1

    def add(self, rule: Rule) -> int:
        """Put a rule in force; returns its number for remove()."""
        number, self.next_id = self.next_id, self.next_id + 1
        self.standing[number] = Standing(rule)
        return number

    def remove(self, number: int) -> None:
        """Lift one rule."""
        self.standing.pop(number, None)

    def clear(self) -> None:
        """Lift all rules and bring both systems up."""
        self.standing.clear()
        self.down.clear()

    def meet(self, system: str, method: str, route: str, path: str) -> list[Rule]:
        """The rules that fire on this request, companions first, at most one that decides the answer."""
        if not self.enabled:
            return []
        if system in self.down:
            return [Rule(Kind.OFFLINE)]
        fired: list[Rule] = []
        decided: Rule | None = None
        for standing in list(self.standing.values()):
            rule = standing.rule
            if not _matches(rule, system, method, route, path) or (rule.kind not in COMPANIONS and decided):
                continue
            standing.matched += 1
            if standing.matched <= rule.after or (rule.times is not None and standing.fired >= rule.times):
                continue
            if rule.probability < 1.0 and self.rng.random() >= rule.probability:
                continue
            standing.fired += 1
            if rule.kind in COMPANIONS:
                fired.append(rule)
            else:
                decided = rule
        return [*fired, decided] if decided else fired


def _matches(rule: Rule, system: str, method: str, route: str, path: str) -> bool:
    if rule.system not in (None, system) or rule.method not in (None, method):
        return False
    return rule.route == "*" or fnmatchcase(route, rule.route) or fnmatchcase(path, rule.route)


def rule_from(data: Mapping[str, Any]) -> Rule:
    """A rule from JSON; TypeError or ValueError on unknown names."""
    return Rule(**{**data, "kind": Kind(data["kind"])})
