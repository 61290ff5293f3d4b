"""Debian's Chromium before the pages of a real server: opening it, serving, judging accessibility, keeping pictures.

One browser serves all tests of a process; each test has a context of its own, so no cookie is left over.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import cache
from pathlib import Path
from typing import Any

from fastapi import FastAPI
from playwright.async_api import Browser, Page, ViewportSize, async_playwright

from syncd.http_server import Server

CHROMIUM = shutil.which("chromium")
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
PHONE, DESK = ViewportSize(width=390, height=844), ViewportSize(width=1440, height=900)
PATIENCE = 30_000.0  # milliseconds; a busy machine is slow
# Pictures are kept where this names a folder.
PICTURES = os.environ.get("PICTURES_OF_PAGES", "")


@asynccontextmanager
async def chromium() -> AsyncIterator[Browser]:
    """The browser, with nothing in it."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=[*FLAGS], headless=True)
        try:
            yield browser
        finally:
            await browser.close()


def listening() -> tuple[socket.socket, str]:
    """A free port of this machine, and its address."""
    opened = socket.create_server(("127.0.0.1", 0))
    return opened, f"http://127.0.0.1:{opened.getsockname()[1]}"


@asynccontextmanager
async def serving(app: FastAPI, listener: socket.socket) -> AsyncIterator[None]:
    """The daemon's own server."""
    server = Server(app)
    running = asyncio.create_task(server.serve(sockets=[listener]))
    try:
        async with asyncio.timeout(60):
            await server.up.wait()
        yield
    finally:
        server.should_exit = True
        await running


@cache
def _axe() -> str:
    return (Path(__file__).parent / "axe" / "axe.min.js").read_text("utf-8")


async def barriers(page: Page) -> list[str]:
    """What axe finds wrong for people with a keyboard, a screen reader or weak eyes: rule, and where."""
    await page.evaluate(_axe())
    found: dict[str, Any] = await page.evaluate("axe.run(document, {resultTypes: ['violations']})")
    return [f"{one['id']}: {node['html'][:160]}" for one in found["violations"] for node in one["nodes"]]


async def too_wide(page: Page) -> int:
    """How many pixels a page is wider than the window."""
    return int(await page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth"))


async def picture(page: Page, name: str) -> None:
    """Keep the whole page, where pictures are wanted."""
    if PICTURES:
        await page.screenshot(path=Path(PICTURES) / f"{name}.png", full_page=True)
