"""What readiness says of a daemon in trouble, in virtual time."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest

from services.ports import Urgency
from syncd.endings import Ended
from syncd.health import Health
from syncd.lanes import Lane
from syncd.ledger import facts
from tests.daemon import World
from tests.virtual import run

HOUR = 3600.0
Part = Callable[[World, Health], Coroutine[Any, Any, None]]


@pytest.fixture
def seen(tmp_path: Path) -> Callable[[Part], list[str]]:
    """Runs a part of a story and tells the reasons afterwards."""

    def play(part: Part) -> list[str]:
        async def whole() -> list[str]:
            world = World(tmp_path)
            app = world.daemon()
            await app.start()
            health = Health(app.parts.ledger, app.parts.queue, app.parts.shared.circuit.look, world.clock, 15.0)
            await part(world, health)
            return [reason.code for reason in await health.look()]

        return run(whole())

    return play


async def _heard(world: World, health: Health) -> None:
    health.called("espocrm", "ok")
    health.called("advoware", "refused")


async def _alive(world: World, health: Health) -> None:
    """Everything is as after an hour of good work."""
    await _heard(world, health)
    await world.clock.sleep(HOUR)
    for name in ("alive_at", "polled_at"):
        await health.ledger.write(facts.put, name, world.clock.now())


def test_nobody_has_answered_at_the_start(seen: Callable[[Part], list[str]]) -> None:
    async def nothing(world: World, health: Health) -> None:
        health.called("espocrm", "outage")

    assert seen(nothing) == ["unheard:espocrm", "unheard:advoware"]


def test_any_answer_counts_as_heard(seen: Callable[[Part], list[str]]) -> None:
    assert seen(_heard) == []


def test_all_is_well_after_an_hour_with_nothing_to_do(seen: Callable[[Part], list[str]]) -> None:
    assert seen(_alive) == []


def test_polls_that_fail_are_told_after_a_while(seen: Callable[[Part], list[str]]) -> None:
    async def silent(world: World, health: Health) -> None:
        await _alive(world, health)
        await world.clock.sleep(400)
        await health.ledger.write(facts.beat, world.clock.now())

    assert seen(silent) == ["no_poll"]


def test_a_ledger_that_takes_no_writes_is_told(seen: Callable[[Part], list[str]]) -> None:
    async def stuck(world: World, health: Health) -> None:
        await _alive(world, health)
        await world.clock.sleep(100)

    assert seen(stuck) == ["ledger_writes"]


@pytest.mark.parametrize(("ended", "reasons"), [(Ended.FAILED, ["no_success"]), (Ended.SETTLED, [])])
def test_work_that_waits_without_any_success_is_told(
    seen: Callable[[Part], list[str]], ended: Ended, reasons: list[str]
) -> None:
    async def busy(world: World, health: Health) -> None:
        await _heard(world, health)
        await health.queue.add("beteiligte/6b0016e4c18a47abb", Lane.LIVE, world.clock.now())
        await _alive(world, health)
        health.worked(ended)

    assert seen(busy) == reasons


@pytest.mark.parametrize("side", ["espocrm", "advoware"])
def test_an_open_circuit_and_a_refused_login_are_told_by_side(seen: Callable[[Part], list[str]], side: str) -> None:
    async def away(world: World, health: Health) -> None:
        await _heard(world, health)
        circuit = health.circuit.__self__  # type: ignore[attr-defined]
        await circuit.admit(side, "us", "ticket", Urgency.URGENT)
        await circuit.fail(side, "ticket", 60.0)

    async def barred(world: World, health: Health) -> None:
        await _heard(world, health)
        await health.circuit.__self__.bar(side, "us")  # type: ignore[attr-defined]

    assert seen(away) == [f"away:{side}"]
    assert seen(barred) == [f"barred:{side}"]


def test_a_daemon_that_stops_says_only_that(seen: Callable[[Part], list[str]]) -> None:
    async def stopping(world: World, health: Health) -> None:
        health.stopping = True
        assert health.lines() == ["stopping"]

    seen(stopping)
