"""Locks and waiting work, for people at the terminal and behind the API: to look at, and to put in order."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from syncd.holders import judged
from syncd.ledger import terminal, work
from syncd.ledger.store import Ledger
from syncd.queue import Queue
from syncd.upkeep import end_stale_locks


@dataclass(frozen=True)
class Keeper:
    """Works on ledger and Redis, and calls neither system. `now` in epoch seconds. Raises `RedisUnavailable`."""

    ledger: Ledger
    queue: Queue
    now: Callable[[], float]

    async def locks(self) -> dict[str, list[dict[str, Any]]]:
        """Who works on what: `leases` in Redis and `claims` in the ledger, and whether the process is there."""
        now = self.now()
        leases = [
            {"key": one.key, "owner": one.owner, "since": one.since, "ends_at": one.ends_at}
            | {"alive": judged(one.owner, one.ends_at, now)}
            for one in await self.queue.leases()
        ]
        claims = [
            one | {"alive": judged(one["claimed_by"], one["claimed_until"], now)}
            for one in await self.ledger.read(terminal.claims)
        ]
        return {"leases": leases, "claims": claims}

    async def end_stale(self) -> str:
        """End leases and claims that have run out; their records are looked at again at once."""
        leases, claims = await end_stale_locks(self.queue, self.ledger, self.now())
        return f"{leases} stale leases and {claims} stale claims ended"

    async def end(self, key: str) -> str:
        """End a record's lease, so that it is taken again; a claim ends by itself within its lease time."""
        return f"{key}: {'lease ended, it waits again' if await self.queue.clear(key) else 'nobody holds it'}"

    async def drop(self, key: str) -> str:
        """Forget that a record waits. The next poll or look round finds it again if the sides differ."""
        known = await self.ledger.write(work.drop, key)
        queued = await self.queue.drop(key)
        return f"{key}: {'waits no longer' if known or queued else 'did not wait'}"
