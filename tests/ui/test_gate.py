"""No page forgets who may see it, and no form who may send it: whatever sections there are."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import httpx
import pytest
from starlette.routing import Mount

from tests.ui.conftest import Pages, csrf

OPEN = {"/login", "/static/{digest}/{name}"}
OWN = {"/login", "/language", "/logout"}  # forms of everybody: for oneself


def all_routes(routes: Iterable[Any]) -> Iterator[tuple[str, str]]:
    """Verb and path of every route, those of included routers too."""
    for route in routes:
        included = getattr(route, "original_router", route)
        if hasattr(included, "routes"):
            yield from all_routes(included.routes)
        else:
            yield from ((verb, route.path) for verb in route.methods)


def of_pages(pages: Pages) -> list[tuple[str, str]]:
    """Every route of the pages."""
    (mounted,) = [route for route in pages.app().routes if isinstance(route, Mount) and route.path == "/ui"]
    return [(verb, path) for verb, path in all_routes(mounted.routes) if verb != "HEAD"]


def filled(path: str) -> str:
    """A path with something in place of its parameters."""
    parts = [part if not part.startswith("{") else "65f0a1b2c3d4e5f67" for part in path.split("/")]
    return "/ui" + "/".join(parts)


async def test_every_page_asks_who_is_there(pages: Pages, stranger: httpx.AsyncClient) -> None:
    found = [path for verb, path in of_pages(pages) if verb == "GET" and path not in OPEN]
    assert "/" in found
    for path in found:
        answer = await stranger.get(filled(path))
        assert answer.status_code == 303, path
        assert answer.headers["location"].startswith("/ui/login"), path


async def test_every_form_asks_who_is_there_and_for_the_token_of_the_session(
    pages: Pages, stranger: httpx.AsyncClient, anna: httpx.AsyncClient
) -> None:
    found = [path for verb, path in of_pages(pages) if verb != "GET" and path not in {"/login", "/language"}]
    assert "/logout" in found
    for path in found:
        answer = await stranger.post(filled(path))
        assert (answer.status_code, answer.headers["location"]) == (303, "/ui/login"), path
        assert (await anna.post(filled(path))).status_code == 403, path
        token = {"X-CSRF-Token": csrf(await anna.get("/ui/"))}
        assert (await anna.post(filled(path), headers=token | {"Origin": "https://evil.example"})).status_code == 403


async def test_who_may_only_look_sends_no_form_that_changes_something(pages: Pages, bert: httpx.AsyncClient) -> None:
    token = {"X-CSRF-Token": csrf(await bert.get("/ui/"))}
    for verb, path in of_pages(pages):
        if verb != "GET" and path not in OWN:
            answer = await bert.post(filled(path), headers=token)
            assert answer.status_code == 403, path
            assert "darf ansehen" in answer.text or "nicht entscheiden" in answer.text, path


@pytest.mark.parametrize("verb", ["PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"])
async def test_no_other_verb_opens_a_page(pages: Pages, anna: httpx.AsyncClient, verb: str) -> None:
    for path in {path for _, path in of_pages(pages)}:
        assert (await anna.request(verb, filled(path))).status_code in (404, 405), path
