"""Tasks and notes: told once, kept up to date, closed by themselves, never in anybody's way."""

from __future__ import annotations

import asyncio

import pytest

from syncd import courier
from syncd.ledger import people
from syncd.sandbox.faults import Kind
from tests.engine.story import ESPO, POLL, Story, key, told


async def waiting(story: Story, *, assigned: str | None = None) -> tuple[str, int]:
    """A record that waits for a person: a number was changed that Advoware's API cannot change."""
    espo_id, betnr = await story.pair({"handelsregisterNummer": "HRB 1", "assignedUserId": assigned},
                                      {"handelsRegisterNummer": "HRB 1"})  # fmt: skip
    story.espo.edit(espo_id, {"handelsregisterNummer": "HRB 2"}, by="anna")
    return espo_id, betnr


@told()
async def test_a_record_of_nobody_gets_a_note(story: Story) -> None:
    espo_id, _ = await waiting(story)
    await story.settle()
    await story.settle()
    assert story.tasks() == []
    [note] = story.notes()
    assert (note["parentId"], "handelsregisterNummer" in note["post"]) == (espo_id, True)


@told()
async def test_a_record_of_nobody_gets_a_task_of_the_configured_user(story: Story) -> None:
    anna = story.anna()
    story.world.job_settings["task_user"] = anna
    await waiting(story)
    await story.settle()
    assert [task["assignedUserId"] for task in story.tasks()] == [anna]


@pytest.mark.parametrize(
    "fate", [Kind.TIMEOUT_APPLIED, Kind.HANG_UP_APPLIED, Kind.TIMEOUT, Kind.HTML, Kind.EMPTY, Kind.STATUS]
)
@told(ESPOCRM_API_TIMEOUT_SECONDS="3")
async def test_a_task_whose_answer_is_lost_is_posted_once(story: Story, fate: Kind) -> None:
    story.fault(fate, system="espocrm", method="POST", route="*/Task")
    await waiting(story, assigned=story.anna())
    await story.live(100)
    assert len(story.tasks()) == 1


@told()
async def test_a_task_that_cannot_be_posted_delays_no_record(story: Story) -> None:
    story.fault(Kind.STATUS, system="espocrm", method="POST", route="*/Task", times=None)
    espo_id, betnr = await waiting(story, assigned=story.anna())
    await story.live(POLL)
    story.espo.edit(espo_id, {"titel": "Prof."}, by="anna")
    await story.settle()
    assert story.advoware.see(betnr)["titel"] == "Prof."
    assert story.status(espo_id) == "conflict"


@told()
async def test_a_task_somebody_deleted_is_not_posted_again_while_nothing_is_new(story: Story) -> None:
    await waiting(story, assigned=story.anna())
    await story.settle()
    [task] = story.tasks()
    story.espo.delete(task["id"], entity="Task", by="anna")
    await story.settle()
    await story.settle()
    assert story.tasks() == []


@told()
async def test_a_settled_matter_that_comes_up_again_is_told_again(story: Story) -> None:
    espo_id, _ = await waiting(story, assigned=story.anna())
    await story.settle()
    story.espo.edit(espo_id, {"handelsregisterNummer": "HRB 1"}, by="anna")
    await story.settle()
    assert [task["status"] for task in story.tasks()] == ["Completed"]
    story.espo.edit(espo_id, {"handelsregisterNummer": "HRB 3"}, by="anna")
    await story.settle()
    assert sorted(task["status"] for task in story.tasks()) == ["Completed", "Not Started"]


@told()
async def test_a_crash_right_after_a_task_was_posted_doubles_nothing(story: Story) -> None:
    effects = story.world.effects

    def crash() -> None:
        effects.crash_after = effects.count

    story.fault(Kind.EDIT_AFTER, system="espocrm", method="POST", route="*/Task", act=crash)
    await waiting(story, assigned=story.anna())
    assert not await story.world.live(story.world.daemon(), 60)
    effects.crash_after = None
    assert len(story.tasks()) == 1
    await story.without_daemon(61)
    await story.settle()
    assert len(story.tasks()) == 1


@told(SYNCD_LANGUAGE="en")
async def test_people_are_told_in_their_language(story: Story) -> None:
    espo_id, _ = await waiting(story, assigned=story.anna())
    await story.settle()
    assert "by hand" in story.espo.see(espo_id)["syncErrorMessage"]
    assert "by hand" in story.tasks()[0]["description"]


@told()
async def test_messages_name_fields_and_no_values(story: Story) -> None:
    espo_id, _ = await waiting(story, assigned=story.anna())
    await story.settle()
    texts = [story.espo.see(espo_id)["syncErrorMessage"], story.tasks()[0]["description"], story.tasks()[0]["name"]]
    for text in texts:
        assert not any(value in text for value in ("HRB", ESPO["lastName"], ESPO["titel"]))


@told()
async def test_a_role_that_may_not_list_notes_keeps_no_note_from_people(story: Story) -> None:
    espo_id, betnr = await story.pair()
    story.sandbox.espo.door.denied.add(("Note", "read"))
    story.espo.edit(espo_id, {"titel": "Prof."}, by="anna")
    story.advoware.edit(betnr, {"titel": "Mag."}, by="AB")
    await story.settle()
    notes = [one for one in story.sandbox.dump()["espocrm"]["Note"].values() if one["parentId"] == espo_id]
    assert len(notes) == 1


@told(SYNCD_PUBLIC_URL="https://abgleich.example/", SYNCD_LANGUAGE="de")
async def test_a_message_links_to_our_page_of_the_record(story: Story) -> None:
    espo_id, _ = await waiting(story, assigned=story.anna())
    await story.settle()
    assert f"\nhttps://abgleich.example/ui/records/beteiligte/{espo_id}\n" in story.tasks()[0]["description"]


@told(SYNCD_SWEEP_MIN_SECONDS="50000", SYNCD_SWEEP_MAX_SECONDS="100000")
async def test_a_task_closes_by_itself_though_its_newest_words_could_not_be_posted(story: Story) -> None:
    espo_id, _ = await waiting(story, assigned=story.anna())
    await story.settle()
    fault = story.fault(Kind.STATUS, system="espocrm", method="PATCH", route="*/Task/*", times=None)
    story.espo.edit(espo_id, {"registergericht": "Köln"}, by="anna")
    await story.settle()
    assert "registergericht" not in story.tasks()[0]["description"]
    story.espo.edit(espo_id, {"handelsregisterNummer": "HRB 1", "registergericht": None}, by="anna")
    await story.settle()
    story.sandbox.faults.remove(fault)
    await story.live(200)
    assert story.status(espo_id) == "clean"
    assert [task["status"] for task in story.tasks()] == ["Completed"]


@told()
async def test_two_daemons_post_a_task_once(story: Story) -> None:
    espo_id, _ = await story.pair({"assignedUserId": story.anna()})
    now = story.world.clock.now()
    await story.write(people.owe_message, "0123456789ab", key(espo_id), "task", "waiting", {"text": "?"}, now)
    contexts = [story.world.daemon(name).contexts["beteiligte"] for name in ("one", "two")]
    await asyncio.gather(*(courier.deliver(context) for context in contexts))
    assert len(story.tasks()) == 1
