"""The calls per minute are kept by all daemons together, and what people typed just now is served first."""

from __future__ import annotations

import asyncio
from collections import Counter

from syncd.queue import EDIT_EVERY, EDITS_AT_ONCE
from syncd.sandbox.faults import Kind
from tests.engine.story import Story, told

GRANTED = {"advoware": 40, "espocrm": 90}
FEW = {f"SYNCD_{system.upper()}_CALLS_PER_MINUTE": str(limit) for system, limit in GRANTED.items()}


def busiest(story: Story, system: str) -> int:
    """The most calls to a system in any minute, logins included."""
    times = [call.at for call in story.sandbox.log.calls if call.system == system]
    return max(sum(start <= at < start + 60 for at in times) for start in times)


@told(**FEW)
async def test_no_minute_has_more_calls_than_granted_whatever_all_daemons_do(story: Story) -> None:
    pairs = story.sandbox.seed.synced(30)
    lives = [story.world.live(story.world.daemon(owner), 170) for owner in ("one", "two", "three")]

    async def trouble() -> None:
        for number, (espo_id, betnr) in enumerate(pairs[:12]):
            story.espo.edit(espo_id, {"titel": f"Dr. {number}"}, by="anna")
            story.advoware.edit(betnr, {"zusatz": f"Haus {number}"}, by="AB")
            if number % 3 == 0:
                story.world.flush_redis()
            story.sandbox.tokens.revoke()
            for system in GRANTED:
                story.fault(Kind.STATUS, system=system, method="GET", times=2)
            await story.world.clock.sleep(12)

    await asyncio.gather(*lives, trouble())
    for system, limit in GRANTED.items():
        assert limit / 2 < busiest(story, system) <= limit, system


@told(SYNCD_ADVOWARE_CALLS_PER_MINUTE="120", SYNCD_SWEEP_MIN_SECONDS="300", SYNCD_SWEEP_MAX_SECONDS="86400")
async def test_after_an_outage_what_is_typed_now_passes_what_piled_up(story: Story) -> None:
    pairs = story.sandbox.seed.synced(40)
    await story.live(90)
    story.sandbox.faults.down.add("advoware")
    for espo_id, _ in pairs[1:]:
        story.espo.edit(espo_id, {"titel": "Prof."}, by="anna")
    await story.live(90)
    story.sandbox.faults.down.clear()

    def arrived() -> set[int]:
        return {betnr for _, betnr in pairs if story.advoware.see(betnr)["titel"] == "Prof."}

    living = asyncio.create_task(story.live(240))
    while not arrived():
        await story.world.clock.sleep(1)
    now_id, now_number = pairs[0]
    story.espo.edit(now_id, {"titel": "Prof."}, by="anna")
    await story.world.clock.sleep(10)
    assert now_number in arrived()
    assert len(arrived()) < len(pairs) / 2, "the others are still on their way"
    await living
    assert len(arrived()) == len(pairs)


@told(SYNCD_POLL_SECONDS="1")
async def test_a_record_edited_in_a_loop_keeps_nobody_waiting(story: Story) -> None:
    (looped, _), (other, number) = await story.pairs([({}, {})] * 2)
    story.forget_calls()
    living = asyncio.create_task(story.live(90))
    for second in range(80):
        story.espo.edit(looped, {"titel": f"Dr. {second}"}, by="anna")
        if second == 60:
            story.espo.edit(other, {"titel": "Prof."}, by="anna")
        if second == 65:
            assert story.advoware.see(number)["titel"] == "Prof."
        await story.world.clock.sleep(1)
    await living
    puts = Counter(call.path.rpartition("/")[2] for call in story.calls() if call.method == "PUT")
    assert puts.pop(str(number)) == 1
    [often] = puts.values()
    assert 10 <= often <= 10 + 80 / 10 + 2
    await story.settle()
    assert story.espo.see(looped)["syncStatus"] == "clean"


@told(SYNCD_POLL_SECONDS="1")
async def test_whoever_edits_a_record_in_a_loop_gets_ten_turns_at_once_and_then_one_every_so_often(
    story: Story,
) -> None:
    espo_id, betnr = await story.pair()
    living = asyncio.create_task(story.live(150))
    for number in range(40):
        story.espo.edit(espo_id, {"titel": f"Dr. {number}"}, by="anna")
        await story.world.clock.sleep(2)
    puts = [one for one in story.writes(betnr) if one == ("advoware", "PUT")]
    assert EDITS_AT_ONCE <= len(puts) <= EDITS_AT_ONCE + 80 / EDIT_EVERY + 1
    await living
    assert story.advoware.see(betnr)["titel"] == "Dr. 39"
