"""A Beteiligter cannot be deleted: whatever happens to the POST, exactly one comes of it."""

from __future__ import annotations

from typing import Any

import pytest

from syncd.ledger import journal, pairs
from syncd.sandbox.faults import Kind
from tests.engine.story import ESPO, POLL, Story, told

OTTO = {"firstName": "Otto", "lastName": "Okänd", "geburtsdatum": "1971-05-06"}
QUICKLY = {"ADVOWARE_API_TIMEOUT_SECONDS": "4", "SYNCD_RETRY_MINUTES": "0.1,0.1,0.1,0.1,0.1"}

FATES: dict[str, dict[str, Any]] = {
    "refused connection": {"kind": Kind.OFFLINE},
    "time-out, not applied": {"kind": Kind.TIMEOUT},
    "time-out, applied": {"kind": Kind.TIMEOUT_APPLIED},
    "applied after we gave up": {"kind": Kind.APPLIED_LATE, "seconds": 5.0},
    "applied after we looked": {"kind": Kind.APPLIED_LATE, "seconds": 7.5},
    "hung up, not applied": {"kind": Kind.HANG_UP},
    "hung up, applied": {"kind": Kind.HANG_UP_APPLIED},
    "answer is a page": {"kind": Kind.HTML},
    "answer is empty": {"kind": Kind.EMPTY},
    "answer is cut": {"kind": Kind.TRUNCATED},
    "500, not applied": {"kind": Kind.STATUS, "status": 500},
    "500, applied": {"kind": Kind.STATUS_APPLIED, "status": 500},
    "502, applied": {"kind": Kind.STATUS_APPLIED, "status": 502},
    "429": {"kind": Kind.STATUS, "status": 429, "retry_after": "3"},
    "503": {"kind": Kind.STATUS, "status": 503, "retry_after": "3"},
}


@pytest.mark.parametrize("fate", FATES)
@told(**QUICKLY)
async def test_exactly_one_comes_of_it(story: Story, fate: str) -> None:
    await story.pair()
    story.fault(**FATES[fate], system="advoware", method="POST", route="*/Beteiligte")
    espo_id = story.espo.create(OTTO, by="anna")
    await story.live(75)
    await story.sandbox.settle()
    assert len(story.advoware.betnrs()) == 2
    seen = story.espo.see(espo_id)
    assert (seen["syncStatus"], seen["betnr"]) == ("clean", story.advoware.betnrs()[-1])


@pytest.mark.parametrize("form", ["object", "list", "empty"])
@told(**QUICKLY)
async def test_every_form_of_answer_is_understood(story: Story, form: str) -> None:
    await story.pair()
    story.sandbox.advoware.switches.writes_answer = form
    espo_id = story.espo.create(OTTO, by="anna")
    await story.live(POLL)
    assert len(story.advoware.betnrs()) == 2
    assert story.status(espo_id) == "clean"


@told(**QUICKLY)
async def test_two_of_equal_name_created_at_once_are_two(story: Story) -> None:
    await story.pair()
    story.fault(Kind.TIMEOUT_APPLIED, system="advoware", method="POST", route="*/Beteiligte")
    ids = [story.espo.create({**OTTO, "geburtsdatum": day}, by="anna") for day in ("1971-05-06", "1999-09-09")]
    await story.live(60)
    seen = [story.espo.see(espo_id) for espo_id in ids]
    assert [one["syncStatus"] for one in seen] == ["clean", "clean"]
    assert len({one["betnr"] for one in seen}) == 2
    known = [await story.read(pairs.everything, f"beteiligte/{espo_id}") for espo_id in ids]
    names = [row["name_key"] for one in known for row in one["intents"] if row["verb"] == "create"]
    assert set(names) == {journal.name_key((OTTO["lastName"], OTTO["firstName"]))}, "so one was sent after the other"
    assert len(story.advoware.betnrs()) == 3
    assert [story.advoware.see(one["betnr"])["geburtsdatum"][:10] for one in seen] == ["1971-05-06", "1999-09-09"]


@told(**QUICKLY)
async def test_what_is_typed_while_the_answer_is_lost_is_kept(story: Story) -> None:
    await story.pair()
    story.fault(Kind.TIMEOUT_APPLIED, system="advoware", method="POST", route="*/Beteiligte")
    espo_id = story.espo.create(OTTO, by="anna")
    await story.live(4)
    story.espo.edit(espo_id, {"lastName": "Bekannt"}, by="anna")
    await story.live(60)
    seen = story.espo.see(espo_id)
    assert seen["syncStatus"] == "clean"
    assert len(story.advoware.betnrs()) == 2
    assert story.advoware.see(seen["betnr"])["name"] == "Bekannt"


@told(**QUICKLY)
async def test_what_is_typed_into_the_new_beteiligter_at_once_reaches_espocrm(story: Story) -> None:
    await story.pair()

    def edit() -> None:
        story.advoware.edit(story.advoware.betnrs()[-1], {"titel": "Prof."}, by="AB")

    story.fault(Kind.EDIT_AFTER, system="advoware", method="POST", route="*/Beteiligte", act=edit)
    espo_id = story.espo.create({**OTTO, "titel": "Dr."}, by="anna")
    await story.settle()
    seen = story.espo.see(espo_id)
    assert (seen["syncStatus"], seen["titel"]) == ("clean", "Prof.")


@told(**QUICKLY)
async def test_a_lost_answer_is_clear_again_even_without_redis(story: Story) -> None:
    await story.pair()
    story.fault(Kind.TIMEOUT_APPLIED, system="advoware", method="POST", route="*/Beteiligte")
    espo_id = story.espo.create(OTTO, by="anna")
    await story.live(5)
    story.world.flush_redis()
    await story.live(60)
    assert story.status(espo_id) == "clean"
    assert len(story.advoware.betnrs()) == 2


@told(**{**QUICKLY, "ADVOWARE_SEARCH": "off"})
async def test_without_a_search_a_lost_answer_asks_a_person_and_posts_no_second_time(story: Story) -> None:
    story.world.job_settings["create_unchecked"] = True
    story.fault(Kind.TIMEOUT_APPLIED, system="advoware", method="POST", route="*/Beteiligte")
    espo_id = story.espo.create(OTTO, by="anna")
    await story.live(60)
    assert story.status(espo_id) == "conflict"
    assert len(story.advoware.betnrs()) == 1


@pytest.mark.parametrize("status", [400, 403, 405, 500])
@told(**{**QUICKLY, "ADVOWARE_SEARCH": "probe", "ADVOWARE_API_TIMEOUT_SECONDS": "1"})
async def test_a_number_that_cannot_be_read_is_not_taken_for_a_free_one(story: Story, status: int) -> None:
    _, known = await story.pair()
    story.world.job_settings["create_unchecked"] = True
    story.fault(Kind.TIMEOUT_APPLIED, system="advoware", method="POST", route="*/Beteiligte")
    rule = story.fault(
        Kind.STATUS, system="advoware", method="GET", route=f"*/Beteiligte/{known + 1}", times=None, status=status
    )
    espo_id = story.espo.create(OTTO, by="anna")
    await story.settle()
    assert len(story.advoware.betnrs()) == 2
    story.sandbox.faults.remove(rule)
    await story.desk.retry([f"beteiligte/{espo_id}"])
    await story.settle()
    seen = story.espo.see(espo_id)
    assert (seen["syncStatus"], seen["betnr"]) == ("clean", story.advoware.betnrs()[-1])
    assert len(story.advoware.betnrs()) == 2


@told()
async def test_people_see_that_a_record_is_being_created(story: Story) -> None:
    await story.pair()
    seen: list[str] = []
    espo_id = story.espo.create(OTTO, by="anna")
    story.fault(Kind.EDIT_BEFORE, system="advoware", method="POST", route="*/Beteiligte",
                act=lambda: seen.append(story.status(espo_id)))  # fmt: skip
    await story.live(POLL)
    assert seen == ["syncing"]
    assert story.status(espo_id) == "clean"


@pytest.mark.parametrize("name", ["titel", "zusatz"])
@told()
async def test_what_is_typed_as_a_creation_begins_arrives(story: Story, name: str) -> None:
    await story.pair()
    new = story.espo.create({**ESPO, "lastName": "Neuling"}, by="anna")
    story.fault(Kind.EDIT_BEFORE, system="espocrm", method="PATCH", route="*/CBeteiligte/*",
                act=lambda: story.espo.edit(new, {name: "Neu"}, by="bernd"))  # fmt: skip
    await story.live(POLL)
    seen = story.espo.see(new)
    assert (seen[name], story.advoware.see(seen["betnr"])[name], seen["syncStatus"]) == ("Neu", "Neu", "clean")
