"""In front of every page: who has signed in, what they may do, and that a request comes from one of our own pages.

Given to routers as dependencies, so that no route can forget them. Shows nothing.
"""

from __future__ import annotations

import hmac
from collections.abc import Awaitable, Callable
from urllib.parse import parse_qsl, urlsplit

from fastapi import Depends, HTTPException
from fastapi.params import Depends as Dependency
from starlette.datastructures import ImmutableMultiDict
from starlette.requests import Request

from syncd import inspect
from syncd.ui.session import Sessions, Visit

CSRF_FIELD, CSRF_HEADER = "csrf", "x-csrf-token"
MAX_FIELDS = 5000
Form = ImmutableMultiDict[str, str]
Check = Callable[[Request], Awaitable[None]]


class NotSignedIn(Exception):
    """Nobody has signed in, or not any more."""


class Stale(Exception):
    """The request carries no token of this session, or comes from elsewhere."""


def visit_of(request: Request) -> Visit:
    """Who asks, behind `looking` or `deciding`."""
    visit = request.state.visit
    assert isinstance(visit, Visit)
    return visit


async def form_of(request: Request) -> Form:
    """What a form has sent. Raises HTTPException 400 where it cannot be read."""
    try:
        fields = parse_qsl(
            (await request.body()).decode(), keep_blank_values=True, strict_parsing=False, max_num_fields=MAX_FIELDS
        )
    except ValueError:
        raise HTTPException(400) from None
    if any("\0" in text for field in fields for text in field):  # PostgreSQL can neither keep it nor look for it
        raise HTTPException(400)
    return ImmutableMultiDict(fields)


def looking(sessions: Sessions) -> list[Dependency]:
    """For pages that show something: whoever has signed in."""
    return [Depends(_signed_in(sessions)), Depends(_attentive(sessions))]


def asking(sessions: Sessions, public_url: str) -> list[Dependency]:
    """For forms anybody may send who has signed in: from a page of this session."""
    return [*looking(sessions), Depends(from_here(public_url)), Depends(_with_token)]


def deciding(sessions: Sessions, public_url: str) -> list[Dependency]:
    """For forms that change something: the same, by somebody who may decide."""
    return [*asking(sessions, public_url), Depends(_may_decide)]


def _signed_in(sessions: Sessions) -> Check:
    async def check(request: Request) -> None:
        visit = await sessions.visit(request)
        if visit is None:
            raise NotSignedIn
        request.state.visit = visit

    return check


def _attentive(sessions: Sessions) -> Check:
    """What every page tells, whatever it is about."""

    async def check(request: Request) -> None:
        request.state.attention = await inspect.attention(sessions.ledger)

    return check


def from_here(public_url: str) -> Check:
    """A request that was sent by a page of ours: browsers say where it comes from, and pages cannot change that."""
    ours = _origin(public_url)

    async def check(request: Request) -> None:
        site = request.headers.get("sec-fetch-site")
        origin = request.headers.get("origin", "")
        here = urlsplit(origin).netloc == request.headers.get("host") or _origin(origin) == ours
        if not (site == "same-origin" if site is not None else bool(origin) and here):
            raise Stale

    return check


def _origin(url: str) -> tuple[str, str]:
    parts = urlsplit(url)
    return parts.scheme, parts.netloc


async def _with_token(request: Request) -> None:
    given = request.headers.get(CSRF_HEADER) or (await form_of(request)).get(CSRF_FIELD, "")
    if not hmac.compare_digest(given.encode("utf-8", "replace"), visit_of(request).csrf.encode()):
        raise Stale


async def _may_decide(request: Request) -> None:
    if not visit_of(request).user.may_decide:
        raise HTTPException(403)
