"""Addresses between the two systems, as clerks meet them."""

from __future__ import annotations

from syncd.sandbox.faults import Kind
from tests.engine.households import ADRESSE, ZEILE, address, edit, here, open_tasks, rows, see
from tests.engine.story import Story, told


@told()
async def test_an_address_new_in_espocrm_gets_a_row_with_our_mark(story: Story) -> None:
    espo_id, betnr = await story.pair()
    child = address(story, espo_id, bemerkung="Hinterhaus", adresseCountry="D")
    await story.settle()
    [row] = rows(story, betnr)
    assert (row["strasse"], row["plz"], row["ort"], row["land"]) == ("Lange Gasse 3", "30159", "Hannover", "D")
    assert row["bemerkung"] == f"[ESPOCRM:{child}] Hinterhaus"
    shown = see(story, child)
    assert (shown["syncStatus"], shown["advowareRowId"]) == ("clean", row["rowId"])


@told()
async def test_an_address_new_in_advoware_gets_a_record_under_its_person(story: Story) -> None:
    espo_id, betnr = await story.pair()
    story.advoware.add_adresse(betnr, {**ZEILE, "standardAnschrift": True, "anschrift": "Ida Neumann\r\nHannover"})
    await story.settle()
    [child] = here(story)
    assert {name: child[name] for name in ADRESSE} == ADRESSE
    assert (child["beteiligterId"], child["standard"], child["syncStatus"]) == (espo_id, True, "clean")
    assert rows(story, betnr)[0].get("bemerkung") in (None, "")


@told()
async def test_changes_of_an_address_follow_both_ways(story: Story) -> None:
    espo_id, betnr = await story.pair()
    child = address(story, espo_id)
    await story.settle()
    edit(story, "CAdressen", child, adresseStreet="Kurze Gasse 1")
    await story.settle()
    [row] = rows(story, betnr)
    assert row["strasse"] == "Kurze Gasse 1"
    story.advoware.edit_adresse(betnr, row["id"], {"ort": "Celle"}, by="AB")
    await story.settle()
    assert (see(story, child)["adresseCity"], see(story, child)["adresseStreet"]) == ("Celle", "Kurze Gasse 1")
    assert see(story, child)["syncStatus"] == "clean"


@told()
async def test_what_is_the_same_on_both_sides_is_linked_and_never_doubled(story: Story) -> None:
    espo_id, betnr = await story.pair()
    address(story, espo_id)
    story.advoware.add_adresse(betnr, ZEILE)
    await story.settle()
    await story.settle()
    assert len(rows(story, betnr)) == len(here(story)) == 1
    assert here(story)[0]["syncStatus"] == "clean"


@told()
async def test_nothing_is_written_once_all_is_the_same(story: Story) -> None:
    espo_id, betnr = await story.pair()
    address(story, espo_id)
    story.advoware.add_adresse(betnr, {**ZEILE, "strasse": "Am Ufer 9", "bemerkung": "nur Post"})
    await story.settle()
    story.forget_calls()
    await story.settle()
    await story.settle()
    assert story.writes() == []


@told()
async def test_what_only_a_person_can_change_becomes_one_task_that_closes_itself(story: Story) -> None:
    espo_id, betnr = await story.pair({"assignedUserId": story.anna()})
    child = address(story, espo_id, adresseCountry="D", assignedUserId=story.anna())
    await story.settle()
    edit(story, "CAdressen", child, adresseCountry="A")
    await story.settle()
    [task] = open_tasks(story)
    assert f"In Advoware: Beteiligter {betnr} → Adressen → Nr. 1: Land von „D“ auf „A“ ändern" in task
    assert see(story, child)["syncStatus"] == "conflict"
    edit(story, "CAdressen", child, gueltigBis="2027-01-31")
    await story.settle()
    [task] = open_tasks(story)
    assert "Gültig bis von leer auf „2027-01-31“ ändern" in task
    [row] = rows(story, betnr)
    done = {"land": "A", "gueltigBis": "2027-01-31T00:00:00"}
    story.advoware.edit_adresse(betnr, row["id"], done, by="AB")
    await story.settle()
    assert open_tasks(story) == []
    assert see(story, child)["syncStatus"] == "clean"


@told()
async def test_a_task_closed_undone_stays_quiet_until_the_value_changes_again(story: Story) -> None:
    espo_id, _ = await story.pair({"assignedUserId": story.anna()})
    child = address(story, espo_id, adresseCountry="D", assignedUserId=story.anna())
    await story.settle()
    edit(story, "CAdressen", child, adresseCountry="A")
    await story.settle()
    [task] = story.tasks()
    story.espo.edit(task["id"], {"status": "Completed"}, "Task", by="anna")
    await story.settle()
    edit(story, "CAdressen", child, adresseStreet="Kurze Gasse 1")
    await story.settle()
    assert open_tasks(story) == []
    edit(story, "CAdressen", child, postfach="12 34")
    await story.settle()
    [told_again] = open_tasks(story)
    assert "Postfach" in told_again
    assert "Land" not in told_again
    assert len(story.tasks()) == 1


@told()
async def test_an_address_deleted_in_espocrm_becomes_a_task_and_does_not_come_back(story: Story) -> None:
    espo_id, betnr = await story.pair({"assignedUserId": story.anna()})
    child = address(story, espo_id, assignedUserId=story.anna())
    await story.settle()
    story.espo.delete(child, "CAdressen", by="anna")
    await story.live(60)
    [task] = open_tasks(story)
    assert "Lange Gasse 3" in task
    assert here(story) == []
    [row] = rows(story, betnr)
    story.advoware.remove_child(betnr, "adressen", row["id"])
    await story.live(60)
    assert open_tasks(story) == []


@told()
async def test_an_address_moved_to_another_place_is_changed_where_it_is_now(story: Story) -> None:
    espo_id, betnr = await story.pair()
    first = address(story, espo_id)
    address(story, espo_id, adresseStreet="Am Ufer 9")
    await story.settle()
    ids = [row["id"] for row in rows(story, betnr)]
    story.advoware.reorder_adressen(betnr, ids[::-1])
    edit(story, "CAdressen", first, adresseStreet="Lange Gasse 4")
    await story.settle()
    by_id = {row["id"]: row["strasse"] for row in rows(story, betnr)}
    assert by_id == {ids[0]: "Lange Gasse 4", ids[1]: "Am Ufer 9"} or by_id == {
        ids[0]: "Am Ufer 9", ids[1]: "Lange Gasse 4",
    }  # fmt: skip
    assert sorted(by_id.values()) == ["Am Ufer 9", "Lange Gasse 4"]


@told()
async def test_a_row_struck_by_our_write_gets_its_own_back(story: Story) -> None:
    espo_id, betnr = await story.pair()
    first, _ = address(story, espo_id), address(story, espo_id, adresseStreet="Am Ufer 9")
    await story.settle()
    mine = next(row for row in rows(story, betnr) if row["bemerkung"] == f"[ESPOCRM:{first}]")
    ids = [row["id"] for row in rows(story, betnr)]
    shift = {"system": "advoware", "do": "reorder_adressen", "betnr": betnr, "ids": ids[::-1]}
    story.fault(Kind.EDIT_BEFORE, system="advoware", method="PUT", act=shift)
    edit(story, "CAdressen", first, adresseStreet="Lange Gasse 4")
    await story.settle()
    by_id = {row["id"]: row["strasse"] for row in rows(story, betnr)}
    assert by_id[mine["id"]] == "Lange Gasse 4"
    assert sorted(by_id.values()) == ["Am Ufer 9", "Lange Gasse 4"]


@told()
async def test_an_address_typed_twice_is_asked_about_and_not_doubled(story: Story) -> None:
    espo_id, betnr = await story.pair()
    address(story, espo_id)
    await story.settle()
    twin = address(story, espo_id)
    await story.settle()
    assert len(rows(story, betnr)) == 1
    assert see(story, twin)["syncStatus"] == "conflict"


@told()
async def test_an_address_under_another_person_leaves_the_first_and_goes_to_the_second(story: Story) -> None:
    [(one, first), (other, second)] = await story.pairs([({}, {}), ({"lastName": "Weber"}, {"name": "Weber"})])
    child = address(story, one)
    await story.settle()
    edit(story, "CAdressen", child, beteiligterId=other)
    await story.settle()
    await story.settle()
    assert [row["strasse"] for row in rows(story, second)] == ["Lange Gasse 3"]
    assert len(rows(story, first)) == len(here(story)) == 1
    assert see(story, child)["syncStatus"] == "clean"
