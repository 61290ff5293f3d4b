"""Deleted on one side: nothing is deleted by inference, a person is told, and all of it can come back."""

from __future__ import annotations

from syncd.sandbox.faults import Kind
from tests.engine.story import POLL, Story, told

DAILY = {"SYNCD_FULL_PASS_HOURS": "0.005"}  # a complete listing every 18 seconds


@told()
async def test_one_404_changes_no_status_and_uses_no_try(story: Story) -> None:
    espo_id, betnr = await story.pair()
    await story.settle()
    story.sandbox.snapshot("before")
    read = {"system": "advoware", "method": "GET", "route": f"*/Beteiligte/{betnr}"}
    story.fault(Kind.EDIT_BEFORE, **read, act=lambda: story.advoware.vanish(betnr))
    story.fault(Kind.EDIT_AFTER, **read, act=lambda: story.sandbox.restore("advoware", "before"))
    story.forget_calls()
    await story.live(15)
    assert 404 in {call.status for call in story.calls(betnr)}
    await story.settle()
    assert story.writes() == []
    assert (story.status(espo_id), story.espo.see(espo_id)["syncRetryCount"] or 0) == ("clean", 0)


@told()
async def test_a_confirmed_404_is_said_with_a_task_and_deletes_nothing(story: Story) -> None:
    espo_id, betnr = await story.pair({"assignedUserId": story.anna()})
    story.advoware.vanish(betnr)
    await story.settle()
    await story.settle()
    seen = story.espo.see(espo_id)
    assert (seen["syncStatus"], seen["titel"]) == ("deleted_in_advoware", "Dr.")
    assert str(betnr) in seen["syncErrorMessage"]
    assert [(task["status"], task["parentId"]) for task in story.tasks()] == [("Not Started", espo_id)]
    assert story.espo.ids() == [espo_id]
    story.forget_calls()
    await story.live(60)
    assert story.writes() == []


@told(SYNCD_SWEEP_MIN_SECONDS="300", SYNCD_SWEEP_MAX_SECONDS="86400")
async def test_two_404s_within_moments_confirm_nothing(story: Story) -> None:
    espo_id, betnr = await story.pair()
    await story.settle()
    story.advoware.vanish(betnr)
    story.espo.edit(espo_id, {"titel": "Prof."}, by="anna")
    await story.live(POLL)
    story.forget_calls()
    await story.desk.retry([f"beteiligte/{espo_id}"])
    await story.live(POLL)
    assert 404 in {call.status for call in story.calls(betnr)}
    assert story.status(espo_id) != "deleted_in_advoware"


@told()
async def test_an_edit_there_returns_to_deleted_in_advoware_and_creates_nobody(story: Story) -> None:
    espo_id, betnr = await story.pair()
    story.advoware.vanish(betnr)
    await story.settle()
    await story.settle()
    story.espo.edit(espo_id, {"titel": "Prof."}, by="anna")
    assert story.status(espo_id) == "dirty"
    await story.settle()
    assert (story.status(espo_id), story.espo.see(espo_id)["titel"]) == ("deleted_in_advoware", "Prof.")
    assert story.advoware.betnrs() == []


@told()
async def test_another_number_brings_a_gone_record_back(story: Story) -> None:
    espo_id, betnr = await story.pair()
    twin = story.advoware.create({"name": "Neumann", "vorname": "Ida", "geburtsdatum": "1990-02-01T00:00:00"}, by="AB")
    story.advoware.vanish(betnr)
    await story.settle()
    await story.settle()
    story.espo.edit(espo_id, {"betnr": twin}, by="anna")
    await story.settle()
    assert story.status(espo_id) == "clean"
    assert story.advoware.see(twin)["titel"] == "Dr."


@told()
async def test_a_beteiligter_who_reappears_is_kept_the_same_again(story: Story) -> None:
    espo_id, betnr = await story.pair({"assignedUserId": story.anna()})
    story.sandbox.snapshot("before")
    story.advoware.vanish(betnr)
    await story.settle()
    await story.settle()
    assert story.status(espo_id) == "deleted_in_advoware"
    story.sandbox.restore("advoware", "before")
    await story.settle()
    assert story.status(espo_id) == "clean"
    assert [task["status"] for task in story.tasks()] == ["Completed"]
    story.espo.edit(espo_id, {"titel": "Prof."}, by="anna")
    await story.settle()
    assert story.advoware.see(betnr)["titel"] == "Prof."


@told(**DAILY)
async def test_a_record_deleted_in_espocrm_leaves_a_tombstone_a_task_and_the_beteiligter(story: Story) -> None:
    espo_id, betnr = await story.pair({"assignedUserId": story.anna()})
    await story.pairs([({"lastName": "Bleibt"}, {"name": "Bleibt"})])
    before = story.advoware.see(betnr)
    story.espo.delete(espo_id, by="anna")
    await story.live(45)
    assert (await story.known(espo_id))["pair"]["state"] == "tombstone"
    assert story.advoware.see(betnr) == before
    [task] = story.tasks()
    assert str(betnr) in task["description"]
    assert task["assignedUserId"] == story.anna()
    story.forget_calls()
    await story.live(45)
    assert story.writes() == []


@told(**DAILY)
async def test_a_record_our_user_may_not_read_is_not_deleted(story: Story) -> None:
    (espo_id, _), _ = await story.pairs([({}, {}), ({}, {})])
    story.sandbox.espo.door.hidden.add(espo_id)
    await story.live(60)
    pair = (await story.known(espo_id))["pair"]
    assert (pair["state"], bool(pair["deletion_confirmed"])) == ("linked", False)


@told(**DAILY)
async def test_a_listing_cut_short_deletes_nobody(story: Story) -> None:
    pairs = await story.pairs([({}, {})] * 4)
    story.fault(Kind.SHORT_PAGE, system="espocrm", method="GET", route="*/CBeteiligte", times=None)
    await story.live(60)
    assert [(await story.known(espo_id))["pair"]["state"] for espo_id, _ in pairs] == ["linked"] * 4


@told(**DAILY)
async def test_an_empty_listing_deletes_nobody(story: Story) -> None:
    pairs = await story.pairs([({}, {})] * 2)
    story.sandbox.espo.door.hidden.update(espo_id for espo_id, _ in pairs)
    await story.live(60)
    assert [(await story.known(espo_id))["pair"]["state"] for espo_id, _ in pairs] == ["linked"] * 2


@told()
async def test_denied_access_is_no_deletion(story: Story) -> None:
    espo_id, betnr = await story.pair()
    story.sandbox.espo.door.denied.add(("CBeteiligte", "read"))
    story.advoware.edit(betnr, {"titel": "Prof."}, by="AB")
    await story.settle()
    assert (await story.known(espo_id))["pair"]["state"] == "linked"
    story.sandbox.espo.door.denied.clear()
    await story.live(100)
    assert (story.status(espo_id), story.espo.see(espo_id)["titel"]) == ("clean", "Prof.")


@told()
async def test_deleted_on_both_sides_ends_quietly(story: Story) -> None:
    espo_id, betnr = await story.pair()
    await story.pairs([({"lastName": "Bleibt"}, {"name": "Bleibt"})])
    story.advoware.vanish(betnr)
    story.espo.delete(espo_id, by="anna")
    await story.settle()
    await story.settle()
    story.forget_calls()
    await story.live(60)
    assert story.writes() == []


@told(**DAILY)
async def test_a_restored_record_is_linked_again_and_the_task_about_it_closes(story: Story) -> None:
    espo_id, betnr = await story.pair({"assignedUserId": story.anna()})
    await story.pairs([({"lastName": "Bleibt"}, {"name": "Bleibt"})])
    story.espo.delete(espo_id, by="anna")
    await story.live(45)
    story.espo.restore(espo_id)
    await story.live(45)
    assert (await story.known(espo_id))["pair"]["state"] == "linked"
    story.espo.edit(espo_id, {"titel": "Prof."}, by="anna")
    await story.settle()
    assert (story.status(espo_id), story.advoware.see(betnr)["titel"]) == ("clean", "Prof.")
    assert len(story.advoware.betnrs()) == 2
    assert [task["status"] for task in story.tasks()] == ["Completed"]
