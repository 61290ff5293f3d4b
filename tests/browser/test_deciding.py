"""Deciding in a real browser: a conflict by keyboard, fifty at once, on a phone and on a desk."""

from __future__ import annotations

from typing import Literal

import pytest
from playwright.async_api import ViewportSize, expect

from syncd.ledger import people
from tests.browser.conftest import Site
from tests.browser.rig import DESK, PHONE, barriers, picture, too_wide
from tests.ui import decisions

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

LOOKS: list[tuple[ViewportSize, Literal["light", "dark"], str]] = [(DESK, "light", "de"), (PHONE, "dark", "en")]
PAGES = {
    "conflicts": "/ui/conflicts",
    "conflict": "/ui/conflicts/third0",
    "candidates": "/ui/conflicts/candi0",
    "guard": "/ui/guards/g1",
    "runs": "/ui/runs",
    "run": "/ui/runs/run000000000",
    "undo": "/ui/undo?run=run000000000",
    "pauses": "/ui/pauses",
    "alarms": "/ui/alarms",
}


@pytest.mark.parametrize(("viewport", "scheme", "language"), LOOKS)
async def test_the_pages_to_decide_on_are_read_by_everybody(
    site: Site, viewport: ViewportSize, scheme: Literal["light", "dark"], language: str
) -> None:
    await site.pages.ledger.write(decisions.everything, site.pages.at)
    page = await site.person(viewport, scheme, language)
    for name, address in PAGES.items():
        await page.goto(address)
        assert await barriers(page) == [], name
        assert await too_wide(page) == 0, name
        await picture(page, f"{name}-{viewport['width']}-{scheme}-{language}")


async def test_a_conflict_is_solved_by_keyboard_and_fifty_more_at_once(site: Site) -> None:
    await site.pages.ledger.write(decisions.everything, site.pages.at)
    page = await site.person()
    await page.goto("/ui/conflicts/third0")
    await page.get_by_role("button", name="Advoware nehmen").press("Enter")
    await page.wait_for_url("**/ui/conflicts")
    await expect(page.get_by_role("status").filter(has_text="Entschieden.")).to_be_visible()

    await page.goto("/ui/conflicts?about=name")
    await page.get_by_role("link", name="ankreuzen").click()
    await page.get_by_role("button", name="EspoCRM nehmen", exact=True).click()
    ask = page.get_by_role("heading", level=1)
    await expect(ask).to_contain_text("Mal den Wert aus EspoCRM nehmen?")
    await page.get_by_role("button", name="Ja,").click()
    await expect(page.get_by_role("status").filter(has_text="Konflikte entschieden.")).to_be_visible()
    decided = await site.pages.ledger.read(people.list_conflicts, ("decided",))
    assert len([one for one in decided if one["field"] == "name"]) >= 50
