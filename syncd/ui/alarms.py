"""What is raised, since when, and what was over lately. Decides nothing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from syncd import inspect
from syncd.alarms import Level, kind_of
from syncd.ui import gate, live
from syncd.ui.frame import Site
from syncd.ui.paused import scope_words
from syncd.ui.show import Show
from syncd.ui.words import WORDS

# Where a cause is dealt with.
PLACES: Mapping[str, str] = {
    "conflicts": "/ui/conflicts",
    "guard": "/ui/guards",
    "restored": "/ui/guards",
    "pause": "/ui/pauses",
    "failing": "/ui/records?status=permanently_failed",
}


def routes(site: Site) -> APIRouter:
    """The page, and the same again whenever something has changed."""
    router = APIRouter(dependencies=gate.looking(site.sessions))

    @router.get("/alarms")
    async def page(request: Request) -> Response:
        return site.page(request, "alarms.html", **await facts(site, request))

    @router.get("/alarms/live")
    async def changes(request: Request) -> Response:
        async def render() -> str:
            return site.part(request, "alarms_facts.html", **await facts(site, request))

        return live.stream(site, request, render)

    return router


async def facts(site: Site, request: Request) -> dict[str, Any]:
    """What the page shows."""
    show = site.show(request)
    found = [_told(show, one) for one in await inspect.alarms(site.deps.ledger)]
    return {
        "raised": [one for one in found if one["state"] == "raised"],
        "over": [one for one in found if one["state"] == "over"],
    }


def _told(show: Show, one: Mapping[str, Any]) -> dict[str, Any]:
    name, _, about = one["cause"].partition(":")
    kind, known = kind_of(one["cause"]), f"alarms.means_{name}" in WORDS
    return {
        **one,
        "tone": "bad" if kind.level is Level.ERROR else "warn",
        "title": show.t(f"alarms.means_{name}") if known else one["text"],
        "todo": show.t(f"alarms.todo_{name}") if known else "",
        "about": _about(show, name, about),
        "place": PLACES.get(name),
    }


def _about(show: Show, name: str, about: str) -> str:
    """A side, a machine or what is paused; ids of guards say nothing to people."""
    if name == "guard":
        return ""
    if name == "pause":
        return scope_words(show, about)
    return show.t(f"side.{about}") if about in ("espocrm", "advoware") else about
