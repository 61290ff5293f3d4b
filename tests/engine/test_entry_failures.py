"""Entries that cannot be written, are written half, or read back otherwise than they were sent."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from syncd.sandbox import espocrm_render
from syncd.sandbox.advoware_world import AdvowareWorld
from syncd.sandbox.faults import Kind
from tests.engine.numbers import (
    ADDRESS,
    FAX,
    HOME,
    MOBILE,
    OFFICE,
    agree,
    entries,
    entry,
    known,
    living,
    mail,
    mails,
    marker,
    phone,
    phones,
    rows,
    save,
    shown,
    typed,
)
from tests.engine.story import POLL, Story, told

ENTRY = "*/Kommunikationen/*"
LIST = "*/Kommunikationen"
SOON = {"SYNCD_RETRY_MINUTES": "0.5,0.5,0.5,0.5,0.5"}
TIMEOUT = {"ADVOWARE_API_TIMEOUT_SECONDS": "5"}
PATIENT = 60.0  # seconds in which a doubt about a lost answer of five seconds is over


# --- one of several ---------------------------------------------------------------------------


@told(**SOON)
async def test_one_entry_that_fails_delays_none_of_the_others(story: Story) -> None:
    espo_id, betnr = await known(
        story,
        phone(OFFICE, primary=True),
        phone(MOBILE, "Mobile"),
        phone(HOME, "Home"),
        phone(FAX, "Fax"),
        phone("+49511777", "Other"),
    )
    bad = entry(story, betnr, HOME)["id"]
    rule = story.fault(Kind.STATUS, system="advoware", method="PUT", route=f"*/Kommunikationen/{bad}", times=None)
    after = {OFFICE: "+49511801", MOBILE: "+49511802", HOME: "+49511803", FAX: "+49511804", "+49511777": "+49511805"}
    save(story, espo_id, *({**row, "phoneNumber": after[row["phoneNumber"]]} for row in rows(story, espo_id)))
    await story.live(POLL)
    assert living(story, betnr) == [
        (1, "+49511801"),
        (2, "+49511804"),
        (3, "+49511802"),
        (6, HOME),
        (10, "+49511805"),
    ]
    assert story.status(espo_id) == "failed"
    story.sandbox.faults.remove(rule)
    await story.live(60)
    assert (6, "+49511803") in living(story, betnr)
    assert len(entries(story, betnr)) == 5
    assert story.status(espo_id) == "clean"
    await agree(story, espo_id, betnr)


@told(**SOON, **TIMEOUT)
async def test_a_post_that_fails_for_ever_is_given_up_alone(story: Story) -> None:
    espo_id, betnr = await known(story, phone(OFFICE, primary=True))
    story.fault(Kind.STATUS, system="advoware", method="POST", route=LIST, after=2, times=None)
    new = [phone(MOBILE, "Mobile"), phone(HOME, "Home"), phone(FAX, "Fax")]
    save(story, espo_id, phone(OFFICE, primary=True), *new)
    await story.live(POLL)
    assert len(living(story, betnr)) == 3
    await story.live(100)
    assert story.status(espo_id) in ("failed", "permanently_failed")
    await story.live(500)
    assert story.status(espo_id) == "permanently_failed"
    story.sandbox.faults.clear()
    await story.desk.retry([(await story.known(espo_id))["pair"]["key"]])
    await story.live(60)
    assert living(story, betnr) == [(1, OFFICE), (2, FAX), (3, MOBILE), (6, HOME)]
    assert story.status(espo_id) == "clean"
    await agree(story, espo_id, betnr)


@told()
async def test_an_entry_deleted_at_the_instant_of_its_put_is_no_failure(story: Story) -> None:
    espo_id, betnr = await known(story, phone(OFFICE, primary=True), phone(MOBILE, "Mobile"))
    number = entry(story, betnr, MOBILE)["id"]
    story.fault(
        Kind.EDIT_BEFORE, system="advoware", method="PUT", route=ENTRY,
        act=lambda: story.advoware.remove_child(betnr, "kommunikation", number),
    )  # fmt: skip
    save(story, espo_id, phone(OFFICE, primary=True), phone(HOME, "Mobile"))
    await story.settle()
    assert phones(story, espo_id) == [(OFFICE, "Office"), (HOME, "Mobile")]  # gone there, changed here: the change wins
    assert living(story, betnr) == [(1, OFFICE), (3, HOME)]
    assert story.status(espo_id) == "clean"
    await agree(story, espo_id, betnr)


@told()
async def test_an_entry_deleted_right_after_its_put_is_removed_in_espocrm_too(story: Story) -> None:
    espo_id, betnr = await known(story, phone(OFFICE, primary=True), phone(MOBILE, "Mobile"))
    number = entry(story, betnr, MOBILE)["id"]
    story.fault(
        Kind.EDIT_AFTER, system="advoware", method="PUT", route=ENTRY,
        act=lambda: story.advoware.remove_child(betnr, "kommunikation", number),
    )  # fmt: skip
    save(story, espo_id, phone(OFFICE, primary=True), phone(HOME, "Mobile"))
    await story.settle()
    assert phones(story, espo_id) == [(OFFICE, "Office")]
    assert living(story, betnr) == [(1, OFFICE)]
    assert story.status(espo_id) == "clean"
    await agree(story, espo_id, betnr)


# --- answers that get lost --------------------------------------------------------------------


async def posted(story: Story, kind: Kind, **what: Any) -> tuple[str, int]:
    """A known person gets a second number in EspoCRM, and this happens to its POST."""
    espo_id, betnr = await known(story, phone(OFFICE, primary=True))
    story.fault(kind, system="advoware", method="POST", route=LIST, **what)
    save(story, espo_id, phone(OFFICE, primary=True), phone(MOBILE, "Mobile"))
    return espo_id, betnr


@pytest.mark.parametrize("kind", [Kind.STATUS_APPLIED, Kind.TIMEOUT_APPLIED, Kind.HANG_UP_APPLIED, Kind.HTML,
                                  Kind.EMPTY, Kind.TRUNCATED])  # fmt: skip
@told(**SOON, **TIMEOUT)
async def test_a_post_that_was_applied_in_spite_of_its_answer_is_not_repeated(story: Story, kind: Kind) -> None:
    espo_id, betnr = await posted(story, kind)
    await story.live(PATIENT)
    assert living(story, betnr) == [(1, OFFICE), (3, MOBILE)]
    assert len(entries(story, betnr)) == 2
    assert story.status(espo_id) == "clean"
    await agree(story, espo_id, betnr)


@pytest.mark.parametrize("seconds", [1.0, 6.0, 9.0])
@told(**SOON, **TIMEOUT)
async def test_a_post_applied_after_we_gave_up_makes_no_second_entry(story: Story, seconds: float) -> None:
    espo_id, betnr = await posted(story, Kind.APPLIED_LATE, seconds=seconds)
    await story.live(PATIENT)
    assert living(story, betnr) == [(1, OFFICE), (3, MOBILE)]
    assert len(entries(story, betnr)) == 2
    assert story.status(espo_id) == "clean"
    await agree(story, espo_id, betnr)


@pytest.mark.parametrize("kind", [Kind.TIMEOUT, Kind.HANG_UP])
@told(**SOON, **TIMEOUT)
async def test_a_post_that_was_never_applied_is_made_once_the_doubt_is_over(story: Story, kind: Kind) -> None:
    espo_id, betnr = await posted(story, kind)
    await story.live(PATIENT)
    assert living(story, betnr) == [(1, OFFICE), (3, MOBILE)]
    assert story.status(espo_id) == "clean"
    await agree(story, espo_id, betnr)


@told(**SOON, **TIMEOUT)
async def test_while_a_post_is_in_doubt_the_other_new_numbers_arrive(story: Story) -> None:
    espo_id, betnr = await known(story, phone(OFFICE, primary=True))
    story.fault(Kind.STATUS_APPLIED, system="advoware", method="POST", route=LIST, status=500)
    save(story, espo_id, phone(OFFICE, primary=True), phone(MOBILE, "Mobile"), phone(HOME, "Home"), phone(FAX, "Fax"))
    await story.live(POLL)
    assert living(story, betnr) == [(1, OFFICE), (2, FAX), (3, MOBILE), (6, HOME)]
    await story.live(PATIENT)
    assert story.status(espo_id) == "clean"
    await agree(story, espo_id, betnr)


@told(**SOON, **TIMEOUT)
async def test_a_number_taken_back_while_its_post_is_in_doubt_stays_away(story: Story) -> None:
    espo_id, betnr = await posted(story, Kind.APPLIED_LATE, seconds=9.0)
    await story.live(7)
    save(story, espo_id, phone(OFFICE, primary=True))
    await story.live(PATIENT)
    assert phones(story, espo_id) == [(OFFICE, "Office")]
    assert living(story, betnr) == [(1, OFFICE)]
    assert story.status(espo_id) == "clean"
    await agree(story, espo_id, betnr)


@pytest.mark.parametrize("seconds", [1.0, 6.0, 9.0])
@told(**SOON, **TIMEOUT)
async def test_a_put_applied_after_we_gave_up_is_not_taken_for_a_persons(story: Story, seconds: float) -> None:
    espo_id, betnr = await known(story, phone(OFFICE, primary=True))
    story.fault(Kind.APPLIED_LATE, system="advoware", method="PUT", route=ENTRY, seconds=seconds)
    save(story, espo_id, phone(MOBILE, primary=True))
    await story.live(2)
    save(story, espo_id, phone(HOME, primary=True))
    await story.live(PATIENT)
    assert phones(story, espo_id) == [(HOME, "Office")]
    assert living(story, betnr) == [(1, HOME)]
    assert story.status(espo_id) == "clean"
    await agree(story, espo_id, betnr)


# --- the marker -------------------------------------------------------------------------------


@pytest.mark.parametrize("room", [10, 24, 30, 40])
@told()
async def test_a_marker_cut_by_the_server_gives_peoples_text_back(story: Story, room: int) -> None:
    story.sandbox.advoware.switches.bemerkung_max = room
    espo_id, betnr = await story.pair()
    text = "nur abends"[:room]
    story.advoware.add_kommunikation(betnr, typed("0511 12345", 1, text), by="AB")
    await story.settle()
    [one] = entries(story, betnr)
    fits = len(marker("0511 12345", 1) + " " + text) <= room
    assert one["bemerkung"] == (marker("0511 12345", 1) + " " + text if fits else text)
    assert phones(story, espo_id) == [(OFFICE, "Office")]
    assert story.status(espo_id) == "clean"
    await agree(story, espo_id, betnr)

    save(story, espo_id, phone(HOME, primary=True))
    await story.settle()
    [one] = entries(story, betnr)
    assert one["tlf"] == HOME
    assert one["bemerkung"].endswith(text)
    assert story.status(espo_id) == "clean"
    await agree(story, espo_id, betnr)

    save(story, espo_id)
    await story.settle()
    [one] = entries(story, betnr)
    assert one["tlf"] == ""
    assert one["bemerkung"].endswith(text)
    assert story.status(espo_id) == "clean"
    await agree(story, espo_id, betnr)


@told()
async def test_a_new_entry_whose_marker_is_cut_lives_unmarked(story: Story) -> None:
    story.sandbox.advoware.switches.bemerkung_max = 12
    espo_id, betnr = await story.pair({"phoneNumberData": [phone(OFFICE, primary=True)]})
    await story.settle()
    [one] = entries(story, betnr)
    assert (one["tlf"], one["bemerkung"] or "") == (OFFICE, "")
    assert story.status(espo_id) == "clean"
    await agree(story, espo_id, betnr)


@told()
async def test_a_text_too_long_for_a_marker_stays_alone(story: Story) -> None:
    espo_id, betnr = await story.pair()
    text = "x" * 250
    story.advoware.add_kommunikation(betnr, typed("0511 12345", 1, text), by="AB")
    await story.settle()
    [one] = entries(story, betnr)
    assert one["bemerkung"] == text
    assert phones(story, espo_id) == [(OFFICE, "Office")]
    await agree(story, espo_id, betnr)
    save(story, espo_id, phone(HOME, primary=True))
    await story.settle()
    [one] = entries(story, betnr)
    assert (one["tlf"], one["bemerkung"]) == (HOME, text)
    assert story.status(espo_id) == "clean"
    await agree(story, espo_id, betnr)
    save(story, espo_id)
    await story.settle()
    [one] = entries(story, betnr)
    assert (one["tlf"], one["bemerkung"], one["online"]) == ("", text, False)
    assert (phones(story, espo_id), story.status(espo_id)) == ([], "clean")
    await agree(story, espo_id, betnr)


@pytest.mark.parametrize("status", [403, 500])
@told(**SOON)
async def test_a_marker_that_could_not_be_written_is_written_by_the_next_try(story: Story, status: int) -> None:
    espo_id, betnr = await known(story, phone(OFFICE, primary=True), phone(MOBILE, "Mobile"))
    story.fault(Kind.STATUS, system="advoware", method="PUT", route=ENTRY, times=2, status=status)
    story.advoware.edit_kommunikation(betnr, entry(story, betnr, MOBILE)["id"], {"tlf": HOME}, by="AB")
    story.advoware.add_kommunikation(betnr, typed(FAX, 2, "nur abends"), by="AB")
    await story.live(60)
    assert phones(story, espo_id) == [(OFFICE, "Office"), (FAX, "Fax"), (HOME, "Mobile")]
    assert entry(story, betnr, HOME)["bemerkung"] == marker(HOME, 3)
    assert entry(story, betnr, FAX)["bemerkung"] == marker(FAX, 2) + " nur abends"
    assert story.status(espo_id) == "clean"
    await agree(story, espo_id, betnr)


# --- a target that does not take it -----------------------------------------------------------


@told()
async def test_online_that_is_ignored_is_no_reason_to_write_for_ever(story: Story) -> None:
    espo_id, betnr = await known(story, phone(OFFICE, primary=True), phone(MOBILE, "Mobile"))
    story.fault(Kind.REFUSE, system="advoware", method="PUT", route=ENTRY, field="online", times=None)
    save(story, espo_id, phone(OFFICE), phone(MOBILE, "Mobile", primary=True))
    await story.settle()
    assert story.status(espo_id) in ("clean", "conflict")
    assert [row["phoneNumber"] for row in rows(story, espo_id) if row["primary"]] == [MOBILE]
    await agree(story, espo_id, betnr)
    save(story, espo_id, phone(OFFICE), phone(HOME, "Mobile", primary=True))
    await story.settle()
    assert living(story, betnr) == [(1, OFFICE), (3, HOME)]
    assert entry(story, betnr, HOME)["bemerkung"] == marker(HOME, 3)
    await agree(story, espo_id, betnr)


@told()
async def test_an_emptying_that_does_not_take_becomes_a_question_and_settles_when_the_entry_is_deleted(
    story: Story,
) -> None:
    espo_id, betnr = await known(story, phone(OFFICE, primary=True), phone(MOBILE, "Mobile"))
    story.fault(Kind.REFUSE, system="advoware", method="PUT", route=ENTRY, field="tlf", times=None)
    save(story, espo_id, phone(OFFICE, primary=True))
    await story.settle()
    assert story.status(espo_id) == "conflict"
    assert MOBILE in await shown(story, espo_id)
    assert len(story.tasks()) == 1
    assert phones(story, espo_id) == [(OFFICE, "Office")]
    await agree(story, espo_id, betnr, MOBILE)
    story.advoware.remove_child(betnr, "kommunikation", entry(story, betnr, MOBILE)["id"])
    await story.settle()
    assert story.status(espo_id) == "clean"
    assert await story.conflicts(espo_id) == []
    await agree(story, espo_id, betnr)


@told()
async def test_a_number_advoware_does_not_take_is_shown_and_the_others_arrive(story: Story) -> None:
    espo_id, betnr = await known(story, phone(OFFICE, primary=True), phone(MOBILE, "Mobile"))
    bad = entry(story, betnr, MOBILE)["id"]
    rule = story.fault(
        Kind.REFUSE, system="advoware", method="PUT", route=f"*/Kommunikationen/{bad}", field="tlf", times=None
    )
    save(story, espo_id, phone(HOME, primary=True), phone(FAX, "Mobile"))
    await story.settle()
    assert living(story, betnr) == [(1, HOME), (3, MOBILE)]
    assert story.status(espo_id) == "conflict"
    assert (HOME, "Office") in phones(story, espo_id)
    await agree(story, espo_id, betnr, MOBILE, FAX)
    story.sandbox.faults.remove(rule)
    save(story, espo_id, phone(HOME, primary=True), phone("+49511900", "Mobile"))
    await story.settle()
    assert living(story, betnr) == [(1, HOME), (3, "+49511900")]
    assert story.status(espo_id) == "clean"
    await agree(story, espo_id, betnr)


@pytest.mark.parametrize("with_slot", [False, True])
@told()
async def test_a_type_advoware_does_not_take_is_shown_until_a_person_wants_another_try(
    story: Story, with_slot: bool
) -> None:
    espo_id, betnr = await known(story, phone(OFFICE, primary=True), phone(MOBILE, "Mobile"), phone(FAX, "Home"))
    if with_slot:
        save(story, espo_id, phone(OFFICE, primary=True), phone(MOBILE, "Mobile"))
        await story.settle()
    rule = story.fault(
        Kind.STATUS, system="advoware", method="PUT" if with_slot else "POST", route=ENTRY if with_slot else LIST,
        status=400, times=None,
    )  # fmt: skip
    left = [] if with_slot else [phone(FAX, "Home")]
    save(story, espo_id, phone(OFFICE, primary=True), phone(MOBILE, "Home"), *left)
    for _ in range(2):
        await story.settle()
        assert story.status(espo_id) == "conflict"
        assert MOBILE in await shown(story, espo_id)
    story.sandbox.faults.remove(rule)
    await story.desk.retry([f"beteiligte/{espo_id}"])
    await story.settle()
    assert (6, MOBILE) in living(story, betnr)
    assert (3, MOBILE) not in living(story, betnr)
    assert story.status(espo_id) == "clean"
    await agree(story, espo_id, betnr)


@told()
async def test_an_address_espocrm_refuses_does_not_keep_the_others_away(story: Story) -> None:
    espo_id, betnr = await story.pair()
    for address in ("a@example.org", "ümlaut@example.org", "b@example.org"):
        story.advoware.add_kommunikation(betnr, typed(address, 4), by="AB")
    story.advoware.add_kommunikation(betnr, typed("0511 12345", 1), by="AB")
    await story.settle()
    assert mails(story, espo_id) == ["a@example.org", "b@example.org"]
    assert phones(story, espo_id) == [(OFFICE, "Office")]
    assert story.status(espo_id) == "conflict"
    assert await shown(story, espo_id) == {"ümlaut@example.org"}
    await agree(story, espo_id, betnr, "ümlaut@example.org")
    bad = entry(story, betnr, "ümlaut@example.org")["id"]
    story.advoware.edit_kommunikation(betnr, bad, {"tlf": "umlaut@example.org"}, by="AB")
    await story.settle()
    assert mails(story, espo_id) == ["a@example.org", "b@example.org", "umlaut@example.org"]
    assert story.status(espo_id) == "clean"
    await agree(story, espo_id, betnr)


@told()
async def test_a_number_espocrm_alone_finds_invalid_does_not_keep_the_others_away(story: Story) -> None:
    """Nothing tells before which one EspoCRM will not take, and its answer does not say which it was."""
    book = story.sandbox.espo.phones
    check = book.check_value

    def stricter(entity: str, value: Any) -> str:
        return check(entity, "" if value == HOME else value)

    book.check_value = stricter  # type: ignore[method-assign]
    espo_id, betnr = await story.pair()
    for number in (OFFICE, HOME, FAX):
        story.advoware.add_kommunikation(betnr, typed(number, 1), by="AB")
    await story.settle()
    assert phones(story, espo_id) == [(OFFICE, "Office"), (FAX, "Office")]
    assert story.status(espo_id) == "conflict"
    assert await shown(story, espo_id) == {HOME}
    await agree(story, espo_id, betnr, HOME)


# --- what does not fit ------------------------------------------------------------------------


@told()
async def test_the_eleventh_number_stays_in_advoware_until_there_is_room(story: Story) -> None:
    espo_id, betnr = await known(story, *(phone(f"+4951180{n}", primary=n == 0) for n in range(10)))
    story.advoware.add_kommunikation(betnr, typed("0511 12345", 1, "Zentrale"), by="AB")
    await story.settle()
    assert len(phones(story, espo_id)) == 10
    assert story.status(espo_id) == "conflict"
    assert await shown(story, espo_id) == {OFFICE}
    await agree(story, espo_id, betnr, OFFICE)
    save(story, espo_id, *rows(story, espo_id)[:9])
    await story.settle()
    await story.settle()
    assert (OFFICE, "Office") in phones(story, espo_id)
    assert story.status(espo_id) == "clean"
    assert len(living(story, betnr)) == 10
    await agree(story, espo_id, betnr)


@told()
async def test_an_extension_stays_in_advoware_and_is_no_difference(story: Story) -> None:
    espo_id, betnr = await story.pair()
    story.advoware.add_kommunikation(betnr, typed("0511 12345 ext. 12", 1), by="AB")
    save(story, espo_id, phone("+495119876 ext. 7", "Home", primary=True))
    await story.settle()
    assert phones(story, espo_id) == [(OFFICE, "Office"), (HOME, "Home")]
    assert "0511 12345 ext. 12" in [tlf for _, tlf in living(story, betnr)]
    assert story.status(espo_id) == "clean"
    await agree(story, espo_id, betnr)
    number = entry(story, betnr, "0511 12345 ext. 12")["id"]
    story.advoware.edit_kommunikation(betnr, number, {"tlf": "0511 12345 ext. 13"}, by="AB")
    await story.settle()
    assert entry(story, betnr, "0511 12345 ext. 13")["kommKz"] == 1
    assert story.status(espo_id) == "clean"
    await agree(story, espo_id, betnr)


@told()
async def test_a_text_that_is_no_number_stays_in_advoware_and_is_shown(story: Story) -> None:
    espo_id, betnr = await story.pair()
    story.advoware.add_kommunikation(betnr, typed("nach 18 Uhr fragen", 10), by="AB")
    story.advoware.add_kommunikation(betnr, typed("0511 12345", 1), by="AB")
    await story.settle()
    assert phones(story, espo_id) == [(OFFICE, "Office")]
    assert story.status(espo_id) == "conflict"
    assert await shown(story, espo_id) == {"nach 18 Uhr fragen"}
    await agree(story, espo_id, betnr, "nach 18 Uhr fragen")
    bad = entry(story, betnr, "nach 18 Uhr fragen")["id"]
    story.advoware.edit_kommunikation(betnr, bad, {"tlf": "0511 9876"}, by="AB")
    await story.settle()
    assert phones(story, espo_id) == [(OFFICE, "Office"), (HOME, "Office")]  # nothing tells its kind
    assert story.status(espo_id) == "clean"
    await agree(story, espo_id, betnr)


@told()
async def test_a_known_number_that_becomes_a_text_is_shown_and_nothing_is_taken_away(story: Story) -> None:
    espo_id, betnr = await known(story, phone(OFFICE, primary=True))
    number = entry(story, betnr, OFFICE)["id"]
    story.advoware.edit_kommunikation(betnr, number, {"tlf": "nur schriftlich"}, by="AB")
    await story.settle()
    assert phones(story, espo_id) == [(OFFICE, "Office")]
    assert living(story, betnr) == [(1, "nur schriftlich")]
    assert story.status(espo_id) == "conflict"
    await agree(story, espo_id, betnr, OFFICE, "nur schriftlich")
    story.advoware.edit_kommunikation(betnr, number, {"tlf": "0511/9876"}, by="AB")
    await story.settle()
    assert phones(story, espo_id) == [(HOME, "Office")]
    assert story.status(espo_id) == "clean"
    await agree(story, espo_id, betnr)


# --- what Advoware may do that nobody knows ---------------------------------------------------


@pytest.mark.parametrize("empty", ["", None, " "])
@pytest.mark.parametrize("reads_back", [False, True])
@told()
async def test_an_emptied_entry_is_a_slot_however_it_reads_back(
    story: Story, empty: str | None, reads_back: bool
) -> None:
    switches = story.sandbox.advoware.switches
    switches.empty_tlf, switches.kommkz_reads_back = empty, reads_back
    espo_id, betnr = await known(story, phone(OFFICE, primary=True), phone(MOBILE, "Mobile"))
    number = entry(story, betnr, MOBILE)["id"]
    save(story, espo_id, phone(OFFICE, primary=True))
    await story.settle()
    slot = next(one for one in entries(story, betnr) if one["id"] == number)
    assert (slot["tlf"], slot["bemerkung"]) == (empty, "[ESPOCRM-SLOT:3]")
    assert story.status(espo_id) == "clean"
    await agree(story, espo_id, betnr)
    save(story, espo_id, phone(OFFICE, primary=True), phone(HOME, "Mobile"))
    await story.settle()
    assert (entry(story, betnr, HOME)["id"], len(entries(story, betnr))) == (number, 2)
    assert story.status(espo_id) == "clean"
    await agree(story, espo_id, betnr)


@told()
async def test_a_kind_that_is_read_back_decides_the_type(story: Story) -> None:
    story.sandbox.advoware.switches.kommkz_reads_back = True
    espo_id, betnr = await story.pair()
    kinds = {1: "Office", 2: "Fax", 3: "Mobile", 6: "Home", 7: "Fax", 9: "Mobile", 10: "Other"}
    for kind in kinds:
        story.advoware.add_kommunikation(betnr, typed(f"0511 8{kind:02d}", kind), by="AB")
    for kind in (5, 11, 12):
        story.advoware.add_kommunikation(betnr, typed(f"anderes {kind}", kind), by="AB")
    await story.settle()
    assert dict(phones(story, espo_id)) == {f"+495118{kind:02d}": name for kind, name in kinds.items()}
    assert all(one["bemerkung"] == "" for one in entries(story, betnr) if one["kommKz"] in (5, 11, 12))
    assert story.status(espo_id) == "clean"


# --- a list that is not there -----------------------------------------------------------------


@pytest.mark.parametrize(
    "lists", [("phoneNumberData",), ("emailAddressData",), ("phoneNumberData", "emailAddressData")]
)
@told()
async def test_a_list_missing_from_espocrms_answer_is_not_empty(
    story: Story, lists: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    espo_id, betnr = await known(story, phone(OFFICE, primary=True), addresses=(mail(ADDRESS, primary=True),))
    full = espocrm_render.full

    def without(world: Any, entity: str, row: Any) -> dict[str, Any]:
        return {name: value for name, value in full(world, entity, row).items() if name not in lists}

    with monkeypatch.context() as patched:
        patched.setattr(espocrm_render, "full", without)
        story.espo.edit(espo_id, {"titel": "Prof."}, by="anna")
        story.advoware.edit(betnr, {"zusatz": "Hinterhaus"}, by="AB")
        await story.settle()
        assert lists[0] not in story.espo.see(espo_id)
        assert story.espo.see(espo_id)["zusatz"] == "Hinterhaus"
    assert living(story, betnr) == [(1, OFFICE), (4, ADDRESS)]
    assert story.writes("Kommunikationen") == []
    await story.settle()
    assert story.status(espo_id) == "clean"
    assert (phones(story, espo_id), mails(story, espo_id)) == ([(OFFICE, "Office")], [ADDRESS])
    await agree(story, espo_id, betnr)


@pytest.mark.parametrize("answer", [lambda shown: shown.pop("kommunikation"),
                                    lambda shown: shown.update(kommunikation=None),
                                    lambda shown: shown.update(kommunikation={}),
                                    lambda shown: shown.update(kommunikation="")],
                         ids=["missing", "null", "object", "text"])  # fmt: skip
@told()
async def test_a_list_missing_from_advowares_answer_is_not_empty(
    story: Story, answer: Callable[[dict[str, Any]], object], monkeypatch: pytest.MonkeyPatch
) -> None:
    espo_id, betnr = await known(story, phone(OFFICE, primary=True), addresses=(mail(ADDRESS, primary=True),))
    shows = AdvowareWorld.shown

    def without(world: AdvowareWorld, one: Any) -> dict[str, Any]:
        found = shows(world, one)
        answer(found)
        return found

    with monkeypatch.context() as patched:
        patched.setattr(AdvowareWorld, "shown", without)
        story.espo.edit(espo_id, {"titel": "Prof."}, by="anna")
        await story.settle()
    assert (phones(story, espo_id), mails(story, espo_id)) == ([(OFFICE, "Office")], [ADDRESS])
    assert story.writes("Kommunikationen") == []
    assert story.advoware.see(betnr)["titel"] == "Prof."
    await story.settle()
    assert story.status(espo_id) == "clean"
    await agree(story, espo_id, betnr)
