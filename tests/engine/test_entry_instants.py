"""Somebody types a number at the very instant the daemon reads or writes one."""

from __future__ import annotations

from collections.abc import Callable

import pytest

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
    phone,
    phones,
    rows,
    save,
    typed,
)
from tests.engine.story import POLL, Story, told

OBJECT = "*/Beteiligte/*"
ENTRY = "*/Kommunikationen/*"
RECORD = "*/CBeteiligte/*"

# Nobody looks round by chance: what was typed must be found by the job itself or its late check.
SELDOM = {"SYNCD_SWEEP_MIN_SECONDS": "300", "SYNCD_SWEEP_MAX_SECONDS": "86400"}

Instant = tuple[Kind, str, str, str, int]  # kind, system, method, route, how many such calls pass before

# The daemon reads both sides (GET, GET), writes a new marker (PUT, GET), reads EspoCRM again and PATCHes.
BEFORE_THE_PATCH: dict[str, Instant] = {
    "as we read EspoCRM": (Kind.EDIT_AFTER, "espocrm", "GET", RECORD, 0),
    "as we read Advoware": (Kind.EDIT_AFTER, "advoware", "GET", OBJECT, 0),
    "before the marker": (Kind.EDIT_BEFORE, "advoware", "PUT", ENTRY, 0),
    "after the marker": (Kind.EDIT_AFTER, "advoware", "PUT", ENTRY, 0),
    "as the marker is read back": (Kind.EDIT_AFTER, "advoware", "GET", OBJECT, 1),
}
AFTER_THE_PATCH: dict[str, Instant] = {
    "right after the PATCH": (Kind.EDIT_AFTER, "espocrm", "PATCH", RECORD, 0),
}
WHENEVER_PATCHED = {**BEFORE_THE_PATCH, **AFTER_THE_PATCH}


def at(story: Story, instant: Instant, act: Callable[[], object]) -> None:
    kind, system, method, route, after = instant
    story.fault(kind, system=system, method=method, route=route, after=after, act=act)


def also(story: Story, espo_id: str, number: str, kind: str = "Home") -> None:
    """Bernd adds a number to whatever EspoCRM shows at that instant."""
    save(story, espo_id, *rows(story, espo_id), phone(number, kind), by="bernd")


# --- a list of EspoCRM is about to be replaced ------------------------------------------------


@pytest.mark.parametrize("instant", WHENEVER_PATCHED)
@told(**SELDOM)
async def test_a_number_added_in_espocrm_survives_our_list(story: Story, instant: str) -> None:
    espo_id, betnr = await known(story, phone(OFFICE, primary=True))
    story.espo.edit(espo_id, {"titel": "Prof."}, by="anna")
    story.advoware.add_kommunikation(betnr, typed("0171 2345678", 3), by="AB")
    at(story, WHENEVER_PATCHED[instant], lambda: also(story, espo_id, HOME))
    await story.live(POLL)
    assert phones(story, espo_id) == [(MOBILE, "Mobile"), (OFFICE, "Office"), (HOME, "Home")]
    assert living(story, betnr) == [(1, OFFICE), (3, "0171 2345678"), (6, HOME)]
    assert story.status(espo_id) == "clean"
    await agree(story, espo_id, betnr)


@pytest.mark.parametrize("instant", BEFORE_THE_PATCH)
@told(**SELDOM)
async def test_a_number_removed_in_espocrm_does_not_come_back_with_our_list(story: Story, instant: str) -> None:
    espo_id, betnr = await known(story, phone(OFFICE, primary=True), phone(FAX, "Fax"))
    story.espo.edit(espo_id, {"titel": "Prof."}, by="anna")
    story.advoware.add_kommunikation(betnr, typed("0171 2345678", 3), by="AB")
    at(story, BEFORE_THE_PATCH[instant], lambda: save(story, espo_id, phone(OFFICE, primary=True), by="bernd"))
    await story.live(POLL)
    assert phones(story, espo_id) == [(MOBILE, "Mobile"), (OFFICE, "Office")]
    assert living(story, betnr) == [(1, OFFICE), (3, "0171 2345678")]
    assert story.status(espo_id) == "clean"
    await agree(story, espo_id, betnr)


@pytest.mark.parametrize("instant", WHENEVER_PATCHED)
@told(**SELDOM)
async def test_the_number_we_are_about_to_change_is_changed_in_espocrm_too(story: Story, instant: str) -> None:
    espo_id, betnr = await known(story, phone(OFFICE, primary=True))
    story.espo.edit(espo_id, {"titel": "Prof."}, by="anna")
    number = entry(story, betnr, OFFICE)["id"]
    story.advoware.edit_kommunikation(betnr, number, {"tlf": "0171 2345678"}, by="AB")
    at(story, WHENEVER_PATCHED[instant],
       lambda: save(story, espo_id, phone(HOME, primary=True), by="bernd"))  # fmt: skip
    await story.live(POLL)
    assert phones(story, espo_id) == [(HOME, "Office")]
    assert living(story, betnr) == [(1, HOME)]
    if instant in BEFORE_THE_PATCH:  # neither saw the other's
        kept = [(row["espo"], row["advoware"]) for row in await story.conflicts(espo_id, "kept")]
        assert (HOME, MOBILE) in kept
    assert story.status(espo_id) == "clean"
    await agree(story, espo_id, betnr)


@pytest.mark.parametrize("seconds", [0.2, 0.9, 1.5, 2.5])
@told(**SELDOM)
async def test_a_number_typed_in_the_second_of_our_list_is_found_by_the_late_check(
    story: Story, seconds: float
) -> None:
    espo_id, betnr = await known(story, phone(OFFICE, primary=True))
    story.espo.edit(espo_id, {"titel": "Prof."}, by="anna")
    story.advoware.add_kommunikation(betnr, typed("0171 2345678", 3), by="AB")
    patched: list[float] = []
    at(story, AFTER_THE_PATCH["right after the PATCH"], lambda: patched.append(story.world.clock.now()))
    while not patched:
        await story.live(0)
    await story.without_daemon(seconds)
    also(story, espo_id, HOME)
    row = story.sandbox.espo.tables["CBeteiligte"].rows[espo_id]
    row.values["syncStatus"] = "clean"  # stamped over with our status, as EspoCRM does to a save in the same instant
    await story.live(POLL)
    assert living(story, betnr) == [(1, OFFICE), (3, "0171 2345678"), (6, HOME)]
    assert story.status(espo_id) == "clean"
    await agree(story, espo_id, betnr)


@told(**SELDOM)
async def test_our_stamp_over_a_clerks_list_hides_nothing(story: Story) -> None:
    """Same second, our name, our time, our `clean`: only the content tells."""
    espo_id, betnr = await known(story, phone(OFFICE, primary=True))
    story.espo.edit(espo_id, {"titel": "Prof."}, by="anna")
    world = story.sandbox.espo

    def save_underneath() -> None:
        row = world.tables["CBeteiligte"].rows[espo_id]
        row.phones = world.phones.store_list(("CBeteiligte", espo_id), row.phones, [phone(HOME, "Home", primary=True)])

    at(story, AFTER_THE_PATCH["right after the PATCH"], save_underneath)
    await story.live(POLL)
    assert living(story, betnr) == [(6, HOME)]
    assert story.status(espo_id) == "clean"
    await agree(story, espo_id, betnr)


# --- an entry of Advoware is about to be replaced ---------------------------------------------

BEFORE_THE_PUT: dict[str, Instant] = {
    "as we read EspoCRM": (Kind.EDIT_AFTER, "espocrm", "GET", RECORD, 0),
    "before we read Advoware": (Kind.EDIT_BEFORE, "advoware", "GET", OBJECT, 0),
    "before the PUT is read back": (Kind.EDIT_AFTER, "advoware", "PUT", ENTRY, 0),  # nobody sees that ours was there
}
AFTER_THE_PUT: dict[str, Instant] = {
    "as the PUT is read back": (Kind.EDIT_AFTER, "advoware", "GET", OBJECT, 1),
    "before our PATCH": (Kind.EDIT_BEFORE, "espocrm", "PATCH", RECORD, 0),
    "right after our PATCH": (Kind.EDIT_AFTER, "espocrm", "PATCH", RECORD, 0),
}
WHENEVER_PUT = {**BEFORE_THE_PUT, **AFTER_THE_PUT}
WINDOW: Instant = (Kind.EDIT_AFTER, "advoware", "GET", OBJECT, 0)


@pytest.mark.parametrize("instant", WHENEVER_PUT)
@told()
async def test_the_entry_we_are_about_to_write_is_changed_in_advoware_too(story: Story, instant: str) -> None:
    espo_id, betnr = await known(story, phone(OFFICE, primary=True))
    number = entry(story, betnr, OFFICE)["id"]
    save(story, espo_id, phone(HOME, primary=True))
    at(story, WHENEVER_PUT[instant],
       lambda: story.advoware.edit_kommunikation(betnr, number, {"tlf": "0171 2345678"}, by="AB"))  # fmt: skip
    await story.settle()
    if instant in BEFORE_THE_PUT:  # as far as anybody knows neither saw the other's
        assert (phones(story, espo_id), living(story, betnr)) == ([(HOME, "Office")], [(1, HOME)])
        kept = [(row["espo"], row["advoware"]) for row in await story.conflicts(espo_id, "kept")]
        assert kept == [(HOME, MOBILE)]
    else:  # that person saw ours
        assert (phones(story, espo_id), living(story, betnr)) == ([(MOBILE, "Office")], [(1, "0171 2345678")])
    assert story.status(espo_id) == "clean"
    await agree(story, espo_id, betnr)


@pytest.mark.parametrize("instant", [*WHENEVER_PUT, "in the window"])
@told()
async def test_another_entry_typed_in_advoware_at_that_instant_arrives(story: Story, instant: str) -> None:
    espo_id, betnr = await known(story, phone(OFFICE, primary=True), phone(FAX, "Fax"))
    fax = entry(story, betnr, FAX)["id"]
    save(story, espo_id, phone(HOME, primary=True), phone(FAX, "Fax"))

    def types() -> None:
        story.advoware.edit_kommunikation(betnr, fax, {"tlf": "0511 777"}, by="AB")
        story.advoware.add_kommunikation(betnr, typed("0171 2345678", 3, "nur abends"), by="AB")

    at(story, {**WHENEVER_PUT, "in the window": WINDOW}[instant], types)
    await story.settle()
    assert living(story, betnr) == [(1, HOME), (2, "0511 777"), (3, "0171 2345678")]
    assert phones(story, espo_id) == [(MOBILE, "Mobile"), ("+49511777", "Fax"), (HOME, "Office")]
    assert entry(story, betnr, "0171 2345678")["bemerkung"].endswith("] nur abends")
    assert story.status(espo_id) == "clean"
    await agree(story, espo_id, betnr)


@pytest.mark.parametrize("instant", WHENEVER_PUT)
@told()
async def test_a_text_written_in_advoware_at_that_instant_stays(story: Story, instant: str) -> None:
    espo_id, betnr = await known(story, phone(OFFICE, primary=True))
    number = entry(story, betnr, OFFICE)["id"]
    save(story, espo_id, phone(HOME, primary=True))

    def writes() -> None:
        [one] = entries(story, betnr)
        story.advoware.edit_kommunikation(betnr, number, {"bemerkung": one["bemerkung"] + " nur abends"}, by="AB")

    at(story, WHENEVER_PUT[instant], writes)
    await story.settle()
    [one] = entries(story, betnr)
    assert (one["tlf"], one["bemerkung"].endswith("] nur abends")) == (HOME, True)
    assert story.status(espo_id) == "clean"
    await agree(story, espo_id, betnr)


@pytest.mark.parametrize("instant", WHENEVER_PUT)
@told()
async def test_an_entry_typed_into_a_slot_that_we_are_about_to_use_is_not_overwritten(
    story: Story, instant: str
) -> None:
    espo_id, betnr = await known(story, phone(OFFICE, primary=True), phone(MOBILE, "Mobile"))
    slot = entry(story, betnr, MOBILE)["id"]
    save(story, espo_id, phone(OFFICE, primary=True))
    await story.settle()
    save(story, espo_id, phone(OFFICE, primary=True), phone("+4917600001", "Mobile"))
    at(story, WHENEVER_PUT[instant],
       lambda: story.advoware.edit_kommunikation(betnr, slot, {"tlf": "0176 00002"}, by="AB"))  # fmt: skip
    await story.settle()
    numbers = [number for number, _ in phones(story, espo_id)]
    if instant in BEFORE_THE_PUT:
        assert numbers == ["+4917600001", "+4917600002", OFFICE]
    else:  # our number was there already, and that person changed it
        assert numbers == ["+4917600002", OFFICE]
    assert story.status(espo_id) == "clean"
    await agree(story, espo_id, betnr)


@told()
async def test_two_who_type_without_pause_are_both_served_in_the_end(story: Story) -> None:
    espo_id, betnr = await known(story, phone(OFFICE, primary=True), addresses=(mail(ADDRESS, primary=True),))
    address = entry(story, betnr, ADDRESS)["id"]
    for number in range(6):
        save(story, espo_id, phone(f"+4951180{number}", primary=True))
        story.advoware.edit_kommunikation(betnr, address, {"tlf": f"ida{number}@example.org"}, by="AB")
        await story.live(1)
    await story.settle()
    assert living(story, betnr) == [(1, "+49511805"), (4, "ida5@example.org")]
    assert (phones(story, espo_id), mails(story, espo_id)) == ([("+49511805", "Office")], ["ida5@example.org"])
    assert story.status(espo_id) == "clean"
    await agree(story, espo_id, betnr)


# --- a number two records hold ----------------------------------------------------------------


@told()
async def test_a_type_changed_at_another_record_of_the_number_is_nobodys_edit_here(story: Story) -> None:
    shared = {"phoneNumberData": [phone(OFFICE, primary=True)]}
    (one, first), (two, second) = await story.pairs([(shared, {}), (shared, {})])
    story.forget_calls()
    save(story, two, phone(OFFICE, "Home", primary=True))
    await story.settle()
    await story.settle()
    assert phones(story, one) == phones(story, two) == [(OFFICE, "Home")]
    assert (living(story, first), living(story, second)) == ([(1, OFFICE)], [(1, OFFICE)])
    assert story.writes("Kommunikationen") == []
    assert (story.status(one), story.status(two)) == ("clean", "clean")
    await agree(story, one, first)
    await agree(story, two, second)

    # nor is it one when this record is saved later for another reason
    story.espo.edit(one, {"titel": "Prof."}, by="anna")
    await story.settle()
    assert story.writes("Kommunikationen") == []
    assert living(story, first) == [(1, OFFICE)]


@told()
async def test_a_number_another_record_holds_is_added_with_the_type_it_has_there(story: Story) -> None:
    (one, first), (two, second) = await story.pairs(
        [({"phoneNumberData": [phone(OFFICE, primary=True)]}, {}), ({}, {})]
    )
    save(story, one, {**phone(OFFICE, primary=True), "optOut": True})
    await story.settle()
    story.advoware.add_kommunikation(second, typed("0511 12345", 6), by="AB")
    await story.settle()
    assert phones(story, two) == phones(story, one) == [(OFFICE, "Office")]
    assert rows(story, one)[0]["optOut"] is True
    assert living(story, second) == [(6, "0511 12345")]
    assert (story.status(one), story.status(two)) == ("clean", "clean")
    await agree(story, one, first)
    await agree(story, two, second)


@told()
async def test_a_number_changed_while_the_job_that_brought_it_over_still_runs(story: Story) -> None:
    story.sandbox.espo.schema["CBeteiligte"].optimistic = True
    espo_id, betnr = await story.pair()
    save(story, espo_id, phone(OFFICE, primary=True))
    story.fault(
        Kind.EDIT_AFTER,
        system="advoware",
        method="POST",
        route="*/Kommunikationen",
        act=lambda: save(story, espo_id, phone(HOME, primary=True)),
    )
    await story.settle()
    assert [one["phoneNumber"] for one in story.espo.see(espo_id)["phoneNumberData"]] == [HOME]
    assert [one["tlf"] for one in story.advoware.see(betnr)["kommunikation"] if one["tlf"]] == [HOME]
    assert (story.status(espo_id), (await story.known(espo_id))["pair"]["retries"]) == ("clean", 0)
    assert not [row for row in (await story.known(espo_id))["history"] if row["why"] == "failed"]
