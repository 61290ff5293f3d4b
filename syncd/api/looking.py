"""What people and scripts may look at."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query
from fastapi.responses import Response

from syncd import inspect, openapi, record_facts
from syncd.api.bodies import Before, Count, Id, Plain, Text
from syncd.api.deps import ApiDeps, Make
from syncd.commands import NotKnown
from syncd.http_limits import HEADERS


def routes(deps: ApiDeps, make: Make) -> APIRouter:
    """Reads the ledger; `plan` and `sides` ask the systems, too."""
    router = make(tags=["looking"], responses=openapi.GUARDED)

    @router.get("/status")
    async def status() -> dict[str, Any]:
        """How everything stands: counts per status, what waits, what is stopped, both systems, delays, calls."""
        found = await inspect.status(deps.ledger, deps.now())
        return found | {"budgets": dict(deps.budgets), "peers": dict(await deps.peers())}

    @router.get("/activity")
    async def activity(hours: Annotated[float, Query(gt=0, le=inspect.MAX_HOURS)] = 24.0) -> dict[str, Any]:
        """What was done over the last hours, part by part: jobs, failures, calls, delays of people's edits."""
        return await inspect.activity(deps.ledger, deps.now(), hours)

    @router.get("/records")
    async def records(
        entity: Text = None,
        status: Text = None,
        after: Annotated[Plain, Query(max_length=300)] = "",
        limit: Count = 200,
        search: Annotated[Plain, Query(max_length=200)] = "",
        sort: inspect.Sort = "id",
    ) -> dict[str, Any]:
        """Records that take part: `search` a name, number or id; `status` one or, with commas, several.

        `sort` = id, name, number or changed; `after` is the `next` of the page before.
        """
        name = None if entity is None else deps.desk.entity(entity).name
        statuses = tuple(one for one in (status or "").split(",") if one)
        return await inspect.find(deps.ledger, deps.entities, search, statuses, sort, after, limit, name)

    @router.get("/records/{id:path}/plan", responses=openapi.failing(503))
    async def plan(id: Id) -> dict[str, Any]:
        """What would be done with a record now: reads both sides, writes nothing."""
        return dict(await deps.preview(await deps.desk.find(id)))

    @router.get("/records/{id:path}/sides", responses=openapi.failing(503))
    async def sides(id: Id) -> dict[str, Any]:
        """What both sides show of a record now, field by field, and its phones, faxes and e-mails: reads both."""
        return dict(await deps.sides(await deps.desk.find(id)))

    @router.get("/records/{id:path}/timeline")
    async def timeline(
        id: Id, before: Annotated[float | None, Query(ge=0)] = None, limit: Count = 200
    ) -> dict[str, Any]:
        """What happened to a record, the latest first; `before` is the time `at` of the last one of the page before."""
        key = await deps.desk.find(id)
        entity = deps.entities[key.partition("/")[0]]
        return {"key": key, "timeline": await inspect.timeline(deps.ledger, entity, key, before, limit)}

    @router.get("/records/{id:path}/history.csv", response_class=Response, responses=openapi.CSV_ANSWERS)
    async def history_csv(id: Id) -> Response:
        """The whole history of a record as a file for a spreadsheet."""
        key = await deps.desk.find(id)
        text = await inspect.history_csv(deps.ledger, deps.entities[key.partition("/")[0]], key)
        name = key.replace("/", "-")
        given = {"Content-Disposition": f'attachment; filename="{name}.csv"'}
        return Response(text.encode("utf-8", "replace"), media_type="text/csv; charset=utf-8", headers=HEADERS | given)

    @router.get("/records/{id:path}/export")
    async def export(id: Id) -> dict[str, Any]:
        """All that is stored about a record: for a person who asks what is known of him."""
        key = await deps.desk.find(id)
        found = await inspect.export(deps.ledger, key)
        if not found:
            raise NotKnown("nothing is stored about this record")
        return {"key": key, **found}

    @router.get("/records/{id:path}")
    async def record(id: Id, limit: Count = 200) -> dict[str, Any]:
        """One record: an EspoCRM id, `betnr:1234`, or `entity/id`."""
        key = await deps.desk.find(id)
        found = await inspect.record(deps.ledger, key, limit)
        if found is None:
            raise NotKnown("nothing is known of this record")
        return {**found, **record_facts.told(deps.entities[key.partition("/")[0]], key, found)}

    @router.get("/conflicts")
    async def conflicts(state: Text = None, record: Text = None, limit: Count = 200) -> dict[str, Any]:
        """What waits for a person; `state` = open, decided, kept, settled or all."""
        states = inspect.CONFLICT_STATES if state == "all" else (state,) if state else inspect.WAITING
        key = None if record is None else await deps.desk.find(record)
        return {"conflicts": await inspect.conflicts(deps.ledger, states, key, limit)}

    @router.get("/conflicts/{id}")
    async def conflict(id: Id) -> dict[str, Any]:
        """One conflict or kept value."""
        found = await inspect.conflict(deps.ledger, id)
        if found is None:
            raise NotKnown("there is no such conflict")
        return found

    @router.get("/guards")
    async def guards() -> dict[str, Any]:
        """What guards have stopped, with the records they hold."""
        return {"guards": await inspect.guards(deps.ledger)}

    @router.get("/guards/{id}")
    async def guard(id: Id, after: Annotated[Plain, Query(max_length=80)] = "", limit: Count = 200) -> dict[str, Any]:
        """One guard with its records: name, number, what would have replaced what; `after` is the last key before."""
        found = await inspect.guard(deps.ledger, deps.entities, id, after, limit)
        if found is None:
            raise NotKnown("there is no such stopped guard")
        return found

    @router.get("/alarms")
    async def alarms() -> dict[str, Any]:
        """What is raised now, and what was over lately."""
        return {"alarms": await inspect.alarms(deps.ledger)}

    @router.get("/runs")
    async def runs(limit: Count = 50) -> dict[str, Any]:
        """What was set going for many records, the latest first."""
        return {"runs": await inspect.runs(deps.ledger, limit)}

    @router.get("/runs/{id}")
    async def run(id: Id, limit: Count = 200) -> dict[str, Any]:
        """A run, or a job by the start of its id, with every value it has written."""
        return await inspect.run(deps.ledger, id, limit)

    @router.get("/history")
    async def history(record: Text = None, before: Before = None, limit: Count = 200) -> dict[str, Any]:
        """What was done, newest first; `before` is the last id of the page before."""
        key = None if record is None else await deps.desk.find(record)
        return {"history": await inspect.history(deps.ledger, key, before, limit)}

    @router.get("/requests")
    async def requests(record: Text = None, before: Before = None, limit: Count = 200) -> dict[str, Any]:
        """What people asked for, the latest first: who, when, what; `before` is the last id of the page before."""
        key = None if record is None else await deps.desk.find(record)
        return {"requests": await inspect.requests(deps.ledger, key, before, limit)}

    @router.get("/events")
    async def events(record: Text = None, before: Before = None, limit: Count = 200) -> dict[str, Any]:
        """Webhook events received, newest first, without their values."""
        key = None if record is None else await deps.desk.find(record)
        return {"events": await inspect.events(deps.ledger, key, before, limit)}

    return router
