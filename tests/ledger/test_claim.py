"""One job per record: whoever lost the record stores nothing, and a dead process holds nothing for ever."""

from __future__ import annotations

import asyncio

import pytest
from sqlalchemy import Connection

from mappers.spec import Side
from syncd.guard import Limits
from syncd.lanes import Lane
from syncd.ledger import journal, pairs, people, steps, work
from syncd.ledger.store import Ledger
from syncd.ledger.work import Cause, Due
from syncd.model import Base, FieldWrite, IntentState

KEY, OTHER = "beteiligte/a", "beteiligte/b"
NOW, LEASE = 1_800_000_000.0, 60.0
WRITES = (FieldWrite("name", "alt", "neu"),)


async def claimed(ledger: Ledger, owner: str, now: float = NOW, key: str = KEY) -> pairs.Claim:
    taken = await ledger.write(pairs.claim, key, owner, now, now + LEASE)
    assert taken is not None
    return taken


def job(taken: pairs.Claim, now: float = NOW) -> steps.Job:
    return steps.Job(taken.key, taken.fence, f"job{taken.fence}", now)


def update(intent: str = "i1") -> steps.Announcement:
    return steps.Announcement(intent, Side.ADVOWARE, "update", WRITES)


async def test_a_record_is_worked_on_by_one_job_at_a_time(ledger: Ledger) -> None:
    first = await claimed(ledger, "one")
    assert await ledger.write(pairs.claim, KEY, "two", NOW + LEASE - 1, NOW + 2 * LEASE) is None
    await ledger.write(pairs.release, KEY, first.fence)
    second = await claimed(ledger, "two", NOW + 1)
    assert second.fence == first.fence + 1


async def test_of_many_who_want_a_record_one_gets_it(ledger: Ledger) -> None:
    taken = await asyncio.gather(
        *(ledger.write(pairs.claim, KEY, f"owner{number}", NOW, NOW + LEASE) for number in range(20))
    )
    assert len([claim for claim in taken if claim is not None]) == 1


async def test_an_expired_claim_is_taken_over_and_counts_as_a_crash(ledger: Ledger) -> None:
    await claimed(ledger, "died")
    second = await claimed(ledger, "two", NOW + LEASE + 1)
    assert second.row["crashes"] == 1
    third = await claimed(ledger, "three", NOW + 2 * LEASE + 2)
    assert third.row["crashes"] == 2
    await ledger.write(pairs.release, KEY, third.fence)
    assert (await claimed(ledger, "four", NOW + 2 * LEASE + 3)).row["crashes"] == 0


async def test_a_claim_that_is_renewed_is_not_taken_over(ledger: Ledger) -> None:
    first = await claimed(ledger, "one")
    assert await ledger.write(pairs.renew, KEY, first.fence, NOW + 2 * LEASE)
    assert await ledger.write(pairs.claim, KEY, "two", NOW + LEASE + 1, NOW + 3 * LEASE) is None


async def test_an_older_fence_can_store_nothing(ledger: Ledger) -> None:
    late = await claimed(ledger, "late")
    await ledger.write(work.put, [Due(KEY, Lane.LIVE, Cause.EVENT, NOW)], NOW)
    newer = await claimed(ledger, "newer", NOW + LEASE + 1)
    ending = steps.Ending(pair={"status": "clean"}, agreed={"name": ("a", "a", "rule")}, event="late")
    for step in (
        lambda conn: steps.announce(conn, job(late), update(), Limits(), "g1"),
        lambda conn: steps.created(conn, job(late), "i1", 5),
        lambda conn: steps.confirm(conn, job(late), steps.Confirmation("i1", {"name": ("a", "a", "rule")})),
        lambda conn: steps.conclude(conn, job(late), "i1", IntentState.DONE),
        lambda conn: steps.refuse(conn, job(late), None, Side.ESPO, "name", "x", "valid"),
        lambda conn: steps.link(conn, job(late), 5, {}, True, None, {}),
        lambda conn: steps.remember(conn, job(late), {"kommunikation:1": Base("a", "a", "rule")}),
        lambda conn: steps.put_back(conn, job(late), {"name": ("a", "b")}, ["titel"]),
        lambda conn: steps.finish(conn, job(late), ending, 1),
        lambda conn: steps.let_go(conn, job(late), 1),
    ):
        with pytest.raises(pairs.FenceLost):
            await ledger.write(step)
    assert not await ledger.write(pairs.renew, KEY, late.fence, NOW + 9 * LEASE)
    row = await ledger.read(pairs.get, KEY)
    assert row is not None
    assert (row["fence"], row["status"], row["advoware_id"]) == (newer.fence, None, None)
    assert await ledger.read(journal.unsettled, KEY) == ()
    assert await ledger.read(journal.of_record, KEY) == []
    assert await ledger.read(people.quarantined, KEY) == {}
    assert await ledger.read(work.next_due, KEY) is not None


async def test_a_job_that_released_its_record_can_store_nothing_more(ledger: Ledger) -> None:
    taken = await claimed(ledger, "one")
    await ledger.write(steps.finish, job(taken), steps.Ending(), None)
    with pytest.raises(pairs.FenceLost):
        await ledger.write(steps.announce, job(taken), update(), Limits(), "g1")


async def test_the_end_of_a_job_is_stored_whole_or_not_at_all(ledger: Ledger) -> None:
    await ledger.write(work.put, [Due(KEY, Lane.LIVE, Cause.EVENT, NOW)], NOW)
    taken = await claimed(ledger, "one")
    conflict = steps.Waiting("c1", "name", "manual", {"espo": "a", "advoware": "b", "opened_at": NOW})
    ending = steps.Ending(
        pair={"status": "conflict"},
        agreed={"vorname": ("a", "a", "rule")},
        waiting=(conflict,),
        open_fields=("name",),
        messages=(steps.Message("m1", "task", "waiting", {"text": "?"}),),
        follow=Due(KEY, Lane.LATE, Cause.LATE, NOW + 3),
        event="settled",
    )

    def stumble(conn: Connection) -> None:
        steps.finish(conn, job(taken), ending, 1)
        raise RuntimeError("the process died here")

    with pytest.raises(RuntimeError):
        await ledger.write(stumble)
    everything = await ledger.read(pairs.everything, KEY)
    assert [name for name, rows in everything.items() if name != "pair" and rows] == []
    assert await ledger.read(people.owed_messages, NOW, 10) == []

    await ledger.write(steps.finish, job(taken), ending, 1)
    everything = await ledger.read(pairs.everything, KEY)
    assert [name for name, rows in everything.items() if rows] == ["pair", "bases", "history", "conflicts"]
    assert [message["id"] for message in await ledger.read(people.owed_messages, NOW, 10)] == ["m1"]
    assert await ledger.read(work.due, NOW + 3, 10) == [Due(KEY, Lane.LATE, Cause.LATE, NOW + 3)]


async def test_what_a_dead_job_left_open_is_in_doubt_for_the_next(ledger: Ledger) -> None:
    first = await claimed(ledger, "died")
    await ledger.write(steps.announce, job(first), update(), Limits(), "g1")
    second = await claimed(ledger, "two", NOW + LEASE + 1)
    assert [(intent.id, intent.state) for intent in second.memory.intents] == [("i1", IntentState.IN_DOUBT)]


async def test_one_write_is_open_per_record_and_side(ledger: Ledger) -> None:
    taken = await claimed(ledger, "one")
    await ledger.write(steps.announce, job(taken), update("i1"), Limits(), "g1")
    with pytest.raises(steps.NameBusy):
        await ledger.write(steps.announce, job(taken), update("i2"), Limits(), "g1")


async def test_a_write_that_was_read_back_makes_room_for_the_next(ledger: Ledger) -> None:
    taken = await claimed(ledger, "one")
    for intent in ("i1", "i2"):
        await ledger.write(steps.announce, job(taken), update(intent), Limits(), "g1")
        await ledger.write(steps.confirm, job(taken), steps.Confirmation(intent))
    assert await ledger.read(journal.unsettled, KEY) == ()


async def test_of_writes_in_doubt_only_updates_of_long_ago_are_given_up(ledger: Ledger) -> None:
    taken = await claimed(ledger, "one")
    for intent, verb, sent in (("old", "update", NOW), ("new", "update", NOW + 100), ("create", "create", NOW)):
        told = steps.Announcement(intent, Side.ADVOWARE, verb, WRITES)
        await ledger.write(steps.announce, job(taken, sent), told, Limits(), "g1")
        await ledger.write(steps.conclude, job(taken), intent, IntentState.IN_DOUBT)
    await ledger.write(journal.settle_updates, KEY, NOW + 50)
    assert [intent.id for intent in await ledger.read(journal.unsettled, KEY)] == ["create", "new"]


async def test_an_entry_that_neither_side_has_any_more_is_forgotten(ledger: Ledger) -> None:
    await claimed(ledger, "one")
    known = {"kommunikation:1": Base("a", "a", "rule"), "kommunikation:2": Base("b", "b", "rule")}
    await ledger.write(journal.put_entries, KEY, known)
    await ledger.write(journal.put_entries, KEY, {"kommunikation:1": None})
    assert [row["field"] for row in (await ledger.read(pairs.everything, KEY))["bases"]] == ["kommunikation:2"]


async def test_what_was_agreed_with_a_former_counterpart_says_nothing_of_one_just_created(ledger: Ledger) -> None:
    taken = await claimed(ledger, "one")
    await ledger.write(steps.link, job(taken), 104860, {}, False, None, {"name": ("alt", "alt", "rule")})
    await ledger.write(people.set_quarantine, KEY, Side.ADVOWARE, "name", "neu", "refused", NOW)
    told = steps.Announcement("i1", Side.ADVOWARE, "create", WRITES, "name")
    await ledger.write(steps.announce, job(taken), told, Limits(), "g1")
    await ledger.write(steps.created, job(taken), "i1", 104861)
    everything = await ledger.read(pairs.everything, KEY)
    assert (everything["bases"], everything["quarantine"]) == ([], [])


async def test_creates_of_one_name_run_one_at_a_time(ledger: Ledger) -> None:
    name = journal.name_key(("Müller", "Anna"))
    assert name == journal.name_key(("MÜLLER", "anna"))
    assert name != journal.name_key(("Müller", None))
    one, other = await claimed(ledger, "one"), await claimed(ledger, "two", key=OTHER)
    told = steps.Announcement("i1", Side.ADVOWARE, "create", WRITES, name)
    await ledger.write(steps.announce, job(one), told, Limits(), "g1")
    again = steps.Announcement("i2", Side.ADVOWARE, "create", WRITES, name)
    with pytest.raises(steps.NameBusy):
        await ledger.write(steps.announce, job(other), again, Limits(), "g1")
    await ledger.write(steps.created, job(one), "i1", 104860)
    await ledger.write(steps.announce, job(other), again, Limits(), "g1")


async def test_one_advoware_id_belongs_to_one_living_pair(ledger: Ledger) -> None:
    one, other = await claimed(ledger, "one"), await claimed(ledger, "two", key=OTHER)
    await ledger.write(steps.link, job(one), 104860, {}, False, None, {})
    assert await ledger.read(pairs.holders, "beteiligte", [104860], OTHER) == {104860: KEY}
    with pytest.raises(steps.LinkTaken):
        await ledger.write(steps.link, job(other), 104860, {}, False, None, {})
    await ledger.write(pairs.change, KEY, {"state": "tombstone"})
    assert await ledger.read(pairs.holders, "beteiligte", [104860]) == {}
    await ledger.write(steps.link, job(other), 104860, {}, False, None, {})
    assert await ledger.read(pairs.by_advoware_id, "beteiligte", 104860) == OTHER


async def test_a_record_that_does_not_take_part_leaves_no_row(ledger: Ledger) -> None:
    taken = await claimed(ledger, "one")
    await ledger.write(steps.let_go, job(taken), None)
    assert await ledger.read(pairs.get, KEY) is None


async def test_a_claim_whose_job_could_not_store_its_end_is_taken_again_at_once_and_is_no_death(ledger: Ledger) -> None:
    first = await ledger.write(pairs.claim, KEY, "one", NOW, NOW + LEASE)
    assert first is not None
    again = await ledger.write(pairs.claim, KEY, "one", NOW + 1, NOW + 1 + LEASE, first.fence)
    assert again is not None
    assert again.row["crashes"] == 0
    assert again.fence == first.fence + 1


async def test_only_that_claim_of_the_same_process_is_taken_so(ledger: Ledger) -> None:
    first = await ledger.write(pairs.claim, KEY, "one", NOW, NOW + LEASE)
    assert first is not None
    assert await ledger.write(pairs.claim, KEY, "two", NOW + 1, NOW + 1 + LEASE, first.fence) is None
    assert await ledger.write(pairs.claim, KEY, "one", NOW + 1, NOW + 1 + LEASE, first.fence - 1) is None
    later = await ledger.write(pairs.claim, KEY, "two", NOW + LEASE + 1, NOW + 2 * LEASE, first.fence)
    assert later is not None
    assert later.row["crashes"] == 1
