"""The list of records: what is looked for is found, page by page, and nothing in it is anything but text."""

from __future__ import annotations

import re
from typing import Any

import httpx
import pytest

from mappers.beteiligte import BETEILIGTE
from syncd.ledger.schema import pairs
from syncd.titles import named
from syncd.ui.records import PAGE
from syncd.ui.show import Show
from tests.ui.conftest import NOW, Pages

EVIL = "<script>alert(1)</script><img src=x onerror=alert(2)>"


def espo_id(number: int) -> str:
    return f"{number:017x}"


def pair(number: int, last: str, first: str | None = None, **more: Any) -> dict[str, Any]:
    """The row of a record that takes part."""
    body = {"lastName": last, "firstName": first}
    return {
        "key": f"{BETEILIGTE.name}/{espo_id(number)}", "entity": BETEILIGTE.name, "state": "linked", "trust": "own",
        "admitted_by": "joined", "advoware_id": 400_000 + number, "status": "clean", "changed_at": NOW - number,
        **named(BETEILIGTE, body), **more,
    }  # fmt: skip


async def know(pages: Pages, *rows: dict[str, Any]) -> None:
    """These take part."""
    await pages.ledger.write(lambda conn: [conn.execute(pairs.insert().values(**row)) for row in rows] and None)


def names(page: httpx.Response) -> list[str]:
    """The names of the records on a page, in their order."""
    return re.findall(r'<th scope="row"><a href="/ui/records/[^"]+">([^<]*)</a>', page.text)


async def test_records_are_listed_with_status_and_number_and_lead_to_their_page(
    pages: Pages, anna: httpx.AsyncClient
) -> None:
    row = pair(1, "Müller", "Ida", status="conflict")
    await know(pages, row)
    page = await anna.get("/ui/records")
    assert names(page) == ["Müller, Ida"]
    assert f'href="/ui/records/{row["key"]}"' in page.text
    assert "400001" in page.text
    assert f">{Show('de', NOW).status('conflict')}<" in page.text


@pytest.mark.parametrize(
    ("typed", "found"),
    [
        ("mueller", ["Müller, Ida"]),
        ("ida müll", ["Müller, Ida"]),
        ("betnr:400002", ["Otto"]),
        ("400002", ["Otto"]),
        (espo_id(2), ["Otto"]),
        (f"beteiligte/{espo_id(2)}", ["Otto"]),
        ("%", []),
        ("nobody", []),
    ],
)
async def test_a_record_is_found_by_part_of_its_name_by_number_and_by_id(
    pages: Pages, anna: httpx.AsyncClient, typed: str, found: list[str]
) -> None:
    await know(pages, pair(1, "Müller", "Ida"), pair(2, "Otto"))
    assert names(await anna.get("/ui/records", params={"q": typed})) == found


@pytest.mark.parametrize(
    ("status", "found"),
    [
        ("conflict", ["A"]),
        ("person", ["A", "B"]),
        ("new", ["D"]),
        ("", ["A", "B", "C", "D"]),
        ("x", ["A", "B", "C", "D"]),
    ],
)
async def test_the_list_is_filtered_by_status(
    pages: Pages, anna: httpx.AsyncClient, status: str, found: list[str]
) -> None:
    shown = {"A": "conflict", "B": "permanently_failed", "C": "clean", "D": None}
    await know(pages, *(pair(number, name, status=shown[name]) for number, name in enumerate(shown)))
    assert names(await anna.get("/ui/records", params={"status": status, "sort": "name"})) == found


async def test_pages_follow_each_other_until_every_record_was_shown_once(pages: Pages, anna: httpx.AsyncClient) -> None:
    await know(pages, *(pair(number, f"Name {number:04}") for number in range(2 * PAGE + 3)))
    seen: list[str] = []
    address = "/ui/records?q=name&sort=name"
    for _ in range(3):
        page = await anna.get(address)
        seen += names(page)
        links = re.findall(r'class="button" href="(/ui/records\?[^"]*after=[^"]*)"', page.text)
        address = links[0].replace("&amp;", "&") if links else ""
    assert seen == [f"Name {number:04}" for number in range(2 * PAGE + 3)]
    assert address == ""


async def test_whoever_types_is_sent_the_list_alone(pages: Pages, anna: httpx.AsyncClient) -> None:
    await know(pages, pair(1, "Müller"))
    part = await anna.get("/ui/records?q=mül", headers={"HX-Request": "true"})
    assert names(part) == ["Müller"]
    assert "<html" not in part.text


async def test_what_does_not_exist_in_an_address_is_no_error(pages: Pages, anna: httpx.AsyncClient) -> None:
    await know(pages, pair(1, "Müller"))
    for query in ("status=nope&sort=nope&entity=nope", "q=a%00b", "q=%ff", f"q={'x' * 5000}"):
        assert (await anna.get(f"/ui/records?{query}")).status_code == 200
    assert (await anna.get("/ui/records?sort=name&after=nonsense")).status_code == 409


async def test_an_id_that_takes_no_part_can_be_looked_at_nevertheless(anna: httpx.AsyncClient) -> None:
    page = await anna.get("/ui/records", params={"q": espo_id(77)})
    assert f'href="/ui/records/beteiligte/{espo_id(77)}"' in page.text
    assert (await anna.get(f"/ui/records/beteiligte/{espo_id(77)}")).status_code == 200


@pytest.mark.parametrize("typed", [EVIL, '" autofocus onfocus="alert(1)', "{{ 7 * 7 }}"])
async def test_names_and_what_is_typed_are_text_and_nothing_else(
    pages: Pages, anna: httpx.AsyncClient, typed: str
) -> None:
    await know(pages, pair(1, typed))
    for query in ({}, {"q": typed}):
        page = (await anna.get("/ui/records", params=query)).text
        for live in ("<script>alert", "<img src=x", 'onfocus="', ">49<"):
            assert live not in page


async def test_only_who_has_signed_in_sees_the_list(stranger: httpx.AsyncClient, bert: httpx.AsyncClient) -> None:
    assert (await stranger.get("/ui/records")).status_code == 303
    assert (await bert.get("/ui/records")).status_code == 200
