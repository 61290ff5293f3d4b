"""Between the permission to write and the sending a call may have to wait: for a login, for its turn, for a process
that stands still. What was permitted before is judged again directly before the request leaves."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from services.ports import Admission, Urgency
from syncd.sandbox.faults import Kind
from syncd.shared import RedisCircuit
from tests.engine.story import ESPO, Story, told
from tests.engine.test_several_daemons import together

LEASE = 6.0
PAUSE = 40.0
BRIEF = {"SYNCD_LEASE_SECONDS": "6", "ADVOWARE_API_TIMEOUT_SECONDS": "3", "ESPOCRM_API_TIMEOUT_SECONDS": "3"}


def stand_still(story: Story, monkeypatch: pytest.MonkeyPatch, side: str) -> Callable[[], None]:
    """Returns what makes the next call to a side wait for long, before it is sent: as a stopped process does."""
    armed: list[bool] = []
    admit = RedisCircuit.admit

    async def slow(self: RedisCircuit, asked: str, credentials: str, ticket: str, urgency: Urgency) -> Admission:
        if asked == side and armed:
            armed.clear()
            await story.world.clock.sleep(PAUSE)
        return await admit(self, asked, credentials, ticket, urgency)

    monkeypatch.setattr(RedisCircuit, "admit", slow)
    return lambda: armed.append(True)


async def both(story: Story, seconds: float) -> None:
    """Two daemons; what one holds in Redis is forgotten, as it is when it stands still for longer than its lease."""
    working = asyncio.create_task(together(story, seconds))
    for _ in range(4):
        await story.without_daemon(LEASE)
        story.world.flush_redis()
    await working


@told()
async def test_a_put_that_waited_for_a_login_overwrites_nothing_typed_meanwhile(story: Story) -> None:
    espo_id, betnr = await story.pair()
    story.espo.edit(espo_id, {"titel": "Prof."}, by="anna")
    story.fault(
        Kind.EDIT_AFTER, system="advoware", method="GET", route="*/Beteiligte/*", act=story.sandbox.tokens.revoke
    )
    story.fault(Kind.LATENCY, system="advoware", route="*/Token", seconds=12.0)
    living = asyncio.create_task(story.world.live(story.world.daemon(), 60))
    await story.without_daemon(9)
    story.advoware.edit(betnr, {"zusatz": "Hinterhaus"}, by="AB")
    await living
    seen = story.advoware.see(betnr)
    assert (seen["zusatz"], seen["titel"]) == ("Hinterhaus", "Prof.")
    assert (story.espo.see(espo_id)["zusatz"], story.status(espo_id)) == ("Hinterhaus", "clean")


@told(**BRIEF)
async def test_a_put_of_a_process_that_stood_still_overwrites_nothing(
    story: Story, monkeypatch: pytest.MonkeyPatch
) -> None:
    espo_id, betnr = await story.pair()
    story.espo.edit(espo_id, {"titel": "Prof."}, by="anna")
    arm = stand_still(story, monkeypatch, "advoware")
    story.fault(Kind.EDIT_AFTER, system="advoware", method="GET", route="*/Beteiligte/*", act=arm)
    working = asyncio.create_task(both(story, 80))
    await story.without_daemon(30)
    assert story.advoware.see(betnr)["titel"] == "Prof.", "the other daemon has taken over"
    story.advoware.edit(betnr, {"zusatz": "Hinterhaus"}, by="AB")
    await working
    seen = story.advoware.see(betnr)
    assert (seen["zusatz"], story.espo.see(espo_id)["zusatz"]) == ("Hinterhaus", "Hinterhaus")
    assert [one for one in story.writes(betnr) if one == ("advoware", "PUT")] == [("advoware", "PUT")]


@told(**BRIEF)
async def test_a_create_of_a_process_that_stood_still_makes_no_second_person(
    story: Story, monkeypatch: pytest.MonkeyPatch
) -> None:
    await story.pair()
    arm = stand_still(story, monkeypatch, "advoware")
    story.espo.create({**ESPO, "lastName": "Einmalig", "geburtsdatum": "1991-01-01"}, by="anna")
    story.fault(Kind.EDIT_AFTER, system="advoware", method="GET", route="*/Beteiligte", after=1, act=arm)
    await both(story, 120)
    assert [one["name"] for one in story.advoware.all()].count("Einmalig") == 1


@told(**BRIEF)
async def test_a_new_number_of_a_process_that_stood_still_is_not_entered_twice(
    story: Story, monkeypatch: pytest.MonkeyPatch
) -> None:
    espo_id, betnr = await story.pair()
    arm = stand_still(story, monkeypatch, "advoware")
    line = {"phoneNumber": "+495115551212", "type": "Office", "primary": True}
    story.espo.edit(espo_id, {"phoneNumberData": [line]}, by="anna")
    story.fault(Kind.EDIT_AFTER, system="advoware", method="GET", route="*/Beteiligte/*", act=arm)
    await both(story, 120)
    assert [one["tlf"] for one in story.advoware.see(betnr)["kommunikation"]] == ["+495115551212"]


@pytest.mark.parametrize("versions", [True, False])
@told(**BRIEF)
async def test_a_patch_of_a_process_that_stood_still_overwrites_nothing(
    story: Story, monkeypatch: pytest.MonkeyPatch, versions: bool
) -> None:
    story.sandbox.espo.schema["CBeteiligte"].optimistic = versions
    espo_id, betnr = await story.pair()
    story.advoware.edit(betnr, {"titel": "Prof."}, by="AB")
    arm = stand_still(story, monkeypatch, "espocrm")
    story.fault(Kind.EDIT_AFTER, system="espocrm", method="GET", route="*/CBeteiligte/*", act=arm)
    working = asyncio.create_task(both(story, 80))
    await story.without_daemon(35)
    assert story.espo.see(espo_id)["titel"] == "Prof.", "the other daemon has taken over"
    story.espo.edit(espo_id, {"titel": "Mag."}, by="anna")
    await working
    await story.settle()
    assert (story.espo.see(espo_id)["titel"], story.advoware.see(betnr)["titel"]) == ("Mag.", "Mag.")
