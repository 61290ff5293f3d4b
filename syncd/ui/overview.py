"""The first page: is all well at one glance. Arranges the facts of `inspect`; decides nothing."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from syncd import inspect
from syncd.model import Status
from syncd.ui import gate, live
from syncd.ui.frame import Site

ORDER = (
    Status.CONFLICT,
    Status.PERMANENTLY_FAILED,
    Status.FAILED,
    Status.DIRTY,
    Status.SYNCING,
    Status.PENDING_SYNC,
    Status.CLEAN,
    Status.DELETED_IN_ADVOWARE,
)


def routes(site: Site) -> APIRouter:
    """The page, and the same again whenever something has changed."""
    router = APIRouter(dependencies=gate.looking(site.sessions))

    @router.get("/")
    async def page(request: Request) -> Response:
        return site.page(request, "overview.html", **await facts(site))

    @router.get("/live")
    async def changes(request: Request) -> Response:
        async def render() -> str:
            return site.part(request, "overview_facts.html", **await facts(site))

        return live.stream(site, request, render)

    return router


async def facts(site: Site) -> dict[str, Any]:
    """What the page shows."""
    status = await inspect.status(site.deps.ledger, site.deps.now())
    peers = await site.deps.peers()
    return {
        "status": status,
        "statuses": [(one, status["pairs"].get(one, 0)) for one in ORDER],
        "total": sum(status["pairs"].values()),
        "peers": {side: peer["state"] for side, peer in peers.items()},
        "reasons": list(site.deps.readiness()),
    }
