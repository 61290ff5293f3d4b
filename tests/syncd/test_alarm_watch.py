"""The look-out of real daemons in virtual time: told once, by one of them, over restarts and without the ledger."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from services.alarm_sender import Sent
from services.ports import Urgency
from syncd.alarm_watch import Watch
from syncd.alarms import DAY, Sender
from syncd.health import Health
from syncd.ledger import alarms as book
from syncd.ledger import brakes, facts, pruning
from syncd.ledger.store import Ledger, LedgerUnavailable
from syncd.machine import Clocks, Machine
from syncd.metrics import Metrics
from syncd.teller import Teller
from tests.daemon import World
from tests.virtual import run

OUTAGE = 600.0
HOLD_OFF = OUTAGE / 2
GUARD = "0123456789ab"


@dataclass
class Receiver:
    """Whoever is behind SYNCD_ALARM_URL; takes nothing while it is `down`."""

    heard: list[tuple[str, str]] = field(default_factory=list)
    tries: int = 0
    down: bool = False

    async def send(self, body: Mapping[str, Any]) -> Sent:
        self.tries += 1
        if self.down:
            return Sent(False, "no connection (ClientConnectorError)")
        self.heard.append((body["alarm"], body["state"]))
        return Sent(True, "HTTP 204")


class Shaky:
    """A ledger's runner that can be switched off."""

    def __init__(self, inner: Any) -> None:
        self.inner = inner
        self.away = False

    async def read(self, step: Callable[..., Any]) -> Any:
        return await self._do(self.inner.read, step)

    async def write(self, step: Callable[..., Any]) -> Any:
        return await self._do(self.inner.write, step)

    async def _do(self, call: Callable[..., Any], step: Callable[..., Any]) -> Any:
        if self.away:
            raise LedgerUnavailable("disk I/O error")
        return await call(step)

    def close(self) -> None:
        self.inner.close()


@dataclass
class Daemon:
    """The part of a daemon that looks out. `free`: bytes its disk has left."""

    world: World
    receiver: Receiver
    name: str = "one"
    free: int = 10**12

    def __post_init__(self) -> None:
        parts = self.world.daemon(self.name).parts
        self.runner = Shaky(parts.ledger._runner)
        self.ledger = Ledger(self.runner)
        self.circuit = parts.shared.circuit
        self.health = Health(self.ledger, parts.queue, self.circuit.look, self.world.clock, None)
        machine = Machine(self.world.directory, Clocks(), lambda: 0.0, self.name, measure=lambda _: self.free)
        self.metrics = Metrics()
        teller = Teller(Sender("crm.example", "0", self.name), self.metrics, self.receiver)
        self.watch = Watch(self.ledger, self.health, machine, self.world.clock, teller, OUTAGE)
        for side in ("espocrm", "advoware"):
            self.health.called(side, "ok")

    async def looks(self) -> None:
        """One look."""
        if not self.runner.away:
            await self.ledger.write(facts.beat, self.world.clock.now())
        self.health.reasons = await self.health.look()
        await self.watch.at_ledger()
        await self.watch.at_everything()

    async def stopped(self) -> None:
        """A guard stops something."""
        await self.ledger.write(brakes.stop, GUARD, "create:advoware", ["beteiligte/a"], {}, 0.0)

    async def allowed(self) -> None:
        """A person lets it through."""
        await self.ledger.write(brakes.allow, GUARD, self.world.clock.now())


async def pass_time(seconds: float, *daemons: Daemon, step: float = 10) -> None:
    """They look for so long, every `step` seconds."""
    clock = daemons[0].world.clock
    end = clock.monotonic() + seconds
    while clock.monotonic() < end:
        for one in daemons:
            await one.looks()
        await clock.sleep(step)


Story = Callable[[World, Receiver], Coroutine[Any, Any, None]]
Play = Callable[[Story], list[tuple[str, str]]]


@pytest.fixture
def play(tmp_path: Path) -> Play:
    """Plays a story; returns what the receiver heard."""

    def whole(story: Story) -> list[tuple[str, str]]:
        async def playing() -> list[tuple[str, str]]:
            receiver = Receiver()
            await story(World(tmp_path), receiver)
            return receiver.heard

        return run(playing())

    return whole


def test_two_daemons_tell_once_and_a_restart_tells_nothing_again(play: Play) -> None:
    async def story(world: World, receiver: Receiver) -> None:
        one, two = Daemon(world, receiver, "one"), Daemon(world, receiver, "two")
        await one.stopped()
        await pass_time(100, one, two)
        await pass_time(100, Daemon(world, receiver, "three"))
        await one.allowed()
        await pass_time(30, one, two)

    assert play(story) == [(f"guard:{GUARD}", "raised"), (f"guard:{GUARD}", "over")]


def test_an_outage_is_told_when_it_has_lasted_and_when_it_is_really_over(play: Play) -> None:
    async def story(world: World, receiver: Receiver) -> None:
        one = Daemon(world, receiver)
        await one.circuit.admit("advoware", "us", "ticket", Urgency.URGENT)
        await one.circuit.fail("advoware", "ticket", 850.0)
        await pass_time(OUTAGE - 20, one, step=20)
        assert receiver.heard == []
        await pass_time(40, one)
        assert receiver.heard == [("outage:advoware", "raised")]
        await one.circuit.clear("advoware")
        await pass_time(HOLD_OFF - 30, one, step=30)
        assert receiver.heard == [("outage:advoware", "raised")]
        await pass_time(60, one)

    assert play(story) == [("outage:advoware", "raised"), ("outage:advoware", "over")]


def test_a_refused_login_is_told_at_once(play: Play) -> None:
    async def story(world: World, receiver: Receiver) -> None:
        one = Daemon(world, receiver)
        await one.circuit.bar("espocrm", "us")
        await one.looks()

    assert play(story) == [("credentials:espocrm", "raised")]


def test_the_disk_of_one_machine_is_told_by_its_name(play: Play) -> None:
    async def story(world: World, receiver: Receiver) -> None:
        one, two = Daemon(world, receiver, "one", free=10**6), Daemon(world, receiver, "two")
        await pass_time(1000, one, two, step=100)
        one.free = 10**12
        await pass_time(HOLD_OFF + 200, one, two, step=100)

    assert play(story) == [("disk:one", "raised"), ("disk:one", "over")]


def test_a_pause_is_told_when_people_seem_to_have_forgotten_it(play: Play) -> None:
    async def story(world: World, receiver: Receiver) -> None:
        one = Daemon(world, receiver)
        await one.ledger.write(facts.set_pause, "side:advoware", "Frau Geheim says so", world.clock.now())
        await one.looks()
        assert receiver.heard == []
        await world.clock.sleep(DAY + 60)
        await one.looks()
        assert "Geheim" not in str(await one.ledger.read(book.listing))
        await one.ledger.write(facts.end_pause, "side:advoware")
        await one.looks()

    assert play(story) == [("pause:side:advoware", "raised"), ("pause:side:advoware", "over")]


def test_without_the_ledger_the_process_remembers_and_tells_by_itself(play: Play) -> None:
    async def story(world: World, receiver: Receiver) -> None:
        one = Daemon(world, receiver)
        await one.looks()
        one.runner.away = True
        await pass_time(200, one)
        assert receiver.heard == [("ledger", "raised")]
        assert one.watch.raised() == ["ledger"]
        one.runner.away = False
        await pass_time(HOLD_OFF + 30, one)
        listed = await one.ledger.read(book.listing)
        assert [(alarm["cause"], alarm["state"]) for alarm in listed] == [("ledger", "over")]

    assert play(story) == [("ledger", "raised"), ("ledger", "over")]


def test_a_receiver_that_is_away_is_told_later_and_holds_nothing_up(play: Play) -> None:
    async def story(world: World, receiver: Receiver) -> None:
        one = Daemon(world, receiver)
        receiver.down = True
        await one.circuit.bar("espocrm", "us")
        with capture_logs() as logged:
            await pass_time(3600, one, step=60)
        assert 8 <= receiver.tries <= 14
        assert [line["event"] for line in logged].count("alarm.raised") == 1
        assert 'syncd_alarm_posts_total{outcome="failed"}' in one.metrics.render().decode()
        receiver.down = False
        await pass_time(700, one, step=60)

    assert play(story) == [("credentials:espocrm", "raised")]


def test_what_was_over_before_it_could_be_told_is_told_as_over(play: Play) -> None:
    async def story(world: World, receiver: Receiver) -> None:
        one = Daemon(world, receiver)
        receiver.down = True
        await one.stopped()
        await pass_time(60, one)
        await one.allowed()
        await pass_time(60, one)
        receiver.down = False
        await pass_time(120, one)

    assert play(story) == [(f"guard:{GUARD}", "over")]


def test_a_daemon_that_dies_while_it_tells_is_stood_in_for(play: Play) -> None:
    async def story(world: World, receiver: Receiver) -> None:
        one, two = Daemon(world, receiver), Daemon(world, receiver, "two")
        await one.stopped()
        one.watch.teller = None  # type: ignore[assignment]  # dies in the middle of telling
        with pytest.raises(AttributeError):
            await one.looks()
        await two.looks()
        assert receiver.heard == []
        await pass_time(book.TELLING + 20, two)

    assert play(story) == [(f"guard:{GUARD}", "raised")]


def test_old_alarms_are_forgotten_and_raised_ones_never(play: Play) -> None:
    async def story(world: World, receiver: Receiver) -> None:
        one = Daemon(world, receiver)
        await one.stopped()
        await one.circuit.bar("espocrm", "us")
        await one.looks()
        await one.allowed()
        await one.looks()
        await pruning.prune(one.ledger, world.clock.now() + 1, 0)
        assert [alarm["cause"] for alarm in await one.ledger.read(book.listing)] == ["credentials:espocrm"]

    play(story)
