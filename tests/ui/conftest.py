"""The pages on a real ledger file, asked over ASGI by people who have signed in."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from mappers.beteiligte import BETEILIGTE
from services.local import LocalThrottle
from syncd.api import ApiDeps, create_api
from syncd.health import Reason
from syncd.intake import secrets_of
from syncd.ledger.engines import connect, sqlite_url
from syncd.ledger.store import Inline, Ledger
from syncd.metrics import Metrics
from syncd.sides import Answer, Shown, Sides
from syncd.ui.deps import Deps
from tests.ledger_on_the_spot import empty_ledger

NOW = 1_800_000_000.0
TOKEN = "a-token-of-the-tests"
HOME = "http://syncd.test"
# Made with next to no work, so that signing in costs the tests nothing.
ANNA, ANNAS = "anna", "Blumenwiese-1"
BERT, BERTS = "bert", "Regenbogen-2"
USERS = {
    ANNA: "decide:$argon2id$v=19$m=8,t=1,p=1$qSIanUrB2mkBKVNywAMivw$eVB5raPxItnYRqfjzIWxuZW9290FAq7aSXWq7ITO37g",
    BERT: "read:$argon2id$v=19$m=8,t=1,p=1$aCVdODwxFp/NMqOgu/z8og$XtExdmBzHXJkqu/Luhidbxb5NY8pgeLCSt7ZlXH8DFM",
}


async def unasked(_: str) -> Sides:
    """No system is there to be asked."""
    away = Shown(Answer.SILENT, "connect")
    return Sides(away, away, None)


@dataclass
class Pages:
    """One daemon's pages. `at` is the time there, `told` the records the queue was rung for."""

    deps: Deps
    at: float = NOW
    told: list[str] = field(default_factory=list)
    reasons: list[Reason] = field(default_factory=list)
    sides: Callable[[str], Awaitable[Sides]] = unasked
    ids: int = 0
    stopping: bool = False

    @property
    def ledger(self) -> Ledger:
        return self.deps.ledger

    async def tell(self, keys: Iterable[str]) -> None:
        self.told += keys

    def new_id(self) -> str:
        self.ids += 1
        return f"{self.ids:032x}"

    def app(self, **changes: object) -> FastAPI:
        """All doors of the daemon, with parts of what the pages are given changed."""
        pages = replace(self.deps, **changes)  # type: ignore[arg-type]

        async def ring(_: object) -> None: ...

        return create_api(
            ApiDeps(
                ledger=pages.ledger,
                ring=ring,
                entities=pages.entities,
                secrets=secrets_of({}, pages.ledger),
                readiness=list,
                metrics=Metrics(),
                version="9.9.9",
                api_token=pages.api_token,
                now=pages.now,
                new_id=pages.new_id,
                pages=pages,
            )
        )

    def client(self, **changes: object) -> httpx.AsyncClient:
        """A browser of these pages, with parts of what they are given changed. Every form is sent from a page."""
        transport = httpx.ASGITransport(self.app(**changes), raise_app_exceptions=False)
        return httpx.AsyncClient(transport=transport, base_url=HOME, headers={"Origin": HOME})


async def sign_in(client: httpx.AsyncClient, name: str, password: str) -> httpx.Response:
    """Send the form of the page to sign in on."""
    return await client.post("/ui/login", data={"name": name, "password": password})


def csrf(page: httpx.Response) -> str:
    """The token in a page's forms."""
    found = re.search(r'name="csrf" value="([0-9a-f]{64})"', page.text)
    assert found is not None, page.text
    return found[1]


async def peers() -> Mapping[str, Mapping[str, Any]]:
    return {"espocrm": {"state": "closed", "seconds": 0.0}, "advoware": {"state": "open", "seconds": 12.0}}


@pytest.fixture(scope="session")
def empty() -> bytes:
    return empty_ledger()


def make_pages(path: Path, empty: bytes, home: str = HOME) -> Pages:
    """The pages over a ledger in this new file, reached at `home`."""
    path.write_bytes(empty)
    deps = Deps(
        ledger=Ledger(Inline(connect(sqlite_url(path)))),
        entities={BETEILIGTE.name: BETEILIGTE},
        tell=lambda keys: opened.tell(keys),
        throttle=LocalThrottle(lambda: opened.at),
        users=USERS,
        api_token=TOKEN,
        public_url=home,
        espo_url="https://crm.example",
        language="de",
        version="9.9.9",
        now=lambda: opened.at,
        new_id=lambda: opened.new_id(),
        peers=peers,
        budgets={"espocrm": 1200, "advoware": 300},
        reasons=lambda: opened.reasons,
        sides=lambda key: opened.sides(key),
        stopping=lambda: opened.stopping,
    )
    opened = Pages(deps)
    return opened


@pytest.fixture
def pages(tmp_path: Path, empty: bytes) -> Iterator[Pages]:
    opened = make_pages(tmp_path / "ledger.db", empty)
    yield opened
    opened.ledger.close()


@pytest.fixture
async def stranger(pages: Pages) -> AsyncIterator[httpx.AsyncClient]:
    """Nobody has signed in."""
    async with pages.client() as client:
        yield client


@pytest.fixture
async def anna(pages: Pages) -> AsyncIterator[httpx.AsyncClient]:
    """Who may decide."""
    async with pages.client() as client:
        assert (await sign_in(client, ANNA, ANNAS)).status_code == 303
        yield client


@pytest.fixture
async def bert(pages: Pages) -> AsyncIterator[httpx.AsyncClient]:
    """Who may only look."""
    async with pages.client() as client:
        assert (await sign_in(client, BERT, BERTS)).status_code == 303
        yield client
