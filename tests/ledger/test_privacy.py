"""A person's data can be shown whole and removed whole; what is old goes by itself, what is open never."""

from __future__ import annotations

import json
from typing import Any

import pytest
from sqlalchemy import Connection, func, insert, select

from mappers.spec import Side
from syncd.ledger import asked, brakes, imports, journal, pairs, people, privacy, pruning, requests, staged, work
from syncd.ledger.privacy import StillLiving
from syncd.ledger.schema import conflicts, guarded, guards, history, intents, messages, metadata
from syncd.ledger.schema import imports as imports_table
from syncd.ledger.schema import pairs as pairs_table
from syncd.ledger.store import Ledger
from syncd.model import FieldWrite, IntentState

KEY, OTHER = "beteiligte/a", "beteiligte/b"
NOW, DAY = 1_800_000_000.0, 86400.0
MARK = "Geheimmandant"


async def fill(ledger: Ledger, key: str, state: str = "linked") -> None:
    """Something about the record in every table that can hold something."""
    write = FieldWrite("name", MARK, MARK)
    values = {"espo": MARK, "advoware": MARK, "base": MARK, "opened_at": NOW}
    await ledger.write(pairs.admit, [key], "linked")
    await ledger.write(pairs.change, key, {"state": state, "error": MARK, "advoware_id": 7 if key == KEY else 8})
    await ledger.write(journal.put_bases, key, {"name": (MARK, MARK, "rule")})
    await ledger.write(journal.announce, f"i-{key}", key, 1, Side.ADVOWARE, "update", (write,), NOW)
    await ledger.write(journal.record, key, journal.Author("job"), "sync", NOW, Side.ESPO, {"name": (MARK, MARK)})
    await ledger.write(people.raise_conflict, f"c-{key[-1]}", key, "name", "manual", values)
    await ledger.write(people.set_quarantine, key, Side.ESPO, "name", MARK, "valid", NOW)
    await ledger.write(people.owe_message, f"m-{key[-1]}", key, "task", "waiting", {"text": MARK}, NOW)
    await ledger.write(work.receive, [(key, "update", json.dumps({"id": key, "lastName": MARK}))], NOW)
    await ledger.write(brakes.see, "missing:espocrm", key, NOW)
    await ledger.write(staged.put, key, staged.Plan([{"do": "update", "after": MARK}]), NOW)
    await ledger.write(asked.note, NOW, "terminal:anna", "retry", keys=[key])
    number = 7 if key == KEY else 8
    await ledger.write(imports.announce, "beteiligte", number, "run", NOW, None)
    await ledger.write(imports.made, key, number, "run", NOW)
    await ledger.write(brakes.stop, "g1", "missing:espocrm", [key], {}, NOW)


def _rows(conn: Connection) -> dict[str, int]:
    """How many rows about each record there are in all tables."""
    counts: dict[str, int] = {}
    for table in privacy.tables().values():
        for key, count in conn.execute(select(table.c.key, func.count()).group_by(table.c.key)).all():
            counts[key] = counts.get(key, 0) + count
    return counts


def _everything(conn: Connection) -> str:
    return json.dumps([[str(row) for row in conn.execute(select(table))] for table in metadata.tables.values()])


async def test_all_that_is_stored_about_a_record_is_told(ledger: Ledger) -> None:
    await fill(ledger, KEY)
    await fill(ledger, OTHER)
    told = await ledger.read(privacy.export, KEY)
    assert set(told) == set(privacy.tables()), "every table that can hold something was filled"
    assert all(row["key"] == KEY for rows in told.values() for row in rows)
    json.dumps(told)


@pytest.mark.parametrize("state", ["new", "linked", "gone"])
async def test_a_record_that_takes_part_is_not_erased(ledger: Ledger, state: str) -> None:
    await fill(ledger, KEY, state)
    before = await ledger.read(_everything)
    with pytest.raises(StillLiving, match="exclude it first"):
        await ledger.write(privacy.erase, KEY, NOW)
    assert await ledger.read(_everything) == before


async def test_nothing_of_an_erased_record_is_left_anywhere(ledger: Ledger) -> None:
    await fill(ledger, KEY, "tombstone")
    await fill(ledger, OTHER)
    others = (await ledger.read(_rows))[OTHER]
    erased = await ledger.write(privacy.erase, KEY, NOW)
    assert set(erased.rows) == set(privacy.tables())
    assert not erased.stub
    assert await ledger.read(_rows) == {OTHER: others}


async def test_an_excluded_record_leaves_its_bare_id_so_that_it_does_not_come_back(ledger: Ledger) -> None:
    await fill(ledger, KEY, "excluded")
    assert (await ledger.write(privacy.erase, KEY, NOW)).stub
    assert await ledger.read(_rows) == {KEY: 1}
    assert MARK not in await ledger.read(_everything)
    row = await ledger.read(pairs.get, KEY)
    assert row is not None
    assert (row["state"], row["advoware_id"], row["error"]) == ("excluded", None, None)


async def test_a_record_being_worked_on_is_not_erased(ledger: Ledger) -> None:
    await fill(ledger, KEY, "excluded")
    await ledger.write(pairs.claim, KEY, "one", NOW, NOW + 60)
    with pytest.raises(StillLiving, match="being worked on"):
        await ledger.write(privacy.erase, KEY, NOW)
    await ledger.write(privacy.erase, KEY, NOW + 61)


async def test_what_came_about_a_stranger_is_erased_too(ledger: Ledger) -> None:
    await ledger.write(work.receive, [(KEY, "update", json.dumps({"id": "a", "lastName": MARK}))], NOW)
    await ledger.write(privacy.erase, KEY, NOW)
    assert MARK not in await ledger.read(_everything)


CHILD = "adressen/c"


async def child_of(ledger: Ledger, parent: str) -> None:
    """An address of his, with something about it in the ledger, and another one on its way to EspoCRM."""
    await ledger.write(pairs.admit, [CHILD], "parent")
    await ledger.write(pairs.change, CHILD, {"state": "linked", "parent": parent, "advoware_id": 3, "title": MARK})
    await ledger.write(journal.put_bases, CHILD, {"strasse": (MARK, MARK, "rule")})
    row = {"entity": "adressen", "run": "r", "sent_at": NOW, "parent": parent}
    rows = [{**row, "advoware_id": 4, "state": "sent"}, {**row, "advoware_id": 5, "state": "retired", "key": CHILD}]
    for one in rows:
        await ledger.write(_on_its_way, one)


def _on_its_way(conn: Connection, row: dict[str, Any]) -> None:
    conn.execute(insert(imports_table).values(**row))


async def test_what_belongs_to_a_person_is_told_with_him(ledger: Ledger) -> None:
    await fill(ledger, KEY)
    await child_of(ledger, KEY)
    told = await ledger.read(privacy.export, KEY)
    assert {row["key"] for row in told["pairs"]} == {row["key"] for row in told["bases"]} == {KEY, CHILD}
    assert {row["advoware_id"] for row in told["imports"]} == {7, 4, 5}
    assert set(await ledger.read(privacy.export, CHILD)) == {"pairs", "bases", "imports"}


@pytest.mark.parametrize(("state", "left"), [("tombstone", set[str]()), ("excluded", {KEY, CHILD})])
async def test_what_belongs_to_a_person_is_erased_with_him(ledger: Ledger, state: str, left: set[str]) -> None:
    await fill(ledger, KEY, state)
    await child_of(ledger, KEY)
    await ledger.write(privacy.erase, KEY, NOW)
    assert set(await ledger.read(_rows)) == left
    assert MARK not in await ledger.read(_everything)
    if left:
        row = await ledger.read(pairs.get, CHILD)
        assert row is not None
        assert (row["state"], row["advoware_id"], row["title"]) == ("excluded", 3, "")


async def test_children_that_were_erased_with_a_person_take_part_again_with_him(ledger: Ledger) -> None:
    await fill(ledger, KEY, "excluded")
    await child_of(ledger, KEY)
    await ledger.write(privacy.erase, KEY, NOW)
    await ledger.write(requests.include, KEY, NOW)
    assert await ledger.read(pairs.get, CHILD) is None


async def test_a_person_whose_address_is_being_worked_on_is_not_erased(ledger: Ledger) -> None:
    await fill(ledger, KEY, "excluded")
    await child_of(ledger, KEY)
    await ledger.write(pairs.claim, CHILD, "one", NOW, NOW + 60)
    with pytest.raises(StillLiving, match=r"adressen/c is being worked on"):
        await ledger.write(privacy.erase, KEY, NOW)


def _add(conn: Connection, /, table: Any, **values: Any) -> None:
    conn.execute(insert(table).values(key=KEY, **values))


async def _left(ledger: Ledger, column: Any) -> set[str]:
    return set(await ledger.read(lambda conn: list(conn.execute(select(column)).scalars())))


async def test_what_is_open_is_never_pruned(ledger: Ledger) -> None:
    old = NOW - 1000 * DAY
    for state in (people.OPEN, people.DECIDED, people.KEPT, people.SETTLED):
        await ledger.write(_add, conflicts, id=state, field=state, kind="manual", state=state, opened_at=old)
    for intent in IntentState:
        values = {"fence": 1, "side": "advoware", "verb": "update", "writes": [], "sent_at": old}
        await ledger.write(_add, intents, id=intent, state=intent, **values)
    for state in ("owed", "posted", "closing", "closed"):
        await ledger.write(_add, messages, id=state, kind="task", topic=state, body={}, state=state, due_at=old)
    await ledger.write(_add, history, at=old, job="j", why="old")
    await ledger.write(_add, history, at=NOW, job="j", why="new")
    for guard_id in ("stopped", "answered"):
        await ledger.write(brakes.stop, guard_id, f"change:espocrm:{guard_id}", [KEY], {}, old, (MARK, MARK))
    await ledger.write(brakes.allow, "answered", old)
    await ledger.write(_add, pairs_table, entity="beteiligte", state="tombstone", admitted_by="linked", checked_at=old)

    await pruning.prune(ledger, NOW, 90)

    assert await _left(ledger, conflicts.c.id) == {people.OPEN, people.DECIDED}
    assert await _left(ledger, intents.c.id) == {IntentState.OPEN, IntentState.IN_DOUBT}
    assert await _left(ledger, messages.c.id) == {"owed", "posted", "closing"}
    assert await _left(ledger, history.c.why) == {"new"}
    assert await _left(ledger, guarded.c.guard_id) == await _left(ledger, guards.c.id) == {"stopped"}
    assert await _left(ledger, pairs_table.c.state) == {"tombstone"}
