"""What both sides show of a record now, each by itself: one that does not answer hides nothing of the other.

Reads both systems, writes nothing and plans nothing.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from mappers.spec import Canonical, Entity, Raw, Side, Unmappable
from services.errors import PeerError
from syncd.context import Context
from syncd.family import bound
from syncd.ledger import pairs
from syncd.listed import Listed, listed
from syncd.load import read_advoware, read_espo
from syncd.model import Absent, Key, Memory, Present, Unknown

PATIENCE = 20.0  # seconds a person waits for one system


class Answer(StrEnum):
    """What became of asking a side."""

    SHOWN = "shown"
    ABSENT = "absent"  # it has no such record
    UNLINKED = "unlinked"  # there is nothing to ask for
    SILENT = "silent"  # no answer, or none to be believed


@dataclass(frozen=True, slots=True)
class Shown:
    """One side. `fields` canonical by name, those it cannot mean anything by as the raw text and in `unreadable`."""

    answer: Answer
    reason: str = ""
    fields: Mapping[str, Canonical] = field(default_factory=dict)
    unreadable: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Sides:
    """Both sides; `entries` of the child lists, None where a side is silent and they cannot be laid side by side."""

    espocrm: Shown
    advoware: Shown
    entries: tuple[Listed, ...] | None

    def of(self, side: Side) -> Shown:
        """What this side shows."""
        return self.espocrm if side is Side.ESPO else self.advoware


async def look(context: Context, key: str) -> Sides:
    """Ask both systems at once for a record."""
    row = await context.ledger.read(pairs.get, key)
    memory = Memory(Key.parse(key)) if row is None else await context.ledger.read(pairs.remember, row)
    number = None if row is None else row["advoware_id"]
    context, _ = await bound(context, key)
    espo, advoware = await asyncio.gather(
        _asked(read_espo(context, key.partition("/")[2])),
        _unlinked() if number is None else _asked(read_advoware(context, number)),
    )
    shown = [_shown(context.entity, side, seen) for side, seen in ((Side.ESPO, espo), (Side.ADVOWARE, advoware))]
    entries = listed(context.entity, memory, _body(espo), _body(advoware))
    silent = any(one.answer is Answer.SILENT for one in shown)
    return Sides(shown[0], shown[1], None if silent else entries)


async def _unlinked() -> None:
    """Nothing to ask for."""


async def _asked(reading: Awaitable[object]) -> object:
    """What a side says, or `Unknown` where it says nothing."""
    try:
        async with asyncio.timeout(PATIENCE):
            return await reading
    except PeerError as error:
        return Unknown(error.reason)
    except TimeoutError:
        return Unknown(f"no answer within {PATIENCE:.0f} s")


def _body(seen: object) -> Mapping[str, Raw] | None:
    return seen.body if isinstance(seen, Present) else None


def _shown(entity: Entity, side: Side, seen: object) -> Shown:
    match seen:
        case Present():
            return _fields(entity, side, seen.body)
        case Absent():
            return Shown(Answer.ABSENT)
        case Unknown():
            return Shown(Answer.SILENT, seen.reason)
        case _:
            return Shown(Answer.UNLINKED)


def _fields(entity: Entity, side: Side, body: Mapping[str, Raw]) -> Shown:
    fields: dict[str, Canonical] = {}
    unreadable: dict[str, str] = {}
    for mapped in entity.fields:
        try:
            fields[mapped.name] = mapped.parse(side, body)
        except Unmappable as error:
            fields[mapped.name], unreadable[mapped.name] = str(mapped.raw(side, body)), str(error)
    return Shown(Answer.SHOWN, "", fields, unreadable)
