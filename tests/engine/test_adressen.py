"""Addresses between the two systems, as clerks meet them."""

from __future__ import annotations

from syncd.ledger import people
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


@told(SYNCD_FULL_PASS_HOURS="0.005")
async def test_an_address_deleted_in_espocrm_becomes_a_task_and_does_not_come_back(story: Story) -> None:
    espo_id, betnr = await story.pair({"assignedUserId": story.anna()})
    child = address(story, espo_id, assignedUserId=story.anna())
    address(story, espo_id, adresseStreet="Am Ufer 9")
    await story.settle()
    story.espo.delete(child, "CAdressen", by="anna")
    await story.live(60)
    [task] = open_tasks(story)
    assert f"Beteiligter {betnr} → Adressen: Lange Gasse 3" in task
    assert [one["adresseStreet"] for one in here(story)] == ["Am Ufer 9"]
    [row] = [row for row in rows(story, betnr) if row["strasse"] == "Lange Gasse 3"]
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


@told()
async def test_two_addresses_in_one_street_stay_two(story: Story) -> None:
    espo_id, betnr = await story.pair()
    front = address(story, espo_id, anschrift="Ida Neumann, Vorderhaus")
    back = address(story, espo_id, anschrift="Ida Neumann, Hinterhaus")
    story.advoware.add_adresse(betnr, {**ZEILE, "anschrift": "Ida Neumann, Hinterhaus"})
    story.advoware.add_adresse(betnr, {**ZEILE, "anschrift": "Ida Neumann, Vorderhaus"})
    await story.settle()
    assert len(rows(story, betnr)) == len(here(story)) == 2
    edit(story, "CAdressen", back, anschrift="Ida Neumann, Gartenhaus")
    await story.settle()
    assert sorted(row["anschrift"] for row in rows(story, betnr)) == [
        "Ida Neumann, Gartenhaus", "Ida Neumann, Vorderhaus",
    ]  # fmt: skip
    assert see(story, front)["anschrift"] == "Ida Neumann, Vorderhaus"


@told()
async def test_which_of_two_rows_is_meant_is_asked_and_a_person_decides(story: Story) -> None:
    espo_id, betnr = await story.pair()
    ids = [
        story.advoware.add_adresse(betnr, {**ZEILE, "anschrift": f"Ida Neumann, {house}"})
        for house in ("Vorderhaus", "Hinterhaus")
    ]
    child = address(story, espo_id)
    await story.settle()
    assert see(story, child)["syncStatus"] == "conflict"
    assert len(here(story)) == 1
    [asked] = [one for one in await story.read(people.list_conflicts) if one["key"] == f"adressen/{child}"]
    await story.desk.resolve(asked["id"], f"link {ids[1]}")
    await story.settle()
    assert see(story, child)["anschrift"] == "Ida Neumann, Hinterhaus"
    assert sorted(one["anschrift"] for one in here(story)) == ["Ida Neumann, Hinterhaus", "Ida Neumann, Vorderhaus"]


@told()
async def test_a_lost_answer_doubles_no_address_on_either_side(story: Story) -> None:
    espo_id, betnr = await story.pair()
    story.fault(Kind.TIMEOUT_APPLIED, system="advoware", method="POST")
    story.fault(Kind.TIMEOUT_APPLIED, system="espocrm", method="POST")
    address(story, espo_id)
    story.advoware.add_adresse(betnr, {**ZEILE, "strasse": "Am Ufer 9"})
    await story.live(200)
    streets = ["Am Ufer 9", "Lange Gasse 3"]
    assert sorted(row["strasse"] for row in rows(story, betnr)) == streets
    assert sorted(child["adresseStreet"] for child in here(story)) == streets
    assert {child["syncStatus"] for child in here(story)} == {"clean"}


@told()
async def test_with_the_ledger_lost_addresses_are_found_again_by_mark_and_content(story: Story) -> None:
    espo_id, betnr = await story.pair()
    address(story, espo_id)
    story.advoware.add_adresse(betnr, {**ZEILE, "strasse": "Am Ufer 9"})
    await story.settle()
    story.world.lose_ledger()
    story.forget_calls()
    await story.settle()
    assert len(rows(story, betnr)) == len(here(story)) == 2
    assert story.writes("Adressen") == []
    [row] = [row for row in rows(story, betnr) if row["strasse"] == "Am Ufer 9"]
    story.advoware.edit_adresse(betnr, row["id"], {"ort": "Celle"}, by="AB")
    await story.settle()
    assert sorted(child["adresseCity"] for child in here(story)) == ["Celle", "Hannover"]


@told()
async def test_only_one_address_is_the_default_in_espocrm(story: Story) -> None:
    espo_id, betnr = await story.pair({"assignedUserId": story.anna()})
    first = address(story, espo_id, standard=True)
    second = address(story, espo_id, adresseStreet="Am Ufer 9")
    await story.settle()
    edit(story, "CAdressen", second, standard=True)
    await story.settle()
    assert (see(story, first)["standard"], see(story, second)["standard"]) == (False, True)
    [task] = open_tasks(story)
    assert "Standardanschrift von nein auf ja ändern" in task
    by_street = {row["strasse"]: row["id"] for row in rows(story, betnr)}
    story.advoware.edit_adresse(betnr, by_street["Lange Gasse 3"], {"standardAnschrift": False}, by="AB")
    story.advoware.edit_adresse(betnr, by_street["Am Ufer 9"], {"standardAnschrift": True}, by="AB")
    await story.settle()
    assert open_tasks(story) == []
    assert (see(story, first)["standard"], see(story, second)["standard"]) == (False, True)
    assert {child["syncStatus"] for child in here(story)} == {"clean"}


@told(SYNCD_FULL_PASS_HOURS="0.005")
async def test_linking_tells_nobody_and_is_found_nevertheless(story: Story) -> None:
    espo_id, betnr = await story.pair()
    child = story.espo.create(ADRESSE, "CAdressen", "anna")
    await story.settle()
    story.sandbox.espo.tables["CAdressen"].rows[child].values["beteiligterId"] = espo_id
    await story.live(60)
    assert [row["strasse"] for row in rows(story, betnr)] == ["Lange Gasse 3"]


@told()
async def test_a_refused_address_of_advoware_is_shown_at_its_person_and_comes_once_it_is_right(story: Story) -> None:
    espo_id, betnr = await story.pair()
    rule = story.fault(Kind.STATUS, system="espocrm", method="POST", route="*CAdressen", status=400, times=None)
    story.advoware.add_adresse(betnr, ZEILE)
    await story.settle()
    assert story.status(espo_id) == "conflict"
    assert here(story) == []
    story.sandbox.faults.remove(rule)
    [row] = rows(story, betnr)
    story.advoware.edit_adresse(betnr, row["id"], {"ort": "Celle"}, by="AB")
    await story.settle()
    assert [child["adresseCity"] for child in here(story)] == ["Celle"]
    assert story.status(espo_id) == "clean"


@told()
async def test_an_address_refused_for_ever_keeps_nothing_else_from_going_on(story: Story) -> None:
    espo_id, betnr = await story.pair()
    story.fault(Kind.STATUS, system="advoware", method="POST", route="*/Adressen", status=500, times=None)
    child = address(story, espo_id)
    story.espo.edit(espo_id, {"titel": "Prof."}, by="anna")
    await story.settle()
    assert story.advoware.see(betnr)["titel"] == "Prof."
    assert story.status(espo_id) == "clean"
    assert see(story, child)["syncStatus"] != "clean"


@told(SYNCD_SWEEP_MIN_SECONDS="5", SYNCD_SWEEP_MAX_SECONDS="10")
async def test_while_its_person_is_gone_from_advoware_an_address_waits_and_fails_nothing(story: Story) -> None:
    espo_id, betnr = await story.pair()
    child = address(story, espo_id)
    await story.settle()
    kept = story.sandbox.advoware.beteiligte[betnr]
    story.advoware.vanish(betnr)
    edit(story, "CAdressen", child, adresseStreet="Kurze Gasse 1")
    await story.live(60)
    assert story.status(espo_id) == "deleted_in_advoware"
    assert see(story, child)["syncStatus"] == "dirty"
    story.sandbox.advoware.beteiligte[betnr] = kept
    await story.live(60)
    assert [row["strasse"] for row in rows(story, betnr)] == ["Kurze Gasse 1"]
    assert see(story, child)["syncStatus"] == "clean"
