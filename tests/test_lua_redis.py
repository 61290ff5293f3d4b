"""The Redis of the simulation answers what a real one answers, whatever script is run."""

from __future__ import annotations

import random
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path

import pytest
import redis
from lupa.lua51 import LuaError

from services import local
from syncd.redis_client import lua
from tests.lua_redis import LuaServer

START = 1_800_000_000.0
QUEUE = [f"{{q}}:{name}" for name in ("0", "1", "2", "3", "4", "leases", "holders", "again", "edits")]
CIRCUIT = ["circuit", "tickets"]
TOKEN = ["token", "lock"]
PARTS = ("clock", "bucket", "queue_common")  # are joined before others
Call = tuple[list[str], list[str]]


class Calls:
    """Calls of the scripts as production makes them, over few names, so that they meet."""

    def __init__(self, chance: random.Random) -> None:
        self._chance = chance
        self._now = START

    def now(self) -> str:
        self._now += self._chance.choice((0.0, 0.000001, 0.25, 1 / 3, 7.0, 40.0))
        return f"{self._now:.6f}"

    def any(self, *texts: str) -> str:
        return self._chance.choice(texts)

    def due(self) -> str:
        return self.any("", f"{self._now + self._chance.uniform(-40, 40):.6f}", f"{self._now:.6f}")

    def key(self) -> str:
        return self.any("a", "b", "c", "ß/Ü")

    def draw(self, name: str) -> Call:
        return getattr(self, name)()  # type: ignore[no-any-return]

    def queue_add(self) -> Call:
        entries = [(self.key(), self.any(*"01234"), self.due()) for _ in range(self._chance.randrange(4))]
        return QUEUE, [self.now(), *(part for entry in entries for part in entry)]

    def queue_take(self) -> Call:
        who = self.any("one|x", "two"), self.any("t1", "t2", "t3"), "60.5"
        return QUEUE, [self.now(), *who, self.any("3", "5"), self.any("oldest", "newest"), self.any("1", "3"), "50.5"]

    def queue_renew(self) -> Call:
        return QUEUE, [self.now(), self.key(), self.any("t1", "t2", "t3"), "30.0"]

    def queue_finish(self) -> Call:
        more = [self.any(*"01234"), self.due()] if self._chance.random() < 0.5 else []
        return QUEUE, [self.now(), self.key(), self.any("t1", "t2", "t3", ""), *more]

    def queue_reclaim(self) -> Call:
        return QUEUE, [self.now(), self.any("1", "100")]

    def queue_clear(self) -> Call:
        return QUEUE, [self.now(), self.key()]

    def queue_drop(self) -> Call:
        return QUEUE, [self.key()]

    def queue_ahead(self) -> Call:
        return QUEUE, [self.now(), self.any("3", "5")]

    def queue_try(self) -> Call:
        return ["{t}:trial"], ["1000"]

    def queue_look(self) -> Call:
        return QUEUE, [self.now(), self.any("0", "2", "100")]

    def bucket(self) -> list[str]:
        rate, size = local.budget_shape(self._chance.choice((1, 2)))
        urgency = self.any("urgent", "background")
        return [str(rate), str(size), str(local.BACKGROUND_SHARE), urgency, "0.05", self.any("", "", "1")]

    def budget(self) -> Call:
        return ["budget"], [self.now(), *self.bucket()]

    def circuit_admit(self) -> Call:
        limit = self.bucket() if self._chance.random() < 0.5 else []
        args = [self.now(), self.any("me", "you"), self.any("t1", "t2"), str(local.TICKET_SECONDS), *limit]
        return [*CIRCUIT, "budget"], args

    def circuit_settle(self) -> Call:
        how, after = self.any("ok", "ok", "outage", "outage", "none"), self.any("", "", "3", "0.01", "100000")
        limits = (local.FIRST_PAUSE, local.LONGEST_PAUSE, local.PROBE_WAIT, local.LONGEST_RETRY_AFTER, 3)
        return CIRCUIT, [self.now(), self.any("t1", "t2"), how, after, "3", *map(str, limits)]

    def circuit_strike(self) -> Call:
        return CIRCUIT, [self.now(), self.any("me", "you"), self.any("t1", "t2")]

    def circuit_bar(self) -> Call:
        return CIRCUIT[:1], [self.any("me", "you")]

    def circuit_clear(self) -> Call:
        return CIRCUIT, []

    def circuit_look(self) -> Call:
        return CIRCUIT[:1], [self.now()]

    def throttle(self) -> Call:
        return ["throttle"], [self.now(), self.any("1", "5"), self.any("0.1", "30")]

    def token_read(self) -> Call:
        return TOKEN[:1], []

    def token_lock(self) -> Call:
        return TOKEN[1:], [self.now(), self.any("one", "two"), "600"]

    def token_save(self) -> Call:
        return TOKEN, [self.now(), self.any("one", "two"), self.any("x", "y"), "1.5", "2.5", "300.25"]

    def token_unlock(self) -> Call:
        return TOKEN[1:], [self.any("one", "two")]

    def token_drop(self) -> Call:
        return TOKEN[:1], [self.any("x", "y")]


def scripts() -> list[str]:
    """Every script there is."""
    found = {Path(str(file)).stem for file in (files("syncd") / "lua").iterdir()}
    return sorted(found.difference(PARTS))


def whole(name: str) -> str:
    """A script with all that may be joined before it."""
    return lua("clock", "queue_common" if name.startswith("queue_") else "bucket", name)


@pytest.fixture
def real(redis_url: str) -> Iterator[redis.Redis]:
    with redis.Redis.from_url(redis_url, decode_responses=True) as client:
        yield client


def test_every_script_answers_as_on_a_real_server(real: redis.Redis) -> None:
    here = LuaServer(lambda: START)
    chance = random.Random(1)
    calls, names = Calls(chance), scripts()
    there = {name: real.register_script(whole(name)) for name in names}
    answered: dict[str, set[str]] = {name: set() for name in names}
    for step in range(6000):
        name = chance.choice(names)
        if step % 200 == 199:
            real.flushall()
            here.flush()
        keys, args = calls.draw(name)
        answer = there[name](keys=keys, args=args)
        assert here.run(whole(name), keys, args) == answer, (step, name, args)
        answered[name].add(str(answer))
    same = {"queue_look", "queue_add", "queue_try", "circuit_bar"}  # whose answers differ anyway, or say nothing
    assert all(len(found) > 1 for name, found in answered.items() if name not in same), answered


@pytest.mark.parametrize(("name", "after"), [("token_lock", 600.0), ("budget", 3600.0)])
def test_what_expires_does_so_by_the_time_handed_in(name: str, after: float) -> None:
    at = START
    server = LuaServer(lambda: at)
    keys, args = Calls(random.Random(1)).draw(name)

    server.run(whole(name), keys, args)
    text = "return redis.call('DEL', KEYS[1])"
    at = START + after - 0.001
    assert server.run(text, keys, []) == 1
    server.run(whole(name), keys, args)
    at += after
    assert server.run(text, keys, []) == 0


def test_a_script_that_forgets_a_local_is_refused() -> None:
    with pytest.raises(LuaError, match="global variable"):
        LuaServer(lambda: START).run("forgotten = 1", [], [])


def test_its_own_clock_is_asked_where_no_time_is_given() -> None:
    assert LuaServer(lambda: START + 0.25).run(f"{lua('clock')} return tostring(clock(''))", [], []) == "1800000000.25"
