"""Lists of the stand-in EspoCRM: filters, order, pages, traps (espocrm.md §4, §9)."""

from __future__ import annotations

import json
from typing import Any

import pytest

from syncd.sandbox import Sandbox
from tests.sandbox.conftest import Espo, HandClock


def where(kind: str, attribute: str, value: Any = None, **more: Any) -> dict[str, Any]:
    return {"type": kind, "attribute": attribute, "value": value, **more}


@pytest.fixture
async def five(api: Espo, clock: HandClock) -> list[str]:
    """Five records, a second apart; the last three are modified in one second."""
    ids = []
    for number, name in enumerate(("Ärger", "Berg", "Cohn", "Dorn", "Esch")):
        clock.at += 1
        ids.append(await api.create(lastName=name, betnr=number or None))
    clock.at += 10
    for record_id in ids[2:]:
        await api.patch(record_id, titel="Dr.")
    return ids


async def test_paging_by_modified_at_breaks_ties_by_id(api: Espo, five: list[str]) -> None:
    expected = five[:2] + sorted(five[2:])
    for size in (1, 2, 200):
        seen: list[str] = []
        for offset in range(0, 5, size):
            seen += await api.found(orderBy="modifiedAt", order="asc", maxSize=size, offset=offset)
        assert seen == expected
    assert await api.found(orderBy="modifiedAt", order="desc") == expected[::-1]


async def test_a_keyset_over_modified_at_and_id_finds_what_follows(api: Espo, five: list[str]) -> None:
    last = sorted(five[2:])
    moment = (await api.get(last[0]))["modifiedAt"]
    follows = {
        "type": "or",
        "value": [
            where("greaterThan", "modifiedAt", moment),
            {"type": "and", "value": [where("equals", "modifiedAt", moment), where("greaterThan", "id", last[0])]},
        ],
    }
    assert await api.found(follows, orderBy="modifiedAt", order="asc") == last[1:]


async def test_totals_are_counted_or_told_apart_by_minus_one_and_two(api: Espo, five: list[str]) -> None:
    counted = (await api.rows(maxSize=2)).json()
    assert (counted["total"], len(counted["list"])) == (5, 2)
    for offset, total in ((0, -1), (4, -2)):
        params = {"searchParams": json.dumps({"maxSize": 2, "offset": offset})}
        reply = await api.http.get("/CBeteiligte", params=params, headers={"X-No-Total": "true"})
        assert reply.json()["total"] == total
    assert (await api.rows(maxSize=0)).json() == {"total": 5, "list": []}


async def test_rows_have_single_values_but_no_lists(api: Espo) -> None:
    await api.create(lastName="X", emailAddress="a@example.org")
    row = (await api.rows()).json()["list"][0]
    assert row["emailAddress"] == "a@example.org"
    assert not {"emailAddressData", "phoneNumberData", "teamsIds"} & set(row)


async def test_select_adds_what_espocrm_always_adds_and_ignores_unknown_names(api: Espo) -> None:
    await api.create(lastName="X")
    reply = await api.rows(select=["betnr", "nope", "emailAddressData"], orderBy="modifiedAt")
    assert set(reply.json()["list"][0]) == {"id", "createdById", "assignedUserId", "modifiedAt", "betnr"}


@pytest.mark.parametrize(
    ("params", "status", "reason"),
    [
        ({"select": "id"}, 400, "select should be array."),
        ({"maxSize": 201}, 403, "Max size should not exceed 200. Use offset and limit."),
        ({"where": [where("equals", "nope", 1)]}, 400, "Not existing attribute 'nope' in where."),
        ({"where": [where("nope", "id", 1)]}, 400, "Unknown where item type 'nope'."),
        ({"where": [where("equals", "LOWER:(name)", 1)]}, 400, "Complex expressions are forbidden in where."),
        ({"where": [where("equals", "versionNumber", 1)]}, 400, "Not existing attribute 'versionNumber' in where."),
        ({"orderBy": "nope"}, 400, "Order by non-existing field 'nope'."),
        ({"where": [where("expression", "id", 1)]}, 500, ""),
    ],
)
async def test_wrong_questions_are_refused_in_espocrms_words(
    api: Espo, params: dict[str, Any], status: int, reason: str
) -> None:
    reply = await api.rows(**params)
    assert (reply.status_code, reply.headers["x-status-reason"]) == (status, reason)


async def test_search_params_that_are_no_json_are_refused(api: Espo) -> None:
    reply = await api.http.get("/CBeteiligte", params={"searchParams": "{"})
    assert (reply.status_code, reply.headers["x-status-reason"]) == (400, "Invalid search params JSON.")


async def test_where_group_in_search_params_is_silently_ignored(api: Espo, five: list[str]) -> None:
    assert len((await api.rows(whereGroup=[where("equals", "betnr", 1)])).json()["list"]) == 5


@pytest.mark.parametrize("name", ["where", "whereGroup"])
async def test_the_query_form_filters_with_php_brackets(api: Espo, five: list[str], name: str) -> None:
    query = f"{name}[0][type]=in&{name}[0][attribute]=betnr&{name}[0][value][]=1&{name}[0][value][]=3"
    reply = await api.http.get(f"/CBeteiligte?{query}&select=id,betnr&orderBy=betnr&order=desc&maxSize=200")
    assert [row["betnr"] for row in reply.json()["list"]] == [3, 1]


async def test_a_where_that_is_no_list_is_ignored_in_the_query_form(api: Espo, five: list[str]) -> None:
    assert len((await api.http.get("/CBeteiligte?where=x")).json()["list"]) == 5


async def test_the_default_order_is_newest_first_and_order_by_alone_ascends(api: Espo, five: list[str]) -> None:
    assert await api.found() == five[::-1]
    assert await api.found(orderBy="createdAt") == five


@pytest.mark.parametrize(
    ("item", "found"),
    [
        (where("equals", "betnr", 1), [1]),
        (where("equals", "betnr", None), [0]),
        (where("notEquals", "betnr", 1), [2, 3, 4]),
        (where("notIn", "betnr", [1, 2]), [3, 4]),
        (where("lessThan", "betnr", 2), [1]),
        (where("greaterThanOrEquals", "betnr", 3), [3, 4]),
        (where("in", "betnr", []), []),
        (where("isNull", "betnr"), [0]),
        (where("isNotNull", "titel"), [2, 3, 4]),
        (where("equals", "lastName", "arger"), [0]),
        (where("startsWith", "lastName", "ÁR"), [0]),
        ({"type": "or", "value": []}, [0, 1, 2, 3, 4]),
        ({"type": "or", "value": [where("equals", "betnr", 1), where("equals", "betnr", 4)]}, [1, 4]),
        ({"type": "textFilter", "value": "ber"}, [1]),
        (where("after", "createdAt", "2026-11-20 18:40:03"), [3, 4]),
        (where("after", "createdAt", "2026-11-20T18:40:03Z"), [3, 4]),
        (where("after", "createdAt", "2026-11-20 19:40:03", dateTime=True, timeZone="Europe/Berlin"), [3, 4]),
        (where("lastXDays", "createdAt", 1), [0, 1, 2, 3, 4]),
        (where("equals", "syncStatus", "pending_sync"), [0, 1, 2, 3, 4]),
    ],
)
async def test_filters_find_what_the_database_would(
    api: Espo, five: list[str], item: dict[str, Any], found: list[int]
) -> None:
    assert await api.found(item, orderBy="createdAt") == [five[number] for number in found]


async def test_a_secondary_address_is_found_too(api: Espo) -> None:
    entries = [{"emailAddress": "a@example.org", "primary": True}, {"emailAddress": "b@example.org"}]
    record_id = await api.create(lastName="X", emailAddressData=entries)
    assert await api.found(where("equals", "emailAddress", "B@example.org")) == [record_id]


async def test_enums_sort_by_option_order(api: Espo) -> None:
    ids = [await api.create(lastName="X", syncStatus=status) for status in ("failed", "clean", "pending_sync")]
    assert await api.found(orderBy="syncStatus") == ids[::-1]


async def test_hidden_records_are_missing_from_lists_and_forbidden_by_id(
    api: Espo, sandbox: Sandbox, five: list[str]
) -> None:
    sandbox.espo.door.hidden.add(five[1])
    assert len(await api.found()) == 4
    assert (await api.http.get(f"/CBeteiligte/{five[1]}")).status_code == 403


async def test_lists_by_time_stay_right_with_thousands_of_records(api: Espo, sandbox: Sandbox) -> None:
    sandbox.seed.synced(1500)
    every: list[str] = []
    while page := await api.found(orderBy="modifiedAt", order="asc", offset=len(every), maxSize=200):
        every += page
    assert len(set(every)) == len(every) == 1500
    bound = (await api.get(every[-3]))["modifiedAt"]
    late = await api.found(where("greaterThanOrEquals", "modifiedAt", bound), orderBy="modifiedAt", order="asc")
    assert every[-3] in late
    assert set(late) <= set(every[-1500:])
