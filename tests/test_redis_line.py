"""What is asked of Redis at the same time travels together, and everybody gets the answer to their own question."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from redis.asyncio import BlockingConnectionPool, Redis
from redis.exceptions import ResponseError

from syncd.redis_client import RedisUnavailable, Script, connect
from syncd.redis_line import Line

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


async def test_a_server_that_does_not_answer_is_given_up_and_asked_again_later(client: Redis) -> None:
    pool = client.connection_pool
    assert isinstance(pool, BlockingConnectionPool)
    client.line = Line(pool, 0.2)  # type: ignore[attr-defined]
    echo = Script(client, ECHO)
    assert await echo(["k"], ["a"]) == "a"
    await client.client_pause(60_000, all=False)
    asked = [echo(["k"], [str(number)]) for number in range(3)]
    answers = await asyncio.gather(*asked, return_exceptions=True)
    assert [type(one) for one in answers] == [RedisUnavailable] * 3
    await client.client_unpause()
    assert await echo(["k"], ["b"]) == "b"


async def test_closing_the_client_closes_the_connection(client: Redis) -> None:
    await Script(client, ECHO)(["k"], ["a"])
    await client.connection_pool.disconnect()
    assert not client.line._answers.open  # type: ignore[attr-defined]
    assert await Script(client, ECHO)(["k"], ["b"]) == "b"


async def test_who_no_longer_waits_spoils_nobody_s_answer(client: Redis) -> None:
    echo = Script(client, ECHO)
    asked = [asyncio.create_task(echo(["k"], [str(number)])) for number in range(5)]
    await asyncio.sleep(0)
    asked[2].cancel()
    answers = await asyncio.gather(*asked, return_exceptions=True)
    assert [answers[0], answers[1], answers[3], answers[4]] == ["0", "1", "3", "4"]
    assert isinstance(answers[2], asyncio.CancelledError)


async def test_an_answer_that_comes_in_pieces_is_read_once_all_of_it_is_there(client: Redis) -> None:
    echo, large = Script(client, ECHO), "ä\r\n" * 500_000
    assert [*await asyncio.gather(echo(["k"], [large]), echo(["k"], ["small"]))] == [large, "small"]


async def test_what_a_server_says_unasked_answers_nobody_and_garbage_ends_the_connection(tmp_path: Path) -> None:
    said = iter([b">2\r\n+moving\r\n:1\r\n+a\r\n", b"HTTP/1.1 400 Bad Request\r\n", b"+b\r\n"])

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while line := await reader.readline():
            if line == b"HELLO\r\n":
                writer.write(b"%1\r\n+proto\r\n:3\r\n")
            elif line in (b"CLIENT\r\n", b"SELECT\r\n"):
                writer.write(b"+OK\r\n")
            elif line == b"EVALSHA\r\n":
                writer.write(next(said))
        writer.close()

    path = tmp_path / "s"
    async with await asyncio.start_unix_server(serve, path), connect(f"unix://{path}") as client:
        echo = Script(client, ECHO)
        assert await echo(["k"], []) == "a"
        with pytest.raises(RedisUnavailable):
            await echo(["k"], [])
        assert await echo(["k"], []) == "b"
