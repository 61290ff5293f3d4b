"""Each thing that can be wrong in a ledger is found, told without touching anything, and mended without loss."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, delete, insert, select, text, update

from mappers.spec import Side
from syncd.lanes import Lane
from syncd.ledger import check, facts, journal, locks, pairs, people, work
from syncd.ledger.check import Finding, Mend
from syncd.ledger.engines import connect, sqlite_url
from syncd.ledger.schema import bases, conflicts, history, intents, metadata
from syncd.ledger.schema import pairs as pairs_table
from syncd.ledger.schema import work as work_table
from syncd.ledger.store import Inline, Ledger, LedgerUnavailable
from syncd.ledger.upgrade import is_current
from syncd.ledger.work import Cause, Due
from syncd.model import FieldWrite
from tests.ledger_on_the_spot import without_waiting_for_the_disk

KEY, OTHER = "beteiligte/a", "beteiligte/b"
NOW, DAY = 1_800_000_000.0, 86400.0
KNOWN = ("beteiligte", "adressen")
Make = Callable[[Connection], None]


@pytest.fixture
async def quick(sqlite_file: Path) -> AsyncIterator[Ledger]:
    """An empty ledger that does not wait for the disk."""
    opened = Ledger(Inline(without_waiting_for_the_disk(sqlite_url(sqlite_file))))
    yield opened
    opened.close()


def sound(conn: Connection) -> None:
    """Two living pairs of which nothing is wrong."""
    for key, number in ((KEY, 7), (OTHER, 8)):
        pairs.admit(conn, [key], "linked")
        linked = {"state": "linked", "trust": "own", "advoware_id": number}
        pairs.change(conn, key, linked | {"next_check_at": NOW + 60, "check_every": 300.0})
        journal.put_bases(conn, key, {"name": ("Muster", "Muster", "rule")})
        journal.record(conn, key, journal.Author("job"), "sync", NOW, Side.ESPO, {"name": ("Alt", "Muster")})
    pairs.admit(conn, ["adressen/c"], "parent")  # seen with its parent, so never by itself
    pairs.change(conn, "adressen/c", {"state": "linked", "trust": "own", "advoware_id": 3, "parent": KEY})


def forget_pair(conn: Connection) -> None:
    conn.execute(delete(pairs_table).where(pairs_table.c.key == KEY))


def intent(conn: Connection, state: str, at: float = NOW - 2 * DAY) -> None:
    journal.announce(conn, "i1", KEY, 1, Side.ADVOWARE, "update", (FieldWrite("name", "Alt", "Neu"),), at)
    conn.execute(update(intents).values(state=state))


def conflict(conn: Connection, state: str) -> None:
    values = {"espo": "Neu", "advoware": "Alt", "opened_at": NOW - 9 * DAY, "state": state}
    conn.execute(insert(conflicts).values(id="c1", key=KEY, field="name", kind="manual", **values))


def double(conn: Connection) -> None:
    conn.execute(text("DROP INDEX pairs_living"))
    conn.execute(update(pairs_table).values(advoware_id=7))


def made(*steps: Callable[..., None], **values: Any) -> Make:
    def make(conn: Connection) -> None:
        for step in steps:
            step(conn)
        if values:
            pairs.change(conn, KEY, values)

    return make


def waits(cause: Cause = Cause.EVENT, key: str = KEY, since: float = NOW - 2 * DAY) -> Callable[[Connection], None]:
    return lambda conn: work.put(conn, [Due(key, Lane.LIVE, cause, since)], since)


DEFECTS: dict[str, tuple[Make, str, str, Mend | None]] = {
    "bases without a pair": (made(forget_pair), "orphan", KEY, Mend.FORGET),
    "history without a pair": (
        made(forget_pair, lambda conn: conn.execute(delete(bases).where(bases.c.key == KEY))), "orphan", KEY, None,
    ),
    "an open conflict without a pair": (made(forget_pair, lambda conn: conflict(conn, "open")), "orphan", KEY, None),
    "a write in doubt without a pair": (
        made(forget_pair, lambda conn: intent(conn, "in_doubt")), "orphan", KEY, None,
    ),
    "work of an unknown record": (made(forget_pair, waits()), "work_of_nobody", KEY, Mend.DROP),
    "work of an unknown entity": (made(waits(key="akten/a", since=NOW)), "work_of_nobody", "akten/a", Mend.DROP),
    "bases of a pair linked to nobody": (made(state="new", advoware_id=None), "base_without_link", KEY, Mend.FORGET),
    "a write in doubt for days": (made(lambda conn: intent(conn, "in_doubt")), "old_intent", KEY, Mend.LOOK),
    "a write in doubt of an excluded record": (
        made(lambda conn: intent(conn, "open"), state="excluded"), "old_intent", KEY, None,
    ),
    "a decision nobody carries out": (made(lambda conn: conflict(conn, "decided")), "undone_decision", KEY, Mend.LOOK),
    "a retry nobody makes": (made(status="failed", next_try_at=NOW - 5), "forgotten", KEY, Mend.LOOK),
    "a status nobody writes": (made(owed={"syncStatus": "failed"}), "forgotten", KEY, Mend.LOOK),
    "a pair nobody looks at": (made(next_check_at=None), "forgotten", KEY, Mend.LOOK),
    "one number in two living pairs": (made(double), "double_advoware", KEY, None),
    "one record under two names": (
        made(lambda conn: pairs.admit(conn, ["akten/a"], "linked")), "double_espocrm", KEY, None,
    ),
    "a pair of no entity": (
        made(lambda conn: pairs.admit(conn, ["akten/x"], "linked")), "foreign_key", "akten/x", None,
    ),
    "a pair linked to no number": (made(advoware_id=None), "no_counterpart", KEY, None),
    "a word of another program": (made(trust="sure"), "foreign_word", KEY, None),
}  # fmt: skip


def everything(conn: Connection) -> dict[str, list[Any]]:
    return {
        name: [tuple(row) for row in conn.execute(select(table).order_by(*table.primary_key))]
        for name, table in metadata.tables.items()
    }


async def found(ledger: Ledger) -> list[Finding]:
    return await ledger.read(check.find, KNOWN, NOW)


async def test_a_sound_ledger_has_no_findings(quick: Ledger) -> None:
    await quick.write(sound)
    await quick.write(waits(Cause.SWEEP, since=NOW))
    await quick.write(work.receive, [("beteiligte/new", "create", '{"id": "new"}')], NOW)
    await quick.write(made(lambda conn: intent(conn, "open", NOW - 60), lambda conn: conflict(conn, "open")))
    assert [await quick.read(part) for part in (check.integrity, check.shape)] == [[], []]
    assert await found(quick) == []


@pytest.mark.parametrize("name", DEFECTS)
async def test_a_defect_is_found_and_mended_and_finding_changes_nothing(quick: Ledger, name: str) -> None:
    make, defect, key, mend = DEFECTS[name]
    await quick.write(sound)
    await quick.write(make)
    before = await quick.read(everything)
    assert (defect, key, mend) in [(one.defect, one.key, one.mend) for one in await found(quick)]
    assert await quick.read(everything) == before
    mended = await quick.write(check.mend, KNOWN, NOW)
    assert ((defect, key, mend) in [(one.defect, one.key, one.mend) for one in mended]) == (mend is not None)
    if mend is Mend.LOOK:
        assert [one.key for one in await quick.read(work.due, NOW, 10)] == [key]
        assert await quick.write(pairs.claim, key, "worker", NOW, NOW + 60) is not None
    elif mend is not None:
        assert (defect, key, mend) not in [(one.defect, one.key, one.mend) for one in await found(quick)]


@pytest.mark.postgres
def test_postgresql_finds_and_mends_the_same(postgres_url: str) -> None:
    engine = connect(postgres_url)
    for make, defect, key, mend in DEFECTS.values():
        with engine.connect() as conn, conn.begin() as transaction:
            sound(conn)
            make(conn)
            there = [(one.defect, one.key, one.mend) for one in check.find(conn, KNOWN, NOW)]
            assert (defect, key, mend) in there
            assert len(check.mend(conn, KNOWN, NOW)) == sum(one is not None for _, _, one in there)
            transaction.rollback()
    engine.dispose()


async def test_mending_keeps_all_that_people_entered(quick: Ledger) -> None:
    await quick.write(sound)
    await quick.write(made(forget_pair, lambda conn: intent(conn, "in_doubt"), lambda conn: conflict(conn, "open")))
    await quick.write(pairs.change, OTHER, {"state": "tombstone"})
    kept = (conflicts, intents, history, pairs_table)
    before = await quick.read(everything)
    assert await quick.write(check.mend, KNOWN, NOW)
    after = await quick.read(everything)
    assert {table.name: after[table.name] for table in kept} == {table.name: before[table.name] for table in kept}


async def test_a_record_being_worked_on_is_left_to_its_job(quick: Ledger) -> None:
    await quick.write(sound)
    await quick.write(made(lambda conn: conflict(conn, "decided"), next_check_at=None))
    await quick.write(pairs.claim, KEY, "worker", NOW, NOW + 60)
    assert await found(quick) == []


async def test_a_table_or_index_that_is_missing_is_told(quick: Ledger) -> None:
    await quick.write(lambda conn: conn.execute(text("DROP INDEX pairs_living")))
    await quick.write(lambda conn: conn.execute(text("DROP TABLE sightings")))
    assert {one.text.partition(" is missing")[0] for one in await quick.read(check.shape)} == {
        "index pairs_living",
        "table sightings",
    }


def test_a_file_that_is_no_database_is_told_and_no_bug(sqlite_file: Path) -> None:
    _damage(sqlite_file, 0)
    with pytest.raises(LedgerUnavailable, match="not a database"):
        is_current(sqlite_url(sqlite_file))


async def test_a_file_damaged_in_one_place_is_told_by_its_check(quick: Ledger, tmp_path: Path) -> None:
    for number in range(100):
        await quick.write(facts.put, f"fact{number}", "x" * 1000)
    quick.close()
    _damage(tmp_path / "ledger.db", -5000)
    damaged = Ledger(Inline(connect(sqlite_url(tmp_path / "ledger.db"))))
    assert {one.defect for one in await damaged.read(check.integrity)} == {"damaged"}
    damaged.close()


def _damage(file: Path, start: int) -> None:
    whole = bytearray(file.read_bytes())
    start %= len(whole)
    whole[start : start + 2000] = b"\xff" * 2000
    file.write_bytes(whole)


# --- claims of the dead -----------------------------------------------------------------------


async def test_a_claim_that_ran_out_is_ended_counted_and_looked_at_again(quick: Ledger) -> None:
    await quick.write(sound)
    dead = await quick.write(pairs.claim, KEY, "dead", NOW - 100, NOW - 40)
    assert dead is not None
    await quick.write(pairs.claim, OTHER, "alive", NOW, NOW + 60)
    assert [row["key"] for row in await quick.read(locks.run_out, NOW)] == [KEY]
    assert await quick.write(locks.end_run_out, NOW) == [KEY]
    row = await quick.read(pairs.get, KEY)
    assert row is not None
    assert (row["claimed_by"], row["crashes"]) == (None, 1)
    assert [one.key for one in await quick.read(work.due, NOW, 10)] == [KEY]
    with pytest.raises(pairs.FenceLost):
        await quick.write(pairs.release, KEY, dead.fence)


async def test_work_that_waits_already_stays_as_it_is(quick: Ledger) -> None:
    await quick.write(sound)
    await quick.write(waits(Cause.RETRY))
    before = await quick.read(lambda conn: conn.execute(select(work_table)).all())
    await quick.write(pairs.claim, KEY, "dead", NOW - 100, NOW - 40)
    await quick.write(locks.end_run_out, NOW)
    assert await quick.read(lambda conn: conn.execute(select(work_table)).all()) == before


async def test_pruning_counts_what_it_then_removes_in_any_number_of_portions(
    quick: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    from syncd.ledger import pruning

    monkeypatch.setattr(pruning, "AT_ONCE", 2)
    await quick.write(sound)
    for number in range(5):
        author = journal.Author(f"job{number}")
        await quick.write(journal.record, KEY, author, "sync", NOW - 100 * DAY, Side.ESPO, {"name": ("a", "b")})
    await quick.write(lambda conn: conflict(conn, people.SETTLED))
    told = {rule.what: await quick.read(pruning.count, rule) for rule in pruning.rules(NOW, 5)}
    assert (told["history"], told["settled conflicts and replaced values"]) == (5, 1)
    assert await pruning.prune(quick, NOW, 5) == told
    assert (await pruning.prune(quick, NOW, 5))["history"] == 0
    assert len(await quick.read(journal.of_record, KEY)) == 1
