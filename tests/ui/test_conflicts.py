"""Conflicts on the pages: seen by whoever looks, decided by whoever may, as they were seen."""

from __future__ import annotations

import html
import re
from html.parser import HTMLParser

import httpx
import pytest

from syncd.ledger import people
from syncd.model import HoldReason
from tests.ui import decisions
from tests.ui.conftest import NOW, Pages, csrf
from tests.ui.decisions import FORMULA, NASTY, dispute, kept, key_of, link, many, record


class Tags(HTMLParser):
    """Collects what would run: scripts of other places, and attributes that act."""

    def __init__(self) -> None:
        super().__init__()
        self.acting: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        foreign = tag == "script" and not (dict(attrs).get("src") or "").startswith("/ui/static/")
        self.acting += [tag] if foreign else []
        self.acting += [name for name, _ in attrs if name.startswith("on") or name == "style"]


def seen(page: httpx.Response) -> str:
    """What a page's form says was seen."""
    found = re.search(r'name="seen" value="([0-9a-f]{16})"', page.text)
    assert found is not None, page.text
    return found[1]


def ticked(page: httpx.Response) -> list[str]:
    """What can be ticked."""
    return re.findall(r'name="id" value="([^"]+)"', page.text)


async def decide(client: httpx.AsyncClient, conflict_id: str, **fields: str) -> httpx.Response:
    """Open a conflict and send its form."""
    page = await client.get(f"/ui/conflicts/{conflict_id}")
    return await client.post(f"/ui/conflicts/{conflict_id}", data={"csrf": csrf(page), "seen": seen(page), **fields})


async def state(pages: Pages, conflict_id: str) -> dict[str, object]:
    """A conflict as the ledger has it."""
    found = await pages.ledger.read(people.get_conflict, conflict_id)
    assert found is not None
    return found


async def one(pages: Pages) -> str:
    """A conflict about a title."""

    def put(conn: object) -> str:
        key = record(conn, 1, "Müller, Erika")  # type: ignore[arg-type]
        return dispute(conn, "title0", key, "titel", "Dr.", "Prof.", NOW, base="Mag.")  # type: ignore[arg-type]

    return await pages.ledger.write(put)


async def test_a_conflict_shows_both_values_with_times_and_authors_and_what_both_had(
    pages: Pages, anna: httpx.AsyncClient
) -> None:
    await one(pages)
    page = await anna.get("/ui/conflicts/title0")
    for told in ("Müller, Erika", "Titel", "Dr.", "Prof.", "Mag.", "15.01.2027 08:00:00", "15.01.2027 08:30:00", "SB1"):
        assert told in page.text
    assert 'href="https://crm.example/#User/view/64aa0000000000001"' in page.text
    assert f'href="/ui/records/{key_of(1)}"' in page.text


@pytest.mark.parametrize(
    ("fields", "value"),
    [
        ({"take": "espocrm"}, "Dr."),
        ({"take": "advoware"}, "Prof."),
        ({"take": "value", "value": "advoware"}, "advoware"),
        ({"take": "clear"}, None),
    ],
)
async def test_a_person_takes_one_value_the_other_a_third_or_none(
    pages: Pages, anna: httpx.AsyncClient, fields: dict[str, str], value: str | None
) -> None:
    await one(pages)
    answer = await decide(anna, "title0", **fields)
    assert (answer.status_code, answer.headers["location"]) == (303, "/ui/conflicts")
    found = await state(pages, "title0")
    assert found["state"] == people.DECIDED
    decision = found["decision"]
    assert isinstance(decision, dict)
    assert (decision["value"], decision["who"]) == (value, "page:anna")
    assert pages.told == [key_of(1)]
    assert "Entschieden." in (await anna.get("/ui/conflicts")).text


@pytest.mark.parametrize("fields", [{"take": "value", "value": " "}, {"take": "value"}, {"take": "nonsense"}, {}])
async def test_an_answer_that_says_nothing_decides_nothing(
    pages: Pages, anna: httpx.AsyncClient, fields: dict[str, str]
) -> None:
    await one(pages)
    assert (await decide(anna, "title0", **fields)).status_code == 400
    assert (await state(pages, "title0"))["state"] == people.OPEN


async def test_of_two_people_who_decide_the_same_conflict_the_second_is_told(
    pages: Pages, anna: httpx.AsyncClient
) -> None:
    await one(pages)
    page = await anna.get("/ui/conflicts/title0")
    form = {"csrf": csrf(page), "seen": seen(page)}
    assert (await anna.post("/ui/conflicts/title0", data=form | {"take": "espocrm"})).status_code == 303
    second = await anna.post("/ui/conflicts/title0", data=form | {"take": "advoware"})
    assert second.status_code == 409
    assert "jemand anders hat entschieden" in second.text
    assert "anna hat entschieden" in second.text
    decision = (await state(pages, "title0"))["decision"]
    assert isinstance(decision, dict)
    assert decision["value"] == "Dr."
    assert (await decide(anna, "title0", take="advoware")).status_code == 303, "whoever has seen it may think otherwise"


async def test_a_value_nobody_has_looked_at_is_not_taken(pages: Pages, anna: httpx.AsyncClient) -> None:
    await one(pages)
    page = await anna.get("/ui/conflicts/title0")
    await pages.ledger.write(
        people.raise_conflict, "title0", key_of(1), "titel", "manual", {"espo": "Dr. h.c.", "advoware": "Prof."}
    )
    form = {"csrf": csrf(page), "seen": seen(page), "take": "espocrm"}
    answer = await anna.post("/ui/conflicts/title0", data=form)
    assert answer.status_code == 409
    assert "Dr. h.c." in answer.text
    assert (await state(pages, "title0"))["state"] == people.OPEN


async def test_a_conflict_that_was_settled_meanwhile_is_told_as_such(pages: Pages, anna: httpx.AsyncClient) -> None:
    await one(pages)
    page = await anna.get("/ui/conflicts/title0")
    await pages.ledger.write(people.settle, key_of(1), [], NOW)
    answer = await anna.post("/ui/conflicts/title0", data={"csrf": csrf(page), "seen": seen(page), "take": "espocrm"})
    assert answer.status_code == 409
    assert "Es ist inzwischen erledigt." in answer.text
    assert 'name="take"' not in answer.text
    assert "Nichts wartet" in (await anna.get("/ui/conflicts")).text
    assert "Müller, Erika" in (await anna.get("/ui/conflicts?state=settled")).text


async def test_a_counterpart_is_chosen_typed_or_created(pages: Pages, anna: httpx.AsyncClient) -> None:
    for number, fields in enumerate(({"number": "104861"}, {"number": "7"}, {"take": "create"}), 1):

        def put(conn: object, number: int = number) -> str:
            key = record(conn, number, state="new", advoware_id=None)  # type: ignore[arg-type]
            return link(conn, f"link{number}", key, HoldReason.CANDIDATES, [104860, 104861], NOW)  # type: ignore[arg-type]

        await pages.ledger.write(put)
        page = await anna.get(f"/ui/conflicts/link{number}")
        assert "Mit Beteiligtem 104861 verknüpfen" in page.text
        assert (await decide(anna, f"link{number}", **{"take": "link"} | fields)).status_code == 303
    chosen = [(await state(pages, f"link{number}"))["decision"] for number in (1, 2, 3)]
    assert [(one["choice"], one.get("advoware_id")) for one in chosen if isinstance(one, dict)] == [
        ("link", 104861), ("link", 7), ("create", None),
    ]  # fmt: skip


async def test_a_link_is_refused_in_words_where_it_cannot_be(pages: Pages, anna: httpx.AsyncClient) -> None:
    def put(conn: object) -> None:
        record(conn, 9, "Rivale")  # type: ignore[arg-type]
        key = record(conn, 1, state="new", advoware_id=None)  # type: ignore[arg-type]
        link(conn, "link", key, HoldReason.CANDIDATES, [], NOW)  # type: ignore[arg-type]

    await pages.ledger.write(put)
    taken = await decide(anna, "link", take="link", number="104009")
    assert taken.status_code == 409
    assert "gehört schon zu einem anderen Datensatz" in taken.text
    assert "Bitte die Nummer" in (await decide(anna, "link", take="link", number="x")).text


async def test_a_kept_value_is_taken_back(pages: Pages, anna: httpx.AsyncClient) -> None:
    def put(conn: object) -> None:
        kept(conn, "kept", record(conn, 1), "titel", "Dr.", "Professor", NOW)  # type: ignore[arg-type]

    await pages.ledger.write(put)
    assert "kept" in (await anna.get("/ui/conflicts?state=kept")).text
    page = await anna.get("/ui/conflicts/kept")
    assert re.findall(r'name="take" value="(\w+)"', page.text) == ["advoware"]
    assert (await decide(anna, "kept", take="advoware")).status_code == 303
    decision = (await state(pages, "kept"))["decision"]
    assert isinstance(decision, dict)
    assert (decision["value"], decision["saw_espo"]) == ("Professor", "Dr.")


async def test_what_an_interface_cannot_do_is_not_offered(pages: Pages, anna: httpx.AsyncClient) -> None:
    def put(conn: object) -> None:
        dispute(conn, "hand", record(conn, 1), "handelsregisternummer", "1", "2", NOW, kind="by_hand")  # type: ignore[arg-type]
        dispute(conn, "twin", key_of(1), "kommunikation:5", None, "+49511123456", NOW, kind="twin_stays")  # type: ignore[arg-type]
        link(conn, "rival", record(conn, 2), HoldReason.RIVAL, [], NOW)  # type: ignore[arg-type]

    await pages.ledger.write(put)
    offered = {
        name: re.findall(r'name="take" value="(\w+)"', (await anna.get(f"/ui/conflicts/{name}")).text)
        for name in ("hand", "twin", "rival")
    }
    assert offered == {"hand": ["advoware"], "twin": ["espocrm", "advoware"], "rival": []}


# --- many -------------------------------------------------------------------------------------


async def test_fifty_conflicts_are_decided_at_once_after_their_number_was_told(
    pages: Pages, anna: httpx.AsyncClient
) -> None:
    await pages.ledger.write(many, 50, NOW)
    page = await anna.get("/ui/conflicts?ticked=all")
    assert len(ticked(page)) == 50
    form = {"csrf": csrf(page), "id": ticked(page), "take": "advoware", "to": "/ui/conflicts?about=name"}
    asked = await anna.post("/ui/conflicts/many", data=form)
    assert "50 Mal den Wert aus Advoware nehmen?" in asked.text
    assert not pages.told
    done = await anna.post("/ui/conflicts/many", data=form | {"sure": "yes"})
    assert (done.status_code, done.headers["location"]) == (303, "/ui/conflicts?about=name")
    assert "50 Konflikte entschieden." in (await anna.get("/ui/conflicts")).text
    assert len(pages.told) == 50
    decision = (await state(pages, "many007"))["decision"]
    assert isinstance(decision, dict)
    assert decision["value"] == "Mueller-7"


async def test_of_many_those_that_cannot_be_are_listed_with_the_reason(pages: Pages, anna: httpx.AsyncClient) -> None:
    await pages.ledger.write(many, 4, NOW)
    page = await anna.get("/ui/conflicts")
    form = {"csrf": csrf(page), "id": ticked(page), "take": "espocrm", "sure": "yes"}
    await pages.ledger.write(people.settle, key_of(100), [], NOW)
    await decide(anna, "many001", take="advoware")
    done = await anna.post("/ui/conflicts/many", data=form)
    assert done.status_code == 200
    assert "2 Konflikte sind nicht entschieden" in done.text
    assert "2 Konflikte entschieden." in done.text
    assert "Es ist inzwischen erledigt." in done.text
    assert "jemand anders hat entschieden" in done.text
    again = await anna.post("/ui/conflicts/many", data=form | {"id": [ticked(page)[0]]})
    assert again.status_code == 409


async def test_nothing_ticked_changes_nothing_and_nobody_is_led_elsewhere(
    pages: Pages, anna: httpx.AsyncClient
) -> None:
    await pages.ledger.write(many, 2, NOW)
    token = csrf(await anna.get("/ui/conflicts"))
    answer = await anna.post("/ui/conflicts/many", data={"csrf": token, "take": "espocrm", "to": "//evil.example"})
    assert answer.headers["location"] == "/ui/conflicts"
    assert "nichts angekreuzt" in (await anna.get("/ui/conflicts")).text
    assert (await anna.post("/ui/conflicts/many", data={"csrf": token, "take": "value"})).status_code == 400


async def test_one_click_in_the_list_decides_the_row_that_was_seen(pages: Pages, anna: httpx.AsyncClient) -> None:
    await pages.ledger.write(many, 2, NOW)
    page = await anna.get("/ui/conflicts")
    rows = re.findall(r'name="row" value="([^"]+)"', page.text)
    form = {"csrf": csrf(page), "row": rows, "take": "espocrm", "id": ticked(page)}
    assert (await anna.post("/ui/conflicts/many000", data=form)).status_code == 303
    assert (await anna.post("/ui/conflicts/many000", data=form)).status_code == 409
    assert (await state(pages, "many001"))["state"] == people.OPEN
    without = {"csrf": csrf(page), "take": "espocrm"}
    assert (await anna.post("/ui/conflicts/many001", data=without)).status_code == 409, "nobody says what was seen"


async def test_the_list_is_cut_into_pages_and_narrowed_to_a_field(
    pages: Pages, anna: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("syncd.ui.conflicts.PAGE", 3)
    await pages.ledger.write(many, 5, NOW)
    await one(pages)
    first = await anna.get("/ui/conflicts?about=name")
    (following,) = re.findall(r'href="(/ui/conflicts\?about=name&amp;after=[^"]+)"', first.text)
    second = await anna.get(html.unescape(following))
    found = [set(re.findall(r'href="/ui/conflicts/(many\d+)"', page.text)) for page in (first, second)]
    assert [len(one) for one in found] == [3, 2]
    assert not found[0] & found[1]
    assert "title0" in (await anna.get("/ui/conflicts?about=titel")).text
    assert (await anna.get("/ui/conflicts?state=nonsense")).status_code == 404
    assert (await anna.get("/ui/conflicts?after=%00")).status_code == 400


# --- what must not happen -----------------------------------------------------------------------


async def test_values_are_shown_as_they_are_and_do_nothing(pages: Pages, anna: httpx.AsyncClient) -> None:
    def put(conn: object) -> None:
        dispute(conn, "nasty", record(conn, 2, NASTY), "titel", NASTY, FORMULA, NOW, base="'\"><b>", kind="manual")  # type: ignore[arg-type]
        dispute(conn, "nasty2", record(conn, 3, NASTY), "name", NASTY, FORMULA, NOW)  # type: ignore[arg-type]

    await pages.ledger.write(put)
    page = await anna.get("/ui/conflicts")
    sure = await anna.post("/ui/conflicts/many", data={"csrf": csrf(page), "id": ticked(page), "take": "espocrm"})
    for shown in (page, await anna.get("/ui/conflicts/nasty"), sure):
        assert shown.status_code == 200
        assert "<script>alert" not in shown.text
        assert "<img" not in shown.text.replace('<img src="/ui/static', "")
        assert "&lt;script&gt;alert" in shown.text
        tags = Tags()
        tags.feed(shown.text)
        assert not tags.acting


async def test_who_may_only_look_sees_all_and_is_offered_nothing(pages: Pages, bert: httpx.AsyncClient) -> None:
    await pages.ledger.write(decisions.everything, NOW)
    for path in ("/ui/conflicts", "/ui/conflicts/third0", "/ui/conflicts/candi0", "/ui/guards/guard0", "/ui/pauses"):
        page = await bert.get(path)
        assert page.status_code == 200, path
        assert 'name="take"' not in page.text
        forms = set(re.findall(r'action="([^"]+)"', page.text))
        assert forms <= {"/ui/language", "/ui/logout"}, path


async def test_every_page_is_there_in_both_languages(pages: Pages, anna: httpx.AsyncClient) -> None:
    await pages.ledger.write(decisions.everything, NOW)
    paths = ["/ui/conflicts", "/ui/conflicts?state=kept", "/ui/guards", "/ui/guards/guard0", "/ui/guards/guard1"]
    paths += ["/ui/runs", "/ui/runs/run000000000", "/ui/undo?run=run000000000", "/ui/pauses", "/ui/alarms"]
    waiting = await pages.ledger.read(people.list_conflicts)
    paths += [f"/ui/conflicts/{one['id']}" for one in waiting if not one["id"].startswith("many")]
    german = {path: (await anna.get(path)).text for path in paths}
    await anna.post("/ui/language", data={"language": "en"})
    for path in paths:
        answer = await anna.get(path)
        assert answer.status_code == 200, path
        assert '<html lang="en">' in answer.text
        assert re.findall("<h1>.*</h1>", answer.text) != [] or "<h1" in answer.text
        assert "Paused:" in answer.text
        assert "Pausiert:" in german[path]
        assert " style=" not in answer.text
