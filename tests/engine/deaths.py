"""Scenarios that are played to their end, uninterrupted or killed at one effect: both must end alike.

Every remote call and every ledger commit is an effect. For each effect the daemon is killed after it but before its
answer is seen, then another one starts. Killed before an effect is killed after the one before: nothing between two
effects outlives the process.
"""

from __future__ import annotations

import tempfile
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Generic, TypeVar

from syncd.app import App
from syncd.ledger import work
from tests.daemon import Crash, World
from tests.virtual import run

T = TypeVar("T")


@dataclass(frozen=True)
class Scenario(Generic[T]):
    """What there is, what people do then, and how the end is described; ends are alike when they are equal."""

    prepare: Callable[[World], T]
    act: Callable[[World, T], object]
    end_state: Callable[[World], Awaitable[dict[str, Any]]]
    meanwhile: Callable[[World, T], bool] | None = None
    """What somebody does while no daemon lives; False where there is nothing yet to do it to."""


async def settle(world: World, app: App) -> None:
    """Poll, look round and work until nothing waits any more."""
    await app.open()
    for _ in range(60):
        await app.poll()
        await app.sweep(600)
        await app.full_pass_if_due()
        await app.drain(60)
        await app.deliver()
        await world.clock.sleep(20)
        counts = await app.parts.ledger.read(work.counts, world.clock.now())
        if not counts["lanes"]:
            return
    raise AssertionError("never settles")


async def afterwards(world: World) -> None:
    """Another daemon lives until every claim has run out and everything has been looked at."""
    for name in ("second", "and again"):
        await world.clock.sleep(61)
        await settle(world, world.daemon(name))


async def play(scenario: Scenario[T], *, after: int | None = None) -> tuple[dict[str, Any], int]:
    """The end state after a scenario, and how many effects it took; with a crash, from a second daemon."""
    with tempfile.TemporaryDirectory() as directory:
        world = World(Path(directory), SYNCD_SWEEP_MIN_SECONDS="10", SYNCD_SWEEP_MAX_SECONDS="40")
        given = scenario.prepare(world)
        await settle(world, world.daemon())
        await world.clock.sleep(40)  # all is due to be looked at in Advoware
        scenario.act(world, given)
        world.effects.count, world.effects.crash_after = 0, after
        crashed = did = False
        try:
            await settle(world, world.daemon("first"))
            if scenario.meanwhile is not None:
                did = scenario.meanwhile(world, given)
                await afterwards(world)
        except Crash:
            crashed = True
            world.effects.crash_after = None
            did = scenario.meanwhile is not None and scenario.meanwhile(world, given)
            await afterwards(world)
        assert crashed == (after is not None)
        effects = world.effects.count
        # one more round with fresh eyes: nothing is left to do
        written = len(world.sandbox.log.calls)
        await world.clock.sleep(100)
        await settle(world, world.daemon("third"))
        more = [f"{call.method} {call.path}" for call in [*world.sandbox.log.calls][written:] if call.method != "GET"]
        more = [call for call in more if not call.endswith("/Token")]
        assert not more, f"a settled world is written to: {more}"
        return {**await scenario.end_state(world), "meanwhile": did}, effects


def dies_anywhere(scenario: Scenario[T], every: int = 1) -> None:
    """Fails where a death at an effect of a scenario (each, or one in so many) leads elsewhere than no death does."""
    undone = replace(scenario, meanwhile=None)
    before, effects = run(play(undone))
    expected = [before] if scenario.meanwhile is None else [before, run(play(scenario))[0]]
    wrong = []
    for number in range(1, effects + 1, every):
        try:
            state, _ = run(play(scenario, after=number))
        except AssertionError as error:
            wrong.append((number, str(error)))
            continue
        if state not in expected:
            wrong.append((number, str(state)))
    assert not wrong, f"{len(wrong)} of {effects} crashes end elsewhere; expected {expected[-1]}: {wrong[:3]}"
