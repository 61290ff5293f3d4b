"""Contract with EspoCRM: lists, pages, and what is refused."""

from __future__ import annotations

from typing import Any

import pytest

from services.errors import Denied, Refused
from tests.contract.targets import Espo, mail, name, phone


async def several(espo: Espo, count: int, *, apart: int = 0) -> tuple[str, list[dict[str, Any]]]:
    """Records that share a first name nobody else has; after `apart` of them a second passes."""
    shared, made = f"V{name().rpartition(' ')[2]}", []
    for number in range(count):
        if number == apart:
            await espo.pass_second()
        made.append(await espo.record(firstName=shared))
    return shared, made


def called(first_name: str) -> dict[str, Any]:
    return {"type": "equals", "attribute": "firstName", "value": first_name}


def equals(attribute: str, value: Any) -> dict[str, Any]:
    return {"type": "equals", "attribute": attribute, "value": value}


async def test_a_page_tells_whether_more_follow_and_a_count_where_asked(espo: Espo) -> None:
    shared, made = await several(espo, 3)
    first = await espo.client.list(espo.entity, where=[called(shared)], max_size=2)
    rest = await espo.client.list(espo.entity, where=[called(shared)], max_size=2, offset=2)
    counted = await espo.client.list(espo.entity, where=[called(shared)], max_size=2, count="exact")
    assert ([len(page.rows) for page in (first, rest, counted)], counted.total) == ([2, 1, 2], len(made))
    assert (first.last, rest.last, counted.last) == (False, True, False)
    assert first.date is not None


async def test_pages_after_time_and_id_give_each_record_once(espo: Espo) -> None:
    shared, made = await several(espo, 7, apart=4)
    seen: list[str] = []
    after: list[dict[str, Any]] = []
    while True:
        page = await espo.client.list(
            espo.entity,
            where=[called(shared), *after],
            select=["id", "modifiedAt"],
            order_by="modifiedAt",
            max_size=2,
        )
        seen += [row["id"] for row in page.rows]
        if page.last:
            break
        time, id = page.rows[-1]["modifiedAt"], page.rows[-1]["id"]
        same = {"type": "and", "value": [equals("modifiedAt", time), _after("id", id)]}
        after = [{"type": "or", "value": [_after("modifiedAt", time), same]}]
    ordered = sorted((row["modifiedAt"], row["id"]) for row in made)
    assert seen == [id for _, id in ordered]


def _after(attribute: str, value: str) -> dict[str, Any]:
    return {"type": "greaterThan", "attribute": attribute, "value": value}


async def test_what_changed_since_a_second_includes_that_second(espo: Espo) -> None:
    shared, made = await several(espo, 3, apart=1)
    since = {"type": "greaterThanOrEquals", "attribute": "modifiedAt", "value": made[1]["modifiedAt"]}
    page = await espo.client.list(espo.entity, where=[called(shared), since], select=["id"])
    assert {row["id"] for row in page.rows} == {row["id"] for row in made[1:]}


async def test_records_are_found_by_many_ids_and_none_by_no_id(espo: Espo) -> None:
    _, made = await several(espo, 2)
    ids = [row["id"] for row in made]
    padding = [f"{number:017x}" for number in range(198)]
    many = {"type": "in", "attribute": "id", "value": [*ids, *padding]}
    none: dict[str, Any] = {"type": "in", "attribute": "id", "value": []}
    assert {row["id"] for row in (await espo.client.list(espo.entity, where=[many])).rows} == set(ids)
    assert (await espo.client.list(espo.entity, where=[none])).rows == []


async def test_a_deleted_record_is_in_no_list(espo: Espo) -> None:
    shared, made = await several(espo, 2)
    await espo.client.delete(espo.entity, made[0]["id"])
    page = await espo.client.list(espo.entity, where=[called(shared)])
    assert [row["id"] for row in page.rows] == [made[1]["id"]]


async def test_rows_of_lists_hold_no_lists_of_phones_and_addresses(espo: Espo) -> None:
    address = mail()
    record = await espo.record(emailAddressData=[{"emailAddress": address, "primary": True}])
    page = await espo.client.list(
        espo.entity, where=[equals("id", record["id"])], select=["emailAddress", "emailAddressData"]
    )
    [row] = page.rows
    assert row["emailAddress"] == address
    assert "emailAddressData" not in row


async def test_a_record_is_found_by_its_status_and_by_a_second_address(espo: Espo) -> None:
    first, second = mail(), mail()
    entries = [{"emailAddress": first, "primary": True}, {"emailAddress": second, "primary": False}]
    record = await espo.record(emailAddressData=entries)
    where = [equals("syncStatus", record["syncStatus"]), equals("emailAddress", second)]
    assert [row["id"] for row in (await espo.client.list(espo.entity, where=where)).rows] == [record["id"]]


async def test_a_page_of_more_than_200_is_denied(espo: Espo) -> None:
    with pytest.raises(Denied):
        await espo.client.list(espo.entity, max_size=201)


async def test_a_question_about_an_attribute_that_is_not_there_is_refused_not_ignored(espo: Espo) -> None:
    with pytest.raises(Refused):
        await espo.client.list(espo.entity, where=[equals("nichtVorhanden", 1)])
    with pytest.raises(Refused):
        await espo.client.list(espo.entity, order_by="nichtVorhanden")


@pytest.mark.parametrize(
    ("values", "field", "rule"),
    [
        ({"lastName": None}, "lastName", "required"),
        ({"titel": "x" * 1000}, "titel", "maxLength"),
        ({"syncStatus": "vertragstest"}, "syncStatus", "valid"),
        ({"geburtsdatum": "29.02.1980"}, "geburtsdatum", "valid"),
        ({"firstName": "<b>"}, "firstName", "pattern"),
        ({"emailAddressData": [{"emailAddress": "ä@", "primary": True}]}, "emailAddress", None),
        ({"phoneNumberData": [{"phoneNumber": "0511 123456", "primary": True}]}, "phoneNumber", "valid"),
        ({"phoneNumberData": [{"phoneNumber": "tel:+4930", "primary": True}]}, "phoneNumber", None),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
async def test_a_refused_value_names_its_field_and_nothing_of_that_write_holds(
    espo: Espo, values: dict[str, Any], field: str, rule: str | None
) -> None:
    record = await espo.record(zusatz="vorher")
    with pytest.raises(Refused) as refused:
        await espo.client.update(espo.entity, record["id"], {"zusatz": "nachher", **values})
    assert refused.value.field == field
    assert rule in (None, refused.value.rule)
    assert (await espo.read(record["id"]))["zusatz"] == "vorher"


async def test_the_same_number_twice_is_one_entry(espo: Espo) -> None:
    number = phone()
    entries = [{"phoneNumber": number, "type": kind, "primary": kind == "Fax"} for kind in ("Office", "Fax")]
    read = await espo.record(phoneNumberData=entries)
    assert [(one["phoneNumber"], one["type"]) for one in read["phoneNumberData"]] == [(number, "Fax")]
