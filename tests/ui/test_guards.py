"""Guards, pauses and alarms on the pages: what was stopped and why, and the answers."""

from __future__ import annotations

import re

import httpx
import pytest

from syncd.ledger import brakes, facts
from tests.ui.conftest import NOW, Pages, csrf
from tests.ui.decisions import NASTY, alarm, key_of, mass_change, record, restored


async def answer(client: httpx.AsyncClient, guard_id: str, **fields: str) -> httpx.Response:
    """Open a guard and send one of its forms."""
    page = await client.get(f"/ui/guards/{guard_id}")
    (n,) = set(re.findall(r'name="n" value="(\d+)"', page.text))
    return await client.post(f"/ui/guards/{guard_id}", data={"csrf": csrf(page), "n": n, **fields})


async def test_a_stopped_mass_change_shows_why_and_what_would_become_of_which_record(
    pages: Pages, anna: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("syncd.ui.guards.PAGE", 2)
    await pages.ledger.write(mass_change, "guard0", 3, NOW)
    listed = await anna.get("/ui/guards")
    assert "Titel in EspoCRM massenhaft geändert" in listed.text
    page = await anna.get("/ui/guards/guard0")
    for told in ("Es wird nicht nach Advoware geschrieben", "Dr.", "Prof. 1", "Musterfrau-1000", "von 1.221 geprüften"):
        assert told in page.text
    assert "Prof. 2" not in page.text
    (following,) = re.findall(r'href="(/ui/guards/guard0\?after=[^"]+)"', page.text)
    assert "Prof. 2" in (await anna.get(following)).text


async def test_exactly_what_was_shown_is_let_through(pages: Pages, anna: httpx.AsyncClient) -> None:
    await pages.ledger.write(mass_change, "guard0", 3, NOW)
    page = await anna.get("/ui/guards/guard0")

    def one_more(conn: object) -> None:
        brakes.stop(conn, "x", "change:espocrm:titel", [record(conn, 7)], {}, NOW, ("a", "b"))  # type: ignore[arg-type]

    await pages.ledger.write(one_more)
    for fields in ({"answer": "allow"}, {"answer": "discard"}):
        late = await anna.post("/ui/guards/guard0", data={"csrf": csrf(page), "n": "3", **fields})
        assert late.status_code == 409
        assert "inzwischen 4 Datensätze" in late.text
    assert not pages.told
    done = await answer(anna, "guard0", answer="allow")
    assert (done.status_code, done.headers["location"]) == (303, "/ui/guards")
    assert len(pages.told) == 4
    assert "4 Datensätze durchgelassen" in (await anna.get("/ui/guards")).text
    assert (await anna.get("/ui/guards/guard0")).status_code == 404


async def test_a_mass_change_is_discarded(pages: Pages, anna: httpx.AsyncClient) -> None:
    await pages.ledger.write(mass_change, "guard0", 3, NOW)
    assert (await answer(anna, "guard0", answer="discard")).status_code == 303
    assert "Bei 3 Datensätzen verworfen" in (await anna.get("/ui/guards")).text
    assert not await pages.ledger.read(brakes.listing)
    assert (
        "Eine angehaltene Änderung wird verworfen."
        in (await anna.get(re.findall(r'href="(/ui/conflicts/\w+)"', (await anna.get("/ui/conflicts")).text)[0])).text
    )


async def test_after_a_restored_backup_a_person_says_which_side_is_right(pages: Pages, anna: httpx.AsyncClient) -> None:
    await pages.ledger.write(restored, "guard1", NOW)
    everywhere = await anna.get("/ui/conflicts")
    assert "Sicherung eingespielt?" in everywhere.text
    page = await anna.get("/ui/guards/guard1")
    assert "Es ist ein Irrtum" not in page.text
    refused = await answer(anna, "guard1", answer="allow")
    assert refused.status_code == 409
    assert "welche Seite recht hat" in refused.text
    assert (await answer(anna, "guard1", answer="allow", right="advoware")).status_code == 303
    assert not await pages.ledger.read(facts.list_pauses), "and all goes on"
    assert "Pausiert:" not in (await anna.get("/ui/conflicts")).text


# --- pauses -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("scope", "told"),
    [("all", "Alles"), ("side:advoware", "Schreiben nach Advoware"), ("entity:beteiligte", "Nur Bet")],
)
async def test_a_pause_is_told_on_every_page_with_reason_and_name_until_it_ends(
    pages: Pages, anna: httpx.AsyncClient, bert: httpx.AsyncClient, scope: str, told: str
) -> None:
    token = csrf(await anna.get("/ui/pauses"))
    paused = await anna.post("/ui/pauses", data={"csrf": token, "scope": scope, "why": NASTY})
    assert paused.status_code == 303
    for path in ("/ui/", "/ui/conflicts", "/ui/runs", "/ui/nowhere"):
        page = (await bert.get(path)).text
        if path != "/ui/nowhere":
            assert "Pausiert:" in page
            assert told in page
            assert "anna" in page
        assert "<script>alert" not in page
    again = await anna.post("/ui/pauses/resume", data={"csrf": token, "scope": scope})
    assert again.status_code == 303
    assert "Pausiert:" not in (await bert.get("/ui/conflicts")).text
    late = await anna.post("/ui/pauses/resume", data={"csrf": token, "scope": scope})
    assert late.status_code == 409
    assert "Das ist nicht pausiert." in late.text


@pytest.mark.parametrize(
    "form", [{"scope": "all"}, {"scope": "all", "why": " "}, {"scope": "x", "why": "y"}, {"scope": "all:x", "why": "y"}]
)
async def test_a_pause_without_a_reason_or_of_nothing_is_none(
    pages: Pages, anna: httpx.AsyncClient, form: dict[str, str]
) -> None:
    token = csrf(await anna.get("/ui/pauses"))
    assert (await anna.post("/ui/pauses", data={"csrf": token, **form})).status_code == 400
    assert not await pages.ledger.read(facts.list_pauses)


async def test_what_a_guard_has_stopped_goes_on_where_the_guard_is(pages: Pages, anna: httpx.AsyncClient) -> None:
    await pages.ledger.write(restored, "guard1", NOW)
    page = await anna.get("/ui/pauses")
    assert 'href="/ui/guards/guard1"' in page.text
    answer = await anna.post("/ui/pauses/resume", data={"csrf": csrf(page), "scope": "all"})
    assert answer.status_code == 409
    assert "bitte dort entscheiden" in answer.text


# --- alarms -----------------------------------------------------------------------------------


async def test_alarms_tell_what_they_mean_what_to_do_and_where(pages: Pages, anna: httpx.AsyncClient) -> None:
    def put(conn: object) -> None:
        alarm(conn, "outage:advoware", "advoware has been away for 10 minutes", NOW)  # type: ignore[arg-type]
        alarm(conn, "guard:guard0", "a guard has stopped", NOW)  # type: ignore[arg-type]
        alarm(conn, "later:x", NASTY, NOW)  # type: ignore[arg-type]

    assert "Kein Alarm." in (await anna.get("/ui/alarms")).text
    await pages.ledger.write(put)
    page = (await anna.get("/ui/alarms")).text
    for told in ("Ein System antwortet nicht", "Advoware", "Nachsehen, ob es läuft", 'href="/ui/guards"', "vor 67 min"):
        assert told in page
    assert "<script>alert" not in page
    assert key_of(1) not in page
