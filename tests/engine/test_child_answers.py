"""Answers about addresses that say less than they seem to, or come too late."""

from __future__ import annotations

from syncd.sandbox.faults import Kind
from tests.engine.households import account, address, edit, here, rows, see
from tests.engine.story import Story, told


@told()
async def test_an_answer_without_a_body_is_no_empty_list_of_addresses(story: Story) -> None:
    espo_id, betnr = await story.pair()
    child = address(story, espo_id)
    await story.settle()
    story.fault(Kind.EMPTY, system="advoware", method="GET", route="*/Adressen", times=None)
    edit(story, "CAdressen", child, adresseStreet="Kurze Gasse 1")
    await story.settle()
    assert see(story, child)["syncStatus"] != "deleted_in_advoware"
    story.sandbox.faults.clear()
    await story.settle()
    assert rows(story, betnr)[0]["strasse"] == "Kurze Gasse 1"
    assert see(story, child)["syncStatus"] == "clean"


@told()
async def test_an_address_that_is_back_in_advoware_is_kept_the_same_again(story: Story) -> None:
    espo_id, betnr = await story.pair()
    child = address(story, espo_id)
    await story.settle()
    story.sandbox.snapshot()
    story.advoware.remove_child(betnr, "adressen", rows(story, betnr)[0]["id"])
    await story.settle()
    assert see(story, child)["syncStatus"] == "deleted_in_advoware"
    story.sandbox.restore("advoware")
    await story.settle()
    assert see(story, child)["syncStatus"] == "clean"


@told(SYNCD_TASK_USER="anna", ESPOCRM_API_TIMEOUT_SECONDS="5")
async def test_a_task_whose_post_applies_late_is_not_posted_again(story: Story) -> None:
    espo_id, _ = await story.pair()
    child = address(story, espo_id, adresseCountry="D")
    await story.settle()
    story.fault(Kind.APPLIED_LATE, system="espocrm", method="POST", route="*/Task", seconds=9.0)
    edit(story, "CAdressen", child, adresseCountry="A")
    await story.live(60)
    assert len(story.tasks()) == 1


@told()
async def test_an_account_whose_post_was_answered_with_an_error_is_not_doubled_in_espocrm(story: Story) -> None:
    espo_id, betnr = await story.pair()
    story.fault(
        Kind.STATUS_APPLIED, system="advoware", method="POST", route="*/Bankverbindungen", status=500, times=None
    )
    account(story, espo_id)
    await story.live(90)
    assert len(rows(story, betnr, "bankkverbindungen")) == len(here(story, "CBankverbindungen")) == 1
