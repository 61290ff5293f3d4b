"""The overview in a real browser: on a phone and on a desk, light and dark, German and English, and live."""

from __future__ import annotations

from typing import Literal

import pytest
from playwright.async_api import ViewportSize, expect

from syncd.ledger import facts
from syncd.ui.session import LIFE
from tests.browser.conftest import Site
from tests.browser.rig import DESK, PATIENCE, PHONE, barriers, picture, too_wide
from tests.ui.conftest import ANNA, ANNAS

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

LOOKS: list[tuple[ViewportSize, Literal["light", "dark"], str]] = [
    (DESK, "light", "en"),
    (DESK, "dark", "de"),
    (PHONE, "light", "de"),
    (PHONE, "dark", "en"),
]


@pytest.mark.parametrize(("viewport", "scheme", "language"), LOOKS)
async def test_the_overview_is_read_by_everybody(
    site: Site, viewport: ViewportSize, scheme: Literal["light", "dark"], language: str
) -> None:
    page = await site.stranger(viewport, scheme, language)
    name = f"{viewport['width']}-{scheme}-{language}"
    await page.goto("/ui/")
    assert await barriers(page) == []
    await picture(page, f"login-{name}")
    page = await site.person(viewport, scheme, language)
    await page.click("#activity-table summary")
    assert await barriers(page) == []
    assert await too_wide(page) == 0
    await page.click("#activity-table summary")
    await picture(page, f"overview-{name}")


async def test_what_changes_is_seen_without_a_click_and_leaves_alone_what_is_open(site: Site) -> None:
    page = await site.person()
    await expect(page.locator("#verdict")).to_contain_text("Nach Advoware wird nichts geschrieben")
    await page.click("#activity-table summary")
    await page.focus("#activity-table .wide")
    await site.pages.ledger.write(facts.end_pause, "side:advoware")
    await site.pages.ledger.write(facts.put, "polled_at", site.pages.at)
    site.pages.at += 1
    await expect(page.locator("#looks")).to_contain_text("gerade eben", timeout=PATIENCE)
    await expect(page.locator("#verdict")).not_to_contain_text("Nach Advoware wird nichts geschrieben")
    assert await page.locator("#activity-table").get_attribute("open") is not None
    assert await page.evaluate("document.activeElement.className") == "wide"


async def test_a_page_that_no_longer_hears_from_the_daemon_says_so_until_it_does(site: Site) -> None:
    page = await site.person()
    await expect(page.locator("#lost")).to_be_hidden()
    await page.route("**/ui/live*", lambda route: route.abort())
    site.pages.stopping = True
    await expect(page.locator("#lost")).to_be_visible()
    site.pages.stopping = False
    await page.unroute("**/ui/live*")
    await expect(page.locator("#lost")).to_be_hidden()
    site.wrong.clear()  # the browser tells each connection that failed


async def test_a_page_that_is_left_open_leads_to_the_way_in_when_the_session_is_over(site: Site) -> None:
    page = await site.person()
    await expect(page.locator("#verdict")).to_be_visible()
    site.pages.at += LIFE
    await page.wait_for_url("**/ui/login*")
    site.wrong.clear()  # the browser tells the 401


async def test_a_person_signs_in_changes_the_language_and_signs_out_by_keyboard_alone(site: Site) -> None:
    page = await site.stranger()
    await page.goto("/ui/?hours=1")
    await page.keyboard.press("Tab")
    await expect(page.locator(".skip")).to_be_focused()
    await page.keyboard.press("Enter")
    await page.keyboard.press("Tab")
    await page.keyboard.type(ANNA)
    await page.keyboard.press("Tab")
    await page.keyboard.type(ANNAS)
    await page.keyboard.press("Enter")
    await page.wait_for_url("**/ui/?hours=1")
    await page.get_by_role("button", name="EN", exact=True).press("Enter")
    await expect(page.locator("#records h2")).to_have_text("Records")
    await page.get_by_role("button", name="Sign out").press("Enter")
    await page.wait_for_url("**/ui/login")
    await page.goto("/ui/")
    await page.wait_for_url("**/ui/login?to=*")


async def test_a_link_in_another_system_leads_to_the_page_of_who_is_signed_in(site: Site) -> None:
    page = await site.person()
    elsewhere = f"<a href='{site.address}/ui/?hours=168'>there</a>"
    await page.route("http://crm.example/", lambda route: route.fulfill(body=elsewhere, content_type="text/html"))
    await page.goto("http://crm.example/")
    await page.click("a")
    await expect(page.locator(".spans [aria-current]")).to_have_text("7 Tage")
