"""Looking round in Advoware: active records are seen soon, quiet ones later, none twice."""

from __future__ import annotations

import asyncio

from syncd.passes import one_pass
from tests.engine.story import Story, told

SOON = 60.0
RARE = {
    "SYNCD_SWEEP_MIN_SECONDS": "60",
    "SYNCD_SWEEP_MAX_SECONDS": "7200",
    "SYNCD_ADVOWARE_CALLS_PER_MINUTE": "300",
    "SYNCD_POLL_SECONDS": "15",
    "SYNCD_FULL_PASS_HOURS": "24",
}


def looks(story: Story, betnr: int) -> int:
    """How often a Beteiligter was read."""
    return len([call for call in story.calls(f"Beteiligte/{betnr}") if call.method == "GET"])


@told(**RARE)
async def test_an_active_record_is_seen_sooner_than_a_quiet_one_and_that_one_too(story: Story) -> None:
    (active, number), (quiet, other) = await story.pairs([({}, {})] * 2)
    await story.without_daemon(48 * 3600)
    story.espo.edit(active, {"titel": "Prof."}, by="anna")
    await story.world.live(story.world.daemon(), SOON, pace=15)
    story.advoware.edit(number, {"zusatz": "z. Hd. Muster"}, by="AB")
    story.advoware.edit(other, {"zusatz": "z. Hd. Muster"}, by="AB")
    await story.world.live(story.world.daemon(), 2 * SOON, pace=15)
    assert story.espo.see(active)["zusatz"] == "z. Hd. Muster"
    assert story.espo.see(quiet)["zusatz"] != "z. Hd. Muster"
    await story.world.live(story.world.daemon(), 16 * SOON, pace=60)
    assert story.espo.see(quiet)["zusatz"] == "z. Hd. Muster"


@told(**RARE)
async def test_several_daemons_look_at_each_record_once(story: Story) -> None:
    everyone = await story.pairs([({}, {})] * 8)
    await story.without_daemon(48 * 3600)
    story.forget_calls()
    lives = [story.world.live(story.world.daemon(name), 90, pace=15) for name in ("one", "two", "three")]
    assert all(await asyncio.gather(*lives))
    assert [looks(story, betnr) for _, betnr in everyone] == [1] * 8


@told(**RARE)
async def test_a_single_pass_looks_round_too(story: Story) -> None:
    espo_id, betnr = await story.pair()
    await story.without_daemon(3600)
    story.advoware.edit(betnr, {"titel": "Prof."}, by="AB")
    await one_pass(story.world.daemon("run"), 60.0, lambda done, total: None)
    assert story.espo.see(espo_id)["titel"] == "Prof."
    pair = (await story.known(espo_id))["pair"]
    assert pair["check_every"] == SOON
