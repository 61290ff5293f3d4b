"""One record's page: what is known, what both sides show, what happened; and the buttons of whoever may decide."""

from __future__ import annotations

import csv
import html
import io
import re
from typing import Any

import httpx
import pytest

from mappers.beteiligte import BETEILIGTE
from services.errors import Outage
from syncd.ledger import asked as ledger_asked
from syncd.ledger import people
from syncd.ledger.schema import bases, history, pairs, quarantine, work
from syncd.sides import Answer, Shown, Sides
from syncd.ui.record import HAPPENED
from tests.ui.conftest import ANNA, NOW, Pages, csrf
from tests.ui.test_records import EVIL, espo_id, know, pair

KEY = f"{BETEILIGTE.name}/{espo_id(1)}"
PAGE = f"/ui/records/{KEY}"
PHONE = "+4951112345"


def base(field: str, espo: Any, advoware: Any) -> dict[str, Any]:
    return {"key": KEY, "field": field, "espo": espo, "advoware": advoware, "rule": BETEILIGTE.field(field).rule}


def change(number: int, **more: Any) -> dict[str, Any]:
    row = {
        "id": number, "at": NOW - 10_000 + number, "key": KEY, "job": f"{number:032x}", "run": None, "side": "advoware",
        "field": "titel", "before": None, "after": "Dr.", "why": "sync", "cause": "event", "who": "espocrm:anna1",
    }  # fmt: skip
    return row | more


@pytest.fixture
async def ida(pages: Pages) -> None:
    """Ida Müller, linked, with a title and a phone both sides agree on, and the change that brought the title."""
    await know(pages, pair(1, "Müller", "Ida", state="linked"))
    phone = {"phoneNumber": PHONE, "type": "Mobile", "primary": True}
    entry = {"id": 7, "tlf": "0511 12345", "bemerkung": "abends", "kommKz": 3, "online": True}
    agreed = [base("titel", "Dr.", "Dr."), base("kommunikation:7", phone, entry)]
    await fill(pages, bases, *agreed)
    await fill(pages, history, change(1))


async def fill(pages: Pages, table: Any, *rows: dict[str, Any]) -> None:
    await pages.ledger.write(lambda conn: conn.execute(table.insert(), list(rows)) and None)


async def row(pages: Pages, table: Any) -> Any:
    """The one row of the record."""
    return await pages.ledger.read(lambda conn: conn.execute(table.select().where(table.c.key == KEY)).one_or_none())


def plain(page: httpx.Response | str) -> str:
    """What people read of it."""
    text = page if isinstance(page, str) else page.text
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", text)).split())


# --- what is known ----------------------------------------------------------------------------


async def test_the_page_tells_at_once_what_both_sides_agreed_on_and_where_to_find_the_record(
    ida: None, anna: httpx.AsyncClient
) -> None:
    page = await anna.get(PAGE)
    read = plain(page)
    assert "Müller, Ida" in read
    assert "400001" in read
    assert f'href="https://crm.example/#CBeteiligte/view/{espo_id(1)}"' in page.text
    assert "Titel … … Dr." in read
    assert "auf beiden Seiten derselbe Eintrag, in Advoware ohne unser Kennzeichen" in read
    assert "abends" in read
    assert "Titel in Advoware geschrieben" in read
    assert "vorher leer nachher Dr." in read
    assert "von EspoCRM-Benutzer anna1" in read


async def test_a_record_nobody_knows_and_an_address_that_names_none(anna: httpx.AsyncClient) -> None:
    assert "ist nichts bekannt" in plain(await anna.get(f"/ui/records/beteiligte/{espo_id(9)}"))
    for path in ("nothing/" + espo_id(9), "beteiligte/x'--", "beteiligte/" + "a" * 90):
        for part in ("", "/live", "/sides", "/plan", "/undo/1", "/history.csv", "/export.json"):
            assert (await anna.get(f"/ui/records/{path}{part}")).status_code == 404


async def test_what_waits_is_told_with_its_reason_and_leads_to_where_it_is_decided(
    ida: None, pages: Pages, anna: httpx.AsyncClient
) -> None:
    values = {"espo": "Prof.", "advoware": "Dr. h. c.", "base": "Dr.", "opened_at": NOW}
    await pages.ledger.write(people.raise_conflict, "c1", KEY, "titel", "manual", values)
    await fill(
        pages, quarantine,
        {"key": KEY, "side": "espocrm", "field": "zusatz", "value": "zu lang", "reason": "maxLength", "at": NOW},
    )  # fmt: skip
    await fill(
        pages, work, {"key": KEY, "gen": 1, "lane": 1, "cause": "sweep", "due_at": NOW + 60, "since": NOW, "held": None}
    )
    page = await anna.get(PAGE)
    read = plain(page)
    assert "Titel: auf beiden Seiten geändert Entscheiden" in read
    assert 'href="/ui/conflicts/c1"' in page.text
    assert "EspoCRM Prof. Advoware Dr. h. c." in read
    assert "EspoCRM nimmt nicht an: Zusatz (zu lang)" in read
    assert "Vorgemerkt für 15.01.2027 09:01:00: Rundgang durch Advoware." in read
    assert f'action="{PAGE}/retry"' in page.text


# --- what both sides show ---------------------------------------------------------------------


def sides(espo: Shown, advoware: Shown) -> Any:
    async def look(key: str) -> Sides:
        assert key == KEY
        return Sides(espo, advoware, None)

    return look


async def test_both_sides_are_read_when_they_are_asked_for(ida: None, pages: Pages, anna: httpx.AsyncClient) -> None:
    espo = Shown(Answer.SHOWN, "", {"titel": "Prof.", "name": EVIL})
    pages.sides = sides(espo, Shown(Answer.SHOWN, "", {"titel": "Dr."}))
    for path in (f"{PAGE}/sides", f"{PAGE}?now=1"):
        page = await anna.get(path)
        assert "Titel verschieden Prof. seitdem geändert Dr. Dr." in plain(page)
        assert "<script>alert" not in page.text


async def test_a_side_that_does_not_answer_hides_nothing_of_the_other(
    ida: None, pages: Pages, anna: httpx.AsyncClient
) -> None:
    espo = Shown(Answer.SHOWN, "", {"titel": "Dr."})
    pages.sides = sides(espo, Shown(Answer.SILENT, "HTTP 503"))
    read = plain(await anna.get(f"{PAGE}/sides"))
    assert "Advoware antwortet gerade nicht (HTTP 503)" in read
    assert "Titel Dr. … Dr." in read
    assert "0511 12345" in read, "the entries as last agreed on"


async def test_a_plan_is_shown_in_words_and_an_outage_is_told(ida: None, pages: Pages, anna: httpx.AsyncClient) -> None:
    async def preview(key: str, language: str) -> dict[str, Any]:
        assert (key, language) == (KEY, "de")
        writes = [{"field": "titel", "before": "Dr.", "after": EVIL}]
        update = {"do": "update", "side": "espocrm", "writes": writes, "entries": []}
        settle = {"do": "settle", "status": "clean", "notices": []}
        return {"takes_part": True, "busy": False, "actions": [update, settle]}

    async def away(key: str, language: str) -> dict[str, Any]:
        raise Outage("advoware", "connect")

    async with pages.client(preview=preview) as client:
        client.cookies.update(dict(anna.cookies))
        page = await client.get(f"{PAGE}/plan")
        assert f"In EspoCRM schreiben Titel Dr. → {EVIL}" in html.unescape(plain(page.text))
        assert "<script>alert" not in page.text
    async with pages.client(preview=away) as client:
        client.cookies.update(dict(anna.cookies))
        assert "Advoware antwortet gerade nicht" in plain(await client.get(f"{PAGE}/plan"))


# --- what happened ----------------------------------------------------------------------------


async def test_what_happened_is_told_page_by_page_and_nothing_twice_or_never(
    ida: None, pages: Pages, anna: httpx.AsyncClient
) -> None:
    """Also where a page would end among changes of the same instant."""
    several = [change(2 + number, at=NOW - 9_000 + number // 7, after=f"T{number:03}") for number in range(110)]
    await fill(pages, history, *several)
    seen: list[str] = []
    address = PAGE
    while address:
        page = (await anna.get(address)).text
        seen += re.findall(r">T(\d{3})<", page)
        older = re.search(rf'href="({PAGE}\?before=[^"#]+)#', page)
        address = older[1] if older else ""
        assert page.count('edge">') <= HAPPENED
    assert sorted(seen) == [f"{number:03}" for number in range(110)]


async def test_the_history_comes_as_a_file_in_which_nothing_is_a_formula(
    ida: None, pages: Pages, anna: httpx.AsyncClient
) -> None:
    await fill(pages, history, change(2, before="=HYPERLINK(1)", after="+49 511"))
    answer = await anna.get(f"{PAGE}/history.csv")
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert answer.headers["content-disposition"] == f'attachment; filename="beteiligte-{espo_id(1)}.csv"'
    rows = list(csv.DictReader(io.StringIO(answer.text.removeprefix("\ufeff"))))
    assert [one["after_words"] for one in rows] == ["Dr.", "'+49 511"]
    assert rows[1]["before_words"] == "'=HYPERLINK(1)"
    whole = await anna.get(f"{PAGE}/export.json")
    assert whole.json()["history"][0]["after"] in ("Dr.", "+49 511")


@pytest.mark.parametrize("typed", [EVIL, "javascript:alert(1)", "' onclick='alert(1)"])
async def test_names_phones_remarks_and_old_values_are_text_and_nothing_else(
    pages: Pages, anna: httpx.AsyncClient, typed: str
) -> None:
    await know(pages, pair(1, typed, typed, error=typed))
    entry = {"id": 7, "tlf": typed, "bemerkung": typed, "kommKz": 3, "online": True}
    await fill(pages, bases, base("titel", typed, typed), base("kommunikation:7", None, entry))
    await fill(pages, history, change(1, before=typed, after=typed, who=f"espocrm:{typed}", why=typed, cause=typed))
    values = {"espo": typed, "advoware": typed, "base": None, "opened_at": NOW}
    await pages.ledger.write(people.raise_conflict, "c1", KEY, "titel", "manual", values)
    for path in (PAGE, f"{PAGE}/undo/1"):
        page = (await anna.get(path)).text
        for live in ("<script>alert", "<img src=x", 'href="javascript', "' onclick='"):
            assert live not in page


# --- deciding ---------------------------------------------------------------------------------

BUTTONS = ("sync", "retry", "exclude", "include", "undo/1")


async def test_who_decides_has_things_done_and_is_named(ida: None, pages: Pages, anna: httpx.AsyncClient) -> None:
    token = {"csrf": csrf(await anna.get(PAGE))}
    for name in ("sync", "retry", "exclude", "include"):
        answer = await anna.post(f"{PAGE}/{name}", data=token)
        assert (answer.status_code, answer.headers["location"]) == (303, PAGE), name
        assert 'class="notice good"' in (await anna.get(PAGE)).text
    done = await pages.ledger.read(ledger_asked.listing, KEY)
    assert [(one["what"], one["who"]) for one in done] == [
        (name, f"page:{ANNA}") for name in ("include", "exclude", "retry", "sync")
    ]
    assert pages.told == [KEY] * 3, "an excluded record is not worked on"
    assert (await row(pages, pairs)).state == "new"


async def test_a_change_is_taken_back_after_it_was_shown(ida: None, pages: Pages, anna: httpx.AsyncClient) -> None:
    shown = await anna.get(f"{PAGE}/undo/1")
    assert "Jetzt Dr. Danach, in EspoCRM und Advoware leer" in plain(shown)
    assert pages.told == [], "looking at it does nothing"
    answer = await anna.post(f"{PAGE}/undo/1", data={"csrf": csrf(shown)})
    assert (answer.status_code, pages.told) == (303, [KEY])
    assert "Wird zurückgenommen" in plain(await anna.get(PAGE))
    again = await anna.post(f"{PAGE}/undo/1", data={"csrf": csrf(shown)})
    assert again.status_code == 409
    assert "lässt sich nicht zurücknehmen" in plain(again)


async def test_a_change_of_another_record_is_not_taken_back_here(
    ida: None, pages: Pages, anna: httpx.AsyncClient
) -> None:
    await know(pages, pair(2, "Otto"))
    token = csrf(await anna.get(PAGE))
    other = f"/ui/records/beteiligte/{espo_id(2)}/undo/1"
    assert (await anna.get(other)).status_code == 404
    assert (await anna.post(other, data={"csrf": token})).status_code == 404
    assert pages.told == []


async def test_who_may_only_look_finds_no_button_and_none_works(
    ida: None, pages: Pages, bert: httpx.AsyncClient
) -> None:
    page = await bert.get(PAGE)
    for name in BUTTONS:
        assert f"{PAGE}/{name}" not in page.text
        assert (await bert.post(f"{PAGE}/{name}", data={"csrf": csrf(page)})).status_code == 403
    assert "Zurücknehmen</button>" not in (await bert.get(f"{PAGE}/undo/1")).text
    assert pages.told == []


async def test_no_button_works_without_the_token_of_the_session_or_from_elsewhere(
    ida: None, pages: Pages, anna: httpx.AsyncClient, stranger: httpx.AsyncClient
) -> None:
    token = csrf(await anna.get(PAGE))
    for name in BUTTONS:
        assert (await anna.post(f"{PAGE}/{name}")).status_code == 403
        evil = {"Origin": "https://evil.example"}
        assert (await anna.post(f"{PAGE}/{name}", data={"csrf": token}, headers=evil)).status_code == 403
        assert (await stranger.post(f"{PAGE}/{name}", data={"csrf": token})).headers["location"] == "/ui/login"
        assert (await anna.get(f"{PAGE}/{name}")).status_code == (200 if "undo" in name else 405)
    assert pages.told == []


# --- what belongs to whom ---------------------------------------------------------------------


async def test_a_person_lists_what_belongs_to_him_and_that_leads_back(
    ida: None, anna: httpx.AsyncClient, pages: Pages
) -> None:
    assert isinstance(pages.deps.entities, dict)
    pages.deps.entities.update({one.name: one for one in BETEILIGTE.children})
    child = {**pair(2, "Lange Gasse 3", "Hannover", state="linked"), "key": "adressen/a1", "entity": "adressen"}
    await know(pages, child | {"parent": KEY, "title": "Lange Gasse 3, Hannover", "status": "conflict"})
    page = await anna.get(PAGE)
    assert "Adressen Lange Gasse 3, Hannover Entscheidung nötig" in plain(page)
    assert 'href="/ui/records/adressen/a1"' in page.text
    back = await anna.get("/ui/records/adressen/a1")
    assert "Gehört zu Müller, Ida" in plain(back)
    assert f'href="{PAGE}"' in back.text
    assert "Art Adresse" in plain(back)
    assert "Straße" in plain(back)
