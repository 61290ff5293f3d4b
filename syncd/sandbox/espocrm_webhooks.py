"""EspoCRM's webhooks: registration, the slow lossy queue, signatures, retries (espocrm.md §5 and §9).

Sends through an injected `post(url, headers, body) -> status` (0 refused, 408 timed out), only when told to.
"""

from __future__ import annotations

import random
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from syncd.sandbox.espocrm_errors import EspoError, invalid, missing, not_found
from syncd.sandbox.espocrm_params import ListParams
from syncd.sandbox.espocrm_users import Who
from syncd.sandbox.espocrm_webhook_model import Item, Settings, Webhook, payload_bytes, signed_headers
from syncd.sandbox.espocrm_world import Change, EspoWorld

Post = Callable[[str, dict[str, str], bytes], Awaitable[int]]
RETRY_CODES = frozenset((0, 401, 403, 404, 405, 408, 500, 503))
KINDS = ("create", "update", "delete")


@dataclass
class WebhookQueue:
    """Events of a world, delivered in portions; `failed` counts what was lost for good."""

    world: EspoWorld
    rng: random.Random
    post: Post | None = None
    settings: Settings = field(default_factory=Settings)
    webhooks: dict[str, Webhook] = field(default_factory=dict)
    events: list[Change] = field(default_factory=list)
    items: list[Item] = field(default_factory=list)
    failed: int = 0
    delivered: int = 0

    def listen(self) -> None:
        """Take every change of the world from now on."""
        self.world.listeners.append(self.on_change)

    def on_change(self, change: Change) -> None:
        """An event goes to the table if any webhook wants it."""
        if any(self._wants(webhook, change) for webhook in self.webhooks.values()):
            self.events.append(change)

    # registration

    def register(self, who: Who, body: Mapping[str, Any]) -> dict[str, Any]:
        """POST Webhook; doubles are not prevented. EspoError 400, 403."""
        event = body.get("event")
        if not isinstance(event, str) or not event:
            raise invalid("Webhook", "event", "required")
        self._check_event(who, event)
        self._check_url(body.get("url"))
        webhook = Webhook(
            id=self.world.new_id(),
            event=event,
            url=str(body["url"]),
            secret=f"{self.rng.getrandbits(128):032x}",
            owner=who.id,
            active=body.get("isActive", True) is True,
            skip_own=body.get("skipOwn") is True,
        )
        self.webhooks[webhook.id] = webhook
        return webhook.shown()

    def listed(self, who: Who, params: ListParams) -> list[dict[str, Any]]:
        """An API user sees only its own; simple `equals` filters are applied."""
        shown = [one.shown() for one in self.webhooks.values() if who.is_admin or one.owner == who.id]
        for item in params.where:
            if item.get("type") == "equals":
                shown = [one for one in shown if one.get(item.get("attribute")) == item.get("value")]
        return shown[params.offset : params.offset + params.max_size]

    def get(self, who: Who, webhook_id: str) -> dict[str, Any]:
        """One webhook with its secret."""
        return self._own(who, webhook_id, missing).shown()

    def edit(self, who: Who, webhook_id: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """PATCH: url, isActive, skipOwn; the secret cannot be set."""
        webhook = self._own(who, webhook_id, not_found)
        if "url" in body:
            self._check_url(body["url"])
            webhook.url = body["url"]
        webhook.active = body.get("isActive", webhook.active) is True
        webhook.skip_own = body.get("skipOwn", webhook.skip_own) is True
        return webhook.shown()

    def remove(self, who: Who, webhook_id: str) -> None:
        """DELETE."""
        self._own(who, webhook_id, not_found)
        del self.webhooks[webhook_id]

    # the scheduled job

    async def run(self) -> int:
        """One run of "Process Webhook Queue"; returns how many items were delivered."""
        portion, self.events = self.events[: self.settings.portion], self.events[self.settings.portion :]
        for change in portion:
            self._enqueue(change)
        done = 0
        order = list(self.webhooks)
        self.rng.shuffle(order)
        for webhook_id in order:
            if webhook_id in self.webhooks:
                done += await self._send_due(self.webhooks[webhook_id])
        self.items = [one for one in self.items if one.webhook in self.webhooks]
        self.delivered += done
        return done

    def _enqueue(self, change: Change) -> None:
        for webhook in self.webhooks.values():
            if not self._wants(webhook, change) or self.rng.random() < self.settings.loss:
                continue
            item = Item(webhook.id, self._payload(webhook, change))
            self.items.append(item)
            if self.rng.random() < self.settings.twice:
                self.items.append(Item(webhook.id, item.data))

    async def _send_due(self, webhook: Webhook) -> int:
        now = self.world.now()
        due = [one for one in self.items if one.webhook == webhook.id and one.due <= now]
        batch = due[: self.settings.batch]
        if not batch or self.post is None:
            return 0
        if self.settings.shuffle:
            self.rng.shuffle(batch)
        body = payload_bytes([one.data for one in batch])
        status = await self.post(webhook.url, signed_headers(webhook.id, webhook.secret, body), body)
        return self._settle(webhook, batch, status)

    def _settle(self, webhook: Webhook, batch: list[Item], status: int) -> int:
        final = status == 0 and self.settings.refused_is_final
        if status in RETRY_CODES and not final:
            for item in batch:
                item.attempts += 1
                item.due = self.world.now() + self.settings.retry_seconds
            worn = {id(one) for one in batch if one.attempts >= self.settings.attempts}
            self.failed += len(worn)
            self.items = [one for one in self.items if id(one) not in worn]
            return 0
        gone = {id(one) for one in batch}
        self.items = [one for one in self.items if id(one) not in gone]
        if 200 <= status < 400:
            return len(batch)
        self.failed += len(batch)
        if status == 410:
            self.webhooks.pop(webhook.id, None)
        return 0

    # inside

    def _wants(self, webhook: Webhook, change: Change) -> bool:
        if not webhook.active or (webhook.skip_own and change.who.id == webhook.owner):
            return False
        entity, kind, *rest = webhook.event.split(".")
        if entity != change.entity:
            return False
        if kind == "fieldUpdate":
            return change.kind == "update" and not {rest[0], f"{rest[0]}Data", f"{rest[0]}Id"}.isdisjoint(change.data)
        return kind == change.kind

    def _payload(self, webhook: Webhook, change: Change) -> dict[str, Any]:
        name = webhook.event.split(".")[2:]
        if not name:
            return change.data
        wanted = {"id", name[0], f"{name[0]}Data", f"{name[0]}Id"}
        return {key: value for key, value in change.data.items() if key in wanted}

    def _own(self, who: Who, webhook_id: str, error: Callable[[str], EspoError]) -> Webhook:
        webhook = self.webhooks.get(webhook_id)
        if webhook is None:
            raise error(webhook_id)
        if not who.is_admin and webhook.owner != who.id:
            raise EspoError(403, "No read access.")
        return webhook

    def _check_event(self, who: Who, event: str) -> None:
        entity, _, rest = event.partition(".")
        kind, _, name = rest.partition(".")
        if entity not in self.world.schema:
            raise EspoError(403, "Entity type is not available for Webhooks.")
        if not self.world.door.permits(who, "Webhook", "create"):
            raise EspoError(403, "No create access.")
        if not self.world.door.permits(who, entity, "read"):
            raise EspoError(403, "Entity type is forbidden.")
        if kind == "fieldUpdate" and name not in self.world.schema[entity].fields:
            raise EspoError(403, "Field does not exist.")
        if kind not in (*KINDS, "fieldUpdate"):
            raise invalid("Webhook", "event", "valid")

    def _check_url(self, url: Any) -> None:
        if not isinstance(url, str) or not url:
            raise invalid("Webhook", "url", "required")
        allowed = self.settings.allowed_addresses
        if allowed is not None and urlsplit(url).netloc not in allowed:
            raise invalid("Webhook", "url", "notInternal")
