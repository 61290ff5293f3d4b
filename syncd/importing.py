"""Brings Beteiligte into EspoCRM that it does not have: each exactly once, whatever becomes of the answers.

A number is announced in the ledger before it is sent. A lost answer is looked up by the number, again after one
and two HTTP time-outs, before it is sent again. All else of the record is made by its first job.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Literal

from mappers.spec import Role, Side
from services.errors import Denied, Duplicate, PeerError, Refused
from services.ports import Urgency, lane
from syncd.admission import in_our_time
from syncd.commands import Refusal
from syncd.context import Context
from syncd.counterpart import contradicts, is_certain
from syncd.ledger import imports, pairs
from syncd.load import read_advoware, read_espo
from syncd.model import Absent, Import, Key, Present, Status
from syncd.patience import patiently
from syncd.status import Outcome, may_write

NAMESAKES = 20  # records of EspoCRM that are looked at as candidates
PAUSE = 1.0
MADE_SLACK = 120.0  # seconds: "made since" is judged across a request, and by clocks that are set now and then


class Fate(StrEnum):
    """What became of a number."""

    CREATED = "created"
    FOUND = "found"  # made by an earlier try whose answer was lost
    WOULD_CREATE = "would be created"
    LINKED = "already linked"
    THERE = "EspoCRM has it"
    CANDIDATE = "EspoCRM has somebody like it"
    DUPLICATE = "EspoCRM calls it a duplicate"
    ABSENT = "not in Advoware"
    UNREADABLE = "unreadable"
    NAMELESS = "no name"
    REFUSED = "refused by EspoCRM"
    BUSY = "another import is at it"


MADE = (Fate.CREATED, Fate.FOUND)
SETTLED = (*MADE, Fate.WOULD_CREATE, Fate.LINKED, Fate.THERE)  # nobody has to do anything


@dataclass(frozen=True)
class Imported:
    """One number, what became of it, the record it is or those it may be, and a word why."""

    number: int
    fate: Fate
    espo_id: str | None = None
    candidates: tuple[str, ...] = ()
    why: str = ""


@dataclass(frozen=True)
class Carrier:
    """The record of EspoCRM that carries a number. `made_at`: epoch seconds of our clock."""

    espo_id: str
    made_by: str | None
    made_at: float | None


@dataclass(frozen=True)
class Wishes:
    """How to import: part of which run, into which team, and whether a candidate or duplicate is no hindrance."""

    run: str
    team: str | None = None
    anyway: bool = False
    dry_run: bool = False


async def team_id(context: Context, named: str) -> str | None:
    """The id of the team that is named by name or id; None for none. Raises `Refusal` where there is no such team."""
    if not named:
        return None
    is_it = {"type": "or", "value": [{"type": "equals", "attribute": name, "value": named} for name in ("id", "name")]}
    try:
        page = await context.espo.list("Team", where=[is_it], select=["id"], order_by="name", max_size=2)
    except Denied:
        raise Refusal("SYNCD_IMPORT_TEAM: syncd's role in EspoCRM may not read teams; allow it to") from None
    if len(page.rows) != 1:
        word = "several teams" if page.rows else "no team"
        raise Refusal(f"SYNCD_IMPORT_TEAM: EspoCRM has {word} of this name or id; correct it")
    return str(page.rows[0]["id"])


async def import_one(context: Context, number: int, wishes: Wishes) -> Imported:
    """Bring one Beteiligter into EspoCRM, if it is not there. Raises `PeerError` where a system stays away."""
    with lane(Urgency.BACKGROUND):
        return await _Import(context, number, wishes).run()


class _Import:
    """The course of one number."""

    def __init__(self, context: Context, number: int, wishes: Wishes) -> None:
        self._context = context
        self._number = number
        self._wishes = wishes

    async def run(self) -> Imported:
        context, name = self._context, self._context.entity.name
        holder = (await context.ledger.read(pairs.holders, name, [self._number])).get(self._number)
        if holder is not None:
            return self._fate(Fate.LINKED, holder.partition("/")[2])
        announced = await context.ledger.read(imports.get, name, self._number)
        there = await self._there()
        if there is None and _in_doubt(announced) and not self._wishes.dry_run:
            there = await self._looked_up(announced)
        return await self._make(announced) if there is None else await self._met(there, announced)

    async def _make(self, announced: Mapping[str, Any] | None) -> Imported:
        """It is not in EspoCRM: read it, and create it if nothing speaks against it."""
        seen = await patiently(self._context, lambda: read_advoware(self._context, self._number))
        if isinstance(seen, Absent):
            return self._fate(Fate.ABSENT)
        if not isinstance(seen, Present):
            return self._fate(Fate.UNREADABLE, why=seen.reason)
        values, unfit = self._context.entity.for_espo(seen.body)
        if not any(values.get(one.espo) for one in self._context.entity.fields if one.role is Role.NAME):
            return self._fate(Fate.NAMELESS)
        if not self._wishes.anyway:
            alike = await patiently(self._context, lambda: candidates(self._context, seen.body))
            if alike:
                return self._fate(Fate.CANDIDATE, candidates=alike, why="--anyway creates one nevertheless")
        if self._wishes.dry_run:
            return self._fate(Fate.WOULD_CREATE)
        return await self._post(values, announced, tuple(unfit))

    async def _post(
        self, values: dict[str, Any], announced: Mapping[str, Any] | None, left_out: tuple[str, ...]
    ) -> Imported:
        """Announce it, send it once, and find out what came of it."""
        context = self._context
        for _ in range(len(values) + 1):
            now = context.clock.now()
            told = (context.entity.name, self._number, self._wishes.run, now, announced)
            if not await context.ledger.write(imports.announce, *told):
                return self._fate(Fate.BUSY, why="try again in a few minutes")
            try:
                espo_id = await self._send(values, now)
            except Duplicate as error:
                await self._withdraw()
                why = "--anyway creates one nevertheless"
                return self._fate(Fate.DUPLICATE, candidates=error.ids, why=why)
            except (Refused, Denied) as error:
                await self._withdraw()
                field = getattr(error, "field", None)
                if field not in values or field == context.entity.link:
                    return self._fate(Fate.REFUSED, why=error.reason)
                values = {name: value for name, value in values.items() if name != field}
                left_out, announced = (*left_out, str(field)), None
                continue
            except (PeerError, TimeoutError) as error:
                if isinstance(error, PeerError) and not getattr(error, "in_doubt", False):
                    await self._withdraw()
                    raise
                announced = await context.ledger.read(imports.get, context.entity.name, self._number)
                there = await self._looked_up(announced)
                if there is not None:
                    return await self._met(there, announced)
                continue
            await self._made(espo_id)
            why = f"not taken by EspoCRM: {', '.join(left_out)}" if left_out else ""
            return self._fate(Fate.CREATED, espo_id, why=why)
        return self._fate(Fate.REFUSED, why="EspoCRM takes none of its fields, or does not answer")

    async def _send(self, values: Mapping[str, Any], announced_at: float) -> str:
        """One POST, sent within one time-out of its announcement or not at all. Raises `TimeoutError` in doubt."""
        context, entity = self._context, self._context.entity
        body: dict[str, Any] = {**values, entity.link: self._number}
        if not context.settings.espo_filter:  # outside the filter nobody would ever put the status right
            body[entity.status.status] = str(may_write(Outcome.WORKING, Status.SYNCING))
        if self._wishes.team is not None:
            body["teamsIds"] = [self._wishes.team]
        left = announced_at + context.settings.http_timeout - context.clock.now()
        check: Literal["skip", "check"] = "skip" if self._wishes.anyway else "check"
        async with asyncio.timeout(max(0.0, left)):
            reply = await context.espo.create(entity.espo_type, body, duplicates=check)
        return str(reply.body["id"])

    # --- what is there, and what was sent -----------------------------------------------------

    async def _there(self) -> Carrier | None:
        """The record of EspoCRM that carries the number, whoever made it."""
        context, entity = self._context, self._context.entity
        wanted = [{"type": "equals", "attribute": entity.link, "value": self._number}]
        page = await patiently(
            context, lambda: context.espo.list(entity.espo_type, where=wanted, select=["id", "createdAt"], max_size=1)
        )
        if not page.rows:
            return None
        row = page.rows[0]
        made_at = in_our_time(row.get("createdAt"), page.date, context.clock.now())
        return Carrier(row["id"], row.get("createdById"), made_at)

    async def _met(self, there: Carrier, announced: Mapping[str, Any] | None) -> Imported:
        """A record carries the number: ours, whose answer was lost, or somebody's."""
        if announced is None or not _in_doubt(announced) or self._wishes.dry_run:
            return self._fate(Fate.THERE, there.espo_id)
        ours = there.made_by == self._context.policy.our_espo_user
        if ours and there.made_at is not None and there.made_at >= announced["sent_at"] - MADE_SLACK:
            await self._made(there.espo_id)
            return self._fate(Fate.FOUND, there.espo_id)
        await self._withdraw()
        return self._fate(Fate.THERE, there.espo_id)

    async def _looked_up(self, announced: Mapping[str, Any] | None) -> Carrier | None:
        """What came of a POST without an answer: looked for after one and two time-outs, then it is certain."""
        clock, settings = self._context.clock, self._context.settings
        sent_at = (announced or {}).get("sent_at") or clock.now()
        for wait in (settings.http_timeout, settings.doubt):
            found = await self._there()
            if found is not None:
                return found
            await clock.sleep(max(0.0, sent_at + wait + PAUSE - clock.now()))
        return await self._there()

    async def _withdraw(self) -> None:
        await self._context.ledger.write(imports.withdraw, self._context.entity.name, self._number)

    async def _made(self, espo_id: str) -> None:
        key = str(Key(self._context.entity.name, espo_id))
        now = self._context.clock.now()
        await self._context.ledger.write(imports.made, key, self._number, self._wishes.run, now)

    def _fate(self, fate: Fate, espo_id: str | None = None, candidates: Iterable[str] = (), why: str = "") -> Imported:
        return Imported(self._number, fate, espo_id, tuple(candidates), why)


def _in_doubt(announced: Mapping[str, Any] | None) -> bool:
    return announced is not None and announced["state"] == Import.SENT


async def candidates(context: Context, body: Mapping[str, Any]) -> tuple[str, ...]:
    """Records without a number that are, or may be, this person: the same name, and nothing that contradicts."""
    entity = context.entity
    wanted = entity.person(Side.ADVOWARE, body)
    [name] = [field for field in entity.fields if field.role is Role.NAME]
    where: list[dict[str, Any]] = [
        {"type": "equals", "attribute": name.espo, "value": name.parse(Side.ADVOWARE, body)},
        {"type": "isNull", "attribute": entity.link},
    ]
    page = await context.espo.list(entity.espo_type, where=where, select=["id"], order_by="id", max_size=NAMESAKES)
    found = []
    for row in page.rows:
        seen = await read_espo(context, row["id"])
        if isinstance(seen, Present):
            person = entity.person(Side.ESPO, seen.body)
            if is_certain(person, wanted) or not contradicts(person, wanted):
                found.append(row["id"])
    return tuple(found)
