"""How many calls a record costs, and that nothing is written while nothing changes."""

from __future__ import annotations

import pytest

from syncd.sandbox.faults import Kind
from tests.engine.story import POLL, Story, told

RARELY = {"SYNCD_SWEEP_MIN_SECONDS": "300", "SYNCD_SWEEP_MAX_SECONDS": "86400"}


def made(story: Story, espo_id: str, betnr: int) -> list[tuple[str, str]]:
    return [(call.system, call.method) for call in story.calls(espo_id, betnr)]


@told(**RARELY)
async def test_a_job_that_finds_nothing_to_do_costs_two_reads(story: Story) -> None:
    espo_id, betnr = await story.pair()
    await story.without_daemon(60)
    story.forget_calls()
    await story.desk.sync([(await story.known(espo_id))["pair"]["key"]])
    await story.live(POLL)
    assert sorted(made(story, espo_id, betnr)) == [("advoware", "GET"), ("espocrm", "GET")]


@told(**RARELY)
async def test_a_change_in_espocrm_costs_six_calls(story: Story) -> None:
    espo_id, betnr = await story.pair()
    await story.without_daemon(60)
    story.forget_calls()
    story.espo.edit(espo_id, {"titel": "Prof."}, by="anna")
    await story.live(POLL)
    calls = made(story, espo_id, betnr)
    assert sorted(calls[:2]) == [("advoware", "GET"), ("espocrm", "GET")]
    assert calls[2:] == [("advoware", "PUT"), ("advoware", "GET"), ("espocrm", "PATCH"), ("espocrm", "GET")]


@told()
async def test_a_change_in_advoware_costs_four_calls(story: Story) -> None:
    espo_id, betnr = await story.pair()
    await story.without_daemon(60)
    await story.settle()
    story.advoware.edit(betnr, {"titel": "Prof."}, by="AB")
    story.forget_calls()
    while ("espocrm", "PATCH") not in made(story, espo_id, betnr):
        await story.live(1)
    await story.live(3.5)
    calls = made(story, espo_id, betnr)
    first = calls.index(("espocrm", "PATCH"))
    assert sorted(calls[first - 2 : first]) == [("advoware", "GET"), ("espocrm", "GET")]
    assert calls[first + 1] == ("espocrm", "GET")
    assert len(calls) <= 5  # one look round may have been under way when it was typed


@told()
async def test_a_look_round_costs_one_read(story: Story) -> None:
    espo_id, betnr = await story.pair()
    await story.settle()
    story.forget_calls()
    await story.settle()
    assert story.writes() == []
    assert {call.method for call in story.calls(espo_id, betnr)} == {"GET"}


@pytest.mark.parametrize("hours", [6])
@told(**{**RARELY, "SYNCD_POLL_SECONDS": "600"})
async def test_once_settled_there_is_not_one_write_for_hours(story: Story, hours: int) -> None:
    pairs = await story.pairs([({}, {})] * 3)
    story.espo.edit(pairs[0][0], {"titel": "Prof."}, by="anna")
    story.advoware.edit(pairs[1][1], {"titel": "Prof."}, by="AB")
    await story.live(700)
    story.forget_calls()
    for _ in range(hours):
        await story.without_daemon(3570)
        await story.live(30)
    assert story.writes() == []
    assert {story.status(espo_id) for espo_id, _ in pairs} == {"clean"}


@told()
async def test_a_new_rowid_without_new_content_writes_nothing(story: Story) -> None:
    espo_id, betnr = await story.pair()
    await story.settle()
    before = story.advoware.see(betnr)["rowId"]
    story.advoware.edit(betnr, {"titel": "Dr."}, by="AB")
    assert story.advoware.see(betnr)["rowId"] != before
    story.forget_calls()
    await story.settle()
    await story.settle()
    assert story.writes() == []
    assert story.status(espo_id) == "clean"


@told()
async def test_a_save_in_espocrm_that_changes_no_mapped_field_reaches_nobody(story: Story) -> None:
    espo_id, _ = await story.pair()
    story.forget_calls()
    story.espo.edit(espo_id, {"description": "nur hier"}, by="anna")
    await story.settle()
    assert story.writes("advonet") == []
    assert story.status(espo_id) == "clean"


@told()
async def test_one_token_serves_for_its_whole_life(story: Story) -> None:
    await story.pair()
    issued = story.sandbox.tokens.issued
    await story.settle()
    await story.settle()
    assert story.sandbox.tokens.issued == issued == 1


@told()
async def test_a_withdrawn_token_is_fetched_anew_and_harms_nobody(story: Story) -> None:
    espo_id, betnr = await story.pair()
    story.sandbox.tokens.revoke()
    story.espo.edit(espo_id, {"titel": "Prof."}, by="anna")
    await story.live(POLL)
    assert story.advoware.see(betnr)["titel"] == "Prof."
    assert story.status(espo_id) == "clean"
    assert story.sandbox.tokens.issued == 2


@told(SYNCD_SWEEP_MIN_SECONDS="60", SYNCD_SWEEP_MAX_SECONDS="3600")
async def test_our_own_write_starts_no_job_but_its_late_check(story: Story) -> None:
    espo_id, _ = await story.pair()
    await story.settle()
    story.espo.edit(espo_id, {"titel": "Prof."}, by="anna")
    await story.live(POLL)
    story.forget_calls()
    await story.live(4)
    puts = [call for call in story.calls(espo_id) if call.system == "espocrm"]
    assert puts == []
    assert story.writes() == []


@told()
async def test_a_stale_read_after_our_put_writes_nothing_twice(story: Story) -> None:
    espo_id, betnr = await story.pair()
    story.espo.edit(espo_id, {"titel": "Prof."}, by="anna")
    story.fault(Kind.STALE, system="advoware", method="GET", after=1)
    await story.settle()
    await story.settle()
    assert story.advoware.see(betnr)["titel"] == "Prof."
    assert story.espo.see(espo_id)["titel"] == "Prof."


@told()
async def test_an_answer_older_than_our_put_is_not_taken_for_a_refusal(story: Story) -> None:
    espo_id, betnr = await story.pair()

    def unseen() -> None:
        story.advoware.edit(betnr, {"zusatz": "c/o Kurz"}, by="AB")
        story.fault(Kind.STALE, system="advoware", method="GET")

    story.espo.edit(espo_id, {"titel": "Prof."}, by="anna")
    story.fault(Kind.EDIT_BEFORE, system="advoware", method="PUT", act=unseen)
    await story.live(POLL)
    for name, value in (("titel", "Prof."), ("zusatz", "c/o Kurz")):
        assert (story.espo.see(espo_id)[name], story.advoware.see(betnr)[name]) == (value, value)
    assert story.status(espo_id) == "clean"
