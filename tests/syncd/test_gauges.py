"""Metrics tell what is known, in time for whoever asks, whatever hangs. In virtual time."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from syncd.bell import Bell
from syncd.clock import SharedClock
from syncd.gauges import bring_up_to_date
from syncd.health import Health
from syncd.machine import Clocks, Machine
from syncd.metrics import Metrics
from syncd.runtime import Runtime
from tests.daemon import World
from tests.ledger_on_the_spot import OnTheSpot
from tests.lua_redis import LuaRedis
from tests.virtual import run

SCRAPE_SECONDS = 10.0  # Prometheus' own default

Shown = Callable[[], Awaitable[set[str]]]


def told(tmp_path: Path, part: Callable[[Shown], Awaitable[None]]) -> None:
    """Play a part that may ask for the metrics of a daemon."""

    async def whole() -> None:
        world = World(tmp_path)
        app = world.daemon()
        await app.start()
        parts, clock, metrics = app.parts, world.clock, Metrics()

        async def ask() -> float:
            return clock.now()

        runtime = Runtime(app, SharedClock(ask, clock), Bell(clock.sleep), None)
        health = Health(parts.ledger, parts.queue, parts.shared.circuit.look, clock, None)
        machine = Machine(tmp_path, Clocks(), lambda: None)

        async def shown() -> set[str]:
            """The lines, as Prometheus gets them before it gives up."""
            async with asyncio.timeout(SCRAPE_SECONDS):
                await bring_up_to_date(metrics, runtime, health, machine, ["ledger"])
            return set(metrics.render().decode().splitlines())

        await part(shown)

    run(whole())


async def never(*_: Any) -> None:
    await asyncio.Event().wait()


async def hang(self: OnTheSpot, step: object) -> None:
    await never()


def test_a_redis_that_hangs_is_asked_all_at_once_and_left_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def part(shown: Shown) -> None:
        with monkeypatch.context() as trouble:
            trouble.setattr(LuaRedis, "reach", never)
            lines = await shown()
            assert {"syncd_redis_up 0.0", "syncd_ledger_up 1.0"} <= lines
            assert not [line for line in lines if line.startswith("syncd_circuit_state{")]
        assert {"syncd_redis_up 1.0", 'syncd_circuit_state{side="espocrm",state="closed"} 1.0'} <= await shown()

    told(tmp_path, part)


def test_metrics_come_though_every_store_hangs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def part(shown: Shown) -> None:
        with monkeypatch.context() as trouble:
            trouble.setattr(LuaRedis, "reach", never)
            trouble.setattr(OnTheSpot, "read", hang)
            down = {"syncd_redis_up 0.0", "syncd_ledger_up 0.0", 'syncd_alarm{cause="ledger"} 1.0'}
            assert down <= await shown()
        assert {"syncd_redis_up 1.0", "syncd_ledger_up 1.0"} <= await shown()

    told(tmp_path, part)
