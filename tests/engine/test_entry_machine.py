"""A machine of people, faults and deaths around the numbers of one pair; whenever all is quiet, both sides agree."""

from __future__ import annotations

import asyncio
import random
import tempfile
from collections.abc import Coroutine
from pathlib import Path
from typing import Any, TypeVar

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from syncd.ledger import work
from syncd.sandbox.faults import Kind, Rule
from syncd.sandbox.reachability import espo_values
from tests.daemon import World
from tests.engine.clerks import Clerks
from tests.virtual import VirtualLoop

T = TypeVar("T")

PACE = 6.0
SETTINGS = {
    "SYNCD_SWEEP_MIN_SECONDS": "20",
    "SYNCD_SWEEP_MAX_SECONDS": "60",
    "SYNCD_RETRY_MINUTES": "0.1,0.2,0.5,1,2",
    "SYNCD_AUTO_RESET_HOURS": "0.1",
    "ADVOWARE_API_TIMEOUT_SECONDS": "5",
    "ESPOCRM_API_TIMEOUT_SECONDS": "5",
}
FAULTS = (
    Rule(Kind.TIMEOUT, "advoware", "POST"),
    Rule(Kind.TIMEOUT_APPLIED, "advoware", "POST"),
    Rule(Kind.TIMEOUT_APPLIED, "advoware", "PUT"),
    Rule(Kind.APPLIED_LATE, "advoware", "PUT", seconds=8.0),
    Rule(Kind.APPLIED_LATE, "advoware", "POST", seconds=8.0),
    Rule(Kind.STATUS_APPLIED, "advoware", status=500),
    Rule(Kind.STATUS, "advoware", "PUT", status=500, times=3),
    Rule(Kind.STATUS, "advoware", status=502),
    Rule(Kind.TIMEOUT_APPLIED, "espocrm", "PATCH"),
    Rule(Kind.STATUS, "espocrm", "PATCH", status=500, times=2),
    Rule(Kind.EMPTY, "espocrm"),
    Rule(Kind.TRUNCATED, "advoware"),
)
randomness = st.randoms(note_method_calls=False, use_true_random=False)


class Numbers(RuleBasedStateMachine):
    """One world; its daemon runs only while a rule lets time pass."""

    def __init__(self) -> None:
        super().__init__()
        self.loop = VirtualLoop()
        self.directory = tempfile.TemporaryDirectory()
        self.world = self.run(self._make())
        self.pair = self.world.sandbox.seed.synced(1)[0]
        self.clerks = Clerks(self.world.sandbox.people, random.Random(1))
        self.original = set(espo_values(self.world.sandbox.people.espo.see(self.pair[0])))
        self.daemons = 0
        self.touched = True

    def run(self, main: Coroutine[Any, Any, T]) -> T:
        asyncio.set_event_loop(self.loop)
        return self.loop.run_until_complete(main)

    async def _make(self) -> World:
        return World(Path(self.directory.name), seed=1, **SETTINGS)

    async def _live(self, seconds: float) -> bool:
        self.daemons += 1
        return await self.world.live(self.world.daemon(f"daemon-{self.daemons}"), seconds, PACE)

    @initialize()
    def begins(self) -> None:
        self.run(self._quiesce())

    # --- what may happen ----------------------------------------------------------------------

    @rule(chance=randomness)
    def somebody_edits_in_espocrm(self, chance: random.Random) -> None:
        self.clerks.chance = chance
        self.clerks.in_espocrm(self.pair)
        self.touched = True

    @rule(chance=randomness)
    def somebody_edits_in_advoware(self, chance: random.Random) -> None:
        self.clerks.chance = chance
        self.clerks.in_advoware(self.pair)
        self.touched = True

    @rule(fault=st.sampled_from(FAULTS))
    def a_call_will_fail(self, fault: Rule) -> None:
        self.world.sandbox.faults.add(fault)

    @rule()
    def redis_is_flushed(self) -> None:
        self.world.flush_redis()

    @rule(seconds=st.sampled_from([5.0, 30.0, 90.0]))
    def time_passes(self, seconds: float) -> None:
        self.run(self._live(seconds))

    @rule(effects=st.integers(1, 30))
    def the_daemon_dies(self, effects: int) -> None:
        self.world.effects.crash_after = self.world.effects.count + effects
        self.run(self._live(60.0))
        self.world.effects.crash_after = None

    @precondition(lambda self: self.touched)
    @rule()
    def all_comes_to_rest(self) -> None:
        self.run(self._quiesce())

    # --- what must hold -----------------------------------------------------------------------

    async def _quiesce(self) -> None:
        world = self.world
        world.sandbox.faults.clear()
        ledger = world.daemon("reader").parts.ledger
        for _ in range(20):
            await self._live(100.0)
            if not (await ledger.read(work.counts, world.clock.now()))["lanes"]:
                break
        await world.sandbox.settle()
        self.touched = False
        record = world.sandbox.people.espo.see(self.pair[0])
        assert record["syncStatus"] == "clean", record["syncErrorMessage"]
        assert await self.clerks.complaints(self.pair, ledger, self.original) == []
        written = dict(world.sandbox.log.writes)
        await self._live(200.0)
        assert dict(world.sandbox.log.writes) == written, "not quiet"

    def teardown(self) -> None:
        try:
            if self.touched:
                self.run(self._quiesce())
        finally:
            for task in asyncio.all_tasks(self.loop):
                task.cancel()
            self.run(asyncio.sleep(0))
            asyncio.set_event_loop(None)
            self.loop.close()
            self.directory.cleanup()


Numbers.TestCase.settings = settings(
    max_examples=8,
    stateful_step_count=14,
    deadline=None,
    derandomize=True,
    suppress_health_check=list(HealthCheck),
)
TestNumbers = Numbers.TestCase
