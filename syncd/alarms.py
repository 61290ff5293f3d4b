"""What somebody must look at: which alarm begins, goes on, ends, and when it is told. Pure.

An alarm is raised once per cause and once more when it is over, however often its cause comes and goes meanwhile:
what has been gone for less than the hold-off has not ended. Knows neither who finds troubles nor who is told.
"""

# ruff: noqa: E501 - one line per kind is the point of the table
from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

DAY = 86400.0
TEXT = 400
FIRST_WAIT = 5.0  # seconds until an alarm that could not be delivered is sent again; doubles
LONGEST_WAIT = 600.0
SIDES = ("espocrm", "advoware")


class Level(StrEnum):
    """How loud."""

    ERROR = "error"  # work stands still, or data is at risk
    WARNING = "warning"  # a person should look, work goes on


class Ends(StrEnum):
    """When an alarm is over whose cause has gone."""

    AT_ONCE = "at once"  # only a person or a job can end the cause
    WHEN_QUIET = "after the hold-off"  # it may come and go


class State(StrEnum):
    """Where an alarm stands."""

    NOTICED = "noticed"  # not yet for long enough
    RAISED = "raised"
    OVER = "over"


@dataclass(frozen=True)
class Kind:
    """One sort of alarm. A cause is a kind, alone or with what it is about: `outage:advoware`."""

    name: str
    level: Level
    ends: Ends
    means: str
    todo: str


# fmt: off
KINDS: tuple[Kind, ...] = (
    Kind("credentials", Level.ERROR, Ends.WHEN_QUIET, "a system refuses our login; no more calls are made there", "correct key or password, restart the daemon"),
    Kind("outage", Level.ERROR, Ends.WHEN_QUIET, "a system has been away for `SYNCD_OUTAGE_ALARM_MINUTES`", "see whether it runs; jobs wait and lose no try"),
    Kind("poll", Level.ERROR, Ends.WHEN_QUIET, "EspoCRM could not be asked what changed for minutes", "`chore.postponed` in the log says why"),
    Kind("silence", Level.ERROR, Ends.WHEN_QUIET, "work waits, and no daemon has had a success for 5 minutes", "`syncd status`, then what the log says of the jobs"),
    Kind("ledger", Level.ERROR, Ends.WHEN_QUIET, "the ledger cannot be read; its text says why", "as its text says; PostgreSQL, or the disk of the state directory"),
    Kind("ledger_writes", Level.ERROR, Ends.WHEN_QUIET, "the ledger takes no writes; its text says why", "as its text says: disk full or read-only, locked, damaged, replaced"),
    Kind("redis", Level.ERROR, Ends.WHEN_QUIET, "Redis cannot be used, so nobody works; its text says why", "as its text says; the server of `REDIS_URL`, or `redis.log` in the state directory"),
    Kind("disk", Level.ERROR, Ends.WHEN_QUIET, "less than 500 MB are free where the state directory is", "make room: a full disk stops the ledger and with it everything"),
    Kind("restored", Level.ERROR, Ends.AT_ONCE, "records are older than remembered: a restored backup?", "`syncd guard show`, then say which side is right"),
    Kind("guard", Level.ERROR, Ends.AT_ONCE, "a guard has stopped a mass change", "`syncd guard show`, then `syncd guard allow ID` if it is meant"),
    Kind("setup", Level.ERROR, Ends.WHEN_QUIET, "something that was set up is no longer so: rights, fields, the search", "`syncd doctor`"),
    Kind("failing", Level.WARNING, Ends.AT_ONCE, "records were given up after several tries", "`syncd status`, `syncd show KEY`; over when no record is failing any more"),
    Kind("conflicts", Level.WARNING, Ends.AT_ONCE, "something waits for a person's decision", "`syncd conflicts`; told once for the first, and once a day while any waits"),
    Kind("mixed_up", Level.WARNING, Ends.AT_ONCE, "a write to an address struck another one of that person, which got its own values back", "`advoware.row_mixed_up` in the log names the record; look at its addresses in Advoware"),
    Kind("webhooks", Level.WARNING, Ends.WHEN_QUIET, "a webhook that was there is gone, switched off, doubled or leads elsewhere", "`syncd webhooks check`; changes are still found by polling"),
    Kind("clock", Level.WARNING, Ends.WHEN_QUIET, "two clocks differ by more than 2 s", "switch on NTP on both machines"),
    Kind("pause", Level.WARNING, Ends.AT_ONCE, "a pause has lasted longer than a day", "`syncd resume` if it was forgotten"),
)
# fmt: on
LATER = Kind("later", Level.WARNING, Ends.AT_ONCE, "an alarm of a later version", "update syncd")
BY_NAME: Mapping[str, Kind] = {kind.name: kind for kind in KINDS}
OF_A_SIDE = ("credentials", "outage", "setup", "clock")


def label(cause: str) -> str:
    """The cause as metrics may name it: without ids of guards and names of machines."""
    kind, _, about = cause.partition(":")
    return cause if about in SIDES else kind


LABELS: tuple[str, ...] = tuple(
    name
    for kind in KINDS
    for name in (
        *((kind.name,) if kind.name not in OF_A_SIDE or kind.name == "clock" else ()),
        *((f"{kind.name}:{side}" for side in SIDES) if kind.name in OF_A_SIDE else ()),
    )
)


def kind_of(cause: str) -> Kind:
    """The kind of a cause; one of a later version, found in the ledger after going back to this, ends at once."""
    return BY_NAME.get(cause.partition(":")[0], LATER)


@dataclass(frozen=True)
class Trouble:
    """Something that is wrong now. `after`: seconds it must last to be an alarm; `remind`: told again so often."""

    cause: str
    text: str
    after: float = 0.0
    remind: float | None = None


@dataclass(frozen=True)
class Look:
    """What one look has found. `unknown`: causes, or whole kinds, of which this look can say nothing."""

    troubles: tuple[Trouble, ...] = ()
    unknown: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Alarm:
    """One cause as remembered; times in epoch seconds.

    `since` it is so, `gone_at` it was last found gone, `over_at` it ended; `told_at` it was last told, `tell_at` it is
    to be told (again), None if nothing is to be told; `tries` so many times that was begun.
    """

    cause: str
    text: str
    state: State
    since: float
    gone_at: float | None = None
    over_at: float | None = None
    told_at: float | None = None
    tell_at: float | None = None
    tries: int = 0

    @property
    def again(self) -> bool:
        """Whether telling it now is a reminder."""
        return self.state is State.RAISED and self.told_at is not None


@dataclass(frozen=True)
class Change:
    """An alarm as it was and as it shall be; None = there is none."""

    old: Alarm | None
    new: Alarm | None


def difference(known: Mapping[str, Alarm], look: Look, now: float, hold_off: float) -> list[Change]:
    """What changes in what is remembered, by what was found now. `hold_off` in seconds."""
    changes = [Change(known.get(one.cause), _seen(known.get(one.cause), one, now)) for one in look.troubles]
    seen = {one.cause for one in look.troubles}
    for old in known.values():
        blind = old.cause in look.unknown or kind_of(old.cause).name in look.unknown
        if old.cause not in seen and not blind and old.state is not State.OVER:
            changes.append(Change(old, _gone(old, now, hold_off)))
    return [change for change in changes if change.old != change.new]


def _seen(old: Alarm | None, trouble: Trouble, now: float) -> Alarm:
    text = trouble.text[:TEXT]
    if old is None or old.state is State.OVER:
        old = Alarm(trouble.cause, text, State.NOTICED, now)
    new = replace(old, text=text, gone_at=None)
    if new.state is State.NOTICED:
        return replace(new, state=State.RAISED, tell_at=now) if now - new.since >= trouble.after else new
    told = new.told_at
    if trouble.remind is not None and told is not None and new.tell_at is None and now - told >= trouble.remind:
        return replace(new, tell_at=now, tries=0)
    return new


def _gone(old: Alarm, now: float, hold_off: float) -> Alarm | None:
    gone_at = now if old.gone_at is None else old.gone_at
    if kind_of(old.cause).ends is Ends.WHEN_QUIET and now - gone_at < hold_off:
        return replace(old, gone_at=gone_at)
    if old.state is State.NOTICED:
        return None
    return replace(old, state=State.OVER, gone_at=None, over_at=gone_at, tell_at=now, tries=0)


def begun(alarm: Alarm) -> Alarm:
    """While it is being told."""
    return replace(alarm, tries=alarm.tries + 1)


def told(alarm: Alarm, now: float) -> Alarm:
    """After it has been told."""
    return replace(alarm, told_at=now, tell_at=None)


def not_told(alarm: Alarm, now: float) -> Alarm:
    """After it could not be delivered: later again, ever more seldom; an end nobody wants to hear for a day no more."""
    if alarm.over_at is not None and alarm.state is State.OVER and now - alarm.over_at > DAY:
        return replace(alarm, tell_at=None)
    return replace(alarm, tell_at=now + min(LONGEST_WAIT, FIRST_WAIT * 2.0 ** min(alarm.tries - 1, 20)))


def due(alarms: Iterable[Alarm], now: float) -> list[Alarm]:
    """What is to be told now."""
    return [alarm for alarm in alarms if alarm.tell_at is not None and alarm.tell_at <= now]


@dataclass(frozen=True)
class Sender:
    """Who tells: which installation (EspoCRM's host name), which version, on which machine."""

    installation: str
    version: str
    host: str


def body(alarm: Alarm, sender: Sender) -> dict[str, Any]:
    """What SYNCD_ALARM_URL is sent."""
    kind = kind_of(alarm.cause)
    return {
        "alarm": alarm.cause,
        "state": "over" if alarm.state is State.OVER else "raised",
        "level": kind.level.value,
        "text": alarm.text,
        "since": _iso(alarm.since),
        "over_at": None if alarm.over_at is None else _iso(alarm.over_at),
        "reminder": alarm.again,
        "todo": kind.todo.replace("`", ""),
        **asdict(sender),
    }


def trial(sender: Sender, now: float) -> dict[str, Any]:
    """An alarm that is none, to see whether it arrives."""
    return {
        "alarm": "test",
        "state": "raised",
        "level": Level.WARNING.value,
        "text": "a test of syncd's alarms; nothing is wrong",
        "since": _iso(now),
        "over_at": None,
        "reminder": False,
        "todo": "nothing",
        **asdict(sender),
    }


def _iso(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def table() -> str:
    """The kinds as Markdown, for the docs."""
    rows = [f"| `{kind.name}` | {kind.level} | {kind.means} | {kind.ends} | {kind.todo} |" for kind in KINDS]
    return "\n".join(["| cause | level | means | over | do |", "|---|---|---|---|---|", *rows])
