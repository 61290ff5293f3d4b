"""How a page becomes HTML: templates, the language of the reader, the frame around every page. Knows no facts."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any
from urllib.parse import urlsplit

from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from syncd.ui.deps import Deps
from syncd.ui.files import address
from syncd.ui.gate import CSRF_HEADER
from syncd.ui.paused import paused
from syncd.ui.session import Sessions, Visit
from syncd.ui.show import Show
from syncd.ui.users import Users
from syncd.ui.words import LANGUAGES, text

HOME = "/ui/"
LANGUAGE_COOKIE, SAID_COOKIE = "syncd_language", "syncd_said"
YEAR = 365 * 24 * 3600

# Pages of the menu: the text's name and the address.
MENU: tuple[tuple[str, str], ...] = (
    ("nav.overview", HOME),
    ("nav.records", "/ui/records"),
    ("nav.conflicts", "/ui/conflicts"),
    ("nav.guards", "/ui/guards"),
    ("nav.runs", "/ui/runs"),
    ("nav.pauses", "/ui/pauses"),
    ("nav.alarms", "/ui/alarms"),
)

# htmx evaluates nothing and writes no style of its own; what a person has opened stays open when a part is renewed.
HTMX = json.dumps({"includeIndicatorCSS": False, "history": "reload", "morphIgnore": ["data-htmx-powered", "open"]})


@cache
def _templates() -> Environment:
    found = Environment(
        loader=PackageLoader("syncd.ui"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    found.globals.update(address=address, htmx=HTMX, languages=LANGUAGES, menu=MENU)
    return found


@dataclass(frozen=True)
class Site:
    """What every page is made with."""

    deps: Deps
    users: Users
    sessions: Sessions

    @classmethod
    def of(cls, deps: Deps) -> Site:
        """The site over these parts."""
        users = Users(deps.users, deps.api_token)
        secure = deps.public_url.startswith("https://")
        return cls(deps, users, Sessions(deps.ledger, users, deps.now, deps.new_id, secure))

    def show(self, request: Request) -> Show:
        """How this reader is shown things: in the language they chose, else the configured one."""
        chosen = request.cookies.get(LANGUAGE_COOKIE, "")
        return Show(chosen if chosen in LANGUAGES else self.deps.language, self.deps.now())

    def part(self, request: Request, template: str, /, **facts: Any) -> str:
        """A template as HTML, with `facts`, and `show`, `t`, `visit` for whoever asks."""
        show = self.show(request)
        return _templates().get_template(template).render(facts | {"show": show, "t": show.t, "visit": _visit(request)})

    def page(self, request: Request, template: str, /, code: int = 200, **facts: Any) -> HTMLResponse:
        """A whole page; what the last request had to say is told on it, once."""
        visit, said = _visit(request), _said(request)
        headers = {CSRF_HEADER: visit.csrf} if visit is not None else {}
        frame = {
            "version": self.deps.version,
            "here": request.url.path,
            "again": address_of(request),
            "hx_headers": json.dumps(headers),
            "said": said,
            "attention": _attention(self.show(request), request),
        }
        answer = HTMLResponse(self.part(request, template, **(facts | frame)), code)
        if said is not None:
            answer.delete_cookie(SAID_COOKIE, path="/ui", samesite="strict")
        return answer

    def see(self, to: str, said: str = "", n: int | None = None) -> Response:
        """After a form: the next page, which will tell the text named `said`, with `n` in it."""
        answer = RedirectResponse(local(to), 303)
        if said:
            told = f"{said}:{'' if n is None else n}"
            answer.set_cookie(SAID_COOKIE, told, max_age=60, path="/ui", httponly=True, samesite="strict")
        return answer


def _visit(request: Request) -> Visit | None:
    return getattr(request.state, "visit", None)


def _attention(show: Show, request: Request) -> Mapping[str, Any] | None:
    """What is paused, and how many wait, of each page of the menu; None where nobody has signed in."""
    found = getattr(request.state, "attention", None)
    if found is None:
        return None
    waiting = {"nav.conflicts": found["conflicts"], "nav.guards": found["guards"]}
    return {"paused": [paused(show, one) for one in found["pauses"]], "waiting": waiting}


def _said(request: Request) -> Mapping[str, Any] | None:
    """What a form has left for the next page: only texts of ours, and a number."""
    name, _, n = request.cookies.get(SAID_COOKIE, "").partition(":")
    values = {"n": int(n)} if n.isascii() and n.isdigit() and len(n) < 10 else {}
    try:
        text(name, "de", **values)
    except KeyError:  # no text of ours, or one that must be told more
        return None
    return {"name": name, "values": values}


def address_of(request: Request) -> str:
    """What was asked for, to ask for it again."""
    return request.url.path + (f"?{request.url.query}" if request.url.query else "")


def local(to: str) -> str:
    """An address of our own pages; anything else becomes the overview."""
    parts = urlsplit(to)
    ours = not parts.scheme and not parts.netloc and parts.path.startswith("/ui/") and "//" not in parts.path
    return to if ours and to.isprintable() and "\\" not in to else HOME
