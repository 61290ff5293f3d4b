"""Whatever is done to it in whatever order, the queue does what a small model in Python does."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, invariant, rule, run_state_machine_as_test
from redis.asyncio import Redis

from syncd.bell import Bell
from syncd.lanes import Lane
from syncd.queue import Queue, Taken, Waiting
from syncd.redis_client import connect
from tests.lua_redis import LuaRedis, LuaServer, connected
from tests.moments import Moments

T = TypeVar("T")
Entry = tuple[Lane, float]

KEYS = st.sampled_from(["a", "b", "c", "d"])
LANES = st.sampled_from(Lane)
# Halves and quarters are exact in a float, so that the model may compare for equality.
DELAYS = st.integers(-40, 40).map(lambda quarters: quarters / 4)
LEASES = st.integers(1, 10).map(float)


def better(one: Entry, other: Entry) -> Entry:
    return min(one[0], other[0]), min(one[1], other[1])


class QueueMachine(RuleBasedStateMachine):
    """Two daemons' queues on one Redis; `work` holds every right ever given, lost ones included."""

    connection: Redis

    work: Bundle[Taken] = Bundle("work")

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.moments = Moments()
        self.redis = self.open()
        self.queues = [
            Queue(self.redis, bell=Bell(self.moments.sleep), new_id=self.moments.new_id, now=self.moments.now)
            for _ in range(2)
        ]
        self.flush()
        self.waiting: dict[str, Entry] = {}
        self.again: dict[str, Entry] = {}
        self.held: dict[str, tuple[str, Lane, float]] = {}  # token, lane, end of the lease

    def open(self) -> Redis:
        raise NotImplementedError

    def run(self, step: Coroutine[Any, Any, T]) -> T:
        return self.runner.run(step)

    def teardown(self) -> None:
        self.run(self.redis.aclose())
        self.runner.close()

    def flush(self) -> None:
        async def flush() -> None:
            await self.redis.flushall()

        self.run(flush())

    def wait(self, key: str, entry: Entry) -> None:
        self.waiting[key] = better(entry, self.waiting.get(key, entry))

    def release(self, key: str) -> None:
        del self.held[key]
        if key in self.again:
            self.wait(key, self.again.pop(key))

    def owns(self, taken: Taken) -> bool:
        return self.held.get(taken.key, ("",))[0] == taken.token

    @rule(key=KEYS, lane=LANES, delay=DELAYS, which=st.integers(0, 1))
    def add(self, key: str, lane: Lane, delay: float, which: int) -> None:
        due = self.moments.now() + delay
        self.run(self.queues[which].add(key, lane, due))
        if key in self.held:
            self.again[key] = better((lane, due), self.again.get(key, (lane, due)))
        else:
            self.wait(key, (lane, due))

    @rule(keys=st.lists(KEYS, max_size=4), lane=LANES)
    def add_many_now(self, keys: list[str], lane: Lane) -> None:
        self.run(self.queues[0].add_all(Waiting(key, lane) for key in keys))
        entry = (lane, self.moments.now())
        for key in keys:
            if key in self.held:
                self.again[key] = better(entry, self.again.get(key, entry))
            else:
                self.wait(key, entry)

    @rule(target=work, which=st.integers(0, 1), lease=LEASES)
    def take(self, which: int, lease: float) -> Any:
        now = self.moments.now()
        due = sorted((lane, at, key) for key, (lane, at) in self.waiting.items() if at <= now)
        taken = self.run(self.queues[which].take(f"w{which}", lease))
        if not due:
            assert taken is None
            return Taken("nothing", Lane.LIVE, now, now, "no token")
        assert taken is not None
        lane, at, key = due[0]
        assert (taken.key, taken.lane, taken.due_at, taken.taken_at) == (key, lane, at, now)
        assert key not in self.held
        del self.waiting[key]
        self.held[key] = (taken.token, lane, now + lease)
        return taken

    @rule(taken=work, lease=LEASES)
    def renew(self, taken: Taken, lease: float) -> None:
        assert self.run(self.queues[0].renew(taken, lease)) is self.owns(taken)
        if self.owns(taken):
            token, lane, _ = self.held[taken.key]
            self.held[taken.key] = (token, lane, self.moments.now() + lease)

    @rule(taken=work)
    def finish_and_remain_in_play(self, taken: Taken) -> None:
        assert self.run(self.queues[0].finish(taken)) is self.owns(taken)
        if self.owns(taken):
            self.release(taken.key)

    @rule(taken=consumes(work), lane=LANES, delay=DELAYS)
    def requeue(self, taken: Taken, lane: Lane, delay: float) -> None:
        due = self.moments.now() + delay
        assert self.run(self.queues[1].requeue(taken, lane, due)) is self.owns(taken)
        if self.owns(taken):
            self.release(taken.key)
            self.wait(taken.key, (lane, due))

    @rule(seconds=st.integers(1, 30))
    def time_passes(self, seconds: int) -> None:
        self.moments.move(seconds / 4)

    @rule()
    def reclaim(self) -> None:
        now = self.moments.now()
        ended = [key for key, (_, _, end) in self.held.items() if end <= now]
        assert sorted(key for key, _ in self.run(self.queues[0].reclaim())) == sorted(ended)
        for key in ended:
            self.give_back(key)

    def give_back(self, key: str) -> None:
        lane = self.held[key][1]
        self.release(key)
        self.wait(key, (lane, self.moments.now()))

    @rule(key=KEYS)
    def clear(self, key: str) -> None:
        assert self.run(self.queues[0].clear(key)) is (key in self.held)
        if key in self.held:
            self.give_back(key)

    @rule(key=KEYS)
    def drop(self, key: str) -> None:
        there = key in self.waiting or key in self.again
        assert self.run(self.queues[1].drop(key)) is there
        self.waiting.pop(key, None)
        self.again.pop(key, None)

    @rule()
    def redis_is_flushed(self) -> None:
        self.flush()
        for known in (self.waiting, self.again, self.held):
            known.clear()

    @invariant()
    def the_queue_holds_what_the_model_holds(self) -> None:
        shown = self.run(self.queues[0].list_waiting())
        assert [(entry.lane, entry.due_at, entry.key) for entry in shown] == sorted(
            (lane, due, key) for key, (lane, due) in self.waiting.items()
        )
        stats = self.run(self.queues[1].stats())
        assert {lease.key: (lease.lane, lease.ends_at) for lease in stats.running} == {
            key: (lane, end) for key, (_, lane, end) in self.held.items()
        }
        due = [entry for entry in self.waiting.values() if entry[1] <= self.moments.now()]
        assert sum(lane.due for lane in stats.lanes.values()) == len(due)
        assert stats.waiting == len(self.waiting)
        assert stats.oldest_due == min((at for _, at in self.waiting.values()), default=None)


class Simulated(QueueMachine):
    def open(self) -> Redis:
        return connected(LuaRedis(LuaServer(self.moments.now)))


def test_the_queue_is_its_model_on_the_interpreter_of_the_simulation() -> None:
    run_state_machine_as_test(Simulated, settings=plain(40))


def test_the_queue_is_its_model_on_a_real_server(redis_url: str) -> None:
    class OnReal(QueueMachine):
        def open(self) -> Redis:
            return connect(redis_url)

    run_state_machine_as_test(OnReal, settings=plain(60))


@pytest.mark.soak
def test_the_queue_is_its_model_for_long(redis_url: str) -> None:
    class OnReal(QueueMachine):
        def open(self) -> Redis:
            return connect(redis_url)

    run_state_machine_as_test(OnReal, settings=settings(plain(5_000), stateful_step_count=200))


def plain(examples: int) -> settings:
    return settings(
        max_examples=examples, stateful_step_count=40, deadline=None, suppress_health_check=list(HealthCheck)
    )
