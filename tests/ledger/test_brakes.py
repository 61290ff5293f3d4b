"""Guards stop a mass change, and let through exactly the records a person looked at."""

from __future__ import annotations

import pytest

from mappers.spec import Side
from syncd import guard
from syncd.guard import Limits
from syncd.lanes import Lane
from syncd.ledger import brakes, facts, pairs, requests, steps, work
from syncd.ledger.choices import NotKnown, Refusal
from syncd.ledger.store import Ledger
from syncd.model import FieldWrite

NOW, LEASE = 1_800_000_000.0, 60.0
LIMITS = Limits(delete_min=3, delete_percent=5.0, delete_run=20, create_per_hour=2, change_min=3, change_percent=25.0)
KIND = "change:espocrm:name"


def key(number: int) -> str:
    return f"beteiligte/{number:03}"


async def job(ledger: Ledger, number: int, now: float = NOW) -> steps.Job:
    taken = await ledger.write(pairs.claim, key(number), "one", now, now + LEASE)
    assert taken is not None
    return steps.Job(key(number), taken.fence, "job", now)


async def change(ledger: Ledger, number: int, now: float = NOW) -> str | None:
    """Announce a write of the name to Advoware; the guard's id if it is stopped."""
    working = await job(ledger, number, now)
    told = steps.Announcement(
        f"i{number}-{now}"[:32], Side.ADVOWARE, "update", (FieldWrite("name", "a", "b"),), edits=frozenset({"name"})
    )
    stopped = await ledger.write(steps.announce, working, told, LIMITS, f"g{number}")
    if stopped is not None:
        await ledger.write(steps.finish, working, steps.Ending(held=f"guard:{stopped}"), None)
    return stopped


async def test_a_field_changed_in_many_records_is_stopped_and_exactly_those_are_let_through(ledger: Ledger) -> None:
    ends = [await change(ledger, number) for number in range(5)]
    assert ends == [None, None, "g2", "g2", "g2"]
    [stopped] = await ledger.read(brakes.listing)
    assert stopped["keys"] == [key(2), key(3), key(4)]
    asked = await ledger.write(requests.allow, "g2", None, NOW + 1)
    assert asked.keys == (key(2), key(3), key(4))
    assert [due.key for due in await ledger.read(work.due, NOW + 1, 10)] == [key(2), key(3), key(4)]
    later = NOW + 100
    assert [await change(ledger, number, later) for number in (2, 3, 4)] == [None, None, None]
    assert await change(ledger, 9, later) == "g9", "a record nobody looked at waits for the next look"


async def test_a_change_that_was_let_through_is_not_counted_against_all_others(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(4):
        await change(ledger, number)
    await ledger.write(requests.allow, "g2", None, NOW)
    assert [await change(ledger, number, NOW + 1) for number in (4, 5, 6)] == [None, None, "g6"]
    monkeypatch.delattr(brakes, "seen_since")
    assert await change(ledger, 3, NOW + 2) is None


async def test_creations_beyond_the_hours_number_wait_for_a_person(ledger: Ledger) -> None:
    stopped = []
    for number in range(4):
        told = steps.Announcement(f"i{number}", Side.ADVOWARE, "create", (), f"name{number}")
        stopped.append(await ledger.write(steps.announce, await job(ledger, number), told, LIMITS, f"g{number}"))
    assert stopped == [None, None, "g2", "g2"]
    await ledger.write(requests.allow, "g2", None, NOW)
    assert await ledger.read(brakes.is_allowed, guard.CREATE_KIND, key(3))
    assert not await ledger.read(brakes.is_allowed, guard.CREATE_KIND, key(4))


async def test_what_was_let_through_once_is_a_new_question_the_next_time(ledger: Ledger) -> None:
    await ledger.write(brakes.stop, "g1", guard.CREATE_KIND, [key(1)], {}, NOW)
    await ledger.write(requests.allow, "g1", None, NOW)
    assert await ledger.read(brakes.is_allowed, guard.CREATE_KIND, key(1))
    await ledger.write(steps.created, await job(ledger, 1), "i1", 5)
    assert not await ledger.read(brakes.is_allowed, guard.CREATE_KIND, key(1))


async def test_too_many_missing_are_stopped_with_all_that_were_seen(ledger: Ledger) -> None:
    stopped = [
        await ledger.write(steps.missing, await job(ledger, number), Side.ADVOWARE, LIMITS, f"g{number}")
        for number in range(4)
    ]
    assert stopped == [None, None, "g2", "g2"]
    [told] = await ledger.read(brakes.listing)
    assert told["keys"] == [key(number) for number in range(4)]


@pytest.mark.parametrize("limits", [LIMITS, Limits(delete_percent=0, delete_run=2)], ids=["number", "succession"])
async def test_once_a_person_has_allowed_them_the_counting_begins_anew(ledger: Ledger, limits: Limits) -> None:
    async def missing(number: int) -> str | None:
        return await ledger.write(steps.missing, await job(ledger, number), Side.ADVOWARE, limits, f"g{number}")

    assert [await missing(number) for number in range(3)] == [None, None, "g2"]
    await ledger.write(requests.allow, "g2", None, NOW)
    assert [await missing(number) for number in (7, 8, 9)] == [None, None, "g9"]


async def test_while_the_brake_is_pulled_one_more_missing_is_stopped_too(ledger: Ledger) -> None:
    await ledger.write(brakes.stop, "g1", guard.missing_kind(Side.ADVOWARE), [key(1)], {}, NOW)
    assert await ledger.write(steps.missing, await job(ledger, 2), Side.ADVOWARE, LIMITS, "g2") == "g1"
    assert await ledger.write(steps.missing, await job(ledger, 3), Side.ESPO, LIMITS, "g3") is None


async def test_a_record_that_is_there_ends_the_succession(ledger: Ledger) -> None:
    kind = guard.missing_kind(Side.ADVOWARE)
    assert [await ledger.write(brakes.run_length, kind, 1) for _ in range(3)] == [1, 2, 3]
    for number in (1, 2):
        await ledger.write(brakes.see, kind, key(number), NOW)
    await ledger.write(steps.finish, await job(ledger, 1), steps.Ending(present=(Side.ADVOWARE,)), None)
    assert await ledger.write(brakes.run_length, kind, 1) == 1
    assert await ledger.read(brakes.keys_seen_since, kind, NOW) == [key(2)]


async def test_a_restored_backup_stops_everything_until_a_person_says_which_side_is_right(ledger: Ledger) -> None:
    for number in range(3):
        working = await job(ledger, number)
        await ledger.write(steps.went_back, working, Side.ESPO, f"g{number}")
        await ledger.write(steps.finish, working, steps.Ending(held="guard:g0"), None)
    paused = await ledger.read(facts.list_pauses)
    assert list(paused) == ["all"]
    with pytest.raises(Refusal, match="guard g0"):
        await ledger.write(requests.resume, "all", NOW)
    with pytest.raises(Refusal, match="by a guard"):
        await ledger.write(requests.pause, "all", "me too", NOW)
    with pytest.raises(Refusal, match="which side"):
        await ledger.write(requests.allow, "g0", None, NOW)

    waiting = work.Due("beteiligte/x", Lane.LIVE, work.Cause.EVENT, NOW)
    await ledger.write(work.put, [waiting], NOW)
    await ledger.write(work.done, "beteiligte/x", 1, None, NOW, "pause:all")
    await ledger.write(requests.allow, "g0", Side.ADVOWARE, NOW)
    assert await ledger.read(facts.list_pauses) == {}
    rows = await ledger.read(pairs.get_many, [key(number) for number in range(3)])
    assert {row["believe"] for row in rows.values()} == {"advoware"}
    assert "beteiligte/x" in [due.key for due in await ledger.read(work.due, NOW, 10)], "the others go on too"


async def test_which_side_is_right_is_asked_anew_days_later(ledger: Ledger) -> None:
    await ledger.write(steps.went_back, await job(ledger, 1), Side.ESPO, "g1")
    await ledger.write(requests.allow, "g1", Side.ADVOWARE, NOW)
    soon, later = NOW + guard.ANSWER_LIFE - 1, NOW + guard.ANSWER_LIFE
    assert await ledger.write(steps.went_back, await job(ledger, 2, soon), Side.ESPO, "g2") is Side.ADVOWARE
    assert await ledger.write(steps.went_back, await job(ledger, 3, later), Side.ESPO, "g3") == "g3"


async def test_a_side_is_only_for_restored_backups(ledger: Ledger) -> None:
    await ledger.write(brakes.stop, "g1", KIND, [key(1)], {}, NOW)
    with pytest.raises(Refusal, match="not about a restored backup"):
        await ledger.write(requests.allow, "g1", Side.ESPO, NOW)
    with pytest.raises(NotKnown):
        await ledger.write(requests.allow, "other", None, NOW)
    assert len(await ledger.read(brakes.listing)) == 1


async def test_a_pause_of_a_person_holds_and_lets_go(ledger: Ledger) -> None:
    await ledger.write(requests.pause, "side:advoware", "backup tonight", NOW)
    await ledger.write(work.put, [work.Due(key(1), Lane.LIVE, work.Cause.EVENT, NOW)], NOW)
    await ledger.write(work.done, key(1), 1, None, NOW, "pause:side:advoware")
    asked = await ledger.write(requests.resume, "side:advoware", NOW + 60)
    assert asked.text == "side:advoware goes on, 1 waiting"
    assert [due.key for due in await ledger.read(work.due, NOW + 60, 10)] == [key(1)]
    with pytest.raises(Refusal, match="not paused"):
        await ledger.write(requests.resume, "side:advoware", NOW)
