"""Cuts a script that ends badly down to what is needed for that: fewer events, a simpler world."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

from tests.simulation.script import A_DAY, Event, Script

TRIES = 120


def shrink(script: Script, is_wrong: Callable[[Script], bool], tries: int = TRIES) -> Script:
    """The smallest script found in so many tries for which `is_wrong` still holds; it must hold for the given one."""
    left = tries

    def fails(candidate: Script) -> bool:
        nonlocal left
        left -= 1
        return left >= 0 and is_wrong(candidate)

    script = _fewer(script, fails)
    for simpler in _simpler(script):
        if fails(candidate := simpler(script)):
            script = candidate
    return _fewer(script, fails)


def _fewer(script: Script, fails: Callable[[Script], bool]) -> Script:
    """Leave out events, first many at once, then each (delta debugging)."""
    portion = max(1, len(script.events) // 2)
    while True:
        start = 0
        while start < len(script.events):
            rest = script.events[:start] + script.events[start + portion :]
            if fails(candidate := script.only(rest)):
                script = candidate
            else:
                start += portion
        if portion == 1:
            return script
        portion = max(1, portion // 2)


def _simpler(script: Script) -> Iterator[Callable[[Script], Script]]:
    """Worlds a reader understands more easily."""
    yield lambda one: replace(one, start=A_DAY)
    yield lambda one: replace(one, skew={}, daemons=(0.0,) * len(one.daemons))
    yield lambda one: replace(one, daemons=one.daemons[:1], events=_of_one_daemon(one.events))
    yield lambda one: replace(one, settings={**one.settings, "SYNCD_DEFAULT_POLICY": "espocrm"})
    yield lambda one: replace(one, optimistic=True)
    yield lambda one: replace(one, latency=0.2)
    yield lambda one: replace(one, persons=1)


def _of_one_daemon(events: tuple[Event, ...]) -> tuple[Event, ...]:
    return tuple(
        replace(event, args={**event.args, "daemon": 0}) if "daemon" in event.args else event for event in events
    )
