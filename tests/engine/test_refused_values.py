"""Values a side will not take: shown once, not tried again until they change, and nothing else waits for them."""

from __future__ import annotations

import pytest

from syncd.sandbox.faults import Kind
from tests.engine.numbers import MOBILE, OFFICE, entry, known, phone, phones
from tests.engine.story import POLL, Story, told

REGISTER = {"handelsregisterNummer": "HRB 1", "registergericht": "Celle"}
IN_ADVOWARE = {"handelsRegisterNummer": "HRB 1", "registergericht": "Celle"}


@told()
async def test_a_value_advoware_silently_ignores_is_shown_and_not_tried_again(story: Story) -> None:
    espo_id, betnr = await story.pair()
    story.fault(Kind.REFUSE, system="advoware", method="PUT", field="titel", times=None)
    story.espo.edit(espo_id, {"titel": "Prof.", "zusatz": "Hinterhaus"}, by="anna")
    await story.settle()
    seen = story.espo.see(espo_id)
    assert (seen["syncStatus"], seen["titel"]) == ("conflict", "Prof.")
    assert "titel" in seen["syncErrorMessage"]
    assert story.advoware.see(betnr)["zusatz"] == "Hinterhaus"
    story.forget_calls()
    await story.live(60)
    assert story.writes() == []


@told()
async def test_a_refused_value_is_tried_again_once_it_changes(story: Story) -> None:
    espo_id, betnr = await story.pair()
    rule = story.fault(Kind.REFUSE, system="advoware", method="PUT", field="titel", times=None)
    story.espo.edit(espo_id, {"titel": "Prof."}, by="anna")
    await story.live(POLL)
    story.sandbox.faults.remove(rule)
    story.espo.edit(espo_id, {"zusatz": "Hinterhaus"}, by="anna")
    await story.live(POLL)
    assert (story.status(espo_id), story.advoware.see(betnr)["titel"]) == ("conflict", "Dr.")
    story.espo.edit(espo_id, {"titel": "Mag."}, by="anna")
    await story.settle()
    assert (story.status(espo_id), story.advoware.see(betnr)["titel"]) == ("clean", "Mag.")
    assert story.espo.see(espo_id)["syncErrorMessage"] is None


@told()
async def test_a_refused_value_taken_back_settles_it(story: Story) -> None:
    espo_id, betnr = await story.pair()
    story.fault(Kind.REFUSE, system="advoware", method="PUT", field="titel", times=None)
    story.espo.edit(espo_id, {"titel": "Prof."}, by="anna")
    await story.live(POLL)
    story.espo.edit(espo_id, {"titel": "Dr."}, by="anna")
    await story.settle()
    assert (story.status(espo_id), story.advoware.see(betnr)["titel"]) == ("clean", "Dr.")
    assert (await story.known(espo_id))["quarantine"] == []


@told()
async def test_a_persons_retry_tries_a_refused_value_once_more(story: Story) -> None:
    espo_id, betnr = await story.pair()
    rule = story.fault(Kind.REFUSE, system="advoware", method="PUT", field="titel", times=None)
    story.espo.edit(espo_id, {"titel": "Prof."}, by="anna")
    await story.live(POLL)
    story.sandbox.faults.remove(rule)
    await story.desk.retry([(await story.known(espo_id))["pair"]["key"]])
    await story.settle()
    assert (story.status(espo_id), story.advoware.see(betnr)["titel"]) == ("clean", "Prof.")


@pytest.mark.parametrize(("side", "method"), [("espocrm", "PATCH"), ("advoware", "PUT")])
@told()
async def test_a_chosen_value_one_side_refuses_waits_and_arrives_after_a_retry(
    story: Story, side: str, method: str
) -> None:
    espo_id, betnr = await story.pair()
    rule = story.fault(Kind.REFUSE, system=side, method=method, field="titel", times=None)
    if side == "advoware":
        story.espo.edit(espo_id, {"titel": "Prof."}, by="anna")
    else:
        story.advoware.edit(betnr, {"titel": "Prof."}, by="AB")
    await story.settle()
    [conflict] = await story.conflicts(espo_id)
    await story.desk.resolve(conflict["id"], "value:Mag.")
    for _ in range(2):
        await story.settle()
        assert story.status(espo_id) == "conflict"
    story.sandbox.faults.remove(rule)
    await story.desk.retry([f"beteiligte/{espo_id}"])
    await story.settle()
    assert (story.espo.see(espo_id)["titel"], story.advoware.see(betnr)["titel"]) == ("Mag.", "Mag.")
    assert story.status(espo_id) == "clean"


@told()
async def test_a_field_espocrm_refuses_by_name_waits_and_the_others_arrive(story: Story) -> None:
    espo_id, betnr = await story.pair()
    rule = story.fault(Kind.REFUSE, system="espocrm", method="PATCH", field="titel", times=1)
    story.advoware.edit(betnr, {"titel": "Prof.", "zusatz": "Hinterhaus"}, by="AB")
    await story.settle()
    seen = story.espo.see(espo_id)
    assert (seen["titel"], seen["zusatz"], seen["syncStatus"]) == ("Dr.", "Hinterhaus", "conflict")
    assert "titel" in seen["syncErrorMessage"]
    story.sandbox.faults.remove(rule)
    story.advoware.edit(betnr, {"titel": "Mag."}, by="AB")
    await story.settle()
    assert (story.espo.see(espo_id)["titel"], story.status(espo_id)) == ("Mag.", "clean")


@told()
async def test_a_name_espocrm_will_not_take_is_said_and_the_rest_syncs(story: Story) -> None:
    espo_id, betnr = await story.pair()
    story.advoware.edit(betnr, {"name": "Neu<mann", "titel": "Prof."}, by="AB")
    await story.settle()
    seen = story.espo.see(espo_id)
    assert (seen["lastName"], seen["titel"], seen["syncStatus"]) == ("Neumann", "Prof.", "conflict")
    assert "lastName" in seen["syncErrorMessage"]


@told()
async def test_an_unknown_salutation_is_said_and_the_rest_syncs(story: Story) -> None:
    espo_id, betnr = await story.pair()
    story.advoware.edit(betnr, {"anrede": "Eheleute", "titel": "Prof."}, by="AB")
    await story.settle()
    seen = story.espo.see(espo_id)
    assert (seen["salutationName"], seen["titel"], seen["syncStatus"]) == ("Ms.", "Prof.", "conflict")
    assert story.advoware.see(betnr)["anrede"] == "Eheleute"


@told()
async def test_a_refusal_about_a_field_we_did_not_send_is_about_the_record(story: Story) -> None:
    espo_id, betnr = await story.pair()
    why = "Field validation failure; entityType: CBeteiligte, field: description, type: required."
    story.fault(Kind.STATUS, status=400, reason=why, system="espocrm", method="PATCH", times=1)
    story.advoware.edit(betnr, {"titel": "Prof."}, by="AB")
    await story.live(POLL * 2)
    seen = story.espo.see(espo_id)
    assert seen["syncStatus"] == "permanently_failed"
    assert "description" in seen["syncErrorMessage"]
    assert (await story.known(espo_id))["quarantine"] == []
    story.espo.edit(espo_id, {"zusatz": "Hinterhaus"}, by="anna")
    await story.settle()
    assert (story.status(espo_id), story.espo.see(espo_id)["titel"]) == ("clean", "Prof.")


@told()
async def test_what_is_typed_as_we_tell_of_a_refusal_is_tried_at_once(story: Story) -> None:
    story.sandbox.espo.schema["CBeteiligte"].optimistic = False
    espo_id, betnr = await story.pair()
    why = "Field validation failure; entityType: CBeteiligte, field: description, type: required."
    patch = {"system": "espocrm", "method": "PATCH", "route": "*/CBeteiligte/*"}
    story.fault(Kind.STATUS, status=400, reason=why, **patch)
    story.fault(
        Kind.EDIT_BEFORE, **patch, after=1, act=lambda: story.espo.edit(espo_id, {"zusatz": "Hinterhaus"}, by="anna")
    )
    story.advoware.edit(betnr, {"titel": "Prof."}, by="AB")
    await story.settle()
    assert (story.status(espo_id), story.espo.see(espo_id)["titel"]) == ("clean", "Prof.")
    assert story.advoware.see(betnr)["zusatz"] == "Hinterhaus"


@told()
async def test_a_value_cut_by_advoware_is_its_form_of_ours(story: Story) -> None:
    espo_id, betnr = await story.pair()
    story.fault(Kind.REWRITE, system="advoware", method="PUT", field="zusatz", length=5, times=None)
    story.espo.edit(espo_id, {"zusatz": "Hinterhaus links"}, by="anna")
    await story.settle()
    assert story.advoware.see(betnr)["zusatz"] == "Hinte"
    assert story.espo.see(espo_id)["zusatz"] == "Hinterhaus links"
    assert story.status(espo_id) == "clean"
    story.forget_calls()
    await story.live(60)
    assert story.writes() == []


@told()
async def test_a_cut_value_edited_in_advoware_afterwards_reaches_espocrm(story: Story) -> None:
    espo_id, betnr = await story.pair()
    story.fault(Kind.REWRITE, system="advoware", method="PUT", field="zusatz", length=5, times=None)
    story.espo.edit(espo_id, {"zusatz": "Hinterhaus links"}, by="anna")
    await story.settle()
    story.advoware.edit(betnr, {"zusatz": "Hof"}, by="AB")
    await story.settle()
    assert story.espo.see(espo_id)["zusatz"] == "Hof"


@told()
async def test_a_changed_register_number_becomes_one_task_that_closes_itself(story: Story) -> None:
    espo_id, betnr = await story.pair({**REGISTER, "assignedUserId": story.anna()}, IN_ADVOWARE)
    story.espo.edit(espo_id, {"handelsregisterNummer": "HRB 2", "titel": "Prof."}, by="anna")
    await story.settle()
    seen = story.espo.see(espo_id)
    assert (seen["syncStatus"], seen["handelsregisterNummer"]) == ("conflict", "HRB 2")
    assert story.advoware.see(betnr)["titel"] == "Prof."
    assert story.advoware.see(betnr)["handelsRegisterNummer"] == "HRB 1"
    [task] = story.tasks()
    assert "handelsregisterNummer" in task["description"]
    story.advoware.edit(betnr, {"handelsRegisterNummer": "HRB 2"}, by="AB")
    await story.settle()
    assert story.status(espo_id) == "clean"
    assert [task["status"] for task in story.tasks()] == ["Completed"]


@told()
async def test_a_register_number_typed_in_advoware_reaches_espocrm(story: Story) -> None:
    espo_id, betnr = await story.pair(REGISTER, IN_ADVOWARE)
    story.advoware.edit(betnr, {"handelsRegisterNummer": "HRB 9"}, by="AB")
    await story.settle()
    assert (story.espo.see(espo_id)["handelsregisterNummer"], story.status(espo_id)) == ("HRB 9", "clean")


@told()
async def test_a_list_is_read_again_before_it_is_sent_again_without_the_refused_value(story: Story) -> None:
    espo_id, betnr = await known(story, phone(OFFICE, primary=True), phone(MOBILE, "Mobile"))
    story.advoware.edit(betnr, {"titel": "lang " * 30}, by="AB")
    story.advoware.remove_child(betnr, "kommunikation", entry(story, betnr, MOBILE)["id"])
    story.forget_calls()
    await story.settle()
    calls = story.calls(espo_id, betnr)
    lists = [number for number, call in enumerate(calls) if "phoneNumberData" in call.names and call.method == "PATCH"]
    assert len(lists) == 2
    assert [calls[number - 1].method for number in lists] == ["GET", "GET"]
    assert phones(story, espo_id) == [(OFFICE, "Office")]
