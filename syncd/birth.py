"""Creates the EspoCRM record of a row that only Advoware has: exactly once, whatever becomes of the answers.

The row is announced in the ledger before it is sent. A lost answer is looked up, and again after two HTTP time-outs,
before it is sent again. All else of the record is made by its own first job.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import structlog

from mappers.spec import Entity, Side
from services.errors import Denied, Duplicate, PeerError, Refused
from syncd.context import Context
from syncd.ledger import children, imports
from syncd.model import Brood, Import, Key, Memory, Snapshot, Status, Unborn
from syncd.permit import Permit
from syncd.scribe import Scribe
from syncd.status import Outcome, may_write
from syncd.titles import titled

log = structlog.get_logger()


class Births:
    """Creating what is missing among the children of one job's record."""

    def __init__(self, context: Context, scribe: Scribe, permit: Permit) -> None:
        self._context = context
        self._scribe = scribe
        self._permit = permit

    async def bear(self, shot: Snapshot, one: Unborn) -> Snapshot:
        """Create it, adopt what an earlier try has made, or leave it for later; returns what is left to do."""
        entity = self._context.kin[one.entity]
        announced = await self._context.ledger.read(imports.get, one.entity, one.id)
        if announced is not None and announced["state"] == Import.SENT:
            made = await self._made(shot.memory, entity, one)
            if made is not None:
                return await self._born(shot, one, made)
            if self._context.clock.now() < announced["sent_at"] + self._context.settings.doubt:
                return _later(shot, one)
        return await self._send(shot, entity, one, announced)

    async def _send(self, shot: Snapshot, entity: Entity, one: Unborn, over: Mapping[str, Any] | None) -> Snapshot:
        context, job = self._context, self._scribe.job()
        body, unfit = rendered(entity, shot.memory, one)
        if unfit is not None:
            return await self._refused(shot, one, unfit)
        await self._permit.check_pause(Side.ESPO)
        if not await context.ledger.write(children.announce, job, one.entity, one.id, over):
            return _later(shot, one)
        await self._permit.firm()
        try:
            # Sent within one time-out of its announcement or not at all.
            async with asyncio.timeout(max(0.0, job.now + context.settings.http_timeout - context.clock.now())):
                reply = await context.espo.create(entity.espo_type, body)
        except TimeoutError:
            return _later(shot, one)
        except (Refused, Denied, Duplicate) as error:
            await context.ledger.write(children.withdraw, job, one.entity, one.id)
            log.warning("child.refused", entity=entity.name, reason=error.reason)
            return await self._refused(shot, one, error.reason)
        except PeerError as error:
            if getattr(error, "in_doubt", False):
                return _later(shot, one)
            await context.ledger.write(children.withdraw, job, one.entity, one.id)
            raise
        return await self._born(shot, one, str(reply.body["id"]))

    async def _made(self, memory: Memory, entity: Entity, one: Unborn) -> str | None:
        """The record an earlier POST has made: of our user, under this parent, showing what was sent."""
        assert entity.child is not None
        context = self._context
        wanted: list[dict[str, Any]] = [
            {"type": "equals", "attribute": entity.child.espo, "value": memory.key.espo_id},
            {"type": "equals", "attribute": "createdById", "value": context.policy.our_espo_user},
            {"type": "equals", "attribute": entity.status.row_id, "value": one.row.get("rowId")},
        ]
        page = await context.espo.list(entity.espo_type, where=wanted, select=["id"], order_by="id", max_size=1)
        return str(page.rows[0]["id"]) if page.rows else None

    async def _born(self, shot: Snapshot, one: Unborn, espo_id: str) -> Snapshot:
        await self._context.ledger.write(children.born, self._scribe.job(), str(Key(one.entity, espo_id)), one.id)
        log.info("child.created", entity=one.entity)
        return _done(shot, one)

    async def _refused(self, shot: Snapshot, one: Unborn, why: str) -> Snapshot:
        await self._context.ledger.write(children.refused, self._scribe.job(), one.field, one.content, why)
        quarantine = {**shot.memory.quarantine, (Side.ESPO, one.field): one.content}
        return replace(shot, memory=replace(shot.memory, quarantine=quarantine))


def rendered(entity: Entity, memory: Memory, one: Unborn) -> tuple[dict[str, Any], str | None]:
    """The record as it is sent, or in a word why it cannot be."""
    assert entity.child is not None
    values, unfit = entity.for_espo(one.row)
    if unfit:
        return {}, ": ".join(next(iter(unfit.items())))
    body = {entity.child.espo: memory.key.espo_id, "name": titled(entity, Side.ADVOWARE, one.row), **values}
    if entity.link:
        body[entity.link] = one.id
    body[entity.status.row_id] = one.row.get("rowId")
    body[entity.status.status] = str(may_write(Outcome.WORKING, Status.SYNCING))
    return body, None


def _done(shot: Snapshot, one: Unborn) -> Snapshot:
    """The snapshot without this one."""
    brood = shot.memory.brood or Brood()
    rest = tuple(other for other in brood.unborn if other.id != one.id or other.entity != one.entity)
    return replace(shot, memory=replace(shot.memory, brood=replace(brood, unborn=rest)))


def _later(shot: Snapshot, one: Unborn) -> Snapshot:
    """The snapshot with the whole list left for a later job: nobody knows yet what became of this one."""
    brood = shot.memory.brood or Brood()
    return replace(shot, memory=replace(shot.memory, brood=replace(brood, unjudged=brood.unjudged | {one.entity})))


def left(memory: Memory) -> bool:
    """Whether something is left to be done about the children soon."""
    return memory.brood is not None and any(one.entity in memory.brood.unjudged for one in memory.brood.unborn)
