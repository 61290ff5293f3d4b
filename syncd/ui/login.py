"""Signing in and out, and the choice of language. Decides nothing about passwords or sessions."""

from __future__ import annotations

import hashlib
import math

import structlog
from fastapi import APIRouter, Depends
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from syncd.ui import gate
from syncd.ui.frame import HOME, LANGUAGE_COOKIE, YEAR, Site, local
from syncd.ui.gate import form_of, visit_of
from syncd.ui.words import LANGUAGES

log = structlog.get_logger()

# Tries at once, and the seconds until there is one more.
BY_NAME = (5, 30.0)
BY_ADDRESS = (30, 5.0)  # behind a proxy everybody has the same


def routes(site: Site) -> APIRouter:
    """What works without a session, and signing out."""
    router = APIRouter()
    from_here = [Depends(gate.from_here(site.deps.public_url))]

    def page(request: Request, code: int = 200, **facts: object) -> Response:
        if not site.users:
            return site.page(request, "off.html", 403)
        told = {"to": local(request.query_params.get("to", HOME)), "name": "", "wrong": "", "seconds": 0} | facts
        return site.page(request, "login.html", code, **told)

    @router.get("/login")
    async def login(request: Request) -> Response:
        if await site.sessions.visit(request) is not None:
            return RedirectResponse(local(request.query_params.get("to", HOME)), 303)
        return page(request)

    @router.post("/login", dependencies=from_here)
    async def sign_in(request: Request) -> Response:
        form = await form_of(request)
        name, to = form.get("name", "").strip(), local(form.get("to", HOME))
        seconds = await _wait(site, request, name)
        if seconds:
            log.warning("ui.sign_in_throttled", seconds=math.ceil(seconds))
            return page(request, 429, to=to, name=name, wrong="login.wait", seconds=math.ceil(seconds))
        user = await site.users.check(name, form.get("password", ""))
        if user is None:
            log.warning("ui.sign_in_refused")
            return page(request, 401, to=to, name=name, wrong="login.wrong")
        answer = RedirectResponse(to, 303)
        await site.sessions.begin(user, answer)
        log.info("ui.signed_in", kind=user.role)
        return answer

    @router.post("/logout", dependencies=gate.asking(site.sessions, site.deps.public_url))
    async def sign_out(request: Request) -> Response:
        answer = RedirectResponse("/ui/login", 303)
        await site.sessions.end(visit_of(request), answer)
        return answer

    @router.post("/language", dependencies=from_here)
    async def language(request: Request) -> Response:
        form = await form_of(request)
        answer, chosen = RedirectResponse(local(form.get("to", HOME)), 303), form.get("language", "")
        if chosen in LANGUAGES:
            answer.set_cookie(LANGUAGE_COOKIE, chosen, max_age=YEAR, path="/ui", httponly=True, samesite="lax")
        return answer

    return router


async def _wait(site: Site, request: Request, name: str) -> float:
    """Seconds to wait before another try, for this address or this name."""
    address = request.client.host if request.client is not None else ""
    throttle = site.deps.throttle
    return await throttle.attempt(f"from:{address}", *BY_ADDRESS) or await throttle.attempt(
        f"as:{hashlib.sha256(name.encode('utf-8', 'replace')).hexdigest()[:16]}", *BY_NAME
    )
