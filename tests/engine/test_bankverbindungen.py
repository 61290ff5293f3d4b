"""Bank accounts between the two systems: created both ways, changed by people alone."""

from __future__ import annotations

from tests.engine.households import IBAN, OTHER_IBAN, THIRD_IBAN, account, edit, here, open_tasks, rows, see
from tests.engine.story import Story, told

KONTEN = "CBankverbindungen"


def ibans(story: Story, betnr: int) -> list[str]:
    """What Advoware has."""
    return sorted(row["iban"] for row in rows(story, betnr, "bankkverbindungen"))


@told()
async def test_an_account_is_created_on_the_other_side_whoever_typed_it(story: Story) -> None:
    espo_id, betnr = await story.pair()
    mine = account(story, espo_id, bic="COBADEFFXXX", bankname="Sandkasse")
    story.advoware.add_bank(betnr, {"iban": OTHER_IBAN, "kontoinhaber": "Ida Neumann"})
    await story.settle()
    assert ibans(story, betnr) == sorted([IBAN, OTHER_IBAN])
    assert sorted(child["iban"] for child in here(story, KONTEN)) == sorted([IBAN, OTHER_IBAN])
    assert {child["syncStatus"] for child in here(story, KONTEN)} == {"clean"}
    [row] = [row for row in rows(story, betnr, "bankkverbindungen") if row["iban"] == IBAN]
    assert (row["bic"], row["bank"]) == ("COBADEFFXXX", "Sandkasse")
    assert see(story, mine, KONTEN)["advowareKontoId"] == row["id"]


@told()
async def test_the_same_account_typed_with_blanks_is_the_same_account(story: Story) -> None:
    espo_id, betnr = await story.pair()
    mine = account(story, espo_id, "de89 3704 0044 0532 0130 00")
    story.advoware.add_bank(betnr, {"iban": IBAN, "kontoinhaber": "Ida Neumann"})
    await story.settle()
    await story.settle()
    assert len(rows(story, betnr, "bankkverbindungen")) == len(here(story, KONTEN)) == 1
    assert see(story, mine, KONTEN)["iban"] == "de89 3704 0044 0532 0130 00"


@told()
async def test_two_holders_of_one_iban_are_two_accounts(story: Story) -> None:
    espo_id, betnr = await story.pair()
    account(story, espo_id)
    account(story, espo_id, kontoinhaber="Paul Neumann")
    await story.settle()
    holders = sorted(row["kontoinhaber"] for row in rows(story, betnr, "bankkverbindungen"))
    assert holders == ["Ida Neumann", "Paul Neumann"]
    assert len(here(story, KONTEN)) == 2


@told()
async def test_another_iban_is_another_account_and_a_task_to_remove_the_old_one(story: Story) -> None:
    espo_id, betnr = await story.pair({"assignedUserId": story.anna()})
    mine = account(story, espo_id)
    await story.settle()
    [old] = rows(story, betnr, "bankkverbindungen")
    edit(story, KONTEN, mine, iban=OTHER_IBAN)
    await story.settle()
    assert ibans(story, betnr) == sorted([IBAN, OTHER_IBAN])
    [task] = open_tasks(story)
    assert f"Beteiligter {betnr} → Bankverbindungen → IBAN {IBAN}" in task
    [new] = [row for row in rows(story, betnr, "bankkverbindungen") if row["iban"] == OTHER_IBAN]
    shown = see(story, mine, KONTEN)
    assert (shown["advowareKontoId"], shown["syncStatus"]) == (new["id"], "clean")
    assert len(here(story, KONTEN)) == 1
    story.advoware.remove_child(betnr, "bankkverbindungen", old["id"])
    await story.settle()
    assert open_tasks(story) == []
    assert len(here(story, KONTEN)) == 1


@told()
async def test_an_iban_put_back_is_the_old_account_again(story: Story) -> None:
    espo_id, betnr = await story.pair({"assignedUserId": story.anna()})
    mine = account(story, espo_id)
    await story.settle()
    edit(story, KONTEN, mine, iban=OTHER_IBAN)
    await story.settle()
    edit(story, KONTEN, mine, iban=IBAN)
    await story.settle()
    assert ibans(story, betnr) == sorted([IBAN, OTHER_IBAN])
    [task] = open_tasks(story)
    assert f"IBAN {OTHER_IBAN}" in task
    [row] = [row for row in rows(story, betnr, "bankkverbindungen") if row["iban"] == IBAN]
    assert see(story, mine, KONTEN)["advowareKontoId"] == row["id"]


@told()
async def test_an_invalid_iban_is_never_sent_and_shown(story: Story) -> None:
    espo_id, betnr = await story.pair()
    mine = account(story, espo_id, "DE89370400440532013001")
    await story.settle()
    assert rows(story, betnr, "bankkverbindungen") == []
    assert see(story, mine, KONTEN)["syncStatus"] == "conflict"
    edit(story, KONTEN, mine, iban=IBAN)
    await story.settle()
    assert ibans(story, betnr) == [IBAN]
    assert see(story, mine, KONTEN)["syncStatus"] == "clean"
    edit(story, KONTEN, mine, iban="DE1")
    await story.settle()
    assert ibans(story, betnr) == [IBAN]
    assert see(story, mine, KONTEN)["syncStatus"] == "conflict"


@told()
async def test_an_iban_changed_on_both_sides_waits_for_a_person(story: Story) -> None:
    espo_id, betnr = await story.pair()
    mine = account(story, espo_id)
    await story.settle()
    [row] = rows(story, betnr, "bankkverbindungen")
    edit(story, KONTEN, mine, iban=OTHER_IBAN)
    story.advoware.edit_bank(betnr, row["id"], {"iban": THIRD_IBAN}, by="AB")
    await story.settle()
    assert ibans(story, betnr) == [THIRD_IBAN]
    shown = see(story, mine, KONTEN)
    assert (shown["iban"], shown["syncStatus"]) == (OTHER_IBAN, "conflict")


@told()
async def test_what_advoware_changes_of_an_account_follows_and_the_reverse_is_a_task(story: Story) -> None:
    espo_id, betnr = await story.pair({"assignedUserId": story.anna()})
    mine = account(story, espo_id)
    await story.settle()
    [row] = rows(story, betnr, "bankkverbindungen")
    story.advoware.edit_bank(betnr, row["id"], {"bank": "Sandkasse"}, by="AB")
    await story.settle()
    assert see(story, mine, KONTEN)["bankname"] == "Sandkasse"
    edit(story, KONTEN, mine, kontoinhaber="Ida Weber")
    await story.settle()
    [task] = open_tasks(story)
    assert "Kontoinhaber von „Ida Neumann“ auf „Ida Weber“ ändern" in task
    assert rows(story, betnr, "bankkverbindungen")[0]["kontoinhaber"] == "Ida Neumann"
