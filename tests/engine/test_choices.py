"""The policy `manual`: a person chooses, everything else goes on."""

from __future__ import annotations

import pytest

from tests.engine.story import POLL, Story, told


async def disputed(story: Story) -> tuple[str, int]:
    """`titel` was changed on both sides."""
    espo_id, betnr = await story.pair({"assignedUserId": story.anna()})
    story.advoware.edit(betnr, {"titel": "Dipl."}, by="AB")
    story.espo.edit(espo_id, {"titel": "Prof."}, by="anna")
    await story.live(POLL)
    return espo_id, betnr


def titles(story: Story, espo_id: str, betnr: int) -> tuple[str, str]:
    return str(story.espo.see(espo_id)["titel"]), str(story.advoware.see(betnr)["titel"])


@told(SYNCD_DEFAULT_POLICY="manual")
async def test_neither_side_is_written_for_the_disputed_field_and_all_others_sync(story: Story) -> None:
    espo_id, betnr = await disputed(story)
    story.espo.edit(espo_id, {"zusatz": "Hinterhaus"}, by="anna")
    story.advoware.edit(betnr, {"rechtsform": "Divers"}, by="AB")
    await story.settle()
    assert titles(story, espo_id, betnr) == ("Prof.", "Dipl.")
    assert story.advoware.see(betnr)["zusatz"] == "Hinterhaus"
    seen = story.espo.see(espo_id)
    assert (seen["rechtsform"], seen["syncStatus"]) == ("Divers", "conflict")
    assert "titel" in seen["syncErrorMessage"]
    [open_one] = await story.conflicts(espo_id)
    assert (open_one["espo"], open_one["advoware"], open_one["base"]) == ("Prof.", "Dipl.", "Dr.")


@told(SYNCD_DEFAULT_POLICY="manual")
async def test_a_conflict_stays_quiet_while_nobody_does_anything(story: Story) -> None:
    await disputed(story)
    await story.settle()
    story.forget_calls()
    await story.live(120)
    assert story.writes() == []


@told(SYNCD_DEFAULT_POLICY="manual")
async def test_it_settles_by_itself_when_the_values_become_equal(story: Story) -> None:
    espo_id, betnr = await disputed(story)
    story.espo.edit(espo_id, {"titel": "Dipl."}, by="bernd")
    await story.settle()
    assert titles(story, espo_id, betnr) == ("Dipl.", "Dipl.")
    seen = story.espo.see(espo_id)
    assert (seen["syncStatus"], seen["syncErrorMessage"]) == ("clean", None)
    assert await story.conflicts(espo_id) == []
    assert [task["status"] for task in story.tasks()] == ["Completed"]


@pytest.mark.parametrize(
    ("take", "shown"), [("espocrm", "Prof."), ("advoware", "Dipl."), ("Mag.", "Mag."), ("value:", "None")]
)
@told(SYNCD_DEFAULT_POLICY="manual")
async def test_what_a_person_chooses_comes_to_both_sides(story: Story, take: str, shown: str) -> None:
    espo_id, betnr = await disputed(story)
    [conflict] = await story.conflicts(espo_id)
    await story.desk.resolve(conflict["id"], take)
    await story.settle()
    espo, advoware = titles(story, espo_id, betnr)
    assert (espo, advoware or "None") == (shown, shown)
    assert story.status(espo_id) == "clean"
    assert await story.conflicts(espo_id) == []


@told(SYNCD_DEFAULT_POLICY="manual")
async def test_a_choice_is_void_once_somebody_has_typed_something_else(story: Story) -> None:
    espo_id, betnr = await disputed(story)
    [conflict] = await story.conflicts(espo_id)
    await story.desk.resolve(conflict["id"], "advoware")
    story.espo.edit(espo_id, {"titel": "Mag."}, by="anna")
    await story.settle()
    assert titles(story, espo_id, betnr) == ("Mag.", "Dipl.")
    assert story.status(espo_id) == "conflict"
    [still] = await story.conflicts(espo_id)
    assert (still["state"], still["espo"]) == ("open", "Mag.")


@told(SYNCD_DEFAULT_POLICY="manual")
async def test_one_task_tells_the_clerk_and_is_kept_up_to_date(story: Story) -> None:
    espo_id, betnr = await disputed(story)
    story.advoware.edit(betnr, {"zusatz": "Vorderhaus"}, by="AB")
    story.espo.edit(espo_id, {"zusatz": "Hinterhaus"}, by="anna")
    await story.settle()
    [task] = story.tasks()
    assert "titel" in task["description"]
    assert "zusatz" in task["description"]
    assert (task["assignedUserId"], task["parentId"], task["status"]) == (story.anna(), espo_id, "Not Started")
