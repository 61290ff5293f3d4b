"""Budget, circuit and token cache mean the same in one process and over Redis, and Redis may go at any time."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import structlog
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from services import local
from services.local import (
    ALONE_PART,
    BURST_PART,
    FAILURES_TO_OPEN,
    FIRST_PAUSE,
    LONGEST_PAUSE,
    LONGEST_RETRY_AFTER,
    PROBE_WAIT,
    RAMP_END,
    TICKET_SECONDS,
    LocalBudget,
    LocalCircuit,
    LocalThrottle,
    LocalTokens,
)
from services.ports import Budget, Circuit, CircuitName, Token, TokenStore, Urgency, Verdict
from syncd.clock import SharedClock, SystemClock, chance, new_id
from syncd.redis_client import connect as connect_redis
from syncd.shared import RedisThrottle, Shared, connect, redis_time

SIDE = "espocrm"
LIMITS = {SIDE: 60}
NO_RETRY = Retry(NoBackoff(), 0)


class Time:
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.at = 1_800_000_000.0

        self.wrong = 0.0

    def now(self) -> float:
        return self.at + self.wrong

    def monotonic(self) -> float:
        return self.at

    async def sleep(self, seconds: float) -> None:
        self.at += seconds


@pytest.fixture
def hand() -> Time:
    return Time()


@pytest.fixture
async def redis(redis_url: str) -> AsyncIterator[Redis]:
    client = Redis.from_url(redis_url)
    yield client
    await client.aclose()


@pytest.fixture
def shared(redis: Redis, hand: Time) -> Shared:
    return connect(redis, hand, LIMITS, now=hand.now)


@pytest.fixture(params=["one process", "redis"])
async def budget(request: pytest.FixtureRequest, hand: Time, shared: Shared) -> Budget:
    """A budget that was unused for a while."""
    chosen: Budget = shared.budget if request.param == "redis" else LocalBudget(hand.now, LIMITS)
    assert await chosen.take(SIDE, Urgency.URGENT) > 0, "what was called before is not known"
    hand.at += 60
    return chosen


@pytest.fixture(params=["one process", "redis"])
def circuit(request: pytest.FixtureRequest, hand: Time) -> Circuit:
    """A circuit before a side without a limit."""
    return circuit_before(request, hand, {})


@pytest.fixture(params=["one process", "redis"])
def limited(request: pytest.FixtureRequest, hand: Time) -> Circuit:
    """A circuit before a side with a limit."""
    return circuit_before(request, hand, LIMITS)


def circuit_before(request: pytest.FixtureRequest, hand: Time, limits: dict[str, int]) -> Circuit:
    if request.param == "redis":
        return connect(request.getfixturevalue("redis"), hand, limits, now=hand.now).circuit
    return LocalCircuit(hand.now, LocalBudget(hand.now, limits).take)


@pytest.fixture(params=["one process", "redis"])
def tokens(request: pytest.FixtureRequest, hand: Time) -> TokenStore:
    if request.param == "redis":
        chosen: Shared = request.getfixturevalue("shared")
        return chosen.tokens
    return LocalTokens(hand.now, hand.monotonic)


async def taken(budget: Budget, hand: Time, urgency: Urgency, seconds: float) -> int:
    """How many calls a caller gets who asks as often as told, over so many seconds."""
    number, end = 0, hand.at + seconds
    while hand.at < end:
        wait = await budget.take(SIDE, urgency)
        number += wait == 0.0
        hand.at += wait
    return number


async def test_no_minute_has_more_calls_than_the_limit(budget: Budget, hand: Time) -> None:
    assert 57 <= await taken(budget, hand, Urgency.URGENT, 60) <= 60


async def test_background_calls_get_their_share_and_leave_the_rest(budget: Budget, hand: Time) -> None:
    assert 36 <= await taken(budget, hand, Urgency.BACKGROUND, 60) <= 42


async def test_an_urgent_call_goes_at_once_while_background_calls_wait(budget: Budget, hand: Time) -> None:
    while await budget.take(SIDE, Urgency.BACKGROUND) == 0.0:
        pass
    assert await budget.take(SIDE, Urgency.URGENT) == 0.0


async def test_what_urgent_calls_have_left_is_not_for_background_calls(budget: Budget) -> None:
    for _ in range(3):
        assert await budget.take(SIDE, Urgency.URGENT) == 0.0
    assert await budget.take(SIDE, Urgency.BACKGROUND) > 0
    assert await budget.take(SIDE, Urgency.URGENT) == 0.0


async def test_an_unused_budget_holds_only_some_seconds_of_calls(budget: Budget, hand: Time) -> None:
    hand.at += 3600
    number = 0
    while await budget.take(SIDE, Urgency.URGENT) == 0.0:
        number += 1
    assert number <= LIMITS[SIDE] * BURST_PART + 1


async def test_a_clock_that_steps_back_gives_and_takes_nothing(budget: Budget, hand: Time) -> None:
    while await budget.take(SIDE, Urgency.URGENT) == 0.0:
        pass
    hand.at -= 3600
    assert await budget.take(SIDE, Urgency.URGENT) > 0


async def test_a_side_without_a_limit_is_free(budget: Budget) -> None:
    for _ in range(500):
        assert await budget.take("other", Urgency.BACKGROUND) == 0.0


async def go(circuit: Circuit, ticket: str, credentials: str = "c") -> Verdict:
    return (await circuit.admit(SIDE, credentials, ticket, Urgency.URGENT)).verdict


async def opened(circuit: Circuit) -> None:
    for number in range(FAILURES_TO_OPEN):
        await circuit.fail(SIDE, str(number), None)


async def test_the_circuit_opens_after_five_failures_in_succession(circuit: Circuit) -> None:
    for _ in range(FAILURES_TO_OPEN - 1):
        await circuit.fail(SIDE, "a", None)
    assert (await circuit.admit(SIDE, "c", "b", Urgency.URGENT)).watched
    await circuit.succeed(SIDE, "b")
    for _ in range(FAILURES_TO_OPEN - 1):
        await circuit.fail(SIDE, "a", None)
    assert await go(circuit, "b") is Verdict.GO
    await circuit.fail(SIDE, "b", None)
    admission = await circuit.admit(SIDE, "c", "d", Urgency.URGENT)
    assert admission.verdict is Verdict.OPEN
    assert admission.seconds == pytest.approx(FIRST_PAUSE)
    assert (await circuit.look(SIDE)).state is CircuitName.OPEN
    assert await go(circuit, "x") is Verdict.OPEN
    assert (await circuit.look("advoware")).state is CircuitName.CLOSED


async def test_retry_after_opens_at_once_for_that_long_but_not_for_ever(circuit: Circuit, hand: Time) -> None:
    await circuit.fail(SIDE, "a", 60.0)
    assert (await circuit.look(SIDE)).seconds == pytest.approx(60.0)
    await circuit.fail(SIDE, "late", 90.0)
    assert (await circuit.look(SIDE)).seconds == pytest.approx(90.0)
    hand.at += 90
    await circuit.fail(SIDE, "b", 1e9)
    assert (await circuit.look(SIDE)).seconds == pytest.approx(LONGEST_RETRY_AFTER)


async def test_one_probe_then_two_then_more_until_closed(circuit: Circuit, hand: Time) -> None:
    await opened(circuit)
    hand.at += FIRST_PAUSE
    assert await go(circuit, "probe") is Verdict.GO
    waiting = await circuit.admit(SIDE, "c", "second", Urgency.URGENT)
    assert (waiting.verdict, waiting.seconds) == (Verdict.OPEN, PROBE_WAIT)
    await circuit.succeed(SIDE, "probe")
    assert [await go(circuit, name) for name in "abc"] == [Verdict.GO, Verdict.GO, Verdict.WAIT]
    for name in "ab":
        await circuit.succeed(SIDE, name)
    assert [await go(circuit, name) for name in "defgh"] == [Verdict.GO] * 4 + [Verdict.WAIT]
    for name in "defg":
        await circuit.succeed(SIDE, name)
    number = 0
    while (await circuit.look(SIDE)).state is CircuitName.RAMP:
        number += 1
        assert await go(circuit, f"n{number}") is Verdict.GO
        await circuit.succeed(SIDE, f"n{number}")
    assert 1 + 2 + 4 + number == RAMP_END
    assert (await circuit.look(SIDE)).state is CircuitName.CLOSED


async def test_every_failed_probe_doubles_the_pause_up_to_a_minute(circuit: Circuit, hand: Time) -> None:
    await opened(circuit)
    pauses = []
    for _ in range(6):
        pauses.append((await circuit.look(SIDE)).seconds)
        hand.at += pauses[-1]
        assert await go(circuit, "probe") is Verdict.GO
        await circuit.fail(SIDE, "probe", None)
    assert pauses == pytest.approx([5, 10, 20, 40, LONGEST_PAUSE, LONGEST_PAUSE])


async def test_calls_from_before_the_opening_decide_nothing(circuit: Circuit, hand: Time) -> None:
    await opened(circuit)
    await circuit.succeed(SIDE, "early")
    assert await go(circuit, "x") is Verdict.OPEN
    hand.at += FIRST_PAUSE
    await circuit.fail(SIDE, "early too", None)
    assert await go(circuit, "probe") is Verdict.GO
    assert await go(circuit, "second") is Verdict.OPEN


async def test_the_ticket_of_a_killed_process_becomes_void(circuit: Circuit, hand: Time) -> None:
    await opened(circuit)
    hand.at += FIRST_PAUSE
    assert await go(circuit, "killed") is Verdict.GO
    assert await go(circuit, "next") is Verdict.OPEN
    hand.at += TICKET_SECONDS
    assert await go(circuit, "next") is Verdict.GO


async def test_a_ticket_given_back_is_free_at_once(circuit: Circuit, hand: Time) -> None:
    await opened(circuit)
    hand.at += FIRST_PAUSE
    assert await go(circuit, "a") is Verdict.GO
    await circuit.withdraw(SIDE, "a")
    assert await go(circuit, "b") is Verdict.GO


async def test_a_401_allows_one_probe_and_its_401_bars_these_credentials(circuit: Circuit) -> None:
    for name in "abc":
        assert await go(circuit, name) is Verdict.GO
    assert not await circuit.strike(SIDE, "c", "a")
    assert not await circuit.strike(SIDE, "c", "b"), "it was on its way already"
    assert await go(circuit, "probe") is Verdict.GO
    assert await go(circuit, "other") is Verdict.OPEN
    assert await circuit.strike(SIDE, "c", "probe")
    assert await go(circuit, "d") is Verdict.BARRED
    assert (await circuit.look(SIDE)).state is CircuitName.BARRED
    assert await go(circuit, "e", credentials="changed") is Verdict.GO
    await circuit.clear(SIDE)
    assert await go(circuit, "f") is Verdict.GO


async def test_a_success_forgets_the_first_401(circuit: Circuit) -> None:
    assert not await circuit.strike(SIDE, "c", "a")
    assert await go(circuit, "probe") is Verdict.GO
    await circuit.succeed(SIDE, "probe")
    assert await go(circuit, "b") is Verdict.GO
    assert not await circuit.strike(SIDE, "c", "b")


async def test_bar_stops_at_once(circuit: Circuit) -> None:
    await circuit.bar(SIDE, "c")
    assert await go(circuit, "a") is Verdict.BARRED


async def test_who_is_admitted_has_taken_a_call_and_who_finds_none_is_told_when_to_ask_again(
    limited: Circuit, hand: Time
) -> None:
    number, end = 0, hand.at + 60
    while hand.at < end:
        admission = await limited.admit(SIDE, "c", "t", Urgency.BACKGROUND)
        number += admission.verdict is Verdict.GO
        assert admission.verdict in (Verdict.GO, Verdict.SPENT)
        hand.at += admission.seconds
    assert 36 <= number <= 42
    assert await go(limited, "t") is Verdict.GO, "what is kept for people is still there"


async def test_an_open_circuit_takes_no_call(limited: Circuit, hand: Time) -> None:
    assert await go(limited, "t") is Verdict.SPENT, "what was called before is not known"
    hand.at += 60
    await limited.fail(SIDE, "t", 60.0)
    assert {await go(limited, "t") for _ in range(20)} == {Verdict.OPEN}
    await limited.clear(SIDE)
    assert [await go(limited, "t") for _ in range(5)] == [Verdict.GO] * 5


async def test_who_waits_for_the_budget_holds_no_ticket(limited: Circuit, hand: Time) -> None:
    assert await go(limited, "t") is Verdict.SPENT
    await limited.fail(SIDE, "t", 5.0)
    hand.at += 5.0
    while (verdict := await go(limited, "background")) is Verdict.GO:
        await limited.withdraw(SIDE, "background")
    assert verdict is Verdict.SPENT
    hand.at += 2.0
    assert await go(limited, "another") is Verdict.GO
    assert await go(limited, "background") is Verdict.OPEN, "one probe, and another makes it"


async def test_one_of_many_gets_the_lock_and_only_its_owner_saves(tokens: TokenStore, hand: Time) -> None:
    token = Token("access", hand.at, hand.at + 3300)
    assert await tokens.lock("k", "one", 60.0)
    assert not await tokens.lock("k", "two", 60.0)
    assert not await tokens.save("k", "two", token)
    await tokens.unlock("k", "two")
    assert not await tokens.lock("k", "two", 60.0)
    assert await tokens.save("k", "one", token)
    assert await tokens.read("k") == token
    assert await tokens.lock("k", "two", 60.0), "saving gives the lock back"


async def test_the_lock_of_a_killed_process_ends(tokens: TokenStore, hand: Time) -> None:
    assert await tokens.lock("k", "killed", 60.0)
    hand.at += 60
    assert not await tokens.save("k", "killed", Token("late", hand.at, hand.at + 3300))
    assert await tokens.lock("k", "next", 60.0)
    assert not await tokens.save("k", "killed", Token("late", hand.at, hand.at + 3300))


async def test_a_token_ends_and_is_dropped_only_if_it_is_still_the_one(tokens: TokenStore, hand: Time) -> None:
    await tokens.lock("k", "o", 60.0)
    await tokens.save("k", "o", Token("access", hand.at, hand.at + 3300))
    await tokens.drop("k", "another")
    assert await tokens.read("k") is not None
    assert await tokens.read("other credentials") is None
    hand.at += 3300
    assert await tokens.read("k") is None
    hand.at -= 3300
    await tokens.drop("k", "access")
    assert await tokens.read("k") is None


async def test_two_processes_share_what_they_know(redis: Redis, hand: Time) -> None:
    one, two = (connect(redis, hand, LIMITS, now=hand.now) for _ in range(2))
    await one.circuit.fail(SIDE, "a", 60.0)
    assert (await two.circuit.look(SIDE)).state is CircuitName.OPEN
    assert await one.budget.take(SIDE, Urgency.URGENT) > 0
    hand.at += 60
    while await one.budget.take(SIDE, Urgency.URGENT) == 0.0:
        pass
    assert await two.budget.take(SIDE, Urgency.URGENT) > 0


async def test_a_firm_that_uses_up_its_calls_takes_none_from_another_on_the_same_redis(
    redis: Redis, hand: Time
) -> None:
    busy, other = (connect(redis, hand, LIMITS, prefix=f"syncd:{firm}", now=hand.now) for firm in "ab")
    for shared in (busy, other):
        assert await shared.budget.take(SIDE, Urgency.URGENT) > 0
    hand.at += 60
    while await busy.budget.take(SIDE, Urgency.URGENT) == 0.0:
        pass
    await busy.circuit.fail(SIDE, "a", 60.0)
    assert await other.budget.take(SIDE, Urgency.BACKGROUND) == 0.0
    assert (await other.circuit.look(SIDE)).state is CircuitName.CLOSED


async def test_redis_own_clock_is_used_where_none_is_given(redis: Redis) -> None:
    shared = connect(redis, SystemClock(), LIMITS)
    assert 0 < await shared.budget.take(SIDE, Urgency.URGENT) < 2
    await shared.circuit.fail(SIDE, "a", 60.0)
    assert 50 < (await shared.circuit.look(SIDE)).seconds <= 60
    assert await shared.tokens.lock("k", "o", 60.0)
    assert await shared.tokens.save("k", "o", Token("t", time.time(), time.time() + 100))
    assert await shared.tokens.read("k") is not None
    assert 0 < await redis.pttl("syncd:token:k") <= 100_000


async def test_a_flushed_redis_stops_no_call(shared: Shared, redis: Redis) -> None:
    await shared.circuit.fail(SIDE, "a", 60.0)
    await redis.flushall()
    await redis.script_flush()
    assert (await shared.circuit.admit(SIDE, "c", "b", Urgency.URGENT)).seconds < 2
    assert await shared.budget.take(SIDE, Urgency.URGENT) < 2


async def test_without_redis_the_twin_works_and_it_is_said_once(hand: Time, tmp_path: Path) -> None:
    away = Redis(unix_socket_path=str(tmp_path / "nobody"), retry=NO_RETRY)
    shared = connect(away, hand, LIMITS, now=hand.now)
    with structlog.testing.capture_logs() as lines:
        for _ in range(3):
            await shared.circuit.fail(SIDE, "a", 60.0)
            assert (await shared.circuit.look(SIDE)).state is CircuitName.OPEN
            assert await shared.budget.take(SIDE, Urgency.URGENT) < 60 / (LIMITS[SIDE] * ALONE_PART) + 1
            assert await shared.tokens.lock("k", f"{hand.at}", 60.0)
            hand.at += 100
    assert [line["event"] for line in lines] == ["shared.redis_away"]


async def test_redis_coming_back_is_used_again(hand: Time, tmp_path: Path, redis_url: str, redis: Redis) -> None:
    socket = tmp_path / "s"
    client = Redis(unix_socket_path=str(socket), retry=NO_RETRY)
    shared = connect(client, hand, LIMITS, now=hand.now)
    with structlog.testing.capture_logs() as lines:
        await shared.circuit.fail(SIDE, "a", 60.0)
        socket.symlink_to(urlsplit(redis_url).path)
        hand.at += 100
        await shared.circuit.fail(SIDE, "a", 60.0)
    assert [line["event"] for line in lines] == ["shared.redis_away", "shared.redis_back"]
    other = connect(redis, hand, LIMITS, now=hand.now)
    assert (await other.circuit.look(SIDE)).state is CircuitName.OPEN
    await client.aclose()


async def test_when_the_clock_goes_back_nobody_waits_longer_for_redis_or_for_a_lock(
    hand: Time, tmp_path: Path, redis_url: str
) -> None:
    socket = tmp_path / "s"
    client = Redis(unix_socket_path=str(socket), retry=NO_RETRY)
    shared = connect(client, hand, LIMITS, now=hand.now)
    hand.wrong = 7200.0  # the machine's own, until Redis tells the time
    assert await shared.tokens.lock("k", "one", 60.0)
    hand.wrong = 0.0
    hand.at += 61
    assert await shared.tokens.lock("k", "two", 60.0)
    socket.symlink_to(urlsplit(redis_url).path)
    hand.at += 3
    assert await shared.tokens.lock("k", "three", 60.0), "the lock of this process still counts, and not Redis"
    await client.aclose()


class Machine:
    """A machine whose wall clock may be set."""

    def __init__(self) -> None:
        self.wall = 1000.0
        self.mono = 50.0

    def now(self) -> float:
        return self.wall

    def monotonic(self) -> float:
        return self.mono

    async def sleep(self, seconds: float) -> None:
        self.wall += seconds
        self.mono += seconds


async def test_the_shared_clock_follows_redis_whatever_the_wall_clock_does() -> None:
    machine = Machine()
    answers = iter([5000.5, 5002.0, 5002.0, 5002.0, 5002.0])
    waits = iter([1.0, 9.0, 0.1, 9.0, 9.0])

    async def ask() -> float:
        machine.mono += next(waits)
        return next(answers)

    clock = SharedClock(ask, machine)
    assert clock.now() == 1000.0
    await clock.measure()
    # The quickest sample counts, its middle being the moment of the answer.
    assert clock.now() - clock.monotonic() == pytest.approx(5002.0 - (60.0 + 60.1) / 2)
    before = clock.now()
    machine.wall -= 3600
    assert clock.now() == before
    await clock.sleep(5)
    assert clock.now() == pytest.approx(before + 5)


async def test_a_clock_that_cannot_ask_keeps_what_it_knew() -> None:
    async def ask() -> float:
        raise OSError

    clock = SharedClock(ask, Machine())
    with pytest.raises(OSError):  # noqa: PT011
        await clock.measure()
    assert clock.now() == 1000.0


async def test_redis_and_the_machine_agree_here(redis: Redis) -> None:
    async def ask() -> float:
        return await redis_time(redis)

    clock = SharedClock(ask, SystemClock())
    ahead = await clock.measure()
    assert abs(ahead) < 60
    await asyncio.sleep(0)
    assert len({new_id(), new_id()}) == 2


def test_chance_is_anywhere_between_nought_and_one() -> None:
    drawn = [chance() for _ in range(2000)]
    assert all(0.0 <= one < 1.0 for one in drawn)
    assert len({int(one * 10) for one in drawn}) == 10


async def test_whoever_is_cancelled_while_asking_redis_is_cancelled(redis_url: str) -> None:
    redis = connect_redis(redis_url)

    async def asking() -> None:
        while True:
            await redis_time(redis)

    await redis_time(redis)  # the connection is there: the first thing to wait for is the sending
    for steps in range(1, 20):
        task = asyncio.create_task(asking())
        for _ in range(steps):
            await asyncio.sleep(0)
        task.cancel()
        await asyncio.wait({task}, timeout=30)
        assert task.cancelled(), f"went on after {steps} steps"
    await redis.aclose()


# --- throttle ---------------------------------------------------------------------------------


@pytest.fixture(params=["one process", "redis"])
def throttle(request: pytest.FixtureRequest, hand: Time) -> LocalThrottle | RedisThrottle:
    if request.param == "redis":
        chosen: Shared = request.getfixturevalue("shared")
        return chosen.throttle
    return LocalThrottle(hand.now)


async def test_some_tries_go_at_once_and_then_one_every_so_often(
    throttle: LocalThrottle | RedisThrottle, hand: Time
) -> None:
    name = new_id()
    assert [await throttle.attempt(name, 3, 30.0) for _ in range(4)] == [0.0, 0.0, 0.0, pytest.approx(30.0)]
    assert await throttle.attempt(new_id(), 3, 30.0) == 0.0, "another name is not held up"
    hand.at += 29
    assert await throttle.attempt(name, 3, 30.0) == pytest.approx(1.0), "a try that was refused costs nothing"
    hand.at += 1
    assert await throttle.attempt(name, 3, 30.0) == 0.0
    hand.at += 3600
    assert [await throttle.attempt(name, 3, 30.0) == 0.0 for _ in range(4)] == [True, True, True, False]


async def test_names_that_may_try_freely_again_are_forgotten(hand: Time, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(local, "THROTTLED_NAMES", 10)
    throttle = LocalThrottle(hand.now)
    for number in range(50):
        await throttle.attempt(f"name{number}", 1, 1.0)
        hand.at += 2
    assert len(throttle._free) <= 11
