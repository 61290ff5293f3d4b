"""Failing tries, systems that are away, credentials that are wrong."""

from __future__ import annotations

from typing import Any

import pytest

from syncd.sandbox.faults import Kind
from tests.engine.story import POLL, Story, told

WAITS = (1, 5, 15, 60, 240)  # minutes
RARELY = {"SYNCD_SWEEP_MIN_SECONDS": "300", "SYNCD_SWEEP_MAX_SECONDS": "86400"}
SOON = {"SYNCD_RETRY_MINUTES": "0.2,0.2,0.2,0.2,0.2", "SYNCD_AUTO_RESET_HOURS": "0.05"}


def broken(story: Story, betnr: int, **what: Any) -> int:
    """Everything about this Beteiligter fails in Advoware."""
    return story.fault(Kind.STATUS, system="advoware", route=f"*/Beteiligte/{betnr}", times=None, **what)


@told(**RARELY)
async def test_a_failing_record_is_tried_after_1_5_15_60_240_minutes_and_then_given_up(story: Story) -> None:
    espo_id, betnr = await story.pair()
    broken(story, betnr)
    story.espo.edit(espo_id, {"titel": "Prof."}, by="anna")
    await story.live(POLL)
    for tries, minutes in enumerate(WAITS):
        seen = story.espo.see(espo_id)
        assert (seen["syncStatus"], seen["syncRetryCount"] or 0) == ("failed", tries)
        assert seen["syncNextRetry"] is not None
        await story.without_daemon(minutes * 60 * 0.9 - 15)
        story.forget_calls()
        await story.live(3)
        assert story.calls(betnr) == [], f"tried before {minutes} minutes were over"
        await story.without_daemon(minutes * 60 * 0.2 + 5)
        await story.live(POLL)
    seen = story.espo.see(espo_id)
    assert (seen["syncStatus"], seen["syncRetryCount"]) == ("permanently_failed", 5)
    assert seen["syncAutoResetAt"] is not None
    story.forget_calls()
    await story.without_daemon(20 * 3600)
    await story.live(POLL)
    assert story.calls(betnr) == []
    story.sandbox.faults.clear()
    await story.without_daemon(4 * 3600)
    await story.live(POLL)
    seen = story.espo.see(espo_id)
    assert (seen["syncStatus"], seen["syncRetryCount"] or 0, seen["syncAutoResetAt"]) == ("clean", 0, None)
    assert story.advoware.see(betnr)["titel"] == "Prof."


@told(**{**RARELY, **SOON})
async def test_after_the_reset_the_tries_begin_anew(story: Story) -> None:
    espo_id, betnr = await story.pair()
    broken(story, betnr)
    story.espo.edit(espo_id, {"titel": "Prof."}, by="anna")
    await story.live(110)
    assert story.status(espo_id) == "permanently_failed"
    await story.live(170)
    seen = story.espo.see(espo_id)
    assert seen["syncStatus"] == "failed"
    assert seen["syncRetryCount"] < 5


@told(**RARELY)
async def test_a_success_ends_the_counting(story: Story) -> None:
    espo_id, betnr = await story.pair()
    rule = broken(story, betnr)
    story.espo.edit(espo_id, {"titel": "Prof."}, by="anna")
    await story.live(POLL)
    story.sandbox.faults.remove(rule)
    await story.live(75)
    seen = story.espo.see(espo_id)
    assert (seen["syncStatus"], seen["syncRetryCount"] or 0) == ("clean", 0)
    assert (seen["syncNextRetry"], seen["syncErrorMessage"]) == (None, None)


@pytest.mark.parametrize("act", ["types something", "sets dirty", "asks for a retry"])
@told(**RARELY)
async def test_a_person_resets_count_and_wait(story: Story, act: str) -> None:
    espo_id, betnr = await story.pair()
    rule = broken(story, betnr, method="PUT")
    story.espo.edit(espo_id, {"titel": "Prof."}, by="anna")
    await story.live(POLL)
    await story.live(75)
    assert story.espo.see(espo_id)["syncRetryCount"] == 1
    if act == "types something":
        story.espo.edit(espo_id, {"zusatz": "Hinterhaus"}, by="anna")
    elif act == "sets dirty":
        story.espo.edit(espo_id, {"syncStatus": "dirty"}, by="anna")
    else:
        await story.desk.retry([(await story.known(espo_id))["pair"]["key"]])
    await story.live(POLL)
    seen = story.espo.see(espo_id)
    assert (seen["syncStatus"], seen["syncRetryCount"] or 0) == ("failed", 0)
    story.sandbox.faults.remove(rule)
    await story.live(75)
    assert story.status(espo_id) == "clean"


@told(**RARELY)
async def test_an_unmapped_edit_of_a_failed_record_is_no_loss(story: Story) -> None:
    espo_id, betnr = await story.pair()
    rule = broken(story, betnr)
    story.espo.edit(espo_id, {"titel": "Prof."}, by="anna")
    await story.live(POLL)
    story.espo.edit(espo_id, {"description": "nur hier"}, by="anna")
    await story.live(POLL)
    story.sandbox.faults.remove(rule)
    await story.live(75)
    assert (story.status(espo_id), story.advoware.see(betnr)["titel"]) == ("clean", "Prof.")


@told(**{**RARELY, **SOON})
async def test_a_record_espocrm_cannot_show_is_tried_at_its_times_only_and_given_up(story: Story) -> None:
    espo_id, _ = await story.pair()
    rule = story.fault(Kind.STATUS, system="espocrm", method="GET", route=f"*/CBeteiligte/{espo_id}", times=None)
    story.espo.edit(espo_id, {"titel": "Prof."}, by="anna")
    await story.live(POLL)
    pair = (await story.known(espo_id))["pair"]
    assert (pair["status"], pair["retries"]) == ("failed", 0)
    await story.live(110)
    pair = (await story.known(espo_id))["pair"]
    assert (pair["status"], pair["retries"]) == ("permanently_failed", 5)
    story.sandbox.faults.remove(rule)
    await story.live(POLL)
    assert story.status(espo_id) == "clean"


@told()
async def test_a_poison_record_delays_nobody(story: Story) -> None:
    pairs = await story.pairs([({}, {})] * 4)
    broken(story, pairs[0][1])
    for espo_id, _ in pairs:
        story.espo.edit(espo_id, {"titel": "Prof."}, by="anna")
    await story.live(POLL)
    assert [story.status(espo_id) for espo_id, _ in pairs] == ["failed", "clean", "clean", "clean"]
    assert [story.advoware.see(betnr)["titel"] for _, betnr in pairs[1:]] == ["Prof."] * 3


OUTAGES: dict[str, tuple[str, dict[str, Any]]] = {
    "espocrm is offline": ("espocrm", {}),
    "advoware is offline": ("advoware", {}),
    "espocrm answers 503": ("espocrm", {"status": 503}),
    "espocrm answers 502": ("espocrm", {"status": 502}),
    "advoware answers 503": ("advoware", {"status": 503, "retry_after": "10"}),
    "advoware answers 429": ("advoware", {"status": 429}),
    "espocrm locks our address out": ("espocrm", {"status": 403}),
}


@pytest.mark.parametrize("name", OUTAGES)
@told()
async def test_an_outage_uses_no_records_try_and_everything_arrives_afterwards(story: Story, name: str) -> None:
    system, answer = OUTAGES[name]
    pairs = await story.pairs([({}, {})] * 3)
    if answer:
        story.fault(Kind.STATUS, system=system, times=None, **answer)
    else:
        story.sandbox.faults.down.add(system)
    story.espo.edit(pairs[0][0], {"titel": "Prof."}, by="anna")
    story.advoware.edit(pairs[1][1], {"titel": "Prof."}, by="AB")
    await story.live(60)
    for espo_id, _ in pairs:
        assert story.status(espo_id) in ("clean", "dirty")
        assert not story.espo.see(espo_id)["syncRetryCount"]
    assert story.status(pairs[0][0]) == "dirty"
    story.sandbox.faults.clear()
    await story.live(100)
    assert {story.status(espo_id) for espo_id, _ in pairs} == {"clean"}
    assert story.advoware.see(pairs[0][1])["titel"] == story.espo.see(pairs[1][0])["titel"] == "Prof."


@told()
async def test_the_firms_server_not_being_signed_in_is_an_outage(story: Story) -> None:
    espo_id, betnr = await story.pair()
    story.sandbox.tokens.signed_in = False
    story.espo.edit(espo_id, {"titel": "Prof."}, by="anna")
    await story.live(30)
    assert story.status(espo_id) == "dirty"
    story.sandbox.tokens.signed_in = True
    await story.live(100)
    assert (story.status(espo_id), story.advoware.see(betnr)["titel"]) == ("clean", "Prof.")


@told()
async def test_during_an_outage_the_system_is_hardly_called(story: Story) -> None:
    pairs = await story.pairs([({}, {})] * 5)
    story.sandbox.faults.down.add("advoware")
    for espo_id, _ in pairs:
        story.espo.edit(espo_id, {"titel": "Prof."}, by="anna")
    await story.live(20)
    story.forget_calls()
    await story.live(60)
    assert len(story.calls("advonet")) < 60


@told()
async def test_maintenance_of_espocrm_is_an_outage(story: Story) -> None:
    espo_id, betnr = await story.pair()
    story.sandbox.espo.door.maintenance = True
    story.advoware.edit(betnr, {"titel": "Prof."}, by="AB")
    await story.live(30)
    story.sandbox.espo.door.maintenance = False
    await story.live(100)
    seen = story.espo.see(espo_id)
    assert (seen["titel"], seen["syncStatus"], seen["syncRetryCount"] or 0) == ("Prof.", "clean", 0)


@told()
async def test_a_wrong_password_is_tried_twice_at_most_and_then_nobody_calls(story: Story) -> None:
    espo_id, _ = await story.pair()
    story.sandbox.tokens.password = "changed"
    story.sandbox.tokens.revoke()
    story.espo.edit(espo_id, {"titel": "Prof."}, by="anna")
    await story.live(120)
    assert story.sandbox.tokens.wrong_passwords <= 2
    assert story.status(espo_id) == "dirty"
    assert not story.espo.see(espo_id)["syncRetryCount"]


@told()
async def test_a_wrong_api_key_of_espocrm_stops_the_calls_before_the_address_is_locked_out(story: Story) -> None:
    _, betnr = await story.pair()
    story.sandbox.espo.door.keys.clear()
    story.advoware.edit(betnr, {"titel": "Prof."}, by="AB")
    await story.live(20)
    story.forget_calls()
    await story.live(60)
    assert len([call for call in story.calls() if call.system == "espocrm"]) <= 2


@told()
async def test_a_status_that_cannot_be_written_is_owed_and_written_later(story: Story) -> None:
    espo_id, betnr = await story.pair()
    broken(story, betnr)
    rule = story.fault(Kind.STATUS, system="espocrm", method="PATCH", times=None)
    story.espo.edit(espo_id, {"titel": "Prof."}, by="anna")
    await story.live(POLL)
    assert story.status(espo_id) == "dirty"
    known = await story.known(espo_id)
    assert known["pair"]["status"] == "failed"
    assert known["pair"]["owed"]["syncStatus"] == "failed"
    story.sandbox.faults.remove(rule)
    await story.live(75)
    seen = story.espo.see(espo_id)
    assert (seen["syncStatus"], seen["syncRetryCount"]) in (("failed", None), ("failed", 1))
    story.sandbox.faults.clear()
    await story.live(330)
    assert (story.status(espo_id), story.advoware.see(betnr)["titel"]) == ("clean", "Prof.")


@told()
async def test_a_garbled_answer_is_a_failed_try_and_no_catastrophe(story: Story) -> None:
    espo_id, betnr = await story.pair()
    story.fault(Kind.HTML, system="advoware", method="GET", times=4)
    story.espo.edit(espo_id, {"titel": "Prof."}, by="anna")
    await story.live(POLL)
    await story.live(75)
    assert (story.status(espo_id), story.advoware.see(betnr)["titel"]) == ("clean", "Prof.")


@pytest.mark.parametrize("act", ["types something", "sets dirty"])
@told(**RARELY)
async def test_a_person_resets_the_count_even_while_advoware_cannot_be_read(story: Story, act: str) -> None:
    espo_id, betnr = await story.pair()
    rule = story.fault(Kind.STATUS, system="advoware", route=f"*/Beteiligte/{betnr}", times=None)
    story.espo.edit(espo_id, {"titel": "Prof."}, by="anna")
    await story.live(POLL)
    await story.live(75)
    assert story.espo.see(espo_id)["syncRetryCount"] == 1
    if act == "types something":
        story.espo.edit(espo_id, {"zusatz": "Hinterhaus"}, by="anna")
    else:
        story.espo.edit(espo_id, {"syncStatus": "dirty"}, by="anna")
    await story.live(POLL)
    seen = story.espo.see(espo_id)
    assert (seen["syncStatus"], seen["syncRetryCount"] or 0) == ("failed", 0)
    story.sandbox.faults.remove(rule)
    await story.live(75)
    assert story.status(espo_id) == "clean"
