"""Whether all is well, and what needs a person: from the facts of `inspect.status`. Pure; knows no page.

What is listed is named by texts of `syncd.ui.words.overview`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from syncd.alarms import Level, kind_of
from syncd.health import Reason
from syncd.model import Status
from syncd.ui.show import BAD, GOOD, WARN

# Told by what they are about, with how many of it, so not once more as an alarm.
_TOLD_OTHERWISE = ("guard", "restored", "conflicts", "failing", "pause", "outage", "credentials")
_OF_HEALTH = ("redis", "poll", "silence", "ledger", "ledger_writes", "setup")


@dataclass(frozen=True)
class Item:
    """One thing that needs a person: its text, how many, about what, where to go, and a line for the technician."""

    name: str
    tone: str
    n: int = 0
    about: str = ""
    to: str = ""
    detail: str = ""


@dataclass(frozen=True)
class Verdict:
    """All at one glance: `good`, `warn` or `bad`; why the daemon cannot work, and what waits for a person."""

    tone: str
    stopped: tuple[Item, ...]
    items: tuple[Item, ...]


def verdict(status: Mapping[str, Any], reasons: Sequence[Reason]) -> Verdict:
    """What to say first. `reasons`: why the daemon cannot work now."""
    stopped = tuple(Item(f"reason.{_code(one)}", BAD, about=_about(one.code), detail=_detail(one)) for one in reasons)
    items = (*_people(status), *_alarms(status["alarms"], {_code(one) for one in reasons}))
    tone = BAD if stopped or any(one.tone == BAD for one in items) else WARN if items else GOOD
    return Verdict(tone, stopped, items)


def _people(status: Mapping[str, Any]) -> Iterator[Item]:
    guards = len(status["guards"])
    if guards:
        yield Item("needs.guards", BAD, guards, to="/ui/guards")
    for scope in status["pauses"]:
        what, _, about = scope.partition(":")
        yield Item(f"needs.paused_{what}", WARN, about=about, to="/ui/pauses")
    if status["conflicts"]:
        yield Item("needs.conflicts", WARN, status["conflicts"], to="/ui/conflicts")
    given_up = status["pairs"].get(Status.PERMANENTLY_FAILED, 0)
    if given_up:
        yield Item("needs.given_up", WARN, given_up, to=f"/ui/records?status={Status.PERMANENTLY_FAILED}")


def _alarms(raised: Iterable[Mapping[str, Any]], codes: set[str]) -> Iterator[Item]:
    for alarm in raised:
        kind = kind_of(alarm["cause"])
        if kind.name in _TOLD_OTHERWISE or (kind.name in _OF_HEALTH and codes):
            continue
        tone = BAD if kind.level is Level.ERROR else WARN
        yield Item(f"alarm.{kind.name}", tone, about=_about(alarm["cause"]), detail=alarm["text"])


def _code(reason: Reason) -> str:
    return reason.code.partition(":")[0]


def _about(code: str) -> str:
    return code.partition(":")[2]


def _detail(reason: Reason) -> str:
    return "" if _code(reason) in ("starting", "stopping", "unheard", "barred") else reason.text
