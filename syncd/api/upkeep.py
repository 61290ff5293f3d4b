"""Looking after the installation: locks, waiting work, what a dry run has planned, the examination, erasing."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter

from syncd import inspect, openapi
from syncd.api.bodies import Clear, Count, One
from syncd.api.deps import ApiDeps, Make
from syncd.commands import Refusal
from syncd.keeper import Keeper
from syncd.staging import everything


def routes(deps: ApiDeps, make: Make) -> APIRouter:
    """The counterparts of `syncd locks`, `queue`, `staged`, `doctor` and `erase`."""
    router = make(tags=["upkeep"], responses=openapi.GUARDED)

    def keeper() -> Keeper:
        if deps.keeper is None:
            raise Refusal("this door has no queue")
        return deps.keeper

    @router.get("/locks")
    async def locks() -> dict[str, Any]:
        """Who works on what: leases in Redis, claims in the ledger, and whether the process is there."""
        return await keeper().locks()

    @router.post("/locks/clear")
    async def clear(body: Clear) -> openapi.Done:
        """End the lease of a record, or all leases and claims that have run out."""
        if body.stale == (body.key is not None):
            raise Refusal("give a key or stale")
        if body.key is None:
            return openapi.Done(text=await keeper().end_stale())
        return openapi.Done(text=await keeper().end(await deps.desk.find(body.key)))

    @router.get("/queue")
    async def queue(limit: Count = 200) -> dict[str, Any]:
        """Waiting work in the order in which it is taken."""
        return {"waiting": await inspect.waiting(deps.ledger, limit)}

    @router.post("/queue/drop")
    async def drop(body: One) -> openapi.Done:
        """Forget that a record waits; the next poll or look round finds it again if the sides differ."""
        return openapi.Done(text=await keeper().drop(await deps.desk.find(body.key)))

    @router.get("/staged")
    async def staged() -> dict[str, Any]:
        """What a dry run would have done until now."""
        return (await everything(deps.ledger)).told()

    @router.get("/doctor")
    async def doctor() -> dict[str, Any]:
        """What is found in both systems now, and what to do; `syncd doctor` looks at this machine, too."""
        return dict(await deps.examine())

    @router.post("/erase")
    async def erase(body: One) -> openapi.Done:
        """Remove all that is stored about a record. Refused while it takes part: exclude or delete it first."""
        key = await deps.desk.find(body.key)
        return openapi.Done(text=(await deps.desk.erase(key)).told(key))

    return router
