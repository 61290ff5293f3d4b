"""Looking round: the ledger finds whose turn it is, by its index, and gives nobody's turn to two daemons."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, event, insert

from syncd.lanes import Lane
from syncd.ledger import pairs, rounds, work
from syncd.ledger.engines import connect, sqlite_url
from syncd.ledger.schema import pairs as pairs_table
from syncd.ledger.store import Ledger
from syncd.ledger.work import Cause, Due

NOW, HOUR, DAY = 1_800_000_000.0, 3600.0, 86400.0
LOST = 1200.0


def planned(conn: Connection, *turns: tuple[str, float, float], state: str = "linked") -> None:
    """Pairs by name, interval, and how many seconds ago their look was due."""
    rows = [
        {
            "key": f"beteiligte/{name}", "entity": "beteiligte", "state": state, "admitted_by": "joined",
            "check_every": every, "next_check_at": NOW - overdue,
        }
        for name, every, overdue in turns
    ]  # fmt: skip
    conn.execute(insert(pairs_table), rows)


async def taken(ledger: Ledger, most: int, now: float = NOW) -> list[str]:
    keys = await ledger.write(rounds.take_due, now, most, DAY, LOST)
    return [key.partition("/")[2] for key in keys]


async def test_whoever_waits_for_the_most_intervals_is_first(ledger: Ledger) -> None:
    turns = ("old", 38400.0, HOUR), ("young", 300.0, 600.0), ("between", 2400.0, 1200.0), ("later", 300.0, -1.0)
    await ledger.write(planned, *turns)
    assert await ledger.read(rounds.oldest, NOW) == 38400.0 + HOUR
    assert await taken(ledger, 10) == ["young", "between", "old"]
    assert {due.key: due.cause for due in await ledger.read(work.due, NOW, 10)} == {
        f"beteiligte/{name}": Cause.SWEEP for name in ("young", "between", "old")
    }
    assert await ledger.read(rounds.oldest, NOW) == 0.0


async def test_who_would_be_seen_too_late_is_first_and_active_records_keep_a_part(ledger: Ledger) -> None:
    late = [(f"late{number}", 38400.0, 0.8 * DAY - 38400.0 + number) for number in range(8)]
    active = [(f"active{number}", 300.0, 900.0 + number) for number in range(8)]
    await ledger.write(planned, *late, *active)
    assert await taken(ledger, 8) == [*(f"late{number}" for number in (7, 6, 5, 4, 3, 2)), "active7", "active6"]


async def test_what_waits_for_another_look_or_does_not_take_part_has_no_turn(ledger: Ledger) -> None:
    await ledger.write(planned, ("waits", 300.0, 60.0), ("free", 300.0, 50.0))
    await ledger.write(planned, ("out", 300.0, 90.0), state="excluded")
    await ledger.write(work.put, [Due("beteiligte/waits", Lane.LATE, Cause.LATE, NOW + 3)], NOW)
    assert await taken(ledger, 10) == ["free"]


async def test_a_look_that_gets_lost_has_its_turn_again(ledger: Ledger) -> None:
    await ledger.write(planned, ("one", 300.0, 60.0))
    assert await taken(ledger, 10) == ["one"]
    await ledger.write(work.drop, "beteiligte/one")
    assert await taken(ledger, 10) == []
    assert await taken(ledger, 10, NOW + LOST) == ["one"]


async def test_looks_are_not_heaped_up_while_the_calls_go_to_somebody_else(ledger: Ledger) -> None:
    await ledger.write(planned, *((f"p{number:02}", 300.0, 60.0) for number in range(30)))
    assert [len(await taken(ledger, 8)) for _ in range(4)] == [8, 8, 0, 0]


async def test_two_daemons_that_ask_at_once_get_different_records(ledger: Ledger) -> None:
    await ledger.write(planned, *((f"p{number:02}", 300.0, 60.0) for number in range(12)))
    both = await asyncio.gather(*(taken(ledger, 12) for _ in range(4)))
    names = [name for some in both for name in some]
    assert sorted(names) == [f"p{number:02}" for number in range(12)]


async def test_after_a_dry_run_everything_that_is_looked_at_is_due_at_once(ledger: Ledger) -> None:
    await ledger.write(planned, ("one", 38400.0, -HOUR))
    await ledger.write(pairs.admit, ["beteiligte/new"], "created")
    await ledger.write(pairs.forget_looks, NOW)
    assert await taken(ledger, 10) == ["one"]


def test_each_question_is_answered_by_the_index_alone(sqlite_file: Path) -> None:
    engine, asked = connect(sqlite_url(sqlite_file)), list[tuple[str, Any]]()
    with engine.connect().execution_options(syncd_write=True) as conn, conn.begin():
        planned(conn, *((f"p{number:02}", 300.0 * 2 ** (number % 8), 60.0) for number in range(40)))
        event.listen(conn, "before_cursor_execute", lambda *args: asked.append((args[2], args[3])))
        rounds.take_due(conn, NOW, 10, DAY, LOST)
        plans = [
            " ".join(row[-1] for row in conn.exec_driver_sql(f"EXPLAIN QUERY PLAN {text}", values))
            for text, values in list(asked)
            if text.startswith("SELECT") and "FROM pairs" in text
        ]
    engine.dispose()
    assert len(plans) == 9 + 8
    for plan in plans:
        assert "USING COVERING INDEX pairs_round" in plan or "USING INDEX pairs_round (check_every=? AND" in plan
        assert "TEMP B-TREE" not in plan
