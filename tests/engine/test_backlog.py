"""More changed than one answer of EspoCRM tells: who comes first, and that nothing is left out."""

from __future__ import annotations

import asyncio

import pytest

from syncd import discovery
from syncd.ledger import work
from syncd.sandbox.faults import Kind
from tests.engine.story import POLL, Story, key, told

BACKLOG = 24  # records; at one to an answer and a second for each


def _slow_small_pages(story: Story, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(discovery, "PAGE", 1)
    monkeypatch.setattr(discovery, "LOOK_AFTER", 2)
    story.fault(Kind.LATENCY, system="espocrm", method="GET", route="*/CBeteiligte", seconds=1.0, times=None)


def _change_all(story: Story, pairs: list[tuple[str, int]]) -> None:
    for espo_id, _ in pairs:
        story.espo.edit(espo_id, {"titel": "Prof."}, by="anna")


def _arrived(story: Story, betnr: int) -> float:
    """When the first write to a person in Advoware was there."""
    return min(call.at for call in story.calls(f"Beteiligte/{betnr}") if call.method == "PUT")


@told(SYNCD_SWEEP_MIN_SECONDS="7200", SYNCD_SWEEP_MAX_SECONDS="86400")
async def test_who_edits_while_a_backlog_is_listed_does_not_wait_for_its_end(
    story: Story, monkeypatch: pytest.MonkeyPatch
) -> None:
    [(espo_id, betnr), *others] = await story.pairs([({}, {})] * (BACKLOG + 1))
    _change_all(story, others)
    await story.without_daemon(600)
    _slow_small_pages(story, monkeypatch)
    now = story.world.clock.now
    edited = now() + 5.0
    asyncio.get_running_loop().call_later(5.0, _change_all, story, [(espo_id, betnr)])
    began = now()
    await story.live(90)
    assert _arrived(story, betnr) - edited < POLL
    listed = [call.at for call in story.calls("CBeteiligte") if call.route.endswith("/CBeteiligte")]
    assert sum(began <= at for at in listed) > BACKLOG
    assert {story.advoware.see(number)["titel"] for _, number in others} == {"Prof."}


@told(SYNCD_WORKERS="4")
async def test_what_was_typed_last_is_worked_on_before_what_piled_up(
    story: Story, monkeypatch: pytest.MonkeyPatch
) -> None:
    [(_, betnr), *others] = pairs = await story.pairs([({}, {})] * (BACKLOG + 1))
    _change_all(story, others)
    await story.without_daemon(3600)
    _change_all(story, pairs[:1])
    await story.without_daemon(5)
    _slow_small_pages(story, monkeypatch)
    await story.live(90)
    assert _arrived(story, betnr) == min(_arrived(story, number) for _, number in pairs)
    assert {story.advoware.see(number)["titel"] for _, number in pairs} == {"Prof."}


@pytest.mark.parametrize("skew", [0.0, -90_000.0, 90_000.0])
@told()
async def test_an_edit_is_due_since_it_was_made_whatever_espocrms_clock_says(story: Story, skew: float) -> None:
    story.misdate_espocrm(skew)
    espo_id, _ = await story.pair()
    made = story.world.clock.now()
    story.espo.edit(espo_id, {"titel": "Prof."}, by="anna")
    await story.without_daemon(3600)
    await story.world.daemon().poll()
    due = await story.read(work.next_due, key(espo_id))
    assert due is not None
    assert abs(due.due_at - made) <= 2.0  # both clocks are told in whole seconds


@told()
async def test_what_one_poll_cannot_list_is_found_by_the_next_ones(
    story: Story, monkeypatch: pytest.MonkeyPatch
) -> None:
    pairs = await story.pairs([({}, {})] * 13)
    for pair in pairs:
        await story.without_daemon(120)
        _change_all(story, [pair])
    await story.without_daemon(120)
    monkeypatch.setattr(discovery, "PAGE", 2)
    monkeypatch.setattr(discovery, "MAX_PAGES", 2)
    await story.live(POLL * 4)
    assert [story.advoware.see(betnr)["titel"] for _, betnr in pairs] == ["Prof."] * 13
