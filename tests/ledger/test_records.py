"""Records are found by what people know of them, and pages put together are the whole list, once each."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from mappers.beteiligte import BETEILIGTE
from syncd import inspect
from syncd.ledger import pairs
from syncd.ledger.choices import Refusal
from syncd.ledger.records import NEW, SORTS, Sort
from syncd.ledger.store import Ledger
from syncd.titles import folded, named
from tests.seeding import seed

NOW = 1_800_000_000.0


async def _known(ledger: Ledger, espo_id: str, body: dict[str, Any], **values: Any) -> None:
    key = f"beteiligte/{espo_id}"
    await ledger.write(pairs.admit, [key], "joined")
    await ledger.write(pairs.change, key, {**named(BETEILIGTE, body), **values})


async def _found(ledger: Ledger, text: str = "", statuses: Sequence[str] = (), sort: Sort = "name") -> list[str]:
    page = await inspect.find(ledger, [BETEILIGTE.name], text, statuses, sort)
    return [row["key"].partition("/")[2] for row in page["records"]]


@pytest.fixture
async def office(ledger: Ledger) -> Ledger:
    await _known(ledger, "a1", {"lastName": "Müller-Lüdenscheidt", "firstName": "Änne"}, advoware_id=70, status="clean")
    await _known(ledger, "b2", {"lastName": "Groß", "firstName": "Zoë"}, status="conflict", changed_at=NOW)
    await _known(ledger, "c3", {"lastName": "50%_Rabatt GmbH"}, advoware_id=7, status="clean", changed_at=NOW - 5)
    await _known(ledger, "d4", {"lastName": "Baum", "firstName": None}, advoware_id=9)
    await ledger.write(pairs.claim, "beteiligte/e5", "one", NOW, NOW + 60)  # a stranger, only looked at
    return ledger


@pytest.mark.parametrize(
    ("text", "there"),
    [
        ("mueller", ["a1"]),
        ("MÜLLER", ["a1"]),
        ("Müller", ["a1"]),
        ("änne müller", ["a1"]),
        ("Müller-Lüdenscheidt, Änne", ["a1"]),
        ("lüden", ["a1"]),
        ("gross", ["b2"]),
        ("zoe", ["b2"]),
        ("50%", ["c3"]),
        ("50%_", ["c3"]),
        ("%", ["c3"]),
        ("\\", []),
        ("7", ["c3"]),
        ("betnr:70", ["a1"]),
        ("betnr: 9", ["d4"]),
        ("50", ["c3"]),
        ("b2", ["b2"]),
        ("beteiligte/b2", ["b2"]),
        ("e5", []),
        ("niemand", []),
        ("'; DROP TABLE pairs; --", []),
        ("", ["c3", "d4", "b2", "a1"]),
    ],
)
async def test_a_record_is_found_by_part_of_its_name_its_number_or_its_id(
    office: Ledger, text: str, there: list[str]
) -> None:
    assert await _found(office, text) == there


async def test_records_are_sorted_and_filtered(office: Ledger) -> None:
    assert await _found(office, sort="id") == ["a1", "b2", "c3", "d4"]
    assert await _found(office, sort="number") == ["c3", "d4", "a1", "b2"]
    assert (await _found(office, sort="changed"))[:2] == ["b2", "c3"]
    assert await _found(office, statuses=["clean"]) == ["c3", "a1"]
    assert await _found(office, statuses=[NEW]) == ["d4"]
    assert await _found(office, statuses=["conflict", NEW], sort="id") == ["b2", "d4"]
    assert await _found(office, "a", ["conflict"]) == []


@pytest.mark.parametrize("sort", SORTS)
@pytest.mark.parametrize("statuses", [(), ("clean",), ("conflict", "failed")])
async def test_all_pages_together_are_every_record_once(ledger: Ledger, sort: Sort, statuses: tuple[str, ...]) -> None:
    await ledger.write(seed, 60, 7, NOW, with_bases=False)
    await _known(ledger, "zz", {"lastName": "Ohne Nummer"}, status="clean")
    whole = (await inspect.find(ledger, [BETEILIGTE.name], "", statuses, sort))["records"]
    rows: list[dict[str, Any]] = []
    after: str | None = ""
    while after is not None:
        page = await inspect.find(ledger, [BETEILIGTE.name], "", statuses, sort, after, 7)
        rows, after = rows + page["records"], page["next"]
    assert rows == whole
    assert len({row["key"] for row in rows}) == len(rows) > 7


@pytest.mark.parametrize("after", ["nonsense", "[1]", "[true, 1]", '["a", "b"]', "null", '{"a": 1}', '[1, "k", 2]'])
async def test_an_after_of_something_else_is_refused(ledger: Ledger, after: str) -> None:
    with pytest.raises(Refusal, match="of the page before"):
        await inspect.find(ledger, [], sort="changed", after=after)


def test_names_are_folded_as_people_type_them() -> None:
    assert folded("  Ärger\u00a0MÜLLER  ") == folded("a\u0308rger mu\u0308ller") == "aerger mueller"
    assert named(BETEILIGTE, {"lastName": "A\nB", "firstName": "  "}) == {"title": "A B", "sought": "a b"}
    assert len(named(BETEILIGTE, {"lastName": "ß" * 500})["sought"]) == 200
