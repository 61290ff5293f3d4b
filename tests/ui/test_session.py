"""Who sees the pages: whoever has signed in, for as long as they may, and from our own pages only."""

from __future__ import annotations

from dataclasses import replace

import httpx
import pytest
from structlog.testing import capture_logs

from syncd.ui import users
from syncd.ui.app import HEADERS
from syncd.ui.frame import Site
from syncd.ui.session import LIFE
from tests.ui.conftest import ANNA, ANNAS, BERT, BERTS, HOME, TOKEN, USERS, Pages, csrf, sign_in


async def test_whoever_has_not_signed_in_sees_only_the_way_in(stranger: httpx.AsyncClient) -> None:
    answer = await stranger.get("/ui/")
    assert (answer.status_code, answer.headers["location"]) == (303, "/ui/login?to=%2Fui%2F")
    assert (await stranger.get("/ui/live", headers={"HX-Request": "true"})).status_code == 401
    assert "Anmelden" in (await stranger.get("/ui/login")).text


@pytest.mark.parametrize("path", ["/", "/ui"])
async def test_whoever_types_only_the_host_arrives_at_the_pages(stranger: httpx.AsyncClient, path: str) -> None:
    answer = await stranger.get(path, follow_redirects=True)
    assert (answer.status_code, answer.url.path) == (200, "/ui/login")


async def test_a_person_signs_in_with_name_and_password_and_is_shown_by_name(anna: httpx.AsyncClient) -> None:
    page = await anna.get("/ui/")
    assert page.status_code == 200
    assert ANNA in page.text
    assert "darf entscheiden" in page.text


async def test_whoever_has_the_token_signs_in_without_a_name(pages: Pages, stranger: httpx.AsyncClient) -> None:
    assert (await sign_in(stranger, "", TOKEN)).status_code == 303
    assert "Zugangsschlüssel" in (await stranger.get("/ui/")).text


@pytest.mark.parametrize(
    ("name", "password"),
    [(ANNA, BERTS), (ANNA, ""), ("nobody", ANNAS), (ANNA, TOKEN), ("token", TOKEN), ("", ""), (ANNA, "x" * 501)],
)
async def test_a_wrong_name_or_password_opens_nothing_and_says_the_same(
    stranger: httpx.AsyncClient, name: str, password: str
) -> None:
    answer = await sign_in(stranger, name, password)
    assert answer.status_code == 401
    assert "Name oder Kennwort stimmen nicht." in answer.text
    assert not stranger.cookies


async def test_without_users_and_token_the_pages_say_that_they_are_off(pages: Pages) -> None:
    async with pages.client(users={}, api_token="") as client:
        answer = await client.get("/ui/", follow_redirects=True)
        assert answer.status_code == 403
        assert "SYNCD_UI_USERS" in answer.text
        assert (await sign_in(client, "", "")).status_code == 403


async def test_a_session_ends_after_a_working_day(pages: Pages, anna: httpx.AsyncClient) -> None:
    pages.at += LIFE - 1
    assert (await anna.get("/ui/")).status_code == 200
    pages.at += 2
    assert (await anna.get("/ui/")).status_code == 303


async def test_who_signs_out_is_out_even_with_a_copy_of_the_cookie(pages: Pages, anna: httpx.AsyncClient) -> None:
    copy = dict(anna.cookies)
    token = csrf(await anna.get("/ui/"))
    answer = await anna.post("/ui/logout", data={"csrf": token})
    assert (answer.status_code, answer.headers["location"]) == (303, "/ui/login")
    assert not anna.cookies
    async with pages.client() as client:
        client.cookies.update(copy)
        assert (await client.get("/ui/")).status_code == 303


@pytest.mark.parametrize(
    "known",
    [{}, USERS | {ANNA: USERS[BERT]}, {BERT: USERS[BERT]}],
    ids=["nobody any more", "another password", "taken out"],
)
async def test_a_session_ends_with_the_password_it_was_begun_with(
    pages: Pages, anna: httpx.AsyncClient, known: dict[str, str]
) -> None:
    async with pages.client(users=known) as client:
        client.cookies.update(dict(anna.cookies))
        assert (await client.get("/ui/")).status_code == 303


async def test_a_cookie_that_was_changed_or_made_elsewhere_is_none(pages: Pages, anna: httpx.AsyncClient) -> None:
    (value,) = anna.cookies.values()
    for forged in (value[:-1] + ("A" if value[-1] != "A" else "B"), value.partition(".")[2], "x", "x" * 5000):
        async with pages.client() as client:
            client.cookies.set("syncd", forged)
            assert (await client.get("/ui/")).status_code == 303


async def test_the_cookie_is_for_this_host_alone_and_no_script_reads_it(pages: Pages) -> None:
    async with pages.client() as client:
        plain = (await sign_in(client, ANNA, ANNAS)).headers["set-cookie"]
    async with pages.client(public_url="https://sync.firm.example") as client:
        answer = await client.post(
            "/ui/login", data={"name": ANNA, "password": ANNAS}, headers={"Origin": "https://sync.firm.example"}
        )
        safe = answer.headers["set-cookie"]
    for told in (plain, safe):
        assert "HttpOnly" in told
        assert "SameSite=strict" in told
        assert "Path=/;" in told
        assert "Domain" not in told
    assert safe.startswith("__Host-syncd=")
    assert ("Secure" in safe, "Secure" in plain) == (True, False)


async def test_nobody_guesses_passwords_for_long(pages: Pages, stranger: httpx.AsyncClient) -> None:
    for _ in range(5):
        assert (await sign_in(stranger, ANNA, "wrong")).status_code == 401
    refused = await sign_in(stranger, ANNA, ANNAS)
    assert refused.status_code == 429
    assert "in 30 Sekunden" in refused.text
    assert (await sign_in(stranger, BERT, BERTS)).status_code == 303, "another name is not held up"
    pages.at += 30
    assert (await sign_in(stranger, ANNA, ANNAS)).status_code == 303


async def test_nobody_tries_many_names_from_one_address(
    stranger: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(users, "_NOBODY", USERS[BERT].partition(":")[2])  # thirty real ones take a while
    answers = [(await sign_in(stranger, f"name{number}", "wrong")).status_code for number in range(31)]
    assert answers == [401] * 30 + [429]


# --- forms ------------------------------------------------------------------------------------


@pytest.mark.parametrize("token", ["", "0" * 64, "ü", None])
async def test_a_form_without_the_token_of_this_session_does_nothing(
    anna: httpx.AsyncClient, token: str | None
) -> None:
    answer = await anna.post("/ui/logout", data={} if token is None else {"csrf": token})
    assert answer.status_code == 403
    assert "nicht mehr aktuell" in answer.text
    assert (await anna.get("/ui/")).status_code == 200


async def test_the_token_of_another_session_is_none(anna: httpx.AsyncClient, bert: httpx.AsyncClient) -> None:
    others = csrf(await bert.get("/ui/"))
    assert (await anna.post("/ui/logout", data={"csrf": others})).status_code == 403
    assert (await anna.post("/ui/logout", headers={"X-CSRF-Token": csrf(await anna.get("/ui/"))})).status_code == 303


ELSEWHERE: list[dict[str, str]] = [
    {"Origin": "https://evil.example"},
    {"Origin": "null"},
    {"Origin": ""},
    {"Origin": HOME, "Sec-Fetch-Site": "cross-site"},
    {"Origin": HOME, "Sec-Fetch-Site": "same-site"},
    {"Origin": HOME + ".evil.example"},
]


@pytest.mark.parametrize("headers", ELSEWHERE)
async def test_a_form_that_was_sent_from_elsewhere_does_nothing(
    anna: httpx.AsyncClient, headers: dict[str, str]
) -> None:
    token = csrf(await anna.get("/ui/"))
    assert (await anna.post("/ui/logout", data={"csrf": token}, headers=headers)).status_code == 403
    assert (await anna.post("/ui/login", data={"name": ANNA}, headers=headers)).status_code == 403
    assert (await anna.post("/ui/language", data={"language": "en"}, headers=headers)).status_code == 403
    assert (await anna.get("/ui/")).status_code == 200


@pytest.mark.parametrize("to", ["https://evil.example/", "//evil.example", "/ui//evil.example", "/\\evil.example", "x"])
async def test_nobody_is_led_away_from_our_pages(anna: httpx.AsyncClient, to: str) -> None:
    answer = await anna.post("/ui/language", data={"language": "en", "to": to})
    assert answer.headers["location"] == "/ui/"
    assert (await anna.get("/ui/login", params={"to": to})).headers["location"] == "/ui/"


async def test_a_body_that_is_no_form_is_refused(anna: httpx.AsyncClient) -> None:
    for body in (b"csrf=\xff\xfe", b"&".join(b"a=1" for _ in range(6000)), b"name=a%00b"):
        assert (await anna.post("/ui/language", content=body)).status_code == 400


# --- what goes with every answer --------------------------------------------------------------


async def test_every_answer_forbids_scripts_and_frames_from_elsewhere(anna: httpx.AsyncClient) -> None:
    for path in ("/ui/", "/ui/login", "/ui/nowhere", "/ui/static/0/style.css"):
        answer = await anna.get(path)
        assert {name: answer.headers.get(name) for name in HEADERS} == HEADERS, path
        assert answer.headers["cache-control"] == "no-store"


async def test_a_page_names_no_other_address_and_holds_no_script_or_style(anna: httpx.AsyncClient) -> None:
    for path in ("/ui/", "/ui/login"):
        page = (await anna.get(path)).text
        assert "http://" not in page.replace("http://www.w3.org/", "")
        assert "https://" not in page
        assert " style=" not in page
        assert " on" not in "".join(part.split(">")[0] for part in page.split("<")).replace(" on ", "")


async def test_who_comes_by_a_link_from_elsewhere_is_asked_in_by_a_page_of_ours(stranger: httpx.AsyncClient) -> None:
    """A strict cookie is not sent with such a request; the next one, from our page, carries it."""
    answer = await stranger.get("/ui/?x=1", headers={"Sec-Fetch-Site": "cross-site"})
    assert answer.status_code == 200
    assert 'content="0; url=/ui/?x=1"' in answer.text


async def test_the_reader_chooses_the_language(pages: Pages, anna: httpx.AsyncClient) -> None:
    assert "Überblick" in (await anna.get("/ui/")).text
    await anna.post("/ui/language", data={"language": "en"})
    assert "Overview" in (await anna.get("/ui/")).text
    await anna.post("/ui/language", data={"language": "xx"})
    assert "Overview" in (await anna.get("/ui/")).text


async def test_what_a_form_has_done_is_told_once_on_the_next_page(pages: Pages, anna: httpx.AsyncClient) -> None:
    left = Site.of(pages.deps).see("/ui/", "time.ago_d", 3)
    anna.cookies.set("syncd_said", left.headers["set-cookie"].partition("=")[2].partition(";")[0], "syncd.test", "/ui")
    assert '<p class="notice good" role="status">vor 3 Tagen</p>' in (await anna.get("/ui/")).text
    assert "vor 3 Tagen</p>" not in (await anna.get("/ui/")).text


@pytest.mark.parametrize(
    "told", ["login.wait:1", "login.wait", "no.such:1", "::", "time.ago_d:x", "time.ago_d:9999999999"]
)
async def test_what_no_form_of_ours_has_left_is_not_told(anna: httpx.AsyncClient, told: str) -> None:
    anna.cookies.set("syncd_said", told, path="/ui")
    answer = await anna.get("/ui/")
    assert answer.status_code == 200
    assert "notice good" not in answer.text


async def test_a_bug_is_a_page_with_a_reference_and_nothing_else(pages: Pages, anna: httpx.AsyncClient) -> None:
    async def broken() -> dict[str, object]:
        raise RuntimeError("Geheimmandant")

    pages.deps = replace(pages.deps, peers=broken)  # type: ignore[arg-type]
    async with pages.client() as client:
        client.cookies.update(dict(anna.cookies))
        with capture_logs() as logged:
            answer = await client.get("/ui/")
    assert answer.status_code == 500
    (told,) = [line for line in logged if line["event"].endswith(".bug")]
    assert told["reference"] in answer.text
    assert "Geheimmandant" not in answer.text
    assert "Im Protokoll steht er unter" in answer.text
