"""Taking changes back: a person's wish, carried out as any other plan, with all its checks."""

from __future__ import annotations

from typing import Any

import pytest

from mappers.beteiligte import BETEILIGTE
from mappers.spec import Side
from syncd.commands import Change, NotKnown, Refusal, Undone
from syncd.lanes import Lane
from syncd.ledger import journal, people, requests, runs, undo
from syncd.ledger.engines import connect
from tests.daemon import World
from tests.engine.deaths import Scenario, dies_anywhere
from tests.engine.numbers import FAX, HOME, MOBILE, OFFICE, entries, known, living, phone, phones, rows, save
from tests.engine.story import Story, key, told


async def arrive(story: Story) -> None:
    """Every record is looked at, on both sides."""
    app = story.world.daemon()
    await app.open()
    await story.desk.sync([key(espo_id) for espo_id in story.espo.ids()])
    await app.drain(60)


async def changes(story: Story, espo_id: str, field: str) -> list[Change]:
    """The changes of a field's value, oldest first."""
    history = (await story.known(espo_id))["history"]
    of_field = [row["id"] for row in history if row["field"] == field]
    found = [change for number in sorted(of_field) for change in await story.desk.change(number)]
    parse = BETEILIGTE.field(field).codec.parse
    return [change for change in found if parse(*change.before) != parse(*change.after)]


async def take_back(story: Story, *wanted: Change) -> Undone:
    """Undo changes, and let a daemon carry it out."""
    done = await story.desk.undo(wanted, {})
    await arrive(story)
    return done


async def refusal(story: Story, change: Change) -> str:
    """Why a change cannot be taken back."""
    [judged] = (await story.desk.judge([change])).judged
    assert judged.refused is not None
    return judged.refused


def titles(story: Story, espo_id: str, betnr: int) -> tuple[str, str]:
    return str(story.espo.see(espo_id)["titel"]), str(story.advoware.see(betnr)["titel"])


async def retitled(story: Story, side: str = "espocrm") -> tuple[str, int, Change]:
    """A title was changed on one side and arrived on the other."""
    espo_id, betnr = await story.pair()
    if side == "espocrm":
        story.espo.edit(espo_id, {"titel": "Prof."}, by="anna")
    else:
        story.advoware.edit(betnr, {"titel": "Prof."}, by="AB")
    await arrive(story)
    assert titles(story, espo_id, betnr) == ("Prof.", "Prof.")
    [change] = await changes(story, espo_id, "titel")
    return espo_id, betnr, change


@pytest.mark.parametrize("side", ["espocrm", "advoware"])
@told()
async def test_the_value_from_before_comes_to_both_sides_and_that_can_be_undone_too(story: Story, side: str) -> None:
    espo_id, betnr, change = await retitled(story, side)
    done = await take_back(story, change)
    assert titles(story, espo_id, betnr) == ("Dr.", "Dr.")
    assert story.status(espo_id) == "clean"
    assert await story.conflicts(espo_id) == []
    history = (await story.known(espo_id))["history"]
    undone = [row for row in history if row["why"] == f"undo:{change.id}"]
    assert {(row["side"], row["before"], row["after"]) for row in undone} == {
        ("espocrm", "Prof.", "Dr."),
        ("advoware", "Prof.", "Dr."),
    }
    assert {row["run"] for row in undone} == {done.run}
    assert await refusal(story, change) == "both sides have the value from before already"
    assert done.run is not None
    [again] = await story.desk.changes(done.run)
    await take_back(story, again)
    assert titles(story, espo_id, betnr) == ("Prof.", "Prof.")


@told()
async def test_a_field_that_was_changed_again_is_refused_and_the_later_change_named(story: Story) -> None:
    espo_id, betnr, change = await retitled(story)
    story.advoware.edit(betnr, {"titel": "Mag."}, by="AB")
    await arrive(story)
    later = (await changes(story, espo_id, "titel"))[-1]
    assert f"`syncd undo {later.id}` first" in await refusal(story, change)
    await take_back(story, later)
    await take_back(story, change)
    assert titles(story, espo_id, betnr) == ("Dr.", "Dr.")


@pytest.mark.parametrize("side", ["espocrm", "advoware"])
@told()
async def test_what_a_person_types_at_that_instant_is_not_overwritten(story: Story, side: str) -> None:
    espo_id, betnr, change = await retitled(story)
    await story.desk.undo([change], {})
    if side == "espocrm":
        story.espo.edit(espo_id, {"titel": "Mag."}, by="bernd")
    else:
        story.advoware.edit(betnr, {"titel": "Mag."}, by="CD")
    await arrive(story)
    assert titles(story, espo_id, betnr) == ("Mag.", "Mag.")
    assert await story.conflicts(espo_id) == []


@told()
async def test_an_undo_asked_for_while_a_job_is_at_work_waits_for_the_next(story: Story) -> None:
    espo_id, betnr, change = await retitled(story)
    await story.desk.undo([change], {})
    await story.write(
        people.settle, key(espo_id), (), story.world.clock.now(), ()
    )  # the end of a job that knew nothing
    await arrive(story)
    assert titles(story, espo_id, betnr) == ("Dr.", "Dr.")


@told()
async def test_a_number_that_was_added_goes_again_on_both_sides(story: Story) -> None:
    espo_id, betnr = await known(story, phone(OFFICE, primary=True))
    save(story, espo_id, *rows(story, espo_id), phone(MOBILE, "Mobile"))
    await arrive(story)
    new = max(one["id"] for one in entries(story, betnr))
    [change] = await changes(story, espo_id, f"kommunikation:{new}")
    await take_back(story, change)
    assert phones(story, espo_id) == [(OFFICE, "Office")]
    assert living(story, betnr) == [(1, OFFICE)]
    again = (await changes(story, espo_id, f"kommunikation:{new}"))[-1]
    await take_back(story, again)
    assert phones(story, espo_id) == sorted([(OFFICE, "Office"), (MOBILE, "Mobile")])
    assert living(story, betnr) == [(1, OFFICE), (3, MOBILE)]


@pytest.mark.parametrize("side", ["espocrm", "advoware", "deleted in advoware"])
@told()
async def test_a_number_that_was_removed_comes_back_as_it_was(story: Story, side: str) -> None:
    espo_id, betnr = await known(story, phone(OFFICE, primary=True), phone(FAX, "Fax"))
    [fax] = [one["id"] for one in entries(story, betnr) if one["tlf"] == FAX]
    if side == "espocrm":
        save(story, espo_id, phone(OFFICE, primary=True))
    elif side == "advoware":
        story.advoware.edit_kommunikation(betnr, fax, {"tlf": ""}, by="AB")
    else:
        story.advoware.remove_child(betnr, "kommunikation", fax)
    await arrive(story)
    assert phones(story, espo_id) == [(OFFICE, "Office")]
    change = (await changes(story, espo_id, f"kommunikation:{fax}"))[-1]
    await take_back(story, change)
    assert phones(story, espo_id) == sorted([(OFFICE, "Office"), (FAX, "Fax")])
    assert living(story, betnr) == [(1, OFFICE), (2, FAX)]
    assert len(entries(story, betnr)) == 2


@pytest.mark.parametrize("side", ["espocrm", "advoware"])
@told()
async def test_a_number_that_was_changed_is_what_it_was_before(story: Story, side: str) -> None:
    espo_id, betnr = await known(story, phone(OFFICE, primary=True))
    [one] = entries(story, betnr)
    if side == "espocrm":
        save(story, espo_id, phone(HOME, primary=True))
    else:
        story.advoware.edit_kommunikation(betnr, one["id"], {"tlf": HOME}, by="AB")
    await arrive(story)
    assert living(story, betnr) == [(1, HOME)]
    change = (await changes(story, espo_id, f"kommunikation:{one['id']}"))[-1]
    await take_back(story, change)
    assert phones(story, espo_id) == [(OFFICE, "Office")]
    assert living(story, betnr) == [(1, OFFICE)]


@told()
async def test_a_number_whose_place_was_used_again_is_refused(story: Story) -> None:
    espo_id, betnr = await known(story, phone(OFFICE, primary=True), phone(MOBILE, "Mobile"))
    [place] = [one["id"] for one in entries(story, betnr) if one["tlf"] == MOBILE]
    save(story, espo_id, phone(OFFICE, primary=True))
    await arrive(story)
    removed = (await changes(story, espo_id, f"kommunikation:{place}"))[-1]
    save(story, espo_id, phone(OFFICE, primary=True), phone("+491709999999", "Mobile"))
    await arrive(story)
    assert "its place in Advoware was used again" in await refusal(story, removed)


@told()
async def test_another_type_is_no_number_that_was_added(story: Story) -> None:
    espo_id, _ = await known(story, phone(OFFICE, primary=True))
    save(story, espo_id, phone(OFFICE, "Home", primary=True))
    await arrive(story)
    history = (await story.known(espo_id))["history"]
    told_of = [
        await refusal(story, change)
        for row in history
        if row["field"] and row["field"].startswith("kommunikation:")
        for change in await story.desk.change(row["id"])
    ]
    assert told_of
    assert phones(story, espo_id) == [(OFFICE, "Home")]


@told()
async def test_a_run_is_undone_and_what_cannot_be_is_told(story: Story) -> None:
    (one, first), (two, second) = await story.pairs([({}, {})] * 2)
    story.espo.edit(one, {"titel": "Prof.", "zusatz": "Hinterhaus"}, by="anna")
    story.espo.edit(two, {"titel": "Mag."}, by="anna")
    run = "a1b2c3d4e5f6"
    await story.write(runs.start, run, "pass", {}, story.world.clock.now())
    await story.write(requests.look, [key(one), key(two)], story.world.clock.now(), Lane.LIVE, run)
    await arrive(story)
    story.espo.edit(two, {"titel": "Dr. h. c."}, by="anna")
    await arrive(story)
    done = await take_back(story, *await story.desk.changes(run))
    assert [entry.change.key for entry in done.refused] == [key(two)]
    assert titles(story, one, first) == ("Dr.", "Dr.")
    assert story.advoware.see(first)["zusatz"] == "c/o Weber"
    assert titles(story, two, second) == ("Dr. h. c.", "Dr. h. c.")
    assert done.run is not None
    told_of = await story.read(runs.get, done.run)
    assert told_of is not None
    assert (told_of["kind"], told_of["changes"], told_of["waiting"]) == ("undo", 4, 0)


@told()
async def test_what_is_no_change_of_a_value_is_refused(story: Story) -> None:
    espo_id, _ = await story.pair()
    linked = [row for row in (await story.known(espo_id))["history"] if row["field"] is None]
    with pytest.raises(Refusal, match="no change of a value: it linked two records"):
        await story.desk.change(linked[0]["id"])
    with pytest.raises(NotKnown, match="there is no change 4711"):
        await story.desk.change(4711)
    with pytest.raises(NotKnown, match="there is no run abc"):
        await story.desk.changes("abc")


def a_title_and_a_change_of_it(world: World) -> str:
    return str(world.sandbox.seed.synced(1)[0][0])


def undo_it(world: World, espo_id: str) -> None:
    """The history says that the title was another one before, and a person wants that back."""
    shown = world.sandbox.people.espo.see(espo_id)["titel"]
    now = world.clock.now()
    with connect(world.ledger_url).begin() as conn:
        changed = {"titel": ("Mag.", shown)}
        journal.record(conn, key(espo_id), journal.Author("job"), "sync", now, Side.ADVOWARE, changed)
        newest = journal.of_record(conn, key(espo_id))[0]
        wanted = {"c00000000001": undo.one(conn, newest["id"])[0]}
        assert undo.take(conn, {BETEILIGTE.name: BETEILIGTE}, wanted, "r1", Lane.LIVE, now)[0].refused is None


async def shown_in_the_end(world: World) -> dict[str, Any]:
    [record] = world.sandbox.people.espo.all()
    ledger = world.daemon("reader").parts.ledger
    waiting = await ledger.read(people.list_conflicts)
    there = world.sandbox.people.advoware.see(record["betnr"])
    status = record["syncStatus"]
    return {"titles": (record["titel"], there["titel"]), "status": status, "waiting": waiting}


def test_a_crash_while_it_is_carried_out_changes_nothing_in_the_end() -> None:
    dies_anywhere(Scenario(a_title_and_a_change_of_it, undo_it, shown_in_the_end), every=6)
