"""Style sheet, scripts and icon: read once, named by what is in them, so that browsers may keep them for ever."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from fastapi import APIRouter, HTTPException
from starlette.requests import Request
from starlette.responses import Response

TYPES: Mapping[str, str] = {
    "style.css": "text/css; charset=utf-8",
    "htmx.min.js": "text/javascript; charset=utf-8",
    "hx-sse.min.js": "text/javascript; charset=utf-8",
    "live.js": "text/javascript; charset=utf-8",
    "icon.svg": "image/svg+xml",
}
KEPT = "public, max-age=31536000, immutable"


@dataclass(frozen=True)
class File:
    """What is sent, and the digest its address carries."""

    content: bytes
    media_type: str
    digest: str


@cache
def _files() -> Mapping[str, File]:
    folder = files("syncd.ui") / "static"
    read = {name: (folder / name).read_bytes() for name in TYPES}
    return {name: File(body, TYPES[name], hashlib.sha256(body).hexdigest()[:12]) for name, body in read.items()}


def address(name: str) -> str:
    """Where a file is found; changes with its content."""
    return f"/ui/static/{_files()[name].digest}/{name}"


def routes() -> APIRouter:
    """The files, for everybody: the page to sign in on needs them."""
    router = APIRouter()

    @router.get("/static/{digest}/{name}")
    async def static(request: Request, digest: str, name: str) -> Response:
        file = _files().get(name)
        if file is None or digest != file.digest:
            raise HTTPException(404)
        return Response(file.content, media_type=file.media_type, headers={"Cache-Control": KEPT})

    return router
