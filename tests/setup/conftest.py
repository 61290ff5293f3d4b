"""Setting up a stand-in EspoCRM in this process: what an administrator would see, and what EspoCRM has afterwards."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest

import config
from mappers.spec import Entity
from services.espocrm import Login
from syncd.app import entities
from syncd.sandbox import Sandbox, defaults
from syncd.sandbox.espocrm_schema import built_in_schema
from syncd.setup.run import Looked, Options, Talk, run
from syncd.setup.steps import Left, Step

URL = "https://sync.firm.example"


class Cut(httpx.AsyncBaseTransport):
    """The connection breaks after so many writes: the last one is applied, its answer is lost."""

    def __init__(self, inner: httpx.AsyncBaseTransport, writes: int | None) -> None:
        self._inner = inner
        self._left = writes

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        reply = await self._inner.handle_async_request(request)
        if self._left is not None and request.method != "GET" and "getScopeData" not in request.url.path:
            self._left -= 1
            if self._left < 0:
                raise httpx.ConnectError("cut", request=request)
        return reply


@dataclass
class Office:
    """A firm with its EspoCRM, and the administrator who sets it up."""

    sandbox: Sandbox
    state: Path
    mapping: config.Mapping = field(default_factory=config.Mapping)
    env: dict[str, str] = field(default_factory=dict)
    keys: list[str] = field(default_factory=list)
    looked: list[Looked] = field(default_factory=list)
    done: list[Step] = field(default_factory=list)
    writes_until_cut: int | None = None
    declared: Callable[[dict[str, Entity]], dict[str, Entity]] = lambda known: known

    async def setup(
        self,
        *,
        login: Login | None = None,
        user: str | None = None,
        url: str | None = URL,
        new_key: bool = False,
        agree: Callable[[Looked], bool] = lambda _: True,
    ) -> Sequence[Left]:
        """One run; the administrator says yes."""
        env = {"ESPOCRM_API_BASE_URL": defaults.ESPO_API_URL, "SYNCD_STATE_DIR": str(self.state), **self.env}
        settings = config.load(env, dotenv=None, required=())
        known = self.declared(entities(settings, self.mapping))
        self.done = []

        def agreed(looked: Looked) -> bool:
            self.looked.append(looked)
            return agree(looked)

        options = Options(login or Login(defaults.ADMIN_USER, defaults.ADMIN_PASSWORD), user, url, new_key)
        talk = Talk(agreed, self.done.append, self._keep)
        return await run(settings, known, options, talk, Cut(self.sandbox.transport(), self.writes_until_cut))

    def _keep(self, key: str) -> None:
        self.keys.append(key)
        self.env["ESPOCRM_API_KEY"] = key

    @property
    def planned(self) -> list[str]:
        """What the last run said it would do."""
        return [f"{step.where}: {step.what}" for step in self.looked[-1].plan.steps]

    async def ask(self, method: str, path: str, **sent: Any) -> Any:
        """An administrator's request; the answer must be well."""
        async with self._client() as http:
            reply = await http.request(method, path, **sent)
        assert reply.is_success, (path, reply.status_code, reply.headers.get("x-status-reason"))
        return reply.json()

    async def metadata(self, key: str) -> Any:
        return await self.ask("GET", "/Metadata", params={"key": key})

    async def labels(self, scope: str, language: str) -> dict[str, str]:
        body = {"scope": scope, "language": language}
        found = await self.ask("POST", "/LabelManager/action/getScopeData", json=body)
        return {key: text for items in found.values() for key, text in items.items()}

    def _client(self) -> httpx.AsyncClient:
        login = (defaults.ADMIN_USER, defaults.ADMIN_PASSWORD)
        return httpx.AsyncClient(transport=self.sandbox.transport(), base_url=defaults.ESPO_API_URL, auth=login)


@pytest.fixture
def office(tmp_path: Path) -> Office:
    """An EspoCRM nobody has set up yet."""

    async def at_once(_: float) -> None:
        """Nothing in here waits."""

    sandbox = Sandbox(time.time, sleep=at_once, schema=built_in_schema(), api_user=None)
    return Office(sandbox, tmp_path / "state")
