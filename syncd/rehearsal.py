"""What would be done with a record now: reads both sides, plans, and leaves no trace.

Everything the ledger would be told is told and taken back in the same transaction.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from mappers.spec import Entity, Side, Unmappable
from syncd.context import Context
from syncd.family import beside, bound
from syncd.foresight import foreseen
from syncd.job import Job
from syncd.ledger import pairs
from syncd.ledger.trial import trial_of
from syncd.listed import Listed, listed
from syncd.load import load, read_advoware, read_espo
from syncd.model import (
    Absent,
    Action,
    AdvowareSeen,
    Dispute,
    EspoSeen,
    Found,
    Hold,
    Key,
    Memory,
    Present,
    Settle,
    Snapshot,
    Status,
    Unknown,
    Unlinked,
)
from syncd.neighbours import informed
from syncd.plan import plan
from syncd.telling import told

FAR = 1e11  # epoch seconds: later than any claim ends


@dataclass(frozen=True)
class Rehearsed:
    """A plan and what it was made of. `busy`: a job works on the record; `takes_part`: without being asked to.

    `found` are the rows of Advoware among which the counterpart was looked for.
    """

    key: str
    takes_part: bool
    busy: bool
    snapshot: Snapshot
    actions: tuple[Action, ...]
    found: tuple[Found, ...] = ()

    @property
    def entity(self) -> str:
        """Our name of its kind."""
        return self.key.partition("/")[0]

    @property
    def waits_for_person(self) -> bool:
        """Whether the plan ends in something only a person can settle."""
        settled = [action.status for action in self.actions if isinstance(action, Settle)]
        return Status.CONFLICT in settled or any(isinstance(action, Hold | Dispute) for action in self.actions)

    def entries(self, entity: Entity) -> tuple[Listed, ...]:
        """The entries of child lists, as the plan has seen them."""
        return listed(entity, self.snapshot.memory, _body(self.snapshot.espo), _body(self.snapshot.advoware))


async def rehearse(context: Context, key: str) -> Rehearsed:
    """Plan a record without doing anything; one that does not take part is planned as if it did. Raises `PeerError`."""
    row = await context.ledger.read(pairs.get, key) or {}
    context, parent = await beside(context, key)
    trial = replace(context, ledger=trial_of(context.ledger))
    taken = await trial.ledger.write(pairs.claim, key, context.owner, FAR, FAR, None, parent)
    assert taken is not None, "no claim lasts that long"
    memory = replace(Job(trial, taken, context.clock.monotonic()).snapshot.memory, admitted=True)
    snapshot = await informed(trial, await load(trial, memory, taken.row))
    actions = plan(trial.entity, snapshot.memory, snapshot.espo, snapshot.advoware, trial.policy)
    found = snapshot.advoware.found if isinstance(snapshot.advoware, Unlinked) else ()
    snapshot, actions = await foreseen(trial, snapshot, actions)
    busy = (row.get("claimed_until") or 0.0) > context.clock.now()
    return Rehearsed(key, row.get("admitted_by") is not None, busy, snapshot, actions, found)


def document(entity: Entity, one: Rehearsed, language: str) -> dict[str, Any]:
    """A plan as JSON: what would be done, in words where there are some, and the entries of child lists."""
    return {
        "key": one.key,
        "takes_part": one.takes_part,
        "busy": one.busy,
        "waits_for_person": one.waits_for_person,
        "actions": told(entity, one.actions, language),
        "entries": one.entries(entity),
    }


@dataclass(frozen=True)
class BothSides:
    """What both sides show now: the mapped fields by side, or in a word why not, and the entries of child lists."""

    fields: Mapping[str, Mapping[str, Any] | str]
    entries: tuple[Listed, ...]


async def both_sides(context: Context, key: str, advoware_id: int | None) -> BothSides:
    """Read both sides and lay them out for people. Raises `PeerError`."""
    context, _ = await bound(context, key)
    espo: EspoSeen = await read_espo(context, key.partition("/")[2])
    advoware: AdvowareSeen | None = None if advoware_id is None else await read_advoware(context, advoware_id)
    row = await context.ledger.read(pairs.get, key)
    memory = Memory(Key.parse(key)) if row is None else await context.ledger.read(pairs.remember, row)
    fields = {
        str(Side.ESPO): _shown(context, Side.ESPO, espo),
        str(Side.ADVOWARE): _shown(context, Side.ADVOWARE, advoware),
    }
    return BothSides(fields, listed(context.entity, memory, _body(espo), _body(advoware)))


def _body(seen: EspoSeen | AdvowareSeen | None) -> Mapping[str, Any] | None:
    return seen.body if isinstance(seen, Present) else None


def _shown(context: Context, side: Side, seen: EspoSeen | AdvowareSeen | None) -> Mapping[str, Any] | str:
    match seen:
        case Present():
            return {field.name: _canonical(context, side, seen, field.name) for field in context.entity.fields}
        case Absent():
            return "no such record"
        case Unknown():
            return f"no believable answer ({seen.reason})"
        case _:
            return "not linked"


def _canonical(context: Context, side: Side, seen: Present, name: str) -> str | None:
    field = context.entity.field(name)
    try:
        return field.parse(side, seen.body)
    except Unmappable as error:
        return f"[unmappable: {error}] {field.raw(side, seen.body)}"
