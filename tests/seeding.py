"""Fills an empty ledger with very many invented pairs, to see lists, charts and statements stay fast.

`python -m tests.seeding sqlite:////tmp/state/ledger.db --pairs 100000 --conflicts 50`; a PostgreSQL URL works too.
The same numbers make the same ledger. Nothing in it exists in EspoCRM or Advoware.
"""

from __future__ import annotations

import argparse
import random
import sys
import time
from collections.abc import Iterable, Iterator
from itertools import islice, product
from typing import Any, TypeVar

from sqlalchemy import Connection, Table

from mappers.beteiligte import BETEILIGTE
from mappers.spec import Side
from syncd.ledger import tallies
from syncd.ledger.engines import connect
from syncd.ledger.schema import bases, conflicts, history, pairs, work
from syncd.ledger.upgrade import upgrade
from syncd.tally import SLOT, call_name, delay_name, job_name
from syncd.titles import named

T = TypeVar("T")

AT_ONCE = 5000
DAY = 86400.0
FIRST = ("Ida", "Otto", "Änne", "Ömer", "Zoë", "Karl-Heinz", "Björn", "Luise", "Anna", "Gül", "Emil", "Theodora")
PARTS = ("Mül", "Schä", "Groß", "Lü", "Weber", "Baum", "Neu", "Stein", "Ober", "Kron", "Fuchs", "Berg")
ENDS = ("ler", "fer", "mann", "dorf", "hauser", "hof", "er", "stedt", "berger", "thal", "bach", "brück")
COMPANIES = ("Bau GmbH", "Handels AG", "& Söhne OHG", "Versicherung a. G.", "Verlag GmbH & Co. KG")
STATUSES = ("conflict", "failed", "permanently_failed", "deleted_in_advoware", "dirty")


def seed(conn: Connection, count: int, waiting: int, now: float, *, with_bases: bool = True) -> None:
    """So many pairs; `waiting` of them with an open conflict, as many again with another trouble."""
    chance = random.Random(count)
    for numbers in _portions(range(count)):
        people = [(number, _person(number)) for number in numbers]
        _insert(conn, pairs, (_pair(number, body, count, waiting, now, chance) for number, body in people))
        if with_bases:
            _insert(conn, bases, (row for number, body in people for row in _bases(number, body)))
        _insert(conn, history, (_change(number, body, now, chance) for number, body in people if number % 5 == 0))
    _insert(conn, conflicts, (_conflict(number, now) for number in range(waiting)))
    _insert(conn, work, (_work(number, now) for number in range(0, count, max(1, count // 500))))
    tallies.add(conn, dict(_counted(now, chance)))


def _insert(conn: Connection, table: Table, rows: Iterator[dict[str, Any]]) -> None:
    for some in _portions(rows):
        conn.execute(table.insert(), some)


def _portions(rows: Iterable[T]) -> Iterator[list[T]]:
    left = iter(rows)
    while some := list(islice(left, AT_ONCE)):
        yield some


def _key(number: int) -> str:
    return f"{BETEILIGTE.name}/{number:017x}"


def _person(number: int) -> dict[str, Any]:
    names = [begin + end for begin, end in product(PARTS, ENDS)]
    name = names[number % len(names)]
    if number % 11 == 0:
        return {"lastName": f"{name} {COMPANIES[number % len(COMPANIES)]} {number}", "rechtsform": "GmbH"}
    return {"firstName": FIRST[number // len(names) % len(FIRST)], "lastName": f"{name}-{number % 997}"}


def _pair(
    number: int, body: dict[str, Any], count: int, waiting: int, now: float, chance: random.Random
) -> dict[str, Any]:
    trouble = number < waiting or number >= count - waiting
    status = ("conflict" if number < waiting else STATUSES[number % len(STATUSES)]) if trouble else "clean"
    at = now - chance.random() * 300 * DAY
    return {
        "key": _key(number), "entity": BETEILIGTE.name, "state": "linked", "trust": "own", "admitted_by": "joined",
        "advoware_id": 100_000 + number, "status": status, "changed_at": at, "checked_at": at, "espo_read_at": at,
        "next_check_at": now + chance.random() * DAY, "check_every": DAY, "last_sync": "2026-11-20 10:00:00",
        "espo_version": {}, "advoware_version": {}, **named(BETEILIGTE, body),
    }  # fmt: skip


def _bases(number: int, body: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for field in BETEILIGTE.fields:
        raw = {side: field.codec.render(side, field.parse(Side.ESPO, body)) for side in Side}
        yield {
            "key": _key(number), "field": field.name, "espo": raw[Side.ESPO], "advoware": raw[Side.ADVOWARE],
            "rule": field.rule, "shared": None,
        }  # fmt: skip


def _change(number: int, body: dict[str, Any], now: float, chance: random.Random) -> dict[str, Any]:
    return {
        "at": now - chance.random() * 80 * DAY, "key": _key(number), "job": f"{number:032x}", "run": None,
        "side": "advoware", "field": "titel", "before": None, "after": "Dr.", "why": "sync",
    }  # fmt: skip


def _conflict(number: int, now: float) -> dict[str, Any]:
    return {
        "id": f"c{number:011x}", "key": _key(number), "field": "titel", "kind": "manual", "state": "open",
        "espo": f"Dr. {number}", "advoware": "Prof.", "base": None, "espo_by": "anna", "espo_at": now - 7200,
        "advoware_by": "AB", "advoware_at": now - 3600, "opened_at": now - 3600 + number,
    }  # fmt: skip


def _work(number: int, now: float) -> dict[str, Any]:
    return {
        "key": _key(number), "gen": 1, "lane": 3, "cause": "sweep", "due_at": now + number, "since": now, "held": None,
        "run": None,
    }  # fmt: skip


def _counted(now: float, chance: random.Random) -> Iterator[tuple[tuple[int, str], int]]:
    for at in range(int(now // SLOT * SLOT - 7 * DAY), int(now), SLOT):
        yield (at, job_name("settled")), chance.randrange(40)
        yield (at, job_name("failed")), chance.randrange(3)
        for side in Side:
            yield (at, call_name(side)), chance.randrange(400)
            yield (at, delay_name(side, chance.lognormvariate(1.5, 0.8))), chance.randrange(1, 20)


def main() -> None:
    """Make the ledger there if need be, and fill it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("url")
    parser.add_argument("--pairs", type=int, default=100_000)
    parser.add_argument("--conflicts", type=int, default=50)
    wish = parser.parse_args()
    upgrade(wish.url)
    engine, began = connect(wish.url), time.monotonic()
    with engine.connect().execution_options(syncd_write=True) as conn, conn.begin():
        if conn.execute(pairs.select().limit(1)).first() is not None:
            sys.exit("there are pairs in it already: give an empty ledger")
        seed(conn, wish.pairs, wish.conflicts, time.time())
    engine.dispose()
    sys.stdout.write(f"{wish.pairs} pairs in {time.monotonic() - began:.0f} s\n")


if __name__ == "__main__":
    main()
