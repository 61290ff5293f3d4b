"""Somebody types at the very instant the daemon reads or writes."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from syncd.sandbox.faults import Kind
from tests.engine.story import POLL, Story, told

OBJECT = "*/Beteiligte/*"
RECORD = "*/CBeteiligte/*"

# Nobody looks round by chance: what was typed must be found by the job itself or its late check.
SELDOM = {"SYNCD_SWEEP_MIN_SECONDS": "300", "SYNCD_SWEEP_MAX_SECONDS": "86400"}

# (kind, system, method, route, how many such calls pass before): when the other clerk saves
INSTANTS = {
    "as we read EspoCRM": (Kind.EDIT_AFTER, "espocrm", "GET", RECORD),
    "as we read Advoware": (Kind.EDIT_AFTER, "advoware", "GET", OBJECT),
    "before our PUT is read back": (Kind.EDIT_AFTER, "advoware", "PUT", OBJECT),
    "before our PATCH": (Kind.EDIT_BEFORE, "espocrm", "PATCH", RECORD),
    "right after our PATCH": (Kind.EDIT_AFTER, "espocrm", "PATCH", RECORD),
}


def at(story: Story, instant: str, act: Callable[[], object]) -> None:
    kind, system, method, route = INSTANTS[instant]
    story.fault(kind, system=system, method=method, route=route, act=act)


@pytest.mark.parametrize("instant", INSTANTS)
@told()
async def test_another_field_typed_in_advoware_at_that_instant_arrives(story: Story, instant: str) -> None:
    espo_id, betnr = await story.pair()
    story.espo.edit(espo_id, {"titel": "Prof."}, by="anna")
    at(story, instant, lambda: story.advoware.edit(betnr, {"zusatz": "Hinterhaus"}, by="AB"))
    await story.settle()
    if instant == "as we read Advoware":  # between read and PUT of the whole object: the window nobody can close
        return
    seen = story.espo.see(espo_id)
    assert (seen["titel"], seen["zusatz"], seen["syncStatus"]) == ("Prof.", "Hinterhaus", "clean")


@pytest.mark.parametrize("instant", ["before our PUT is read back", "before our PATCH", "right after our PATCH"])
@told()
async def test_the_same_field_typed_in_advoware_after_our_put_is_never_lost(story: Story, instant: str) -> None:
    espo_id, betnr = await story.pair()
    story.espo.edit(espo_id, {"titel": "Prof."}, by="anna")
    at(story, instant, lambda: story.advoware.edit(betnr, {"titel": "Mag."}, by="AB"))
    await story.settle()
    titles = {story.espo.see(espo_id)["titel"], story.advoware.see(betnr)["titel"]}
    kept = [value for row in await story.conflicts(espo_id, "kept") for value in (row["espo"], row["advoware"])]
    assert titles == {"Mag."} or (titles == {"Prof."} and "Mag." in kept)
    assert story.status(espo_id) == "clean"


@told()
async def test_without_versions_what_is_typed_while_advoware_is_written_is_not_overwritten_unseen(story: Story) -> None:
    story.sandbox.espo.schema["CBeteiligte"].optimistic = False
    espo_id, betnr = await story.pair()
    story.espo.edit(espo_id, {"titel": "Prof."}, by="anna")
    story.advoware.edit(betnr, {"zusatz": "Hinterhaus"}, by="AB")
    at(story, "before our PUT is read back", lambda: story.espo.edit(espo_id, {"zusatz": "c/o Ida"}, by="bernd"))
    await story.settle()
    ends = {story.espo.see(espo_id)["zusatz"], story.advoware.see(betnr)["zusatz"]}
    kept = {value for row in await story.conflicts(espo_id, "kept") for value in (row["espo"], row["advoware"])}
    assert {"Hinterhaus", "c/o Ida"} <= ends | kept


@told(**SELDOM)
async def test_without_versions_what_is_typed_into_a_new_record_while_it_is_created_arrives(story: Story) -> None:
    story.sandbox.espo.schema["CBeteiligte"].optimistic = False
    await story.pair()
    created = "*/advonet/Beteiligte"
    new = story.espo.create({"lastName": "Neuling", "firstName": "Nora", "geburtsdatum": "1991-04-05"}, by="anna")

    def typed() -> None:
        story.espo.edit(new, {"zusatz": "Hinterhaus"}, by="anna")

    story.fault(Kind.EDIT_AFTER, system="advoware", method="POST", route=created, act=typed)
    await story.settle()
    [other] = [betnr for betnr in story.advoware.betnrs() if story.advoware.see(betnr)["name"] == "Neuling"]
    assert story.advoware.see(other)["zusatz"] == "Hinterhaus"
    assert story.status(new) == "clean"


@told()
async def test_with_versions_not_even_the_same_field_is_overwritten(story: Story) -> None:
    story.sandbox.espo.schema["CBeteiligte"].optimistic = True
    espo_id, betnr = await story.pair()
    story.advoware.edit(betnr, {"titel": "Prof."}, by="AB")
    at(story, "before our PATCH", lambda: story.espo.edit(espo_id, {"titel": "Mag."}, by="anna"))
    await story.settle()
    assert (story.espo.see(espo_id)["titel"], story.advoware.see(betnr)["titel"]) == ("Mag.", "Mag.")
    assert [row["advoware"] for row in await story.conflicts(espo_id, "kept")] == ["Prof."]


@pytest.mark.parametrize("seconds", [0.2, 0.9, 1.5, 2.5])
@told()
async def test_an_edit_in_the_second_of_our_own_patch_is_found_by_the_late_check(story: Story, seconds: float) -> None:
    espo_id, betnr = await story.pair()
    story.espo.edit(espo_id, {"titel": "Prof."}, by="anna")
    patched: list[float] = []
    story.fault(Kind.EDIT_AFTER, system="espocrm", method="PATCH", route=RECORD,
                act=lambda: patched.append(story.world.clock.now()))  # fmt: skip
    while not patched:
        await story.live(0)
    await story.without_daemon(seconds)
    story.espo.edit(espo_id, {"titel": "Mag."}, by="bernd")
    row = story.sandbox.espo.tables["CBeteiligte"].rows[espo_id]
    row.values["syncStatus"] = "clean"  # stamped over with our status, as EspoCRM does to a save in the same instant
    await story.live(POLL)
    assert (story.espo.see(espo_id)["titel"], story.advoware.see(betnr)["titel"]) == ("Mag.", "Mag.")
    assert story.status(espo_id) == "clean"


@told(**SELDOM)
async def test_a_status_set_in_the_second_of_our_own_patch_is_put_right(story: Story) -> None:
    espo_id, betnr = await story.pair()
    story.espo.edit(espo_id, {"titel": "Prof."}, by="anna")
    at(story, "right after our PATCH", lambda: story.espo.edit(espo_id, {"syncStatus": "failed"}, by="anna"))
    await story.settle()
    assert (story.status(espo_id), story.advoware.see(betnr)["titel"]) == ("clean", "Prof.")


@told()
async def test_our_stamp_over_a_clerks_save_hides_nothing(story: Story) -> None:
    """Same second, our name, our time, our `clean`: only the content tells."""
    espo_id, betnr = await story.pair()
    story.espo.edit(espo_id, {"titel": "Prof."}, by="anna")

    def save_underneath() -> None:
        story.sandbox.espo.tables["CBeteiligte"].rows[espo_id].values["zusatz"] = "Hinterhaus"

    at(story, "right after our PATCH", save_underneath)
    await story.live(POLL)
    assert story.advoware.see(betnr)["zusatz"] == "Hinterhaus"
    assert story.status(espo_id) == "clean"


@told()
async def test_two_who_type_without_pause_are_both_served_in_the_end(story: Story) -> None:
    espo_id, betnr = await story.pair()
    for number in range(6):
        story.espo.edit(espo_id, {"titel": f"Dr. {number}"}, by="anna")
        story.advoware.edit(betnr, {"zusatz": f"Haus {number}"}, by="AB")
        await story.live(1)
    await story.settle()
    espo, advoware = story.espo.see(espo_id), story.advoware.see(betnr)
    assert (espo["titel"], espo["zusatz"]) == (advoware["titel"], advoware["zusatz"]) == ("Dr. 5", "Haus 5")
    assert story.status(espo_id) == "clean"


@pytest.mark.parametrize("instant", INSTANTS)
@told(**SELDOM)
async def test_another_field_typed_in_espocrm_at_that_instant_arrives(story: Story, instant: str) -> None:
    espo_id, betnr = await story.pair()
    story.espo.edit(espo_id, {"titel": "Prof."}, by="anna")
    at(story, instant, lambda: story.espo.edit(espo_id, {"zusatz": "Hinterhaus"}, by="bernd"))
    await story.settle()
    seen = story.advoware.see(betnr)
    assert (seen["titel"], seen["zusatz"]) == ("Prof.", "Hinterhaus")
    assert (story.status(espo_id), story.espo.see(espo_id)["zusatz"]) == ("clean", "Hinterhaus")


@pytest.mark.parametrize("instant", INSTANTS)
@told(**SELDOM)
async def test_the_same_field_typed_in_espocrm_at_that_instant_is_the_last_word(story: Story, instant: str) -> None:
    espo_id, betnr = await story.pair()
    story.espo.edit(espo_id, {"titel": "Prof."}, by="anna")
    at(story, instant, lambda: story.espo.edit(espo_id, {"titel": "Mag."}, by="bernd"))
    await story.settle()
    assert (story.espo.see(espo_id)["titel"], story.advoware.see(betnr)["titel"]) == ("Mag.", "Mag.")
    assert story.status(espo_id) == "clean"


@pytest.mark.parametrize("optimistic", [True, False])
@told()
async def test_an_edit_just_before_our_write_of_the_same_field_is_not_overwritten_unseen(
    story: Story, optimistic: bool
) -> None:
    story.sandbox.espo.schema["CBeteiligte"].optimistic = optimistic
    espo_id, betnr = await story.pair()
    story.advoware.edit(betnr, {"titel": "Prof."}, by="AB")
    at(story, "as we read EspoCRM", lambda: story.espo.edit(espo_id, {"zusatz": "Hinterhaus"}, by="anna"))
    await story.settle()
    espo, advoware = story.espo.see(espo_id), story.advoware.see(betnr)
    assert (espo["titel"], espo["zusatz"]) == (advoware["titel"], advoware["zusatz"]) == ("Prof.", "Hinterhaus")
    assert story.status(espo_id) == "clean"
