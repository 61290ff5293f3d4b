"""The brakes: too many deletions, creations, changes, or a side that went back in time."""

from __future__ import annotations

from functools import partial

import pytest

from syncd import inspect
from syncd.sandbox.faults import Kind
from tests.engine.numbers import MOBILE, OFFICE, living, phone, phones, rows
from tests.engine.story import POLL, Story, told

STRICT = {"SYNCD_DELETE_GUARD_MIN": "3", "SYNCD_DELETE_GUARD_PERCENT": "5", "SYNCD_DELETE_GUARD_RUN": "20"}


async def guard(story: Story) -> dict[str, object]:
    [found] = await inspect.guards(story.ledger())
    return found


@told(**STRICT)
async def test_many_beteiligte_missing_at_once_stop_and_are_listed(story: Story) -> None:
    pairs = await story.pairs([({}, {})] * 8)
    for _, betnr in pairs[:5]:
        story.advoware.vanish(betnr)
    await story.live(50)
    gone = [espo_id for espo_id, _ in pairs if story.status(espo_id) == "deleted_in_advoware"]
    assert len(gone) < 3
    found = await guard(story)
    assert found["kind"] == "missing:advoware"
    assert len(found["keys"]) >= 3  # type: ignore[arg-type]


@told(**STRICT)
async def test_a_person_lets_exactly_the_listed_ones_through(story: Story) -> None:
    pairs = await story.pairs([({}, {})] * 8)
    for _, betnr in pairs[:5]:
        story.advoware.vanish(betnr)
    await story.live(50)
    await story.desk.allow(str((await guard(story))["id"]))
    await story.live(50)
    assert [story.status(espo_id) for espo_id, _ in pairs[:5]] == ["deleted_in_advoware"] * 5
    assert {story.status(espo_id) for espo_id, _ in pairs[5:]} == {"clean"}
    assert await inspect.guards(story.ledger()) == []


@told(**STRICT)
async def test_those_who_reappear_before_anybody_decides_are_just_clean(story: Story) -> None:
    pairs = await story.pairs([({}, {})] * 8)
    story.sandbox.snapshot("before")
    for _, betnr in pairs[:5]:
        story.advoware.vanish(betnr)
    await story.live(50)
    story.sandbox.restore("advoware", "before")
    await story.live(50)
    assert {story.status(espo_id) for espo_id, _ in pairs[3:]} == {"clean"}


@told(**STRICT, SYNCD_FULL_PASS_HOURS="0.005")
async def test_many_records_deleted_in_espocrm_make_no_tombstones(story: Story) -> None:
    pairs = await story.pairs([({}, {})] * 8)
    for espo_id, _ in pairs[:5]:
        story.espo.delete(espo_id, by="anna")
    await story.live(60)
    states = [(await story.known(espo_id))["pair"]["state"] for espo_id, _ in pairs]
    assert states.count("tombstone") < 3
    assert (await guard(story))["kind"] == "missing:espocrm"
    await story.desk.allow(str((await guard(story))["id"]))
    await story.live(40)
    states = [(await story.known(espo_id))["pair"]["state"] for espo_id, _ in pairs]
    assert states.count("tombstone") == 5


@told(SYNCD_CREATE_GUARD="3")
async def test_more_creations_an_hour_than_anybody_types_stop_until_allowed(story: Story) -> None:
    await story.pair()
    ids = [
        story.espo.create({"firstName": f"Kind {n}", "lastName": f"Vielmann {n}", "geburtsdatum": "2001-01-01"})
        for n in range(6)
    ]
    await story.live(40)
    assert len(story.advoware.betnrs()) == 1 + 3
    found = await guard(story)
    assert (found["kind"], len(found["keys"])) == ("create:advoware", 3)  # type: ignore[arg-type]
    await story.desk.allow(str(found["id"]))
    await story.live(40)
    assert len(story.advoware.betnrs()) == 1 + 6
    assert {story.status(espo_id) for espo_id in ids} == {"clean"}


@told(SYNCD_CREATE_GUARD="1")
async def test_a_pulled_creation_brake_lets_edits_through(story: Story) -> None:
    espo_id, betnr = await story.pair()
    for n in range(3):
        story.espo.create({"firstName": f"Kind {n}", "lastName": f"Vielmann {n}", "geburtsdatum": "2001-01-01"})
    await story.live(20)
    story.espo.edit(espo_id, {"titel": "Prof."}, by="anna")
    await story.live(POLL)
    assert (story.status(espo_id), story.advoware.see(betnr)["titel"]) == ("clean", "Prof.")


@told(SYNCD_CHANGE_GUARD_MIN="4", SYNCD_CHANGE_GUARD_PERCENT="25")
async def test_one_field_changed_everywhere_on_one_side_stops_until_allowed(story: Story) -> None:
    pairs = await story.pairs([({}, {})] * 8)
    for _, betnr in pairs:
        story.advoware.edit(betnr, {"zusatz": ""}, by="AB")
    await story.live(30)
    kept = [espo_id for espo_id, _ in pairs if story.espo.see(espo_id)["zusatz"] == "c/o Weber"]
    assert len(kept) >= 4
    found = await guard(story)
    assert found["kind"] == "change:advoware:zusatz"
    await story.desk.allow(str(found["id"]))
    await story.live(30)
    assert {story.espo.see(espo_id)["zusatz"] for espo_id, _ in pairs} == {None}


@told(SYNCD_CHANGE_GUARD_MIN="4", SYNCD_CHANGE_GUARD_PERCENT="25")
async def test_different_fields_changed_are_just_busy_clerks(story: Story) -> None:
    pairs = await story.pairs([({}, {})] * 6)
    names = ("titel", "zusatz", "briefanrede", "rechtsform", "lastName", "firstName")
    for (espo_id, _), name in zip(pairs, names, strict=True):
        story.espo.edit(espo_id, {name: "Anders"}, by="anna")
    await story.settle()
    assert await inspect.guards(story.ledger()) == []
    assert {story.status(espo_id) for espo_id, _ in pairs} == {"clean"}


async def restored(story: Story, side: str, count: int) -> list[tuple[str, int]]:
    """After everybody's `titel` became "Prof.", that side's backup of the day before comes back."""
    pairs = await story.pairs([({}, {})] * count)
    story.sandbox.snapshot("yesterday")
    await story.without_daemon(3600)
    for espo_id, _ in pairs:
        story.espo.edit(espo_id, {"titel": "Prof."}, by="anna")
    await story.settle()
    assert {story.advoware.see(betnr)["titel"] for _, betnr in pairs} == {"Prof."}
    await story.without_daemon(3600)
    story.sandbox.restore(side, "yesterday")
    story.forget_calls()
    await story.live(60)
    return pairs


@pytest.mark.parametrize("side", ["espocrm", "advoware"])
@told()
async def test_one_record_that_went_back_in_time_is_held(story: Story, side: str) -> None:
    [(espo_id, betnr)] = await restored(story, side, 1)
    titles = (story.espo.see(espo_id)["titel"], story.advoware.see(betnr)["titel"])
    assert titles == (("Dr.", "Prof.") if side == "espocrm" else ("Prof.", "Dr."))
    assert story.writes("advonet") == []
    assert (await guard(story))["kind"] == f"went_back:{side}"


@told()
async def test_a_backup_that_comes_back_between_two_reads_of_a_job_is_seen(story: Story) -> None:
    story.sandbox.espo.schema["CBeteiligte"].optimistic = True
    espo_id, betnr = await story.pair()
    story.sandbox.snapshot("yesterday")
    await story.without_daemon(3600)
    story.espo.edit(espo_id, {"titel": "Prof."}, by="anna")
    come_back = partial(story.sandbox.restore, "espocrm", "yesterday")
    story.fault(Kind.EDIT_AFTER, system="advoware", method="PUT", act=come_back)
    await story.live(60)
    assert (story.espo.see(espo_id)["titel"], story.advoware.see(betnr)["titel"]) == ("Dr.", "Prof.")
    assert (await guard(story))["kind"] == "went_back:espocrm"


@pytest.mark.parametrize("side", ["espocrm", "advoware"])
@told()
async def test_one_old_answer_is_no_restored_backup(story: Story, side: str) -> None:
    espo_id, betnr = await story.pair()
    await story.without_daemon(3600)

    async def typed_opposite(espo_name: str, advoware_name: str, value: str) -> None:
        if side == "espocrm":
            story.advoware.edit(betnr, {advoware_name: value}, by="AB")
        else:
            story.espo.edit(espo_id, {espo_name: value}, by="anna")
        await story.settle()

    await typed_opposite("titel", "titel", "Prof.")
    await story.without_daemon(3600)
    story.fault(Kind.STALE, system=side, method="GET", route="*Beteiligte/{id}")
    await typed_opposite("briefanrede", "bAnrede", "Guten Tag")
    assert story.sandbox.faults.standing.popitem()[1].fired == 1
    assert await inspect.guards(story.ledger()) == []
    assert story.espo.see(espo_id)["briefanrede"] == story.advoware.see(betnr)["bAnrede"] == "Guten Tag"
    assert story.espo.see(espo_id)["titel"] == story.advoware.see(betnr)["titel"] == "Prof."


@pytest.mark.parametrize("side", ["espocrm", "advoware"])
@told()
async def test_what_went_back_stays_held_though_we_and_others_save_it_again(story: Story, side: str) -> None:
    [(espo_id, betnr)] = await restored(story, side, 1)
    before = story.advoware.see(betnr)["titel"]
    story.espo.edit(espo_id, {"zusatz": "Hinterhaus"}, by="anna")
    await story.settle()
    story.advoware.edit(betnr, {"vorname": "Anna"}, by="max")
    await story.live(600)
    assert story.writes("advonet") == []
    assert story.advoware.see(betnr)["titel"] == before
    assert story.espo.see(espo_id)["syncStatus"] == "conflict"


@pytest.mark.parametrize("side", ["espocrm", "advoware"])
@told()
async def test_three_in_succession_stop_all_writing(story: Story, side: str) -> None:
    pairs = await restored(story, side, 4)
    assert story.writes("advonet") == []
    story.espo.edit(pairs[3][0], {"zusatz": "Hinterhaus"}, by="anna")
    await story.settle()
    assert story.advoware.see(pairs[3][1])["zusatz"] == "c/o Weber"
    assert "all" in (await inspect.status(story.ledger(), story.world.clock.now()))["pauses"]


@pytest.mark.parametrize("right", ["espocrm", "advoware"])
@pytest.mark.parametrize("side", ["espocrm", "advoware"])
@told()
async def test_a_person_says_which_side_is_right(story: Story, side: str, right: str) -> None:
    pairs = await restored(story, side, 4)
    await story.desk.allow(str((await guard(story))["id"]), right)
    await story.live(60)
    shown = "Dr." if side == right else "Prof."
    for espo_id, betnr in pairs:
        assert (story.espo.see(espo_id)["titel"], story.advoware.see(betnr)["titel"]) == (shown, shown)
        assert story.status(espo_id) == "clean"
    assert await inspect.guards(story.ledger()) == []
    story.espo.edit(pairs[0][0], {"zusatz": "Hinterhaus"}, by="anna")
    await story.settle()
    assert story.advoware.see(pairs[0][1])["zusatz"] == "Hinterhaus"


@pytest.mark.parametrize("right", ["espocrm", "advoware"])
@told()
async def test_numbers_of_a_restored_espocrm_wait_for_a_person_too(story: Story, right: str) -> None:
    espo_id, betnr = await story.pair({"phoneNumberData": [phone(OFFICE, primary=True)]})
    story.sandbox.snapshot("yesterday")
    await story.without_daemon(3600)
    story.espo.edit(espo_id, {"phoneNumberData": [*rows(story, espo_id), phone(MOBILE, "Mobile")]}, by="anna")
    await story.settle()
    await story.without_daemon(3600)
    story.sandbox.restore("espocrm", "yesterday")
    story.forget_calls()
    await story.live(60)
    assert story.writes("advonet") == []
    assert (await guard(story))["kind"] == "went_back:espocrm"

    await story.desk.allow(str((await guard(story))["id"]), right)
    await story.live(60)
    shown = [(OFFICE, "Office")] if right == "espocrm" else [(OFFICE, "Office"), (MOBILE, "Mobile")]
    assert phones(story, espo_id) == sorted(shown)
    assert [tlf for _, tlf in living(story, betnr)] == [number for number, _ in shown]
    assert story.status(espo_id) == "clean"
    kept = [one for one in await inspect.conflicts(story.ledger(), ("kept",)) if one["advoware"] == MOBILE]
    assert len(kept) == (1 if right == "espocrm" else 0)


@told()
async def test_a_number_only_a_restored_espocrm_shows_is_kept_when_advoware_is_right(story: Story) -> None:
    two = [phone(OFFICE, primary=True), phone(MOBILE, "Mobile")]
    espo_id, betnr = await story.pair({"phoneNumberData": two})
    story.sandbox.snapshot("yesterday")
    await story.without_daemon(3600)
    story.espo.edit(espo_id, {"phoneNumberData": rows(story, espo_id)[:1]}, by="anna")
    await story.settle()
    await story.without_daemon(3600)
    story.sandbox.restore("espocrm", "yesterday")
    await story.live(60)
    await story.desk.allow(str((await guard(story))["id"]), "advoware")
    await story.live(60)
    assert (phones(story, espo_id), [tlf for _, tlf in living(story, betnr)]) == ([(OFFICE, "Office")], [OFFICE])
    [lost] = [one for one in await inspect.conflicts(story.ledger(), ("kept",)) if one["espo"] == MOBILE]
    await story.desk.resolve(lost["id"], "espocrm")
    await story.settle()
    assert [number for number, _ in phones(story, espo_id)] == sorted([OFFICE, MOBILE])
    assert sorted(tlf for _, tlf in living(story, betnr)) == sorted([OFFICE, MOBILE])
