"""The pages as one application: what is in front of all of them, and what becomes of errors. Shows no facts itself."""

from __future__ import annotations

from functools import partial
from urllib.parse import quote

import structlog
from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.datastructures import MutableHeaders
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from syncd.commands import NotKnown, Refusal
from syncd.http_routes import join
from syncd.ledger.store import LedgerUnavailable
from syncd.redis_client import RedisUnavailable
from syncd.ui import (
    alarms,
    conflicts,
    files,
    guards,
    login,
    overview,
    pauses,
    record,
    records,
    refusals,
    runs,
)
from syncd.ui.deps import Deps
from syncd.ui.frame import Site, address_of
from syncd.ui.gate import NotSignedIn, Stale

log = structlog.get_logger()

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",  # without any, browsers would not say where a form comes from
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}


def create_pages(deps: Deps) -> FastAPI:
    """The application `syncd.api` mounts under `/ui`."""
    site = Site.of(deps)
    pages = FastAPI(openapi_url=None, docs_url=None, redoc_url=None)
    pages.add_middleware(_Outermost, site=site)
    _errors(pages, site)
    sections = (overview, records, record, conflicts, guards, runs, pauses, alarms)
    join(pages.router, files.routes(), login.routes(site), *(section.routes(site) for section in sections))
    return pages


class _Outermost:
    """ASGI: what browsers are told with every answer, and a page for a bug. Nothing is kept that does not say so."""

    def __init__(self, app: ASGIApp, site: Site) -> None:
        self._app = app
        self._site = site

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        started = False

        async def headed(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                headers = MutableHeaders(scope=message)
                headers.update(HEADERS)
                headers.setdefault("Cache-Control", "no-store")
            await send(message)

        try:
            await self._app(scope, receive, headed)
        except Exception as error:
            reference = self._site.deps.new_id()[:12]
            log.error("ui.bug", reference=reference, exc_info=error)
            if not started:
                page = _told(self._site, Request(scope, receive), 500, reference=reference)
                await page(scope, receive, headed)


def _told(site: Site, request: Request, code: int, name: str = "", detail: str = "", **values: object) -> Response:
    return site.page(request, "error.html", code, name=name or f"error.{code}", detail=detail, values=values)


def _errors(pages: FastAPI, site: Site) -> None:
    told = partial(_told, site)

    @pages.exception_handler(NotSignedIn)
    async def not_signed_in(request: Request, _: NotSignedIn) -> Response:
        address = address_of(request)
        if request.method != "GET":
            return RedirectResponse("/ui/login", 303)
        if "hx-request" in request.headers:
            return PlainTextResponse("", 401, {"HX-Redirect": "/ui/login"})
        if request.headers.get("sec-fetch-site") == "cross-site":
            # Coming from a link elsewhere a browser keeps a strict cookie to itself, until we ask for the page.
            return HTMLResponse(site.part(request, "arriving.html", to=address))
        return RedirectResponse(f"/ui/login?to={quote(address, safe='')}", 303)

    @pages.exception_handler(Stale)
    async def stale(request: Request, _: Stale) -> Response:
        return told(request, 403, "error.stale")

    @pages.exception_handler(HTTPException)
    async def http(request: Request, error: HTTPException) -> Response:
        known = error.status_code if error.status_code in (400, 403, 404, 405, 413) else 400
        return told(request, error.status_code, f"error.{known}")

    @pages.exception_handler(RequestValidationError)
    async def invalid(request: Request, _: RequestValidationError) -> Response:
        return told(request, 400)

    @pages.exception_handler(Refusal)
    async def refusal(request: Request, error: Refusal) -> Response:
        return (
            told(request, 404)
            if isinstance(error, NotKnown)
            else told(request, 409, detail=refusals.told(str(error), site.show(request).language))
        )

    @pages.exception_handler(LedgerUnavailable)
    async def ledger(request: Request, _: LedgerUnavailable) -> Response:
        return told(request, 503)

    @pages.exception_handler(RedisUnavailable)
    async def redis(request: Request, _: RedisUnavailable) -> Response:
        return told(request, 503)
