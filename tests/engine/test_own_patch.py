"""A PATCH of ours whose answer never came stands in EspoCRM: it is no clerk's edit, whoever saves the record next."""

from __future__ import annotations

import asyncio

import pytest

from syncd.ledger import people
from syncd.sandbox.faults import Kind
from tests.engine.story import Story, told

ALL = (people.OPEN, people.KEPT, people.SETTLED)
OLD, FIRST, SECOND = "+4951112345", "0511 4711", "0511 4712"


async def patched_unheard(story: Story) -> asyncio.Task[None]:
    """The daemon's next PATCH is applied, and its answer gets lost; returns the daemon at work."""
    story.fault(Kind.TIMEOUT_APPLIED, system="espocrm", method="PATCH", route="*/CBeteiligte/*")
    working = asyncio.create_task(story.live(90))
    await story.without_daemon(15)
    return working


@pytest.mark.parametrize("anna_saves", [False, True])
@told()
async def test_what_was_typed_in_advoware_after_our_patch_wins_over_it(story: Story, anna_saves: bool) -> None:
    espo_id, betnr = await story.pair()
    story.advoware.edit(betnr, {"titel": "Prof."}, by="AB")
    working = await patched_unheard(story)
    assert story.espo.see(espo_id)["titel"] == "Prof.", "our PATCH was applied"
    story.advoware.edit(betnr, {"titel": "Mag."}, by="AB")
    if anna_saves:
        story.espo.edit(espo_id, {"zusatz": "Hinterhaus"}, by="anna")
    await working
    await story.settle()
    assert (story.espo.see(espo_id)["titel"], story.advoware.see(betnr)["titel"]) == ("Mag.", "Mag.")
    assert story.advoware.see(betnr)["zusatz"] == ("Hinterhaus" if anna_saves else "c/o Weber")
    assert await story.conflicts(espo_id, *ALL) == []


@pytest.mark.parametrize("anna_saves", [False, True])
@told()
async def test_a_number_typed_in_advoware_after_our_patch_wins_over_it(story: Story, anna_saves: bool) -> None:
    line = {"phoneNumber": OLD, "type": "Office", "primary": True}
    entry = {"kommKz": 1, "tlf": OLD, "bemerkung": "", "online": True}
    espo_id, betnr = await story.pair({"phoneNumberData": [line]}, {"kommunikation": [entry]})
    [known] = story.advoware.see(betnr)["kommunikation"]
    story.advoware.edit_kommunikation(betnr, known["id"], {"tlf": FIRST}, by="AB")
    working = await patched_unheard(story)
    assert story.espo.see(espo_id)["phoneNumber"] == "+495114711", "our PATCH was applied"
    story.advoware.edit_kommunikation(betnr, known["id"], {"tlf": SECOND}, by="AB")
    if anna_saves:
        story.espo.edit(espo_id, {"zusatz": "Hinterhaus"}, by="anna")
    await working
    await story.settle()
    assert [one["tlf"] for one in story.advoware.see(betnr)["kommunikation"]] == [SECOND]
    assert [one["phoneNumber"] for one in story.espo.see(espo_id)["phoneNumberData"]] == ["+495114712"]
    assert await story.conflicts(espo_id, *ALL) == []


@told()
async def test_fields_and_numbers_of_one_patch_of_ours_are_told_apart(story: Story) -> None:
    line = {"phoneNumber": OLD, "type": "Office", "primary": True}
    entry = {"kommKz": 1, "tlf": OLD, "bemerkung": "", "online": True}
    espo_id, betnr = await story.pair({"phoneNumberData": [line]}, {"kommunikation": [entry]})
    [known] = story.advoware.see(betnr)["kommunikation"]
    story.advoware.edit_kommunikation(betnr, known["id"], {"tlf": FIRST}, by="AB")
    story.advoware.edit(betnr, {"titel": "Prof.", "geburtsdatum": "1980-01-01T00:00:00"}, by="AB")
    working = await patched_unheard(story)
    assert story.espo.see(espo_id)["titel"] == "Prof.", "our PATCH was applied"
    story.advoware.edit_kommunikation(betnr, known["id"], {"tlf": SECOND}, by="AB")
    story.advoware.edit(betnr, {"titel": "Mag.", "geburtsdatum": "1981-01-01T00:00:00"}, by="AB")
    story.espo.edit(espo_id, {"briefanrede": "Liebe Ida,"}, by="anna")
    await working
    await story.settle()
    seen = story.espo.see(espo_id)
    shown = [seen[name] for name in ("titel", "geburtsdatum", "phoneNumber")]
    assert shown == ["Mag.", "1981-01-01", "+495114712"]
    assert story.status(espo_id) == "clean"
    assert await story.conflicts(espo_id, *ALL) == []


@told()
async def test_what_a_clerk_typed_over_our_patch_is_an_edit(story: Story) -> None:
    espo_id, betnr = await story.pair()
    story.advoware.edit(betnr, {"titel": "Prof."}, by="AB")
    working = await patched_unheard(story)
    story.espo.edit(espo_id, {"titel": "Dipl.-Ing."}, by="anna")
    story.advoware.edit(betnr, {"titel": "Mag."}, by="AB")
    await working
    await story.settle()
    assert (story.espo.see(espo_id)["titel"], story.advoware.see(betnr)["titel"]) == ("Dipl.-Ing.", "Dipl.-Ing.")
    [kept] = await story.conflicts(espo_id, *ALL)
    assert kept["advoware"] == "Mag."
