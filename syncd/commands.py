"""What people may ask for, the same for API, dashboard and terminal. Parses what they type; decides nothing.

Every request is one transaction of the ledger, so that every daemon sees it. The answer names the
records to be worked on at once, for whoever wants to ring the queue.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from mappers.spec import Entity, Side
from syncd.clock import new_id
from syncd.lanes import Lane
from syncd.ledger import discard as discarding
from syncd.ledger import pairs, privacy, requests, runs, undo
from syncd.ledger.choices import NotKnown, Refusal
from syncd.ledger.privacy import Erased, StillLiving
from syncd.ledger.requests import Asked, Resolved
from syncd.ledger.store import Ledger
from syncd.ledger.undo import Change, Judged
from syncd.model import ESPO_ID, Key, Status

__all__ = ["FEW", "Asked", "Change", "Desk", "Judged", "NotKnown", "Refusal", "Resolved", "Undone"]

_NUMBER = re.compile(r"[0-9]{1,9}\Z")
EVERYTHING = "all"
AT_ONCE = 500
FEW = 20  # records a person waits for; more of them leave the calls to live edits
Request = Callable[[Any, Iterable[str], float, str | None], Asked]


@dataclass(frozen=True)
class Undone:
    """What came of taking changes back. `run` carries it out; None where all were refused, or it was only asked."""

    run: str | None
    judged: tuple[Judged, ...]

    @property
    def taken(self) -> tuple[Change, ...]:
        return tuple(one.change for one in self.judged if one.refused is None)

    @property
    def refused(self) -> tuple[Judged, ...]:
        return tuple(one for one in self.judged if one.refused is not None)

    @property
    def keys(self) -> tuple[str, ...]:
        """The records to be worked on."""
        return tuple(dict.fromkeys(change.key for change in self.taken)) if self.run is not None else ()

    def told(self) -> dict[str, Any]:
        """As JSON, without values."""
        taken = [{"change": one.id, "key": one.key, "field": one.field} for one in self.taken]
        refused = [
            {"change": one.change.id, "key": one.change.key, "field": one.change.field, "why": one.refused}
            for one in self.refused
        ]
        return {"run": self.run, "taken": taken, "refused": refused}


@dataclass(frozen=True)
class Desk:
    """Where people's requests are taken. `entities` by our name; `now` in epoch seconds.

    `who` asks: `terminal:NAME`, `page:NAME` or `api`, for the history.
    """

    ledger: Ledger
    entities: Mapping[str, Entity]
    now: Callable[[], float]
    new_id: Callable[[], str] = new_id
    who: str | None = None

    def entity(self, text: str) -> Entity:
        """The entity of this name: ours, or EspoCRM's in any case."""
        for entity in self.entities.values():
            if text in (entity.name, entity.espo_type, entity.espo_type.lower()):
                return entity
        raise NotKnown(f"no such entity; there is {', '.join(self.entities)}")

    async def find(self, text: str) -> str:
        """The ledger's key for what a person typed: an EspoCRM id, `betnr:1234`, or `entity/id`."""
        prefix, colon, number = text.strip().partition(":")
        if colon:
            return await self._by_number(prefix, number)
        name, slash, espo_id = text.strip().rpartition("/")
        if not ESPO_ID.match(espo_id):
            raise Refusal("give an EspoCRM id or a number like betnr:1234")
        if slash:
            return str(Key(self.entity(name).name, espo_id))
        keys = {str(Key(name, espo_id)): entity for name, entity in self.entities.items()}
        known = [*await self.ledger.read(pairs.get_many, list(keys))] if len(keys) > 1 else [*keys]
        # What nobody knows yet is asked for by people where it belongs to no other record: the rest comes by itself.
        meant = known or [key for key, entity in keys.items() if entity.child is None]
        if len(meant) != 1:
            raise Refusal(f"say of which entity: {', '.join(meant)}")
        return meant[0]

    async def _by_number(self, link: str, number: str) -> str:
        of_link = [entity for entity in self.entities.values() if entity.link and entity.link.lower() == link.lower()]
        if not of_link or not _NUMBER.match(number):
            raise Refusal("give an EspoCRM id or a number like betnr:1234")
        for entity in of_link:
            key = await self.ledger.read(pairs.by_advoware_id, entity.name, int(number))
            if key is not None:
                return key
        raise NotKnown(f"no record with {of_link[0].link} {number} is known")

    async def retry(self, keys: Iterable[str]) -> Asked:
        """Try records again now, as if they had never failed."""
        return await self._in_parts(requests.retry, keys)

    async def retry_status(self, status: str) -> Asked:
        """Try all records again that show this status."""
        try:
            wanted = Status(status)
        except ValueError:
            raise Refusal(f"no such status; there is {', '.join(Status)}") from None
        keys = [
            key for name in self.entities for key in await self.ledger.read(pairs.keys_with_status, name, str(wanted))
        ]
        return await self.retry(keys)

    async def _in_parts(self, request: Request, keys: Iterable[str]) -> Asked:
        """Any number of records, in transactions short enough to let others in between."""
        wanted = tuple(dict.fromkeys(keys))
        asked = Asked((), "nothing to do")
        for start in range(0, len(wanted), AT_ONCE):
            part = await self.ledger.write(request, wanted[start : start + AT_ONCE], self.now(), self.who)
            asked = Asked((*asked.keys, *part.keys), part.text)
        return asked if len(wanted) <= AT_ONCE else Asked(asked.keys, f"{len(wanted)} to be looked at")

    async def sync(self, keys: Iterable[str]) -> Asked:
        """Let records take part, and look at them now."""
        return await self._in_parts(requests.sync, keys)

    async def resolve(self, conflict_id: str, take: str, seen: str | None = None) -> Asked:
        """Carry out what a person chose; see `requests.resolve` for what may be taken."""
        return await self.ledger.write(requests.resolve, self.entities, conflict_id, take, self.now(), self.who, seen)

    async def resolve_many(self, ids: Sequence[str], take: str, seen: Mapping[str, str] | None = None) -> Resolved:
        """The same choice in many conflicts; a refusal stops none of the others. `seen` by conflict."""
        taken: dict[str, str] = {}
        refused: dict[str, str] = {}
        for start in range(0, len(ids), AT_ONCE):
            part = ids[start : start + AT_ONCE]
            done = await self.ledger.write(requests.resolve_many, self.entities, part, take, self.now(), self.who, seen)
            taken, refused = {**taken, **done.taken}, {**refused, **done.refused}
        return Resolved(taken, refused)

    async def change(self, change_id: int) -> list[Change]:
        """The change of this id, to be taken back."""
        return await self.ledger.read(undo.one, change_id)

    async def changes(self, run: str) -> list[Change]:
        """What a run, or a job, has done to each field in the end."""
        return await self.ledger.read(undo.of_run, run)

    async def judge(self, changes: Sequence[Change]) -> Undone:
        """Which of these changes could be taken back, and why the others could not."""
        return Undone(None, tuple(await self.ledger.read(undo.judge, self.entities, changes)))

    async def undo(self, changes: Sequence[Change], what: Mapping[str, Any]) -> Undone:
        """Take changes back; a refusal stops none of the others. `what` was asked for, for the list of runs."""
        first = await self.judge(changes)
        if not first.taken:
            return first
        run = self.new_id()[:12]
        await self.ledger.write(runs.start, run, undo.KIND, {**what, "who": self.who}, self.now())
        lane = Lane.LIVE if len({change.key for change in changes}) <= FEW else Lane.BACKFILL
        judged: list[Judged] = []
        for start in range(0, len(changes), AT_ONCE):
            part = {self.new_id()[:12]: change for change in changes[start : start + AT_ONCE]}
            judged += await self.ledger.write(undo.take, self.entities, part, run, lane, self.now(), self.who)
        done = Undone(run, tuple(judged))
        counts = {"asked": len(judged), "taken": len(done.taken), "refused": len(done.refused)}
        await self.ledger.write(runs.progress, run, counts)
        return done

    async def pause(self, entity: str | None = None, side: str | None = None, why: str = "by a person") -> Asked:
        """Stop writing: everything, an entity, or towards one side."""
        return await self.ledger.write(requests.pause, self._scope(entity, side), why, self.now(), self.who)

    async def resume(self, entity: str | None = None, side: str | None = None) -> Asked:
        """End such a pause."""
        return await self.ledger.write(requests.resume, self._scope(entity, side), self.now(), self.who)

    def _scope(self, entity: str | None, side: str | None) -> str:
        if entity is not None and side is not None:
            raise Refusal("pause an entity or a side, not both")
        if entity is not None:
            return f"entity:{self.entity(entity).name}"
        return EVERYTHING if side is None else f"side:{_side(side)}"

    async def allow(self, guard_id: str, right: str | None = None, seen: int | None = None) -> Asked:
        """Let exactly what a guard stopped through; after a restored backup `right` is the side to believe."""
        believed = None if right is None else _side(right)
        return await self.ledger.write(requests.allow, guard_id, believed, self.now(), self.who, seen)

    async def discard(self, guard_id: str, seen: int | None = None) -> Asked:
        """Throw away what a guard stopped; see `ledger.discard` for what that means."""
        return await self.ledger.write(
            discarding.discard, self.entities, guard_id, self.new_id, self.now(), self.who, seen
        )

    async def exclude(self, key: str) -> Asked:
        """Take a record out of the sync."""
        return await self.ledger.write(requests.exclude, key, self.now(), self.who)

    async def include(self, key: str) -> Asked:
        """Let an excluded record take part again."""
        return await self.ledger.write(requests.include, key, self.now(), self.who)

    async def erase(self, key: str) -> Erased:
        """Remove all that is stored about a record."""
        try:
            return await self.ledger.write(privacy.erase, key, self.now())
        except StillLiving as refused:
            raise Refusal(str(refused)) from None


def _side(text: str) -> Side:
    try:
        return Side(text)
    except ValueError:
        raise Refusal(f"no such side; there is {', '.join(Side)}") from None
