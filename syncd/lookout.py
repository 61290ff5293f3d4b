"""Everything that is worth an alarm now: from what readiness says, what the ledger knows, and the machine. Pure.

Texts hold names of ours and counts: no value of a record, no reason typed by a person, no address.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from syncd.alarms import DAY, SIDES, Look, Trouble
from syncd.health import Reason
from syncd.ledger.alarms import Standing, Stopped
from syncd.machine import LEAST_DISK, MOST_OFFSET
from syncd.model import Status

STORES = ("ledger", "ledger_writes")
MOST_NAMED = 3
WENT_BACK = "went_back:"
# Texts stay as they are while an alarm lasts, or every look would be a write; so no minutes and no megabytes in them.
FROM_HEALTH = (
    ("redis", "redis", ""),  # its reason says what is wrong with it, and nothing that changes from look to look
    ("no_poll", "poll", "EspoCRM cannot be asked what changed"),
    ("no_success", "silence", "work waits, and nothing succeeds"),
)


@dataclass(frozen=True)
class Here:
    """What one process sees. `free` bytes, `ahead` seconds of Redis, `offsets` seconds ahead of each system."""

    host: str
    free: int | None = None
    ahead: float | None = None
    offsets: Mapping[str, float] = field(default_factory=dict)


def of_stores(reasons: Iterable[Reason], unsure: frozenset[str]) -> Look:
    """Trouble with the ledger itself, which each process remembers by itself."""
    found = {reason.code: reason for reason in reasons}
    if "starting" in found:
        return Look(unknown=frozenset(STORES))
    troubles = tuple(Trouble(code, found[code].text) for code in STORES if code in found)
    return Look(troubles, unsure & frozenset(STORES))


def of_everything(
    reasons: Iterable[Reason], unsure: frozenset[str], standing: Standing, here: Here, now: float, outage: float
) -> Look:
    """All other trouble. `outage`: seconds a system may be away."""
    found = {reason.code: reason for reason in reasons}
    troubles = [*_of_health(found, outage), *_of_people(standing, now), *_of_setup(standing), *_of_machine(here)]
    return Look(tuple(troubles), frozenset({*STORES, *_blind(found, unsure, standing, here)}))


def _blind(found: Mapping[str, Reason], unsure: frozenset[str], standing: Standing, here: Here) -> Iterator[str]:
    """Causes of which this look can say nothing."""
    if "starting" in found:
        yield from ("redis", "poll", "silence", "credentials", "outage")
    if "redis" in found:
        yield from ("silence", "credentials", "outage")
    yield from (cause for code, cause, _ in FROM_HEALTH if code in unsure)
    yield from (f"outage:{side}" for side in SIDES if f"away:{side}" in unsure)
    yield from (f"credentials:{side}" for side in SIDES if f"unheard:{side}" in found)
    yield from (f"clock:{side}" for side in SIDES if side not in here.offsets)
    if here.ahead is None:
        yield f"clock:{here.host}"
    if here.free is None:
        yield f"disk:{here.host}"
    if standing.statuses.get(Status.FAILED):
        yield "failing"  # those given up are tried again after a while; they have not recovered by that


def _of_health(found: Mapping[str, Reason], outage: float) -> Iterator[Trouble]:
    yield from (Trouble(cause, text or found[code].text) for code, cause, text in FROM_HEALTH if code in found)
    for side in SIDES:
        if f"barred:{side}" in found:
            yield Trouble(f"credentials:{side}", found[f"barred:{side}"].text)
        elif f"away:{side}" in found or f"unheard:{side}" in found:
            yield Trouble(f"outage:{side}", f"{side} has been away for {outage / 60:g} minutes", after=outage)


def _of_people(standing: Standing, now: float) -> Iterator[Trouble]:
    given_up = standing.statuses.get(Status.PERMANENTLY_FAILED, 0)
    if given_up:
        yield Trouble("failing", f"{_records(given_up)} given up after several tries")
    if standing.conflicts:
        text = f"{standing.conflicts} waiting for a person's decision"
        yield Trouble("conflicts", text, remind=DAY)
    if standing.mixed_up_at is not None and now - standing.mixed_up_at < DAY:
        yield Trouble("mixed_up", "a write to an address struck another one, which has its own values back")
    yield from (_stopped(guard) for guard in standing.guards)
    for scope, since in standing.pauses.items():
        if now - since > DAY:
            yield Trouble(f"pause:{scope}", f"{_scope(scope)} paused for more than a day")


def _stopped(guard: Stopped) -> Trouble:
    if guard.kind.startswith(WENT_BACK):
        whose = guard.kind.removeprefix(WENT_BACK)
        text = f"restored backup? {_records(guard.records)} older in {whose} than remembered (guard {guard.id})"
        return Trouble(f"restored:{guard.id}", text)
    return Trouble(f"guard:{guard.id}", f"guard {guard.id} ({guard.kind}) has stopped {_records(guard.records)}")


def _records(count: int) -> str:
    return "1 record" if count == 1 else f"{count} records"


def _scope(scope: str) -> str:
    kind, _, name = scope.partition(":")
    return {"entity": f"entity {name} is", "side": f"writing to {name} is"}.get(kind, "everything is")


def _of_setup(standing: Standing) -> Iterator[Trouble]:
    for side, wrong in standing.wrong_setup.items():
        if wrong:
            yield Trouble(f"setup:{side}", f"not as it must be in {side}: {_named(wrong)}")
    if standing.wrong_webhooks:
        yield Trouble("webhooks", f"webhooks: {_named(standing.wrong_webhooks)}")


def _named(names: list[str]) -> str:
    more = len(names) - MOST_NAMED
    return ", ".join(names[:MOST_NAMED]) + (f" and {more} more" if more > 0 else "")


def _of_machine(here: Here) -> Iterator[Trouble]:
    if here.free is not None and here.free < LEAST_DISK:
        yield Trouble(
            f"disk:{here.host}", f"{here.host} has less than {LEAST_DISK / 1e6:.0f} MB free for syncd's state"
        )
    if here.ahead is not None and abs(here.ahead) > MOST_OFFSET:
        yield Trouble(f"clock:{here.host}", f"the clock of {here.host} is {_off(here.ahead)} of Redis'")
    for side, offset in here.offsets.items():
        if abs(offset) > MOST_OFFSET:
            yield Trouble(f"clock:{side}", f"our clock is {_off(offset)} of {side}'s")


def _off(seconds: float) -> str:
    return f"more than {MOST_OFFSET:g} s {'ahead' if seconds > 0 else 'behind'}"
