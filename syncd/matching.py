"""Looks at every record as if it took part, and at what Advoware has besides. Writes nothing anywhere.

Reads the ledger, takes back in the same transaction what rehearsing tells it, and asks both systems with
the calls that background work may use. Raises `PeerError` where a system stays away.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from mappers.spec import Side, Unmappable
from services.errors import Credentials, Outage, PeerError
from services.ports import Urgency, lane
from syncd import stock
from syncd.abreast import Progress, each
from syncd.admission import admitted_by, first_start
from syncd.context import Context
from syncd.counterpart import named_id
from syncd.foresight import writes
from syncd.ledger import pairs
from syncd.ledger.trial import trial_of
from syncd.load import read_advoware, search_trust
from syncd.match import Kind, Row, classify, in_order, spoken_for, summary, who, without_shared
from syncd.model import Found, Key, PairState, Present, Search
from syncd.patience import patiently
from syncd.rehearsal import rehearse

AT_ONCE = 200  # numbers asked for in one call


@dataclass(frozen=True)
class Report:
    """Every record and every Beteiligter found besides, in order. `searched`: how far "nobody" may be believed."""

    rows: tuple[Row, ...]
    searched: Search
    numbers: tuple[int, int] | None = None

    @property
    def summary(self) -> dict[str, dict[str, int]]:
        """Counts per kind."""
        return summary(self.rows)

    def keys(self, kind: Kind) -> list[str]:
        """The records of a kind."""
        return [row.key for row in self.rows if row.kind is kind and row.key is not None]


async def report(
    context: Context, progress: Progress, numbers: tuple[int, int] | None = None, at_a_time: int = 8
) -> Report:
    """Look at everything; `numbers` names a range of Beteiligte to be read one by one, both ends included."""
    with lane(Urgency.BACKGROUND):
        # A system that is away at the start is told at once; later it is waited for.
        trust = await search_trust(replace(context, ledger=trial_of(context.ledger)))
        context = replace(context, search_proven=trust is Search.TRUSTED)
        look = _Look(context, at_a_time)
        await look.at_records(progress)
        rows = without_shared(look.rows)
        there = await look.only_there(rows, numbers, progress)
    return Report(tuple(in_order([*rows, *there])), trust, numbers)


class _Look:
    """One report in the making."""

    def __init__(self, context: Context, at_a_time: int) -> None:
        self._context = context
        self._at_a_time = at_a_time
        self.rows: list[Row] = []
        self._seen: dict[int, Found] = {}
        self._done = 0

    async def at_records(self, progress: Progress) -> None:
        """Every record that matches the filter."""
        context, columns = self._context, _columns(self._context)
        total = await stock.size(context, context.settings.espo_filter)
        progress(0, total)
        known = await context.ledger.read(pairs.of_entity, context.entity.name)

        async def one(row: Mapping[str, Any]) -> None:
            self.rows.append(await self._record(row, known))
            self._done += 1
            progress(self._done, max(total, self._done))

        async for page in stock.pages(context, columns, context.settings.espo_filter):
            await each(page, one, self._at_a_time)

    async def _record(self, listed: Mapping[str, Any], known: Mapping[str, tuple[str, str | None]]) -> Row:
        context = self._context
        key = str(Key(context.entity.name, listed["id"]))
        state = known.get(listed["id"], ("", None))[0]
        if state in (PairState.LINKED, PairState.EXCLUDED):
            pair = await context.ledger.read(pairs.get, key) or {}
            kind = Kind.LINKED if state == PairState.LINKED else Kind.EXCLUDED
            return Row(kind, key, pair.get("advoware_id"), takes_part=kind is Kind.LINKED)
        began = await first_start(context, default=context.clock.now())
        takes_part = bool(state) or admitted_by(context.entity, listed, began) is not None
        try:
            return await patiently(context, lambda: self._rehearsed(key, takes_part))
        except (Outage, Credentials):
            raise
        except PeerError as error:
            return Row(Kind.BLOCKED, key, why=f"{error.side}: {error.reason}", takes_part=takes_part)

    async def _rehearsed(self, key: str, takes_part: bool) -> Row:
        entity, plan = self._context.entity, await rehearse(self._context, key)
        shot = plan.snapshot
        self._seen |= {row.advoware_id: row for row in plan.found}
        named = None
        if isinstance(shot.espo, Present):
            try:
                named = named_id(entity, shot.espo)
            except Unmappable:
                named = None
        row = classify(key, takes_part, shot.memory, named, plan.actions, writes(entity, shot, plan.actions))
        return replace(
            row,
            espo=who(entity, Side.ESPO, shot.espo.body) if isinstance(shot.espo, Present) else "",
            advoware=who(entity, Side.ADVOWARE, shot.advoware.body) if isinstance(shot.advoware, Present) else "",
        )

    # --- Beteiligte of no record --------------------------------------------------------------

    async def only_there(self, rows: Sequence[Row], numbers: tuple[int, int] | None, progress: Progress) -> list[Row]:
        """What the searches have shown, or a range of numbers, and no record speaks for."""
        entity = self._context.entity
        wanted = set(self._seen) | set(range(numbers[0], numbers[1] + 1) if numbers else ())
        unclaimed = sorted(wanted - spoken_for(rows))
        held = await self._held(unclaimed)
        free = [number for number in unclaimed if number not in held]
        found: list[Row] = []

        async def one(number: int) -> None:
            body = self._seen[number].body if number in self._seen else await self._read(number)
            if body is not None:
                found.append(Row(Kind.ONLY_THERE, None, number, advoware=who(entity, Side.ADVOWARE, body)))
            self._done += 1
            progress(self._done, max(len(rows) + len(free), self._done))

        await each(free, one, self._at_a_time)
        return found

    async def _read(self, number: int) -> Mapping[str, Any] | None:
        seen = await patiently(self._context, lambda: read_advoware(self._context, number))
        return seen.body if isinstance(seen, Present) else None

    async def _held(self, numbers: Sequence[int]) -> set[int]:
        """Those a pair holds, or a record of EspoCRM names that the filter leaves out."""
        context, held = self._context, set[int]()
        for start in range(0, len(numbers), AT_ONCE):
            part = numbers[start : start + AT_ONCE]
            held |= set(await context.ledger.read(pairs.holders, context.entity.name, part))
            named = [{"type": "in", "attribute": context.entity.link, "value": part}]
            async for page in stock.pages(context, ["id", context.entity.link], named):
                held |= {int(row[context.entity.link]) for row in page}
        return held


def _columns(context: Context) -> list[str]:
    return ["id", "createdAt", context.entity.link, context.entity.status.last_sync]
