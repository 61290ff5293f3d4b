"""A pass with more to do than is copied to the queue at once: nobody waits for the slowest record of a portion."""

from __future__ import annotations

import asyncio

import pytest

from syncd.sandbox.faults import Kind
from tests.engine.story import Story, told


@told(SYNCD_WORKERS="2", ADVOWARE_API_TIMEOUT_SECONDS="60")
async def test_the_next_portion_does_not_wait_for_a_slow_record(story: Story, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("syncd.app.DUE_BATCH", 3)
    pairs = await story.pairs([({}, {})] * 12)
    for espo_id, _ in pairs:
        story.espo.edit(espo_id, {"titel": "Prof."}, by="anna")
    story.fault(Kind.LATENCY, system="advoware", method="PUT", seconds=40.0, times=1)
    app = story.world.daemon()
    await app.open()
    await app.poll()
    passing = asyncio.create_task(app.drain(600.0))
    await story.without_daemon(30.0)
    titles = [story.advoware.see(betnr)["titel"] for _, betnr in pairs]
    assert titles.count("Prof.") == 11
    assert not passing.done()
    await passing
    assert {story.advoware.see(betnr)["titel"] for _, betnr in pairs} == {"Prof."}
