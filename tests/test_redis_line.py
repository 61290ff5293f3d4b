"""What is asked of Redis at the same time travels together, and everybody gets the answer to their own question."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
from redis.asyncio import Redis
from redis.exceptions import ResponseError

from syncd.redis_client import Script, connect

ECHO = "return ARGV[1]"
WRONG = "return redis.call('LPUSH', KEYS[1])"


@pytest.fixture
async def client(redis_url: str) -> AsyncIterator[Redis]:
    async with connect(redis_url) as found:
        yield found


async def told(client: Redis) -> int:
    return int((await client.info("stats"))["total_connections_received"])


async def test_each_of_many_questions_gets_its_own_answer_over_one_connection(client: Redis) -> None:
    echo = Script(client, ECHO)
    await echo(["k"], ["first"])
    before = await told(client)
    wanted = [str(number) for number in range(250)]
    assert await asyncio.gather(*(echo(["k"], [one]) for one in wanted)) == wanted
    assert await told(client) == before


async def test_a_mistake_concerns_nobody_but_its_script(client: Redis) -> None:
    echo, wrong = Script(client, ECHO), Script(client, WRONG)
    answers = await asyncio.gather(echo(["k"], ["a"]), wrong(["k"], []), echo(["k"], ["b"]), return_exceptions=True)
    assert answers[0] == "a"
    assert isinstance(answers[1], ResponseError)
    assert answers[2] == "b"


async def test_a_server_that_has_forgotten_the_scripts_is_told_them_again(client: Redis) -> None:
    echo = Script(client, ECHO)
    await echo(["k"], ["a"])
    await client.script_flush()
    assert [*await asyncio.gather(echo(["k"], ["b"]), echo(["k"], ["c"]))] == ["b", "c"]


async def test_a_connection_that_was_cut_is_replaced(client: Redis) -> None:
    echo = Script(client, ECHO)
    await echo(["k"], ["a"])
    await client.client_kill_filter(_type="normal", skipme=False)
    assert [*await asyncio.gather(echo(["k"], ["b"]), echo(["k"], ["c"]))] == ["b", "c"]


async def test_who_no_longer_waits_spoils_nobody_s_answer(client: Redis) -> None:
    echo = Script(client, ECHO)
    asked = [asyncio.create_task(echo(["k"], [str(number)])) for number in range(5)]
    await asyncio.sleep(0)
    asked[2].cancel()
    answers = await asyncio.gather(*asked, return_exceptions=True)
    assert [answers[0], answers[1], answers[3], answers[4]] == ["0", "1", "3", "4"]
    assert isinstance(answers[2], asyncio.CancelledError)
