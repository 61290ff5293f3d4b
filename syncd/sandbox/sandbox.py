"""Both stand-in systems in one object: worlds, applications, faults, people, log.

Nothing here opens a socket; server.py does.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from syncd.sandbox import advoware_app, defaults, espocrm_app
from syncd.sandbox.advoware_token import TokenDesk
from syncd.sandbox.advoware_world import AdvowareWorld
from syncd.sandbox.calllog import CallLog
from syncd.sandbox.control import control_routes
from syncd.sandbox.espocrm_schema import EntityDef
from syncd.sandbox.espocrm_webhooks import Post, WebhookQueue
from syncd.sandbox.espocrm_world import EspoWorld
from syncd.sandbox.faults import Faults
from syncd.sandbox.people import People
from syncd.sandbox.seed import Seeder
from syncd.sandbox.transport import SandboxTransport
from syncd.sandbox.wire import Wire
from syncd.sandbox.witness import Names, Witness

ESPO = "espocrm"
ADVOWARE = "advoware"
DUMPED = ("CBeteiligte", "CAdressen", "CBankverbindungen", "Task", "Note")


@dataclass(frozen=True)
class Urls:
    """Where the two systems are reached: EspoCRM's root, and Advoware's base ending in `/`."""

    espocrm: str = defaults.ESPO_URL
    advoware: str = defaults.ADVOWARE_URL


class Sandbox:
    """One EspoCRM and one Advoware. `now` is epoch seconds; `sleep` serves latency and what applies late."""

    def __init__(
        self,
        now: Callable[[], float],
        seed: int = 0,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        post: Post | None = None,
        schema: dict[str, EntityDef] | None = None,
        api_user: str | None = defaults.API_USER,
    ) -> None:
        self.now = now
        self.sleep = sleep
        self.seed_number = seed
        self.urls = Urls()
        self.espo = EspoWorld(now, random.Random(f"{seed}/espocrm"), schema, api_user=api_user)
        self.advoware = AdvowareWorld(now, random.Random(f"{seed}/advoware"))
        self.tokens = TokenDesk(now, random.Random(f"{seed}/tokens"))
        self.webhooks = WebhookQueue(self.espo, random.Random(f"{seed}/webhooks"), post)
        self.webhooks.listen()
        self.faults = Faults(random.Random(f"{seed}/faults"))
        self.log = CallLog()
        self.people = People(self.espo, self.advoware)
        self.seed = Seeder(self.espo, self.advoware, seed)
        self.backups: dict[str, dict[str, bytes]] = {}
        self.witness: Witness | None = None
        control = control_routes(self)
        espo = espocrm_app.build(self.espo, self.webhooks, control)
        advoware = advoware_app.build(self.advoware, self.tokens, lambda: self.urls.advoware, control)

        def seen_by() -> Witness | None:
            return self.witness

        self.espo_app = Wire(ESPO, espo, now, self.faults, self.log, self.people.act, sleep, seen_by)
        self.advoware_app = Wire(ADVOWARE, advoware, now, self.faults, self.log, self.people.act, sleep, seen_by)

    def transport(self) -> SandboxTransport:
        """A transport for httpx.AsyncClient that reaches both systems in this process."""
        return SandboxTransport(self)

    async def settle(self) -> None:
        """Wait until all requests that apply late have been applied."""
        await self.espo_app.settle()
        await self.advoware_app.settle()

    def watch(self, names: Names) -> Witness:
        """From now on somebody notes what each write changed and what its writer knew."""
        self.witness = Witness(self.people, self.now, names)
        return self.witness

    def snapshot(self, name: str = "backup") -> None:
        """Keep a backup of both systems under this name."""
        self.backups[name] = {ESPO: self.espo.snapshot(), ADVOWARE: self.advoware.snapshot()}

    def restore(self, system: str, name: str = "backup") -> None:
        """Put one system back to a kept backup; KeyError if there is none."""
        backup = self.backups[name][system]
        (self.espo if system == ESPO else self.advoware).load_snapshot(backup)

    def dump(self) -> dict[str, Any]:
        """Everything in both systems, deleted EspoCRM records included, for comparison."""
        espo = {
            entity: {record_id: self.people.espo.see(record_id, entity) for record_id in self.espo.tables[entity].rows}
            for entity in DUMPED
            if entity in self.espo.tables
        }
        return {ESPO: espo, ADVOWARE: {str(one["betNr"]): one for one in self.people.advoware.all()}}
