"""The calls per minute are a promise: whatever happens to Redis, no minute has more, in all processes together."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from functools import partial

from hypothesis import given, settings
from hypothesis import strategies as st

from services.local import ALONE_PART, LocalBudget, LocalCircuit
from services.ports import Circuit, Urgency
from syncd.redis_client import RedisUnavailable
from syncd.shared import LEAVE_ALONE_SECONDS, Link, RedisBudget, RedisCircuit
from tests.lua_redis import LuaRedis, LuaServer, connected
from tests.virtual import run

SIDE = "advoware"
START = 1_800_000_000.0
MINUTE, ON_THE_WAY = 60.0, 2.0
PROCESSES = 4


class Hours:
    """A clock for all, which only we move."""

    def __init__(self) -> None:
        self.at = START

    def now(self) -> float:
        return self.at


async def admitted(circuit: Circuit, side: str, urgency: Urgency) -> float:
    """As `Budget.take`, asked together with the circuit."""
    return (await circuit.admit(side, "us", "ticket", urgency)).seconds


class Fleet:
    """Several processes on one Redis, each with a clock of its own; half of them ask circuit and budget at once."""

    def __init__(self, limit: int) -> None:
        self.hours, self.away = Hours(), False
        self.server = LuaServer(self.hours.now)
        self.takes: list[Callable[[str, Urgency], Awaitable[float]]] = []
        for number in range(PROCESSES):
            link = Link(connected(LuaRedis(self.server)), self._skewed(number * 1000.0), "syncd", None)
            ask = link._run

            async def asked(*given: object, ask: object = ask) -> object:
                if self.away:
                    raise RedisUnavailable("away")
                return await ask(*given)  # type: ignore[operator]

            link._run = asked  # type: ignore[method-assign, assignment]
            alone = LocalBudget(self._skewed(number * 1000.0), {SIDE: limit * ALONE_PART})
            budget = RedisBudget(link, alone, {SIDE: limit})
            circuit = RedisCircuit(link, LocalCircuit(link._passing, budget.take_alone), budget)
            self.takes.append(budget.take if number % 2 else partial(admitted, circuit))

    def _skewed(self, seconds: float):  # type: ignore[no-untyped-def]
        return lambda: self.hours.at + seconds


STEPS = st.lists(
    st.tuples(
        st.sampled_from(["calls", "calls", "calls", "flush", "away", "back", "silence"]),
        st.floats(0.5, 40),
        st.sampled_from(list(Urgency)),
    ),
    min_size=3,
    max_size=14,
)


def busiest(times: Sequence[float]) -> int:
    """The most calls in any minute, however it is laid, some of them longer on their way than others."""
    return max((sum(start <= at < start + MINUTE + ON_THE_WAY for at in times) for start in times), default=0)


@settings(max_examples=30, deadline=None)
@given(st.sampled_from([1, 2, 7, 20, 60, 300]), STEPS)
def test_no_minute_has_more_calls_than_the_limit_whatever_happens_to_redis(
    limit: int, steps: list[tuple[str, float, Urgency]]
) -> None:
    async def main() -> list[float]:
        fleet, times = Fleet(limit), list[float]()
        for what, seconds, urgency in steps:
            end = fleet.hours.at + seconds
            if what == "flush":
                fleet.server.flush()
            elif what in ("away", "back"):
                fleet.away = what == "away"
                end = fleet.hours.at + (LEAVE_ALONE_SECONDS if what == "back" else 0.0)
            while what == "calls" and fleet.hours.at < end:
                for take in fleet.takes:
                    while await take(SIDE, urgency) == 0.0:
                        times.append(fleet.hours.at)
                fleet.hours.at += 0.25
            fleet.hours.at = max(fleet.hours.at, end)
        return times

    assert busiest(run(main())) <= limit


@settings(deadline=None)
@given(st.sampled_from([1, 2, 7, 60, 300]), st.sampled_from(list(Urgency)))
def test_nobody_waits_for_ever(limit: int, urgency: Urgency) -> None:
    async def main() -> int:
        hours = Hours()
        budget, taken, end = LocalBudget(hours.now, {SIDE: limit}), 0, START + 10 * MINUTE
        while hours.at < end:
            wait = await budget.take(SIDE, urgency)
            taken += wait == 0.0
            hours.at += wait
        return taken

    assert run(main()) >= 10 * limit * (0.6 if urgency is Urgency.BACKGROUND else 0.85) - 1
