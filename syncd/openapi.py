"""What the OpenAPI description says of answers, beyond what the routes themselves tell. Answers nothing itself."""

from __future__ import annotations

from typing import Any, Literal

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from fastapi.security import APIKeyHeader, HTTPBearer
from pydantic import BaseModel

Declared = dict[int | str, dict[str, Any]]

BEARER = HTTPBearer(auto_error=False, scheme_name="token", description="SYNCD_API_TOKEN")
SIGNATURE = APIKeyHeader(
    name="Signature",
    auto_error=False,
    scheme_name="signature",
    description="base64 of `webhook id:hex HMAC-SHA256 of the body`",
)


class Failed(BaseModel):
    """Every error: one line, which repeats nothing that was sent."""

    error: str


class Received(BaseModel):
    """A delivery that is in the ledger."""

    status: Literal["received"]
    action: Literal["create", "update", "delete"]
    new_ids_count: int
    total_ids_in_batch: int


class Ready(BaseModel):
    """Whether the daemon can work, and why not."""

    status: Literal["ready", "not ready"]
    reasons: list[str]
    paused: list[str]


class Accepted(BaseModel):
    """What will be done, and the records it begins with."""

    status: Literal["accepted"]
    text: str
    keys: list[str]


class Done(BaseModel):
    """What was done at once."""

    text: str


class TakenBack(BaseModel):
    """A change that is taken back, or would be."""

    change: int
    key: str
    field: str | None


class NotTakenBack(TakenBack):
    """A change that is not, and why."""

    why: str


class Undone(BaseModel):
    """What came of an undo; `run` is null where nothing was set going."""

    run: str | None
    taken: list[TakenBack]
    refused: list[NotTakenBack]


class NotDecided(BaseModel):
    """A conflict in which the choice cannot be carried out, and why."""

    id: str
    why: str


class Resolved(BaseModel):
    """What came of a choice for many conflicts."""

    text: str
    taken: list[str]
    refused: list[NotDecided]
    keys: list[str]


_WHEN = {
    400: "the request cannot be read",
    401: "the token or the signature is missing or wrong",
    403: "the API is switched off",
    404: "there is no such thing",
    409: "this cannot be done, and why",
    413: "the body is too large",
    503: "the ledger or Redis is not available, or it took too long: ask again",
}


def failing(*statuses: int) -> Declared:
    """The errors of a group of routes; 400, 413 and 503 may meet any."""
    return {status: {"model": Failed, "description": _WHEN[status]} for status in sorted({400, 413, 503, *statuses})}


GUARDED: Declared = failing(401, 403, 404, 409)
WEBHOOK_ANSWERS: Declared = {200: {"model": Received}, **failing(401, 404)}
READY_ANSWERS: Declared = {200: {"model": Ready}, 503: {"model": Ready, "description": "not ready, and why"}}
METRICS_ANSWERS: Declared = {200: {"content": {"text/plain": {"schema": {"type": "string"}}}}}
CSV_ANSWERS: Declared = {200: {"content": {"text/csv": {"schema": {"type": "string"}}}}}
ACCEPTED: Declared = {202: {"model": Accepted}}
UNDO_ANSWERS: Declared = {
    200: {"model": Undone, "description": "what an undo would do"},
    202: {"model": Undone, "description": "set going"},
    409: {"model": Undone | Failed, "description": "all of it was refused"},
}
RESOLVED_ANSWERS: Declared = {
    202: {"model": Resolved, "description": "decided, but for those that are refused"},
    409: {"model": Resolved | Failed, "description": "all of them were refused"},
}
DELIVERY = {
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {
                "schema": {
                    "type": "array",
                    "items": {
                        "type": "object",
                        "properties": {"id": {"type": "string", "pattern": "^[A-Za-z0-9_-]{1,40}$"}},
                        "required": ["id"],
                    },
                }
            }
        },
    }
}
"""A webhook's body, which is read as bytes because it is signed as bytes."""


def describe(api: FastAPI) -> dict[str, Any]:
    """The description, without the 422 that FastAPI declares and we never answer."""
    told = get_openapi(title=api.title, version=api.version, description=api.description, routes=api.routes)
    for verbs in told["paths"].values():
        for operation in verbs.values():
            operation["responses"].pop("422", None)
    for name in ("HTTPValidationError", "ValidationError"):
        told["components"]["schemas"].pop(name, None)
    return told
