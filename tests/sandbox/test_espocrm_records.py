"""What a write does to a record of the stand-in EspoCRM (espocrm.md §3, §9)."""

from __future__ import annotations

from typing import Any

import pytest

from syncd.sandbox import Sandbox
from tests.sandbox.conftest import Espo, HandClock

NOBODY = "6b001575af118d927"


async def test_the_post_reply_has_no_nulls_no_composed_name_and_lower_case_mail(api: Espo) -> None:
    reply = await api.http.post("/CBeteiligte", json={"lastName": "Weiß GmbH", "emailAddress": "Info@Weiss.de"})
    shown = reply.json()
    assert None not in shown.values()
    assert "name" not in shown
    assert shown["emailAddress"] == "info@weiss.de"
    read = await api.get(shown["id"])
    assert (read["name"], read["emailAddress"], read["firstName"]) == ("Weiß GmbH", "Info@Weiss.de", None)


async def test_an_id_and_unknown_attributes_in_a_create_are_ignored(api: Espo) -> None:
    record_id = await api.create(id=NOBODY, lastName="X", nope=1, deleted=True, modifiedAt="2020-01-01 00:00:00")
    read = await api.get(record_id)
    assert record_id != NOBODY
    assert len(record_id) == 17
    assert (read["deleted"], read["modifiedAt"], read["modifiedById"]) == (False, read["createdAt"], None)
    assert read["syncStatus"] == "pending_sync"


@pytest.mark.parametrize(
    ("name", "sent", "stored"),
    [
        ("titel", "", None),
        ("titel", "  Dr. \t", "Dr."),
        ("titel", "\u00a0Dr.", "\u00a0Dr."),
        ("titel", "a\r\n\tb", "a\r\n\tb"),
        ("titel", "<b>=", "<b>="),
        ("description", " x ", " x "),
        ("betnr", "123", 123),
        ("betnr", "", 0),
        ("betnr", 1.5, 1),
        ("syncNextRetry", "2026-11-20T08:00:00Z", "2026-11-20 08:00:00"),
        ("syncNextRetry", "2026-11-20T08:00:00+01:00", "2026-11-20 07:00:00"),
        ("syncNextRetry", "2026-11-20 08:00", "2026-11-20 08:00:00"),
        ("salutationName", "", ""),
        ("salutationName", None, None),
    ],
)
async def test_values_are_normalised_silently(api: Espo, name: str, sent: Any, stored: Any) -> None:
    record_id = await api.create(lastName="X")
    assert (await api.patch(record_id, **{name: sent})).status_code == 200
    assert (await api.get(record_id))[name] == stored


@pytest.mark.parametrize(
    ("name", "sent", "rule"),
    [
        ("syncStatus", "nope", "valid"),
        ("syncStatus", None, "valid"),
        ("syncStatus", "", "valid"),
        ("advowareRowId", "x" * 51, "maxLength"),
        ("betnr", -1, "min"),
        ("betnr", 2**31, "rangeInternal"),
        ("geburtsdatum", "20.11.2026", "valid"),
        ("geburtsdatum", "", "valid"),
        ("syncNextRetry", "2026-11-20 08:00:00+01:00", "valid"),
        ("syncNextRetry", "2026-11-20T08:00:00", "valid"),
        ("syncNextRetry", "2026-11-20T08:00:00.123Z", "valid"),
        ("syncNextRetry", "2026-11-20", "valid"),
        ("syncNextRetry", "", "valid"),
        ("lastName", None, "required"),
        ("lastName", "", "required"),
        ("firstName", "<b>", "pattern"),
    ],
)
async def test_a_failing_field_rejects_the_whole_patch(api: Espo, name: str, sent: Any, rule: str) -> None:
    record_id = await api.create(lastName="X")
    reply = await api.patch(record_id, **{"zusatz": "kept out", name: sent})
    assert reply.status_code == 400
    assert reply.json()["messageTranslation"]["data"] == {"field": name, "type": rule}
    assert (await api.get(record_id))["zusatz"] is None


async def test_a_missing_user_or_parent_cannot_be_linked(api: Espo) -> None:
    record_id = await api.create(lastName="X")
    assert (await api.patch(record_id, assignedUserId=NOBODY)).status_code == 403
    reply = await api.http.post("/CBankverbindungen", json={"beteiligterId": NOBODY})
    assert (reply.status_code, reply.headers["x-status-reason"]) == (
        403,
        "Can't relate with non-existing record. entity type: CBankverbindungen, link: beteiligter.",
    )


async def test_teams_are_linked_by_ids_and_missing_from_lists(api: Espo, admin: Espo) -> None:
    team = await admin.create("Team", name="Import")
    record_id = await api.create(lastName="X", teamsIds=[team])
    read = await api.get(record_id)
    assert (read["teamsIds"], read["teamsNames"]) == ([team], {team: "Import"})
    assert "teamsIds" not in (await api.rows()).json()["list"][0]
    assert (await api.patch(record_id, teamsIds=[NOBODY])).status_code == 403


async def test_duplicates_by_folded_name_or_any_address_are_409_unless_skipped(api: Espo) -> None:
    await api.create(firstName="Änne", lastName="Groß", emailAddress="a@example.org")
    for body in (
        {"firstName": "anne", "lastName": "GROSS"},
        {"lastName": "Other", "emailAddress": "A@EXAMPLE.org"},
    ):
        reply = await api.http.post("/CBeteiligte", json=body)
        assert (reply.status_code, reply.headers["x-status-reason"]) == (409, "duplicate")
        assert [one["lastName"] for one in reply.json()] == ["Groß"]
        skipped = await api.http.post("/CBeteiligte", json=body, headers={"X-Skip-Duplicate-Check": "true"})
        assert skipped.status_code == 200


async def test_deleted_records_make_no_duplicates(api: Espo) -> None:
    record_id = await api.create(lastName="Groß")
    await api.http.delete(f"/CBeteiligte/{record_id}")
    assert (await api.http.post("/CBeteiligte", json={"lastName": "Groß"})).status_code == 200


async def test_a_no_op_bumps_modified_at_only_on_stream_entities(api: Espo, clock: HandClock) -> None:
    person = await api.create(lastName="X")
    bank = await api.create("CBankverbindungen", iban="DE1")
    clock.at += 10
    await api.patch(person)
    await api.patch(bank, "CBankverbindungen", iban="DE1")
    read, account = await api.get(person), await api.get(bank, "CBankverbindungen")
    assert read["modifiedAt"] > read["createdAt"]
    assert account["modifiedAt"] == account["createdAt"]


async def test_a_persons_edit_of_a_synced_field_sets_dirty(api: Espo, anna: Espo) -> None:
    record_id = await api.create(firstName="A", lastName="X", syncStatus="clean", phoneNumber="+49511123456")
    read = await api.get(record_id)
    for untouched in ({"description": "x"}, {"phoneNumberData": read["phoneNumberData"]}, {"lastName": "X"}):
        await anna.patch(record_id, **untouched)
        assert (await api.get(record_id))["syncStatus"] == "clean"
    for edit in (
        {"firstName": "B"},
        {"firstName": "C", "syncStatus": "clean"},
        {"phoneNumber": "+49511123457"},
        {"emailAddressData": [{"emailAddress": "x@example.org"}]},
        {"emailAddressData": [{"emailAddress": "x@example.org", "primary": True}]},
    ):
        await anna.patch(record_id, **edit)
        assert (await api.get(record_id))["syncStatus"] == "dirty", edit
        await api.patch(record_id, syncStatus="clean")


async def test_the_api_user_sets_nothing_and_a_person_keeps_the_status_he_sets(api: Espo, anna: Espo) -> None:
    record_id = await api.create(lastName="X", syncStatus="clean")
    await api.patch(record_id, firstName="B", syncStatus="clean")
    assert (await api.get(record_id))["syncStatus"] == "clean"
    await anna.patch(record_id, firstName="C", syncStatus="failed")
    read = await api.get(record_id)
    assert (read["syncStatus"], read["modifiedByName"]) == ("failed", "anna")


async def test_a_stale_version_conflicts_only_if_a_value_differs(api: Espo, sandbox: Sandbox) -> None:
    sandbox.espo.schema["CBeteiligte"].optimistic = True
    record_id = await api.create(lastName="X", firstName="A")
    assert (await api.get(record_id))["versionNumber"] == 1
    await api.patch(record_id, firstName="B")
    for version in ("1", "9", "x"):
        stale = await api.http.patch(
            f"/CBeteiligte/{record_id}", json={"titel": "Dr."}, headers={"X-Version-Number": version}
        )
        assert (stale.status_code, stale.headers["x-status-reason"]) == (409, "modified")
        assert stale.json() == {"values": {"titel": None}, "versionNumber": 2}
    same = await api.http.patch(f"/CBeteiligte/{record_id}", json={"firstName": "B"}, headers={"X-Version-Number": "1"})
    assert (same.status_code, same.json()["versionNumber"]) == (200, 3)


async def test_records_older_than_the_switch_have_no_version_until_updated(api: Espo, sandbox: Sandbox) -> None:
    record_id = await api.create(lastName="X")
    sandbox.espo.schema["CBeteiligte"].optimistic = True
    assert (await api.get(record_id))["versionNumber"] is None
    reply = await api.http.patch(f"/CBeteiligte/{record_id}", json={"titel": "Dr."}, headers={"X-Version-Number": "7"})
    assert (reply.status_code, reply.json()["versionNumber"]) == (200, 1)


async def test_a_deleted_record_is_gone_for_all_but_the_admin_who_restores_it(api: Espo, admin: Espo) -> None:
    record_id = await api.create(lastName="X")
    assert (await api.http.delete(f"/CBeteiligte/{record_id}")).json() is True
    assert (await api.http.get(f"/CBeteiligte/{record_id}")).status_code == 404
    assert (await admin.get(record_id))["deleted"] is True
    assert await api.found() == []
    restore = "/CBeteiligte/action/restoreDeleted"
    assert (await api.http.post(restore, json={"id": record_id})).status_code == 403
    assert (await admin.http.post(restore, json={"id": record_id})).json() is True
    assert await api.found() == [record_id]


async def test_children_are_linked_without_a_new_time_stamp(api: Espo, clock: HandClock) -> None:
    parent = await api.create(lastName="X")
    child = await api.create("CBankverbindungen", iban="DE1")
    clock.at += 10
    path = f"/CBeteiligte/{parent}/bankverbindungen"
    assert (await api.http.post(path, json={"id": child})).json() is True
    read = await api.get(child, "CBankverbindungen")
    assert (read["beteiligterId"], read["beteiligterName"], read["modifiedAt"]) == (parent, "X", read["createdAt"])
    assert [one["id"] for one in (await api.http.get(path)).json()["list"]] == [child]
    await api.http.delete(f"/CBeteiligte/{parent}")
    orphan = await api.get(child, "CBankverbindungen")
    assert (orphan["beteiligterId"], orphan["beteiligterName"]) == (parent, None)


async def test_a_task_needs_an_assignee_and_a_note_a_living_parent(api: Espo, sandbox: Sandbox) -> None:
    parent = await api.create(lastName="X")
    task = {"name": "T", "parentType": "CBeteiligte", "parentId": parent}
    refused = await api.http.post("/Task", json=task)
    assert refused.json()["messageTranslation"]["data"] == {"field": "assignedUser", "type": "required"}
    anna = sandbox.espo.clerks["anna"].id
    assert (await api.http.post("/Task", json=task | {"assignedUserId": anna})).status_code == 200
    gone = task | {"assignedUserId": anna, "parentId": NOBODY}
    assert (await api.http.post("/Task", json=gone)).headers["x-status-reason"].startswith("Can't relate")
    note = {"type": "Post", "post": "x", "parentType": "CBeteiligte", "parentId": parent}
    assert (await api.http.post("/Note", json=note)).status_code == 200
    orphan = await api.http.post("/Note", json=note | {"parentId": NOBODY})
    assert (orphan.status_code, orphan.headers["x-status-reason"]) == (403, "No create access.")
    stream = await api.http.get(f"/CBeteiligte/{parent}/stream")
    assert [one["post"] for one in stream.json()["list"]] == ["x"]
