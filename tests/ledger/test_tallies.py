"""What daemons count adds up in the ledger, slot by slot, and goes with its month."""

from __future__ import annotations

from syncd import inspect
from syncd.context import Observers
from syncd.ledger import facts, pruning, tallies, work
from syncd.ledger.store import Ledger
from syncd.tally import SLOT, Tally

NOW = 1_800_000_000.0 // SLOT * SLOT + 60.0


class Clock:
    """A time that is set."""

    def __init__(self) -> None:
        self.at = NOW

    def now(self) -> float:
        return self.at


async def test_two_daemons_add_to_the_same_slot(ledger: Ledger) -> None:
    clock = Clock()
    for _ in range(2):
        tally = Tally(clock.now)
        observers = tally.beside(Observers())
        observers.job("settled", "live", 0.1)
        observers.job("failed", "live", 0.1)
        observers.call("espocrm", "GET", "record", "ok", 0.1)
        observers.call("espocrm", "GET", "record", "circuitopen", 0.0)
        observers.delay("advoware", 1.2)
        await ledger.write(tallies.beat, NOW, tally.take())
        await ledger.write(tallies.add, tally.take())
    assert await ledger.read(facts.get, "alive_at") == NOW
    told = await inspect.activity(ledger, NOW, 1.0)
    assert (told["step"], len(told["points"])) == (SLOT, 12)
    last = told["points"][-1]
    assert (last["at"], last["done"], last["failed"], last["held"]) == (NOW - 60, 2, 2, 0)
    assert last["calls"] == {"espocrm": 2, "advoware": 0}
    assert last["delays"]["advoware"]["count"] == 2
    assert 1.0 < last["delays"]["advoware"]["p50"] <= 1.5
    assert all(point["done"] == 0 for point in told["points"][:-1])


async def test_the_status_tells_of_the_last_hour_and_of_what_waits(ledger: Ledger) -> None:
    clock = Clock()
    tally = Tally(clock.now)
    told = tally.beside(Observers())
    for seconds in (*[1.0] * 94, *[50.0] * 6):
        told.delay("advoware", seconds)
    clock.at = NOW - 2 * 3600
    told.delay("espocrm", 5.0)
    clock.at = NOW - SLOT
    for _ in range(100):
        told.call("advoware", "GET", "record", "ok", 0.1)
    await ledger.write(tallies.add, tally.take())
    await ledger.write(work.receive, [("beteiligte/a", "update", '{"id": "a"}')], NOW - 7)
    found = await inspect.status(ledger, NOW)
    assert found["delays"]["espocrm"] == {"count": 0, "p50": None, "p95": None}
    assert found["delays"]["advoware"]["count"] == 100
    assert 0.75 < found["delays"]["advoware"]["p50"] <= 1.0
    assert 45.0 < found["delays"]["advoware"]["p95"] <= 60.0
    assert found["calls_per_minute"] == {"espocrm": 0.0, "advoware": 16.0}  # four fifths of that slot still count
    assert found["oldest_edit_since"] == NOW - 7
    assert found["webhooks"] == {"last_delivery_at": NOW - 7, "registered": [], "wrong": None, "looked_at": None}


async def test_a_longer_time_comes_in_longer_parts_and_misses_nothing(ledger: Ledger) -> None:
    clock = Clock()
    tally = Tally(clock.now)
    observers = tally.beside(Observers())
    for day in range(6):
        clock.at = NOW - day * 86400
        observers.job("settled", "live", 0.1)
    await ledger.write(tallies.add, tally.take())
    told = await inspect.activity(ledger, NOW, 168.0)
    assert told["step"] == 3600
    assert len(told["points"]) == 168
    assert sum(point["done"] for point in told["points"]) == 6


async def test_what_the_ledger_did_not_take_is_told_with_the_next_beat(ledger: Ledger) -> None:
    tally = Tally(Clock().now)
    observers = tally.beside(Observers())
    observers.job("held", "live", 0.1)
    taken = tally.take()
    observers.job("held", "live", 0.1)
    tally.put_back(taken)
    await ledger.write(tallies.add, tally.take())
    assert (await inspect.activity(ledger, NOW, 1.0))["points"][-1]["held"] == 2


async def test_tallies_are_kept_a_month(ledger: Ledger) -> None:
    old = int(NOW - 40 * 86400)
    await ledger.write(tallies.add, {(old, "job:settled"): 1, (int(NOW), "job:settled"): 1})
    assert (await pruning.prune(ledger, NOW, 90.0))["tallies"] == 1
    assert list(await ledger.read(tallies.since, 0.0)) == [int(NOW)]
