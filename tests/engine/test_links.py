"""Who belongs to whom: rival, cleared, doubtful, confirmed and changed numbers."""

from __future__ import annotations

import pytest

from tests.engine.story import ADVOWARE, ESPO, POLL, Story, told


@told()
async def test_a_copied_record_is_a_conflict_that_names_the_first_and_writes_nothing(story: Story) -> None:
    first, betnr = await story.pair()
    copy = story.espo.create({**ESPO, "titel": "Kopie", "betnr": betnr}, by="anna")
    before = story.advoware.see(betnr)
    await story.settle()
    assert (story.status(first), story.status(copy)) == ("clean", "conflict")
    assert first in story.espo.see(copy)["syncErrorMessage"]
    assert story.espo.see(copy)["titel"] == "Kopie"
    assert story.advoware.see(betnr) == before


@told()
async def test_removing_the_number_from_a_copy_makes_it_a_record_of_its_own(story: Story) -> None:
    _, betnr = await story.pair()
    copy = story.espo.create({**ESPO, "firstName": "Ada", "geburtsdatum": "1970-01-01", "betnr": betnr}, by="anna")
    await story.live(POLL)
    assert story.status(copy) == "conflict"
    story.espo.edit(copy, {"betnr": None}, by="anna")
    await story.settle()
    seen = story.espo.see(copy)
    assert seen["syncStatus"] == "clean"
    assert seen["betnr"] not in (None, betnr)
    assert story.advoware.see(seen["betnr"])["vorname"] == "Ada"


@told()
async def test_entering_the_cleared_number_again_goes_on_with_what_was_agreed(story: Story) -> None:
    espo_id, betnr = await story.pair()
    story.espo.edit(espo_id, {"betnr": None}, by="anna")
    await story.live(POLL)
    story.advoware.edit(betnr, {"zusatz": "Hinterhaus"}, by="AB")
    story.espo.edit(espo_id, {"betnr": betnr, "titel": "Prof."}, by="anna")
    await story.settle()
    assert story.status(espo_id) == "clean"
    assert story.espo.see(espo_id)["zusatz"] == "Hinterhaus"
    assert story.advoware.see(betnr)["titel"] == "Prof."
    assert await story.conflicts(espo_id, "kept", "open") == []


@told()
async def test_a_number_of_somebody_else_writes_nothing_on_either_side(story: Story) -> None:
    betnr = story.advoware.create({**ADVOWARE, "vorname": "Otto", "titel": ""}, by="AB")
    espo_id = story.espo.create({**ESPO, "zusatz": None, "betnr": betnr}, by="anna")
    before = story.advoware.see(betnr)
    await story.settle()
    seen = story.espo.see(espo_id)
    assert (seen["syncStatus"], seen["zusatz"]) == ("conflict", None)
    assert "firstName" in seen["syncErrorMessage"]
    assert story.advoware.see(betnr) == before


@told()
async def test_a_person_may_confirm_a_doubtful_link(story: Story) -> None:
    betnr = story.advoware.create({**ADVOWARE, "vorname": "Ida Maria"}, by="AB")
    espo_id = story.espo.create({**ESPO, "betnr": betnr}, by="anna")
    await story.live(POLL)
    [conflict] = await story.conflicts(espo_id)
    await story.desk.resolve(conflict["id"], "link")
    await story.settle()
    assert story.status(espo_id) == "clean"
    assert story.espo.see(espo_id)["firstName"] == story.advoware.see(betnr)["vorname"]
    assert await story.conflicts(espo_id) == []


@told()
async def test_correcting_a_doubtful_number_settles_it(story: Story) -> None:
    wrong = story.advoware.create({**ADVOWARE, "vorname": "Otto"}, by="AB")
    right = story.advoware.create(ADVOWARE, by="AB")
    espo_id = story.espo.create({**ESPO, "betnr": wrong}, by="anna")
    await story.live(POLL)
    assert story.status(espo_id) == "conflict"
    story.espo.edit(espo_id, {"betnr": right}, by="anna")
    await story.settle()
    assert story.status(espo_id) == "clean"
    assert story.advoware.see(wrong)["vorname"] == "Otto"


@pytest.mark.parametrize("blank", ["geburtsdatum", "firstName"])
@told()
async def test_a_blank_is_no_doubt(story: Story, blank: str) -> None:
    betnr = story.advoware.create(ADVOWARE, by="AB")
    espo_id = story.espo.create({**ESPO, blank: None, "betnr": betnr}, by="anna")
    await story.settle()
    assert story.status(espo_id) == "clean"
    assert story.espo.see(espo_id)[blank] == ESPO[blank]


@told()
async def test_a_record_that_still_shows_the_rowid_is_confirmed_already(story: Story) -> None:
    espo_id, betnr = await story.pair()
    await story.without_daemon(600)
    story.world.lose_ledger()
    story.espo.edit(espo_id, {"lastName": "Weber"}, by="anna")
    await story.settle()
    assert story.status(espo_id) == "clean"
    assert story.advoware.see(betnr)["name"] == "Weber"


@told()
async def test_a_changed_number_links_to_the_other_and_leaves_the_first_alone(story: Story) -> None:
    espo_id, first = await story.pair()
    other = story.advoware.create({**ADVOWARE, "geburtsdatum": "1990-02-01T00:00:00", "titel": ""}, by="AB")
    before = story.advoware.see(first)
    story.espo.edit(espo_id, {"betnr": other}, by="anna")
    await story.settle()
    assert story.status(espo_id) == "clean"
    assert story.advoware.see(first) == before
    assert story.advoware.see(other)["titel"] == "Dr."


@told()
async def test_a_cleared_number_asks_and_never_creates(story: Story) -> None:
    espo_id, betnr = await story.pair()
    story.espo.edit(espo_id, {"betnr": None}, by="anna")
    await story.live(POLL)
    story.espo.edit(espo_id, {"titel": "Prof."}, by="anna")
    story.advoware.edit(betnr, {"zusatz": "Hinterhaus"}, by="AB")
    await story.settle()
    assert story.status(espo_id) == "conflict"
    assert str(betnr) in story.espo.see(espo_id)["syncErrorMessage"]
    assert story.advoware.betnrs() == [betnr]
    assert story.advoware.see(betnr)["titel"] == "Dr."
    assert story.espo.see(espo_id)["zusatz"] == "c/o Weber"


@pytest.mark.parametrize("take", ["create", "link"])
@told()
async def test_a_person_answers_the_question_about_a_cleared_number(story: Story, take: str) -> None:
    espo_id, betnr = await story.pair()
    story.espo.edit(espo_id, {"betnr": None}, by="anna")
    await story.live(POLL)
    [conflict] = await story.conflicts(espo_id)
    await story.desk.resolve(conflict["id"], take)
    await story.settle()
    seen = story.espo.see(espo_id)
    assert seen["syncStatus"] == "clean"
    assert (seen["betnr"] == betnr) == (take == "link")
    assert len(story.advoware.betnrs()) == (1 if take == "link" else 2)


@told()
async def test_a_changed_number_of_somebody_else_asks_first(story: Story) -> None:
    espo_id, _ = await story.pair()
    other = story.advoware.create({**ADVOWARE, "name": "Albrecht"}, by="AB")
    story.espo.edit(espo_id, {"betnr": other}, by="anna")
    await story.settle()
    assert story.status(espo_id) == "conflict"
    assert (story.espo.see(espo_id)["lastName"], story.advoware.see(other)["name"]) == ("Neumann", "Albrecht")
