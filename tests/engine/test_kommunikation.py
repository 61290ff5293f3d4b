"""Phones, faxes and e-mails between the two systems: each variant, as people meet it."""

from __future__ import annotations

import hashlib

from syncd.sandbox.faults import Kind
from tests.engine.numbers import HOME, MOBILE, OFFICE, entries, known, living, marker, phone, phones
from tests.engine.story import Story, registered, told


@told()
async def test_a_number_new_in_espocrm_gets_an_entry_with_a_marker(story: Story) -> None:
    espo_id, betnr = await story.pair()
    story.espo.edit(espo_id, {"phoneNumberData": [phone(MOBILE, "Mobile", primary=True)]}, by="anna")
    await story.settle()
    [entry] = entries(story, betnr)
    assert (entry["tlf"], entry["kommKz"], entry["bemerkung"]) == (MOBILE, 3, marker(MOBILE, 3))
    assert entry["online"] is True
    assert story.status(espo_id) == "clean"
    digest = hashlib.md5(entry["rowId"].encode(), usedforsecurity=False).hexdigest()[:16]
    assert story.espo.see(espo_id)["kommunikationHash"] == digest


@told()
async def test_a_number_gone_in_espocrm_leaves_a_slot_that_keeps_peoples_text(story: Story) -> None:
    espo_id, betnr = await known(story, phone(OFFICE, primary=True), phone(MOBILE, "Mobile"))
    mobile = next(one for one in entries(story, betnr) if one["kommKz"] == 3)
    text = {"bemerkung": mobile["bemerkung"] + " nur abends"}
    story.advoware.edit_kommunikation(betnr, mobile["id"], text, by="AB")
    await story.settle()
    story.espo.edit(espo_id, {"phoneNumberData": [phone(OFFICE, primary=True)]}, by="anna")
    await story.settle()
    slot = next(one for one in entries(story, betnr) if one["id"] == mobile["id"])
    assert (slot["tlf"], slot["bemerkung"], slot["online"]) == ("", "[ESPOCRM-SLOT:3] nur abends", False)
    assert story.status(espo_id) == "clean"

    story.espo.edit(
        espo_id, {"phoneNumberData": [phone(OFFICE, primary=True), phone("+4917600001", "Mobile")]}, by="anna"
    )
    await story.settle()
    assert len(entries(story, betnr)) == 2
    used = next(one for one in entries(story, betnr) if one["id"] == mobile["id"])
    assert (used["tlf"], used["bemerkung"]) == ("+4917600001", marker("+4917600001", 3))


@told()
async def test_a_number_deleted_or_emptied_in_advoware_leaves_espocrm(story: Story) -> None:
    espo_id, betnr = await known(story, phone(OFFICE, primary=True), phone(MOBILE, "Mobile"), phone(HOME, "Home"))
    by_kind = {one["kommKz"]: one["id"] for one in entries(story, betnr)}
    story.advoware.remove_child(betnr, "kommunikation", by_kind[1])
    story.advoware.edit_kommunikation(betnr, by_kind[3], {"tlf": ""}, by="AB")
    await story.settle()
    assert phones(story, espo_id) == [(HOME, "Home")]
    assert story.espo.see(espo_id)["phoneNumberData"][0]["primary"] is True
    assert story.writes("Kommunikationen") == []
    assert story.status(espo_id) == "clean"


@told()
async def test_a_number_typed_in_advoware_comes_to_espocrm_and_keeps_its_spelling_there(story: Story) -> None:
    espo_id, betnr = await story.pair()
    story.advoware.add_kommunikation(
        betnr, {"tlf": "0511/12345-60", "kommKz": 6, "bemerkung": "Mutter", "online": False}, by="AB"
    )
    await story.settle()
    assert phones(story, espo_id) == [("+495111234560", "Home")]
    [entry] = entries(story, betnr)
    assert entry["tlf"] == "0511/12345-60"
    assert entry["bemerkung"] == marker("0511/12345-60", 6) + " Mutter"
    assert entry["online"] is False
    assert story.status(espo_id) == "clean"


@told()
async def test_a_number_typed_into_a_slot_is_new(story: Story) -> None:
    espo_id, betnr = await known(story, phone(MOBILE, "Mobile", primary=True))
    story.espo.edit(espo_id, {"phoneNumberData": []}, by="anna")
    await story.settle()
    [slot] = entries(story, betnr)
    assert slot["bemerkung"] == "[ESPOCRM-SLOT:3]"
    story.advoware.edit_kommunikation(betnr, slot["id"], {"tlf": "0176 00001"}, by="AB")
    await story.settle()
    [entry] = entries(story, betnr)
    assert (entry["tlf"], entry["bemerkung"]) == ("0176 00001", marker("0176 00001", 3))
    assert phones(story, espo_id) == [("+4917600001", "Mobile")]


@told()
async def test_a_number_changed_in_espocrm_changes_its_entry(story: Story) -> None:
    espo_id, betnr = await known(story, phone(OFFICE, primary=True), phone(MOBILE, "Mobile"))
    before = {one["kommKz"]: one["id"] for one in entries(story, betnr)}
    story.espo.edit(espo_id, {"phoneNumberData": [phone(HOME, primary=True), phone(MOBILE, "Mobile")]}, by="anna")
    await story.settle()
    assert living(story, betnr) == [(1, HOME), (3, MOBILE)]
    assert {one["kommKz"]: one["id"] for one in entries(story, betnr)} == before
    assert story.writes("Kommunikationen") == [("advoware", "PUT")]


@told()
async def test_a_number_changed_in_advoware_changes_in_espocrm(story: Story) -> None:
    espo_id, betnr = await known(story, phone(OFFICE, primary=True), phone(MOBILE, "Mobile"))
    office = next(one for one in entries(story, betnr) if one["kommKz"] == 1)
    story.advoware.edit_kommunikation(betnr, office["id"], {"tlf": "0511 9876"}, by="AB")
    await story.settle()
    assert phones(story, espo_id) == [(MOBILE, "Mobile"), (HOME, "Office")]
    assert story.espo.see(espo_id)["phoneNumberData"][0]["phoneNumber"] == HOME
    entry = next(one for one in entries(story, betnr) if one["kommKz"] == 1)
    assert (entry["tlf"], entry["bemerkung"]) == ("0511 9876", marker("0511 9876", 1))


@told()
async def test_another_type_in_espocrm_makes_a_new_entry_and_a_slot(story: Story) -> None:
    espo_id, betnr = await known(story, phone(OFFICE, primary=True))
    story.espo.edit(espo_id, {"phoneNumberData": [phone(OFFICE, "Mobile", primary=True)]}, by="anna")
    await story.settle()
    assert living(story, betnr) == [(3, OFFICE)]
    assert sorted(one["bemerkung"] for one in entries(story, betnr)) == ["[ESPOCRM-SLOT:1]", marker(OFFICE, 3)]
    assert phones(story, espo_id) == [(OFFICE, "Mobile")]
    assert story.status(espo_id) == "clean"


@told()
async def test_another_primary_in_espocrm_is_online_in_advoware(story: Story) -> None:
    espo_id, betnr = await known(story, phone(OFFICE, primary=True), phone(MOBILE, "Mobile"))
    numbers = [phone(OFFICE), phone(MOBILE, "Mobile", primary=True)]
    story.espo.edit(espo_id, {"phoneNumberData": numbers}, by="anna")
    await story.settle()
    assert {one["kommKz"]: one["online"] for one in entries(story, betnr)} == {1: False, 3: True}


@told()
async def test_an_answer_lost_to_a_post_makes_no_second_entry(story: Story) -> None:
    espo_id, betnr = await story.pair()
    story.fault(Kind.TIMEOUT_APPLIED, system="advoware", method="POST", route="*/Kommunikationen")
    story.espo.edit(espo_id, {"phoneNumberData": [phone(MOBILE, "Mobile", primary=True)]}, by="anna")
    await story.live(120)
    assert living(story, betnr) == [(3, MOBILE)]
    assert len(entries(story, betnr)) == 1
    assert story.status(espo_id) == "clean"


@told()
async def test_an_installation_with_markers_goes_on_without_a_write(story: Story) -> None:
    pairs = story.sandbox.seed.synced(5)
    story.forget_calls()
    await story.live(60)
    assert story.writes() == []
    assert all(story.status(espo_id) == "clean" for espo_id, _ in pairs)


@told()
async def test_nobody_chose_the_primary_that_is_left_when_the_other_one_is_emptied_in_advoware(story: Story) -> None:
    espo_id, betnr = await known(story, phone(OFFICE, primary=True), phone(MOBILE, "Mobile"))
    office = next(one for one in entries(story, betnr) if one["kommKz"] == 1)
    story.advoware.edit_kommunikation(betnr, office["id"], {"tlf": ""}, by="AB")
    await story.settle()
    assert story.espo.see(espo_id)["phoneNumberData"][0]["primary"] is True
    await story.settle()
    assert story.writes("Kommunikationen") == []


@told()
async def test_a_number_our_own_patch_took_away_is_known_by_its_webhook_and_can_be_put_back(story: Story) -> None:
    espo_id, betnr = await known(story, phone(OFFICE, primary=True))
    await registered(story, "update")
    story.advoware.add_kommunikation(betnr, {"tlf": MOBILE, "kommKz": 3, "online": False}, by="AB")
    numbers = [phone(OFFICE, primary=True), phone(HOME, "Home")]
    story.fault(
        Kind.EDIT_BEFORE, system="espocrm", method="PATCH", route="*/CBeteiligte/*",
        act=lambda: story.espo.edit(espo_id, {"phoneNumberData": numbers}, by="anna"),
    )  # fmt: skip
    await story.settle()
    assert HOME not in str(story.espo.see(espo_id)["phoneNumberData"])  # the window nobody can close
    await story.sandbox.webhooks.run()
    await story.settle()
    [kept] = await story.conflicts(espo_id, "kept")
    assert (kept["kind"], kept["espo"], kept["advoware"]) == ("lost_entry", HOME, None)
    assert len(story.notes()) == 1
    assert story.status(espo_id) == "clean"

    await story.desk.resolve(kept["id"], "espocrm")
    await story.settle()
    assert {number for number, _ in phones(story, espo_id)} == {OFFICE, MOBILE, HOME}
    assert HOME in [number for _, number in living(story, betnr)]
    assert story.status(espo_id) == "clean"


@told()
async def test_a_webhook_that_tells_of_a_number_removed_since_is_no_evidence(story: Story) -> None:
    espo_id, betnr = await known(story, phone(OFFICE, primary=True))
    await registered(story, "update")
    story.espo.edit(espo_id, {"phoneNumberData": [phone(OFFICE, primary=True), phone(HOME, "Home")]}, by="anna")
    await story.settle()
    home = next(one for one in entries(story, betnr) if one["tlf"] == HOME)
    story.advoware.remove_child(betnr, "kommunikation", home["id"])
    await story.settle()
    await story.sandbox.webhooks.run()
    await story.settle()
    assert phones(story, espo_id) == [(OFFICE, "Office")]
    assert await story.conflicts(espo_id, "kept") == []


@told()
async def test_a_type_changed_back_uses_the_slot_it_left(story: Story) -> None:
    espo_id, betnr = await known(story, phone(OFFICE, primary=True))
    for kind in ("Mobile", "Office"):
        story.espo.edit(espo_id, {"phoneNumberData": [phone(OFFICE, kind, primary=True)]}, by="anna")
        await story.settle()
    assert living(story, betnr) == [(1, OFFICE)]
    assert len(entries(story, betnr)) == 2


@told()
async def test_a_number_changed_in_advoware_while_its_type_changes_in_espocrm_keeps_both(story: Story) -> None:
    espo_id, betnr = await known(story, phone(OFFICE, primary=True))
    [entry] = entries(story, betnr)
    story.advoware.edit_kommunikation(betnr, entry["id"], {"tlf": "0511 98765"}, by="AB")
    story.espo.edit(espo_id, {"phoneNumberData": [phone(OFFICE, "Home", primary=True)]}, by="anna")
    await story.settle()
    assert phones(story, espo_id) == [("+4951198765", "Home")]
    assert [kind for kind, _ in living(story, betnr)] == [6]


@told()
async def test_two_numbers_swapped_in_advoware_are_swapped_in_espocrm(story: Story) -> None:
    espo_id, betnr = await known(story, phone(OFFICE, primary=True), phone(HOME, "Home"))
    ids = {one["kommKz"]: one["id"] for one in entries(story, betnr)}
    story.advoware.edit_kommunikation(betnr, ids[1], {"tlf": HOME}, by="AB")
    story.advoware.edit_kommunikation(betnr, ids[6], {"tlf": OFFICE}, by="AB")
    await story.settle()
    assert phones(story, espo_id) == [(OFFICE, "Home"), (HOME, "Office")]
    assert sorted(one["bemerkung"] for one in entries(story, betnr)) == sorted([marker(HOME, 1), marker(OFFICE, 6)])
