"""Contract with EspoCRM: records, and what writing them does."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any

import pytest

from services.errors import Duplicate, Missing, Modified
from tests.contract.targets import Espo, mail, name, phone

NEVER_GIVEN = "00000000000000000"


def seconds(text: str) -> float:
    return datetime.strptime(text, "%Y-%m-%d %H:%M:%S").replace(tzinfo=UTC).timestamp()


async def test_the_server_is_there_and_tells_who_we_are(espo: Espo) -> None:
    await espo.client.probe()
    us = (await espo.client.whoami()).body["user"]
    assert us["id"]
    assert (await espo.record())["createdById"] == us["id"]


async def test_metadata_describe_the_entity_and_are_none_where_there_is_none(espo: Espo) -> None:
    fields = await espo.client.metadata(f"entityDefs.{espo.entity}.fields")
    assert fields["lastName"]["required"] is True
    assert not await espo.client.metadata("entityDefs.CVertragstest.fields")


async def test_a_record_reads_as_it_was_sent(espo: Espo) -> None:
    sent = {"firstName": "Ida Zoë", "lastName": name(), "salutationName": "Ms.", "titel": "Dr. 😀"}
    sent |= {"geburtsdatum": "1980-02-29", "zusatz": "c/o Müller-Lüdenscheidt"}
    read = await espo.record(**sent)
    assert {field: read[field] for field in sent} == sent
    assert read["deleted"] is False


async def test_the_reply_to_a_create_is_not_the_record_the_read_is(espo: Espo) -> None:
    address = f"V.{mail()}"
    entries = [{"emailAddress": address, "primary": True}]
    reply = await espo.create(firstName=None, emailAddressData=entries, titel=None)
    read = await espo.read(reply.body["id"])
    assert read["name"] == read["lastName"]
    assert {"titel", "firstName", "emailAddressData", "phoneNumberData"} <= set(read)
    assert read["titel"] is None
    assert read["emailAddress"] == address
    assert str(reply.body["emailAddress"]).lower() == address.lower()


async def test_an_id_cannot_be_chosen_and_unknown_attributes_are_ignored(espo: Espo) -> None:
    read = await espo.record(id=NEVER_GIVEN, nichtVorhanden="x", createdAt="2001-01-01 00:00:00")
    assert re.fullmatch(r"[0-9a-f]{17}", read["id"])
    assert read["id"] != NEVER_GIVEN
    assert "nichtVorhanden" not in read
    assert not read["createdAt"].startswith("2001")


async def test_a_write_changes_only_what_is_sent(espo: Espo) -> None:
    before = await espo.record(firstName="Ida", titel="Dr.", zusatz="c/o Weber")
    reply = await espo.client.update(espo.entity, before["id"], {"titel": "Prof."})
    after = await espo.read(before["id"])
    moved = {field for field in before if before[field] != after[field]}
    assert "titel" in moved
    assert moved <= {"titel", "modifiedAt", "modifiedById", "modifiedByName", "versionNumber", "streamUpdatedAt"}
    assert reply.body["titel"] == after["titel"] == "Prof."


async def test_blanks_at_the_ends_and_empty_texts_are_not_kept(espo: Espo) -> None:
    read = await espo.record(titel="  Dr.  ", zusatz="", briefanrede="Guten  Tag")
    assert (read["titel"], read["zusatz"], read["briefanrede"]) == ("Dr.", None, "Guten  Tag")


async def test_a_long_text_comes_back_whole(espo: Espo) -> None:
    text = "ä" * 15_000
    assert (await espo.record(description=text))["description"] == text


async def test_lists_are_replaced_whole_and_read_with_the_primary_first(espo: Espo) -> None:
    first, second, third = mail(), mail(), mail()
    entries = [{"emailAddress": first, "primary": False}, {"emailAddress": second, "primary": True}]
    read = await espo.record(emailAddressData=entries)
    assert [one["emailAddress"] for one in read["emailAddressData"]] == [second, first]
    assert [one["primary"] for one in read["emailAddressData"]] == [True, False]
    changes = {"emailAddressData": [{"emailAddress": third, "primary": True}]}
    await espo.client.update(espo.entity, read["id"], changes)
    assert [one["emailAddress"] for one in (await espo.read(read["id"]))["emailAddressData"]] == [third]
    await espo.client.update(espo.entity, read["id"], {"emailAddressData": []})
    assert (await espo.read(read["id"]))["emailAddressData"] == []


async def test_phone_numbers_are_stored_in_one_spelling(espo: Espo) -> None:
    number = phone()
    spelled = f"{number[:3]} (0){number[3:5]} {number[5:]}"
    read = await espo.record(phoneNumberData=[{"phoneNumber": spelled, "type": "Office", "primary": True}])
    [entry] = read["phoneNumberData"]
    assert (entry["phoneNumber"], entry["type"], entry["primary"]) == (number, "Office", True)


async def test_times_are_utc_to_the_second_and_agree_with_the_date_header(espo: Espo) -> None:
    reply = await espo.create()
    read = await espo.read(reply.body["id"])
    assert reply.date is not None
    # Both clocks are the server's; the rest is what a slow machine may need for one request.
    assert abs(seconds(read["modifiedAt"]) - reply.date) <= 60
    assert read["createdAt"] == read["modifiedAt"]
    assert read["modifiedById"] is None


async def test_every_real_change_moves_modified_at_and_names_us(espo: Espo) -> None:
    before = await espo.record()
    await espo.pass_second()
    await espo.client.update(espo.entity, before["id"], {"syncErrorMessage": "Vertragstest"})
    after = await espo.read(before["id"])
    assert after["modifiedAt"] > before["modifiedAt"]
    assert after["modifiedById"] == before["createdById"]


async def test_a_write_that_changes_nothing_moves_modified_at_of_an_entity_with_a_stream(espo: Espo) -> None:
    before = await espo.record(titel="Dr.")
    await espo.pass_second()
    await espo.client.update(espo.entity, before["id"], {"titel": "Dr."})
    assert (await espo.read(before["id"]))["modifiedAt"] > before["modifiedAt"]


async def test_the_client_sends_no_write_without_changes(espo: Espo) -> None:
    before = await espo.record()
    with pytest.raises(ValueError, match="without changes"):
        await espo.client.update(espo.entity, before["id"], {})


async def test_two_writes_within_a_second_may_show_the_same_time_but_both_hold(espo: Espo) -> None:
    record = await espo.record()
    times = []
    for text in ("Dr.", "Prof."):
        times.append((await espo.client.update(espo.entity, record["id"], {"titel": text})).body["modifiedAt"])
    assert times[0] <= times[1]
    assert (await espo.read(record["id"]))["titel"] == "Prof."


async def test_a_stale_version_is_refused_where_versions_are_kept(espo: Espo) -> None:
    if espo.switch is not None:
        espo.switch({"espocrm": {"optimistic": [espo.entity]}})
    record = await espo.record(titel="Dr.")
    if record.get("versionNumber") is None:
        pytest.skip("this EspoCRM keeps no versions of this entity")
    version = record["versionNumber"]
    await espo.client.update(espo.entity, record["id"], {"titel": "Prof."}, version=version)
    with pytest.raises(Modified) as refused:
        await espo.client.update(espo.entity, record["id"], {"titel": "Dr. h. c."}, version=version)
    assert refused.value.version == version + 1
    assert (await espo.read(record["id"]))["titel"] == "Prof."


async def test_a_duplicate_is_made_unless_the_check_is_asked_for(espo: Espo) -> None:
    who: dict[str, Any] = {"firstName": "Ida", "lastName": name()}
    first = (await espo.create(**who)).body["id"]
    second = (await espo.create(**who)).body["id"]
    assert first != second
    with pytest.raises(Duplicate) as refused:
        await espo.client.create(espo.entity, who, duplicates="check")
    assert {first, second} <= set(refused.value.ids)


async def test_a_deleted_record_is_missing_for_certain_to_every_call(espo: Espo) -> None:
    record = await espo.record()
    await espo.client.delete(espo.entity, record["id"])
    for call in (
        espo.client.read(espo.entity, record["id"]),
        espo.client.update(espo.entity, record["id"], {"titel": "Dr."}),
        espo.client.delete(espo.entity, record["id"]),
    ):
        with pytest.raises(Missing) as missing:
            await call
        assert missing.value.certain


async def test_a_record_that_never_was_is_missing_for_certain_an_entity_that_is_not_there_proves_nothing(
    espo: Espo,
) -> None:
    with pytest.raises(Missing) as record:
        await espo.client.read(espo.entity, NEVER_GIVEN)
    with pytest.raises(Missing) as entity:
        await espo.client.read("CVertragstest", NEVER_GIVEN)
    assert (record.value.certain, entity.value.certain) == (True, False)


async def test_a_task_hangs_on_its_record_and_is_found_by_it(espo: Espo) -> None:
    record = await espo.record()
    us = (await espo.client.whoami()).body["user"]["id"]
    body = {"name": name(), "parentType": espo.entity, "parentId": record["id"], "assignedUserId": us}
    task = (await espo.create("Task", **body, description="Vertragstest")).body["id"]
    of_record = [{"type": "equals", "attribute": "parentId", "value": record["id"]}]
    page = await espo.client.list("Task", where=of_record, select=["id", "status"])
    assert [(row["id"], row["status"]) for row in page.rows] == [(task, "Not Started")]
    await espo.client.update("Task", task, {"status": "Completed"})
    assert (await espo.client.read("Task", task)).body["status"] == "Completed"
