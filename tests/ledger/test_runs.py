"""Runs: begun, followed, paused and taken up again."""

from __future__ import annotations

from mappers.spec import Side
from syncd.lanes import Lane
from syncd.ledger import journal, runs, work
from syncd.ledger.runs import RunState
from syncd.ledger.store import Ledger
from syncd.ledger.work import Cause, Due

NOW = 1_800_000_000.0


async def test_a_run_tells_what_waits_for_it_and_what_it_has_changed(ledger: Ledger) -> None:
    await ledger.write(runs.start, "run1", "backfill", {"total": 3}, NOW)
    mine = Due("beteiligte/a", Lane.BACKFILL, Cause.EVENT, NOW, "run1")
    await ledger.write(work.put, [mine, Due("beteiligte/b", Lane.BACKFILL, Cause.EVENT, NOW)], NOW)
    changes = {"titel": (None, "Dr."), "zusatz": (None, "x")}
    by = journal.Author("job", "run1")
    await ledger.write(journal.record, "beteiligte/c", by, "sync", NOW, Side.ESPO, changes)
    await ledger.write(journal.record, "beteiligte/c", by, "linked:7", NOW)
    await ledger.write(runs.progress, "run1", {"cursor": "a"})
    found = await ledger.read(runs.get, "run1")
    assert found is not None
    assert (found["waiting"], found["changes"], found["detail"]) == (1, 2, {"total": 3, "cursor": "a"})
    assert await ledger.read(runs.get, "other") is None


async def test_a_paused_run_goes_on_and_one_that_is_done_is_listed_as_such(ledger: Ledger) -> None:
    await ledger.write(runs.start, "run1", "backfill", {}, NOW)
    await ledger.write(runs.start, "run2", "import", {}, NOW + 1)
    await ledger.write(runs.end, "run1", RunState.PAUSED, NOW + 2)
    await ledger.write(runs.end, "run2", RunState.DONE, NOW + 2)
    assert [row["id"] for row in await ledger.read(runs.listing)] == ["run2", "run1"]
    assert [row["id"] for row in await ledger.read(runs.listing, runs.UNFINISHED)] == ["run1"]
    assert [row["id"] for row in await ledger.read(runs.listing, kind="import")] == ["run2"]
    await ledger.write(runs.resume, "run1")
    found = await ledger.read(runs.get, "run1")
    assert found is not None
    assert (found["state"], found["ended_at"]) == (RunState.RUNNING, None)
