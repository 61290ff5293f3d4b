"""E-mail addresses and phone numbers of the stand-in EspoCRM: shared objects, whole lists (espocrm.md §3.2, §9)."""

from __future__ import annotations

from typing import Any

import pytest

from tests.sandbox.conftest import Espo, HandClock

A, B, C = "+495111000001", "+495111000002", "+495111000003"


def phones(*numbers: str, **more: Any) -> list[dict[str, Any]]:
    return [{"phoneNumber": number, "primary": number == numbers[0], **more} for number in numbers]


def texts(read: dict[str, Any]) -> list[str]:
    return [one["phoneNumber"] for one in read["phoneNumberData"]]


@pytest.mark.parametrize(
    ("sent", "stored"),
    [
        ("+49 (0)511 123456", "+49511123456"),
        ("+49511/123456", "+49511123456"),
        ("+49-511-123456", "+49511123456"),
        ("+49 511 123456 ext. 12", "+49511123456"),
        ("+49 511 123456 x12", "+49511123456"),
        ("+49 511 123456 #5", "+49511123456"),
        ("+49 511 123456;ext=12", "+49511123456"),
        ("+49 511 123456-12", "+4951112345612"),
        ("+495111", "+495111"),
    ],
)
async def test_phones_are_stored_in_e164_without_extension(api: Espo, sent: str, stored: str) -> None:
    record_id = await api.create(lastName="X", phoneNumberData=phones(sent))
    assert texts(await api.get(record_id)) == [stored]


@pytest.mark.parametrize(
    "sent", ["0511 123456", "0049511123456", "110", "+491", "tel:+49511123456", "", "+4912345678901234567"]
)
async def test_phones_without_a_country_or_of_bad_length_are_refused(api: Espo, sent: str) -> None:
    reply = await api.http.post("/CBeteiligte", json={"lastName": "X", "phoneNumberData": phones(sent)})
    assert reply.status_code == 400
    assert reply.json()["messageTranslation"]["data"] == {"field": "phoneNumber", "type": "valid"}


@pytest.mark.parametrize("sent", ["a@example.org ", "ä@example.org", "a@exämple.org", '"a b"@example.org', "a"])
async def test_bad_addresses_are_refused_under_the_single_field(api: Espo, sent: str) -> None:
    body = {"lastName": "X", "emailAddressData": [{"emailAddress": sent}]}
    reply = await api.http.post("/CBeteiligte", json=body)
    assert reply.json()["messageTranslation"]["data"] == {"field": "emailAddress", "type": "emailAddress"}


async def test_an_empty_address_in_a_list_is_dropped(api: Espo) -> None:
    record_id = await api.create(lastName="X", emailAddressData=[{"emailAddress": ""}])
    assert (await api.get(record_id))["emailAddressData"] == []


async def test_more_than_ten_entries_and_unknown_types_are_refused(api: Espo) -> None:
    eleven = phones(*(f"+49511100000{number:02d}" for number in range(11)))
    for sent, rule in ((eleven, "maxCount"), (phones(A, type="Pager"), "valid")):
        reply = await api.http.post("/CBeteiligte", json={"lastName": "X", "phoneNumberData": sent})
        assert reply.json()["messageTranslation"]["data"] == {"field": "phoneNumber", "type": rule}


async def test_a_list_is_replaced_whole_and_null_changes_nothing(api: Espo) -> None:
    record_id = await api.create(lastName="X", phoneNumberData=phones(A, B))
    await api.patch(record_id, phoneNumberData=None)
    assert texts(await api.get(record_id)) == [A, B]
    await api.patch(record_id, phoneNumberData=phones(C))
    assert texts(await api.get(record_id)) == [C]
    await api.patch(record_id, phoneNumberData=[])
    assert texts(await api.get(record_id)) == []


async def test_primary_comes_first_then_old_link_order_then_new_ones(api: Espo) -> None:
    record_id = await api.create(lastName="X", phoneNumberData=phones(A, B))
    sent = [
        {"phoneNumber": C, "primary": True},
        {"phoneNumber": B, "primary": False},
        {"phoneNumber": A, "primary": False},
    ]
    await api.patch(record_id, phoneNumberData=sent)
    assert texts(await api.get(record_id)) == [C, A, B]


async def test_without_a_primary_the_first_is_it_and_of_two_the_last(api: Espo) -> None:
    none = await api.create(lastName="X", phoneNumberData=[{"phoneNumber": A}, {"phoneNumber": B}])
    assert (await api.get(none))["phoneNumber"] == A
    both = [{"phoneNumber": A, "primary": True}, {"phoneNumber": B, "primary": True}]
    two = await api.create(lastName="Y", phoneNumberData=both)
    assert (await api.get(two))["phoneNumber"] == B


async def test_a_doubled_address_ends_as_one_entry_that_is_not_primary(api: Espo) -> None:
    sent = [
        {"emailAddress": "A@example.org", "primary": True},
        {"emailAddress": "a@example.org", "primary": False},
    ]
    read = await api.get(await api.create(lastName="X", emailAddressData=sent))
    assert [(one["emailAddress"], one["primary"]) for one in read["emailAddressData"]] == [("a@example.org", False)]
    assert read["emailAddress"] is None


async def test_type_case_and_opt_out_are_shared_without_a_new_time_stamp(api: Espo, clock: HandClock) -> None:
    mine = await api.create(lastName="X", phoneNumberData=phones(A, type="Office"), emailAddress="share@x.de")
    other = await api.create(lastName="Y", phoneNumberData=phones(A, type="Office"), emailAddress="share@x.de")
    clock.at += 10
    await api.patch(
        mine,
        phoneNumberData=phones(A, type="Fax"),
        emailAddressData=[{"emailAddress": "Share@X.de", "primary": True, "optOut": True}],
    )
    read = await api.get(other)
    assert read["phoneNumberData"][0]["type"] == "Fax"
    assert (read["emailAddress"], read["emailAddressData"][0]["optOut"]) == ("Share@X.de", True)
    assert read["modifiedAt"] == read["createdAt"]


async def test_an_entry_without_type_resets_it_for_everybody(api: Espo) -> None:
    other = await api.create(lastName="Y", phoneNumberData=phones(A, type="Office", optOut=True))
    await api.create(lastName="X", phoneNumberData=phones(A))
    entry = (await api.get(other))["phoneNumberData"][0]
    assert (entry["type"], entry["optOut"]) == ("Mobile", False)


async def test_the_single_field_replaces_only_the_primary_entry(api: Espo) -> None:
    record_id = await api.create(lastName="X", phoneNumberData=phones(A, B))
    await api.patch(record_id, phoneNumber=C)
    assert texts(await api.get(record_id)) == [C, B]
    await api.patch(record_id, phoneNumber=B)
    assert texts(await api.get(record_id)) == [B]


async def test_clearing_the_single_field_leaves_the_rest_without_a_primary(api: Espo) -> None:
    record_id = await api.create(lastName="X", phoneNumberData=phones(A, B))
    await api.patch(record_id, phoneNumber=None)
    read = await api.get(record_id)
    assert read["phoneNumber"] is None
    assert [(one["phoneNumber"], one["primary"]) for one in read["phoneNumberData"]] == [(B, False)]


async def test_the_list_wins_over_the_single_field(api: Espo) -> None:
    record_id = await api.create(lastName="X", phoneNumberData=phones(A), phoneNumber=B)
    assert texts(await api.get(record_id)) == [A]


async def test_a_patch_reply_shows_lists_as_sent_and_the_other_form_stale(api: Espo) -> None:
    record_id = await api.create(lastName="X", phoneNumberData=phones(A))
    sent = [{"phoneNumber": "+49 511 1000002", "primary": True}]
    shown = (await api.patch(record_id, phoneNumberData=sent)).json()
    assert shown["phoneNumberData"] == [{"phoneNumber": B, "primary": True}]
    cleared = (await api.patch(record_id, phoneNumberData=[])).json()
    assert (cleared["phoneNumberData"], cleared["phoneNumber"]) == ([], B)
    single = (await api.patch(record_id, phoneNumber=C)).json()
    assert (single["phoneNumber"], single["phoneNumberData"]) == (C, [])


async def test_a_deleted_records_number_stays_with_the_others(api: Espo) -> None:
    first = await api.create(lastName="X", phoneNumberData=phones(A, type="Office"))
    second = await api.create(lastName="Y", phoneNumberData=phones(A, type="Office"))
    await api.http.delete(f"/CBeteiligte/{first}")
    assert texts(await api.get(second)) == [A]
