"""What was set up and is no longer so is noticed while the daemon runs, and soon known when it was put right."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest

import config
from syncd.app import App
from syncd.examination import EXAMINE_EVERY, WELL_FOR, examine_if_due
from syncd.health import Health
from syncd.ledger import facts
from syncd.webhooks import register
from tests.daemon import World
from tests.virtual import run

BASE = "https://sync.example"
Story = Callable[[World, App], Coroutine[Any, Any, None]]


@pytest.fixture
def play(tmp_path: Path) -> Callable[[Story], None]:
    """Plays a story with a daemon that has been examined once, an hour ago, and was well."""

    def whole(story: Story) -> None:
        async def playing() -> None:
            world = World(tmp_path, SYNCD_PUBLIC_URL=BASE)
            app = world.daemon()
            await app.open()
            await register(app.espo, app.parts.ledger, app.entities().values(), BASE)
            assert not any((await examined(app)).values())
            await world.clock.sleep(WELL_FOR)
            await story(world, app)

        run(playing())

    return whole


async def examined(app: App) -> dict[str, Any]:
    """What is wrong, after the daemon has had its turn."""
    await examine_if_due(app, config.Mapping())
    found = await app.parts.ledger.read(facts.get, "examined", {})
    return {**found["setup"], "webhooks": found["webhooks"]}


async def reasons(world: World, app: App) -> list[str]:
    """What readiness says of the set-up."""
    health = Health(app.parts.ledger, app.parts.queue, app.parts.shared.circuit.look, world.clock, None)
    return [one.text for one in await health.look() if one.code == "setup"]


def test_rights_that_were_cut_make_the_daemon_not_ready_until_they_are_back(play: Callable[[Story], None]) -> None:
    async def story(world: World, app: App) -> None:
        world.sandbox.espo.door.denied.add(("CBeteiligte", "edit"))
        assert (await examined(app))["espocrm"] == ["rights CBeteiligte"]
        told = "not as it must be in EspoCRM: rights CBeteiligte; see `syncd doctor`"
        assert await reasons(world, app) == [told]
        world.sandbox.espo.door.denied.clear()
        await world.clock.sleep(EXAMINE_EVERY)
        assert (await examined(app))["espocrm"] == []
        assert await reasons(world, app) == []

    play(story)


def test_while_all_is_well_it_is_looked_at_hourly_only(play: Callable[[Story], None]) -> None:
    async def story(world: World, app: App) -> None:
        await examined(app)
        world.sandbox.espo.door.denied.add(("CBeteiligte", "edit"))
        await world.clock.sleep(WELL_FOR / 2)
        assert (await examined(app))["espocrm"] == []
        await world.clock.sleep(WELL_FOR / 2)
        assert (await examined(app))["espocrm"] != []

    play(story)


def test_webhooks_gone_switched_off_doubled_or_led_elsewhere_are_told(play: Callable[[Story], None]) -> None:
    async def story(world: World, app: App) -> None:
        hooks = world.sandbox.webhooks.webhooks
        first, second, third, *_ = hooks.values()
        first.active = False
        second.url = second.url.replace(BASE, "https://old.example")
        del hooks[third.id]
        assert (await examined(app))["webhooks"] == [
            f"{first.event} switched off",
            f"{second.event} leads to another address: {second.url}",
            f"{third.event} not registered",
        ]
        assert await reasons(world, app) == []

    play(story)


def test_where_webhooks_were_never_registered_none_is_missed(tmp_path: Path) -> None:
    async def story() -> None:
        app = World(tmp_path).daemon()
        await app.open()
        assert (await examined(app))["webhooks"] == []

    run(story())


def test_a_system_that_is_away_keeps_what_was_known_of_it(play: Callable[[Story], None]) -> None:
    async def story(world: World, app: App) -> None:
        world.sandbox.espo.door.denied.add(("CBeteiligte", "read"))
        assert (await examined(app))["espocrm"] != []
        world.sandbox.faults.down.add("espocrm")
        await world.clock.sleep(EXAMINE_EVERY)
        assert (await examined(app))["espocrm"] != []

    play(story)
