"""Chromium, and the pages behind a real server with an office in the ledger."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, ViewportSize

from tests.browser.rig import CHROMIUM, DESK, PATIENCE, chromium, listening, serving
from tests.ui.conftest import ANNA, ANNAS, NOW, Pages, empty, make_pages
from tests.ui.office import settle

__all__ = ["empty"]

AFTERNOON = NOW + 6.6 * 3600


@dataclass
class Site:
    """The pages behind a real server, and the browser before it."""

    pages: Pages
    address: str
    browser: Browser

    async def stranger(
        self, viewport: ViewportSize = DESK, scheme: Literal["light", "dark"] = "light", language: str = "de"
    ) -> Page:
        """A window of somebody who has not signed in. Whatever goes wrong in a page fails the test."""
        context = await self.browser.new_context(
            base_url=self.address, viewport=viewport, color_scheme=scheme, reduced_motion="reduce", locale="de-DE"
        )
        context.set_default_timeout(PATIENCE)
        chosen = {"name": "syncd_language", "value": language, "domain": "127.0.0.1", "path": "/ui"}
        await context.add_cookies([chosen])  # type: ignore[list-item]
        page = await context.new_page()
        self.wrong: list[str] = []
        page.on("pageerror", lambda error: self.wrong.append(str(error)))
        page.on("console", lambda said: self.wrong.append(said.text) if said.type == "error" else None)
        return page

    async def person(
        self,
        viewport: ViewportSize = DESK,
        scheme: Literal["light", "dark"] = "light",
        language: str = "de",
        name: str = ANNA,
        password: str = ANNAS,
    ) -> Page:
        """A window of somebody who has signed in, on the overview."""
        page = await self.stranger(viewport, scheme, language)
        await page.goto("/ui/")
        await page.fill("input[name=name]", name)
        await page.fill("input[name=password]", password)
        await page.click("button.primary")
        await page.wait_for_url("**/ui/")
        return page


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def browser() -> AsyncIterator[Browser]:
    if CHROMIUM is None:
        pytest.skip("no chromium: apt install chromium")
    async with chromium() as opened:
        yield opened


@pytest_asyncio.fixture(loop_scope="session")
async def site(tmp_path: Path, empty: bytes, browser: Browser) -> AsyncIterator[Site]:
    """An office with troubles."""
    listener, address = listening()
    pages = make_pages(tmp_path / "ledger.db", empty, address)
    pages.at = AFTERNOON
    await pages.ledger.write(settle, pages.at)
    async with serving(pages.app(), listener):
        opened = Site(pages, address, browser)
        yield opened
        for context in browser.contexts:
            await context.close()
    pages.ledger.close()
    assert opened.wrong == [], "what the browser complained of"
