"""What other programs ask: whether all is well, figures, the version, the description of the API."""

from __future__ import annotations

import html
from collections.abc import Mapping
from typing import Any

from fastapi import APIRouter, FastAPI
from fastapi.responses import HTMLResponse, JSONResponse, Response

from syncd import openapi
from syncd.api.deps import ApiDeps, Make
from syncd.http_limits import HEADERS
from syncd.metrics import CONTENT_TYPE


def routes(deps: ApiDeps, make: Make, api: FastAPI) -> APIRouter:
    """Open to everybody who reaches the daemon."""
    router = make(tags=["machines"], responses=openapi.failing())

    @router.get("/healthz")
    async def healthz() -> dict[str, str]:
        """The process is alive."""
        return {"status": "ok"}

    @router.get("/readyz", responses=openapi.READY_ANSWERS)
    async def readyz() -> Response:
        """Whether the daemon can work; 503 with the reasons where it cannot. A pause is told, and is no reason."""
        reasons = deps.readiness()
        answer = {"status": "not ready" if reasons else "ready", "reasons": reasons, "paused": list(deps.paused())}
        return JSONResponse(answer, 503 if reasons else 200, HEADERS)

    @router.get("/metrics", response_class=Response, responses=openapi.METRICS_ANSWERS)
    async def metrics() -> Response:
        """Counters and gauges for Prometheus."""
        await deps.before_metrics()
        return Response(deps.metrics.render(), media_type=CONTENT_TYPE)

    @router.get("/version")
    async def version() -> dict[str, str]:
        """Which program this is."""
        return {"name": "syncd", "version": deps.version}

    @router.get("/docs", include_in_schema=False)
    async def docs() -> HTMLResponse:
        policy = "default-src 'none'; style-src 'unsafe-inline'"
        return HTMLResponse(_page(api.openapi()), headers=HEADERS | {"Content-Security-Policy": policy})

    return router


def _page(schema: Mapping[str, Any]) -> str:
    """The OpenAPI description as a page that loads nothing from anywhere."""
    rows = [
        f"<tr><td>{verb.upper()}</td><td><code>{html.escape(path)}</code></td>"
        f"<td>{html.escape(told.get('description', ''))}</td></tr>"
        for path, verbs in schema["paths"].items()
        for verb, told in verbs.items()
    ]
    style = "body{font:16px sans-serif;margin:2em}td{padding:.3em 1em .3em 0;vertical-align:top}"
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>syncd API</title><style>{style}</style>'
        f"</head><body><h1>syncd {html.escape(schema['info']['version'])}</h1>"
        '<p>The whole description: <a href="/openapi.json">openapi.json</a>. Everything under <code>/api/v1</code> and '
        "<code>/sync</code> needs <code>Authorization: Bearer</code> with SYNCD_API_TOKEN.</p>"
        f"<table>{''.join(rows)}</table></body></html>"
    )
