"""What is paused, pausing and going on. Decides nothing."""

from __future__ import annotations

from fastapi import APIRouter, HTTPException
from starlette.requests import Request
from starlette.responses import Response

from syncd import inspect
from syncd.commands import Refusal
from syncd.ui import gate, refusals
from syncd.ui.frame import Site
from syncd.ui.gate import form_of, visit_of
from syncd.ui.paused import SIDES, paused, scope_words

HOME = "/ui/pauses"
LONGEST = 200


def routes(site: Site) -> APIRouter:
    """The page, to pause and to go on."""
    router = APIRouter()
    router.include_router(_looking(site))
    router.include_router(_deciding(site))
    return router


async def page(site: Site, request: Request, code: int = 200, refused: str = "") -> Response:
    """What is paused now, and the forms."""
    show = site.show(request)
    found = (await inspect.attention(site.deps.ledger))["pauses"]
    scopes_paused = {one["scope"] for one in found}
    scopes = ("all", *(f"side:{side}" for side in SIDES), *(f"entity:{name}" for name in site.deps.entities))
    facts = {
        "paused": [paused(show, one) for one in found],
        "scopes": [(scope, scope_words(show, scope)) for scope in scopes if scope not in scopes_paused],
        "refused": refusals.told(refused, show.language) if refused else "",
    }
    return site.page(request, "pauses.html", code, **facts)


def _looking(site: Site) -> APIRouter:
    router = APIRouter(dependencies=gate.looking(site.sessions))

    @router.get("/pauses")
    async def listing(request: Request) -> Response:
        return await page(site, request)

    return router


def _deciding(site: Site) -> APIRouter:
    router = APIRouter(dependencies=gate.deciding(site.sessions, site.deps.public_url))

    @router.post("/pauses")
    async def pause(request: Request) -> Response:
        form = await form_of(request)
        why = form.get("why", "").strip()
        if not why or len(why) > LONGEST:
            raise HTTPException(400)
        try:
            await site.deps.desk(visit_of(request).user.name).pause(*_scope(form.get("scope", "")), why)
        except Refusal as refused:
            return await page(site, request, 409, str(refused))
        return site.see(HOME, "pauses.paused")

    @router.post("/pauses/resume")
    async def resume(request: Request) -> Response:
        form = await form_of(request)
        try:
            await site.deps.desk(visit_of(request).user.name).resume(*_scope(form.get("scope", "")))
        except Refusal as refused:
            return await page(site, request, 409, str(refused))
        return site.see(HOME, "pauses.resumed")

    return router


def _scope(text: str) -> tuple[str | None, str | None]:
    """Entity and side as `Desk.pause` takes them."""
    kind, _, name = text.partition(":")
    if kind not in ("all", "entity", "side") or (kind == "all") == bool(name):
        raise HTTPException(400)
    return (name if kind == "entity" else None, name if kind == "side" else None)
