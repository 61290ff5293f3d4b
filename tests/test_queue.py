"""The queue's promises, on the real server and on the interpreter the simulation uses."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack

import pytest
from redis._parsers.base import BaseParser
from redis.asyncio import Redis
from redis.exceptions import ResponseError

from syncd import redis_client
from syncd.bell import Bell
from syncd.lanes import Lane
from syncd.queue import EDIT_EVERY, EDITS_AT_ONCE, NEWEST_EDITS, Queue, Shift, Waiting
from syncd.redis_client import RedisUnavailable, connect
from tests.lua_redis import LuaRedis, LuaServer, connected
from tests.moments import Moments

LEASE = 60.0


@pytest.fixture
def moments() -> Moments:
    return Moments()


@pytest.fixture(params=["real", "simulated"])
async def client(request: pytest.FixtureRequest) -> AsyncIterator[Redis]:
    if request.param == "real":
        found = connect(request.getfixturevalue("redis_url"))
    else:
        found = connected(LuaRedis(LuaServer(time.time)))
    async with found:
        yield found


@pytest.fixture
def queue(client: Redis, moments: Moments) -> Queue:
    return another(client, moments)


def another(client: Redis, moments: Moments) -> Queue:
    """The queue as a further process sees it: the same Redis, a bell of its own."""
    return Queue(client, bell=Bell(moments.sleep), new_id=moments.new_id, now=moments.now)


async def keys(queue: Queue) -> list[str]:
    """What is due, in the order it is served; finishes each."""
    served = []
    while taken := await queue.take("w", LEASE):
        served.append(taken.key)
        await queue.finish(taken)
    return served


async def waiting(queue: Queue) -> list[tuple[str, Lane, float]]:
    return [(entry.key, entry.lane, entry.due_at or 0.0) for entry in await queue.list_waiting()]


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(30):
        while not condition():
            await asyncio.sleep(0)


async def test_the_better_lane_is_served_first_whatever_has_waited_longer(queue: Queue, moments: Moments) -> None:
    for age, lane in enumerate(Lane):
        await queue.add(lane.name, lane, moments.now() - age)
    assert await keys(queue) == ["LIVE", "RETRY", "LATE", "SWEEP", "BACKFILL"]


async def test_within_a_lane_the_key_due_longest_is_served_first(queue: Queue, moments: Moments) -> None:
    for key, age in (("x", 2.5), ("a", 1), ("z", 3), ("b", 2.499999)):
        await queue.add(key, Lane.SWEEP, moments.now() - age)
    assert await keys(queue) == ["z", "x", "b", "a"]


async def test_a_key_is_not_served_before_it_is_due(queue: Queue, moments: Moments) -> None:
    await queue.add("k", Lane.RETRY, moments.now() + 60)
    moments.move(59.999)
    assert await queue.take("w", LEASE) is None
    moments.move(0.001)
    assert await keys(queue) == ["k"]


async def test_a_waiting_key_keeps_the_better_lane_and_the_earlier_time(queue: Queue, moments: Moments) -> None:
    now = moments.now()
    await queue.add("k", Lane.RETRY, now + 60)
    await queue.add("k", Lane.SWEEP, now + 30)
    assert await waiting(queue) == [("k", Lane.RETRY, now + 30)]
    await queue.add("k", Lane.LIVE, now + 90)
    assert await waiting(queue) == [("k", Lane.LIVE, now + 30)]


async def test_added_any_number_of_times_while_in_work_a_key_is_worked_on_once_more(
    queue: Queue, moments: Moments
) -> None:
    await queue.add("k", Lane.SWEEP)
    taken = await queue.take("w", LEASE)
    assert taken is not None
    await queue.add("k", Lane.BACKFILL)
    await queue.add("k", Lane.LATE, moments.now() + 3)
    assert await queue.take("w", LEASE) is None
    assert await waiting(queue) == []
    assert await queue.finish(taken)
    assert await waiting(queue) == [("k", Lane.LATE, moments.now())]
    assert await keys(queue) == ["k"]


async def test_what_comes_in_during_a_failing_job_is_not_delayed_by_its_retry(queue: Queue, moments: Moments) -> None:
    await queue.add("k", Lane.SWEEP)
    taken = await queue.take("w", LEASE)
    assert taken is not None
    await queue.add("k", Lane.LIVE)
    assert await queue.requeue(taken, Lane.RETRY, moments.now() + 60)
    assert await waiting(queue) == [("k", Lane.LIVE, moments.now())]


async def test_a_retry_waits_until_it_is_due(queue: Queue, moments: Moments) -> None:
    await queue.add("k", Lane.SWEEP)
    taken = await queue.take("w", LEASE)
    assert taken is not None
    assert await queue.requeue(taken, Lane.RETRY, moments.now() + 60)
    assert await waiting(queue) == [("k", Lane.RETRY, moments.now() + 60)]
    assert await queue.leases() == ()


async def test_a_renewed_lease_is_not_reclaimed_and_an_ended_one_is(queue: Queue, moments: Moments) -> None:
    await queue.add("k", Lane.LATE)
    taken = await queue.take("w1", LEASE)
    assert taken is not None
    moments.move(50)
    assert await queue.renew(taken, LEASE)
    moments.move(59)
    assert await queue.reclaim() == ()
    moments.move(1)
    assert await queue.reclaim() == (("k", "w1"),)
    assert await waiting(queue) == [("k", Lane.LATE, moments.now())]


async def test_who_lost_the_lease_can_neither_renew_nor_finish_what_another_holds(
    queue: Queue, moments: Moments
) -> None:
    await queue.add("k", Lane.LIVE)
    zombie = await queue.take("w1", LEASE)
    assert zombie is not None
    moments.move(LEASE)
    await queue.reclaim()
    heir = await queue.take("w2", LEASE)
    assert heir is not None
    assert not await queue.renew(zombie, LEASE)
    assert not await queue.finish(zombie)
    assert not await queue.requeue(zombie, Lane.RETRY)
    assert [lease.owner for lease in await queue.leases()] == ["w2"]
    assert await queue.finish(heir)
    assert await waiting(queue) == []


async def test_flushed_in_the_middle_nobody_is_hurt_and_the_next_round_is_clean(queue: Queue, client: Redis) -> None:
    await queue.add("k", Lane.LIVE)
    before = await queue.take("w1", LEASE)
    assert before is not None
    await client.flushall()
    assert not await queue.renew(before, LEASE)
    await queue.add("k", Lane.LIVE)
    after = await queue.take("w2", LEASE)
    assert after is not None
    assert not await queue.finish(before)
    assert await queue.finish(after)
    assert await waiting(queue) == []


async def test_scripts_the_server_has_forgotten_are_sent_again(redis_url: str, moments: Moments) -> None:
    async with connect(redis_url) as client:
        queue = another(client, moments)
        await queue.add("k", Lane.LIVE)
        await client.script_flush()
        assert await keys(queue) == ["k"]


async def test_more_leases_than_one_call_reclaims_are_all_put_back(queue: Queue, moments: Moments) -> None:
    names = {f"k{number}" for number in range(250)}
    await queue.add_all(Waiting(name, Lane.BACKFILL) for name in names)
    while await queue.take("dead", LEASE):
        pass
    moments.move(LEASE)
    assert {key for key, _ in await queue.reclaim()} == names
    assert set(await keys(queue)) == names


async def test_a_cleared_lease_puts_the_key_back_and_its_owner_has_lost_it(queue: Queue) -> None:
    await queue.add("k", Lane.SWEEP)
    taken = await queue.take("w", LEASE)
    assert taken is not None
    assert await queue.clear("k")
    assert not await queue.clear("k")
    assert not await queue.finish(taken)
    assert await keys(queue) == ["k"]


async def test_a_dropped_key_waits_no_longer_nor_again_after_the_work_in_hand(queue: Queue) -> None:
    await queue.add("k", Lane.LIVE)
    assert await queue.drop("k")
    assert not await queue.drop("k")
    await queue.add("k", Lane.LIVE)
    taken = await queue.take("w", LEASE)
    assert taken is not None
    await queue.add("k", Lane.LIVE)
    assert await queue.drop("k")
    assert await queue.finish(taken)
    assert await keys(queue) == []


async def test_stats_count_by_lane_and_name_who_works_since_when(queue: Queue, moments: Moments) -> None:
    now = moments.now()
    await queue.add("a", Lane.LIVE)
    taken = await queue.take("host|1/w3", LEASE)
    assert taken is not None
    await queue.add_all([Waiting("b", Lane.RETRY, now + 60), Waiting("c", Lane.RETRY, now - 5)])
    moments.move(1)
    stats = await queue.stats()
    assert stats.now == now + 1
    assert (stats.waiting, stats.oldest_due) == (2, now - 5)
    retry = stats.lanes[Lane.RETRY]
    assert (retry.waiting, retry.due, retry.oldest_due) == (2, 1, now - 5)
    assert stats.lanes[Lane.LIVE].oldest_due is None
    (lease,) = stats.running
    assert (lease.key, lease.lane, lease.owner, lease.since, lease.ends_at) == (
        "a",
        Lane.LIVE,
        "host|1/w3",
        now,
        now + LEASE,
    )


async def test_the_list_shows_the_first_keys_in_the_order_of_service(queue: Queue, moments: Moments) -> None:
    now = moments.now()
    await queue.add_all(
        [Waiting("late", Lane.LATE, now), Waiting("y", Lane.LIVE, now), Waiting("x", Lane.LIVE, now - 1)]
    )
    assert [entry.key for entry in await queue.list_waiting(limit=2)] == ["x", "y"]


async def test_a_record_edited_again_and_again_has_ten_turns_at_once_and_then_one_every_so_often(
    queue: Queue, moments: Moments
) -> None:
    async def turn(key: str, lane: Lane = Lane.LIVE) -> float:
        await queue.add(key, lane)
        taken = await queue.take("w", LEASE)
        assert taken is not None
        await queue.finish(taken)
        return taken.too_soon

    assert [await turn("k") for _ in range(EDITS_AT_ONCE)] == [0.0] * EDITS_AT_ONCE
    assert await turn("k") == pytest.approx(EDIT_EVERY)
    assert await turn("another") == 0.0, "another key is not held up"
    assert await turn("k", Lane.SWEEP) == 0.0, "only edits are counted"
    moments.move(EDIT_EVERY - 1)
    assert await turn("k") == pytest.approx(1.0), "a turn that was refused costs nothing"
    moments.move(1)
    assert await turn("k") == 0.0
    moments.move(EDIT_EVERY * EDITS_AT_ONCE)
    assert [await turn("k") for _ in range(EDITS_AT_ONCE)] == [0.0] * EDITS_AT_ONCE


async def test_who_asks_for_the_newest_edits_gets_them_and_nothing_else(queue: Queue, moments: Moments) -> None:
    now = moments.now()
    await queue.add_all([Waiting(key, Lane.LIVE, now - age) for key, age in (("b", 5), ("c", 1), ("a", 9))])
    await queue.add_all([Waiting("later", Lane.LIVE, now + 5), Waiting("retry", Lane.RETRY, now)])
    served = [await queue.take("w", LEASE, NEWEST_EDITS) for _ in range(4)]
    assert [taken and taken.key for taken in served] == ["c", "b", "a", None]


async def test_two_queues_of_different_prefix_share_nothing(client: Redis, moments: Moments) -> None:
    bell = Bell(moments.sleep)
    one = Queue(client, bell=bell, new_id=moments.new_id, now=moments.now, prefix="one")
    two = Queue(client, bell=bell, new_id=moments.new_id, now=moments.now, prefix="two")
    await one.add("k", Lane.LIVE)
    assert await keys(two) == []
    assert await keys(one) == ["k"]


async def test_nothing_to_do_is_waited_for_and_a_key_of_this_process_wakes_one(queue: Queue, moments: Moments) -> None:
    waiters = [asyncio.create_task(queue.wait(30)) for _ in range(2)]
    await until(lambda: len(moments.sleeping) == 2)
    await queue.add("k", Lane.LIVE)
    await until(lambda: any(waiter.done() for waiter in waiters))
    assert [waiter.done() for waiter in waiters].count(True) == 1
    for waiter in waiters:
        waiter.cancel()


async def test_a_key_added_between_the_look_and_the_wait_is_not_slept_over(client: Redis, moments: Moments) -> None:
    bell = Bell(moments.sleep)
    rings = bell.rings
    bell.ring()
    await bell.hear(30, rings)
    assert moments.sleeping == ()


async def test_one_woken_who_is_cancelled_wakes_the_next(moments: Moments) -> None:
    bell = Bell(moments.sleep)
    first, second = (asyncio.create_task(bell.hear(30, 0)) for _ in range(2))
    await until(lambda: len(moments.sleeping) == 2)
    bell.ring()
    first.cancel()
    async with asyncio.timeout(30):
        await second
    assert first.cancelled() or first.done()


async def test_waiting_ends_when_a_key_comes_due(queue: Queue, moments: Moments) -> None:
    await queue.add("k", Lane.RETRY, moments.now() + 0.25)
    waiter = asyncio.create_task(queue.wait(30))
    await until(lambda: len(moments.sleeping) == 1)
    assert moments.sleeping == (0.25,)
    moments.move(0.25)
    await waiter
    assert await keys(queue) == ["k"]
    await queue.add("k", Lane.RETRY)
    await queue.wait(30)


async def test_another_process_adding_a_key_is_noticed_within_the_poll_time(client: Redis, moments: Moments) -> None:
    here, there = another(client, moments), another(client, moments)
    waiter = asyncio.create_task(here.wait(30))
    await until(lambda: len(moments.sleeping) == 1)
    await there.add("k", Lane.LIVE)
    moments.move(1.0)
    await waiter
    assert await keys(here) == ["k"]


async def test_many_takers_at_once_get_each_key_exactly_once(client: Redis, moments: Moments) -> None:
    queues = [another(client, moments) for _ in range(4)]
    names = [f"k{number}" for number in range(200)]
    await queues[0].add_all(Waiting(name, Lane.BACKFILL) for name in names)
    served: list[str] = []

    async def work(queue: Queue) -> None:
        while taken := await queue.take("w", LEASE):
            served.append(taken.key)
            await queue.finish(taken)

    await asyncio.gather(*(work(queue) for queue in queues for _ in range(4)))
    assert sorted(served) == sorted(names)


async def test_without_a_clock_of_its_own_the_queue_goes_by_redis(client: Redis, moments: Moments) -> None:
    queue = Queue(client, bell=Bell(moments.sleep), new_id=moments.new_id)
    seconds, micros = await client.time()
    await queue.add("k", Lane.LIVE)
    taken = await queue.take("w", 0.001)
    assert taken is not None
    assert taken.taken_at >= seconds + micros / 1e6
    await queue.add("later", Lane.LIVE, taken.taken_at + 3600)
    reclaimed: list[str] = []
    async with asyncio.timeout(30):
        while not reclaimed:
            reclaimed += [key for key, _ in await queue.reclaim()]
    assert reclaimed == ["k"]
    assert await keys(queue) == ["k"]


async def test_a_server_that_cannot_be_reached_is_one_error_without_details(moments: Moments) -> None:
    async with AsyncExitStack() as stack:
        client = await stack.enter_async_context(connect("unix:///nowhere/secret.sock"))
        queue = another(client, moments)
        with pytest.raises(RedisUnavailable) as caught:
            await queue.add("k", Lane.LIVE)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ("OOM command not allowed when used memory > 'maxmemory'.", redis_client.FULL),
        ("ERR Error running script (call to f_1): @user_script:5: -OOM command not allowed", redis_client.FULL),
        ("READONLY You can't write against a read only replica.", redis_client.READ_ONLY),
        ("MISCONF Errors writing to the AOF file: No space left on device", redis_client.NO_DISK),
        ("MASTERDOWN Link with MASTER is down", redis_client.NO_PRIMARY),
        ("CLUSTERDOWN The cluster is down", redis_client.NO_PRIMARY),
        ("NOREPLICAS Not enough good replicas to write.", redis_client.NO_PRIMARY),
        ("LOADING server is loading the dataset in memory", redis_client.LOADING),
        ("NOAUTH Authentication required.", redis_client.LOGIN),
        ("WRONGPASS invalid username-password pair", redis_client.LOGIN),
        ("NOPERM this user has no permissions", redis_client.RIGHTS),
        ("BUSY the server is busy running a script.", redis_client.BUSY),
        ("ERR max number of clients reached", redis_client.AWAY),
    ],
)
async def test_whatever_keeps_redis_from_working_is_said_in_words_of_ours(answer: str, words: str) -> None:
    async def call() -> None:
        raise BaseParser.parse_error(answer)  # type: ignore[no-untyped-call]

    with pytest.raises(RedisUnavailable) as caught:
        await redis_client.guarded(call)
    assert str(caught.value) == words


async def test_a_mistake_of_ours_is_not_taken_for_a_redis_in_trouble() -> None:
    async def call() -> None:
        raise BaseParser.parse_error("WRONGTYPE Operation against another kind")  # type: ignore[no-untyped-call]

    with pytest.raises(ResponseError):
        await redis_client.guarded(call)


@pytest.mark.parametrize("decode", [True, False])
async def test_clients_that_decode_answers_and_clients_that_do_not_are_both_good(
    redis_url: str, moments: Moments, decode: bool
) -> None:
    async with Redis.from_url(redis_url, decode_responses=decode) as client:
        queue = another(client, moments)
        await queue.add("Müller", Lane.LIVE, moments.now())
        assert await waiting(queue) == [("Müller", Lane.LIVE, moments.now())]
        assert (await queue.stats()).waiting == 1
        assert await keys(queue) == ["Müller"]


async def test_who_is_kept_for_people_takes_no_background_work_and_wakes_who_does(
    queue: Queue, moments: Moments
) -> None:
    await queue.add("later", Lane.BACKFILL)
    assert await queue.take("reserved", 60, Shift(Lane.LATE)) is None
    reserved = asyncio.create_task(queue.wait(30, Shift(Lane.LATE)))
    await until(lambda: len(moments.sleeping) == 1)
    assert (await queue.take("anybody", 60)) is not None
    anybody = asyncio.create_task(queue.wait(30))
    await until(lambda: len(moments.sleeping) == 2)
    await queue.add("another", Lane.SWEEP)
    async with asyncio.timeout(30):
        await asyncio.gather(reserved, anybody)
    await queue.add("edit", Lane.LIVE)
    taken = await queue.take("reserved", 60, Shift(Lane.LATE))
    assert taken is not None
    assert taken.key == "edit"
