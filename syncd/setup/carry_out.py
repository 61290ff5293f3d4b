"""Carries a plan's steps out, one by one, as administrator and, for the webhooks, as the API user.

Every step may have been done before by a run that was killed: what is there already counts as done. Decides nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from dataclasses import dataclass
from typing import Any, assert_never

from services.errors import Missing, PeerError
from services.espocrm import EspoClient
from syncd import webhooks
from syncd.ledger.store import Ledger
from syncd.setup.steps import GiveRole, MakeRole, MakeUser, NewKey, SaveLabels, Send, Step
from syncd.webhooks import Mending

CONFLICT = 409  # it is there already
OpenLedger = Callable[[], AbstractAsyncContextManager[Ledger]]


class Stopped(Exception):
    """A step could not be done; `error` says why. Nothing after it was done."""

    def __init__(self, step: Step, error: PeerError) -> None:
        super().__init__(f"{step.where}: {step.what}: {error.reason}")
        self.error = error


@dataclass
class Hands:
    """What the steps are done with. `keep_key` gets a fresh key at once: it is told only once.

    `user` works with the API user's key, None while that is not known; `opened` closes what was opened on the way.
    """

    admin: EspoClient
    connect: Callable[[str], EspoClient]
    open_ledger: OpenLedger
    keep_key: Callable[[str], None]
    opened: AsyncExitStack
    user: EspoClient | None = None
    role: str | None = None
    ledger: Ledger | None = None

    async def do(self, step: Step) -> None:
        """Do one step. Raises `Stopped`; `Refusal` for a webhook's address, `LedgerUnavailable`."""
        try:
            await self._do(step.action)
        except PeerError as error:
            if error.status != CONFLICT:
                raise Stopped(step, error) from None

    async def _do(self, action: Any) -> None:
        match action:
            case Send():
                await self.admin.request(action.verb, action.path, body=action.body)
            case SaveLabels():
                await self._save_labels(action)
            case MakeRole():
                self.role = str((await self.admin.create("Role", action.body)).body["id"])
            case MakeUser():
                await self._make_user(action)
            case GiveRole():
                roles = [*action.roles, action.role or self.role]
                await self.admin.update("User", action.user, {"rolesIds": roles})
            case NewKey():
                body = await self.admin.request("POST", "UserSecurity/apiKey/generate", body={"id": action.user})
                self._take_key(body)
            case Mending():
                if self.ledger is None:
                    self.ledger = await self.opened.enter_async_context(self.open_ledger())
                await webhooks.carry_out(self._as_user(), self.ledger, action)
            case _:
                assert_never(action)

    async def _make_user(self, action: MakeUser) -> None:
        body = {
            "userName": action.name,
            "type": "api",
            "authMethod": "ApiKey",
            "isActive": True,
            "rolesIds": [action.role or self.role],
        }
        self._take_key((await self.admin.create("User", body)).body)

    def _take_key(self, body: Mapping[str, Any]) -> None:
        key = body.get("apiKey")
        if not isinstance(key, str) or not key:
            raise Missing("espocrm", "a user came without a key: make one with --new-key", certain=False)
        self.keep_key(key)
        self.user = self.connect(key)
        self.opened.push_async_callback(self.user.close)

    def _as_user(self) -> EspoClient:
        if self.user is None:
            raise Missing("espocrm", "the key of the API user is not known", certain=False)
        return self.user

    async def _save_labels(self, action: SaveLabels) -> None:
        """EspoCRM silently passes over an option of an enum that has no labels at all in any language."""
        saved = await self._labels(action)
        passed_over = [name for name in action.options if not any(f"options[.]{name}[.]" in key for key in saved)]
        for name in passed_over:
            definition = await self.admin.metadata(f"entityDefs.{action.scope}.fields.{name}")
            body = {**definition, "name": name, "translatedOptions": dict(action.options[name])}
            await self.admin.request("PUT", f"Admin/fieldManager/{action.scope}/{name}", body=body)
        if passed_over:
            await self._labels(action)

    async def _labels(self, action: SaveLabels) -> Mapping[str, Any]:
        body = {"scope": action.scope, "language": action.language, "labels": dict(action.labels)}
        saved = await self.admin.request("POST", "LabelManager/action/saveLabels", body=body)
        return saved if isinstance(saved, Mapping) else {}
