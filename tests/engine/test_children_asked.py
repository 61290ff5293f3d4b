"""What people ask about addresses and accounts: looking, planning, excluding, taking back, comparing, erasing."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select

from syncd import inspect
from syncd.asking import each_side, preview, sides
from syncd.compare import compare
from syncd.ledger.schema import history
from syncd.passes import chosen, work_on
from syncd.sides import Answer
from tests.engine.households import IBAN, ZEILE, account, address, edit, here, rows, see
from tests.engine.story import Story, key, told


async def one_address(story: Story) -> tuple[str, int, str]:
    """A person on both sides with one address; ids in EspoCRM and Advoware, and the address' key."""
    espo_id, betnr = await story.pair()
    child = address(story, espo_id)
    await story.settle()
    return espo_id, betnr, f"adressen/{child}"


@told()
async def test_both_sides_of_an_address_are_shown_and_compared(story: Story) -> None:
    _, betnr, child = await one_address(story)
    [row] = rows(story, betnr)
    story.advoware.edit_adresse(betnr, row["id"], {"ort": "Celle"}, by="AB")
    story.forget_calls()
    contexts = story.world.daemon().contexts
    seen = await each_side(contexts, child)
    assert (seen.espocrm.answer, seen.advoware.answer) == (Answer.SHOWN, Answer.SHOWN)
    assert (seen.espocrm.fields["ort"], seen.advoware.fields["ort"]) == ("Hannover", "Celle")
    assert (await sides(contexts, child))["now"]["advoware"]["ort"] == "Celle"
    planned = await preview(contexts, child)
    [update] = [one for one in planned["actions"] if one["do"] == "update"]
    assert (update["side"], [write["field"] for write in update["writes"]]) == ("espocrm", ["ort"])
    assert story.writes() == []
    await story.settle()
    compared = await compare(story.world.daemon(), None, lambda *_: None, 0.0)
    assert (compared.found, len(compared.numbers)) == ({}, 2)


@told()
async def test_what_would_become_of_an_address_nobody_has_looked_at_is_planned(story: Story) -> None:
    espo_id, _ = await story.pair()
    child = address(story, espo_id)
    planned = await preview(story.world.daemon().contexts, f"adressen/{child}")
    assert [one["do"] for one in planned["actions"]][:1] == ["create"]
    assert story.writes("Adressen") == []


@told()
async def test_a_plan_of_a_person_tells_what_is_created_in_espocrm(story: Story) -> None:
    espo_id, betnr = await story.pair()
    await story.settle()
    story.advoware.add_adresse(betnr, ZEILE)
    planned = await preview(story.world.daemon().contexts, key(espo_id))
    assert "Adresse: Lange Gasse 3, 30159, Hannover" in [one.get("words") for one in planned["actions"]]


@told()
async def test_an_excluded_address_is_left_alone_and_keeps_no_other_from_coming(story: Story) -> None:
    _, betnr, child = await one_address(story)
    await story.desk.exclude(child)
    edit(story, "CAdressen", child.partition("/")[2], adresseCity="Celle")
    story.advoware.add_adresse(betnr, {**ZEILE, "strasse": "Am Ufer 9"})
    await story.settle()
    assert sorted(row["ort"] for row in rows(story, betnr)) == ["Hannover", "Hannover"]
    assert sorted(one["adresseStreet"] for one in here(story)) == ["Am Ufer 9", "Lange Gasse 3"]
    await story.desk.include(child)
    await story.settle()
    assert sorted(row["ort"] for row in rows(story, betnr)) == ["Celle", "Hannover"]
    assert len(here(story)) == 2


@told()
async def test_an_address_excluded_before_it_was_looked_at_is_not_doubled(story: Story) -> None:
    espo_id, betnr = await story.pair()
    await story.settle()
    child = address(story, espo_id)
    await story.desk.exclude(f"adressen/{child}")
    story.advoware.add_adresse(betnr, ZEILE)
    story.advoware.add_adresse(betnr, {**ZEILE, "strasse": "Am Ufer 9"})
    await story.settle()
    assert sorted(one["adresseStreet"] for one in here(story)) == ["Am Ufer 9", "Lange Gasse 3"]
    assert len(rows(story, betnr)) == 2


@told()
async def test_a_paused_entity_waits_and_its_person_goes_on(story: Story) -> None:
    espo_id, betnr, child = await one_address(story)
    await story.desk.pause("adressen")
    edit(story, "CAdressen", child.partition("/")[2], adresseCity="Celle")
    story.espo.edit(espo_id, {"titel": "Prof."}, by="anna")
    await story.settle()
    assert story.advoware.see(betnr)["titel"] == "Prof."
    assert rows(story, betnr)[0]["ort"] == "Hannover"
    await story.desk.resume("adressen")
    await story.settle()
    assert rows(story, betnr)[0]["ort"] == "Celle"


async def changes(story: Story, child: str) -> list[Any]:
    """Ids of what was written to an address, the latest last."""
    query = select(history.c.id).where(history.c.key == child, history.c.field.is_not(None)).order_by(history.c.id)
    return await story.read(lambda conn: list(conn.execute(query).scalars()))


@told()
async def test_a_change_of_an_address_is_told_and_taken_back(story: Story) -> None:
    _, betnr, child = await one_address(story)
    edit(story, "CAdressen", child.partition("/")[2], adresseCity="Celle")
    await story.settle()
    told_of = await inspect.timeline(story.ledger(), story.world.daemon().contexts["adressen"].entity, child)
    assert any(one.get("field") == "ort" and one["after_words"] == "Celle" for one in told_of)
    done = await story.desk.undo(await story.desk.change((await changes(story, child))[-1]), {})
    assert done.taken
    await story.settle()
    assert rows(story, betnr)[0]["ort"] == see(story, child.partition("/")[2])["adresseCity"] == "Hannover"


@told()
async def test_records_are_found_by_a_bare_id_whatever_they_are(story: Story) -> None:
    espo_id, betnr, child = await one_address(story)
    konto = account(story, espo_id, IBAN)
    await story.settle()
    assert await story.desk.find(child.partition("/")[2]) == child
    assert await story.desk.find(konto) == f"bankverbindungen/{konto}"
    assert await story.desk.find(espo_id) == await story.desk.find(f"betnr:{betnr}") == key(espo_id)
    assert await story.desk.find("6920995570dde5411") == "beteiligte/6920995570dde5411"
    [row] = rows(story, betnr, "bankkverbindungen")
    assert await story.desk.find(f"advowarekontoid:{row['id']}") == f"bankverbindungen/{konto}"


@told()
async def test_an_erased_person_and_his_addresses_do_not_come_back_until_asked(story: Story) -> None:
    espo_id, betnr, child = await one_address(story)
    await story.desk.exclude(key(espo_id))
    await story.desk.erase(key(espo_id))
    edit(story, "CAdressen", child.partition("/")[2], adresseCity="Celle")
    await story.settle()
    assert rows(story, betnr)[0]["ort"] == "Hannover"
    await story.desk.include(key(espo_id))
    await story.settle()
    assert len(rows(story, betnr)) == len(here(story)) == 1


@told()
async def test_a_command_that_syncs_a_person_syncs_what_belongs_to_him(story: Story) -> None:
    espo_id, betnr = await story.pair()
    address(story, espo_id)
    story.advoware.add_adresse(betnr, {**ZEILE, "strasse": "Am Ufer 9"})
    app = story.world.daemon()
    await app.open()
    began = story.world.clock.now()
    await work_on(app, await chosen(app, [espo_id], None), lambda *_: None)
    assert story.world.clock.now() - began < 30.0
    assert len(rows(story, betnr)) == len(here(story)) == 2
    assert {one["syncStatus"] for one in here(story)} == {"clean"}
